"""What a folder of the Phi-3-vision kind has beside its decoder: the graphs that read pictures.

Read without the runtime, like the rest of the folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.errors import ModelBroken

# By the words of genai_config.json; each is the name of an input or output where the config gives none.
VISION_NAMES: Final = ("pixel_values", "image_sizes", "image_features")
EMBEDDING_NAMES: Final = ("input_ids", "image_features", "inputs_embeds")
PROCESSOR_FILE: Final = "processor_config.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One graph. names: of its inputs and outputs, by the config's words."""

    file: Path
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sight:
    """The graphs that turn pixels into image tokens, and tokens of both kinds into embeddings."""

    vision: Part
    embedding: Part

    @property
    def files(self) -> tuple[Path, ...]:
        """Both graphs."""
        return self.vision.file, self.embedding.file


def read_sight(path: Path, model: Mapping[str, object]) -> Sight:
    """Read the `vision` and `embedding` parts of a config. Raises: ModelBroken (a file is missing)."""
    vision = model.get("vision")
    processor = vision.get("config_filename", PROCESSOR_FILE) if isinstance(vision, dict) else None
    if not isinstance(processor, str) or not (path / processor).is_file():
        raise ModelBroken(f"{path}: the description of the image processor {processor!r} is missing")
    return Sight(
        _part(path, "vision", vision, VISION_NAMES),
        _part(path, "embedding", model.get("embedding"), EMBEDDING_NAMES),
    )


def _part(path: Path, name: str, described: object, words: tuple[str, ...]) -> Part:
    part = described if isinstance(described, dict) else {}
    file = part.get("filename")
    if not isinstance(file, str) or not (path / file).is_file():
        raise ModelBroken(f"{path}: the {name} graph {file!r} is missing")
    names = {word: word for word in words}
    for kind in ("inputs", "outputs"):
        listed = part.get(kind)
        given = listed if isinstance(listed, dict) else {}
        names |= {word: given[word] for word in words if isinstance(given.get(word), str)}
    return Part(path / file, names)
