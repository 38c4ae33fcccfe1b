"""kill -9 at random instants while articles come in: what is published is whole after it, with nothing lost or twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from feedpub import cli, config, pipeline
from feedpub.daemon.lock import holder
from tests.articles import markdown

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
SETTINGS = """
[site]
title = "Bridges"
language = "en"
url = "https://news.example/"
[sources.wire]
path = "wire"
every = "1s"
watch = true
[publish]
limit = 5000
archive = false
formats = ["rss", "jsonld"]
feeds_by = ["section"]
"""


class Writer(threading.Thread):
    """An editor who never rests: `titles` are those of the articles that are whole in the folder."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.titles: list[str] = []
        self.done = threading.Event()
        self._chance = chance

    def run(self) -> None:
        while not self.done.wait(0.1):
            number = len(self.titles)
            if number < 400:
                self.write(number, 0)
                self.titles.append(f"Bridge number {number} opens")
            self.write(self._chance.randrange(len(self.titles)), time.monotonic_ns())

    def write(self, number: int, version: int) -> None:
        text = markdown(
            f"Bridge number {number} opens", f"The mayor opened bridge {number}. Version {version}.",
            section=("Town", "Harbour")[number % 2],
        )  # fmt: skip
        aside = self.folder / f".{number}.tmp"
        aside.write_text(text)
        aside.rename(self.folder / f"{number}.md")


def whole(output: Path) -> None:
    """Every file that the manifests list has its hash, and there are no others."""
    root = json.loads((output / "manifest.json").read_bytes())
    files = dict(root["files"])
    for name in root["folders"]:
        files |= json.loads((output / name / "manifest.json").read_bytes())["files"]
    for path, told in files.items():
        assert hashlib.sha256((output / path).read_bytes()).hexdigest() == told["hash"], path
    present = {
        path.relative_to(output).as_posix()
        for path in output.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    endings = {"gzip": ".gz", "br": ".br"}
    twins = {path + endings[coding] for path, told in files.items() for coding in told.get("encodings", {})}
    assert present == files.keys() | twins


def ids(output: Path) -> dict[str, str]:
    """Headline → id of every article in the feed; each is in it once."""
    graph = json.loads((output / "feed.jsonld").read_bytes())["@graph"]
    found = [(node["headline"], node["@id"]) for node in graph if "headline" in node]
    assert len({headline for headline, _ in found}) == len(found)
    assert len({identifier for _, identifier in found}) == len(found)
    return dict(found)


def children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.long)])
def test_killed_at_random_instants_under_load(tmp_path: Path, kills: int) -> None:
    chance = random.Random(kills)
    (tmp_path / "wire").mkdir()
    (tmp_path / "feedpub.toml").write_text(SETTINGS)
    newsroom = config.load(tmp_path / "feedpub.toml")
    output = newsroom.publish.output
    writer = Writer(tmp_path / "wire", chance)
    writer.write(0, 0)
    writer.titles.append("Bridge number 0 opens")
    writer.start()
    known: dict[str, str] = {}
    for kill in range(kills):
        log = (tmp_path / "log").open("w")
        daemon = subprocess.Popen(
            [sys.executable, "-m", "feedpub", "daemon"], cwd=tmp_path, env=ENVIRONMENT, stderr=log, stdout=log
        )
        log.close()
        begun = time.monotonic()
        while "daemon started" not in (tmp_path / "log").read_text():
            assert daemon.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() - begun < 60
            time.sleep(0.01)
        if kill % 4 == 3:  # only the process that refreshes: the daemon begins another
            time.sleep(chance.uniform(0.3, 1.5))
            for child in children(daemon.pid):
                os.kill(child, signal.SIGKILL)
        time.sleep(chance.uniform(0.2, 1.5))
        assert daemon.poll() is None, (tmp_path / "log").read_text()
        daemon.kill()
        daemon.wait()
        assert holder(newsroom.state) is None
        wanted = list(writer.titles)
        refreshed(newsroom)
        whole(output)
        found = ids(output)
        assert set(wanted) <= found.keys(), f"lost after kill {kill}"
        for headline, identifier in found.items():
            assert known.setdefault(headline, identifier) == identifier, f"new twice after kill {kill}"
    writer.done.set()
    writer.join()
    refreshed(newsroom)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert ids(output).keys() == set(writer.titles)
    assert pipeline.publish(newsroom).written == ()
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before


def refreshed(newsroom: config.Config) -> None:
    """One refresh; the killed daemon's own process may need an instant to go."""
    from feedpub.errors import LockedError

    for _ in range(500):
        try:
            report = pipeline.publish(newsroom)
        except LockedError:
            time.sleep(0.02)
            continue
        assert not report.failed, (report.failures, report.sources)
        return
    raise AssertionError("the lock was not let go of")
