"""Pages and sites, kept in step."""

import socket

import pytest
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from knowledge import ingest
from knowledge.models import Collection, Document, EntryState, SourceKind
from knowledge.sources import looks
from knowledge.sources.errors import (
    OtherSite,
    PageGone,
    RobotsRefuse,
    RobotsUnknown,
    RunStopped,
    ServerFailing,
    SourceError,
    Unreachable,
)
from knowledge.sources.syncing import sync
from tests.knowledge.factories import make_collection
from tests.knowledge.sources.conftest import addresses, follow, look, reasons
from tests.knowledge.sources.web import WebSite

pytestmark = pytest.mark.django_db


def small_site(web: WebSite) -> None:
    """A first page, two pages it leads to, and one that those lead to."""
    web.write("/", "Welcome to the workshop.", "/pumps", "/lamps", "mailto:us@example.org")
    web.write("/pumps", "Pumps are cleaned once a year.", "/pumps/filters")
    web.write("/lamps", "Lamps need a G9 bulb.", "/")
    web.write("/pumps/filters", "Filters are changed monthly.", "/pumps/filters/deep")
    web.write("/pumps/filters/deep", "Deep down.")


def test_site_is_read_page_by_page_as_deep_as_asked(web: WebSite, collection: Collection) -> None:
    small_site(web)

    tally = look(follow(collection, web.url, depth=2))

    assert addresses(collection) == ["/", "/lamps", "/pumps", "/pumps/filters"]
    assert tally.counts == {"new": 4}
    assert tally.is_complete
    assert len(web.paths()) == len(set(web.paths())) == 4


def test_page_becomes_a_document_with_its_address_title_and_main_text(
    web: WebSite, collection: Collection
) -> None:
    web.write("/pumps", "Pumps are cleaned once a year.", "/menu-entry")

    look(follow(collection, f"{web.url}/pumps", SourceKind.PAGE))
    document = ingest.ingest_now(Document.objects.get())

    assert document.address == f"{web.url}/pumps"
    assert document.source is not None
    assert document.name == "pumps.html"
    assert document.title == "Page /pumps"
    text = " ".join(chunk.text for chunk in document.chunks.all())
    assert "cleaned once a year" in text
    assert "menu-entry" not in text


def test_unchanged_site_costs_no_page(web: WebSite, collection: Collection) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=2)
    look(source)
    before = set(Document.objects.values_list("pk", "sha256", "updated_at"))
    web.asked.clear()

    tally = look(source)

    assert tally.counts == {"same": 4}
    assert all("If-None-Match" in headers for path, headers in web.asked if path in web.paths())
    assert set(Document.objects.values_list("pk", "sha256", "updated_at")) == before


def test_page_whose_text_stayed_is_not_read_again_whatever_surrounds_it(
    web: WebSite, collection: Collection
) -> None:
    web.write("/", "Words that stay.")
    source = follow(collection, web.url)
    look(source)
    before = Document.objects.get().sha256

    web.write("/", "Words that stay.", head='<meta name="csrf" content="another-each-time">')

    assert look(source).counts == {"same": 1}
    assert Document.objects.get().sha256 == before


def test_changed_page_becomes_a_newer_version_of_its_document(web: WebSite, collection: Collection) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=1)
    look(source)
    for document in Document.objects.all():
        ingest.ingest_now(document)
    pumps = Document.objects.get(address=f"{web.url}/pumps")
    web.write("/pumps", "Pumps are cleaned twice a year.")

    tally = look(source)
    again = Document.objects.get(address=f"{web.url}/pumps")

    assert tally.counts == {"same": 2, "changed": 1}
    assert again.pk == pumps.pk
    assert again.version == 1  # which answers until the new one is read
    assert "twice" in " ".join(chunk.text for chunk in ingest.ingest_now(again).chunks.filter(version=2))


def test_document_that_is_still_read_takes_its_newer_version_next_time(
    web: WebSite, collection: Collection
) -> None:
    web.write("/", "First words.")
    source = follow(collection, web.url)
    look(source)
    web.write("/", "Second words.")

    assert look(source).counts == {"failed": 1}
    assert reasons(source) == {"/": "still_reading"}
    ingest.ingest_now(Document.objects.get())
    assert look(source).counts == {"changed": 1}


