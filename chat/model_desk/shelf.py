"""The models of the catalogue, and others that are here, as rows of the page."""

import re
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from chat.model_desk.engines import EngineRow
from chat.model_desk.pulls import Pull, can_pull, newest_pulls
from inference import conf
from inference.abilities import Ability, abilities
from inference.catalogue import Model, catalogue
from inference.chosen import models_dir
from inference.errors import EngineError
from inference.installed import Installed, find_folders, find_ollama

OLLAMA_S = 0.8


class ModelState(StrEnum):
    """How a model stands on this machine."""

    ANSWERING = "answering"
    INSTALLED = "installed"
    DAMAGED = "damaged"
    PULLING = "pulling"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine gets a model. can_pull: whether this page fetches it."""

    ability: Ability
    can_pull: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model. model: None where the catalogue does not know it."""

    id: str
    name: str
    model: Model | None
    state: ModelState
    here: tuple[Installed, ...]
    pull: Pull | None
    places: tuple[Place, ...]
    download_gb: float | None

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


def dom_id(name: str) -> str:
    """Write a name as part of an id of the page."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def shelf(engines: Sequence[EngineRow]) -> list[ModelRow]:
    """List what is here first, then the rest of the catalogue."""
    found = everything_here()
    pulls = newest_pulls()
    active = active_places(engines)
    known = [_row(model, found, pulls.get(model.id), active) for model in catalogue().models]
    others = [_other(one, active) for one in found if not one.model]
    listed = [*others, *known]
    return sorted(listed, key=lambda row: row.state in {ModelState.ABSENT})


def one_row(model: Model) -> ModelRow:
    """Make the row of one model, looking no further than the disk."""
    found = find_folders(models_dir(), settings.MODEL_PATH)
    return _row(model, found, newest_pulls(model.id).get(model.id), set())


def everything_here() -> list[Installed]:
    """Find folders on the disk, and what an Ollama server has when it says so in time."""
    ollama: Future[list[Installed]] | None = None
    if settings.OLLAMA_URL not in {"", conf.OFF}:
        pool = ThreadPoolExecutor(1, thread_name_prefix="look")
        ollama = pool.submit(find_ollama, settings.OLLAMA_URL, OLLAMA_S)
        pool.shutdown(wait=False)
    found = find_folders(models_dir(), settings.MODEL_PATH)
    if ollama is not None:
        with suppress(NotInTime):  # the row of the engine says that the server is silent
            found += ollama.result(timeout=OLLAMA_S)
    return found


def active_places(engines: Sequence[EngineRow]) -> set[str]:
    """Name the folders and tags that answer questions now."""
    return engine_places([row for row in engines if row.is_active or row.assistants])


def engine_places(engines: Sequence[EngineRow]) -> set[str]:
    """Name the folders and tags that these engines use, where they can be used."""
    places = set()
    for row in engines:
        if not row.is_usable:
            continue
        if row.alias == "onnx":
            try:
                places.add(str(conf.model_folder().resolve()))
            except EngineError:
                continue
        elif row.alias == "ollama":
            places |= {row.look.model, f"{row.look.model}:latest"}
    return places


def is_among(one: Installed, places: set[str]) -> bool:
    """Whether a model that is here is one of these, and whole."""
    place = str(Path(one.place).resolve()) if one.engine == "onnx" else one.place
    return one.is_ready and place in places


def _row(model: Model, found: Sequence[Installed], pull: Pull | None, active: set[str]) -> ModelRow:
    here = tuple(one for one in found if one.model == model.id)
    source = model.onnx_for("cpu")
    return ModelRow(
        id=model.id,
        name=model.repo.rpartition("/")[2] or model.id,
        model=model,
        state=_state(here, pull, active),
        here=here,
        pull=pull,
        places=tuple(Place(one, can_pull(model, one.engine)) for one in abilities(model)),
        download_gb=source.gb if source else None,
    )


def _state(here: Sequence[Installed], pull: Pull | None, active: set[str]) -> ModelState:
    if pull is not None and pull.is_under_way:
        return ModelState.PULLING
    if any(is_among(one, active) for one in here):
        return ModelState.ANSWERING
    if any(one.is_ready for one in here):
        return ModelState.INSTALLED
    if here:
        return ModelState.DAMAGED
    return ModelState.FAILED if pull is not None and pull.has_failed else ModelState.ABSENT


def _other(one: Installed, active: set[str]) -> ModelRow:
    name = Path(one.place).name if one.engine == "onnx" else one.place
    return ModelRow(
        id=f"here-{one.engine}-{name}",
        name=name,
        model=None,
        state=_state([one], None, active),
        here=(one,),
        pull=None,
        places=(),
        download_gb=None,
    )
