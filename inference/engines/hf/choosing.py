"""The tokens of many replies, each with its own options: transformers' batches know one set for all.

It stands where transformers expects a processor of logits. It lets the token chosen by a reply's own
sampler through and no other one, so that the greedy choice made afterwards finds that token.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from inference.engines.native.sampling import Sampler

if TYPE_CHECKING:
    import torch


class TokenChooser:
    """One for all the replies of a batch; see transformers' ContinuousBatchingLogitsProcessor."""

    supports_continuous_batching = True
    supported_kwargs: dict[str, type] = {}
    ignored_kwargs: tuple[str, ...] = ()

    def __init__(self, on_step: Callable[[], None]) -> None:
        """on_step: called before every step, also one that only reads prompts."""
        self._on_step = on_step
        self._samplers: dict[str, Sampler] = {}
        self._lock = threading.Lock()
        self._rows: list[str] = []

    def open(self, reply: str, sampler: Sampler) -> None:
        """Take a reply in that is not simply greedy."""
        with self._lock:
            self._samplers[reply] = sampler

    def forget(self, reply: str) -> None:
        """Drop a reply that has ended."""
        with self._lock:
            self._samplers.pop(reply, None)

    def fill_defaults(self, int32_tensor: "torch.Tensor") -> None:
        """Set what the tensor holds before the first step: nothing is read from it."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: Sequence[Any]) -> "torch.Tensor":
        """Note whose logits the next call gets, in their order."""
        import torch

        self._on_step()
        self._rows = [request.state.request_id for request in requests_with_new_token]
        return torch.zeros(len(self._rows), dtype=torch.int32)

    def __call__(self, scores: "torch.Tensor", tensor_arg: "torch.Tensor") -> "torch.Tensor":
        """Leave one finite value in the row of every reply with a sampler; shape (replies, vocabulary)."""
        for at, reply in enumerate(self._rows):
            with self._lock:
                sampler = self._samplers.get(reply)
            if sampler is not None:
                token = sampler.choose(scores[at].float().cpu().numpy())
                scores[at] = float("-inf")
                scores[at, token] = 0.0
        return scores
