"""The byline and the dates as a page shows them to people: lines of their own right below its heading.

Only what is nothing but a byline or a date is taken, and only before the running text begins:
never a date out of a sentence, a footer or a copyright line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from feedpub import dates
from feedpub.extraction import agents, datelines, titles
from feedpub.models import Agent, When

if TYPE_CHECKING:
    from lxml.etree import _Element

_MAX_CHARS = 120
_MAX_PIECES = 150
_MAX_PARTS = 12
_MAX_TIMES = 500
_MAX_STANDFIRSTS = 2
_FRAME = frozenset({"nav", "footer", "aside", "form", "script", "style", "noscript", "figure"})
_INLINE = frozenset((
    "a", "abbr", "address", "b", "bdi", "bdo", "big", "cite", "code", "data", "em", "font", "i", "ins",
    "label", "mark", "nobr", "s", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
))  # fmt: skip
_ENDS = frozenset({"article", "main", "body", "html"})
_SEPARATOR = re.compile(r"\s*[|·•]\s*|\s+[–—-]\s+|,\s+")
_AROUND = " \t|·•–—-,"
_FILLER = re.compile(r"(?:and|und|et|y|by|von|par|por|on|am|[0-9]{1,3}[ -]min(?:ute)?s?(?: read)?|&)\Z", re.I)
_SENTENCE_END = '.!?…。।؟”"'

_PREFIX = r"(?:^|\s)(?:(?!event|start|end|due)[a-z]+[-_]{1,2})?"
_AUTHOR = re.compile(rf"{_PREFIX}(?:author|byline)s?(?:[-_]{{1,2}}(?:name|link))?(?=\s|$)", re.IGNORECASE)
_MODIFIED = re.compile(r"modif|updat", re.IGNORECASE)
_PUBLISHED = re.compile(r"publish|posted|entry-date|pubdate|dateline|date-created", re.IGNORECASE)
_DATE = re.compile(rf"{_PREFIX}(?:date|time|datetime|timestamp)(?=\s|$)", re.IGNORECASE)
_NOT_NAME = re.compile(r"role|title|job|position|bio|desc|locat|mail|social", re.IGNORECASE)
_STANDFIRST = re.compile(
    r"standfirst|sub-?(?:title|head)|dek\b|deck\b|lead|lede|summary|excerpt|intro|teaser|descr", re.IGNORECASE
)


class _Piece(NamedTuple):
    """Words that stand in one place: an element's own text, what comes after it, or a whole `<time>`."""

    element: _Element
    place: str
    words: str
    mark: str


class _Part(NamedTuple):
    """What some pieces of a line say; `sure` if a word or the element's class says what it is, too."""

    pieces: list[_Piece]
    whole: bool
    authors: tuple[Agent, ...] = ()
    date: tuple[str, When] | None = None
    sure: bool = True


@dataclass(slots=True)
class Shown:
    """What stands below the heading, with the words that say it; a date also with "time" if one gives it."""

    authors: tuple[Agent, ...] = ()
    byline: str = ""
    dates: dict[str, tuple[When, str, bool]] = field(default_factory=dict)
    _pieces: list[_Piece] = field(default_factory=list)

    def take(self, parts: list[_Part], line: str) -> None:
        """Take over what the parts of a line say."""
        for part in parts:
            known = {agent.name.casefold() for agent in self.authors}
            self.authors += tuple(agent for agent in part.authors if agent.name.casefold() not in known)
            if part.authors and not self.byline:
                self.byline = line
            if part.date:
                time = next((piece.words for piece in part.pieces if piece.place == "time"), None)
                self.dates.setdefault(part.date[0], (part.date[1], time or line, time is not None))
            self._pieces += part.pieces

    def times(self) -> set[_Element]:
        """The `<time>` elements among what was taken."""
        return {piece.element for piece in self._pieces if piece.place == "time"}

    def remove(self) -> None:
        """Take the words out of the page, and the elements that hold nothing else."""
        for element, place, _, _ in self._pieces:
            if place == "tail":
                element.tail = None
            else:
                element.text = None
                for inner in list(element) if place == "time" else ():
                    element.remove(inner)
        for element, place, _, _ in self._pieces:
            emptied = element if place != "tail" else element.getparent()
            while emptied is not None and emptied.tag not in _ENDS and _is_empty(emptied):
                above = emptied.getparent()
                if above is not None:
                    emptied.drop_tree()
                emptied = above


