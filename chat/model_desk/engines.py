"""The engines of this site as an administrator sees them: state, why, who uses them, how fast they were.

Nothing is loaded to find out, and nobody waits longer than LOOK_S for all of them together.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from statistics import median

from django.conf import settings
from django.utils.translation import gettext as _

from chat.loading import load_news
from chat.model_desk import telling
from chat.models import Assistant, Message, MessageStatus
from inference import conf
from inference.errors import EngineError

LOOK_S = 0.9
RECENT_REPLIES = 60
NATIVE = frozenset({"onnx", "transformers", "openvino"})  # loaded by the worker, with the first question

SETTINGS = {  # what names the model or server of an engine, where it has no default
    "onnx": "MODEL_PATH",
    "openai": "OPENAI_BASE_URL",
    "transformers": "TRANSFORMERS_MODEL",
    "openvino": "OPENVINO_MODEL",
}


class EngineState(StrEnum):
    """How an engine stands; `OFF`: not set up, and nothing on this site wants it."""

    READY = "ready"
    LOADING = "loading"
    ASLEEP = "asleep"
    FAILING = "failing"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at an engine found. code: of the error that kept it from being used."""

    is_ready: bool = False
    model: str = ""
    slots: int = 0
    context_tokens: int = 0
    detail: str = ""
    code: str = ""
    is_loading: bool = False


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians of the last replies; None where nothing was measured."""

    tokens_per_s: float | None
    first_token_s: float | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One engine on the page."""

    alias: str
    label: str
    state: EngineState
    look: Look
    is_active: bool
    assistants: tuple[Assistant, ...]
    speed: Speed

    @property
    def sentence(self) -> str:
        """What to tell, translated."""
        match self.state:
            case EngineState.READY:
                return _("It can answer now.")
            case EngineState.LOADING:
                return _("It is being loaded, and answers as soon as it is.")
            case EngineState.ASLEEP:
                return _("The model is here. It is loaded with the first question.")
        if self.state == EngineState.OFF:
            return _how_to_set_up(self.alias)
        if self.look.code == "model_not_found":
            return _not_found(self.alias)
        return telling.sentence(self.look.code or "engine_unavailable")

    @property
    def is_usable(self) -> bool:
        """Whether a question to it may be answered."""
        return self.state in {EngineState.READY, EngineState.LOADING, EngineState.ASLEEP}


def _how_to_set_up(alias: str) -> str:
    return {
        "onnx": _("No model folder is here. Download a model below, or set MODEL_PATH."),
        "ollama": _("No Phi model was found there. Start Ollama, set OLLAMA_URL, and download a model."),
        "openai": _("Set OPENAI_BASE_URL to the address of a server to use it."),
        "transformers": _("Set TRANSFORMERS_MODEL to the folder of a model to use it."),
        "openvino": _("Set OPENVINO_MODEL to the folder of a model to use it."),
    }.get(alias, telling.sentence("model_not_found"))


def _not_found(alias: str) -> str:
    if not _is_set(alias) or alias == "openai":
        return _how_to_set_up(alias)
    return _("%(setting)s names no model that is here.") % {"setting": SETTINGS[alias]}


def active_alias() -> str:
    """Name the engine that answers where an assistant names none."""
    try:
        return conf.get_engine().name
    except EngineError:
        return str(settings.ENGINE)


def rows(assistants: Sequence[Assistant]) -> list[EngineRow]:
    """Look at every engine the site knows, in the order in which `auto` does."""
    active = active_alias()
    users = _users(assistants, active)
    names = [name for name, kind in conf.KINDS.items() if kind.is_offered or name == active]
    names += [name for name in users if name not in names]
    looks = _look_at(names)
    speeds = _speeds()
    return [
        EngineRow(
            alias=name,
            label=str(conf.KINDS[name].label) if name in conf.KINDS else name,
            state=_state(name, looks[name], is_wanted=name == active or name in users),
            look=looks[name],
            is_active=name == active,
            assistants=tuple(users.get(name, ())),
            speed=speeds.get(name, Speed(None, None, None)),
        )
        for name in names
    ]


def _users(assistants: Iterable[Assistant], active: str) -> dict[str, list[Assistant]]:
    users: dict[str, list[Assistant]] = {}
    for assistant in assistants:
        users.setdefault(assistant.engine or active, []).append(assistant)
    return users


def _state(name: str, look: Look, *, is_wanted: bool) -> EngineState:
    if look.is_ready:
        return EngineState.READY
    if look.is_loading:
        return EngineState.LOADING
    if name in NATIVE and not look.code:
        return EngineState.ASLEEP
    is_broken = name in NATIVE and look.code not in {"model_not_found", "engine_unavailable"}
    return EngineState.FAILING if is_wanted or is_broken or _is_set(name) else EngineState.OFF


def _is_set(name: str) -> bool:
    """Whether a setting without a value of its own names what the engine should use."""
    setting = SETTINGS.get(name)
    return bool(setting and getattr(settings, setting))


def _look_at(names: Sequence[str]) -> dict[str, Look]:
    """Look at all of them at the same time; one that does not answer in time is said to be silent."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="look")
    looks = {name: pool.submit(_look, name) for name in names}
    done, _late = wait(looks.values(), timeout=LOOK_S)
    pool.shutdown(wait=False, cancel_futures=True)
    silent = Look(detail=f"no answer within {LOOK_S:g} s", code="engine_timeout")
    return {name: look.result() if look in done else silent for name, look in looks.items()}


def _look(name: str) -> Look:
    try:
        if name in conf.KINDS:
            conf.KINDS[name].arguments()  # an engine that was built while its files were there stays built
        engine = conf.get_engine(name)
        health = engine.health()
    except EngineError as error:
        return Look(detail=str(error), code=error.code)
    except OSError as error:  # a folder that goes away while it is read
        return Look(detail=str(error), code=EngineError.code)
    look = Look(
        health.is_ready, engine.model, engine.slots, engine.context_tokens, health.detail, health.code,
        health.is_loading,
    )  # fmt: skip
    if health.is_ready or health.is_loading or health.code:
        return look
    return _as_workers_say(name, look) if name in NATIVE else replace(look, code="engine_unavailable")


def _as_workers_say(name: str, look: Look) -> Look:
    """Add what the processes that write replies told of loading this very model."""
    news = load_news(name)
    if news is None or news.model != look.model:
        return look
    return replace(look, is_loading=news.is_loading, code=news.code, detail=news.detail or look.detail)


def _speeds() -> dict[str, Speed]:
    recent = (
        Message.objects.filter(status=MessageStatus.DONE)
        .exclude(engine="")
        .order_by("-created_at")
        .values_list("engine", "timings", "finished_at")[:RECENT_REPLIES]
    )
    found: dict[str, list[tuple[dict[str, float | None], datetime | None]]] = {}
    for engine, timings, finished_at in recent:
        found.setdefault(engine, []).append((timings or {}, finished_at))
    return {
        engine: Speed(
            _median(timings.get("tokens_per_s") for timings, _at in replies),
            _median(timings.get("first_token_s") for timings, _at in replies),
            replies[0][1],
        )
        for engine, replies in found.items()
    }


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 1) if known else None
