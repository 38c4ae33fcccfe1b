"""Sitemaps: the addresses that search engines should know, and the index of several such files.

https://www.sitemaps.org/protocol.html; `schemas/xsd/sitemap.xsd` and `siteindex.xsd` say the same
to validators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from feedpub.dates import rfc3339
from feedpub.formats.properties import without_illegal
from feedpub.urls import absolute

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MAX_URLS = 50_000
"""Addresses that one file may hold."""
MAX_BYTES = 52_428_800
"""Bytes that one file may have, before compression: 50 MiB."""
MAX_LENGTH = 2_047
"""Characters that one address may have: the protocol asks for less than 2,048."""

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENTITIES = str.maketrans({"&": "&amp;", "'": "&apos;", '"': "&quot;", ">": "&gt;", "<": "&lt;"})


@dataclass(frozen=True, slots=True)
class SitemapUrl:
    """One address. `lastmod` is when what stands there last changed (aware), or None if unknown."""

    loc: str
    lastmod: datetime | None = None


def urlset(urls: Iterable[SitemapUrl]) -> bytes:
    """A sitemap of `urls` in their order, in UTF-8. Addresses that `address` refuses are left out.

    Raises:
        ValueError: no address is left (an empty sitemap is invalid), or the file would break a limit
            of the protocol: 50,000 addresses, 50 MiB.
    """
    return _file("urlset", "url", urls)


def index(maps: Iterable[SitemapUrl]) -> bytes:
    """The sitemap index that names the sitemaps `maps`; otherwise as `urlset`."""
    return _file("sitemapindex", "sitemap", maps)


def address(url: str) -> str | None:
    """An absolute http(s) address as sitemaps write it, before XML escaping: ASCII by RFC 3986.

    What is percent-encoded already stays so. None for what no sitemap can hold: another scheme, no
    host, or 2,048 characters and more.
    """
    found = absolute(None, url)
    if found is None:
        return None
    # RFC 3986 has brackets around IPv6 hosts only, a percent sign only before two hex digits, and
    # one number sign: a second one belongs to the fragment, as a character of its own.
    parts = urlsplit(found)
    rest = found[found.index("://") + 3 + len(parts.netloc) :].replace("[", "%5B").replace("]", "%5D")
    rest, mark, fragment = rest.partition("#")
    escaped = f"{parts.scheme}://{parts.netloc}{rest}{mark}{fragment.replace('#', '%23')}"
    escaped = _STRAY_PERCENT.sub("%25", escaped)
    return escaped if len(escaped) <= MAX_LENGTH else None


def text(value: str) -> str:
    """`value` as the content of an XML element, the five characters escaped that the protocol names."""
    return without_illegal(value).translate(_ENTITIES)


def lines(url: SitemapUrl) -> str:
    """`<loc>` and `<lastmod>` of one entry, each on its line, or "" where `address` refuses it.

    Raises:
        ValueError: `lastmod` has no zone.
    """
    loc = address(url.loc)
    if loc is None:
        return ""
    if url.lastmod is None:
        return f"<loc>{text(loc)}</loc>\n"
    if url.lastmod.tzinfo is None:
        raise ValueError(f"lastmod of {url.loc} has no zone: {url.lastmod!r}")
    return f"<loc>{text(loc)}</loc>\n<lastmod>{rfc3339(url.lastmod.astimezone(UTC))}</lastmod>\n"


def checked(content: str, count: int) -> bytes:
    """`content` in UTF-8, if it keeps the protocol's limits.

    Raises:
        ValueError: it does not.
    """
    if not count:
        raise ValueError("a sitemap without an address is invalid; write none")
    if count > MAX_URLS:
        raise ValueError(f"{count:,} addresses; a sitemap holds {MAX_URLS:,}: split it")
    encoded = content.encode()
    if len(encoded) > MAX_BYTES:
        raise ValueError(f"{len(encoded):,} bytes; a sitemap has at most {MAX_BYTES:,}: split it")
    return encoded


def _file(root: str, name: str, urls: Iterable[SitemapUrl]) -> bytes:
    items = [f"<{name}>\n{found}</{name}>\n" for found in map(lines, urls) if found]
    return checked(f'{DECLARATION}<{root} xmlns="{NAMESPACE}">\n{"".join(items)}</{root}>\n', len(items))
