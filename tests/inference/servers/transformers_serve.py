"""`transformers serve` with the tests' tiny Phi-3: the real counterpart of the openai engine.

Run as a module it writes the model and serves it, in one process, so that torch is imported once.
"""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.inference.plain_weights import write_phi3
from tests.inference.servers.wire import free_port, until

ROOT = Path(__file__).resolve().parents[3]
TINY_PHI3 = ROOT / "tests" / "fixtures" / "tiny-phi3"
START_S = 90.0


@contextmanager
def transformers_server(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the address and the model's name. Raises: RuntimeError where it does not start."""
    port = free_port()
    environment = {
        **os.environ,
        "HF_HOME": str(folder / "hub"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": "1",
    }
    model = folder / "tiny-phi3"
    log = folder / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(model), str(port)],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        if not until(lambda: process.poll() is not None or _answers(f"{url}/health"), START_S):
            raise RuntimeError(f"not started within {START_S:g} s")
        if process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace")[-500:])
        yield f"{url}/v1", str(model)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main(folder: str, port: str) -> None:
    """Write the model, then become the server."""
    write_phi3(TINY_PHI3, Path(folder))
    from transformers.cli.transformers import main as serve

    options = ["--host", "127.0.0.1", "--port", port, "--device", "cpu"]
    sys.argv = ["transformers", "serve", folder, *options]
    serve()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(*sys.argv[1:])
