"""What the remote engines are made of: estimates, breaker, deadlines, model names, presence."""

import threading

import pytest

from inference.engines.remote.breaker import Breaker
from inference.engines.remote.deadlines import Deadlines, Timeouts
from inference.engines.remote.engine import wait_before_retry
from inference.engines.remote.estimates import count_messages, count_text
from inference.engines.remote.failures import Dropped, UpstreamFailure
from inference.engines.remote.names import has_no_system_role, phi_among
from inference.engines.remote.presence import Presence
from inference.engines.remote.sse import ChatCompletionReader
from inference.errors import EngineBusy, EngineTimeout, EngineUnavailable
from inference.types import ChatMessage, Role

REFUSED = UpstreamFailure(EngineUnavailable("refused"), is_down=True, retries=1)
FAULT = UpstreamFailure(EngineUnavailable("HTTP 500"), status=500, retries=1)
BUSY = UpstreamFailure(EngineBusy("HTTP 429"), status=429, retries=2)


class Clock:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestEstimates:
    @pytest.mark.parametrize(
        ("text", "chars_a_token"),  # as measured with Phi-3's own tokenizer
        [
            ("You may return what you bought within thirty days if it was not opened. " * 20, 4.73),
            ("אפשר להחזיר מוצרים בתוך שלושים יום מיום הקנייה אם הם לא נפתחו. " * 20, 1.08),
            ("يمكن إرجاع المنتجات خلال ثلاثين يوما من تاريخ الشراء إذا لم تفتح. " * 20, 1.1),
        ],
        ids=["English", "Hebrew", "Arabic"],
    )
    def test_every_script_is_estimated_above_what_was_measured(self, text: str, chars_a_token: float) -> None:
        measured = len(text) / chars_a_token

        assert measured < count_text(text) < 2 * measured

    def test_digits_signs_and_emoji_count_one_by_one_or_more(self) -> None:
        assert count_text("1234") == 4
        assert count_text("{}[]();") == 7
        assert count_text("🙂") == 4
        assert count_text("退货") == 4
        assert count_text("") == 0

    def test_every_message_costs_its_marks(self) -> None:
        one = [ChatMessage(Role.USER, "")]

        assert count_messages(one * 3) - count_messages(one * 2) == 6


class TestBreaker:
    def test_a_server_that_is_down_rests_and_then_one_call_tries(self) -> None:
        clock = Clock()
        breaker = Breaker(clock=clock)
        breaker.check()
        breaker.failed(REFUSED)
        clock.now += 29
        with pytest.raises(EngineUnavailable, match="refused"):
            breaker.check()

        clock.now += 2
        breaker.check()
        with pytest.raises(EngineUnavailable):
            breaker.check()
        breaker.succeeded()
        breaker.check()

    @pytest.mark.parametrize("failure", [FAULT, Dropped("gone"), UpstreamFailure(EngineTimeout("no token"))])
    def test_three_faults_in_a_row_are_needed_while_it_answers(self, failure: UpstreamFailure) -> None:
        breaker = Breaker()
        for after in (breaker.succeeded, lambda: breaker.failed(BUSY), lambda: None):
            breaker.failed(failure)
            breaker.failed(failure)
            breaker.check()
            after()
        breaker.failed(failure)

        with pytest.raises(EngineUnavailable):
            breaker.check()


class TestRetries:
    def test_waits_grow_and_end(self) -> None:
        waits = [wait_before_retry(BUSY, retries, 0.5) for retries in range(3)]

        assert waits[2] is None
        assert waits[0] is not None
        assert waits[1] is not None
        assert 0.5 <= waits[0] < waits[1] < 1.3

    @pytest.mark.parametrize(("asked_s", "waited_s"), [(0.0, 0.0), (20.0, 20.0), (20.1, None)])
    def test_what_the_server_asks_for_is_waited_up_to_twenty_seconds(
        self, asked_s: float, waited_s: float | None
    ) -> None:
        failure = UpstreamFailure(EngineBusy("busy"), status=503, retries=2, wait_s=asked_s)

        assert wait_before_retry(failure, 0, 0.5) == waited_s

    def test_nothing_is_tried_more_than_three_times(self) -> None:
        assert UpstreamFailure(EngineBusy("busy"), retries=9).retries == 2


