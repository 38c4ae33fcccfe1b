"""A person takes an article down, or takes that back: `feedpub withdraw`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, or_, select

from feedpub import decisions, events, pipeline, publication, purging
from feedpub.config import Config, SourceConfig
from feedpub.decisions import Decision
from feedpub.errors import ConfigError
from feedpub.filing import Touch
from feedpub.history import History
from feedpub.removal import Removal
from feedpub.reports import Report
from feedpub.store import STORE_NAME, open_store, schema
from feedpub.store.transaction import Transaction
from feedpub.syndication import release
from feedpub.urls import canonical

_SHOWN = 10
_ARCHIVED = (
    "Archive pages with the text of “{}”: these stay as they are, since readers count on them; the subscription "
    "documents tell that it is gone. `feedpub withdraw --purge` writes them again without it."
)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An article that a person withdrew.

    `headline` is what it was called until then, or None where nothing is left of it. `file` is the
    document that its source holds still, or None if it is no file or not there.
    """

    id: str
    source: str
    place: str
    url: str
    at: datetime
    headline: str | None = None
    reason: str | None = None
    purged: bool = False
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a withdrawal did. `remains` says what is left of the articles' content, where and why."""

    report: Report
    withdrawn: tuple[Withdrawn, ...]
    remains: tuple[str, ...] = ()


def withdraw(
    config: Config,
    articles: Sequence[str],
    *,
    reason: str | None = None,
    purge: bool = False,
    now: datetime | None = None,
) -> Outcome:
    """Withdraw articles, whatever their sources hold, and bring the output up to date at once.

    Args:
        config: the newsroom; its sources are not read.
        articles: each an id, a place, the path of a source file, or the address of a page.
        reason: why, for the newsroom; it is never published.
        purge: let nothing of their content remain in anything that feedpub wrote.
        now: the moment of the decision; None for the present.

    Raises:
        ConfigError: one of them is no article, or several.
        LockedError, StoreError, PublishError: as `pipeline.publish`.
    """
    done: list[Withdrawn] = []
    archived: list[str] = []

    def change(transaction: Transaction, touch: Touch, moment: datetime) -> None:
        at = int(moment.timestamp())
        wanted = [_chosen(transaction.connection, config, article) for article in articles]
        for identifier in dict.fromkeys(wanted):
            before = decisions.decisions(transaction.connection).get(identifier)
            kept = before.reason if before is not None else None
            decision = Decision(
                identifier, at, reason or kept, purge or (before is not None and before.purged)
            )
            done.append(_described(transaction.connection, config, decision))
            _withdraw(transaction, config, decision, touch)
            if not decision.purged and _is_archived(transaction, config, identifier, at):
                archived.append(_ARCHIVED.format(done[-1].headline or identifier))

    report = pipeline.republish(config, change, now=now)
    return Outcome(report, tuple(done), tuple(_remains(config, done, report)) if purge else tuple(archived))


def take_back(config: Config, articles: Sequence[str], *, now: datetime | None = None) -> list[Withdrawn]:
    """Take decisions back: the next refresh publishes what the sources still hold. Returns what was taken back.

    Raises:
        ConfigError: one of them is no article, or was not withdrawn by a person.
        LockedError, StoreError: as `pipeline.publish`.
    """
    at = int((now or datetime.now(UTC)).timestamp())
    with (
        publication.locked(config.state, config.publish.output),
        open_store(config) as store,
        store.transaction() as transaction,
    ):
        done = []
        for article in articles:
            identifier = _chosen(transaction.connection, config, article)
            known = decisions.decisions(transaction.connection).get(identifier)
            if known is None:
                raise ConfigError(
                    f"{article} has not been withdrawn by a person. `feedpub withdraw --list` shows what has.",
                    key=article,
                )
            done.append(_described(transaction.connection, config, known))
            decisions.take_back(transaction, identifier, at=at)
            # Its own document comes back by itself; if that is gone, a copy of it may take its place.
            if not any(transaction.rows(schema.document, "record_id", [identifier])):
                release(transaction, [identifier], at=at)
        return done


def withdrawn(config: Config) -> list[Withdrawn]:
    """Every article that a person withdrew, the earliest first.

    Raises:
        StoreError: the store cannot be opened.
    """
    with open_store(config) as store, store.reading() as connection:
        return [_described(connection, config, known) for known in decisions.decisions(connection).values()]


def _withdraw(transaction: Transaction, config: Config, decision: Decision, touch: Touch) -> None:
    identity = next(iter(transaction.rows(schema.identity, "id", [decision.id])))
    reported = purging.events_of(transaction, decision.id) if decision.purged else []
    decisions.decide(transaction, decision)
    # Copies of it are copies of what is not to be read: they don't take its place.
    removal = Removal(transaction, config, SourceConfig(identity.source), touch, decision.at)
    removal.withdraw([decision.id], (), copies=False)
    events.settle(transaction, touch.events, now=decision.at, timezone=config.site.timezone)
    if decision.purged:
        purging.purge(transaction, config, decision.id, reported, touch)
        transaction.set_meta(pipeline.SCRUB, "due")


def _is_archived(transaction: Transaction, config: Config, identifier: str, at: int) -> bool:
    """Whether the article stands on a full archive page of any feed."""
    history = History(transaction, at)
    for feed in config.feeds:
        if feed.has_archive:
            paging = history.paging(feed.path, feed.limit)
            full = paging.full * paging.size
            if any(position < full for position in history.positions(feed.path, [identifier])):
                return True
    return False


