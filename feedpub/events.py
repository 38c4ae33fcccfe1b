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
        known = identities(transaction, chunk)
        dropped = [identifier for identifier in chunk if not mentions[identifier]]
        transaction.withdraw([identifier for identifier in dropped if identifier in before], now)
        for identifier in chunk:
            if mentions[identifier] and identifier in known:
                problems += _merge(
                    transaction, known[identifier], mentions[identifier], before.get(identifier),
                    now=now, timezone=timezone, really=touched[identifier],
                )  # fmt: skip
    transaction.flush()
    return tuple(problems)


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
    changed_at = identity.changed_at
    if content != identity.content:
        if identity.content and really:
            changed_at = now
            transaction.log(op="changed", id=identity.id, at=now, content=content, document="")
        elif not identity.content:
            # Logged with the id when it was given, before its content was known.
            transaction.log(op="content", id=identity.id, content=content)
    if identity.withdrawn_at is not None:
        transaction.log(op="restored", id=identity.id)
    transaction.connection.execute(
        update(schema.identity)
        .where(schema.identity.c.id == identity.id)
        .values(content=content, changed_at=changed_at, withdrawn_at=None)
    )
    body = orjson.dumps(data)
    updated_at = changed_at if changed_at is not None else identity.first_seen_at
    digest = hashlib.sha256(body + str(updated_at).encode()).hexdigest()[:32]
    if before is not None and before.digest == digest:
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
