"""The daemon as a process: what hangs or crashes is given up, folders are watched, the configuration is taken over."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feedpub import cli, daemonstate
from feedpub.config import load
from feedpub.daemon.lock import OnlyOne
from feedpub.daemon.notify import Watchdog, notify, reloading
from feedpub.daemon.watching import Watching, silent_file_system
from feedpub.reloading import ConfigFile
from tests.articles import markdown

PATIENCE = 60.0
"""Seconds until a test gives up: a machine may be busy, and how long things take is no matter here."""

SITE = '[site]\ntitle = "Bridges"\nlanguage = "en"\nurl = "https://news.example/"\n'
HANGING = """
import os, time
class Hang:
    def __init__(self, config):
        self.config = config
    def changes(self, *arguments, **options):
        if self.config.options.get("crash"):
            os._exit(3)
        time.sleep(3600)
        yield
    def holds(self, place, digest):
        return False
"""


def wait_for(condition: Callable[[], object], what: str = "") -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < PATIENCE, what or "it did not happen"
        time.sleep(0.02)


class Running:
    """A daemon in a folder with a feedpub.toml."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process: subprocess.Popen[str] | None = None

    def configure(self, text: str) -> None:
        (self.root / "feedpub.toml").write_text(SITE + text)

    def write(self, name: str, title: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(markdown(title, f"What {title} tells is this."))

    def start(self, *arguments: str, **environment: str) -> None:
        path = os.pathsep.join([str(Path(cli.__file__).parents[2]), str(self.root)])
        with (self.root / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "feedpub", "daemon", "-v", *arguments],
                cwd=self.root, stdout=log, stderr=log, text=True,
                env={**os.environ, "PYTHONPATH": path, **environment},
            )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "feedpub", *arguments], cwd=self.root, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}, check=False,
        )  # fmt: skip

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    def wait_for_log(self, text: str) -> None:
        wait_for(lambda: text in self.log or self._ended(), f"no {text!r} in\n{self.log}")
        assert text in self.log, self.log

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    @property
    def feed(self) -> str:
        try:
            return (self.root / "feeds" / "feed.xml").read_text()
        except FileNotFoundError:
            return ""

    @property
    def state(self) -> daemonstate.DaemonState:
        found = daemonstate.read(self.root / ".feedpub")
        assert found is not None
        return found

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(15)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.wait()


@pytest.fixture
def plugin(tmp_path: Path) -> None:
    """A kind of source that never answers, or takes its process along."""
    (tmp_path / "hanging.py").write_text(HANGING)
    info = tmp_path / "hanging-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hanging\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[feedpub.sources]\nhanging = hanging:Hang\n")


def test_a_source_that_hangs_is_given_up_and_the_others_go_on(running: Running, plugin: None) -> None:
    running.configure(
        '[sources.mount]\nkind = "hanging"\n[sources.wire]\npath = "wire"\nevery = "1s"\n[daemon]\ndeadline = "6s"\n'
    )
    running.write("wire/a.md", "Article A")
    running.start()
    running.wait_for_log("source failed  source=mount failures=1")
    assert "'mount' got no further for 6 seconds" in running.log
    wait_for(lambda: "Article A" in running.feed)
    running.write("wire/b.md", "Article B")
    wait_for(lambda: "Article B" in running.feed)
    mount, wire = running.state.jobs
    assert (mount.source, mount.failures, wire.failures) == ("mount", 1, 0)
    assert mount.failure is not None
    assert mount.failure.startswith("the source 'mount' got no further")
    assert mount.last_success_at is None
    assert running.end() == 0


def test_a_source_that_takes_its_process_along_costs_only_itself(running: Running, plugin: None) -> None:
    running.configure(
        '[sources.bad]\nkind = "hanging"\ncrash = true\n[sources.wire]\npath = "wire"\nevery = "1s"\n'
    )
    running.write("wire/a.md", "Article A")
    running.start()
    running.wait_for_log("source failed  source=bad failures=1")
    assert "(exit code 3) while it was reading the source 'bad'" in running.log
    wait_for(lambda: "Article A" in running.feed)
    assert running.end() == 0


