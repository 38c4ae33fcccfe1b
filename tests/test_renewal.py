"""Feeds with a timer of their own: what is new waits for it, what is no longer true does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import feedparser

from feedpub import withdrawal
from feedpub.cadence import parse
from feedpub.config import FeedConfig, Where
from feedpub.verification.folder import verify_folder
from tests.articles import markdown
from tests.conftest import Newsroom

MORNING = datetime(2025, 9, 3, 6, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def digest(newsroom: Newsroom, every: str = "daily at 06:30", **more: object) -> None:
    newsroom.configure(feeds=(FeedConfig(), FeedConfig("digest", every=parse(every), **more)))  # type: ignore[arg-type]


def titles(newsroom: Newsroom, path: str = "digest/feed.xml") -> list[str]:
    parsed = feedparser.parse(newsroom.read(path))
    assert parsed.bozo == 0
    return sorted(entry.title for entry in parsed.entries)


def test_a_new_article_waits_for_the_feeds_own_time(newsroom: Newsroom) -> None:
    digest(newsroom)
    newsroom.write("a.md", markdown("A"))
    newsroom.publish(now=MORNING)
    assert titles(newsroom) == ["A"]
    newsroom.write("b.md", markdown("B"))
    report = newsroom.publish(now=MORNING + HOUR)
    assert titles(newsroom, "feed.xml") == ["A", "B"]
    assert titles(newsroom) == ["A"]
    assert not [path for path in report.written if path.startswith("digest/feed")]
    assert report.next_due_at == MORNING + 24 * HOUR
    newsroom.publish(now=MORNING + 24 * HOUR - timedelta(seconds=1))
    assert titles(newsroom) == ["A"]
    report = newsroom.publish(now=MORNING + 24 * HOUR)
    assert titles(newsroom) == ["A", "B"]
    assert report.next_due_at == MORNING + 48 * HOUR


def test_its_readers_are_told_its_own_cadence(newsroom: Newsroom) -> None:
    digest(newsroom)
    newsroom.write("a.md", markdown("A"))
    newsroom.publish(now=MORNING)
    assert b"<ttl>1440</ttl>" in newsroom.read("digest/feed.xml")
    assert b"<ttl>5</ttl>" in newsroom.read("feed.xml")


def test_a_correction_does_not_wait(newsroom: Newsroom) -> None:
    digest(newsroom)
    newsroom.write("a.md", markdown("A"))
    newsroom.publish(now=MORNING)
    newsroom.write("a.md", markdown("A, corrected"))
    newsroom.write("b.md", markdown("B", "Something else happened."))
    newsroom.publish(now=MORNING + HOUR)
    assert titles(newsroom) == ["A, corrected"]
    assert verify_folder(newsroom.output).differences == []


def test_a_withdrawal_does_not_wait(newsroom: Newsroom) -> None:
    digest(newsroom)
    newsroom.write("a.md", markdown("A", "The first text."))
    newsroom.write("b.md", markdown("B", "The second text, which is another one."))
    newsroom.publish(now=MORNING)
    (newsroom.articles / "a.md").unlink()
    newsroom.write("c.md", markdown("C", "The third text."))
    newsroom.publish(now=MORNING + HOUR)
    assert titles(newsroom) == ["B"]
    withdrawal.withdraw(newsroom.config, ["b.md"], now=MORNING + 2 * HOUR)
    assert titles(newsroom) == []
    newsroom.publish(now=MORNING + 24 * HOUR)
    assert titles(newsroom) == ["C"]


def test_another_filter_title_or_format_does_not_wait(newsroom: Newsroom) -> None:
    digest(newsroom, formats=("rss",))
    newsroom.write("a.md", markdown("A", "The first text.", section="Town"))
    newsroom.publish(now=MORNING)
    newsroom.write("b.md", markdown("B", "The second text.", section="Sea"))
    digest(newsroom, formats=("rss",), title="Another title")
    newsroom.publish(now=MORNING + HOUR)
    assert feedparser.parse(newsroom.read("digest/feed.xml")).feed.title == "Another title"
    assert titles(newsroom) == ["A"]
    digest(newsroom, formats=("rss", "atom"))
    newsroom.publish(now=MORNING + 2 * HOUR)
    assert titles(newsroom, "digest/feed.atom") == ["A", "B"]
    digest(newsroom, formats=("rss", "atom"), where=Where(section=("Sea",)))
    newsroom.publish(now=MORNING + 3 * HOUR)
    assert titles(newsroom) == ["B"]


def test_an_hourly_feed_keeps_to_its_grid_when_a_renewal_comes_late(newsroom: Newsroom) -> None:
    digest(newsroom, "1h")
    newsroom.write("a.md", markdown("A"))
    newsroom.publish(now=MORNING)
    late = newsroom.publish(now=MORNING + HOUR + timedelta(minutes=20))
    assert late.next_due_at == MORNING + 2 * HOUR


def test_archive_pages_come_with_the_renewal_that_names_them(newsroom: Newsroom) -> None:
    digest(newsroom, limit=10, archive=True, formats=("atom",))
    for number in range(10):
        newsroom.write(f"{number}.md", markdown(f"Article {number}", f"The text of number {number}."))
    newsroom.publish(now=MORNING)
    before = newsroom.read("digest/feed.atom")
    for number in range(10, 25):
        newsroom.write(f"{number}.md", markdown(f"Article {number}", f"The text of number {number}."))
    newsroom.publish(now=MORNING + HOUR)
    assert newsroom.read("digest/feed.atom") == before
    newsroom.publish(now=MORNING + 24 * HOUR)
    assert b"prev-archive" in newsroom.read("digest/feed.atom")
    assert verify_folder(newsroom.output).differences == []


def test_a_feed_that_loses_its_timer_is_renewed_at_once(newsroom: Newsroom) -> None:
    digest(newsroom)
    newsroom.write("a.md", markdown("A"))
    newsroom.publish(now=MORNING)
    newsroom.write("b.md", markdown("B", "Something else happened."))
    newsroom.configure(feeds=tuple(replace(feed, every=None) for feed in newsroom.config.feeds))
    newsroom.publish(now=MORNING + HOUR)
    assert titles(newsroom) == ["A", "B"]
