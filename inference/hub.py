"""Reading a repository on the Hugging Face hub: which files there are, and their bytes from any position.

huggingface_hub knows the addresses, tokens and refusals; it cannot go on in the middle of a file, so
the bytes are read here. The only file that imports it. HF_ENDPOINT and HF_TOKEN are its variables.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from inference.manifest import is_inside
from inference.pull_errors import (
    PullError,
    PullInterrupted,
    SourceForbidden,
    SourceMissing,
    SourceUnreachable,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository. sha256: of the large ones; blob: git's id of the small ones."""

    name: str
    size_bytes: int
    sha256: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class HubFolder:
    """A folder of a repository at one revision; names are relative to it."""

    repo: str
    path: str
    revision: str
    files: tuple[HubFile, ...]

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)


class Hub:
    """One hub."""

    def __init__(self, endpoint: str = "") -> None:
        """endpoint: "" takes HF_ENDPOINT, else the public hub."""
        self._endpoint = endpoint.rstrip("/") or None

    def folder(self, repo: str, path: str, marker: str, revision: str = "") -> HubFolder:
        """List the folder at or below `path` that holds the file `marker`. Raises: PullError.

        revision: a branch or reference; "" = the main branch.
        """
        with _translated(repo):
            read = self._api().model_info(
                repo, revision=revision or None, files_metadata=True, timeout=ANSWER_S
            )
        siblings = read.siblings or []
        inside = [one for one in siblings if not path or one.rfilename.startswith(f"{path}/")]
        root = _model_root([one.rfilename for one in inside], path, repo, marker)
        files = [
            HubFile(
                name=one.rfilename[len(root) + 1 :] if root else one.rfilename,
                size_bytes=int(one.size or 0),
                sha256=str(one.lfs.sha256) if one.lfs else "",
                blob=str(one.blob_id or ""),
            )
            for one in inside
            if (not root or one.rfilename.startswith(f"{root}/")) and not one.rfilename.startswith(".")
        ]
        if unsafe := [file.name for file in files if not is_inside(file.name)]:
            raise SourceMissing(f"{repo} holds a file name that leads out of its folder: {unsafe[0]!r}.")
        return HubFolder(repo, root, str(read.sha), tuple(files))

    def pieces(
        self, folder: HubFolder, file: HubFile, start: int
    ) -> Generator[tuple[int, bytes], None, None]:
        """Read a file from byte `start` on: (position, bytes). Raises: PullError.

        A server that ignores the range begins at 0 again, which the first position tells.
        """
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import get_session, hf_raise_for_status  # type: ignore[attr-defined]

        name = f"{folder.path}/{file.name}" if folder.path else file.name
        url = hf_hub_url(folder.repo, name, revision=folder.revision, endpoint=self._endpoint)
        headers = {**self._headers(), "accept-encoding": "identity"}
        if start:
            headers["range"] = f"bytes={start}-"
        with (
            _translated(folder.repo),
            get_session().stream("GET", url, headers=headers, timeout=ANSWER_S) as answer,
        ):
            if answer.status_code >= 400:
                answer.read()
            hf_raise_for_status(answer)
            at = start if answer.status_code == 206 else 0
            for piece in answer.iter_bytes():
                yield at, piece
                at += len(piece)

    def _api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi(endpoint=self._endpoint)

    def _headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        return dict(build_hf_headers())


def _model_root(names: list[str], path: str, repo: str, marker: str) -> str:
    """Find the folder that holds the marker, one for CPUs where there are several."""
    roots = sorted(name.rpartition("/")[0] for name in names if name.rpartition("/")[2] == marker)
    if not names or not roots:
        where = f"{repo}, folder {path}," if path else repo
        raise SourceMissing(f"{where} holds no model folder (no {marker}): it may have been moved.")
    return next((root for root in roots if "cpu" in root), roots[0])


@contextmanager
def _translated(repo: str) -> Iterator[None]:
    """Turn the hub's and the network's exceptions into PullError."""
    import httpx2
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except GatedRepoError as exc:
        raise _forbidden(repo) from exc
    except HfHubHTTPError as exc:
        raise _refused(repo, exc.response.status_code) from exc
    except HFValidationError as exc:
        raise SourceMissing(f"{repo!r} is no name of a repository.") from exc
    except OfflineModeIsEnabled as exc:
        raise SourceUnreachable("HF_HUB_OFFLINE is set: remove it to fetch models.") from exc
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as exc:
        raise SourceUnreachable(
            f"The hub cannot be reached ({exc}). Check the network, a proxy, or HF_ENDPOINT."
        ) from exc
    except httpx2.HTTPError as exc:
        raise PullInterrupted(f"The download of {repo} broke off ({type(exc).__name__}).") from exc


def _refused(repo: str, status: int) -> PullError:
    if status in {401, 403}:
        return _forbidden(repo)
    if status in {404, 410}:
        return SourceMissing(f"{repo} does not exist on the hub any more (HTTP {status}), or is private.")
    if status == 429:
        return SourceUnreachable("The hub asks to slow down (HTTP 429). Try again in a few minutes.")
    return SourceUnreachable(f"The hub answered with HTTP {status}. Try again later.")


def _forbidden(repo: str) -> SourceForbidden:
    return SourceForbidden(
        f"{repo} is gated, private or gone: look at its page on the hub, accept its terms where it asks for "
        "that, and set HF_TOKEN to a token of yours."
    )
