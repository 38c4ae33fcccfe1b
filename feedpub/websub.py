"""WebSub: hubs are told which feeds changed, once the new files can be read, and again until they have heard.

    refresh ─ note: which feeds changed, in the store with it ─ files into place ─ deliver: one POST each

WebSub (https://www.w3.org/TR/websub/, section 6) leaves to hub and publisher how they speak. Hubs
understand what came from PubSubHubbub 0.4, section 7.1: a form with `hub.mode=publish` and the
feed's address as `hub.url`; some read it from `hub.topic`, so both are sent.
"""

from __future__ import annotations

import contextlib
import email.utils
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from feedpub import __version__, plugins, publication
from feedpub.config import Config
from feedpub.errors import LockedError
from feedpub.logs import fields, told
from feedpub.store import Store, schema
from feedpub.store.transaction import Transaction

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("feedpub.websub")

FORMATS = ("rss", "atom", "jsonfeed")
"""The formats that name hubs."""
TIMEOUT_SECONDS = 10.0
"""For each part of an exchange: connecting, sending, the answer's first line."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 15, 3600
GIVE_UP_SECONDS = 86_400
"""How long a hub is told again. Its subscribers find the change by polling, too."""
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the pings that were due: remarks for the report, and when the next one is due."""

    notices: tuple[str, ...] = ()
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Ping:
    hub: str
    topic: str
    since: int
    attempts: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """`failure` is None if the hub has heard, `retry_after` in seconds if it says when to come again."""

    failure: str | None = None
    retry_after: int | None = None
    final: bool = False


def note(transaction: Transaction, config: Config, written: Iterable[str], now: int) -> None:
    """Note for every hub which feeds it must hear of: those whose subscription documents are written now.

    Args:
        transaction: of the refresh that writes them.
        config: the newsroom.
        written: paths in the output.
        now: whole seconds since 1970.
    """
    names = {plugins.format(name, config.site).filename for name in FORMATS}
    changed = [
        path for path in written
        if path.rpartition("/")[2] in names and not path.startswith("archives/")
    ]  # fmt: skip
    for hub in dict.fromkeys(config.publish.hubs):
        for path in changed:
            row = {
                "hub": hub,
                "topic": f"{config.site.url}{path}",
                "since": now,
                "attempts": 0,
                "due_at": now,
            }
            transaction.put(schema.ping, row)


def deliver(store: Store, config: Config, now: datetime) -> Delivery:
    """Tell the hubs what is due; never raises for a hub's sake, nor if another publisher is at work.

    Nothing is locked meanwhile: a hub may be slow.
    """
    at = int(now.timestamp())
    with store.reading() as connection:
        ping = schema.ping
        rows = connection.execute(
            select(ping).where(ping.c.due_at <= at).order_by(ping.c.hub, ping.c.topic)
        ).all()
    due = [_Ping(row.hub, row.topic, row.since, row.attempts) for row in rows]
    known = set(config.publish.hubs)
    dropped = [one for one in due if one.hub not in known]
    due = [one for one in due if one.hub in known]
    answers = _tell(due, config) if due else []
    notices = []
    with (
        contextlib.suppress(LockedError),  # whoever holds the lock tells them once more: no harm
        publication.locked(config.state, config.publish.output),
        store.transaction() as transaction,
    ):
        for one in dropped:
            _forget(transaction, one)
        for one, answer in zip(due, answers, strict=True):
            notices += _noted(transaction, one, answer, at)
    return Delivery(tuple(notices), _next(store))


def _next(store: Store) -> datetime | None:
    with store.reading() as connection:
        due = connection.execute(select(func.min(schema.ping.c.due_at))).scalar()
    return datetime.fromtimestamp(due, UTC) if due is not None else None


def _tell(pings: Sequence[_Ping], config: Config) -> list[_Answer]:
    import httpx

    agent = f"feedpub/{__version__} (+{config.site.url})"
    with (
        # A redirected POST would become a GET: a hub that moved is an error to be mended.
        httpx.Client(
            timeout=TIMEOUT_SECONDS, headers={"User-Agent": agent}, follow_redirects=False
        ) as client,
        ThreadPoolExecutor(min(AT_ONCE, len(pings))) as pool,
    ):
        return list(pool.map(lambda one: _post(client, one), pings))


def _post(client: httpx.Client, ping: _Ping) -> _Answer:
    form = {"hub.mode": "publish", "hub.url": ping.topic, "hub.topic": ping.topic}
    try:
        with client.stream("POST", ping.hub, data=form) as response:  # the body is of no use, however long
            status, reason = response.status_code, response.reason_phrase
            wait = _seconds(response.headers.get("retry-after"))
    except Exception as error:  # httpx, h11, the resolver and the operating system each have their own
        return _Answer(told(error))
    if 200 <= status < 300:
        return _Answer()
    # It has understood and declines; 408, 425 and 429 ask to come again.
    final = 300 <= status < 500 and status not in (408, 425, 429)
    return _Answer(f"it answered {status} {reason}".rstrip(), wait, final=final)


def _seconds(value: str | None) -> int | None:
    """Retry-After (RFC 9110, section 10.2.3), at most as long as a hub is told at all."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), GIVE_UP_SECONDS)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        when = email.utils.parsedate_to_datetime(value)
        return min(max(0, int((when - datetime.now(UTC)).total_seconds())), GIVE_UP_SECONDS)
    return None


def _noted(transaction: Transaction, ping: _Ping, answer: _Answer, at: int) -> list[str]:
    """Note the outcome in the store; returns remarks for the report."""
    seen = {"hub": ping.hub, "topic": ping.topic, "attempts": ping.attempts + 1}
    if answer.failure is None:
        log.info("hub told  %s", fields(**seen))
        _forget(transaction, ping)
        return []
    wait = min(FIRST_RETRY_SECONDS * 2 ** min(ping.attempts, 20), LONGEST_RETRY_SECONDS)
    wait = max(wait, answer.retry_after or 0)
    if answer.final or at + wait > ping.since + GIVE_UP_SECONDS:
        log.error("hub not told  %s", fields(**seen, error=answer.failure))
        _forget(transaction, ping)
        return [
            f"The hub {ping.hub} was not told that {ping.topic} changed: {answer.failure}. It is not told "
            "again of this change; correct publish.hubs in feedpub.toml if the hub has moved."
        ]
    log.warning("hub told again later  %s", fields(**seen, seconds=wait, error=answer.failure))
    table = schema.ping
    transaction.connection.execute(
        update(table).where(*_same(ping)).values(attempts=ping.attempts + 1, due_at=at + wait)
    )
    return [
        f"The hub {ping.hub} could not be told that {ping.topic} changed: {answer.failure}. "
        f"It is told again after {wait} seconds."
    ]


def _forget(transaction: Transaction, ping: _Ping) -> None:
    transaction.connection.execute(delete(schema.ping).where(*_same(ping)))


def _same(ping: _Ping) -> tuple[Any, ...]:
    """Meant is that row, unless the feed changed again meanwhile."""
    table = schema.ping
    return table.c.hub == ping.hub, table.c.topic == ping.topic, table.c.since == ping.since
