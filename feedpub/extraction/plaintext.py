"""Plain text as agencies and archives have it → Article.

From the top: a `date 2025-09-02` prefix or a block of "Key: value" lines, a headline, a byline, a
line with the date, an agency's dateline; the rest is the body. Each is taken only where its form
leaves no doubt; else the words stay in the body, where nothing is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from feedpub import dates
from feedpub.extraction import agents, datelines, metadata
from feedpub.extraction.metadata import Fields, Item
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import Article, Document, Extraction, Origin, When

_PREFIX = re.compile(
    r"\s*(date:? ([0-9]{4,6}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|[0-9]{4}-(?:0[1-9]|1[0-2])(?![0-9-])))"
    r"(?:[ \t]*[:,;–—|-][ \t]*|[ \t]+|(?=\n)|\Z)",
    re.IGNORECASE,
)
_KEY = re.compile(r"([^\W\d_][\w '’/-]{0,30}?)[ \t]?:(?:[ \t]+([^\n]*))?\Z")
_DATELINE = re.compile(
    r"(?P<dateline>(?P<place>[^\W\d_][^\n()—–:;\[\]]{1,60}?)[ ]?\((?P<agency>[^\W\d_][^\n()]{1,24})\))"
    r"[ ]?(?:—|–|--?|:)[ ]+"
    r"|(?P<bare>[^\W\d_a-z][^\n()—–:;\[\]a-z]{2,40}(?:, [^\n()—–:;]{3,30})?) ?(?:—|–|--) ?"
)
_DAY = re.compile(
    r"(?:(?P<m1>[^\W\d_]{3,12}\.?) (?P<d1>[0-9]{1,2})"
    r"|(?P<d2>[0-9]{1,2})\.? (?P<m2>[^\W\d_]{3,12}\.?))\Z"
)
_YEAR = re.compile(r"[0-9]{4}\Z")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_SPACES = re.compile(r"[ \t]{2,}|\t")
_BULLET = re.compile(r"[ \t]*[-*•–][ \t]")
_UNDERLINE = re.compile(r"[=\-~*_]{3,}\Z")
_SENTENCE_END = (".", "!", "?", "…", ".”", '."', ".»", ".)", "。", "।", "۔", "؟", ".’")
# Between the words of the shortest line that reads like a sentence: "The ferry runs again today."
_FEWEST_SPACES = 4
_NO_HEADLINE_END = (".", ",", ";", ":", "…", "。", "،", "-", "–", "—")


def read(document: Document, text: str, settings: ExtractSettings) -> Extraction:
    """The article in a plain text.

    Args:
        document: where it comes from; the path may state a date.
        text: its decoded text, with `\\n` as line end.
        settings: `dayfirst` settles dates like 03/04/2025.

    Returns:
        An Extraction with the article. Nothing is read from the clock: a dateline's day gets its
        year only from the dateline itself or from the path. Never raises.
    """
    reader = _Reader(document, text, settings)
    reader.head()
    body, start = reader.body()
    found = reader.fields
    for item in found.events:
        from feedpub.extraction import eventdata

        found.values["events"] = eventdata.from_value(item, text, settings.dayfirst, found.problems)
    if body:
        found.set("body_text", body, Origin("text", "body", None, start, len(text.rstrip()), "document"))
    values: dict[str, Any] = {name: value for name, value in found.values.items() if value is not None}
    article = Article(
        document.source, document.place, extra=tuple(found.extra), origins=found.origins, **values
    )
    return Extraction(article=article, problems=tuple(found.problems))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without its margins; `start` and `end` in the document, `next` where the next line begins."""

    text: str
    start: int
    end: int
    next: int


