"""What depends on what: from changed records to the files that must be written anew.

    record → its page, its .jsonld      facets and window → feeds      order of publication → archives
                                   all → front page, sitemaps, manifests

The cost follows what changed and the feeds' windows, never the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, select, update

from feedpub import __version__, damage, entries, rendering
from feedpub.catalogue import Catalogue
from feedpub.config import Config
from feedpub.feedfiles import FeedFiles, forget_archives
from feedpub.filing import Touch
from feedpub.formats import icalendar
from feedpub.history import EVERYTHING, History
from feedpub.models import Entry
from feedpub.publication import Staging
from feedpub.sitefiles import SiteFiles
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.verification import Difference
from feedpub.waiting import Waiting
from feedpub.workers import Workers

CHUNK = 100

_PAGES_REFUSED = "pages_refused"
"""Key of the ids of articles whose archive pages must be written again: some were refused, or lack the article."""
_FEEDS_REFUSED = "feeds_refused"
"""Key of the paths of feeds of which a document or the page could not be published."""
_FACETS_WAITING = "facets_waiting"
"""Key of the facets of what waits: their feeds must be looked at when it is tried again."""


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
        further: Callable[[str], None] | None = None,
        repair: bool = False,
    ) -> None:
        """With `repair` every file of the output is compared with what was written, and made anew where it differs."""
        self._tx = transaction
        self._config = config
        self._staging = staging
        self._facets = touch.facets
        self._dropped = touch.dropped
        self._purged = touch.purged
        self._now = int(now.timestamp())
        self._workers = workers
        self._repair = repair
        self._further = further or (lambda _: None)
        self._catalogue = Catalogue(transaction, config)
        self._history = History(transaction, self._now)
        self.differences: list[Difference] = []
        """Why files were not published: how they differ from the records, as a parser read them."""
        self.missing: set[str] = set()
        """Paths of those among these files of which no earlier version stands."""
        self.waiting = Waiting(transaction)
        self._again: set[str] = set()
        self.left_out: dict[str, int] = {}
        """Path of a calendar that was written → how many events of its feed it cannot hold."""

    def stage(self) -> datetime | None:
        """Stage what must change; returns when a file is due to change by time alone, or None."""
        known = self._tx.get_meta("renderers")
        self._renderers = self._catalogue.renderers_digest()
        output = self._config.publish.output
        lost = self._repair or damage.is_another_set(self._tx, output)
        anew = lost or known != self._renderers
        if anew:
            self._begin_anew()
        refused = orjson.loads(self._tx.get_meta(_PAGES_REFUSED) or b"[]")
        again = self._purged.union(refused)
        damaged: list[str] = []
        if lost:
            damage.forget_all(self._tx, output, self._staging, self._config.site.key)
            forget_archives(self._tx)
        else:
            damaged = damage.forget_some(self._tx, output, self._staging)
        waited = orjson.loads(self._tx.get_meta(_FACETS_WAITING) or b"[]")
        self._facets.update((name, slug) for name, slug in waited)
        self.waiting.take_away_unheard()
        self._records()
        files = FeedFiles(
            self._tx, self._config, self._catalogue, self._history, self._staging, self._workers,
            self._renderers, self._now, rebuilt=known is None or lost, again=frozenset(again),
            waiting=frozenset(self.waiting.ids),
        )  # fmt: skip
        self._join(files)
        self._staging.delete_many(sorted(self._dropped))
        feeds_again = orjson.loads(self._tx.get_meta(_FEEDS_REFUSED) or b"[]")
        feeds_again += [path.rpartition("/")[0] for path in damaged]
        feeds = files.feeds(self._facets, again=feeds_again)
        for feed in feeds:
            files.stage(feed)
            self._further("")
        if again or files.incomplete:
            pages = files.incomplete.union(again if files.refused else ())
            self._tx.set_meta(_PAGES_REFUSED, orjson.dumps(sorted(pages)).decode())
        files.drop()
        site = SiteFiles(
            self._tx, self._config, self._catalogue, self._history, self._staging, self._renderers,
            self._now, anew or bool(damaged),
        )  # fmt: skip
        times = [site.stage(feed for feed in feeds if feed.path), files.due_at()]
        self.differences += files.differences + site.differences
        if refused_feeds := sorted(files.refused_feeds | site.refused):
            self._tx.set_meta(_FEEDS_REFUSED, orjson.dumps(refused_feeds).decode())
        elif self._tx.get_meta(_FEEDS_REFUSED):
            self._tx.set_meta(_FEEDS_REFUSED, "")
        self.left_out = files.left_out
        self._staging.twins(self._config.publish.compress)
        self._staging.manifests(__version__, self._config.site.key)
        self._tx.set_meta("renderers", self._renderers)
        if waited or self.waiting.ids:
            self._tx.set_meta(_FACETS_WAITING, orjson.dumps(self.waiting.facets()).decode())
        self.waiting.put_back()
        if self._purged:
            damage.forget_looks(self._tx)
        due = min((time for time in times if time is not None), default=None)
        return datetime.fromtimestamp(due, UTC) if due is not None else None

    # -- records

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
        """Pages, records and pictures of everything that changed; what must wait is taken away.

        Pages of events link to the articles, and come after them, so that they do not link to what waits. Those
        of articles link to events too: where one of these must wait, they are made again without it.
        """
        record = schema.record
        articles, events = record.c.kind == "article", record.c.kind == "event"
        changed = [self._render(articles), self._render(events)]
        if self.waiting.ids:
            self._render(articles & self.waiting.reporters())
        if any(changed):
            self._drop_pictures()

    def _render(self, which: ColumnElement[bool]) -> bool:
        """The files of those among the changed records; whether there are any."""
        render = partial(
            rendering.render, site=self._config.site, alternates=self._catalogue.site_alternates(),
            section_pages=self._catalogue.section_pages(), verify=self._config.publish.verify,
            output=self._config.publish.output, folder=self._staging.folder,
        )  # fmt: skip
        jobs = self._jobs(which)
        first = list(islice(jobs, 2))
        waiting: set[str] = set()
        for job, done in self._workers.map(render, chain(first, jobs), alone=len(first) < 2):
            self._further("")
            self._staging.note(done.staged)
            self.differences += done.differences
            self.missing |= done.missing
            waiting |= done.waiting
            standing, refused = job.without(done.waiting), {one.path for one in done.differences}
            self._staging.delete_many(_superseded(standing, refused))
            self._note_digests(standing, refused)
            self._history.note(standing.entries)
        self._history.touch(waiting)
        self.waiting.take_away(waiting)
        return bool(first)

    def _join(self, files: FeedFiles) -> None:
        """Note what is in each feed for the first time; with that, what changed is dealt with."""
        record = schema.record
        files.join()
        self._history.join(
            EVERYTHING, select(record.c.id).where(record.c.dirty, record.c.withdrawn_at.is_(None))
        )
        connection = self._tx.connection
        connection.execute(update(record).where(record.c.dirty).values(dirty=False))
        if self._again:
            rows = [{"key": identifier} for identifier in sorted(self._again)]
            connection.execute(update(record).where(record.c.id == bindparam("key")).values(dirty=True), rows)

    def _jobs(self, which: ColumnElement[bool]) -> Iterator[rendering.Job]:
        record = schema.record
        query = select(record.c.id).where(record.c.dirty, which).order_by(record.c.id).limit(CHUNK)
        after = ""
        while ids := self._tx.connection.execute(query.where(record.c.id > after)).scalars().all():
            after = ids[-1]
            found = self._pictures(ids)
            reported = {event["@id"] for entry in found for event in entry.events}
            stems = {
                key: row.stem
                for key, row in self._tx.by_key(schema.identity, "id", {*ids, *reported}).items()
            }
            redirects = [(row.path, row.id) for row in self._tx.rows(schema.redirect, "id", ids)]
            paths = rendering.possible_paths(found, stems, redirects)
            yield rendering.Job(
                found, stems, redirects, self._staging.known(paths), self._staging.reserve(len(paths))
            )

    def _note_digests(self, job: rendering.Job, refused: Container[str]) -> None:
        """What these records look like now; those with a refused file are tried again at the next refresh."""
        self._again |= {identifier for path, identifier in job.redirects if f"{path}.html" in refused}
        rows = []
        for entry in job.entries:
            rows.append({"key": entry.id, "looks": entry.digest})
            if any(f"{_stem(entry)}{ending}" in refused for ending in rendering.ENDINGS):
                self._again.add(entry.id)
        if rows:
            record = schema.record
            statement = update(record).where(record.c.id == bindparam("key")).values(entry=bindparam("looks"))
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


def _stem(entry: Entry) -> str:
    return entry.record_path.removesuffix(".jsonld")


def _superseded(job: rendering.Job, refused: Container[str]) -> list[str]:
    """Files of these records that they have no more: the old ones of a page that moved, those withdrawn.

    Where the notice of a withdrawn article could not be published, its page goes all the same.
    """
    gone = [f"{path}.jsonld" for path, _ in job.redirects]
    withdrawn = {entry.id for entry in job.entries if entry.withdrawn_at is not None}
    notices = [f"{path}.html" for path, identifier in job.redirects if identifier in withdrawn]
    for entry in job.entries:
        if entry.withdrawn_at is not None:
            gone.append(entry.record_path)
            notices.append(f"{job.stems[entry.id]}.html")
        elif entry.page_path is None:
            gone.append(f"{job.stems[entry.id]}.html")
        if entry.is_event and not icalendar.fits(entry.data):
            gone.append(f"{job.stems[entry.id]}.ics")
    pages = (path for path in notices if path in refused and path in job.known)
    return gone + [path for path in pages if job.known[path].status is None]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk
