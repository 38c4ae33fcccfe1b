"""A newsroom as it is now, from store, daemon, output and configuration: `observe`.

It only looks: from any process, while another one publishes, where there is no store yet, and where a newer feedpub
wrote it. What cannot be had is left out and said to be missing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from feedpub import daemonstate
from feedpub.config import Config, FeedConfig, SourceConfig
from feedpub.daemonstate import DaemonState, JobState
from feedpub.errors import StoreError, StoreVersionError
from feedpub.heartbeat import heartbeat
from feedpub.observation import DaemonView, Day, Disk, FeedView, Observation, SourceView, StoreWord
from feedpub.reports import Held
from feedpub.standing import Reading, Standing, movement, standing

if TYPE_CHECKING:
    from sqlalchemy import Connection

HELD_SHOWN = 200
RUNS_SHOWN = 30
ARRIVALS = 500
"""How many of a feed's latest articles are looked at to learn how often it moves."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the store says."""

    word: StoreWord
    text: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)
    held_by_source: Mapping[str, int] = field(default_factory=dict)
    windows: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    arrivals: Mapping[str, frozenset[date]] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    runs: tuple[dict[str, Any], ...] = ()
    days: Mapping[str, tuple[Day, ...]] = field(default_factory=dict)
    ever: Mapping[str, Day] = field(default_factory=dict)


def observe(config: Config, now: datetime, damaged: Sequence[str] = ()) -> Observation:
    """What there is to see of a newsroom at `now` (aware); `damaged` are files that the server could not answer with."""
    now = now.astimezone(UTC)
    stored = _stored(config, now)
    state = daemonstate.read(config.state)
    jobs = {job.source: job for job in state.jobs} if state else {}
    daemon = _daemon(config, state)
    sources = tuple(
        _source(source, stored, jobs.get(source.name), config, now, blocked=daemon.blocked)
        for source in config.sources
    )
    return Observation(
        now=now,
        title=config.site.title,
        output=str(config.publish.output),
        store=stored.word,
        store_text=stored.text,
        daemon=daemon,
        sources=sources,
        feeds=tuple(_feed(feed, stored, config, now) for feed in config.feeds),
        disk=_disk((config.publish.output, config.state)),
        held=stored.held,
        held_count=sum(stored.held_by_source.values()),
        runs=stored.runs,
        days=stored.days.get("", ()),
        ever=stored.ever.get("", Day(date.min)),
        damaged=tuple(damaged),
        **stored.counts,
    )


# The store


def _stored(config: Config, now: datetime) -> _Stored:
    from feedpub.store import STORE_NAME
    from feedpub.store.reading import open_to_read

    if not (config.state / STORE_NAME).exists():
        return _Stored("none", "Nothing has been published here yet.")
    try:
        with open_to_read(config) as store, store.reading() as connection:
            return _read(connection, config, now)
    except FileNotFoundError:  # it was just set aside, to be made anew
        return _Stored("none", "The store is being made anew.")
    except StoreVersionError as error:
        return _Stored("newer" if error.newer else "older", str(error))
    except StoreError as error:
        return _Stored("unusable", str(error))


def _read(connection: Connection, config: Config, now: datetime) -> _Stored:
    from sqlalchemy import func, select

    from feedpub.store import held_documents, schema, tally

    record, document, file, window, run = (
        schema.record, schema.document, schema.file, schema.window, schema.run,
    )  # fmt: skip

    def count(*where: Any) -> int:
        return connection.execute(select(func.count()).select_from(record).where(*where)).scalar_one()

    def by_source(table: Any, *where: Any) -> dict[str, int]:
        query = select(table.c.source, func.count().label("number")).where(*where).group_by(table.c.source)
        return {row.source: row.number for row in connection.execute(query)}

    live = record.c.withdrawn_at.is_(None)
    files, size = connection.execute(select(func.count(), func.coalesce(func.sum(file.c.size), 0))).one()
    since = (now - timedelta(days=tally.DAYS_KEPT)).date().isoformat()
    # A path has windows that belong to no feed, such as those of sitemaps.
    kinds = {name for feed in config.feeds for name in feed.formats}
    windows = select(window.c.path, func.max(window.c.entries), func.max(window.c.updated_at)).where(
        window.c.path.in_([feed.path for feed in config.feeds]), window.c.format.in_(kinds)
    )
    latest = select(run.c.report).order_by(run.c.sequence.desc()).limit(RUNS_SHOWN)
    return _Stored(
        "ready",
        counts={
            "articles": count(record.c.kind == "article", live),
            "events": count(record.c.kind == "event", live),
            "withdrawn": count(record.c.withdrawn_at.is_not(None)),
            "files": files,
            "output_bytes": size,
        },
        sources={row.name: row for row in connection.execute(select(schema.source))},
        documents=by_source(document, document.c.state.in_(("published", "kept"))),
        held_by_source=by_source(schema.held),
        windows={
            path: (entries, updated)
            for path, entries, updated in connection.execute(windows.group_by(window.c.path))
        },
        arrivals={feed.path: _arrivals(connection, feed.path) for feed in config.feeds},
        held=tuple(held_documents(connection, oldest=HELD_SHOWN)),
        runs=tuple(orjson.loads(report) for (report,) in connection.execute(latest)),
        days=_days(tally.days(connection, since)),
        ever={total.source: _day(total, date.min) for total in tally.totals(connection)},
    )


