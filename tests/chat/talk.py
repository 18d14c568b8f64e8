"""What the chat's tests share: an assistant with documents, visitors, and a worker to run at will."""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

from django.core.files.base import ContentFile

from accounts.models import User
from chat import streams, turns
from chat.models import Assistant, Message
from chat.visitors import Visitor
from jobs import worker
from knowledge import ingest
from knowledge.models import Collection, Visibility

RETURNS = """# Returns

## How long you have

You may return a kettle within 30 days of delivery. The box must be complete.

## Who pays

We pay for the parcel when the kettle is broken. Otherwise the parcel costs 4.90 euros.
"""


def make_collection(
    slug: str = "handbook", *, visibility: str = Visibility.EVERYONE, text: str = RETURNS
) -> Collection:
    """Add a collection with one document that is ready."""
    collection = ingest.create_collection(slug.title(), slug=slug, visibility=visibility)
    document = ingest.add_document(
        collection, f"{slug}.md", ContentFile(text.encode()), owner=None, queue=False
    )
    assert ingest.ingest_now(document).status == "ready", document.error_message
    return collection


def make_assistant(slug: str = "support", *collections: Collection, is_public: bool = True) -> Assistant:
    """Add an assistant that answers from the collections."""
    assistant = Assistant.objects.create(
        slug=slug, name=slug.title(), is_public=is_public, refusal={"en": "I found nothing about this."}
    )
    assistant.collections.set(collections)
    return assistant


def make_user(name: str) -> Visitor:
    """Add a person and return who they are to the chat."""
    return Visitor(user_id=User.objects.create_user(name, f"{name}@shop.example", "x").pk)


def guest() -> Visitor:
    """Return a guest nobody knows."""
    return Visitor(guest_key=uuid4().hex)


def ask(visitor: Visitor, text: str, assistant: str = "support", **more: object) -> Message:
    """Ask, run the worker, and return the reply as stored."""
    accepted = turns.start_turn(visitor, text, uuid4().hex, assistant_slug=assistant, **more)  # type: ignore[arg-type]
    worker.work("inference")
    return Message.objects.get(pk=accepted.reply.pk)


def events_of(reply: Message, after: int = 0) -> list[Mapping[str, object]]:
    """Return what a reader of a reply is sent."""

    async def read() -> list[Mapping[str, object]]:
        return [event async for event in streams.follow(reply, after)]

    return asyncio.run(read())


def joined(events: list[Mapping[str, object]]) -> str:
    """Return the deltas of events as one text."""
    return "".join(str(event["text"]) for event in events if event["type"] == "reply.delta")
