"""Our own pages: an article with its record embedded, and what stands where one was.

They run no script and request nothing but the article's own images; a Content-Security-Policy
says so too. Links between our pages are relative, so that the folder can be read from a disk.
https://html.spec.whatwg.org/, https://ogp.me/, https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from feedpub.config import Site
from feedpub.dates import zone
from feedpub.formats import jsonld, wording
from feedpub.formats.eventlines import event_line
from feedpub.formats.pageparts import Picture, lead_picture, picture_properties, shown, up_from
from feedpub.formats.properties import first, headline, listed, nodes, strings
from feedpub.formats.templating import labels, rendered
from feedpub.models import JSON, Alternate, Entry
from feedpub.urls import is_http_url

VERSION = "3"
"""Changes when the same entry would give another page."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def render_article(
    entry: Entry,
    *,
    site: Site,
    alternates: Iterable[Alternate] = (),
    event_pages: Mapping[str, str] = MappingProxyType({}),
    section_pages: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The page of one article, in UTF-8.

    Args:
        entry: An entry that is not withdrawn and has a `page_path`.
        site: The newsroom.
        alternates: What to subscribe to, for feed autodiscovery.
        event_pages: The `@id` of an event → our page about it, relative to the output.
        section_pages: A section's name → the page that lists its articles, relative to the output.
    """
    from markupsafe import Markup

    data = entry.data
    language = first(data.get("inLanguage")) or site.language
    up = up_from(entry.page_path or "")
    title = headline(data) or entry.url
    picture = lead_picture(entry, site, up)
    published, modified = first(data.get("datePublished")), first(data.get("dateModified"))
    dateline = first(data.get("dateline"))
    licence = first(data.get("license")) or site.license or ""
    return rendered(
        "article.html",
        ("style.css", "article.css"),
        site=site,
        page_language=language,
        labels=labels(language, site.language),
        alternates=alternates,
        home=f"{up}index.html",
        url=entry.url,
        record_url=entry.record_url,
        record_file=up + entry.record_path,
        title=title,
        description=first(data.get("description")),
        sections=[
            {"name": name, "url": up + section_pages[name] if name in section_pages else ""}
            for name in strings(data.get("articleSection"))
        ],
        keywords=strings(data.get("keywords")),
        authors=_authors(data, language, site.language),
        # Most agency texts keep their dateline in the first paragraph; it is not said twice.
        dateline="" if dateline in entry.html[:400] else dateline,
        published=shown(published, language),
        modified=shown(modified, language) if modified != published else None,
        image=picture if picture and picture.absolute_url not in entry.html else None,
        body=Markup(_with_near_images(entry.html, site.url, up)),  # noqa: S704 - sanitised when extracted
        corrections=[
            {"text": first(node.get("text")), "date": shown(first(node.get("datePublished")), language)}
            for node in nodes(data.get("correction"))
        ],
        events=[event_line(event, language, site.language, event_pages, up) for event in entry.events],
        based_on=[url for url in strings(data.get("isBasedOn")) if is_http_url(url)],
        licence=licence,
        licence_url=licence if is_http_url(licence) else None,
        open_graph=_open_graph(entry, site, title, language, picture),
        record=Markup(jsonld.embedded(data, *entry.events)),  # noqa: S704 - "<" is escaped there
    )


def render_withdrawn(
    *, site: Site, at: datetime, language: str | None = None, path: str = "", event: bool = False
) -> bytes:
    """What stands where a withdrawn article or event was: it tells the day, and nothing of what it was.

    Args:
        site: The newsroom; the day is counted in its zone.
        at: When it was withdrawn; aware.
        language: The article's language (BCP 47), if known.
        path: Where the page stands in the output, for the link to the front page.
        event: Whether it was an event.
    """
    from markupsafe import Markup

    what = "event_gone" if event else "withdrawn"
    words = wording.known(language, site.language)
    day = at.astimezone(zone(site.timezone) or UTC).date().isoformat()
    time = Markup('<time datetime="{}">{}</time>').format(day, wording.date_text(day, words))
    return _notice(
        site,
        words,
        path,
        heading=wording.PHRASES[words][what],
        text=Markup.escape(wording.PHRASES[words][f"{what}_on"]).format(date=time),
        target=None,
    )


def render_redirect(*, site: Site, target_url: str, language: str | None = None, path: str = "") -> bytes:
    """What stands at an address that an article has left: it leads to `target_url`, an absolute address."""
    words = wording.known(language, site.language)
    phrases = wording.PHRASES[words]
    return _notice(site, words, path, heading=phrases["moved"], text=phrases["moved_to"], target=target_url)


def _notice(site: Site, words: str, path: str, **values: Any) -> bytes:
    up = up_from(path)
    return rendered(
        "notice.html",
        ("style.css", "article.css"),
        site=site,
        page_language=words,
        labels=labels(words, words),
        alternates=(),
        home=f"{up}index.html",
        **values,
    )


def _authors(data: JSON, language: str | None, site_language: str | None) -> list[dict[str, str]]:
    known: dict[str, dict[str, str]] = {}
    for author in listed(data.get("author")):
        node: Mapping[str, Any] = author if isinstance(author, Mapping) else {"name": author}
        name, url = first(node.get("name")), first(node.get("url"))
        if name:
            known.setdefault(
                name, {"url": url if is_http_url(url) else "", "job": first(node.get("jobTitle"))}
            )
    conjunction = wording.PHRASES[wording.known(language, site_language)]["and"]
    return [
        {"name": name, "before": before, **known[name]}
        for name, before in wording.listing(list(known), conjunction)
    ]


def _open_graph(
    entry: Entry, site: Site, title: str, language: str | None, picture: Picture | None
) -> list[tuple[str, str]]:
    data = entry.data
    found = [("og:type", "article"), ("og:title", title), ("og:url", entry.url), ("og:site_name", site.title)]
    if description := first(data.get("description")):
        found.append(("og:description", description))
    if locale := wording.open_graph_locale(language):
        found.append(("og:locale", locale))
    found += picture_properties(picture)
    for key, name in (("datePublished", "published_time"), ("dateModified", "modified_time")):
        value = first(data.get(key))
        if _DAY.match(value):  # Open Graph knows no months or years
            found.append((f"article:{name}", value))
    found += [("article:section", section) for section in strings(data.get("articleSection"))[:1]]
    found += [("article:tag", keyword) for keyword in strings(data.get("keywords"))]
    return found


def _with_near_images(html: str, site_url: str, up: str) -> str:
    if f'src="{site_url}' not in html:
        return html
    # In sanitised markup "<img" is always the start of a tag: text has "&lt;", attributes "&quot;".
    pattern = re.compile(rf'(<img\b[^<>]*? src="){re.escape(site_url)}(?=[^"])')
    return pattern.sub(lambda match: match[1] + up, html)
