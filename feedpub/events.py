"""The events that documents report, each merged into one record with one id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import update

from feedpub import dates, records, validation
from feedpub.digests import event_digest
from feedpub.identity import identities
from feedpub.models import Problem
from feedpub.store import schema
from feedpub.store.transaction import Transaction

CHUNK = 200


def settle(
    transaction: Transaction, touched: Mapping[str, bool], *, now: int, timezone: str
) -> tuple[Problem, ...]:
    """Merge every touched event anew from all that is reported of it, or withdraw it.

    Args:
        transaction: where mentions are read and records written.
        touched: event id → whether a document that reports it really changed.
        now: whole seconds since 1970.
        timezone: the newsroom's, for sorting events whose time has no zone.

    Returns:
        Advice where the reports of one event do not fit together; its last good record stays.
    """
    problems: list[Problem] = []
    ids = iter(sorted(touched))
    while chunk := list(islice(ids, CHUNK)):
        transaction.flush()
        mentions: dict[str, list[Any]] = {identifier: [] for identifier in chunk}
        for row in transaction.rows(schema.mention, "event_id", chunk):
            mentions[row.event_id].append(row)
        before = transaction.by_key(schema.record, "id", chunk)
        facets = _Facets(transaction, chunk, mentions)
        known = identities(transaction, chunk)
        dropped = [identifier for identifier in chunk if not mentions[identifier]]
        transaction.withdraw([identifier for identifier in dropped if identifier in before], now)
        for identifier in chunk:
            if mentions[identifier] and identifier in known:
                facets.put(identifier, known[identifier].first_seen_at)
                problems += _merge(
                    transaction, known[identifier], mentions[identifier], before.get(identifier),
                    now=now, timezone=timezone, really=touched[identifier],
                )  # fmt: skip
    transaction.flush()
    return tuple(problems)


class _Facets:
    """What feeds the events belong to: those of the articles that report them.

    Kept with the event, since a calendar must tell that it was withdrawn when no article reports it any more.
    """

    def __init__(
        self, transaction: Transaction, ids: Iterable[str], mentions: Mapping[str, Iterable[Any]]
    ) -> None:
        self._tx = transaction
        self._reporters = {identifier: [row.reporter for row in mentions[identifier]] for identifier in ids}
        wanted = {*self._reporters, *(reporter for found in self._reporters.values() for reporter in found)}
        self._known: dict[str, dict[tuple[str, str], Any]] = {}
        for row in transaction.rows(schema.facet, "record_id", wanted):
            self._known.setdefault(row.record_id, {})[row.name, row.slug] = row

    def put(self, identifier: str, sort_at: int) -> None:
        before = self._known.get(identifier, {})
        wanted: dict[tuple[str, str], Any] = {}
        for reporter in self._reporters[identifier]:
            wanted |= self._known.get(reporter, {})
        facet = schema.facet
        for name, slug in before.keys() - wanted.keys():
            self._tx.delete(facet, "record_id", [identifier], facet.c.name == name, facet.c.slug == slug)
        for key, row in wanted.items():
            if key not in before or before[key].withdrawn:
                self._tx.put(
                    facet,
                    {
                        "name": row.name, "slug": row.slug, "record_id": identifier, "value": row.value,
                        "sort_at": sort_at, "withdrawn": False,
                    },
                )  # fmt: skip


def combined(mentions: Iterable[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """One event of all that is reported of it (rows of the table of mentions), and the origins of its facts."""
    ordered, reports = _ordered(mentions)
    data = records.merge_events(reports)
    return data, _origins(data, reports, ordered)


def _ordered(mentions: Iterable[Any]) -> tuple[list[Any], list[tuple[str, dict[str, Any]]]]:
    """The mentions, the better founded first, and each one's reporter with its record."""
    # Events' own documents come first: they are better founded than what an article says of them.
    ordered = sorted(
        mentions, key=lambda row: (not row.reporter.startswith("document:"), not row.main, row.reporter)
    )
    return ordered, [(row.reporter, orjson.loads(row.data)) for row in ordered]


def _merge(
    transaction: Transaction,
    identity: Any,
    mentions: Iterable[Any],
    before: Any,
    *,
    now: int,
    timezone: str,
    really: bool,
) -> tuple[Problem, ...]:
    ordered, reports = _ordered(mentions)
    data = records.merge_events(reports)
    problems = validation.validate(data)
    if problems:
        return problems
    content = event_digest(data)
    changed_at, revision = identity.changed_at, identity.revision
    if content != identity.content:
        if identity.content and really:
            changed_at = now
            revision += 1
            transaction.log(
                op="changed", id=identity.id, at=now, content=content, document="", revision=revision
            )
        elif not identity.content:
            # Logged with the id when it was given, before its content was known.
            transaction.log(op="content", id=identity.id, content=content)
    if identity.withdrawn_at is not None:
        changed_at = now
        revision += 1
        transaction.log(op="restored", id=identity.id, at=now, revision=revision)
    transaction.connection.execute(
        update(schema.identity)
        .where(schema.identity.c.id == identity.id)
        .values(content=content, changed_at=changed_at, revision=revision, withdrawn_at=None)
    )
    body = orjson.dumps(data)
    updated_at = changed_at if changed_at is not None else identity.first_seen_at
    digest = hashlib.sha256(body + f"{updated_at} {revision}".encode()).hexdigest()[:32]
    if before is not None and before.digest == digest:
        # It looks the same, but its page and its calendar entry name the articles that report it.
        # No upsert of two columns: SQLite refuses a row without the others before it sees that there is one.
        transaction.connection.execute(
            update(schema.record).where(schema.record.c.id == identity.id).values(dirty=True)
        )
        return ()
    start = dates.parse(data["startDate"]) if "startDate" in data else None
    end = dates.parse(data["endDate"]) if "endDate" in data else None
    span = [dates.bounds(when, timezone) for when in (start, end or start) if when]
    transaction.put(
        schema.record,
        {
            "id": identity.id, "kind": "event", "type": data["@type"], "data": body,
            "origins": orjson.dumps(_origins(data, reports, ordered)), "html": None, "url_key": None,
            "source": identity.source, "language": None, "published_at": None,
            "sort_at": identity.first_seen_at, "updated_at": updated_at,
            "start_at": int(span[0][0].timestamp()) if start else None,
            "end_at": int(span[-1][1].timestamp()) if start else None,
            "digest": digest, "withdrawn_at": None, "dirty": True,
        },
    )  # fmt: skip
    # The articles that report it show it: their pages and entries depend on it.
    reporters = [row.reporter for row in mentions if not row.reporter.startswith("document:")]
    transaction.flush()
    transaction.connection.execute(
        update(schema.record).where(schema.record.c.id.in_(reporters)).values(dirty=True)
    )
    return ()


def _origins(
    data: Mapping[str, Any], reports: Sequence[tuple[str, Mapping[str, Any]]], mentions: Sequence[Any]
) -> dict[str, Any]:
    """Where each property of the merged record comes from: the first report that says the same."""
    stated = [orjson.loads(row.origins or b"{}") for row in mentions]
    origins: dict[str, Any] = {}
    for key, value in data.items():
        for (_, report), known in zip(reports, stated, strict=True):
            if report.get(key) == value:
                own = (f"/{key}", f"/{key}/")
                origins |= {p: o for p, o in known.items() if p == own[0] or p.startswith(own[1])}
                break
    return origins
