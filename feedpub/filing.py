"""The records of one source's documents, filed in the store: articles with their facets and pictures, events.

What is filed already is looked up a batch at a time, and only rows that are no longer true are deleted.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import select

from feedpub import dates, media, records, validation
from feedpub.config import Config, Site
from feedpub.eventkeys import event_keys, ties
from feedpub.identity import Identities, Identity
from feedpub.locating import located
from feedpub.models import Article, Document, EventMention, Problem, Record
from feedpub.preparation import Prepared, left_out
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.urls import alias_stem, canonical, term_slug

# What feedpub itself writes.
_OWN_PATHS = re.compile(
    r"(?:index|manifest|sitemap)$|(?:articles|events)/(?:[0-9]{4}|undated)/|"
    r"(?:archives|authors|changes|dump|keywords|media|sections)/"
)


@dataclass(slots=True)
class Touch:
    """What the intake of all sources leaves for the next steps."""

    events: dict[str, bool] = field(default_factory=dict)
    """Events to be merged anew → whether a document that reports them really changed."""
    facets: set[tuple[str, str]] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    """Paths of files that nothing stands for any more."""
    advice: list[Problem] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)
    """Articles whose archive pages must be written again, so that these no longer hold what was purged."""

    def add(self, other: Touch) -> None:
        """Take over what another intake has left."""
        self.facets |= other.facets
        self.dropped |= other.dropped
        self.purged |= other.purged
        self.advice += other.advice
        for identifier, really in other.events.items():
            self.event(identifier, really=really)

    def event(self, identifier: str, *, really: bool) -> None:
        """Have an event merged anew."""
        self.events[identifier] = self.events.get(identifier, False) or really


def with_changed_pictures(transaction: Transaction, source: str) -> frozenset[str]:
    """Places of documents whose pictures are other files than when they were read, or are gone."""
    identity, medium = schema.identity, schema.medium
    query = (
        select(identity.c.place, medium.c.origin, medium.c.stamp)
        .select_from(medium.join(identity, identity.c.id == medium.c.record_id))
        .where(identity.c.source == source, medium.c.origin.is_not(None))
    )
    rows = transaction.connection.execute(query)
    return frozenset(place for place, origin, stamp in rows if media.stamp_of(origin) != stamp)


def document_reporter(source: str, place: str) -> str:
    """What an event's own document is called among its reporters."""
    return f"document:{source}:{place}"


def facet_slug(name: str, value: str) -> str:
    """Under which values count as the same: a slug where it becomes an address, else the value itself."""
    return term_slug(value) if name in ("section", "keyword", "author") else value.lower()


