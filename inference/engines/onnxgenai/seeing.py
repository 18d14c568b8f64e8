"""The runtime of models that see, on the CPU: the batching one, over ids and pictures.

Pictures are read once, beside the replies at work; from there on a prompt with pictures is a prompt:
read in chunks, cancelled between two steps, and taken over by the next turn. The graphs are those of the
folder; the processor is our own (see `pictures`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from inference.engines.native.reply import check_fits, check_options
from inference.engines.native.sampling import Sampler
from inference.engines.onnxgenai.album import Album, Features
from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.decoder import DTYPES, Decoder, Tokens, UnfamiliarGraph
from inference.engines.onnxgenai.eyes import Eyes, open_session
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.graph import Graph
from inference.engines.onnxgenai.picture_prompt import PicturePromptWriter
from inference.engines.onnxgenai.sight import Part
from inference.engines.pictures import images_of
from inference.host_frames import no_report
from inference.image_tokens import squares_for
from inference.types import Delta, Finish, FinishReason, GenerationRequest, ShouldStop, Usage, never_stop

PICTURE: Final = -1  # any id below zero tells the embedding graph: the next of the image features


class SeeingDecoder(Decoder):
    """A decoder that takes embeddings; ids below zero are tokens of pictures in the album."""

    first_input: ClassVar[str] = "inputs_embeds"

    def __init__(
        self,
        graph: Graph,
        embedding: Part,
        album: Album,
        *,
        rows: int,
        context_tokens: int,
        threads: int,
        beside: Decoder | None = None,
    ) -> None:
        """Load both graphs, or share those of the decoder it is put beside.

        Raises: ModelBroken, UnfamiliarGraph.
        """
        super().__init__(graph, rows=rows, context_tokens=context_tokens, threads=threads, beside=beside)
        self._names = embedding.names
        self._album = album
        self._embedding: Any = (
            beside._embedding if isinstance(beside, SeeingDecoder) else open_session(embedding.file, 1)
        )
        self._nothing = self._no_features()

    def _no_features(self) -> Features:
        """Make features of no token, and compare both graphs. Raises: UnfamiliarGraph."""
        inputs = {one.name: one for one in self._embedding.get_inputs()}
        outputs = {one.name: one for one in self._embedding.get_outputs()}
        taken = {one.name: one for one in self._session.get_inputs()}[self._graph.names[self.first_input]]
        features, given = (
            inputs.get(self._names["image_features"]),
            outputs.get(self._names["inputs_embeds"]),
        )
        if features is None or given is None or inputs.keys() != {features.name, self._names["input_ids"]}:
            raise UnfamiliarGraph(f"an embedding of {sorted(inputs)} as {sorted(outputs)}")
        if features.type not in DTYPES or len(features.shape) != 2 or given.type != taken.type:
            raise UnfamiliarGraph(f"features of {features.type} {features.shape}, embedded as {given.type}")
        width = taken.shape[-1]
        if not isinstance(width, int):
            raise UnfamiliarGraph(f"embeddings of {taken.shape}")
        return np.zeros((0, width), DTYPES[features.type])

    def _first(self, tokens: Tokens) -> npt.NDArray[np.generic]:
        is_picture = tokens < 0
        features = self._album.features(tokens[is_picture].tolist())
        feeds = {
            self._names["input_ids"]: np.where(is_picture, PICTURE, tokens),
            self._names["image_features"]: self._nothing
            if features is None
            else features.astype(self._nothing.dtype, copy=False),
        }
        (embedded,) = self._embedding.run([self._names["inputs_embeds"]], feeds)
        return np.ascontiguousarray(embedded)


class SeeingRuntime(BatchingRuntime):
    """A model folder of the Phi-3-vision kind on the CPU; see `inference.host_frames.Runtime`."""

    def __init__(self, folder: ModelFolder, *, plan: Plan, threads: int) -> None:
        """Load the model. Raises: ModelBroken, UnfamiliarGraph."""
        if folder.sight is None:
            raise UnfamiliarGraph("it has no eyes")
        self._album = Album()
        self._eyes = Eyes(folder.sight, self._album, threads=threads)
        super().__init__(folder, plan=plan, threads=threads)

    @staticmethod
    def can_run(folder: ModelFolder) -> bool:
        """Say whether a folder describes a model that sees, for the CPU."""
        return folder.sight is not None and folder.graph is not None and folder.graph.can_batch

    def stream(
        self,
        request: GenerationRequest,
        *,
        should_stop: ShouldStop = never_stop,
        on_step: Callable[[], None] = no_report,
    ) -> Iterator[Delta | Finish]:
        """Look at the pictures, then write. Raises: EngineError."""
        check_options(request)
        prompt_tokens = self.count_tokens(request.messages)
        check_fits(request, prompt_tokens, self._plan.longest_tokens)
        held = []  # as long as the reply is written
        images = images_of(request.messages)
        squares = squares_for(len(images))
        for image in images:
            seen = self._eyes.see(image, squares, should_stop, on_step)
            if seen is None:
                yield Finish(FinishReason.CANCELLED, Usage(prompt_tokens))
                return
            held.append(seen)
        yield from super().stream(request, should_stop=should_stop, on_step=on_step)

    def close(self) -> None:
        """End both threads."""
        super().close()
        self._eyes.close()

    def _new_prompts(self) -> PicturePromptWriter:
        return PicturePromptWriter(self._folder, self._tokenizer, self._album)

    def _new_decoder(
        self, graph: Graph, *, rows: int, context_tokens: int, threads: int, beside: Decoder | None = None
    ) -> Decoder:
        assert self._folder.sight is not None
        return SeeingDecoder(
            graph,
            self._folder.sight.embedding,
            self._album,
            rows=rows,
            context_tokens=context_tokens,
            threads=threads,
            beside=beside,
        )

    def _sampler(self, request: GenerationRequest, prompt: Sequence[int]) -> Sampler:
        return super()._sampler(request, [token for token in prompt if token >= 0])
