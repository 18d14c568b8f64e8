"""One turn from the command line: `manage.py ask QUESTION --assistant SLUG`."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils import translation

from chat import events, protocol, streams, turns
from chat.errors import ChatError
from chat.models import Assistant
from chat.visitors import Visitor
from jobs.command import SiteCommand, UsageError


class Command(SiteCommand):
    """Runs the same code as the browser's turn; the answer is streamed."""

    help = "Ask an assistant one question."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the question and who asks."""
        parser.add_argument("question")
        parser.add_argument("--assistant", required=True, metavar="SLUG")
        parser.add_argument("--user", metavar="NAME", help="ask as this person; otherwise as a guest")
        parser.add_argument("--conversation", metavar="ID", help="go on with this conversation")
        parser.add_argument("--json", action="store_true", help="print the events, one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the turn and print what comes."""
        visitor = self._visitor(options["user"])
        try:
            frame = self._frame(options)
            accepted = turns.start_turn(
                visitor,
                frame.text,
                frame.client_id,
                conversation_id=frame.conversation,
                assistant_slug=frame.assistant,
                language=translation.get_language() or "",
            )
        except ChatError as exc:
            raise CommandError(str(exc.user_message)) from exc
        self._sources: dict[int, str] = {}
        self._show = self._print_json if options["json"] else self._print_text
        self._show(accepted.event.to_dict())
        if not asyncio.run(self._follow(accepted)):
            raise CommandError("" if options["json"] else "The answer could not be finished.")

    def _frame(self, options: dict[str, Any]) -> protocol.TurnStart:
        fields = {
            "type": protocol.TurnStart.type,
            "text": options["question"],
            "client_id": uuid4().hex,
            "assistant": options["assistant"],
            "conversation": options["conversation"],
        }
        try:
            frame = protocol.parse(protocol.encode(fields))
        except protocol.ProtocolError as exc:
            raise UsageError(_usage(exc, options)) from exc
        assert isinstance(frame, protocol.TurnStart)
        if not Assistant.objects.filter(slug=frame.assistant).exists():
            raise UsageError(f"There is no assistant {frame.assistant}.")
        return frame

    def _visitor(self, name: str | None) -> Visitor:
        if not name:
            return Visitor(guest_key=f"command-{uuid4().hex}")
        user = get_user_model().objects.filter(username=name, is_active=True).first()
        if user is None:
            raise UsageError(f"There is no person {name}.")
        return Visitor(user_id=user.pk)

    async def _follow(self, accepted: turns.Accepted) -> bool:
        is_finished = False
        async for event in streams.follow(accepted.reply):
            self._show(event)
            is_finished = event["type"] == events.ReplyFinish.type
        return is_finished

    def _print_json(self, event: Mapping[str, object]) -> None:
        self.stdout.write(protocol.encode(event))

    def _print_text(self, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case events.ReplySources.type:
                self._sources = {item["n"]: item["title"] for item in event["sources"]}
            case events.ReplyDelta.type:
                self.stdout.write(event["text"], ending="")
                self.stdout.flush()
            case events.ReplySnapshot.type:
                self.stdout.write(f"\n{event['text']}", ending="")
            case events.ReplyFinish.type:
                self._print_end(event)
            case events.ReplyError.type:
                self.stderr.write(event["user_message"])

    def _print_end(self, event: Mapping[str, Any]) -> None:
        self.stdout.write("")
        for item in event["nearest"]:
            self.stdout.write(f"  nearest: {item['title']}")
        for n, source in sorted({(c["n"], c["document"]) for c in event["citations"]}):
            self.stdout.write(f"  [{n}] {self._sources.get(n, source)}")
        if event["notice"]:
            self.stderr.write(event["notice"])
            self.stderr.write("Install one: python manage.py models pull phi-3.5-mini-instruct")


def _usage(exc: protocol.ProtocolError, options: Mapping[str, Any]) -> str:
    """Say what is wrong with the arguments, where the sentence for a page would not."""
    if exc.code == "bad_request" and options["conversation"]:
        return (
            f"{options['conversation']} is not the id of a conversation; --json prints it with turn.accepted."
        )
    return str(exc.user_message)
