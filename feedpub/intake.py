"""What one source holds, into the store: extract, give ids, build records, validate, or hold back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

import orjson

from feedpub import batches, dates, records
from feedpub.clashes import Clashes
from feedpub.config import Config, SourceConfig
from feedpub.decisions import decisions
from feedpub.extraction import ExtractSettings
from feedpub.filing import Filing, Touch, document_reporter, look_up, with_changed_pictures
from feedpub.guard import Guard
from feedpub.identity import Holds, Identities
from feedpub.models import Article, EventMention, Problem
from feedpub.preparation import Prepared
from feedpub.removal import Removal
from feedpub.reports import SourceReport
from feedpub.sources import Change, Changed, Gone, Listing, Source, Touched, Unreadable
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.syndication import Copies, with_same_as
from feedpub.timing import Timing, timing
from feedpub.urls import canonical
from feedpub.workers import Workers


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
        self._clashes = Clashes(transaction, source.name, holds)
        self._decided = decisions(transaction.connection)
        self._containers: list[dict[str, Any]] = []

    def run(
        self, source: Source, *, trusted: bool, yes: bool, progress: Callable[[int], None]
    ) -> SourceReport:
        """Read what changed and write it to the store.

        Raises:
            SourceError: the source cannot be read, or (`GuardError`) too much would change at once.
        """
        before = self._removal.known() if self._fresh else self._tx.count(self._source.name, "published")
        self._guard = Guard(
            self._tx, self._config.publish, self._source, self._at, before=before, yes=yes
        )  # fmt: skip
        identities = Identities(
            self._tx, key=self._config.site.key, source=self._source.name, now=self._at, holds=self._holds
        )
        notices: tuple[str, ...] = ()
        complete = False
        again = with_changed_pictures(self._tx, self._source.name)
        state = self._tx.state(self._source.name, trusted=trusted, now=self._at, again=again)
        found_batches = batches.batches(source.changes(state, self._now))
        first = list(islice(found_batches, 2))
        how: dict[str, Any] = {"settings": self._settings, "site": self._config.site}
        for batch, found in self._workers.map(
            partial(batches.read, **how),
            chain(first, found_batches),
            alone=len(first) < 2,
            died=partial(batches.read_one_by_one, workers=self._workers, **how),
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
        self._guard.check_dates()
        self._counts.removed += self._removal.run(
            self._guard, sorted(self._displaced), pulled=self._pulled,
            lost=self._fresh and complete and (yes or self._met),
        )  # fmt: skip
        for values in self._containers:
            self._tx.put(schema.document, values)
        counts = self._counts
        return SourceReport(
            self._source.name, counts.new, counts.modified, counts.unmodified, counts.removed,
            counts.waiting, counts.quarantined, notices=notices,
            complete=complete,
        )  # fmt: skip

    # -- one batch

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
                    self._unreadable(batches.row_of(place, stamp, "", container), problem, rows.get(place))
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
        self._clashes.load(articles)
        self._guard.load(ids.ids())

    def _changed(self, change: Changed, found: Prepared, rows: Any, ids: Identities) -> None:
        row = rows.get(change.document.place)
        if self._stays_withdrawn(change, found, row, ids):
            return
        self._touch.advice += found.advice
        if found.refused:
            self._hold(batches.row_of_change(change), found.refused, row)
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
        if original := self._original(found, place, change.digest, row):
            self._copy(change, found.article, original, row)
            return
        problems = (
            self._clashes.claim(found.article, place, row.record_id if row else None, self._moved_here)
            or self._undated(found.article, place)
            or found.problems
        )
        if problems:
            self._hold(batches.row_of_change(change), problems, row, found.article.headline)
            return
        self._publish(change, found, row, ids, due=now.due_at)

    def _unreadable(self, seen: dict[str, Any], problem: Problem, row: Any) -> None:
        if row is not None and row.record_id in self._decided:
            values = {"source": self._source.name, **seen, "state": "withdrawn", "record_id": row.record_id}
            self._tx.put(schema.document, values)
            self._counts.unmodified += 1
            return
        self._hold(seen, (problem,), row)

    # -- what becomes of one document

    def _stays_withdrawn(self, change: Changed, found: Prepared, row: Any, ids: Identities) -> bool:
        """Whether a person withdrew the article of this document, or whose copy it is: then nothing of it is kept."""
        withdrawn = self._withdrawn_article(change, found, row, ids) if self._decided else None
        if withdrawn is None:
            return False
        place = change.document.place
        if self._stands_elsewhere(withdrawn, place):
            self._copies.add(place, withdrawn, found.article.url if found.article else None)
            self._put_document(change, "copy", None, None)
        else:
            ids.follow(withdrawn, place, change.digest)
            self._put_document(change, "withdrawn", withdrawn, None)
        self._released(place, row)
        self._counts.unmodified += 1
        return True

    def _withdrawn_article(self, change: Changed, found: Prepared, row: Any, ids: Identities) -> str | None:
        known = row.record_id if row is not None else None
        if found.article is None:
            # What cannot be read, or is a draft now, is still the same article; a document of events is not.
            return known if known in self._decided and (found.refused or found.draft) else None
        identifier = ids.recognised(change.document.place, change.digest, found.article, known)
        if identifier is None:
            identifier = self._copies.original(found.text_keys)
        return identifier if identifier in self._decided else None

    def _stands_elsewhere(self, identifier: str, place: str) -> bool:
        """Whether an article's document is another one than that at `place`."""
        return any(
            (row.source, row.place) != (self._source.name, place) and self._holds(row.source, row.place, None)
            for row in self._tx.rows(schema.identity, "id", [identifier])
        )

    def _original(self, found: Prepared, place: str, digest: str, row: Any) -> str | None:
        """The published article that this is a copy of. What has been an item itself stays one."""
        article = found.article
        self._moved_here = None
        if article is None or (row is not None and row.record_id) or found.problems:
            return None
        url = canonical(article.url) if article.url else ""
        original = self._clashes.at(url) or self._copies.original(found.text_keys)
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
            if identity.document == digest and not self._holds(identity.source, identity.place, digest):
                return None  # the very document, and at its old place stands another one
        return None if self._clashes.is_here(url) else original

    def _copy(self, change: Changed, article: Article, original: str, row: Any) -> None:
        place = change.document.place
        self._copies.add(place, original, article.url)
        self._put_document(change, "copy", None, None)
        self._released(place, row)
        self._counts.unmodified += 1
        self._touch.advice.append(
            Problem(
                "copy",
                f"The same text is published already, as {self._clashes.place_of(original)}: it is not published twice.",
                "Nothing need be done; an address of its own stands in sameAs of that article.",
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
        if identity.new:
            self._guard.came(article.headline, found.text_keys)
        elif article.published is not None:
            self._guard.dated(identity.id, dates.instant(article.published, self._config.site.timezone))
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
            self._hold(batches.row_of_change(change), problems, row)
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
                "source": self._source.name, **batches.row_of_change(change), "state": state, "due_at": due,
                "record_id": record_id,
            },
        )  # fmt: skip
