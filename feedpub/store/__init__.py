"""What feedpub remembers between refreshes: SQLite through SQLAlchemy Core, and the ledger beside it.

`open_store` finishes nothing and changes nothing; `Store.transaction` is the one way to write.
Imported only when a store is opened: SQLAlchemy costs a fifth of a second.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, and_, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from feedpub.config import Config
from feedpub.errors import StoreCorruptError, StoreError
from feedpub.models import Problem
from feedpub.reports import Held
from feedpub.store import schema
from feedpub.store.ledger import Ledger
from feedpub.store.replay import export_ledger, replay
from feedpub.store.transaction import Transaction

STORE_NAME = "store.sqlite3"
LEDGER_NAME = "ledger.ndjson"


@dataclass(frozen=True, slots=True)
class Status:
    """What is published, when and from where; `last_run` is the last refresh's report as JSON, or None."""

    articles: int
    events: int
    withdrawn: int
    held: int
    last_run: dict[str, Any] | None
    sources: list[dict[str, Any]]
    feeds: list[dict[str, Any]]
    output: str
    files: int


class Store:
    """An open store. Not thread-safe; several processes may read while one writes."""

    def __init__(self, engine: Engine, path: Path, *, output: Path) -> None:
        self._engine = engine
        self.path = path
        self._output = output
        self.notices: list[str] = []

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state."""
        with told(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything done inside happens whole or not at all, the ledger's lines included.

        Raises:
            StoreError: the store or the ledger cannot be written; nothing happened.
        """
        ledger = Ledger(self.path.with_name(LEDGER_NAME))
        start = ledger.offset
        try:
            with told(self.path), self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                transaction = Transaction(connection, ledger)
                try:
                    yield transaction
                    if ledger.offset > start:
                        run = connection.execute(select(func.max(schema.run.c.sequence))).scalar() or 0
                        transaction.set_meta("ledger_offset", str(ledger.commit(run)))
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    with contextlib.suppress(DBAPIError):
                        connection.exec_driver_sql("ROLLBACK")
                    with contextlib.suppress(StoreError):
                        ledger.cut(start)
                    raise
        finally:
            ledger.close()

    def held(self) -> list[Held]:
        """Every document in quarantine, by source and place."""
        with self.reading() as connection:
            return held_documents(connection)

    def retry(self, place: str | None = None) -> int:
        """Have held documents read again at the next refresh; returns how many (0: no such place)."""
        document = schema.document
        where = [document.c.state == "held"]
        if place is not None:
            where.append(document.c.place == place)
        with self.transaction() as transaction:
            connection = transaction.connection
            rows = connection.execute(select(document.c.source, document.c.place).where(*where)).all()
            for row in rows:
                transaction.read_again(row.source, row.place, at=int(time.time()))
        return len(rows)

    def status(self) -> Status:
        """What is published now."""
        record, document = schema.record, schema.document
        with self.reading() as connection:

            def count(*where: Any) -> int:
                return connection.execute(select(func.count()).select_from(record).where(*where)).scalar_one()

            held = {
                row.source: row.n
                for row in connection.execute(
                    select(schema.held.c.source, func.count().label("n")).group_by(schema.held.c.source)
                )
            }
            documents = {
                row.source: row.n
                for row in connection.execute(
                    select(document.c.source, func.count().label("n"))
                    .where(document.c.state.in_(("published", "kept")))
                    .group_by(document.c.source)
                )
            }
            sources = [
                {
                    "name": row.name,
                    "documents": documents.get(row.name, 0),
                    "held": held.get(row.name, 0),
                    "last_success_at": iso(row.last_success_at),
                    "last_failure_at": iso(row.last_failure_at),
                    "failure": row.failure,
                }
                for row in connection.execute(select(schema.source).order_by(schema.source.c.name))
            ]
            feeds = [
                {
                    "path": row.path,
                    "format": row.format,
                    "entries": row.entries,
                    "updated_at": iso(row.updated_at),
                }
                for row in connection.execute(
                    select(schema.window).order_by(schema.window.c.path, schema.window.c.format)
                )
            ]
            last = connection.execute(
                select(schema.run.c.report).order_by(schema.run.c.sequence.desc()).limit(1)
            ).scalar()
            return Status(
                articles=count_published(connection, "article"),
                events=count_published(connection, "event"),
                withdrawn=count(record.c.withdrawn_at.is_not(None)),
                held=sum(held.values()),
                last_run=orjson.loads(last) if last else None,
                sources=sources,
                feeds=feeds,
                output=str(self._output),
                files=connection.execute(
                    # What is beside a file in another coding is not one more that is published.
                    select(func.count())
                    .select_from(schema.file)
                    .where(~schema.file.c.path.endswith(".gz"), ~schema.file.c.path.endswith(".br"))
                ).scalar_one(),
            )

    def scrub(self) -> None:
        """Let nothing remain of what was deleted: write the ledger anew, and the store without free pages.

        Raises:
            StoreError: one of them cannot be written, or another program reads the store and so keeps its old state.
        """
        from feedpub.store.scrubbing import scrub

        with told(self.path), self._engine.connect() as connection:
            scrub(connection, self.path, self.path.with_name(LEDGER_NAME))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def held_documents(connection: Connection, *, oldest: int | None = None) -> list[Held]:
    """Every document in quarantine, by source and place; or so many, those that have been there longest first."""
    held, document, record = schema.held, schema.document, schema.record
    # Asked of the records themselves: a store made anew knows no more than what the ledger kept.
    query = (
        select(held.c.source, held.c.place, held.c.problems, held.c.since, held.c.headline, record.c.id)
        .outerjoin(document, and_(document.c.source == held.c.source, document.c.place == held.c.place))
        .outerjoin(record, and_(record.c.id == document.c.record_id, record.c.withdrawn_at.is_(None)))
    )
    order = (held.c.source, held.c.place) if oldest is None else (held.c.since, held.c.source, held.c.place)
    rows = connection.execute(query.order_by(*order).limit(oldest))
    return [
        Held(
            source=row.source,
            place=row.place,
            problems=tuple(Problem(**problem) for problem in orjson.loads(row.problems)),
            since=datetime.fromtimestamp(row.since, UTC),
            published_id=row.id,
            headline=row.headline,
        )
        for row in rows
    ]


