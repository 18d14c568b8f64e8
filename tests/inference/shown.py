"""Questions with pictures, for the tiny Phi-3-vision."""

from inference.engines.base import Engine
from inference.export.tiny_phi3v.lessons import COLOURS
from inference.types import ChatMessage, GenerationRequest, Image, Role
from tests.inference.contract import run
from tests.inference.pictures import picture

STRIP = (240, 30)  # of the shapes that take few tokens
PANEL = (250, 100)  # two of them fit into the context, however they are cut
SYSTEM = ChatMessage(Role.SYSTEM, "You are a friendly assistant.")


def strip(colour: str, size: tuple[int, int] = STRIP) -> Image:
    return picture(*size, colour=COLOURS[colour])


def ask(question: str, *images: Image, **options: object) -> GenerationRequest:
    messages = (SYSTEM, ChatMessage(Role.USER, question, images))
    given: dict[str, object] = {"messages": messages, "max_tokens": 60, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def said(engine: Engine, asked: GenerationRequest) -> str:
    return run(engine, asked)[0]
