"""After one change just the files that depend on it are written, however large the archive is."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from feedpub.config import FeedConfig, Where
from feedpub.reports import Report
from tests.articles import markdown
from tests.conftest import NOW, Newsroom

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENT = "{name: Harbour fair, start: 2025-11-08T10:00, location: Old Quay}"

ITEMS = {"feed.xml", "feed.atom", "feed.json", "feed.jsonld"}
HARBOUR = {f"harbour/{name}" for name in ITEMS} | {"harbour/index.html"}
CALENDARS = {"events.ics", "events.jsonld"}
SERVICES = {
    "dump/0/records-N.ndjson", "dump/0/manifest.json", "dump.json",
    "changes/0/changes-N.ndjson", "changes/0/manifest.json", "changes.json",
}  # fmt: skip
SITEMAPS = {"sitemap-N.xml", "sitemap.xml"}
NEWEST = {"index.html", "sitemap-news.xml"}
"""What shows the newest articles only."""
OWN = {"ARTICLE.html", "ARTICLE.jsonld", "manifest.json"}
RECENT, OLD = "articles/2025/09/manifest.json", "articles/2025/01/manifest.json"


@pytest.mark.parametrize("size", [60, pytest.param(1500, marks=pytest.mark.long)])
def test_after_one_change_only_what_depends_on_it_is_written(newsroom: Newsroom, size: int) -> None:
    newsroom.configure(
        site=replace(newsroom.config.site, language="en"),
        feeds=(FeedConfig(), FeedConfig("harbour", where=Where(section=("harbour",)))),
    )
    now = NOW
    saved = 1_700_000_000

    def save(number: int, section: str = "Town", text: str = "First version.", **front: str) -> None:
        """Report `number`, the higher the newer: the ten first of January, the others of September."""
        nonlocal saved
        saved += 1
        month = "2025-01-01" if number <= 10 else "2025-09-03"
        seconds = number if number <= 10 else 3600 + number
        date = f"{month}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}+00:00"
        path = newsroom.write(
            f"{number}.md",
            markdown(f"Report {number}", f"Matter {number}. {text}", date=date, section=section, **front),
        )
        # A file of this very moment may still be in the writing, and a refresh would wait for it.
        os.utime(path, (saved, saved))

    def refresh() -> Report:
        nonlocal now
        now += timedelta(minutes=1)
        report: Report = newsroom.publish(now=now)
        assert not report.failed
        return report

    def changed() -> tuple[list[str], list[str]]:
        """What a refresh writes and deletes, each file, those of articles and events under general names."""
        report = refresh()
        assert refresh().written == ()
        return sorted(map(_general, report.written)), sorted(map(_general, report.deleted))

    for number in range(1, size + 1):
        save(number, "Harbour" if number == size else "Town")
    save(size - 1, event=EVENT)
    newsroom.publish(now=now)
    assert (refresh().written, refresh().deleted) == ((), ())

    save(size - 2, text="Second version.")  # shown everywhere
    common = OWN | ITEMS | SERVICES | SITEMAPS
    assert changed() == (sorted(common | NEWEST | {RECENT}), [])

    save(1, text="Second version.")  # an old one: the feeds tell of the correction
    assert changed() == (sorted(common | {OLD}), [])

    save(size, "Harbour", text="Second version.")  # in a filtered feed
    assert changed() == (sorted(common | NEWEST | HARBOUR | {RECENT}), [])

    (newsroom.articles / "2.md").unlink()  # JSON Feed and RSS never had it, or not for long
    gone = (common - {"ARTICLE.jsonld", "feed.xml", "feed.json"}) | {OLD}
    assert changed() == (sorted(gone), ["ARTICLE.jsonld"])

    (newsroom.articles / "3.md").rename(newsroom.articles / "moved.md")
    assert changed() == ([], [])

    save(4, slug="four")  # its page moves and leaves a redirect; it is no news to those who read feeds
    moved = OWN | SERVICES | SITEMAPS | {OLD}
    assert changed() == (sorted([*moved, "ARTICLE.html"]), ["ARTICLE.jsonld"])

    save(size - 1, event=EVENT.replace("11-08", "11-09"))  # an event, with the article that reports it
    events = {"EVENT.html", "EVENT.jsonld", "EVENT.ics", "events/2025/11/manifest.json"}
    assert changed() == (sorted(common | NEWEST | CALENDARS | events | {RECENT}), [])

    save(size + 1)
    assert changed() == (sorted(common | NEWEST | {RECENT}), [])

    newsroom.write("bad.md", markdown("Bad", date="the day after tomorrow"))
    assert changed() == ([], [])


def _general(path: str) -> str:
    path = re.sub(r"^articles/[0-9/]+/[^/]+\.(html|jsonld)$", r"ARTICLE.\1", path)
    path = re.sub(r"^events/[0-9/]+/[^/]+\.(html|jsonld|ics)$", r"EVENT.\1", path)
    return re.sub(r"-[0-9]+\.(ndjson|xml)$", r"-N.\1", path)


def test_a_page_that_fills_is_written_once_in_each_format(newsroom: Newsroom) -> None:
    for number in range(1, 50):
        newsroom.write(f"{number}.md", markdown(f"Report {number}", f"Matter {number}."))
    newsroom.publish()
    newsroom.write("50.md", markdown("Report 50", "Matter 50."))
    report = newsroom.publish(now=NOW + HOUR)
    pages = {f"archives/0/feed-1.{ending}" for ending in ("xml", "atom", "json", "jsonld")}
    assert {path for path in report.written if path.startswith("archives/")} == pages | {
        "archives/0/manifest.json"
    }
    newsroom.write("51.md", markdown("Report 51", "Matter 51."))
    report = newsroom.publish(now=NOW + DAY)
    assert not any(path.startswith("archives/") for path in report.written)
