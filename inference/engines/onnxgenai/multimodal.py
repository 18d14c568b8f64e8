"""Models that see, through onnxruntime-genai's own processor and generator: one reply at a time.

For folders made for CUDA, and for graphs that `seeing` does not know. The prompt is read in one native
call, which nothing can interrupt: on a GPU that is a second, on a CPU it would be a minute. Their
processor cuts every picture into sixteen squares, so two of them rarely fit into 4,096 tokens.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from inference.engines.onnxgenai.album import Album
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.generator import GeneratorRuntime
from inference.engines.onnxgenai.picture_prompt import PicturePromptWriter
from inference.engines.onnxgenai.pictures import as_png
from inference.engines.pictures import images_of
from inference.errors import ImageRefused, ModelBroken
from inference.image_tokens import SQUARES_OF_ONE
from inference.types import GenerationRequest

if TYPE_CHECKING:
    import onnxruntime_genai as og


class MultimodalRuntime(GeneratorRuntime):
    """A model folder of the Phi-3-vision kind; see `inference.host_frames.Runtime`."""

    prompts: PicturePromptWriter

    def __init__(self, folder: ModelFolder, *, plan: Plan, threads: int) -> None:
        """Load the model. Raises: EngineUnavailable, ModelBroken."""
        super().__init__(folder, plan=plan, threads=threads)
        try:
            self._processor = self._model.create_multimodal_processor()
        except RuntimeError as exc:
            raise ModelBroken(f"{folder.path}: {exc}") from exc

    @staticmethod
    def can_run(folder: ModelFolder) -> bool:
        """Say whether a folder describes a model that sees."""
        return folder.sight is not None

    def _new_prompts(self) -> PicturePromptWriter:
        return PicturePromptWriter(self._folder, self._tokenizer, Album(), several=SQUARES_OF_ONE)

    def _reading(
        self, writer: "og.Generator", request: GenerationRequest, prompt: list[int]
    ) -> Iterator[Callable[[], None]]:
        inputs = self._inputs(request)
        taken = int(inputs["input_ids"].shape()[1])
        asked = self.count_tokens(request.messages)
        if taken != asked:
            raise ModelBroken(f"the processor made {taken} tokens of a prompt of {asked}")
        yield partial(writer.set_inputs, inputs)
        if begun := prompt[asked:]:
            yield partial(writer.append_tokens, np.array(begun, np.int32))

    def _inputs(self, request: GenerationRequest) -> "og.NamedTensors":
        """Let the processor read text and pictures. Raises: ImageRefused."""
        import onnxruntime_genai as og

        text = self.prompts.text(request.messages)
        images = [as_png(image) for image in images_of(request.messages)]
        if not images:
            return self._processor(text)
        try:
            return self._processor(text, images=og.Images.open_bytes(*images))
        except RuntimeError as exc:
            raise ImageRefused(str(exc)) from exc
