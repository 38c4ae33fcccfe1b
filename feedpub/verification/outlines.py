"""OPML, read back by ElementTree and held against http://opml.org/spec2.opml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from feedpub.config import Site
from feedpub.models import Alternate
from feedpub.verification.differences import Difference, Place, compared, indexed, sequence
from feedpub.verification.texts import cleaned, folded

FORMAT = "opml"
_READERS = ("application/rss+xml", "application/atom+xml")
_FACETS = ("sections", "keywords", "authors")


def differences(
    path: str, content: bytes, site: Site, alternates: Sequence[Alternate], pages: Mapping[str, str]
) -> tuple[Difference, ...]:
    """All differences between a list of feeds and what there is to subscribe to.

    Args:
        path: of the file, for messages.
        content: the file.
        site: the newsroom.
        alternates: every feed in every format, the main feed first.
        pages: folder of a feed → its page, relative to the output; others have the front page.
    """
    place = Place(path, FORMAT)
    try:
        root = parsed(content)
    except ValueError as error:
        return place.refused(error)
    found = list(invalid(place, root))
    found += compared(
        place, None, {"title": folded(site.title)}, {"title": folded(root.findtext("head/title"))}
    )
    wanted = list(_feeds(site, alternates, pages))
    listed = [(feed["links"][0], feed) for feed in feeds_of(root)]
    found += sequence(place, [feed["links"][0] for feed in wanted], [url for url, _ in listed])
    known = indexed(listed)
    for feed in wanted:
        address = feed["links"][0]
        if address in known:
            found += compared(place, address, feed, known[address])
    if not wanted:
        links = [one.get("url") for one in root.iterfind("body/outline") if one.get("type") == "link"]
        found += compared(place, None, {"links": (cleaned(site.url),)}, {"links": tuple(links)})
    return tuple(found)


def parsed(content: bytes) -> ElementTree.Element:
    """The root element.

    Raises:
        ValueError: it is not well-formed, has a document type, or is no OPML.
    """
    if b"<!DOCTYPE" in content:
        raise ValueError("it has a document type")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError as error:
        raise ValueError(f"not well-formed XML: {error}") from error
    if root.tag != "opml" or root.find("body") is None:
        raise ValueError("no opml element with a body")
    return root


def invalid(place: Place, root: ElementTree.Element) -> Iterator[Difference]:
    """What OPML 2.0 forbids; of older versions nothing is said."""
    version = root.get("version")
    if version in ("1.0", "1.1"):
        return
    if version != "2.0":
        yield place.differs("syntax", "version 2.0", version)
    if root.find("head") is None:
        yield place.differs("syntax", "a head", None)
    if root.find("body/outline") is None:
        yield place.differs("syntax", "an outline", None)
    for outline in root.iterfind("body//outline"):
        kind, needed = outline.get("type", "").lower(), ["text"]
        needed += {"rss": ["xmlUrl"], "link": ["url"], "include": ["url"]}.get(kind, [])
        for attribute in needed:
            if outline.get(attribute) is None:
                yield place.differs("syntax", f"an outline with {attribute}", outline.attrib)


def feeds_of(root: ElementTree.Element) -> list[dict[str, Any]]:
    """Text, group, and addresses of each feed, in order; the page's address is "" where there is none."""
    parents = {child: parent for parent in root.iterfind("body//outline") for child in parent}
    found = []
    for outline in root.iterfind("body//outline"):
        if outline.get("type", "").lower() == "rss" or outline.get("xmlUrl"):
            found.append(
                {
                    "title": folded(outline.get("text")),
                    "summary": folded(outline.get("description")),
                    "links": (outline.get("xmlUrl", ""), outline.get("htmlUrl", "")),
                    "grouped": outline in parents,
                }
            )
    return found


def _feeds(site: Site, alternates: Sequence[Alternate], pages: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Each feed that a reader can load: those of no group, then sections, keywords and authors."""
    by_folder: dict[str, list[Alternate]] = {}
    for alternate in alternates:
        by_folder.setdefault(f"{alternate.url.rpartition('/')[0]}/", []).append(alternate)
    folders = {folder: folder.removeprefix(site.url).rstrip("/") for folder in by_folder}
    for folder in sorted(by_folder, key=lambda folder: _rank(folders[folder])):
        members, name = by_folder[folder], folders[folder]
        urls = {one.media_type.partition(";")[0].strip().lower(): one.url for one in reversed(members)}
        address = next((urls[kind] for kind in _READERS if kind in urls), None)
        if address is None:
            continue
        yield {
            "title": folded(members[0].title or name or site.title or site.url),
            "summary": folded(site.description) if not name else "",
            "links": (cleaned(address), cleaned(site.url + pages.get(name, ""))),
            "grouped": _rank(name) > 0,
        }


def _rank(folder: str) -> int:
    top, _, rest = folder.partition("/")
    return _FACETS.index(top) + 1 if rest and top in _FACETS else 0
