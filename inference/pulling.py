"""From a model of the catalogue to the pull that fetches it for an engine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.abilities import ANY_DEVICE, ability
from inference.catalogue import Model, Source
from inference.hub import Hub
from inference.pull import ONNX_MARKER, FolderPull, OnProgress, say_nothing
from inference.pull_errors import PullImpossible
from inference.pull_ollama import pull_tag
from inference.types import ShouldStop, never_stop

CPU: Final = "cpu"
HUB_MARKER: Final = "config.json"  # what makes a folder of transformers or OpenVINO one
ENGINES: Final = ("onnx", "ollama", "transformers", "openvino")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull came to. place: a folder, or the tag an Ollama server has now."""

    model: str
    engine: str
    place: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch, and for which engine.

    target: None takes a folder of `models_dir`. tag: of Ollama; "" takes the usual one.
    """

    model: Model
    engine: str = "onnx"
    device: str = CPU
    target: Path | None = None
    tag: str = ""

    def folder(self, models_dir: Path) -> Path:
        """Name the folder to be made."""
        if self.target is not None:
            return self.target
        suffix = "" if self.engine == "onnx" and self.device == CPU else f"-{self._variant}"
        return models_dir / f"{self.model.id}{suffix}"

    @property
    def _variant(self) -> str:
        return self.device if self.engine == "onnx" else self.engine


def pull(
    order: Order,
    models_dir: Path,
    ollama_url: str,
    *,
    on_progress: OnProgress = say_nothing,
    should_stop: ShouldStop = never_stop,
    make_hub: Callable[[], Hub] = Hub,
) -> Pulled:
    """Fetch a model; says at once where the engine cannot run it. Raises: PullError, OSError."""
    said = ability(order.model, order.engine)
    if said.can_run is False:
        raise PullImpossible(said.sentence)
    if order.engine == "ollama":
        tag = order.tag or order.model.ollama_tag("")
        pull_tag(ollama_url, tag, on_progress=on_progress, should_stop=should_stop)
        return Pulled(order.model.id, order.engine, tag, is_new=True)
    source, marker = _source(order)
    target = order.folder(models_dir).resolve()
    work = FolderPull(make_hub(), target, on_progress=on_progress, should_stop=should_stop)
    is_new = work.run(source.repo, source.path, order.model.id, marker, source.revision)
    return Pulled(order.model.id, order.engine, str(target), is_new)


def _source(order: Order) -> tuple[Source, str]:
    model = order.model
    match order.engine:
        case "onnx":
            source = model.onnx_for(order.device) or model.onnx_for(ANY_DEVICE)
            if source is None:
                raise PullImpossible(f"No folder for {order.device}. {ability(model, 'onnx').sentence}")
            return source, ONNX_MARKER
        case "openvino":
            return model.openvino[0], HUB_MARKER
        case "transformers":
            return Source(repo=model.repo, revision=model.revision), HUB_MARKER
        case _:
            raise PullImpossible(
                f"The {order.engine} engine has nothing to install: its server has the model."
            )
