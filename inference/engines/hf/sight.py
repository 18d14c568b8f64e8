"""Replies to prompts with pictures: one at a time, beside the batches, which take text only."""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from inference.engines.hf.adapter import attach
from inference.engines.hf.folder import HfFolder, VisionPart
from inference.engines.hf.pixels import pixel_inputs
from inference.engines.hf.tiling import tilings
from inference.engines.native.reply import Reply
from inference.engines.native.sampling import Sampler
from inference.engines.pictures import images_of
from inference.errors import EngineUnavailable, ModelBroken
from inference.host_frames import no_report
from inference.types import (
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Image,
    ShouldStop,
    never_stop,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LOOK_S: Final = 0.05  # how often a reply that waits for its turn looks at should_stop


class _StoppedError(Exception):
    """Nobody wants this reply any more."""


class Sight:
    """A second view of the loaded model: the same weights, the vision adapter, attention without pages."""

    def __init__(self, model: "PreTrainedModel", folder: HfFolder, vision: VisionPart) -> None:
        """Make it before the batches change how the model attends. Raises: ModelBroken."""
        self._label = folder.label
        self._vision = vision
        shared = {id(weight): weight for weight in model.parameters()}
        twin: Any = copy.deepcopy(model, shared)
        attach(twin, vision.adapter)
        tower = twin.model.embed_tokens_extend.image_embed.img_processor
        for layer in [*tower.encoder.layers, *twin.model.layers]:
            layer.register_forward_pre_hook(self._between_layers)
        self._model = twin
        self._turn = threading.Lock()
        self._should_stop: ShouldStop = never_stop
        self._on_step: Callable[[], None] = no_report

    def expand(self, written: Sequence[int], images: Sequence[Image]) -> list[int]:
        """Put as many tokens as each picture takes where the prompt has one for it.

        Raises: ImageRefused; ModelBroken where the template loses pictures.
        """
        counts = [plan.tokens for plan in tilings(images, self._vision.crop, self._vision.patch)]
        if written.count(self._vision.token_id) != len(counts):
            raise ModelBroken(f"{self._label}: the chat template loses pictures")
        taken = iter(counts)
        return [
            token for one in written for token in [one] * (next(taken) if one == self._vision.token_id else 1)
        ]

    def write(
        self,
        reply: Reply,
        prompt: Sequence[int],
        request: GenerationRequest,
        should_stop: ShouldStop,
        on_step: Callable[[], None],
    ) -> Iterator[Delta | Finish]:
        """Write a reply once those before it are written; `prompt` is expanded. Raises: EngineError."""
        while not self._turn.acquire(timeout=LOOK_S):
            if should_stop():
                yield from reply.finish(FinishReason.CANCELLED)
                return
        try:
            self._should_stop, self._on_step = should_stop, on_step
            for token in self._tokens(prompt, request):
                yield from reply.add(token)
                if reply.is_finished:
                    return
        except _StoppedError:
            yield from reply.finish(FinishReason.CANCELLED)
        finally:
            self._should_stop, self._on_step = never_stop, no_report
            self._turn.release()

    def _tokens(self, prompt: Sequence[int], request: GenerationRequest) -> Iterator[int]:
        """Give one token after the other, for ever."""
        import torch

        sampler = Sampler(request, prompt, self._model.config.vocab_size)
        images = images_of(request.messages)
        seen = pixel_inputs(images, tilings(images, self._vision.crop, self._vision.patch))
        inputs: dict[str, Any] = {name: value.to(self._model.device) for name, value in seen.items()}
        latest, past = list(prompt), None
        while True:
            try:
                with torch.inference_mode():
                    ids = torch.tensor([latest], device=self._model.device)
                    said = self._model(
                        input_ids=ids, past_key_values=past, use_cache=True, logits_to_keep=1, **inputs
                    )
            except torch.OutOfMemoryError as exc:
                raise EngineUnavailable(f"{self._label}: no GPU memory left for pictures: {exc}") from exc
            past, inputs = said.past_key_values, {}
            latest = [sampler.choose(said.logits[0, -1].float().cpu().numpy())]
            yield latest[0]

    def _between_layers(self, *_: object) -> None:
        """Say that work goes on, also inside a long prompt; leave it where nobody waits for it."""
        self._on_step()
        if self._should_stop():
            raise _StoppedError
