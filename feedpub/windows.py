"""Which records a document of a feed holds: its window by number, or for calendars by the events' dates.

The subscription document of a feed with archive pages holds the newest articles, all that are on
no full page yet, and what was corrected or left lately, so that somebody who reads it and the pages has
the newest version of everything. The cost is the window's, never the archive's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, not_, or_, select

from feedpub.config import FeedConfig
from feedpub.filing import facet_slug
from feedpub.formats import Format
from feedpub.history import Paging
from feedpub.store import schema

RECENT_SECONDS = 30 * 86_400
"""How long what was corrected or withdrawn stands in the subscription document."""

_MOST_LEFT = 500
"""So many of those that left a feed lately it tells of at most: another default may send the whole archive away."""

_DAY = 86_400
_Conditions = list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Window:
    """The ids of what a document holds, in its order, each with the digest of what it looks like.

    `updated_at` is when the last of them came in or changed, `due_at` when the window changes by time alone; whole
    seconds since 1970 or None. `live` is how many are not withdrawn. `left` tells when those left the feed
    that are published but do not belong to it any more.
    """

    members: tuple[tuple[str, str], ...] = ()
    updated_at: int | None = None
    due_at: int | None = None
    live: int = 0
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The ids in order."""
        return [identifier for identifier, _ in self.members]

    def digest(self, *frame: Any) -> str:
        """A digest of what the document looks like within this frame."""
        said = orjson.dumps(
            [self.members, *([self.left] if self.left else ()), *frame], option=orjson.OPT_SORT_KEYS
        )
        return hashlib.sha256(said).hexdigest()[:32]