@pytest.mark.parametrize("status", [404, 410])
def test_page_that_is_gone_is_deleted(web: WebSite, collection: Collection, status: int) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=1)
    look(source)
    web.fail("/lamps", status)

    tally = look(source)

    assert tally.counts == {"same": 2, "gone": 1}
    assert addresses(collection) == ["/", "/pumps"]
    assert source.entries.get(state=EntryState.GONE).address == f"{web.url}/lamps"


def test_page_that_nothing_leads_to_any_more_is_asked_for_before_it_counts_as_gone(
    web: WebSite, collection: Collection
) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=1)
    look(source)
    web.write("/", "Welcome to the workshop, as new.", "/pumps")
    for document in Document.objects.all():
        ingest.ingest_now(document)

    assert look(source).counts == {"changed": 1, "same": 2}
    assert addresses(collection) == ["/", "/lamps", "/pumps"]


def test_failing_server_deletes_nothing(web: WebSite, collection: Collection) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=1)
    look(source)
    web.fail("/lamps", 404)
    web.fail("/pumps", 503)

    tally = look(source)

    assert not tally.is_complete
    assert addresses(collection) == ["/", "/lamps", "/pumps"]
    assert reasons(source) == {"/lamps": "page_gone", "/pumps": "server_failing"}


def test_server_that_only_fails_is_left_alone(web: WebSite, collection: Collection) -> None:
    pages = [f"/{number}" for number in range(20)]
    web.write("/", "Welcome.", *pages)
    for page in pages:
        web.fail(page)

    with pytest.raises(ServerFailing):
        look(follow(collection, web.url))
    assert len(web.paths()) == 6


@pytest.mark.parametrize(("status", "error"), [(404, PageGone), (500, ServerFailing)])
def test_site_without_its_first_page_keeps_its_documents(
    web: WebSite, collection: Collection, status: int, error: type[SourceError]
) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=1)
    look(source)
    web.fail("/", status)

    with pytest.raises(error):
        look(source)
    assert len(addresses(collection)) == 3


def test_single_page_that_is_gone_is_deleted(web: WebSite, collection: Collection) -> None:
    web.write("/one", "Words.")
    source = follow(collection, f"{web.url}/one", SourceKind.PAGE)
    look(source)
    web.fail("/one", 410)

    assert look(source).counts == {"gone": 1}
    assert not Document.objects.exists()


def test_page_that_comes_back_is_read_again(web: WebSite, collection: Collection) -> None:
    web.write("/one", "Words.")
    source = follow(collection, f"{web.url}/one", SourceKind.PAGE)
    look(source)
    web.fail("/one", 404)
    look(source)
    web.write("/one", "Words.")

    assert look(source).counts == {"new": 1}


