"""The Phi family as data: sizes, contexts, templates, control tokens, where each engine gets a model.

The facts are in `catalogue.yaml`. What an engine can do with a model is said in
`inference.abilities`; what is installed here in `inference.installed`. No Django.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from inference.errors import ModelNotFound, ServiceRetired

FILE: Final = Path(__file__).with_name("catalogue.yaml")
FP16_BYTES: Final = 2
TEXT_KINDS: Final = frozenset({"text", "reasoning", "text-moe"})


@dataclass(frozen=True, slots=True)
class Template:
    """A chat template: how each role is written, and the strings that end a reply."""

    name: str
    has_system_role: bool
    system: str
    user: str
    assistant: str
    reply_begins: str
    ends_reply: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer: ids of the control tokens that were verified, and of those that end a reply."""

    name: str
    vocabulary: int
    specials: Mapping[str, int]
    ends: tuple[int, ...]
    tokens_per_word: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an engine gets a model. Hub: `repo` and, for ONNX, the folder in it; Ollama: `tag`.

    revision: a branch or reference of the repository; "" = its main branch.
    device: "cpu" or "cuda" for ONNX folders. gb: what is downloaded; None = not verified.
    """

    repo: str = ""
    path: str = ""
    tag: str = ""
    aliases: tuple[str, ...] = ()
    device: str = ""
    revision: str = ""
    gb: float | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the family. None and empty: not verified, or not published.

    original_context_tokens: of a LongRoPE model, the context up to which nothing is computed again.
    transformers: the class that loads it, "none" where there is none. revision: of the repository, where
        that class cannot read the main branch.
    """

    id: str
    family: str
    kind: str
    parameters_b: float | None
    active_b: float | None
    context_tokens: int | None
    original_context_tokens: int | None
    layers: int | None
    hidden: int | None
    kv_heads: int | None
    head_dim: int | None
    experts: str
    released: str
    licence: str
    languages: tuple[str, ...]
    template: Template | None
    tokenizer: Tokenizer | None
    repo: str
    revision: str
    weights_gb: float | None
    transformers: str
    onnx: tuple[Source, ...]
    ollama: tuple[Source, ...]
    openvino: tuple[Source, ...]
    mlx: tuple[Source, ...]
    nim: str
    foundry: str
    note: str

    @property
    def is_text(self) -> bool:
        """Whether it reads text alone."""
        return self.kind in TEXT_KINDS

    @property
    def kv_bytes_per_token(self) -> int | None:
        """Bytes of fp16 KV cache one token takes; twice that on ONNX Runtime's CPU provider."""
        if not (self.layers and self.kv_heads and self.head_dim):
            return None
        return 2 * self.layers * self.kv_heads * self.head_dim * FP16_BYTES

    def onnx_for(self, device: str) -> Source | None:
        """Give the ONNX folder to take for "cpu" or "cuda": the catalogue names the best one first."""
        return next((source for source in self.onnx if source.device == device), None)

    def ollama_tag(self, name: str) -> str:
        """Give the Ollama tag a person means: the one they wrote, else the usual one; "" = no tag."""
        for source in self.ollama:
            if name.lower() in {source.tag, *source.aliases}:
                return name.lower()
        return self.ollama[0].tag if self.ollama else ""


