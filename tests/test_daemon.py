"""The timer: deadlines, failures, pauses and the end, on a clock that the tests move."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from feedpub import daemon
from feedpub.config import Config
from feedpub.daemon.lock import OnlyOne
from feedpub.daemon.timer import Timer
from feedpub.errors import ConfigError, LockedError, PublishError
from feedpub.reports import Report, SourceReport
from tests.daemons import START, FakeClock, FakePublish, configured, run_until


def test_a_thousand_slow_ticks_do_not_drift(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock, takes=0.3)
    run_until(1000, configured(tmp_path, wire=1), clock, publish)
    assert publish.times("wire") == [float(second) for second in range(1001)]


def test_each_source_keeps_its_own_interval_and_what_is_due_together_is_one_refresh(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock)
    run_until(12, configured(tmp_path, wire=2, desk=3, archive=100), clock, publish)
    assert publish.calls == [
        (0, ["wire", "desk", "archive"]),
        (2, ["wire"]),
        (3, ["desk"]),
        (4, ["wire"]),
        (6, ["wire", "desk"]),
        (8, ["wire"]),
        (9, ["desk"]),
        (10, ["wire"]),
        (12, ["wire", "desk"]),
    ]


def test_a_refresh_longer_than_its_interval_skips_deadlines_and_never_overlaps(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock, takes=2.5)
    run_until(30, configured(tmp_path, wire=1), clock, publish)
    assert publish.times("wire") == [float(at) for at in range(0, 31, 3)]


def test_a_failing_source_backs_off_alone_and_up_to_a_limit(tmp_path: Path) -> None:
    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        return tuple(
            SourceReport(name, failure="no such folder" if name == "broken" else None) for name in names
        )

    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(4000, configured(tmp_path, broken=60, wire=60), clock, publish)
    assert publish.times("wire") == [60.0 * tick for tick in range(67)]
    # 120, 240, 480 seconds, then no more than 900.
    assert publish.times("broken") == [0, 120, 360, 840, 1740, 2640, 3540]


def test_a_change_right_after_a_long_regular_refresh_does_not_wait(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock, takes=20)
    timer = Timer(configured(tmp_path, wire=300), publish, clock=clock)
    timer.tick()
    clock.elapsed += 1
    timer.tick(["wire"])
    # Now a change follows a change: the others must have their share.
    clock.elapsed += 1
    timer.tick(["wire"])
    assert round(timer.idle_seconds()) == 19
    clock.elapsed += 19
    timer.tick()
    assert publish.times("wire") == [0, 21, 61]


def test_back_off_is_spread_by_a_tenth(tmp_path: Path) -> None:
    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        return (SourceReport("broken", failure="no"),)

    seconds = {}
    for jitter in (0.0, 1.0):
        clock = FakeClock()
        publish = FakePublish(clock, script=script)
        run_until(150, configured(tmp_path, broken=60), clock, publish, jitter=jitter)
        seconds[jitter] = publish.times("broken")[1]
    assert seconds == {0.0: 108.0, 1.0: 132.0}


def test_a_source_that_works_again_returns_to_its_old_deadlines(tmp_path: Path) -> None:
    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        return (SourceReport("wire", failure="away" if at < 10 else None),)

    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(60, configured(tmp_path, wire=10), clock, publish, jitter=0.0)
    assert publish.times("wire") == [0, 18, 20, 30, 40, 50, 60]


def test_an_exception_in_a_joint_refresh_is_pinned_on_the_source_that_raises(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def script(at: float, names: list[str]) -> None:
        if "poison" in names:
            raise RuntimeError("a bug")

    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(9, configured(tmp_path, poison=10, wire=5), clock, publish)
    assert publish.calls == [(0, ["poison", "wire"]), (0, ["poison"]), (0, ["wire"]), (5, ["wire"])]
    assert "source failed  source=poison failures=1 retry_in_seconds=20" in caplog.text
    assert "source=wire" not in caplog.text


def test_an_output_that_cannot_be_written_is_tried_again_later_without_trying_each_source(
    tmp_path: Path,
) -> None:
    def script(at: float, names: list[str]) -> None:
        if at < 5:
            raise PublishError("the disk is full", path="feeds")

    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(30, configured(tmp_path, wire=10, desk=10), clock, publish)
    assert publish.calls[:2] == [(0, ["wire", "desk"]), (20, ["wire", "desk"])]


def test_a_source_that_keeps_everything_from_being_published_is_the_one_that_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others wait for it; nothing is wrong with them."""

    def script(at: float, names: list[str]) -> None:
        if at < 15:
            raise PublishError("articles of the wire are lost", path="feeds", sources=("wire", "earlier"))

    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(25, configured(tmp_path, wire=10, desk=5), clock, publish)
    assert publish.calls == [(0, ["wire", "desk"]), (20, ["wire", "desk"]), (25, ["desk"])]
    assert (
        'source failed  source=wire failures=1 retry_in_seconds=20 error="articles of the wire are lost"'
        in caplog.text
    )
    assert "source=desk" not in caplog.text


