"""The feeds there are: those of the configuration, and one for each section, keyword or author."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime

import orjson
from sqlalchemy import func, select

from feedpub import __version__, plugins
from feedpub.config import Config, FeedConfig
from feedpub.formats import Format, eventpage, frontpage, listing, page
from feedpub.models import Alternate, Channel
from feedpub.records import agent_node
from feedpub.store import schema
from feedpub.store.transaction import Transaction

FOLDERS = {"section": "sections", "keyword": "keywords", "author": "authors"}
"""Where the automatic feeds of a facet stand."""


class Catalogue:
    """The feeds of one newsroom, their frames and their formats."""

    def __init__(self, transaction: Transaction, config: Config) -> None:
        self._tx = transaction
        self._config = config
        self._formats: dict[str, Format] = {}
        self._publisher = (
            agent_node(config.site.publisher, config.site.key) if config.site.publisher else None
        )
        seconds = min((source.every_seconds for source in config.sources), default=3600)
        self._ttl_minutes = _minutes(seconds)

    @property
    def main(self) -> FeedConfig:
        """The main feed."""
        return self._config.feeds[0]

    def format(self, name: str) -> Format:
        """The format called `name`."""
        if name not in self._formats:
            self._formats[name] = plugins.format(name, self._config.site)
        return self._formats[name]

    def renderers_digest(self) -> str:
        """A digest of all that decides how entries look besides their content."""
        versions = {name: self.format(name).version for feed in self._config.feeds for name in feed.formats}
        site = asdict(self._config.site)
        alternates = [asdict(alternate) for alternate in self.site_alternates()]
        pages = [module.VERSION for module in (page, eventpage, frontpage, listing)]
        said = [__version__, pages, site, versions, alternates]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    def automatic(self, name: str, slug: str) -> FeedConfig | None:
        """The feed of one section, keyword or author, or None where none is asked for.

        It has no archive pages: everything on them stands in those of the main feed.
        """
        if name not in self._config.publish.feeds_by:
            return None
        facet = schema.facet
        value = self._tx.connection.execute(
            select(func.min(facet.c.value)).where(facet.c.name == name, facet.c.slug == slug)
        ).scalar()
        return replace(
            self.main, path=f"{FOLDERS[name]}/{slug}", where=replace(self.main.where, **{name: (value or slug,)}),
            title=f"{self._config.site.title}: {value or slug}", description=None, archive=False,
        )  # fmt: skip

    def by_path(self, path: str) -> FeedConfig | None:
        """The feed at `path`, or None if there is no such feed any more."""
        for feed in self._config.feeds:
            if feed.path == path:
                return feed
        folder, _, slug = path.partition("/")
        name = next((name for name, top in FOLDERS.items() if top == folder), None)
        return self.automatic(name, slug) if name and slug else None

    def is_over(self, feed: FeedConfig) -> bool:
        """Whether an automatic feed has nothing any more, and nothing withdrawn that it could tell of."""
        folder, _, slug = feed.path.partition("/")
        name = next((name for name, top in FOLDERS.items() if top == folder), None)
        if name is None or not self.is_automatic(feed):
            return False
        facet = schema.facet
        query = select(facet.c.record_id).where(facet.c.name == name, facet.c.slug == slug).limit(1)
        return self._tx.connection.execute(query).first() is None

    def is_automatic(self, feed: FeedConfig) -> bool:
        """Whether the feed stands for a section, keyword or author and not in the configuration."""
        return feed.path not in {known.path for known in self._config.feeds}

    def channel(
        self, feed: FeedConfig, *, updated_at: int | None = None, page: int | None = None,
        previous_page: int | None = None,
    ) -> Channel:  # fmt: skip
        """The frame of one document of a feed; `updated_at` in whole seconds since 1970."""
        site = self._config.site
        return Channel(
            path=feed.path,
            title=feed.title or (site.title if not feed.path else f"{site.title}: {feed.path}"),
            description=feed.description or site.description or site.title,
            home_url=site.url,
            base_url=site.url,
            language=feed.where.language[0] if len(feed.where.language) == 1 else site.language,
            ttl_minutes=_minutes(feed.every.interval_seconds) if feed.every else self._ttl_minutes,
            generator=f"feedpub {__version__}",
            updated_at=datetime.fromtimestamp(updated_at, UTC) if updated_at is not None else None,
            publisher=self._publisher,
            license=site.license,
            image_url=site.image,
            timezone=site.timezone,
            hubs=self._config.publish.hubs,
            page=page,
            previous_page=previous_page,
        )

    def site_alternates(self) -> tuple[Alternate, ...]:
        """What every page offers to subscribe to: the main feed in all its formats."""
        return tuple(self.alternates([self.main]))

    def published(self) -> list[FeedConfig]:
        """Every feed that is published, the main one first, the automatic ones last."""
        self._tx.flush()
        window = schema.window
        configured = {feed.path for feed in self._config.feeds}
        formats: dict[str, set[str]] = {}
        for row in self._tx.connection.execute(select(window.c.path, window.c.format)):
            if row.path not in configured:
                formats.setdefault(row.path, set()).add(row.format)
        found = [self._written(self.by_path(path), formats[path]) for path in sorted(formats)]
        return [*self._config.feeds, *(feed for feed in found if feed)]

    def written(self, feed: FeedConfig) -> FeedConfig:
        """A feed with those of its formats that are published: an automatic one has no empty calendar."""
        window = schema.window
        if not self.is_automatic(feed):
            return feed
        self._tx.flush()
        names = self._tx.connection.execute(select(window.c.format).where(window.c.path == feed.path))
        return self._written(feed, set(names.scalars())) or feed

    def _written(self, feed: FeedConfig | None, names: set[str]) -> FeedConfig | None:
        return replace(feed, formats=tuple(n for n in feed.formats if n in names)) if feed else None

    def alternates(self, feeds: Iterable[FeedConfig]) -> Iterator[Alternate]:
        """What there is to subscribe to of these feeds, each in all its formats."""
        for feed in feeds:
            channel = self.channel(feed)
            for name in feed.formats:
                format_ = self.format(name)
                yield Alternate(channel.title, format_.media_type, channel.url_of(format_.filename))

    def section_pages(self) -> dict[str, str]:
        """Section → the page that lists its articles."""
        if "section" not in self._config.publish.feeds_by:
            return {}
        facet = schema.facet
        rows = self._tx.connection.execute(
            select(func.min(facet.c.value).label("value"), facet.c.slug)
            .where(facet.c.name == "section", ~facet.c.withdrawn)
            .group_by(facet.c.slug)
        )
        return {row.value: listing_path(f"{FOLDERS['section']}/{row.slug}") for row in rows}


def _minutes(seconds: int) -> int:
    return max(1, math.ceil(seconds / 60))


def listing_path(path: str) -> str:
    """Where the page of the feed at `path` stands in the output."""
    return f"{path}/index.html"
