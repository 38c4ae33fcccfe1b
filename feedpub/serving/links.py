"""The Link headers of published files (RFC 8288): where a client finds what belongs together.

- a feed: itself and its hubs under its public address (WebSub, 4: https://www.w3.org/TR/websub/#discovery),
  and the same feed in other formats;
- a page: its record, its calendar, or the feeds of which it lists the articles; and back;
- JSON: the schema that it keeps ("describedby", RFC 8288 and https://www.w3.org/TR/powder-dr/).

What stands in the same folder is named relative to it, since a proxy may serve the output anywhere.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from feedpub.serving.headers import media_type, reference

SCHEMAS = "schemas/1/"
"""Where the server itself answers with the schemas, whose `$id`s lead nowhere."""

_FEEDS = ("feed.xml", "feed.atom", "feed.json", "feed.jsonld", "events.ics", "events.jsonld")
_SINGLE = ("articles", "events")
_FORMS = {".html": "text/html", ".jsonld": "application/ld+json", ".ics": "text/calendar"}
_DESCRIBED = {
    "feed.json": "jsonfeed",
    "feed.jsonld": "datafeed",
    "events.jsonld": "datafeed",
    "manifest.json": "manifest",
}


def kind_of(path: str) -> str:
    """What a file is, for statistics: feed, archive, page, record, calendar, media, manifest or other."""
    top, slash, _ = path.partition("/")
    name = path.rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    if slash and top in ("archives", "media", "dump", "changes"):
        return top.removesuffix("s") if top == "archives" else top
    if name == "manifest.json":
        return "manifest"
    if name in _FEEDS and not (slash and top in _SINGLE):
        return "feed"
    kinds = {"html": "page", "jsonld": "record", "ics": "calendar"}
    return kinds.get(ending, "other") if stem and dot else "other"


def links(
    path: str, listed: Callable[[str], Mapping[str, Any]], site_url: str | None, hubs: Sequence[str]
) -> str | None:
    """The value of the Link header of the file at `path`, or None.

    Args:
        path: relative to the output.
        listed: gives what is published in a folder, by path.
        site_url: the site's public address with a final "/"; None if it is not known.
        hubs: addresses of WebSub hubs.
    """
    folder, _, name = path.rpartition("/")
    top = path.partition("/")[0]
    found: list[str] = []
    if kind_of(path) == "feed":
        if site_url is not None:
            found.append(_link(f"{site_url}{quote(path)}", "self"))
        found += [_link(hub, "hub") for hub in hubs]
        found += _alternates(path, folder, listed(folder), of_pages=False)
    elif name == "index.html" and top not in _SINGLE:
        found += _alternates(path, folder, listed(folder), of_pages=True)
    elif top in _SINGLE and folder:
        stem, ending = posixpath.splitext(path)
        siblings = listed(folder)
        if ending in _FORMS:
            found += [
                _link(posixpath.basename(stem) + other, "alternate", kind)
                for other, kind in _FORMS.items()
                if other != ending and stem + other in siblings
            ]
    schema = _DESCRIBED.get(name) or ("record" if top in _SINGLE and name.endswith(".jsonld") else None)
    if schema is not None:
        target = posixpath.relpath(f"/{SCHEMAS}{schema}.schema.json", f"/{folder}")
        found.append(_link(target, "describedby", "application/schema+json"))
    return ", ".join(found) or None


def _alternates(path: str, folder: str, listed: Mapping[str, Any], *, of_pages: bool) -> list[str]:
    """The other formats of a feed, or of a page all: articles go with articles, events with events."""
    found = []
    subject = path.rpartition("/")[2].partition(".")[0]
    for name in _FEEDS:
        other = f"{folder}/{name}" if folder else name
        entry = listed.get(other)
        same = of_pages or name.partition(".")[0] == subject
        if same and other != path and isinstance(entry, dict):
            found.append(_link(name, "alternate", media_type(name, entry).partition(";")[0]))
    return found


def _link(target: str, relation: str, kind: str = "") -> str:
    kind = f'; type="{kind}"' if kind else ""
    return f'<{reference(target)}>; rel="{relation}"{kind}'
