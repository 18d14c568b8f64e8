"""The default embedder: all-MiniLM-L6-v2 as ONNX int8; at run time tokenizers and onnxruntime alone."""

import os
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from inference.embedders.base import Vectors
from inference.errors import EngineUnavailable, ModelBroken
from inference.export import minilm

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

EXPORT_TIMEOUT_S: Final = 900
SOURCE_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class _Loaded:
    tokenizer: "Tokenizer"
    session: "InferenceSession"


class OnnxMiniLM:
    """all-MiniLM-L6-v2, quantised per channel; see `inference.embedders.base.Embedder`.

    One text a run: on a CPU faster than padded batches, and the vector depends on the text alone.
    """

    name = minilm.FOLDER_NAME
    dimensions = 384
    max_tokens = 256

    def __init__(self, exports: Path, *, threads: int = 0) -> None:
        """exports: where the exports live (made when missing). threads: 0 = one a core, at most 4."""
        self._exports = exports.resolve()
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Make ready; the first time on a machine this exports the model in a child process."""
        self._ready()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages, in order. Shape: (len(texts), 384), float32, unit length."""
        loaded = self._ready()
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return np.stack([_embed(loaded, text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """Embed one question. Shape: (384,), float32, unit length."""
        return _embed(self._ready(), text)

    def token_fertility(self, text: str) -> float:
        """Count word-pieces per word; a word outside the vocabulary counts one piece a character.

        A word is an unbroken run of letters, marks and digits, so that scripts without spaces,
        which the model does not know either, come out high.
        """
        encoding = self._ready().tokenizer.encode(text, add_special_tokens=False)
        pieces, end = 0, 0
        for piece, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
            if any(_is_word_character(character) for character in text[start:end]):
                pieces += end - start if piece == "[UNK]" else 1
        words = _count_words(text[:end])
        return pieces / words if words else 1.0

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded

    def _load(self) -> _Loaded:
        folder = self._exports / minilm.FOLDER_NAME
        if not minilm.is_exported(folder):
            _export_in_child(self._exports)
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as exc:
            raise EngineUnavailable("onnxruntime or tokenizers is not installed") from exc
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores
        try:
            tokenizer = Tokenizer.from_file(str(folder / minilm.TOKENIZER_FILE))
            session = onnxruntime.InferenceSession(
                str(folder / minilm.MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # both libraries raise bare Exception subclasses of their own
            raise ModelBroken(f"{folder}: {exc}") from exc
        tokenizer.no_padding()  # the file bakes in padding to 128 and truncation at 128
        tokenizer.enable_truncation(max_length=self.max_tokens)
        return _Loaded(tokenizer, session)


def _embed(loaded: _Loaded, text: str) -> Vectors:
    encoding = loaded.tokenizer.encode(text)
    inputs = {
        "input_ids": np.array([encoding.ids], dtype=np.int64),
        "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
    }
    try:
        (vectors,) = loaded.session.run(None, inputs)
    except Exception as exc:  # onnxruntime raises bare Exception subclasses of its own
        raise EngineUnavailable(f"the embedder failed: {exc}") from exc
    vector: Vectors = np.asarray(vectors[0], dtype=np.float32)
    return vector


def _export_in_child(exports: Path) -> None:
    """Export in a process of its own: torch needs 0.9 GB that nobody gets back otherwise."""
    command = [sys.executable, "-m", "inference.export.minilm", "--to", str(exports)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            command, cwd=SOURCE_ROOT, capture_output=True, text=True, timeout=EXPORT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise EngineUnavailable(f"the embedder could not be exported: {exc}") from exc
    if done.returncode != 0:
        raise EngineUnavailable(f"the embedder could not be exported: {done.stderr.strip()[-2000:]}")


def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _count_words(text: str) -> int:
    words, inside = 0, False
    for character in text:
        was_inside, inside = inside, _is_word_character(character)
        words += inside and not was_inside
    return words