class Windows:
    """The windows of feeds as they are at `now` (whole seconds since 1970)."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def of(self, feed: FeedConfig, formats: Sequence[Format], paging: Paging | None) -> dict[str, Window]:
        """The windows of a feed's subscription documents by the names of their formats; formats alike share one."""
        kinds: dict[Any, Window] = {}
        found = {}
        for format_ in formats:
            tombstones = format_.tombstones and feed.tombstones
            own_paging = paging if format_.paged else None
            key = (format_.items, tombstones, own_paging is None)
            if key not in kinds:
                kinds[key] = (
                    self.events(feed, tombstones=tombstones)
                    if format_.items == "events"
                    else self.articles(
                        feed, tombstones=tombstones, paging=own_paging, events=format_.items == "records"
                    )
                )
            found[format_.name] = kinds[key]
        return found

    def belonging(self, feed: FeedConfig, ids: Sequence[str]) -> set[str]:
        """Those of these articles (in a feed without a filter also events) that are published and belong to it."""
        record = schema.record
        query = self._live(feed) if _conditions(feed) else select(record.c.id)
        own = query.where(record.c.id.in_(ids), record.c.withdrawn_at.is_(None))
        return set(self._connection.execute(own).scalars())

    def articles(
        self, feed: FeedConfig, *, tombstones: bool, paging: Paging | None, events: bool = False
    ) -> Window:
        """The articles of a subscription document, newest first, and behind them the withdrawn ones.

        With `events`, the main feed also holds the events that have a document of their own.
        """
        rows = self._run(self._newest(feed))
        due = None
        if paging is not None:
            rows |= self._run(self._unpaged(feed, paging))
            corrected = self._run(self._corrected(feed))
            rows |= corrected
            due = min((row.changed_at for row in corrected.values()), default=None)
        ordered = sorted(rows.values(), key=lambda row: (row.sort_at, row.id), reverse=True)
        gone: list[Row[Any]] = []
        events = events and not feed.path and not _conditions(feed)
        if events:
            ordered += self._connection.execute(self._events_alone(feed)).all()
        left: dict[str, int] = {}
        if tombstones:
            gone = list(self._connection.execute(self._withdrawn(feed, events=events)))
            if paging is not None:
                known = {row.id for row in gone}
                departed = [
                    row for row in self._connection.execute(self._departed(feed)) if row.id not in known
                ]
                left = {row.id: row.at for row in departed}
                gone += departed
        due_at = due + RECENT_SECONDS if due is not None else None
        return _window([*ordered, *gone], len(ordered), due_at, left)

    def page(self, path: str, ids: Sequence[str], *, tombstones: bool) -> Window:
        """The articles of one archive page of the feed at `path`, in the order given."""
        record, departure = schema.record, schema.departure
        here = (departure.c.record_id == record.c.id) & (departure.c.path == path)
        query = (
            select(record.c.id, record.c.entry, record.c.withdrawn_at, departure.c.at, *_times())
            .outerjoin(departure, here)
            .where(record.c.id.in_(ids))
        )
        rows = {row.id: row for row in self._connection.execute(query)}
        gone = {i for i, row in rows.items() if row.withdrawn_at is not None or row.at is not None}
        found = [rows[i] for i in ids if i in rows and (tombstones or i not in gone)]
        left = {row.id: row.at for row in found if row.at is not None}
        return _window(found, len(rows) - len(gone), None, left)

    def events(self, feed: FeedConfig, *, tombstones: bool) -> Window:
        """The events that a feed's articles report, the next one first and behind them those that are over."""
        record = schema.record
        since = self._now - feed.event_days * _DAY
        over = or_(record.c.end_at > since, record.c.end_at.is_(None))
        query = select(
            record.c.id, record.c.entry, record.c.withdrawn_at, record.c.start_at, record.c.end_at,
            *_times(),
        ).where(record.c.kind == "event", over)  # fmt: skip
        if not tombstones:
            query = query.where(record.c.withdrawn_at.is_(None))
        if conditions := _conditions(feed):
            query = query.where(_belongs(conditions))
        rows = list(self._connection.execute(query))
        ahead = [row for row in rows if row.end_at is None or row.end_at > self._now]
        past = [row for row in rows if row.end_at is not None and row.end_at <= self._now]
        last = max((row.start_at or 0 for row in ahead), default=0) + 1
        ahead.sort(key=lambda row: (last if row.start_at is None else row.start_at, row.id))
        past.sort(key=lambda row: (row.start_at, row.id), reverse=True)
        times = [row.end_at for row in ahead if row.end_at is not None]
        times += [row.end_at + feed.event_days * _DAY for row in past]
        return _window(
            [*ahead, *past], sum(row.withdrawn_at is None for row in rows), min(times, default=None)
        )

    def candidates(self, feed: FeedConfig, *, changed: bool) -> Select[Any]:
        """The ids of what belongs to the feed; with `changed` only of what changed in this refresh."""
        record = schema.record
        query = select(record.c.id).where(record.c.kind == "article", record.c.withdrawn_at.is_(None))
        if changed:
            query = query.where(record.c.dirty)
        return query.where(*(_has(name, slugs) for name, slugs in _conditions(feed)))

    def strangers(self, feed: FeedConfig, *, changed: bool) -> list[str]:
        """The ids of members of the feed that are published, do not belong to it, and are not noted to have left."""
        record, member = schema.record, schema.member
        if not (conditions := _conditions(feed)):
            return []
        ever = select(member.c.record_id).where(member.c.path == feed.path, member.c.record_id == record.c.id)
        query = select(record.c.id).where(
            record.c.kind == "article", record.c.withdrawn_at.is_(None), ever.exists(),
            ~_noted(feed.path).exists(), not_(and_(*(_has(name, slugs) for name, slugs in conditions))),
        )  # fmt: skip
        if changed:
            query = query.where(record.c.dirty)
        return self.ids(query)

    def returned(self, feed: FeedConfig, *, changed: bool) -> Select[Any]:
        """The ids of those of what left the feed that belong to it again."""
        return self.candidates(feed, changed=changed).where(_noted(feed.path).exists())

    def ids(self, query: Select[Any]) -> list[str]:
        """The ids that a query finds, in their order."""
        return sorted(self._connection.execute(query).scalars())

    def changed(self, feed: FeedConfig) -> Select[Any]:
        """The ids of articles of which a page that is full already tells otherwise than they are since this refresh.

        They were corrected, came back, or are gone; an article that left the feed earlier does not count.
        """
        record, identity, departure = schema.record, schema.identity, schema.departure
        noted = _noted(feed.path)
        told: ColumnElement[bool] = (
            (identity.c.changed_at == self._now) & record.c.withdrawn_at.is_(None) & ~noted.exists()
        )
        if feed.tombstones:
            withdrawn = (record.c.withdrawn_at == self._now) & ~noted.exists()
            told = or_(told, withdrawn, noted.where(departure.c.at == self._now).exists())
        return (
            select(record.c.id)
            .join(identity, identity.c.id == record.c.id)
            .where(record.c.kind == "article", record.c.dirty, told)
        )

    @staticmethod
    def filter_digest(feed: FeedConfig) -> str:
        """A digest of what decides which articles belong to the feed."""
        return hashlib.sha256(orjson.dumps(_conditions(feed))).hexdigest()[:32]

    def _run(self, query: Select[Any]) -> dict[str, Row[Any]]:
        return {row.id: row for row in self._connection.execute(query)}

    def _newest(self, feed: FeedConfig) -> Select[Any]:
        record, facet = schema.record, schema.facet
        query = select(*_columns())
        conditions = _conditions(feed)
        if not conditions:
            query = query.where(record.c.kind == "article", record.c.withdrawn_at.is_(None))
            return query.order_by(record.c.sort_at.desc(), record.c.id.desc()).limit(feed.limit)
        (name, slugs), *others = conditions
        query = query.join(facet, facet.c.record_id == record.c.id).where(
            record.c.kind == "article", facet.c.name == name, facet.c.slug.in_(slugs), ~facet.c.withdrawn,
            *(_has(other, values) for other, values in others),
        )  # fmt: skip
        if len(slugs) > 1:
            query = query.distinct().order_by(record.c.sort_at.desc(), record.c.id.desc())
        else:
            # In the order of the index, so that the cost is the window's and not the section's.
            query = query.order_by(facet.c.sort_at.desc(), facet.c.record_id.desc())
        return query.limit(feed.limit)

    def _unpaged(self, feed: FeedConfig, paging: Paging) -> Select[Any]:
        """What is on no full page yet."""
        member = schema.member
        return (
            self._live(feed)
            .join(member, member.c.record_id == schema.record.c.id)
            .where(member.c.path == feed.path, member.c.position >= paging.full * paging.size)
        )

    def _corrected(self, feed: FeedConfig) -> Select[Any]:
        identity = schema.identity
        return (
            self._live(feed)
            .add_columns(identity.c.changed_at)
            .join(identity, identity.c.id == schema.record.c.id)
            .where(identity.c.changed_at > self._now - RECENT_SECONDS)
        )

    def _live(self, feed: FeedConfig) -> Select[Any]:
        record = schema.record
        return select(*_columns()).where(
            record.c.kind == "article", record.c.withdrawn_at.is_(None),
            *(_has(name, slugs) for name, slugs in _conditions(feed)),
        )  # fmt: skip

    def _withdrawn(self, feed: FeedConfig, *, events: bool) -> Select[Any]:
        """The withdrawn articles that the feed tells of: the newest ones, as many as it holds."""
        record = schema.record
        query = select(*_columns()).where(
            record.c.kind.in_(("article", "event") if events else ("article",)),
            record.c.withdrawn_at.is_not(None),
            *(_has(name, slugs) for name, slugs in _conditions(feed)),
        )  # fmt: skip
        recent = record.c.withdrawn_at > self._now - RECENT_SECONDS
        number = len(self._connection.execute(query.with_only_columns(record.c.id).where(recent)).all())
        latest = query.order_by(record.c.withdrawn_at.desc(), record.c.id.desc())
        return latest.limit(max(feed.limit, number))

    def _departed(self, feed: FeedConfig) -> Select[Any]:
        """What left the feed although it is published, with the time: as many as `_withdrawn` tells of."""
        record, departure = schema.record, schema.departure
        query = (
            select(
                record.c.id, record.c.entry, departure.c.at.label("withdrawn_at"), record.c.sort_at, departure.c.at,
                departure.c.at.label("updated_at"), literal(0).label("first_seen_at"),
            )
            .join(departure, departure.c.record_id == record.c.id)
            .where(departure.c.path == feed.path)
        )  # fmt: skip
        recent = departure.c.at > self._now - RECENT_SECONDS
        number = len(
            self._connection.execute(
                query.with_only_columns(record.c.id).where(recent).limit(_MOST_LEFT)
            ).all()
        )
        return query.order_by(departure.c.at.desc(), record.c.id.desc()).limit(max(feed.limit, number))

    def _events_alone(self, feed: FeedConfig) -> Select[Any]:
        """The events that have a document of their own."""
        record, mention = schema.record, schema.mention
        own = select(mention.c.event_id).where(
            mention.c.event_id == record.c.id, mention.c.reporter.startswith("document:")
        )
        query = select(*_columns()).where(
            record.c.kind == "event", record.c.withdrawn_at.is_(None), own.exists()
        )
        return query.order_by(record.c.sort_at.desc(), record.c.id.desc()).limit(feed.limit)


