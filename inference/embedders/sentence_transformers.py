"""Any other embedding model: a sentence-transformers name or folder. Imports torch, so it loads slowly."""

import hashlib
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inference.embedders.base import Vectors
from inference.errors import EngineUnavailable, ModelNotFound

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_WORD = re.compile(r"\S+")
_SETTINGS_BYTES = 64 * 1024
_PREFIX = "sentence-transformers:"


@lru_cache
def _fingerprint(model: str) -> str:
    """Tell a folder's files from others put in their place: names, sizes, and the settings word by word."""
    folder = Path(model)
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        if path.suffix == ".json" and path.stat().st_size <= _SETTINGS_BYTES:
            digest.update(path.read_bytes())
    return f"#{digest.hexdigest()[:12]}"


class SentenceTransformersEmbedder:
    """One sentence-transformers model on the CPU; see `inference.embedders.base.Embedder`.

    The prompts a model asks for before queries and passages ("query: ", …) come from its own files.
    Code inside a model folder is never run.
    """

    def __init__(self, model: str) -> None:
        """model: a name on the hub, downloaded at the first load, or a folder."""
        self.model = model
        self._lock = threading.Lock()
        self._loaded: SentenceTransformer | None = None

    @property
    def name(self) -> str:
        """The identity stamped on indexes."""
        return f"{_PREFIX}{self.model}{_fingerprint(self.model)}"

    @staticmethod
    def model_of(name: str) -> str:
        """Tell which model an identity stands for; "" for an embedder of another kind."""
        return name.removeprefix(_PREFIX).partition("#")[0] if name.startswith(_PREFIX) else ""

    @property
    def dimensions(self) -> int:
        """Length of a vector; loads the model."""
        return int(self._ready().get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        """The model's own limit; loads the model."""
        return int(self._ready().max_seq_length or 512)

    def load(self) -> None:
        """Make ready. Raises: ModelNotFound, EngineUnavailable."""
        self._ready()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages, in order. Shape: (len(texts), dimensions), float32, unit length."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        model = self._ready()
        with self._lock:  # one forward pass at a time: torch takes every core anyway
            vectors = model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Embed one question. Shape: (dimensions,), float32, unit length."""
        model = self._ready()
        with self._lock:
            vector = model.encode_query(text, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vector, dtype=np.float32)

    def token_fertility(self, text: str) -> float:
        """Count word-pieces per word, words being what white space separates."""
        words = len(_WORD.findall(text))
        pieces = self._ready().tokenizer.tokenize(text)
        return len(pieces) / words if words else 1.0

    def _ready(self) -> "SentenceTransformer":
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded

    def _load(self) -> "SentenceTransformer":
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as exc:
            raise EngineUnavailable("sentence-transformers is not installed") from exc
        try:
            return SentenceTransformer(self.model, device="cpu", trust_remote_code=False)
        except OSError as exc:
            raise ModelNotFound(f"embedding model {self.model!r}: {exc}") from exc
        except (ValueError, RuntimeError, KeyError) as exc:
            raise EngineUnavailable(f"embedding model {self.model!r}: {exc}") from exc
