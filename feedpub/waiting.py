"""Records that wait: a file of theirs was refused, and no earlier version of it stands, so that nothing may lead there.

While every other file is made they are not in the store at all, and so in no feed, list or count: no
query needs to know of them. Afterwards they are back, to be tried at the next refresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
    union,
    update,
)

from feedpub.history import EVERYTHING
from feedpub.store import schema
from feedpub.store.transaction import CHUNK, Transaction


def _aside(table: Table) -> Table:
    """A table of this connection alone, with the same columns."""
    columns = (Column(column.name, column.type) for column in table.columns)
    return Table(f"waiting_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"])


_RECORD, _FACET, _MEDIUM = _aside(schema.record), _aside(schema.facet), _aside(schema.medium)


class Waiting:
    """Takes records out of the store of one refresh, and puts them back at its end."""

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction
        self.ids: set[str] = set()
        """Those that wait."""
        self._begun = False

    def take_away(self, ids: Iterable[str]) -> None:
        """Take these records away, and the new events that nobody else reports."""
        record = schema.record
        ids = sorted(ids)
        if not ids:
            return
        self._move(ids)
        mention = schema.mention
        others = exists().where(
            mention.c.event_id == record.c.id, mention.c.reporter.not_in(select(_RECORD.c.id))
        )
        alone = select(record.c.id).where(
            record.c.dirty, record.c.kind == "event", record.c.withdrawn_at.is_(None), ~others,
            ~_published(record.c.id),
        )  # fmt: skip
        events = self._tx.connection.execute(alone).scalars().all()
        self._move(events)
        self.ids.update(ids, events)

    def take_away_unheard(self) -> None:
        """Take away what was withdrawn while it waited: nobody has heard of it, or need hear that it is gone."""
        record = schema.record
        self._tx.flush()
        unheard = select(record.c.id).where(
            record.c.dirty, record.c.withdrawn_at.is_not(None), record.c.entry == "", ~_published(record.c.id)
        )
        self._move(self._tx.connection.execute(unheard).scalars().all())

    def reporters(self) -> ColumnElement[bool]:
        """The condition on the table `record` that it reports an event which waits."""
        mention = schema.mention
        return exists().where(
            mention.c.reporter == schema.record.c.id, mention.c.event_id.in_(select(_RECORD.c.id))
        )

    def facets(self) -> list[tuple[str, str]]:
        """Names and slugs of the feeds that these records are to come into, in order."""
        if not self.ids:
            return []
        facet = schema.facet
        known = select(facet.c.name, facet.c.slug).where(facet.c.record_id.in_(select(_RECORD.c.id)))
        rows = self._tx.connection.execute(union(select(_FACET.c.name, _FACET.c.slug), known))
        return sorted((row.name, row.slug) for row in rows)

    def put_back(self) -> None:
        """Have them, and what is tied to them and was made without them, tried again at the next refresh."""
        if not self._begun:
            return
        connection, record, mention = self._tx.connection, schema.record, schema.mention
        self._tx.flush()
        connection.execute(update(_RECORD).values(dirty=True, entry=""))
        waiting = select(_RECORD.c.id)
        tied = union(
            select(mention.c.event_id).where(mention.c.reporter.in_(waiting)),
            select(mention.c.reporter).where(mention.c.event_id.in_(waiting)),
        )
        connection.execute(update(record).where(record.c.id.in_(tied)).values(dirty=True))
        for table, aside in _PAIRS:
            connection.execute(insert(table).from_select(table.columns.keys(), select(aside)))
            aside.drop(connection)

    def _move(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        self._tx.flush()
        if not self._begun:
            self._begun = True
            for aside in (_RECORD, _FACET, _MEDIUM):
                aside.create(self._tx.connection)
        for table, aside in _PAIRS:
            own = table.c.id if table is schema.record else table.c.record_id
            condition: list[Any] = [own.in_(bindparam("wanted", expanding=True))]
            if table is not schema.record:
                # The old files of what was published before may name its pictures, and lead to its section.
                condition.append(~_published(own))
            names = table.columns.keys()
            for start in range(0, len(ids), CHUNK):
                wanted = {"wanted": ids[start : start + CHUNK]}
                rows = select(table).where(*condition)
                self._tx.connection.execute(insert(aside).from_select(names, rows), wanted)
                self._tx.connection.execute(delete(table).where(*condition), wanted)


_PAIRS = ((schema.record, _RECORD), (schema.facet, _FACET), (schema.medium, _MEDIUM))


def _published(identifier: ColumnElement[str]) -> ColumnElement[bool]:
    """That a record has been published at some time."""
    member = schema.member
    return exists().where(member.c.record_id == identifier, member.c.path == EVERYTHING)
