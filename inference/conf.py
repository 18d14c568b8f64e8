"""From settings to the engine and the embedder of this process: each built once, under a lock.

The Django edge of the room. `ENGINE=auto` takes the first kind that finds what it needs: a model
folder (MODEL_PATH, or one under DATA_DIR/models), an Ollama server that has a Phi model, a configured
OpenAI-compatible server, else quotes from the documents.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, cast

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from inference.embedders.base import Embedder
from inference.engines.base import Engine
from inference.engines.hf import folder as hf_folder
from inference.engines.onnxgenai.folder import CONFIG_FILE, read_folder
from inference.engines.ov import folder as ov_folder
from inference.engines.remote.deadlines import Timeouts
from inference.engines.remote.presence import Presence
from inference.errors import EngineError, EngineUnavailable, ModelNotFound
from inference.folders import folders_with

AUTO: Final = "auto"
DEFAULT_EMBEDDING_MODELS: Final = frozenset(
    {"", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"}
)
OFF: Final = "off"
LOOK_S: Final = 2.0  # for an Ollama server to say what it has, in the background
LOOK_WAIT_S: Final = 0.3  # what the very first request waits for that

Arguments = Mapping[str, object]

logger = logging.getLogger(__name__)
_lock = threading.RLock()
_engines: dict[str, Engine] = {}
_embedders: dict[str, Embedder] = {}
_chosen_by_auto: set[str] = set()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of engine: its class, and where the arguments come from.

    arguments: raises EngineError where what the engine needs is not there.
    is_there: quick; False where the engine can be built but what it talks to was not found.
    is_offered: whether an assistant's settings page lists it.
    """

    label: str | Promise
    path: str
    arguments: Callable[[], Arguments]
    is_there: Callable[[], bool] = lambda: True
    is_offered: bool = True


def _nothing() -> Arguments:
    return {}


def onnx_options() -> Arguments:
    """Give what the settings say of the onnx engine, whichever folder it runs."""
    return {
        "threads": settings.MODEL_THREADS,
        "memory_gb": settings.MODEL_MEMORY_GB,
        "max_rows": settings.MODEL_ROWS,
        "context": settings.MODEL_CONTEXT,
        "runtime": settings.ONNX_RUNTIME,
    }


def _onnx() -> Arguments:
    return {"folder": model_folder(), **onnx_options()}


def _ollama() -> Arguments:
    if settings.OLLAMA_URL == OFF:
        raise ModelNotFound("OLLAMA_URL is off")
    return {
        "url": settings.OLLAMA_URL,
        "model": settings.OLLAMA_MODEL,
        "slots": settings.OLLAMA_SLOTS,
        "context_tokens": settings.OLLAMA_CONTEXT_TOKENS,
        "timeouts": _timeouts(),
    }


def _openai() -> Arguments:
    if not settings.OPENAI_BASE_URL:
        raise ModelNotFound("OPENAI_BASE_URL is not set")
    return {
        "base_url": settings.OPENAI_BASE_URL,
        "key": settings.OPENAI_API_KEY,
        "model": settings.OPENAI_MODEL,
        "slots": settings.OPENAI_SLOTS,
        "context_tokens": settings.OPENAI_CONTEXT_TOKENS,
        "images": settings.OPENAI_IMAGES,
        "timeouts": _timeouts(),
    }


def _transformers() -> Arguments:
    if not settings.TRANSFORMERS_MODEL:
        raise ModelNotFound("TRANSFORMERS_MODEL is not set")
    return {"folder": hf_folder.read_folder(hf_folder.find_folder(settings.TRANSFORMERS_MODEL)).path}


def _openvino() -> Arguments:
    if not settings.OPENVINO_MODEL:
        raise ModelNotFound("OPENVINO_MODEL is not set")
    return {"folder": ov_folder.read_folder(Path(settings.OPENVINO_MODEL)).path}


def _timeouts() -> Timeouts:
    return Timeouts().with_first_token(settings.FIRST_TOKEN_TIMEOUT_S)


@cache
def _ollama_presence(url: str, model: str) -> Presence:
    def look() -> str:
        from inference.engines.ollama import find_model

        return find_model(url, model, LOOK_S)

    return Presence(look)


def _is_ollama_there() -> bool:
    presence = _ollama_presence(settings.OLLAMA_URL, settings.OLLAMA_MODEL)
    return bool(presence.found(wait_s=LOOK_WAIT_S))


def _paced() -> Arguments:
    return {"tokens_per_s": settings.PACED_TOKENS_PER_S, "tokens": settings.PACED_TOKENS}


