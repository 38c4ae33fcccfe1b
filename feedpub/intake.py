"""What one source holds, into the store: extract, give ids, build records, validate, or hold back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import delete

from feedpub import dates, media, records, validation
from feedpub.config import Config, SourceConfig
from feedpub.errors import SourceError
from feedpub.extraction import ExtractSettings, extract
from feedpub.identity import Identities, Identity, event_keys
from feedpub.models import Article, EventMention, Extraction, Problem, Record, SourceReport, When
from feedpub.sources import Change, Changed, Gone, Listing, Source, Touched, Unreadable
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.urls import canonical, slugify

_UNNAMED = "urn:uuid:00000000-0000-0000-0000-000000000000"

BATCH = 200
"""Documents looked up and written together; it bounds memory."""

PUBLISHED = ("published", "kept", "held")


class GuardError(SourceError):
    """More would vanish than an editor is likely to have meant."""


@dataclass(slots=True)
class Touch:
    """What the intake of all sources leaves for the next steps."""

    events: dict[str, bool] = field(default_factory=dict)
    """Events to be merged anew → whether a document that reports them really changed."""
    facets: set[tuple[str, str]] = field(default_factory=set)
    advice: list[Problem] = field(default_factory=list)


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
        self, transaction: Transaction, config: Config, source: SourceConfig, touch: Touch, now: datetime
    ) -> None:
        self._tx = transaction
        self._config = config
        self._source = source
        self._touch = touch
        self._now = now
        self._at = int(now.timestamp())
        self._settings = ExtractSettings.of(config, source)
        self._counts = Counts()
        self._places: dict[str, str] = {}

    def run(
        self, source: Source, *, trusted: bool, yes: bool, progress: Callable[[int], None]
    ) -> SourceReport:
        """Read what changed and write it to the store.

        Raises:
            SourceError: the source cannot be read, or (`GuardError`) too much would vanish.
        """
        before = self._tx.count(self._source.name, "published")
        identities = Identities(
            self._tx, key=self._config.site.key, source=self._source.name, now=self._at, has=source.has
        )
        notices: tuple[str, ...] = ()
        complete = False
        state = self._tx.state(self._source.name, trusted=trusted, now=self._at)
        changes = source.changes(state, self._now)
        while batch := list(islice(changes, BATCH)):
            self._take(batch, identities)
            progress(len(batch))
            for change in batch:
                if isinstance(change, Listing):
                    complete, notices = change.complete, change.notices
                    self._counts.unmodified += change.unmodified
                    progress(change.unmodified)
        if complete or self._tx.count(self._source.name, "gone"):
            self._remove(before, yes=yes)
        counts = self._counts
        return SourceReport(
            self._source.name, counts.new, counts.modified, counts.unmodified, counts.removed,
            counts.waiting, counts.quarantined, notices=notices,
        )  # fmt: skip

    # -- one batch

    def _take(self, batch: Sequence[Change], identities: Identities) -> None:
        places = [change.place for change in batch if isinstance(change, Touched | Unreadable)]
        places += [change.document.place for change in batch if isinstance(change, Changed)]
        rows = self._tx.documents(self._source.name, places)
        read = {
            c.document.place: extract(c.document, self._settings) for c in batch if isinstance(c, Changed)
        }
        self._look_up(batch, read, rows, identities)
        for change in batch:
            match change:
                case Changed():
                    self._changed(change, read[change.document.place], rows, identities)
                case Unreadable(place=place, stamp=stamp, problem=problem, container=container):
                    self._hold(place, stamp, "", container, (problem,), rows.get(place))
                case Touched(place=place, stamp=stamp, digest=digest):
                    self._touched(place, stamp, digest, rows.get(place))
                case Gone(place=place):
                    self._tx.mark_gone(self._source.name, place)
        self._tx.flush()

    def _look_up(
        self, batch: Sequence[Change], read: dict[str, Extraction], rows: Any, ids: Identities
    ) -> None:
        articles = [found.article for found in read.values() if found.article]
        known = [row.record_id for row in rows.values() if row.record_id]
        given = [article.id for article in articles if article.id]
        keys: list[str] = []
        for place, found in read.items():
            row = rows.get(place)
            events = found.article.events if found.article else found.events
            if not events:
                continue
            reporters = {self._document_name(place), row.record_id if row else None}
            if found.article and found.article.id:
                reporters.add(found.article.id)
            for event in events:
                given += [event.id] if event.id else []
                for reporter in filter(None, reporters):
                    keys += event_keys(event, reporter, sole=len(events) == 1)
        digests = [change.digest for change in batch if isinstance(change, Changed)]
        strangers = [place for place in read if place not in rows or not rows[place].record_id]
        ids.load(places=strangers, known=known, given=given, digests=digests, event_keys=keys)
        addresses = {canonical(article.url) for article in articles if article.url}
        self._by_url = {
            row.url_key: row.id
            for row in self._tx.rows(
                schema.record, "url_key", addresses, schema.record.c.withdrawn_at.is_(None)
            )
        }
        self._by_id = {
            row.id: (row.source, row.place)
            for row in self._tx.rows(schema.identity, "id", given, schema.identity.c.withdrawn_at.is_(None))
        }

    def _document_name(self, place: str) -> str:
        """What an event's own document is called among its reporters."""
        return f"document:{self._source.name}:{place}"

    def _changed(self, change: Changed, found: Extraction, rows: Any, ids: Identities) -> None:
        place = change.document.place
        row = rows.get(place)
        self._touch.advice += [problem for problem in found.problems if problem.severity == "advice"]
        if found.refused:
            self._hold(place, change.stamp, change.digest, change.container, found.problems, row)
            return
        if found.article is None:
            self._events_alone(change, found, row, ids)
            return
        state, due = self._due(found.article)
        if state != "published":
            self._not_now(change, row, state, due)
            return
        problems = self._published(change, found.article, row, ids, due)
        if problems:
            self._hold(
                place, change.stamp, change.digest, change.container, problems, row, found.article.headline
            )

    def _due(self, article: Article) -> tuple[str, int | None]:
        """What state the article is in now, and when that will change by time alone."""

        def start(when: When | None) -> int | None:
            return int(dates.bounds(when, self._config.site.timezone)[0].timestamp()) if when else None

        if article.draft:
            return "draft", None
        opens = max((start(when) or 0 for when in (article.published, article.publish_at)), default=0)
        if opens > self._at:
            return "waiting", opens
        expires = start(article.expires_at)
        if expires is not None and expires <= self._at:
            return "expired", None
        return "published", expires

    # -- what becomes of one document

    def _published(
        self, change: Changed, article: Article, row: Any, ids: Identities, due: int | None
    ) -> tuple[Problem, ...]:
        """Publish an article; returns the problems that forbid it."""
        place = change.document.place
        problems = self._clash(article, place, row) or self._undated(article, place)
        if problems:
            return problems
        article, files, advice = media.collect(article, change.document, self._config.site.url)
        self._touch.advice += advice
        # Checked before an id is given: what is held back must not use one up.
        record = records.build_article(
            article, id=_UNNAMED, url=article.url or self._config.site.url, site=self._config.site,
            event_ids=[None] * len(article.events),
        )  # fmt: skip
        problems = tuple(replace(p, place=place) for p in validation.validate(record.data))
        if problems:
            return problems
        identity = ids.of_article(place, change.digest, article, row.record_id if row else None)
        events = self._report_events(article.events, identity.id, place, ids, own=False)
        url = article.url or f"{self._config.site.url}{identity.stem}.html"
        if article.events:
            record = records.build_article(
                article, id=identity.id, url=url, site=self._config.site, event_ids=events
            )
        else:
            record = replace(record, id=identity.id, data={**record.data, "@id": identity.id, "url": url})
        changed = row is None or row.digest != change.digest
        self._put_article(record, article, identity, files)
        self._mentioned(identity.id, events, really=changed)
        self._put_document(change, "published", identity.id, due)
        self._released(place, row)
        if identity.new or row is None or row.record_id != identity.id:
            self._counts.new += 1
        elif changed:
            self._counts.modified += 1
        else:
            self._counts.unmodified += 1
        return ()

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
            if other[0] != self._source.name or self._still_there(other[1]):
                return (_clash("duplicate-id", "id", article.id, ":".join(other), place),)
        if article.id:
            self._by_id[article.id] = here
        if article.url:
            key = canonical(article.url)
            other_id = self._by_url.get(key)
            if other_id is not None and other_id not in (own, article.id, place):
                return (_clash("duplicate-url", "address", article.url, self._where(other_id), place),)
            self._by_url[key] = own or article.id or place
            self._places[self._by_url[key]] = f"{self._source.name}:{place}"
        return ()

    def _still_there(self, place: str) -> bool:
        self._tx.flush()
        rows = self._tx.documents(self._source.name, [place])
        return place in rows and rows[place].state in PUBLISHED

    def _where(self, identifier: str) -> str:
        if identifier in self._places:
            return self._places[identifier]
        for row in self._tx.rows(schema.identity, "id", [identifier]):
            return f"{row.source}:{row.place}"
        return identifier

    def _put_article(
        self, record: Record, article: Article, identity: Identity, files: Iterable[media.File]
    ) -> None:
        timezone = self._config.site.timezone
        published = dates.instant(article.published, timezone) if article.published else None
        modified = dates.instant(article.modified, timezone) if article.modified else None
        placed = dates.bounds(article.published, timezone)[0] if article.published else None
        sort_at = int(placed.timestamp()) if placed else identity.first_seen_at
        updated_at = (
            int(modified.timestamp()) if modified
            else identity.changed_at if identity.changed_at is not None
            else int(published.timestamp()) if published
            else identity.first_seen_at
        )  # fmt: skip
        self._put_record(
            record, "article", article.body_html,
            url_key=canonical(article.url) if article.url else None,
            language=article.language,
            published_at=int(published.timestamp()) if published else None,
            sort_at=sort_at, updated_at=updated_at,
        )  # fmt: skip
        facets = [("section", s) for s in article.sections] + [("keyword", k) for k in article.keywords]
        facets += [("author", agent.name) for agent in article.authors]
        facets += [("type", record.type), ("source", self._source.name)]
        facets += [("language", article.language)] if article.language else []
        self._replace_facets(record.id, facets, sort_at)
        self._tx.delete(schema.medium, "record_id", [record.id])
        for file in files:
            self._tx.put(
                schema.medium,
                {"path": file.path, "record_id": record.id, "type": file.media_type, "origin": file.origin},
            )

    def _put_record(self, record: Record, kind: str, html: str | None, **columns: Any) -> None:
        data = orjson.dumps(record.data)
        said = orjson.dumps([html, sorted(columns.items())])
        self._tx.put(
            schema.record,
            {
                "id": record.id, "kind": kind, "type": record.type, "data": data,
                "origins": orjson.dumps({key: asdict(origin) for key, origin in record.origins.items()}),
                "html": html, "source": self._source.name, "withdrawn_at": None, "dirty": True,
                "digest": hashlib.sha256(data + said).hexdigest()[:32], **columns,
            },
        )  # fmt: skip

    def _replace_facets(self, identifier: str, facets: Iterable[tuple[str, str]], sort_at: int) -> None:
        for row in self._tx.rows(schema.facet, "record_id", [identifier]):
            self._touch.facets.add((row.name, row.slug))
        self._tx.delete(schema.facet, "record_id", [identifier])
        for name, value in facets:
            slug = facet_slug(name, value)
            self._touch.facets.add((name, slug))
            self._tx.put(
                schema.facet,
                {
                    "name": name, "slug": slug, "record_id": identifier, "value": value, "sort_at": sort_at,
                    "withdrawn": False,
                },
            )  # fmt: skip

    def _report_events(
        self, events: Sequence[EventMention], reporter: str, place: str, ids: Identities, *, own: bool
    ) -> list[str | None]:
        """Write down which events `reporter` reports; returns their ids, None for one that is not valid."""
        found: list[str | None] = []
        rows: list[dict[str, Any]] = []
        for event in events:
            identity = ids.of_event(event, reporter, place, sole=len(events) == 1, own=own)
            articles = () if own else (reporter,)
            record = records.build_event(event, id=identity.id, article_ids=articles, site=self._config.site)
            problems = validation.validate(record.data)
            if problems:
                self._touch.advice += [_event_left_out(problem, event.name, place) for problem in problems]
                found.append(None)
                continue
            found.append(identity.id)
            origins = {key: asdict(origin) for key, origin in record.origins.items()}
            rows.append(
                {
                    "event_id": identity.id, "reporter": reporter, "place": f"{self._source.name}:{place}",
                    "main": event.main, "data": orjson.dumps(record.data), "origins": orjson.dumps(origins),
                }
            )  # fmt: skip
        for row in self._tx.rows(schema.mention, "reporter", [reporter]):
            self._touch.events.setdefault(row.event_id, True)
        self._tx.delete(schema.mention, "reporter", [reporter])
        for mention in rows:
            self._tx.put(schema.mention, mention)
        return found

    def _mentioned(self, reporter: str, events: Iterable[str | None], *, really: bool) -> None:
        for identifier in filter(None, events):
            self._touch.events[identifier] = self._touch.events.get(identifier, False) or really

    def _events_alone(self, change: Changed, found: Extraction, row: Any, ids: Identities) -> None:
        place = change.document.place
        name = self._document_name(place)
        advice = len(self._touch.advice)
        events = self._report_events(found.events, name, place, ids, own=True)
        valid = [identifier for identifier in events if identifier]
        if not valid:
            problems = tuple(replace(p, severity="error") for p in self._touch.advice[advice:])
            del self._touch.advice[advice:]
            self._hold(place, change.stamp, change.digest, change.container, problems, row)
            return
        changed = row is None or row.digest != change.digest
        self._mentioned(name, valid, really=changed)
        self._put_document(change, "published", valid[0], None)
        self._released(place, row)
        if row is None or row.record_id is None:
            self._counts.new += 1
        elif changed:
            self._counts.modified += 1
        else:
            self._counts.unmodified += 1

    def _not_now(self, change: Changed, row: Any, state: str, due: int | None) -> None:
        if row is not None and row.record_id:
            self._withdraw([row.record_id], [change.document.place])
        self._put_document(change, state, row.record_id if row else None, due)
        self._released(change.document.place, row)
        self._counts.waiting += 1

    def _hold(
        self, place: str, stamp: str, digest: str, container: str | None,
        problems: Sequence[Problem], row: Any, headline: str | None = None,
    ) -> None:  # fmt: skip
        """Into quarantine. What was published of this document before stays as it was."""
        known = next(
            iter(self._tx.rows(schema.held, "place", [place], schema.held.c.source == self._source.name)),
            None,
        )
        record_id = row.record_id if row is not None else None
        published = row is not None and row.state in ("published", "kept")
        document = {
            "source": self._source.name, "place": place, "container": container, "stamp": stamp, "digest": digest,
            "state": "held", "due_at": None, "record_id": record_id,
        }  # fmt: skip
        self._tx.put(schema.document, document)
        if record_id and published:
            self._tx.snapshot(document)
        errors = [asdict(replace(p, place=p.place or place)) for p in problems if p.severity == "error"]
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
        values = {"source": self._source.name, "place": place, "stamp": stamp, "digest": digest}
        if row is None or row.state in ("container", "gone"):
            values |= {"state": "container", "container": None, "due_at": None, "record_id": None}
        else:
            self._counts.unmodified += 1
            values |= {"state": row.state}
        self._tx.put(schema.document, values)

    def _put_document(self, change: Changed, state: str, record_id: str | None, due: int | None) -> None:
        self._tx.put(
            schema.document,
            {
                "source": self._source.name, "place": change.document.place, "container": change.container,
                "stamp": change.stamp, "digest": change.digest, "state": state, "due_at": due,
                "record_id": record_id,
            },
        )  # fmt: skip

    # -- what is no more

    def _remove(self, before: int, *, yes: bool) -> None:
        """Withdraw what is gone, unless that is more than an editor is likely to have meant."""
        name = self._source.name
        self._tx.flush()
        vanishing = vanishing_documents(self._tx, name)
        publish = self._config.publish
        limit = max(publish.guard_floor, int(publish.guard * before))
        if vanishing > limit and not yes and not self._source.keep_deleted:
            raise GuardError(
                f"{vanishing} of {before} articles of the source {name!r} would vanish, more than the accident guard "
                f"lets pass ({limit}). Nothing of this source was changed. If that is what you want, run "
                "`feedpub publish --yes`; to keep deleted articles published for ever, set keep_deleted = true.",
                source=name,
            )
        for rows in self._tx.gone(name):
            kept = [row for row in rows if self._source.keep_deleted and row.record_id]
            for row in kept:
                document = {**row._mapping, "state": "kept"}
                self._tx.put(schema.document, document)
                self._tx.snapshot(document)
            gone = [row for row in rows if row not in kept]
            places = [row.place for row in gone]
            moved = {
                row.id
                for row in self._tx.rows(schema.identity, "id", [r.record_id for r in gone if r.record_id])
                if (row.source, row.place) not in {(name, place) for place in places}
            }
            withdrawn = [r.record_id for r in gone if r.record_id and r.record_id not in moved]
            self._withdraw(withdrawn, places)
            self._counts.removed += len(withdrawn)
            self._tx.delete(schema.held, "place", places, schema.held.c.source == name)
            self._tx.delete(schema.document, "place", places, schema.document.c.source == name)

    def _withdraw(self, ids: Sequence[str], places: Iterable[str]) -> None:
        """Withdraw articles; events are withdrawn later, if nobody reports them any more."""
        self._tx.flush()
        reporters = [*ids, *map(self._document_name, places)]
        for row in self._tx.rows(schema.mention, "reporter", reporters):
            self._touch.events[row.event_id] = True
        self._tx.connection.execute(delete(schema.mention).where(schema.mention.c.reporter.in_(reporters)))
        articles = [
            row.id for row in self._tx.rows(schema.record, "id", ids, schema.record.c.kind == "article")
        ]
        for row in self._tx.rows(schema.facet, "record_id", articles):
            self._touch.facets.add((row.name, row.slug))
        self._tx.withdraw(articles, self._at)


