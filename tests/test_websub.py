"""Hubs hear of a change once it can be read, and again until they have heard."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from feedpub import publication, websub
from feedpub.config import FeedConfig
from tests.articles import markdown
from tests.conftest import NOW, Newsroom

SITE = "https://news.example/"
FEEDS = [f"{SITE}feed.atom", f"{SITE}feed.json", f"{SITE}feed.xml"]


@dataclass
class Hub:
    """A hub on loopback: answers with `status`, and notes each ping with what `look` sees at that moment."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pings: list[dict[str, list[str]]] = field(default_factory=list)
    agents: list[str | None] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    look: Callable[[str], Any] = lambda topic: None
    url: str = ""

    @property
    def topics(self) -> list[str]:
        return sorted(ping["hub.url"][0] for ping in self.pings)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            with lock:
                hub.pings.append(form)
                hub.agents.append(self.headers["User-Agent"])
                hub.seen.append(hub.look(form["hub.url"][0]))
            assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
            self.send_response(hub.status)
            for name, value in hub.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(hub.body)))
            self.end_headers()
            self.wfile.write(hub.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}/hub"
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told(newsroom: Newsroom, hub: Hub) -> Newsroom:
    """A newsroom with a hub that has heard of the first article."""
    newsroom.configure(publish=replace(newsroom.config.publish, hubs=(hub.url,)))
    newsroom.write("1.md", markdown("Bridge opens", "It opened today."))
    newsroom.publish()
    assert hub.topics == FEEDS
    hub.pings.clear()
    return newsroom


def add(newsroom: Newsroom, number: int = 2) -> None:
    newsroom.write(f"{number}.md", markdown(f"Report {number}", f"This is matter {number}."))


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_ping_is_a_form_with_mode_and_address_sent_when_the_new_feed_can_be_read(
    told: Newsroom, hub: Hub
) -> None:
    hub.look = lambda topic: b"Report 2" in told.read(topic.removeprefix(SITE))
    add(told)
    report = told.publish(now=later(60))
    assert hub.topics == FEEDS
    assert hub.seen[-3:] == [True, True, True]
    assert hub.pings[0]["hub.mode"] == ["publish"]
    assert all(ping["hub.topic"] == ping["hub.url"] for ping in hub.pings)
    assert hub.agents[-1] is not None
    assert SITE in hub.agents[-1]
    assert (report.retry_at, report.notices) == (None, ())


def test_only_feeds_that_changed_are_told_of_and_archive_pages_never(told: Newsroom, hub: Hub) -> None:
    told.configure(feeds=(FeedConfig(limit=10), FeedConfig("arts", formats=("rss",), limit=10)))
    told.publish(now=later(1))
    hub.pings.clear()
    told.publish(now=later(2))
    assert hub.pings == []
    for number in range(2, 14):
        add(told, number)
    report = told.publish(now=later(3))
    assert any(path.startswith("archives/") for path in report.written)
    assert hub.topics == sorted([*FEEDS, f"{SITE}arts/feed.xml"])


def test_a_hub_in_trouble_is_told_again_and_again_at_growing_intervals(told: Newsroom, hub: Hub) -> None:
    hub.status = 500
    add(told)
    report = told.publish(now=later(0))
    waits = []
    now = NOW
    for _ in range(11):
        assert report.retry_at is not None
        waits.append((report.retry_at - now).total_seconds())
        assert told.publish(now=report.retry_at - timedelta(seconds=1), only=()).retry_at == report.retry_at
        now = report.retry_at
        hub.pings.clear()
        report = told.publish(now=now, only=())
        assert hub.topics == FEEDS
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert "answered 500" in report.notices[0]
    hub.status = 200
    hub.pings.clear()
    assert told.publish(now=report.retry_at, only=()).retry_at is None
    assert hub.topics == FEEDS


def test_after_a_day_it_is_given_up_with_a_remark(told: Newsroom, hub: Hub) -> None:
    hub.status = 503
    add(told)
    told.publish(now=later(0))
    report = told.publish(now=later(86_400 - 30), only=())
    assert report.retry_at == later(86_400)
    report = told.publish(now=later(86_400), only=())
    assert report.retry_at is None
    assert any("not told again of this change" in notice for notice in report.notices)


