"""What the log of a question to two models comes to: the words of both so far, and their timings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from accounts.models import User
from chat.markdown import render_document
from chat.model_desk import telling
from chat.model_desk.asked import KIND, Asked, log_key, read_asked
from inference.types import FinishReason
from jobs import waiting
from jobs.log import get_log
from jobs.models import Job, JobState


@dataclass
class SideState:
    """One side. phase: "waiting", "loading", "reading", "writing", "finished", "failed"."""

    label: str
    model: str = ""
    phase: str = "waiting"
    text: str = ""
    sentence: str = ""
    detail: str = ""
    reason: str = ""
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.phase in {"finished", "failed"}

    @property
    def is_empty_handed(self) -> bool:
        """Whether it ended without a word."""
        return self.reason == FinishReason.NO_ANSWER or (self.phase == "finished" and not self.text)

    @property
    def html(self) -> SafeString:
        """The finished text as HTML."""
        return render_document(self.text, [])


@dataclass
class DuelState:
    """Both sides. position: place in line while it waits."""

    key: str
    asked: Asked
    sides: list[SideState]
    job: Job
    position: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.job.is_over


def duel_state(key: str, user: User) -> DuelState | None:
    """Read how a person's own question stands; None where there is none, or it is too old.

    Raises: LogUnavailable.
    """
    job = Job.objects.filter(kind=KIND, subject=key, owner=f"u:{user.pk}").first()
    asked = read_asked(key) if job is not None else None
    if job is None or asked is None:
        return None
    sides = [SideState(side.label) for side in asked.sides]
    for entry in get_log().replay(log_key(key)):
        at = entry.event.get("side")
        if isinstance(at, int) and at < len(sides):
            _apply(sides[at], entry.event)
    for side in sides if job.is_over else ():
        _end(side, job)
    place = waiting.position(job) if job.state == JobState.QUEUED else None
    return DuelState(key, asked, sides, job, place.position if place else None)


def _apply(side: SideState, event: Mapping[str, object]) -> None:
    match event.get("type"):
        case "loading":  # also a second attempt, after a worker was lost
            side.phase, side.text, side.model = "loading", "", str(event.get("model", ""))
        case "reading":
            side.phase = "reading"
            _number(side, event, "load_s")
        case "delta":
            side.phase = "writing"
            side.text += str(event.get("text", ""))
        case "finished":
            side.phase, side.reason = "finished", str(event.get("reason", ""))
            for name in ("first_token_s", "total_s", "tokens_per_s", "prompt_tokens", "completion_tokens"):
                _number(side, event, name)
        case "failed":
            side.phase, side.detail = "failed", str(event.get("detail", ""))
            side.sentence = telling.sentence(str(event.get("code", "")))


def _number(side: SideState, event: Mapping[str, object], name: str) -> None:
    value = event.get(name)
    if isinstance(value, int | float):
        side.numbers[name] = value


def _end(side: SideState, job: Job) -> None:
    """End a side whose job was over before it was."""
    if side.is_over:
        return
    if job.state == JobState.FAILED:
        side.phase, side.sentence = "failed", telling.sentence(job.error_code)
    else:
        side.phase, side.reason = "finished", str(FinishReason.CANCELLED)
