"""Where articles come from. A source says what changed since the last refresh, and nothing else.

A source never decides what is withdrawn: it reports `Gone` for a document that it knows to be
gone, and ends with `Listing`, which says whether it saw everything there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from feedpub.models import Document, Problem

BUILT_IN = {"files": "feedpub.sources.files:FilesSource"}
"""Kind → "module:class" of the sources that come along. The class is called with a `SourceConfig`."""


class Seen(NamedTuple):
    """What the store knows of one place from earlier refreshes.

    `stamp` is the source's own cheap mark (size and times of a file, an ETag); `digest` is the
    hex SHA-256 of the content. `container` is the place of the file that holds it together with
    others, or None.
    """

    place: str
    stamp: str
    digest: str
    container: str | None = None


class State(Protocol):
    """What a source may ask of the store. Everything is ordered by place, by code point."""

    def listed(self) -> Iterator[Seen]:
        """Every place seen that is a file or page by itself or a container (not the items in containers)."""

    def find(self, place: str) -> Seen | None:
        """One place, items in containers included."""

    def items(self, container: str) -> Iterator[Seen]:
        """The items seen in one container."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A document that is new or has another content than last time (by digest)."""

    document: Document
    stamp: str
    digest: str
    container: str | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """A place whose stamp changed while its content did not, or a container that was read."""

    place: str
    stamp: str
    digest: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place that exists but could not be read: it goes into quarantine and is not gone."""

    place: str
    stamp: str
    problem: Problem
    container: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A place that was seen before and is known to be no more. A container takes its items along."""

    place: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The end of a listing. `complete` is False if something could not be looked at.

    `unmodified` counts documents known to be unchanged; `notices` tell why a listing is
    incomplete or what was left alone. `empty` says that it is incomplete only because there was
    nothing at all, which may be meant or an accident.
    """

    complete: bool
    unmodified: int
    notices: tuple[str, ...] = ()
    empty: bool = False


Change = Changed | Touched | Unreadable | Gone | Listing


class Source(Protocol):
    """SEAM 1. Raises `SourceError` when the source as a whole cannot be read."""

    def changes(self, state: State, now: datetime) -> Iterator[Change]:
        """Yield what changed; end with exactly one `Listing`."""

    def holds(self, place: str, digest: str | None) -> bool:
        """Whether the document at `place` is there, and with a digest: whether it is still that one.

        Cheap; used to tell a move from a copy. True where it cannot be told.
        """
