"""The shapes in which schema.org data state one value → one of our values, or None.

An author may be a string, an object, a list of either, a reference to another node, or a name with
markup in it. Each function takes whatever stands there and gives back what it means; what it
cannot mean is left out. Nothing is looked up and nothing guessed.
https://schema.org/docs/datamodel.html
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from feedpub import dates, urls
from feedpub.extraction import sanitise
from feedpub.models import Problem, When

Node = Mapping[str, Any]

MAX_ITEMS = 200
"""No list in an article's metadata is longer in earnest."""

_MAX_TEXT = 5_000
_LONG = frozenset({"articleBody", "text"})
_INLINE_TAG = re.compile(
    r"</?(?:b|i|em|strong|span|br|p|a|sub|sup|small|u|q|cite|mark|font|div|h[1-6])(?:\s[^<>]*+)?/?>",
    re.IGNORECASE,
)
_BREAKING_TAG = re.compile(r"</?(?:br|p|div|h[1-6])\b", re.IGNORECASE)
_MARKUP = re.compile(
    r"<(?:p|br|div|h[1-6]|ul|ol|li|a|b|i|em|strong|figure|img|blockquote|table|span|section|article)(?:\s[^<>]*+)?/?>",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\ufeff\ud800-\udfff\ufffe\uffff]")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_PIXELS = re.compile(r"\s*([0-9]{1,5})(?:\.0+)?\s*(?:px|pixels?)?\s*\Z", re.IGNORECASE)
_TRUE = frozenset(("true", "yes", "y", "on", "1", "ja", "oui", "sí", "si"))
_FALSE = frozenset(("false", "no", "n", "off", "0", "nein", "non"))
_ZERO_DATE = re.compile(r"\s*(?:0000-00-00|0001-01-01|-0001-11-30)")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the values of one document are read against.

    `index` finds the node that a bare reference {"@id": …} means; `base_url` makes addresses
    absolute; `dayfirst` settles 03/04/2025.
    """

    base_url: str | None = None
    dayfirst: bool | None = None
    index: Mapping[str, Node] = field(default_factory=dict)


def items(value: object) -> list[Any]:
    """A value as a list of values, however it is wrapped; empty strings and nulls left out."""
    if isinstance(value, Mapping):
        for wrapper in ("@list", "@set", "itemListElement"):
            if wrapper in value and len(value) <= 2:
                value = value[wrapper]
                break
    if isinstance(value, (list, tuple)):
        return [
            item
            for part in value[:MAX_ITEMS]
            for item in (part if isinstance(part, list) else [part])
            if _there(item)
        ]
    return [value] if _there(value) else []


def whole(value: Any, source: str) -> Any:
    """`value`, read from the JSON in `source`, without halves of characters, which no UTF-8 can hold.

    JSON may escape such a half alone: https://www.rfc-editor.org/rfc/rfc8259#section-8.2
    """
    if not _HALF.search(source):
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))


def cut_short(node: Node) -> Iterator[Problem]:
    """Advice for each property of which only the beginning is read."""
    for key, value in node.items():
        if isinstance(value, (list, tuple)) and len(value) > MAX_ITEMS:
            yield too_long(f"/{key}", f"{key} has {len(value):,} values; the first {MAX_ITEMS} were read")
        elif isinstance(value, str) and len(value) > _MAX_TEXT and key not in _LONG:
            yield too_long(
                f"/{key}", f"{key} has {len(value):,} characters; the first {_MAX_TEXT:,} were read"
            )


def too_long(pointer: str | None, what: str) -> Problem:
    """The advice that only the beginning of something was read."""
    return Problem(
        "too-long", f"{what[0].upper()}{what[1:]}.", "Leave out what no reader needs, or make several articles of it.",
        severity="advice", pointer=pointer,
    )  # fmt: skip


def _there(value: object) -> bool:
    return value is not None and not (isinstance(value, (str, Mapping)) and not value)


def resolved(value: object, reading: Reading) -> object:
    """The node that a bare reference means, if the document has it; else the value itself."""
    if isinstance(value, Mapping) and isinstance(value.get("@id"), str) and len(value) <= 2:
        target = reading.index.get(value["@id"])
        if target is not None and len(target) > len(value):
            return target
    return value


def nodes(value: object, reading: Reading) -> Iterator[object]:
    """The values under a property, references followed."""
    for item in items(value):
        yield resolved(item, reading)


def types_of(node: object) -> tuple[str, ...]:
    """The names of a node's types without their address: ("NewsArticle",)."""
    if not isinstance(node, Mapping):
        return ()
    return tuple(short_name(item) for item in items(node.get("@type")) if isinstance(item, str))


def short_name(iri: str) -> str:
    """ "EventScheduled" for "https://schema.org/EventScheduled" and "schema:EventScheduled"."""
    return re.split(r"[/#:]", iri.strip().rstrip("/"))[-1]


def text(value: object) -> str | None:
    """One line of plain text: first of several, white space folded, entities and inline tags resolved."""
    for item in items(value):
        if isinstance(item, Mapping):
            found = text(item.get("@value") if "@value" in item else item.get("name"))
        elif isinstance(item, str):
            found = line_of(item)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            found = str(item)
        else:
            found = None
        if found:
            return found
    return None


