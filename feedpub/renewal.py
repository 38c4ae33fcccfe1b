"""Feeds with a timer of their own (`[feeds.NAME] every`): when each is renewed, and what it holds until then.

Between two renewals nothing new comes into such a feed. What it holds stays true all the same: a
corrected article is corrected, and one that was withdrawn is gone at once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from feedpub.config import Config, FeedConfig
from feedpub.store import schema
from feedpub.store.transaction import Transaction

_KEY = "renewed:"


@dataclass(frozen=True, slots=True)
class Renewal:
    """The last renewal of one feed, at `at` in whole seconds since 1970.

    `ids` are what it has held since, by the name of the format, `page` is the newest archive page
    then, and `terms` what decided what belonged to it.
    """

    at: int
    terms: str
    ids: dict[str, list[str]]
    page: int | None = None


def standing(transaction: Transaction, feed: FeedConfig, now: int) -> Renewal | None:
    """The renewal that a feed keeps to at `now`; None if it is to be renewed, or has no timer of its own."""
    if feed.every is None:
        return None
    found = _read(transaction.get_meta(_KEY + feed.path))
    if found is None or found.terms != _terms(feed) or not set(feed.formats) <= found.ids.keys():
        return None
    is_due = now < found.at or feed.every.next_after(_time(found.at)) <= _time(now)
    return None if is_due else found


def keep(
    transaction: Transaction, feed: FeedConfig, now: int, ids: dict[str, list[str]], page: int | None
) -> None:
    """Note that a feed was renewed at `now`, if it has a timer of its own."""
    if feed.every is None:
        return
    before = _read(transaction.get_meta(_KEY + feed.path))
    # On the grid of the earlier ones, so that a renewal that came late makes no other late.
    at = int(feed.every.latest(_time(before.at), _time(now)).timestamp()) if before else now
    transaction.set_meta(
        _KEY + feed.path, orjson.dumps(asdict(Renewal(at, _terms(feed), ids, page))).decode()
    )


def next_renewals(connection: Connection, config: Config) -> dict[str, datetime]:
    """When each feed with a timer of its own is renewed next, by its path; one never renewed is not in it."""
    own = {_KEY + feed.path: feed for feed in config.feeds if feed.every is not None}
    query = select(schema.meta).where(schema.meta.c.key.in_(own))
    found = {}
    for row in connection.execute(query) if own else ():
        renewal, feed = _read(row.value), own[row.key]
        if renewal is not None and feed.every is not None:
            found[feed.path] = feed.every.next_after(_time(renewal.at))
    return found


def forget_others(transaction: Transaction, config: Config) -> None:
    """Forget the renewals of feeds that have no timer of their own any more."""
    own = {_KEY + feed.path for feed in config.feeds if feed.every is not None}
    meta = schema.meta
    for key in transaction.connection.execute(
        select(meta.c.key).where(meta.c.key.startswith(_KEY))
    ).scalars():
        if key not in own:
            transaction.connection.execute(meta.delete().where(meta.c.key == key))


def _terms(feed: FeedConfig) -> str:
    """What decides which articles a feed holds, besides the articles."""
    said: list[Any] = [asdict(feed.where), feed.limit, feed.has_archive, feed.event_days, feed.every]
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def _read(value: str | None) -> Renewal | None:
    return Renewal(**orjson.loads(value)) if value else None


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