# -- which article is meant


def _chosen(connection: Connection, config: Config, article: str) -> str:
    """The id of the one article that `article` names."""
    identity = schema.identity
    found = sorted(set(_named(connection, config, article)))
    rows = list(connection.execute(select(identity).where(identity.c.id.in_(found)).order_by(identity.c.id)))
    articles = [row for row in rows if row.kind == "article"]
    if len(articles) == 1:
        return str(articles[0].id)
    if articles:
        shown = ", ".join(f"{row.source}:{row.place}" for row in articles[:_SHOWN])
        more = f" and {len(articles) - _SHOWN:,} more" if len(articles) > _SHOWN else ""
        raise ConfigError(
            f"{article} means {len(articles):,} articles. Name one of them: {shown}{more}.", key=article
        )
    if rows:
        raise ConfigError(
            f"{article} is an event. Withdraw the articles that report it, and it goes with them.",
            key=article,
        )
    raise ConfigError(
        f"There is no published article {article!r}: name its id, its place in a source, its file, or the address "
        "of its page.",
        key=article,
    )


def _named(connection: Connection, config: Config, article: str) -> Iterator[str]:
    identity, redirect, record = schema.identity, schema.redirect, schema.record
    address = article.partition("#")[0].removeprefix(config.site.url)
    stem = address.removesuffix(".html").removesuffix(".jsonld")
    stated = select(identity.c.id).where(or_(identity.c.id == article, identity.c.stem == stem))
    yield from connection.execute(stated).scalars()
    yield from connection.execute(select(redirect.c.id).where(redirect.c.path == stem)).scalars()
    if "://" in article:
        at_url = select(record.c.id).where(record.c.url_key == canonical(article))
        yield from connection.execute(at_url).scalars()
    for source, place in _places(config, article):
        yield from _standing_at(connection, source, place)


def _places(config: Config, article: str) -> Iterator[tuple[str, str]]:
    """The places that `article` may stand for, each with its source's name."""
    name, _, rest = article.partition(":")
    yield from ((source.name, rest) for source in config.sources if source.name == name)
    yield from ((source.name, article) for source in config.sources)
    # Not resolve(): the file may itself be a link, or not be there any more.
    path = Path(os.path.abspath(article))  # noqa: PTH100
    for source in config.sources:
        if source.path is not None and path.is_relative_to(source.path):
            yield source.name, path.relative_to(source.path).as_posix()


def _standing_at(connection: Connection, source: str, place: str) -> Iterator[str]:
    document, identity = schema.document, schema.identity
    here = select(document.c.record_id).where(
        document.c.source == source, document.c.record_id.is_not(None),
        or_(document.c.place == place, document.c.container == place),
    )  # fmt: skip
    found = list(connection.execute(here).scalars())
    if not found:  # its source does not hold it any more
        was = select(identity.c.id).where(
            identity.c.source == source, identity.c.place == place, identity.c.kind == "article"
        )
        found = list(connection.execute(was).scalars())
    yield from found


# -- what is said of it


def _described(connection: Connection, config: Config, decision: Decision) -> Withdrawn:
    identity, record = schema.identity, schema.record
    query = (
        select(identity.c.source, identity.c.place, identity.c.stem, record.c.data, record.c.url_key)
        .outerjoin(record, record.c.id == identity.c.id)
        .where(identity.c.id == decision.id)
    )
    row = connection.execute(query).one()
    data: dict[str, Any] = orjson.loads(row.data or b"{}")
    return Withdrawn(
        decision.id, row.source, row.place,
        data.get("url") or row.url_key or f"{config.site.url}{row.stem}.html",
        datetime.fromtimestamp(decision.at, UTC), data.get("headline"), decision.reason, decision.purged,
        _file(config, row.source, row.place),
    )  # fmt: skip


def _file(config: Config, source: str, place: str) -> Path | None:
    for known in config.sources:
        if known.name == source and known.path is not None:
            path = known.path / place.partition("#")[0]
            return path if path.is_file() else None
    return None


def _remains(config: Config, purged: Iterable[Withdrawn], report: Report) -> Iterator[str]:
    """What is left of purged articles, and why."""
    if report.failures:
        yield "Files that were not published anew, for the reasons told, and may hold it: each refresh tries again."
    for one in purged:
        if one.file is not None:
            yield f"{one.file}: its source, which feedpub never changes. Delete it there."
    yield (
        "The addresses of its page and its events, in which words of the headline may stand: they answer "
        "410 Gone, so that search engines and readers forget it, and manifests and the changes feed name them."
    )
    yield (
        "Its id, the name of its file, its times, its sections and digests of its text, in the store and the ledger, so "
        "that subscribers are told that it is gone and it is recognised if it comes again."
    )
    for path in _set_aside(config.state):
        yield f"{path}: a store set aside by `feedpub publish --rebuild`, which may hold it. Delete it."
    yield (
        "Copies outside of feedpub: backups of the output and of the state folder, what subscribers and search engines "
        "have fetched already, and what the disk keeps of deleted files."
    )


def _set_aside(state: Path) -> list[Path]:
    beside = {STORE_NAME, f"{STORE_NAME}-wal", f"{STORE_NAME}-shm"}
    return sorted(path for path in state.glob(f"{STORE_NAME}*") if path.name not in beside)