def test_a_hanging_refresh_does_not_delay_the_end_for_longer_than_the_grace(
    running: Running, plugin: None
) -> None:
    running.configure('[sources.mount]\nkind = "hanging"\n')
    running.start()
    running.wait_for_log("daemon started")
    wait_for(lambda: (running.root / ".feedpub" / "lock").exists())
    running.signal(signal.SIGTERM)
    running.wait_for_log("daemon stopping")
    running.signal(signal.SIGTERM)  # the second one does not wait
    assert running.process is not None
    assert running.process.wait(15) == 0
    assert running.state.jobs[0].running_since is None


def test_a_saved_article_is_published_though_its_timer_is_a_day(running: Running) -> None:
    running.configure(
        '[sources.wire]\npath = "wire"\nevery = "1d"\nwatch = true\n[sources.desk]\npath = "desk"\nevery = "1d"\n'
    )
    running.write("wire/a.md", "Article A")
    running.write("desk/z.md", "Article Z")
    running.start()
    wait_for(lambda: "Article Z" in running.feed)
    running.write("wire/deep/b.md", "Article B")
    wait_for(lambda: "Article B" in running.feed, running.log)
    wait_for(lambda: not any(job.running_since for job in running.state.jobs))
    # Only that source was read again; its regular time stays.
    wire, desk = running.state.jobs
    assert wire.last_run_at is not None
    assert desk.last_run_at is not None
    assert wire.last_run_at > desk.last_run_at
    assert wire.next_at is not None
    assert (wire.next_at - desk.last_run_at).total_seconds() > 86_000
    assert running.end() == 0


def test_a_watched_folder_that_vanishes_is_told_of_and_watched_again_when_it_is_back(
    running: Running,
) -> None:
    running.configure('[sources.wire]\npath = "wire"\nevery = "1d"\nwatch = true\n')
    running.write("wire/a.md", "Article A")
    running.start()
    wait_for(lambda: "Article A" in running.feed)
    (running.root / "wire").rename(running.root / "elsewhere")
    wait_for(lambda: running.state.unwatched)
    assert "is not there, so it is not watched" in running.state.unwatched["wire"]
    assert "Article A" in running.feed  # a folder that is gone withdraws nothing
    (running.root / "elsewhere" / "b.md").write_text(markdown("Article B", "Another text."))
    (running.root / "elsewhere").rename(running.root / "wire")
    wait_for(lambda: "Article B" in running.feed, running.log)
    wait_for(lambda: not running.state.unwatched)
    assert running.end() == 0


