"""One daemon for each newsroom and one newsroom for each output, also where folders are moved or deleted meanwhile."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from feedpub import daemon, publication
from feedpub.config import Config
from feedpub.daemon.lock import OnlyOne, holder
from feedpub.errors import LockedError
from tests.daemons import FakeClock, FakePublish, configured, run_until

ON_LINUX = sys.platform == "linux"


def newsroom(root: Path, output: Path) -> Config:
    root.mkdir(exist_ok=True)
    config = configured(root, wire=10)
    return replace(config, publish=replace(config.publish, output=output))


def may_publish(config: Config) -> bool:
    try:
        with publication.locked(config.state, config.publish.output):
            return True
    except LockedError:
        return False


def during(config: Config, *events: tuple[float, object], end: float = 100) -> FakePublish:
    """Run a daemon, with what happens at which second."""
    clock = FakeClock()
    clock.events = list(events)  # type: ignore[arg-type]
    publish = FakePublish(clock)
    run_until(end, config, clock, publish)
    return publish


def test_a_daemon_of_another_newsroom_is_refused_the_same_output_and_told_whose_it_is(tmp_path: Path) -> None:
    output = tmp_path / "feeds"
    output.mkdir()
    one, other = newsroom(tmp_path / "one", output), newsroom(tmp_path / "other", output)
    refused: list[LockedError] = []

    def begin_another() -> None:
        with pytest.raises(LockedError, match="another newsroom with the same output") as caught:
            daemon.run(other, publish=FakePublish(FakeClock()))
        refused.append(caught.value)

    during(one, (5, begin_another))
    if ON_LINUX:
        assert f"process {os.getpid()} on " in str(refused[0])
    during(other)  # the first has ended, so it may
    assert list(output.iterdir()) == []


def test_while_a_daemon_runs_its_own_newsroom_may_publish_and_no_other(tmp_path: Path) -> None:
    output = tmp_path / "feeds"
    output.mkdir()
    one, other = newsroom(tmp_path / "one", output), newsroom(tmp_path / "other", output)
    found = []
    during(one, (5, lambda: found.extend([may_publish(one), may_publish(other)])))
    assert found == [True, False]
    assert may_publish(other)


def test_another_name_of_the_same_output_does_not_help(tmp_path: Path) -> None:
    output = tmp_path / "feeds"
    output.mkdir()
    (tmp_path / "link").symlink_to(output)
    one, other = newsroom(tmp_path / "one", output), newsroom(tmp_path / "other", tmp_path / "link")
    found = []
    during(one, (5, lambda: found.append(may_publish(other))))
    assert found == [False]


def test_an_output_that_is_made_anew_is_held_from_then_on(tmp_path: Path) -> None:
    output = tmp_path / "feeds"
    one, other = newsroom(tmp_path / "one", output), newsroom(tmp_path / "other", output)
    found = []

    def make_anew() -> None:
        found.append(may_publish(other))
        shutil.rmtree(output)
        output.mkdir()

    during(one, (5, make_anew), (35, lambda: found.append(may_publish(other))))
    assert found == [False, False]


def test_another_output_in_the_configuration_is_held_and_the_earlier_one_free(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    state = tmp_path / "state"
    others = [newsroom(tmp_path / "other", folder) for folder in (before, after)]
    with OnlyOne(state, before) as hold:
        assert [may_publish(other) for other in others] == [False, True]
        hold.move(after)
        assert [may_publish(other) for other in others] == [True, False]
        with OnlyOne(tmp_path / "third", before), pytest.raises(LockedError):
            hold.move(before)
        assert [may_publish(other) for other in others] == [True, False]


def test_an_output_that_another_holds_meanwhile_is_left_to_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its own publishers must not take the daemon's claim for leave to write there."""
    output = tmp_path / "feeds"
    output.mkdir()
    own = newsroom(tmp_path / "one", output)
    with OnlyOne(own.state, output) as hold:
        assert may_publish(own)
        output.rename(tmp_path / "moved")
        with OnlyOne(tmp_path / "other", output):
            for _ in range(3):
                hold.keep()
            assert not may_publish(own)
        assert len([one for one in caplog.records if "output held by another" in one.message]) == 1
        hold.keep()
        assert may_publish(own)
        assert not may_publish(newsroom(tmp_path / "another", output))


