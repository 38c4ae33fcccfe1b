"""The tables of the store, and the numbered migrations that lead to them.

Times are whole seconds since 1970 in UTC, JSON is UTF-8 bytes. What inputs cannot give back stands
in `identity`, `alias`, `event_key`, `redirect`, `member`, `departure`, `change`, `listed`, `text_key` and `decision`,
and in the ledger; everything else can be made anew from inputs and ledger, but for `run` and `tally`,
which tell of past refreshes and are missed by nobody but the operator.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
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
    # when it last brought, changed or took away anything
    Column("changed_at", Integer),
    # why a part of it could not be looked at the last time, or NULL
    Column("incomplete", Text),
)

document = Table(
    "document",
    metadata,
    Column("source", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("container", Text),
    Column("stamp", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # published, draft, waiting, expired, held, copy, withdrawn (by a person), kept (gone but kept
    # published), gone, container
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
    # how often the content changed, was withdrawn or came back
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("content", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("withdrawn_at", Integer),
    # when it last came back after it had been withdrawn
    Column("restored_at", Integer),
    Index("identity_by_place", "source", "place"),
    Index("identity_by_document", "document"),
    Index("identity_by_change", "changed_at", sqlite_where=text("changed_at IS NOT NULL")),
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
    # the digest of the record as published: with its events, the site and the renderers; "" while it is not
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
    # when the file changes by time alone: an event passes, a correction is no longer recent
    Column("due_at", Integer),
    Index("window_by_due", "due_at", sqlite_where=text("due_at IS NOT NULL")),
)

member = Table(
    # What has ever been in a feed, in the order in which it came: the archive pages are cut from it.
    # The path "*" stands for everything that was ever published, events included.
    "member",
    metadata,
    Column("path", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("record_id", Text, nullable=False),
    Index("member_by_record", "record_id", "path"),
    sqlite_with_rowid=False,
)

departure = Table(
    # Members of a feed that are published, and do not belong to it any more.
    "departure",
    metadata,
    Column("path", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Index("departure_by_time", "path", "at"),
    sqlite_with_rowid=False,
)

change = Table(
    "change",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("record_id", Text, nullable=False),
    # added, modified, deleted
    Column("change", Text, nullable=False),
    Column("at", Integer, nullable=False),
    # what the line says of the record, which may be of another type and elsewhere by now
    Column("type", Text),
    Column("stem", Text),
)

listed = Table(
    # What the changes feed said last of each record: the digest of its data, or "" when deleted.
    "listed",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    sqlite_with_rowid=False,
)

text_key = Table(
    # Which article has a text, to recognise copies of it.
    "text_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("record_id", Text, nullable=False),
    sqlite_with_rowid=False,
)

copy = Table(
    # Documents whose text is published already, with the record that stands for them.
    "copy",
    metadata,
    Column("source", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("record_id", Text, nullable=False),
    Column("url", Text),
    Index("copy_by_record", "record_id"),
    sqlite_with_rowid=False,
)

decision = Table(
    # Articles that a person withdrew although their sources may still hold them.
    "decision",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("reason", Text),
    # whether nothing of its content was to remain
    Column("purged", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

ping = Table(
    # Hubs that must hear that a feed changed.
    "ping",
    metadata,
    Column("hub", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("since", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Integer, nullable=False),
    sqlite_with_rowid=False,
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

tally = Table(
    # What the refreshes of one day came to: for each source, and as "" for all together. The day is
    # an ISO date in UTC, or "" for all days that ever were.
    "tally",
    metadata,
    Column("day", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    # refreshes by outcome; stopped by the accident guard
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("stopped", Integer, nullable=False),
    # documents
    Column("new", Integer, nullable=False),
    Column("modified", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    # documents in quarantine after the last of them
    Column("held", Integer, nullable=False),
    # how long they took: together, and the longest of them
    Column("seconds", Float, nullable=False),
    Column("longest", Float, nullable=False),
    sqlite_with_rowid=False,
)


def _history(connection: Connection) -> None:
    """What archive pages, calendars and the changes feed need."""
    connection.exec_driver_sql("ALTER TABLE identity ADD COLUMN revision INTEGER NOT NULL DEFAULT 0")
    for table in (member, change, listed, text_key, copy, decision):
        table.create(connection)
    connection.exec_driver_sql("ALTER TABLE window ADD COLUMN due_at INTEGER")
    connection.exec_driver_sql("DROP INDEX identity_by_document")
    for index in (*identity.indexes, *window.indexes):
        if index.name in ("identity_by_change", "identity_by_document", "window_by_due"):
            index.create(connection)


def _returns(connection: Connection) -> None:
    """When a withdrawn article came back, and what lines of the changes feed said."""
    for table, column, kind in (
        ("identity", "restored_at", "INTEGER"),
        ("change", "type", "TEXT"),
        ("change", "stem", "TEXT"),
    ):
        known = {row.name for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")}
        if column not in known:  # an earlier migration may have made the table as it is now
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _departures(connection: Connection) -> None:
    """What left a feed although it is still published; what hubs must hear; what each day's refreshes came to."""
    for table in (departure, ping, tally):
        table.create(connection)
    for column, kind in (("changed_at", "INTEGER"), ("incomplete", "TEXT")):
        connection.exec_driver_sql(f"ALTER TABLE source ADD COLUMN {column} {kind}")


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_history, _returns, _departures)
"""Migration n leads from schema version n + 1 to n + 2; none is ever changed once released."""

VERSION = len(MIGRATIONS) + 1


def migrate(connection: Connection) -> int:
    """Bring the store to the newest schema version, which is returned.

    Raises:
        ValueError: the store was written by a newer feedpub.
    """
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    version = connection.exec_driver_sql("SELECT MAX(version) FROM schema_version").scalar() or 0
    if version > VERSION:
        raise ValueError(f"schema version {version} is newer than {VERSION}")
    if version == 0:
        metadata.create_all(connection)
    else:
        for migration in MIGRATIONS[version - 1 :]:
            migration(connection)
    if version < VERSION:
        connection.execute(text("INSERT INTO schema_version (version) VALUES (:v)"), {"v": VERSION})
    return VERSION
