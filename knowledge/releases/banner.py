"""One line on a collection whose draft is not live: for pages about its documents."""

from dataclasses import dataclass

from knowledge.models import Collection, Release
from knowledge.releases.changes import changes
from knowledge.releases.gate import Standing, state_of


@dataclass(frozen=True, slots=True)
class Banner:
    """What differs, and how its golden questions did if they were asked of exactly this draft."""

    collection: Collection
    release: Release
    number: int
    changed: int
    passed: int
    asked: int
    is_held: bool


def banner_of(collection: Collection | None) -> Banner | None:
    """Tell what is not live yet; None without releases, or where nothing differs."""
    if collection is None or collection.release is None:
        return None
    changed = len(changes(collection))
    if not changed:
        return None
    state = state_of(collection)
    is_current = state.standing in (Standing.HELD, Standing.PASSED) and state.run is not None
    results = list(state.run.results.all()) if is_current and state.run else []
    newest = collection.releases.first()
    return Banner(
        collection=collection,
        release=collection.release,
        number=(newest.number if newest else 0) + 1,
        changed=changed,
        passed=sum(result.is_passed for result in results),
        asked=len(results),
        is_held=state.standing is Standing.HELD,
    )
