"""A question to the search index → the ids of the records that answer it, a page at a time, in order.

Each question walks one table in the order of the numbers and stops when the page is full. Which
table: that of words if there are words, else that of the facet which usually tells most.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from feedpub.search import numbers
from feedpub.search.terms import slug
from feedpub.search.words import expression

_TELLING = ("person", "author", "keyword", "place", "section", "status", "type", "country", "language")
"""Facets, those with usually the fewest records for a value first."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: all conditions must hold, of the values of one facet one is enough.

    `since` and `until` are whole seconds since 1970 and bound a half-open span: an article's time lies in it, an
    event's span meets it. `words` is what a person typed. `after` is the number of the last record
    that is known already. Articles come by their time, events by their start, undated ones last.
    """

    kind: numbers.Kind
    since: int | None = None
    until: int | None = None
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: str | None = None
    after: int | None = None
    descending: bool = True


class Found(NamedTuple):
    """One record: its number, which is its place in the order, and its id."""

    number: int
    id: str


def find(index: sqlite3.Connection, question: Question, limit: int) -> list[Found]:
    """The first `limit` records that answer the question.

    Raises:
        sqlite3.Error: the index cannot be read.
    """
    typed = expression(question.words) if question.words is not None else None
    if question.words is not None and typed is None:
        return []
    statement, values = _statement(question, typed)
    rows = index.execute(statement, [*values, limit])
    return [Found(number, identifier) for number, identifier in rows]


def _statement(question: Question, typed: str | None) -> tuple[str, list[Any]]:
    order = "DESC" if question.descending else "ASC"
    lowest, beyond = _range(question)
    facets = [(name, _slugs(name, question.facets[name])) for name in _TELLING if question.facets.get(name)]
    where = ["w.number >= ?", "w.number < ?"]
    values: list[Any] = [lowest, beyond]
    if typed is not None:
        walked = "(SELECT rowid AS number FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?) AS w"
        given: list[Any] = [typed, lowest, beyond]
    elif facets:
        (name, slugs), *facets = facets
        once = "DISTINCT " if len(slugs) > 1 else ""
        walked = (
            f"(SELECT {once}number FROM term WHERE name = ? AND slug IN ({_marks(slugs)})"  # noqa: S608
            " AND number >= ? AND number < ?) AS w"
        )
        given = [name, *slugs, lowest, beyond]
    else:
        walked, given = "entry AS w", []
    for name, slugs in facets:
        where.append(
            f"EXISTS (SELECT 1 FROM term WHERE name = ? AND slug IN ({_marks(slugs)}) AND number = w.number)"  # noqa: S608
        )
        values += [name, *slugs]
    if question.kind == "event" and question.since is not None:
        where.append("entry.end_at > ?")
        values.append(question.since)
    # The order of the tables is that of the walk; entry drops what is found only in old versions.
    statement = (
        f"SELECT w.number, entry.id FROM {walked} CROSS JOIN entry ON entry.number = w.number"  # noqa: S608
        f" WHERE {' AND '.join(where)} ORDER BY w.number {order} LIMIT ?"
    )
    return statement, [*given, *values]


def _range(question: Question) -> tuple[int, int]:
    kind = question.kind
    lowest, beyond = numbers.LOWEST[kind], numbers.BEYOND[kind]
    if kind == "article" and question.since is not None:
        lowest = numbers.at_time(kind, question.since)
    if question.until is not None:
        beyond = numbers.at_time(kind, question.until)
    if question.after is not None and question.descending:
        beyond = min(beyond, question.after)
    elif question.after is not None:
        lowest = max(lowest, min(question.after + 1, beyond))
    return lowest, beyond


def _slugs(name: str, values: Sequence[str]) -> list[str]:
    return sorted({slug(name, value) for value in values})


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
