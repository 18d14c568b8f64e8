"""The models of the catalogue, and others that are here, as rows of the page."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from chat.model_desk.engines import SETTINGS, EngineRow, EngineState
from chat.model_desk.pulls import Pull, can_pull, newest_pulls
from inference import conf
from inference.abilities import Ability, abilities
from inference.catalogue import Model, catalogue
from inference.chosen import FOLDER_ENGINES, folders
from inference.errors import EngineError
from inference.installed import Installed, find_ollama, model_named

OLLAMA_S = 0.8
SERVERS = frozenset({"ollama", "openai"})


class ModelState(StrEnum):
    """How a model stands on this machine."""

    ANSWERING = "answering"
    LOADING = "loading"
    FAILING = "failing"
    INSTALLED = "installed"
    DAMAGED = "damaged"
    PULLING = "pulling"
    FAILED = "failed"
    ABSENT = "absent"


SHOWN_AS = {EngineState.LOADING: ModelState.LOADING, EngineState.FAILING: ModelState.FAILING}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine gets a model. can_pull: whether this page fetches it."""

    ability: Ability
    can_pull: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model. model: None where the catalogue does not know it. user: the engine that answers with it."""

    id: str
    name: str
    model: Model | None
    state: ModelState
    here: tuple[Installed, ...]
    pull: Pull | None
    places: tuple[Place, ...]
    download_gb: float | None
    user: EngineRow | None = None

    @property
    def dom_id(self) -> str:
        """Its id as part of a page's ids, without what a selector reads as something else."""
        return dom_id(self.id)

    @property
    def download_size(self) -> str:
        """What a download takes, kept together in a sentence of either direction."""
        return f"\u2066{self.download_gb:g} GB\u2069" if self.download_gb else ""

    @property
    def can_pull(self) -> bool:
        """Whether the row offers a download for this machine."""
        return self.model is not None and can_pull(self.model, "onnx")

    @property
    def context_k(self) -> int | None:
        """The context window in thousands of tokens."""
        tokens = self.model.context_tokens if self.model else None
        return tokens // 1024 if tokens else None

    @property
    def damage(self) -> str:
        """What is wrong with its files."""
        return next((one.detail for one in self.here if not one.is_ready), "")

    @property
    def damaged_setting(self) -> str:
        """The setting that names it though nothing is there; "" where there is a folder."""
        lost = next((one for one in self.here if not one.is_ready and not Path(one.place).exists()), None)
        return SETTINGS.get(lost.engine, "") if lost else ""


def dom_id(name: str) -> str:
    """Write a name as part of an id of the page."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def shelf(engines: Sequence[EngineRow]) -> list[ModelRow]:
    """List what is here first, then the rest of the catalogue."""
    found = everything_here()
    found += _served(engines, found)
    pulls = newest_pulls()
    used = used_places(engines)
    known = [_row(model, found, pulls.get(model.id), used) for model in catalogue().models]
    others = [_other(one, used) for one in found if not one.model]
    listed = [*others, *known]
    return sorted(listed, key=lambda row: row.state in {ModelState.ABSENT})


def one_row(model: Model) -> ModelRow:
    """Make the row of one model, looking no further than the disk."""
    return _row(model, folders(), newest_pulls(model.id).get(model.id), {})


def everything_here() -> list[Installed]:
    """Find folders on the disk, and what an Ollama server has when it says so in time."""
    ollama: Future[list[Installed]] | None = None
    if settings.OLLAMA_URL not in {"", conf.OFF}:
        pool = ThreadPoolExecutor(1, thread_name_prefix="look")
        ollama = pool.submit(find_ollama, settings.OLLAMA_URL, OLLAMA_S)
        pool.shutdown(wait=False)
    found = folders()
    if ollama is not None:
        with suppress(NotInTime):  # the row of the engine says that the server is silent
            found += ollama.result(timeout=OLLAMA_S)
    return found


def _served(engines: Sequence[EngineRow], found: Sequence[Installed]) -> list[Installed]:
    """Add the models that servers answer with, or should, and that nothing else told of."""
    listed = {one.place for one in found} | {one.place.removesuffix(":latest") for one in found}
    return [
        Installed(row.alias, model_named(row.look.model), row.look.model, row.is_usable, row.look.detail)
        for row in engines
        if row.alias in SERVERS and row.look.model not in {"", row.alias} and row.look.model not in listed
        if row.is_usable or row.state == EngineState.FAILING
    ]


def used_places(engines: Sequence[EngineRow]) -> dict[str, EngineRow]:
    """Tell which engine answers with the model of a folder or tag, or would if it did not fail."""
    told = [row for row in engines if row.is_active or row.assistants or row.state == EngineState.FAILING]
    return {place: row for row in told for place in _places(row)}


def engine_places(engines: Sequence[EngineRow]) -> set[str]:
    """Name the folders and tags that these engines use, where they can be used."""
    return {place for row in engines if row.is_usable for place in _places(row)}


def _places(row: EngineRow) -> set[str]:
    if row.alias in SERVERS:
        return {row.look.model, f"{row.look.model}:latest"} if row.look.model else set()
    if row.alias not in FOLDER_ENGINES:
        return set()
    try:
        folder = conf.KINDS[row.alias].arguments().get("folder")
    except (EngineError, OSError):
        return set()
    return {str(Path(str(folder)).resolve())}


def place_of(one: Installed) -> str:
    """Name where a model is in the way an engine does."""
    return str(Path(one.place).resolve()) if one.engine in FOLDER_ENGINES else one.place


def _user(here: Sequence[Installed], used: Mapping[str, EngineRow]) -> EngineRow | None:
    users = (used.get(place_of(one)) for one in here)
    return next((row for row in users if row is not None), None)


def _row(
    model: Model, found: Sequence[Installed], pull: Pull | None, used: Mapping[str, EngineRow]
) -> ModelRow:
    here = tuple(one for one in found if one.model == model.id)
    source = model.onnx_for("cpu")
    user = _user(here, used)
    return ModelRow(
        id=model.id,
        name=model.repo.rpartition("/")[2] or model.id,
        model=model,
        state=_state(here, pull, user),
        here=here,
        pull=pull,
        places=tuple(Place(one, can_pull(model, one.engine)) for one in abilities(model)),
        download_gb=source.gb if source else None,
        user=user,
    )


def _state(here: Sequence[Installed], pull: Pull | None, user: EngineRow | None) -> ModelState:
    if pull is not None and pull.is_under_way:
        return ModelState.PULLING
    if user is not None and user.state in SHOWN_AS:
        return SHOWN_AS[user.state]
    if user is not None and user.is_usable:
        return ModelState.ANSWERING
    if any(one.is_ready for one in here):
        return ModelState.INSTALLED
    if here:
        return ModelState.DAMAGED
    return ModelState.FAILED if pull is not None and pull.has_failed else ModelState.ABSENT


def _other(one: Installed, used: Mapping[str, EngineRow]) -> ModelRow:
    name = Path(one.place).name if one.engine in FOLDER_ENGINES else one.place
    user = _user([one], used)
    return ModelRow(
        id=f"here-{one.engine}-{name}",
        name=name,
        model=None,
        state=_state([one], None, user),
        here=(one,),
        pull=None,
        places=(),
        download_gb=None,
        user=user,
    )
