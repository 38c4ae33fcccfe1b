"""robots.txt, read back by the parser of Python's standard library (RFC 9309)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import unquote
from urllib.robotparser import RobotFileParser

from feedpub.config import Site
from feedpub.urls import absolute
from feedpub.verification.differences import Difference, Place, sequence

FORMAT = "robots"
_PATHS = ("", "index.html", "feed.xml", "articles/2025/09/a.html", "media/a.jpg", "dump.json", "sitemap.xml")


def differences(path: str, content: bytes, site: Site, sitemaps: Sequence[str]) -> tuple[Difference, ...]:
    """All that crawlers may not fetch, and the sitemaps that are missing or too much.

    Args:
        path: of the file, for messages.
        content: the file.
        site: the newsroom.
        sitemaps: the paths that it should name, in order.
    """
    place = Place(path, FORMAT)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return place.refused(error)
    wanted = [_plain(url) for name in sitemaps if (url := absolute(None, site.url + name))]
    found = list(sequence(place, wanted, sitemaps_of(text)))
    return (*found, *forbidden(place, text, site.url))


def sitemaps_of(text: str) -> list[str]:
    """The addresses of the sitemaps that the file names, escapes as what they stand for."""
    return [_plain(url) for url in _parsed(text).site_maps() or ()]


def forbidden(place: Place, text: str, site_url: str) -> Iterator[Difference]:
    """What some crawler may not fetch below `site_url`, of what the file itself speaks of and of usual paths."""
    parser = _parsed(text)
    agents = dict.fromkeys(["*", *_values(text, "user-agent")])
    host = site_url.partition("://")[2].partition("/")[0]
    root = f"{site_url.partition('://')[0]}://{host}"
    urls = [site_url + path for path in _PATHS]
    urls += [root + path for path in _values(text, "disallow") if path.startswith("/")]
    for agent in agents:
        for url in dict.fromkeys(urls):
            if not parser.can_fetch(agent, url):
                yield place.differs("links", f"{url} to be open to {agent}", "forbidden")


def _parsed(text: str) -> RobotFileParser:
    parser = RobotFileParser()
    parser.parse(text.splitlines())
    return parser


def _plain(url: str) -> str:
    # Some versions of the parser replace escapes themselves.
    while (plain := unquote(url)) != url:
        url = plain
    return url


def _values(text: str, name: str) -> list[str]:
    lines = (line.partition("#")[0].partition(":") for line in text.splitlines())
    return [value.strip() for key, _, value in lines if key.strip().lower() == name and value.strip()]
