"""A Phi model folder of the Hugging Face kind, run by transformers in a child process."""

from pathlib import Path
from typing import Final

from inference.engines.hf.folder import read_folder
from inference.engines.hosted import WAITING_PER_ROW, HostedEngine
from inference.host import EngineHost

MAX_ROWS: Final = 8


class TransformersEngine(HostedEngine):
    """One model folder; see `inference.engines.base.Engine`. It writes as many replies as fit into memory."""

    name = "transformers"

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 0,
        max_rows: int = MAX_ROWS,
        device: str = "",
        hang_after_s: float = 60.0,
    ) -> None:
        """Read what the folder says of itself; loads nothing and downloads nothing.

        folder: see `inference.engines.hf.folder.find_folder` for a model of the local cache.
        threads: 0 = every core. max_rows: replies at the same time, at most. device: "" = a GPU where
        there is one. hang_after_s: see `inference.host.EngineHost`.
        Raises: ModelNotFound, ModelBroken.
        """
        described = read_folder(folder.expanduser().resolve())
        self.model = described.label
        self.context_tokens = described.context_tokens
        self.sees_images = described.vision is not None
        host = EngineHost(
            "inference.engines.hf.runtime.HfRuntime",
            {
                "folder": str(described.path),
                "threads": threads,
                "max_rows": max_rows,
                "device": device,
            },
            slots=max_rows * (1 + WAITING_PER_ROW),
            hang_after_s=hang_after_s,
        )
        loaded = f"Loaded. {described.note}".rstrip()
        super().__init__(host, lambda: read_folder(described.path), loaded=loaded)
