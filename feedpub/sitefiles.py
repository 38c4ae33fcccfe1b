"""The files of the site as a whole: front page, listings, sitemaps, OPML, and what services follow.

What grows with the archive is cut into files by the order in which records were first published,
so that one changed record rewrites one file of each kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Row, delete, select

from feedpub import entries, rendering
from feedpub.catalogue import Catalogue, listing_path
from feedpub.config import Config, FeedConfig
from feedpub.formats import frontpage, listing, ndjson, newssitemap, opml, robots, sitemap
from feedpub.history import EVERYTHING, History
from feedpub.models import Alternate, Entry
from feedpub.publication import Staging
from feedpub.staging import File
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.verification import (
    Difference,
    verify_changes,
    verify_dump,
    verify_front_page,
    verify_index,
    verify_listing,
    verify_opml,
    verify_robots,
    verify_sitemap,
)
from feedpub.verification.changes import Change
from feedpub.windows import Windows

UPCOMING = 12
"""Events on the front page."""
NEWEST, SHOWN = 25, 21
"""Articles that the front page sorts into sections, and those of them in its list."""

DUMP_SIZE, CHANGES_SIZE, SITEMAP_SIZE = 100, 500, 1000
"""Records, changes and addresses in one file; never to be changed, followers count with them."""

_Judge = Callable[[str, bytes], tuple[Difference, ...]]
_XML, _JSON, _NDJSON = "application/xml", "application/json", "application/x-ndjson"
_SITEMAP, _NEWS = "sitemap.xml", "sitemap-news.xml"
_OPML, _OPML_TYPE, _ROBOTS = "feeds.opml", "text/x-opml", "robots.txt"
_LISTED = 50
_FRONT_PAGE = "index.html"


@dataclass(slots=True)
class SiteFiles:
    """Stages what belongs to no single feed. `now` is in whole seconds since 1970.

    `anew` says that everything is to be made again and compared with what stands there.
    """

    transaction: Transaction
    config: Config
    catalogue: Catalogue
    history: History
    staging: Staging
    renderers: str
    now: int
    anew: bool
    differences: list[Difference] = field(default_factory=list)
    """Why files were not published: how they differ from the records, as a parser read them."""
    refused: set[str] = field(default_factory=set)
    """Paths of the feeds whose page was not published for such a reason."""

    def stage(self, listings: Iterable[FeedConfig]) -> int | None:
        """Stage what must change; `listings` are feeds with a page of their own that may have changed.

        Returns when a file is due to change by time alone, in seconds, or None.
        """
        feeds = self.catalogue.published()
        for feed in listings:
            self._listing(feed)
        times = [self._front_page(feeds), self._sitemaps()]
        self._dump()
        self._changes()
        self._small(feeds)
        return min((time for time in times if time is not None), default=None)

    @property
    def _connection(self) -> Any:
        return self.transaction.connection

    def _entries(self, ids: list[str]) -> list[Entry]:
        return entries.load(self.transaction, ids, site=self.config.site, renderers=self.renderers)

    def _put(self, path: str, content: bytes, media_type: str, judge: _Judge) -> bool:
        """Stage one file, unless its judge reads something else in it than it should say.

        Returns whether the file is published with these bytes now.
        """
        found: list[Difference] = []

        def refuses(file: File) -> bool:
            found.extend(judge(path, file.content) if self.config.publish.verify else ())
            return bool(found)

        self.staging.put_many([File(path, content, media_type)], refuses=refuses)
        self.differences += found
        return not found

    def _due(self, key: str, said: Any, path: str) -> str | None:
        """A digest of `said` if the file must be made anew, to be noted under `key` once it is published.

        That is where it is not there, or was made of something else.
        """
        digest = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
        stands = self.transaction.get_meta(key) == digest and self.staging.stands(path)
        return None if stands else digest

    # -- pages

    def _front_page(self, feeds: list[FeedConfig]) -> int | None:
        record = schema.record
        upcoming = list(
            self._connection.execute(
                select(record.c.id, record.c.entry, record.c.end_at)
                .where(record.c.kind == "event", record.c.withdrawn_at.is_(None), record.c.end_at > self.now)
                .order_by(record.c.start_at, record.c.id)
                .limit(UPCOMING)
            )
        )
        window = Windows(self._connection, self.now).articles(
            replace(self.catalogue.main, limit=NEWEST), tombstones=False, paging=None
        )
        opml_url = f"{self.config.site.url}{_OPML}"
        alternates = [
            *self.catalogue.alternates(feeds), Alternate(self.config.site.title, _OPML_TYPE, opml_url),
        ]  # fmt: skip
        said = [
            window.members, [[row.id, row.entry] for row in upcoming], [asdict(a) for a in alternates],
            self.renderers,
        ]  # fmt: skip
        digest = self._due("front_page", said, _FRONT_PAGE)
        if digest is not None:
            found = {entry.id: entry for entry in self._entries([*window.ids, *(row.id for row in upcoming)])}
            articles = [found[i] for i in window.ids if i in found]
            events = [found[row.id] for row in upcoming if row.id in found]
            content = frontpage.render_frontpage(
                site=self.config.site,
                entries=articles,
                events=[event.data for event in events],
                event_pages=_pages(events),
                section_pages=self.catalogue.section_pages(),
                feed_pages={feed.path: listing_path(feed.path) for feed in feeds if feed.path},
                alternates=alternates,
                limit=SHOWN,
            )

            def judge(_: str, written: bytes) -> tuple[Difference, ...]:
                return verify_front_page(
                    written, site=self.config.site, entries=articles, events=events, alternates=alternates,
                    limit=SHOWN,
                )  # fmt: skip

            if self._put(_FRONT_PAGE, content, rendering.HTML, judge):
                self.transaction.set_meta("front_page", digest)
        return min((row.end_at for row in upcoming), default=None)

    def _listing(self, feed: FeedConfig) -> None:
        """The page of one section, keyword, author or configured feed."""
        path = listing_path(feed.path)
        windows = Windows(self._connection, self.now)
        window = windows.articles(replace(feed, limit=_LISTED), tombstones=False, paging=None)
        if not window.members and self.catalogue.is_over(feed):
            self.staging.delete_many([path])
            self._connection.execute(delete(schema.meta).where(schema.meta.c.key == f"listing:{feed.path}"))
            return
        events = windows.events(replace(feed, event_days=0), tombstones=False)
        alternates = list(self.catalogue.alternates([self.catalogue.written(feed)]))
        facet = feed.where.section or feed.where.keyword or feed.where.author
        title = (facet[0] if self.catalogue.is_automatic(feed) else feed.title) or feed.path
        key = f"listing:{feed.path}"
        said = [window.members, events.members[:UPCOMING], asdict(feed), len(alternates), self.renderers]
        digest = self._due(key, said, path)
        if digest is None:
            return
        coming, articles = self._entries(events.ids[:UPCOMING]), self._entries(window.ids)
        content = listing.render_listing(
            site=self.config.site,
            title=title,
            entries=articles,
            feeds=alternates,
            path=path,
            events=[entry.data for entry in coming],
            event_pages=_pages(coming),
        )

        def judge(path: str, written: bytes) -> tuple[Difference, ...]:
            return verify_listing(
                path, written, site=self.config.site, title=title, entries=articles, events=coming,
                feeds=alternates,
            )  # fmt: skip

        if self._put(path, content, rendering.HTML, judge):
            self.transaction.set_meta(key, digest)
        else:
            self.refused.add(feed.path)

    # -- sitemaps

    def _sitemaps(self) -> int | None:
        if not self.config.publish.sitemaps:
            return None
        refused = []
        for number in self._parts("sitemap", SITEMAP_SIZE):
            # In the root, since a sitemap speaks only for addresses below its own folder.
            path = f"sitemap-{number + 1}.xml"
            urls = list(self._addresses(number))
            if not urls:
                self.staging.delete_many([path])
            elif not self._put(path, sitemap.urlset(urls), _XML, verify_sitemap):
                refused.append(number)
        self._try_again("sitemap", refused)
        due = self._news()
        self.transaction.flush()
        file = schema.file
        maps = select(file).where(file.c.folder == "", file.c.path.like("sitemap-%.xml"))
        site = self.config.site.url
        listed = [
            sitemap.SitemapUrl(f"{site}{row.path}", _time(row.modified_at))
            for row in self._connection.execute(maps.order_by(file.c.path))
        ]
        if listed:
            self._put(_SITEMAP, sitemap.index(listed), _XML, verify_sitemap)
        else:
            self.staging.delete_many([_SITEMAP])
        return due

    def _addresses(self, number: int) -> Iterator[sitemap.SitemapUrl]:
        """The pages of our own that one sitemap lists."""
        member, record, identity = schema.member, schema.record, schema.identity
        first = number * SITEMAP_SIZE
        query = (
            select(identity.c.stem, record.c.updated_at)
            .select_from(member)
            .join(record, record.c.id == member.c.record_id)
            .join(identity, identity.c.id == member.c.record_id)
            .where(
                member.c.path == EVERYTHING, member.c.position >= first,
                member.c.position < first + SITEMAP_SIZE, record.c.withdrawn_at.is_(None),
                (record.c.kind == "event") | record.c.url_key.is_(None),
            )
            .order_by(member.c.position)
        )  # fmt: skip
        for row in self._connection.execute(query):
            yield sitemap.SitemapUrl(f"{self.config.site.url}{row.stem}.html", _time(row.updated_at))

    def _news(self) -> int | None:
        record = schema.record
        since = self.now - newssitemap.RECENT_SECONDS
        own = (record.c.kind == "article", record.c.withdrawn_at.is_(None), record.c.url_key.is_(None))
        query = select(record.c.id, record.c.entry, record.c.sort_at).where(*own)
        newest = query.order_by(record.c.sort_at.desc(), record.c.id.desc()).limit(newssitemap.LIMIT)
        found_rows = enumerate(self._connection.execute(newest))
        # What is no longer news keeps its address for a while.
        rows = [row for number, row in found_rows if row.sort_at > since or number < _LISTED]
        # What is listed changes by time alone too: the oldest of it is then no longer news.
        recent = [row.id for row in rows if row.sort_at > since]
        said = [[[row.id, row.entry] for row in rows], recent, self.renderers]
        known = orjson.loads(self.transaction.get_meta("news") or b"{}")
        digest = hashlib.sha256(orjson.dumps(said)).hexdigest()[:32]
        due: int | None = known.get("due")
        stands = self.staging.stands(_NEWS)
        if known.get("digest") == digest and stands == known["stands"] and (due is None or due > self.now):
            return due
        found = newssitemap.news(self._entries([row.id for row in rows]), self.config.site, _time(self.now))
        if found.content is None:
            self.staging.delete_many([_NEWS])
        elif not self._put(_NEWS, found.content, _XML, verify_sitemap):
            return None  # the next refresh tries again
        due = int(found.next_change_at.timestamp()) if found.next_change_at else None
        made = {"digest": digest, "due": due, "stands": found.content is not None}
        self.transaction.set_meta("news", orjson.dumps(made).decode())
        return due

    # -- what services follow

    def _parts(self, name: str, size: int) -> list[int]:
        """The files, counted from 0, in which the records stand that changed in this refresh.

        With those of the files called `name` that were not published by an earlier one.
        """
        if self.anew:
            return list(range(-(-self.history.count(EVERYTHING) // size)))
        refused = orjson.loads(self.transaction.get_meta(f"refused:{name}") or b"[]")
        return sorted({*self.history.touched(size), *refused})

    def _try_again(self, name: str, refused: list[int]) -> None:
        """Have the next refresh make these files called `name` once more."""
        key = f"refused:{name}"
        if refused or self.transaction.get_meta(key):
            self.transaction.set_meta(key, orjson.dumps(refused).decode())

    def _dump(self) -> None:
        """All records as JSON lines, in files of a fixed number by the order of first publication."""
        if not self.config.publish.dump:
            return
        member, record = schema.member, schema.record
        refused = []
        for number in self._parts("dump", DUMP_SIZE):
            first = number * DUMP_SIZE
            query = (
                select(record.c.data)
                .join(member, member.c.record_id == record.c.id)
                .where(
                    member.c.path == EVERYTHING, member.c.position >= first,
                    member.c.position < first + DUMP_SIZE, record.c.withdrawn_at.is_(None),
                )
                .order_by(member.c.position)
            )  # fmt: skip
            records = [orjson.loads(row.data) for row in self._connection.execute(query)]
            path = f"dump/{number // 100}/records-{number + 1}.ndjson"
            content = b"".join(map(ndjson.record_line, records))
            if not self._put(path, content, _NDJSON, partial(verify_dump, records=records)):
                refused.append(number)
        self._try_again("dump", refused)
        # Who reads the dump asks for the changes after its sequence: it must hold all that came before.
        if not refused:
            self._index("dump", "records", self.history.count(EVERYTHING), DUMP_SIZE)

    def _changes(self) -> None:
        """What was added, modified and deleted, numbered; a full file never changes again."""
        if not self.config.publish.dump:
            return
        last = self.history.sequence()
        written = 0 if self.anew else int(self.transaction.get_meta("changes") or 0)
        whole = True
        for number in range(written // CHANGES_SIZE, -(-last // CHANGES_SIZE)):
            first = number * CHANGES_SIZE + 1
            changes = [self._change(row) for row in self.history.changes(first, first + CHANGES_SIZE)]
            path = f"changes/{number // 100}/changes-{number + 1}.ndjson"
            content = b"".join(map(_change_line, changes))
            whole = self._put(path, content, _NDJSON, partial(verify_changes, changes=changes)) and whole
        if whole:
            self.transaction.set_meta("changes", str(last))
            self._index("changes", "changes", last, CHANGES_SIZE)

    def _change(self, row: Row[Any]) -> Change:
        url = f"{self.config.site.url}{row.stem}.jsonld"
        return Change(row.sequence, _time(row.at), row.change, row.record_id, row.type, url)

    def _index(self, folder: str, stem: str, count: int, size: int) -> None:
        """How many lines there are and where: always the same size, so that it costs nothing to write."""
        said = {
            "count": count,
            "size": size,
            "files": -(-count // size),
            "sequence": self.history.sequence(),
            "template": f"{self.config.site.url}{folder}/{{group}}/{stem}-{{number}}.ndjson",
        }
        content = orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        self._put(f"{folder}.json", content, _JSON, partial(verify_index, said=said))

    # -- small files

    def _small(self, feeds: list[FeedConfig]) -> None:
        alternates = list(self.catalogue.alternates(feeds))
        pages = {feed.path: listing_path(feed.path) for feed in feeds if feed.path}
        site = self.config.site
        content = opml.render(site, alternates, pages=pages)
        judge = partial(verify_opml, site=site, alternates=alternates, pages=pages)
        self._put(_OPML, content, _OPML_TYPE, judge)
        if self.config.publish.sitemaps:
            self.transaction.flush()
            known = list(self.staging.known([_SITEMAP]))
            judge = partial(verify_robots, site=site, sitemaps=known)
            self._put(_ROBOTS, robots.render(site, known), "text/plain", judge)


def _pages(events: Iterable[Entry]) -> dict[str, str]:
    return {entry.id: entry.page_path for entry in events if entry.page_path}


def _change_line(change: Change) -> bytes:
    return ndjson.change_line(
        sequence=change.sequence, at=change.at, change=change.kind, record_id=change.id, type_=change.type,
        url=change.url,
    )  # fmt: skip


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
