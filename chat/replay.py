"""What a reply's log adds up to: the text, its pieces and its sources as a reader has them by now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from chat import events
from chat.events import BlockItem, SourceItem
from jobs.event_log import Entry


@dataclass
class Written:
    """A reply in the middle of being written. is_whole: whether the entries told all of it."""

    text: str = ""
    seq: int = 0
    sources: list[SourceItem] = field(default_factory=list)
    blocks: list[BlockItem] = field(default_factory=list)
    is_whole: bool = True


def written(entries: Sequence[Entry]) -> Written:
    """Add up the entries of a log, from its first or from the last snapshot in it."""
    so_far = Written(is_whole=not entries or entries[0].index == 1)
    for entry in entries:
        _take(so_far, entry)
    return so_far


def has_all(found: Written, seq: int) -> bool:
    """Say whether a log kept all that was written, given the `seq` of the row's last checkpoint.

    A log that was lost begins anew with what its next writer says first, and knows of no sources.
    """
    return found.is_whole and found.seq >= seq and bool(found.seq or found.sources)


def _take(so_far: Written, entry: Entry) -> None:
    event = entry.event
    match event["type"]:
        case events.ReplySources.type:
            so_far.sources = cast("list[SourceItem]", event["sources"])
        case events.ReplySnapshot.type:
            so_far.text, so_far.seq = str(event["text"]), _seq(entry)
            so_far.blocks = list(cast("list[BlockItem]", event["blocks"]))
            so_far.is_whole = True
        case events.ReplyDelta.type:
            so_far.is_whole = so_far.is_whole and _seq(entry) == so_far.seq + 1
            so_far.text, so_far.seq = so_far.text + str(event["text"]), _seq(entry)
        case events.ReplyBlock.type:
            block = {name: event[name] for name in ("block", "start", "end", "html")}
            so_far.blocks.append(cast("BlockItem", block))


def start_index(entries: Sequence[Entry], after: int) -> int | None:
    """Return the index after which the log goes on from seq `after`; None where only a snapshot helps."""
    for entry in reversed(entries):
        if after and entry.event["type"] == events.ReplyDelta.type and _seq(entry) == after:
            return entry.index
    if after == 0 and entries and entries[0].index == 1:
        return 0
    snapshots = [entry.index for entry in entries if entry.event["type"] == events.ReplySnapshot.type]
    return snapshots[-1] - 1 if snapshots else None


def index_of_seq(entries: Sequence[Entry], seq: int) -> int:
    """Return the index of the last delta up to `seq`; before the first entry where there is none."""
    upto = [e.index for e in entries if e.event["type"] == events.ReplyDelta.type and _seq(e) <= seq]
    return upto[-1] if upto else entries[0].index - 1


def _seq(entry: Entry) -> int:
    seq = entry.event.get("seq")
    return seq if isinstance(seq, int) else 0
