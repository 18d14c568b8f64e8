"""The engine without a model: it answers with the best sentences of the passages, each one cited."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from inference.engines.base import Health, refuse_images, refuse_unsupported
from inference.prefix import Prefix
from inference.quoting import block_quote
from inference.slots import Slots
from inference.stop_strings import StopStrings
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Quote,
    ShouldStop,
    StreamEvent,
    Usage,
    never_stop,
)

MAX_QUOTES: Final = 3
GOOD_ENOUGH: Final = 0.5  # of the best score, for a second or third sentence
SAME_SENTENCE: Final = 0.8  # of the shorter one's character trigrams found in the other

_WORD_AND_SPACE: Final = re.compile(r"\S+\s*")


class ExtractiveEngine:
    """Quotes from `request.quotes` and nothing else; see `inference.engines.base.Engine`.

    Tokens are words. Without a quote it ends with NO_ANSWER and no text.
    """

    name = "extractive"
    model = "quotes"
    slots = 8
    context_tokens = 0
    can_continue = True
    sees_images = False
    can_guide = False

    def __init__(self) -> None:
        self._places = Slots(self.slots)

    def load(self) -> None:
        """Nothing to load."""

    def health(self) -> Health:
        """Always ready."""
        return Health(is_ready=True, detail="Quotes from the documents; no language model is installed.")

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Count words."""
        refuse_images(self, messages)
        return sum(len(message.content.split()) for message in messages)

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write the quotes word by word."""
        refuse_unsupported(self, request)
        with self._places.held(should_stop) as is_held:
            if not is_held:
                yield Finish(FinishReason.CANCELLED)
                return
            yield from self._write(request, should_stop)

    def close(self) -> None:
        """Nothing to free."""

    def _write(self, request: GenerationRequest, should_stop: ShouldStop) -> Iterator[StreamEvent]:
        prompt_tokens = self.count_tokens(request.messages)
        chosen = choose_quotes(request.quotes)
        text = "\n\n".join(block_quote(quote.text, quote.n) for quote in chosen)
        reason = FinishReason.STOP if chosen else FinishReason.NO_ANSWER
        if should_stop():  # also where there is no text
            reason, text = FinishReason.CANCELLED, ""
        written, stops, prefix = 0, StopStrings(request.stop), Prefix(request.prefix)
        for piece in _WORD_AND_SPACE.findall(text):
            if should_stop():
                reason = FinishReason.CANCELLED
                break
            if written >= request.max_tokens:
                reason = FinishReason.LENGTH
                break
            written += prefix.is_over
            if sure := prefix.cut(stops.feed(piece)):
                yield Delta(sure)
            if stops.is_reached:
                break
        if rest := prefix.cut(stops.flush()):
            yield Delta(rest)
        if reason is not FinishReason.CANCELLED:
            prefix.check()
        yield Finish(reason, Usage(prompt_tokens=prompt_tokens, completion_tokens=written))


def choose_quotes(quotes: Sequence[Quote]) -> list[Quote]:
    """Choose the best one to three sentences, in the order of their passages.

    A further sentence is taken when it scores well beside the best and does not repeat one taken.
    """
    usable = [quote for quote in quotes if quote.score > 0 and quote.text.strip()]
    by_score = sorted(usable, key=lambda quote: -quote.score)
    chosen: list[Quote] = []
    for quote in by_score:
        if len(chosen) == MAX_QUOTES or quote.score < GOOD_ENOUGH * by_score[0].score:
            break
        if not any(_is_repeat(quote.text, other.text) for other in chosen):
            chosen.append(quote)
    return sorted(chosen, key=lambda quote: (quote.n, quotes.index(quote)))


def _is_repeat(one: str, other: str) -> bool:
    shorter, longer = sorted((_trigrams(one), _trigrams(other)), key=len)
    return len(shorter & longer) >= SAME_SENTENCE * len(shorter)


def _trigrams(text: str) -> set[str]:
    """Character trigrams of the letters and digits; they compare sentences of any script."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(character for character in folded if character.isalnum())
    return {plain[at : at + 3] for at in range(max(1, len(plain) - 2))}
