"""What a site asks programs not to read."""

from itertools import islice, product

import pytest

from knowledge.sources.robots import MOST_DELAY_S, MOST_RULES, Robots, read_robots

RULES = b"""
User-agent: *
Disallow: /

User-agent: other
User-agent: ChatSite/2.1   # us, among others
Disallow: /private
Allow: /private/open
Disallow: /*.pdf$
Disallow: /~someone
Disallow: /search?*sort=
Crawl-delay: 900

Sitemap: https://example.org/pages.xml
"""


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [
        ("/", True),
        ("/private", False),
        ("/private/plans", False),
        ("/private/open/plans", True),
        ("/papers/one.pdf", False),
        ("/papers/one.pdf.html", True),
        ("/%7Esomeone/", False),
        ("/search?q=a&sort=b", False),
        ("/search?q=a", True),
        ("/robots.txt", True),
    ],
)
def test_the_longest_rule_for_us_decides(path: str, is_allowed: bool) -> None:
    assert read_robots(RULES).allows(path) is is_allowed


def test_pause_is_honoured_within_reason() -> None:
    assert read_robots(RULES).delay_s == MOST_DELAY_S
    assert read_robots(b"User-agent: *\nCrawl-delay: 2.5").delay_s == 2.5
    assert read_robots(b"User-agent: *\nCrawl-delay: nan").delay_s is None


def test_list_of_pages_is_named() -> None:
    assert read_robots(RULES).sitemaps == ("https://example.org/pages.xml",)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00junk", b"<html>no robots here</html>", b"Disallow: /"])
def test_file_without_rules_for_anybody_asks_nothing(data: bytes) -> None:
    assert read_robots(data) == Robots()


def test_empty_disallow_allows_all() -> None:
    assert read_robots(b"User-agent: *\nDisallow:").allows("/anything")


def test_of_two_rules_as_long_the_one_that_allows_wins() -> None:
    assert read_robots(b"User-agent: *\nDisallow: /a\nAllow: /a").allows("/a/b")


def test_names_of_thousands_of_other_programs_cost_nothing() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["".join(name) for name in islice(product(letters, repeat=3), 9000)]
    others = "".join(f"User-agent: {name}\n" for name in names).encode()
    rules = b"Disallow: /a\n" * 9000

    assert len(read_robots(others + b"User-agent: chatsite\n" + rules).rules) == MOST_RULES
    assert read_robots(others + rules) == Robots()
