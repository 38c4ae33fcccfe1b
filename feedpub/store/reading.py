"""The store for those who only look: never made, never migrated, nothing left beside it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from feedpub.config import Config
from feedpub.errors import StoreVersionError
from feedpub.store import STORE_NAME, Store, schema, told, version_of


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
        with told(path), engine.connect() as connection:
            version = version_of(connection)
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


def _engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        # Beside a write-ahead log SQLite reads what its writer has; without one, only `immutable` needs no
        # file beside it. Asked each time: a publisher may have begun or ended.
        mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
        return sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=10, isolation_level=None)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)
