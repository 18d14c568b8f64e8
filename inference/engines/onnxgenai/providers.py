"""Whether what a model folder was made for is here: a GPU, an NPU. Said before its weights are read."""

from collections.abc import Callable, Mapping
from typing import Final

from inference.engines.onnxgenai.folder import ModelFolder
from inference.errors import EngineUnavailable

CUDA: Final = "cuda"
QNN: Final = "qnn"


def check_providers(folder: ModelFolder) -> None:
    """Refuse a folder made for an accelerator that is not here. Raises: EngineUnavailable."""
    import onnxruntime_genai as og

    probes: Mapping[str, tuple[Callable[[], bool], str, str]] = {
        CUDA: (og.is_cuda_available, "an NVIDIA GPU", "onnxruntime-genai-cuda"),
        QNN: (is_qnn_here, "a Qualcomm NPU", "onnxruntime-qnn"),
    }
    for provider in folder.graph.providers if folder.graph else ():
        if provider in probes and not probes[provider][0]():
            _, made_for, package = probes[provider]
            raise EngineUnavailable(
                f"{folder.label} was made for {made_for}, and none can be used here: install the "
                f"{package} package on a machine with one, or choose a model made for CPUs"
            )


def is_qnn_here() -> bool:
    """Say whether ONNX Runtime can drive a Qualcomm NPU here.

    onnxruntime-genai alone says yes on every machine: it means that it was built to know the name.
    """
    import onnxruntime as ort
    import onnxruntime_genai as og

    return bool(og.is_qnn_available()) and "QNNExecutionProvider" in ort.get_available_providers()
