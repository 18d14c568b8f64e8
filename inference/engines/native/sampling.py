"""From logits to the next token: greedy, or temperature, top-k and top-p; repetition penalty before both."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from inference.types import GenerationRequest

# With top-p alone, this many of the likeliest tokens nearly always hold the share asked for.
USUALLY_ENOUGH: Final = 512

Floats = npt.NDArray[np.floating[Any]]


class Sampler:
    """Chooses the tokens of one reply."""

    def __init__(self, request: GenerationRequest, prompt: Sequence[int], vocabulary: int) -> None:
        self._request = request
        self._random = np.random.default_rng(request.seed)
        self._seen: npt.NDArray[np.bool_] | None = None
        if request.repetition_penalty != 1.0:
            self._seen = np.zeros(vocabulary, np.bool_)
            self._seen[list(prompt)] = True

    @property
    def is_plain(self) -> bool:
        """Whether the likeliest token is taken, whatever came before."""
        return self._request.temperature == 0 and self._seen is None

    def choose(self, logits: Floats) -> int:
        """Choose the token after these logits; shape (vocabulary,), left as they are."""
        if self._seen is not None:
            logits = self._penalised(logits, self._seen)
        if self._request.temperature == 0:
            token = int(logits.argmax())
        else:
            token = self._drawn(logits.astype(np.float64) / self._request.temperature)
        if self._seen is not None:
            self._seen[token] = True
        return token

    def _penalised(self, logits: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
        penalty = np.float32(self._request.repetition_penalty)
        penalised = logits.copy()
        there = penalised[seen]
        penalised[seen] = np.where(there < 0, there * penalty, there / penalty)
        return penalised

    def _drawn(self, logits: npt.NDArray[np.float64]) -> int:
        top_k, top_p = self._request.top_k, self._request.top_p
        chances = np.exp(logits - logits.max())
        if 0 < top_k < len(chances):
            kept = np.argpartition(chances, -top_k)[-top_k:]
        else:
            kept = np.arange(len(chances))
        if top_p < 1:
            kept = _most_likely(chances, kept, top_p * float(chances[kept].sum()))
        weights = chances[kept]
        place = np.searchsorted(np.cumsum(weights), self._random.random() * weights.sum(), side="right")
        return int(kept[min(int(place), len(kept) - 1)])


def _most_likely(
    chances: npt.NDArray[np.float64], kept: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.int64]:
    """Narrow `kept` to the fewest tokens, likeliest first, whose chances reach `share` together."""
    if len(kept) > USUALLY_ENOUGH:
        few = kept[np.argpartition(chances[kept], -USUALLY_ENOUGH)[-USUALLY_ENOUGH:]]
        if chances[few].sum() > share:
            kept = few
    ordered = kept[np.argsort(-chances[kept], kind="stable")]
    needed = int(np.searchsorted(np.cumsum(chances[ordered]), share)) + 1
    return ordered[:needed]
