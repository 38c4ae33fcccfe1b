"""The text of a page without its frame, through trafilatura.

It is asked for the body and for a marked-up author, never for a date: it guesses one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from html import unescape
from itertools import islice
from typing import TYPE_CHECKING

from feedpub import urls
from feedpub.extraction import sanitise, things
from feedpub.extraction.values import Reading
from feedpub.models import Agent

if TYPE_CHECKING:
    from lxml.etree import _Element

_BODY = re.compile(r"\A\s*<html>.{0,5000}?<body>|</body>\s*</html>\s*\Z", re.DOTALL)
_PICTURE = re.compile(r'<img\b[^<>]*?\bsrc="([^"]*+)"[^<>]*+>')
_OUTER = re.compile(r"\A<figcaption[^<>]*+>|</figcaption>\s*\Z")
_MAX_FIGURES = 300
_FIRST_HEADING = re.compile(r"\A\s*<h([2-6])>(.{0,1000}?)</h\1>\s*", re.DOTALL)


def main_text(tree: _Element, base_url: str | None) -> str | None:
    """The article's text as clean HTML, or None if the page has none."""
    import trafilatura

    # What it logs as errors are pages without text, which we report ourselves.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        found = trafilatura.extract(
            tree,
            url=base_url,
            fast=True,
            output_format="html",
            with_metadata=False,
            include_comments=False,
            include_formatting=True,
            include_links=True,
            include_images=True,
        )
    except Exception:  # it raises what it likes on odd trees; the plain way below remains
        found = None
    html = sanitise.clean_html(_BODY.sub("", found), base_url=base_url) if found else ""
    text = sanitise.html_to_text(html) if html else ""
    if text and "\n\n" in text:
        return html
    # Of a short page it runs everything into one paragraph, the heading included.
    plain = _whole(tree, base_url)
    if not text or (plain and _squeezed(sanitise.html_to_text(plain)) in _squeezed(text)):
        return plain
    return html


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _whole(tree: _Element, base_url: str | None) -> str | None:
    """All of the page's text but its frame and headline, as clean HTML."""
    from copy import deepcopy

    from lxml import html as lxml_html

    for name in ("article", "main", "body"):
        for found in list(tree.iter(name))[:1]:
            element = deepcopy(found)
            for frame in list(
                element.iter("nav", "footer", "aside", "form", "header", "h1", "script", "style")
            ):
                if frame.getparent() is not None:
                    frame.drop_tree()
            html = sanitise.clean_html(lxml_html.tostring(element, encoding="unicode"), base_url=base_url)
            if sanitise.html_to_text(html):
                return html
    return None


def marked_author(tree: _Element) -> tuple[Agent, ...]:
    """The authors that the page's byline names, or none."""
    from trafilatura import metadata

    try:
        name = metadata.extract_author(tree)
    except Exception:  # as above
        return ()
    return things.agents(name.split("; "), Reading()) if name and len(name) < 200 else ()


def captions(tree: _Element, base_url: str | None) -> dict[str, str]:
    """Address of a picture → the caption that its figure gives it, as clean HTML."""
    from lxml import html as lxml_html

    found: dict[str, str] = {}
    for figure in islice(tree.iter("figure"), _MAX_FIGURES):
        pictures, texts = list(figure.iter("img")), list(figure.iter("figcaption"))
        if len(pictures) != 1 or len(texts) != 1:
            continue
        inner = _OUTER.sub("", lxml_html.tostring(texts[0], encoding="unicode", with_tail=False))
        caption = sanitise.clean_html(inner, base_url=base_url)
        for name in ("src", "data-src"):
            address = (pictures[0].get(name) or "").strip()
            if address and caption:
                found.setdefault(urls.absolute(base_url, address) or address, caption)
    return found


def with_captions(html: str, known: Mapping[str, str]) -> str:
    """The body with the captions of its pictures, which trafilatura leaves out."""
    text = _squeezed(sanitise.html_to_text(html)) if known else ""

    def figure(match: re.Match[str]) -> str:
        caption = known.get(unescape(match[1]))
        if caption is None or _squeezed(sanitise.html_to_text(caption)) in text:
            return match[0]
        return f"<figure>{match[0]}<figcaption>{caption}</figcaption></figure>"

    captioned = _PICTURE.sub(figure, html) if known else html
    # Where a picture stands within a paragraph, the paragraph ends before it.
    return html if captioned == html else sanitise.clean_html(captioned)


def without_headline(html: str, text: str, headline: str | None) -> tuple[str, str]:
    """The body without a first heading that repeats the headline."""
    match = _FIRST_HEADING.match(html)
    if match and headline and sanitise.html_to_text(match[2]).casefold() == headline.casefold():
        html = html[match.end() :]
        text = sanitise.html_to_text(html)
    return html, text


def is_better(stated: str, extracted: str, *, is_marked: bool = False) -> bool:
    """Whether the stated body is the whole text, and keeps its paragraphs where the page has them.

    What a page marks as its content need only be the greater part: what is left may be its frame.
    """
    words, others = _squeezed(stated), _squeezed(extracted)
    if is_marked:
        return len(words) * 2 >= len(others)
    if words == others:  # the extractor may have found nothing but the stated body
        return "\n" in stated and "\n" not in extracted
    if len(words) < len(others) * 0.98:
        return False
    run_together = "\n" not in stated and "\n" in extracted
    return not (run_together and len(others) >= len(words) * 0.9)
