"""Which models are here: folders under DATA_DIR/models or named by settings, and what an Ollama server has.

A folder is of the engine that can read it: an ONNX one, one of OpenVINO's, else one for transformers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.catalogue import Model, catalogue
from inference.engines.hf import folder as hf_folder
from inference.engines.ollama import installed as ollama_tags
from inference.engines.onnxgenai import folder as onnx_folder
from inference.engines.ov import folder as ov_folder
from inference.engines.remote.connection import Connection
from inference.engines.remote.failures import UpstreamFailure
from inference.errors import EngineError
from inference.folders import folders_with
from inference.manifest import read_source

ONNX: Final = "onnx"
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


READERS: Final[Mapping[str, Callable[[Path], object]]] = {
    ONNX: onnx_folder.read_folder,
    "openvino": ov_folder.read_folder,
    "transformers": hf_folder.read_folder,
}


def find_folders(models_dir: Path, named: Mapping[str, str] | None = None) -> list[Installed]:
    """Look at the folders that settings name, by engine, and at all below `models_dir`; loads nothing."""
    found: dict[tuple[str, str], Installed] = {}
    for engine, name in (named or {}).items():
        if name:
            one = _look_for(engine, name)
            found.setdefault((engine, str(Path(one.place).resolve())), one)
    for folder in folders_with(onnx_folder.CONFIG_FILE, models_dir):
        found.setdefault((ONNX, str(folder.resolve())), _look(ONNX, folder))
    for folder in folders_with(hf_folder.CONFIG_FILE, models_dir):
        if engine := _engine_of(folder):
            found.setdefault((engine, str(folder.resolve())), _look(engine, folder))
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
    """Give the ONNX folder of a model among those found, a whole one first."""
    mine = [one for one in folders if one.engine == ONNX and one.model == model.id]
    mine.sort(key=lambda one: not one.is_ready)
    return Path(mine[0].place) if mine else None


def model_named(name: str) -> str:
    """Match what a server calls its model with the catalogue; "" where it is not there."""
    return _model_of(name) or next(
        (
            one.id
            for one in sorted(catalogue().models, key=lambda model: -len(model.id))
            if one.id in name.lower()
        ),
        "",
    )


def model_in(folder: Path) -> Model | None:
    """Tell which model of the catalogue lies in a folder: what the pull wrote down, else its name."""
    source = read_source(folder)
    if source is not None:
        return next((one for one in catalogue().models if one.id == source.model), None)
    return catalogue().guess(folder)


def _engine_of(folder: Path) -> str:
    """Tell which engine reads a folder with a config.json; "" for an ONNX folder, and for other things."""
    if (folder / onnx_folder.CONFIG_FILE).is_file():
        return ""
    if any((folder / f"{name}.xml").is_file() for name in (ov_folder.MODEL, "openvino_language_model")):
        return "openvino"
    has_weights = any((folder / name).is_file() for name in (hf_folder.WEIGHTS_FILE, hf_folder.INDEX_FILE))
    return "transformers" if has_weights or read_source(folder) else ""


def _look_for(engine: str, name: str) -> Installed:
    """Look at what a setting names: a folder, or for transformers a model of the local cache."""
    try:
        return _look(engine, hf_folder.find_folder(name) if engine == "transformers" else Path(name))
    except EngineError as error:
        return Installed(engine, model_named(name), name, is_ready=False, detail=str(error))


def _look(engine: str, folder: Path) -> Installed:
    model = model_in(folder)
    name = model.id if model else ""
    try:
        READERS[engine](folder)
    except (EngineError, OSError) as error:
        return Installed(engine, name, str(folder), is_ready=False, detail=str(error))
    return Installed(engine, name, str(folder), is_ready=True)


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
