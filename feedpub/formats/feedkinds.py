"""What there is to subscribe to, sorted: by feed, and each feed's addresses by what one does with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from feedpub.config import Site
from feedpub.models import Alternate

FACETS = {"sections": "sections", "keywords": "topics", "authors": "authors"}
"""Folders of feeds that belong together → the phrase that names them."""

_BY_TYPE = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "jsonfeed",
    "text/calendar": "calendar",
    "application/ld+json": "jsonld",
    "text/x-opml": "opml",
}
_NAMES = {
    "rss": "RSS",
    "atom": "Atom",
    "jsonfeed": "JSON Feed",
    "calendar": "iCalendar",
    "jsonld": "JSON-LD",
    "events": "JSON-LD",
    "opml": "OPML",
}
_DISCOVERED = frozenset({"rss", "atom", "jsonfeed", "calendar"})


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a feed. `kind` is "rss", "atom", "jsonfeed", "calendar", "jsonld", "events", "opml" or "other"."""

    kind: str
    url: str
    media_type: str

    @property
    def name(self) -> str:
        """What the format is called everywhere: "RSS", "iCalendar"; the media type where we know no name."""
        return _NAMES.get(self.kind, self.media_type)


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed with all its addresses. `folder` is where it stands in the output, "" for the main feed."""

    title: str
    folder: str
    addresses: tuple[Address, ...]

    @property
    def facet(self) -> str:
        """ "sections", "keywords" or "authors" for a feed of one of these, else ""."""
        folder = self.folder.partition("/")[0]
        return folder if folder in FACETS and folder != self.folder else ""

    def address(self, *kinds: str) -> Address | None:
        """The address of the first of these kinds that it has, or None."""
        return next((one for kind in kinds for one in self.addresses if one.kind == kind), None)


def kind_of(alternate: Alternate) -> str:
    """What one does with it; see `Address`."""
    kind = _BY_TYPE.get(alternate.media_type.partition(";")[0].strip().lower(), "other")
    if kind == "jsonld" and urlsplit(alternate.url).path.endswith("/events.jsonld"):
        return "events"
    return kind


def feeds(alternates: Iterable[Alternate], site: Site) -> list[Feed]:
    """The feeds in their order, each once: what stands in one folder is one feed in several formats."""
    found: dict[str, list[Alternate]] = {}
    for alternate in alternates:
        found.setdefault(_folder(alternate.url, site.url), []).append(alternate)
    return [
        Feed(
            title=members[0].title,
            folder=folder,
            addresses=tuple(Address(kind_of(one), one.url, one.media_type) for one in members),
        )
        for folder, members in found.items()
    ]


def by_facet(found: Iterable[Feed]) -> Mapping[str, list[Feed]]:
    """The feeds by `Feed.facet`, those of none first, then sections, keywords and authors."""
    sorted_: dict[str, list[Feed]] = {facet: [] for facet in ("", *FACETS)}
    for feed in found:
        sorted_[feed.facet].append(feed)
    return {facet: members for facet, members in sorted_.items() if members}


def discoverable(alternates: Iterable[Alternate], site: Site) -> list[Alternate]:
    """What a page's head offers to a reader or a browser: the first feed in every format, others once.

    Data and lists of feeds are nothing to subscribe to.
    """
    wanted = [alternate for alternate in alternates if kind_of(alternate) in _DISCOVERED]
    seen: set[str] = set()
    found = []
    for alternate in wanted:
        folder = _folder(alternate.url, site.url)
        if folder not in seen or folder == _folder(wanted[0].url, site.url):
            found.append(alternate)
        seen.add(folder)
    return found


def _folder(url: str, site_url: str) -> str:
    folder = url.rpartition("/")[0]
    return folder[len(site_url) :] if f"{folder}/".startswith(site_url) else folder
