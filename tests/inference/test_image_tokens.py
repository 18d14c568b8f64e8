"""How many tokens images take: figures of the Phi vision models' own processor."""

import pytest

from inference.engines.remote.estimates import count_messages
from inference.image_tokens import tiling
from inference.types import ChatMessage, Role
from tests.inference.pictures import picture


@pytest.mark.parametrize(
    ("width", "height", "squares", "tokens"),
    [
        (1344, 1344, 16, 2509),
        (336, 336, 16, 2509),  # small images are made large
        (1344, 1008, 16, 1921),
        (1008, 1344, 16, 1933),  # one more row has one more mark for each of its rows of tokens
        (1920, 1080, 16, 2353),
        (336, 336, 4, 757),
        (1920, 1080, 4, 757),
        (640, 480, 1, 313),
    ],
)
def test_tokens_are_those_of_the_processor(width: int, height: int, squares: int, tokens: int) -> None:
    assert tiling(width, height, squares).tokens == tokens


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 1), (5000, 3), (333, 337)])
def test_no_shape_takes_more_squares_than_allowed(size: tuple[int, int]) -> None:
    for squares in (1, 4, 16):
        cut = tiling(*size, squares)
        assert 1 <= cut.wide * cut.high <= squares


def test_several_images_are_cut_less_finely_than_one() -> None:
    def tokens(images: int) -> int:
        return count_messages([ChatMessage(Role.USER, "", (picture(336, 336),) * images)])

    assert tokens(1) - tokens(0) == 2509
    assert tokens(2) - tokens(0) == 2 * 757
