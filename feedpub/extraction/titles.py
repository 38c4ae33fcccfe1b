"""The title and the headings of a page as one line of text each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedpub.extraction import values

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_LINE = 2_000
"""Characters of a title that are read."""

_SEPARATOR = re.compile(r"\s+(?:\||-|–|—|::|·|»|«|•|/)\s+")


def is_too_long(element: _Element) -> bool:
    """Whether only the beginning of an element's text is read."""
    return len(" ".join("".join(element.itertext()).split())) > MAX_LINE


def without_site_name(title: str, names: set[str]) -> str:
    """ "Bridge closed" from "Bridge closed | Example News", where the page names its site so."""
    found = list(_SEPARATOR.finditer(title))
    if found and names:
        if title[found[-1].end() :].casefold() in names:
            return title[: found[-1].start()]
        if title[: found[0].start()].casefold() in names:
            return title[found[0].end() :]
    return title


def text_of(element: _Element | None) -> str | None:
    """The text of an element on one line; None if it has none."""
    if element is None:
        return None
    return values.line_of(
        " ".join("".join(element.itertext()).split())[:MAX_LINE].replace("&", "&amp;").replace("<", "&lt;")
    )
