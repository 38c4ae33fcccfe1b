"""What subscribers would see, before anything is published."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from feedpub import cli
from feedpub.config import FeedConfig, Publish, SourceConfig, Where
from feedpub.diff import Diff, diff
from feedpub.errors import ConfigError
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom

DAY = timedelta(days=1)

FEEDS = (FeedConfig(formats=("rss", "jsonld")),)


def changes(found: Diff) -> dict[str, dict[str, list[str]]]:
    """The headlines of what changes, by file and kind."""
    return {
        feed.file: {
            kind: [item.headline for item in getattr(feed, kind)]
            for kind in ("new", "updated", "gone")
            if getattr(feed, kind)
        }
        for feed in found.feeds
    }


def everything(newsroom: Newsroom) -> dict[str, bytes]:
    """Every file of the newsroom but the lock, in which each publisher signs."""
    return {
        path.relative_to(newsroom.root).as_posix(): path.read_bytes()
        for path in sorted(newsroom.root.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def test_what_is_new_updated_and_gone_is_told_by_feed_and_format(newsroom: Newsroom) -> None:
    newsroom.configure(
        feeds=(*FEEDS, FeedConfig(path="port", where=Where(section=("Port",)), formats=("rss",)))
    )
    for title in ("Bridge", "Harbour", "Quay"):
        newsroom.write(f"{title}.md", markdown(title, f"What happened at the {title}.", section="Port"))
    newsroom.write("town.md", markdown("Town", "What happened in town."))
    newsroom.publish()
    newsroom.write("Harbour.md", markdown("Harbour", "What really happened.", section="Port"))
    (newsroom.articles / "Quay.md").unlink()
    newsroom.write("hall.md", markdown("Hall", "What happened at the hall."))
    found = diff(newsroom.config, now=NOW + DAY)
    everywhere = {"new": ["Hall"], "updated": ["Harbour"], "gone": ["Quay"]}
    assert changes(found) == {
        "feed.xml": everywhere,
        "feed.jsonld": everywhere,
        "port/feed.xml": {"updated": ["Harbour"], "gone": ["Quay"]},
    }
    assert [(s.new, s.modified, s.removed) for s in found.sources] == [(1, 1, 1)]
    assert not found.failed


def test_nothing_is_written(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown("Bridge"))
    newsroom.write("quay.md", markdown("Quay", "What happened at the quay."))
    newsroom.publish()
    newsroom.write("bridge.md", markdown("Bridge", "Other words.", section="Port"))
    (newsroom.articles / "quay.md").unlink()
    newsroom.write("concert.md", CONCERT)
    before = everything(newsroom)
    first = diff(newsroom.config, now=NOW + DAY)
    assert everything(newsroom) == before
    assert diff(newsroom.config, now=NOW + DAY) == first
    report = newsroom.publish(now=NOW + DAY)
    assert [(s.new, s.modified, s.removed) for s in report.sources] == [(1, 1, 1)]
    assert changes(diff(newsroom.config, now=NOW + DAY)) == {}


def test_before_the_first_publication_everything_is_new_and_nothing_is_written(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=FEEDS)
    newsroom.write("bridge.md", markdown("Bridge"))
    found = diff(newsroom.config, now=NOW)
    assert changes(found) == {"feed.xml": {"new": ["Bridge"]}, "feed.jsonld": {"new": ["Bridge"]}}
    assert found.notices == ("No store knows what was published, so that everything counts as new.",)
    assert sorted(path.name for path in newsroom.root.iterdir()) == ["articles"]


def test_what_only_makes_room_or_finds_room_again_is_no_change(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(formats=("rss",), limit=2),))
    for day in (1, 2, 3):
        newsroom.write(f"{day}.md", markdown(f"Day {day}", f"Text of day {day}.", date=f"2025-08-0{day}"))
    newsroom.publish()
    newsroom.write("4.md", markdown("Day 4", "Text of day 4.", date="2025-08-04"))
    assert changes(diff(newsroom.config, now=NOW + DAY)) == {"feed.xml": {"new": ["Day 4"]}}
    newsroom.publish(now=NOW + DAY)
    (newsroom.articles / "4.md").unlink()
    assert changes(diff(newsroom.config, now=NOW + 2 * DAY)) == {"feed.xml": {"gone": ["Day 4"]}}


def test_an_article_that_changes_its_section_leaves_one_feed_and_joins_another(newsroom: Newsroom) -> None:
    newsroom.configure(
        feeds=(FeedConfig(formats=("rss",)),),
        publish=Publish(output=newsroom.output, feeds_by=("section",)),
    )
    newsroom.write("bridge.md", markdown("Bridge", section="Port"))
    newsroom.publish()
    newsroom.write("bridge.md", markdown("Bridge", section="Town"))
    assert changes(diff(newsroom.config, now=NOW + DAY)) == {
        "feed.xml": {"updated": ["Bridge"]},
        "sections/port/feed.xml": {"gone": ["Bridge"]},
        "sections/town/feed.xml": {"new": ["Bridge"]},
    }


def test_events_stand_in_their_own_formats(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(formats=("rss", "icalendar")),))
    newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    newsroom.write("concert.md", CONCERT.replace("19:30", "20:00"))
    assert changes(diff(newsroom.config, now=NOW + DAY)) == {"events.ics": {"updated": ["Quayside concert"]}}
    (newsroom.articles / "concert.md").unlink()
    newsroom.write("fair.md", CONCERT.replace("Quayside concert", "Autumn fair").replace("12-05", "12-07"))
    assert changes(diff(newsroom.config, now=NOW + DAY)) == {
        "events.ics": {"new": ["Autumn fair"], "gone": ["Quayside concert"]}
    }


def test_what_the_guard_would_stop_is_shown_and_marked(newsroom: Newsroom) -> None:
    more = newsroom.root / "wire"
    more.mkdir()
    newsroom.configure(
        feeds=(FeedConfig(formats=("rss",)),),
        sources=(*newsroom.config.sources, SourceConfig(name="wire", path=more)),
    )
    for number in range(5):
        newsroom.write(f"{number}.md", markdown(f"Article {number}", f"Text of number {number}."))
    newsroom.publish()
    for number in range(4):
        (newsroom.articles / f"{number}.md").unlink()
    (more / "wire.md").write_text(markdown("Wire", "What the wire says."))
    before = everything(newsroom)
    found = diff(newsroom.config, now=NOW + DAY)
    assert everything(newsroom) == before
    assert found.failed
    (feed,) = found.feeds
    assert [(item.headline, item.stopped) for item in feed.new] == [("Wire", False)]
    assert sorted((item.headline, item.stopped) for item in feed.gone) == [
        (f"Article {number}", True) for number in range(4)
    ]
    (stopped,) = (source for source in found.sources if source.stopped)
    assert stopped.name == "articles"
    assert "4 of 5 articles" in (stopped.failure or "")


def test_a_source_that_cannot_be_read_fails_it(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    gone = replace(newsroom.config.sources[0], path=newsroom.root / "nowhere")
    newsroom.configure(sources=(gone,))
    found = diff(newsroom.config, now=NOW + DAY)
    assert found.failed
    assert found.feeds == ()
    assert [source.stopped for source in found.sources] == [False]


def test_only_the_sources_named_are_read(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    assert diff(newsroom.config, now=NOW, only=()).feeds == ()
    with pytest.raises(ConfigError, match="There is no source 'wire'"):
        diff(newsroom.config, now=NOW, only=("wire",))


def test_a_new_title_of_the_newsroom_is_said_and_makes_nothing_look_updated(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    newsroom.configure(site=replace(newsroom.config.site, title="Other News"))
    found = diff(newsroom.config, now=NOW + DAY)
    assert found.feeds == ()
    assert found.notices == (
        "feedpub or the configuration has changed since the last refresh: every file will be written anew.",
    )


# The command


@pytest.fixture
def office(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    (newsroom.root / "feedpub.toml").write_text(
        '[site]\ntitle = "Test News"\nurl = "https://news.example/"\nlanguage = "en"\ntimezone = "UTC"\n'
        '[sources.articles]\nkind = "files"\npath = "articles"\n[publish]\noutput = "feeds"\n'
        'formats = ["rss", "atom", "icalendar"]\n'
    )
    monkeypatch.chdir(newsroom.root)
    return newsroom


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(arguments, out, err)
    return code, out.getvalue(), err.getvalue()


def test_the_command_groups_by_feed(office: Newsroom) -> None:
    for number in range(5):
        office.write(f"{number}.md", markdown(f"Article {number}", f"Text of number {number}."))
    assert run("publish")[0] == 0
    assert run("diff")[:2] == (0, "Subscribers would see no change.\n")
    office.write("0.md", markdown("Article 0", "Quite another text."))
    office.write("new.md", markdown("Brand new", "Never seen."))
    (office.articles / "4.md").unlink()
    code, out, err = run("diff")
    assert (code, err) == (0, "")
    assert out == (
        "Test News  (feed.xml, feed.atom)\n"
        "  + new     “Brand new”\n"
        "  ~ updated “Article 0”\n"
        "  - gone    “Article 4”\n"
    )


def test_the_command_exits_with_1_when_the_guard_would_stop_something(office: Newsroom) -> None:
    for number in range(5):
        office.write(f"{number}.md", markdown(f"Article {number}", f"Text of number {number}."))
    assert run("publish")[0] == 0
    for number in range(4):
        (office.articles / f"{number}.md").unlink()
    code, out, _ = run("diff")
    assert code == 1
    assert "  - gone    “Article 0”  [stopped by the accident guard]\n" in out
    assert "articles stopped: 4 of 5 articles of the source 'articles' would vanish" in out
    code, out, err = run("diff", "--json")
    said: dict[str, Any] = json.loads(out)
    assert (code, said["failed"], said["sources"][0]["stopped"]) == (1, True, True)
    assert [feed["format"] for feed in said["feeds"]] == ["rss", "atom"]
    gone = {item["headline"] for item in said["feeds"][0]["gone"]}
    assert gone == {"Article 0", "Article 1", "Article 2", "Article 3"}
    assert err.startswith("feedpub: articles: 4 of 5 articles")