class TestDeadlines:
    @pytest.mark.parametrize(("is_cold", "limit_s"), [(False, 60), (True, 180)])
    def test_the_first_token_has_its_time(self, is_cold: bool, limit_s: float) -> None:
        deadlines = Deadlines(Timeouts(), is_cold=is_cold, now=0)

        deadlines.check(limit_s)
        with pytest.raises(UpstreamFailure, match=f"a first token within {limit_s} s"):
            deadlines.check(limit_s + 1)

    def test_the_next_token_has_thirty_seconds_and_the_reply_ten_minutes(self) -> None:
        deadlines = Deadlines(Timeouts(), is_cold=False, now=0)
        deadlines.token(50)
        deadlines.check(80)
        with pytest.raises(UpstreamFailure, match="another token within 30 s"):
            deadlines.check(81)

        deadlines.token(599)
        with pytest.raises(UpstreamFailure, match="no end within 600 s"):
            deadlines.check(601)

    def test_more_time_for_the_first_token_is_more_for_a_cold_one_too(self) -> None:
        assert Timeouts().with_first_token(300) == Timeouts(first_token_s=300, cold_s=300)
        assert Timeouts().with_first_token(90) == Timeouts(first_token_s=90, cold_s=180)


class TestNames:
    def test_the_best_phi_is_chosen_and_others_are_not(self) -> None:
        assert phi_among(["gpt-4", "dolphin-phi:2.7b", "phi:latest", "microsoft/phi-2", "delphi-7"]) == ""
        assert phi_among(["phi-4-reasoning", "Phi-4"]) == "Phi-4"
        assert phi_among(["Phi-3.5-vision-instruct", "Phi-3-mini-4k-instruct"]) == "Phi-3-mini-4k-instruct"
        assert phi_among(["Phi-3.5-MoE-instruct"]) == "Phi-3.5-MoE-instruct"

    @pytest.mark.parametrize("name", ["phi3:medium", "phi3:14b", "microsoft/Phi-3-small-8k-instruct"])
    def test_models_without_a_system_role_are_known(self, name: str) -> None:
        assert has_no_system_role(name)
        assert not has_no_system_role("phi-3.5-mini-instruct")


class TestPresence:
    def test_nobody_waits_for_a_slow_server(self) -> None:
        answered = threading.Event()
        presence = Presence(lambda: "phi3.5" if answered.wait(10) else "")

        assert presence.found(wait_s=0.01) == ""

        answered.set()
        assert presence.found(wait_s=10) == "phi3.5"

    def test_what_was_found_is_kept_for_a_while(self) -> None:
        asked: list[int] = []
        presence = Presence(lambda: asked.append(1) or "phi3.5")  # type: ignore[func-returns-value]

        assert [presence.found(wait_s=10) for _ in range(20)] == ["phi3.5"] * 20
        assert len(asked) == 1

    def test_an_old_finding_is_given_while_a_new_one_is_under_way(self) -> None:
        found = ["first", "second"]
        again = threading.Event()
        presence = Presence(lambda: (again.wait(10) and found.pop()) or found[0], fresh_s=-1)
        again.set()
        assert presence.found(wait_s=10) == "second"

        again.clear()
        assert presence.found(wait_s=10) == "second"
        again.set()


def test_a_json_that_goes_on_in_the_next_data_line_is_one_event() -> None:
    reader = ChatCompletionReader()

    assert reader.feed('data: {"choices": [{"delta":') is None
    piece = reader.feed('data: {"content": "one"}}]}')

    assert piece is not None
    assert piece.text == "one"


def test_a_line_without_end_is_garbled() -> None:
    reader = ChatCompletionReader()
    reader.feed("<html>")

    with pytest.raises(ValueError):
        for _ in range(3000):
            reader.feed("x" * 1000)
