"""One refresh from end to end. It orders the steps and computes nothing.

lock → finish what a crash left → each source into the store → events merged → files staged
     → journal and commit → files into place → report
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, select

from feedpub import __version__, events, manifests, plugins, publication, remarks, websub
from feedpub.config import Config, SourceConfig
from feedpub.errors import ConfigError, PublishError, SourceError, StoreError
from feedpub.filing import Touch
from feedpub.guard import GuardError
from feedpub.intake import Intake
from feedpub.outputs import Outputs
from feedpub.preparation import source_settings
from feedpub.removal import Removal, lost_articles
from feedpub.reports import Report, SourceReport
from feedpub.search import index
from feedpub.sources import Source
from feedpub.store import Store, count_published, held_documents, iso, open_store, schema, tally
from feedpub.store.transaction import Transaction
from feedpub.workers import Workers

RUNS_KEPT = 1000

SCRUB = "scrub"
"""Key of a mark in the store: something was purged, and the old store and ledger may still hold it."""


def publish(
    config: Config,
    *,
    now: datetime | None = None,
    yes: bool = False,
    rebuild: bool = False,
    repair: bool = False,
    only: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
    began: Callable[[str], None] | None = None,
) -> Report:
    """Refresh everything once: read what changed, and bring the output up to date.

    Args:
        config: the newsroom.
        now: the moment for which to publish; None for the present.
        yes: let more articles vanish than the accident guard lets pass, and take over another newsroom's output.
        rebuild: begin a new store from the ledger, reading every input again.
        repair: compare every file of the output with what was written, and write anew what differs.
        only: names of the sources to read; None for all. With none in it, what changes by time alone is published.
        progress: called with the number of documents dealt with since the last call.
        began: called with the name of each source before it is read, and with "" each time that writing gets further.

    Returns:
        What was done. A source that failed is a line in it, not an exception.

    Raises:
        LockedError: another publisher is at work on the same output.
        StoreError, PublishError: the store or the output cannot be used; what was published before
            stays up.
    """
    sources = chosen(config, only)

    def work(transaction: Transaction, staging: publication.Staging, moment: datetime) -> Report:
        touch = Touch()
        with Workers() as workers:
            reports = take_in(
                transaction, config, sources, touch, moment,
                workers=workers, yes=yes, progress=progress or (lambda _: None), began=began or (lambda _: None),
            )  # fmt: skip
            return _put_out(
                transaction, config, staging, touch, moment,
                reports=reports, workers=workers, began=began, repair=repair,
            )  # fmt: skip

    return _published(config, work, now, rebuild=rebuild, yes=yes)


def republish(
    config: Config, change: Callable[[Transaction, Touch, datetime], None], *, now: datetime | None = None
) -> Report:
    """Change what the store says, and bring the output up to date with it, whole or not at all.

    Args:
        config: the newsroom; its sources are not read.
        change: changes the store, and notes what depends on it.
        now: the moment for which to publish; None for the present.

    Raises:
        LockedError, StoreError, PublishError: as `publish`; also if nothing has been published yet.
    """

    def work(transaction: Transaction, staging: publication.Staging, moment: datetime) -> Report:
        if transaction.get_meta("renderers") is None:
            raise PublishError(
                f"{config.state}: no store knows what is published. Run `feedpub publish` first.",
                path=str(config.state),
            )
        touch = Touch()
        change(transaction, touch, moment)
        with Workers() as workers:
            return _put_out(transaction, config, staging, touch, moment, reports=(), workers=workers)

    return _published(config, work, now, is_refresh=False)


def _published(
    config: Config,
    work: Callable[[Transaction, publication.Staging, datetime], Report],
    now: datetime | None,
    *,
    rebuild: bool = False,
    yes: bool = False,
    is_refresh: bool = True,
) -> Report:
    """Do `work` in one transaction, and put into place what it has staged."""
    started_at = datetime.now(UTC)
    moment = (now or started_at).astimezone(UTC).replace(microsecond=0)
    with (
        publication.locked(config.state, config.publish.output),
        open_store(config, rebuild=rebuild) as store,
    ):
        manifests.check_newsroom(config.publish.output, config.site.key, yes=yes)
        _finish_earlier(store, config)
        with store.transaction() as transaction:
            staging = publication.Staging(
                transaction, config.publish.output, config.state, int(moment.timestamp())
            )
            staging.sweep()
            try:
                report = work(transaction, staging, moment)
                report = replace(report, notices=(*config.notices, *store.notices, *report.notices))
                report = replace(report, started_at=started_at, finished_at=datetime.now(UTC))
                if is_refresh:
                    _note_run(transaction.connection, report, moment)
                staging.sync()
            except BaseException:
                staging.sweep()
                raise
        if not staging.is_empty:
            _into_place(store, config)
        else:
            staging.sweep()
        if not is_refresh:
            _scrub(store)
        if config.server.api:
            report = replace(report, notices=(*report.notices, *_indexed(store, config)))
    return _tell_hubs(config, report, moment) if config.publish.hubs else report


def _indexed(store: Store, config: Config) -> Iterator[str]:
    """Bring the search index up to date with what was committed; what went wrong there is no failure of the refresh."""
    try:
        with store.reading() as connection:
            index.update(connection, config.state, timezone=config.site.timezone)
    except (sqlite3.Error, OSError, StoreError) as error:
        yield (
            f"The search index in {config.state} could not be brought up to date: {error}. Everything is published; "
            "only the lists of the API stay as they were until the next refresh makes up for it."
        )


def _tell_hubs(config: Config, report: Report, moment: datetime) -> Report:
    """Now that the new files can be read, and others may publish while hubs take their time."""
    with open_store(config) as store:
        delivery = websub.deliver(store, config, moment)
    return replace(report, notices=(*report.notices, *delivery.notices), retry_at=delivery.retry_at)


def chosen(config: Config, only: Sequence[str] | None) -> list[SourceConfig]:
    """The sources with these names, None standing for all.

    Raises:
        ConfigError: there is no source of such a name.
    """
    names = {source.name for source in config.sources}
    for name in only or ():
        if name not in names:
            raise ConfigError(
                f"There is no source {name!r} in {config.path or 'the configuration'}.", key="sources"
            )
    return [source for source in config.sources if only is None or source.name in only]


def _finish_earlier(store: Store, config: Config) -> None:
    """Complete what a crash interrupted; where that cannot be done, have everything staged anew."""
    with store.reading() as connection:
        pending = connection.execute(select(func.count()).select_from(schema.journal)).scalar_one()
        begun = connection.execute(
            select(schema.meta.c.value).where(schema.meta.c.key == "recalled")
        ).scalar()
    if pending:
        _into_place(store, config)
        store.notices.append(
            f"An earlier refresh had been interrupted: its {pending} files were put into place."
        )
    try:
        _scrub(store)
    except StoreError as error:  # another program reads: that is no reason not to publish
        store.notices.append(str(error))
    if begun is None:
        with store.transaction() as transaction:
            manifests.recall(transaction, config.publish.output, config.site.key)
            transaction.set_meta("recalled", "yes")


def _scrub(store: Store) -> None:
    """After something was purged: have nothing of it remain in the store and its ledger."""
    with store.reading() as connection:
        due = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == SCRUB)).scalar()
    if due:
        index.forget(store.path.parent)  # made anew from what is left
        store.scrub()
        with store.transaction() as transaction:
            transaction.set_meta(SCRUB, "")


def _into_place(store: Store, config: Config) -> None:
    with store.transaction() as transaction:
        if not publication.complete(transaction.connection, config.publish.output, config.state):
            transaction.set_meta("renderers", "")


def take_in(
    transaction: Transaction,
    config: Config,
    sources: Sequence[SourceConfig],
    touch: Touch,
    now: datetime,
    *,
    workers: Workers,
    yes: bool,
    progress: Callable[[int], None],
    began: Callable[[str], None] = lambda _: None,
) -> list[SourceReport]:
    """Read the sources into the store; what that touches is noted in `touch`.

    Raises:
        PublishError: the store was begun anew, and what only the ledger knows cannot be read again.
    """
    fresh = transaction.get_meta("renderers") is None
    opened = plugins.sources_of(config)
    holds = plugins.holder(opened)
    reports: list[SourceReport] = []

    def read(source: SourceConfig) -> None:
        began(source.name)
        own = Touch()
        intake = Intake(transaction, config, source, own, now, workers=workers, holds=holds, fresh=fresh)
        reports.append(
            _take_in(
                transaction, config, source, intake, opened[source.name], now=now, yes=yes, progress=progress
            )
        )
        if not reports[-1].failure:
            touch.add(own)

    for source in sources:
        read(source)
    if fresh:
        # With the store, what all other sources brought is gone too: they need not be due to be read again.
        transaction.flush()
        lost, met = lost_articles(transaction.connection), {source.name for source in sources}
        for source in config.sources:
            if source.name in lost and source.name not in met:
                read(source)
        _settle_losses(transaction, config, touch, reports, now, yes=yes)
    return reports


def _put_out(
    transaction: Transaction,
    config: Config,
    staging: publication.Staging,
    touch: Touch,
    now: datetime,
    *,
    reports: Sequence[SourceReport],
    workers: Workers,
    began: Callable[[str], None] | None = None,
    repair: bool = False,
) -> Report:
    """Merge the events, and stage every file that must change."""
    notices = remarks.unconfigured(transaction, config)
    advice = events.settle(transaction, touch.events, now=int(now.timestamp()), timezone=config.site.timezone)
    transaction.flush()
    outputs = Outputs(transaction, config, staging, touch, now, workers=workers, further=began, repair=repair)
    due = outputs.stage()
    if config.publish.hubs:
        websub.note(transaction, config, staging.written, int(now.timestamp()))
    connection = transaction.connection
    transaction.flush()
    next_due_at, due_sources = _next_due(connection, due, now)
    return Report(
        started_at=now,
        finished_at=now,
        sources=tuple(reports),
        held=tuple(held_documents(connection)),
        advice=(*touch.advice, *advice),
        written=tuple(staging.written),
        deleted=tuple(staging.deleted),
        failures=tuple(remarks.not_published(outputs.differences, outputs.missing)),
        notices=(
            *notices,
            *remarks.not_in_calendars(outputs.left_out),
            *remarks.waiting(len(outputs.waiting.ids)),
        ),
        articles=count_published(connection, "article"),
        events=count_published(connection, "event"),
        next_due_at=next_due_at,
        due_sources=due_sources,
        output=str(config.publish.output),
    )


def _settle_losses(
    transaction: Transaction, config: Config, touch: Touch, reports: Sequence[SourceReport], now: datetime,
    *, yes: bool,
) -> None:  # fmt: skip
    """Publish nothing while articles are missing that only the ledger knows; with `yes`, withdraw them."""
    transaction.flush()
    lost = lost_articles(transaction.connection)
    if lost and yes:
        for name in lost:
            Removal(transaction, config, SourceConfig(name), touch, int(now.timestamp())).withdraw_lost()
    elif lost:
        reasons = "".join(f" ({report.failure})" for report in reports if report.failure)
        said = ", ".join(f"{number} of the source {name!r}" for name, number in sorted(lost.items()))
        raise PublishError(
            f"The store was begun anew, and articles that are published cannot be read again now: {said}.{reasons} "
            "So that they stay, nothing was published. Make these sources readable and configured as before, "
            "or publish with --yes to withdraw these articles.",
            path=str(config.publish.output),
            sources=tuple(sorted(lost)),
        )


def _take_in(
    transaction: Transaction,
    config: Config,
    source: SourceConfig,
    intake: Intake,
    opened: Source,
    *,
    now: datetime,
    yes: bool,
    progress: Callable[[int], None],
) -> SourceReport:
    """One source into the store, whole or not at all: a failing one costs only itself."""
    settings = source_settings(config, source, __version__)
    row = next(iter(transaction.rows(schema.source, "name", [source.name])), None)
    at = int(now.timestamp())
    begun = time.monotonic()
    try:
        with transaction.savepoint():
            trusted = row is not None and row.settings == settings
            report = intake.run(opened, trusted=trusted, yes=yes, progress=progress)
    except SourceError as error:
        transaction.put(schema.source, {"name": source.name, "last_failure_at": at, "failure": str(error)})
        return SourceReport(
            source.name,
            failure=str(error),
            stopped=isinstance(error, GuardError),
            seconds=time.monotonic() - begun,
        )
    incomplete = None if report.complete else "; ".join(report.notices[:3]) or "a part was not read"
    read = {
        "name": source.name, "settings": settings, "last_success_at": at, "failure": None, "incomplete": incomplete,
    }  # fmt: skip
    if report.new or report.modified or report.removed:
        read["changed_at"] = at
    transaction.put(schema.source, read)
    return replace(report, seconds=time.monotonic() - begun)


def _next_due(
    connection: Connection, due: datetime | None, now: datetime
) -> tuple[datetime | None, tuple[str, ...]]:
    """When something changes by time alone, and the sources that must be read for it."""
    document = schema.document
    query = select(func.min(document.c.due_at)).where(document.c.due_at > int(now.timestamp()))
    waiting = connection.execute(query).scalar()
    if waiting is None or (due is not None and due.timestamp() < waiting):
        return due, ()
    sources = select(document.c.source).distinct().where(document.c.due_at == waiting)
    return datetime.fromtimestamp(waiting, UTC), tuple(sorted(connection.execute(sources).scalars()))


def _note_run(connection: Connection, report: Report, moment: datetime) -> None:
    tally.add(connection, report, moment)
    run = schema.run
    started = int(report.started_at.timestamp())
    result = connection.execute(run.insert().values(started_at=started, report=orjson.dumps(summary(report))))
    last = result.inserted_primary_key[0] if result.inserted_primary_key else 0
    connection.execute(delete(run).where(run.c.sequence <= last - RUNS_KEPT))


def summary(report: Report) -> dict[str, Any]:
    """A report as JSON: what `--json` prints and the store keeps. Counts instead of long lists."""
    return {
        "started_at": iso(int(report.started_at.timestamp())),
        "finished_at": iso(int(report.finished_at.timestamp())),
        "output": report.output,
        "articles": report.articles,
        "events": report.events,
        "sources": [asdict(source) for source in report.sources],
        "held": len(report.held),
        "advice": len(report.advice),
        "written": len(report.written),
        "deleted": len(report.deleted),
        "failures": list(report.failures),
        "notices": list(report.notices),
        "next_due_at": iso(int(report.next_due_at.timestamp())) if report.next_due_at else None,
        "retry_at": iso(int(report.retry_at.timestamp())) if report.retry_at else None,
    }
