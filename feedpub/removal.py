"""What is no more: documents that are gone, and the records that are withdrawn with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Select, and_, delete, func, select

from feedpub.config import Config, SourceConfig
from feedpub.errors import SourceError
from feedpub.filing import Touch, document_reporter
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.syndication import Copies, release


class GuardError(SourceError):
    """More would vanish than an editor is likely to have meant."""


class Removal:
    """Withdraws what one source no longer holds."""

    def __init__(
        self, transaction: Transaction, config: Config, source: SourceConfig, touch: Touch, at: int
    ) -> None:
        self._tx = transaction
        self._publish = config.publish
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

    def run(self, before: int, *, yes: bool, pulled: int = 0, lost: bool = False) -> int:
        """Withdraw what is gone; returns how many records.

        Args:
            before: how many articles of this source were published.
            yes: let more vanish than the accident guard lets pass.
            pulled: how many were withdrawn already in this refresh (drafts, expired ones).
            lost: whether articles that the ledger knows and this listing did not bring are gone too.

        Raises:
            GuardError: that is more than an editor is likely to have meant, and `yes` does not say it was.
        """
        name = self._source.name
        self._tx.flush()
        missing = self._missing() if lost else []
        vanishing = self._vanishing() + len(missing) + pulled
        limit = max(self._publish.guard_floor, int(self._publish.guard * before))
        if vanishing > limit and not yes and not self._source.keep_deleted:
            raise GuardError(
                f"{vanishing} of {before} articles of the source {name!r} would vanish, more than the accident guard "
                f"lets pass ({limit}). Nothing of this source was changed. If that is what you want, run "
                "`feedpub publish --yes`; to keep deleted articles published for ever, set keep_deleted = true.",
                source=name,
            )
        removed = len(missing)
        self._withdraw_lost(missing)
        for rows in self._tx.gone(name):
            kept = [row for row in rows if self._source.keep_deleted and row.record_id]
            for row in kept:
                self._keep(row)
            removed += self._drop([row for row in rows if row not in kept])
        return removed

    def displaced(self, ids: Iterable[str]) -> None:
        """Withdraw articles at whose place another one stands now, unless they stand elsewhere themselves."""
        self._tx.flush()
        identity, document = schema.identity, schema.document
        still = (
            select(identity.c.id)
            .join(document, document.c.record_id == identity.c.id)
            .where(document.c.source == identity.c.source, document.c.place == identity.c.place)
        )
        found = {row.id for row in self._tx.rows(identity, "id", ids, identity.c.id.in_(still))}
        self.withdraw([identifier for identifier in ids if identifier not in found], ())

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

    def _vanishing(self) -> int:
        """How many documents marked gone carry an article that has not moved and is not withdrawn yet."""
        document, identity = schema.document, schema.identity
        query = (
            select(func.count())
            .select_from(document.join(identity, identity.c.id == document.c.record_id))
            .where(
                document.c.source == self._source.name,
                document.c.state == "gone",
                identity.c.withdrawn_at.is_(None),
                and_(identity.c.source == document.c.source, identity.c.place == document.c.place),
            )
        )
        return self._tx.connection.execute(query).scalar_one()

    def withdraw(self, ids: Sequence[str], places: Iterable[str]) -> None:
        """Withdraw articles; events are withdrawn later, if nobody reports them any more."""
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
