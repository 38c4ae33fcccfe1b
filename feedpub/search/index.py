"""The search index brought up to date with what is published, by the publisher and nobody else.

The index says up to which numbered change it is built, so that an interrupted update is made up for
by the next. Its text is contentless FTS5: what an old version of a record said stays in it under a number
that nothing has any more, until there is so much of that that the index is made anew. (Deleting from such a
table needs the old text before SQLite 3.43.)
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from feedpub.search import INDEX_NAME, numbers, terms
from feedpub.store import schema

VERSION = 1
"""To be raised when the index holds something else for the same records."""

_CHUNK = 200
_FEW = 1000
"""Of fewer old versions than these the index is never made anew."""

_TABLES = """
CREATE TABLE entry (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, end_at INTEGER);
CREATE TABLE term (
    name TEXT, slug TEXT, number INTEGER, PRIMARY KEY (name, slug, number)
) WITHOUT ROWID;
CREATE INDEX term_by_number ON term (number);
CREATE TABLE stale (number INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5(
    headline, abstract, body, names, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'
);
"""
_META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


def update(store: Connection, folder: Path, *, timezone: str) -> None:
    """Bring the index in `folder` up to date with the store; where it cannot be used it is made anew.

    Args:
        store: a connection that sees what was committed.
        folder: the state folder.
        timezone: the newsroom's, by which times without an offset are placed.

    Raises:
        OSError, sqlite3.Error: it cannot be written; the next update makes up for it.
    """
    try:
        _update(store, folder, timezone)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise  # no room, no permission, or in use: making it anew would not help
        forget(folder)
        _update(store, folder, timezone)


def forget(folder: Path) -> None:
    """Delete the index: it may hold words of what must not remain."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / f"{INDEX_NAME}{suffix}").unlink(missing_ok=True)


def _update(store: Connection, folder: Path, timezone: str) -> None:
    settings = f"{VERSION} {timezone}"
    with contextlib.closing(sqlite3.connect(folder / INDEX_NAME, timeout=10, isolation_level=None)) as index:
        known = _known(index)
        sequence, mark = _last_change(store)
        if known.get("settings") == settings and known.get("mark") == mark:
            return
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = NORMAL")
        index.execute("BEGIN IMMEDIATE")
        try:
            if known.get("settings") != settings or not _continues(store, known) or _is_full_of_old(index):
                _begin_anew(index)
                _fill(index, store)
            else:
                _change(index, store, int(known["sequence"]))
            said = {"settings": settings, "sequence": str(sequence), "mark": mark}
            index.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", said.items())
            index.execute("COMMIT")
        except BaseException:
            index.execute("ROLLBACK")
            raise


def _known(index: sqlite3.Connection) -> dict[str, str]:
    if not index.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return {}
    return dict(index.execute("SELECT key, value FROM meta"))


def _last_change(store: Connection) -> tuple[int, str]:
    change = schema.change
    row = store.execute(select(change).order_by(change.c.sequence.desc()).limit(1)).one_or_none()
    return (row.sequence, _mark(row)) if row else (0, "")


def _mark(row: Row[Any]) -> str:
    return f"{row.sequence} {row.at} {row.record_id}"


def _continues(store: Connection, known: dict[str, str]) -> bool:
    """Whether the changes since are of the same history, and not of a store that was begun without its ledger."""
    if known["mark"] == "":
        return True
    change = schema.change
    row = store.execute(select(change).where(change.c.sequence == int(known["sequence"]))).one_or_none()
    return row is not None and _mark(row) == known["mark"]


def _is_full_of_old(index: sqlite3.Connection) -> bool:
    stale = int(index.execute("SELECT count(*) FROM stale").fetchone()[0])
    if stale <= _FEW:
        return False
    return stale * 4 > int(index.execute("SELECT count(*) FROM entry").fetchone()[0])


def _begin_anew(index: sqlite3.Connection) -> None:
    for table in ("entry", "term", "stale", "words"):
        index.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in (*_TABLES.split(";\n"), _META):
        index.execute(statement)


# -- which records


def _fill(index: sqlite3.Connection, store: Connection) -> None:
    """Everything that is published, in the order in which the index keeps it."""
    record = schema.record
    query = (
        select(record.c.id).where(record.c.withdrawn_at.is_(None)).order_by(record.c.kind, record.c.sort_at)
    )
    ids = list(store.execute(query).scalars())
    for chunk in _chunks(ids):
        _put(index, _entries(store, chunk))


def _change(index: sqlite3.Connection, store: Connection, since: int) -> None:
    """What changed, and what is found by that: an event by its articles' sections, an article by its events' places."""
    change, mention = schema.change, schema.mention
    query = select(change.c.record_id).where(change.c.sequence > since).distinct()
    for changed in _chunks(sorted(store.execute(query).scalars())):
        ids = set(changed)
        ids.update(store.execute(select(mention.c.event_id).where(mention.c.reporter.in_(changed))).scalars())
        ids.update(store.execute(select(mention.c.reporter).where(mention.c.event_id.in_(changed))).scalars())
        for chunk in _chunks(sorted(ids)):
            before = _remove(index, chunk)
            _put(index, _entries(store, chunk), before)


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(ids)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


# -- rows


def _remove(index: sqlite3.Connection, ids: list[str]) -> dict[str, int]:
    """Take these records out; returns the numbers that they had."""
    marks = ", ".join("?" * len(ids))
    before = dict(index.execute(f"SELECT id, number FROM entry WHERE id IN ({marks})", ids))  # noqa: S608
    gone = [(number,) for number in before.values()]
    for table in ("entry", "term"):
        index.executemany(f"DELETE FROM {table} WHERE number = ?", gone)  # noqa: S608
    index.executemany("INSERT INTO stale VALUES (?)", gone)
    return before


class _Entry:
    """One record as the index holds it."""

    def __init__(self, row: Any, data: dict[str, Any], found: frozenset[terms.Term]) -> None:
        self.id: str = row.id
        self.first = numbers.first(row.kind, row.start_at if row.kind == "event" else row.sort_at, row.id)
        self.end_at: int | None = row.end_at
        self.terms = sorted(found)
        self.words = terms.words(data)


def _entries(store: Connection, ids: list[str]) -> Iterator[_Entry]:
    record, mention, facet = schema.record, schema.mention, schema.facet
    live = record.c.withdrawn_at.is_(None)
    rows = store.execute(select(record).where(record.c.id.in_(ids), live).order_by(record.c.id)).all()
    reported = (
        select(mention.c.reporter, record.c.data)
        .join(record, record.c.id == mention.c.event_id)
        .where(mention.c.reporter.in_(ids), live)
    )
    events: dict[str, list[dict[str, Any]]] = {}
    for row in store.execute(reported):
        events.setdefault(row.reporter, []).append(orjson.loads(row.data))
    names = facet.c.name.in_(("section", "keyword"))
    facets: dict[str, list[terms.Term]] = {}
    for row in store.execute(select(facet).where(facet.c.record_id.in_(ids), names)):
        facets.setdefault(row.record_id, []).append((row.name, row.value))
    for row in rows:
        data = orjson.loads(row.data)
        if row.kind == "event":
            yield _Entry(row, data, terms.of_event(data, facets.get(row.id, ())))
        else:
            yield _Entry(row, data, terms.of_article(data, events.get(row.id, ())))


def _put(index: sqlite3.Connection, entries: Iterable[_Entry], before: dict[str, int] | None = None) -> None:
    for entry in entries:
        known = (before or {}).get(entry.id)
        # A new version stands directly behind the old one, so that lists keep their order.
        same_place = known is not None and known >> 8 == entry.first >> 8
        number = known + 1 if known is not None and same_place else entry.first
        while _is_taken(index, number):
            number += 1
        index.execute("INSERT INTO entry VALUES (?, ?, ?)", (number, entry.id, entry.end_at))
        index.executemany(
            "INSERT INTO term VALUES (?, ?, ?)", [(name, slug, number) for name, slug in entry.terms]
        )
        index.execute(
            "INSERT INTO words (rowid, headline, abstract, body, names) VALUES (?, ?, ?, ?, ?)",
            (number, *entry.words),
        )


def _is_taken(index: sqlite3.Connection, number: int) -> bool:
    query = "SELECT 1 FROM entry WHERE number = ?1 UNION ALL SELECT 1 FROM stale WHERE number = ?1"
    return index.execute(query, (number,)).fetchone() is not None
