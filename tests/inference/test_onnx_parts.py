"""The parts of batching that know no model: rows, moves, chunks, guesses, sampling, memory."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.native.sampling import Sampler
from inference.engines.onnxgenai.chunks import LEAST, ChunkSizes
from inference.engines.onnxgenai.drafts import MOST, PromptLookup, StepCosts
from inference.engines.onnxgenai.rows import Row, Rows, moves
from inference.types import GenerationRequest


class Texts:
    """A cache whose rows hold their tokens as they are."""

    def __init__(self, count: int) -> None:
        self.rows: list[list[int]] = [[] for _ in range(count)]
        self.copied = 0

    def copy(self, source: int, target: int, tokens: int) -> None:
        self.rows[target] = self.rows[source][:tokens]
        self.copied += tokens

    def swap(self, one: int, other: int, one_tokens: int, other_tokens: int) -> None:
        first, second = self.rows[one][:one_tokens], self.rows[other][:other_tokens]
        self.rows[one], self.rows[other] = second, first

    def write(self, row: Row, tokens: list[int]) -> None:
        self.rows[row.index] = [*self.rows[row.index][: len(row.tokens)], *tokens]
        row.tokens += tokens

    def holds(self, row: Row) -> bool:
        return self.rows[row.index][: len(row.tokens)] == row.tokens


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=8).flatmap(
        lambda lengths: st.tuples(
            st.just(lengths), st.sets(st.integers(0, len(lengths) - 1), min_size=1, max_size=len(lengths))
        )
    )
)
def test_moved_rows_are_neighbours(case: tuple[list[int], set[int]]) -> None:
    lengths, held = case
    places = set(held)

    for one, other in moves(held, lengths):
        assert one in places
        assert other not in places
        places = places - {one} | {other}

    assert max(places) - min(places) + 1 == len(held) == len(places)


def test_nothing_moves_where_the_rows_are_neighbours_already() -> None:
    assert moves({2, 3, 4}, [9] * 8) == []


def test_the_shortest_row_moves_where_one_has_to() -> None:
    assert moves({0, 2}, [900, 5, 30, 0]) == [(2, 1)]
    assert moves({0, 3}, [30, 5, 5, 900]) == [(0, 2)]


@given(st.integers(0, 10**6))
def test_rows_never_lose_or_mix_their_tokens(seed: int) -> None:
    chance = random.Random(seed)
    cache = Texts(4)
    rows = Rows(4, cache)
    taken: list[Row] = []

    for _ in range(40):
        if taken and (not rows.free or chance.random() < 0.4):
            rows.give_back(taken.pop(chance.randrange(len(taken))))
        else:
            prompt = [chance.randrange(2) for _ in range(chance.randrange(1, 8))]
            row = rows.take(prompt)
            assert row.tokens == prompt[: len(row.tokens)]
            assert len(row.tokens) < len(prompt)
            assert cache.holds(row)
            cache.write(row, prompt[len(row.tokens) :])
            taken.append(row)
        if taken:
            together = rows.bring_together(chance.sample(taken, chance.randrange(1, len(taken) + 1)))
            assert [row.index for row in together] == list(
                range(together[0].index, together[0].index + len(together))
            )
        assert all(cache.holds(row) for row in taken)
        assert len({row.index for row in taken}) == len(taken)


def test_a_conversation_goes_on_in_its_own_row() -> None:
    cache = Texts(3)
    rows = Rows(3, cache)
    first = rows.take([1, 2, 3, 4])
    cache.write(first, [1, 2, 3, 4])
    rows.give_back(first)

    again = rows.take([1, 2, 3, 4, 5, 6])

    assert again is first
    assert again.tokens == [1, 2, 3, 4]
    assert cache.copied == 0


def test_a_short_common_beginning_is_copied_and_the_long_row_kept() -> None:
    cache = Texts(3)
    rows = Rows(3, cache)
    long = rows.take(list(range(100)))
    cache.write(long, list(range(100)))
    rows.give_back(long)

    other = rows.take([*range(20), 777, 778])

    assert other is not long
    assert other.tokens == list(range(20))
    assert cache.holds(other)
    assert long.tokens == list(range(100))


def test_the_row_unused_for_longest_is_given_away() -> None:
    cache = Texts(2)
    rows = Rows(2, cache)
    one, two = rows.take([1, 1]), rows.take([2, 2])
    cache.write(one, [1, 1])
    cache.write(two, [2, 2])
    rows.give_back(two)
    rows.give_back(one)

    assert rows.take([3, 3]) is two


def test_chunks_shrink_while_others_write_and_grow_when_nobody_does() -> None:
    sizes = ChunkSizes(shared_s=0.25, alone_s=1.0, most=128)
    for _ in range(8):
        sizes.took(32, 0.8)  # 25 ms a token

    assert sizes.next(4000, is_shared=True) in {9, 10}
    assert sizes.next(4000, is_shared=False) in {39, 40}


def test_a_fast_machine_reads_the_most_at_once_and_leaves_no_small_rest() -> None:
    sizes = ChunkSizes(shared_s=0.25, alone_s=1.0, most=128)
    for tokens in (16, 64, 128):
        sizes.took(tokens, tokens * 1e-5)

    assert sizes.next(4096, is_shared=True) == 128
    assert sizes.next(130, is_shared=True) == 65
    assert sizes.next(1, is_shared=True) == 1


def test_a_slow_machine_still_reads_a_few_tokens_at_once() -> None:
    sizes = ChunkSizes(shared_s=0.25, alone_s=1.0, most=128)
    sizes.took(16, 60.0)

    assert sizes.next(4000, is_shared=False) == LEAST


def test_what_followed_before_is_guessed() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], StepCosts())

    assert lookup.guess(2) == [4, 5]


def test_a_text_that_repeats_itself_is_guessed_to_go_on() -> None:
    assert PromptLookup([1, 2, 3, 1, 2, 3], StepCosts()).guess(3) == [1, 2, 3]
    assert PromptLookup([7, 7, 7, 7], StepCosts()).guess(3) == [7, 7, 7]


def test_nothing_is_guessed_after_tokens_never_seen_together() -> None:
    assert PromptLookup([1, 2, 3, 4, 5, 2, 1, 3], StepCosts()).guess(MOST) == []


def test_wrong_guesses_are_soon_given_up() -> None:
    lookup = PromptLookup([1, 2, 3, 4] * 10, StepCosts())
    guessed = 0

    for _ in range(100):
        guess = lookup.guess(MOST)
        lookup.verified(len(guess), 0)
        guessed += len(guess)
        lookup.add(1 + len(lookup._tokens) % 4)

    assert guessed < 25  # a few at first, and one in two dozen after that


def test_right_guesses_grow_longer() -> None:
    lookup = PromptLookup([1, 2, 3, 4] * 10, StepCosts())
    for _ in range(20):
        lookup.verified(len(lookup.guess(MOST)), len(lookup.guess(MOST)))

    assert len(lookup.guess(MOST)) == MOST


def test_guesses_that_cost_as_much_as_steps_are_not_made() -> None:
    costs = StepCosts()
    costs.took(0, 0.1)
    for _ in range(30):
        costs.took(4, 0.5)

    assert PromptLookup([1, 2, 3, 4] * 10, costs).guess(MOST) == []


LOGITS = np.log(np.array([0.02, 0.5, 0.3, 0.1, 0.08], np.float32))


def drawn(count: int = 4000, **options: object) -> list[float]:
    request = GenerationRequest((), **{"seed": 3, "temperature": 1.0, **options})  # type: ignore[arg-type]
    sampler = Sampler(request, [], len(LOGITS))
    tokens = [sampler.choose(LOGITS) for _ in range(count)]
    return [tokens.count(token) / count for token in range(len(LOGITS))]


def test_tokens_are_drawn_by_their_chances() -> None:
    assert drawn() == pytest.approx([0.02, 0.5, 0.3, 0.1, 0.08], abs=0.03)


def test_top_k_keeps_the_likeliest() -> None:
    assert drawn(top_k=2) == pytest.approx([0, 0.625, 0.375, 0, 0], abs=0.03)


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    assert drawn(top_p=0.75) == pytest.approx([0, 0.625, 0.375, 0, 0], abs=0.03)
    assert drawn(top_p=0.01) == [0, 1, 0, 0, 0]


def test_top_p_of_a_large_vocabulary_keeps_as_much_as_it_asks_for() -> None:
    flat = np.zeros(5000, np.float32)
    sampler = Sampler(GenerationRequest((), temperature=1.0, top_p=0.5, seed=1), [], len(flat))

    assert len({sampler.choose(flat) for _ in range(20_000)}) == pytest.approx(2500, abs=10)


def test_a_low_temperature_is_nearly_greedy() -> None:
    assert drawn(temperature=0.05)[1] > 0.99


def test_a_repetition_penalty_counts_the_prompt_and_the_reply() -> None:
    request = GenerationRequest((), repetition_penalty=5.0)
    sampler = Sampler(request, [1], 3)
    logits = np.array([1.0, 4.0, 2.0], np.float32)

    assert [sampler.choose(logits) for _ in range(3)] == [2, 0, 1]
    assert logits.tolist() == [1.0, 4.0, 2.0]
