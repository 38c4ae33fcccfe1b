"""Archive pages: who walks from a subscription document to the oldest page has everything, once and newest."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from feedpub import withdrawal
from feedpub.config import FeedConfig, Where
from feedpub.verification.folder import verify_folder
from tests.articles import markdown
from tests.conftest import NOW, Newsroom
from tests.followers import ITEM_FORMATS, TOLD_OF_DELETIONS, Reader, served

SITE = "https://news.example/"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BATCHES = (45, 45, 40)
"""How many articles each of three refreshes brings: 130 together."""
_saved = 1_700_000_000
"""The last file's time: each has another one, so that changes are noticed."""


def story(number: int, at: datetime, *, version: int = 1, section: str | None = None) -> str:
    body = f"The council spoke of matter {number}.\n\nVersion {version}."
    return markdown(f"Report {number}", body, date=at.isoformat(), section=section or sections(number))


def sections(number: int) -> str:
    return "Harbour" if number % 3 == 0 else "Town"


def write(newsroom: Newsroom, number: int, **changes: object) -> None:
    """Report `number` as it came in, or changed: its time is that of its first publication less some minutes."""
    text = story(number, published(number), **changes)  # type: ignore[arg-type]
    save(newsroom, f"{number}.md", text)


def save(newsroom: Newsroom, name: str, text: str) -> None:
    global _saved
    _saved += 1
    # A file of this very moment may still be in the writing, and a refresh would wait for it.
    os.utime(newsroom.write(name, text), (_saved, _saved))


def published(number: int) -> datetime:
    """When report `number` says that it was published: the later its number, the later."""
    day, place = divmod(number - 1, BATCHES[0])
    return NOW + day * DAY - (BATCHES[0] - place) * MINUTE


def publish_batches(newsroom: Newsroom, batches: Iterable[int] = BATCHES) -> datetime:
    """Publish reports 1, 2, 3 and so on in so many refreshes, one a day; returns the last one's time."""
    number, now = 0, NOW
    for day, size in enumerate(batches):
        now = NOW + day * DAY
        for _ in range(size):
            number += 1
            write(newsroom, number)
        newsroom.publish(now=now)
    return now


def change_much(newsroom: Newsroom, now: datetime) -> datetime:
    """Corrections, withdrawals and a restoration on full pages and on none, and 5 new articles."""
    for number in (3, 77, 125):
        write(newsroom, number, version=2)
    for number in (10, 60, 120):
        (newsroom.articles / f"{number}.md").unlink()
    newsroom.publish(now=now + DAY)
    write(newsroom, 10)  # comes back as it was
    write(newsroom, 3, version=3)
    for number in range(131, 136):
        write(newsroom, number)
    newsroom.publish(now=now + 2 * DAY)
    return now + 2 * DAY


LIVE_AFTER = {n: {3: 3, 77: 2, 125: 2}.get(n, 1) for n in range(1, 136) if n not in (60, 120)}
"""Report → version, after `change_much`."""


PAGE_3 = [*range(146, 130, -1), 77, 10, 3, *range(130, 120, -1), *range(119, 100, -1)]
"""What page 3 holds after `change_much` and 20 more: once more what changed on full pages, no more of 60 and 120
than their end."""


def reader(newsroom: Newsroom, name: str, folder: str = "") -> Reader:
    return Reader(served(newsroom.output, SITE), f"{SITE}{folder}{name}", ITEM_FORMATS[name])


def walked(newsroom: Newsroom, name: str, folder: str = "") -> Reader:
    """Somebody who reads a feed for the first time, down to the oldest page."""
    found = reader(newsroom, name, folder)
    found.poll()
    return found


def versions(found: Reader) -> dict[int, int]:
    """Report → version of what somebody holds; no report may be there under two ids."""
    held: dict[int, int] = {}
    for _, item in found.held.values():
        number = int(item.title.removeprefix("Report "))
        assert number not in held, f"report {number} has two ids"
        (version,) = re.findall(r"Version ([0-9]+)\.", item.text)
        held[number] = int(version)
    return held


def archive_path(name: str, number: int, folder: str = "") -> str:
    """Where the archive page with this number of a feed stands."""
    stem, ending = name.split(".")
    return f"archives/{folder}0/{stem}-{number}.{ending}"


