"""Prompt look-up: guess the next tokens from what the prompt says, to be verified in one step. Pure.

Answers that quote their passages repeat whole runs of the prompt. A guess never changes the reply: the
model computes every guessed token, and only those it would have chosen itself are kept.
"""

from collections.abc import Iterable
from typing import Final

NGRAM: Final = 3  # tokens that must agree before a guess is made
MOST: Final = 8  # tokens guessed at once
DECAY: Final = 0.85  # how fast older guesses are forgotten
PROBE_EVERY: Final = 24  # tokens without a guess, after which a cheap one is tried again
WORTH: Final = 1.05  # expected tokens for the time of one step, below which nothing is guessed


class StepCosts:
    """What a step with so many guessed tokens costs, relative to one without. Learnt over all replies."""

    def __init__(self) -> None:
        self._plain_s = 0.0
        self._slope = 0.2  # of a step, for each guessed token

    def took(self, guessed: int, seconds: float) -> None:
        """Learn from a step."""
        if guessed == 0:
            self._plain_s = seconds if not self._plain_s else 0.8 * self._plain_s + 0.2 * seconds
        elif self._plain_s:
            slope = max(0.0, seconds / self._plain_s - 1) / guessed
            self._slope = 0.8 * self._slope + 0.2 * slope

    def of(self, guessed: int) -> float:
        """Estimate the cost of a step, in steps."""
        return 1 + self._slope * guessed


class PromptLookup:
    """Guesses for one reply: what followed the last tokens when they were seen before."""

    def __init__(self, prompt: Iterable[int], costs: StepCosts) -> None:
        self._costs = costs
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._right, self._wrong = 2.0, 0.6  # as if a few guesses had been made
        self._since_guess = 0  # tokens
        for token in prompt:
            self.add(token)
        self._since_guess = 0

    def add(self, token: int) -> None:
        """Take the next token of prompt or reply."""
        if len(self._tokens) >= NGRAM:
            self._after[tuple(self._tokens[-NGRAM:])] = len(self._tokens)
        self._tokens.append(token)
        self._since_guess += 1

    def guess(self, most: int) -> list[int]:
        """Guess up to `most` next tokens; none where that would not pay."""
        start = self._after.get(tuple(self._tokens[-NGRAM:]))
        length = min(most, self._best_length())
        if start is None or length < 1:
            return []
        self._since_guess = 0
        guess: list[int] = []
        for at in range(start, start + length):  # past its end the text is taken to repeat itself
            beyond = at - len(self._tokens)
            guess.append(self._tokens[at] if beyond < 0 else guess[beyond])
        return guess

    def verified(self, guessed: int, right: int) -> None:
        """Learn how many of the guessed tokens were right."""
        if guessed:
            self._right = DECAY * self._right + right
            self._wrong = DECAY * self._wrong + (right < guessed)

    def _best_length(self) -> int:
        """Give the number of guesses that yields most tokens for the time, by experience."""
        chance = self._right / (self._right + self._wrong)
        best, best_yield, tokens, still_right = 0, WORTH, 1.0, 1.0
        for length in range(1, MOST + 1):
            still_right *= chance
            tokens += still_right
            gained = tokens / self._costs.of(length)
            if gained > best_yield:
                best, best_yield = length, gained
        return best or int(self._since_guess >= PROBE_EVERY)
