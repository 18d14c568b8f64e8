"""Stop strings: nothing of one ever leaves, and nothing else is lost."""

from hypothesis import given
from hypothesis import strategies as st

from inference.stop_strings import StopStrings


def run(pieces: list[str], stops: list[str]) -> str:
    cutter = StopStrings(stops)
    return "".join(cutter.feed(piece) for piece in pieces) + cutter.flush()


def test_a_stop_string_in_several_pieces_is_cut() -> None:
    assert run(["Yes.", " Que", "st", "ion: no"], ["Question:"]) == "Yes. "


def test_what_only_began_like_one_comes_out_later() -> None:
    assert run(["Yes. Que", "en"], ["Question:"]) == "Yes. Queen"


@given(
    st.text(alphabet="abc", max_size=30),
    st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=3),
)
def test_pieces_make_no_difference(text: str, stops: list[str]) -> None:
    found = [at for stop in stops if (at := text.find(stop)) >= 0]

    by_character = run(list(text), stops)

    if not found:
        assert by_character == text
    else:
        assert not any(stop in by_character for stop in stops)
        assert text.startswith(by_character)
