"""A Phi model folder in OpenVINO's form, run by OpenVINO GenAI in a child process."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from inference.engines.hosted import WAITING_PER_ROW, HostedEngine
from inference.engines.ov.folder import read_folder
from inference.engines.ov.runtime import NOT_INSTALLED
from inference.errors import EngineUnavailable
from inference.host import EngineHost

MAX_ROWS: Final = 8


class OpenVinoEngine(HostedEngine):
    """One model folder; see `inference.engines.base.Engine`. It writes as many replies as fit into memory."""

    name = "openvino"

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 0,
        max_rows: int = MAX_ROWS,
        device: str = "CPU",
        hang_after_s: float = 60.0,
    ) -> None:
        """Read what the folder says of itself; loads nothing.

        threads: 0 = every core. max_rows: replies at the same time, at most. device: as OpenVINO
        names it: CPU, GPU. hang_after_s: see `inference.host.EngineHost`.
        Raises: ModelNotFound, ModelBroken.
        """
        described = read_folder(folder.expanduser().resolve())
        self.model = described.label
        self.context_tokens = described.context_tokens
        host = EngineHost(
            "inference.engines.ov.runtime.OvRuntime",
            {
                "folder": str(described.path),
                "threads": threads,
                "max_rows": max_rows,
                "device": device,
            },
            slots=max_rows * (1 + WAITING_PER_ROW),
            hang_after_s=hang_after_s,
        )
        super().__init__(host, lambda: _check(described.path))


def _check(folder: Path) -> None:
    if find_spec("openvino_genai") is None:
        raise EngineUnavailable(NOT_INSTALLED)
    read_folder(folder)
