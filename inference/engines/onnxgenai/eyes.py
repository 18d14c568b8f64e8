"""The vision graph under plain ONNX Runtime: a picture in, the embeddings of its tokens out.

A full-size model takes many seconds for one picture, in one native call. It runs in a thread of its own,
so that the reply that waits for it can be cancelled and shows signs of life meanwhile.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from pathlib import Path
from typing import Any, Final

import numpy as np

from inference.engines.onnxgenai.album import Album, Seen
from inference.engines.onnxgenai.pictures import pixels, tiling_of
from inference.engines.onnxgenai.sight import Sight
from inference.errors import EngineError, ModelBroken
from inference.types import Image, ShouldStop

POLL_S: Final = 0.1
LONGEST_S: Final = 300.0  # without an end for so long, it is no sign of life any more
DTYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Eyes:
    """Reads pictures, one at a time, and remembers the last ones. Any thread."""

    def __init__(self, sight: Sight, album: Album, *, threads: int) -> None:
        """Load the graph. Raises: ModelBroken."""
        self._names = sight.vision.names
        self._session = open_session(sight.vision.file, threads)
        self._album = album
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="eyes")
        taken = {one.name: one.type for one in self._session.get_inputs()}
        wanted = {self._names["pixel_values"], self._names["image_sizes"]}
        if taken.keys() != wanted or taken[self._names["pixel_values"]] not in DTYPES:
            raise ModelBroken(f"{sight.vision.file}: takes {sorted(taken)} and not {sorted(wanted)}")
        self._dtype = DTYPES[taken[self._names["pixel_values"]]]

    def see(
        self, image: Image, squares: int, should_stop: ShouldStop, on_step: Callable[[], None]
    ) -> Seen | None:
        """Look at a picture cut into so many squares, or remember it; None once told to stop.

        Raises: ImageRefused, EngineError.
        """
        import onnxruntime as ort

        number = self._album.number(image, squares)
        if seen := self._album.seen(number):
            return seen
        options = ort.RunOptions()
        looked = self._looking.submit(self._look, image, squares, number, options)
        began = time.monotonic()
        while True:
            try:
                return looked.result(timeout=POLL_S)
            except StillRunning:
                if should_stop():
                    _give_up(looked, options)
                    return None
                if time.monotonic() - began < LONGEST_S:
                    on_step()

    def close(self) -> None:
        """End the thread once it has looked."""
        self._looking.shutdown()

    def _look(self, image: Image, squares: int, number: int, options: Any) -> Seen:
        if seen := self._album.seen(number):  # another reply waited for it as well
            return seen
        values, sizes = pixels(image, squares)
        feeds = {self._names["pixel_values"]: values.astype(self._dtype), self._names["image_sizes"]: sizes}
        try:
            (features,) = self._session.run([self._names["image_features"]], feeds, options)
        except Exception as exc:  # the runtime's errors have no common base
            raise EngineError(f"the picture could not be looked at: {exc}") from exc
        features = features.reshape(-1, features.shape[-1])
        cut = tiling_of(image, squares)
        if len(features) != cut.tokens:
            raise ModelBroken(f"the vision graph made {len(features)} tokens of {cut}")
        return self._album.keep(number, features)


def open_session(file: Path, threads: int) -> Any:
    """Load a graph that runs now and then, so its threads rest between. Raises: ModelBroken."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(os.fspath(file), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # the runtime's errors have no common base
        raise ModelBroken(f"{file}: {exc}") from exc


def _give_up(looked: "Future[Seen]", options: Any) -> None:
    if not looked.cancel():
        options.terminate = True