def test_a_source_that_was_not_due_may_be_the_one_that_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def script(at: float, names: list[str]) -> None:
        if at == 5:
            raise PublishError("articles of the wire are lost", path="feeds", sources=("wire",))

    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(26, configured(tmp_path, wire=100, desk=5), clock, publish)
    assert "source failed  source=wire failures=1 retry_in_seconds=200" in caplog.text
    assert "source=desk" not in caplog.text


def test_that_nothing_can_be_published_is_known_until_something_is(tmp_path: Path) -> None:
    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        if at < 5:
            raise PublishError("the disk is full", path="feeds")
        return (SourceReport("wire", failure="no"),)

    clock = FakeClock()
    timer = Timer(configured(tmp_path, wire=10), FakePublish(clock, script=script), clock=clock)
    timer.tick()
    assert timer.blocked == "the disk is full"
    clock.elapsed += 30
    timer.tick()
    assert timer.blocked is None


def test_a_source_at_fault_is_no_trouble_of_the_output(tmp_path: Path) -> None:
    def script(at: float, names: list[str]) -> None:
        raise PublishError("articles of the wire are lost", path="feeds", sources=("wire",))

    clock = FakeClock()
    timer = Timer(configured(tmp_path, wire=10), FakePublish(clock, script=script), clock=clock)
    timer.tick()
    assert (timer.blocked, timer.jobs["wire"].failures) == (None, 1)


def test_another_publisher_at_work_is_waited_for_and_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def script(at: float, names: list[str]) -> None:
        if at < 5:
            raise LockedError("busy", path="lock", owner="process 7")

    caplog.set_level(logging.INFO)
    clock = FakeClock()
    publish = FakePublish(clock, script=script)
    run_until(400, configured(tmp_path, wire=300), clock, publish)
    assert publish.times("wire") == [0, 2, 4, 6, 300]
    assert 'refresh waits  sources=wire owner="process 7"' in caplog.text
    assert "failed" not in caplog.text


def test_after_the_machine_slept_everything_missed_is_done_once(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock)

    def script(at: float, names: list[str]) -> None:
        if at == 20:
            clock.skew = 8 * 3600  # a night passed; the monotonic clock stood still

    publish.script = script
    run_until(45, configured(tmp_path, wire=10, daily=86400), clock, publish)
    assert publish.times("wire") == [0, 10, 20, 20, 30, 40]
    assert publish.times("daily") == [0]  # its day is not over yet


