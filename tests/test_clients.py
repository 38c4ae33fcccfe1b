"""Programs that people subscribe with read the example newsroom as it was meant: newsboat, sfeed, khal, Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import feedparser
import html5lib
import pytest

from feedpub import pipeline
from feedpub.config import load
from tests.conftest import NOW, ROOT


class _Quiet(SimpleHTTPRequestHandler):
    """Plain files as any web server hands them out."""

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example newsroom, published into a folder."""
    root = tmp_path_factory.mktemp("clients")
    shutil.copytree(
        ROOT / "examples" / "newsroom", root / "newsroom", ignore=shutil.ignore_patterns(".feedpub")
    )
    path = root / "newsroom" / "feedpub.toml"
    path.write_text(path.read_text("utf-8").replace('output = "../../feeds"', 'output = "../feeds"'), "utf-8")
    report = pipeline.publish(load(path), now=NOW.replace(year=2026, month=11, day=25))
    assert report.failures == ()
    return root / "feeds"


@pytest.fixture(scope="module")
def address(published: Path) -> Iterator[str]:
    """Where a web server serves it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(published)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def listed(published: Path, name: str) -> list[tuple[str, str]]:
    """Title and address of every item as feedparser reads them."""
    parsed = feedparser.parse((published / name).read_bytes())
    assert len(parsed.entries) == 47
    return sorted((" ".join(entry.title.split()), entry.link) for entry in parsed.entries)


@pytest.mark.tool("newsboat")
@pytest.mark.parametrize("name", ["feed.xml", "feed.atom"])
def test_newsboat_lists_the_same_items(published: Path, address: str, tmp_path: Path, name: str) -> None:
    (tmp_path / "urls").write_text(f"{address}/{name}\n")
    (tmp_path / "config").write_text("max-items 0\n")
    command = [
        "newsboat", "-u", str(tmp_path / "urls"), "-C", str(tmp_path / "config"), "-c", str(tmp_path / "cache.db"),
        "-x", "reload",
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm", "LANG": "C.UTF-8"}
    for _ in range(2):  # a second time nothing is new
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=60)
        with sqlite3.connect(tmp_path / "cache.db") as store:
            rows = store.execute("SELECT title, url FROM rss_item WHERE deleted = 0").fetchall()
        assert sorted((" ".join(title.split()), url) for title, url in rows) == listed(published, name)


@pytest.mark.tool("sfeed")
@pytest.mark.parametrize("name", ["feed.xml", "feed.atom"])
def test_sfeed_lists_the_same_items(published: Path, name: str) -> None:
    done = subprocess.run(
        ["sfeed"], input=(published / name).read_bytes(), check=True, capture_output=True, timeout=60
    )
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert sorted((" ".join(row[1].split()), row[2]) for row in rows) == listed(published, name)
    # Field 1 is the time, 6 the id: https://codemadness.org/sfeed-simple-feed-parser.html
    assert all(row[5] for row in rows)
    assert sum(not row[0] for row in rows) <= 1, "one article states no date"


def test_khal_lists_the_coming_events(published: Path, tmp_path: Path) -> None:
    (tmp_path / "calendar").mkdir()
    (tmp_path / "config").write_text(
        f"[calendars]\n[[post]]\npath = {tmp_path / 'calendar'}\ntype = calendar\n"
        "[locale]\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\nlocal_timezone = Europe/London\n"
        f"[sqlite]\npath = {tmp_path / 'khal.db'}\n"
    )
    khal = [sys.executable, "-m", "khal", "-c", str(tmp_path / "config")]
    environment = {**os.environ, "HOME": str(tmp_path), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    run = partial(subprocess.run, check=True, env=environment, capture_output=True, text=True, timeout=60)
    run([*khal, "import", "--batch", "-a", "post", str(published / "events.ics")])
    shown = run(
        [*khal, "list", "--format", "{start-date} {title}", "--day-format", "", "2026-12-01", "2027-07-01"]
    )
    lines = {line.strip() for line in shown.stdout.splitlines() if line.strip()}
    for wanted in (
        "2026-12-04 Switching on of the Winter Lights",
        "2026-12-11 Lantern raft race",
        "2027-06-18 Harwick Tall Ships 2027",
    ):
        assert any(line.startswith(wanted) for line in lines), (wanted, lines)


@pytest.mark.tool("chromium", "chromium-browser", "google-chrome")
@pytest.mark.parametrize("kind", ["index.html", "article", "event", "section"])
def test_a_browser_shows_pages_without_a_script_or_an_outside_request(
    published: Path, address: str, tmp_path: Path, kind: str
) -> None:
    paths = {
        "article": next(p for p in sorted((published / "articles/2026").rglob("*.html")) if b"<img" in p.read_bytes()),
        "event": next(iter(sorted((published / "events/2027").rglob("*.html")))),
        "section": published / "sections/harbour/index.html",
        "index.html": published / "index.html",
    }  # fmt: skip
    path = paths[kind]
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    log = tmp_path / "net.json"
    done = subprocess.run(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", "--enable-logging=stderr",
            "--virtual-time-budget=2000", "--dump-dom", f"{address}/{path.relative_to(published).as_posix()}",
        ],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    shown = html5lib.parse(done.stdout, namespaceHTMLElements=False)
    source = html5lib.parse(path.read_text("utf-8"), namespaceHTMLElements=False)
    headings = [" ".join("".join(h.itertext()).split()) for h in shown.iter("h1")]
    assert headings == [" ".join("".join(h.itertext()).split()) for h in source.iter("h1")]
    assert len(headings) == 1
    assert not re.search("CONSOLE.*(?:error|violat|refused)", done.stderr, re.IGNORECASE), done.stderr
    events = [event.get("params", {}) for event in json.loads(log.read_text("utf-8", "replace"))["events"]]
    assert any(event.get("url", "").startswith(f"{address}/") for event in events), "the page itself"
    # What the browser asks for by itself has no web page behind it.
    asked = {event["url"] for event in events if str(event.get("initiator", "")).startswith("http")}
    assert (kind == "article") <= bool(asked)
    assert {url for url in asked if not url.startswith(f"{address}/")} == set()
