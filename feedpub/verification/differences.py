"""What verification finds, and how two readings of one item are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Fields = Mapping[str, Any]
"""Field name → value, as one format can carry it or as a parser found it."""

SYNTAX, ITEMS, ORDER = "syntax", "items", "order"
"""Fields of a whole document: it cannot be read, an item is missing or too much, the order differs."""

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a file says otherwise than it should.

    `path` is the file's place in the output; `format` the format's name, with the parser behind a
    slash where several read it ("rss/feedparser"). `record_id` is the record's `@id`, or None where
    the document as a whole is meant. `field` is a name of the table in `limits`, or "syntax",
    "items" or "order". `expected` and `found` are texts for people, at most 200 characters.
    """

    path: str
    format: str
    record_id: str | None
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        of = f" of {self.record_id}" if self.record_id is not None else ""
        return f"{self.path} ({self.format}): {self.field}{of} is {self.found}, should be {self.expected}"


@dataclass(frozen=True, slots=True)
class Place:
    """The file that is read, and by whom: the first two parts of each Difference."""

    path: str
    format: str

    def differs(
        self, field: str, expected: object, found: object, record_id: str | None = None
    ) -> Difference:
        """A Difference in this file."""
        return Difference(self.path, self.format, record_id, field, *_told(expected, found))

    def refused(self, reason: object) -> tuple[Difference, ...]:
        """What a parser that cannot read the file gives."""
        return (self.differs(SYNTAX, "a document that can be read", str(reason)),)


def compared(place: Place, record_id: str | None, expected: Fields, found: Fields) -> Iterator[Difference]:
    """A Difference for each field of `expected` that `found` has otherwise; None is the same as absent."""
    for field, value in expected.items():
        read = found.get(field)
        if read != value and (read or value or _is_said(read) or _is_said(value)):
            yield place.differs(field, value, read, record_id)


def sequence(place: Place, expected: Sequence[str], found: Sequence[str]) -> Iterator[Difference]:
    """Differences between the ids that a document should hold and those that it holds."""
    if list(expected) == list(found):
        return
    wanted, there = set(expected), set(found)
    if len(found) != len(expected):
        yield place.differs(ITEMS, _count(len(expected)), _count(len(found)))
    for identifier in dict.fromkeys(expected):
        if identifier not in there:
            yield place.differs(ITEMS, "an item", "none", identifier)
    for identifier in dict.fromkeys(found):
        if identifier not in wanted:
            yield place.differs(ITEMS, "no item", "an item", identifier)
        elif found.count(identifier) > expected.count(identifier):
            yield place.differs(ITEMS, "one item", "several items", identifier)
    if wanted == there and len(found) == len(expected):
        number = next(
            index for index, pair in enumerate(zip(expected, found, strict=True)) if len({*pair}) > 1
        )
        yield place.differs(ORDER, f"item {number + 1} to be {expected[number]}", found[number])


def indexed(items: Iterable[tuple[str, Fields]]) -> dict[str, Fields]:
    """The first item of each id."""
    known: dict[str, Fields] = {}
    for identifier, fields in items:
        known.setdefault(identifier, fields)
    return known


def _is_said(value: object) -> bool:
    return value is not None and value not in ("", (), [])


def _count(number: int) -> str:
    return "1 item" if number == 1 else f"{number:,} items"


def _told(expected: object, found: object) -> tuple[str, str]:
    one, other = _text(expected), _text(found)
    if max(len(one), len(other)) <= _SHOWN:
        return one, other
    # Long texts mostly begin alike: what differs has to be in what is shown.
    same = next((i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, same - 40) if same > _SHOWN // 2 else 0
    return _cut(one, start), _cut(other, start)


def _cut(text: str, start: int) -> str:
    before = "…" if start else ""
    room = _SHOWN - len(before) - 1
    return before + text[start : start + room] + ("…" if len(text) > start + room else "")


def _text(value: object) -> str:
    if not _is_said(value):
        return "nothing"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple | list) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    return value if isinstance(value, str) else repr(value)