class _Reader:
    """Goes through the text from its top; `at` is where the unread part begins."""

    def __init__(self, document: Document, text: str, settings: ExtractSettings) -> None:
        self.document = document
        self.text = text
        self.dayfirst = settings.dayfirst
        self.fields = Fields()
        self.at = 0

    def head(self) -> None:
        if not self._prefix():
            self._block()
        self._headline()
        # A byline and the date's line come in either order.
        for _ in range(3):
            if not (self._byline() or self._date_line()):
                break
        self._dateline()
        stated = metadata.path_date(self.document.place)
        if stated is not None:
            before = self.fields.values.get("published")
            if (
                before is not None
                and before.precision == "month"
                and stated[0].value.startswith(before.value)
            ):
                del self.fields.values["published"]  # the path names the day in that month
            self.fields.set("published", *stated)

    def line(self, at: int) -> _Line | None:
        """The first line with something on it from `at` on."""
        text = self.text
        while at < len(text):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            stripped = text[at:end].strip()
            if stripped:
                start = text.index(stripped, at)
                return _Line(stripped, start, start + len(stripped), min(end + 1, len(text)))
            at = end + 1
        return None

    def _origin(self, name: str, start: int, end: int) -> Origin:
        return Origin("text", name, self.text[start:end], start, end, "document")

    def _prefix(self) -> bool:
        """`date 2025-09-02` before the first sentence, as archives write it."""
        match = _PREFIX.match(self.text)
        if match is None:
            return False
        rest = self.text[match.end() :].partition("\n")[0]
        if match[1][4] == ":" and (not rest.strip() or dates.parse(f"{match[2]} {rest.strip()}"[:100])):
            return False  # "Date: 2025-09-02" on a line of its own begins a header block
        when = dates.parse(match[2])
        if when is None:
            line = self.text.count("\n", 0, match.start(2)) + 1
            self.fields.problems.append(metadata.unreadable_date(match[2], "date", line))
        self.fields.set("published", when, self._origin("date prefix", match.start(1), match.end(1)))
        self.at = match.end()
        return True

    def _block(self) -> None:
        found = header_block(self.text, self.at)
        if found is None:
            # Some put the headline above the block: then every line down to the gap must be a known key.
            first = self.line(self.at)
            if first is None or not _can_be_headline(first.text) or self.text[first.next :][:1] in ("\n", ""):
                return
            found = header_block(self.text, first.next, only_known=True)
            if found is None or any(item.name in ("title", "headline") for item in found[0]):
                return
            self.fields.set(
                "headline", _folded(first.text), self._origin("first line", first.start, first.end)
            )
        items, self.at = found
        read_fields = metadata.read(items, self.text, self.dayfirst)
        for name, value in self.fields.values.items():
            read_fields.set(name, value, self.fields.origins[name])
        self.fields = read_fields

    def _headline(self) -> None:
        if "headline" in self.fields.values:
            self._repeated_headline()
            return
        first = self.line(self.at)
        if first is None or not _can_be_headline(first.text) or _DATELINE.match(first.text):
            return
        if agents.byline(first.text) or dates.parse(first.text, dayfirst=self.dayfirst):
            return
        second = self.line(first.next)
        if second is None:
            return
        after = first.next
        if _UNDERLINE.match(second.text) and second.start == first.next:
            after = second.next
            second = self.line(after)
            if second is None:
                return
        elif second.start == first.next + self._indent(first.next) and not (
            # No empty line below: only what cannot be the rest of the sentence tells the headline.
            agents.byline(second.text) or self._day_of(second.text) or self._is_dateline(second)
        ):
            return
        if not _has_sentence(self.text, after):
            return
        self.fields.set("headline", _folded(first.text), self._origin("first line", first.start, first.end))
        self.at = after

    def _indent(self, at: int) -> int:
        end = at
        while end < len(self.text) and self.text[end] in " \t":
            end += 1
        return end - at

    def _repeated_headline(self) -> None:
        first = self.line(self.at)
        if first and _folded(first.text).casefold() == _folded(self.fields.values["headline"]).casefold():
            self.at = first.next

    def _byline(self) -> bool:
        line = self.line(self.at)
        if line is None or "authors" in self.fields.values or self.line(line.next) is None:
            return False
        found = agents.byline(line.text)
        self.fields.set("authors", found, self._origin("byline", line.start, line.end))
        if found:
            self.at = line.next
        return bool(found)

    def _day_of(self, text: str) -> tuple[str, When] | None:
        return datelines.date_line(text, dayfirst=self.dayfirst, months=True)

    def _date_line(self) -> bool:
        line = self.line(self.at)
        if line is None or len(line.text) > 90 or self.line(line.next) is None:
            return False
        found = self._day_of(line.text)
        if found is None or found[0] in self.fields.values:
            return False
        if found[1].precision == "month" and self._has_months(line.next):
            return False
        self.fields.set(*found, self._origin("date line", line.start, line.end))
        number = self.text.count("\n", 0, line.start) + 1
        self.fields.problems += metadata.wrong_weekday(line.text, found[1], number)
        self.at = line.next
        return True

    def _has_months(self, at: int) -> bool:
        """Whether other lines are a month, too, and so the headings of a chronicle."""
        short = (line.strip() for line in self.text[at : at + 20_000].split("\n") if len(line) < 60)
        return any(line and line[-1].isdigit() and self._day_of(line) is not None for line in short)

    def _is_dateline(self, line: _Line) -> bool:
        match = _DATELINE.match(line.text)
        return match is not None and _dateline_parts(match) is not None

    def _dateline(self) -> None:
        line = self.line(self.at)
        match = _DATELINE.match(self.text, line.start) if line else None
        if line is None or match is None or match.end() > line.end:
            return
        parts = _dateline_parts(match)
        if parts is None:
            return
        day, year = parts
        name = "dateline" if match["dateline"] else "bare"
        given = match[name].rstrip()
        start = match.start(name)
        self.fields.set("dateline", given, self._origin("dateline", start, start + len(given)))
        if day is not None:
            stated = metadata.path_date(self.document.place)
            if year is None and (stated is None or stated[0].precision == "month"):
                year = metadata.path_year(self.document.place)
            when = dates.parse(f"{year}-{day[0]:02}-{day[1]:02}") if year else None
            if when and (stated is None or when.value.startswith(stated[0].value)):
                self.fields.set("published", when, self._origin("dateline", start, start + len(given)))
        self.at = match.end()

    def body(self) -> tuple[str, int]:
        """The rest as paragraphs with one empty line between, and where it begins."""
        first = self.line(self.at)
        if first is None:
            return "", self.at
        rest = self.text[first.start :].rstrip()
        blocks = _PARAGRAPHS.split(rest)
        paragraphs: list[str] = []
        for block in blocks:
            if "\n" in block:
                paragraphs.extend(_paragraphs(block))
            else:
                paragraphs.append(_folded(block))
        return "\n\n".join(p for p in paragraphs if p), first.start


