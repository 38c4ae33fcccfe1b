"""What a parser reads otherwise than its record says is not published; everything else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from feedpub import formats, plugins
from feedpub.formats import (
    eventpage,
    frontpage,
    icalendar,
    jsonld,
    listing,
    ndjson,
    opml,
    page,
    robots,
    sitemap,
)
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom
from tests.test_moves import DAY, LONG

FIRST, SECOND = "Bridge to be repaired", "Bridge to be replaced"


def spoilt(written: Any) -> Any:
    """The same without the last letter of the headline."""
    if isinstance(written, str):
        return written.replace(SECOND, SECOND[:-1])
    return written.replace(SECOND.encode(), SECOND[:-1].encode())


def spoil(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Have a writer lose a letter of what it writes."""
    right: Callable[..., Any] = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **options: spoilt(right(*args, **options)))


@pytest.mark.parametrize("name", ["rss", "atom", "jsonfeed", "jsonld"])
def test_a_feed_that_reads_otherwise_stays_as_it_was(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    newsroom.write("bridge.md", markdown(FIRST))
    newsroom.write("other.md", markdown("Other", "Other text."))
    newsroom.publish()
    before = newsroom.files()
    newsroom.write("bridge.md", markdown(SECOND))
    format_ = plugins.format(name, newsroom.config.site)
    with monkeypatch.context() as patched:
        spoil(patched, type(format_), "render")
        for attempt in range(2):  # what was refused once is not taken for proved at the next refresh
            report = newsroom.publish(now=NOW + (attempt + 1) * DAY)
            (failure,) = report.failures
            assert report.failed
            assert failure.startswith(
                f"{format_.filename} was not published, its last good version stays: {name}"
            )
            assert SECOND in failure
            assert newsroom.read(format_.filename) == before[format_.filename]
    others = {"rss": "feed.xml", "atom": "feed.atom", "jsonfeed": "feed.json", "jsonld": "feed.jsonld"}
    del others[name]
    assert all(SECOND.encode() in newsroom.read(path) for path in others.values())
    assert newsroom.publish(now=NOW + 3 * DAY).failures == ()
    assert SECOND.encode() in newsroom.read(format_.filename)


@pytest.mark.parametrize(
    ("module", "writer", "ending"),
    [(page, "render_article", ".html"), (jsonld, "record_document", ".jsonld")],
)
def test_a_page_or_record_that_reads_otherwise_stays_as_it_was(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, module: Any, writer: str, ending: str
) -> None:
    newsroom.write("bridge.md", markdown(FIRST))
    newsroom.publish()
    (path,) = (path for path in newsroom.files() if path.startswith("articles/") and path.endswith(ending))
    before = newsroom.read(path)
    newsroom.write("bridge.md", markdown(SECOND))
    with monkeypatch.context() as patched:
        spoil(patched, module, writer)
        report = newsroom.publish(now=NOW + DAY)
        assert [failure.partition(" ")[0] for failure in report.failures] == [path]
        assert newsroom.read(path) == before
        assert SECOND.encode() in newsroom.read("feed.xml")
    assert newsroom.publish(now=NOW + 2 * DAY).failures == ()
    assert SECOND.encode() in newsroom.read(path)


@pytest.mark.parametrize(
    ("module", "writer", "ending"),
    [(eventpage, "render_event", ".html"), (icalendar, "event_document", ".ics")],
)
def test_an_event_file_that_reads_otherwise_stays_as_it_was(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, module: Any, writer: str, ending: str
) -> None:
    newsroom.write("concert.md", CONCERT.replace("Quayside concert", FIRST))
    newsroom.publish()
    (path,) = (path for path in newsroom.files() if path.startswith("events/") and path.endswith(ending))
    before = newsroom.read(path)
    newsroom.write("concert.md", CONCERT.replace("Quayside concert", SECOND))
    with monkeypatch.context() as patched:
        spoil(patched, module, writer)
        assert [failure.partition(" ")[0] for failure in newsroom.publish(now=NOW + DAY).failures] == [path]
        assert newsroom.read(path) == before
    assert newsroom.publish(now=NOW + 2 * DAY).failures == ()
    assert SECOND.encode() in newsroom.read(path)


@pytest.mark.parametrize(("module", "writer", "path"), [
    (ndjson, "record_line", "dump/0/records-1.ndjson"), (sitemap, "urlset", "sitemap-1.xml"),
])  # fmt: skip
def test_dump_and_sitemap_that_read_otherwise_stay_as_they_were(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, module: Any, writer: str, path: str
) -> None:
    newsroom.write("bridge.md", markdown(FIRST))
    newsroom.publish()
    before = newsroom.read(path)
    newsroom.write("bridge.md", markdown(SECOND))
    newsroom.write("second.md", markdown("Second", LONG))
    with monkeypatch.context() as patched:
        right = getattr(module, writer)
        patched.setattr(
            module, writer, lambda *args: right(*args).replace(b"</loc>", b"").replace(SECOND.encode(), b"")
        )
        assert [failure.partition(" ")[0] for failure in newsroom.publish(now=NOW + DAY).failures] == [path]
        assert newsroom.read(path) == before
        # Who notes its sequence reads the changes since: it must not speak of what the dump lacks.
        sequence = json.loads(newsroom.read("dump.json"))["sequence"]
        assert sequence == (1 if path.startswith("dump/") else 3)
    # Nothing has changed since, and it is tried again all the same.
    assert newsroom.publish(now=NOW + 2 * DAY).failures == ()
    assert newsroom.read(path) != before
    assert json.loads(newsroom.read("dump.json"))["sequence"] == 3


def damage(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, old: bytes, new: bytes) -> None:
    """Have a writer write something else."""
    right: Callable[..., bytes] = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **options: right(*args, **options).replace(old, new))


