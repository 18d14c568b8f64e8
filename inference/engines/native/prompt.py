"""From messages to token ids, with the model's own template; control tokens only where it puts them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from inference.errors import BadRequest, CannotContinue, EngineError, ModelBroken
from inference.special_tokens import fold_system, neutralise, neutralise_messages
from inference.types import ChatMessage, GenerationRequest, Role

PROBE: Final = "PROBE"


class Template(Protocol):
    """A model's tokenizer and chat template, whichever library reads them.

    specials: text and id of every control token. Both methods raise ModelBroken where they fail.
    """

    @property
    def specials(self) -> dict[str, int]: ...

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """Write the text of the prompt that asks for the next reply."""
        ...

    def encode(self, text: str) -> list[int]:
        """Turn it into token ids, adding none."""
        ...


class PromptWriter:
    """Writes prompts for one model."""

    def __init__(self, name: str, template: Template, *, harmless_ids: Iterable[int] = ()) -> None:
        """Try the template once. Raises: ModelBroken (there is none, or it does not work).

        name: of the model, for errors. harmless_ids: added tokens that control nothing (unknown text).
        """
        self._template = template
        self._specials = tuple(template.specials)
        self._control_ids = frozenset(template.specials.values()) - frozenset(harmless_ids)
        asked = template.render([ChatMessage(Role.USER, PROBE)])
        if PROBE not in asked:
            raise ModelBroken(f"{name}: the chat template drops what the user says")
        self._knows_system = _knows_system(template)

    def token_ids(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Write the prompt that asks for the next reply.

        Raises: BadRequest where some text still reads as control tokens; it is never sent on.
        """
        if not messages:
            raise BadRequest("a prompt needs at least one message")
        clean = self._clean(messages)
        ids = self._encoded(clean)
        harmless = [replace(one, content="x" if one.content.strip() else one.content) for one in clean]
        if self._controls(ids) != self._controls(self._encoded(harmless)):
            raise BadRequest("text of the prompt reads as control tokens")
        return ids

    def begun_ids(self, prompt: list[int], request: GenerationRequest) -> list[int]:
        """Give the tokens of the beginning of the reply, as they stand after the prompt of the request.

        The tokenizer cuts the beginning of a text as it cuts the whole, so these are the tokens that
        stood there when the beginning was written. Raises: BadRequest, CannotContinue.
        """
        if not request.prefix:
            return []
        ids = self._encoded(self._clean(request.messages), neutralise(request.prefix, self._specials))
        if ids[: len(prompt)] != prompt or self._controls(ids) != self._controls(prompt):
            raise CannotContinue("the beginning of the reply melts into its prompt")
        return ids[len(prompt) :]

    def _clean(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        spoken = list(messages) if self._knows_system else fold_system(messages)
        return neutralise_messages(spoken, self._specials)

    def _controls(self, ids: Sequence[int]) -> list[int]:
        return [token for token in ids if token in self._control_ids]

    def _encoded(self, messages: Sequence[ChatMessage], begun: str = "") -> list[int]:
        try:
            return self._template.encode(self._template.render(messages) + begun)
        except BadRequest:
            raise  # it says already what is wrong with the request, as an image
        except EngineError as exc:
            raise BadRequest(f"the prompt cannot be written: {exc}") from exc


def _knows_system(template: Template) -> bool:
    """Tell whether the system text reaches the prompt; some templates drop it, some refuse it."""
    try:
        probed = template.render([ChatMessage(Role.SYSTEM, PROBE), ChatMessage(Role.USER, "x")])
    except ModelBroken:
        return False
    return PROBE in probed
