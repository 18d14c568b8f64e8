"""Prompts with pictures: each stands in its user's turn, before the text, as `<|image_1|>` and a new line.

Only what is placed here is a picture: the same letters in anybody's text are taken apart beforehand, as
all control tokens are.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from inference.engines.native import prompt
from inference.engines.onnxgenai.album import Album
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.prompt import OgTemplate
from inference.engines.pictures import images_of
from inference.image_tokens import SQUARES_OF_SEVERAL, squares_for
from inference.types import ChatMessage

if TYPE_CHECKING:
    import onnxruntime_genai as og

PLACE: Final = re.compile(r"<\|image_(\d+)\|>")


class PictureTemplate(OgTemplate):
    """See `inference.engines.native.prompt.Template`; a place holds the picture's number in the album."""

    def __init__(self, folder: ModelFolder, tokenizer: "og.Tokenizer", album: Album, several: int) -> None:
        super().__init__(folder, tokenizer)
        self._album = album
        self._several = several

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """Write the text of the prompt. Raises: ImageRefused, ModelBroken."""
        squares = squares_for(len(images_of(messages)), self._several)
        return super().render([self._placed(message, squares) for message in messages])

    def encode(self, text: str) -> list[int]:
        """Turn it into ids; what is between two pictures by itself, as the runtime's processor does."""
        ids: list[int] = []
        for at, piece in enumerate(PLACE.split(text)):
            ids += self._album.token_ids(int(piece)) if at % 2 else super().encode(piece)
        return ids

    def _placed(self, message: ChatMessage, squares: int) -> ChatMessage:
        numbers = [self._album.number(image, squares) for image in message.images]
        places = "".join(f"<|image_{number}|>\n" for number in numbers)
        return replace(message, content=places + message.content)


class PicturePromptWriter(prompt.PromptWriter):
    """Writes prompts for one model that sees."""

    def __init__(
        self,
        folder: ModelFolder,
        tokenizer: "og.Tokenizer",
        album: Album,
        several: int = SQUARES_OF_SEVERAL,
    ) -> None:
        """Try the template once. Raises: ModelBroken (there is none, or it does not work).

        several: squares of each picture where a prompt has more than one.
        """
        harmless = () if folder.unknown is None else (folder.unknown,)
        template = PictureTemplate(folder, tokenizer, album, several)
        super().__init__(str(folder.path), template, harmless_ids=harmless)

    def text(self, messages: Sequence[ChatMessage]) -> str:
        """Write the prompt for the runtime's own processor, which counts pictures from 1."""
        count = itertools.count(1)
        written = self._template.render(self._clean(messages))
        return PLACE.sub(lambda _: f"<|image_{next(count)}|>", written)
