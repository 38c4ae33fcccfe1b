"""A month, and longer, of a daemon on a clock that the tests move: every run when it should be, none twice."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from feedpub.cadence import Cadence, parse
from feedpub.config import Config, Daemon
from feedpub.daemon.timer import BrokenOffError
from feedpub.reports import SourceReport
from tests.daemons import FakeClock, FakePublish, configured, run_until

DAY = 86_400.0
SECOND = timedelta(seconds=1)


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "begin", "expected"),
    [
        # Forward at 02:00 on 30 March: 02:30 is 03:00 that day.
        ("Europe/Berlin", "2025-03-15T12:00", {30: "03:00+02:00"}),
        # Back at 03:00 on 26 October: the first 02:30.
        ("Europe/Berlin", "2025-10-15T12:00", {26: "02:30+02:00"}),
        # Forward at 02:00 on 9 March, back at 02:00 on 2 November (which has one 02:30, in winter).
        ("America/New_York", "2025-03-01T12:00", {9: "03:00-04:00"}),
        ("America/New_York", "2025-10-15T12:00", {2: "02:30-05:00"}),
        # Forward by half an hour at 02:00 on 5 October, back by half an hour at 02:00 on 6 April.
        ("Australia/Lord_Howe", "2025-09-20T12:00", {5: "02:30+11:00"}),
        ("Australia/Lord_Howe", "2025-03-20T12:00", {6: "02:30+10:30"}),
    ],
)
def test_a_month_with_a_change_of_clocks(
    tmp_path: Path, zone: str, begin: str, expected: dict[int, str]
) -> None:
    clock = FakeClock(start=local(zone, begin))
    publish = FakePublish(clock, takes=0.4)
    config = configured(tmp_path, night=parse("daily at 02:30", zone), hourly=3600)
    run_until(30 * DAY, config, clock, publish)
    runs = [moment.astimezone(ZoneInfo(zone)) for moment in publish.moments("night")[1:]]
    assert [run.date() for run in runs] == [
        runs[0].date() + timedelta(days=number) for number in range(len(runs))
    ]
    assert len(runs) in (29, 30)
    for run in runs:
        assert run.isoformat()[11:16] + run.isoformat()[19:] == expected.get(
            run.day, f"02:30{run.isoformat()[19:]}"
        )
    # What is done every hour is done in every hour that passes.
    assert publish.times("hourly")[: 24 * 30] == [3600.0 * number for number in range(24 * 30)]


def test_a_month_in_which_the_machine_sleeps_each_night(tmp_path: Path) -> None:
    """A laptop, asleep from 22:55 to 06:55, whose clock does not count that: missed runs are made up once."""
    start = datetime(2025, 5, 1, 7, tzinfo=UTC)
    clock = FakeClock(start=start)
    clock.events = [((day + 1) * 16 * 3600.0 - 300, clock.skip(8 * 3600.0)) for day in range(30)]
    publish = FakePublish(clock)
    config = configured(tmp_path, early=parse("daily at 06:30"), noon=parse("daily at 12:00"), hourly=3600)
    run_until(30 * 16 * 3600.0 - 3600, config, clock, publish)
    early = publish.moments("early")[1:]
    assert len(early) == 29
    for number, moment in enumerate(early):  # just after waking, not at 06:30
        woke = start + timedelta(days=number + 1, minutes=-5)
        assert timedelta(0) <= moment - woke < timedelta(minutes=2)
    noon = publish.moments("noon")[1:]
    assert noon == [datetime(2025, 5, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(30)]
    # Each full hour awake, and once after waking.
    hourly = publish.moments("hourly")
    assert len(hourly) == 30 * 16 + 29
    assert len(set(hourly)) == len(hourly)


def test_a_machine_whose_clock_counts_sleep_makes_up_what_it_missed(tmp_path: Path) -> None:
    clock = FakeClock(start=datetime(2025, 5, 1, 22, tzinfo=UTC), counts_sleep=True)

    def sleep() -> None:
        clock.elapsed += 8.5 * 3600  # until 06:45

    clock.events = [(900.0, sleep)]
    publish = FakePublish(clock)
    run_until(12 * 3600, configured(tmp_path, early=parse("daily at 06:30"), wire=3600), clock, publish)
    assert publish.moments("early") == [
        datetime(2025, 5, 1, 22, tzinfo=UTC),
        datetime(2025, 5, 2, 6, 45, tzinfo=UTC),
    ]
    assert publish.times("wire")[:3] == [0, 8.75 * 3600, 9 * 3600]


def test_a_clock_set_forward_makes_no_interval_shorter_where_sleep_is_counted(tmp_path: Path) -> None:
    clock = FakeClock(counts_sleep=True)
    clock.events = [(25.0, clock.skip(90 * DAY))]
    publish = FakePublish(clock)
    run_until(45, configured(tmp_path, wire=10), clock, publish)
    assert publish.times("wire") == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("back", [600.0, 3 * 3600.0])
def test_a_clock_set_back_repeats_no_time_of_day(tmp_path: Path, back: float) -> None:
    clock = FakeClock(start=datetime(2025, 5, 1, 5, tzinfo=UTC))
    clock.events = [(2 * 3600.0, clock.skip(-back))]  # at 07:00, after 06:30
    publish = FakePublish(clock)
    run_until(2 * DAY, configured(tmp_path, early=parse("daily at 06:30")), clock, publish)
    assert publish.moments("early") == [
        datetime(2025, 5, 1, 5, tzinfo=UTC),
        datetime(2025, 5, 1, 6, 30, tzinfo=UTC),
        datetime(2025, 5, 2, 6, 30, tzinfo=UTC),
    ]


def test_a_clock_that_was_a_year_ahead_and_is_corrected_starves_nobody(tmp_path: Path) -> None:
    """As with a machine whose battery is empty: wrong at the start, right when it has asked the net."""
    clock = FakeClock(start=datetime(2026, 5, 1, 5, tzinfo=UTC))
    clock.events = [(7200.0, clock.skip(-365 * DAY))]
    publish = FakePublish(clock)
    run_until(2 * DAY, configured(tmp_path, early=parse("daily at 06:30"), wire=7000), clock, publish)
    assert publish.moments("early")[2:] == [datetime(2025, 5, 2, 6, 30, tzinfo=UTC)]
    assert publish.times("wire") == [7000.0 * number for number in range(25)]


def test_a_clock_set_forward_past_a_time_of_day_runs_it_once(tmp_path: Path) -> None:
    clock = FakeClock(start=datetime(2025, 5, 1, 5, tzinfo=UTC))
    clock.events = [(1800.0, clock.skip(3 * DAY + 2 * 3600))]
    publish = FakePublish(clock)
    run_until(DAY, configured(tmp_path, early=parse("daily at 06:30")), clock, publish)
    first, made_up, regular = publish.moments("early")
    assert first == datetime(2025, 5, 1, 5, tzinfo=UTC)
    assert timedelta(0) <= made_up - datetime(2025, 5, 4, 7, 30, tzinfo=UTC) <= timedelta(minutes=1)
    assert regular == datetime(2025, 5, 5, 6, 30, tzinfo=UTC)


def test_small_corrections_of_the_clock_repeat_and_lose_no_time_of_day(tmp_path: Path) -> None:
    """A clock that runs a second a minute too fast, and is put right in small steps."""
    clock = FakeClock(start=datetime(2025, 5, 1, 6, 20, tzinfo=UTC))
    clock.events = [(60.0 * number, clock.skip(-1.0)) for number in range(1, 60)]
    publish = FakePublish(clock)
    run_until(3600, configured(tmp_path, early=parse("cron */10 * * * *")), clock, publish)
    runs = publish.moments("early")
    assert runs[1:] == [
        datetime(2025, 5, 1, 6, 20, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(1, len(runs))
    ]
    assert len(runs) == 6


def thousand() -> dict[str, Cadence | int]:
    """1,000 sources of many cadences."""
    chance = random.Random(4)
    kinds = (
        lambda: chance.choice((300, 600, 900, 1800, 3600)),
        lambda: parse(f"daily at {chance.randrange(24):02d}:{chance.randrange(60):02d} Europe/Berlin"),
        lambda: parse(f"cron {chance.randrange(60)} */6 * * * America/New_York"),
    )
    return {f"s{number}": kinds[number % 3]() for number in range(1000)}


@pytest.mark.parametrize("hours", [6, pytest.param(48, marks=pytest.mark.long)])
def test_a_thousand_sources_with_bad_ones_among_them(tmp_path: Path, hours: int) -> None:
    """One always fails, one fails at random, one hangs until it is given up: the others lose nothing by it."""
    chance = random.Random(7)
    sources = {**thousand(), "always": 300, "sometimes": 300, "hangs": 3600}
    clock = FakeClock(start=datetime(2025, 3, 29, 12, tzinfo=UTC))
    deadline, end = 20.0, hours * 3600.0

    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        if "hangs" in names:
            clock.elapsed += deadline
            raise BrokenOffError("'hangs' got no further", "hangs")
        bad = {"always": True, "sometimes": chance.random() < 0.4}
        return tuple(SourceReport(name, failure="no" if bad.get(name) else None) for name in names)

    publish = FakePublish(clock, script=script)
    config = configured(tmp_path, **sources)  # type: ignore[arg-type]
    run_until(end, config, clock, publish)
    read: dict[str, list[float]] = {name: [] for name in sources}
    for at, names in publish.calls:
        if "hangs" not in names:  # with it, the refresh came to nothing and the others' followed
            for name in names:
                read[name].append(at)
    late = 3 * deadline
    for number in range(1000):
        name = f"s{number}"
        cadence = config.sources[number].every
        expected = [0.0]
        if cadence.seconds:
            expected += [float(at) for at in range(cadence.seconds, int(end - late), cadence.seconds)]
        else:
            moment = clock.start
            while (moment := cadence.next_after(moment)) < clock.start + timedelta(seconds=end - late):
                expected.append((moment - clock.start).total_seconds())
        got = [at for at in read[name] if at < end - late]
        assert len(got) >= len(expected), name
        for wanted in expected:
            near = [at for at in read[name] if -0.001 <= at - wanted <= late]
            assert len(near) == 1, (name, wanted, near)
    # They themselves are tried less and less often, and never given up.
    # Ten minutes, then every quarter of an hour; and after 2, 4, 8 minutes and then every quarter of an hour.
    assert abs(len(read["always"]) - hours * 4) <= hours // 2
    assert abs(len(publish.times("hangs")) - hours * 4) <= hours // 2
    gaps = [b - a for a, b in pairwise(read["always"])]
    assert max(gaps) < 900 * 1.1 + late


def test_a_source_that_fails_once_a_day_is_tried_again_soon(tmp_path: Path) -> None:
    clock = FakeClock(start=datetime(2025, 5, 1, 6, tzinfo=UTC))
    trouble = (datetime(2025, 5, 2, 6, tzinfo=UTC), datetime(2025, 5, 2, 6, 10, tzinfo=UTC))

    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        failing = trouble[0] <= clock.now() < trouble[1]
        return tuple(SourceReport(name, failure="away" if failing else None) for name in names)

    publish = FakePublish(clock, script=script)
    run_until(2.5 * DAY, configured(tmp_path, daily=parse("daily at 06:00")), clock, publish)
    after = datetime(2025, 5, 2, 6, tzinfo=UTC)
    assert publish.moments("daily")[1:] == [
        after, after + timedelta(minutes=2), after + timedelta(minutes=6), after + timedelta(minutes=14),
        after + timedelta(days=1),
    ]  # fmt: skip


def test_starts_are_spread_and_keep_to_their_own_grid(tmp_path: Path) -> None:
    clock = FakeClock(start=datetime(2025, 5, 1, 6, tzinfo=UTC))
    config = configured(tmp_path, wire=60, early=parse("daily at 06:30"))
    spread = Config(config.root, sources=config.sources, state=config.state, daemon=Daemon(jitter_seconds=10))
    publish = FakePublish(clock)
    run_until(DAY + 3600, spread, clock, publish, jitter=0.5)
    assert publish.times("wire")[:3] == [5, 65, 125]
    assert publish.moments("early")[1:] == [
        datetime(2025, 5, 1, 6, 30, 5, tzinfo=UTC), datetime(2025, 5, 2, 6, 30, 5, tzinfo=UTC),
    ]  # fmt: skip


def test_hubs_that_have_not_heard_are_told_again_without_reading_any_source(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(
        clock, retry_at=lambda at: clock.now() + timedelta(seconds=45) if at < 100 else None
    )
    run_until(290, configured(tmp_path, wire=300), clock, publish)
    assert publish.calls == [(0, ["wire"]), (45, []), (90, []), (135, [])]


def test_what_changes_by_time_alone_reads_only_the_sources_that_it_concerns(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(
        clock, next_due_at=lambda at: clock.start + timedelta(seconds=100) if at < 100 else None,
        due_sources=("desk",),
    )  # fmt: skip
    run_until(200, configured(tmp_path, wire=300, desk=300), clock, publish)
    assert publish.calls == [(0, ["wire", "desk"]), (100, ["desk"])]


def test_a_failed_refresh_of_nothing_is_tried_again(tmp_path: Path) -> None:
    clock = FakeClock()

    def script(at: float, names: list[str]) -> None:
        if not names and at < 150:
            raise RuntimeError("the disk hiccups")

    publish = FakePublish(
        clock, script=script,
        next_due_at=lambda at: clock.start + timedelta(seconds=100) if at < 100 else None,
    )  # fmt: skip
    run_until(290, configured(tmp_path, wire=300), clock, publish)
    assert publish.calls == [(0, ["wire"]), (100, []), (160, [])]


def test_the_system_clock_is_the_one_that_goes_on_in_sleep() -> None:
    from feedpub.daemon.clock import SystemClock

    clock = SystemClock()
    assert isinstance(clock.counts_sleep, bool)
    before = clock.monotonic()
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC)
    assert 0 <= clock.monotonic() - before < 60
