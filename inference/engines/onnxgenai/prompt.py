"""The tokenizer and chat template of an ONNX Runtime GenAI model."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inference.engines.native import prompt
from inference.engines.onnxgenai.folder import ModelFolder
from inference.errors import ModelBroken
from inference.types import ChatMessage

if TYPE_CHECKING:
    import onnxruntime_genai as og


class OgTemplate:
    """See `inference.engines.native.prompt.Template`."""

    def __init__(self, folder: ModelFolder, tokenizer: "og.Tokenizer") -> None:
        self._folder = folder
        self._tokenizer = tokenizer

    @property
    def specials(self) -> dict[str, int]:
        """Text and id of every added token."""
        return self._folder.specials

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """Write the text of the prompt."""
        listed = [{"role": message.role.value, "content": message.content} for message in messages]
        try:
            return str(self._tokenizer.apply_chat_template(json.dumps(listed), add_generation_prompt=True))
        except RuntimeError as exc:
            raise ModelBroken(f"{self._folder.path}: the chat template does not work: {exc}") from exc

    def encode(self, text: str) -> list[int]:
        """Turn it into token ids, adding none."""
        try:
            return [int(token) for token in self._tokenizer.encode(text)]
        except RuntimeError as exc:
            raise ModelBroken(f"{self._folder.path}: the text cannot be read: {exc}") from exc


class PromptWriter(prompt.PromptWriter):
    """Writes prompts for one model."""

    def __init__(self, folder: ModelFolder, tokenizer: "og.Tokenizer") -> None:
        """Try the template once. Raises: ModelBroken (there is none, or it does not work)."""
        harmless = () if folder.unknown is None else (folder.unknown,)
        super().__init__(str(folder.path), OgTemplate(folder, tokenizer), harmless_ids=harmless)
