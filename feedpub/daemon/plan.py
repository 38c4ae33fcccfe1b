"""What is due when: as the running daemon says, or else as it follows from the configuration and the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feedpub import daemonstate
from feedpub.config import Config
from feedpub.daemon.lock import holder
from feedpub.daemonstate import DaemonState

Kind = Literal["source", "feed", "time", "hubs"]


@dataclass(frozen=True, slots=True)
class Planned:
    """Something that is due at `at` (aware, UTC; None: now, or it is under way).

    `kind` is "source" for reading one, "feed" for the renewal of one with a timer of its own, "time"
    for what changes by time alone (an embargo ends, an event is over), "hubs" for hubs that are told
    again. `name` is the source's or feed's, `every` as configured; `failure` what went wrong last.
    """

    at: datetime | None
    kind: Kind
    name: str | None = None
    every: str | None = None
    running: bool = False
    failures: int = 0
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due, the first first. `daemon` says whose the running daemon is, None that there is none.

    `notices` say what is wrong with it.
    """

    daemon: str | None
    notices: tuple[str, ...]
    planned: tuple[Planned, ...]


def plan(config: Config) -> Plan:
    """What runs when.

    Without a daemon, a source is due as long after its last success as its `every` says; that may be past.
    """
    daemon = holder(config.state)
    state = daemonstate.read(config.state) if daemon else None
    stored = _Stored(config)
    if state is not None:
        planned = [*_told(state), *stored.feeds(), *stored.hubs()]
        return Plan(daemon, state.notices, _ordered(planned))
    return Plan(daemon, (), _ordered([*stored.sources(), *stored.feeds(), *stored.by_time(), *stored.hubs()]))


def starts(config: Config, now: datetime, count: int) -> dict[str, tuple[datetime, ...]]:
    """Source → when a daemon that started at `now` would read it, the first `count` times, if it never failed."""
    found = {}
    for source in config.sources:
        times = [now]
        while len(times) < count:
            times.append(source.every.next_after(times[-1]))
        found[source.name] = tuple(times)
    return found


def _told(state: DaemonState) -> Iterator[Planned]:
    for job in state.jobs:
        yield Planned(
            job.next_at, "source", job.source, job.every, job.running_since is not None, job.failures, job.failure
        )  # fmt: skip
    if state.due_at is not None:
        yield Planned(state.due_at, "time")


class _Stored:
    """What the store of a newsroom says; nothing where nothing was published."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._successes: dict[str, datetime] = {}
        self._failures: dict[str, str | None] = {}
        self._renewals: dict[str, datetime] = {}
        self._due_at: datetime | None = None
        self._retry_at: datetime | None = None
        if any((config.state / name).exists() for name in ("store.sqlite3", "ledger.ndjson")):
            self._read()

    def _read(self) -> None:
        from feedpub.renewal import next_renewals
        from feedpub.store import open_store

        with open_store(self._config) as store:
            status = store.status()
            with store.reading() as connection:
                self._renewals = next_renewals(connection, self._config)
        for source in status.sources:
            self._failures[source["name"]] = source["failure"]
            if source["last_success_at"]:
                self._successes[source["name"]] = datetime.fromisoformat(source["last_success_at"])
        last = status.last_run or {}
        self._due_at = _time(last.get("next_due_at"))
        self._retry_at = _time(last.get("retry_at"))

    def sources(self) -> Iterator[Planned]:
        for source in self._config.sources:
            last = self._successes.get(source.name)
            at = source.every.next_after(last) if last else None
            failure = self._failures.get(source.name)
            yield Planned(
                at, "source", source.name, source.every.text, failures=int(bool(failure)), failure=failure
            )

    def feeds(self) -> Iterator[Planned]:
        for feed in self._config.feeds:
            if feed.every is not None:
                yield Planned(self._renewals.get(feed.path), "feed", feed.path, feed.every.text)

    def by_time(self) -> Iterator[Planned]:
        if self._due_at is not None and self._due_at not in self._renewals.values():
            yield Planned(self._due_at, "time")

    def hubs(self) -> Iterator[Planned]:
        if self._retry_at is not None:
            yield Planned(self._retry_at, "hubs")


def _ordered(planned: list[Planned]) -> tuple[Planned, ...]:
    """The first first; what is due now before all."""
    return tuple(sorted(planned, key=lambda one: (one.at is not None, one.at.timestamp() if one.at else 0.0)))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
