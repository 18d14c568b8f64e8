"""Which engine can run which Phi model, in one sentence each, before anything is downloaded. Pure."""

from dataclasses import dataclass
from typing import Final

from inference.catalogue import Model, Source

ENGINES: Final = ("onnx", "ollama", "openai", "transformers", "openvino")
MOE: Final = "text-moe"
VISION: Final = "vision"
ANY_DEVICE: Final = "any"


@dataclass(frozen=True, slots=True)
class Ability:
    """What one engine can do with one model.

    can_run: None where nobody has verified it. sentence: where the engine gets the model, or why it
    cannot run it and what to use instead. command: what installs it, "" where nothing does.
    """

    engine: str
    can_run: bool | None
    sentence: str
    command: str = ""


def ability(model: Model, engine: str) -> Ability:
    """Say what `engine`, one of ENGINES, can do with `model`."""
    return {
        "onnx": _onnx,
        "ollama": _ollama,
        "openai": _openai,
        "transformers": _transformers,
        "openvino": _openvino,
    }[engine](model)


def abilities(model: Model) -> list[Ability]:
    """Say it for every engine."""
    return [ability(model, engine) for engine in ENGINES]


def alternatives(model: Model, engine: str) -> str:
    """Name the engines to use instead, as the end of a sentence."""
    others = [name for name in ENGINES if name != engine and ability_is_yes(model, name)]
    if not others:
        return "No other engine is known to run it."
    *first, last = others
    return f"Use {', '.join(first)} or {last} instead." if first else f"Use {last} instead."


def ability_is_yes(model: Model, engine: str) -> bool:
    """Whether `engine` is known to run `model`."""
    match engine:
        case "onnx":
            return (model.is_text or model.kind == VISION) and model.kind != MOE and bool(model.onnx)
        case "ollama":
            return bool(model.ollama)
        case "openai":
            return bool(model.nim or model.foundry)
        case "transformers":
            return model.transformers not in {"", "none"}
        case "openvino":
            return bool(model.openvino)
    return False


def _onnx(model: Model) -> Ability:
    if model.kind == MOE:
        return _no(model, "onnx", "ONNX Runtime GenAI cannot run its mixture of experts")
    if not model.onnx:
        return _no(model, "onnx", "no ONNX folder of it is published")
    if not model.is_text and model.kind != VISION:
        return _no(model, "onnx", "the onnx engine of this site has no ears, which its folder needs")
    command = f"python manage.py models pull {model.id}"
    if source := model.onnx_for("cpu"):
        also = ", CUDA too" if model.onnx_for("cuda") else ""
        sees = " and sees pictures" if model.kind == VISION else ""
        return Ability("onnx", True, f"Runs on the CPU{also}{sees}: {_where(source)}.", command)
    source = model.onnx[0]
    if source.device == ANY_DEVICE:
        sentence = f"Published, for which devices was not verified: {_where(source)}."
        return Ability("onnx", None, sentence, command)
    sentence = f"Needs an NVIDIA GPU, for no CPU folder of it is published: {_where(source)}."
    return Ability("onnx", True, sentence, f"{command} --device cuda")


def _ollama(model: Model) -> Ability:
    if not model.ollama:
        return _no(model, "ollama", "the Ollama library has no tag of it")
    tags = ", ".join(f"{source.tag}{_size(source.gb)}" for source in model.ollama)
    return Ability("ollama", True, f"Runs on an Ollama server: {tags}.", _pull(model, "ollama"))


def _openai(model: Model) -> Ability:
    places = [f"NVIDIA NIM as {model.nim}"] if model.nim else []
    places += [f"Microsoft Foundry as {model.foundry}"] if model.foundry else []
    if model.mlx:
        places.append(f"mlx_lm.server with {model.mlx[0].repo}")
    if not places:
        sentence = "Runs where an OpenAI-compatible server serves it; no hosted one is known."
        return Ability("openai", None, sentence)
    sentence = f"Runs behind an OpenAI-compatible address (OPENAI_BASE_URL): {'; '.join(places)}."
    return Ability("openai", True, sentence)


def _transformers(model: Model) -> Ability:
    if model.transformers == "none":
        why = "transformers 5 has no class for it, and code from the hub is never run"
        return _no(model, "transformers", why)
    if not model.transformers:
        return Ability("transformers", None, "Not verified.")
    memory = f" and about {model.weights_gb:g} GB of memory" if model.weights_gb else ""
    sentence = (
        f"Runs with Hugging Face transformers, which is installed with this site, as {model.transformers}. "
        f"Needs its full weights, {model.repo}{_size(model.weights_gb)}{memory}; slow without an NVIDIA GPU. "
        "Once it is here, set TRANSFORMERS_MODEL to its folder."
    )
    return Ability("transformers", True, sentence, _pull(model, "transformers"))


def _openvino(model: Model) -> Ability:
    if not model.openvino:
        return _no(model, "openvino", "no OpenVINO folder of it is published")
    source = model.openvino[0]
    sentence = (
        "Runs with OpenVINO on this machine’s processor, best on Intel’s. "
        f"Needs {_where(source)}, and the package openvino-genai, which is installed apart. "
        "Once it is here, set OPENVINO_MODEL to its folder."
    )
    return Ability("openvino", True, sentence, _pull(model, "openvino"))


def _no(model: Model, engine: str, why: str) -> Ability:
    sentence = f"{model.id} cannot run on {engine}: {why}. {alternatives(model, engine)}"
    return Ability(engine, False, sentence)


def _pull(model: Model, engine: str) -> str:
    return f"python manage.py models pull {model.id} --engine {engine}"


def _where(source: Source) -> str:
    folder = f", folder {source.path}" if source.path else ""
    return f"{source.repo}{folder}{_size(source.gb)}"


def _size(gb: float | None) -> str:
    return f" ({gb:g} GB)" if gb else ""
