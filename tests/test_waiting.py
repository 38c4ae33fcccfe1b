"""An article or event of which a file is refused, and was never good, stands nowhere until it can be published."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import feedparser
import pytest

from feedpub import outputs, pipeline, rehearsal, waiting
from feedpub.config import FeedConfig
from feedpub.formats import BUILT_IN, eventpage, icalendar, jsonld, page
from feedpub.store import open_store
from feedpub.verification.folder import verify_folder
from feedpub.workers import Workers
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom
from tests.test_moves import DAY, LONG, lose_the_store
from tests.test_proof import SECOND, spoil

MINUTE = timedelta(minutes=1)
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
BRIDGE = f"""---
title: {SECOND}
date: 2025-09-02T10:00:00Z
author: Amina Rahman
section: Transport
keywords: [bridge]
image: bridge.png
aliases: [/old/bridge.html]
events:
  - name: Opening of the bridge
    startDate: 2025-10-01T18:00:00+02:00
    location: Alderford
---

The bridge is to be replaced, the council said.
"""
TOLD = """---
title: {}
date: 2025-09-02
events:
  - name: {}
    startDate: 2025-10-01T18:00:00+02:00
    location: Alderford
---

{}
"""

ARTICLE_WRITERS = pytest.mark.parametrize(
    ("module", "writer"), [(page, "render_article"), (jsonld, "record_document")]
)
EVENT_WRITERS = pytest.mark.parametrize(
    ("module", "writer"), [(eventpage, "render_event"), (icalendar, "event_document")]
)


@pytest.fixture
def full(newsroom: Newsroom) -> Newsroom:
    """A newsroom with every format, and two other articles; not published yet."""
    newsroom.configure(
        site=replace(newsroom.config.site, language="en"),
        publish=replace(newsroom.config.publish, feeds_by=("section", "keyword", "author")),
    )
    holding(newsroom, 3)
    newsroom.write("other.md", markdown("Other", "Other text.", section="Harbour", date="2025-09-02"))
    newsroom.write("third.md", markdown("Third", "Third text.", section="Harbour", date="2025-09-01"))
    return newsroom


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Newsroom, Any, str], Any]:
    """Publish with a writer that loses a letter."""

    def publish(newsroom: Newsroom, module: Any, writer: str, **options: Any) -> Any:
        with monkeypatch.context() as patched:
            spoil(patched, module, writer)
            return newsroom.publish(**options)

    return publish


def holding(newsroom: Newsroom, limit: int) -> None:
    """Have the feed, and each of its archive pages, hold so many articles."""
    feed = FeedConfig(path="", title="Test News", formats=tuple(BUILT_IN), limit=limit, archive=True)
    newsroom.configure(feeds=(feed,))


def with_bridge(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", BRIDGE)
    newsroom.write("bridge.png", PICTURE)


def everywhere(newsroom: Newsroom) -> bytes:
    """Every published byte."""
    return b"\n".join(newsroom.files().values())


def changes(newsroom: Newsroom) -> list[tuple[str, str]]:
    """What the changes feed says: the change and the id."""
    lines = [
        json.loads(line)
        for path, content in newsroom.files().items()
        if path.startswith("changes/") and path.endswith(".ndjson")
        for line in content.splitlines()
    ]
    return [(line["change"], line["@id"] if "@id" in line else line["id"]) for line in lines]


def titles(newsroom: Newsroom, path: str = "feed.xml") -> list[str]:
    return [entry.title for entry in feedparser.parse(newsroom.read(path)).entries]


def is_sound(newsroom: Newsroom) -> bool:
    """Whether `feedpub verify` finds nothing, dead links included."""
    return verify_folder(newsroom.output).differences == []


@ARTICLE_WRITERS
def test_a_new_article_with_a_refused_file_is_as_if_it_were_not_there(
    full: Newsroom, refusing: Any, module: Any, writer: str
) -> None:
    full.publish()
    before = full.files()
    with_bridge(full)
    report = refusing(full, module, writer, now=NOW + MINUTE)
    assert full.files() == before
    assert (report.articles, report.events) == (2, 0)
    assert "2 articles and events wait for files that were not published" in " ".join(report.notices)
    (failure,) = report.failures
    assert "was not published, and what it belongs to waits: " in failure
    with open_store(full.config) as store:
        assert (store.status().articles, store.status().events) == (2, 0)
    with rehearsal.opened(full.config, full.config.sources[0]) as rehearsed:
        assert rehearsed.summary("bridge.md") is None
        assert rehearsed.summary("other.md") is not None


@ARTICLE_WRITERS
def test_what_is_first_published_beside_it_leads_nowhere_that_is_not_there(
    full: Newsroom, refusing: Any, module: Any, writer: str
) -> None:
    with_bridge(full)
    for attempt in range(2):
        report = refusing(full, module, writer, now=NOW + attempt * MINUTE)
        assert len(report.failures) == 1
        assert titles(full) == ["Other", "Third"]
        for word in (SECOND[:-1], "Opening of the bridge", "Amina", "Transport", "old/bridge"):
            assert word.encode() not in everywhere(full)
        assert not [path for path in full.files() if path.startswith(("media/", "events/", "old/"))]
        assert is_sound(full)


@ARTICLE_WRITERS
def test_when_its_files_are_good_it_comes_everywhere_once_as_new(
    full: Newsroom, refusing: Any, module: Any, writer: str
) -> None:
    with_bridge(full)
    refusing(full, module, writer)
    told = changes(full)
    report = full.publish(now=NOW + MINUTE)
    assert (report.failures, report.articles, report.events) == ((), 3, 1)
    assert "wait" not in " ".join(report.notices)
    assert is_sound(full)
    assert titles(full) == [SECOND, "Other", "Third"]
    assert titles(full, "sections/transport/feed.xml") == [SECOND]
    added = changes(full)[len(told) :]
    assert changes(full)[: len(told)] == told
    assert [change for change, _ in added] == ["added", "added"]
    identifier = feedparser.parse(full.read("feed.xml")).entries[0].id
    assert identifier in {one for _, one in added}
    for path in ("index.html", "sections/transport/index.html", "feed.atom", "feed.json", "feed.jsonld",
                 "sitemap-news.xml", "dump/0/records-1.ndjson"):  # fmt: skip
        assert SECOND.encode() in full.read(path), path
    assert b"Opening of the bridge" in full.read("events.ics")
    assert full.read("sitemap-1.xml").count(b"<loc>") == 4
    again = full.publish(now=NOW + 2 * MINUTE)
    assert (again.written, again.deleted) == ((), ())


def test_its_place_in_the_archive_is_that_of_its_coming_in(full: Newsroom, refusing: Any) -> None:
    holding(full, 2)
    with_bridge(full)
    refusing(full, page, "render_article")
    first = full.read("archives/0/feed-1.xml")
    full.publish(now=NOW + MINUTE)
    full.write("fourth.md", markdown("Fourth", "Fourth text.", date="2025-08-01"))
    full.publish(now=NOW + 2 * MINUTE)
    assert full.read("archives/0/feed-1.xml") == first
    assert titles(full, "archives/0/feed-1.xml") == ["Other", "Third"]
    assert titles(full, "archives/0/feed-2.xml") == ["Fourth", SECOND]
    assert is_sound(full)


@EVENT_WRITERS
def test_an_event_of_its_own_with_a_refused_file_is_as_if_it_were_not_there(
    full: Newsroom, refusing: Any, module: Any, writer: str
) -> None:
    full.publish()
    before = full.files()
    full.write("concert.md", CONCERT.replace("Quayside concert", SECOND))
    report = refusing(full, module, writer, now=NOW + MINUTE)
    assert full.files() == before
    assert (report.articles, report.events) == (2, 0)
    report = full.publish(now=NOW + 2 * MINUTE)
    assert (report.failures, report.events) == ((), 1)
    assert full.read("events.ics").count(b"BEGIN:VEVENT") == 1
    assert [change for change, _ in changes(full)][-1:] == ["added"]
    assert is_sound(full)


@EVENT_WRITERS
def test_an_article_comes_without_the_event_that_waits_and_shows_it_later(
    full: Newsroom, refusing: Any, module: Any, writer: str
) -> None:
    full.write("bridge.md", TOLD.format("Bridge news", SECOND, "Text of the bridge."))
    report = refusing(full, module, writer)
    assert (len(report.failures), report.articles, report.events) == (1, 3, 0)
    assert "Bridge news" in titles(full)
    assert SECOND.encode() not in everywhere(full)
    assert is_sound(full)
    report = full.publish(now=NOW + MINUTE)
    assert (report.failures, report.articles, report.events) == ((), 3, 1)
    (path,) = (path for path in full.files() if path.startswith("articles/") and "bridge-news" in path and path.endswith(".html"))  # fmt: skip
    assert SECOND.encode() in full.read(path)
    assert SECOND.encode() in full.read("events.ics")
    assert is_sound(full)


@ARTICLE_WRITERS
def test_an_event_that_another_article_reports_does_not_lead_to_the_one_that_waits(
    full: Newsroom, refusing: Any, module: Any, writer: str
) -> None:
    full.write("a.md", TOLD.format("Bridge news", "Opening of the bridge", "Text of the bridge."))
    full.write("b.md", TOLD.format(SECOND, "Opening of the bridge", "Another text on it."))
    report = refusing(full, module, writer)
    assert (report.articles, report.events) == (3, 1)
    assert SECOND[:-1].encode() not in everywhere(full)
    assert b"Opening of the bridge" in full.read("events.ics")
    assert is_sound(full)
    report = full.publish(now=NOW + MINUTE)
    assert (report.failures, report.articles, report.events) == ((), 4, 1)
    (path,) = (path for path in full.files() if path.startswith("events/") and path.endswith(".html"))
    assert SECOND.encode() in full.read(path)
    assert is_sound(full)


def test_an_article_that_was_good_before_stays_in_the_feeds(full: Newsroom, refusing: Any) -> None:
    full.write("bridge.md", markdown("Bridge to be repaired", date="2025-09-03"))
    full.publish()
    full.write("bridge.md", markdown(SECOND, date="2025-09-03"))
    report = refusing(full, page, "render_article", now=NOW + MINUTE)
    assert "its last good version stays" in report.failures[0]
    assert (report.articles, report.notices) == (3, ())
    assert titles(full) == [SECOND, "Other", "Third"]
    assert changes(full)[-1][0] == "modified"


def test_a_page_that_moves_to_where_it_is_refused_stays_where_it_was(full: Newsroom, refusing: Any) -> None:
    full.write("bridge.md", markdown(SECOND, slug="one", section="Bridges"))
    full.publish()
    (old,) = (path for path in full.files() if path.startswith("articles/") and "one-" in path and path.endswith(".html"))  # fmt: skip
    before = full.read(old)
    full.write("bridge.md", markdown(SECOND, slug="two", section="Bridges"))
    report = refusing(full, page, "render_article", now=NOW + MINUTE)
    assert report.articles == 2
    assert full.read(old) == before
    assert b"two-" not in everywhere(full)
    assert titles(full) == ["Other", "Third"]
    assert is_sound(full)
    report = full.publish(now=NOW + 2 * MINUTE)
    assert (report.failures, report.articles) == ((), 3)
    listed = json.loads(full.read("articles/2025/09/manifest.json"))["files"]
    assert listed[old]["status"] == 301
    assert SECOND in titles(full)
    assert is_sound(full)


def test_an_article_that_comes_back_and_is_refused_stays_gone(full: Newsroom, refusing: Any) -> None:
    path = full.write("bridge.md", markdown(SECOND))
    full.publish()
    path.unlink()
    full.publish(now=NOW + MINUTE)
    full.write("bridge.md", markdown(SECOND))
    report = refusing(full, page, "render_article", now=NOW + 2 * MINUTE)
    assert report.articles == 2
    assert SECOND not in titles(full)
    assert [change for change, _ in changes(full)] == ["added"] * 3 + ["deleted"]
    assert is_sound(full)
    assert full.publish(now=NOW + 3 * MINUTE).articles == 3
    assert [change for change, _ in changes(full)] == ["added"] * 3 + ["deleted", "added"]
    assert SECOND in titles(full)
    assert is_sound(full)


def test_an_article_that_goes_while_it_waits_is_told_of_nowhere(full: Newsroom, refusing: Any) -> None:
    full.publish()
    before = full.files()
    with_bridge(full)
    refusing(full, page, "render_article", now=NOW + MINUTE)
    (full.articles / "bridge.md").unlink()
    for attempt in (2, 3):
        report = full.publish(now=NOW + attempt * MINUTE)
        assert (report.failures, report.articles, report.events, report.notices) == ((), 2, 0, ())
        assert full.files() == before
    with_bridge(full)
    assert full.publish(now=NOW + 4 * MINUTE).articles == 3
    assert titles(full)[0] == SECOND
    assert is_sound(full)


def test_a_lost_store_knows_that_it_waits(full: Newsroom, refusing: Any) -> None:
    with_bridge(full)
    refusing(full, page, "render_article")
    before = full.files()
    lose_the_store(full)
    refusing(full, page, "render_article", now=NOW + MINUTE)
    assert full.files() == before
    lose_the_store(full)
    assert full.publish(now=NOW + 2 * MINUTE).articles == 3
    assert [change for change, _ in changes(full)] == ["added"] * 4
    assert titles(full) == [SECOND, "Other", "Third"]
    assert is_sound(full)


def test_it_is_read_again_when_it_changes_while_it_waits(full: Newsroom, refusing: Any) -> None:
    with_bridge(full)
    refusing(full, page, "render_article")
    full.write("bridge.md", BRIDGE.replace(SECOND, "Bridge to stay"))
    assert refusing(full, page, "render_article", now=NOW + MINUTE).failures == ()
    assert titles(full)[0] == "Bridge to stay"
    assert SECOND.encode() not in everywhere(full)
    assert [change for change, _ in changes(full)] == ["added"] * 4


def test_archive_pages_that_lack_it_get_it_when_a_lost_output_is_whole_again(
    full: Newsroom, refusing: Any
) -> None:
    holding(full, 2)
    full.write("bridge.md", markdown(SECOND, LONG, date="2025-08-01"))
    full.publish()
    assert titles(full, "archives/0/feed-1.xml") == ["Third", SECOND]
    full.output.rename(full.root / "lost")
    refusing(full, page, "render_article", now=NOW + DAY)
    assert titles(full, "archives/0/feed-1.xml") == ["Third"]
    # That it was added once stays in the changes, which nothing takes back.
    (found,) = verify_folder(full.output).differences
    assert (found.path, found.field) == ("changes/0/changes-1.ndjson", "links")
    full.publish(now=NOW + 2 * DAY)
    assert titles(full, "archives/0/feed-1.xml") == ["Third", SECOND]
    assert is_sound(full)


def test_many_wait_as_one_does(full: Newsroom, refusing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "CHUNK", 2)
    monkeypatch.setattr(outputs, "CHUNK", 3)
    monkeypatch.setattr(pipeline, "Workers", partial(Workers, 0))
    for number in range(1, 8):
        full.write(f"{number}.md", TOLD.format(f"{SECOND} {number}", f"Event {number}", f"Text {number}."))
    report = refusing(full, page, "render_article")
    assert (len(report.failures), report.articles, report.events) == (7, 2, 0)
    assert titles(full) == ["Other", "Third"]
    assert is_sound(full)
    report = full.publish(now=NOW + MINUTE)
    assert (report.failures, report.articles, report.events) == ((), 9, 7)
    assert is_sound(full)
