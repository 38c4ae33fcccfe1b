"""What our pages are put together from: near addresses, pictures and dates as a template shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedpub.config import Site
from feedpub.formats import wording
from feedpub.formats.properties import first, listed
from feedpub.models import Entry
from feedpub.urls import is_http_url


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


def up_from(path: str) -> str:
    """What leads from the page at `path` to the output's root: "./", "../", …"""
    return "../" * path.count("/") or "./"


def picture_properties(picture: Picture | None) -> list[tuple[str, str]]:
    """What Open Graph says of a page's picture, `og:image` first; nothing where there is none."""
    if picture is None:
        return []
    found = [("og:image", picture.absolute_url)]
    if picture.width and picture.height:
        found += [("og:image:width", str(picture.width)), ("og:image:height", str(picture.height))]
    if picture.alternative:
        found.append(("og:image:alt", picture.alternative))
    return found
