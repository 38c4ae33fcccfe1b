"""Reading and writing rows within one transaction, in batches; every fact for the ledger goes there too."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Dialect, Row, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.compiler import SQLCompiler

from feedpub.sources import Seen
from feedpub.store import schema
from feedpub.store.ledger import Ledger, Unwritten
from feedpub.store.replay import record_line

Rows = dict[str, Row[Any]]
CHUNK = 500
"""Values in one IN list: well below SQLite's limit of bound parameters."""


class StoreState:
    """What a source may ask of the store (`feedpub.sources.State`).

    With `trusted` False, for documents that are due at `now` and for the places in `again`, stamps
    and digests are hidden, so that the source hands the documents out again.
    """

    def __init__(
        self, connection: Connection, source: str, *, trusted: bool, now: int, again: Container[str]
    ) -> None:
        self._connection = connection
        self._source = source
        self._trusted = trusted
        self._now = now
        self._again = again

    def listed(self) -> Iterator[Seen]:
        """Every file, page or container seen, by place."""
        document = schema.document
        yield from self._pages(document.c.container.is_(None), document.c.state.not_in(("gone", "kept")))

    def items(self, container: str) -> Iterator[Seen]:
        """The items seen in one container, by place."""
        document = schema.document
        yield from self._pages(document.c.container == container, document.c.state.not_in(("gone", "kept")))

    def find(self, place: str) -> Seen | None:
        """One place."""
        row = self._connection.execute(_FIND, {"source": self._source, "place": place}).one_or_none()
        return None if row is None else self._seen(*row)

    def _pages(self, *where: Any) -> Iterator[Seen]:
        # Page by page, since the rows change while the source is being read.
        document = schema.document
        query = (
            select(*_SEEN)
            .where(document.c.source == self._source, document.c.place > bindparam("after"), *where)
            .order_by(document.c.place)
            .limit(2000)
        )
        after = ""
        while rows := self._connection.execute(query, {"after": after}).all():
            yield from (self._seen(*row) for row in rows)
            after = rows[-1].place

    def _seen(self, place: str, stamp: str, digest: str, container: str | None, due_at: int | None) -> Seen:
        if not self._trusted or (due_at is not None and due_at <= self._now) or place in self._again:
            return Seen(place, "", "", container)
        return Seen(place, stamp, digest, container)


_SEEN = (
    schema.document.c.place,
    schema.document.c.stamp,
    schema.document.c.digest,
    schema.document.c.container,
    schema.document.c.due_at,
)

_FIND = select(*_SEEN).where(
    schema.document.c.source == bindparam("source"),
    schema.document.c.place == bindparam("place"),
    schema.document.c.state.not_in(("gone", "kept")),
)


