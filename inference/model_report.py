"""What `models list` and `models show` say: plain rows for JSON, and text for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from inference.abilities import Ability, ability
from inference.catalogue import Catalogue, Model, Source
from inference.installed import Installed

Row = Mapping[str, object]
UNKNOWN: Final = "–"
MARKS: Final = {True: "yes", False: "no", None: "?"}


def list_rows(shown: Catalogue, found: Sequence[Installed], engines: Sequence[str]) -> Iterator[Row]:
    """Give one row a model, then what is here and not in the catalogue, then services that are gone."""
    for model in shown.models:
        here = [one for one in found if one.model == model.id]
        yield {
            "model": model.id,
            "kind": model.kind,
            "parameters_b": model.parameters_b,
            "active_b": model.active_b,
            "context_tokens": model.context_tokens,
            "licence": model.licence or None,
            "download_gb": _download_gb(model),
            "engines": {name: _ability_row(ability(model, name)) for name in engines},
            "installed": [asdict(one) for one in here],
            "is_ready": any(one.is_ready for one in here),
        }
    for one in found:
        if not one.model:
            yield {"model": None, "installed": [asdict(one)], "is_ready": one.is_ready}
    for service in shown.retired:
        yield {"retired": service.id, "name": service.name, "on": service.on, "sentence": service.sentence}


def list_text(shown: Catalogue, found: Sequence[Installed], engines: Sequence[str]) -> Iterator[str]:
    """Give the same as a table, with a sentence for everything an engine cannot run."""
    names = "".join(f"{name:>14}" for name in engines)
    yield f"{'model':28}{'params':>8}{'context':>9}{'download':>10}  {'licence':8}{names}"
    for model in shown.models:
        marks = "".join(f"{MARKS[ability(model, name).can_run]:>14}" for name in engines)
        yield (
            f"{model.id:28}{_parameters(model):>8}{_context(model):>9}{_gb(_download_gb(model)):>10}  "
            f"{model.licence or UNKNOWN:8}{marks}"
        )
    yield ""
    yield from _installed_text(found)
    yield ""
    for model in shown.models:
        for one in (ability(model, name) for name in engines):
            if one.can_run is False:
                yield one.sentence
    for service in shown.retired:
        yield service.sentence


def show_row(model: Model, found: Sequence[Installed], engines: Sequence[str]) -> Row:
    """Give everything known of one model."""
    facts = asdict(model)
    return {
        **facts,
        "model": facts.pop("id"),
        "kv_bytes_per_token": model.kv_bytes_per_token,
        "engines": {name: _ability_row(ability(model, name)) for name in engines},
        "installed": [asdict(one) for one in found if one.model == model.id],
    }


def show_text(model: Model, found: Sequence[Installed], engines: Sequence[str]) -> Iterator[str]:
    """Give the same for people."""
    for name, value in _facts(model).items():
        if value:
            yield f"{name:16}{value}"
    if model.tokenizer:
        ids = ", ".join(f"{text} {token}" for text, token in model.tokenizer.specials.items())
        yield f"{'control tokens':16}{ids}"
    if model.template:
        yield from _template_text(model)
    for name in engines:
        one = ability(model, name)
        yield f"{name:16}{one.sentence}"
        if one.command:
            yield f"{'':16}  {one.command}"
    yield from _sources_text("also", model.mlx[1:])
    yield ""
    yield from _installed_text([one for one in found if one.model == model.id])


def _facts(model: Model) -> dict[str, str]:
    kv = model.kv_bytes_per_token
    original = model.original_context_tokens
    cliff = f" ({original:,} before the whole prompt is computed again)" if original else ""
    return {
        "model": model.id,
        "kind": model.kind,
        "released": model.released,
        "parameters": f"{_parameters(model)}, {_active(model)}" if model.experts else _parameters(model),
        "experts": model.experts,
        "context": f"{model.context_tokens:,} tokens{cliff}" if model.context_tokens else "",
        "KV cache": f"{kv / 1024:g} KiB a token (fp16; twice that on a CPU)" if kv else "",
        "licence": model.licence,
        "languages": ", ".join(model.languages),
        "repository": model.repo,
        "note": model.note,
    }


def _template_text(model: Model) -> Iterator[str]:
    template = model.template
    if template is None:
        return
    role = "with a system role" if template.has_system_role else "no system role: it goes into the first turn"
    yield f"{'template':16}{template.name}, {role}"
    for name, text in (
        ("system", template.system),
        ("user", template.user),
        ("assistant", template.assistant),
        ("reply begins", template.reply_begins),
    ):
        if text:
            yield f"{'':16}  {name:14}{text!r}"
    yield f"{'':16}  {'ends at':14}{', '.join(template.ends_reply)}"


def _installed_text(found: Sequence[Installed]) -> Iterator[str]:
    if not found:
        yield "Nothing is installed here. `models pull MODEL` fetches a model; nothing is fetched unasked."
    for one in found:
        state = "ready" if one.is_ready else f"not usable: {one.detail}"
        yield f"{one.engine}: {one.model or 'not in the catalogue'} in {one.place}: {state}"


def _sources_text(name: str, sources: Sequence[Source]) -> Iterator[str]:
    for source in sources:
        yield f"{name:16}{source.repo}{f' ({source.gb:g} GB)' if source.gb else ''} for mlx_lm.server"


def _ability_row(one: Ability) -> Row:
    return {"can_run": one.can_run, "sentence": one.sentence, "command": one.command or None}


def _download_gb(model: Model) -> float | None:
    """The smallest download that runs here: the CPU folder, else the first with a known size."""
    sources = [source for source in (model.onnx_for("cpu"), *model.onnx, *model.ollama) if source]
    return next((source.gb for source in sources if source.gb), None)


def _parameters(model: Model) -> str:
    return f"{model.parameters_b:g} B" if model.parameters_b else UNKNOWN


def _active(model: Model) -> str:
    return f"{model.active_b:g} B used for each token"


def _context(model: Model) -> str:
    return f"{model.context_tokens // 1024}k" if model.context_tokens else UNKNOWN


def _gb(gb: float | None) -> str:
    return f"{gb:g} GB" if gb else UNKNOWN
