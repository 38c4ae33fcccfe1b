"""What one source holds, into the store: extract, give ids, build records, validate, or hold back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

import orjson

from feedpub import records
from feedpub.config import Config, Site, SourceConfig
from feedpub.eventkeys import event_keys
from feedpub.extraction import ExtractSettings
from feedpub.filing import Filing, Touch, document_reporter, with_changed_pictures
from feedpub.identity import Holds, Identities
from feedpub.models import Article, EventMention, Problem
from feedpub.preparation import Prepared, prepare
from feedpub.removal import Removal
from feedpub.reports import SourceReport
from feedpub.sources import Change, Changed, Gone, Listing, Source, Touched, Unreadable
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.syndication import Copies, with_same_as
from feedpub.timing import Timing, timing
from feedpub.urls import canonical
from feedpub.workers import WorkerDiedError, Workers

BATCH = 100
"""Documents looked up and written together; it bounds memory, as does the number of their bytes."""
_BATCH_BYTES = 4_000_000


_BROKE_THE_READER = Problem(
    "reader-crashed",
    "The program that reads documents broke down over this one.",
    "Look whether it is what its name says and not far too large; save it anew from the program it comes from.",
)


@dataclass(slots=True)
class Counts:
    """What one source brought, counted."""

    new: int = 0
    modified: int = 0
    unmodified: int = 0
    removed: int = 0
    waiting: int = 0
    quarantined: int = 0


class Intake:
    """Takes one source into the store. `run` is the whole story; the rest are its steps."""

    def __init__(
        self,
        transaction: Transaction,
        config: Config,
        source: SourceConfig,
        touch: Touch,
        now: datetime,
        *,
        workers: Workers,
        holds: Holds,
        fresh: bool = False,
    ) -> None:
        """`fresh` says that the store has just been begun anew, so that the ledger knows more than it."""
        self._tx = transaction
        self._config = config
        self._source = source
        self._touch = touch
        self._now = now
        self._workers = workers
        self._holds = holds
        self._fresh = fresh
        self._at = int(now.timestamp())
        self._settings = ExtractSettings.of(config, source)
        self._counts = Counts()
        self._filing = Filing(transaction, config, source.name, touch)
        self._removal = Removal(transaction, config, source, touch, self._at)
        self._copies = Copies(transaction, source.name)
        self._displaced: set[str] = set()
        self._pulled = 0
        self._met = False
        self._moved_here: str | None = None
        self._places: dict[str, str] = {}
        self._containers: list[dict[str, Any]] = []

    def run(
        self, source: Source, *, trusted: bool, yes: bool, progress: Callable[[int], None]
    ) -> SourceReport:
        """Read what changed and write it to the store.

        Raises:
            SourceError: the source cannot be read, or (`GuardError`) too much would vanish.
        """
        before = self._removal.known() if self._fresh else self._tx.count(self._source.name, "published")
        identities = Identities(
            self._tx, key=self._config.site.key, source=self._source.name, now=self._at, holds=self._holds
        )
        notices: tuple[str, ...] = ()
        complete = False
        again = with_changed_pictures(self._tx, self._source.name)
        state = self._tx.state(self._source.name, trusted=trusted, now=self._at, again=again)
        batches = _batches(source.changes(state, self._now))
        first = list(islice(batches, 2))
        ready = partial(_prepare, settings=self._settings, site=self._config.site)
        for batch, found in self._workers.map(
            ready, chain(first, batches), alone=len(first) < 2, died=self._one_by_one
        ):
            self._take(batch, found, identities)
            progress(len(batch))
            for change in batch:
                if isinstance(change, Listing):
                    complete, notices = change.complete or (change.empty and yes), change.notices
                    if change.empty and yes:
                        self._tx.mark_all_gone(self._source.name)
                    self._counts.unmodified += change.unmodified
                    progress(change.unmodified)
        self._removal.displaced(self._displaced)
        self._counts.removed += self._removal.run(
            before, yes=yes, pulled=self._pulled, lost=self._fresh and complete and (yes or self._met)
        )
        for values in self._containers:
            self._tx.put(schema.document, values)
        counts = self._counts
        return SourceReport(
            self._source.name, counts.new, counts.modified, counts.unmodified, counts.removed,
            counts.waiting, counts.quarantined, notices=notices,
            complete=complete,
        )  # fmt: skip

    # -- one batch

    def _one_by_one(self, batch: Sequence[Change]) -> dict[str, Prepared]:
        """What the documents of a batch hold in which one has broken the process that read it."""
        ready = partial(_prepare, settings=self._settings, site=self._config.site)
        found: dict[str, Prepared] = {}
        for change in batch:
            if isinstance(change, Changed):
                try:
                    found |= self._workers.call(ready, [change])
                except WorkerDiedError:
                    found[change.document.place] = Prepared(refused=(_BROKE_THE_READER,))
        return found

    def _take(self, batch: Sequence[Change], read: dict[str, Prepared], identities: Identities) -> None:
        self._met = self._met or bool(read)
        places = [change.place for change in batch if isinstance(change, Touched | Unreadable)]
        places += [change.document.place for change in batch if isinstance(change, Changed)]
        rows = self._tx.documents(self._source.name, places)
        self._look_up(batch, read, rows, identities)
        for change in batch:
            match change:
                case Changed():
                    self._changed(change, read[change.document.place], rows, identities)
                case Unreadable(place=place, stamp=stamp, problem=problem, container=container):
                    self._hold(_seen(place, stamp, "", container), (problem,), rows.get(place))
                case Touched(place=place, stamp=stamp, digest=digest):
                    self._touched(place, stamp, digest, rows.get(place))
                case Gone(place=place):
                    self._tx.mark_gone(self._source.name, place)
                    rows.pop(place, None)
        self._tx.flush()

    def _look_up(
        self, batch: Sequence[Change], read: dict[str, Prepared], rows: Any, ids: Identities
    ) -> None:
        digests = [change.digest for change in batch if isinstance(change, Changed)]
        look_up(ids, self._source.name, read, rows, digests)
        articles = [found.article for found in read.values() if found.article]
        aliases = [alias for article in articles for alias in article.aliases]
        self._filing.load(ids.ids(), read, aliases)
        self._copies.load(read, chain.from_iterable(found.text_keys for found in read.values()), ids.ids())
        addresses = {canonical(article.url) for article in articles if article.url}
        live = schema.record.c.withdrawn_at.is_(None)
        found_urls = list(self._tx.rows(schema.record, "url_key", addresses, live))
        self._by_url = {row.url_key: row.id for row in found_urls}
        self._elsewhere = {row.url_key: row.id for row in found_urls if row.source != self._source.name}
        self._by_id = {
            row.id: (row.source, row.place)
            for row in self._tx.rows(
                schema.identity,
                "id",
                [article.id for article in articles if article.id],
                schema.identity.c.withdrawn_at.is_(None),
            )
        }

    def _changed(self, change: Changed, found: Prepared, rows: Any, ids: Identities) -> None:
        row = rows.get(change.document.place)
        self._touch.advice += found.advice
        if found.refused:
            self._hold(_read(change), found.refused, row)
            return
        if found.article is None:
            if found.draft:
                self._not_now(change, row, Timing("draft"))
            else:
                self._events_alone(change, found.events, row, ids)
            return
        now = timing(found.article, self._now, self._config.site.timezone)
        if now.state != "published":
            self._not_now(change, row, now)
            return
        place = change.document.place
        if original := self._original(found, place, row):
            self._copy(change, found.article, original, row)
            return
        problems = (
            self._clash(found.article, place, row) or self._undated(found.article, place) or found.problems
        )
        if problems:
            self._hold(_read(change), problems, row, found.article.headline)
            return
        self._publish(change, found, row, ids, due=now.due_at)

    # -- what becomes of one document

    def _original(self, found: Prepared, place: str, row: Any) -> str | None:
        """The published article that this is a copy of. What has been an item itself stays one."""
        article = found.article
        self._moved_here = None
        if article is None or (row is not None and row.record_id) or found.problems:
            return None
        url = canonical(article.url) if article.url else ""
        original = self._by_url.get(url) or self._copies.original(found.text_keys)
        if original is None or original == article.id:
            return None
        for identity in self._tx.rows(schema.identity, "id", [original]):
            if (identity.source, identity.place) == (self._source.name, place):
                return None
            if not self._holds(identity.source, identity.place, None):
                # Not a copy but the article itself, which stands at another place now.
                self._moved_here = original
                return None
            if identity.withdrawn_at is not None:
                return None
        return original if url not in self._by_url or url in self._elsewhere else None

    def _copy(self, change: Changed, article: Article, original: str, row: Any) -> None:
        place = change.document.place
        self._copies.add(place, original, article.url)
        self._put_document(change, "copy", None, None)
        self._released(place, row)
        self._counts.unmodified += 1
        self._touch.advice.append(
            Problem(
                "copy",
                f"The same text is published already, as {self._where(original)}: it is not published twice.",
                "Nothing need be done; its address stands in sameAs of that article.",
                severity="advice",
                place=place,
            )
        )

    def _publish(
        self, change: Changed, found: Prepared, row: Any, ids: Identities, *, due: int | None
    ) -> None:
        article, record = found.article, found.record
        if article is None or record is None:
            raise ValueError(f"{change.document.place} holds no article")
        place = change.document.place
        known = row.record_id if row else None
        identity = ids.of_article(
            place, change.digest, article, known, content=found.content, moved_id=self._moved_here
        )
        if known and known != identity.id:
            self._displaced.add(known)
        changed = row is None or row.digest != change.digest
        events = self._filing.events(
            article.events, identity.id, change.document, ids, own=False, really=changed
        )
        url = article.url or f"{self._config.site.url}{identity.stem}.html"
        if article.events:
            record = records.build_article(
                article, id=identity.id, url=url, site=self._config.site, event_ids=events
            )
        else:
            record = replace(record, id=identity.id, data={**record.data, "@id": identity.id, "url": url})
        if self._copies.is_copy(place):
            self._copies.drop([place])
        self._copies.claim(found.text_keys, identity.id)
        if urls := self._copies.urls(identity.id):
            record = replace(record, data=with_same_as(record.data, urls))
        self._filing.article(record, article, identity, found.files)
        self._put_document(change, "published", identity.id, due)
        self._released(place, row)
        if identity.new:
            self._counts.new += 1
        elif (row is not None and changed) or identity.changed_at == self._at:
            self._counts.modified += 1
        else:
            self._counts.unmodified += 1

    def _undated(self, article: Article, place: str) -> tuple[Problem, ...]:
        if article.published is not None or self._config.publish.undated == "publish":
            return ()
        return (
            Problem(
                "undated",
                "The article states no date, and publish.undated in feedpub.toml says to hold such articles back.",
                'Add its date, or set undated = "publish" to publish it without one.',
                place=place,
            ),
        )

    def _clash(self, article: Article, place: str, row: Any) -> tuple[Problem, ...]:
        """Another article that has this id or address already."""
        own = row.record_id if row else None
        here = (self._source.name, place)
        if article.id and article.id in self._by_id and self._by_id[article.id] != here and article.id != own:
            other = self._by_id[article.id]
            if self._holds(*other, None):
                return (_clash("duplicate-id", "id", article.id, ":".join(other), place),)
        if article.id:
            self._by_id[article.id] = here
        if article.url:
            key = canonical(article.url)
            other_id = self._by_url.get(key)
            if other_id is not None and other_id not in (own, article.id, place, self._moved_here):
                return (_clash("duplicate-url", "address", article.url, self._where(other_id), place),)
            self._by_url[key] = own or article.id or place
            self._places[self._by_url[key]] = f"{self._source.name}:{place}"
        return ()

    def _where(self, identifier: str) -> str:
        if identifier in self._places:
            return self._places[identifier]
        self._tx.flush()
        for row in self._tx.rows(schema.identity, "id", [identifier]):
            return f"{row.source}:{row.place}"
        return identifier

    def _events_alone(
        self, change: Changed, mentions: Sequence[EventMention], row: Any, ids: Identities
    ) -> None:
        place = change.document.place
        reporter = document_reporter(self._source.name, place)
        advice = len(self._touch.advice)
        changed = row is None or row.digest != change.digest
        events = self._filing.events(mentions, reporter, change.document, ids, own=True, really=changed)
        valid = [identifier for identifier in events if identifier]
        if not valid:
            problems = tuple(replace(p, severity="error") for p in self._touch.advice[advice:])
            del self._touch.advice[advice:]
            self._hold(_read(change), problems, row)
            return
        self._put_document(change, "published", valid[0], None)
        self._released(place, row)
        if ids.is_new(valid[0]):
            self._counts.new += 1
        elif row is not None and changed:
            self._counts.modified += 1
        else:
            self._counts.unmodified += 1

    def _not_now(self, change: Changed, row: Any, now: Timing) -> None:
        if row is not None and row.record_id:
            self._pulled += row.state in ("published", "kept")
            self._removal.withdraw([row.record_id], [change.document.place])
        self._put_document(change, now.state, row.record_id if row else None, now.due_at)
        self._released(change.document.place, row)
        self._counts.waiting += 1

    def _hold(
        self, seen: dict[str, Any], problems: Sequence[Problem], row: Any, headline: str | None = None
    ) -> None:
        """Into quarantine. What was published of this document before stays as it was."""
        place = seen["place"]
        known = next(
            iter(self._tx.rows(schema.held, "place", [place], schema.held.c.source == self._source.name)),
            None,
        )
        record_id = row.record_id if row is not None else None
        published = row is not None and row.state in ("published", "kept")
        document = {
            "source": self._source.name, **seen, "state": "held", "due_at": None, "record_id": record_id,
        }  # fmt: skip
        self._tx.put(schema.document, document)
        if record_id and published:
            self._tx.snapshot(document)
        errors = [replace(p, place=p.place or place) for p in problems if p.severity == "error"]
        self._tx.put(
            schema.held,
            {
                "source": self._source.name, "place": place, "problems": orjson.dumps(errors),
                "since": known.since if known else self._at, "headline": headline,
                "published_id": record_id if published else known.published_id if known else None,
            },
        )  # fmt: skip
        self._counts.quarantined += 1

    def _released(self, place: str, row: Any) -> None:
        if row is not None and row.state == "held":
            self._tx.delete(schema.held, "place", [place], schema.held.c.source == self._source.name)

    def _touched(self, place: str, stamp: str, digest: str, row: Any) -> None:
        values: dict[str, Any] = {
            "source": self._source.name, "place": place, "stamp": stamp, "digest": digest,
        }  # fmt: skip
        if row is not None and row.state not in ("container", "gone") and row.digest == digest:
            self._counts.unmodified += 1
            self._tx.put(schema.document, {**values, "state": row.state})
            return
        # Only a container is read anew without being a document: it may have been one that was held back.
        self._released(place, row)
        values |= {"state": "container", "container": None, "due_at": None, "record_id": None}
        if row is None:
            # An article may be gone from this very place: its row is still needed to withdraw it.
            self._containers.append(values)
        else:
            self._tx.put(schema.document, values)

    def _put_document(self, change: Changed, state: str, record_id: str | None, due: int | None) -> None:
        self._tx.put(
            schema.document,
            {
                "source": self._source.name, **_read(change), "state": state, "due_at": due,
                "record_id": record_id,
            },
        )  # fmt: skip


def look_up(
    ids: Identities,
    source: str,
    read: Mapping[str, Prepared],
    rows: Mapping[str, Any],
    digests: Iterable[str],
) -> None:
    """Have `ids` look up all that the next decisions about some documents depend on.

    Args:
        ids: the identities of the source.
        source: its name.
        read: what the documents hold, by place.
        rows: what the store knows of these documents already, by place.
        digests: of their bytes.
    """
    given: list[str] = []
    keys: list[str] = []
    for place, found in read.items():
        row = rows.get(place)
        events = found.article.events if found.article else found.events
        reporters = {document_reporter(source, place), row.record_id if row else None}
        if found.article and found.article.id:
            given.append(found.article.id)
            reporters.add(found.article.id)
        given += [event.id for event in events if event.id]
        for reporter in filter(None, reporters):
            keys += chain.from_iterable(event_keys(events, reporter))
    known = [row.record_id for row in rows.values() if row.record_id]
    strangers = [place for place in read if place not in rows or not rows[place].record_id]
    ids.load(places=strangers, known=known, given=given, digests=digests, event_keys=keys)


def _batches(changes: Iterator[Change]) -> Iterator[list[Change]]:
    """Changes in batches that fit into memory, whatever the size of their documents."""
    batch: list[Change] = []
    size = 0
    for change in changes:
        batch.append(change)
        size += len(change.document.data) if isinstance(change, Changed) else 0
        if len(batch) >= BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _prepare(batch: Sequence[Change], *, settings: ExtractSettings, site: Site) -> dict[str, Prepared]:
    documents = (change.document for change in batch if isinstance(change, Changed))
    return prepare(documents, settings=settings, site=site)


def _seen(place: str, stamp: str, digest: str, container: str | None) -> dict[str, Any]:
    return {"place": place, "stamp": stamp, "digest": digest, "container": container}


def _read(change: Changed) -> dict[str, Any]:
    return _seen(change.document.place, change.stamp, change.digest, change.container)


def _clash(rule: str, what: str, value: str, other: str, place: str) -> Problem:
    return Problem(
        rule,
        f"The {what} {value!r} belongs to another article already: {other}.",
        f"Give this article {'an' if what[0] in 'aeio' else 'a'} {what} of its own, or delete one of the two.",
        place=place,
        value=value,
    )


def source_settings(config: Config, source: SourceConfig, version: str) -> str:
    """A digest of all that decides how this source's documents become records, besides themselves."""
    decisive = [
        version,
        asdict(config.site),
        asdict(replace(source, path=None, every_seconds=0)),
        config.publish.undated,
    ]
    return hashlib.sha256(orjson.dumps(decisive, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


__all__ = ["Intake", "source_settings"]
