"""The newsroom's front page: newest articles, coming events, and what there is to subscribe to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from feedpub.config import Site
from feedpub.formats import wording
from feedpub.formats.eventlines import event_line
from feedpub.formats.feedcards import cards, rows
from feedpub.formats.feedkinds import discoverable
from feedpub.formats.properties import nodes, strings
from feedpub.formats.teasers import Story, story
from feedpub.formats.templating import labels, rendered
from feedpub.models import JSON, Alternate, Entry
from feedpub.urls import is_http_url

FILENAME = "index.html"
VERSION = "2"

_STORIES_A_SECTION = 4


def render_frontpage(
    *,
    site: Site,
    entries: Sequence[Entry],
    events: Iterable[JSON] = (),
    alternates: Sequence[Alternate] = (),
    description: str | None = None,
    limit: int = 21,
    event_pages: Mapping[str, str] = MappingProxyType({}),
    section_pages: Mapping[str, str] = MappingProxyType({}),
    feed_pages: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The front page (`index.html`), in UTF-8: a function of its arguments alone.

    Args:
        site: The newsroom.
        entries: Newest first, none withdrawn. The first is the lead story; the first `limit` are
            shown, all of them are sorted into sections.
        events: Events to come, soonest first.
        alternates: What there is to subscribe to, the main feed first; with an OPML list
            (text/x-opml) if there is one.
        description: What the newsroom is; None takes the site's own.
        limit: How many articles to show apart from the sections.
        event_pages: The `@id` of an event → our page about it, relative to the output.
        section_pages: A section's name → the page that lists its articles, relative to the output.
        feed_pages: A feed's folder ("authors/ada") → its page, relative to the output; what
            `section_pages` says need not be said again.
    """
    stories = [story(entry, site, section_pages=section_pages) for entry in entries]
    reports = {entry.id: shown.url for entry, shown in zip(entries, stories, strict=True)}
    words = wording.known(site.language)
    # A section's page stands in the folder of its feed.
    pages = {path.rpartition("/")[0]: path for path in section_pages.values()} | dict(feed_pages)
    licence = site.license or ""
    return rendered(
        "frontpage.html",
        ("style.css", "frontpage.css"),
        site=site,
        page_language=site.language,
        labels=labels(site.language, None),
        alternates=discoverable(alternates, site),
        description=description if description is not None else (site.description or ""),
        lead=stories[0] if stories else None,
        stories=stories[1:limit],
        events=[_event(event, site, event_pages, reports) for event in events],
        sections=_sections(entries, stories, section_pages),
        feeds=cards(alternates, site, words),
        narrow=rows(alternates, site, words, pages),
        licence_url=licence if is_http_url(licence) else None,
    )


def _event(event: JSON, site: Site, pages: Mapping[str, str], reports: Mapping[str, str]) -> dict[str, str]:
    line = event_line(event, site.language, None, pages)
    if not line["url"]:
        reporting = [node.get("@id", "") for node in nodes(event.get("subjectOf"))]
        line["url"] = next((reports[report] for report in reporting if report in reports), "")
    return line


def _sections(
    entries: Sequence[Entry], stories: Sequence[Story], pages: Mapping[str, str]
) -> list[dict[str, Any]]:
    found: dict[str, list[Story]] = {}
    for entry, shown in zip(entries, stories, strict=True):
        for section in strings(entry.data.get("articleSection")):
            found.setdefault(section, []).append(shown)
    if len(found) < 2:
        return []  # a single section would only repeat the list above it
    return [
        {
            "title": title,
            "anchor": f"section-{number}",
            "url": f"./{pages[title]}" if title in pages else "",
            "stories": found[title][:_STORIES_A_SECTION],
        }
        for number, title in enumerate(sorted(found, key=lambda title: (title.casefold(), title)), 1)
    ]
