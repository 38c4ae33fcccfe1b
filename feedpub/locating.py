"""Where in its document the value stands that a record's problem is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from feedpub.models import Document, Origin, Problem


def origin_of(origins: Mapping[str, Origin], pointer: str) -> Origin | None:
    """Where the value at a JSON pointer comes from: its own origin, or that of what holds it."""
    while pointer:
        if pointer in origins:
            return origins[pointer]
        pointer = pointer.rpartition("/")[0]
    return None


def line_of(origin: Origin, text: str, *, sure: bool = False) -> int | None:
    """The line of the document's `text`, from 1, on which a value's words stand; None if that cannot be told.

    With `sure`, words whose position is not known must stand in the text only once.
    """
    if not origin.quote or not text:
        return None
    if origin.text == "document" and origin.start is not None:
        return text.count("\n", 0, origin.start) + 1
    start = text.find(origin.quote)
    if start < 0 or (sure and text.find(origin.quote, start + 1) >= 0):
        return None
    return text.count("\n", 0, start) + 1


def located(
    problems: Iterable[Problem], origins: Mapping[str, Origin], document: Document
) -> tuple[Problem, ...]:
    """The problems of a record, each with its document's place and the line on which its value stands there."""
    problems = tuple(problems)
    if not problems:
        return ()
    from feedpub.extraction import encoding

    text = encoding.decode(document.data, document.encoding).text

    def line(problem: Problem) -> int | None:
        origin = origin_of(origins, problem.pointer or "")
        found = problem.line or (line_of(origin, text, sure=True) if origin else None)
        return found + document.line - 1 if found else None

    return tuple(replace(problem, place=document.place, line=line(problem)) for problem in problems)