class Transaction:
    """One writer's view of the store. Rows that are put are written by `flush`, many at a time."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        self.connection = connection
        self.ledger = ledger
        self._pending: dict[str, list[Mapping[str, Any]]] = defaultdict(list)

    # -- one part of the work that may be taken back

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done inside is taken back whole if it raises, the ledger's lines included."""
        self.flush()
        offset = self.ledger.offset
        self.connection.exec_driver_sql("SAVEPOINT part")
        try:
            yield
            self.flush()
        except BaseException:
            self._pending.clear()
            self.connection.exec_driver_sql("ROLLBACK TO part")
            self.connection.exec_driver_sql("RELEASE part")
            self.ledger.cut(offset)
            raise
        self.connection.exec_driver_sql("RELEASE part")

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What is done inside is taken back at the end, and the ledger never hears of it."""
        self.flush()
        ledger, self.ledger = self.ledger, Unwritten()
        self.connection.exec_driver_sql("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            self._pending.clear()
            self.connection.exec_driver_sql("ROLLBACK TO rehearsal")
            self.connection.exec_driver_sql("RELEASE rehearsal")
            self.ledger = ledger

    # -- rows in general

    def put(self, table: Table, values: Mapping[str, Any]) -> None:
        """Insert a row or replace the columns given of the one with its key, at the next `flush`."""
        self._pending[table.name].append(values)

    def flush(self) -> None:
        """Write every row put so far."""
        for name, rows in self._pending.items():
            shapes: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
            for row in rows:
                shapes[tuple(row)].append(row)
            for columns, alike in shapes.items():
                self._write(schema.metadata.tables[name], columns, alike)
        self._pending.clear()

    def _write(self, table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
        statement, text, order = _upsert(table, columns, self.connection.dialect)
        if order:
            # The values need no conversion, and SQLAlchemy's pass over each row takes longer than SQLite's.
            pick = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)
            self.connection.exec_driver_sql(text, [pick(row) for row in rows])
        else:
            self.connection.execute(statement, rows)

    def rows(self, table: Table, column: str, values: Iterable[str], *where: Any) -> Iterator[Row[Any]]:
        """The rows whose `column` is one of `values`."""
        wanted = list(dict.fromkeys(values))
        query = select(table).where(table.c[column].in_(bindparam("wanted", expanding=True)), *where)
        for start in range(0, len(wanted), CHUNK):
            yield from self.connection.execute(query, {"wanted": wanted[start : start + CHUNK]})

    def by_key(self, table: Table, column: str, values: Iterable[str], *where: Any) -> Rows:
        """The same, as a mapping from the column's value."""
        return {row._mapping[column]: row for row in self.rows(table, column, values, *where)}

    def delete(self, table: Table, column: str, values: Iterable[str], *where: Any) -> None:
        """Delete the rows whose `column` is one of `values`, after writing what was put."""
        wanted = list(values)
        if not wanted:
            return
        self.flush()
        query = delete(table).where(table.c[column].in_(bindparam("wanted", expanding=True)), *where)
        for start in range(0, len(wanted), CHUNK):
            self.connection.execute(query, {"wanted": wanted[start : start + CHUNK]})

    def get_meta(self, key: str) -> str | None:
        """One value that belongs to the store as a whole."""
        return self.connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == key)).scalar()

    def set_meta(self, key: str, value: str) -> None:
        """Set such a value."""
        self._write(schema.meta, ("key", "value"), [{"key": key, "value": value}])

    # -- documents

    def state(
        self, source: str, *, trusted: bool, now: int, again: Container[str] = frozenset()
    ) -> StoreState:
        """What the source called `source` may ask."""
        return StoreState(self.connection, source, trusted=trusted, now=now, again=again)

    def documents(self, source: str, places: Iterable[str]) -> Rows:
        """The document rows at `places`."""
        return self.by_key(schema.document, "place", places, schema.document.c.source == source)

    def mark_gone(self, source: str, place: str) -> None:
        """Note that the document at `place`, and every item in it, is no more."""
        self.flush()
        document = schema.document
        for column in (document.c.place, document.c.container):
            self.connection.execute(
                update(document)
                .where(document.c.source == source, column == place, document.c.state != "kept")
                .values(state="gone")
            )

    def mark_all_gone(self, source: str) -> None:
        """Note that a source holds nothing any more."""
        self.flush()
        document = schema.document
        self.connection.execute(
            update(document)
            .where(document.c.source == source, document.c.state != "kept")
            .values(state="gone")
        )

    def read_again(self, source: str, place: str, *, at: int) -> None:
        """Have a document read anew at the next refresh, which is due a second after `at`."""
        document = schema.document
        here = document.c.source == source
        row = self.connection.execute(
            select(document.c.container).where(here, document.c.place == place)
        ).one_or_none()
        for target in filter(None, (place, row.container if row else None)):
            self.connection.execute(
                update(document)
                .where(here, document.c.place == target)
                .values(stamp="", digest="", due_at=at + 1)
            )

    def gone(self, source: str) -> Iterator[list[Row[Any]]]:
        """The document rows marked gone, in chunks; each chunk must be dealt with before the next."""
        document = schema.document
        query = select(document).where(document.c.source == source, document.c.state == "gone").limit(CHUNK)
        while rows := list(self.connection.execute(query)):
            yield rows
            self.flush()

    def count(self, source: str, *states: str) -> int:
        """How many documents of a source are in one of `states`."""
        document = schema.document
        return self.connection.execute(
            select(func.count())
            .select_from(document)
            .where(document.c.source == source, document.c.state.in_(states))
        ).scalar_one()

    # -- what the ledger must know

    def log(self, **line: Any) -> None:
        """Append a line to the ledger."""
        self.ledger.append(line)

    def snapshot(self, document: Mapping[str, Any]) -> None:
        """Keep a published record whose input is bad or gone: the ledger is its only source now."""
        self.flush()
        identifier = document["record_id"]
        self.log(
            op="snapshot",
            id=identifier,
            document={f"{key}": value for key, value in document.items()},
            record=record_line(self.connection, identifier),
        )

    def withdraw(self, identifiers: Sequence[str], at: int) -> None:
        """Turn records into tombstones: of an article its type stays, of an event also name, time and place."""
        self.flush()
        record = schema.record
        for row in list(self.rows(record, "id", identifiers, record.c.withdrawn_at.is_(None))):
            data = orjson.loads(row.data)
            kept = ("@type", "@id", *(_EVENT_TOMBSTONE if row.kind == "event" else ()))
            self.connection.execute(
                update(record)
                .where(record.c.id == row.id)
                .values(
                    data=orjson.dumps({key: data[key] for key in kept if key in data}),
                    origins=None, html=None, withdrawn_at=at, dirty=True, digest=f"withdrawn:{at}",
                )
            )  # fmt: skip
            identity = schema.identity
            revision = self.connection.execute(
                update(identity)
                .where(identity.c.id == row.id)
                .values(withdrawn_at=at, revision=identity.c.revision + 1)
                .returning(identity.c.revision)
            ).scalar()
            self.connection.execute(
                update(schema.facet).where(schema.facet.c.record_id == row.id).values(withdrawn=True)
            )
            for table in (schema.mention, schema.medium):
                column = table.c.reporter if table is schema.mention else table.c.record_id
                self.connection.execute(delete(table).where(column == row.id))
            tombstone = record_line(self.connection, row.id)
            self.log(op="withdrawn", id=row.id, at=at, tombstone=tombstone, revision=revision)


_EVENT_TOMBSTONE = ("name", "startDate", "endDate", "location", "url")


_upserts: dict[tuple[str, str, tuple[str, ...]], tuple[Any, str, tuple[str, ...]]] = {}


def _upsert(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[Any, str, tuple[str, ...]]:
    """The statement, its text, and the order of its parameters where they go by position."""
    key = (dialect.name, table.name, columns)
    if key not in _upserts:
        statement = insert(table).values({name: bindparam(name) for name in columns})
        primary = [column.name for column in table.primary_key]
        rest = {name: statement.excluded[name] for name in columns if name not in primary}
        statement = (
            statement.on_conflict_do_update(index_elements=primary, set_=rest)
            if rest
            else statement.on_conflict_do_nothing()
        )
        compiled = statement.compile(dialect=dialect)
        order = compiled.positiontup if isinstance(compiled, SQLCompiler) else None
        _upserts[key] = (statement, str(compiled), tuple(order or ()))
    return _upserts[key]
