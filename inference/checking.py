"""Is an installed model whole and usable: files, checksums, control tokens, template, a generated token.

Cheap steps first; each says what to do where it failed, and the first failure ends the check. The model
itself runs behind the Engine interface, in its child process, so a folder that crashes the runtime
costs this check nothing but a failed step.
"""

import io
import json
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from inference.catalogue import Model
from inference.engines.base import Engine
from inference.engines.onnxgenai.folder import CONFIG_FILE, ModelFolder, read_folder
from inference.errors import EngineError, ModelBroken
from inference.manifest import differences, read_manifest
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    GenerationRequest,
    Guidance,
    GuidanceKind,
    Image,
    Quote,
    Role,
)

TOKENS: Final = 16
MAX_NAMED: Final = 3
TEMPLATE_FILE: Final = "chat_template.jinja"
TOKENIZER_CONFIG_FILE: Final = "tokenizer_config.json"

SYSTEM: Final = ChatMessage(Role.SYSTEM, "Answer in one short sentence.")
QUESTION: Final = ChatMessage(Role.USER, "What is the capital of France?")
SHOWN: Final = ChatMessage(Role.USER, "What colour is the picture?")
EITHER: Final = ("Paris", "London")
RED_SIZE: Final = (405, 50)
QUOTE: Final = Quote(1, "The capital of France is Paris.", 1.0)