def header_block(text: str, at: int = 0, *, only_known: bool = False) -> tuple[list[Item], int] | None:
    """The "Key: value" lines at the top of `text`, down to the first empty line.

    A line that begins with a space or tab carries the value above on (RFC 5322 section 2.2.3).

    Returns: The items and where the text goes on. None unless every line is of this form and the
        first key is one that feedpub knows (with `only_known`, all of them).
    """
    while text[at : at + 1] in ("\n", " ", "\t") and at < len(text):
        at += 1
    number = text.count("\n", 0, at) + 1
    items: list[Item] = []
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip():
            break
        if items and line[0] in " \t":
            last = items[-1]
            items[-1] = Item(
                last.key, f"{last.value} {line.strip()}".strip(), last.line, last.column, last.start, end
            )
        else:
            match = _KEY.match(line.rstrip())
            if match is None or len(items) > 60:
                return None
            known = metadata.normal(match[1]).replace("’", "").replace("'", "") in metadata.FIELDS
            if not known and (only_known or not items):
                return None
            value = match[2] or ""
            begin = at + (match.start(2) if match[2] is not None else match.end())
            items.append(Item(match[1], value.strip(), number, begin - at + 1, begin, begin + len(value)))
        at = end + 1
        number += 1
    return (items, min(at, len(text))) if items else None


