"""What is no more: documents that are gone, and the records that are withdrawn with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Select, and_, delete, func, select

from feedpub.config import Config, SourceConfig
from feedpub.filing import Touch, document_reporter
from feedpub.guard import Guard
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.syndication import Copies, release


class Removal:
    """Withdraws what one source no longer holds."""

    def __init__(
        self, transaction: Transaction, config: Config, source: SourceConfig, touch: Touch, at: int
    ) -> None:
        self._tx = transaction
        self._source = source
        self._touch = touch
        self._at = at
        self._copies = Copies(transaction, source.name)

    def known(self) -> int:
        """How many articles of this source are published as far as the ledger knows."""
        identity = schema.identity
        return self._tx.connection.execute(
            select(func.count()).where(
                identity.c.source == self._source.name, identity.c.kind == "article",
                identity.c.withdrawn_at.is_(None),
            )
        ).scalar_one()  # fmt: skip

    def run(self, guard: Guard, displaced: Iterable[str] = (), *, pulled: int = 0, lost: bool = False) -> int:
        """Withdraw what is gone; returns how many records.

        Args:
            guard: the accident guard.
            displaced: articles at whose place another one stands now; withdrawn unless they stand elsewhere.
            pulled: how many were withdrawn already in this refresh (drafts, expired ones).
            lost: whether articles that the ledger knows and this listing did not bring are gone too.

        Raises:
            GuardError: that is more than an editor is likely to have meant.
        """
        name = self._source.name
        self._tx.flush()
        missing = self._missing() if lost else []
        replaced = self._nowhere_else(displaced)
        guard.check_losses(self._vanishing(), replaced, len(missing) + pulled)
        self.withdraw(replaced, ())
        removed = len(missing)
        self._withdraw_lost(missing)
        for rows in self._tx.gone(name):
            kept = self._to_keep(rows) if self._source.keep_deleted else []
            for row in kept:
                self._keep(row)
            removed += self._drop([row for row in rows if row not in kept])
        return removed

    def _nowhere_else(self, ids: Iterable[str]) -> list[str]:
        """Those of these articles of which no document stands anywhere else."""
        identity, document = schema.identity, schema.document
        still = (
            select(identity.c.id)
            .join(document, document.c.record_id == identity.c.id)
            .where(document.c.source == identity.c.source, document.c.place == identity.c.place)
        )
        found = {row.id for row in self._tx.rows(identity, "id", ids, identity.c.id.in_(still))}
        return [identifier for identifier in ids if identifier not in found]

    def _to_keep(self, rows: Sequence[Any]) -> list[Any]:
        """The documents among these whose articles are published."""
        identity = schema.identity
        ids = [row.record_id for row in rows if row.record_id]
        live = self._tx.by_key(identity, "id", ids, identity.c.withdrawn_at.is_(None))
        return [row for row in rows if row.record_id in live]

    def _missing(self) -> list[Any]:
        """The articles that only the ledger knows: they were deleted while there was no store."""
        return list(self._tx.connection.execute(_lost().where(schema.identity.c.source == self._source.name)))

    def withdraw_lost(self) -> None:
        """Withdraw the articles of this source that only the ledger knows."""
        self._withdraw_lost(self._missing())

    def _withdraw_lost(self, identities: Sequence[Any]) -> None:
        for row in identities:
            self._tx.put(
                schema.record,
                {
                    "id": row.id, "kind": "article", "type": "NewsArticle",
                    "data": orjson.dumps({"@type": "NewsArticle", "@id": row.id}), "source": row.source,
                    "sort_at": row.first_seen_at, "updated_at": row.first_seen_at, "digest": "", "dirty": True,
                },
            )  # fmt: skip
        self.withdraw([row.id for row in identities], [row.place for row in identities])

    def _keep(self, row: Any) -> None:
        document = {**row._mapping, "state": "kept"}
        self._tx.put(schema.document, document)
        self._tx.snapshot(document)

    def _drop(self, rows: Sequence[Any]) -> int:
        name = self._source.name
        places = [row.place for row in rows]
        ids = [row.record_id for row in rows if row.record_id]
        moved = {
            row.id
            for row in self._tx.rows(schema.identity, "id", ids)
            if (row.source, row.place) not in {(name, place) for place in places}
        }
        withdrawn = [identifier for identifier in ids if identifier not in moved]
        self.withdraw(withdrawn, places)
        self._copies.drop(places)
        self._tx.delete(schema.held, "place", places, schema.held.c.source == name)
        self._tx.delete(schema.document, "place", places, schema.document.c.source == name)
        return len(withdrawn)

    def _vanishing(self) -> list[str]:
        """The published articles of documents marked gone, except those that have moved."""
        document, identity = schema.document, schema.identity
        query = (
            select(identity.c.id)
            .select_from(document.join(identity, identity.c.id == document.c.record_id))
            .where(
                document.c.source == self._source.name,
                document.c.state == "gone",
                identity.c.withdrawn_at.is_(None),
                and_(identity.c.source == document.c.source, identity.c.place == document.c.place),
            )
        )
        return list(self._tx.connection.execute(query).scalars())

    def withdraw(self, ids: Sequence[str], places: Iterable[str], *, copies: bool = True) -> None:
        """Withdraw articles; events are withdrawn later, if nobody reports them any more.

        With `copies`, a copy of a withdrawn text may take its place.
        """
        self._tx.flush()
        reporters = [*ids, *(document_reporter(self._source.name, place) for place in places)]
        for row in self._tx.rows(schema.mention, "reporter", reporters):
            self._touch.event(row.event_id, really=True)
        self._tx.connection.execute(delete(schema.mention).where(schema.mention.c.reporter.in_(reporters)))
        articles = [
            row.id for row in self._tx.rows(schema.record, "id", ids, schema.record.c.kind == "article")
        ]
        for row in self._tx.rows(schema.facet, "record_id", articles):
            self._touch.facets.add((row.name, row.slug))
        self._tx.withdraw(articles, self._at)
        if copies:
            release(self._tx, articles, at=self._at)
        if articles:
            self._free_held()

    def _free_held(self) -> None:
        """Have those read again that were held back since another article had their id or address."""
        for row in self._tx.connection.execute(select(schema.held)).all():
            if b'"rule":"duplicate-' in row.problems:
                self._tx.read_again(row.source, row.place, at=self._at)


def lost_articles(connection: Connection) -> dict[str, int]:
    """How many published articles only the ledger knows, by source: after the store was begun anew."""
    found: dict[str, int] = {}
    for row in connection.execute(_lost()):
        found[row.source] = found.get(row.source, 0) + 1
    return found


def _lost() -> Select[Any]:
    identity, record = schema.identity, schema.record
    there = select(record.c.id).where(record.c.id == identity.c.id).exists()
    return select(identity).where(identity.c.kind == "article", identity.c.withdrawn_at.is_(None), ~there)
