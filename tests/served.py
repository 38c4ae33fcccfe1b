"""A newsroom on a server of its own, on loopback, that notes what it answered to whom."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uvicorn

from feedpub import pipeline, serving
from feedpub.config import Config, load
from feedpub.serving.app import services
from feedpub.serving.telemetry import Telemetry
from tests.conftest import NOW, ROOT

EXAMPLE_TIME = NOW.replace(year=2026, month=11, day=25)
"""When the example newsroom is published."""


@dataclass
class Served:
    """`url` ends with "/"; `answers` are (path, status, User-Agent) of all requests so far."""

    url: str
    config: Config
    answers: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.config.publish.output

    def statuses(self, path: str) -> list[int]:
        return [status for known, status, _ in self.answers if known == path]


def example_newsroom(root: Path, url: str) -> Config:
    """A copy of the example newsroom in `root` whose site is at `url`, not published yet."""
    shutil.copytree(
        ROOT / "examples" / "newsroom", root / "newsroom", ignore=shutil.ignore_patterns(".feedpub")
    )
    path = root / "newsroom" / "feedpub.toml"
    path.write_text(path.read_text("utf-8").replace('output = "../../feeds"', 'output = "../feeds"'), "utf-8")
    config = load(path)
    return replace(config, site=replace(config.site, url=url))


@contextlib.contextmanager
def served(root: Path) -> Iterator[Served]:
    """The example newsroom, published and served at the address that its pages name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        config = example_newsroom(root, url)
        report = pipeline.publish(config, now=EXAMPLE_TIME)
        assert report.failures == ()
        found = Served(url, config)
        telemetry = Telemetry()
        mounted = services(config, telemetry)
        app = serving.build_app(config.publish.output, site_url=url, mounted=mounted, telemetry=telemetry)

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode()

            async def note(message: Any) -> None:
                if message["type"] == "http.response.start":
                    found.answers.append((scope["path"], message["status"], agent))
                await send(message)

            await app(scope, receive, note)

        server = uvicorn.Server(uvicorn.Config(noting, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join()
