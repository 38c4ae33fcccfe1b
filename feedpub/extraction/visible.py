"""The byline and the date as a page shows them to people: lines of their own right below its heading.

Only what is nothing but a byline or a date is taken, and only before the running text begins:
never a date out of a sentence, a footer or a copyright line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from feedpub.extraction import agents, datelines
from feedpub.models import Agent, When

if TYPE_CHECKING:
    from lxml.etree import _Element

_BETWEEN = re.compile(r"\s*[|·•]\s*")
_MAX_CHARS = 120
_MAX_ELEMENTS = 60
_TEXT_BLOCKS = frozenset({"p", "li", "blockquote", "pre", "dd"})
_FRAME = frozenset({"nav", "footer", "aside", "form", "script", "style", "figure"})


@dataclass(slots=True)
class Shown:
    """What stands below the heading, each with the words that say it; `elements` hold nothing else."""

    authors: tuple[Agent, ...] = ()
    byline: str = ""
    dates: dict[str, tuple[When, str]] = field(default_factory=dict)
    elements: list[_Element] = field(default_factory=list)

    def take(self, parts: list[str], line: str, dayfirst: bool | None) -> bool:
        """Take what a line says, if each of its parts is a byline or a date."""
        authors: tuple[Agent, ...] = ()
        dates: dict[str, When] = {}
        for part in parts:
            if names := agents.byline(part):
                authors += names
            # A date without a word before it may be that of an event, unless it stands with a byline.
            elif found := datelines.date_line(
                part, dayfirst=dayfirst, bare=bool(authors or self.authors or dates or self.dates)
            ):
                dates.setdefault(*found)
            else:
                return False
        if authors and not self.authors:
            self.authors, self.byline = authors, line
        for name, when in dates.items():
            self.dates.setdefault(name, (when, line))
        return bool(authors or dates)


def below_heading(tree: _Element, *, dayfirst: bool | None) -> Shown:
    """The byline and the dates between the page's first `<h1>` and its running text."""
    shown = Shown()
    heading = next(tree.iter("h1"), None)
    if heading is None:
        return shown
    for element in _lines(heading):
        line = " ".join("".join(element.itertext()).split())
        if not line or any(taken in element.iterancestors() for taken in shown.elements):
            continue
        if element.tag in _TEXT_BLOCKS and _is_running_text(line):
            break
        if len(line) > _MAX_CHARS:
            continue
        if shown.take([part for part in _BETWEEN.split(line) if part], line, dayfirst):
            shown.elements.append(element)
    return shown


def _is_running_text(line: str) -> bool:
    return len(line) > _MAX_CHARS or (len(line) > 40 and line[-1] in '.!?…。।؟”"')


def _lines(heading: _Element) -> Iterator[_Element]:
    following = heading.xpath("following::*")
    for element in following[:_MAX_ELEMENTS]:
        if not isinstance(element.tag, str):
            continue
        if element.tag in _FRAME or any(above.tag in _FRAME for above in element.iterancestors()):
            continue
        yield element
