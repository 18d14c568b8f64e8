"""A shop's collection, its files, its golden questions, and what people do to them."""

from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile

from knowledge import ingest, versions
from knowledge.models import Collection, Document, Expectation, GoldenQuestion, GoldenRun, Visibility
from knowledge.releases import publishing, trial
from knowledge.releases.findings import Outcome, from_json

GUEST: Final = AnonymousUser()
RETURNS: Final = """# Returns

## Kettles

A kettle can be returned within thirty days of delivery. Keep the box and the receipt, and write to the
service desk before you send it, so that the parcel is expected there.

## Lamps

Lamps with a broken bulb are replaced free of charge during the first year. Send a photograph of the bulb and
of the label under the lamp foot.
"""
DELIVERY: Final = """# Delivery

## Islands

Parcels to the islands travel by ferry on Tuesdays and Fridays. In a storm the ferry waits in the harbour, and
the parcel arrives with the next one.

## Bicycles

In the old town our drivers deliver by bicycle before noon. Heavy boxes come by van after the market closes.
"""
HEBREW: Final = """# אחריות

## קומקומים

האחריות על קומקום חשמלי היא שנתיים מיום הקנייה. יש לשמור את החשבונית ולהציג אותה במוקד השירות בחיפה.

## מנורות

נורה שבורה במנורה מוחלפת בלי תשלום בשנה הראשונה. שלחו תמונה של הנורה ושל התווית שמתחת לבסיס המנורה.
"""
PAGE: Final = "/knowledge/shop/release/"
GOLDEN: Final = "/knowledge/shop/golden/"
QUESTION: Final = "How long can a kettle be returned?"
HEBREW_QUESTION: Final = "כמה זמן יש אחריות על קומקום חשמלי?"


def make_shop(*texts: str, slug: str = "shop") -> Collection:
    """Create a collection of these files, read."""
    collection = Collection.objects.create(slug=slug, name=slug.title(), visibility=Visibility.EVERYONE)
    for number, text in enumerate(texts):
        add(collection, f"file{number}.md", text)
    return collection


def add(collection: Collection, name: str, text: str) -> Document:
    """Add a file and read it."""
    file = ContentFile(text.encode())
    return ingest.ingest_now(ingest.add_document(collection, name, file, owner=None, queue=False))


def replace(document: Document, content: str | bytes, name: str = "newer.md") -> Document:
    """Give a document a newer file and read it."""
    file = ContentFile(content.encode() if isinstance(content, str) else content)
    versions.replace_document(document, name, file, queue=False)
    return ingest.ingest_now(document)


def must_find(document: Document, text: str, quote: str = "") -> GoldenQuestion:
    """Write a golden question that must find a document."""
    return GoldenQuestion.objects.create(
        collection=document.collection, text=text, document=document, quote=quote, language="en"
    )


def must_refuse(collection: Collection, text: str) -> GoldenQuestion:
    """Write a golden question that must be refused."""
    return GoldenQuestion.objects.create(
        collection=collection, text=text, expectation=Expectation.REFUSE, language="en"
    )


def publish(collection: Collection) -> Collection:
    """Publish without asking the gate, and return the collection anew."""
    publishing.publish(collection, by=None)
    return Collection.objects.select_related("release").get(pk=collection.pk)


def try_draft(collection: Collection) -> GoldenRun:
    """Try the draft here and now."""
    return trial.try_now(Collection.objects.select_related("release").get(pk=collection.pk))


def reasons(run: GoldenRun) -> list[str]:
    """Codes of what holds the draft."""
    held = [check for check in from_json(run.checks) if check.outcome is Outcome.HELD]
    return sorted({finding.code for check in held for finding in check.findings})
