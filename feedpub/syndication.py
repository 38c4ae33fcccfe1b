"""One text that came in several times: agencies and partners send it, but readers should see it once.

The first place where it was published keeps the item. The others are copies: not published
themselves, their addresses stand in the item's `sameAs`. A text is the same if its words are,
whatever their case, marks and spaces; with another headline only a long one counts, and a short one
only if it is of the same day, since short ones may be notices that come again. When the item's own document is gone, the next copy takes its place under the same id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import delete, update

from feedpub.models import JSON
from feedpub.store import schema
from feedpub.store.transaction import Transaction


def with_same_as(data: JSON, urls: Iterable[str]) -> JSON:
    """A record that names these addresses of copies besides those that it names already."""
    same = [*data.get("sameAs", ()), *(url for url in urls if url != data.get("url"))]
    return {**data, "sameAs": list(dict.fromkeys(same))} if same else data


class Copies:
    """The copies in one source. Call `load` with all that a batch may touch, first."""

    def __init__(self, transaction: Transaction, source: str) -> None:
        self._tx = transaction
        self._source = source
        self._owners: dict[str, str] = {}
        self._gone: set[str] = set()
        self._places: dict[str, str] = {}
        self._urls: dict[str, list[str]] = {}

    def load(self, places: Iterable[str], keys: Iterable[str], ids: Iterable[str]) -> None:
        """Look up who has these texts, which of these places are copies, and the copies of these records."""
        tx, copy, text = self._tx, schema.copy, schema.text_key
        found = list(tx.rows(text, "key", keys))
        self._owners = {row.key: row.record_id for row in found}
        identity = schema.identity
        gone = identity.c.withdrawn_at.is_not(None)
        self._gone = set(tx.by_key(identity, "id", self._owners.values(), gone))
        self._places = {
            row.place: row.record_id for row in tx.rows(copy, "place", places, copy.c.source == self._source)
        }
        self._urls = {}
        for row in tx.rows(copy, "record_id", ids):
            if row.url:
                self._urls.setdefault(row.record_id, []).append(row.url)

    def original(self, keys: Iterable[str]) -> str | None:
        """The id of the article that has or had this text, or None."""
        return next((self._owners[key] for key in keys if key in self._owners), None)

    def urls(self, identifier: str) -> list[str]:
        """The addresses of an article's copies."""
        return sorted(self._urls.get(identifier, ()))

    def claim(self, keys: Iterable[str], identifier: str) -> None:
        """Note that an article has this text, where no other published article has it."""
        new = [
            key
            for key in keys
            if self._owners.get(key) is None or self._owners[key] in self._gone - {identifier}
        ]
        if not new:
            return
        self._tx.log(op="text", id=identifier, keys=new)
        for key in new:
            self._owners[key] = identifier
            self._tx.put(schema.text_key, {"key": key, "record_id": identifier})

    def add(self, place: str, identifier: str, url: str | None) -> None:
        """Note that the document at `place` is a copy of an article."""
        self._tx.put(
            schema.copy, {"source": self._source, "place": place, "record_id": identifier, "url": url}
        )
        self._places[place] = identifier
        if url is not None:
            self._urls.setdefault(identifier, []).append(url)
            self._say(identifier, [url])

    def drop(self, places: Iterable[str]) -> None:
        """The documents at these places are no copies any more: they are gone, or say something else."""
        copy = schema.copy
        rows = list(self._tx.rows(copy, "place", places, copy.c.source == self._source))
        self._tx.delete(copy, "place", [row.place for row in rows], copy.c.source == self._source)
        for row in rows:
            self._places.pop(row.place, None)
            if row.url:
                self._say(row.record_id, [], without=row.url)

    def is_copy(self, place: str) -> bool:
        """Whether the document at `place` was a copy so far."""
        return place in self._places

    def _say(self, identifier: str, urls: Sequence[str], *, without: str | None = None) -> None:
        """Have the article's record name these addresses in `sameAs`, and that one no more."""
        self._tx.flush()
        record = schema.record
        for row in self._tx.rows(record, "id", [identifier], record.c.withdrawn_at.is_(None)):
            before = orjson.loads(row.data)
            data = dict(with_same_as(before, urls))
            if without is not None:
                data["sameAs"] = [url for url in data.get("sameAs", ()) if url != without]
                if not data["sameAs"]:
                    del data["sameAs"]
            if data == before:
                continue
            body = orjson.dumps(data)
            digest = hashlib.sha256(row.digest.encode() + body).hexdigest()[:32]
            self._tx.connection.execute(
                update(record).where(record.c.id == identifier).values(data=body, digest=digest, dirty=True)
            )


def release(transaction: Transaction, ids: Iterable[str], *, at: int) -> None:
    """Have the copies of articles that are withdrawn read again: one of them takes the article's place."""
    copy = schema.copy
    for row in list(transaction.rows(copy, "record_id", ids)):
        transaction.read_again(row.source, row.place, at=at)
        transaction.connection.execute(
            delete(copy).where(copy.c.source == row.source, copy.c.place == row.place)
        )
