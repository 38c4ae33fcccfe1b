"""Articles that a person withdrew although their sources may still hold them: decided until taken back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from feedpub.store import schema
from feedpub.store.replay import PUBLISHED_STATES
from feedpub.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Decision:
    """One such article. `at` is in whole seconds since 1970; `purged` says that nothing of it was to remain."""

    id: str
    at: int
    reason: str | None = None
    purged: bool = False


def decisions(connection: Connection) -> dict[str, Decision]:
    """Every decision that stands, by the article's id, the oldest first."""
    rows = connection.execute(
        select(schema.decision).order_by(schema.decision.c.at, schema.decision.c.record_id)
    )
    return {row.record_id: Decision(row.record_id, row.at, row.reason, row.purged) for row in rows}


def decide(transaction: Transaction, decision: Decision) -> None:
    """Note a decision, and that the article's documents are not published any more."""
    said = {"at": decision.at, "reason": decision.reason, "purged": decision.purged}
    transaction.put(schema.decision, {"record_id": decision.id, **said})
    transaction.log(op="decided", id=decision.id, **said)
    transaction.flush()
    document = schema.document
    for row in list(transaction.rows(document, "record_id", [decision.id])):
        transaction.delete(schema.held, "place", [row.place], schema.held.c.source == row.source)
    transaction.connection.execute(
        update(document)
        .where(document.c.record_id == decision.id, document.c.state.in_(PUBLISHED_STATES))
        .values(state="withdrawn")
    )


def take_back(transaction: Transaction, identifier: str, *, at: int) -> None:
    """Forget a decision, and have the article's documents read again at the next refresh."""
    transaction.log(op="undecided", id=identifier)
    transaction.flush()
    transaction.connection.execute(delete(schema.decision).where(schema.decision.c.record_id == identifier))
    for row in list(transaction.rows(schema.document, "record_id", [identifier])):
        transaction.read_again(row.source, row.place, at=at)
