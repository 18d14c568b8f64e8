"""The embedder interface: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """One embedding model. Methods may be called from any thread.

    name: stable identity of model and export, stamped on every index; known without loading.
    dimensions: length of a vector. max_tokens: longer text is truncated, not split. Both may load.
    """

    @property
    def name(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def load(self) -> None:
        """Make ready; slow the first time, then immediate. Raises: EngineError."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages, in order.

        Shape: (len(texts), dimensions), float32, unit length (cosine = dot).
        Raises: EngineUnavailable.
        """
        ...

    def embed_query(self, text: str) -> Vectors:
        """Embed one question. Shape: (dimensions,), float32, unit length. Raises: EngineUnavailable."""
        ...

    def token_fertility(self, text: str) -> float:
        """Count word-pieces per word of the model's own tokeniser.

        About 1.1 in a language the model knows, 3 or more outside it; 1.0 for a text without words.
        Raises: EngineError.
        """
        ...