def below_heading(tree: _Element, headline: str | None, *, dayfirst: bool | None) -> Shown:
    """The byline and the dates between the page's heading and its running text."""
    shown = Shown()
    heading = _heading(tree, headline)
    if heading is None:
        return shown
    waiting: list[tuple[list[_Part], str]] = []
    standfirsts = 0
    for pieces in _lines(heading):
        line = " ".join("".join(map(_shown, pieces)).split())
        if not line:
            continue
        if _is_running_text(line):
            standfirsts += 1
            if standfirsts > _MAX_STANDFIRSTS or not _is_standfirst(pieces[0]):
                break
            continue
        if len(line) > _MAX_CHARS:
            continue
        parts = _parts(pieces, dayfirst)
        # A date without a word before it may be that of an event, unless it stands with a byline.
        if parts and (shown.authors or any(part.authors or (part.date and part.sure) for part in parts)):
            shown.take(parts, line)
        elif any(part.date for part in parts):
            waiting.append((parts, line))
    for parts, line in waiting if shown.authors else ():
        shown.take(parts, line)
    return shown


def times(tree: _Element, *, dayfirst: bool | None, without: set[_Element]) -> dict[str, tuple[When, str]]:
    """ "published" and "modified" as `<time>` elements outside the running text and the frame state them."""
    found: dict[str, tuple[When, str]] = {}
    plain: dict[str, tuple[When, str]] = {}
    for element in islice(tree.iter("time"), _MAX_TIMES):
        stated = element.get("datetime") or titles.text_of(element) or ""
        when = dates.parse(stated, dayfirst=dayfirst)
        above = [ancestor.tag for ancestor in element.iterancestors()]
        if when is None or element in without or _is_frame(above):
            continue
        marks = " ".join((element.get("class") or "", element.get("itemprop") or ""))
        if _MODIFIED.search(marks):
            found.setdefault("modified", (when, stated))
        elif "pubdate" in element.attrib or _PUBLISHED.search(marks):
            found.setdefault("published", (when, stated))
        elif element.get("datetime") and ("article" in above or "main" in above):
            line = _line_around(element)
            if _MODIFIED.search(line):
                found.setdefault("modified", (when, stated))
            elif not _is_running_text(line):
                plain[when.value] = (when, stated)
    # A single one in the article is its date; of several nobody can say which is.
    if len(plain) == 1:
        found.setdefault("published", next(iter(plain.values())))
    return found


def _is_frame(above: list[str]) -> bool:
    """Whether an element stands in a navigation, an aside or the footer of the page (not of the article)."""
    return "nav" in above or "aside" in above or ("footer" in above and "article" not in above)


def _is_running_text(line: str) -> bool:
    return len(line) > _MAX_CHARS or (len(line) > 40 and line[-1] in _SENTENCE_END)


def _block(element: _Element) -> _Element:
    while element.tag in _INLINE and (above := element.getparent()) is not None:
        element = above
    return element


def _line_around(element: _Element) -> str:
    block = _block(element)
    return "" if block.tag in _ENDS else _text(block)


def _is_standfirst(piece: _Piece) -> bool:
    block = _block(piece.element)
    return block.tag in ("h2", "h3", "h4") or any(
        _STANDFIRST.search(element.get("class") or "") for element in (piece.element, block)
    )


def _heading(tree: _Element, headline: str | None) -> _Element | None:
    """The heading that is the page's headline, or begins its title; else the first of the highest rank."""
    first = None
    sought = [text.casefold() for text in (headline, titles.text_of(next(tree.iter("title"), None))) if text]
    for element in islice(tree.iter("h1", "h2"), 20):
        text = _text(element).casefold()
        if text and any(line.startswith(text) for line in sought):
            return element
        if text and element.tag == "h1" and first is None:
            first = element
    return first


def _lines(heading: _Element) -> Iterator[list[_Piece]]:
    """What follows the heading in its article, line by line."""
    line: list[_Piece] = []
    for piece in islice(_following(heading), _MAX_PIECES):
        if piece is not None:
            line.append(piece)
        elif line:
            yield line
            line = []