def on_page(newsroom: Newsroom, path: str) -> list[int]:
    """The numbers of the reports in one document, in its order."""
    name = path.rpartition("/")[2]
    parse = ITEM_FORMATS[re.sub(r"-[0-9]+\.", ".", name)]
    page = parse(newsroom.read(path))
    return [int(page.items[i][1].title.removeprefix("Report ")) for i in page.order if i in page.items]


def archives(newsroom: Newsroom) -> dict[str, bytes]:
    return {
        path: content for path, content in newsroom.files().items()
        if path.startswith("archives/") and not path.endswith("manifest.json")
    }  # fmt: skip


def test_pages_hold_fifty_each_in_the_order_of_first_publication(newsroom: Newsroom) -> None:
    publish_batches(newsroom)
    for name in ITEM_FORMATS:
        assert on_page(newsroom, archive_path(name, 1)) == list(range(50, 0, -1))
        assert on_page(newsroom, archive_path(name, 2)) == list(range(100, 50, -1))
        assert on_page(newsroom, name) == list(range(130, 80, -1))
        assert archive_path(name, 3) not in newsroom.files()
        walk = walked(newsroom, name)
        assert list(walk.pages) == [f"{SITE}{archive_path(name, number)}" for number in (2, 1)]
        assert versions(walk) == dict.fromkeys(range(1, 131), 1)


def test_an_article_with_an_old_date_is_filed_where_it_was_first_published(newsroom: Newsroom) -> None:
    publish_batches(newsroom, (20,))
    save(newsroom, "21.md", story(21, NOW - 400 * DAY))
    newsroom.publish(now=NOW + DAY)
    for number in range(22, 61):
        write(newsroom, number)
    newsroom.publish(now=NOW + 2 * DAY)
    assert on_page(newsroom, "archives/0/feed-1.xml") == [*range(50, 0, -1)]
    assert versions(walked(newsroom, "feed.xml")) == dict.fromkeys(range(1, 61), 1)


def test_what_is_on_no_full_page_is_in_the_subscription_document_however_old(newsroom: Newsroom) -> None:
    """With pages of 50, 49 articles are on none; a limit of 10 alone would hide 39 of them."""
    publish_batches(newsroom, (45, 4))
    newsroom.configure(feeds=(FeedConfig(limit=10),))
    newsroom.publish(now=NOW + 3 * DAY)
    for name in ITEM_FORMATS:
        assert versions(walked(newsroom, name)) == dict.fromkeys(range(1, 50), 1)


def test_full_pages_keep_their_bytes_whatever_happens_to_their_articles(newsroom: Newsroom) -> None:
    now = publish_batches(newsroom)
    before = archives(newsroom)
    assert len(before) == 2 * len(ITEM_FORMATS)
    change_much(newsroom, now)
    after = archives(newsroom)
    assert {path: after[path] for path in before} == before
    newsroom.publish(now=now + 100 * DAY)
    assert archives(newsroom) == after


def test_a_walk_finds_every_article_once_in_its_newest_version(newsroom: Newsroom) -> None:
    now = publish_batches(newsroom)
    subscribers = {name: walked(newsroom, name) for name in ITEM_FORMATS}
    change_much(newsroom, now)
    for name, subscriber in subscribers.items():
        subscriber.poll()
        newcomer = walked(newsroom, name)
        for found in (versions(newcomer), versions(subscriber)):
            if name in TOLD_OF_DELETIONS:
                assert found == LIVE_AFTER
            else:  # these formats cannot say that what stands on a page is gone, or was seen already
                assert {number: found[number] for number in LIVE_AFTER} == LIVE_AFTER
                assert found.keys() - LIVE_AFTER.keys() <= {60, 120}
        assert 120 not in versions(newcomer)  # it was on no full page


