"""What subscribers would see if everything were published now: a refresh that is rehearsed and taken back."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from feedpub import events, feedfiles, pipeline, publication
from feedpub.catalogue import Catalogue
from feedpub.config import Config, FeedConfig, SourceConfig
from feedpub.filing import Touch
from feedpub.history import History
from feedpub.reports import SourceReport
from feedpub.store import LEDGER_NAME, STORE_NAME, open_store, schema
from feedpub.store.transaction import Transaction
from feedpub.windows import Windows
from feedpub.workers import Workers

_CHUNK = 500
_NOTHING_KNOWN = "No store knows what was published, so that everything counts as new."
_ALL_ANEW = (
    "feedpub or the configuration has changed since the last refresh: every file will be written anew."
)

State = dict[str, tuple[str, int]]
"""Published records by id: the digest of what each says, and when it was updated."""
Shown = dict[tuple[str, str], State]
"""What stands in the subscription documents, by feed and format."""


@dataclass(frozen=True, slots=True)
class Item:
    """One article or event. `stopped` says that the accident guard would not let this change pass."""

    id: str
    headline: str
    url: str | None
    source: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class FeedDiff:
    """What changes for the subscribers of one feed in one format.

    `gone` is what is withdrawn or does not belong to the feed any more; what only makes room for
    newer items, or comes back as there is room again, is not listed.
    """

    path: str
    title: str
    format: str
    file: str
    new: tuple[Item, ...] = ()
    updated: tuple[Item, ...] = ()
    gone: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """The feeds in which something changes, what each source would bring, and remarks."""

    feeds: tuple[FeedDiff, ...]
    sources: tuple[SourceReport, ...]
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a source cannot be read, or the accident guard would stop it."""
        return any(source.failure for source in self.sources)


