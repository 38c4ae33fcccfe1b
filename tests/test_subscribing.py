"""Programs that people and services subscribe with follow the server: what is unchanged costs them nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest

from feedpub import pipeline
from tests.articles import markdown
from tests.served import EXAMPLE_TIME, Served, served

ARTICLES = 47
"""In the example newsroom, by its README."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as found:
        yield found


def publish_one_more(site: Served) -> None:
    (folder,) = (source.path for source in site.config.sources if source.name == "desk")
    assert folder is not None
    event = "events:\n  - name: Bell ringing\n    startDate: 2026-12-05\n    location: Harwick"
    text = markdown("The bell is back", "It hangs again.").replace("\n---\n", f"\n{event}\n---\n", 1)
    (folder / "community" / "bell.md").write_text(text)
    assert pipeline.publish(site.config, now=EXAMPLE_TIME).failures == ()


@pytest.mark.tool("newsboat")
@pytest.mark.parametrize("name", ["feed.xml", "feed.atom"])
def test_newsboat_gets_304_once_it_knows_the_feed(site: Served, tmp_path: Path, name: str) -> None:
    """It keeps ETag and date of feeds that it knows already, so not of the one that it reads for the first time."""
    (tmp_path / "urls").write_text(f"{site.url}{name}\n")
    (tmp_path / "config").write_text("max-items 0\n")
    command = ["newsboat", "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload"]
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm", "LANG": "C.UTF-8"}
    for _ in range(3):
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=60, cwd=tmp_path)
    assert site.statuses(f"/{name}") == [200, 200, 304]
    publish_one_more(site)
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=60, cwd=tmp_path)
    assert site.statuses(f"/{name}") == [200, 200, 304, 200]
    assert all(agent.startswith("newsboat") for _, _, agent in site.answers)


@pytest.mark.parametrize("name", ["feed.xml", "feed.atom", "feed.json"])
def test_reader_subscribes_updates_and_sees_nothing_twice(site: Served, tmp_path: Path, name: str) -> None:
    make_reader = pytest.importorskip("reader").make_reader
    reader = make_reader(str(tmp_path / "reader.sqlite"))
    url = f"{site.url}{name}"
    reader.add_feed(url)
    reader.update_feed(url)
    assert reader.get_entry_counts().total == ARTICLES
    reader.update_feed(url)
    assert site.statuses(f"/{name}") == [200, 304]
    for entry in reader.get_entries():
        reader.mark_entry_as_read(entry)
    publish_one_more(site)
    reader.update_feed(url)
    assert [entry.title for entry in reader.get_entries(read=False)] == ["The bell is back"]
    reader.close()


def test_feedparser_gets_304_by_etag_and_by_date(site: Served) -> None:
    first = feedparser.parse(f"{site.url}feed.xml")
    assert (first.status, first.bozo, len(first.entries)) == (200, False, ARTICLES)
    assert feedparser.parse(f"{site.url}feed.xml", etag=first.etag).status == 304


@pytest.mark.tool("curl")
def test_curl_keeps_the_etag_and_asks_no_more_than_it_needs(site: Served, tmp_path: Path) -> None:
    def fetch(path: str, *options: str) -> str:
        command = ["curl", "--silent", "--show-error", "--fail", *options, "--write-out", "%{http_code}"]
        command += ["--output", str(tmp_path / "out"), f"{site.url}{path}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    etag = str(tmp_path / "etag")
    assert fetch("feed.jsonld", "--etag-save", etag) == "200"
    assert (tmp_path / "out").read_bytes() == (site.output / "feed.jsonld").read_bytes()
    assert fetch("feed.jsonld", "--etag-compare", etag) == "304"
    assert fetch("feed.jsonld", "--compressed") == "200"
    assert (tmp_path / "out").read_bytes() == (site.output / "feed.jsonld").read_bytes()


def test_vdirsyncer_and_khal_follow_the_calendar(site: Served, tmp_path: Path) -> None:
    pytest.importorskip("vdirsyncer")
    calendar = tmp_path / "calendar"
    (tmp_path / "sync").write_text(
        f'[general]\nstatus_path = "{tmp_path / "status"}"\n'
        '[pair harbour]\na = "here"\nb = "there"\ncollections = null\nconflict_resolution = "b wins"\n'
        f'[storage here]\ntype = "filesystem"\npath = "{calendar}"\nfileext = ".ics"\n'
        f'[storage there]\ntype = "http"\nurl = "{site.url}events.ics"\nread_only = true\n'
    )
    (tmp_path / "khal").write_text(
        f"[calendars]\n[[post]]\npath = {calendar}\ntype = calendar\n[locale]\ntimeformat = %H:%M\n"
        "dateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\n"
        "longdatetimeformat = %Y-%m-%d %H:%M\nlocal_timezone = Europe/London\n"
        f"[sqlite]\npath = {tmp_path / 'khal.db'}\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shown() -> set[str]:
        run("vdirsyncer", "-c", str(tmp_path / "sync"), "sync")
        listed = run(
            *("khal", "-c", str(tmp_path / "khal"), "list", "--format", "{start-date} {title}"),
            *("--day-format", "", "2026-12-01", "2026-12-31"),
        )
        return {line.strip() for line in listed.splitlines() if line.strip()}

    calendar.mkdir()
    run("vdirsyncer", "-c", str(tmp_path / "sync"), "discover")
    first = shown()
    assert any(re.fullmatch("2026-12-11 Lantern raft race.*", line) for line in first)
    publish_one_more(site)
    assert shown() - first == {"2026-12-05 Bell ringing"}