KINDS: Final[Mapping[str, Kind]] = {
    "onnx": Kind(_("Phi model on this machine"), "inference.engines.onnx.OnnxEngine", _onnx),
    "ollama": Kind("Ollama", "inference.engines.ollama.OllamaEngine", _ollama, _is_ollama_there),
    "openai": Kind(
        _("Model behind an OpenAI-compatible address"), "inference.engines.openai.OpenAIEngine", _openai
    ),
    "transformers": Kind(
        "Hugging Face transformers", "inference.engines.transformers.TransformersEngine", _transformers
    ),
    "openvino": Kind("OpenVINO", "inference.engines.openvino.OpenVinoEngine", _openvino),
    "extractive": Kind(
        _("Quotes from the documents"), "inference.engines.extractive.ExtractiveEngine", _nothing
    ),
    "paced": Kind(_("Load test"), "inference.engines.paced.PacedEngine", _paced, is_offered=False),
}
AUTO_ORDER: Final = ("onnx", "ollama", "openai", "extractive")


def get_engine(alias: str = "") -> Engine:
    """Give the engine called `alias`; "" is the site's own (settings.ENGINE).

    Built at the first call and shared after that, not loaded. Raises: EngineError.
    """
    name = alias or settings.ENGINE
    with _lock:
        name = _resolved(name)
        if name not in _engines:
            kind = KINDS[name]
            _engines[name] = cast("Engine", import_string(kind.path)(**kind.arguments()))
        return _engines[name]


def get_embedder(name: str = "") -> Embedder:
    """Give the site's embedder, or the one of that name: what an index made earlier is stamped with.

    Built at the first call and shared, not loaded. Raises: EngineError; ModelNotFound where this version of
    the program cannot make it any more.
    """
    model = str(settings.EMBEDDING_MODEL)
    with _lock:
        if name and name != get_embedder().name:
            model = _model_named(name)
        if model not in _embedders:
            _embedders[model] = _build_embedder(model)
        return _embedders[model]


def available_engines() -> list[tuple[str, str]]:
    """List (alias, label) of the engines an assistant may be given here and now."""
    offered = []
    for name, kind in KINDS.items():
        is_ours = name == settings.ENGINE
        if kind.is_offered or is_ours:
            try:
                kind.arguments()
            except EngineError:
                continue
            if is_ours or kind.is_there():
                offered.append((name, str(kind.label)))
    return offered


def engine_names() -> list[str]:
    """List what ENGINE may be set to."""
    return [AUTO, *KINDS]


def model_folder() -> Path:
    """Find the ONNX model folder: MODEL_PATH, else the first whole one under DATA_DIR/models.

    Raises: ModelNotFound, ModelBroken.
    """
    if settings.MODEL_PATH:
        return read_folder(Path(settings.MODEL_PATH)).path
    models = Path(settings.DATA_DIR) / "models"
    broken: EngineError | None = None
    for folder in folders_with(CONFIG_FILE, models):
        try:
            return read_folder(folder).path
        except EngineError as error:
            broken = error
    raise broken or ModelNotFound(f"no model folder in {models}")


def reset() -> None:
    """Close and forget what was built; for tests and after a change of settings."""
    with _lock:
        for engine in _engines.values():
            engine.close()
        _engines.clear()
        _embedders.clear()
        _chosen_by_auto.clear()
        _ollama_presence.cache_clear()


def _resolved(name: str) -> str:
    if name in KINDS:
        return name
    if name != AUTO:
        raise EngineUnavailable(f"there is no engine called {name!r}")
    # What was found stays; the others are asked again, so that a model that was just installed is found.
    found = next(
        one for one in AUTO_ORDER if one in _chosen_by_auto or one == AUTO_ORDER[-1] or _is_configured(one)
    )
    if found != AUTO_ORDER[-1]:
        _chosen_by_auto.add(found)
    return found


def _is_configured(name: str) -> bool:
    try:
        KINDS[name].arguments()
    except ModelNotFound:
        return False
    except EngineError as error:
        _warn_once(f"ENGINE=auto passes over {name}: {error}")
        return False
    return KINDS[name].is_there()


@cache
def _warn_once(text: str) -> None:
    logger.warning("%s", text)


def _model_named(name: str) -> str:
    """Tell which model gives an embedder of this name."""
    from inference.embedders.onnx_minilm import OnnxMiniLM
    from inference.embedders.sentence_transformers import SentenceTransformersEmbedder

    if name == OnnxMiniLM.name:
        return ""
    model = SentenceTransformersEmbedder.model_of(name)
    if not model or _build_embedder(model).name != name:
        raise ModelNotFound(f"{name} cannot be loaded any more")
    return model


def _build_embedder(model: str) -> Embedder:
    if model in DEFAULT_EMBEDDING_MODELS:
        from inference.embedders.onnx_minilm import OnnxMiniLM

        return OnnxMiniLM(Path(settings.EMBEDDER_DIR))
    from inference.embedders.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(model)
