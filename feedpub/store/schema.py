"""The tables of the store, and the numbered migrations that lead to them.

Times are whole seconds since 1970 in UTC, JSON is UTF-8 bytes. What inputs cannot give back stands
in `identity`, `alias`, `event_key` and `redirect`, and in the ledger; everything else can be
made anew from inputs and ledger.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

source = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("settings", Text, nullable=False, server_default=""),
    Column("last_success_at", Integer),
    Column("last_failure_at", Integer),
    Column("failure", Text),
)

document = Table(
    "document",
    metadata,
    Column("source", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("container", Text),
    Column("stamp", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # published, draft, waiting, expired, held, kept (gone but kept published), gone, container
    Column("state", Text, nullable=False),
    Column("due_at", Integer),
    Column("record_id", Text),
    Index("document_by_container", "source", "container", sqlite_where=text("container IS NOT NULL")),
    Index("document_by_state", "state", "source"),
    Index("document_by_due", "due_at", sqlite_where=text("due_at IS NOT NULL")),
    Index("document_by_record", "record_id"),
    sqlite_with_rowid=False,
)

identity = Table(
    "identity",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("stem", Text, nullable=False),
    Column("slug", Text),
    Column("first_seen_at", Integer, nullable=False),
    Column("changed_at", Integer),
    Column("content", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("withdrawn_at", Integer),
    Index("identity_by_place", "source", "place"),
    Index("identity_by_document", "source", "document"),
)

alias = Table("alias", metadata, Column("id", Text, primary_key=True), Column("target", Text, nullable=False))

event_key = Table(
    "event_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Index("event_key_by_id", "id"),
    sqlite_with_rowid=False,
)

redirect = Table(
    "redirect",
    metadata,
    Column("path", Text, primary_key=True),
    Column("id", Text, nullable=False),
    # whether the article itself states this old address: then it goes when the article no longer does
    Column("stated", Boolean, nullable=False, server_default="0"),
    Index("redirect_by_id", "id"),
)

record = Table(
    "record",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("origins", LargeBinary),
    Column("html", Text),
    Column("url_key", Text),
    Column("source", Text, nullable=False),
    Column("language", Text),
    Column("published_at", Integer),
    Column("sort_at", Integer, nullable=False),
    Column("updated_at", Integer, nullable=False),
    # the event's span in time, for windows by the event's date
    Column("start_at", Integer),
    Column("end_at", Integer),
    Column("digest", Text, nullable=False),
    # the digest of the record as published: with its events, the site and the renderers
    Column("entry", Text, nullable=False, server_default=""),
    Column("withdrawn_at", Integer),
    Column("dirty", Boolean, nullable=False),
    Index("record_by_time", "kind", "withdrawn_at", "sort_at", "id"),
    Index("record_by_start", "start_at", sqlite_where=text("start_at IS NOT NULL")),
    Index("record_by_url", "url_key", sqlite_where=text("url_key IS NOT NULL")),
    Index("record_dirty", "id", sqlite_where=text("dirty = 1")),
)

mention = Table(
    "mention",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("reporter", Text, primary_key=True),
    Column("place", Text, nullable=False),
    Column("main", Boolean, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("origins", LargeBinary),
    Index("mention_by_reporter", "reporter"),
    sqlite_with_rowid=False,
)

facet = Table(
    "facet",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("sort_at", Integer, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Index("facet_by_record", "record_id"),
    Index("facet_by_time", "name", "slug", "withdrawn", "sort_at", "record_id"),
    sqlite_with_rowid=False,
)

rendered = Table(
    "rendered",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("format", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

medium = Table(
    "medium",
    metadata,
    Column("path", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("type", Text),
    Column("origin", Text),
    # size and time of the file at `origin` when it was read
    Column("stamp", Text),
    Index("medium_by_record", "record_id"),
    sqlite_with_rowid=False,
)

window = Table(
    "window",
    metadata,
    Column("path", Text, primary_key=True),
    Column("format", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("updated_at", Integer),
)

IS_MANIFEST = "path = folder || '/manifest.json'"
"""What a query must say word for word to use the index of the folders' own manifests."""

file = Table(
    "file",
    metadata,
    Column("path", Text, primary_key=True),
    Column("folder", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("modified_at", Integer, nullable=False),
    Column("status", Integer),
    Column("redirect", Text),
    Index("file_by_folder", "folder"),
    Index("file_manifests", "folder", sqlite_where=text(IS_MANIFEST)),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("staged", Text),
    Column("hash", Text),
)

held = Table(
    "held",
    metadata,
    Column("source", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("problems", LargeBinary, nullable=False),
    Column("since", Integer, nullable=False),
    Column("published_id", Text),
    Column("headline", Text),
)

run = Table(
    "run",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("started_at", Integer, nullable=False),
    Column("report", LargeBinary, nullable=False),
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)
"""Migration n leads from schema version n to n + 1; none is ever changed once released."""


def migrate(connection: Connection) -> int:
    """Bring the store to the newest schema version, which is returned.

    Raises:
        ValueError: the store was written by a newer feedpub.
    """
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    version = connection.exec_driver_sql("SELECT MAX(version) FROM schema_version").scalar() or 0
    if version > len(MIGRATIONS):
        raise ValueError(f"schema version {version} is newer than {len(MIGRATIONS)}")
    for number in range(version, len(MIGRATIONS)):
        MIGRATIONS[number](connection)
        connection.execute(text("INSERT INTO schema_version (version) VALUES (:v)"), {"v": number + 1})
    return len(MIGRATIONS)