@pytest.mark.parametrize("status", [301, 400, 404, 410])
def test_who_declines_is_not_asked_again(told: Newsroom, hub: Hub, status: int) -> None:
    hub.status = status
    hub.headers = {"Location": hub.url}
    add(told)
    report = told.publish(now=later(60))
    assert hub.topics == FEEDS  # and no redirect was followed
    assert report.retry_at is None
    assert f"answered {status}" in report.notices[0]
    assert "publish.hubs" in report.notices[0]
    assert not report.failed


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("7", 15), ("soon", 15), ("9" * 40, None), ("", 15)]
)
def test_a_hub_may_say_when_to_come_again(told: Newsroom, hub: Hub, value: str, seconds: int | None) -> None:
    hub.status, hub.headers = 429, {"Retry-After": value}
    add(told)
    report = told.publish(now=later(0))
    assert report.retry_at == (later(seconds) if seconds else later(86_400))


def test_a_hub_that_cannot_be_reached_costs_nothing_but_a_remark(told: Newsroom, hub: Hub) -> None:
    dead = "http://127.0.0.1:9/"
    told.configure(publish=replace(told.config.publish, hubs=(dead, hub.url)))
    add(told)
    report = told.publish(now=later(60))
    assert b"Report 2" in told.read("feed.xml")
    assert hub.topics == FEEDS
    assert report.retry_at == later(75)
    assert len(report.notices) == 3
    assert all(dead in notice for notice in report.notices)
    told.configure(publish=replace(told.config.publish, hubs=(hub.url,)))
    assert told.publish(now=later(100), only=()).retry_at is None  # what is configured no more is forgotten


def test_what_a_crash_cut_short_is_told_at_the_next_refresh(
    told: Newsroom, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(websub, "_tell", killed)
        add(told)
        with pytest.raises(KeyboardInterrupt):
            told.publish(now=later(60))
    assert hub.pings == []
    told.publish(now=later(120))
    assert hub.topics == FEEDS


def test_a_change_during_the_telling_is_told_too(
    told: Newsroom, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = websub._tell

    def tell_and_change(*arguments: Any) -> Any:
        monkeypatch.setattr(websub, "_tell", tell)
        found = tell(*arguments)
        monkeypatch.setattr(websub, "deliver", lambda *_: websub.Delivery())
        add(told, 3)
        told.publish(now=later(61))
        monkeypatch.undo()
        return found

    monkeypatch.setattr(websub, "_tell", tell_and_change)
    add(told)
    report = told.publish(now=later(60))
    assert report.retry_at == later(61)
    hub.pings.clear()
    told.publish(now=later(62), only=())
    assert hub.topics == FEEDS


def test_while_somebody_else_publishes_the_hubs_are_told_and_told_once_more(
    told: Newsroom, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = told.config
    tell = websub._tell

    def tell_locked(*arguments: Any) -> Any:
        found = tell(*arguments)
        lock = publication.locked(config.state, config.publish.output)
        lock.__enter__()
        holders.append(lock)
        return found

    holders: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(websub, "_tell", tell_locked)
        add(told)
        report = told.publish(now=later(60))
    holders[0].__exit__(None, None, None)
    assert report.retry_at == later(60)
    assert told.publish(now=later(70), only=()).retry_at is None
    assert hub.topics == sorted(FEEDS * 2)


def test_a_hub_that_never_stops_answering_is_not_listened_to(told: Newsroom, hub: Hub) -> None:
    hub.body = b"x" * 5_000_000
    add(told)
    assert told.publish(now=later(60)).retry_at is None


def test_without_hubs_nothing_is_noted(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.write("1.md", markdown("Bridge opens", "It opened today."))
    assert newsroom.publish().retry_at is None


def test_the_daemon_tells_hubs_of_an_article_as_soon_as_it_is_saved(tmp_path: Path, hub: Hub) -> None:
    """Its timer would look an hour later: that somebody saved something is noticed at once."""
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "1.md").write_text(markdown("Bridge opens", "It opened today."))
    (tmp_path / "feedpub.toml").write_text(
        f'[site]\ntitle = "Bridges"\nlanguage = "en"\nurl = "{SITE}"\n[publish]\nhubs = ["{hub.url}"]\n'
        '[sources.articles]\npath = "articles"\nevery = "1h"\nwatch = true\n'
    )
    hub.look = lambda topic: b"Bridge closes" in (tmp_path / "feeds" / topic.removeprefix(SITE)).read_bytes()
    command = [sys.executable, "-m", "feedpub", "daemon"]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, cwd=tmp_path, stderr=log) as daemon:
        try:
            wait(lambda: len(hub.pings) >= 3)
            wait(lambda: "refresh finished" in (tmp_path / "log").read_text())
            (tmp_path / "articles" / "2.md").write_text(markdown("Bridge closes", "It closed today."))
            wait(lambda: len(hub.pings) >= 6)
        finally:
            daemon.terminate()
    assert hub.topics == sorted(FEEDS * 2)
    assert hub.seen == [False] * 3 + [True] * 3


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
