"""What is no more: documents that are gone, and the records that are withdrawn with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, delete, func, select

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

    def run(self, before: int, *, yes: bool) -> int:
        """Withdraw what is gone; returns how many records. `before` is how many were published.

        Raises:
            GuardError: that is more than an editor is likely to have meant, and `yes` does not say it was.
        """
        name = self._source.name
        self._tx.flush()
        vanishing = self._vanishing()
        limit = max(self._publish.guard_floor, int(self._publish.guard * before))
        if vanishing > limit and not yes and not self._source.keep_deleted:
            raise GuardError(
                f"{vanishing} of {before} articles of the source {name!r} would vanish, more than the accident guard "
                f"lets pass ({limit}). Nothing of this source was changed. If that is what you want, run "
                "`feedpub publish --yes`; to keep deleted articles published for ever, set keep_deleted = true.",
                source=name,
            )
        removed = 0
        for rows in self._tx.gone(name):
            kept = [row for row in rows if self._source.keep_deleted and row.record_id]
            for row in kept:
                self._keep(row)
            removed += self._drop([row for row in rows if row not in kept])
        return removed

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
        release(self._tx, articles)
