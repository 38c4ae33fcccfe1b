"""What depends on what: from changed records to the files that must be written anew.

    record → its page, its .jsonld          facets and window → feeds          all → front page, manifests

The cost follows what changed and the feeds' windows, never the archive.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, delete, func, select, update

from feedpub import __version__, entries, plugins, rendering
from feedpub.config import Config, FeedConfig
from feedpub.filing import Touch, facet_slug
from feedpub.formats import Format, frontpage
from feedpub.models import Alternate, Channel, Entry
from feedpub.publication import Staging
from feedpub.records import agent_node
from feedpub.staging import File
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.workers import Workers

CHUNK = 100
_FOLDERS = {"section": "sections", "keyword": "keywords", "author": "authors"}
_FRONT_PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class _Window:
    """One feed's members, newest first, each with its digest."""

    ids: tuple[str, ...]
    updated_at: int | None
    digest: str


class Outputs:
    """Stages every file that must change. Use once: `stage`."""

    def __init__(
        self,
        transaction: Transaction,
        config: Config,
        staging: Staging,
        touch: Touch,
        now: datetime,
        *,
        workers: Workers,
    ) -> None:
        self._tx = transaction
        self._config = config
        self._staging = staging
        self._facets = touch.facets
        self._dropped = touch.dropped
        self._now = now
        self._workers = workers
        self._formats: dict[str, Format] = {}
        self._changed = False

    def stage(self) -> datetime | None:
        """Stage what must change; returns when a file is due to change by time alone, or None."""
        self._renderers = self._renderers_digest()
        anew = (
            self._tx.get_meta("renderers") != self._renderers
            or not (self._config.publish.output / "manifest.json").exists()
        )
        if anew:
            self._begin_anew()
        self._records()
        self._staging.delete_many(sorted(self._dropped))
        feeds = self._feeds()
        for feed in feeds:
            self._feed(feed)
        self._drop_feeds()
        due = self._front_page()
        self._staging.manifests(__version__, self._config.site.key)
        self._tx.set_meta("renderers", self._renderers)
        return due

    # -- records

    def _renderers_digest(self) -> str:
        site = asdict(self._config.site)
        versions = {name: self._format(name).version for feed in self._config.feeds for name in feed.formats}
        said = [__version__, site, versions, [asdict(a) for a in self._site_alternates()]]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    def _begin_anew(self) -> None:
        """Everything looks different, or the output is gone: every file is rendered and compared."""
        tx = self._tx
        tx.flush()
        tx.connection.execute(update(schema.record).values(dirty=True))
        tx.connection.execute(delete(schema.rendered))
        tx.connection.execute(update(schema.window).values(digest=""))
        query = select(schema.facet.c.name, schema.facet.c.slug).where(
            schema.facet.c.name.in_(self._config.publish.feeds_by)
        )
        self._facets.update((row.name, row.slug) for row in tx.connection.execute(query.distinct()))

    def _records(self) -> None:
        """Pages, records and pictures of everything that changed."""
        render = partial(
            rendering.render, site=self._config.site, alternates=self._site_alternates(),
            output=self._config.publish.output, folder=self._staging.folder,
        )  # fmt: skip
        jobs = self._jobs()
        first = list(islice(jobs, 2))
        for job, staged in self._workers.map(render, chain(first, jobs), alone=len(first) < 2):
            self._changed = True
            self._staging.note(staged)
            self._staging.delete_many(_superseded(job))
            self._note_digests(job.entries)
        if self._changed:
            self._drop_pictures()

    def _jobs(self) -> Iterator[rendering.Job]:
        record = schema.record
        query = select(record.c.id).where(record.c.dirty).order_by(record.c.id).limit(CHUNK)
        after = ""
        while ids := self._tx.connection.execute(query.where(record.c.id > after)).scalars().all():
            after = ids[-1]
            found = self._pictures(ids)
            stems = {key: row.stem for key, row in self._tx.by_key(schema.identity, "id", ids).items()}
            redirects = [(row.path, row.id) for row in self._tx.rows(schema.redirect, "id", ids)]
            paths = rendering.possible_paths(stems, redirects)
            yield rendering.Job(
                found, stems, redirects, self._staging.known(paths), self._staging.reserve(len(paths))
            )

    def _note_digests(self, found: Iterable[Entry]) -> None:
        rows = [{"key": entry.id, "entry": entry.digest} for entry in found]
        if rows:
            statement = (
                update(schema.record)
                .where(schema.record.c.id == bindparam("key"))
                .values(entry=bindparam("entry"), dirty=False)
            )
            self._tx.connection.execute(statement, rows)

    def _pictures(self, ids: Sequence[str]) -> list[Entry]:
        """Stage the pictures of these records first: their lengths stand in the entries."""
        media = {row.path: row for row in self._tx.rows(schema.medium, "record_id", ids) if row.origin}
        known = self._tx.by_key(schema.file, "path", media)
        for path, row in sorted(media.items()):
            if path not in known or not (self._config.publish.output / path).exists():
                origin = Path(row.origin)
                if origin.is_file():
                    self._staging.put(path, _chunks(origin), row.type)
        return entries.load(self._tx, ids, site=self._config.site, renderers=self._renderers)

    def _drop_pictures(self) -> None:
        """Delete pictures that no record names any more: a withdrawn article takes its own along."""
        self._tx.flush()
        file, medium = schema.file, schema.medium
        used = select(medium.c.path).where(medium.c.path == file.c.path).exists()
        query = select(file.c.path).where(
            file.c.folder >= "media/", file.c.folder < "media0", ~used, ~file.c.path.endswith("manifest.json")
        )
        self._staging.delete_many(list(self._tx.connection.execute(query).scalars()))

    # -- feeds

    def _feeds(self) -> list[FeedConfig]:
        """The feeds that may have changed: all that are configured, and of the automatic ones those touched."""
        configured = list(self._config.feeds)
        automatic = []
        for name, slug in sorted(self._facets):
            if name not in self._config.publish.feeds_by:
                continue
            facet = schema.facet
            value = self._tx.connection.execute(
                select(func.min(facet.c.value)).where(facet.c.name == name, facet.c.slug == slug)
            ).scalar()
            where = replace(self._config.feeds[0].where, **{name: (value or slug,)})
            automatic.append(
                replace(
                    self._config.feeds[0], path=f"{_FOLDERS[name]}/{slug}", where=where,
                    title=f"{self._config.site.title}: {value or slug}", description=None,
                )
            )  # fmt: skip
        return [*configured, *automatic]

    def _feed(self, feed: FeedConfig) -> None:
        for name in feed.formats:
            format_ = self._format(name)
            path = _feed_path(feed, format_)
            window = self._window(feed, tombstones=format_.tombstones)
            empty = not window.ids and feed.path.partition("/")[0] in _FOLDERS.values()
            if empty and feed not in self._config.feeds:
                self._staging.delete_many([path])
                self._tx.connection.execute(delete(schema.window).where(schema.window.c.path == feed.path))
                continue
            row = self._tx.connection.execute(
                select(schema.window.c.digest).where(
                    schema.window.c.path == feed.path, schema.window.c.format == name
                )
            ).scalar()
            if row == window.digest and (self._config.publish.output / path).exists():
                continue
            channel = self._channel(feed, window)
            self._staging.put(
                path, format_.assemble(channel, self._rendered(window.ids, format_)), format_.media_type
            )
            self._tx.put(
                schema.window,
                {
                    "path": feed.path, "format": name, "digest": window.digest, "entries": len(window.ids),
                    "updated_at": window.updated_at,
                },
            )  # fmt: skip

    def _drop_feeds(self) -> None:
        """Delete the files of feeds and formats that are no longer configured."""
        tx, window = self._tx, schema.window
        tx.flush()
        wanted = {(feed.path, name) for feed in self._config.feeds for name in feed.formats}
        automatic = {_FOLDERS[name] for name in self._config.publish.feeds_by}
        for row in tx.connection.execute(select(window.c.path, window.c.format)).all():
            folder = row.path.partition("/")[0]
            if (row.path, row.format) in wanted:
                continue
            if folder in automatic and row.format in self._config.feeds[0].formats:
                continue
            filename = self._format(row.format).filename
            self._staging.delete_many([f"{row.path}/{filename}" if row.path else filename])
            tx.connection.execute(
                delete(window).where(window.c.path == row.path, window.c.format == row.format)
            )

    def _window(self, feed: FeedConfig, *, tombstones: bool) -> _Window:
        record = schema.record
        rows = list(self._tx.connection.execute(self._members(feed, withdrawn=False)))
        if tombstones:
            if feed.path == "" and not _conditions(feed):
                alone = select(record.c.id, record.c.entry, record.c.updated_at).where(
                    record.c.kind == "event", record.c.withdrawn_at.is_(None), _own_document(),
                )  # fmt: skip
                rows += self._tx.connection.execute(
                    alone.order_by(record.c.sort_at.desc(), record.c.id.desc()).limit(feed.limit)
                )
            rows += self._tx.connection.execute(self._members(feed, withdrawn=True))
        updated = [row.updated_at for row in rows]
        said = [[(row.id, row.entry) for row in rows], asdict(self._channel(feed, None)), self._renderers]
        digest = hashlib.sha256(orjson.dumps(said)).hexdigest()[:32]
        return _Window(tuple(row.id for row in rows), max(updated, default=None), digest)

    def _members(self, feed: FeedConfig, *, withdrawn: bool) -> Select[Any]:
        """The feed's articles (or its withdrawn ones), newest first."""
        record, facet = schema.record, schema.facet
        # A withdrawn article was updated when it was withdrawn.
        updated = record.c.withdrawn_at.label("updated_at") if withdrawn else record.c.updated_at
        query = select(record.c.id, record.c.entry, updated)
        latest = record.c.withdrawn_at.desc() if withdrawn else record.c.sort_at.desc()
        conditions = _conditions(feed)
        if not conditions:
            gone = record.c.withdrawn_at.is_not(None) if withdrawn else record.c.withdrawn_at.is_(None)
            query = query.where(record.c.kind == "article", gone)
            return query.order_by(latest, record.c.id.desc()).limit(feed.limit)
        (name, slugs), *others = conditions
        query = query.join(facet, facet.c.record_id == record.c.id).where(
            facet.c.name == name, facet.c.slug.in_(slugs), facet.c.withdrawn == withdrawn
        )
        for name, slugs in others:
            other = facet.alias()
            query = query.where(
                select(other.c.record_id)
                .where(other.c.record_id == record.c.id, other.c.name == name, other.c.slug.in_(slugs))
                .exists()
            )
        if len(conditions[0][1]) > 1:
            return query.distinct().order_by(latest, record.c.id.desc()).limit(feed.limit)
        # In the order of the index, so that the cost is the window's and not the section's.
        order = (
            (latest, record.c.id.desc()) if withdrawn else (facet.c.sort_at.desc(), facet.c.record_id.desc())
        )
        return query.order_by(*order).limit(feed.limit)

    def _channel(self, feed: FeedConfig, window: _Window | None) -> Channel:
        site = self._config.site
        seconds = min((source.every_seconds for source in self._config.sources), default=3600)
        updated = window.updated_at if window else None
        return Channel(
            path=feed.path,
            title=feed.title or (site.title if not feed.path else f"{site.title}: {feed.path}"),
            description=feed.description or site.description or site.title,
            home_url=site.url,
            base_url=site.url,
            language=feed.where.language[0] if len(feed.where.language) == 1 else site.language,
            ttl_minutes=max(1, math.ceil(seconds / 60)),
            generator=f"feedpub {__version__}",
            updated_at=datetime.fromtimestamp(updated, UTC) if updated is not None else None,
            publisher=agent_node(site.publisher, site.key) if site.publisher else None,
            license=site.license,
            image_url=site.image,
            timezone=site.timezone,
        )

    def _rendered(self, ids: Iterable[str], format_: Format) -> Iterator[bytes]:
        """Rendered entries out of the store, each rendered only when its digest has changed."""
        tx, rendered = self._tx, schema.rendered
        iterator = iter(ids)
        while chunk := list(islice(iterator, CHUNK)):
            tx.flush()
            kept = tx.by_key(rendered, "record_id", chunk, rendered.c.format == format_.name)
            digests = {row.id: row.entry for row in tx.rows(schema.record, "id", chunk)}
            stale = [i for i in chunk if i not in kept or kept[i].digest != digests[i]]
            fresh = {
                entry.id: format_.render(entry)
                for entry in entries.load(tx, stale, site=self._config.site, renderers=self._renderers)
            }
            for identifier, body in fresh.items():
                tx.put(
                    rendered,
                    {
                        "record_id": identifier,
                        "format": format_.name,
                        "digest": digests[identifier],
                        "body": body,
                    },
                )
            yield from (fresh[i] if i in fresh else kept[i].body for i in chunk)

    def _format(self, name: str) -> Format:
        if name not in self._formats:
            self._formats[name] = plugins.format(name, self._config.site)
        return self._formats[name]

    # -- the front page

    def _front_page(self) -> datetime | None:
        record = schema.record
        now = int(self._now.timestamp())
        upcoming = (
            select(record.c.id, record.c.end_at)
            .where(record.c.kind == "event", record.c.withdrawn_at.is_(None), record.c.end_at > now)
            .order_by(record.c.start_at, record.c.id)
            .limit(12)
        )
        events = list(self._tx.connection.execute(upcoming))
        due = min((row.end_at for row in events), default=None)
        window = self._window(replace(self._config.feeds[0], limit=25), tombstones=False)
        known = self._tx.get_meta("front_page")
        said = [window.digest, [row.id for row in events], self._event_digests(row.id for row in events)]
        digest = hashlib.sha256(
            orjson.dumps([*said, [asdict(a) for a in self._all_alternates()]])
        ).hexdigest()
        if digest != known or not (self._config.publish.output / _FRONT_PAGE).exists():
            site = self._config.site
            load = [*window.ids, *(row.id for row in events)]
            found = {e.id: e for e in entries.load(self._tx, load, site=site, renderers=self._renderers)}
            content = frontpage.render_frontpage(
                site=site,
                entries=[found[i] for i in window.ids if i in found],
                events=[found[row.id].data for row in events if row.id in found],
                alternates=self._all_alternates(),
            )
            self._staging.put_many([File(_FRONT_PAGE, content, rendering.HTML)])
            self._tx.set_meta("front_page", digest)
        return datetime.fromtimestamp(due, UTC) if due is not None else None

    def _event_digests(self, ids: Iterable[str]) -> list[str]:
        return sorted(row.digest for row in self._tx.rows(schema.record, "id", ids))

    def _site_alternates(self) -> tuple[Alternate, ...]:
        """What every page offers to subscribe to: the main feed in all its formats."""
        return tuple(self._alternates(self._config.feeds[:1]))

    def _all_alternates(self) -> tuple[Alternate, ...]:
        """What the front page offers: every feed, the automatic ones included."""
        self._tx.flush()
        window = schema.window
        rows = (
            self._tx.connection.execute(select(window.c.path).distinct().order_by(window.c.path))
            .scalars()
            .all()
        )
        configured = {feed.path for feed in self._config.feeds}
        automatic = []
        for path in rows:
            folder, _, slug = path.partition("/")
            name = next((name for name, top in _FOLDERS.items() if top == folder), None)
            if path in configured or name is None:
                continue
            facet = schema.facet
            value = self._tx.connection.execute(
                select(func.min(facet.c.value)).where(facet.c.name == name, facet.c.slug == slug)
            ).scalar()
            automatic.append(replace(self._config.feeds[0], path=path, title=value or slug))
        return tuple(self._alternates([*self._config.feeds, *automatic]))

    def _alternates(self, feeds: Iterable[FeedConfig]) -> Iterator[Alternate]:
        for feed in feeds:
            channel = self._channel(feed, None)
            for name in feed.formats:
                format_ = self._format(name)
                yield Alternate(channel.title, format_.media_type, channel.url_of(format_.filename))


def _superseded(job: rendering.Job) -> list[str]:
    """Files of these records that they have no more: the old ones of a page that moved, those withdrawn."""
    gone = [f"{path}.jsonld" for path, _ in job.redirects]
    for entry in job.entries:
        if entry.withdrawn_at is not None:
            gone.append(entry.record_path)
        elif entry.page_path is None:
            gone.append(f"{job.stems[entry.id]}.html")
    return gone


def _feed_path(feed: FeedConfig, format_: Format) -> str:
    return f"{feed.path}/{format_.filename}" if feed.path else format_.filename


def _conditions(feed: FeedConfig) -> list[tuple[str, list[str]]]:
    where = asdict(feed.where)
    return [(name, [facet_slug(name, value) for value in values]) for name, values in where.items() if values]


def _own_document() -> ColumnElement[bool]:
    """Whether the event has a document of its own."""
    mention = schema.mention
    return (
        select(mention.c.event_id)
        .where(mention.c.event_id == schema.record.c.id, mention.c.reporter.startswith("document:"))
        .exists()
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk
