"""feedpub.toml → Config: what the newsroom decided, checked and with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from feedpub.cadence import Cadence, spaced
from feedpub.models import Agent

DEFAULT_URL = "http://localhost:8080/"
DEFAULT_KEY = "6f1c4a52-0f0e-5b7e-9d0a-7a7f3a1d2c90"
"""The key of a newsroom that has none yet: `feedpub init` writes one of its own."""
_DEFAULT_EVERY = spaced(300)


@dataclass(frozen=True, slots=True)
class Site:
    """The newsroom. `url` ends with "/"; `key` is the UUID that ids are made with: never change it."""

    title: str = "News"
    url: str = DEFAULT_URL
    description: str | None = None
    language: str | None = None
    timezone: str = "UTC"
    key: str = DEFAULT_KEY
    license: str | None = None
    image: str | None = None
    publisher: Agent | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the articles of one source leave out: used only where the article itself says nothing."""

    language: str | None = None
    section: str | None = None
    author: str | None = None
    license: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One `[sources.NAME]`. `path` is absolute; `every` is the timer, `watch` whether changes need not wait for it.

    `fields` maps our names to JMESPath; `options` holds the keys that only this kind of source knows.
    """

    name: str
    kind: str = "files"
    path: Path | None = None
    every: Cadence = _DEFAULT_EVERY
    watch: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    keep_deleted: bool = False
    max_bytes: int = 10_000_000
    defaults: Defaults = field(default_factory=Defaults)
    fields: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def every_seconds(self) -> int:
        """How far apart its refreshes usually are."""
        return self.every.interval_seconds


@dataclass(frozen=True, slots=True)
class Where:
    """A feed's filter: an entry belongs if it meets every condition set; each takes one of several values."""

    section: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """One feed. `path` is its folder in the output ("" for the main feed), for ever the same.

    `archive` says whether it has archive pages (None: if `limit` is at least 10), `tombstones`
    whether it tells readers what was withdrawn. A calendar holds the events that ended at most `event_days` days ago.
    `every` is when new articles come into it; None for at once.
    """

    path: str = ""
    title: str | None = None
    description: str | None = None
    formats: tuple[str, ...] = ("rss", "atom", "jsonfeed", "jsonld", "icalendar", "events")
    where: Where = field(default_factory=Where)
    limit: int = 50
    archive: bool | None = None
    tombstones: bool = True
    event_days: int = 30
    every: Cadence | None = None

    @property
    def has_archive(self) -> bool:
        """Whether what has left the window stays readable on archive pages."""
        return self.limit >= 10 if self.archive is None else self.archive


@dataclass(frozen=True, slots=True)
class Publish:
    """`[publish]`: where to and under which rules. `feeds_by` are facets with a feed for each value.

    `hubs` are addresses of WebSub hubs; `sitemaps` and `dump` say whether these are written,
    `compress` whether feeds, indexes and archives get compressed twins, and `verify` whether every
    file is read back before it is published.
    """

    output: Path = Path("feeds")
    feeds_by: tuple[Literal["section", "keyword", "author"], ...] = ()
    hubs: tuple[str, ...] = ()
    sitemaps: bool = True
    dump: bool = True
    compress: bool = True
    verify: bool = True
    undated: Literal["publish", "quarantine"] = "publish"
    guard: float = 0.1
    guard_floor: int = 3


@dataclass(frozen=True, slots=True)
class Server:
    """`[server]`: where `feedpub serve` listens, and the proxies (addresses, networks) whose word counts.

    `api` says whether services may ask for articles and events.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    trusted_proxies: tuple[str, ...] = ()
    api: bool = True


@dataclass(frozen=True, slots=True)
class Daemon:
    """`[daemon]`: how long a refresh may stand still, and over how long starts are spread; in seconds."""

    deadline_seconds: int = 600
    jitter_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything. `path` is the file it was read from, or None; `root` is where relative paths start.

    `state` is the folder for store, ledger, locks and staging, never inside the output.
    `feeds` begins with the main feed. `notices` are remarks for the user ("no site.url …").
    """

    root: Path
    path: Path | None = None
    site: Site = field(default_factory=Site)
    sources: tuple[SourceConfig, ...] = ()
    feeds: tuple[FeedConfig, ...] = (FeedConfig(),)
    publish: Publish = field(default_factory=Publish)
    state: Path = Path(".feedpub")
    server: Server = field(default_factory=Server)
    daemon: Daemon = field(default_factory=Daemon)
    notices: tuple[str, ...] = ()


def load(path: Path) -> Config:
    """The configuration in the file `path`, usually `feedpub.toml`.

    Raises:
        ConfigError: the file cannot be read, or says something that cannot be meant; the message
            names the file, the line, the key and the right way.
    """
    from feedpub import config_file

    return config_file.load(path)


def default(folder: Path, *, root: Path | None = None, output: Path | None = None) -> Config:
    """The configuration for a bare `folder` of articles, with everything at its default.

    Args:
        folder: the articles; they become the source "articles".
        root: where the state folder `.feedpub` goes, and `feeds`; None for the current folder.
        output: another folder to publish to.

    Raises:
        ConfigError: the folders contradict each other, for example articles inside the output.
    """
    from feedpub import config_file

    return config_file.default(folder, root=root, output=output)


def find(argument: str | None, cwd: Path) -> Config:
    """The configuration that a command means: of the newsroom or bare folder `argument`, or of `cwd`.

    Raises:
        ConfigError: there is none, or the file cannot be used; the message says what to do.
    """
    from feedpub import config_file

    return config_file.find(argument, cwd)
