"""Which engine a command means: by a folder, a catalogue name, a tag, or the site's settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from django.conf import settings
from django.utils.module_loading import import_string

from inference.catalogue import Model, catalogue
from inference.conf import KINDS, OFF, get_engine, onnx_options
from inference.engines.base import Engine
from inference.errors import EngineError, ModelNotFound
from inference.installed import ONNX, Installed, find_folders, find_ollama, folder_of, model_in

FOLDER_ENGINES: Final = frozenset({ONNX, "transformers", "openvino"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model to check or measure. folder: None for a model behind an address."""

    model: Model | None
    folder: Path | None
    engine: str
    name: str


def models_dir() -> Path:
    """Name the folder that models are pulled into."""
    return Path(settings.DATA_DIR) / "models"


def folders() -> list[Installed]:
    """List the model folders that are here, for whatever engine; loads nothing."""
    named = {
        ONNX: settings.MODEL_PATH,
        "transformers": settings.TRANSFORMERS_MODEL,
        "openvino": settings.OPENVINO_MODEL,
    }
    return find_folders(models_dir(), named)


def installed(*, with_ollama: bool = True) -> list[Installed]:
    """List what is here; asks the Ollama server, shortly, unless it is off."""
    found = folders()
    if with_ollama and settings.OLLAMA_URL not in {"", OFF}:
        found += find_ollama(settings.OLLAMA_URL)
    return found


def choose(name: str, engine: str = "") -> Chosen:
    """Find what is meant by MODEL or PATH, "" for the site's own. Raises: ModelNotFound, ServiceRetired."""
    if name and (Path(name).is_dir() or ("/" in name and not _is_listed(name))):
        folder = Path(name).resolve()
        return Chosen(model_in(folder), folder, engine or ONNX, name)
    if engine not in {"", ONNX}:
        return Chosen(catalogue().find(name) if name and _is_listed(name) else None, None, engine, name)
    if not name:
        return Chosen(None, None, engine, "")
    model = catalogue().find(name)
    folder_found = folder_of(model, installed(with_ollama=False))
    if folder_found is None:
        raise ModelNotFound(f"{model.id} is not installed here. `models pull {model.id}` fetches it.")
    return Chosen(model, folder_found, ONNX, name)


def build(chosen: Chosen) -> Engine:
    """Build the engine of a choice; not loaded, and the caller's to close. Raises: EngineError."""
    if chosen.folder is not None:
        return _build(chosen.engine, {"folder": chosen.folder})
    if chosen.name:
        return _build(chosen.engine, {"model": _tag(chosen)})
    return get_engine(chosen.engine)


def _build(engine: str, given: dict[str, object]) -> Engine:
    kind = KINDS[engine]
    try:
        arguments = dict(kind.arguments())
    except EngineError:
        if "folder" not in given:
            raise
        arguments = dict(onnx_options()) if engine == ONNX else {}
    return cast("Engine", import_string(kind.path)(**(arguments | given)))


def _tag(chosen: Chosen) -> str:
    """What the engine calls the model: Ollama's own tag for one of the catalogue."""
    if chosen.engine == "ollama" and chosen.model and chosen.model.ollama:
        return chosen.model.ollama_tag(chosen.name)
    return chosen.name


def _is_listed(name: str) -> bool:
    try:
        catalogue().find(name)
    except EngineError:
        return False
    return True
