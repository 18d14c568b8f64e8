"""What every page's markup and styles keep to."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|inset)-(?:left|right|top|bottom)|left|right|top|bottom|float|clear"
    r"|min-width|max-width|width|min-height|max-height|height)\s*:"
)
INLINE = re.compile(
    r"<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\sstyle=|\son(?:click|submit|load|input|change)="
)


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def declarations(block: str) -> dict[str, str]:
    return dict(re.findall(r"([\w-]+):\s*([^;]+);", block))


def test_the_dark_theme_is_the_same_by_system_and_by_choice() -> None:
    css = without_comments((ROOT / "static/css/tokens.css").read_text(encoding="utf-8"))
    by_system = re.search(r':root:not\(\[data-theme="light"\]\)\s*{(.*?)}', css, re.DOTALL)
    by_choice = re.search(r'\n\[data-theme="dark"\]\s*{(.*?)}', css, re.DOTALL)

    assert by_system is not None
    assert by_choice is not None
    assert declarations(by_system[1]) == declarations(by_choice[1])


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_styles_name_no_physical_side_so_that_right_to_left_works(sheet: Path) -> None:
    css = without_comments(sheet.read_text(encoding="utf-8"))
    rules = re.sub(r"@media[^{]*{", "{", css)

    assert PHYSICAL.findall(rules) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_styles_use_only_tokens_that_exist(sheet: Path) -> None:
    known = set(re.findall(r"(--[\w-]+):", "".join(path.read_text(encoding="utf-8") for path in SHEETS)))

    assert set(re.findall(r"var\((--[\w-]+)", sheet.read_text(encoding="utf-8"))) <= known


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    found = {
        str(path.relative_to(ROOT)): INLINE.findall(path.read_text(encoding="utf-8")) for path in TEMPLATES
    }

    assert {path: hits for path, hits in found.items() if hits} == {}


def test_every_icon_that_a_template_draws_exists() -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text(encoding="utf-8")))

    for path in TEMPLATES:
        used = set(re.findall(r'{%\s*icon "([\w-]+)"', path.read_text(encoding="utf-8")))
        assert used <= known, path