@pytest.mark.parametrize("skew", [-86400, -3600])
def test_a_wall_clock_set_back_changes_no_interval(tmp_path: Path, skew: float) -> None:
    clock = FakeClock()
    publish = FakePublish(clock)

    def script(at: float, names: list[str]) -> None:
        if at == 20:
            clock.skew = skew

    publish.script = script
    run_until(45, configured(tmp_path, wire=10), clock, publish)
    assert publish.times("wire") == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_the_machines_time_zone_and_summer_time_play_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        clock = FakeClock()
        publish = FakePublish(clock)
        run_until(7300, configured(tmp_path, wire=600), clock, publish)
        assert publish.times("wire") == [600.0 * tick for tick in range(13)]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_end_of_an_embargo_is_met_to_the_second_and_once(tmp_path: Path) -> None:
    embargo = START + timedelta(seconds=100)
    clock = FakeClock()
    publish = FakePublish(clock, next_due_at=lambda at: embargo if at < 100 else None, due_sources=("wire",))
    run_until(700, configured(tmp_path, wire=300), clock, publish)
    assert publish.times("wire") == [0, 100, 300, 600]


def test_an_instant_already_past_does_not_make_the_daemon_spin(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock, next_due_at=lambda at: START - timedelta(hours=1))
    run_until(700, configured(tmp_path, wire=300), clock, publish)
    assert publish.times("wire") == [0, 300, 600]


def test_an_embargo_moves_with_a_wall_clock_that_is_set_back(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(
        clock,
        next_due_at=lambda at: START + timedelta(seconds=100) if at < 100 else None,
        due_sources=("wire",),
    )

    def script(at: float, names: list[str]) -> None:
        if at == 0:
            clock.skew = -30

    publish.script = script
    run_until(290, configured(tmp_path, wire=300), clock, publish)
    assert publish.times("wire") == [0, 130]


def test_an_idle_daemon_wakes_once_a_minute_at_most(tmp_path: Path) -> None:
    clock = FakeClock()
    publish = FakePublish(clock)
    run_until(3600, configured(tmp_path, daily=86400), clock, publish)
    assert publish.times("daily") == [0]
    assert len(clock.naps) <= 62


def test_without_any_source_there_is_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"add a \[sources.NAME\]") as caught:
        daemon.run(Config(root=tmp_path, state=tmp_path / ".feedpub"))
    assert caught.value.key == "sources"


def test_a_second_daemon_on_the_same_newsroom_is_refused_and_told_whose_it_is(tmp_path: Path) -> None:
    config = configured(tmp_path, wire=10)
    clock = FakeClock()
    refused: list[LockedError] = []

    def script(at: float, names: list[str]) -> None:
        with pytest.raises(LockedError) as caught:
            daemon.run(config, publish=publish, clock=clock)
        refused.append(caught.value)

    publish = FakePublish(clock, script=script)
    run_until(5, config, clock, publish)
    assert refused[0].owner is not None
    assert f"process {os.getpid()} on {socket.gethostname()}, since 20" in refused[0].owner
    # And once the first has ended, the next may begin.
    run_until(clock.elapsed + 5, config, clock, FakePublish(clock))


def test_a_second_daemon_on_the_same_output_is_refused(tmp_path: Path) -> None:
    """Two copies of one newsroom, each with a store of its own."""
    clock = FakeClock()
    config = configured(tmp_path, wire=10)
    copied = replace(config, state=tmp_path / "copy" / ".feedpub")
    refused: list[LockedError] = []

    def script(at: float, names: list[str]) -> None:
        with pytest.raises(LockedError, match="of another newsroom with the same output") as caught:
            daemon.run(copied, publish=publish, clock=clock)
        refused.append(caught.value)

    publish = FakePublish(clock, script=script)
    run_until(5, config, clock, publish)
    assert f"process {os.getpid()} on" in (refused[0].owner or "")
    with OnlyOne(copied.state, copied.publish.output):
        pass


def test_while_the_state_folder_is_moved_away_no_second_daemon_begins(tmp_path: Path) -> None:
    clock = FakeClock()
    config = configured(tmp_path, wire=10)

    def script(at: float, names: list[str]) -> None:
        if at == 0:
            config.state.rename(tmp_path / "moved")
        elif at == 10:
            with pytest.raises(LockedError):
                OnlyOne(config.state, tmp_path / "another").__enter__()
            seen.append(at)

    seen: list[float] = []
    run_until(25, config, clock, FakePublish(clock, script=script))
    assert seen == [10]