SECTION = "sections/transport/index.html"


@pytest.mark.parametrize(
    ("writer", "path", "change"),
    [
        ((frontpage, "render_frontpage"), "index.html", (SECOND.encode(), b"Bridge")),
        ((listing, "render_listing"), SECTION, (SECOND.encode(), b"Bridge")),
        ((opml, "render"), "feeds.opml", (b"sections/harbour/feed.xml", b"sections/port/feed.xml")),
        ((robots, "render"), "robots.txt", (b"Disallow:", b"Disallow: /")),
        ((ndjson, "change_line"), "changes/0/changes-1.ndjson", (b"modified", b"changed")),
    ],
)
def test_files_of_the_site_that_read_otherwise_stay_and_are_tried_again(
    newsroom: Newsroom,
    monkeypatch: pytest.MonkeyPatch,
    writer: tuple[Any, str],
    path: str,
    change: tuple[bytes, bytes],
) -> None:
    newsroom.configure(publish=replace(newsroom.config.publish, feeds_by=("section",)))
    newsroom.write("bridge.md", markdown(FIRST, section="Transport"))
    if path != "robots.txt":
        newsroom.publish()
    before = newsroom.files()
    newsroom.write("bridge.md", markdown(SECOND, section="Transport"))
    newsroom.write("quay.md", markdown("Quay", LONG, section="Harbour"))
    with monkeypatch.context() as patched:
        damage(patched, *writer, *change)
        for attempt in range(2):
            report = newsroom.publish(now=NOW + (attempt + 1) * DAY)
            assert [failure.partition(" ")[0] for failure in report.failures] == [path]
            assert newsroom.files().get(path) == before.get(path)
    assert SECOND.encode() in newsroom.read("feed.xml")
    assert newsroom.publish(now=NOW + 3 * DAY).failures == ()
    assert newsroom.read(path) != before.get(path)


