"""Lists of articles and events: a question to the search index, answered with records as the feeds write them.

One page is a DataFeed like `feed.jsonld`: its `@id` is the question, and `hasPart` leads to the next page.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, urlencode

from sqlalchemy import Connection

from feedpub import __version__, records
from feedpub.config import Config
from feedpub.formats import datafeed
from feedpub.models import Channel
from feedpub.search import INDEX_NAME
from feedpub.search.find import Found, Question, find
from feedpub.search.numbers import Kind
from feedpub.serving.api import parameters, published
from feedpub.serving.api.problems import not_yet
from feedpub.store.reading import NotReadableError, connect, steady

_FACETS = ("section", "keyword", "author", "person", "place", "country", "language", "status", "type")


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the lists: its path, what may be asked, and what it holds."""

    path: str
    kind: Kind
    known: tuple[parameters.Parameter, ...]
    title: str


ARTICLES = Listing("/api/articles", "article", parameters.ARTICLES, "articles")
EVENTS = Listing("/api/events", "event", parameters.EVENTS, "events")


@dataclass(frozen=True, slots=True)
class Page:
    """What one question found. `query` is the question and `next_query` that for the next page, or None."""

    listing: Listing
    found: Sequence[published.Version]
    query: str
    next_query: str | None

    @property
    def etag(self) -> str:
        """A digest of all that the answer shows but the site's own words."""
        said = [self.query, self.next_query or "", *(version.digest for version in self.found)]
        return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Channel(Channel):
    """The frame of an answer, whose next page is another question."""

    next_url: str | None = None

    def previous_url(self, name: str) -> str | None:
        """Absolute address of the next page of the answer, or None."""
        return self.next_url


def ask(listing: Listing, query: bytes, config: Config, store: Connection) -> Page:
    """The records that answer a query.

    Raises:
        Refusal: the query is wrong, or the index is not there.
    """
    meant = parameters.read(query, listing.known)
    zone = config.site.timezone
    question = Question(
        kind=listing.kind,
        since=meant["since"](zone)[0] if "since" in meant else None,
        until=meant["until"](zone)[1] if "until" in meant else None,
        facets={name: meant[name] for name in _FACETS if name in meant},
        words=meant.get("q"),
        after=meant.get("cursor"),
        descending=meant["order"],
    )
    limit = meant["limit"]
    with _index(config) as index:
        rows = find(index, question, limit + 1)
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        listing,
        published.versions(store, [row.id for row in shown]),
        _query(query, None),
        _query(query, shown[-1]) if more else None,
    )


def body(page: Page, config: Config, store: Connection) -> Iterator[bytes]:
    """The page as JSON-LD."""
    found = published.entries(store, page.found, with_events=page.listing.kind == "article")
    path = page.listing.path.removeprefix("/")
    channel = _channel(page, config, path)
    changed = [max(e.updated_at, e.first_seen_at) for e in found if e.updated_at and e.first_seen_at]
    channel = replace(channel, updated_at=max(changed, default=None))
    filename = f"{path}?{page.query}" if page.query else path
    return datafeed.assemble(channel, filename, [datafeed.render(entry) for entry in found], paged=True)


def _channel(page: Page, config: Config, path: str) -> _Channel:
    site = config.site
    return _Channel(
        path="", title=f"{site.title}: {page.listing.title}", description="", home_url=site.url, base_url=site.url,
        language=site.language, ttl_minutes=0, generator=f"feedpub {__version__}", license=site.license,
        publisher=records.agent_node(site.publisher, site.key) if site.publisher else None, timezone=site.timezone,
        next_url=f"{site.url}{path}?{page.next_query}" if page.next_query is not None else None,
    )  # fmt: skip


@contextlib.contextmanager
def _index(config: Config) -> Iterator[sqlite3.Connection]:
    path = config.state / INDEX_NAME
    try:
        with steady(path), contextlib.closing(connect(path)) as index:
            yield index
    except (FileNotFoundError, NotReadableError, sqlite3.Error) as error:
        raise not_yet("The search index is not there yet, or is being made.") from error


def _query(query: bytes, last: Found | None) -> str:
    """The question in one spelling, with the cursor behind `last` if there is one."""
    listed = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if last is not None:
        listed = [(name, value) for name, value in listed if name != "cursor"]
        listed.append(("cursor", f"{last.number:016x}"))
    return urlencode(listed, quote_via=quote)
