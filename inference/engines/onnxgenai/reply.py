"""One reply of an ONNX Runtime GenAI model, decoded by its tokenizer's stream."""

from typing import TYPE_CHECKING

from inference.engines.native import reply
from inference.types import GenerationRequest

if TYPE_CHECKING:
    import onnxruntime_genai as og


class Reply(reply.Reply):
    """Turns the tokens of one reply into events."""

    def __init__(
        self,
        request: GenerationRequest,
        prompt_tokens: int,
        tokenizer: "og.Tokenizer",
        ends: frozenset[int],
    ) -> None:
        """ends: tokens that end a reply."""
        stream = tokenizer.create_stream()
        super().__init__(request, prompt_tokens, lambda token: str(stream.decode(token)), ends)
