"""What is published, as the store tells it: records by their ids, and nothing of what was withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from feedpub.models import JSON, Entry
from feedpub.store import schema


@dataclass(frozen=True, slots=True)
class Version:
    """One record as it is now, not read yet. `digest` changes when anything does that an answer could show."""

    row: Any
    digest: str


def versions(connection: Connection, ids: Sequence[str]) -> list[Version]:
    """The published ones of these records, in the order of `ids`."""
    record, identity = schema.record, schema.identity
    query = (
        select(
            record.c.id, record.c.kind, record.c.type, record.c.data, record.c.entry, record.c.updated_at,
            identity.c.first_seen_at, identity.c.stem,
        )
        .join(identity, identity.c.id == record.c.id)
        .where(record.c.id.in_(ids), record.c.withdrawn_at.is_(None))
    )  # fmt: skip
    # `entry` stands for the record with its events, the site and the renderers.
    found = {
        row.id: Version(row, f"{row.id} {row.entry} {row.updated_at} {row.stem}")
        for row in connection.execute(query)
    }
    return [found[identifier] for identifier in ids if identifier in found]


def entries(connection: Connection, found: Sequence[Version], *, with_events: bool) -> list[Entry]:
    """These records as formats take them; `with_events`: each article with the events that it reports."""
    ids = [version.row.id for version in found if version.row.kind == "article"]
    events: dict[str, list[JSON]] = {}
    if with_events and ids:
        mention, record = schema.mention, schema.record
        query = (
            select(mention.c.reporter, record.c.data)
            .join(record, record.c.id == mention.c.event_id)
            .where(mention.c.reporter.in_(ids), record.c.withdrawn_at.is_(None))
            .order_by(mention.c.event_id)
        )
        for row in connection.execute(query):
            events.setdefault(row.reporter, []).append(orjson.loads(row.data))
    return [_entry(version.row, events.get(version.row.id, [])) for version in found]


def moved_to(connection: Connection, identifier: str) -> str | None:
    """The id under which something is found that was known by another, or None."""
    alias = schema.alias
    return connection.execute(select(alias.c.target).where(alias.c.id == identifier)).scalar()


def state(connection: Connection, identifier: str) -> tuple[str, int | None] | None:
    """The kind of a record, "article" or "event", and when it was withdrawn; None if there never was one."""
    record = schema.record
    query = select(record.c.kind, record.c.withdrawn_at).where(record.c.id == identifier)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.kind, row.withdrawn_at)


def _entry(row: Any, events: Sequence[JSON]) -> Entry:
    """With what a DataFeed shows, and nothing of how the record stands among other formats."""
    return Entry(
        id=row.id, data=orjson.loads(row.data), events=tuple(events), html="", url="", record_url="", page_path=None,
        record_path=f"{row.stem}.jsonld", published_at=None, sort_at=None, updated_at=_time(row.updated_at),
        first_seen_at=_time(row.first_seen_at), digest=row.entry, is_event=row.kind == "event",
    )  # fmt: skip


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
