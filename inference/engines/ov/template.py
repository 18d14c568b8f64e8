"""OpenVINO's tokenizer as prompts and replies need it."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from inference.errors import ModelBroken
from inference.types import ChatMessage

UNFINISHED: Final = "\ufffd"  # what bytes in the middle of a character are decoded to
_CONTROL: Final = re.compile(r"<\|.+\|>|<s>|</s>|<pad>")


class OvTemplate:
    """The tokenizer and chat template of a pipeline; see `inference.engines.native.prompt.Template`."""

    def __init__(self, name: str, tokenizer: Any) -> None:
        """name: of the model, for errors. Raises: ModelBroken where there is no chat template."""
        self._name = name
        self._tokenizer = tokenizer
        if not tokenizer.get_original_chat_template():
            raise ModelBroken(f"{name} has no chat template: a base model, or half copied")
        listed = {text.decode(errors="replace"): int(token) for text, token in tokenizer.get_vocab().items()}
        self._specials = {text: token for text, token in listed.items() if _CONTROL.fullmatch(text)}

    @property
    def specials(self) -> dict[str, int]:
        """Text and id of every control token, known by its shape."""
        return self._specials

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """Write the text of the prompt."""
        listed = [{"role": message.role.value, "content": message.content} for message in messages]
        try:
            return str(self._tokenizer.apply_chat_template(listed, add_generation_prompt=True))
        except (RuntimeError, ValueError, TypeError) as exc:
            raise ModelBroken(f"{self._name}: the chat template does not work: {exc}") from exc

    def encode(self, text: str) -> list[int]:
        """Turn it into token ids, adding none."""
        try:
            encoded = self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0]
        except RuntimeError as exc:
            raise ModelBroken(f"{self._name}: the text cannot be read: {exc}") from exc
        return [int(token) for token in encoded]

    def decoder(self, begun: Sequence[int]) -> Callable[[int], str]:
        """Give what turns the tokens of one reply into text, piece by piece; `begun`: those said already."""
        return Decoder(self._tokenizer, begun).add


class Decoder:
    """Decodes the end of a growing reply: what was said before only sets the scene for what is new."""

    def __init__(self, tokenizer: Any, begun: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._said = list(begun)  # tokens of the last piece
        self._new: list[int] = []  # tokens since then

    def add(self, token: int) -> str:
        """Take a token and return the text that is sure now; often none."""
        self._new.append(token)
        before = str(self._tokenizer.decode(self._said)) if self._said else ""
        text = str(self._tokenizer.decode([*self._said, *self._new]))
        if text.endswith(UNFINISHED) or len(text) <= len(before):
            return ""
        self._said, self._new = self._new, []
        return text[len(before) :]