def test_page_that_moved_takes_its_document_along(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/old")
    web.say("/old", b"<p>The manual of the pump.</p>", "text/html")
    source = follow(collection, web.url)
    look(source)
    manual = Document.objects.get(address=f"{web.url}/old")
    ingest.ingest_now(Document.objects.get(address=f"{web.url}/"))
    web.write("/", "Welcome.", "/new")
    web.say("/new", b"<p>The manual of the pump.</p>", "text/html")
    web.fail("/old", 404)

    tally = look(source)

    assert tally.counts["moved"] == 1
    assert Document.objects.get(pk=manual.pk).address == f"{web.url}/new"
    assert Document.objects.count() == 2
    assert look(source).counts == {"same": 2}


def test_pages_that_say_the_same_are_read_once(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/a", "/a?print=1", "/a/", "/a#part")
    web.say("/a", b"<p>The same words.</p>", "text/html")
    web.say("/a?print=1", b"<p>The same   words.</p><script>print()</script>", "text/html")

    source = follow(collection, web.url)

    assert look(source).counts == {"new": 2, "left_out": 1}
    assert reasons(source) == {"/a?print=1": "same_content"}
    assert web.paths() == ["/", "/a", "/a?print=1"]


def test_document_deleted_by_a_person_is_not_added_again(web: WebSite, collection: Collection) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=1)
    look(source)
    ingest.delete_document(Document.objects.get(address=f"{web.url}/lamps"))

    assert look(source).counts == {"same": 2, "left_out": 1}
    assert look(source).counts == {"same": 2, "left_out": 1}
    assert reasons(source) == {"/lamps": "removed_here"}


def test_content_the_collection_has_already_names_the_other_document(
    web: WebSite, collection: Collection
) -> None:
    ingest.add_document(collection, "mine.txt", ContentFile(b"The same words."), owner=None)
    web.write("/", "Welcome.", "/copy.txt")
    web.say("/copy.txt", b"The same words.", "text/plain")
    source = follow(collection, web.url)

    assert look(source).counts == {"new": 1, "left_out": 1}
    assert source.entries.get(code="duplicate").params == {"name": "mine.txt"}


def test_robots_are_asked_first_and_obeyed(web: WebSite, collection: Collection) -> None:
    small_site(web)
    web.say("/robots.txt", b"User-agent: chatsite\nDisallow: /pumps\n", "text/plain")
    source = follow(collection, web.url)

    look(source)

    assert web.asked[0][0] == "/robots.txt"
    assert "/pumps" not in web.paths()
    assert reasons(source) == {"/pumps": "robots"}
    with pytest.raises(RobotsRefuse):
        look(follow(collection, f"{web.url}/pumps", SourceKind.PAGE))


def test_site_whose_robots_cannot_be_read_is_not_read(web: WebSite, collection: Collection) -> None:
    small_site(web)
    web.fail("/robots.txt", 503)

    with pytest.raises(RobotsUnknown):
        look(follow(collection, web.url))
    assert web.paths() == []


def test_page_says_whether_it_may_be_kept_and_followed(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/unkept", "/unfollowed", "/header")
    web.write("/unkept", "Not to be kept.", "/behind", head='<meta name="robots" content="noindex">')
    web.write("/unfollowed", "Kept.", "/never", head='<meta name="ROBOTS" content="NoFollow">')
    web.write("/header", "Not to be kept either.", "/nor-this", X_Robots_Tag="none")
    web.write("/behind", "Found behind it.")
    web.pages["/behind"].body += b'<a rel="nofollow" href="/vouched-for-by-nobody">x</a>'  # type: ignore[operator]
    source = follow(collection, web.url)

    look(source)

    assert addresses(collection) == ["/", "/behind", "/unfollowed"]
    assert reasons(source) == {"/unkept": "noindex", "/header": "noindex"}
    assert not {"/never", "/nor-this", "/vouched-for-by-nobody"} & set(web.paths())


def test_only_the_site_itself_is_read(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", f"http://127.0.0.1:{web.port}/elsewhere", "//example.org/", "/out")
    web.lead("/out", f"http://127.0.0.1:{web.port}/elsewhere")
    source = follow(collection, web.url)

    look(source)

    assert addresses(collection) == ["/"]
    assert reasons(source) == {"/out": "other_site"}
    assert "/elsewhere" not in web.paths()
    with pytest.raises(OtherSite):
        look(follow(collection, f"{web.url}/out"))


def test_links_start_from_the_base_the_page_names(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "guide", head='<base href="/docs/">')
    web.write("/docs/guide", "The guide.")

    look(follow(collection, web.url))

    assert addresses(collection) == ["/", "/docs/guide"]


def test_pages_of_the_sites_own_list_are_read_too(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.")
    web.write("/lonely?a=1&b=2", "Nothing leads here.")
    web.say(
        "/sitemap.xml",
        f"<urlset><url><loc>{web.url}/lonely?a=1&amp;b=2</loc></url>"
        "<url><loc>http://example.org/x</loc></url></urlset>".encode(),
        "application/xml",
    )

    look(follow(collection, web.url))

    assert addresses(collection) == ["/", "/lonely?a=1&b=2"]


def test_robots_file_of_any_length_is_read_as_far_as_it_counts(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/private")
    web.write("/private", "Not for programs.")
    web.say("/robots.txt", b"User-agent: *\nDisallow: /private\n#" + b"x" * 21_000_000, "text/plain")

    source = follow(collection, web.url)
    look(source)

    assert addresses(collection) == ["/"]
    assert reasons(source) == {"/private": "robots"}


@pytest.mark.parametrize("to", ["http://10.0.0.1/robots.txt", "ftp://example.org/", "http://localhost:1/"])
def test_robots_file_that_leads_where_we_do_not_go_is_unknown(
    web: WebSite, collection: Collection, to: str
) -> None:
    web.write("/", "Welcome.")
    web.lead("/robots.txt", to)

    with pytest.raises(RobotsUnknown):
        look(follow(collection, web.url))


def test_robots_file_that_cannot_be_unpacked_opens_nothing(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.")
    web.say("/robots.txt", b"\x0b\x02\x80", "text/plain", Content_Encoding="br")

    with pytest.raises(RobotsUnknown):
        look(follow(collection, web.url))


def test_site_that_is_not_there_is_said_to_be_so_and_not_its_robots_file(
    web: WebSite, collection: Collection
) -> None:
    with pytest.raises(Unreachable):
        look(follow(collection, web.url.replace("http://", "https://")))


def test_robots_file_that_leads_in_a_circle_is_none(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.")
    web.lead("/robots.txt", "/robots.txt")

    look(follow(collection, web.url))

    assert addresses(collection) == ["/"]


@pytest.mark.parametrize(
    "hostile",
    [
        "<loc>" + " " * 100_000,
        "<loc>" * 100_000 + "</loc>" * 100_000,
        "<loc><![CDATA[" + "]" * 100_000 + "</loc>",
    ],
)
def test_list_of_pages_made_to_hold_us_up_is_read_at_once(
    web: WebSite, collection: Collection, hostile: str
) -> None:
    web.write("/", "Welcome.")
    web.write("/lonely", "Nothing leads here.")
    web.say("/sitemap.xml", f"{hostile}<loc> {web.url}/lonely </loc>".encode(), "application/xml")

    look(follow(collection, web.url))

    assert addresses(collection) == ["/", "/lonely"]


@pytest.mark.parametrize(
    "kind", ["text/html;charset*=;charset*0*=x", "text/html; charset*0=", 'text/html; charset="\\']
)
def test_type_of_content_in_odd_pieces_is_read_all_the_same(
    web: WebSite, collection: Collection, kind: str
) -> None:
    web.write("/", "Welcome.")
    web.say("/", web.pages["/"].body, kind)  # type: ignore[arg-type]

    look(follow(collection, web.url))

    assert addresses(collection) == ["/"]


def test_no_more_pages_are_kept_than_allowed_and_the_rest_is_named(
    web: WebSite, collection: Collection
) -> None:
    web.write("/", "Welcome.", *[f"/{number}" for number in range(9)])
    for number in range(9):
        web.write(f"/{number}", f"Page number {number}.")
    source = follow(collection, web.url, page_limit=4)

    tally = look(source)

    assert tally.counts == {"new": 4, "left_out": 6}
    assert set(reasons(source).values()) == {"over_limit"}
    assert look(source).counts == {"same": 4, "left_out": 6}


def test_files_a_site_leads_to_are_read_and_pictures_are_not(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/terms.txt", "/logo.png", "/film")
    web.say("/terms.txt", b"Returns within 30 days.", "text/plain")
    web.say("/film", b"...", "video/mp4")
    source = follow(collection, web.url)

    look(source)

    assert addresses(collection) == ["/", "/terms.txt"]
    assert reasons(source) == {"/film": "type_not_read"}
    assert "/logo.png" not in web.paths()


def test_look_that_is_stopped_keeps_what_it_read_and_deletes_nothing(
    web: WebSite, collection: Collection
) -> None:
    small_site(web)
    source = follow(collection, web.url, depth=2)
    look(source)
    web.fail("/lamps", 404)

    class Impatient:
        """Stops after the third page."""

        def should_stop(self) -> bool:
            return len(web.paths()) >= 3

        def report_progress(self, done: int, total: int) -> None:
            """Tell nobody."""

    web.asked.clear()
    with pytest.raises(RunStopped):
        sync(source, Impatient())
    assert len(addresses(collection)) == 4


def test_site_whose_name_leads_to_the_one_with_www_is_read_there(
    web: WebSite, collection: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOURCE_ALLOW_PRIVATE = ["pumps.example", "www.pumps.example"]
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **named: resolve(
            "127.0.0.1" if str(host).endswith("pumps.example") else host, *more, **named
        ),
    )
    web.lead("/", f"http://www.pumps.example:{web.port}/home")
    web.write("/home", "Welcome.", "/a", f"http://pumps.example:{web.port}/other-name")
    web.write("/a", "Page a.")

    look(follow(collection, f"http://pumps.example:{web.port}/"))

    assert addresses(collection) == ["/a", "/home"]


def test_site_is_kept_in_step_on_each_database(any_database: str, own_stores: object, web: WebSite) -> None:
    small_site(web)
    source = follow(make_collection(), web.url, depth=1)

    assert look(source).counts == {"new": 3}
    web.fail("/lamps", 410)
    assert look(source).counts == {"same": 2, "gone": 1}
    assert looks.look_now(source)
    assert not looks.look_now(source)