def count_published(connection: Connection, kind: str) -> int:
    """How many records of this kind are published: neither withdrawn nor waiting."""
    record = schema.record
    live = (
        select(func.count()).select_from(record).where(record.c.kind == kind, record.c.withdrawn_at.is_(None))
    )
    # By the index of what is to be made again, since `entry` stands behind the long columns.
    waiting = live.where(record.c.dirty, record.c.entry == "")
    return connection.execute(live).scalar_one() - connection.execute(waiting).scalar_one()


def iso(seconds: int | None) -> str | None:
    """Whole seconds since 1970 as RFC 3339 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextlib.contextmanager
def open_store(config: Config, *, rebuild: bool = False) -> Iterator[Store]:
    """The store of a newsroom, made where there is none yet, and in step with its ledger.

    With `rebuild` the present store is set aside under another name, and a new one begins from the
    ledger; the next refresh reads all inputs again. Where the folder cannot be written, the store can be read.

    Raises:
        StoreError: store or ledger cannot be opened.
        StoreCorruptError: the store is damaged and `rebuild` was not asked for.
    """
    path = config.state / STORE_NAME
    with told(path):
        if not rebuild and path.exists() and not _is_writable(path):
            from feedpub.store.reading import open_to_read

            with open_to_read(config) as store:
                yield store
            return
        try:
            config.state.mkdir(parents=True, exist_ok=True)
            if rebuild and path.exists():
                _set_aside(path)
        except OSError as error:
            raise StoreError(
                f"{config.state}: {error.strerror}: the folder for the store cannot be written. "
                "Give permission or room, or name another folder as store.path in feedpub.toml.",
                path=str(config.state),
            ) from error
        engine = _engine(path)
        try:
            store = Store(engine, path, output=config.publish.output)
            _prepare(store, fresh=not path.exists())
            yield store
        finally:
            engine.dispose()


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy's pysqlite dialect begins transactions late; we begin them ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA temp_store = FILE")
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.close()

    return engine


def _prepare(store: Store, *, fresh: bool) -> None:
    """Migrate, and bring store and ledger in step (see the ledger's docstring)."""
    path = store.path
    ledger_path = path.with_name(LEDGER_NAME)
    with store._engine.connect() as connection:
        if not fresh and _in_step(connection, ledger_path):
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            schema.migrate(connection)
        except ValueError as error:
            raise StoreError(
                f"{path}: {error}: it was written by a newer feedpub. Install that version, or delete the "
                "file (not the ledger beside it) to have it made anew.",
                path=str(path),
            ) from error
        ledger = Ledger(ledger_path)
        try:
            known = int(
                connection.execute(
                    select(schema.meta.c.value).where(schema.meta.c.key == "ledger_offset")
                ).scalar()
                or 0
            )
            if ledger.offset < known:
                store.notices.append(
                    f"{ledger_path} was shorter than it must be: it was written anew from the store."
                )
                ledger.cut(0)
                export_ledger(connection, ledger)
                end = ledger.commit(0)
            else:
                lines, end = ledger.committed(known)
                if fresh:
                    store.notices.extend(_lost(ledger, end))
                ledger.cut(end)
                replayed = replay(connection, lines)
                if known == 0 and replayed:
                    store.notices.append(
                        f"There was no store: it was begun anew from the ledger ({replayed} lines); all articles are read again."
                    )
            Transaction(connection, ledger).set_meta("ledger_offset", str(end))
            connection.exec_driver_sql("COMMIT")
        finally:
            ledger.close()


def _lost(ledger: Ledger, end: int) -> Iterator[str]:
    """What cannot be made anew: lines behind the last commit, which only matter where there is no store."""
    count, latest = ledger.uncommitted(end)
    if count:
        lines = "1 line was" if count == 1 else f"{count} lines were"
        when = "" if latest is None else f", the latest of {iso(latest)},"
        yield (
            f"{ledger.path} ends in the middle of a refresh: its last {lines} left out{when} because the line "
            "that completes them is missing, and with the store gone nothing else knows what they said: ids, "
            "moves and withdrawals of that refresh. If you have a whole ledger in a backup, put it back in its place "
            "and run `feedpub publish --rebuild`."
        )


def _in_step(connection: Connection, ledger_path: Path) -> bool:
    if version_of(connection) != schema.VERSION:
        return False
    offset = connection.execute(
        select(schema.meta.c.value).where(schema.meta.c.key == "ledger_offset")
    ).scalar()
    size = ledger_path.stat().st_size if ledger_path.exists() else -1
    return offset == str(size)


def version_of(connection: Connection) -> int:
    """The version of the store's tables; 0 if it has none yet."""
    tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'schema_version'").all()
    return (
        connection.exec_driver_sql("SELECT MAX(version) FROM schema_version").scalar() or 0 if tables else 0
    )


def _set_aside(path: Path) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.{stamp}{suffix}"))


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the database's errors into ours, with the remedy."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig)
        # Of text that is none, SQLite quotes the bytes.
        reason = reason.partition(" with text ")[0]
        damaged = ("malformed", "not a database", "corrupt", "no such table", "no such column", "not decode")
        if any(word in reason for word in damaged):
            raise StoreCorruptError(
                f"{path}: the store is damaged ({reason}). What is published stays up. "
                "Run `feedpub publish --rebuild` to make it anew from the articles and the ledger; "
                "the damaged file is kept under another name.",
                path=str(path),
            ) from error
        if "locked" in reason:
            raise StoreError(
                f"{path}: another program has kept the store locked for 10 s. Try again when it has ended.",
                path=str(path),
            ) from error
        remedy = (
            "Make room on the disk"
            if "full" in reason
            else "Check the disk and the permissions of the folder"
        )
        raise StoreError(
            f"{path}: {reason}. What was published stays as it was. {remedy}, then run again.", path=str(path)
        ) from error