def vanishing_documents(transaction: Transaction, source: str) -> int:
    """How many documents marked gone carry an article that has not moved and is not withdrawn yet."""
    document, identity = schema.document, schema.identity
    from sqlalchemy import and_, func, select

    query = (
        select(func.count())
        .select_from(document.join(identity, identity.c.id == document.c.record_id))
        .where(
            document.c.source == source,
            document.c.state == "gone",
            identity.c.withdrawn_at.is_(None),
            and_(identity.c.source == document.c.source, identity.c.place == document.c.place),
        )
    )
    return transaction.connection.execute(query).scalar_one()


def facet_slug(name: str, value: str) -> str:
    """Under which values count as the same: a slug where it becomes an address, else the value itself."""
    return slugify(value) if name in ("section", "keyword", "author") else value.lower()


def _clash(rule: str, what: str, value: str, other: str, place: str) -> Problem:
    return Problem(
        rule,
        f"The {what} {value!r} belongs to another article already: {other}.",
        f"Give this article {'an' if what[0] in 'aeio' else 'a'} {what} of its own, or delete one of the two.",
        place=place,
        value=value,
    )


def _event_left_out(problem: Problem, name: str, place: str) -> Problem:
    return replace(
        problem,
        severity="advice",
        place=place,
        message=f"The event {name!r} was left out: {problem.message}",
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


def utc(seconds: int) -> datetime:
    """Whole seconds since 1970 as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)


__all__ = ["GuardError", "Intake", "Touch", "source_settings", "utc"]
