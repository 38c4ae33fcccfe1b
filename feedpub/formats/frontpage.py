"""The newsroom's front page: newest articles, coming events, and what there is to subscribe to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from feedpub.config import Site
from feedpub.formats import page, wording
from feedpub.formats.properties import first, headline, names, nodes, strings
from feedpub.models import JSON, Alternate, Entry
from feedpub.urls import is_http_url

FILENAME = "index.html"
VERSION = "1"

_SUMMARY_LENGTH = 220
_STORIES_A_SECTION = 4
_KINDS = {"application/rss+xml": "rss", "application/ld+json": "jsonld"}
_OTHER_KINDS = {
    "application/atom+xml": "Atom",
    "application/feed+json": "JSON Feed",
    "text/calendar": "iCalendar",
}


@dataclass(frozen=True, slots=True)
class _Story:
    title: str
    url: str
    summary: str
    section: str
    language: str | None
    authors: list[str]
    published: page.Shown | None
    image: page.Picture | None


def render_frontpage(
    *,
    site: Site,
    entries: Sequence[Entry],
    events: Iterable[JSON] = (),
    alternates: Sequence[Alternate] = (),
    description: str | None = None,
    limit: int = 21,
) -> bytes:
    """The front page (`index.html`), in UTF-8: a function of its arguments alone.

    Args:
        site: The newsroom.
        entries: Newest first, none withdrawn. The first is the lead story; the first `limit` are
            shown, all of them are sorted into sections.
        events: Events to come, soonest first.
        alternates: What there is to subscribe to, the main feed first.
        description: What the newsroom is; None takes the site's own.
        limit: How many articles to show apart from the sections.
    """
    stories = [_story(entry, site) for entry in entries]
    pages = {entry.id: story.url for entry, story in zip(entries, stories, strict=True)}
    licence = site.license or ""
    return page.rendered_frontpage(
        site=site,
        page_language=site.language,
        labels=page.labels(site.language, None),
        alternates=[feed for feed in alternates if feed.media_type != "application/ld+json"],
        description=description if description is not None else (site.description or ""),
        lead=stories[0] if stories else None,
        stories=stories[1:limit],
        events=[_event(event, site, pages) for event in events],
        sections=_sections(entries, stories),
        feeds=_feeds(alternates, site),
        licence_url=licence if is_http_url(licence) else None,
    )


def _story(entry: Entry, site: Site) -> _Story:
    data = entry.data
    language = first(data.get("inLanguage")) or None
    return _Story(
        title=headline(data) or entry.url,
        url=f"./{entry.page_path}" if entry.page_path else entry.url,
        summary=first(data.get("description")) or _opening(first(data.get("articleBody"))),
        section=first(data.get("articleSection")),
        language=language if language != site.language else None,
        authors=names(data.get("author")),
        published=page.shown(first(data.get("datePublished")), language or site.language),
        image=page.lead_picture(entry, site, "./"),
    )


def _opening(body: str) -> str:
    """The first paragraph, cut at a word if it is long."""
    paragraph = body.strip()[: _SUMMARY_LENGTH * 4].partition("\n\n")[0].strip()
    if len(paragraph) <= _SUMMARY_LENGTH:
        return paragraph
    cut = paragraph[:_SUMMARY_LENGTH]
    return f"{cut.rpartition(' ')[0].rstrip(' ,;:–—-') or cut} …"


def _event(event: JSON, site: Site, pages: dict[str, str]) -> dict[str, str]:
    line = page.event_line(event, site.language, None)
    if not line["url"]:
        reports = [node.get("@id", "") for node in nodes(event.get("subjectOf"))]
        line["url"] = next((pages[report] for report in reports if report in pages), "")
    return line


def _sections(entries: Sequence[Entry], stories: Sequence[_Story]) -> list[dict[str, Any]]:
    found: dict[str, list[_Story]] = {}
    for entry, story in zip(entries, stories, strict=True):
        for section in strings(entry.data.get("articleSection")):
            found.setdefault(section, []).append(story)
    if len(found) < 2:
        return []  # a single section would only repeat the list above it
    return [
        {"title": title, "anchor": f"section-{number}", "stories": found[title][:_STORIES_A_SECTION]}
        for number, title in enumerate(sorted(found, key=lambda title: (title.casefold(), title)), 1)
    ]


def _feeds(alternates: Iterable[Alternate], site: Site) -> list[dict[str, Any]]:
    """What there is to subscribe to, by what one does with it."""
    phrases = wording.PHRASES[wording.known(site.language)]
    kinds: dict[str, list[Alternate]] = {}
    for alternate in alternates:
        kinds.setdefault(alternate.media_type, []).append(alternate)
    found = []
    for media_type, feeds in kinds.items():
        kind = _KINDS.get(media_type)
        title = phrases[kind] if kind else _OTHER_KINDS.get(media_type, media_type)
        name = {"rss": " (RSS)", "jsonld": " (JSON-LD)"}.get(kind or "", "")
        found.append({"title": title + name, "how": phrases[f"{kind or 'other'}_how"], "feeds": feeds})
    return found
