"""The store as another process reads it: never making, migrating or locking it, and nothing kept open.

A connection is opened for each question (about 0.2 ms), so that a store that was made anew or set
aside is noticed at once, and nobody who publishes ever waits for a reader.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Select, create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from feedpub.config import Config
from feedpub.errors import StoreError, StoreVersionError
from feedpub.store import STORE_NAME, Store, schema, told, version_of

_WAIT_SECONDS = 2


class NotReadableError(Exception):
    """There is nothing to read now, for the reason given; somebody who asks again later may find it."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that reads the database at `path` and cannot write it.

    Raises:
        FileNotFoundError: there is none.
        sqlite3.Error: it cannot be opened.
    """
    mode = "mode=ro&immutable=1" if _is_bare(path) else "mode=ro"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{mode}", uri=True, timeout=_WAIT_SECONDS, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip
    connection.execute("PRAGMA cache_size = -4000")
    return connection


@contextlib.contextmanager
def steady(path: Path) -> Iterator[None]:
    """Make sure that what is read inside was not being written meanwhile, where locks cannot tell.

    Raises:
        NotReadableError: it was; what was read is worth nothing.
    """
    bare = _is_bare(path)
    before = _stamp(path) if bare else None
    yield
    if bare and (not _is_bare(path) or _stamp(path) != before):
        raise NotReadableError("The store is being written.")


def _is_bare(path: Path) -> bool:
    """Whether to read the file by itself, without SQLite's two files beside it.

    Reading makes these where they are missing, and they must be the publisher's own: whoever is
    somebody else reads the bare file, as long as nobody writes.
    """
    own = path.stat().st_uid == os.geteuid() and os.access(path.parent, os.W_OK)
    return not own and not path.with_name(f"{path.name}-wal").exists()


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextlib.contextmanager
def open_to_read(config: Config) -> Iterator[Store]:
    """The store of a newsroom as it is, also while another process writes it.

    Raises:
        StoreVersionError: another version of feedpub wrote it.
        StoreError: there is none, or it cannot be opened.
        StoreCorruptError: it is damaged.
    """
    path = config.state / STORE_NAME
    engine = _engine(path)
    try:
        try:
            with told(path), engine.connect() as connection:
                version = version_of(connection)
        except FileNotFoundError as error:
            raise StoreError(
                f"{path}: there is no store yet. Run `feedpub publish`.", path=str(path)
            ) from error
        if version > schema.VERSION:
            raise StoreVersionError(
                f"{path}: schema version {version} is newer than {schema.VERSION}: a newer feedpub wrote it. "
                "Run that version here too.",
                path=str(path),
                newer=True,
            )
        if version < schema.VERSION:
            raise StoreVersionError(
                f"{path}: another version of feedpub wrote it, and it cannot be brought up to date by one who only "
                "reads. Run `feedpub publish` as the user who publishes, then try again.",
                path=str(path),
                newer=False,
            )
        yield Store(engine, path, output=config.publish.output)
    finally:
        engine.dispose()


class StoreReader:
    """Reads the store in the state folder `state`, which may not exist yet."""

    def __init__(self, state: Path) -> None:
        self._path = state / STORE_NAME
        self._engine = _engine(self._path)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state.

        Raises:
            NotReadableError: there is no store, it is of another version, or it cannot be read now.
        """
        if not self._path.exists():
            raise NotReadableError("Nothing has been published yet.")
        try:
            with steady(self._path), self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                if version_of(connection) != schema.VERSION:
                    raise NotReadableError(
                        "The store was written by another version of feedpub than the one that answers."
                    )
                yield connection
                connection.exec_driver_sql("ROLLBACK")
        except FileNotFoundError as error:
            raise NotReadableError("Nothing has been published yet.") from error
        except (DBAPIError, sqlite3.Error) as error:
            raise NotReadableError("The store cannot be read at the moment.") from error


def changes(first: int, limit: int) -> Select[Any]:
    """The changes from number `first` on, each with what it said of the record: its type, and its stem among the files."""
    change, record, identity = schema.change, schema.record, schema.identity
    return (
        select(
            change.c.sequence, change.c.record_id, change.c.change, change.c.at,
            func.coalesce(change.c.type, record.c.type).label("type"),
            func.coalesce(change.c.stem, identity.c.stem).label("stem"),
        )
        .outerjoin(record, record.c.id == change.c.record_id)
        .outerjoin(identity, identity.c.id == change.c.record_id)
        .where(change.c.sequence >= first)
        .order_by(change.c.sequence)
        .limit(limit)
    )  # fmt: skip


def _engine(path: Path) -> Engine:
    return create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)
