"""A year of a newsroom, and subscribers of every format that look in now and then: each ends with just what is there."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from feedpub.config import FeedConfig, SourceConfig, Where
from tests.conftest import Newsroom
from tests.followers import (
    ITEM_FORMATS,
    TOLD_OF_DELETIONS,
    Calendar,
    ChangesFollower,
    EventFeed,
    Fetch,
    Reader,
    news_of,
    served,
    sitemap_addresses,
)
from tests.invented_year import BEGIN, Newsdesk, Shown, Story

SITE = "https://news.example/"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MARK = re.compile(r"This is version ([0-9]+) of report ([0-9]+)\.")
HARBOUR = "harbour/"
"""The folder of a feed of one section; articles change their sections."""
LONGEST_ABSENCE = 21 * DAY
"""Three weeks; what was corrected or withdrawn stands in the subscription documents for 30 days."""


@dataclass
class Subscriber:
    """Somebody who polls at random intervals, the first time at `next_at`."""

    name: str
    poll: Callable[[], None]
    next_at: datetime
    longest: timedelta
    polls: int = 0


@dataclass
class World:
    """A newsroom with its newsdesk, and everybody who follows it."""

    newsroom: Newsroom
    desk: Newsdesk
    chance: random.Random
    readers: dict[tuple[str, str], list[Reader]] = field(default_factory=dict)
    calendars: list[Calendar] = field(default_factory=list)
    event_feeds: list[EventFeed] = field(default_factory=list)
    followers: list[ChangesFollower] = field(default_factory=list)
    subscribers: list[Subscriber] = field(default_factory=list)

    @property
    def fetch(self) -> Fetch:
        return served(self.newsroom.output, SITE)

    def subscribe(self, first: datetime, longest: timedelta) -> None:
        """One more subscriber of every format, the first poll at `first`."""
        for folder, (name, parse) in product(("", HARBOUR), ITEM_FORMATS.items()):
            reader = Reader(self.fetch, SITE + folder + name, parse)
            self.readers.setdefault((folder, name), []).append(reader)
            self.subscribers.append(Subscriber(folder + name, reader.poll, first, longest))
        calendar = Calendar(self.fetch, f"{SITE}events.ics")
        self.calendars.append(calendar)
        events = EventFeed(self.fetch, f"{SITE}events.jsonld")
        self.event_feeds.append(events)
        follower = ChangesFollower(self.fetch, SITE)
        self.followers.append(follower)
        for one in (calendar, events, follower):
            self.subscribers.append(Subscriber(type(one).__name__, one.poll, first, longest))

    def poll(self, now: datetime) -> None:
        for subscriber in self.subscribers:
            if subscriber.next_at <= now:
                subscriber.poll()
                subscriber.polls += 1
                # Mostly often, now and then after a long absence.
                minutes = int(subscriber.longest / MINUTE * self.chance.random() ** 3)
                subscriber.next_at = now + max(5, minutes) * MINUTE

    def everybody(self) -> None:
        for subscriber in self.subscribers:
            subscriber.poll()


def version_of(text: str) -> tuple[int, int]:
    """(report, version) as a text itself says."""
    found = MARK.findall(text)
    assert len(found) == 1, text
    version, number = found[0]
    return int(number), int(version)


def wanted(stories: list[Story]) -> Counter[tuple[int, int]]:
    return Counter((story.number, story.version) for story in stories)


@pytest.fixture
def world(newsroom: Newsroom) -> World:
    agency = newsroom.root / "agency"
    agency.mkdir()
    newsroom.configure(
        site=replace(newsroom.config.site, language="en"),
        sources=(*newsroom.config.sources, SourceConfig(name="agency", path=agency)),
        feeds=(FeedConfig(limit=40), FeedConfig("harbour", where=Where(section=("harbour",)), limit=12)),
        publish=replace(newsroom.config.publish, guard=1.0),
    )
    # An empty folder is taken for one that is not mounted.
    for folder in (newsroom.articles, agency):
        (folder / "notice.md").write_text(
            f"---\ntitle: Report 0\ndate: 2024-12-01\n---\n\nThis is version 1 of report 0.\n\n{folder.name}\n"
        )
    return World(newsroom, Newsdesk(7, newsroom.articles, agency, BEGIN), random.Random(11))


def live_through(world: World, *, days: int, articles: int, a_day: Sequence[int]) -> None:
    """Work, refresh and poll for so many days, each with one of the numbers `a_day` of refreshes.

    In the middle the store is lost: it comes back out of the ledger, and nobody notices.
    """
    desk, chance = world.desk, world.chance
    moments = [
        BEGIN + day * DAY + minutes * MINUTE
        for day in range(days)
        for minutes in sorted(chance.sample(range(1, 24 * 60 - 10), chance.choice(a_day)))
    ]
    written = 0
    for number, moment in enumerate(moments, 1):
        share = articles * number // len(moments)
        desk.work(moment, share - written)
        written = share
        now = moment + chance.randrange(1, 9) * MINUTE
        report = world.newsroom.publish(now=now)
        desk.settle(now)
        assert not report.failed, (report.failures, report.sources)
        assert report.held == ()
        live = desk.live()
        assert report.articles == len(live) + 2, now
        assert report.events == sum(desk.is_live(event) for event in desk.events), now
        compare_news(world, live, now)
        if number == len(moments) // 2:
            lose_the_store(world, now)
        world.poll(now)
    assert written == articles


def lose_the_store(world: World, now: datetime) -> None:
    before = world.newsroom.files()
    for path in world.newsroom.config.state.glob("store*"):
        path.unlink()
    report = world.newsroom.publish(now=now)
    after = world.newsroom.files()
    assert [path for path in before if after.get(path) != before[path]] == []
    assert (report.written, report.deleted) == ((), ())


def compare_news(world: World, live: list[Story], now: datetime) -> None:
    """The news sitemap names just the articles of the last two days that are published."""
    document = world.fetch(f"{SITE}sitemap-news.xml")
    assert document is not None
    expected = Counter(story.title for story in live if now - story.date < 2 * DAY)
    assert Counter(news_of(document).values()) == expected, now


def belonging(stories: list[Story], folder: str) -> list[Story]:
    """Those in the feed of this folder."""
    return [story for story in stories if not folder or story.section == "Harbour"]


def compare(world: World) -> None:
    """Everybody has just looked in: compare what each holds with the account of the newsdesk."""
    live = world.desk.live()
    ever = {story.number for story in world.desk.stories if story.ever_live}
    taken_over = {s.number for s in world.desk.stories if s.copy_of is not None and s.ever_live}
    numbers: dict[str, int] = {"": 0}
    for (folder, name), readers in world.readers.items():
        current = wanted(belonging(live, folder))
        for reader in readers:
            reports = {i: found for i, found in reader.held.items() if "report 0." not in found[1].text}
            shown = Counter(version_of(item.text) for _, item in reports.values())
            if name in TOLD_OF_DELETIONS:
                assert shown == current, name
            else:
                assert current - shown == Counter(), f"{name}: something is missing"
                assert {number for number, _ in shown} <= ever
            for identifier, (_, item) in reports.items():
                number, _ = version_of(item.text)
                assert numbers.setdefault(identifier, number) == number, f"{identifier} is two articles"
            # Nobody saw an article as new under two ids, but where a copy took its place.
            seen = Counter(numbers[i] for i in reader.seen if i in numbers)
            assert all(count == 1 + (n in taken_over) or n in taken_over for n, count in seen.items() if n)
            assert_addresses_lead_somewhere(world, reader)
    ids = Counter(numbers.values())
    assert all(count <= 1 + (number in taken_over) for number, count in ids.items() if number)
    compare_events(world)
    compare_services(world, live)


def compare_newcomers(world: World) -> None:
    """Who reads everything for the first time has each article that is there, once, in its newest version."""
    for folder, (name, parse) in product(("", HARBOUR), ITEM_FORMATS.items()):
        newcomer = Reader(world.fetch, SITE + folder + name, parse)
        newcomer.poll()
        texts = [item.text for _, item in newcomer.held.values() if "report 0." not in item.text]
        shown = Counter(version_of(text) for text in texts)
        current = wanted(belonging(world.desk.live(), folder))
        assert current - shown == Counter(), name
        if name in TOLD_OF_DELETIONS:
            assert shown == current, name


def assert_addresses_lead_somewhere(world: World, reader: Reader) -> None:
    for _, item in reader.held.values():
        page = world.fetch(item.url)
        assert page is not None, item
        while b'http-equiv="refresh"' in page:
            (target,) = re.findall(rb'rel="canonical" href="([^"]+)"', page)
            following = world.fetch(target.decode())
            assert following is not None
            page = following


def compare_events(world: World) -> None:
    events = world.desk.events
    expected = Counter(event.seen for event in events if event.seen is not None)
    for calendar in world.calendars:
        assert Counter(Shown(a.name, a.start, a.cancelled) for a in calendar.held.values()) == expected
    told = Counter(event.told for event in events if event.told is not None)
    for feed in world.event_feeds:
        assert Counter(feed.held.values()) == told


def compare_services(world: World, live: list[Story]) -> None:
    current = wanted(live)
    names = Counter(event.name for event in world.desk.events if world.desk.is_live(event))
    for follower in world.followers:
        records = follower.held.values()
        texts = [record["articleBody"] for record in records if "articleBody" in record]
        assert Counter(version_of(text) for text in texts if "report 0." not in text) == current
        assert Counter(record["name"] for record in records if "startDate" in record) == names
    (first, *_) = world.followers
    pages = {record["url"] for record in first.held.values() if "articleBody" in record}
    listed = sitemap_addresses(world.fetch, SITE)
    assert len(listed) == len(set(listed)) == len(live) + 2 + names.total()
    assert pages <= set(listed)


def test_a_month_of_the_year(world: World) -> None:
    world.subscribe(BEGIN + DAY, 4 * DAY)
    live_through(world, days=30, articles=150, a_day=(1,))
    world.everybody()
    compare(world)
    compare_newcomers(world)


@pytest.mark.long
def test_subscribers_of_every_format_end_a_year_with_just_what_is_there(world: World) -> None:
    """2,000 articles in 365 days; nobody misses one, sees one as new twice, or keeps what was withdrawn."""
    for first, longest in ((DAY, LONGEST_ABSENCE), (9 * DAY, LONGEST_ABSENCE), (20 * DAY, 2 * DAY)):
        world.subscribe(BEGIN + first, longest)
    live_through(world, days=365, articles=2000, a_day=(1, 1, 2))
    world.everybody()
    compare(world)
    compare_newcomers(world)
