"""The news sitemap: the articles of the last two days, as Google News takes them.

https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap;
`schemas/xsd/sitemap-news.xsd` says the same to validators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from feedpub.config import Site
from feedpub.dates import rfc3339
from feedpub.formats import sitemap
from feedpub.formats.properties import first, headline
from feedpub.models import Entry, Problem
from feedpub.urls import canonical

NAMESPACE = "http://www.google.com/schemas/sitemap-news/0.9"
RECENT_SECONDS = 48 * 60 * 60
"""How long an article is news: two days from its publication."""
LIMIT = 1_000
"""Addresses in the file."""

_RECENT = timedelta(seconds=RECENT_SECONDS)
# W3C date and time: a day, or minutes and more with an offset. https://www.w3.org/TR/NOTE-datetime
_W3C = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2}))?"
)
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis"})
_SIMPLIFIED, _TRADITIONAL = frozenset({"hans", "cn", "sg", "my"}), frozenset({"hant", "tw", "hk", "mo"})


@dataclass(frozen=True, slots=True)
class NewsSitemap:
    """What `news` gives: the file, or None if there is no address at all, and its next change.

    `next_change_at` is when the file changes though no article does, or None if it never will: the
    oldest news is no news any more, or the date of an article comes. `left_out` is advice on each
    article of these two days that cannot be news, with its address as `value`.
    """

    content: bytes | None
    next_change_at: datetime | None
    left_out: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _News:
    title: str
    language: str
    published: str


def news(entries: Sequence[Entry], site: Site, now: datetime) -> NewsSitemap:
    """The news sitemap at `now`, at most 1,000 addresses, the news first and each part newest first.

    An article is news for less than 48 hours: at exactly 48 it has left, so that a refresh at
    `next_change_at` finds it gone. What is no news any more, or lacks what news must state (a day of
    publication, a language, a headline), stays as a plain address as long as there is room, so that
    the file is never empty. Dates in the future and addresses outside the site's folder are never listed.

    Args:
        entries: Articles in any order; the withdrawn are passed over.
        site: For the publication's name and for articles that state no language.
        now: Aware.
    """
    recent: list[tuple[Entry, _News]] = []
    plain: list[Entry] = []
    changes: list[datetime] = []
    left_out: list[Problem] = []
    for entry in _own(entries, site, left_out, now):
        if entry.published_at is not None and entry.published_at > now:
            changes.append(entry.published_at)
            continue
        found = _stated(entry, site) if now - _moment(entry) < _RECENT else None
        if isinstance(found, Problem):
            left_out.append(found)
        if isinstance(found, _News) and len(recent) < LIMIT:
            recent.append((entry, found))
        else:
            plain.append(entry)
    if recent:
        changes.append(_moment(recent[-1][0]) + _RECENT)
    content = _file(recent, plain[: LIMIT - len(recent)], site)
    return NewsSitemap(content, min(changes, default=None), tuple(left_out))


def language_code(tag: str | None) -> str | None:
    """A BCP 47 tag as news sitemaps name languages: ISO 639 in two or three letters, zh-cn or zh-tw.

    None for no tag, and for one that names no language. Chinese in an unknown script stays "zh".
    """
    subtags = (tag or "").replace("_", "-").lower().split("-")
    language = subtags[0]
    if not re.fullmatch("[a-z]{2,3}", language) or language in _NO_LANGUAGE:
        return None
    if language == "zh":
        for subtag in subtags[1:]:  # the script, if stated, stands before the region
            if subtag in _SIMPLIFIED | _TRADITIONAL:
                return "zh-cn" if subtag in _SIMPLIFIED else "zh-tw"
    return language


def _moment(entry: Entry) -> datetime:
    """The publication, or when an article without a day of publication was first seen."""
    return entry.published_at or entry.sort_at or datetime.min.replace(tzinfo=UTC)


def _own(entries: Iterable[Entry], site: Site, left_out: list[Problem], now: datetime) -> Iterable[Entry]:
    """The entries that stand under the site's address, newest first, each address once."""
    base = canonical(site.url)
    seen: set[str] = set()
    for entry in sorted(entries, key=lambda entry: (_moment(entry), entry.id), reverse=True):
        url = canonical(entry.url)
        if entry.withdrawn_at is not None or url in seen:
            continue
        if not url.startswith(base) or sitemap.address(entry.url) is None:
            if timedelta() <= now - _moment(entry) < _RECENT:
                left_out.append(_problem("place", entry, f"its address is not one under {site.url}", ""))
            continue
        seen.add(url)
        yield entry


def _stated(entry: Entry, site: Site) -> _News | Problem:
    """What the file says of a recent article, or what it lacks."""
    data = entry.data
    title = " ".join(headline(data).split())
    language = language_code(first(data.get("inLanguage")) or site.language)
    if entry.published_at is None:
        return _problem("date", entry, "the day of its publication is not stated", "State datePublished.")
    if language is None:
        return _problem("language", entry, "its language is not known", "Set site.language.")
    if not sitemap.text(title).strip():
        return _problem("headline", entry, "it has no headline", "Give it one.")
    stated = first(data.get("datePublished"))
    return _News(title, language, stated if _W3C.fullmatch(stated) else rfc3339(entry.published_at))


def _problem(rule: str, entry: Entry, reason: str, remedy: str) -> Problem:
    message = f"The article is left out of the news: {reason}."
    return Problem(f"news-sitemap:{rule}", message, remedy, severity="advice", value=entry.url)


def _file(recent: Iterable[tuple[Entry, _News]], plain: Iterable[Entry], site: Site) -> bytes | None:
    name = " ".join(((site.publisher.name if site.publisher else "") or site.title).split())
    items = [_item(entry, _element(stated, name)) for entry, stated in recent]
    items += [_item(entry, "") for entry in plain]
    if not items:
        return None
    head = f'{sitemap.DECLARATION}<urlset xmlns="{sitemap.NAMESPACE}" xmlns:news="{NAMESPACE}">\n'
    return sitemap.checked(f"{head}{''.join(items)}</urlset>\n", len(items))


def _item(entry: Entry, element: str) -> str:
    found = sitemap.lines(sitemap.SitemapUrl(entry.url, entry.updated_at))
    return f"<url>\n{found}{element}</url>\n"


def _element(stated: _News, name: str) -> str:
    return (
        "<news:news>\n<news:publication>\n"
        f"<news:name>{sitemap.text(name)}</news:name>\n"
        f"<news:language>{stated.language}</news:language>\n"
        "</news:publication>\n"
        f"<news:publication_date>{stated.published}</news:publication_date>\n"
        f"<news:title>{sitemap.text(stated.title)}</news:title>\n"
        "</news:news>\n"
    )
