"""Stores of earlier versions become like one begun now, and keep what they hold."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, create_engine

from feedpub.store import schema

HISTORY = ("member", "change", "listed", "text_key", "copy", "decision")


def columns(connection: Connection) -> dict[str, set[str]]:
    """Table → its columns."""
    return {
        table: {row.name for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")}
        for table in schema.metadata.tables
    }


def indexes(connection: Connection) -> set[str]:
    rows = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )
    return {row.name for row in rows}


def make_older(connection: Connection, version: int) -> None:
    """Take away what later versions brought."""
    say = connection.exec_driver_sql
    for table in ("departure", "ping", "tally"):
        say(f"DROP TABLE {table}")
    for column in ("changed_at", "incomplete"):
        say(f"ALTER TABLE source DROP COLUMN {column}")
    if version < 3:
        say("ALTER TABLE identity DROP COLUMN restored_at")
    if version == 2:
        for column in ("type", "stem"):
            say(f"ALTER TABLE change DROP COLUMN {column}")
    if version == 1:
        for table in HISTORY:
            say(f"DROP TABLE {table}")
        say("DROP INDEX window_by_due")
        say("ALTER TABLE window DROP COLUMN due_at")
        say("ALTER TABLE identity DROP COLUMN revision")
        say("DROP INDEX identity_by_change")
    say("DELETE FROM schema_version")
    say(f"INSERT INTO schema_version (version) VALUES ({version})")


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_an_older_store_becomes_like_a_new_one(version: int) -> None:
    with create_engine("sqlite://").begin() as connection:
        assert schema.migrate(connection) == schema.VERSION
        new = columns(connection), indexes(connection)
        connection.exec_driver_sql(
            "INSERT INTO identity (id, kind, source, place, stem, first_seen_at, content, document) "
            "VALUES ('urn:x:1', 'article', 'articles', '1.md', 'articles/2025/09/one', 7, '', '')"
        )
        make_older(connection, version)
        assert (columns(connection), indexes(connection)) != new
        assert schema.migrate(connection) == schema.VERSION
        assert (columns(connection), indexes(connection)) == new
        row = connection.exec_driver_sql("SELECT * FROM identity").one()
        assert (row.id, row.first_seen_at, row.revision, row.restored_at) == ("urn:x:1", 7, 0, None)
        assert schema.migrate(connection) == schema.VERSION