def test_what_comes_back_with_a_stated_time_of_change_is_newer_than_its_end(newsroom: Newsroom) -> None:
    text = markdown("Report 1", "Matter 1.\n\nVersion 1.", modified="2025-09-01T12:00:00+00:00")
    save(newsroom, "1.md", text)
    save(newsroom, "2.md", markdown("Report 2", "Matter 2.\n\nVersion 1."))
    newsroom.publish()
    subscribers = [walked(newsroom, name) for name in ITEM_FORMATS]
    (newsroom.articles / "1.md").unlink()
    newsroom.publish(now=NOW + DAY)
    for subscriber in subscribers:
        subscriber.poll()
    save(newsroom, "1.md", text)
    newsroom.publish(now=NOW + 2 * DAY)
    for subscriber in subscribers:
        subscriber.poll()
        assert versions(subscriber) == {1: 1, 2: 1}
    before = newsroom.files()
    newsroom.publish(now=NOW + 3 * DAY, rebuild=True)
    assert newsroom.files() == before
    (newsroom.config.state / "ledger.ndjson").unlink()
    newsroom.publish(now=NOW + 4 * DAY)
    newsroom.publish(now=NOW + 5 * DAY, rebuild=True)
    assert newsroom.files() == before


def test_what_was_withdrawn_when_its_page_filled_and_came_back_is_found_for_ever(newsroom: Newsroom) -> None:
    publish_batches(newsroom, (45,))
    (newsroom.articles / "7.md").unlink()
    for number in range(46, 56):
        write(newsroom, number)
    newsroom.publish(now=NOW + 2 * DAY)
    assert 7 not in on_page(newsroom, "archives/0/feed-1.xml")
    write(newsroom, 7)
    newsroom.publish(now=NOW + 3 * DAY)
    newsroom.publish(now=NOW + 3 * DAY)  # the same second: it is not filed once more
    for number in range(56, 110):
        write(newsroom, number)
    newsroom.publish(now=NOW + 50 * DAY)
    for name in ITEM_FORMATS:
        assert on_page(newsroom, archive_path(name, 2)) == [*range(99, 55, -1), 7, *range(55, 50, -1)]
        assert versions(walked(newsroom, name)) == dict.fromkeys(range(1, 110), 1)
    before = newsroom.files()
    newsroom.publish(now=NOW + 50 * DAY, rebuild=True)
    assert newsroom.files() == before


@pytest.mark.parametrize("filled", ["before", "in between", "at the end"])
def test_with_the_store_deleted_the_history_goes_on_as_if_nothing_had_been(
    newsroom: Newsroom, tmp_path: Path, filled: str
) -> None:
    """The output stays; what the inputs cannot give back comes out of the ledger."""

    def lose_the_store() -> None:
        for path in newsroom.config.state.glob("store*"):
            path.unlink()

    now = publish_batches(newsroom)
    if filled == "before":
        before = newsroom.files()
        lose_the_store()
        report = newsroom.publish(now=now)
        assert (report.written, report.deleted, newsroom.files()) == ((), (), before)
    now = change_much(newsroom, now)
    if filled == "in between":
        before = newsroom.files()
        lose_the_store()
        report = newsroom.publish(now=now)
        assert (report.written, report.deleted, newsroom.files()) == ((), (), before)
    for number in range(136, 156):
        write(newsroom, number)
    newsroom.publish(now=now + DAY)
    if filled == "at the end":
        before = newsroom.files()
        lose_the_store()
        report = newsroom.publish(now=now + DAY)
        assert (report.written, report.deleted, newsroom.files()) == ((), (), before)
    assert on_page(newsroom, "archives/0/feed-3.atom") == PAGE_3
    expected = LIVE_AFTER | dict.fromkeys(range(136, 156), 1)
    for name in TOLD_OF_DELETIONS:
        assert versions(walked(newsroom, name)) == expected


def test_a_small_limit_makes_small_pages_and_they_keep_their_size(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(limit=12),))
    publish_batches(newsroom, (20, 20))
    before = archives(newsroom)
    assert len(before) == 3 * len(ITEM_FORMATS)
    newsroom.configure(feeds=(FeedConfig(limit=30),))
    for number in range(41, 50):
        write(newsroom, number)
    newsroom.publish(now=NOW + 3 * DAY)
    after = archives(newsroom)
    assert {path: after[path] for path in before} == before
    for name in ITEM_FORMATS:
        pages = [on_page(newsroom, archive_path(name, number)) for number in (1, 2, 3, 4)]
        assert pages == [[*range(first + 11, first - 1, -1)] for first in (1, 13, 25, 37)]
        assert versions(walked(newsroom, name)) == dict.fromkeys(range(1, 50), 1)


