"""Replies held to a JSON schema or a regular expression, by the grammar engine inside onnxruntime-genai.

That engine masks the logits of an og.Generator, and a generator needs an og.Model, which would load the
weights a second time. So `Guides` has a model of its own without any: the folder's tokenizer over a
graph that says nothing. The logits come from whoever runs the real model.
"""

import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inference.engines.native.sampling import Floats, Sampler
from inference.engines.onnxgenai.folder import ModelFolder
from inference.errors import BadRequest, CannotContinue, EngineError
from inference.types import Delta, Finish, FinishReason, GenerationRequest, Guidance, GuidanceKind

if TYPE_CHECKING:
    import onnxruntime_genai as og

GRAPH: Final = "guide.onnx"
PLAIN_TYPE: Final = "llama"  # a decoder and nothing else, whatever the folder's own model is
MAX_PATTERN_CHARS: Final = 20_000
_NO_TEXT: Final = re.compile(r"[\x00\ud800-\udfff]")  # native code would end the text there, or refuse it


def grammar(guidance: Guidance) -> tuple[str, str]:
    """Give the kind and text that onnxruntime-genai takes. Raises: BadRequest.

    White space between the parts of a JSON text is left out: a small model would write it for ever.
    """
    if not guidance.pattern or len(guidance.pattern) > MAX_PATTERN_CHARS:
        raise BadRequest(f"a {guidance.kind} has 1 to {MAX_PATTERN_CHARS} characters")
    if _NO_TEXT.search(guidance.pattern):
        raise BadRequest(f"the {guidance.kind} holds a NUL or half a character, which no text does")
    if guidance.kind is GuidanceKind.REGEX:
        return "regex", guidance.pattern
    try:
        schema = json.loads(guidance.pattern)
    except (ValueError, RecursionError) as exc:
        raise BadRequest(f"the schema is no JSON: {exc}") from exc
    if not isinstance(schema, dict):
        raise BadRequest("the schema is no JSON object")
    return "json_schema", json.dumps({"x-guidance": {"whitespace_flexible": False}, **schema})


def check_begins(request: GenerationRequest) -> None:
    """Refuse to go on with a guided reply: its beginning would be cut into other tokens than it had.

    Raises: CannotContinue.
    """
    if request.guidance and request.prefix:
        raise CannotContinue("a guided reply is written in one go")


def generator(model: "og.Model", params: "og.GeneratorParams", guidance: Guidance | None) -> "og.Generator":
    """Build a generator, held to a shape where one is given. Raises: BadRequest with the reason."""
    import onnxruntime_genai as og

    if guidance is None:
        return og.Generator(model, params)
    try:
        params.set_guidance(*grammar(guidance))
        return og.Generator(model, params)
    except RuntimeError as exc:
        reason = " ".join(str(exc).split())
        raise BadRequest(f"the {guidance.kind} cannot be followed: {reason}") from exc


def checked(
    events: Iterator[Delta | Finish], request: GenerationRequest, sampler: Sampler | None = None
) -> Iterator[Delta | Finish]:
    """Pass on a guided reply, and raise where what ended by itself is not what was asked for.

    Raises: EngineError.
    """
    text: list[str] = []
    for event in events:
        if isinstance(event, Delta):
            text.append(event.text)
        elif isinstance(sampler, Guided) and sampler.error:
            raise EngineError(f"the reply could not be held to its shape: {sampler.error}")
        elif event.reason is FinishReason.STOP:
            _check_parses(request, "".join(text))
        yield event


def _check_parses(request: GenerationRequest, text: str) -> None:
    if request.guidance and request.guidance.kind is GuidanceKind.JSON_SCHEMA:
        try:
            json.loads(text)
        except ValueError as exc:
            raise EngineError(f"a guided reply is no JSON: {exc}") from exc


class Guides:
    """Builds the samplers of guided replies for one model folder."""

    def __init__(self, folder: ModelFolder, vocabulary: int) -> None:
        """Load nothing yet. vocabulary: the size of the real model's logits."""
        self._folder = folder
        self._vocabulary = vocabulary
        self._loading = threading.Lock()

    def sampler(self, request: GenerationRequest, prompt: Sequence[int]) -> "Guided":
        """Hold a reply to the shape it must have; the first call reads the whole vocabulary.

        Raises: BadRequest, CannotContinue.
        """
        import onnxruntime_genai as og

        check_begins(request)
        with self._loading:  # once, however many ask first
            model = self._model
        params = og.GeneratorParams(model)
        options: dict[str, Any] = {"max_length": 2 + request.max_tokens, "do_sample": False}
        if request.temperature > 0:
            options |= {"do_sample": True, "temperature": request.temperature}
            options |= {"top_p": request.top_p, "top_k": request.top_k}
        if request.seed is not None:
            options["random_seed"] = request.seed
        params.set_search_options(**options)
        chooser = generator(model, params, request.guidance)
        end = min(self._folder.ends, default=0)
        return Guided(request, prompt, self._vocabulary, chooser, end=end)

    @cached_property
    def _model(self) -> "og.Model":
        import onnxruntime_genai as og

        config = og.Config(os.fspath(self._folder.path))
        alone = {
            "type": PLAIN_TYPE,
            "vocab_size": self._vocabulary,
            "decoder": {"filename": GRAPH, "num_hidden_layers": 0, "inputs": {"input_ids": "input_ids"}},
            **{part: {"filename": ""} for part in ("embedding", "vision") if self._folder.sight},
        }
        config.overlay(json.dumps({"model": alone}))
        config.add_model_data(GRAPH, _silent_graph(self._vocabulary))
        return og.Model(config)


class Guided(Sampler):
    """Chooses the tokens of one reply among those its grammar allows.

    error: set where the grammar gave up; the reply is ended then, and those who share its steps go on.
    """

    def __init__(
        self,
        request: GenerationRequest,
        prompt: Sequence[int],
        vocabulary: int,
        chooser: "og.Generator",
        *,
        end: int,
    ) -> None:
        """chooser: a generator that has the grammar, and no weights. end: a token that ends a reply."""
        super().__init__(request, prompt, vocabulary)
        self._chooser = chooser
        self._chooser.append_tokens(np.zeros(1, np.int32))
        self._end = end
        self.error = ""

    @property
    def is_plain(self) -> bool:
        """Never: the grammar has its say at every token."""
        return False

    def choose(self, logits: Floats) -> int:
        """Choose the token after these logits; shape (vocabulary,), left as they are."""
        if self._seen is not None:
            logits = self._penalised(logits, self._seen)
        try:
            token = self._next(logits)
        except RuntimeError as exc:
            self.error = " ".join(str(exc).split("<state>")[0].split())  # the rest is its whole parser
            token = self._end
        if self._seen is not None:
            self._seen[token] = True
        return token

    def _next(self, logits: Floats) -> int:
        self._chooser.get_logits()  # computed, or they cannot be set
        self._chooser.set_logits(logits.astype(np.float32).reshape(1, 1, -1))
        self._chooser.generate_next_token()
        return int(self._chooser.get_next_tokens()[0])


def _silent_graph(vocabulary: int) -> bytes:
    """Write a graph that takes tokens and finds every next one equally likely."""
    from onnx import TensorProto, helper

    tokens = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "tokens", vocabulary])
    graph = helper.make_graph(
        [helper.make_node("OneHot", ["input_ids", "depth", "values"], ["logits"])],
        "guide",
        [tokens],
        [logits],
        [
            helper.make_tensor("depth", TensorProto.INT64, [], [vocabulary]),
            helper.make_tensor("values", TensorProto.FLOAT, [2], [0.0, 0.0]),
        ],
    )
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
