"""The embedder interface: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """One embedding model. Methods may be called from any thread.

    name: stable identity of model and export, stamped on every index.
    dimensions: length of a vector. max_tokens: longer text is truncated, not split.
    """

    name: str
    dimensions: int
    max_tokens: int

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
        """Word-pieces per word of the model's own tokeniser: about 1.1 in its language, 3 or more outside it."""
        ...