def _following(element: _Element) -> Iterator[_Piece | None]:
    above: _Element | None = element
    while above is not None and above.tag not in _ENDS:
        if above.tag not in _INLINE:
            yield None
        if above.tail:
            yield _Piece(above, "tail", above.tail, "")
        for sibling in above.itersiblings():
            yield from _within(sibling, "")
        above = above.getparent()
    yield None


def _within(element: _Element, outer: str) -> Iterator[_Piece | None]:
    """The pieces of an element and after it; None where a line ends."""
    tag = element.tag
    is_block = tag not in _INLINE
    if is_block:
        yield None
    if isinstance(tag, str) and tag not in _FRAME:
        mark = _mark(element, outer)
        if tag == "time":
            stated = element.get("datetime") or ""
            yield _Piece(element, "time", stated if dates.parse(stated) else _text(element), mark)
        else:
            if element.text:
                yield _Piece(element, "text", element.text, mark)
            for child in element:
                yield from _within(child, mark)
    if is_block:
        yield None
    if element.tail:
        yield _Piece(element, "tail", element.tail, outer)


def _mark(element: _Element, outer: str) -> str:
    """What an element's class, rel, itemprop or property says that it holds."""
    if not element.attrib:
        return outer
    stated = " ".join(filter(None, map(element.get, ("class", "rel", "itemprop", "property"))))
    if not stated:
        return outer
    if _AUTHOR.search(stated):
        return "author"
    if _MODIFIED.search(stated):
        return "modified"
    if _PUBLISHED.search(stated) or _DATE.search(stated):
        return "published"
    return "" if _NOT_NAME.search(stated) else outer


def _parts(pieces: list[_Piece], dayfirst: bool | None) -> list[_Part]:
    """The bylines and dates that a line consists of; of a line that has more in it, those marked as such."""
    text, starts = "", []
    for piece in pieces:
        starts.append(len(text))
        text += piece.words
    edges = sorted({*starts, *(match.start() for match in _SEPARATOR.finditer(text)), len(text)})
    if len(edges) > _MAX_PARTS:
        return []
    parts: list[_Part] = []
    is_mixed = False
    at = 0
    while at < len(edges) - 1:
        for end in range(len(edges) - 1, at, -1):
            inside = [
                piece
                for piece, start in zip(pieces, starts, strict=True)
                if start < edges[end] and start + len(piece.words) > edges[at]
            ]
            whole = edges[at] in starts and (edges[end] in starts or edges[end] == len(text))
            part = _read(
                " ".join(text[edges[at] : edges[end]].strip(_AROUND).split()), inside, whole, dayfirst
            )
            if part is not None:
                parts.append(part)
                at = end
                break
        else:
            is_mixed = True
            at += 1
    if is_mixed:
        return [part for part in parts if part.whole and part.sure and _is_own_element(part)]
    stated = {part.date for part in parts if part.date}
    if len(stated) != len({name for name, _ in stated}):
        return []  # of two dates that say the same of themselves nobody can tell which is meant
    return parts if stated or any(part.authors for part in parts) else []


def _is_own_element(part: _Part) -> bool:
    return all(piece.mark for piece in part.pieces) or (
        len(part.pieces) == 1 and part.pieces[0].place == "text" and len(part.pieces[0].element) == 0
    )


def _read(words: str, pieces: list[_Piece], whole: bool, dayfirst: bool | None) -> _Part | None:
    """A byline, a date, or what may stand between them; None for anything else."""
    if not words or _FILLER.match(words):
        return _Part(pieces, whole, sure=False)
    marks = {piece.mark for piece in pieces if piece.words.strip(_AROUND)}
    if not any(map(str.isdigit, words)):
        names = agents.byline(words) or (agents.names(words) if marks == {"author"} else ())
        return _Part(pieces, whole, names) if names else None
    found = datelines.date_line(words, dayfirst=dayfirst, bare=False)
    if found is None and (found := datelines.date_line(words, dayfirst=dayfirst)) is not None:
        if marks == {"modified"}:
            found = ("modified", found[1])
        is_sure = marks <= {"modified", "published"} or any(piece.place == "time" for piece in pieces)
        return _Part(pieces, whole, (), found, is_sure)
    return _Part(pieces, whole, (), found) if found else None


def _text(element: _Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _shown(piece: _Piece) -> str:
    return _text(piece.element) if piece.place == "time" else piece.words


def _is_empty(element: _Element) -> bool:
    return len(element) == 0 and not (element.text or "").strip() and element.tag not in ("img", "br", "hr")