def test_an_index_does_not_tell_of_changes_that_could_not_be_published(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write("bridge.md", markdown(FIRST))
    newsroom.publish()
    newsroom.write("bridge.md", markdown(SECOND))
    with monkeypatch.context() as patched:
        damage(patched, ndjson, "change_line", b"modified", b"changed")
        newsroom.publish(now=NOW + DAY)
    assert json.loads(newsroom.read("changes.json"))["sequence"] == 1
    assert newsroom.publish(now=NOW + 2 * DAY).failures == ()
    assert json.loads(newsroom.read("changes.json"))["sequence"] == 2
    assert newsroom.read("changes/0/changes-1.ndjson").count(b"\n") == 2


def test_a_feed_by_itself_that_was_refused_is_tried_again_although_nothing_changed(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.configure(publish=replace(newsroom.config.publish, feeds_by=("section",)))
    newsroom.write("bridge.md", markdown(FIRST, section="Transport"))
    newsroom.publish()
    newsroom.write("bridge.md", markdown(SECOND, section="Transport"))
    with monkeypatch.context() as patched:
        spoil(patched, type(plugins.format("rss", newsroom.config.site)), "render")
        failures = newsroom.publish(now=NOW + DAY).failures
        assert {failure.partition(" ")[0] for failure in failures} == {
            "feed.xml",
            "sections/transport/feed.xml",
        }
    newsroom.publish(now=NOW + 2 * DAY)
    assert SECOND.encode() in newsroom.read("sections/transport/feed.xml")


def test_a_redirect_that_leads_elsewhere_is_not_published_until_it_is_right(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write("bridge.md", markdown(FIRST))
    newsroom.publish()
    (path,) = (path for path in newsroom.files() if path.startswith("articles/") and path.endswith(".html"))
    before = newsroom.read(path)
    newsroom.write("bridge.md", markdown(FIRST, slug="elsewhere"))
    with monkeypatch.context() as patched:
        damage(patched, page, "render_redirect", b"elsewhere", b"nowhere")
        report = newsroom.publish(now=NOW + DAY)
        assert [failure.partition(" ")[0] for failure in report.failures] == [path]
        assert newsroom.read(path) == before
    assert newsroom.publish(now=NOW + 2 * DAY).failures == ()
    assert b'http-equiv="refresh"' in newsroom.read(path)


def test_a_notice_that_tells_too_much_is_not_published_and_the_article_goes_all_the_same(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write("bridge.md", markdown(FIRST))
    newsroom.write("other.md", markdown("Other", "Other text."))
    newsroom.publish()
    (path,) = (
        path
        for path in newsroom.files()
        if path.startswith("articles/") and "bridge" in path and path.endswith(".html")
    )
    (newsroom.articles / "bridge.md").unlink()
    with monkeypatch.context() as patched:
        damage(patched, page, "render_withdrawn", b"</main>", b'</main><img src="bridge.jpg">')
        report = newsroom.publish(now=NOW + DAY, yes=True)
        assert [failure.partition(" ")[0] for failure in report.failures] == [path]
        assert path not in newsroom.files()
    assert newsroom.publish(now=NOW + 2 * DAY).failures == ()
    assert b"noindex" in newsroom.read(path)
    with monkeypatch.context() as patched:  # a notice that stands is the last good version
        patched.setattr(page, "VERSION", "other")
        damage(patched, page, "render_withdrawn", b"</main>", b'</main><img src="bridge.jpg">')
        before = newsroom.read(path)
        assert len(newsroom.publish(now=NOW + 3 * DAY).failures) == 1
        assert newsroom.read(path) == before


def test_archive_pages_that_read_otherwise_are_tried_again(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 52):
        newsroom.write(
            f"{number}.md",
            markdown(f"{SECOND} {number}", f"Text {number}.", date=f"2025-08-{number % 28 + 1:02}"),
        )
    format_ = plugins.format("jsonfeed", newsroom.config.site)
    with monkeypatch.context() as patched:
        spoil(patched, type(format_), "render")
        report = newsroom.publish()
        failed = {failure.partition(" ")[0] for failure in report.failures}
        assert failed == {"feed.json", "archives/0/feed-1.json"}
        assert "archives/0/feed-1.xml" in newsroom.files()
        assert "archives/0/feed-1.json" not in newsroom.files()
    assert newsroom.publish(now=NOW + DAY).failures == ()
    assert SECOND.encode() in newsroom.read("archives/0/feed-1.json")


def test_without_verification_anything_is_published(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = newsroom.root / "feedpub.toml"
    path.write_text('[site]\ntitle = "T"\n[sources.articles]\npath = "articles"\n[publish]\nverify = false\n')
    from feedpub.config import load

    newsroom.config = load(path)
    newsroom.write("bridge.md", markdown(SECOND))
    spoil(monkeypatch, type(plugins.format("rss", newsroom.config.site)), "render")
    assert newsroom.publish().failures == ()
    assert SECOND.encode() not in newsroom.read("feed.xml")


def test_events_without_a_day_are_counted(newsroom: Newsroom) -> None:
    event = "---\ntype: event\ntitle: {}\nstart: {}\n---\nText.\n"
    newsroom.write("a.md", event.format("Fair", "2027-05"))
    newsroom.write("b.md", event.format("Race", "2027"))
    newsroom.write("c.md", event.format("Swim", "2027-05-01"))
    notices = " ".join(newsroom.publish().notices)
    assert "2 events stand not in events.ics" in notices
    assert newsroom.read("events.ics").count(b"BEGIN:VEVENT") == 1
    graph = json.loads(newsroom.read("events.jsonld"))["@graph"]
    assert {node["name"] for node in graph if node["@type"] == "Event"} == {"Fair", "Race", "Swim"}


def test_every_format_of_feeds_has_a_judge() -> None:
    from feedpub.verification import JUDGED

    assert set(formats.BUILT_IN) == JUDGED
