"""HTML through the public door."""

from __future__ import annotations

import pytest

from tests.knowledge.extract.conftest import Read, Refusal

PAGE = """<!doctype html><html><head><title>Shop — returns</title><script>alert(1)</script></head><body>
<nav><a href="/">Home</a><a href="/cart">Cart</a></nav>
<main><h1>Returns</h1><p>Keep the <b>receipt</b>.</p>
<h2>Prices</h2><table><tr><th>Plan</th><th>Price</th></tr><tr><td>Basic</td><td>$5</td></tr></table>
<ul><li>one</li><li><p>two</p></li></ul><pre>a  =  1
b  =  2</pre></main>
<footer>© 2026</footer><img src="http://127.0.0.1:9/x.png"></body></html>"""


def test_page_is_read_without_menus_and_scripts(read: Read) -> None:
    result = read(PAGE.encode(), "returns.html")

    assert result.title == "Shop — returns"
    assert [(section.heading, section.text) for section in result.sections] == [
        (("Returns",), "Keep the receipt."),
        (("Returns", "Prices"), "Plan: Basic; Price: $5\n\n- one\n- two\n\na  =  1\nb  =  2"),
    ]


def test_menus_are_read_when_nothing_else_is_there(read: Read) -> None:
    assert read(b"<nav><p>Only a menu</p></nav>", "menu.htm").sections[0].text == "Only a menu"


def test_declared_encoding_is_believed_when_it_is_not_unicode(read: Read) -> None:
    data = '<meta charset="windows-1255"><p>מדיניות החזרות</p>'.encode("cp1255")

    assert read(data, "old.html").sections[0].text == "מדיניות החזרות"


@pytest.mark.parametrize("depth", [5_000, 300_000])
def test_deep_nesting_is_refused_not_survived_by_luck(refusal: Refusal, depth: int) -> None:
    data = b"<p>Before</p>" + b"<div>" * depth + b"deep" + b"</div>" * depth

    assert refusal(data, "deep.html").code == "too_complex"


def test_nothing_is_expanded_when_a_page_declares_entities(read: Read) -> None:
    page = b'<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]><html><p>Hello &a;</p></html>'

    assert "root:" not in read(page, "entity.xhtml").sections[0].text
