"""The vector index, on the embedded directory."""

import numpy as np
import pytest

from inference.conf import get_embedder
from inference.embedders.base import Vectors
from knowledge import index
from knowledge.errors import IndexUnavailable
from knowledge.models import Collection

PLACE = Collection(pk=910)
OTHER = Collection(pk=911)


@pytest.fixture(autouse=True)
def _no_leftovers() -> None:
    index.drop(PLACE)
    index.drop(OTHER)


def unit(*hot: int) -> Vectors:
    vector = np.zeros(get_embedder().dimensions, dtype=np.float32)
    vector[list(hot)] = 1.0
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def test_query_returns_the_nearest_first_with_cosine() -> None:
    index.upsert(PLACE, ["same", "half", "none"], np.stack([unit(0), unit(0, 1), unit(2)]))

    found = index.query(PLACE, unit(0), 2)

    assert [key for key, _similarity in found] == ["same", "half"]
    assert [similarity for _key, similarity in found] == pytest.approx([1.0, 2**-0.5], abs=1e-4)


def test_query_of_a_collection_without_vectors_finds_nothing() -> None:
    assert index.query(PLACE, unit(0), 5) == []


def test_upsert_replaces_what_was_there() -> None:
    index.upsert(PLACE, ["a"], np.stack([unit(0)]))

    index.upsert(PLACE, ["a"], np.stack([unit(1)]))

    assert index.list_keys(PLACE) == {"a"}
    assert index.get_vectors(PLACE, ["a", "b"])["a"] == pytest.approx(unit(1))


def test_upsert_takes_more_rows_than_one_call_may_carry() -> None:
    count = index.BATCH + 7
    keys = [f"k{number}" for number in range(count)]

    index.upsert(PLACE, keys, np.tile(unit(0), (count, 1)))

    assert index.list_keys(PLACE) == set(keys)


def test_delete_takes_keys_out_and_does_not_mind_strangers() -> None:
    index.upsert(PLACE, ["a", "b"], np.stack([unit(0), unit(1)]))

    index.delete(PLACE, ["a", "unknown"])
    index.delete(OTHER, ["a"])

    assert index.list_keys(PLACE) == {"b"}


def test_collections_do_not_see_each_other() -> None:
    index.upsert(PLACE, ["a"], np.stack([unit(0)]))
    index.upsert(OTHER, ["b"], np.stack([unit(0)]))

    index.drop(PLACE)

    assert index.list_names() & {PLACE.index_name, OTHER.index_name} == {OTHER.index_name}
    assert index.query(PLACE, unit(0), 5) == []


def test_a_store_that_was_made_again_elsewhere_is_found_again() -> None:
    index.upsert(PLACE, ["a"], np.stack([unit(0)]))
    client = index._connect()
    client.delete_collection(PLACE.index_name)

    index.upsert(PLACE, ["b"], np.stack([unit(0)]))

    assert index.list_keys(PLACE) == {"b"}


def test_vectors_of_another_model_are_not_compared() -> None:
    index.upsert(PLACE, ["a"], np.stack([unit(0)]))
    index._find(PLACE.index_name).modify(metadata={"embedder": "another"})  # type: ignore[union-attr]

    with pytest.raises(IndexUnavailable, match="not of"):
        index.query(PLACE, unit(0), 5)


def test_a_server_that_is_away_is_unavailable(settings: object, unused_tcp_port: int) -> None:
    index.close()
    settings.CHROMA_URL = f"http://127.0.0.1:{unused_tcp_port}"  # type: ignore[attr-defined]
    try:
        with pytest.raises(IndexUnavailable):
            index.query(PLACE, unit(0), 5)
    finally:
        index.close()
