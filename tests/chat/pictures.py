"""Pictures for tests, made here: of any size, format and colour, and the browsers that send them."""

import io
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.models import User
from chat.models import Attachment
from chat.visitors import GUEST_SESSION_KEY, Visitor

ADDRESS = "/chat/attachments/"


def picture(
    width: int = 40, height: int = 30, colour: Any = "red", kind: str = "PNG", mode: str = "RGB", **more: Any
) -> bytes:
    """Return a picture of one colour as a file."""
    return encoded(Image.new(mode, (width, height), colour), kind, **more)


def encoded(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """Return an image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """Open what the site made, decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def browser_of(visitor: Visitor) -> Client:
    """Return the browser of a person or a guest."""
    client = Client()
    if visitor.user_id is None:
        session = client.session
        session[GUEST_SESSION_KEY] = visitor.guest_key
        session.save()
    else:
        client.force_login(account(visitor), backend="django.contrib.auth.backends.ModelBackend")
    return client


@dataclass(frozen=True)
class Answer:
    """What the site said to an upload."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.body["code"])


def upload(client: Client, data: bytes | None = None, name: str = "photo.png") -> Answer:
    """Upload a file as the page does."""
    file = SimpleUploadedFile(name, picture() if data is None else data)
    answer = client.post(ADDRESS, {"file": file})
    is_json = answer["Content-Type"] == "application/json"
    return Answer(answer.status_code, json.loads(answer.content) if is_json else {})


def account(visitor: Visitor) -> User:
    """Return the person a signed-in visitor is."""
    assert visitor.user_id is not None
    return User.objects.get(pk=visitor.user_id)


def uploaded(visitor: Visitor, data: bytes | None = None, name: str = "photo.png") -> Attachment:
    """Upload a picture and return its row."""
    answer = upload(browser_of(visitor), data, name)
    assert answer.status == 201, answer.body
    return Attachment.objects.get(pk=UUID(answer.body["id"]))
