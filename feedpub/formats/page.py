"""Our own pages: an article with its record embedded, and what stands where one was.

They run no script and request nothing but the article's own images; a Content-Security-Policy
says so too. Links between our pages are relative, so that the folder can be read from a disk.
https://html.spec.whatwg.org/, https://ogp.me/, https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedpub.config import Site
from feedpub.dates import zone
from feedpub.formats import jsonld, wording
from feedpub.formats.properties import first, headline, listed, nodes, strings, without_controls
from feedpub.models import JSON, Alternate, Entry
from feedpub.urls import is_http_url

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

VERSION = "1"
"""Changes when the same entry would give another page."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as a page shows it. `url` may be relative; `absolute_url` is what others are told."""

    url: str
    absolute_url: str
    alternative: str = ""
    caption: str = ""
    credit: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A date: `value` for machines, `text` for people."""

    value: str
    text: str


def render_article(entry: Entry, *, site: Site, alternates: Iterable[Alternate] = ()) -> bytes:
    """The page of one article, in UTF-8.

    Args:
        entry: An entry that is not withdrawn and has a `page_path`.
        site: The newsroom.
        alternates: What to subscribe to, for feed autodiscovery.
    """
    from markupsafe import Markup

    data = entry.data
    language = first(data.get("inLanguage")) or site.language
    up = "../" * (entry.page_path or "").count("/") or "./"
    title = headline(data) or entry.url
    picture = lead_picture(entry, site, up)
    published, modified = first(data.get("datePublished")), first(data.get("dateModified"))
    dateline = first(data.get("dateline"))
    licence = first(data.get("license")) or site.license or ""
    return _rendered(
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
        sections=strings(data.get("articleSection")),
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
        events=[event_line(event, language, site.language) for event in entry.events],
        based_on=[url for url in strings(data.get("isBasedOn")) if is_http_url(url)],
        licence=licence,
        licence_url=licence if is_http_url(licence) else None,
        open_graph=_open_graph(entry, site, title, language, picture),
        record=Markup(jsonld.embedded(data, *entry.events)),  # noqa: S704 - "<" is escaped there
    )


def render_withdrawn(*, site: Site, at: datetime, language: str | None = None, path: str = "") -> bytes:
    """What stands where a withdrawn article was: it tells the day, and nothing of the article.

    Args:
        site: The newsroom; the day is counted in its zone.
        at: When it was withdrawn; aware.
        language: The article's language (BCP 47), if known.
        path: Where the page stands in the output, for the link to the front page.
    """
    words = wording.known(language, site.language)
    day = at.astimezone(zone(site.timezone) or UTC).date().isoformat()
    return _notice(
        site,
        words,
        path,
        heading=wording.PHRASES[words]["withdrawn"],
        text=wording.PHRASES[words]["withdrawn_on"].format(date=wording.date_text(day, words)),
        target=None,
    )


def render_redirect(*, site: Site, target_url: str, language: str | None = None, path: str = "") -> bytes:
    """What stands at an address that an article has left: it leads to `target_url`, an absolute address."""
    words = wording.known(language, site.language)
    phrases = wording.PHRASES[words]
    return _notice(site, words, path, heading=phrases["moved"], text=phrases["moved_to"], target=target_url)


def _notice(site: Site, words: str, path: str, **values: Any) -> bytes:
    up = "../" * path.count("/") or "./"
    return _rendered(
        "notice.html",
        ("style.css", "article.css"),
        site=site,
        page_language=words,
        labels=labels(words, words),
        alternates=(),
        home=f"{up}index.html",
        **values,
    )


def shown(value: str, language: str | None) -> Shown | None:
    """A record's date for a page in that language, or None for ""."""
    return Shown(value, wording.date_text(value, language)) if value else None


