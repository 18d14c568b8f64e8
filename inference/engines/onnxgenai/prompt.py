"""From messages to token ids, with the model's own template; control tokens only where it puts them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from inference.engines.onnxgenai.folder import ModelFolder
from inference.errors import BadRequest, CannotContinue, ModelBroken
from inference.special_tokens import fold_system, neutralise, neutralise_messages
from inference.types import ChatMessage, GenerationRequest, Role

if TYPE_CHECKING:
    import onnxruntime_genai as og

PROBE: Final = "PROBE"


class PromptWriter:
    """Writes prompts for one model."""

    def __init__(self, folder: ModelFolder, tokenizer: "og.Tokenizer") -> None:
        """Try the template once. Raises: ModelBroken (there is none, or it does not work)."""
        self._tokenizer = tokenizer
        self._specials = tuple(folder.specials)
        self._control_ids = frozenset(folder.specials.values()) - {folder.unknown}
        try:
            probed = self._render([ChatMessage(Role.SYSTEM, PROBE), ChatMessage(Role.USER, "x")])
            asked = self._render([ChatMessage(Role.USER, PROBE)])
        except RuntimeError as exc:
            raise ModelBroken(f"{folder.path}: the chat template does not work: {exc}") from exc
        if PROBE not in asked:
            raise ModelBroken(f"{folder.path}: the chat template drops what the user says")
        self._knows_system = PROBE in probed

    def token_ids(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Write the prompt that asks for the next reply.

        Raises: BadRequest where some text still reads as control tokens; it is never sent on.
        """
        if not messages:
            raise BadRequest("a prompt needs at least one message")
        clean = self._clean(messages)
        ids = self._encode(clean)
        harmless = [replace(one, content="x" if one.content.strip() else one.content) for one in clean]
        if self._controls(ids) != self._controls(self._encode(harmless)):
            raise BadRequest("text of the prompt reads as control tokens")
        return ids

    def with_prefix(self, prompt: list[int], request: GenerationRequest) -> list[int]:
        """Add the beginning of the reply to the prompt of a request.

        The tokenizer cuts the beginning of a text as it cuts the whole, so these are the tokens that
        stood there when the beginning was written. Raises: BadRequest, CannotContinue.
        """
        if not request.prefix:
            return prompt
        ids = self._encode(self._clean(request.messages), neutralise(request.prefix, self._specials))
        if ids[: len(prompt)] != prompt or self._controls(ids) != self._controls(prompt):
            raise CannotContinue("the beginning of the reply melts into its prompt")
        return ids

    def _clean(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        spoken = list(messages) if self._knows_system else fold_system(messages)
        return neutralise_messages(spoken, self._specials)

    def _controls(self, ids: Sequence[int]) -> list[int]:
        return [token for token in ids if token in self._control_ids]

    def _encode(self, messages: Sequence[ChatMessage], begun: str = "") -> list[int]:
        try:
            return [int(token) for token in self._tokenizer.encode(self._render(messages) + begun)]
        except RuntimeError as exc:
            raise BadRequest(f"the prompt cannot be written: {exc}") from exc

    def _render(self, messages: Sequence[ChatMessage]) -> str:
        listed = [{"role": message.role.value, "content": message.content} for message in messages]
        return str(self._tokenizer.apply_chat_template(json.dumps(listed), add_generation_prompt=True))
