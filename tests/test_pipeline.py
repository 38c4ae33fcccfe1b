"""One refresh from end to end: what is published, what stays the same, what happens when things go wrong."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from sqlalchemy import select

from feedpub import checking
from feedpub.config import FeedConfig, Publish, SourceConfig, Where
from feedpub.errors import ConfigError, LockedError, PublishError, StoreCorruptError
from feedpub.reports import Report
from feedpub.store import open_store, schema
from tests.articles import BODY, CONCERT, markdown
from tests.conftest import NOW, Newsroom

DAY = timedelta(days=1)


def items(newsroom: Newsroom, path: str = "feed.xml") -> dict[str, Any]:
    """The items of an RSS feed by id, in order, as feedparser reads them."""
    parsed = feedparser.parse(newsroom.read(path))
    assert parsed.bozo == 0
    return {entry.id: entry for entry in parsed.entries}


def titles(newsroom: Newsroom, path: str = "feed.xml") -> list[str]:
    return [entry.title for entry in items(newsroom, path).values()]


def graph(newsroom: Newsroom, path: str = "feed.jsonld") -> dict[str, Any]:
    """The nodes of a JSON-LD document by id."""
    return {node["@id"]: node for node in json.loads(newsroom.read(path))["@graph"]}


def page(newsroom: Newsroom) -> str:
    """The path of the only article page."""
    (found,) = (path for path in newsroom.files() if path.startswith("articles/") and path.endswith(".html"))
    return found


def counts(report: Report) -> tuple[int, int, int, int, int, int]:
    (source,) = report.sources
    assert source.failure is None
    return (
        source.new,
        source.modified,
        source.unmodified,
        source.removed,
        source.waiting,
        source.quarantined,
    )


def rules(report: Report) -> set[str]:
    return {problem.rule for held in report.held for problem in held.problems}


def test_an_article_becomes_item_page_and_record(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown(author="Ada Marsh", section="Harbour", tags="[bridges, works]"))
    report = newsroom.publish()
    assert counts(report) == (1, 0, 0, 0, 0, 0)
    ((identifier, item),) = items(newsroom).items()
    assert item.title == "Bridge to be repaired"
    assert item.author == "Ada Marsh"
    assert {tag.term for tag in item.tags} == {"Harbour", "bridges", "works"}
    assert item.link == f"https://news.example/{page(newsroom)}"
    assert page(newsroom).startswith("articles/2025/09/bridge-to-be-repaired-")
    assert item.published == "Mon, 01 Sep 2025 00:00:00 +0000"
    record = graph(newsroom)[identifier]
    assert record["headline"] == "Bridge to be repaired"
    assert record["datePublished"] == "2025-09-01"
    assert record["articleBody"] == BODY


def test_the_seed_article_alone(newsroom: Newsroom, seed_article: Path) -> None:
    shutil.copy(seed_article, newsroom.articles / "seed.txt")
    report = newsroom.publish()
    assert counts(report) == (1, 0, 0, 0, 0, 0)
    ((identifier, item),) = items(newsroom).items()
    record = graph(newsroom)[identifier]
    assert record["@type"] == "NewsArticle"
    assert record["datePublished"] == "2025-09-02"
    assert record["inLanguage"] == "en"
    assert 0 < len(record["headline"]) <= 110
    text = seed_article.read_text("utf-8")
    assert set(record["headline"].strip("….").split()) <= set(text.replace(",", "").split())
    paragraphs = [part.strip() for part in text.strip().removeprefix("date 2025-09-02").split("\n\n")]
    assert record["articleBody"].split("\n\n") == paragraphs
    for value in (item.title, item.summary, record["articleBody"]):
        assert "date 2025-09-02" not in value
    assert all(paragraph[:60] in item.summary for paragraph in paragraphs if "“" not in paragraph[:60])


def test_the_second_run_writes_nothing(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown(section="Harbour"))
    newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    before = newsroom.files()
    report = newsroom.publish(now=NOW + timedelta(hours=1))
    assert counts(report) == (0, 0, 2, 0, 0, 0)
    assert (report.written, report.deleted) == ((), ())
    assert newsroom.files() == before


@pytest.mark.parametrize("change", ["headline", "file name", "folder", "body"])
def test_the_id_outlives_a_changed(newsroom: Newsroom, change: str) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    (identifier,) = items(newsroom)
    address = page(newsroom)
    if change in ("file name", "folder"):
        target = newsroom.articles / ("renamed.md" if change == "file name" else "old/bridge.md")
        target.parent.mkdir(exist_ok=True)
        (newsroom.articles / "bridge.md").rename(target)
    elif change == "headline":
        newsroom.write("bridge.md", markdown("Bridge closed"))
    else:
        newsroom.write("bridge.md", markdown(body="Another text altogether, and quite short."))
    report = newsroom.publish(now=NOW + DAY)
    assert counts(report)[3] == 0
    assert list(items(newsroom)) == [identifier]
    assert page(newsroom) == address


def test_two_files_may_swap_names_and_keep_their_ids(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("First"))
    newsroom.publish()
    ((first, _),) = items(newsroom).items()
    (newsroom.articles / "a.md").rename(newsroom.articles / "b.md")
    newsroom.publish(now=NOW + DAY)
    newsroom.write("a.md", markdown("Second", "Quite another text."))
    newsroom.publish(now=NOW + 2 * DAY)
    found = items(newsroom)
    assert len(found) == 2
    assert found[first].title == "First"


def test_a_given_id_is_taken_verbatim(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown(id="tag:old.example,2019:post-7"))
    newsroom.publish()
    assert list(items(newsroom)) == ["tag:old.example,2019:post-7"]
    assert "tag:old.example,2019:post-7" in graph(newsroom)


def test_an_explicit_slug_moves_the_page_and_leaves_a_redirect(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    old, (identifier,) = page(newsroom), items(newsroom)
    newsroom.write("bridge.md", markdown(slug="swing-bridge"))
    newsroom.publish(now=NOW + DAY)
    ((same, item),) = items(newsroom).items()
    assert same == identifier
    assert item.link.startswith("https://news.example/articles/2025/09/swing-bridge-")
    assert item.link.encode() in newsroom.read(old)
    entry = json.loads(newsroom.read("articles/2025/09/manifest.json"))["files"][old]
    assert (entry["status"], entry["redirect"]) == (301, item.link)
    assert old.replace(".html", ".jsonld") not in newsroom.files()


def test_a_deleted_article_is_withdrawn(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown("Bridge secret"))
    newsroom.write("other.md", markdown("Other"))
    newsroom.publish()
    identifier = next(i for i, item in items(newsroom).items() if item.title == "Bridge secret")
    address = next(path for path in newsroom.files() if "bridge-secret" in path and path.endswith(".html"))
    (newsroom.articles / "bridge.md").unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert counts(report)[3] == 1
    assert titles(newsroom) == ["Other"]
    assert b"Bridge secret" not in newsroom.read(address)
    assert json.loads(newsroom.read("articles/2025/09/manifest.json"))["files"][address]["status"] == 410
    assert address.replace(".html", ".jsonld") not in newsroom.files()
    assert identifier not in graph(newsroom)
    (tombstone,) = (n for n in graph(newsroom).values() if n.get("item") == {"@id": identifier})
    assert tombstone["dateDeleted"] == "2025-09-04T08:00:00Z"


def test_an_article_that_comes_back_has_its_old_id_and_time(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.write("other.md", markdown("Other"))
    newsroom.publish()
    before, ids = newsroom.files(), items(newsroom).keys()
    (newsroom.articles / "bridge.md").unlink()
    newsroom.publish(now=NOW + DAY)
    newsroom.write("bridge.md", markdown())
    newsroom.publish(now=NOW + 2 * DAY)
    after = newsroom.files()
    assert items(newsroom).keys() == ids
    assert re.findall(b"<pubDate>.*?<", after["feed.xml"]) == re.findall(b"<pubDate>.*?<", before["feed.xml"])
    # Readers that were told of its end must see it as newer than that (RFC 6721 section 3).
    entry = next(
        e for e in feedparser.parse(after["feed.atom"]).entries if e.title == "Bridge to be repaired"
    )
    assert entry.updated_parsed[:6] == (2025, 9, 5, 8, 0, 0)
    assert b"deleted-entry" not in after["feed.atom"]


def test_keep_deleted_keeps_articles_of_a_folder_that_rotates(newsroom: Newsroom) -> None:
    newsroom.configure(sources=(replace(newsroom.config.sources[0], keep_deleted=True),))
    newsroom.write("bridge.md", markdown())
    newsroom.write("other.md", markdown("Other"))
    newsroom.publish()
    before = newsroom.files()
    (newsroom.articles / "bridge.md").unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert (report.written, report.deleted) == ((), ())
    shutil.rmtree(newsroom.config.state / "staging", ignore_errors=True)
    (newsroom.config.state / "store.sqlite3").unlink()
    newsroom.publish(now=NOW + 2 * DAY)
    assert newsroom.files() == before


def test_the_accident_guard_stops_a_mass_vanishing(newsroom: Newsroom) -> None:
    for number in range(40):
        newsroom.write(f"{number}.md", markdown(f"Article {number}"))
    newsroom.publish()
    before = newsroom.files()
    for number in range(5):
        (newsroom.articles / f"{number}.md").unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert report.failed
    assert "5 of 40" in (report.sources[0].failure or "")
    assert "--yes" in (report.sources[0].failure or "")
    assert newsroom.files() == before
    report = newsroom.publish(now=NOW + DAY, yes=True)
    assert counts(report)[3] == 5
    assert len(items(newsroom)) == 35


def five(newsroom: Newsroom, **front: str) -> None:
    """Five articles of August; in what is given for `front`, N stands for the number of each."""
    for number in range(5):
        own = {key: value.replace("N", str(number)) for key, value in front.items()}
        newsroom.write(
            f"{number}.md",
            markdown(f"Article {number}", f"Text of {number}.", **{"date": "2025-08-01", **own}),
        )


def test_the_accident_guard_stops_dates_that_jump_to_now(newsroom: Newsroom) -> None:
    five(newsroom)
    newsroom.publish()
    before = newsroom.files()
    later = NOW + 30 * DAY  # 3 October, 08:00
    five(newsroom, date="2025-10-02T09:00Z")
    (stopped,) = newsroom.publish(now=later).sources
    assert stopped.stopped
    assert stopped.failure is not None
    assert stopped.failure.startswith(
        "5 of 5 articles of the source 'articles' were older so far and now say that they were published within a "
        "day of this refresh, more than the accident guard lets pass (3)"
    )
    assert newsroom.files() == before
    assert counts(newsroom.publish(now=later, yes=True)) == (0, 5, 0, 0, 0, 0)


@pytest.mark.parametrize("date", ["2025-10-02T07:00Z", "2025-08-02"])
def test_dates_that_change_otherwise_are_no_accident(newsroom: Newsroom, date: str) -> None:
    five(newsroom)
    newsroom.publish()
    five(newsroom, date=date)
    assert counts(newsroom.publish(now=NOW + 30 * DAY)) == (0, 5, 0, 0, 0, 0)


def test_three_dates_may_jump_to_now_and_so_may_those_of_new_articles(newsroom: Newsroom) -> None:
    five(newsroom)
    newsroom.publish()
    for number in (0, 1, 2, 7, 8, 9):
        newsroom.write(f"{number}.md", markdown(f"Article {number}", f"Text of {number}.", date="2025-10-03"))
    assert counts(newsroom.publish(now=NOW + 30 * DAY)) == (3, 3, 2, 0, 0, 0)


def test_the_accident_guard_stops_ids_that_change_in_bulk(newsroom: Newsroom) -> None:
    five(newsroom, id="https://cms.example/N")
    newsroom.publish()
    before = newsroom.files()
    five(newsroom, id="https://cms.example/new/N")
    (stopped,) = newsroom.publish(now=NOW + DAY).sources
    assert stopped.failure is not None
    assert stopped.failure.startswith(
        "5 of 5 articles of the source 'articles' would get other ids: they vanish, and articles with the same "
        "headline or text are new."
    )
    assert newsroom.files() == before
    newsroom.publish(now=NOW + DAY, yes=True)
    assert sorted(items(newsroom)) == [f"https://cms.example/new/{number}" for number in range(5)]


def test_ids_that_change_with_their_places_are_stopped_even_where_deleted_articles_are_kept(
    newsroom: Newsroom,
) -> None:
    newsroom.configure(sources=(replace(newsroom.config.sources[0], keep_deleted=True),))
    five(newsroom)
    newsroom.publish()
    before = newsroom.files()
    for number in range(5):
        (newsroom.articles / f"{number}.md").unlink()
        newsroom.write(f"x{number}.md", markdown(f"Article {number}", f"Written anew, {number}."))
    (stopped,) = newsroom.publish(now=NOW + DAY).sources
    assert stopped.stopped
    assert newsroom.files() == before
    assert counts(newsroom.publish(now=NOW + DAY, yes=True))[:2] == (5, 0)
    assert len(items(newsroom)) == 10


def test_five_other_articles_at_the_same_places_are_a_mass_vanishing(newsroom: Newsroom) -> None:
    five(newsroom, id="https://cms.example/N")
    newsroom.publish()
    for number in range(5):
        newsroom.write(f"{number}.md", markdown(f"Other {number}", id=f"https://cms.example/other/{number}"))
    (stopped,) = newsroom.publish(now=NOW + DAY).sources
    assert stopped.failure is not None
    assert stopped.failure.startswith("5 of 5 articles of the source 'articles' would vanish")


def test_a_missing_folder_fails_the_source_and_withdraws_nothing(newsroom: Newsroom) -> None:
    other = newsroom.root / "other"
    other.mkdir()
    (other / "x.md").write_text(markdown("From the other source"))
    second = SourceConfig(name="other", path=other)
    newsroom.configure(sources=(*newsroom.config.sources, second))
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    newsroom.articles.rename(newsroom.root / "unmounted")
    (other / "y.md").write_text(markdown("A new one"))
    report = newsroom.publish(now=NOW + DAY)
    assert [bool(source.failure) for source in report.sources] == [True, False]
    assert set(titles(newsroom)) == {"Bridge to be repaired", "From the other source", "A new one"}


def test_a_folder_that_is_suddenly_empty_withdraws_nothing(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    (newsroom.articles / "bridge.md").unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert titles(newsroom) == ["Bridge to be repaired"]
    assert any("mounted" in notice for source in report.sources for notice in source.notices)


def history(newsroom: Newsroom) -> datetime:
    """Publish a history with everything that inputs cannot give back; returns its last moment."""
    newsroom.configure(publish=replace(newsroom.config.publish, feeds_by=("section", "author")))
    newsroom.write("bridge.md", markdown(section="Harbour", author="Ada Marsh"))
    newsroom.write("moved.md", markdown("Moved", section="Town"))
    newsroom.write("edited.md", markdown("Edited", "First version of it.", date=None))
    newsroom.write("gone.md", markdown("Gone", section="Town", author="Tom Reed"))
    newsroom.write("spoilt.md", markdown("Spoilt", section="Town"))
    newsroom.write("concert.md", CONCERT)
    newsroom.write(
        "meeting.md", markdown("Meeting called", event="{name: Council meeting, start: 2026-12-01}")
    )
    newsroom.publish(now=NOW)
    (newsroom.articles / "moved.md").rename(newsroom.articles / "new-name.md")
    newsroom.write("edited.md", markdown("Edited again", "Second version of it.", date=None))
    newsroom.publish(now=NOW + DAY)
    (newsroom.articles / "gone.md").unlink()
    newsroom.write("spoilt.md", markdown("Spoilt", date="the day after tomorrow"))
    newsroom.write("bridge.md", markdown(section="Harbour", author="Ada Marsh", slug="bridge"))
    newsroom.publish(now=NOW + 2 * DAY)
    newsroom.write("late.md", markdown("Late", "Came in last.", date=None))
    newsroom.publish(now=NOW + 3 * DAY)
    return NOW + 3 * DAY


@pytest.mark.parametrize("how", ["store deleted", "output deleted", "both deleted", "rebuild"])
def test_what_is_lost_is_made_again_with_the_same_bytes(newsroom: Newsroom, how: str) -> None:
    last = history(newsroom)
    before = newsroom.files()
    assert len(before) > 20
    if how in ("store deleted", "both deleted"):
        (newsroom.config.state / "store.sqlite3").unlink()
    if how in ("output deleted", "both deleted"):
        shutil.rmtree(newsroom.output)
    report = newsroom.publish(now=last, rebuild=how == "rebuild")
    after = newsroom.files()
    if how in ("output deleted", "both deleted"):
        # The times of publication in the manifests begin anew: nothing is left that knew them.
        before, after = ({k: v for k, v in f.items() if "manifest" not in k} for f in (before, after))
    assert after.keys() == before.keys()
    assert [path for path in after if after[path] != before[path]] == []
    if how == "store deleted":
        assert report.written == ()
    assert [held.place for held in report.held] == ["spoilt.md"]


def test_a_spoilt_article_keeps_its_last_good_version(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    before = newsroom.files()
    newsroom.write("bridge.md", markdown("New title", date="the day after tomorrow"))
    report = newsroom.publish(now=NOW + DAY)
    assert newsroom.files() == before
    (held,) = report.held
    assert held.published_id in items(newsroom)
    assert held.problems[0].rule == "date-unreadable"
    assert "the day after tomorrow" in held.problems[0].message + (held.problems[0].value or "")
    newsroom.write("bridge.md", markdown("New title"))
    report = newsroom.publish(now=NOW + 2 * DAY)
    assert report.held == ()
    assert titles(newsroom) == ["New title"]


@pytest.mark.parametrize(
    ("front", "rule"), [({"id": "tag:x.example,2025:1"}, "duplicate-id"), ({"canonical_url": "https://x.example/1"}, "duplicate-url")]
)  # fmt: skip
def test_of_two_articles_with_one_id_or_address_the_first_is_published(
    newsroom: Newsroom, front: dict[str, str], rule: str
) -> None:
    newsroom.write("a.md", markdown("First", **front))
    newsroom.write("b.md", markdown("Second", **front))
    report = newsroom.publish()
    assert titles(newsroom) == ["First"]
    assert [(held.place, held.problems[0].rule) for held in report.held] == [("b.md", rule)]
    assert "articles:a.md" in report.held[0].problems[0].message
    newsroom.write("b.md", markdown("Second, changed", **front))
    newsroom.publish(now=NOW + DAY)
    assert titles(newsroom) == ["First"]


def test_an_article_without_a_date_has_none_in_any_format(newsroom: Newsroom) -> None:
    newsroom.write("undated.md", markdown("Undated", date=None))
    newsroom.write("dated.md", markdown("Old"))
    newsroom.publish()
    undated = next(item for item in items(newsroom).values() if item.title == "Undated")
    assert "published" not in undated
    assert "datePublished" not in graph(newsroom)[undated.id]
    assert titles(newsroom) == ["Undated", "Old"], "its place is by when it was first seen: 3 September"


def test_an_article_without_a_date_is_held_back_if_the_policy_says_so(newsroom: Newsroom) -> None:
    newsroom.configure(publish=replace(newsroom.config.publish, undated="quarantine"))
    newsroom.write("undated.md", markdown(date=None))
    report = newsroom.publish()
    assert rules(report) == {"undated"}
    assert items(newsroom) == {}


def test_an_embargo_opens_at_its_time_and_not_a_second_before(newsroom: Newsroom) -> None:
    newsroom.write("later.md", markdown("Later", date="2025-09-10T12:00:00+02:00"))
    newsroom.write("draft.md", markdown("Draft", draft="true"))
    opens = datetime(2025, 9, 10, 10, tzinfo=UTC)
    report = newsroom.publish()
    assert report.next_due_at == opens
    assert counts(report) == (0, 0, 0, 0, 2, 0)
    for moment in (NOW, opens - timedelta(seconds=1)):
        newsroom.publish(now=moment)
        assert not any(b"Later" in content or b"Draft" in content for content in newsroom.files().values())
    newsroom.publish(now=opens)
    assert titles(newsroom) == ["Later"]


def test_an_expired_article_is_withdrawn_at_its_time(newsroom: Newsroom) -> None:
    newsroom.write("offer.md", markdown("Offer", expiryDate="2025-09-10T12:00:00Z"))
    report = newsroom.publish()
    assert report.next_due_at == datetime(2025, 9, 10, 12, tzinfo=UTC)
    assert titles(newsroom) == ["Offer"]
    newsroom.publish(now=datetime(2025, 9, 10, 12, tzinfo=UTC))
    assert titles(newsroom) == []


def test_a_damaged_store_is_said_and_made_anew_on_request(newsroom: Newsroom) -> None:
    last = history(newsroom)
    before = newsroom.files()
    store = newsroom.config.state / "store.sqlite3"
    for suffix in ("-wal", "-shm"):
        Path(f"{store}{suffix}").unlink(missing_ok=True)
    store.write_bytes(b"rubbish" * 5000)
    with pytest.raises(StoreCorruptError, match="--rebuild"):
        newsroom.publish(now=last)
    assert newsroom.files() == before
    newsroom.publish(now=last, rebuild=True)
    assert newsroom.files() == before


def test_a_torn_line_at_the_end_of_the_ledger_is_cut_off(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    before = newsroom.files()
    ledger = newsroom.config.state / "ledger.ndjson"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + b'{"op":"id","id":"urn:x')
    newsroom.publish(now=NOW + DAY)
    assert ledger.read_bytes() == whole
    assert newsroom.files() == before


def test_a_lost_ledger_is_written_anew_from_the_store(newsroom: Newsroom) -> None:
    last = history(newsroom)
    before = newsroom.files()
    (newsroom.config.state / "ledger.ndjson").unlink()
    report = newsroom.publish(now=last)
    assert any("ledger" in notice for notice in report.notices)
    (newsroom.config.state / "store.sqlite3").unlink()
    newsroom.publish(now=last)
    assert newsroom.files() == before


def test_two_publishers_exclude_each_other(newsroom: Newsroom) -> None:
    from feedpub import publication

    with publication.locked(newsroom.config.state, newsroom.output):
        with pytest.raises(LockedError, match="process"):
            newsroom.publish()
        elsewhere = replace(newsroom.config, state=newsroom.root / "elsewhere")
        with pytest.raises(LockedError, match="same output"):
            Newsroom(newsroom.root, elsewhere).publish()
    newsroom.publish()


def test_an_output_that_cannot_be_written_says_so_and_can_be_repaired(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.output.mkdir()
    (newsroom.output / "articles").write_text("in the way")
    with pytest.raises(PublishError, match="move it away"):
        newsroom.publish()
    (newsroom.output / "articles").unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert any("interrupted" in notice for notice in report.notices)
    assert titles(newsroom) == ["Bridge to be repaired"]


def test_one_event_that_two_articles_report_is_one_record(newsroom: Newsroom) -> None:
    event = "{name: Harbour Festival, start: 2026-06-06, location: Old Quay}"
    newsroom.write("a.md", markdown("First report", event=event))
    newsroom.write("b.md", markdown("Second report", "Another text.", event=event))
    report = newsroom.publish()
    assert (report.articles, report.events) == (2, 1)
    (found,) = (node for node in graph(newsroom).values() if node["@type"] == "Event")
    articles = {i: item.title for i, item in items(newsroom).items()}
    assert {articles[ref["@id"]] for ref in found["subjectOf"]} == {"First report", "Second report"}
    for identifier in articles:
        node = graph(newsroom)[identifier]
        assert {"@id": found["@id"]} in node.get("about", []) + node.get("mentions", [])
    (newsroom.articles / "a.md").unlink()
    newsroom.publish(now=NOW + DAY)
    (found,) = (node for node in graph(newsroom).values() if node["@type"] == "Event")
    assert len(found["subjectOf"]) == 1
    (newsroom.articles / "b.md").unlink()
    newsroom.write("c.md", markdown("Something else"))
    newsroom.publish(now=NOW + 2 * DAY)
    assert not [node for node in graph(newsroom).values() if node["@type"] == "Event"]


@pytest.mark.parametrize(
    "second", ["{name: Harbour Festival, start: 2026-06-06, location: Library}", "{name: Harbour Festival, start: 2026-07-06, location: Old Quay}"]
)  # fmt: skip
def test_events_of_one_name_in_two_places_or_on_two_days_are_two(newsroom: Newsroom, second: str) -> None:
    newsroom.write(
        "a.md",
        markdown("First report", event="{name: Harbour Festival, start: 2026-06-06, location: Old Quay}"),
    )
    newsroom.write("b.md", markdown("Second report", "Another text.", event=second))
    assert newsroom.publish().events == 2


def test_events_of_one_name_in_one_article_are_as_many_as_it_reports(newsroom: Newsroom) -> None:
    events = [
        "{name: Jazz night, start: 2026-06-06T20:00, place: Old Quay}",
        "{name: Jazz night, start: 2026-06-07T15:00, place: Old Quay}",
        "{name: Jazz night, start: 2026-06-07T20:00, place: Old Quay}",
        "{name: Public meeting, start: 2026-06-08, place: Harwick}",
        "{name: Public meeting, start: 2026-06-08, place: Sandholme}",
    ]

    def published() -> dict[tuple[str, str], str]:
        nodes = [node for node in graph(newsroom).values() if node["@type"] == "Event"]
        return {(node["startDate"], node["location"][0]["@id"]): node["@id"] for node in nodes}

    newsroom.write("a.md", markdown("Listings", events=f"[{', '.join(events)}]"))
    assert newsroom.publish().events == 5
    before = published()
    assert len(before) == len(set(before.values())) == 5
    newsroom.write("a.md", markdown("Listings", events=f"[{', '.join(reversed(events))}]"))
    assert newsroom.publish(now=NOW + DAY).events == 5
    assert published() == before


def test_a_second_date_of_an_event_leaves_the_first_its_id(newsroom: Newsroom) -> None:
    first, second = (f"{{name: Jazz night, start: 2026-06-0{day}, place: Old Quay}}" for day in (6, 7))
    newsroom.write("a.md", markdown("Listings", events=f"[{first}]"))
    newsroom.publish()
    (before,) = (node for node in graph(newsroom).values() if node["@type"] == "Event")
    newsroom.write("a.md", markdown("Listings", events=f"[{second}, {first}]"))
    newsroom.publish(now=NOW + DAY)
    days = {n["@id"]: n["startDate"] for n in graph(newsroom).values() if n["@type"] == "Event"}
    assert len(days) == 2
    assert days[before["@id"]] == "2026-06-06"


FESTIVAL = {
    "@type": "Festival", "@id": "#festival", "name": "Harbour Festival", "startDate": "2026-06-06",
    "endDate": "2026-06-08",
}  # fmt: skip
REGATTA = {"@type": "SportsEvent", "@id": "#regatta", "name": "Regatta", "startDate": "2026-06-07"}
CONCERT_NODE = {
    "@type": "MusicEvent", "@id": "https://band.example/concert", "name": "Concert on the quay",
    "startDate": "2026-06-08T19:30", "superEvent": {"@type": "Festival", "name": "Harbour festival"},
}  # fmt: skip


@pytest.mark.parametrize("article", [True, False], ids=["in an article", "alone"])
def test_events_of_one_document_that_name_each_other_are_tied(newsroom: Newsroom, article: bool) -> None:
    nodes: list[dict[str, Any]] = [
        {**FESTIVAL, "subEvent": [{"@id": "#regatta"}, {"@id": "https://band.example/concert"}]},
        {**REGATTA, "superEvent": {"@id": "#festival"}},
        CONCERT_NODE,
    ]
    if article:
        story = {"@type": "NewsArticle", "headline": "Programme is out", "articleBody": "Three days of it."}
        nodes.append({**story, "mentions": [{"@id": "#festival"}]})
    newsroom.write("programme.json", json.dumps({"@context": "https://schema.org", "@graph": nodes}))
    assert newsroom.publish().events == 3
    with open_store(newsroom.config) as store, store.reading() as connection:
        rows = connection.execute(select(schema.record.c.data).where(schema.record.c.kind == "event"))
        events = {node["name"]: node for node in (json.loads(row.data) for row in rows)}
    festival, regatta, concert = (
        {key: events[name][key] for key in ("@type", "@id", "name")}
        for name in ("Harbour Festival", "Regatta", "Concert on the quay")
    )
    assert (festival["@type"], regatta["@type"], concert["@type"]) == (
        "Festival",
        "SportsEvent",
        "MusicEvent",
    )
    assert concert["@id"] == "https://band.example/concert"
    assert events["Regatta"]["superEvent"] == festival
    assert events["Concert on the quay"]["superEvent"] == festival
    assert events["Harbour Festival"]["subEvent"] == [regatta, concert]


def test_a_rescheduled_event_keeps_its_id(newsroom: Newsroom) -> None:
    newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    (before,) = (node for node in graph(newsroom).values() if node["@type"] == "Event")
    newsroom.write("concert.md", CONCERT.replace("2026-12-05", "2027-01-09").replace("Quayside", "Winter"))
    newsroom.publish(now=NOW + DAY)
    (after,) = (node for node in graph(newsroom).values() if node["@type"] == "Event")
    assert (after["@id"], after["startDate"], after["name"]) == (
        before["@id"],
        "2027-01-09T19:30",
        "Winter concert",
    )


@pytest.mark.parametrize("mark", ["draft: true", "status: draft", "published: false"])
def test_a_draft_of_an_event_waits_as_that_of_an_article_does(newsroom: Newsroom, mark: str) -> None:
    newsroom.write("article.md", markdown("Bridge to be repaired", **dict([mark.split(": ")])))
    newsroom.write("concert.md", CONCERT.replace("type: event", f"type: event\n{mark}"))
    report = newsroom.publish()
    assert counts(report) == (0, 0, 0, 0, 2, 0)
    assert report.events == 0
    found = {item.place: item.state for item in checking.check(newsroom.config, [], now=NOW)}
    assert found == {"article.md": "draft", "concert.md": "draft"}
    newsroom.write("concert.md", CONCERT)
    assert newsroom.publish(now=NOW + DAY).events == 1
    newsroom.write("concert.md", CONCERT.replace("type: event", f"type: event\n{mark}"))
    assert newsroom.publish(now=NOW + 2 * DAY).events == 0


def test_one_change_rewrites_only_what_depends_on_it(newsroom: Newsroom) -> None:
    newsroom.configure(
        publish=replace(newsroom.config.publish, feeds_by=("section",)),
        feeds=(FeedConfig(limit=3), FeedConfig("harbour", where=Where(section=("Harbour",)))),
    )
    for month in range(1, 9):
        newsroom.write(
            f"{month}.md",
            markdown(f"Month {month}", date=f"2025-0{month}-01", section="Town" if month % 2 else "Harbour"),
        )
    newsroom.publish()
    newsroom.write("1.md", markdown("January changed", date="2025-01-01", section="Town"))
    report = newsroom.publish(now=NOW + DAY)
    stem = next(p for p in newsroom.files() if p.startswith("articles/2025/01/") and p.endswith(".html"))[:-5]
    assert set(report.written) == {
        f"{stem}.html", f"{stem}.jsonld", "articles/2025/01/manifest.json", "manifest.json", "index.html",
        "sections/town/index.html", "sitemap-1.xml", "sitemap-news.xml", "sitemap.xml",
        "dump/0/records-1.ndjson", "dump/0/manifest.json", "dump.json",
        "changes/0/changes-1.ndjson", "changes/0/manifest.json", "changes.json",
    }  # fmt: skip


def test_feeds_hold_what_their_filter_says(newsroom: Newsroom) -> None:
    newsroom.configure(
        publish=replace(newsroom.config.publish, feeds_by=("section", "author", "keyword")),
        feeds=(
            FeedConfig(limit=2),
            FeedConfig("harbour-by-ada", where=Where(section=("harbour",), author=("Ada Marsh",))),
            FeedConfig("german", where=Where(language=("de",))),
            FeedConfig("two", where=Where(keyword=("Fish", "Bridges"))),
        ),
    )
    newsroom.write(
        "1.md",
        markdown("One", section="Harbour", author="Ada Marsh", tags="[fish, bridges]", date="2025-01-01"),
    )
    newsroom.write("2.md", markdown("Two", section="Harbour", author="Tom Reed", date="2025-01-02"))
    newsroom.write(
        "3.md",
        markdown("Drei", section="Town", author="Ada Marsh", lang="de", tags="[Fish]", date="2025-01-03"),
    )
    newsroom.publish()
    assert titles(newsroom) == ["Drei", "Two"]
    assert titles(newsroom, "harbour-by-ada/feed.xml") == ["One"]
    assert titles(newsroom, "german/feed.xml") == ["Drei"]
    assert titles(newsroom, "two/feed.xml") == ["Drei", "One"]
    assert titles(newsroom, "sections/harbour/feed.xml") == ["Two", "One"]
    assert titles(newsroom, "authors/ada-marsh/feed.xml") == ["Drei", "One"]
    assert titles(newsroom, "keywords/fish/feed.xml") == ["Drei", "One"]
    (newsroom.articles / "2.md").unlink()
    newsroom.publish(now=NOW + DAY)
    assert titles(newsroom, "sections/harbour/feed.xml") == ["One"]


def test_a_new_title_of_the_newsroom_makes_no_article_look_changed(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    before = graph(newsroom)
    newsroom.configure(site=replace(newsroom.config.site, title="Renamed"))
    newsroom.publish(now=NOW + DAY)
    after = graph(newsroom)
    assert b"Renamed" in newsroom.read("feed.xml")
    changed = [i for i in before if before[i] != after.get(i) and before[i]["@type"] != "DataFeed"]
    assert changed == []


def test_moving_the_site_changes_addresses_and_no_id(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    (before,) = items(newsroom)
    newsroom.configure(site=replace(newsroom.config.site, url="https://elsewhere.example/"))
    newsroom.publish(now=NOW + DAY)
    ((after, item),) = items(newsroom).items()
    assert after == before
    assert item.link.startswith("https://elsewhere.example/")


def test_a_feed_that_is_no_longer_configured_is_deleted(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(), FeedConfig("extra")))
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    assert "extra/feed.xml" in newsroom.files()
    newsroom.configure(feeds=(FeedConfig(),))
    newsroom.publish(now=NOW + DAY)
    assert not [path for path in newsroom.files() if path.startswith("extra/")]


def test_a_file_that_feedpub_did_not_write_is_left_alone(newsroom: Newsroom) -> None:
    newsroom.output.mkdir()
    (newsroom.output / "README.md").write_text("mine")
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    assert newsroom.read("README.md") == b"mine"


def test_a_deleted_feed_file_is_written_again(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    before = newsroom.files()
    (newsroom.output / "feed.xml").unlink()
    newsroom.publish(now=NOW + DAY)
    assert newsroom.files()["feed.xml"] == before["feed.xml"]


def test_a_local_picture_is_published_with_its_true_length(newsroom: Newsroom) -> None:
    from PIL import Image

    Image.new("RGB", (64, 48), "navy").save(newsroom.articles / "quay.png")
    length = (newsroom.articles / "quay.png").stat().st_size
    newsroom.write("bridge.md", markdown(image="quay.png"))
    newsroom.publish()
    (item,) = items(newsroom).values()
    (enclosure,) = item.enclosures
    assert (enclosure.type, int(enclosure.length)) == ("image/png", length)
    path = enclosure.href.removeprefix("https://news.example/")
    assert newsroom.read(path) == (newsroom.articles / "quay.png").read_bytes()
    (image,) = graph(newsroom)[item.id]["image"]
    assert (image["url"], image["width"], image["height"]) == (enclosure.href, 64, 48)
    (newsroom.articles / "bridge.md").unlink()
    newsroom.write("other.md", markdown("Other"))
    newsroom.publish(now=NOW + DAY)
    assert path not in newsroom.files()


@pytest.mark.parametrize("path", ["../secret.png", "/etc/hostname", "../../../etc/passwd"])
def test_a_picture_outside_the_source_is_never_published(newsroom: Newsroom, path: str) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(newsroom.root / "secret.png")
    newsroom.write("bridge.md", markdown(image=path, body=f"Text with a picture. ![x]({path})"))
    newsroom.publish()
    assert not [name for name in newsroom.files() if name.startswith("media/")]
    (item,) = items(newsroom).values()
    assert not item.get("enclosures")


def test_only_the_sources_named_are_read(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    report = newsroom.publish(only=[])
    assert report.sources == ()
    with pytest.raises(ConfigError, match="'nowhere'"):
        newsroom.publish(only=["nowhere"])


def test_progress_counts_documents(newsroom: Newsroom) -> None:
    for number in range(3):
        newsroom.write(f"{number}.md", markdown(f"Number {number}"))
    seen: list[int] = []
    newsroom.publish(progress=seen.append)
    assert sum(seen) >= 3


def test_an_unconfigured_source_keeps_its_articles_and_says_so(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    newsroom.configure(sources=())
    report = newsroom.publish(now=NOW + DAY)
    assert titles(newsroom) == ["Bridge to be repaired"]
    assert any("no longer configured" in notice for notice in report.notices)


def test_the_output_folder_may_be_on_another_path_than_the_state(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.configure(publish=Publish(output=tmp_path / "far" / "away"))
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    assert (tmp_path / "far" / "away" / "feed.xml").exists()


ONE = {"@type": "NewsArticle", "headline": "One", "datePublished": "2025-01-01", "articleBody": "The one."}
TWO = {"@type": "NewsArticle", "headline": "Two", "datePublished": "2025-01-02", "articleBody": "The two."}


def test_file_that_turns_from_one_article_into_a_list_withdraws_the_one(newsroom: Newsroom) -> None:
    newsroom.write("export.json", json.dumps(ONE))
    newsroom.write("other.md", markdown("Other"))
    newsroom.publish()
    newsroom.write("export.json", json.dumps([{**TWO, "@id": "tag:x.example,2025:2"}]))
    report = newsroom.publish(now=NOW + DAY)
    assert counts(report) == (1, 0, 1, 1, 0, 0)
    assert sorted(titles(newsroom)) == ["Other", "Two"]
    assert newsroom.publish(now=NOW + DAY).written == ()


def test_list_that_was_broken_once_is_released_when_mended(newsroom: Newsroom) -> None:
    good = json.dumps([{**ONE, "@id": "tag:x.example,2025:1"}, {**TWO, "@id": "tag:x.example,2025:2"}])
    newsroom.write("export.json", good)
    newsroom.publish()
    newsroom.write("export.json", good[:-2])
    (held,) = newsroom.publish(now=NOW + DAY).held
    assert held.place == "export.json"
    assert sorted(titles(newsroom)) == ["One", "Two"]
    newsroom.write("export.json", good + " ")
    report = newsroom.publish(now=NOW + 2 * DAY)
    assert report.held == ()
    assert sorted(titles(newsroom)) == ["One", "Two"]
    newsroom.write("export.json", json.dumps([{**TWO, "@id": "tag:x.example,2025:2"}]))
    assert counts(newsroom.publish(now=NOW + 3 * DAY))[3] == 1
    assert titles(newsroom) == ["Two"]


def test_old_addresses_that_an_article_states_lead_to_it(newsroom: Newsroom) -> None:
    newsroom.write(
        "a.md", markdown("Ferry", aliases="[/2019/ferry/, /ferry.html, ../../etc/passwd, /index.html]")
    )
    newsroom.write("b.md", markdown("Other", aliases="[/ferry.html, 'https://elsewhere.example/x']"))
    report = newsroom.publish()
    address = next(node["url"] for node in graph(newsroom).values() if node.get("headline") == "Ferry")
    for path in ("2019/ferry/index.html", "ferry.html"):
        assert f'url={address}"'.encode() in newsroom.read(path)
    left_out = sorted((p.place, p.value) for p in report.advice if p.rule == "alias-left-out")
    assert left_out == [
        ("a.md", "../../etc/passwd"), ("a.md", "/index.html"),
        ("b.md", "/ferry.html"), ("b.md", "https://elsewhere.example/x"),
    ]  # fmt: skip
    assert b"Other" in newsroom.read("index.html")

    newsroom.write("a.md", markdown("Ferry", aliases="[/2019/ferry/]"))
    newsroom.publish(now=NOW + DAY)
    assert "ferry.html" not in newsroom.files()
    assert "2019/ferry/index.html" in newsroom.files()


def test_a_picture_that_is_replaced_is_published_anew_and_is_no_news(newsroom: Newsroom) -> None:
    from PIL import Image

    picture = newsroom.articles / "quay.png"
    Image.new("RGB", (64, 48), "navy").save(picture)
    newsroom.write("bridge.md", markdown(image="quay.png"))
    newsroom.publish()
    (before,) = items(newsroom).values()
    Image.new("RGB", (32, 24), "red").save(picture)
    report = newsroom.publish(now=NOW + DAY)
    assert counts(report) == (0, 0, 1, 0, 0, 0)
    (after,) = items(newsroom).values()
    assert after.enclosures[0].href != before.enclosures[0].href
    assert (
        newsroom.read(after.enclosures[0].href.removeprefix("https://news.example/")) == picture.read_bytes()
    )
    (record,) = (node for node in graph(newsroom).values() if node.get("@type") == "NewsArticle")
    assert (record["image"][0]["width"], record["image"][0]["height"]) == (32, 24)
    assert after.id == before.id
    assert newsroom.publish(now=NOW + DAY).written == ()


def test_a_merged_event_says_where_each_of_its_facts_comes_from(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("First", event="{name: Fair, start: 2026-06-06, location: Old Quay}"))
    later = (
        "{name: Fair, start: 2026-06-06, location: Old Quay, end: 2026-06-08, url: 'https://fair.example/'}"
    )
    newsroom.write("b.md", markdown("Second", "Another text.", event=later))
    assert newsroom.publish().events == 1
    with open_store(newsroom.config) as store, store.reading() as connection:
        row = connection.execute(select(schema.record).where(schema.record.c.kind == "event")).one()
    origins = json.loads(row.origins)
    assert json.loads(row.data)["endDate"] == "2026-06-08"
    assert {"/name", "/startDate", "/endDate", "/url"} <= origins.keys()
    assert (origins["/endDate"]["kind"], origins["/endDate"]["name"]) == ("metadata", "end")


def test_a_section_whose_last_article_is_withdrawn_stays_an_empty_feed(newsroom: Newsroom) -> None:
    newsroom.configure(publish=replace(newsroom.config.publish, feeds_by=("section",)))
    newsroom.write("bridge.md", markdown(section="Harbour"))
    newsroom.write("other.md", markdown("Other", "Other text.", section="Town"))
    newsroom.publish()
    (newsroom.articles / "bridge.md").unlink()
    newsroom.publish(now=NOW + DAY)
    assert titles(newsroom, "sections/harbour/feed.xml") == []
    names = ("feed.xml", "feed.atom", "feed.json", "feed.jsonld", "index.html")
    assert {f"sections/harbour/{name}" for name in names} <= newsroom.files().keys()
    # An article that only moved takes the section along.
    newsroom.write("other.md", markdown("Other", "Other text.", section="Arts"))
    newsroom.publish(now=NOW + 2 * DAY)
    assert not [path for path in newsroom.files() if path.startswith("sections/town/")]
    assert b"sections/town" not in newsroom.read("index.html") + newsroom.read("feeds.opml")


def test_robots_txt_names_a_sitemap_only_where_there_is_one(newsroom: Newsroom) -> None:
    newsroom.publish()
    assert b"Sitemap" not in newsroom.read("robots.txt")
    newsroom.write("bridge.md", markdown())
    newsroom.publish(now=NOW + DAY)
    assert newsroom.read("robots.txt").endswith(b"Sitemap: https://news.example/sitemap.xml\n")
