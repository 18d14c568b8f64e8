"""Who visits the knowledge pages, and shorthands for what they do."""

import re

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, give_role
from knowledge import ingest
from knowledge.models import Collection, Document, DocumentStatus, Visibility
from tests.knowledge.factories import make_collection

LIST = "/knowledge/"
NOBODYS = "00000000-0000-4000-8000-000000000000"


def person(name: str, role: str = "") -> User:
    user = User.objects.create_user(name, password="x", email=f"{name}@example.org")
    if role:
        give_role(user, role)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(db: None) -> Client:
    """A knowledge administrator."""
    return signed_in(person("alice", KNOWLEDGE_ADMINISTRATORS))


@pytest.fixture
def bob(db: None) -> Client:
    """Somebody who is signed in and manages nothing."""
    return signed_in(person("bob"))


@pytest.fixture
def private(own_stores: object, db: None) -> Collection:
    """A collection nobody but administrators may read."""
    return make_collection("private", Visibility.GROUPS)


def text_of(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, response.status_code
    return response.content.decode()


def queue_one(collection: Collection, name: str = "notes.txt", text: str = "Some words.") -> Document:
    return ingest.add_document(collection, name, ContentFile(text.encode()), owner=None)


def fail(document: Document, code: str = "encrypted") -> Document:
    document.status, document.error_code = DocumentStatus.FAILED, code
    document.error_message = "This file is protected by a password."
    document.save()
    return document


def without_what_varies(content: bytes) -> str:
    """The page without ids and tokens."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9]{64}", "", content.decode())
