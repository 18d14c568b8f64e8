"""Uploads through daphne, on a running site."""

from bench.tree import Peak
from tests.client import Person
from tests.site import PASSWORD, Site

MEGABYTE = 1024 * 1024


def test_upload_is_not_held_in_memory_several_times(site: Site) -> None:
    assert site.process
    admin = Person(site.url)
    admin.sign_in("admin", PASSWORD)
    admin.http.get("/knowledge/")

    with Peak(site.process.pid) as memory:
        answer = admin.post(
            "/knowledge/upload/",
            {"collection": "handbook"},
            files={"files": ("film.mp4", b"\x01" * 40 * MEGABYTE)},
            headers={"Accept": "application/json"},
        )
    admin.close()

    [outcome] = answer.json()["files"]
    assert outcome["error"]["code"] == "unsupported_type"
    assert memory.growth_mb < 3 * 40
