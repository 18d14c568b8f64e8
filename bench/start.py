"""How soon the site answers: first HTTP, then warm; its memory; disk it takes. `python -m bench.start`."""

import json
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.site import Site, wait_until


def main() -> None:
    """Prepare, start, and start again."""
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        site = Site(Path(folder))
        began = time.monotonic()
        site.manage("prepare", "--demo")
        prepared_s = time.monotonic() - began
        starts = [_start(site) for _ in range(3)]
        figures = {"prepare_s": round(prepared_s, 1), "starts": starts, "data_mb": _size_mb(Path(folder))}
        print(json.dumps(figures))


def _start(site: Site) -> dict[str, object]:
    began = time.monotonic()
    site.start()
    assert site.process is not None
    first_s = time.monotonic() - began
    first_mb = site.process.rss_mb()
    wait_until(lambda: _is_ready(f"{site.url}/readyz"), "readyz")
    figures: dict[str, object] = {
        "first_http_s": round(first_s, 2),
        "warm_s": round(time.monotonic() - began, 2),
        "rss_first_mb": first_mb,
        "rss_warm_mb": site.process.rss_mb(),
    }
    site.stop()
    return figures


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _size_mb(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1)


if __name__ == "__main__":
    main()
