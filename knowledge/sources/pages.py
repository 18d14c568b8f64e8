"""What a web page says to programs: where it leads, whether it may be kept, what its text is."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.extract.errors import ExtractError, Stopped
from knowledge.extract.runner import run_child
from knowledge.sources.addresses import NotAnAddress, WebAddress
from knowledge.sources.connecting import ShouldStop
from knowledge.sources.errors import RunStopped
from knowledge.sources.fetching import Fetched
from knowledge.sources.naming import is_page, readable_body

LOOK_S = 20.0
LOOK_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a page. digest: of its main text, empty where there is none; robots: its own word."""

    digest: str
    links: tuple[str, ...] = ()
    robots: str = ""
    base: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Look":
        """Build from what the child says. Raises: ValueError."""
        links = value["links"]
        if not isinstance(links, list):
            raise ValueError("not a look at a page")
        return cls(str(value["digest"]), tuple(map(str, links)), str(value["robots"]), str(value["base"]))

    @property
    def may_be_kept(self) -> bool:
        """Whether the page lets itself be kept."""
        return not says(self.robots, "noindex")

    @property
    def may_be_followed(self) -> bool:
        """Whether the page lets its links be followed."""
        return not says(self.robots, "nofollow")


def says(robots: str, word: str) -> bool:
    """Say whether a robots header or meta element asks for something."""
    words = {part.strip().rpartition(":")[2].strip() for part in robots.split(",")}
    return word in words or "none" in words


def look_at(fetched: Fetched, should_stop: ShouldStop) -> Look:
    """Look into an answer; what is no page, or cannot be read as one, leads nowhere. Raises: RunStopped."""
    body = readable_body(fetched)
    plain = Look(hashlib.sha256(body).hexdigest(), robots=fetched.robots)
    if not is_page(fetched.media_type):
        return plain
    with tempfile.NamedTemporaryFile(suffix=".html") as file:
        file.write(body)
        file.flush()
        try:
            found = run_child(
                "knowledge.sources.page_child",
                Path(file.name),
                "page.html",
                Look.from_json,
                timeout_s=LOOK_S,
                memory_bytes=LOOK_BYTES,
                should_stop=should_stop,
            )
        except Stopped as exc:
            raise RunStopped() from exc
        except ExtractError:  # reading the document finds the same, and says it on the document's row
            return plain
    return Look(found.digest or plain.digest, found.links, f"{fetched.robots},{found.robots}", found.base)


def addresses_in(look: Look, page: WebAddress) -> tuple[WebAddress, ...]:
    """Return where a page's links lead, once each."""
    start = page
    if look.base:
        try:
            start = page.join(look.base)
        except NotAnAddress:
            start = page
    found: dict[WebAddress, None] = {}
    for link in look.links:
        try:
            found[start.join(link)] = None
        except NotAnAddress:  # mailto:, javascript: and the like
            continue
    return tuple(found)