EngineMaker = Callable[[Path], Engine]
EngineSteps = tuple[tuple[str, Callable[[Engine], str]], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a check. advice: what to do, "" where it went well."""

    name: str
    is_ok: bool
    detail: str
    advice: str = ""


def check_folder(folder: Path, model: Model | None, make_engine: EngineMaker) -> Iterator[Step]:
    """Check an ONNX model folder step by step.

    model: what the catalogue says should be in it; None = unknown there. make_engine: builds, and
    does not load, the engine that runs the folder; it is closed here.
    """
    for step in _check_files(folder, model):
        yield step
        if not step.is_ok:
            return
    try:
        engine = make_engine(folder)
    except EngineError as error:
        yield Step("load", False, str(error), _advice(error, _again(model)))
        return
    try:
        yield from check_engine(engine, _again(model), steps_for(engine))
    finally:
        engine.close()


def check_engine(engine: Engine, again: str = "", steps: EngineSteps | None = None) -> Iterator[Step]:
    """Check a built engine: it loads, its template takes both roles, it writes.

    again: what to do about broken files, "" where the files are not ours. steps: others than these.
    """
    for name, work in steps or ENGINE_STEPS:
        try:
            yield Step(name, True, work(engine))
        except EngineError as error:
            yield Step(name, False, str(error), _advice(error, again))
            return


def _check_files(folder: Path, model: Model | None) -> Iterator[Step]:
    again = _again(model)
    try:
        described = read_folder(folder)
        yield Step("files", True, _weights(described))
    except EngineError as error:
        yield Step("files", False, str(error), _other_format(folder) or again)
        return
    yield _check_sums(folder, again)
    yield _check_specials(described, model)
    yield _check_template(folder, again)


def _other_format(folder: Path) -> str:
    """Say what lies there instead of an ONNX folder, and who can run it; "" where it may be a broken one."""
    if not folder.exists():
        return "Check the path; `models list` names the models that are here and those that can be fetched."
    if folder.suffix == ".gguf" or (folder.is_dir() and any(folder.glob("*.gguf"))):
        return (
            "This is a GGUF file, for Ollama or llama.cpp: have one of them serve it, and set OLLAMA_URL or "
            "OPENAI_BASE_URL."
        )
    if not folder.is_dir() or (folder / CONFIG_FILE).is_file():
        return ""
    if any(folder.glob("openvino_*.xml")):
        return "This is a folder for OpenVINO: check it with --engine openvino, and set OPENVINO_MODEL to it."
    if any(folder.glob("*.safetensors")):
        return (
            "This is a folder for transformers: check it with --engine transformers, and set "
            "TRANSFORMERS_MODEL to it."
        )
    return ""


def _weights(folder: ModelFolder) -> str:
    """Say how much there is. Raises: ModelBroken where the graph names a data file that is missing."""
    graph = folder.graph
    if graph is None:
        return "The folder is complete as far as its configuration tells."
    for file in (graph.file, *graph.beside):
        data = file.with_name(file.name + ".data")
        if not data.is_file() and file.stat().st_size and _mentions(file, data.name):
            raise ModelBroken(f"{data.name}, which {file.name} refers to, is missing in {folder.path}")
    size = graph.weight_bytes / 1e6
    weights = f"{size / 1e3:.2f} GB" if size >= 1000 else f"{size:.1f} MB"
    return f"{weights} of weights, {folder.context_tokens} tokens of context."


def _mentions(file: Path, name: str) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(name.encode()) >= 0


def _check_sums(folder: Path, again: str) -> Step:
    try:
        manifest = read_manifest(folder)
        if manifest is None:
            return Step(
                "checksums", True, "No manifest here; only what the configuration names was looked at."
            )
        wrong = list(differences(folder, manifest))
    except (EngineError, OSError) as error:
        return Step("checksums", False, str(error), again)
    if wrong:
        more = f" and {len(wrong) - MAX_NAMED} more" if len(wrong) > MAX_NAMED else ""
        return Step("checksums", False, f"{', '.join(wrong[:MAX_NAMED])}{more}.", again)
    return Step("checksums", True, f"{len(manifest)} files are as the manifest says.")


def _check_specials(folder: ModelFolder, model: Model | None) -> Step:
    name = "special_tokens"
    tokenizer = model.tokenizer if model else None
    if tokenizer is None:
        if not folder.ends:
            return Step(name, False, "No id ends a reply.", "Set eos_token_id in genai_config.json.")
        ends = [text for text, token in folder.specials.items() if token in folder.ends]
        return Step(name, True, f"{len(folder.specials)} control tokens; {', '.join(ends)} end a reply.")
    wrong = [
        f"{text} is {folder.specials.get(text, 'no control token')} and not {token}"
        for text, token in tokenizer.specials.items()
        if folder.specials.get(text) != token
    ]
    if not folder.ends & set(tokenizer.ends):
        wrong.append(f"none of {', '.join(map(str, tokenizer.ends))} ends a reply")
    if wrong:
        advice = f"These are not the files of {model.id if model else 'this model'}: {_again(model)}"
        return Step(name, False, f"{'; '.join(wrong[:MAX_NAMED])}.", advice)
    return Step(name, True, f"{len(tokenizer.specials)} control tokens have the ids of the catalogue.")


def _check_template(folder: Path, again: str) -> Step:
    if (folder / TEMPLATE_FILE).is_file():
        return Step("template", True, f"{TEMPLATE_FILE} is there.")
    try:
        read = json.loads((folder / TOKENIZER_CONFIG_FILE).read_text(encoding="utf-8"))
        has_template = isinstance(read, dict) and bool(read.get("chat_template"))
    except (OSError, ValueError):
        has_template = False
    if has_template:
        return Step("template", True, f"{TOKENIZER_CONFIG_FILE} holds a chat template.")
    detail = f"Neither {TEMPLATE_FILE} nor {TOKENIZER_CONFIG_FILE} holds a chat template."
    return Step("template", False, detail, again)


def _load(engine: Engine) -> str:
    engine.load()
    context = f"{engine.context_tokens} tokens of context" if engine.context_tokens else "no limit of context"
    return f"{engine.model}: {engine.slots} replies at once, {context}."


def _render(engine: Engine) -> str:
    """Count a prompt without and with a system text. Raises: EngineError."""
    bare, ruled = engine.count_tokens([QUESTION]), engine.count_tokens([SYSTEM, QUESTION])
    if ruled <= bare:
        raise ModelBroken("the template drops the system text")
    return f"{bare} tokens without a system text, {ruled} with one."


def _token(engine: Engine) -> str:
    """Write a few tokens. Raises: EngineError."""
    return _written(engine, GenerationRequest((SYSTEM, QUESTION), max_tokens=TOKENS, quotes=(QUOTE,)))


def _picture(engine: Engine) -> str:
    """Write a few tokens about a picture. Raises: EngineError."""
    return _written(engine, GenerationRequest((SYSTEM, replace(SHOWN, images=(_red(),))), max_tokens=TOKENS))


def _guided(engine: Engine) -> str:
    """Write a reply that must be one of two words. Raises: EngineError."""
    held = Guidance(GuidanceKind.JSON_SCHEMA, json.dumps({"enum": list(EITHER)}))
    said = _written(engine, GenerationRequest((SYSTEM, QUESTION), max_tokens=TOKENS, guidance=held))
    if not any(f'"{word}"' in said for word in EITHER):
        raise EngineError(f"the reply is not held to its schema: {said}")
    return said


def _red() -> Image:
    """Draw a red strip, of a shape that takes few tokens."""
    import PIL.Image

    drawn = io.BytesIO()
    PIL.Image.new("RGB", RED_SIZE, "red").save(drawn, "PNG")
    return Image(drawn.getvalue(), *RED_SIZE)


def _written(engine: Engine, request: GenerationRequest) -> str:
    """Write a reply and say how it begins. Raises: EngineError."""
    text, written = "", 0
    for event in engine.stream(request):
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Finish):
            written = event.usage.completion_tokens
    if not text and not written:
        raise ModelBroken("the model wrote nothing")
    return f"{written} tokens: {text.strip()!r}"


ENGINE_STEPS: Final[EngineSteps] = (
    ("load", _load),
    ("render", _render),
    ("token", _token),
)
SIGHT_STEPS: Final[EngineSteps] = (("picture", _picture),)
GUIDED_STEPS: Final[EngineSteps] = (("guided", _guided),)


def steps_for(engine: Engine) -> EngineSteps:
    """List what an engine has to show, by what it says it can do."""
    return ENGINE_STEPS + SIGHT_STEPS * engine.sees_images + GUIDED_STEPS * engine.can_guide


def _again(model: Model | None) -> str:
    if model is None:
        return "Copy the whole folder again from where it came."
    return f"Remove the folder and run `python manage.py models pull {model.id}`."


def _advice(error: EngineError, again: str) -> str:
    return again if again and isinstance(error, ModelBroken) else error.user_message
