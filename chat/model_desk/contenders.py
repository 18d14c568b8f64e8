"""What may be asked side by side: the engines that can answer, and models that lie here unused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.model_desk.engines import EngineRow
from chat.model_desk.shelf import ModelRow, engine_places, place_of
from inference.catalogue import catalogue
from inference.chosen import FOLDER_ENGINES, Chosen, build
from inference.conf import get_engine
from inference.engines.base import Engine

OTHERS = FOLDER_ENGINES | {"ollama"}  # engines that can run another model than the site's, beside it


@dataclass(frozen=True, slots=True)
class Contender:
    """One that may be asked. value: the engine's alias, with "@" and a place for a model beside it."""

    value: str
    label: str


def contenders(engines: Sequence[EngineRow], models: Sequence[ModelRow]) -> list[Contender]:
    """List them, the one that answers on this site first."""
    usable = sorted((row for row in engines if row.is_usable), key=lambda row: not row.is_active)
    listed = [Contender(row.alias, f"{row.label} · {row.look.model}") for row in usable]
    taken = engine_places(engines)
    listed += [
        Contender(f"{one.engine}@{one.place}", f"{row.name} · {one.engine}")
        for row in models
        for one in row.here
        if one.is_ready and one.engine in OTHERS and place_of(one) not in taken
    ]
    return listed


@contextmanager
def opened(value: str) -> Iterator[Engine]:
    """Give the engine of a choice; one that was built for this alone is closed again. Raises: EngineError."""
    alias, _at, place = value.partition("@")
    if not place:
        yield get_engine(alias)
        return
    engine = build(_chosen(alias, place))
    try:
        yield engine
    finally:
        engine.close()


def _chosen(alias: str, place: str) -> Chosen:
    if alias in FOLDER_ENGINES:
        folder = Path(place)
        return Chosen(catalogue().guess(folder), folder, alias, folder.name)
    return Chosen(None, None, alias, place)
