"""From settings to the engine and the embedder of this process: each built once, under a lock.

The Django edge of the room. `ENGINE=auto` takes the first kind that finds what it needs: a model
folder (MODEL_PATH, or one under DATA_DIR/models), else quotes from the documents.
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
from inference.engines.onnxgenai.folder import CONFIG_FILE, read_folder
from inference.errors import EngineError, EngineUnavailable, ModelNotFound

AUTO: Final = "auto"
DEFAULT_EMBEDDING_MODELS: Final = frozenset(
    {"", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"}
)
MAX_MODELS_LISTED: Final = 50

Arguments = Mapping[str, object]

logger = logging.getLogger(__name__)
_lock = threading.RLock()
_engines: dict[str, Engine] = {}
_embedders: dict[str, Embedder] = {}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of engine: its class, and where the arguments come from.

    arguments: raises EngineError where what the engine needs is not there.
    is_offered: whether an assistant's settings page lists it.
    """

    label: str | Promise
    path: str
    arguments: Callable[[], Arguments]
    is_offered: bool = True


def _nothing() -> Arguments:
    return {}


def _onnx() -> Arguments:
    return {"folder": model_folder()}


def _paced() -> Arguments:
    return {"tokens_per_s": settings.PACED_TOKENS_PER_S, "tokens": settings.PACED_TOKENS}


KINDS: Final[Mapping[str, Kind]] = {
    "onnx": Kind(_("Phi model on this machine"), "inference.engines.onnx.OnnxEngine", _onnx),
    "extractive": Kind(
        _("Quotes from the documents"), "inference.engines.extractive.ExtractiveEngine", _nothing
    ),
    "paced": Kind(_("Load test"), "inference.engines.paced.PacedEngine", _paced, is_offered=False),
}
AUTO_ORDER: Final = ("onnx", "extractive")


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


def get_embedder() -> Embedder:
    """Give the site's embedder; built at the first call and shared, not loaded. Raises: EngineError."""
    model = str(settings.EMBEDDING_MODEL)
    with _lock:
        if model not in _embedders:
            _embedders[model] = _build_embedder(model)
        return _embedders[model]


def available_engines() -> list[tuple[str, str]]:
    """List (alias, label) of the engines an assistant may be given here and now."""
    offered = []
    for name, kind in KINDS.items():
        if kind.is_offered or name == settings.ENGINE:
            try:
                kind.arguments()
            except EngineError:
                continue
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
    for config in sorted(models.glob(f"**/{CONFIG_FILE}"))[:MAX_MODELS_LISTED]:
        try:
            return read_folder(config.parent).path
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


def _resolved(name: str) -> str:
    if name in KINDS:
        return name
    if name != AUTO:
        raise EngineUnavailable(f"there is no engine called {name!r}")
    # Asked again while only the last one fits, so that a model that was just installed is found.
    return next(one for one in AUTO_ORDER if one in _engines or one == AUTO_ORDER[-1] or _is_configured(one))


def _is_configured(name: str) -> bool:
    try:
        KINDS[name].arguments()
    except ModelNotFound:
        return False
    except EngineError as error:
        _warn_once(f"ENGINE=auto passes over {name}: {error}")
        return False
    return True


@cache
def _warn_once(text: str) -> None:
    logger.warning("%s", text)


def _build_embedder(model: str) -> Embedder:
    if model in DEFAULT_EMBEDDING_MODELS:
        from inference.embedders.onnx_minilm import OnnxMiniLM

        return OnnxMiniLM(Path(settings.EMBEDDER_DIR))
    from inference.embedders.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(model)