def _noted(path: str) -> Select[Any]:
    """The note that a record left the feed at `path`."""
    departure = schema.departure
    return select(departure.c.record_id).where(
        departure.c.path == path, departure.c.record_id == schema.record.c.id
    )


def _columns() -> tuple[ColumnElement[Any], ...]:
    record = schema.record
    return (
        record.c.id, record.c.entry, record.c.withdrawn_at, record.c.sort_at,
        *_times(),
    )  # fmt: skip


def _times() -> tuple[ColumnElement[int], ...]:
    """When a record came into the feeds, and when it was updated: a withdrawn one when it was withdrawn."""
    record, identity = schema.record, schema.identity.alias()
    seen = select(identity.c.first_seen_at).where(identity.c.id == record.c.id).scalar_subquery()
    updated = func.coalesce(record.c.withdrawn_at, record.c.updated_at)
    return (updated.label("updated_at"), func.coalesce(seen, 0).label("first_seen_at"))


def _belongs(conditions: _Conditions) -> ColumnElement[bool]:
    """That one article which meets every condition reports the event, or did until it was withdrawn."""
    record, mention = schema.record, schema.mention
    reporters = select(mention.c.reporter).where(mention.c.event_id == record.c.id)
    for name, slugs in conditions:
        facet = schema.facet.alias()
        reporters = reporters.join(facet, facet.c.record_id == mention.c.reporter).where(
            facet.c.name == name, facet.c.slug.in_(slugs)
        )
    gone = and_(record.c.withdrawn_at.is_not(None), *(_has(name, slugs) for name, slugs in conditions))
    return or_(reporters.exists(), gone)


def _has(name: str, slugs: Sequence[str]) -> ColumnElement[bool]:
    facet = schema.facet.alias()
    return (
        select(facet.c.record_id)
        .where(facet.c.record_id == schema.record.c.id, facet.c.name == name, facet.c.slug.in_(slugs))
        .exists()
    )


def _conditions(feed: FeedConfig) -> _Conditions:
    where = asdict(feed.where)
    return [(name, [facet_slug(name, value) for value in values]) for name, values in where.items() if values]


def _window(
    rows: Sequence[Row[Any]], live: int, due_at: int | None, left: Mapping[str, int] | None = None
) -> Window:
    left = left or {}
    # What was changed after it left is no news to this feed.
    members = tuple((row.id, "left" if row.id in left else row.entry) for row in rows)
    times = (left.get(row.id) or max(row.updated_at, row.first_seen_at) for row in rows)
    return Window(members, max(times, default=None), due_at, live, left)
