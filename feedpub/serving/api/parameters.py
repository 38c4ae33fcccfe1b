"""What may be asked: one table of parameters, from which questions are checked and the OpenAPI document is made.

So what the document promises and what is accepted cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from feedpub.serving.api import times
from feedpub.serving.api.problems import Refusal, wrong_parameter
from feedpub.vocabulary import ARTICLE_TYPES, EVENT_STATUSES, EVENT_TYPES

MAX_LENGTH = 200
"""Characters in a value."""
MAX_VALUES = 10
"""Values of one parameter."""
MAX_FIELDS = 100
"""Parameters in one question."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the query. `many`: it may be repeated, and one of its values is enough.

    `schema` is JSON Schema for one value; `read` makes of the text what it means, or raises ValueError.
    `remedy` says what a right value looks like.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    remedy: str
    example: str | None = None
    many: bool = False


def _text(name: str, description: str, example: str, *, many: bool = True) -> Parameter:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}
    remedy = f"Give a text of 1 to {MAX_LENGTH} characters."

    def read(text: str) -> str:
        if not text:
            raise ValueError(text)
        return text

    return Parameter(name, description, schema, read, remedy, example, many)


def _choice(name: str, description: str, choices: frozenset[str], example: str) -> Parameter:
    known = sorted(choices)

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    remedy = f"Give one of: {', '.join(known)}."
    return Parameter(name, description, {"type": "string", "enum": known}, read, remedy, example, many=True)


def _order(description: str, first: str, other: str) -> Parameter:
    def read(text: str) -> bool:
        if text not in (first, other):
            raise ValueError(text)
        return text in ("newest", "latest")

    schema = {"type": "string", "enum": [first, other], "default": first}
    return Parameter("order", description, schema, read, f"Give {first} or {other}.")


def _number(name: str, description: str, least: int, most: int, default: int) -> Parameter:
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}

    def read(text: str) -> int:
        if not re.fullmatch("0|[1-9][0-9]{0,15}", text) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Parameter(name, description, schema, read, f"Give a whole number from {least} to {most}.")


def _cursor(digits: str) -> Parameter:
    pattern = f"^[{digits}][0-9a-f]{{15}}$"

    def read(text: str) -> int:
        if not re.fullmatch(pattern[1:-1], text):
            raise ValueError(text)
        return int(text, 16)

    return Parameter(
        "cursor",
        "Where the next page begins: as the answer before gave it in its link with rel=next. Keep the other parameters.",
        {"type": "string", "pattern": pattern},
        read,
        "Take the whole link to the next page from the answer before, or leave the cursor out to begin again.",
    )


def _date(name: str, description: str, example: str) -> Parameter:
    def read(text: str) -> Callable[[str], tuple[int, int]]:
        times.span(text, "UTC")
        return lambda timezone: times.span(text, timezone)

    return Parameter(
        name, description, times.SCHEMA, read,
        'Give a date as in "2025", "2025-09", "2025-09-02", "2025-09-02T10:00" or "2025-09-02T10:00:00+02:00".', example,
    )  # fmt: skip


_Q = _text(
    "q",
    "Words that must all occur, whatever their case and accents. A phrase stands in quotation marks; a word that "
    "ends in * (behind at least three letters) stands for all that begin so.",
    'bridge "harbour council" repair*',
    many=False,
)
_PLACE = _text(
    "place",
    "The name of a place, town or region, as articles state it: where it happens, or what is told of.",
    "Lisbon",
)
_COUNTRY = _text("country", "A country as articles state it: a name or a code.", "PT")
_KEYWORD = _text("keyword", "A keyword of the article, or of an article that reports the event.", "harbour")
_SECTION = _text("section", "A section of the article, or of an article that reports the event.", "World")
_LIMIT = _number("limit", "How many articles or events one answer holds.", 1, 100, 25)

ARTICLES = (
    _Q,
    _date(
        "since",
        "Published at that time or later (inclusive, from its beginning). An article without a date counts as of "
        "when it was first seen, one of which only month or year is known as of their beginning.",
        "2025-09-02",
    ),
    _date("until", "Published at that time or earlier (inclusive, to its end): until=2025-09 means all September.", "2025-09"),
    _SECTION,
    _KEYWORD,
    _text("author", "The name of an author.", "Ada Marsh"),
    _text("person", "The name of somebody the article or an event in it is about or mentions; see author.", "Ines Costa"),
    _PLACE,
    _COUNTRY,
    _text("language", "A language range (RFC 4647): en finds en-GB too, en-GB does not find en.", "en"),
    _choice("type", "The schema.org type of the article.", ARTICLE_TYPES, "OpinionNewsArticle"),
    _order("By time of publication.", "newest", "oldest"),
    _LIMIT,
    _cursor("0-3"),
)  # fmt: skip

EVENTS = (
    _Q,
    _date("since", "Not over at that time: it ends after its beginning. Events without a date are left out.", "2025-09-02"),
    _date("until", "Begun by that time (inclusive, to its end). Events without a date are left out.", "2025-09"),
    _SECTION,
    _KEYWORD,
    _text("person", "The name of an organiser, a performer or somebody who attends.", "Ines Costa"),
    _PLACE,
    _COUNTRY,
    _choice("status", "Its eventStatus; an event that states none is EventScheduled.", EVENT_STATUSES, "EventCancelled"),
    _choice("type", "The schema.org type of the event.", EVENT_TYPES, "Festival"),
    _order("By its beginning; events without a date come last (with latest: first).", "earliest", "latest"),
    _LIMIT,
    _cursor("4-7"),
)  # fmt: skip

CHANGES = (
    _number("since", "The number of the last change that you have carried out; 0 for all.", 0, 10**15, 0),
    _number("limit", "How many changes one answer holds.", 1, 1000, 500),
)


def read(query: bytes, known: tuple[Parameter, ...]) -> dict[str, Any]:
    """The parameters of a query as what they mean; those that are left out have their default, if any.

    Raises:
        Refusal: one is unknown, repeated without leave, too long or not of its kind.
    """
    by_name = {parameter.name: parameter for parameter in known}
    found: dict[str, list[Any]] = {}
    for name, text in _pairs(query):
        if name not in by_name:
            raise _unknown(name, by_name)
        found.setdefault(name, []).append(_value(by_name[name], text))
    meant = {p.name: p.read(str(p.schema["default"])) for p in known if "default" in p.schema}
    for name, values in found.items():
        parameter = by_name[name]
        if len(values) > (MAX_VALUES if parameter.many else 1):
            raise _too_many(parameter)
        meant[name] = tuple(values) if parameter.many else values[0]
    return meant


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise wrong_parameter(
            "query", f"it has more than {MAX_FIELDS} parameters", "Ask for less at once."
        ) from error


def _value(parameter: Parameter, text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise wrong_parameter(
            parameter.name, f"{len(text):,} characters are too many", f"Give at most {MAX_LENGTH} characters."
        )
    try:
        return parameter.read(text)
    except ValueError as error:
        raise wrong_parameter(
            parameter.name, f"{text!r} is not what is expected here", parameter.remedy
        ) from error


def _too_many(parameter: Parameter) -> Refusal:
    if parameter.many:
        return wrong_parameter(parameter.name, "it has too many values", f"Give at most {MAX_VALUES}.")
    return wrong_parameter(parameter.name, "it stands there more than once", "Give it once.")


def _unknown(name: str, by_name: Mapping[str, Parameter]) -> Refusal:
    names = list(by_name)
    remedy = f"Known are: {', '.join(names)}." if names else "Leave the parameters out: there are none here."
    return wrong_parameter(name[:50], "there is no such parameter here", remedy, known=names)
