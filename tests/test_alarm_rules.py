"""What is wrong and what is not, as an operator would say it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feedpub.alarms import check
from feedpub.alarms.rules import Alarm
from feedpub.config import Alarms, Config
from feedpub.observation import DaemonView, Day, Disk, Observation, SourceView
from tests.observed import GB, NOW, back, days, feed, observation, source

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STEADY = days(*[12] * 80)


def alarms(seen: Observation, **rules: Any) -> list[Alarm]:
    return check(Config(root=Path(), alarms=Alarms(**rules)), seen)


def kinds(seen: Observation, **rules: Any) -> list[str]:
    return [alarm.key for alarm in alarms(seen, **rules)]


def test_where_all_is_well_nothing_is_wrong() -> None:
    assert kinds(observation(source(history=STEADY))) == []
    assert kinds(observation(source(history=()))) == []  # begun just now


def test_a_newsroom_that_has_not_published_yet_is_no_alarm() -> None:
    new = source(last_success_at=None, next_at=None)
    assert kinds(observation(new, store="none", daemon=DaemonView("never"), runs=())) == []


# Sources


@pytest.mark.parametrize(
    ("changed", "key", "message"),
    [
        (
            {"last_success_at": None, "failure": "not mounted"},
            "source-never:agency",
            "The source agency has never been read: not mounted.",
        ),
        (
            {"last_success_at": NOW - 3 * HOUR, "failure": "not mounted", "failures": 3},
            "source-failing:agency",
            "The source agency is failing; last read 3 hours ago: not mounted.",
        ),
        (
            {"last_success_at": NOW - 2 * HOUR},
            "source-stale:agency",
            "The source agency was not read for 2 hours, though nothing is known to have failed.",
        ),
        (
            {"incomplete": "agency is empty. Is it mounted?"},
            "source-incomplete:agency",
            "The source agency could be read only in part: agency is empty. Is it mounted?",
        ),
    ],
)
def test_a_source_that_cannot_be_read_is_told_once_with_its_reason(
    changed: dict[str, Any], key: str, message: str
) -> None:
    (found,) = alarms(observation(source(history=STEADY, **changed), source("desk", STEADY)))
    assert (found.key, found.message) == (key, message)


def test_a_failure_of_a_moment_is_no_alarm_where_the_daemon_counts_them() -> None:
    changed: dict[str, Any] = {"failure": "timed out", "last_success_at": NOW - 7 * MINUTE}
    assert kinds(observation(source(history=STEADY, failures=2, **changed))) == []
    assert kinds(observation(source(history=STEADY, failures=2, **changed)), failures=2) == [
        "source-failing:agency"
    ]
    # While it is being read again it has no next time.
    assert (
        kinds(observation(source(history=STEADY, failures=1, next_at=None, running_since=NOW, **changed)))
        == []
    )
    uncounted = source(history=STEADY, next_at=None, **changed)
    assert kinds(observation(uncounted, daemon=DaemonView("never"))) == ["source-failing:agency"]


def test_a_source_that_usually_brings_something_every_day_and_does_not_is_quiet() -> None:
    still = days(*[12] * 40, 0, 0, 0)
    (found,) = alarms(observation(source(history=still)))
    assert (found.key, found.message) == (
        "source-quiet:agency",
        "The source agency is quiet for 3 days, usually every day.",
    )
    assert kinds(observation(source(history=days(*[12] * 40, 0, 0)))) == []


def test_a_source_that_brings_much_less_than_usual_is_shrinking() -> None:
    (found,) = alarms(observation(source(history=days(*[10] * 60, 2, 1, 2, 1, 1, 1, 1, 1))))
    assert (found.key, found.message) == (
        "source-shrinking:agency",
        "The source agency brought 9 new or changed documents in 7 days, usually 70.",
    )
    assert (
        kinds(observation(source(history=days(*[10] * 60, 2, 3, 2, 3, 2, 3, 3, 0)))) == []
    )  # 18 of 70 is a quarter
    assert kinds(observation(source(history=days(*[10] * 60, 2, 1, 2, 1, 1, 1, 1, 1))), shrink=0) == []


def test_who_usually_brings_little_or_is_known_only_for_weeks_is_not_shrinking() -> None:
    weekly = [4, 0, 0, 0, 0, 0, 0] * 10
    assert kinds(observation(source(history=days(*weekly, 1, 0, 0, 0, 0, 0, 0, 0)))) == []
    assert kinds(observation(source(history=days(*[10] * 20, *[1] * 8)))) == []  # not five weeks in all


def test_a_source_that_loses_many_documents_in_small_steps_is_shrinking() -> None:
    losing = (*STEADY[:-5], *(Day(back(day), succeeded=288, new=1, removed=14) for day in (4, 3, 2, 1, 0)))
    # In seven days 5 x 14 = 70 went, and 5 x 1 + 2 x 12 = 29 came: 41 fewer than the 101 there were.
    (found,) = alarms(observation(source(history=losing, documents=60)))
    assert found.key == "source-shrinking:agency"
    assert found.message == "The source agency lost 41 of 101 documents within 7 days."
    assert kinds(observation(source(history=losing, documents=60)), shrink=0.45) == []


def test_one_that_exchanges_its_documents_every_day_is_not_shrinking() -> None:
    rotating = tuple(Day(back(day), succeeded=288, new=50, removed=50) for day in range(60, -1, -1))
    assert kinds(observation(source(history=rotating, documents=50))) == []


# Feeds, output, quarantine


def test_a_feed_that_does_not_move_although_its_sources_bring_news_is_told() -> None:
    moved = [back(day) for day in range(4, 30)]
    still = feed("world", moved)
    (found,) = alarms(observation(source(history=STEADY), feeds=(still,)))
    assert found.key == "feed-still:world"
    assert found.message == (
        "The feed world is quiet for 4 days, usually every day, although its sources brought 48 documents meanwhile."
    )
    quiet = source(history=days(*[12] * 40, 0, 0, 0, 0))
    assert kinds(observation(quiet, feeds=(still,))) == ["source-quiet:agency"]
    other = feed("world", moved, sources=())
    assert kinds(observation(source(history=STEADY), feeds=(other,))) == []


def test_what_could_not_be_published_is_told() -> None:
    run = {"failures": ["feed.xml was not published", "feed.atom was not published"]}
    (found,) = alarms(observation(runs=(run,)))
    assert found.key == "output-failing:output"
    assert found.message == "The last refresh could not publish 2 files: feed.xml was not published"
    assert kinds(observation(runs=({"failures": []}, run))) == []


def test_what_the_daemon_cannot_take_over_or_watch_is_told() -> None:
    steady = source(history=STEADY)
    notice = "The configuration was not taken over, and the earlier one goes on: line 3: …"
    unwatched = {"wire": "news is on a file system (nfs4) that …", "desk": "desk cannot be watched"}
    seen = observation(steady, daemon=DaemonView("running", notice=notice, unwatched=unwatched))
    found = {alarm.key: alarm for alarm in alarms(seen)}
    # Keys of their own: whoever lives with the one is told of the other when it begins.
    assert list(found) == ["configuration:feedpub.toml", "watching:wire", "watching:desk"]
    assert found["configuration:feedpub.toml"].message == notice
    assert found["watching:desk"].message == "desk cannot be watched"
    assert "watch = false" in found["watching:wire"].remedy


def test_while_nothing_can_be_published_that_is_the_one_alarm_not_each_of_its_sources() -> None:
    stale = source(last_success_at=NOW - timedelta(days=1), history=STEADY)
    seen = observation(stale, daemon=DaemonView("running", blocked="store.sqlite3: disk I/O error"))
    (found,) = alarms(seen)
    assert found.key == "output-failing:output"
    assert found.message == "The last refresh could publish nothing: store.sqlite3: disk I/O error"


@pytest.mark.parametrize(
    ("held", "now", "expected"),
    [
        ((), 9, []),
        ((), 10, ["quarantine-growing:quarantine"]),  # the first day
        ((40,) * 8, 49, []),
        ((40,) * 8, 50, ["quarantine-growing:quarantine"]),
        ((0, 40, 40, 40, 40, 40, 40, 40, 40), 40, []),  # grown, but more than seven days ago
        ((0, 5, 10, 15, 20), 25, ["quarantine-growing:quarantine"]),
        ((90, 80, 70), 60, []),
    ],
)
def test_a_quarantine_that_grows_is_told_and_one_that_is_large_is_not(
    held: tuple[int, ...], now: int, expected: list[str]
) -> None:
    before = tuple(
        Day(back(len(held) - place), succeeded=1, held=number) for place, number in enumerate(held)
    )
    today = Day(back(0), succeeded=1, held=now)
    assert kinds(observation(held_count=now, days=(*before, today))) == expected


# The machine


def test_a_disk_with_little_room_is_told_with_the_numbers() -> None:
    (found,) = alarms(observation(disk=Disk("/srv", 900_000_000, 100 * GB)))
    assert found.key == "disk-filling:disk"
    assert found.message == "The disk is filling: 900 MB of 100.0 GB are free at /srv."
    assert kinds(observation(disk=Disk("/srv", GB, 100 * GB))) == []
    assert kinds(observation(disk=Disk("/srv", 900_000_000, 100 * GB)), free_bytes=5 * 10**8) == []
    assert kinds(observation(disk=Disk("/srv", 50 * GB, 100 * GB, 50))) == ["disk-filling:disk"]
    assert kinds(observation(disk=None)) == []


@pytest.mark.parametrize("word", ["stopped", "gone"])
def test_without_a_daemon_that_is_the_one_alarm_not_each_of_its_sources(word: Any) -> None:
    daemon = DaemonView(word, NOW - DAY, NOW - 2 * HOUR)
    stale = [source(name, STEADY, last_success_at=NOW - 2 * HOUR) for name in ("agency", "desk")]
    (found,) = alarms(observation(*stale, daemon=daemon))
    assert found.key == "daemon-down:daemon"
    assert "last heard of 2 hours ago" in found.message


def test_a_restart_of_the_daemon_is_no_alarm() -> None:
    assert kinds(observation(daemon=DaemonView("stopped", NOW - DAY, NOW - 4 * MINUTE))) == []
    assert kinds(observation(daemon=DaemonView("never"))) == []


def late(**changes: Any) -> SourceView:
    return source(history=STEADY, next_at=NOW - 12 * MINUTE, lag_seconds=720.0, **changes)


def test_a_daemon_that_runs_late_is_told() -> None:
    (found,) = alarms(observation(late(), source("desk", STEADY)))
    assert found.key == "daemon-late:daemon"
    assert found.message == (
        "The daemon runs, but 1 source should have been read by now: agency is 12 minutes late."
    )
    assert kinds(observation(late(running_since=NOW - MINUTE))) == []


def test_a_store_that_cannot_be_read_is_told_first() -> None:
    seen = observation(store="newer", store_text="A newer feedpub wrote it.", disk=Disk("/srv", 1, 100 * GB))
    assert kinds(seen) == ["store:store", "disk-filling:disk"]