@dataclass(frozen=True, slots=True)
class Retired:
    """A service that ran Phi models and was shut down."""

    id: str
    name: str
    on: str
    instead: str

    @property
    def sentence(self) -> str:
        """Say it once and clearly."""
        return f"{self.name} was shut down on {self.on} (HTTP 410). Use {self.instead} instead."


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it, in the order of the file."""

    models: tuple[Model, ...]
    retired: tuple[Retired, ...]

    def find(self, name: str) -> Model:
        """Find a model by its id, repository, repository name or Ollama tag, in any case.

        Raises: ServiceRetired, ModelNotFound with what it may have meant.
        """
        wanted = name.strip().lower()
        for service in self.retired:
            if wanted in {service.id, service.name.lower()}:
                raise ServiceRetired(service.sentence)
        for model in self.models:
            if wanted in _names(model):
                return model
        near = [model.id for model in self.models if wanted and wanted in model.id]
        hint = f" Did you mean {', '.join(near)}?" if near else " See `models list`."
        raise ModelNotFound(f"The catalogue has no model {name!r}.{hint}")

    def guess(self, path: Path) -> Model | None:
        """Tell from the names of a folder and its parents which model lies there; the longest id wins."""
        parts = [part.lower() for part in path.parts[-4:]]
        for model in sorted(self.models, key=lambda one: -len(one.id)):
            if any(model.id in part for part in parts):
                return model
        return None


@cache
def catalogue() -> Catalogue:
    """Read the catalogue, once."""
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    templates = {name: _template(name, entry) for name, entry in read["templates"].items()}
    tokenizers = {name: _tokenizer(name, entry) for name, entry in read["tokenizers"].items()}
    models = []
    for entry in read["models"]:
        named = entry.get("languages", [])
        languages = read["languages"][named] if isinstance(named, str) else named
        models.append(
            _model(
                entry,
                tuple(languages),
                templates.get(entry.get("template", "")),
                tokenizers.get(entry.get("tokenizer", "")),
            )
        )
    retired = [Retired(one["id"], one["name"], str(one["on"]), one["instead"]) for one in read["retired"]]
    return Catalogue(tuple(models), tuple(retired))


def _model(
    entry: Mapping[str, object],
    languages: tuple[str, ...],
    template: Template | None,
    tokenizer: Tokenizer | None,
) -> Model:
    return Model(
        id=_text(entry, "id"),
        family=_text(entry, "family"),
        kind=_text(entry, "kind"),
        parameters_b=_number(entry, "parameters_b"),
        active_b=_number(entry, "active_b") or _number(entry, "parameters_b"),
        context_tokens=_count(entry, "context_tokens"),
        original_context_tokens=_count(entry, "original_context_tokens"),
        layers=_count(entry, "layers"),
        hidden=_count(entry, "hidden"),
        kv_heads=_count(entry, "kv_heads"),
        head_dim=_count(entry, "head_dim"),
        experts=_text(entry, "experts"),
        released=_text(entry, "released"),
        licence=_text(entry, "licence"),
        languages=languages,
        template=template,
        tokenizer=tokenizer,
        repo=_text(entry, "repo"),
        revision=_text(entry, "revision"),
        weights_gb=_number(entry, "weights_gb"),
        transformers=_text(entry, "transformers"),
        onnx=_sources(entry, "onnx"),
        ollama=_sources(entry, "ollama"),
        openvino=_sources(entry, "openvino"),
        mlx=_sources(entry, "mlx"),
        nim=_text(entry, "nim"),
        foundry=_text(entry, "foundry"),
        note=_text(entry, "note"),
    )


def _sources(entry: Mapping[str, object], key: str) -> tuple[Source, ...]:
    listed = entry.get(key)
    return tuple(
        Source(
            repo=_text(one, "repo"),
            path=_text(one, "path"),
            tag=_text(one, "tag"),
            aliases=tuple(one.get("aliases", ())),
            device=_text(one, "device"),
            gb=_number(one, "gb"),
        )
        for one in (listed if isinstance(listed, list) else [])
    )


def _template(name: str, entry: Mapping[str, object]) -> Template:
    return Template(
        name=name,
        has_system_role=entry.get("has_system_role") is True,
        system=_text(entry, "system"),
        user=_text(entry, "user"),
        assistant=_text(entry, "assistant"),
        reply_begins=_text(entry, "reply_begins"),
        ends_reply=tuple(str(one) for one in _list(entry, "ends_reply")),
    )


def _tokenizer(name: str, entry: Mapping[str, object]) -> Tokenizer:
    specials, per_word = entry.get("specials"), entry.get("tokens_per_word")
    return Tokenizer(
        name=name,
        vocabulary=_count(entry, "vocabulary") or 0,
        specials=specials if isinstance(specials, dict) else {},
        ends=tuple(int(str(one)) for one in _list(entry, "ends")),
        tokens_per_word=per_word if isinstance(per_word, dict) else {},
    )


def _names(model: Model) -> set[str]:
    names = {model.id, model.repo.lower(), model.repo.rpartition("/")[2].lower()}
    for source in (*model.onnx, *model.ollama, *model.openvino):
        names |= {name.lower() for name in (source.repo, source.tag, *source.aliases) if name}
    return names


def _list(entry: Mapping[str, object], key: str) -> Sequence[object]:
    found = entry.get(key)
    return found if isinstance(found, list) else ()


def _text(entry: Mapping[str, object], key: str) -> str:
    found = entry.get(key)
    return "" if found is None else str(found)


def _number(entry: Mapping[str, object], key: str) -> float | None:
    found = entry.get(key)
    return float(found) if isinstance(found, int | float) else None


def _count(entry: Mapping[str, object], key: str) -> int | None:
    found = entry.get(key)
    return found if isinstance(found, int) else None
