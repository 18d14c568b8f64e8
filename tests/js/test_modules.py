"""The page's pure modules, tested by node's own test runner; no package is needed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHAT_JS = HERE.parent.parent / "static" / "js" / "chat"
MOST_AT_FIRST = 8

node = shutil.which("node")


@pytest.mark.skipif(node is None, reason="node is not installed")
@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_a_pure_module_does_what_its_tests_say(file: str, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for module in CHAT_JS.glob("*.js"):
        shutil.copy(module, tmp_path)
    shutil.copy(HERE / file, tmp_path)

    done = subprocess.run(
        [node or "", "--test", file], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stdout + done.stderr


def _static_imports(module: str) -> set[str]:
    text = (CHAT_JS / module).read_text(encoding="utf-8")
    return set(re.findall(r'^import .* from "\./([a-z-]+\.js)";$', text, re.MULTILINE))


def test_at_most_eight_modules_load_first_with_the_frames_own() -> None:
    first, waiting = set(), {"main.js"}
    while waiting:
        module = waiting.pop()
        first.add(module)
        waiting |= _static_imports(module) - first

    assert len(first | {"site.js"}) <= MOST_AT_FIRST


def test_every_import_line_ends_with_a_semicolon_so_that_its_name_is_hashed() -> None:
    for module in CHAT_JS.glob("*.js"):
        for line in module.read_text(encoding="utf-8").splitlines():
            if line.startswith(("import ", "import{", "export {")):
                assert line.endswith(";"), f"{module.name}: {line}"
