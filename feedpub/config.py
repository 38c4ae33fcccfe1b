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

    `api` says whether services may ask for articles and events; `status_token_env` names the
    environment variable with the token that opens status page and metrics.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    trusted_proxies: tuple[str, ...] = ()
    api: bool = True
    status_token_env: str = "FEEDPUB_STATUS_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Daemon:
    """`[daemon]`: how long a refresh may stand still, and over how long starts are spread; in seconds."""

    deadline_seconds: int = 600
    jitter_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """`[log]`: how the lines of the log look."""

    format: Literal["people", "json"] = "people"


@dataclass(frozen=True, slots=True)
class Alarms:
    """`[alarms]`: who is told that something is wrong, and from when on it is.

    `webhook` is an address that gets JSON; `smtp` is smtp://HOST:PORT (with STARTTLS) or smtps://HOST:PORT.
    What ends in `_env` names an environment variable. `stale_after_seconds` None: by each source's own timer.
    A source fails from `failures` refreshes in a row on; it shrinks if in seven days it brings less than the share
    `shrink` of what is usual, or loses more than that share of its documents; the quarantine grows
    if `held` documents were added to it in seven days; a disk is filling below `free_bytes`.
    """

    webhook: str | None = None
    webhook_secret_env: str = "FEEDPUB_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
    mail_to: tuple[str, ...] = ()
    mail_from: str | None = None
    smtp: str = "smtp://localhost:25"
    smtp_user_env: str = "FEEDPUB_SMTP_USER"
    smtp_password_env: str = "FEEDPUB_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
    stale_after_seconds: int | None = None
    failures: int = 3
    shrink: float = 0.25
    held: int = 10
    free_bytes: int = 1_000_000_000

    @property
    def has_channel(self) -> bool:
        """Whether anybody is to be told."""
        return self.webhook is not None or bool(self.mail_to)


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
    log: Log = field(default_factory=Log)
    alarms: Alarms = field(default_factory=Alarms)
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
