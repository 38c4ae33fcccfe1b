"""The store and its ledger made anew from what the store says now, so that nothing remains of what it said before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from feedpub.errors import StoreError
from feedpub.store.ledger import Ledger
from feedpub.store.replay import export_ledger
from feedpub.store.transaction import Transaction

_NONE_YET = 1 << 60
"""A length that no ledger has: whoever opens the store while it is noted writes the ledger anew from it."""


def scrub(connection: Connection, path: Path, ledger_path: Path) -> None:
    """Write the ledger anew and then the store at `path`; a crash in between costs nothing but another try.

    Raises:
        StoreError: the ledger cannot be written, or another program reads the store.
    """
    _rewrite_ledger(connection, ledger_path)
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    connection.exec_driver_sql("VACUUM")
    # The write-ahead log holds what pages looked like: it must be emptied too.
    busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if busy:
        raise StoreError(
            f"{path}: another program is reading the store, so its old state is still on the disk. Let that program "
            "end; the next `feedpub publish` finishes this.",
            path=str(path),
        )


def _rewrite_ledger(connection: Connection, path: Path) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    ledger = Ledger(fresh)
    try:
        with _immediately(connection):
            Transaction(connection, ledger).set_meta("ledger_offset", str(_NONE_YET))
            export_ledger(connection, ledger)
            end = ledger.commit(0)
        fresh.replace(path)
        with _immediately(connection):
            Transaction(connection, ledger).set_meta("ledger_offset", str(end))
    except OSError as error:
        raise StoreError(
            f"{error.filename}: {error.strerror}: the ledger could not be written anew. Make room or give permission; "
            "the next `feedpub publish` finishes this.",
            path=str(path),
        ) from error
    finally:
        ledger.close()


@contextlib.contextmanager
def _immediately(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
