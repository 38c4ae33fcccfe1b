"""What all tests share: a small newsroom to publish, the seed article, and no way out to the network."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from feedpub.config import Config, Publish, Site, SourceConfig

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2025, 9, 3, 8, 0, tzinfo=UTC)
"""The time of a refresh for which a test names none."""

hypothesis.settings.register_profile("ci", derandomize=True, max_examples=60, deadline=None, database=None)
hypothesis.settings.register_profile("dev", max_examples=60, deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@dataclass
class Newsroom:
    """A folder of articles with its configuration: write, publish, read what came out."""

    root: Path
    config: Config

    @property
    def articles(self) -> Path:
        return self.root / "articles"

    @property
    def output(self) -> Path:
        return self.config.publish.output

    def write(self, name: str, content: str | bytes) -> Path:
        """Put an article at `name`, relative to the articles' folder."""
        path = self.articles / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    def configure(self, **changes: Any) -> None:
        self.config = replace(self.config, **changes)

    def publish(self, *, now: datetime = NOW, **options: Any) -> Any:
        """One refresh at `now`; returns its Report."""
        from feedpub import pipeline

        return pipeline.publish(self.config, now=now, **options)

    def read(self, path: str) -> bytes:
        """The bytes of one published file."""
        return (self.output / path).read_bytes()

    def files(self) -> dict[str, bytes]:
        """Every published file, by its path in the output."""
        found = sorted(path for path in self.output.rglob("*") if path.is_file())
        return {path.relative_to(self.output).as_posix(): path.read_bytes() for path in found}


def empty(root: Path) -> Newsroom:
    """An empty newsroom in `root`: title "Test News", language and time zone not set, one source "articles"."""
    (root / "articles").mkdir(parents=True)
    return Newsroom(
        root,
        Config(
            root=root,
            site=Site(title="Test News", url="https://news.example/"),
            sources=(SourceConfig(name="articles", path=root / "articles"),),
            publish=Publish(output=root / "feeds", compress=False),
            state=root / ".feedpub",
        ),
    )


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    """A newsroom as `empty` makes it."""
    return empty(tmp_path / "newsroom")


@pytest.fixture
def seed_article() -> Path:
    """The seed article, which stands beside some checkouts."""
    path = ROOT.parent / "shared" / "seed-article.txt"
    if not path.is_file():
        pytest.skip("../shared/seed-article.txt is not here")
    return path


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or under FEEDPUB_REQUIRE_TOOLS fail, what needs a program that is not installed."""
    for marker in item.iter_markers("tool"):
        # Several names are alternatives: one and the same program is called differently by systems.
        if not any(shutil.which(name) for name in marker.args):
            message = f"needs the program {' or '.join(marker.args)}"
            if os.environ.get("FEEDPUB_REQUIRE_TOOLS"):
                pytest.fail(f"{message}, and FEEDPUB_REQUIRE_TOOLS is set", pytrace=False)
            pytest.skip(message)


def _stays_here(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0])
    try:
        return host in ("localhost", "") or ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail every test that tries to leave the machine, even if it swallows the error."""
    attempts: list[str] = []

    def guard(name: str) -> Any:
        original = getattr(socket.socket, name)

        def connect(self: socket.socket, address: Any) -> Any:
            if not _stays_here(self.family, address):
                attempts.append(str(address))
                raise ConnectionRefusedError(f"tests must not connect to {address}")
            return original(self, address)

        return connect

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _stays_here(socket.AF_INET, (name,)):
            attempts.append(str(name))
            raise socket.gaierror(socket.EAI_NONAME, f"tests must not look up {name}")
        return getaddrinfo(host, *arguments, **options)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guard("connect"))
    monkeypatch.setattr(socket.socket, "connect_ex", guard("connect_ex"))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield
    if attempts:
        pytest.fail(f"this test tried to reach the network: {', '.join(attempts)}", pytrace=False)
