"""What a pull leaves beside a model's files: manifest.sha256, which sha256sum reads, and source.json."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from inference.errors import ModelBroken

MANIFEST_FILE: Final = "manifest.sha256"
EXPORT_MANIFEST_FILE: Final = "manifest.json"
SOURCE_FILE: Final = "source.json"
BLOCK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SourceNote:
    """Where a folder came from: catalogue id, repository, folder in it, revision."""

    model: str
    repo: str
    path: str
    revision: str


def write_manifest(folder: Path, digests: Mapping[str, str]) -> None:
    """Write `manifest.sha256`; digests: relative name → sha256."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(digests.items())]
    (folder / MANIFEST_FILE).write_text("".join(lines), encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, str] | None:
    """Read relative name → sha256 from manifest.sha256, or an export's manifest.json.

    None where there is neither. Raises: ModelBroken.
    """
    file = folder / MANIFEST_FILE
    try:
        if file.is_file():
            pairs = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line]
            return {name.lstrip("*"): digest.lower() for digest, name in pairs}
        exported = folder / EXPORT_MANIFEST_FILE
        if exported.is_file():
            listed = json.loads(exported.read_text(encoding="utf-8")).get("sha256")
            return {str(name): str(digest) for name, digest in listed.items()} if listed else None
    except (OSError, ValueError, AttributeError) as exc:
        raise ModelBroken(f"{folder}: the manifest cannot be read: {exc}") from exc
    return None


def differences(
    folder: Path, manifest: Mapping[str, str], on_bytes: Callable[[int], None] = lambda _count: None
) -> Iterator[str]:
    """Yield one phrase for every file of the manifest that is missing or has another content."""
    for name, digest in manifest.items():
        file = folder / name
        if not is_inside(name) or not file.is_file():
            yield f"{name} is missing"
        elif sha256_of(file, on_bytes) != digest:
            yield f"{name} is damaged"


def write_source(folder: Path, source: SourceNote) -> None:
    """Write `source.json`."""
    (folder / SOURCE_FILE).write_text(json.dumps(asdict(source), indent=1) + "\n", encoding="utf-8")


def read_source(folder: Path) -> SourceNote | None:
    """Read `source.json`, None where there is none that can be read."""
    try:
        read = json.loads((folder / SOURCE_FILE).read_text(encoding="utf-8"))
        return SourceNote(**{key: str(read[key]) for key in ("model", "repo", "path", "revision")})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sha256_of(file: Path, on_bytes: Callable[[int], None] = lambda _count: None) -> str:
    """Compute the sha256 of a file. on_bytes: told how much was read."""
    digest = hashlib.sha256()
    with file.open("rb") as read:
        while block := read.read(BLOCK_BYTES):
            digest.update(block)
            on_bytes(len(block))
    return digest.hexdigest()


def is_inside(name: str) -> bool:
    """Whether a relative name stays inside the folder it is meant for."""
    parts = PurePosixPath(name).parts
    return bool(parts) and ".." not in parts and not PurePosixPath(name).is_absolute() and "\\" not in name