def test_an_output_that_cannot_be_made_does_not_keep_a_daemon_from_its_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here no folder can be")
    config = newsroom(tmp_path / "one", tmp_path / "file" / "feeds")
    assert during(config, end=25).times("wire") == [0, 10, 20]


def test_a_daemon_may_begin_while_its_own_newsroom_publishes(tmp_path: Path) -> None:
    config = newsroom(tmp_path / "one", tmp_path / "feeds")
    other = newsroom(tmp_path / "other", tmp_path / "feeds")
    with publication.locked(config.state, config.publish.output):
        hold = OnlyOne(config.state, config.publish.output)
        hold.__enter__()
        hold.keep()
    hold.__exit__()
    with publication.locked(config.state, config.publish.output):
        hold.__enter__()
    hold.keep()
    assert not may_publish(other)
    assert may_publish(config)
    hold.__exit__()
    assert may_publish(other)


@pytest.mark.parametrize("what", ["state folder", "lock"])
@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_lock_that_was_taken_away_is_taken_anew(tmp_path: Path, what: str, how: str) -> None:
    config = newsroom(tmp_path / "one", tmp_path / "feeds")
    config.publish.output.mkdir()
    gone = config.state if what == "state folder" else config.state / "daemon.lock"
    found: list[object] = []

    def take_away() -> None:
        if how == "moved":
            gone.rename(tmp_path / "elsewhere")
        elif gone.is_dir():
            shutil.rmtree(gone)
        else:
            gone.unlink()

    def look() -> None:
        found.append(holder(config.state))
        found.append(may_publish(config))
        with pytest.raises(LockedError, match="another feedpub daemon"):
            daemon.run(config, publish=FakePublish(FakeClock()))

    publish = during(config, (5, take_away), (35, look))
    assert found[0] is not None
    assert f"process {os.getpid()}" in str(found[0])
    assert found[1] is True
    assert publish.times("wire")[-1] == 100
    if how == "moved":  # what lies there says that no daemon is at work
        moved = tmp_path / "elsewhere"
        assert (moved if moved.is_file() else moved / "daemon.lock").read_bytes() == b""


def test_a_daemon_whose_place_another_has_taken_stops_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = newsroom(tmp_path / "one", tmp_path / "feeds")
    code = "import sys, pathlib\nfrom feedpub.daemon.lock import OnlyOne\n"
    code += f"with OnlyOne(pathlib.Path({str(config.state)!r}), pathlib.Path({str(tmp_path / 'another')!r})):\n    print('here', flush=True)\n    sys.stdin.read()\n"
    others: list[subprocess.Popen[bytes]] = []

    def usurp() -> None:
        config.state.rename(tmp_path / "elsewhere")
        pipe = subprocess.PIPE
        others.append(subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe))
        assert others[0].stdout is not None
        assert others[0].stdout.readline() == b"here\n"
        (config.state / "daemon.json").write_text("{}")

    clock = FakeClock(events=[(5, usurp)])
    publish = FakePublish(clock)
    try:
        with caplog.at_level(logging.ERROR), pytest.raises(LockedError) as caught:
            run_until(100, config, clock, publish)
        assert f"process {others[0].pid} on " in str(caught.value)
        assert any(
            "daemon stops" in one.message and "another feedpub daemon" in one.message
            for one in caplog.records
        )
        assert publish.times("wire") == [0]
        # The state folder is the other's now.
        assert (config.state / "daemon.json").read_text() == "{}"
        assert json.loads((config.state / "daemon.lock").read_text())["pid"] == others[0].pid
    finally:
        others[0].communicate()
