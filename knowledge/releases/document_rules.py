"""The gate's rules about the documents that changed; they need no golden questions."""

from collections.abc import Callable, Sequence
from typing import Final

from knowledge.models import Chunk, Collection
from knowledge.releases.changes import Change, ChangeKind
from knowledge.releases.findings import Check, Finding, judged, skipped
from knowledge.releases.legibility import Vocabulary, build_vocabulary, find_illegible
from knowledge.releases.losses import all_sentences, find_losses
from knowledge.releases.pairs import Pair
from knowledge.releases.probes import find_lost_probes
from knowledge.releases.shapes import find_misshapen, usual_sizes
from knowledge.releases.soundness import find_vector_faults, find_word_faults
from knowledge.scope import DRAFT, chunks_answering, of

SAMPLE: Final = 2_000  # chunks the collection's vocabulary is learnt from
GONE: Final = 0.25  # share of the documents that may be switched off at once
FEWEST_GONE: Final = 3


def judge_documents(
    collection: Collection, changed: Sequence[Change], pairs: Sequence[Pair], step: Callable[[], None]
) -> list[Check]:
    """Apply every rule. step: called as it goes on, may raise to stop.

    Raises: IndexUnavailable, EmbeddingFailed.
    """
    checks = [_has_text(changed), _still_there(collection, changed)]
    step()
    standing = all_sentences(pairs)
    checks.append(judged("text_kept", _all(pairs, lambda one: find_losses(one, standing))))
    step()
    texts = _texts(collection, pairs)
    vocabulary = build_vocabulary({pk: "\n".join(group) for pk, group in texts.items()})
    checks.append(judged("legible", _illegible(pairs, vocabulary)))
    step()
    usual = usual_sizes([text for group in texts.values() for text in group])
    checks.append(judged("chunking", _all(pairs, lambda one: find_misshapen(one, usual))))
    step()
    checks.append(judged("vectors", find_vector_faults(collection, pairs, step)))
    step()
    checks.append(judged("words", find_word_faults(collection, pairs)))
    found, asked = find_lost_probes(collection, step)
    checks.append(judged("probes", found, asked=asked) if asked else skipped("probes"))
    return checks


def _all(pairs: Sequence[Pair], find: Callable[[Pair], list[Finding]]) -> list[Finding]:
    return [finding for pair in pairs for finding in find(pair)]


def _illegible(pairs: Sequence[Pair], vocabulary: Vocabulary) -> list[Finding]:
    return _all(pairs, lambda one: find_illegible(one, vocabulary))


def _has_text(changed: Sequence[Change]) -> Check:
    """Every new or changed document was read."""
    findings = [
        Finding("no_text" if row.document.error_code == "no_text" else "not_read", str(row.document.pk),
                str(row.document))
        for row in changed
        if row.kind is ChangeKind.FAILED
    ]  # fmt: skip
    return judged("has_text", findings)


def _still_there(collection: Collection, changed: Sequence[Change]) -> Check:
    """A good part of the documents did not vanish at once."""
    release = collection.release
    if release is None:
        return skipped("still_there")
    off = sum(row.kind is ChangeKind.OFF for row in changed)
    is_much = off >= FEWEST_GONE and off > GONE * release.document_count
    findings = (
        [Finding("many_off", params={"documents": off, "of": release.document_count})] if is_much else []
    )
    return judged("still_there", findings)


def _texts(collection: Collection, pairs: Sequence[Pair]) -> dict[str, list[str]]:
    """Sample the published chunks' texts, by document; of a first release, the draft's but the doubtful."""
    scope = of(collection.release) if collection.release else DRAFT
    rows: dict[str, list[str]] = {}
    chunks: list[Chunk] = list(chunks_answering([collection], scope).order_by("sha256")[:SAMPLE])
    for chunk in chunks:
        rows.setdefault(str(chunk.document_id), []).append(chunk.text)
    return rows