def test_a_daemon_ends_when_another_has_begun_in_its_place(tmp_path: Path) -> None:
    clock = FakeClock()
    config = configured(tmp_path, wire=10)
    other = OnlyOne(config.state, tmp_path / "another")

    def script(at: float, names: list[str]) -> None:
        config.state.rename(tmp_path / "moved")
        other.__enter__()

    publish = FakePublish(clock, script=script)
    with pytest.raises(LockedError, match="serves this newsroom"):
        run_until(100, config, clock, publish)
    assert publish.times("wire") == [0]
    other.__exit__()
    with OnlyOne(config.state, config.publish.output):
        pass


def test_locks_move_with_the_output(tmp_path: Path) -> None:
    with OnlyOne(tmp_path / "state", tmp_path / "a") as locks:
        with OnlyOne(tmp_path / "other", tmp_path / "b"), pytest.raises(LockedError):
            locks.move(tmp_path / "b")
        with pytest.raises(LockedError), OnlyOne(tmp_path / "third", tmp_path / "a"):
            pass
        locks.move(tmp_path / "b")
        with OnlyOne(tmp_path / "third", tmp_path / "a"):
            pass


def test_log_lines_can_be_taken_apart_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def script(at: float, names: list[str]) -> tuple[SourceReport, ...]:
        return (SourceReport("wire", failure='no "folder"\nhere'),)

    clock = FakeClock()
    run_until(5, configured(tmp_path, wire=10), clock, FakePublish(clock, script=script))
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert lines == [
        'source failed  source=wire failures=1 retry_in_seconds=20 error="no \\"folder\\"\\nhere"'
    ]


SLOW_DAEMON = """
import logging, sys, time
from dataclasses import replace
from datetime import datetime, UTC
from pathlib import Path
from feedpub import daemon
from feedpub.daemon import ending
from feedpub.cadence import spaced
from feedpub.config import Config, SourceConfig
from feedpub.reports import Report, SourceReport
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
def publish(config, *, only=None):
    print("begun", flush=True)
    try:
        time.sleep(float(sys.argv[2]))
        print("finished", flush=True)
    finally:
        print("let go", flush=True)
    now = datetime.now(UTC)
    return Report(now, now, sources=tuple(SourceReport(name) for name in only))
root = Path(sys.argv[1])
ending.GRACE_SECONDS = float(sys.argv[3])
config = Config(root=root, sources=(SourceConfig(name="wire", every=spaced(60)),), state=root / ".feedpub")
sys.exit(daemon.run(config, publish=publish))
"""


