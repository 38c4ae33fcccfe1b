"""The news sitemap of a newsroom that publishes more in two days than it can hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from feedpub.config import FeedConfig
from tests.conftest import NOW, Newsroom
from tests.test_sitemap import NAMES, valid

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
TWO_DAYS = timedelta(hours=48)
PATH = "sitemap-news.xml"
WRITTEN = 1_005
LIMIT = 1_000
"""Addresses in a news sitemap, by Google's documentation."""


def published_at(number: int) -> datetime:
    """One article every two minutes, the newest (number 0) at the time of the refresh: all within 34 hours."""
    return NOW - 2 * number * MINUTE


def news(newsroom: Newsroom) -> list[str]:
    """The titles of the news in the file, which is valid, in its order."""
    return [title.text for title in root(newsroom).iterfind("s:url/n:news/n:title", NAMES)]


def root(newsroom: Newsroom) -> Any:
    return valid(newsroom.read(PATH))


def titles(numbers: range) -> list[str]:
    return [f"News {number}" for number in numbers]


def test_the_newest_1000_are_news_and_leave_at_exactly_48_hours(newsroom: Newsroom) -> None:
    feed = FeedConfig(path="", title="Test News", formats=("rss",))
    newsroom.configure(
        feeds=(feed,),
        site=replace(newsroom.config.site, language="en"),
        publish=replace(newsroom.config.publish, dump=False),
    )
    rows = (
        {
            "id": f"https://x.example/{number}", "headline": f"News {number}", "body": f"Text {number}.",
            "datePublished": published_at(number).isoformat(),
        }
        for number in range(WRITTEN)
    )  # fmt: skip
    newsroom.write("news.jsonl", "\n".join(map(json.dumps, rows)))
    report = newsroom.publish()
    assert (report.articles, report.failures) == (WRITTEN, ())
    assert news(newsroom) == titles(range(LIMIT))
    assert len(root(newsroom)) == LIMIT

    oldest_leaves = published_at(LIMIT - 1) + TWO_DAYS
    assert report.next_due_at == oldest_leaves
    newsroom.publish(now=oldest_leaves - SECOND)
    assert news(newsroom) == titles(range(LIMIT))
    newsroom.publish(now=oldest_leaves)
    assert news(newsroom) == titles(range(LIMIT - 1))
    assert len(root(newsroom)) == LIMIT - 1

    newsroom.publish(now=NOW + TWO_DAYS - SECOND)
    assert news(newsroom) == ["News 0"]
    newsroom.publish(now=NOW + TWO_DAYS)
    assert news(newsroom) == []
    assert len(root(newsroom)) == 50  # the newest addresses stay, so that the file is never empty
