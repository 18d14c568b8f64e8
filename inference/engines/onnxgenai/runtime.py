"""The child's part of the onnx engine: the first runtime that can run what is in the folder."""

import logging
import os
from pathlib import Path
from typing import Final

from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.decoder import UnfamiliarGraph
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.generator import GeneratorRuntime
from inference.errors import EngineUnavailable, ModelBroken

AnyRuntime = BatchingRuntime | GeneratorRuntime

# Asked in this order. Batching on CUDA (og.Engine over a paged model) would stand first.
RUNTIMES: Final[tuple[type[AnyRuntime], ...]] = (BatchingRuntime, GeneratorRuntime)

logger = logging.getLogger(__name__)


def open_runtime(folder: str, threads: int = 0, rows: int = 1, context_tokens: int = 0) -> AnyRuntime:
    """Load the model of a folder.

    threads: 0 = every core this process may use. rows: replies at the same time.
    context_tokens: prompt and answer together; 0 = the model's own.
    Raises: ModelNotFound, ModelBroken, EngineUnavailable.
    """
    described = read_folder(Path(folder))
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import
    try:
        import onnxruntime_genai as og
    except ImportError as exc:
        raise EngineUnavailable("onnxruntime-genai is not installed") from exc
    og.disable_telemetry_events()
    tokens = context_tokens or described.context_tokens
    plan = Plan(rows, tokens, rows * tokens * (described.graph.kv_bytes_per_token if described.graph else 0))
    for runtime in RUNTIMES:
        if runtime.can_run(described):
            try:
                return runtime(described, plan=plan, threads=threads or _cores())
            except UnfamiliarGraph as exc:
                logger.warning("%s: one reply at a time, for its graph is unfamiliar: %s", folder, exc)
    raise ModelBroken(f"{folder}: nothing here can run it")


def _cores() -> int:
    """Count the cores this process may use; left alone the runtime takes half of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
