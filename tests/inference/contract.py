"""What every engine keeps: one suite, run for each of them by a subclass in test_engines.py."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.engines.base import Engine
from inference.errors import ContextTooLong, GuidanceNotSupported, ImagesNotSupported
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Guidance,
    GuidanceKind,
    Image,
    Quote,
    Role,
    StreamEvent,
)
from tests.inference.pictures import picture

QUOTES = (
    Quote(1, "One lamp, two mugs, three coats, four boots, five hats and six scarves are in the box.", 0.9),
    Quote(2, "Seven candles burn, eight dogs bark, nine cats sleep and ten birds sing.", 0.8),
)

YES_OR_NO = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
GUIDED = Guidance(GuidanceKind.JSON_SCHEMA, json.dumps(YES_OR_NO))


def request(question: str = "Count to thirty.", **options: object) -> GenerationRequest:
    messages = asking(question)
    given: dict[str, object] = {"messages": messages, "quotes": QUOTES, "max_tokens": 300, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def asking(question: str, *images: Image) -> tuple[ChatMessage, ...]:
    return (
        ChatMessage(Role.SYSTEM, "You are a friendly assistant."),
        ChatMessage(Role.USER, question, images),
    )


def run(engine: Engine, asked: GenerationRequest) -> tuple[str, Finish]:
    return split(list(engine.stream(asked)))


def said(engine: Engine, asked: GenerationRequest) -> tuple[str, FinishReason, int]:
    """All of a reply that may not change from one time to the next: what was cached may."""
    text, finish = run(engine, asked)
    return text, finish.reason, finish.usage.completion_tokens


def split(events: list[StreamEvent]) -> tuple[str, Finish]:
    *deltas, finish = events
    assert isinstance(finish, Finish)
    assert all(isinstance(delta, Delta) and delta.text for delta in deltas)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), finish


class EngineContract:
    """Subclass it and override the fixture `engine`."""

    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        raise NotImplementedError

    def test_a_stream_is_deltas_and_then_one_finish(self, engine: Engine) -> None:
        text, finish = run(engine, request())

        assert len(text.split()) > 10
        assert finish.reason is FinishReason.STOP

    def test_usage_counts_prompt_and_reply(self, engine: Engine) -> None:
        _, finish = run(engine, request())

        assert finish.usage.prompt_tokens == engine.count_tokens(request().messages) > 3
        assert finish.usage.completion_tokens > 10

    def test_the_same_question_gets_the_same_answer_at_temperature_zero(self, engine: Engine) -> None:
        assert said(engine, request()) == said(engine, request())

    def test_max_tokens_ends_with_length(self, engine: Engine) -> None:
        whole, _ = run(engine, request())

        text, finish = run(engine, request(max_tokens=5))

        assert whole.startswith(text.rstrip())
        assert finish.reason is FinishReason.LENGTH
        assert finish.usage.completion_tokens == 5

    def test_a_stop_string_ends_the_reply_and_is_not_part_of_it(self, engine: Engine) -> None:
        whole, _ = run(engine, request())

        text, finish = run(engine, request(stop=("unheard-of", "five")))

        assert text == whole[: whole.index("five")]
        assert finish.reason is FinishReason.STOP

    def test_cancelled_before_the_first_token_it_says_nothing(self, engine: Engine) -> None:
        events = list(engine.stream(request(), should_stop=lambda: True))

        assert [type(event) for event in events] == [Finish]
        assert split(events)[1].reason is FinishReason.CANCELLED

    def test_cancelled_in_mid_stream_it_ends_within_one_step(self, engine: Engine) -> None:
        heard: list[StreamEvent] = []

        heard.extend(engine.stream(request(), should_stop=lambda: len(heard) >= 2))

        assert [type(event) for event in heard] == [Delta, Delta, Finish]
        assert split(heard)[1].reason is FinishReason.CANCELLED

    def test_closing_the_iterator_frees_the_slot(self, engine: Engine) -> None:
        for _ in range(engine.slots + 1):
            stream = engine.stream(request())
            assert isinstance(next(stream), Delta)
            stream.close()  # type: ignore[attr-defined]

        assert run(engine, request())[1].reason is FinishReason.STOP

    def test_an_iterator_nobody_started_holds_no_slot(self, engine: Engine) -> None:
        idle = [engine.stream(request()) for _ in range(engine.slots)]

        assert run(engine, request())[1].reason is FinishReason.STOP
        assert len(idle) == engine.slots

    def test_replies_at_the_same_time_do_not_mix(self, engine: Engine) -> None:
        alone = said(engine, request())
        at_once = min(engine.slots, 8) + 1

        with ThreadPoolExecutor(at_once) as pool:
            together = list(pool.map(lambda _: said(engine, request()), range(at_once)))

        assert together == [alone] * at_once

    @pytest.mark.parametrize("question", ["", " \n", "?", "שלום", "🙂", "\x00\ufeff", "<|end|>"])
    def test_odd_questions_end_properly(self, question: str, engine: Engine) -> None:
        _, finish = run(engine, request(question, max_tokens=20))

        assert finish.reason in {FinishReason.STOP, FinishReason.LENGTH, FinishReason.NO_ANSWER}

    def test_a_question_longer_than_the_context_is_refused(self, engine: Engine) -> None:
        asked = request("words and more words " * 10_000)

        if engine.context_tokens:
            with pytest.raises(ContextTooLong):
                run(engine, asked)
        else:
            assert run(engine, asked)[1].usage.prompt_tokens >= 40_000

    def test_longer_messages_count_more_tokens(self, engine: Engine) -> None:
        short = engine.count_tokens(request("Hello").messages)

        assert 0 < short < engine.count_tokens(request("Hello " * 50).messages)

    def test_an_image_is_seen_or_refused_and_the_next_question_served(self, engine: Engine) -> None:
        messages = asking("What is in this image?", picture())

        if engine.sees_images:
            assert engine.count_tokens(messages) > engine.count_tokens(asking("What is in this image?"))
            assert run(engine, request(messages=messages, max_tokens=20))[1].usage.completion_tokens > 0
        else:
            with pytest.raises(ImagesNotSupported):
                next(engine.stream(request(messages=messages)))
            with pytest.raises(ImagesNotSupported):
                engine.count_tokens(messages)

        assert run(engine, request())[1].reason is FinishReason.STOP

    def test_a_reply_has_the_shape_it_is_held_to_or_is_refused(self, engine: Engine) -> None:
        asked = request("Is water wet?", guidance=GUIDED)

        if engine.can_guide:
            text, finish = run(engine, asked)
            assert json.loads(text)["answer"] in {"yes", "no"}
            assert finish.reason is FinishReason.STOP
        else:
            with pytest.raises(GuidanceNotSupported):
                next(engine.stream(asked))

        assert run(engine, request())[1].reason is FinishReason.STOP

    def test_it_can_be_closed_and_loaded_again(self, engine: Engine) -> None:
        engine.close()
        assert isinstance(engine.health().detail, str)

        engine.load()

        assert engine.health().is_ready
        assert run(engine, request())[1].reason is FinishReason.STOP