def test_a_feed_of_less_than_ten_has_no_pages(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(limit=9),))
    publish_batches(newsroom, (20,))
    assert archives(newsroom) == {}
    assert b"prev-archive" not in newsroom.read("feed.xml")
    assert on_page(newsroom, "feed.json") == [*range(20, 11, -1)]


HARBOUR = FeedConfig("harbour", where=Where(section=("harbour",)), limit=10)


def test_a_filtered_feed_has_pages_of_its_own(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(), HARBOUR))
    now = publish_batches(newsroom)
    harbour = [number for number in range(1, 131) if number % 3 == 0]
    for name in ITEM_FORMATS:
        assert on_page(newsroom, archive_path(name, 1, "harbour/")) == harbour[:10][::-1]
        assert versions(walked(newsroom, name, "harbour/")) == dict.fromkeys(harbour, 1)
        assert versions(walked(newsroom, name)) == dict.fromkeys(range(1, 131), 1)
    write(newsroom, 4, section="Harbour", version=2)  # joins it late
    newsroom.publish(now=now + DAY)
    for name in ITEM_FORMATS:
        assert versions(walked(newsroom, name, "harbour/")) == {**dict.fromkeys(harbour, 1), 4: 2}


@pytest.mark.parametrize("tombstones", [True, False])
def test_what_leaves_a_filtered_feed_is_gone_for_its_readers_alone(
    newsroom: Newsroom, tombstones: bool
) -> None:
    newsroom.configure(feeds=(FeedConfig(), replace(HARBOUR, tombstones=tombstones)))
    now = publish_batches(newsroom)
    subscribers = {name: walked(newsroom, name, "harbour/") for name in ITEM_FORMATS}
    full = archives(newsroom)
    write(newsroom, 3, section="Town")  # its page is full
    write(newsroom, 129, section="Town")  # on none
    write(newsroom, 6, section="Town")
    newsroom.publish(now=now + DAY)
    write(newsroom, 3, section="Town", version=2)  # no news to those whom it left
    write(newsroom, 6, version=3)  # comes back
    (newsroom.articles / "129.md").unlink()
    newsroom.publish(now=now + 2 * DAY)
    harbour = {number: 1 for number in range(1, 131) if number % 3 == 0} | {6: 3}
    gone = {3, 129}
    assert {path: content for path, content in archives(newsroom).items() if path in full} == full
    for later, present in ((2, range(131)), (40, range(171))):
        for number in range(131, max(present) + 1):
            write(newsroom, number)
            harbour |= {number: 1} if number % 3 == 0 else {}
        newsroom.publish(now=now + later * DAY)
        for name, subscriber in subscribers.items():
            subscriber.poll()
            newcomer = walked(newsroom, name, "harbour/")
            wanted = {number: version for number, version in harbour.items() if number not in gone}
            for found in (versions(newcomer), versions(subscriber)):
                if name in TOLD_OF_DELETIONS and tombstones:
                    assert found == wanted
                else:
                    assert {number: found.get(number) for number in wanted} == wanted
                    assert found.keys() - wanted.keys() <= gone
            assert versions(newcomer).keys() & gone <= {3}
            document = newsroom.read(f"harbour/{name}")
            assert (b"deleted-entry" in document or b"dateDeleted" in document) == (
                name in TOLD_OF_DELETIONS and tombstones
            )
            everything = versions(walked(newsroom, name))
            assert everything[3] == 2
            assert everything[6] == 3
    assert verify_folder(newsroom.output).differences == []
    before = newsroom.files()
    for path in newsroom.config.state.glob("store*"):
        path.unlink()
    newsroom.publish(now=now + 40 * DAY)
    assert newsroom.files() == before
    newsroom.publish(now=now + 40 * DAY, rebuild=True)
    assert newsroom.files() == before
    # A purge has the ledger written anew: who left which feed stands in it still.
    withdrawal.withdraw(newsroom.config, [str(newsroom.articles / "150.md")], purge=True, now=now + 41 * DAY)
    before = newsroom.files()
    for path in newsroom.config.state.glob("store*"):
        path.unlink()
    newsroom.publish(now=now + 41 * DAY)
    assert newsroom.files() == before


