"""What a refresh did, and what it held back: for the command line, the daemon and the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from feedpub.models import Problem


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one refresh found in one source. `failure` is why it could not be read, or None.

    `stopped` says that the accident guard stopped it, and `failure` why.
    `complete` is False if a part of it could not be looked at; `notices` say which, and what was left out.
    `seconds` is how long reading it took; two reports that differ in nothing else are equal.
    """

    name: str
    new: int = 0
    modified: int = 0
    unmodified: int = 0
    removed: int = 0
    waiting: int = 0
    quarantined: int = 0
    failure: str | None = None
    notices: tuple[str, ...] = ()
    complete: bool = True
    stopped: bool = False
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What one refresh did.

    `held` are the documents held back in this or an earlier refresh, each with its problems;
    `written` and `deleted` are paths in the output; `next_due_at` is when an article or a file is
    due to change by time alone, or None, and `due_sources` the sources that must be read for it;
    `retry_at` is when hubs are to be told again.
    """

    started_at: datetime
    finished_at: datetime
    sources: tuple[SourceReport, ...] = ()
    held: tuple[Held, ...] = ()
    advice: tuple[Problem, ...] = ()
    written: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    articles: int = 0
    events: int = 0
    next_due_at: datetime | None = None
    due_sources: tuple[str, ...] = ()
    retry_at: datetime | None = None
    output: str = ""

    @property
    def failed(self) -> bool:
        """Whether a source or an output failed."""
        return bool(self.failures) or any(source.failure for source in self.sources)

    @property
    def complete(self) -> bool:
        """Whether every source could be looked at as a whole."""
        return all(source.complete and not source.failure for source in self.sources)


@dataclass(frozen=True, slots=True)
class Held:
    """One document in quarantine. `published_id` is set where an earlier good version stays published."""

    source: str
    place: str
    problems: tuple[Problem, ...]
    since: datetime
    published_id: str | None = None
    headline: str | None = None
