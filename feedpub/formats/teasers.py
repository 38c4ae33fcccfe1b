"""An article as lists of our pages show it: title, summary, and where to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from feedpub.config import Site
from feedpub.formats.pageparts import Picture, Shown, lead_picture, shown
from feedpub.formats.properties import first, headline, names
from feedpub.models import Entry

_SUMMARY_LENGTH = 220


@dataclass(frozen=True, slots=True)
class Story:
    """One article in a list. `language` is None where it is the page's; `section_url` "" without a page."""

    title: str
    url: str
    summary: str
    section: str
    section_url: str
    language: str | None
    authors: list[str]
    published: Shown | None
    image: Picture | None


def story(
    entry: Entry, site: Site, up: str = "./", section_pages: Mapping[str, str] = MappingProxyType({})
) -> Story:
    """An article for a list on a page from which `up` leads to the output's root.

    `section_pages` leads from a section's name to its page, relative to the output.
    """
    data = entry.data
    language = first(data.get("inLanguage")) or None
    section = first(data.get("articleSection"))
    return Story(
        title=headline(data) or entry.url,
        url=f"{up}{entry.page_path}" if entry.page_path else entry.url,
        summary=first(data.get("description")) or _opening(first(data.get("articleBody"))),
        section=section,
        section_url=up + section_pages[section] if section in section_pages else "",
        language=language if language != site.language else None,
        authors=names(data.get("author")),
        published=shown(first(data.get("datePublished")), language or site.language),
        image=lead_picture(entry, site, up),
    )


def _opening(body: str) -> str:
    """The first paragraph, cut at a word if it is long."""
    paragraph = body.strip()[: _SUMMARY_LENGTH * 4].partition("\n\n")[0].strip()
    if len(paragraph) <= _SUMMARY_LENGTH:
        return paragraph
    cut = paragraph[:_SUMMARY_LENGTH]
    return f"{cut.rpartition(' ')[0].rstrip(' ,;:–—-') or cut} …"
