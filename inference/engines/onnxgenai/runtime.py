"""The child's part of the onnx engine: the first runtime that can run what is in the folder."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.decoder import UnfamiliarGraph
from inference.engines.onnxgenai.engine_runtime import EngineRuntime
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.generator import GeneratorRuntime
from inference.engines.onnxgenai.multimodal import MultimodalRuntime
from inference.engines.onnxgenai.seeing import SeeingRuntime
from inference.errors import EngineUnavailable, ModelBroken

AnyRuntime = EngineRuntime | BatchingRuntime | GeneratorRuntime

# What ONNX_RUNTIME may be, and who is asked then, in this order; one that stands alone is not asked.
RUNTIMES: Final[Mapping[str, tuple[type[AnyRuntime], ...]]] = {
    "auto": (SeeingRuntime, MultimodalRuntime, EngineRuntime, BatchingRuntime, GeneratorRuntime),
    "batching": (SeeingRuntime, BatchingRuntime),
    "engine": (EngineRuntime,),
    "generator": (MultimodalRuntime, GeneratorRuntime),
}

logger = logging.getLogger(__name__)


def open_runtime(
    folder: str,
    threads: int = 0,
    rows: int = 1,
    context_tokens: int = 0,
    cliff: int = 0,
    long_tokens: int = 0,
    runtime: str = "auto",
) -> AnyRuntime:
    """Load the model of a folder.

    threads: 0 = every core this process may use. rows: replies at the same time.
    context_tokens: prompt and answer together; 0 = the model's own. cliff, long_tokens: see `Plan`.
    runtime: a name of RUNTIMES.
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
    per_token = described.graph.kv_bytes_per_token if described.graph else 0
    plan = Plan(rows, tokens, (rows * tokens + long_tokens) * per_token, cliff, long_tokens)
    for one in RUNTIMES[runtime]:
        if len(RUNTIMES[runtime]) == 1 or one.can_run(described):
            try:
                return one(described, plan=plan, threads=threads or _cores())
            except UnfamiliarGraph as exc:
                logger.warning("%s: one reply at a time, for its graph is unfamiliar: %s", folder, exc)
    raise ModelBroken(f"{folder}: nothing here can run it (ONNX_RUNTIME is {runtime})")


def _cores() -> int:
    """Count the cores this process may use; left alone the runtime takes half of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
