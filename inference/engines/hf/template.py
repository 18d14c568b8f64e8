"""A Hugging Face tokenizer as prompts and replies need it."""

from collections.abc import Callable, Sequence
from typing import Any

from inference.engines.hf.folder import HfFolder
from inference.errors import ModelBroken
from inference.types import ChatMessage


class HfTemplate:
    """The tokenizer and chat template of a folder; see `inference.engines.native.prompt.Template`."""

    def __init__(self, folder: HfFolder) -> None:
        """Read them. Raises: ModelBroken."""
        # Not AutoTokenizer: for phi4_multimodal it builds GPT-2's rules for cutting text instead of those in
        # tokenizer.json, and the model gets other tokens than it learned with.
        from transformers import TokenizersBackend

        self._name = folder.label
        try:
            self._tokenizer: Any = TokenizersBackend.from_pretrained(folder.path, local_files_only=True)
        except (OSError, ValueError, KeyError, ImportError) as exc:
            raise ModelBroken(f"{folder.path}: the tokenizer cannot be read: {exc}") from exc
        if not self._tokenizer.is_fast:
            raise ModelBroken(f"{folder.path}: the tokenizer is of an old kind, without tokenizer.json")
        self._picture = self._picture_text(folder)

    @property
    def specials(self) -> dict[str, int]:
        """Text and id of every added token."""
        return dict(self._tokenizer.get_added_vocab())

    @property
    def unknown(self) -> tuple[int, ...]:
        """The id of the token for unknown text, if there is one."""
        unknown = self._tokenizer.unk_token_id
        return () if unknown is None else (int(unknown),)

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """Write the text of the prompt, with one token for each picture before the text of its turn."""
        from jinja2 import TemplateError

        listed = [
            {"role": message.role.value, "content": self._picture * len(message.images) + message.content}
            for message in messages
        ]
        try:
            return str(
                self._tokenizer.apply_chat_template(listed, tokenize=False, add_generation_prompt=True)
            )
        except (TemplateError, ValueError, TypeError) as exc:
            raise ModelBroken(f"{self._name}: the chat template does not work: {exc}") from exc

    def encode(self, text: str) -> list[int]:
        """Turn it into token ids, adding none."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def decoder(self, begun: Sequence[int]) -> Callable[[int], str]:
        """Give what turns the tokens of one reply into text, piece by piece; `begun`: those said already."""
        from tokenizers.decoders import DecodeStream

        stream: Any = DecodeStream(skip_special_tokens=True)
        backend = self._tokenizer.backend_tokenizer
        for token in begun:
            stream.step(backend, token)
        return lambda token: stream.step(backend, token) or ""

    def _picture_text(self, folder: HfFolder) -> str:
        """Give the text of the token that stands for a piece of a picture; "" where none are read."""
        if folder.vision is None:
            return ""
        listed = {token_id: text for text, token_id in self.specials.items()}
        if folder.vision.token_id not in listed:
            raise ModelBroken(f"{folder.path}: the tokenizer has no token for pictures")
        return listed[folder.vision.token_id]