def _arrivals(connection: Connection, path: str) -> frozenset[date]:
    """The days on which the latest members of a feed were first seen."""
    from sqlalchemy import select

    from feedpub.store import schema

    member, identity = schema.member, schema.identity
    query = (
        select(identity.c.first_seen_at)
        .join(member, member.c.record_id == identity.c.id)
        .where(member.c.path == path)
        .order_by(member.c.position.desc())
        .limit(ARRIVALS)
    )
    return frozenset(datetime.fromtimestamp(at, UTC).date() for (at,) in connection.execute(query))


def _days(tallies: Iterable[Any]) -> dict[str, tuple[Day, ...]]:
    found: dict[str, list[Day]] = defaultdict(list)
    for tally in tallies:
        found[tally.source].append(_day(tally, date.fromisoformat(tally.day)))
    return {name: tuple(days) for name, days in found.items()}


def _day(tally: Any, on: date) -> Day:
    names = ("succeeded", "failed", "stopped", "new", "modified", "removed", "held", "seconds", "longest")
    return Day(on, **{name: getattr(tally, name) for name in names})


# Sources and feeds


def _source(
    source: SourceConfig, stored: _Stored, job: JobState | None, config: Config, now: datetime,
    *, blocked: str | None,
) -> SourceView:  # fmt: skip
    row = stored.sources.get(source.name)
    days = stored.days.get(source.name, ())
    stale_after = config.alarms.stale_after_seconds
    last_success_at = _time(row.last_success_at) if row else None
    # What keeps anything from being published is no failure of a source.
    failed = job.failure if job and job.failures and job.failure != blocked else None
    reading = Reading(
        last_success_at=last_success_at,
        last_failure_at=_time(row.last_failure_at) if row else None,
        failure=(row.failure if row else None) or failed,
        incomplete=row.incomplete if row else None,
        every=_until_next(source, last_success_at) if job else None,
        stale_after=None if stale_after is None else timedelta(seconds=stale_after),
    )
    if stored.word in ("ready", "none"):
        stands = standing(reading, (day.on for day in days if day.news), now)
    else:
        stands = Standing("unknown", "cannot be told, because the store cannot be read")
    view = SourceView(
        name=source.name,
        standing=stands,
        interval_seconds=source.every_seconds,
        every=job.every if job else f"{source.every_seconds} s",
        documents=stored.documents.get(source.name, 0),
        held=stored.held_by_source.get(source.name, 0),
        last_success_at=reading.last_success_at,
        last_failure_at=reading.last_failure_at,
        changed_at=_time(row.changed_at) if row else None,
        failure=reading.failure,
        incomplete=reading.incomplete,
        days=days,
        ever=stored.ever.get(source.name, Day(date.min)),
    )
    if job is None:
        return view
    return replace(
        view,
        failures=job.failures,
        next_at=job.next_at,
        running_since=job.running_since,
        last_seconds=job.seconds,
        lag_seconds=_lag(job, now),
    )


def _until_next(source: SourceConfig, last_success_at: datetime | None) -> timedelta:
    """From its last success to the time that follows: on a Friday that of a weekday's timer is three days."""
    if last_success_at is None:
        return timedelta(seconds=source.every_seconds)
    return source.every.next_after(last_success_at) - last_success_at


def _lag(job: JobState, now: datetime) -> float | None:
    """How many seconds the refresh that is due or running is behind its deadline."""
    if job.next_at is None:
        return None
    return max(0.0, ((job.running_since or now) - job.next_at).total_seconds())


def _feed(feed: FeedConfig, stored: _Stored, config: Config, now: datetime) -> FeedView:
    names = tuple(source.name for source in config.sources)
    wanted = {name.lower() for name in feed.where.source}
    entries, updated = stored.windows.get(feed.path, (0, None))
    arrived = stored.arrivals.get(feed.path, frozenset())
    recent = [day for day in arrived if (now.date() - day).days < 90]
    return FeedView(
        path=feed.path,
        title=feed.title or (feed.path if feed.path else config.site.title),
        formats=feed.formats,
        sources=tuple(name for name in names if not wanted or name.lower() in wanted),
        entries=entries,
        changed_at=_time(updated),
        standing=_moves(recent, now),
    )


def _moves(days: list[date], now: datetime) -> Standing | None:
    return movement(days, now) if days else None


# Daemon and disks


def _daemon(config: Config, state: DaemonState | None) -> DaemonView:
    beat = heartbeat(config.state)
    if state is None:
        return DaemonView(beat.word, owner=beat.owner)
    # A state file without a lock: the folder was copied, or the lock was taken away; no daemon runs here.
    word = "gone" if beat.word == "never" else beat.word
    view = DaemonView(word, state.started_at, state.updated_at, state.due_at, beat.owner)
    if word != "running":  # what was wrong with it is over
        return view
    return replace(view, notice=state.notice, unwatched=state.unwatched, blocked=state.blocked)


def _disk(paths: Iterable[Path]) -> Disk | None:
    found = [disk for path in paths if (disk := _free(path)) is not None]
    return min(found, key=lambda disk: disk.free_bytes, default=None)


def _free(path: Path) -> Disk | None:
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        status = os.statvfs(path)
    except OSError:
        return None
    block = status.f_frsize
    files = status.f_favail if status.f_files else None
    return Disk(str(path), status.f_bavail * block, status.f_blocks * block, files)


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
