"""robots.txt (RFC 9309): what a site asks programs not to read. Pure.

The standard library's parser knows neither "*" nor "$" in paths, nor that the longest rule wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

PRODUCT = "chatsite"
OURS = {PRODUCT, "*"}
MOST_BYTES = 500 * 1024
MOST_DELAY_S = 10.0
MOST_RULES = 5000
LONGEST_RULE = 500
MOST_STARS = 5  # more of them only take time to match
_LINE = re.compile(r"\s*([A-Za-z-]+)\s*:\s*([^#]*)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One Allow or Disallow line."""

    path: str
    is_allowed: bool

    def fits(self, target: str) -> bool:
        """Say whether the rule is about this path and query."""
        pattern = self.path.removesuffix("$")
        start, *rest = pattern.split("*")
        if not target.startswith(start):
            return False
        at = len(start)
        for piece in rest:
            found = target.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        if not self.path.endswith("$"):
            return True
        last = rest[-1] if rest else start
        return target.endswith(last) and at <= len(target) if rest else target == start


@dataclass(frozen=True, slots=True)
class Robots:
    """What one site asks of us. delay_s: the pause it wants between two requests, if it wants one."""

    rules: tuple[Rule, ...] = ()
    delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, target: str) -> bool:
        """Say whether a path may be read: the longest rule wins, of two as long the one that allows."""
        target = _plain(target)
        if target == "/robots.txt":
            return True
        fitting = [rule for rule in self.rules if rule.fits(target)]
        if not fitting:
            return True
        return max(fitting, key=lambda rule: (len(rule.path), rule.is_allowed)).is_allowed


def read_robots(data: bytes) -> Robots:
    """Read the lines meant for us, or for all where none names us."""
    groups: dict[str, tuple[list[Rule], list[float]]] = {}
    sitemaps: list[str] = []
    names: set[str] = set()  # of the group that is being read; those of other programs do not matter
    is_naming = False
    for line in data[:MOST_BYTES].decode("utf-8-sig", errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        field, value = match[1].lower(), match[2].strip()
        if field == "user-agent":
            names = names if is_naming else set()
            names |= {_product(value)} & OURS
            is_naming = True
        elif field == "sitemap":
            sitemaps.append(value)
        elif field in {"allow", "disallow", "crawl-delay"}:
            is_naming = False
            for name in names:
                _add(groups.setdefault(name, ([], [])), field, value)
    rules, delays = groups.get(PRODUCT) or groups.get("*") or ([], [])
    return Robots(tuple(rules), min(delays, default=None), tuple(sitemaps[:20]))


def _product(value: str) -> str:
    """The name without its version, as robots.txt compares it."""
    return "*" if value.startswith("*") else re.split(r"[^A-Za-z_-]", value)[0].lower()


def _add(group: tuple[list[Rule], list[float]], field: str, value: str) -> None:
    rules, delays = group
    if field == "crawl-delay":
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", value):
            delays.append(min(float(value), MOST_DELAY_S))
    elif value and len(rules) < MOST_RULES and len(value) <= LONGEST_RULE and value.count("*") <= MOST_STARS:
        rules.append(Rule(_plain(value), field == "allow"))


def _plain(path: str) -> str:
    """Write escapes one way, so that %7E and ~ are the same."""
    return quote(
        unquote(path, errors="surrogateescape"), safe="/?*$=&%:@!'()+,;~-._", errors="surrogateescape"
    )
