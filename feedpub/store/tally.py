"""What the refreshes of each day came to: some rows a day for 90 days, and the sums of all time.

It is what charts, metrics and the rule for what is usual rest on; one statement a refresh writes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from feedpub.reports import Report, SourceReport
from feedpub.store import schema

DAYS_KEPT = 90
EVER = ""
"""The day that stands for all days."""
ALL = ""
"""The source that stands for the newsroom: refreshes as a whole."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The refreshes of one source (`ALL`: of the newsroom) on one day in UTC ("2025-09-03"; `EVER`: since the first).

    `succeeded`, `failed` and `stopped` (by the accident guard) are refreshes; `new`, `modified` and `removed` are
    documents; `held` are those in quarantine after the last refresh; `seconds` is how long the refreshes took together,
    `longest` the longest.
    """

    day: str
    source: str
    succeeded: int = 0
    failed: int = 0
    stopped: int = 0
    new: int = 0
    modified: int = 0
    removed: int = 0
    held: int = 0
    seconds: float = 0.0
    longest: float = 0.0


def add(connection: Connection, report: Report, moment: datetime) -> None:
    """Count a refresh at `moment`, and forget the days that are more than 90 days before it."""
    day = moment.astimezone(UTC).date()
    rows = [
        {**asdict(counted), "day": name} for counted in _counted(report) for name in (day.isoformat(), EVER)
    ]
    connection.execute(_ADD, rows)
    tally = schema.tally
    oldest = (day - timedelta(days=DAYS_KEPT)).isoformat()
    connection.execute(delete(tally).where(tally.c.day > EVER, tally.c.day <= oldest))


def days(connection: Connection, since: str = EVER) -> Iterator[Tally]:
    """The days after `since`, oldest first."""
    tally = schema.tally
    query = select(tally).where(tally.c.day > since).order_by(tally.c.day, tally.c.source)
    yield from _read(connection.execute(query))


def totals(connection: Connection) -> Iterator[Tally]:
    """The sums of all time, by source."""
    tally = schema.tally
    yield from _read(connection.execute(select(tally).where(tally.c.day == EVER).order_by(tally.c.source)))


def _read(rows: Iterable[Any]) -> Iterator[Tally]:
    return (Tally(*row) for row in rows)


def _counted(report: Report) -> Iterator[Tally]:
    held = Counter(document.source for document in report.held)
    seconds = (report.finished_at - report.started_at).total_seconds()
    yield Tally(
        "", ALL,
        succeeded=not report.failed,
        failed=report.failed,
        new=sum(source.new for source in report.sources),
        modified=sum(source.modified for source in report.sources),
        removed=sum(source.removed for source in report.sources),
        held=len(report.held),
        seconds=seconds,
        longest=seconds,
    )  # fmt: skip
    yield from (_source(source, held[source.name]) for source in report.sources)


def _source(report: SourceReport, held: int) -> Tally:
    failed = bool(report.failure)
    return Tally(
        "", report.name,
        succeeded=not failed,
        failed=failed and not report.stopped,
        stopped=report.stopped,
        new=report.new,
        modified=report.modified,
        removed=report.removed,
        held=held,
        seconds=report.seconds,
        longest=report.seconds,
    )  # fmt: skip


_new = insert(schema.tally)
_SUMS = ("succeeded", "failed", "stopped", "new", "modified", "removed", "seconds")
_ADD = _new.on_conflict_do_update(
    index_elements=["day", "source"],
    set_={
        **{name: schema.tally.c[name] + _new.excluded[name] for name in _SUMS},
        "held": _new.excluded.held,
        "longest": func.max(schema.tally.c.longest, _new.excluded.longest),
    },
)
