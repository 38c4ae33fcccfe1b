"""What has ever been published: the order in which it came into each feed, and every change since.

A feed's archive pages (RFC 5005) are cut from that order, so that a full page holds the same
articles for ever; the changes feed numbers what was added, modified and deleted. Inputs can give
none of this back: it stands in the ledger too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Row, Select, delete, func, insert, literal, select

from feedpub.models import Entry
from feedpub.store import reading, schema
from feedpub.store.transaction import Transaction

EVERYTHING = "*"
"""The path under which every record is a member, events included."""

PAGE_SIZE = 50
"""Entries on an archive page, or a feed's limit where that is smaller."""

GRAIN = 100
"""Neighbours in the order of publication of which it is remembered together that one has changed."""

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Paging:
    """How a feed's history is cut into pages, numbered from 1: `full` of them, with `size` entries each."""

    size: int
    full: int

    @property
    def newest(self) -> int | None:
        """The number of the newest full page, or None."""
        return self.full or None


class History:
    """The history of one newsroom, within one refresh."""

    def __init__(self, transaction: Transaction, now: int) -> None:
        self._tx = transaction
        self._now = now
        self._touched: set[int] = set()

    def join(self, path: str, candidates: Select[tuple[str]]) -> None:
        """Note the records that are in a feed for the first time.

        Args:
            path: the feed's.
            candidates: ids of records, the table `record` among its sources; those that are
                members already are passed over, the others come in by their place in time.
        """
        tx, member, record = self._tx, schema.member, schema.record
        tx.flush()
        first = self._count(path)
        known = select(member.c.record_id).where(member.c.path == path, member.c.record_id == record.c.id)
        number = func.row_number().over(order_by=(record.c.sort_at, record.c.id))
        new = candidates.where(~known.exists()).with_only_columns(
            literal(path), number + literal(first - 1), record.c.id
        )
        tx.connection.execute(insert(member).from_select(["path", "position", "record_id"], new))
        if path == EVERYTHING:
            self._touched.update(position // GRAIN for position in range(first, self._count(path)))
        for start in range(first, self._count(path), _CHUNK):
            tx.log(op="joined", path=path, first=start, ids=self._between(path, start, start + _CHUNK))

    def join_again(self, path: str, candidates: Select[tuple[str]], paging: Paging) -> None:
        """Let members whose page is full already stand on a page to come too.

        That is for what says something else than on its page, which never changes: somebody who
        comes years later finds the newest version all the same. `paging` is how the history was cut before
        this refresh.
        """
        tx, member = self._tx, schema.member
        last = func.max(member.c.position)
        query = (
            select(member.c.record_id)
            .where(member.c.path == path, member.c.record_id.in_(candidates))
            .group_by(member.c.record_id)
            .having(last < paging.full * paging.size)
            .order_by(last)
        )
        ids = list(tx.connection.execute(query).scalars())
        first = self._count(path)
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            rows = [{"path": path, "position": n, "record_id": i} for n, i in enumerate(chunk, first + start)]
            tx.connection.execute(insert(member), rows)
            tx.log(op="joined", path=path, first=first + start, ids=chunk)

    def leave(self, path: str, ids: Sequence[str]) -> None:
        """Note members that are published and do not belong to the feed any more."""
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            rows = [{"path": path, "record_id": identifier, "at": self._now} for identifier in chunk]
            self._tx.connection.execute(insert(schema.departure), rows)
            self._tx.log(op="left", path=path, at=self._now, ids=chunk)

    def come_back(self, path: str, ids: Sequence[str]) -> None:
        """Note that those which left belong to the feed again."""
        departure = schema.departure
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            self._tx.connection.execute(
                delete(departure).where(departure.c.path == path, departure.c.record_id.in_(chunk))
            )
            self._tx.log(op="left", path=path, at=None, ids=chunk)

    def paging(self, path: str, limit: int) -> Paging:
        """How the history of the feed at `path` is cut; decided when it is asked for the first time."""
        key = f"page_size:{path}"
        size = int(self._tx.get_meta(key) or 0)
        if not size:
            size = max(1, min(PAGE_SIZE, limit))
            self._tx.set_meta(key, str(size))
            self._tx.log(op="paging", path=path, size=size)
        return Paging(size, self._count(path) // size)

    def page(self, path: str, paging: Paging, number: int) -> list[str]:
        """The ids on one page, newest first."""
        first = (number - 1) * paging.size
        return self._between(path, first, first + paging.size)[::-1]

    def count(self, path: str) -> int:
        """How many records have ever been in the feed at `path`."""
        return self._count(path)

    def positions(self, path: str, ids: Iterable[str]) -> list[int]:
        """Where these records stand in the order, counted from 0: what came back may stand there several times."""
        rows = self._tx.rows(schema.member, "record_id", ids, schema.member.c.path == path)
        return [row.position for row in rows]

    def _count(self, path: str) -> int:
        member = schema.member
        query = select(func.max(member.c.position)).where(member.c.path == path)
        last = self._tx.connection.execute(query).scalar()
        return 0 if last is None else last + 1

    def _between(self, path: str, first: int, end: int) -> list[str]:
        member = schema.member
        query = select(member.c.record_id).where(
            member.c.path == path, member.c.position >= first, member.c.position < end
        )
        return list(self._tx.connection.execute(query.order_by(member.c.position)).scalars())

    # -- changes

    def note(self, entries: Sequence[Entry]) -> None:
        """Number what of these records is new, says something else than before, or is gone."""
        tx = self._tx
        # Also those whose change is numbered already: a crash may have left the files as they were.
        self.touch(entry.id for entry in entries)
        rows = tx.rows(schema.listed, "record_id", [entry.id for entry in entries])
        listed = {row.record_id: row.digest for row in rows}
        lines = []
        for entry in entries:
            before = listed.get(entry.id, "")
            digest = "" if entry.withdrawn_at is not None else _digest(entry)
            if digest == before:
                continue
            change = "deleted" if not digest else "modified" if before else "added"
            stem = entry.record_path.removesuffix(".jsonld")
            lines.append((change, entry.id, digest, entry.data["@type"], stem))
        if not lines:
            return
        first = self.sequence() + 1
        tx.log(op="changes", first=first, at=self._now, changes=lines)
        tx.connection.execute(
            insert(schema.change),
            [
                {
                    "sequence": number, "record_id": identifier, "change": change, "at": self._now,
                    "type": type_, "stem": stem,
                }
                for number, (change, identifier, _, type_, stem) in enumerate(lines, first)
            ],
        )  # fmt: skip
        for _, identifier, digest, *_ in lines:
            tx.put(schema.listed, {"record_id": identifier, "digest": digest})
        tx.flush()

    def touch(self, ids: Iterable[str]) -> None:
        """Have the parts of everything that hold these records count as touched."""
        self._touched.update(position // GRAIN for position in self.positions(EVERYTHING, ids))

    def touched(self, size: int) -> list[int]:
        """Which parts of everything, `size` records each (a multiple of `GRAIN`), hold one that is new or was noted."""
        return sorted({part * GRAIN // size for part in self._touched})

    def sequence(self) -> int:
        """The number of the last change, or 0."""
        query = select(func.max(schema.change.c.sequence))
        return self._tx.connection.execute(query).scalar() or 0

    def changes(self, first: int, end: int) -> Iterator[Row[Any]]:
        """The changes with these numbers, `end` not included, each with what it said of the record: type and stem."""
        yield from self._tx.connection.execute(reading.changes(first, end - first))


def _digest(entry: Entry) -> str:
    return hashlib.sha256(orjson.dumps(entry.data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
