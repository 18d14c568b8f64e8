"""Names that cannot be taken for one another."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import User
from accounts.names import check_name, clean_name, name_key


@pytest.mark.parametrize(
    "twin",
    ["Alice", "ALICE", "ａｌｉｃｅ", "al\u200bice", "\u202ealice", "ali\u2066ce\u2069", " alice "],
)
def test_names_share_a_key_when_a_reader_could_mix_them_up(twin: str) -> None:
    assert name_key(twin) == name_key("alice")


@pytest.mark.parametrize("name", ["alice", "דנה לוי", "ليلى", "Андрей", "o'neil", "user_1"])
def test_a_name_in_one_alphabet_is_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["аlice", "alicе", "pαypal"])
def test_a_name_that_mixes_lookalike_alphabets_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        check_name(name)


def test_direction_marks_are_dropped_from_the_kept_name() -> None:
    assert clean_name("\u202eadmin\u202c") == "admin"


def test_the_database_refuses_a_second_person_with_the_same_key(alice: User) -> None:
    with pytest.raises(IntegrityError):
        User.objects.create_user("Alice", "other@example.org", "x")


def test_the_key_follows_a_renamed_person(alice: User) -> None:
    alice.username = "Ayelet"
    alice.save(update_fields=["username"])

    alice.refresh_from_db()
    assert alice.name_key == "ayelet"


@pytest.mark.parametrize("name", ["ß" * 150, "ﬃ" * 50, "İ" * 150])
def test_the_key_of_the_longest_name_fits_its_column(name: str) -> None:
    check_name(clean_name(name))

    assert len(name_key(name)) <= 450


def test_a_name_that_grows_too_long_when_composed_is_refused() -> None:
    with pytest.raises(ValidationError):
        check_name(clean_name("ﬃ" * 150))