def _can_be_headline(line: str) -> bool:
    if not 8 <= len(line) <= 140 or line.endswith(_NO_HEADLINE_END):
        return False
    words = line.count(" ") + 1
    return (
        (2 <= words <= 22 or not line.isascii()) and any(map(str.isalpha, line)) and not _BULLET.match(line)
    )


def _has_sentence(text: str, at: int) -> bool:
    """Whether what follows reads like prose: a line or a wrapped paragraph of several words ends a sentence."""
    following = text[at : at + 20_000]
    parts = [*following.split("\n")[:200], *(" ".join(p.split()) for p in _PARAGRAPHS.split(following)[:50])]
    return any(
        part.rstrip().endswith(_SENTENCE_END)
        and (len(part) > 40 or part.strip().count(" ") >= _FEWEST_SPACES)
        for part in parts
    )


def _dateline_parts(match: re.Match[str]) -> tuple[tuple[int, int] | None, int | None] | None:
    """Month and day, and the year if stated, of what looks like a dateline; None if it is none."""
    pieces = [piece.strip() for piece in (match["place"] or match["bare"]).split(",")]
    year = int(pieces.pop()) if len(pieces) > 1 and _YEAR.match(pieces[-1]) else None
    day: tuple[int, int] | None = None
    if len(pieces) > 1 or year is not None:
        last = pieces[-1]
        if year is None and re.search(r" [0-9]{4}\Z", last):
            last, _, stated = last.rpartition(" ")
            year = int(stated)
        found = _DAY.match(last)
        month = dates.month_number(found["m1"] or found["m2"]) if found else None
        if found and month:
            day = (month, int(found["d1"] or found["d2"]))
            pieces.pop()
    if not pieces or not 1 <= len(pieces) <= 3 or (year is not None and day is None):
        return None
    agency = match["agency"]
    capitals = pieces[0].isupper() and len(pieces[0]) > 2
    if not all(
        word[:1].isupper() or word in ("of", "de", "am", "an", "der", "la", "le", "do", "sur", "e")
        for word in " ".join(pieces).replace("/", " ").split()
    ):
        return None
    if agency is None:
        # Capitals alone may be a heading; it needs the form of a town and a dash, and a date or a known end.
        return (day, year) if capitals and len(pieces[0].split()) <= 4 else None
    if agents.is_agency(agency) or (capitals and agency.upper() == agency):
        return day, year
    return None


def _paragraphs(block: str) -> list[str]:
    """Several lines without an empty one between: wrapped text, or a paragraph a line."""
    lines = block.split("\n")
    long = sum(len(line) > 110 for line in lines)
    if long * 2 > len(lines):
        return [_folded(line) for line in lines]
    indented = [line[:1] == "\t" or line.startswith("  ") for line in lines]
    groups: list[list[str]] = [[lines[0]]]
    some = any(indented[1:]) and not all(indented[1:])
    for line, is_indented in zip(lines[1:], indented[1:], strict=True):
        if _BULLET.match(line) or (some and is_indented and not _BULLET.match(groups[-1][0])):
            groups.append([line])
        else:
            groups[-1].append(line)
    return [_joined(group) for group in groups]


def _joined(lines: list[str]) -> str:
    joined = lines[0].strip()
    for line in lines[1:]:
        stripped = line.strip()
        # Chinese and Japanese wrap without a space.
        wide = (
            joined and stripped and "\u3000" <= joined[-1] <= "\u9fff" and "\u3000" <= stripped[0] <= "\u9fff"
        )
        joined = f"{joined}{'' if wide or not joined else ' '}{stripped}"
    return _folded(joined)


def _folded(line: str) -> str:
    line = line.strip()
    return _SPACES.sub(" ", line) if "  " in line or "\t" in line else line
