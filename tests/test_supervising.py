"""`feedpub up`: two processes side by side, begun again when one ends, ended together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.articles import markdown
from tests.test_daemon import free_port

LONG = 30.0
"""Seconds after which waiting is given up."""

Start = Callable[[dict[str, list[str]]], "subprocess.Popen[str]"]

SUPERVISE = """
import json, logging, sys
from feedpub import supervising
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
supervising.FIRST_PAUSE_SECONDS = 0.2
supervising.GRACE_SECONDS = 2.0
commands = json.loads(sys.argv[1])
code = supervising.supervise(commands, started=lambda ids: print(json.dumps(ids), flush=True))
sys.exit(code)
"""
SLEEP = "import time; time.sleep(600)"
NOTE = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).open('a').write('.'); "


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def start(commands: dict[str, list[str]]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            python(SUPERVISE, json.dumps(commands)),
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "log").open("w"),
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def ids(process: subprocess.Popen[str]) -> dict[str, int]:
    assert process.stdout is not None
    found: dict[str, int] = json.loads(process.stdout.readline())
    return found


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def has_started(path: Path, times: int) -> bool:
    return path.exists() and len(path.read_text()) == times


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_and_the_code_is_0(supervise: Start, number: signal.Signals) -> None:
    process = supervise({"daemon": python(SLEEP), "server": python(SLEEP)})
    found = ids(process)
    assert found.keys() == {"daemon", "server"}
    assert all(lives(pid) for pid in found.values())
    process.send_signal(number)
    assert process.wait(LONG) == 0
    assert not any(lives(pid) for pid in found.values())


def test_who_does_not_hear_is_killed(supervise: Start, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + NOTE + "time.sleep(600)"
    process = supervise({"daemon": python(deaf, ready)})
    found = ids(process)
    until(ready.exists)
    process.terminate()
    assert process.wait(LONG) == 0
    assert not lives(found["daemon"])
    assert "killed  process=daemon" in (tmp_path / "log").read_text()


def test_one_that_is_killed_begins_again_and_the_other_does_not_notice(
    supervise: Start, tmp_path: Path
) -> None:
    count = tmp_path / "starts"
    process = supervise({"daemon": python(NOTE + "time.sleep(600)", count), "server": python(SLEEP)})
    found = ids(process)
    for number in (1, 2, 3):
        until(partial(has_started, count, number))
        log = (tmp_path / "log").read_text()
        newest = int(log.split("process=daemon pid=")[-1].split()[0])
        os.kill(newest, signal.SIGKILL)
    until(partial(has_started, count, 4))
    assert lives(found["server"])
    log = (tmp_path / "log").read_text()
    assert [log.count(f"again_in_seconds={pause}") for pause in ("0.2", "0.4", "0.8")] == [1, 1, 1]


def test_one_that_cannot_work_ends_the_other_and_its_code_is_returned(supervise: Start) -> None:
    process = supervise({"daemon": python(SLEEP), "server": python("import sys; sys.exit(2)")})
    found = ids(process)
    assert process.wait(LONG) == 2
    assert not lives(found["daemon"])


def test_sighup_is_passed_on_and_ends_nobody_who_does_not_heed_it(supervise: Start, tmp_path: Path) -> None:
    heard, ready = tmp_path / "heard", tmp_path / "ready"
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGHUP, lambda *_: pathlib.Path(sys.argv[2]).touch())\n"
        "pathlib.Path(sys.argv[1]).touch()\ntime.sleep(600)"
    )
    process = supervise({"daemon": python(code, ready, heard), "server": python(SLEEP)})
    found = ids(process)
    until(ready.exists)
    process.send_signal(signal.SIGHUP)
    until(heard.exists)
    assert process.poll() is None
    assert lives(found["server"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_killed_it_leaves_nothing_behind(supervise: Start) -> None:
    process = supervise({"daemon": python(SLEEP), "server": python(SLEEP)})
    found = ids(process)
    process.kill()
    until(lambda: not any(lives(pid) for pid in found.values()))


def test_up_publishes_and_serves_and_brings_back_what_was_killed(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "1.md").write_text(markdown("Bridge opens", "It opened today."))
    (tmp_path / "feedpub.toml").write_text(
        f'[site]\ntitle = "Bridges"\nlanguage = "en"\nurl = "http://127.0.0.1:{port}/"\n'
        '[sources.articles]\npath = "articles"\nevery = "1s"\n'
    )
    command = [sys.executable, "-m", "feedpub", "up", "--port", str(port), "--json"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):

        def serves(headline: str) -> bool:
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                return headline in client.get("/feed.xml").text
            except httpx.TransportError:
                return False

        try:
            assert process.stdout is not None
            said = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            assert said["address"] == f"http://127.0.0.1:{port}/"
            until(lambda: serves("Bridge opens"))
            for name in ("server", "daemon"):
                os.kill(said["processes"][name], signal.SIGKILL)
            (tmp_path / "articles" / "2.md").write_text(markdown("Bridge closes", "It closed today."))
            until(lambda: serves("Bridge closes"))
            process.terminate()
            assert process.wait(LONG) == 0
        finally:
            process.kill()


def test_up_that_cannot_listen_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "feedpub.toml").write_text(
        '[site]\ntitle = "Bridges"\n[sources.articles]\npath = "articles"\n'
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "feedpub", "up", "--port", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
