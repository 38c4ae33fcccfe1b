"""From the ledger to the store and back: what inputs cannot give back, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from feedpub.store import schema
from feedpub.store.ledger import Ledger, Line


def replay(connection: Connection, lines: Iterable[Line]) -> int:
    """Apply ledger lines to the store; returns how many. Applying a line twice changes nothing."""
    count = 0
    for line in lines:
        action = _ACTIONS.get(line["op"])
        if action:
            action(connection, line)
            count += 1
    return count


def _id(connection: Connection, line: Line) -> None:
    names = ("id", "kind", "source", "place", "stem", "slug", "content", "document")
    values = {name: line.get(name) for name in names}
    values["first_seen_at"] = line["at"]
    connection.execute(insert(schema.identity).values(**values).on_conflict_do_nothing())


def _set(connection: Connection, identifier: str, **values: Any) -> None:
    connection.execute(update(schema.identity).where(schema.identity.c.id == identifier).values(**values))


def _changed(connection: Connection, line: Line) -> None:
    _set(
        connection, line["id"], changed_at=line["at"], content=line["content"], document=line["document"],
        **_revision(line),
    )  # fmt: skip


def _revision(line: Line) -> dict[str, int]:
    return {"revision": line["revision"]} if "revision" in line else {}


def _content(connection: Connection, line: Line) -> None:
    _set(connection, line["id"], content=line["content"])


def _moved(connection: Connection, line: Line) -> None:
    _set(connection, line["id"], source=line["source"], place=line["place"])


def _path(connection: Connection, line: Line) -> None:
    _set(connection, line["id"], stem=line["stem"], slug=line["slug"])
    if line["old"] != line["stem"]:
        _put(connection, schema.redirect, {"path": line["old"], "id": line["id"]})
    # It may have come back to an address that it had before.
    connection.execute(delete(schema.redirect).where(schema.redirect.c.path == line["stem"]))


def _withdrawn(connection: Connection, line: Line) -> None:
    _set(connection, line["id"], withdrawn_at=line["at"], **_revision(line))
    put_record(connection, line["tombstone"])


def _restored(connection: Connection, line: Line) -> None:
    changed = {"changed_at": line["at"], "restored_at": line["at"]} if "at" in line else {}
    _set(connection, line["id"], withdrawn_at=None, **changed, **_revision(line))


def _key(connection: Connection, line: Line) -> None:
    connection.execute(
        insert(schema.event_key).values(key=line["key"], id=line["id"]).on_conflict_do_nothing()
    )


def _alias(connection: Connection, line: Line) -> None:
    _put(connection, schema.alias, {"id": line["id"], "target": line["target"]})


def _snapshot(connection: Connection, line: Line) -> None:
    _put(connection, schema.document, line["document"])
    put_record(connection, line["record"])


def _joined(connection: Connection, line: Line) -> None:
    rows = [
        {"path": line["path"], "position": position, "record_id": identifier}
        for position, identifier in enumerate(line["ids"], line["first"])
    ]
    connection.execute(insert(schema.member).on_conflict_do_nothing(), rows)


def _left(connection: Connection, line: Line) -> None:
    departure = schema.departure
    for identifier in line["ids"]:
        if line["at"] is None:
            connection.execute(
                delete(departure).where(departure.c.path == line["path"], departure.c.record_id == identifier)
            )
        else:
            _put(connection, departure, {"path": line["path"], "record_id": identifier, "at": line["at"]})


def _text(connection: Connection, line: Line) -> None:
    for key in line["keys"]:
        _put(connection, schema.text_key, {"key": key, "record_id": line["id"]})


def _paging(connection: Connection, line: Line) -> None:
    _put(connection, schema.meta, {"key": f"page_size:{line['path']}", "value": str(line["size"])})


def _changes(connection: Connection, line: Line) -> None:
    for sequence, (change, identifier, digest, *said) in enumerate(line["changes"], line["first"]):
        type_, stem = said or (None, None)
        row = {
            "sequence": sequence, "record_id": identifier, "change": change, "at": line["at"],
            "type": type_, "stem": stem,
        }  # fmt: skip
        _put(connection, schema.change, row)
        _put(connection, schema.listed, {"record_id": identifier, "digest": digest})


def _decided(connection: Connection, line: Line) -> None:
    row = {"record_id": line["id"], "at": line["at"], "reason": line["reason"], "purged": line["purged"]}
    _put(connection, schema.decision, row)
    document = schema.document
    connection.execute(
        update(document)
        .where(document.c.record_id == line["id"], document.c.state.in_(PUBLISHED_STATES))
        .values(state="withdrawn")
    )


def _undecided(connection: Connection, line: Line) -> None:
    connection.execute(delete(schema.decision).where(schema.decision.c.record_id == line["id"]))


PUBLISHED_STATES = ("published", "kept", "held")
"""States of a document of which something may be published."""

_ACTIONS = {
    "id": _id,
    "changed": _changed,
    "content": _content,
    "moved": _moved,
    "path": _path,
    "withdrawn": _withdrawn,
    "restored": _restored,
    "key": _key,
    "alias": _alias,
    "snapshot": _snapshot,
    "paging": _paging,
    "text": _text,
    "joined": _joined,
    "left": _left,
    "changes": _changes,
    "decided": _decided,
    "undecided": _undecided,
}


def _put(connection: Connection, table: Any, values: dict[str, Any]) -> None:
    connection.execute(insert(table).values(**values).on_conflict_do_update(set_=values))


def record_line(connection: Connection, identifier: str) -> dict[str, Any]:
    """One record with its facets, media and mentions, as the ledger keeps it."""
    row = connection.execute(select(schema.record).where(schema.record.c.id == identifier)).mappings().one()
    # Column names are a subclass of str, which orjson does not take as keys.
    line: dict[str, Any] = {
        f"{key}": value
        for key, value in row.items()
        if value is not None and key not in ("dirty", "digest", "entry")
    }
    for key in ("data", "origins"):
        if key in line:
            line[key] = orjson.loads(line[key])
    line["facets"] = [
        [facet.name, facet.slug, facet.value]
        for facet in connection.execute(
            select(schema.facet)
            .where(schema.facet.c.record_id == identifier)
            .order_by(schema.facet.c.name, schema.facet.c.slug)
        )
    ]
    line["media"] = list(
        connection.execute(
            select(schema.medium.c.path)
            .where(schema.medium.c.record_id == identifier)
            .order_by(schema.medium.c.path)
        ).scalars()
    )
    line["mentions"] = [
        [mention.event_id, mention.place, mention.main, orjson.loads(mention.data)]
        for mention in connection.execute(
            select(schema.mention)
            .where(schema.mention.c.reporter == identifier)
            .order_by(schema.mention.c.event_id)
        )
    ]
    return line


def put_record(connection: Connection, line: dict[str, Any]) -> None:
    """Put a record back that `record_line` gave."""
    columns = {column.name for column in schema.record.columns}
    values = {key: value for key, value in line.items() if key in columns}
    for key in ("data", "origins"):
        if key in values:
            values[key] = orjson.dumps(values[key])
    values |= {"dirty": True, "digest": ""}
    _put(connection, schema.record, values)
    identifier = line["id"]
    own = {"record_id": identifier}
    for table, rows in (
        (
            schema.facet,
            [
                {
                    "name": n,
                    "slug": s,
                    "value": v,
                    **own,
                    "sort_at": line["sort_at"],
                    "withdrawn": "withdrawn_at" in line,
                }
                for n, s, v in line["facets"]
            ],
        ),
        (schema.medium, [{"path": path, **own} for path in line["media"]]),
    ):
        connection.execute(delete(table).where(table.c.record_id == identifier))
        if rows:
            connection.execute(insert(table).on_conflict_do_nothing(), rows)
    connection.execute(delete(schema.mention).where(schema.mention.c.reporter == identifier))
    for event_id, place, main, data in line["mentions"]:
        _put(
            connection,
            schema.mention,
            {
                "event_id": event_id,
                "reporter": identifier,
                "place": place,
                "main": main,
                "data": orjson.dumps(data),
            },
        )


def export_ledger(connection: Connection, ledger: Ledger) -> None:
    """Write the ledger anew from an intact store."""
    identity = schema.identity
    for row in connection.execute(select(identity).order_by(identity.c.first_seen_at, identity.c.id)):
        ledger.append(
            {
                "op": "id", "id": row.id, "kind": row.kind, "source": row.source, "place": row.place,
                "stem": row.stem, "slug": row.slug, "at": row.first_seen_at,
                "content": row.content, "document": row.document,
            }
        )  # fmt: skip
        if row.restored_at is not None:
            ledger.append({"op": "restored", "id": row.id, "at": row.restored_at})
        if row.changed_at is not None:
            ledger.append(
                {
                    "op": "changed",
                    "id": row.id,
                    "at": row.changed_at,
                    "content": row.content,
                    "document": row.document,
                    "revision": row.revision,
                }
            )
        if row.withdrawn_at is not None:
            tombstone = record_line(connection, row.id)
            ledger.append(
                {
                    "op": "withdrawn", "id": row.id, "at": row.withdrawn_at, "tombstone": tombstone,
                    "revision": row.revision,
                }
            )  # fmt: skip
    for row in connection.execute(select(schema.event_key).order_by(schema.event_key.c.key)):
        ledger.append({"op": "key", "key": row.key, "id": row.id})
    for row in connection.execute(select(schema.alias).order_by(schema.alias.c.id)):
        ledger.append({"op": "alias", "id": row.id, "target": row.target})
    moved = select(schema.redirect.c.path, identity.c.id, identity.c.stem, identity.c.slug)
    for row in connection.execute(
        moved.join(identity, identity.c.id == schema.redirect.c.id).order_by(schema.redirect.c.path)
    ):
        ledger.append({"op": "path", "id": row.id, "stem": row.stem, "slug": row.slug, "old": row.path})
    document = schema.document
    kept = select(document).where(document.c.state.in_(("kept", "held")), document.c.record_id.is_not(None))
    for held in connection.execute(kept.order_by(document.c.source, document.c.place)).mappings().all():
        snapshot = record_line(connection, held["record_id"])
        ledger.append(
            {
                "op": "snapshot",
                "id": held["record_id"],
                "document": {f"{k}": v for k, v in held.items()},
                "record": snapshot,
            }
        )
    _export_decisions(connection, ledger)
    _export_history(connection, ledger)


def _export_decisions(connection: Connection, ledger: Ledger) -> None:
    for row in connection.execute(select(schema.decision).order_by(schema.decision.c.record_id)):
        ledger.append(
            {"op": "decided", "id": row.record_id, "at": row.at, "reason": row.reason, "purged": row.purged}
        )


def _export_history(connection: Connection, ledger: Ledger) -> None:
    member, change, listed = schema.member, schema.change, schema.listed
    sizes = select(schema.meta).where(schema.meta.c.key.startswith("page_size:")).order_by(schema.meta.c.key)
    for row in connection.execute(sizes):
        ledger.append({"op": "paging", "path": row.key.partition(":")[2], "size": int(row.value)})
    for row in connection.execute(select(schema.text_key).order_by(schema.text_key.c.key)):
        ledger.append({"op": "text", "id": row.record_id, "keys": [row.key]})
    for row in connection.execute(select(member).order_by(member.c.path, member.c.position)):
        ledger.append({"op": "joined", "path": row.path, "first": row.position, "ids": [row.record_id]})
    departure = schema.departure
    for row in connection.execute(select(departure).order_by(departure.c.path, departure.c.record_id)):
        ledger.append({"op": "left", "path": row.path, "at": row.at, "ids": [row.record_id]})
    query = select(change, func.coalesce(listed.c.digest, "").label("digest"))
    joined = query.outerjoin(listed, listed.c.record_id == change.c.record_id)
    for row in connection.execute(joined.order_by(change.c.sequence)):
        said = [row.change, row.record_id, row.digest]
        said += [row.type, row.stem] if row.stem else []
        ledger.append({"op": "changes", "first": row.sequence, "at": row.at, "changes": [said]})
