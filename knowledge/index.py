"""The vector index: the only file that imports chromadb, and only when first used.

One Chroma collection (a store) per knowledge collection (filters inside one are slow), named by
`Collection.index_name`, cosine, vectors computed by us and stamped with the embedder's name. While vectors
are made anew there are two of them, see reindexing.py. Everything in it can be rebuilt from the database.
 Embedded, one process owns the directory; scaled out, the server at CHROMA_URL does.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import numpy as np
from django.conf import settings

from inference.conf import get_embedder
from inference.embedders.base import Vectors
from knowledge.errors import IndexUnavailable
from knowledge.models import Collection
from knowledge.models.collections import index_name

if TYPE_CHECKING:
    from chromadb import Collection as Store
    from chromadb.api import ClientAPI

BATCH: Final = 5_000  # Chroma refuses more than 5,461 rows a call
TIMEOUT_S: Final = 3.0
_EMBEDDER: Final = "embedder"  # metadata: vectors of another model must not be compared with ours

T = TypeVar("T")
_lock = threading.RLock()
_client: "ClientAPI | None" = None
_stores: dict[str, "Store"] = {}


def upsert(collection: Collection, keys: Sequence[str], vectors: Vectors) -> None:
    """Write vectors under their chunks' keys; what is there under the same keys is replaced.

    Shape: vectors (len(keys), dimensions). Raises: IndexUnavailable, also for vectors of another embedder
    than the ones that are there.
    """
    name, embedder = collection.index_name, embedder_name(collection)

    def write() -> None:
        store = _open(name, embedder)
        for start in range(0, len(keys), BATCH):
            store.upsert(ids=list(keys[start : start + BATCH]), embeddings=vectors[start : start + BATCH])

    if keys:
        _guard(name, write)


def delete(collection: Collection, keys: Iterable[str]) -> None:
    """Delete vectors by key; unknown keys and an unknown collection are fine. Raises: IndexUnavailable."""
    name = collection.index_name
    wanted = list(keys)

    def write() -> None:
        store = _find(name)
        for start in range(0, len(wanted) if store else 0, BATCH):
            assert store is not None
            store.delete(ids=wanted[start : start + BATCH])

    if wanted:
        _guard(name, write)


def drop(collection: Collection) -> None:
    """Delete a whole collection's vectors, of every generation. Raises: IndexUnavailable."""
    first = index_name(collection.pk, 0)
    for name in list_names():
        if name == first or name.startswith(f"{first}-"):
            drop_store(name)


def drop_store(name: str) -> None:
    """Delete one store; one that is not there is fine. Raises: IndexUnavailable."""

    def write() -> None:
        if _find(name) is not None:
            _connect().delete_collection(name)
        _stores.pop(name, None)

    _guard(name, write)


def embedder_name(collection: Collection) -> str:
    """Name the embedder of a collection's vectors; the site's where there are none yet."""
    return collection.embedder or get_embedder().name


def query(collection: Collection, vector: Vectors, k: int) -> list[tuple[str, float]]:
    """Find the nearest `k` chunks: (key, cosine similarity), nearest first.

    vector: of `embedder_name(collection)`. A collection nothing was written to has none. Raises:
    IndexUnavailable, also when the vectors there come from another embedding model.
    """
    name, embedder = collection.index_name, embedder_name(collection)

    def find() -> list[tuple[str, float]]:
        store = _find(name)
        if store is None:
            return []
        _check(store, embedder)
        found = store.query(query_embeddings=vector[np.newaxis], n_results=k, include=["distances"])
        distances = (found["distances"] or [[]])[0]
        return [(key, 1.0 - float(far)) for key, far in zip(found["ids"][0], distances, strict=True)]

    return _guard(name, find)


def get_vectors(collection: Collection, keys: Sequence[str]) -> dict[str, Vectors]:
    """Read vectors back by key; unknown keys are left out. Raises: IndexUnavailable."""
    name = collection.index_name

    def read() -> dict[str, Vectors]:
        store = _find(name)
        if store is None or not keys:
            return {}
        found = store.get(ids=list(keys), include=["embeddings"])
        vectors = np.asarray(found["embeddings"], dtype=np.float32)
        return dict(zip(found["ids"], vectors, strict=True))

    return _guard(name, read)


