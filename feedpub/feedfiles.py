"""The documents of the feeds: which of them must be written anew, and their archive pages.

Each rendered entry is kept in the store, so that a feed is its frame with kept entries spliced in.
A full archive page (RFC 5005) is written once, when its last entry has come in, and again only
where something on it was purged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import delete, func, select

from feedpub import entries, rendering, renewal
from feedpub.catalogue import FOLDERS, Catalogue, listing_path
from feedpub.config import Config, FeedConfig
from feedpub.formats import Format
from feedpub.history import History, Paging
from feedpub.models import Channel, Entry
from feedpub.publication import Staging
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.verification import Difference, verify_feed
from feedpub.windows import Window, Windows
from feedpub.workers import Workers

CHUNK = 100
_FOLLOWED = "followed:"


@dataclass(slots=True)
class FeedFiles:
    """Stages the documents of feeds. `renderers` is a digest of how entries look, `now` whole seconds.

    `rebuilt` says that the store was begun anew: archive pages that stand in the output are kept
    then, since what they said at their time cannot be made again. `again` are ids of articles
    whose archive pages are to be written again, `waiting` those of records that wait.
    """

    transaction: Transaction
    config: Config
    catalogue: Catalogue
    history: History
    staging: Staging
    workers: Workers
    renderers: str
    now: int
    rebuilt: bool
    again: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    differences: list[Difference] = field(default_factory=list)
    """Why documents were not published: how they differ from the records, as a parser read them."""
    refused: bool = False
    """Whether an archive page was not published for such a reason."""
    refused_feeds: set[str] = field(default_factory=set)
    """Paths of the feeds of which a subscription document was not published for such a reason."""
    incomplete: set[str] = field(default_factory=set)
    """Ids of articles that wait and are missing on archive pages for that reason."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Path of a file that was written → how many events of the feed it cannot hold."""

    def feeds(self, facets: Iterable[tuple[str, str]], again: Iterable[str] = ()) -> list[FeedConfig]:
        """The feeds that may have changed.

        They are the configured ones, automatic ones with these facets, those due, and those whose paths are in `again`.
        """
        found = {feed.path: feed for feed in self.config.feeds}
        automatic = [self.catalogue.automatic(name, slug) for name, slug in sorted(facets)]
        window = schema.window
        due = select(window.c.path).distinct().where(window.c.due_at <= self.now).order_by(window.c.path)
        paths = [*self._connection.execute(due).scalars(), *again]
        automatic += [self.catalogue.by_path(path) for path in paths]
        for feed in automatic:
            if feed is not None:
                found.setdefault(feed.path, feed)
        return list(found.values())

    def join(self) -> None:
        """Note what is in each feed with archive pages for the first time."""
        join(self.transaction, self.config, self.history, Windows(self._connection, self.now))

    def stage(self, feed: FeedConfig) -> None:
        """Stage the documents of one feed that must change."""
        paging = self.history.paging(feed.path, feed.limit) if feed.has_archive else None
        formats = [self.catalogue.format(name) for name in feed.formats]
        standing = renewal.standing(self.transaction, feed, self.now)
        if standing is not None:
            windows = self._standing(feed, formats, standing)
            newest = standing.page
        else:
            windows = Windows(self._connection, self.now).of(feed, formats, paging)
            newest = paging.newest if paging else None
            ids = {name: window.ids for name, window in windows.items()}
            renewal.keep(self.transaction, feed, self.now, ids, newest)
        for format_ in formats:
            self._document(feed, format_, windows[format_.name], newest if format_.paged else None)
        if paging is not None and (standing is None or self.again):
            self._archive(feed, paging)

    def _standing(
        self, feed: FeedConfig, formats: Iterable[Format], standing: renewal.Renewal
    ) -> dict[str, Window]:
        """What a feed has held since its last renewal, as it is now."""
        windows = Windows(self._connection, self.now)
        return {
            one.name: windows.page(
                feed.path, standing.ids[one.name], tombstones=one.tombstones and feed.tombstones
            )
            for one in formats
        }

    def _document(self, feed: FeedConfig, format_: Format, window: Window, previous: int | None) -> None:
        """The subscription document in one format; `previous` is the number of the page with what is older."""
        name = format_.name
        channel = self.catalogue.channel(feed, updated_at=window.updated_at, previous_page=previous)
        path = channel.path_of(format_.filename)
        table = schema.window
        if not window.members and (
            self.catalogue.is_over(feed)
            # Nobody misses the calendar of a section that has never had an event.
            or (format_.items == "events" and self.catalogue.is_automatic(feed))
        ):
            self.staging.delete_many([path])
            self._connection.execute(delete(table).where(table.c.path == feed.path, table.c.format == name))
            return
        digest = window.digest(asdict(channel), self.renderers)
        row = self._connection.execute(
            select(table.c.digest, table.c.due_at).where(table.c.path == feed.path, table.c.format == name)
        ).one_or_none()
        whole = row is not None and row.digest == digest and self.staging.stands(path)
        if not whole:
            if not self._write(format_, channel, window):
                self.refused_feeds.add(feed.path)
                return
        elif row is not None and row.due_at == window.due_at:
            return
        self.transaction.put(
            table,
            {
                "path": feed.path, "format": name, "digest": digest, "entries": window.live,
                "updated_at": window.updated_at, "due_at": window.due_at,
            },
        )  # fmt: skip

    def _write(self, format_: Format, channel: Channel, window: Window) -> bool:
        """Stage one document, unless a parser reads something else in it than the records say."""
        fresh: set[str] = set()

        def refuses(content: bytes) -> bool:
            found = verify_feed(
                format_.name, content, channel, self._entries(window), self.config.site, changed=fresh
            )
            self.differences += found
            return bool(found)

        path = channel.path_of(format_.filename)

        def held(bodies: Iterable[bytes]) -> Iterator[bytes]:
            for body in bodies:
                if not body:
                    self.left_out[path] = self.left_out.get(path, 0) + 1
                yield body

        published = self.staging.put(
            path,
            format_.assemble(channel, held(self._rendered(window, format_, fresh))),
            format_.media_type,
            refuses=refuses if self.config.publish.verify else None,
        )
        if not published:
            # What is kept counts as proved: it must be rendered, and read back, once more.
            kept = schema.rendered
            self.transaction.delete(kept, "record_id", fresh, kept.c.format == format_.name)
        return published

    def _rendered(self, window: Window, format_: Format, fresh: set[str]) -> Iterator[bytes]:
        """Rendered entries out of the store, each rendered only when its digest has changed: the `fresh` ones."""
        tx, rendered = self.transaction, schema.rendered
        iterator = iter(window.ids)
        while chunk := list(islice(iterator, CHUNK)):
            tx.flush()
            # What left this feed is an entry elsewhere: its tombstone is not kept.
            left = [i for i in chunk if i in window.left]
            gone = {entry.id: format_.render(entry) for entry in self._load(left, window.left)}
            chunk = [i for i in chunk if i not in window.left]
            kept = tx.by_key(rendered, "record_id", chunk, rendered.c.format == format_.name)
            digests = {row.id: row.entry for row in tx.rows(schema.record, "id", chunk)}
            stale = [i for i in chunk if i not in kept or kept[i].digest != digests[i]]
            new = {entry.id: format_.render(entry) for entry in self._load(stale)}
            fresh.update(new)
            for identifier, body in new.items():
                tx.put(
                    rendered,
                    {
                        "record_id": identifier, "format": format_.name, "digest": digests[identifier],
                        "body": body,
                    },
                )  # fmt: skip
            yield from (new[i] if i in new else kept[i].body for i in chunk)
            yield from (gone[i] for i in left)

    def _entries(self, window: Window) -> list[Entry]:
        return self._load(window.ids, window.left)

    def _load(self, ids: list[str], left: Mapping[str, int] | None = None) -> list[Entry]:
        """These entries; those that left the feed as if they had been withdrawn at that time."""
        found = entries.load(self.transaction, ids, site=self.config.site, renderers=self.renderers)
        return [
            replace(entry, withdrawn_at=datetime.fromtimestamp(left[entry.id], UTC))
            if left and entry.id in left else entry
            for entry in found
        ]  # fmt: skip

    @property
    def _connection(self) -> Any:
        return self.transaction.connection

    # -- archive pages

    def _archive(self, feed: FeedConfig, paging: Paging) -> None:
        """The full pages that are not written yet; all of them when they look different from now on."""
        tx = self.transaction
        frame = self._frame(feed)
        written: dict[str, int] = {}
        for name in self._paged(feed):
            known = orjson.loads(tx.get_meta(_archive_key(feed.path, name)) or b"{}")
            written[name] = known.get("pages", 0) if known.get("frame") == frame else 0
        again = self._again(feed, paging) if written else set()
        if not again and (not written or min(written.values()) >= paging.full):
            return
        render = partial(
            rendering.render_archive_page, site=self.config.site, verify=self.config.publish.verify,
            output=self.config.publish.output, folder=self.staging.folder,
        )  # fmt: skip
        refused = False
        jobs = self._pages(feed, paging, written, again)
        alone = paging.full - min(written.values()) + len(again) < 2
        for _, done in self.workers.map(render, jobs, alone=alone):
            self.staging.note(done.staged)
            self.differences += done.differences
            refused = refused or bool(done.differences)
        if refused:
            self.refused = True
            return  # the next refresh tries again
        for name in written:
            said = orjson.dumps({"frame": frame, "pages": paging.full}).decode()
            tx.set_meta(_archive_key(feed.path, name), said)

    def _again(self, feed: FeedConfig, paging: Paging) -> set[int]:
        """The numbers of the full pages that must be written again."""
        positions = self.history.positions(feed.path, self.again)
        return {number for position in positions if (number := position // paging.size + 1) <= paging.full}

    def _pages(
        self, feed: FeedConfig, paging: Paging, written: dict[str, int], again: set[int]
    ) -> Iterator[rendering.ArchiveJob]:
        windows = Windows(self._connection, self.now)
        for number in sorted(again.union(range(min(written.values()) + 1, paging.full + 1))):
            names = [name for name, pages in written.items() if pages < number or number in again]
            ids = self.history.page(feed.path, paging, number)
            self.incomplete.update(self.waiting.intersection(ids))
            window = windows.page(feed.path, ids, tombstones=True)
            channel = self.catalogue.channel(
                feed, updated_at=window.updated_at, page=number, previous_page=number - 1 or None
            )
            paths = {name: channel.path_of(self.catalogue.format(name).filename, number) for name in names}
            known = self.staging.known(paths.values())
            if self.rebuilt and number not in again:
                names = [name for name in names if not self._stands(paths[name], known)]
            if names:
                yield rendering.ArchiveJob(
                    self._entries(window), channel, tuple(names), feed.tombstones, known,
                    self.staging.reserve(len(names)),
                )  # fmt: skip

    def _stands(self, path: str, known: Iterable[str]) -> bool:
        return path in known and (self.config.publish.output / path).exists()

    def _paged(self, feed: FeedConfig) -> list[str]:
        return [name for name in feed.formats if self.catalogue.format(name).paged]

    def _frame(self, feed: FeedConfig) -> str:
        channel = asdict(self.catalogue.channel(feed))
        said = [channel, feed.tombstones, Windows.filter_digest(feed), self.renderers]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()[:32]

    # -- what is no more

    def drop(self) -> None:
        """Delete the files of feeds and formats that are no longer configured."""
        tx, window = self.transaction, schema.window
        renewal.forget_others(tx, self.config)
        tx.flush()
        wanted = {(feed.path, name) for feed in self.config.feeds for name in feed.formats}
        automatic = {FOLDERS[name] for name in self.config.publish.feeds_by}
        for row in self._connection.execute(select(window.c.path, window.c.format)).all():
            if (row.path, row.format) in wanted:
                continue
            if row.path.partition("/")[0] in automatic and row.format in self.catalogue.main.formats:
                continue
            channel = self.catalogue.channel(FeedConfig(path=row.path))
            self.staging.delete_many([channel.path_of(self.catalogue.format(row.format).filename)])
            if self.catalogue.by_path(row.path) is None:
                self.staging.delete_many([listing_path(row.path)])
            self._connection.execute(
                delete(window).where(window.c.path == row.path, window.c.format == row.format)
            )
        kept = {
            _archive_key(feed.path, name)
            for feed in self.config.feeds
            if feed.has_archive
            for name in feed.formats
        }
        meta = schema.meta
        for row in self._connection.execute(select(meta).where(meta.c.key.startswith("archive:"))).all():
            if row.key not in kept:
                self._drop_archive(row.key, orjson.loads(row.value)["pages"])

    def _drop_archive(self, key: str, pages: int) -> None:
        _, name, path = key.split(":", 2)
        channel = self.catalogue.channel(FeedConfig(path=path))
        filename = self.catalogue.format(name).filename
        self.staging.delete_many([channel.path_of(filename, number) for number in range(1, pages + 1)])
        self._connection.execute(delete(schema.meta).where(schema.meta.c.key == key))

    def due_at(self) -> int | None:
        """When the next document changes by time alone."""
        self.transaction.flush()
        window = schema.window
        due: int | None = self._connection.execute(
            select(func.min(window.c.due_at)).where(window.c.due_at > self.now)
        ).scalar()
        renewals = renewal.next_renewals(self._connection, self.config).values()
        times = [int(time.timestamp()) for time in renewals]
        return min([*times, *([due] if due is not None else [])], default=None)


def forget_archives(transaction: Transaction) -> None:
    """Have every full page written again: the output is gone, and they with it."""
    meta = schema.meta
    for row in transaction.connection.execute(select(meta).where(meta.c.key.startswith("archive:"))).all():
        known = {**orjson.loads(row.value), "frame": ""}
        transaction.set_meta(row.key, orjson.dumps(known).decode())


def _archive_key(path: str, name: str) -> str:
    return f"archive:{name}:{path}"


def join(transaction: Transaction, config: Config, history: History, windows: Windows) -> None:
    """Note what is in each feed with archive pages for the first time.

    That is what changed in this refresh, and everything for a feed that is new or whose filter is.
    """
    followed = set()
    for feed in config.feeds:
        if feed.has_archive:
            key, digest = f"{_FOLLOWED}{feed.path}", windows.filter_digest(feed)
            paging = history.paging(feed.path, feed.limit)
            changed = transaction.get_meta(key) == digest
            history.join(feed.path, windows.candidates(feed, changed=changed))
            history.leave(feed.path, windows.strangers(feed, changed=changed))
            returned = windows.returned(feed, changed=changed)
            if changed:  # with another filter the full pages are written anew
                history.join_again(feed.path, windows.changed(feed), paging)
                history.join_again(feed.path, returned, paging)
            history.come_back(feed.path, windows.ids(returned))
            transaction.set_meta(key, digest)
            followed.add(key)
    # Nobody notes what comes into the others: they begin anew when they have an archive again.
    meta = schema.meta
    stale = meta.c.key.startswith(_FOLLOWED) & meta.c.key.not_in(followed)
    transaction.connection.execute(delete(meta).where(stale))
