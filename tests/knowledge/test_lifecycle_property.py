"""Any order of what people do to a collection, with deaths in between, leaves the stores in agreement.

A machine of states (hypothesis) adds, replaces, edits, switches, publishes, rolls back and deletes; any of
these may die before its n-th statement, as SIGKILL would end it. Then a new process takes over. After every
step the stores agree, and what a visitor finds is exactly what this file's own bookkeeping expects.
`LIFECYCLE_EXAMPLES=200` runs it for long.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from knowledge import ingest, reconcile, removal, versions
from knowledge.editing import edit_chunk, switch_chunk
from knowledge.errors import KnowledgeError
from knowledge.mending import mend
from knowledge.models import Chunk, ChunkState, Collection, Document, Release, Visibility
from knowledge.releases import publishing
from knowledge.retrieval import search
from knowledge.scope import DRAFT, LIVE
from tests.knowledge.test_ingest_interrupted import dies, restart

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
GUEST = AnonymousUser()
DEATH = st.one_of(st.none(), st.integers(0, 60))


@dataclass
class Known:
    """What a person would say is in a collection."""

    releases: dict[int, set[str]] = field(default_factory=dict)
    words: int = 0

    def new_word(self) -> str:
        self.words += 1
        return f"zq{self.words:03d}x"


def draft() -> set[str]:
    """What the draft says, from the rows alone."""
    said: set[str] = set()
    for document in Document.objects.exclude(is_disabled=True).exclude(status="deleting"):
        rows = Chunk.objects.filter(document=document, version=document.version, state=ChunkState.LIVE)
        said.update(rows.values_list("text", flat=True))
    return said


class Lifecycle(RuleBasedStateMachine):
    """A collection in the hands of people and of power cuts."""

    documents = Bundle("documents")

    def __init__(self) -> None:
        super().__init__()
        for collection in Collection.objects.all():
            ingest.delete_collection(collection)
        self.collection = Collection.objects.create(slug="any", name="Any", visibility=Visibility.EVERYONE)
        self.known = Known()

    def attempt(self, act: Callable[[], object], death: int | None) -> bool:
        """Do it, or die doing it; then a new process takes over. True when it was done."""
        died = False
        try:
            if death is None:
                act()
            else:
                died = dies(act, death)
        except KnowledgeError:
            died = True  # refused: as good as not done
        restart()
        for difference in reconcile.compare(file_settles_s=0):
            assert mend(difference), difference
        self.collection.refresh_from_db()
        return not died

    def file(self, word: str) -> "ContentFile[bytes]":
        return ContentFile(
            f"# {word}\n\nAbout {word} all is said.\n\n# Same\n\nAlways so {word[:2]}.\n".encode()
        )

    @rule(target=documents, death=DEATH)
    def add(self, death: int | None) -> str:
        word = self.known.new_word()
        self.attempt(
            lambda: ingest.add_document(self.collection, f"{word}.md", self.file(word), owner=None), death
        )
        return f"{word}.md"

    def one(self, name: str) -> Document | None:
        return Document.objects.select_related("collection").filter(name=name).first()

    @rule(target=documents, name=consumes(documents), death=DEATH)
    def replace(self, name: str, death: int | None) -> str:
        document = self.one(name)
        if document is None:
            return name
        word = self.known.new_word()
        self.attempt(lambda: versions.replace_document(document, f"{word}.md", self.file(word)), death)
        return str(Document.objects.get(pk=document.pk).name)

    @rule(name=documents, death=DEATH)
    def read_again(self, name: str, death: int | None) -> None:
        if document := self.one(name):
            self.attempt(lambda: ingest.process_again(document), death)

    @rule(name=documents, death=DEATH, is_on=st.booleans())
    def enable(self, name: str, death: int | None, is_on: bool) -> None:
        if document := self.one(name):
            self.attempt(lambda: versions.enable_document(document, is_on=is_on), death)

    @rule(name=documents, death=DEATH, what=st.sampled_from(["edit", "off", "on"]))
    def change_chunk(self, name: str, death: int | None, what: str) -> None:
        document = self.one(name)
        chunks = document.chunks.exclude(state=ChunkState.REPLACED) if document else Chunk.objects.none()
        if chunk := chunks.order_by("-pk").first():
            word = self.known.new_word()
            self.attempt(
                lambda: (
                    edit_chunk(chunk, f"Edited: {word}.")
                    if what == "edit"
                    else switch_chunk(chunk, is_on=what == "on")
                ),
                death,
            )

    @rule(death=DEATH)
    def publish(self, death: int | None) -> None:
        said = draft()
        if self.attempt(lambda: publishing.publish(self.collection, by=None), death):
            self.known.releases[self.collection.release_id or 0] = said
        elif self.collection.release_id and self.collection.release_id not in self.known.releases:
            self.known.releases[self.collection.release_id] = said  # it died after the last important step

    @rule(which=st.integers(0, 9))
    def roll_back(self, which: int) -> None:
        releases = list(Release.objects.filter(collection=self.collection))
        if releases:
            release = releases[which % len(releases)]
            self.attempt(lambda: publishing.roll_back(self.collection, release), None)
            self.known.releases.setdefault(release.pk, set())

    @rule()
    def stop_releases(self) -> None:
        publishing.stop_releases(self.collection)

    @rule(name=consumes(documents), death=DEATH)
    def delete(self, name: str, death: int | None) -> None:
        document = self.one(name)
        if document is None:
            return
        texts = set(document.chunks.values_list("text", flat=True))
        self.attempt(lambda: removal.delete_document(document), death)
        if not Document.objects.filter(pk=document.pk).exists():
            kept = set(Chunk.objects.values_list("text", flat=True))
            for said in self.known.releases.values():
                said -= texts - kept

    @invariant()
    def stores_agree(self) -> None:
        assert reconcile.compare(file_settles_s=0) == []

    @invariant()
    def visitors_find_what_is_published_and_nothing_else(self) -> None:
        now = draft()
        published = self.known.releases.get(self.collection.release_id or 0, now)
        for number in range(max(1, self.known.words - 5), self.known.words + 1):
            word = f"zq{number:03d}x"
            for scope, expected in ((LIVE, published), (DRAFT, now)):
                result = search(f"What about {word}?", user=GUEST, top_k=10, scope=scope)
                found = {passage.text for passage in result.passages}
                assert found <= expected
                assert {text for text in expected if word in text} <= found


def test_any_order_of_actions_and_deaths_leaves_the_stores_in_agreement() -> None:
    run_state_machine_as_test(
        Lifecycle,
        settings=settings(
            max_examples=int(os.environ.get("LIFECYCLE_EXAMPLES", "12")),
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
