"""Sitemaps, read back by lxml and held against the schemas of the protocol (XSD)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from feedpub.models import Entry
from feedpub.resources import schema_folder
from feedpub.urls import absolute
from feedpub.verification.differences import Difference, Place, compared, indexed, sequence
from feedpub.verification.facts import facts_of
from feedpub.verification.texts import folded, instant

_MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"

_LANGUAGE = f"{_NEWS}news/{_NEWS}publication/{_NEWS}language"


def differences(
    path: str, content: bytes, entries: Sequence[Entry] | None, *, news: bool = False
) -> tuple[Difference, ...]:
    """All differences of a sitemap or an index.

    Args:
        path: of the file, for messages.
        content: the file.
        entries: what it should list, in order; None to look at its form alone.
        news: whether the articles must be there as news, with title and date.
    """
    place = Place(path, "sitemap")
    try:
        root = parsed(content)
    except ValueError as error:
        return place.refused(error)
    found = invalid(place, root)
    if entries is None:
        return tuple(found)
    listed = urls_of(root)
    expected = {address: entry for entry in entries if (address := absolute(None, entry.url))}
    addresses = {_comparable(url): url for url in expected}
    found += sequence(place, list(addresses), [_comparable(url) for url, _ in listed])
    known = indexed((_comparable(url), fields) for url, fields in listed)
    for comparable, address in addresses.items():
        facts = facts_of(expected[address])
        wanted: dict[str, Any] = {"updated": facts.updated}
        if news:
            wanted |= {"title": facts.title, "published": facts.stated[0]}
            if facts.language:
                wanted["language"] = facts.language.partition("-")[0].lower()
        if comparable in known:
            said = known[comparable]
            published = said.get("published")
            if news and published and instant(published) == facts.published:
                wanted["published"] = published  # a month became the day that feeds tell
            found += compared(place, facts.id, wanted, said)
    return tuple(found)


def parsed(content: bytes) -> Any:
    """The root element.

    Raises:
        ValueError: it is not well-formed, or no sitemap.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not well-formed XML: {error}") from error
    if root.tag not in (f"{_MAP}urlset", f"{_MAP}sitemapindex"):
        raise ValueError(f"the root element is {root.tag}, neither a sitemap nor an index")
    return root


def invalid(place: Place, root: Any) -> list[Difference]:
    """What the schemas of the protocol refuse; nothing where they did not come along."""
    name = "siteindex" if root.tag == f"{_MAP}sitemapindex" else "sitemap"
    schema = _schema(name)
    found = []
    if schema is not None and not schema.validate(root):
        found += [place.differs("syntax", f"to keep {name}.xsd", error.message) for error in schema.error_log]
    news = _schema("sitemap-news")
    for element in root.iter(f"{_NEWS}news") if news is not None else ():
        if not news.validate(element):
            found += [place.differs("syntax", "to keep sitemap-news.xsd", e.message) for e in news.error_log]
    return found


def urls_of(root: Any) -> list[tuple[str, dict[str, Any]]]:
    """Address and fields of each entry of a sitemap or an index."""
    found = []
    for element in root:
        if element.tag not in (f"{_MAP}url", f"{_MAP}sitemap"):
            continue
        fields = {
            "updated": instant(element.findtext(f"{_MAP}lastmod")),
            "title": folded(element.findtext(f"{_NEWS}news/{_NEWS}title")),
            "published": element.findtext(f"{_NEWS}news/{_NEWS}publication_date"),
            "language": (element.findtext(_LANGUAGE) or "").partition("-")[0],
        }
        found.append((folded(element.findtext(f"{_MAP}loc")), fields))
    return found


@cache
def _schema(name: str) -> Any:
    from lxml import etree

    path = schema_folder() / "xsd" / f"{name}.xsd"
    if not path.is_file():
        return None
    return etree.XMLSchema(etree.fromstring(path.read_bytes(), base_url=str(path)))


def _comparable(url: str) -> str:
    """An address as sitemaps and feeds may write it differently: escapes as what they stand for."""
    from urllib.parse import unquote

    return unquote(url)
