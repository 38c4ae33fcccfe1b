"""A running server takes over a changed feedpub.toml: what it serves, tells and believes is the new one's."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from feedpub import pipeline
from feedpub.config import Config, load
from feedpub.serving.app import Front, build_app, services
from feedpub.serving.following import Follower
from feedpub.serving.telemetry import Telemetry
from tests.articles import markdown

CONFIG = """
[site]
url = "https://news.example/"
title = "The Example"
[publish]
output = "{output}"
[sources.wire]
path = "wire"
every = "{every}"
"""


class Newsroom:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "wire").mkdir()
        (root / "wire" / "a.md").write_text(markdown("Harbour opens"), "utf-8")
        self.path = root / "feedpub.toml"
        self.say()
        self.telemetry = Telemetry()
        pipeline.publish(load(self.path))
        config = load(self.path)
        self.front = self._made(config)
        self.follower = Follower(config, self.front, self._made)

    def say(self, *, output: str = "feeds", every: str = "5m", more: str = "") -> None:
        self.path.write_text(CONFIG.format(output=output, every=every) + more, "utf-8")

    def get(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.front)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/") as client:
                return await client.get(path)

        return asyncio.run(asked())

    def reload(self) -> None:
        self.follower.reload()
        self.follower.turn()

    def _made(self, config: Config) -> Front:
        return build_app(
            config.publish.output,
            max_age_seconds=min(source.every_seconds for source in config.sources),
            mounted=services(config, self.telemetry),
            telemetry=self.telemetry,
        )


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def test_the_timer_that_clients_are_told_is_the_new_one(newsroom: Newsroom) -> None:
    assert "max-age=300" in newsroom.get("/feed.xml").headers["cache-control"]
    newsroom.say(every="2m")
    newsroom.reload()
    assert "max-age=120" in newsroom.get("/feed.xml").headers["cache-control"]


def test_the_api_is_gone_when_it_is_turned_off(newsroom: Newsroom) -> None:
    assert newsroom.get("/api/articles").status_code == 200
    newsroom.say(more="[server]\napi = false\n")
    newsroom.reload()
    assert newsroom.get("/api/articles").status_code == 404


def test_another_output_is_served_once_something_is_published_there(newsroom: Newsroom) -> None:
    newsroom.say(output="elsewhere")
    newsroom.reload()
    assert newsroom.get("/feed.xml").status_code == 200
    (newsroom.root / "wire" / "b.md").write_text(markdown("Bridge closes"), "utf-8")
    pipeline.publish(load(newsroom.path))
    assert "Bridge closes" not in newsroom.get("/feed.xml").text
    newsroom.follower.turn()
    assert "Bridge closes" in newsroom.get("/feed.xml").text


def test_what_was_counted_goes_on(newsroom: Newsroom) -> None:
    newsroom.get("/feed.xml")
    before = sum(newsroom.telemetry.answers.values())
    newsroom.say(every="2m")
    newsroom.reload()
    newsroom.get("/feed.xml")
    assert sum(newsroom.telemetry.answers.values()) == before + 1


@pytest.mark.parametrize(
    ("more", "said"),
    [("[server]\nport = 'x'\n", "server.port"), ("[store]\npath = 'other'\n", "Stop it and start it again")],
)
def test_a_wrong_one_is_put_aside_with_a_message(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture, more: str, said: str
) -> None:
    newsroom.say(every="2m", more=more)
    newsroom.reload()
    assert "configuration refused" in caplog.text
    assert said in caplog.text
    assert "max-age=300" in newsroom.get("/feed.xml").headers["cache-control"]


def test_another_port_is_told_to_need_a_start(newsroom: Newsroom, caplog: pytest.LogCaptureFixture) -> None:
    newsroom.say(more="[server]\nport = 9999\n")
    newsroom.reload()
    assert "taken over at the next start only" in caplog.text
    assert "port=9999" in caplog.text


def test_the_server_heeds_sighup_and_says_where_it_listens_when_it_does(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path)
    command = [sys.executable, "-m", "feedpub", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = ""
            while '"address"' not in address:
                address = process.stdout.readline()
            url = address.split('"')[3]
            assert not url.endswith(":0/")

            def told() -> str:
                return httpx.get(url + "feed.xml").headers["cache-control"]

            assert "max-age=300" in told()
            newsroom.say(every="2m")
            os.kill(process.pid, signal.SIGHUP)
            until(lambda: "max-age=120" in told())
        finally:
            process.terminate()
        assert process.wait(30) == 0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
