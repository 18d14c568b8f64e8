"""Which models are here: folders under DATA_DIR/models and MODEL_PATH, and what an Ollama server has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.catalogue import Model, catalogue
from inference.engines.ollama import installed as ollama_tags
from inference.engines.onnxgenai.folder import CONFIG_FILE, read_folder
from inference.engines.remote.connection import Connection
from inference.engines.remote.failures import UpstreamFailure
from inference.errors import EngineError
from inference.manifest import read_source

MAX_FOLDERS: Final = 50
OLLAMA_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that is here. model: its catalogue id, "" where the catalogue does not know it.

    place: the folder, or the Ollama tag. is_ready: its files look whole. detail: why not.
    """

    engine: str
    model: str
    place: str
    is_ready: bool
    detail: str = ""


def find_folders(models_dir: Path, model_path: str = "") -> list[Installed]:
    """Look at MODEL_PATH and at every model folder under `models_dir`; nothing is loaded."""
    found: dict[Path, Installed] = {}
    for folder in _folders(models_dir, model_path):
        found.setdefault(folder.resolve(), _look(folder))
    return list(found.values())


def find_ollama(url: str, timeout_s: float = OLLAMA_S) -> list[Installed]:
    """Ask an Ollama server which Phi models it has; nothing where it does not answer in time."""
    try:
        connection = Connection(url)
    except EngineError:
        return []
    try:
        tags = ollama_tags(connection, timeout_s)
    except UpstreamFailure:
        return []
    finally:
        connection.close()
    return [Installed("ollama", _model_of(tag), tag, is_ready=True) for tag in tags if "phi" in tag.lower()]


def folder_of(model: Model, folders: Sequence[Installed]) -> Path | None:
    """Give the folder of a model among those found, a whole one first."""
    mine = [one for one in folders if one.model == model.id]
    mine.sort(key=lambda one: not one.is_ready)
    return Path(mine[0].place) if mine else None


def model_in(folder: Path) -> Model | None:
    """Tell which model of the catalogue lies in a folder: what the pull wrote down, else its name."""
    source = read_source(folder)
    if source is not None:
        return next((one for one in catalogue().models if one.id == source.model), None)
    return catalogue().guess(folder)


def _folders(models_dir: Path, model_path: str) -> Iterator[Path]:
    if model_path:
        yield Path(model_path)
    for config in sorted(models_dir.glob(f"**/{CONFIG_FILE}"))[:MAX_FOLDERS]:
        yield config.parent


def _look(folder: Path) -> Installed:
    model = model_in(folder)
    name = model.id if model else ""
    try:
        read_folder(folder)
    except EngineError as error:
        return Installed("onnx", name, str(folder), is_ready=False, detail=str(error))
    return Installed("onnx", name, str(folder), is_ready=True)


def _model_of(tag: str) -> str:
    """Match a server's tag ("phi3.5:latest") with the catalogue's ("phi3.5")."""
    name = tag.removesuffix(":latest").lower()
    family, _, variant = name.partition(":")
    for model in catalogue().models:
        for source in model.ollama:
            if name in {source.tag, *source.aliases}:
                return model.id
    for (
        model
    ) in catalogue().models:  # other quantisations: phi4-mini:3.8b-fp16, phi3:14b-medium-4k-instruct-q8_0
        for alias in (one for source in model.ollama for one in (source.tag, *source.aliases)):
            base, _, size = alias.partition(":")
            if base == family and size and variant.startswith(size):
                return model.id
    return ""
