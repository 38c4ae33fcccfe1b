"""What an operator may see of a newsroom at one moment: frozen values, for status page, metrics and alarms.

`observing.observe` makes them; whoever shows or judges them needs neither store nor file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from feedpub.reports import Held
from feedpub.standing import Standing

StoreWord = Literal["ready", "none", "newer", "older", "unusable"]
DaemonWord = Literal["running", "stopped", "gone", "never"]


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC: refreshes by outcome, documents by what became of them, seconds of work.

    `held` are the documents in quarantine at its end; None if nothing was read that day.
    """

    on: date
    succeeded: int = 0
    failed: int = 0
    stopped: int = 0
    new: int = 0
    modified: int = 0
    removed: int = 0
    held: int | None = None
    seconds: float = 0.0
    longest: float = 0.0

    @property
    def news(self) -> int:
        """Documents that came or changed."""
        return self.new + self.modified


@dataclass(frozen=True, slots=True)
class SourceView:
    """One configured source. `days` are the last 90 with a refresh, oldest first; `ever` is their sum of all time.

    `documents` are published now. `interval_seconds` is its timer. Of the daemon: `failures` in a row, `next_at`,
    `running_since`, and `lag_seconds`, how late its refresh is; None where no daemon has it.
    """

    name: str
    standing: Standing
    interval_seconds: int
    every: str
    documents: int = 0
    held: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    changed_at: datetime | None = None
    failure: str | None = None
    incomplete: str | None = None
    failures: int = 0
    next_at: datetime | None = None
    running_since: datetime | None = None
    last_seconds: float | None = None
    lag_seconds: float | None = None
    days: tuple[Day, ...] = ()
    ever: Day = field(default_factory=lambda: Day(date.min))


@dataclass(frozen=True, slots=True)
class FeedView:
    """One configured feed. `entries` are those of its fullest format, `changed_at` is when one of its entries last came in or changed.

    `sources` are the names of those that it may bring articles from.
    """

    path: str
    title: str
    formats: tuple[str, ...]
    sources: tuple[str, ...]
    entries: int = 0
    changed_at: datetime | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class DaemonView:
    """The daemon: `stopped` by someone, `gone` without a word, or never started here.

    Of one that runs, `notice` says why a changed configuration was not taken over, `unwatched` (source → sentence)
    what is not watched although it should be, `blocked` why the last refresh could publish nothing.
    """

    word: DaemonWord
    started_at: datetime | None = None
    updated_at: datetime | None = None
    due_at: datetime | None = None
    owner: str | None = None
    notice: str | None = None
    unwatched: Mapping[str, str] = field(default_factory=dict)
    blocked: str | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """All that is wrong with the daemon itself, in sentences."""
        return tuple(one for one in (self.notice, *self.unwatched.values(), self.blocked) if one)


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system with the fewest free bytes of those that feedpub writes to; None where it cannot be asked."""

    path: str
    free_bytes: int
    total_bytes: int
    free_files: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything. `held` has the oldest documents in quarantine, `held_count` counts all; `runs` are
    reports of the latest refreshes as JSON, newest first; `days` those of the newsroom as a whole.

    `damaged` are paths of published files that the server could not answer with for more than a minute.
    `store` says whether the store could be read, `store_text` why not; without it all but sources'
    and feeds' names, daemon and disks is empty.
    """

    now: datetime
    title: str
    output: str
    store: StoreWord
    store_text: str | None
    daemon: DaemonView
    sources: tuple[SourceView, ...]
    feeds: tuple[FeedView, ...]
    disk: Disk | None = None
    articles: int = 0
    events: int = 0
    withdrawn: int = 0
    files: int = 0
    output_bytes: int = 0
    held: tuple[Held, ...] = ()
    held_count: int = 0
    runs: tuple[dict[str, Any], ...] = ()
    days: tuple[Day, ...] = ()
    ever: Day = field(default_factory=lambda: Day(date.min))
    damaged: tuple[str, ...] = ()

    @property
    def output_failures(self) -> tuple[str, ...]:
        """What the latest refresh could not publish."""
        return tuple(self.runs[0].get("failures") or ()) if self.runs else ()