class Filing:
    """Files the records of one source. Call `load` with all that a batch may touch, first."""

    def __init__(self, transaction: Transaction, config: Config, source: str, touch: Touch) -> None:
        self._tx = transaction
        self._config = config
        self._source = source
        self._touch = touch
        self._facets: dict[str, set[tuple[str, str]]] = {}
        self._media: dict[str, set[str]] = {}
        self._mentions: dict[str, set[str]] = {}
        self._aliases: dict[str, set[str]] = {}

    def load(self, ids: Iterable[str], places: Iterable[str], aliases: Iterable[str]) -> None:
        """Look up what is filed of these records, of the documents at these places, and who has these aliases."""
        ids = list(ids)
        reporters = [*ids, *(document_reporter(self._source, place) for place in places)]
        self._facets, self._media = defaultdict(set), defaultdict(set)
        self._mentions = defaultdict(set)
        self._aliases = defaultdict(set)
        stems = filter(None, (alias_stem(alias, self._config.site.url) for alias in aliases))
        self._owners = {row.path: row.id for row in self._tx.rows(schema.redirect, "path", stems)}
        for row in self._tx.rows(schema.redirect, "id", ids):
            if row.stated:
                self._aliases[row.id].add(row.path)
        for row in self._tx.rows(schema.facet, "record_id", ids):
            self._facets[row.record_id].add((row.name, row.slug))
        for row in self._tx.rows(schema.medium, "record_id", ids):
            self._media[row.record_id].add(row.path)
        for row in self._tx.rows(schema.mention, "reporter", reporters):
            self._mentions[row.reporter].add(row.event_id)

    def article(
        self, record: Record, article: Article, identity: Identity, files: Iterable[media.File]
    ) -> None:
        """File an article's record, with its place in time, its facets and its pictures."""
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
        if identity.restored_at is not None:
            # Whatever time of change it states, readers were told since that it was gone.
            updated_at = max(updated_at, identity.restored_at)
        self._put_article(
            record, article.body_html,
            url_key=canonical(article.url) if article.url else None,
            language=article.language,
            published_at=int(published.timestamp()) if published else None,
            sort_at=sort_at, updated_at=updated_at,
        )  # fmt: skip
        facets = [("section", s) for s in article.sections] + [("keyword", k) for k in article.keywords]
        facets += [("author", agent.name) for agent in article.authors]
        facets += [("type", record.type), ("source", self._source)]
        facets += [("language", article.language)] if article.language else []
        self._put_facets(record.id, facets, sort_at)
        self._put_media(record.id, files)
        self._put_aliases(record.id, article)

    def _put_article(self, record: Record, html: str | None, **columns: Any) -> None:
        data = orjson.dumps(record.data)
        said = orjson.dumps([html, sorted(columns.items())])
        self._tx.put(
            schema.record,
            {
                "id": record.id, "kind": "article", "type": record.type, "data": data,
                "origins": orjson.dumps(record.origins),
                "html": html, "source": self._source, "withdrawn_at": None, "dirty": True,
                "digest": hashlib.sha256(data + said).hexdigest()[:32], **columns,
            },
        )  # fmt: skip

    def _put_facets(self, identifier: str, facets: Iterable[tuple[str, str]], sort_at: int) -> None:
        wanted = {(name, facet_slug(name, value)): value for name, value in reversed(list(facets))}
        before = self._facets.get(identifier, set())
        self._touch.facets.update(before, wanted)
        facet = schema.facet
        for name, slug in before - wanted.keys():
            self._tx.delete(facet, "record_id", [identifier], facet.c.name == name, facet.c.slug == slug)
        for (name, slug), value in wanted.items():
            self._tx.put(
                facet,
                {
                    "name": name, "slug": slug, "record_id": identifier, "value": value, "sort_at": sort_at,
                    "withdrawn": False,
                },
            )  # fmt: skip
        self._facets[identifier] = set(wanted)

    def _put_media(self, identifier: str, files: Iterable[media.File]) -> None:
        wanted = {file.path: file for file in files}
        medium = schema.medium
        if vanished := self._media.get(identifier, set()) - wanted.keys():
            self._tx.delete(medium, "path", sorted(vanished), medium.c.record_id == identifier)
        for file in wanted.values():
            self._tx.put(
                medium,
                {
                    "path": file.path,
                    "record_id": identifier,
                    "type": file.media_type,
                    "origin": file.origin,
                    "stamp": file.stamp,
                },
            )
        self._media[identifier] = set(wanted)

    def _put_aliases(self, identifier: str, article: Article) -> None:
        """Have old addresses that the article states lead to it."""
        wanted = set()
        for alias in article.aliases:
            stem = alias_stem(alias, self._config.site.url)
            owner = self._owners.get(stem, identifier) if stem else None
            if stem is None or owner != identifier or self._is_taken(stem):
                self._touch.advice.append(_alias_left_out(alias, owner, article.place))
                continue
            wanted.add(stem)
            self._owners[stem] = identifier
            self._touch.dropped.discard(f"{stem}.html")
            self._tx.put(schema.redirect, {"path": stem, "id": identifier, "stated": True})
        for stem in self._aliases.get(identifier, set()) - wanted:
            self._touch.dropped.add(f"{stem}.html")
            self._owners.pop(stem, None)
            self._tx.delete(schema.redirect, "path", [stem])
        self._aliases[identifier] = wanted

    def _is_taken(self, stem: str) -> bool:
        feeds = [feed.path for feed in self._config.feeds if feed.path]
        return bool(_OWN_PATHS.match(stem)) or any(stem.startswith(f"{path}/") for path in feeds)

    def events(
        self, events: Sequence[EventMention], reporter: str, document: Document, identities: Identities,
        *, own: bool, really: bool,
    ) -> list[str | None]:  # fmt: skip
        """File which events `reporter` reports; returns their ids, None for one that is not valid.

        `own` says that the document is itself these events, `really` that it changed.
        """
        found: list[str | None] = []
        place = document.place
        given = identities.of_events(events, reporter, place, own=own)
        for event, record in zip(
            events, event_records(events, given, reporter, self._config.site, own=own), strict=True
        ):
            problems = located(validation.validate(record.data), record.origins, document)
            if problems:
                self._touch.advice += [left_out(problem, event.name) for problem in problems]
                found.append(None)
                continue
            found.append(record.id)
            self._touch.event(record.id, really=really)
            self._tx.put(
                schema.mention,
                {
                    "event_id": record.id, "reporter": reporter, "place": f"{self._source}:{place}",
                    "main": event.main, "data": orjson.dumps(record.data),
                    "origins": orjson.dumps(record.origins),
                },
            )  # fmt: skip
        reported = {identifier for identifier in found if identifier}
        vanished = self._mentions.get(reporter, set()) - reported
        for identifier in vanished:
            self._touch.event(identifier, really=True)
        if vanished:
            self._tx.delete(
                schema.mention, "event_id", sorted(vanished), schema.mention.c.reporter == reporter
            )
        self._mentions[reporter] = reported
        return found


def event_records(
    events: Sequence[EventMention], identities: Sequence[Identity], reporter: str, site: Site, *, own: bool
) -> list[Record]:
    """The record of each event that `reporter` reports, not validated; `own` as for `Filing.events`."""
    ids = [identity.id for identity in identities]
    articles = () if own else (reporter,)
    return [
        records.build_event(event, id=identifier, article_ids=articles, site=site, ties=named)
        for event, identifier, named in zip(events, ids, ties(events, ids), strict=True)
    ]


def _alias_left_out(alias: str, owner: str | None, place: str) -> Problem:
    reason = (
        "belongs to another article" if owner else "is no address of a page on this site that can be made"
    )
    return Problem(
        "alias-left-out",
        f"The old address {alias[:200]!r} was left out: it {reason}.",
        'Give a path such as "/2024/ferry/" or "/ferry.html" that no other article has.',
        severity="advice",
        place=place,
        value=alias[:200],
    )


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
