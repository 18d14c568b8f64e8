"""Demo content, idempotent: people, collections, documents, golden questions, assistants.

What is there is left as it is.
"""

import json
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, SUPPORT_STAFF, give_role
from chat.models import Assistant
from knowledge import ingest
from knowledge.errors import Duplicate
from knowledge.models import Collection, Document, Expectation, GoldenQuestion

DEMO = Path(__file__).resolve().parent / "demo"

# user name → role; the administrator is a superuser as well
PEOPLE = {"admin": KNOWLEDGE_ADMINISTRATORS, "staff": SUPPORT_STAFF, "student": "", "customer": ""}


@dataclass
class Seeded:
    """What a run added. password: of the new people, empty when there were none."""

    people: list[str] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    password: str = ""


def seed() -> Seeded:
    """Add what is missing; documents are queued for reading."""
    seeded = Seeded()
    content = json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))
    _add_people(seeded)
    admin = User.objects.get(username="admin")
    for item in content["collections"]:
        collection = _collection(item)
        for path in sorted((DEMO / item["folder"]).glob("*/*.md")):
            _add_document(collection, path, admin, seeded)
    for item in content["assistants"]:
        _add_assistant(item)
    _add_golden_questions(admin)
    return seeded


def _add_people(seeded: Seeded) -> None:
    password = settings.SEED_PASSWORD or secrets.token_urlsafe(9)
    for name, role in PEOPLE.items():
        with transaction.atomic():
            if User.objects.filter(username=name).exists():
                continue
            is_admin = name == "admin"
            user = User.objects.create_user(
                name, f"{name}@shop.example", password, is_staff=is_admin, is_superuser=is_admin
            )
            if role:
                give_role(user, role)
            seeded.people.append(name)
    if seeded.people:
        seeded.password = password


def _collection(item: dict[str, str]) -> Collection:
    found = Collection.objects.filter(slug=item["slug"]).first()
    return found or ingest.create_collection(
        item["name"], slug=item["slug"], description=item["description"], visibility=item["visibility"]
    )


def _add_document(collection: Collection, path: Path, owner: User, seeded: Seeded) -> None:
    name = f"{path.stem}.{path.parent.name}.md"
    if collection.documents.filter(name=name).exists():
        return
    try:
        with path.open("rb") as file:
            seeded.documents.append(ingest.add_document(collection, name, File(file), owner=owner))
    except Duplicate:
        return  # somebody has uploaded the same file under another name


def _add_assistant(item: dict[str, object]) -> None:
    values = dict(item)
    slugs = values.pop("collections")
    assert isinstance(slugs, list)
    with transaction.atomic():
        assistant, is_new = Assistant.objects.get_or_create(slug=values.pop("slug"), defaults=values)
        if is_new:
            assistant.collections.set(Collection.objects.filter(slug__in=slugs))


def _add_golden_questions(author: User) -> None:
    """Give the demo collections what must be found in them, and what must be refused, in every language."""
    empty = {
        assistant.slug: collection
        for assistant in Assistant.objects.prefetch_related("collections")
        for collection in assistant.collections.all()
        if not collection.golden_questions.exists()
    }
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["assistant"] in empty]
    GoldenQuestion.objects.bulk_create(
        GoldenQuestion(
            collection=empty[row["assistant"]],
            text=row["question"],
            language=row["lang"],
            expectation=Expectation.REFUSE if row["unanswerable"] else Expectation.FIND,
            document=_asked_for(empty[row["assistant"]], row["document"]),
            quote="".join(row["answers"][:1]),
            meaning=uuid.uuid5(uuid.NAMESPACE_URL, row["id"].rpartition("-")[0]),
            created_by=author,
        )
        for row in rows
    )


def _asked_for(collection: Collection, path: str | None) -> Document | None:
    """Find the document that a demo file became."""
    if not path:
        return None
    _folder, language, name = path.split("/")
    return collection.documents.filter(name=f"{Path(name).stem}.{language}.md").first()