def lead_picture(entry: Entry, site: Site, up: str) -> Picture | None:
    """The first image of a record that has an http(s) address; our own files are addressed from `up`."""
    for image in listed(entry.data.get("image")):
        node: Mapping[str, Any] = image if isinstance(image, Mapping) else {"url": image}
        url = first(node.get("url")) or first(node.get("contentUrl"))
        if not is_http_url(url):
            continue
        alternative = next((m.alternative_text for m in entry.media if m.url == url), None)
        width, height = node.get("width"), node.get("height")
        sized = isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0
        return Picture(
            url=near(url, site.url, up),
            absolute_url=url,
            alternative=alternative or "",
            caption=first(node.get("caption")),
            credit=first(node.get("creditText")),
            width=width if sized else None,
            height=height if sized else None,
        )
    return None


def near(url: str, site_url: str, up: str) -> str:
    """`url` relative to a page from which `up` ("./", "../" …) leads to the output's root, if it is ours."""
    # With a leading dot the rest can be neither a scheme nor a host, whatever it looks like.
    return up + url[len(site_url) :] if url.startswith(site_url) and url != site_url else url


def event_line(event: JSON, language: str | None, site_language: str | None) -> dict[str, str]:
    """What a list says of an event: name, url, status, start, when, formerly, place; each "" if unstated."""
    words = wording.known(language, site_language)
    phrases = wording.PHRASES[words]
    start, formerly = first(event.get("startDate")), first(event.get("previousStartDate"))
    url = first(event.get("url"))
    status = first(event.get("eventStatus")).rpartition("/")[2]
    return {
        "name": headline(event),
        "url": url if is_http_url(url) else "",
        "status": phrases.get(status, "") if status.startswith("Event") else "",
        "start": start,
        "when": wording.range_text(start, first(event.get("endDate")) or None, language),
        "formerly": phrases["formerly"].format(date=wording.date_text(formerly, words)) if formerly else "",
        "place": " / ".join(
            strings([_place(place, phrases["online"]) for place in listed(event.get("location"))])
        ),
    }


def _place(place: object, online: str) -> str:
    if not isinstance(place, Mapping):
        return place if isinstance(place, str) else ""
    address = place.get("address")
    parts = [place.get("name")]
    if isinstance(address, Mapping):
        parts += [address.get(key) for key in ("streetAddress", "addressLocality", "addressCountry")]
    else:
        parts.append(address)
    return ", ".join(strings(parts)) or (online if place.get("@type") == "VirtualLocation" else "")


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
    if picture is not None:
        found.append(("og:image", picture.absolute_url))
        if picture.width and picture.height:
            found += [("og:image:width", str(picture.width)), ("og:image:height", str(picture.height))]
        if picture.alternative:
            found.append(("og:image:alt", picture.alternative))
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


@dataclass(frozen=True, slots=True)
class Style:
    """A page's style sheet and the policy that allows it and nothing else."""

    text: Markup
    policy: str


@lru_cache(256)
def labels(language: str | None, site_language: str | None) -> Mapping[str, Any]:
    """The phrases for a page in `language`, with `attributes` that mark them where they are in another."""
    words = wording.known(language, site_language)
    foreign = words != wording.primary(language)
    return {**wording.PHRASES[words], "attributes": language_of(words) if foreign else ""}


@lru_cache(256)
def language_of(language: str | None) -> Markup:
    """The `lang` and `dir` attributes for a BCP 47 tag with a leading blank, or nothing."""
    from markupsafe import Markup

    direction = wording.direction(language)
    return Markup(' lang="{}" dir="{}"').format(language, direction) if direction else Markup()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals["language_of"] = language_of
    return environment


@cache
def _style(names: tuple[str, ...]) -> Style:
    from markupsafe import Markup

    folder = Path(__file__).parent / "templates"
    text = "".join((folder / name).read_text("utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src http: https: data: file:; "
        "base-uri 'none'; form-action 'none'"
    )
    return Style(Markup(text), policy)  # noqa: S704 - our own file


def _rendered(template: str, styles: tuple[str, ...], **values: Any) -> bytes:
    text = _environment().get_template(template).render(style=_style(styles), **values)
    return without_controls(text.encode("utf-8", "replace"))


def rendered_frontpage(**values: Any) -> bytes:
    """The front page's template, filled in."""
    return _rendered("frontpage.html", ("style.css", "frontpage.css"), **values)