def start_slow(root: Path, refresh_seconds: float, grace_seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_DAEMON, str(root), str(refresh_seconds), str(grace_seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_refresh_is_finished_before_the_end(tmp_path: Path, number: signal.Signals) -> None:
    process = start_slow(tmp_path, refresh_seconds=1.0, grace_seconds=7)
    process.send_signal(number)
    output, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output == "finished\nlet go\n"
    assert "daemon stopped" in log
    assert (tmp_path / ".feedpub" / "daemon.lock").read_bytes() == b""


def test_a_refresh_that_outlasts_the_grace_period_is_broken_off_in_order(tmp_path: Path) -> None:
    process = start_slow(tmp_path, refresh_seconds=60, grace_seconds=0.5)
    begun = time.monotonic()
    process.terminate()
    output, log = process.communicate(timeout=10)
    assert time.monotonic() - begun < 5
    assert (process.returncode, output) == (0, "let go\n")
    assert "refresh broken off" in log


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    process = start_slow(tmp_path, refresh_seconds=60, grace_seconds=30)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    for line in process.stderr:
        if "daemon stopping" in line:
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=5)
    assert (process.returncode, output) == (0, "let go\n")


def test_a_stop_event_ends_a_daemon_in_a_thread(tmp_path: Path) -> None:
    stop = threading.Event()
    begun = threading.Event()
    codes: list[int] = []

    def publish(config: Config, *, only: Sequence[str] | None = None) -> Report:
        begun.set()
        return Report(datetime.now(UTC), datetime.now(UTC))

    config = configured(tmp_path, wire=3600)
    thread = threading.Thread(target=lambda: codes.append(daemon.run(config, stop=stop, publish=publish)))
    thread.start()
    assert begun.wait(10)
    stop.set()
    thread.join(10)
    assert codes == [0]


# The real thing: two processes, a folder that changes, twenty seconds.

SECONDS = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def write_article(folder: Path, number: int) -> None:
    text = f"---\ntitle: Bridge number {number} opens\ndate: 2025-09-{number:02d}T08:00:00+02:00\n---\n"
    # Written aside and renamed, as an editor does.
    aside = folder / f".bridge-{number}.tmp"
    aside.write_text(text + "The mayor opened the bridge in the morning.\n\nTraffic flowed by noon.\n")
    aside.rename(folder / f"bridge-{number}.md")


def test_daemon_and_server_for_twenty_seconds_over_a_folder_that_changes(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    begun = time.monotonic()
    (tmp_path / "wire").mkdir()
    write_article(tmp_path / "wire", 1)
    port = free_port()
    (tmp_path / "feedpub.toml").write_text(
        '[site]\ntitle = "Bridges"\nlanguage = "en"\ntimezone = "Europe/Berlin"\n'
        f'url = "http://127.0.0.1:{port}/"\n'
        '[sources.wire]\nkind = "files"\npath = "wire"\nevery = "1s"\n'
        '[sources.missing]\nkind = "files"\npath = "not-there"\nevery = "1s"\n'
    )

    def start(*arguments: str) -> subprocess.Popen[str]:
        # Into files, since a full pipe would stop the process.
        log = (tmp_path / f"{arguments[0]}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "feedpub", *arguments, "--config", str(tmp_path / "feedpub.toml")],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
        )
        log.close()
        processes.append(process)
        return process

    def log_of(name: str) -> str:
        return (tmp_path / f"{name}.log").read_text()

    server = start("serve", "--port", str(port))
    timer = start("daemon")
    url = f"http://127.0.0.1:{port}/feed.xml"
    seen: list[tuple[int, str]] = []  # articles in the feed, its ETag
    not_modified = 0
    written = 1
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() - begun < SECONDS:
            assert timer.poll() is None, log_of("daemon")
            assert server.poll() is None, log_of("serve")
            headers = {"If-None-Match": seen[-1][1]} if seen else {}
            try:
                answer = client.get(url, headers=headers)
            except httpx.TransportError:
                assert not seen, log_of("serve")
                time.sleep(0.2)
                continue
            if answer.status_code == 304:
                not_modified += 1
                assert answer.content == b""
                assert answer.headers["etag"] == seen[-1][1]
            elif answer.status_code == 200:
                assert answer.headers["content-type"] == "application/rss+xml; charset=utf-8"
                titles = re.findall(r"<title>Bridge number (\d+) opens</title>", answer.text)
                assert answer.text.rstrip().endswith("</rss>")
                seen.append((len(set(titles)), answer.headers["etag"]))
            else:
                assert answer.status_code == 503, answer.text
                assert not seen
            if seen and seen[-1][0] == written and written < 4:
                written += 1
                write_article(tmp_path / "wire", written)
            time.sleep(0.25)

    assert [count for count, _ in seen] == [1, 2, 3, 4], log_of("daemon")
    assert len({etag for _, etag in seen}) == 4
    assert not_modified > 10
    assert "source failed  source=missing" in log_of("daemon")
    assert "source failed  source=wire" not in log_of("daemon")

    for process in (timer, server):
        process.terminate()
    asked = time.monotonic()
    for process, name in ((timer, "daemon"), (server, "serve")):
        assert process.wait(timeout=10) == 0, log_of(name)
    assert time.monotonic() - asked < 10
    assert "Traceback" not in log_of("daemon") + log_of("serve")
    manifest = json.loads((tmp_path / "feeds" / "manifest.json").read_text())
    assert "feed.xml" in manifest["files"]