def test_sighup_takes_over_a_new_configuration_and_reads_only_what_it_changes(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\nevery = "1d"\n')
    running.write("wire/a.md", "Article A")
    running.write("desk/b.md", "Article B")
    running.start()
    wait_for(lambda: "Article A" in running.feed)
    running.configure(
        '[sources.wire]\npath = "wire"\nevery = "daily at 06:30"\n[sources.desk]\npath = "desk"\nevery = "2h"\n'
    )
    running.signal(signal.SIGHUP)
    wait_for(lambda: "Article B" in running.feed, running.log)
    wait_for(lambda: running.state.jobs[-1].last_success_at)
    wire, desk = running.state.jobs
    assert (wire.every, desk.every) == ("daily at 06:30", "2h")
    assert wire.next_at is not None
    assert wire.next_at.strftime("%H:%M") == "06:30"
    assert running.log.count("refresh finished  sources=wire") == 1
    assert running.log.count("refresh finished  sources=desk") == 1
    running.configure('[sources.desk]\npath = "desk"\nevery = "2h"\n')
    running.signal(signal.SIGHUP)
    wait_for(lambda: len(running.state.jobs) == 1)
    assert running.end() == 0


def test_a_wrong_configuration_keeps_the_old_one_and_says_so(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\nevery = "1s"\n')
    running.write("wire/a.md", "Article A")
    running.start()
    wait_for(lambda: "Article A" in running.feed)
    running.configure('[sources.wire]\npath = "wire"\nevery = "sometimes"\n')
    running.signal(signal.SIGHUP)
    wait_for(lambda: running.state.notice)
    assert running.state.notice is not None
    assert "the earlier one goes on" in running.state.notice
    assert "sources.wire.every" in running.state.notice
    assert "configuration refused" in running.log
    for command in ("next", "status", "alarms"):
        told = running.run(command)
        assert "sources.wire.every" in told.stdout + told.stderr, command
    running.write("wire/b.md", "Article B")
    wait_for(lambda: "Article B" in running.feed)
    running.configure('[sources.wire]\npath = "wire"\nevery = "1s"\n')
    running.signal(signal.SIGHUP)
    wait_for(lambda: running.state.notice is None)
    assert running.end() == 0


def test_the_file_is_noticed_by_its_content_and_not_by_its_time_alone(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\n')
    path = running.root / "feedpub.toml"
    file = ConfigFile(load(path))
    os.utime(path, (1, 1))
    assert file.changed() is None
    running.configure('[sources.wire]\npath = "wire"\nevery = "2h"\n')
    found = file.changed()
    assert found is not None
    assert found.sources[0].every.text == "2h"
    assert file.changed() is None
    path.unlink()
    assert file.changed() is None
    assert file.notice is not None
    running.configure('[sources.wire]\npath = "wire"\nevery = "2h"\n[store]\npath = "elsewhere"\n')
    assert file.changed() is None
    assert file.notice is not None
    assert "Stop it and start it again" in file.notice


def test_an_output_that_another_daemon_serves_is_not_taken_over(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\n')
    running.write("wire/a.md", "Article A")
    running.start()
    wait_for(lambda: "Article A" in running.feed)
    with OnlyOne(running.root / "other", running.root / "elsewhere"):
        running.configure('[publish]\noutput = "elsewhere"\n[sources.wire]\npath = "wire"\n')
        running.signal(signal.SIGHUP)
        wait_for(lambda: running.state.notice)
        assert "of another newsroom with the same output" in (running.state.notice or "")
        assert "the earlier one goes on" in (running.state.notice or "")
    running.signal(signal.SIGHUP)
    wait_for(lambda: (running.root / "elsewhere" / "feed.xml").exists())
    assert running.end() == 0


def test_a_copied_newsroom_cannot_publish_over_the_output_of_a_daemon_that_runs(
    running: Running,
) -> None:
    text = '[sources.wire]\npath = "wire"\n'
    running.configure(text)
    running.write("wire/a.md", "Article A")
    running.start()
    running.wait_for_log("refresh finished")
    before = running.feed
    copy = running.root / "copy"
    (copy / "wire").mkdir(parents=True)
    (copy / "feedpub.toml").write_text(f'{SITE}[publish]\noutput = "../feeds"\n{text}')
    for options in ([], ["--yes"]):
        said = io.StringIO()
        arguments = ["publish", "--config", str(copy / "feedpub.toml"), *options]
        assert cli.run(arguments, io.StringIO(), said) == 1
        assert "another feedpub publishes there, of another newsroom with the same output" in said.getvalue()
        assert running.process is not None
        assert sys.platform != "linux" or f"process {running.process.pid} on " in said.getvalue()
    assert running.feed == before
    # A person may publish beside the daemon, which goes on.
    arguments = ["publish", "--config", str(running.root / "feedpub.toml")]
    assert cli.run(arguments, io.StringIO(), io.StringIO()) == 0
    assert running.end() == 0
    assert not [path for path in (running.root / "feeds").iterdir() if path.name.startswith(".")]


def test_an_output_that_cannot_be_written_is_an_alarm_until_it_can(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\nevery = "1s"\n[alarms]\nfree = 1\n')
    running.write("wire/a.md", "Article A")
    running.start()
    wait_for(lambda: "Article A" in running.feed)
    assert running.run("alarms").returncode == 0
    folder = running.root / "feeds" / "articles"
    folder.rename(running.root / "feeds" / "aside")
    folder.write_text("a file where a folder must be")
    running.write("wire/b.md", "Article B")
    wait_for(lambda: running.state.blocked, running.log)
    told = json.loads(running.run("alarms", "--json").stdout)["alarms"]
    assert [alarm["key"] for alarm in told] == ["output-failing:output"]
    assert str(folder) in told[0]["message"]
    assert "Article B" not in running.feed
    folder.unlink()
    (running.root / "feeds" / "aside").rename(folder)
    wait_for(lambda: "Article B" in running.feed, running.log)
    wait_for(lambda: running.state.blocked is None)
    assert running.run("alarms").returncode == 0
    assert running.end() == 0


def test_a_refresh_whose_process_is_killed_is_completed_by_the_next_one(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\nevery = "1s"\n[publish]\nlimit = 1000\n')
    running.write("wire/first.md", "Article first")
    running.start()
    wait_for(lambda: "Article first" in running.feed)
    for number in range(150):
        running.write(f"wire/{number}.md", f"Article {number:03}")
    wait_for(lambda: running.state.jobs[0].running_since)
    assert running.process is not None
    task = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    (child,) = map(int, task.read_text().split())
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: all(f"Article {number:03}" in running.feed for number in range(150)), running.log)
    titles = re.findall(r"<title>(Article \d{3})</title>", running.feed)
    assert len(titles) == len(set(titles)) == 150
    wait_for(lambda: sum(map(int, re.findall(r" new=(\d+)", running.log))) == 151)
    assert running.end() == 0


@pytest.mark.parametrize(("path", "code"), [("wire", 0), ("not-there", 1)])
def test_once_refreshes_everything_once_and_leaves_with_the_exit_code_of_publish(
    running: Running, path: str, code: int
) -> None:
    running.configure(f'[sources.wire]\npath = "{path}"\n[sources.desk]\npath = "desk"\n')
    running.write("wire/a.md", "Article A")
    running.write("desk/b.md", "Article B")
    running.start("--once")
    assert running.process is not None
    assert running.process.wait(PATIENCE) == code
    assert "Article B" in running.feed
    assert running.log.count("refresh finished") == 1


# systemd


def test_systemd_hears_when_the_daemon_is_ready_turns_and_stops(running: Running, plugin: None) -> None:
    """The watchdog too while a refresh takes long, since the loop watches over it."""
    address = str(running.root / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(PATIENCE)
        running.configure('[sources.mount]\nkind = "hanging"\n[daemon]\ndeadline = "6s"\n')
        running.start(NOTIFY_SOCKET=address, WATCHDOG_USEC="1000000")
        said: list[str] = []

        def hear(line: str) -> None:
            while line not in said:
                said.extend(heard.recv(4096).decode().splitlines())

        hear("READY=1")
        hear("STATUS=Refreshing mount")
        del said[:]
        hear("WATCHDOG=1")
        del said[:]
        hear("WATCHDOG=1")
        running.signal(signal.SIGHUP)
        running.wait_for_log("source failed  source=mount")
        hear("RELOADING=1")
        hear("READY=1")
        running.signal(signal.SIGTERM)
        hear("STOPPING=1")
        assert running.process is not None
        assert running.process.wait(15) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the abstract namespace is Linux's")
def test_a_name_in_the_abstract_namespace_is_told_too() -> None:
    name = f"feedpub-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name)
        heard.settimeout(PATIENCE)
        assert notify("READY=1", "STATUS=x", environment={"NOTIFY_SOCKET": "@" + name})
        assert heard.recv(100) == b"READY=1\nSTATUS=x"
        reloading({"NOTIFY_SOCKET": "@" + name})
        first, second = heard.recv(200).decode().split("\n")
        assert first == "RELOADING=1"
        assert second.removeprefix("MONOTONIC_USEC=").isdigit()


def test_without_systemd_nothing_is_told(tmp_path: Path) -> None:
    assert not notify("READY=1", environment={})
    assert not notify("READY=1", environment={"NOTIFY_SOCKET": "vsock:2:1234"})
    assert not notify("READY=1", environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert Watchdog({}).seconds is None
    assert Watchdog({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).seconds is None
    assert Watchdog({"WATCHDOG_USEC": "30000000"}).seconds == 15
    assert Watchdog({"WATCHDOG_USEC": "often"}).seconds is None


# Watching


def test_what_editors_leave_beside_an_article_is_no_change(tmp_path: Path) -> None:
    woken = threading.Event()
    (tmp_path / "wire").mkdir()
    (tmp_path / "wire" / "feeds").mkdir()
    (tmp_path / "feedpub.toml").write_text(
        '[sources.wire]\npath = "wire"\nwatch = true\nexclude = ["feeds/**"]\n[publish]\noutput = "wire/feeds"\n'
    )
    config = load(tmp_path / "feedpub.toml")
    watching = Watching(woken.set)
    try:
        watching.configure(config.sources, but=(config.publish.output, config.state))
        seen: set[str] = set()

        def changed() -> bool:
            seen.update(watching.take())
            return bool(seen)

        def touch() -> bool:  # until the watch has begun
            (tmp_path / "wire" / "first.md").write_text(str(time.monotonic_ns()))
            time.sleep(0.1)
            return changed()

        wait_for(touch)
        time.sleep(1.5)  # whatever that caused is over
        watching.take()
        woken.clear()
        for name in (
            ".a.md.swp",
            "a.md~",
            "4913",
            "#a.md#",
            ".#a.md",
            "~$a.docx",
            "a.tmp",
            "feeds/feed.xml",
            ".git/x",
        ):
            path = tmp_path / "wire" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
        time.sleep(1.5)
        assert watching.take() == set()
        assert not woken.is_set()
        (tmp_path / "wire" / "a.md").write_text("x")
        assert woken.wait(PATIENCE)
        wait_for(changed)
    finally:
        watching.close()
    assert seen == {"wire"}


def test_a_file_system_that_tells_nothing_is_known_by_its_type(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        "90 22 0:45 / /mnt/the\\040desk rw,relatime shared:1 - nfs4 server:/desk rw\n"
        "91 22 0:46 / /mnt/the\\040desk/local rw - xfs /dev/sdb rw\n"
        "92 22 0:47 / /srv/remote rw - fuse.sshfs me@there: rw\n"
    )
    assert silent_file_system(Path("/mnt/the desk/articles"), mounts) == "nfs4"
    assert silent_file_system(Path("/mnt/the desk/local/articles"), mounts) is None
    assert silent_file_system(Path("/srv/remote"), mounts) == "fuse.sshfs"
    assert silent_file_system(Path("/srv/remotely"), mounts) is None
    assert silent_file_system(tmp_path, tmp_path / "no such file") is None


def test_the_state_is_json_that_others_can_read(running: Running) -> None:
    running.configure('[sources.wire]\npath = "wire"\n')
    running.write("wire/a.md", "Article A")
    running.start()
    wait_for(lambda: "Article A" in running.feed)
    wait_for(lambda: running.state.jobs[0].last_success_at)
    said = json.loads((running.root / ".feedpub" / "daemon.json").read_bytes())
    assert running.process is not None
    assert said["pid"] == running.process.pid
    assert [job["source"] for job in said["jobs"]] == ["wire"]
    assert running.end() == 0