def list_keys(collection: Collection) -> set[str]:
    """List every key of a collection. Raises: IndexUnavailable."""
    name = collection.index_name

    def read() -> set[str]:
        store = _find(name)
        keys: set[str] = set()
        total = store.count() if store else 0
        for offset in range(0, total, BATCH):
            assert store is not None
            keys.update(store.get(limit=BATCH, offset=offset, include=[])["ids"])
        return keys

    return _guard(name, read)


def stamp(collection: Collection) -> tuple[str, int] | None:
    """Read what a collection's vectors were made with: embedder and dimensions; None where there are none.

    Raises: IndexUnavailable.
    """
    name = collection.index_name

    def read() -> tuple[str, int] | None:
        store = _find(name)
        found = store.get(limit=1, include=["embeddings"]) if store else None
        if store is None or found is None or not found["ids"]:
            return None
        return str((store.metadata or {}).get(_EMBEDDER)), int(np.asarray(found["embeddings"]).shape[1])

    return _guard(name, read)


def list_names() -> set[str]:
    """List the collections that have vectors. Raises: IndexUnavailable."""
    return _guard("", lambda: {store.name for store in _connect().list_collections()})


def warm() -> None:
    """Import the library and open the store, so that the first question does not wait.

    Raises: IndexUnavailable.
    """
    _guard("", lambda: _connect().heartbeat())


def is_alive() -> bool:
    """Say whether the index answers, for the readiness page. Raises: IndexUnavailable."""
    warm()
    return True


def close() -> None:
    """Forget the client; the next use opens it again."""
    global _client
    with _lock:
        _client = None
        _stores.clear()


def _guard(name: str, work: Callable[[], T]) -> T:
    """Run `work`, once more with a fresh handle when the store was replaced, translating all errors."""
    try:
        try:
            return work()
        except Exception as exc:
            if type(exc).__name__ != "NotFoundError" or _stores.pop(name, None) is None:
                raise
            return work()
    except IndexUnavailable:
        raise
    except Exception as exc:  # chromadb raises its own, httpx's, and bare errors of its native part
        raise IndexUnavailable(f"{name}: {type(exc).__name__}: {exc}") from exc


def _open(name: str, embedder: str) -> "Store":
    """Find a collection's store, or make it."""
    with _lock:
        if (store := _find(name)) is None:
            store = _stores[name] = _connect().get_or_create_collection(
                name,
                metadata={_EMBEDDER: embedder},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        _check(store, embedder)
        return store


def _check(store: "Store", embedder: str) -> None:
    made_with = (store.metadata or {}).get(_EMBEDDER)
    if made_with != embedder:
        raise IndexUnavailable(f"{store.name} holds vectors of {made_with}, not of {embedder}")


def _find(name: str) -> "Store | None":
    from chromadb.errors import NotFoundError

    with _lock:
        if name not in _stores:
            try:
                _stores[name] = _connect().get_collection(name, embedding_function=None)
            except NotFoundError:
                return None
        return _stores[name]


def _connect() -> "ClientAPI":
    global _client
    with _lock:
        if _client is None:
            _client = _connect_to_server() if settings.CHROMA_URL else _open_directory()
        return _client


def _open_directory() -> "ClientAPI":
    import chromadb
    from chromadb.config import Settings

    path = settings.DATA_DIR / "chroma"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return chromadb.PersistentClient(path=path, settings=Settings(anonymized_telemetry=False))


def _connect_to_server() -> "ClientAPI":
    """Connect with time limits, which the library itself does not set."""
    import chromadb
    import httpx
    from chromadb.config import Settings

    url = urlsplit(settings.CHROMA_URL)
    is_ssl = url.scheme == "https"
    httpx.get(f"{settings.CHROMA_URL.rstrip('/')}/api/v2/heartbeat", timeout=TIMEOUT_S).raise_for_status()
    client = chromadb.HttpClient(
        host=url.hostname or "localhost",
        port=url.port or (443 if is_ssl else 8000),
        ssl=is_ssl,
        settings=Settings(anonymized_telemetry=False),
    )
    # the session is private to the library, which offers no other way to limit a call
    client._server._session.timeout = httpx.Timeout(TIMEOUT_S)  # type: ignore[attr-defined]
    return client