def line_of(string: str) -> str | None:
    """`string` as one line of plain text, or None if nothing is left of it."""
    string = string[:_MAX_TEXT]
    if "<" in string:
        string = _INLINE_TAG.sub(lambda match: " " if _BREAKING_TAG.match(match[0]) else "", string)
    if "&" in string:
        string = unescape(string)
    return " ".join(unicodedata.normalize("NFC", _CONTROL.sub("", string)).split()) or None


def body(value: object, base_url: str | None) -> tuple[str, str | None]:
    """An article's body as plain text and, where it was given with markup, as clean HTML."""
    parts = [item.get("@value") if isinstance(item, Mapping) else item for item in items(value)]
    string = "\n\n".join(part for part in parts if isinstance(part, str))
    if not _MARKUP.search(string) and "&lt;p" in string[:200]:
        string = unescape(string)
    if _MARKUP.search(string):
        html = sanitise.clean_html(string, base_url=base_url)
        return unicodedata.normalize("NFC", sanitise.html_to_text(html)), unicodedata.normalize(
            "NFC", html
        ) or None
    return paragraphs(unescape(string) if "&" in string else string), None


def paragraphs(string: str) -> str:
    """Plain text with one empty line between paragraphs.

    Where there are no empty lines each line is a paragraph, unless the lines are evidently
    wrapped: all short, and most of them ending within a sentence.
    """
    string = _CONTROL.sub("", string.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " "))
    string = unicodedata.normalize("NFC", string).strip()
    lines = [" ".join(line.split()) for line in string.split("\n")]
    if "" not in lines:
        broken = sum(
            1 for line in lines[:-1] if not line.endswith((".", "!", "?", ":", "”", '"', "»", "。", "۔", "؟"))
        )
        if len(lines) < 3 or max(map(len, lines)) > 100 or broken * 2 <= len(lines):
            return "\n\n".join(lines)
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return "\n\n".join(" ".join(block) for block in blocks if block)


def url(value: object, reading: Reading) -> str | None:
    """The first absolute http(s) address in a value: a string, {"@id"} or an object with a url."""
    for item in items(value):
        if isinstance(item, str):
            candidates = [unescape(item)]
        elif isinstance(item, Mapping):
            candidates = [
                part
                for key in ("url", "@id", "@value")
                for part in items(item.get(key))
                if isinstance(part, str)
            ]
        else:
            continue
        for candidate in candidates:
            found = urls.absolute(reading.base_url, candidate)
            if found:
                return found
    return None


def url_list(value: object, reading: Reading) -> tuple[str, ...]:
    """Every address in a value, once."""
    return unique(found for item in items(value) if (found := url(item, reading)))


def identifier(node: Node, reading: Reading) -> str | None:
    """A node's own `@id` if it is or resolves to an absolute IRI; a blank node has none."""
    given = node.get("@id")
    if not isinstance(given, str) or given.startswith("_:"):
        return None
    given = given.strip()
    return given if urls.is_absolute_iri(given) else urls.absolute(reading.base_url, given)


def unique(values: Iterator[str]) -> tuple[str, ...]:
    """Each value once, in order, told apart without regard to case."""
    found: dict[str, str] = {}
    for value in values:
        found.setdefault(value.casefold(), value)
    return tuple(found.values())


def names(value: object, *, split: bool = False) -> tuple[str, ...]:
    """Keywords or sections: a string (with `split`, divided at its commas), strings, or DefinedTerms."""
    given = items(value)
    if split and len(given) == 1 and isinstance(given[0], str):
        given = list(re.split(r"[,;،、]", unescape(given[0])))
    return unique(found for item in given[:MAX_ITEMS] if (found := text(item)) and len(found) <= 200)


def when(value: object, reading: Reading) -> When | None:
    """The date in a value; a number, or 10 or 13 digits, is a count of (milli)seconds since 1970."""
    for item in items(value):
        given = item.get("@value") if isinstance(item, Mapping) else item
        if isinstance(given, str):
            given = unescape(given).strip()
            if re.fullmatch(r"[0-9]{10}|[0-9]{13}", given):
                given = int(given)
        if isinstance(given, bool):
            return None
        if isinstance(given, (int, float)) and 1e8 <= abs(given) < 1e14 and len(str(given)) != 8:
            return dates.from_epoch(given)
        return dates.from_value(given, dayfirst=reading.dayfirst)
    return None


def is_no_date(value: object) -> bool:
    """Whether a date's value says that there is none: empty, or the zero of a database or language."""
    stated = items(value)
    return not stated or (
        isinstance(stated[0], str) and (not stated[0].strip() or bool(_ZERO_DATE.match(stated[0])))
    )


def number(value: object) -> int | None:
    """A positive count of pixels: 800, "800", "800px" or a QuantitativeValue."""
    for item in items(value):
        if isinstance(item, Mapping):
            return number(item.get("value") or item.get("@value"))
        if isinstance(item, bool):
            return None
        match = _PIXELS.match(str(item)[:20])
        return (int(match[1]) or None) if match else None
    return None


def truth(value: object) -> bool | None:
    """true or false in any of their spellings and the usual words; None for anything else."""
    given = next(iter(items(value)), None)
    if isinstance(given, bool):
        return given
    word = short_name(given).lower() if isinstance(given, str) else str(given)
    return True if word in _TRUE else False if word in _FALSE else None