def test_with_another_filter_the_full_pages_tell_what_belongs_to_the_feed(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(), HARBOUR))
    now = publish_batches(newsroom)
    subscribers = {name: walked(newsroom, name, "harbour/") for name in TOLD_OF_DELETIONS}
    town = dict.fromkeys([number for number in range(1, 131) if number % 3], 1)
    newsroom.configure(feeds=(FeedConfig(), replace(HARBOUR, where=Where(section=("town",)))))
    newsroom.publish(now=now + DAY)
    for name in ITEM_FORMATS:
        assert versions(walked(newsroom, name, "harbour/")) == town
    for subscriber in subscribers.values():
        subscriber.poll()
        assert versions(subscriber) == town
    newsroom.configure(feeds=(FeedConfig(), HARBOUR))
    newsroom.publish(now=now + 2 * DAY)
    for name in ITEM_FORMATS:
        assert versions(walked(newsroom, name, "harbour/")).keys() == {n for n in range(1, 131) if n % 3 == 0}


@pytest.mark.parametrize("later", ["feed", "filter", "archive", "format"])
def test_a_feed_that_is_configured_later_has_the_whole_history(newsroom: Newsroom, later: str) -> None:
    first = {
        "feed": (),
        "filter": (replace(HARBOUR, where=Where(section=("town",))),),
        "archive": (replace(HARBOUR, archive=False),),
        "format": (replace(HARBOUR, formats=("rss",)),),
    }[later]
    newsroom.configure(feeds=(FeedConfig(), *first))
    now = publish_batches(newsroom)
    newsroom.configure(feeds=(FeedConfig(), HARBOUR))
    newsroom.publish(now=now + DAY)
    harbour = dict.fromkeys([number for number in range(1, 131) if number % 3 == 0], 1)
    for name in ITEM_FORMATS:
        found = versions(walked(newsroom, name, "harbour/"))
        assert found == harbour


def test_a_feed_without_tombstones_leaves_out_what_was_withdrawn(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(tombstones=False),))
    now = change_much(newsroom, publish_batches(newsroom))
    for number in range(136, 156):
        write(newsroom, number)
    newsroom.publish(now=now + DAY)
    for name in TOLD_OF_DELETIONS:
        contents = [newsroom.read(name), *archives(newsroom).values()]
        assert not any(b"deleted-entry" in content or b"dateDeleted" in content for content in contents)
        # What was withdrawn is not told once more either, so that there is room for one article more.
        again = [77, 3, *range(130, 120, -1), *range(119, 100, -1)]
        assert on_page(newsroom, archive_path(name, 3)) == [
            *range(147, 135, -1),
            10,
            *range(135, 130, -1),
            *again,
        ]
        found = versions(walked(newsroom, name))
        assert found.keys() - LIVE_AFTER.keys() == {60, *range(136, 156)}  # 60 stood on a full page


def test_a_feed_without_an_archive_names_none(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(archive=False),))
    publish_batches(newsroom)
    assert archives(newsroom) == {}
    for name in ITEM_FORMATS:
        assert on_page(newsroom, name) == [*range(130, 80, -1)]
        assert walked(newsroom, name).pages == {}
        assert b"archives/" not in newsroom.read(name)


@pytest.mark.parametrize("how", ["archive = false", "feed dropped", "format dropped"])
def test_what_is_configured_no_more_takes_its_pages_along(newsroom: Newsroom, how: str) -> None:
    newsroom.configure(feeds=(FeedConfig(), HARBOUR))
    now = publish_batches(newsroom)
    before = archives(newsroom)
    feeds: dict[str, tuple[FeedConfig, ...]] = {
        "archive = false": (FeedConfig(), replace(HARBOUR, archive=False)),
        "feed dropped": (FeedConfig(),),
        "format dropped": (FeedConfig(), replace(HARBOUR, formats=("rss",))),
    }
    newsroom.configure(feeds=feeds[how])
    newsroom.publish(now=now + DAY)
    left = {
        path: content for path, content in before.items()
        if not path.startswith("archives/harbour/") or (how == "format dropped" and path.endswith(".xml"))
    }  # fmt: skip
    assert archives(newsroom) == left
    folder = newsroom.output / "archives" / "harbour"
    assert folder.exists() == (how == "format dropped")


def test_a_page_that_was_lost_is_made_again(newsroom: Newsroom) -> None:
    now = publish_batches(newsroom)
    before = archives(newsroom)
    shutil.rmtree(newsroom.output)
    newsroom.publish(now=now)
    assert archives(newsroom) == before
