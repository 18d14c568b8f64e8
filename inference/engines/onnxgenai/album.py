"""The pictures of prompts, known by their bytes: the tokens they stand for, and what the model sees in them.

Each token of a picture gets an id of its own, below zero, the same whenever that picture comes back. So
a prompt is a list of ids as ever, and rows of the cache are compared, kept and taken over by their ids:
a second question about a picture does not read it again.
"""

import hashlib
import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from inference.engines.onnxgenai.pictures import tiling_of
from inference.errors import EngineError
from inference.image_tokens import SQUARES_OF_ONE
from inference.types import Image

KNOWN: Final = 10_000  # pictures whose ids are remembered
SEEN: Final = 8  # pictures whose features are kept: 30 MB each in a full-size model

Features = npt.NDArray[np.floating[Any]]


class Seen:
    """What the model sees in one picture. features: (tokens, hidden), for the ids -first, -first - 1, …"""

    def __init__(self, first: int, features: Features) -> None:
        self.first = first
        self.features = features


class Album:
    """All pictures a runtime was shown lately. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: OrderedDict[tuple[bytes, int], range] = OrderedDict()
        self._by_first: dict[int, range] = {}
        self._end = 1
        self._kept: OrderedDict[int, Seen] = OrderedDict()
        self._alive: weakref.WeakValueDictionary[int, Seen] = weakref.WeakValueDictionary()

    def number(self, image: Image, squares: int = SQUARES_OF_ONE) -> int:
        """Give the number of a picture cut into so many squares: the first of its ids, without the sign.

        Raises: ImageRefused.
        """
        key = hashlib.sha256(image.data).digest(), squares
        with self._lock:
            if key in self._ids:
                self._ids.move_to_end(key)
                return self._ids[key].start
        tokens = tiling_of(image, squares).tokens
        with self._lock:
            if key not in self._ids:
                self._ids[key] = self._by_first[self._end] = range(self._end, self._end + tokens)
                self._end += tokens
            if len(self._ids) > KNOWN:
                self._by_first.pop(self._ids.popitem(last=False)[1].start)
            return self._ids[key].start

    def token_ids(self, number: int) -> list[int]:
        """List the ids of the picture with this number. Raises: EngineError (forgotten meanwhile)."""
        with self._lock:
            ids = self._by_first.get(number)
        if ids is None:
            raise EngineError(f"picture {number} is unknown")
        return [-token for token in ids]

    def seen(self, number: int) -> Seen | None:
        """Give what was seen in a picture, where that is still known. It is, while anybody holds it."""
        with self._lock:
            seen = self._alive.get(number)
            if seen is not None:
                self._keep(seen)
            return seen

    def keep(self, number: int, features: Features) -> Seen:
        """Remember what the model sees in a picture, and give it back to be held."""
        seen = Seen(number, features)
        with self._lock:
            self._alive[number] = seen
            self._keep(seen)
        return seen

    def features(self, ids: Iterable[int]) -> Features | None:
        """Look up what was seen at these ids, all below zero; None for no ids.

        Shape: (ids, hidden). Raises: EngineError (nobody held the picture).
        """
        places = -np.fromiter(ids, np.int64)
        if not places.size:
            return None
        with self._lock:
            alive = sorted(self._alive.values(), key=lambda one: one.first)
        firsts = np.array([one.first for one in alive], np.int64)
        owners = np.searchsorted(firsts, places, side="right") - 1
        parts = []
        for owner, group in itertools.groupby(range(len(places)), key=lambda at: int(owners[at])):
            inside = places[list(group)]
            if owner < 0 or int((inside - alive[owner].first).max()) >= len(alive[owner].features):
                raise EngineError("a picture was forgotten while it was being read")
            parts.append(alive[owner].features[inside - alive[owner].first])
        return np.concatenate(parts)

    def _keep(self, seen: Seen) -> None:
        self._kept[seen.first] = seen
        self._kept.move_to_end(seen.first)
        if len(self._kept) > SEEN:
            self._kept.popitem(last=False)