def diff(
    config: Config,
    *,
    now: datetime | None = None,
    only: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Diff:
    """What the next refresh would change for subscribers; nothing is written.

    Args:
        config: the newsroom.
        now: the moment for which to look; None for the present.
        only: names of the sources to read; None for all.
        progress: called with the number of documents dealt with since the last call.

    Raises:
        LockedError, StoreError, PublishError: as `pipeline.publish`.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    sources = pipeline.chosen(config, only)
    with _opened(config) as (transaction, notices):
        comparison = _Comparison(transaction, config, moment)
        found = comparison.run(sources, progress or (lambda _: None))
        return replace(found, notices=(*config.notices, *notices, *found.notices))


@contextlib.contextmanager
def _opened(config: Config) -> Iterator[tuple[Transaction, list[str]]]:
    """The newsroom's store; where there is none, a passing one beside a copy of the ledger."""
    with contextlib.ExitStack() as stack:
        if (config.state / STORE_NAME).exists():
            stack.enter_context(publication.locked(config.state, config.publish.output))
        else:
            passing = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feedpub-")))
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(config.state / LEDGER_NAME, passing)
            config = replace(config, state=passing)
        store = stack.enter_context(open_store(config))
        yield stack.enter_context(store.transaction()), store.notices


class _Comparison:
    """What stands in the feeds before and after a refresh at `now`."""

    def __init__(self, transaction: Transaction, config: Config, now: datetime) -> None:
        self._tx = transaction
        self._config = config
        self._now = now
        self._at = int(now.timestamp())
        self._catalogue = Catalogue(transaction, config)
        self._history = History(transaction, self._at)
        self._windows = Windows(transaction.connection, self._at)

    def run(self, sources: Sequence[SourceConfig], progress: Callable[[int], None]) -> Diff:
        known = self._tx.get_meta("renderers")
        notices = [_NOTHING_KNOWN] if known is None else []
        if known not in (None, "", self._catalogue.renderers_digest()):
            notices.append(_ALL_ANEW)
        with self._tx.rehearsal():
            feeds = {feed.path: feed for feed in self._catalogue.published()} if known is not None else {}
            before = self._shown(feeds.values())
            with self._tx.rehearsal():
                reports, touch = self._refresh(sources, progress)
                for feed in (*self._config.feeds, *self._touched(touch)):
                    feeds.setdefault(feed.path, feed)
                after = self._shown(feeds.values())
                stay = self._belonging(feeds, before, after)
                items = self._items(after, before)
            were_there = self._belonging(feeds, after, before)
            items = {**self._items(before, after), **items}
        stopped = {report.name for report in reports if report.stopped}
        items = {key: replace(item, stopped=item.source in stopped) for key, item in items.items()}
        found = []
        for key in after:
            old, new = before.get(key, {}), after[key]
            came = [i for i in new if i not in old and i not in were_there.get(key, ())]
            changed = [i for i in new if i in old and old[i] != new[i]]
            went = [i for i in old if i not in new and i not in stay.get(key, ())]
            if came or changed or went:
                lists = [tuple(items[i] for i in ids) for ids in (came, changed, went)]
                found.append(self._feed(feeds[key[0]], key[1], *lists))
        return Diff(tuple(found), tuple(reports), tuple(notices))

    def _feed(self, feed: FeedConfig, name: str, *lists: tuple[Item, ...]) -> FeedDiff:
        channel = self._catalogue.channel(feed)
        file = channel.path_of(self._catalogue.format(name).filename)
        return FeedDiff(feed.path, channel.title, name, file, *lists)

    def _refresh(
        self, sources: Sequence[SourceConfig], progress: Callable[[int], None]
    ) -> tuple[list[SourceReport], Touch]:
        """A refresh up to where files would be made; what the guard stops is looked at all the same."""
        touch = Touch()
        with Workers() as workers:

            def take_in(some: Sequence[SourceConfig], *, yes: bool) -> list[SourceReport]:
                return pipeline.take_in(
                    self._tx,
                    self._config,
                    some,
                    touch,
                    self._now,
                    workers=workers,
                    yes=yes,
                    progress=progress,
                )

            reports = take_in(sources, yes=False)
            stopped = {report.name for report in reports if report.stopped}
            if stopped:
                take_in([source for source in sources if source.name in stopped], yes=True)
        events.settle(self._tx, touch.events, now=self._at, timezone=self._config.site.timezone)
        self._tx.flush()
        feedfiles.join(self._tx, self._config, self._history, self._windows)
        return reports, touch

    def _touched(self, touch: Touch) -> Iterator[FeedConfig]:
        for name, slug in sorted(touch.facets):
            feed = self._catalogue.automatic(name, slug)
            if feed is not None:
                yield feed

    # -- what is shown

    def _shown(self, feeds: Iterable[FeedConfig]) -> Shown:
        windows = {}
        for feed in feeds:
            paging = self._history.paging(feed.path, feed.limit) if feed.has_archive else None
            formats = [self._catalogue.format(name) for name in feed.formats]
            for name, window in self._windows.of(feed, formats, paging).items():
                windows[feed.path, name] = window.ids
        live = self._live({identifier for ids in windows.values() for identifier in ids})
        return {key: {i: live[i] for i in ids if i in live} for key, ids in windows.items()}

    def _live(self, ids: Iterable[str]) -> State:
        record = schema.record
        query = select(record.c.id, record.c.digest, record.c.updated_at).where(
            record.c.id.in_(bindparam("wanted", expanding=True)), record.c.withdrawn_at.is_(None)
        )
        wanted = sorted(ids)
        found: State = {}
        for start in range(0, len(wanted), _CHUNK):
            rows = self._tx.connection.execute(query, {"wanted": wanted[start : start + _CHUNK]})
            found |= {row.id: (row.digest, row.updated_at) for row in rows}
        return found

    def _belonging(
        self, feeds: Mapping[str, FeedConfig], some: Shown, others: Shown
    ) -> dict[tuple[str, str], set[str]]:
        """Of what stands in `some` documents and not in the `others`: what belongs to its feed now, shown or not."""
        found = {}
        for key, state in some.items():
            missing = [identifier for identifier in state if identifier not in others.get(key, {})]
            if missing:
                found[key] = self._windows.belonging(feeds[key[0]], missing)
        return found

    def _items(self, some: Shown, others: Shown) -> dict[str, Item]:
        """What stands otherwise in `some` documents than in the `others`."""
        ids = {
            i
            for key, state in some.items()
            for i, said in state.items()
            if others.get(key, {}).get(i) != said
        }
        return {row.id: _item(row) for row in self._tx.rows(schema.record, "id", sorted(ids))}


def _item(row: Any) -> Item:
    data = orjson.loads(row.data)
    return Item(row.id, data.get("headline") or data.get("name") or row.id, data.get("url"), row.source)
