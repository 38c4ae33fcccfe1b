"""Nothing of an article's content is to remain: what the store and the output hold of it beyond its own record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import delete, select, update

from feedpub.config import Config
from feedpub.digests import normalised
from feedpub.filing import Touch, facet_slug
from feedpub.store import schema
from feedpub.store.transaction import Transaction

_BETWEEN = "\x1f"
_STAND = ("section", "type", "source", "language")
"""Facets that say where an article stood, which feeds need to tell that it is gone; the others are its own words."""


def events_of(transaction: Transaction, identifier: str) -> list[str]:
    """The events that an article reports or ever reported. Ask before it is withdrawn."""
    transaction.flush()
    mention, key = schema.mention, schema.event_key
    prefix = f"r{_BETWEEN}{identifier}{_BETWEEN}"
    query = select(key.c.id).where(key.c.key >= prefix, key.c.key < f"{prefix[:-1]}\x20")
    found = {row.event_id for row in transaction.rows(mention, "reporter", [identifier])}
    return sorted(found.union(transaction.connection.execute(query).scalars()))


def purge(
    transaction: Transaction, config: Config, identifier: str, events: Sequence[str], touch: Touch
) -> None:
    """Forget what a withdrawn article said.

    Its id and addresses stay, since what is gone must be told of, and so do its digests, by which
    it is recognised if it comes again.

    Args:
        transaction: in which it was withdrawn, and its events were merged without it.
        config: the newsroom.
        identifier: its id.
        events: what `events_of` gave before.
        touch: gets to know which feeds and archive pages hold it.
    """
    transaction.flush()
    record, mention = schema.record, schema.mention
    others = list(transaction.rows(mention, "event_id", events))
    alone = sorted(set(events) - {row.event_id for row in others})
    transaction.connection.execute(
        update(record).where(record.c.id == identifier).values(published_at=None, language=None, dirty=True)
    )
    _forget_events(transaction, alone)
    _forget_facets(transaction, config, [identifier, *alone], touch)
    _forget_keys(transaction, identifier, alone, others)
    # What others say stays, but where they tell of the same event, they told of it in this article's words too.
    reporters = {row.reporter for row in others}
    transaction.delete(schema.rendered, "record_id", sorted({identifier, *events, *reporters}))
    touch.purged |= {identifier, *reporters}
    _forget_failures(transaction)


def _forget_events(transaction: Transaction, ids: Sequence[str]) -> None:
    """Leave of events that nobody else reports only that there were such: calendars drop them."""
    record = schema.record
    for row in list(transaction.rows(record, "id", ids)):
        data = orjson.loads(row.data)
        bare = {key: data[key] for key in ("@type", "@id") if key in data}
        transaction.connection.execute(
            update(record)
            .where(record.c.id == row.id)
            .values(
                data=orjson.dumps(bare), origins=None, start_at=0, end_at=0, dirty=True,
                digest=f"purged:{row.withdrawn_at}",
            )
        )  # fmt: skip


def _forget_facets(transaction: Transaction, config: Config, ids: Sequence[str], touch: Touch) -> None:
    facet = schema.facet
    asked = {
        (name, facet_slug(name, value))
        for feed in config.feeds
        for name, values in (("keyword", feed.where.keyword), ("author", feed.where.author))
        for value in values
    }
    for row in list(transaction.rows(facet, "record_id", ids)):
        touch.facets.add((row.name, row.slug))
        if row.name not in _STAND and (row.name, row.slug) not in asked:
            where = (facet.c.name == row.name, facet.c.slug == row.slug)
            transaction.delete(facet, "record_id", [row.record_id], *where)


def _forget_keys(
    transaction: Transaction, identifier: str, alone: Sequence[str], others: Iterable[Any]
) -> None:
    """Forget the names of events as only this article gave them."""
    key = schema.event_key
    known: dict[str, set[str]] = {identifier: set() for identifier in alone}
    for row in others:
        data = orjson.loads(row.data)
        places = [place.get("name", "") for place in data.get("location", ())]
        known.setdefault(row.event_id, {""}).update(map(normalised, (data["name"], *places)))
    own = f"r{_BETWEEN}{identifier}{_BETWEEN}"
    for row in list(transaction.rows(key, "id", known)):
        kind, *said = row.key.split(_BETWEEN)
        words = {said[0], *(part[1:] for part in said[2:] if part.startswith("@"))} if kind == "e" else set()
        if row.key.startswith(own) or not known[row.id] or not words <= known[row.id]:
            transaction.connection.execute(delete(key).where(key.c.key == row.key))


def _forget_failures(transaction: Transaction) -> None:
    """Forget why files were not published in earlier refreshes: that may be told in an article's words."""
    run = schema.run
    for row in transaction.connection.execute(select(run)).all():
        report = orjson.loads(row.report)
        if report.get("failures"):
            kept = orjson.dumps({**report, "failures": []})
            transaction.connection.execute(
                update(run).where(run.c.sequence == row.sequence).values(report=kept)
            )
