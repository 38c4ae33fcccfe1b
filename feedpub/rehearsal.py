"""What stands in the store of one document, and what the next refresh would put there: nothing is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, create_engine

from feedpub import __version__, events, records, validation
from feedpub.config import Config, SourceConfig
from feedpub.decisions import Decision, decisions
from feedpub.filing import document_reporter, event_records, look_up
from feedpub.identity import Holds, Identities
from feedpub.locating import located
from feedpub.models import EventMention, Origin, Problem, Record
from feedpub.preparation import Prepared, left_out, source_settings
from feedpub.sources import Changed
from feedpub.store import iso, open_store, schema
from feedpub.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Planned:
    """What the next refresh would publish of one document, and what is wrong with the events among it."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    """A row of the table of mentions that is not in the store yet."""

    reporter: str
    main: bool
    data: bytes
    origins: bytes


class _Unwritten(Transaction):
    """A transaction that looks things up, and forgets what it is told to write."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, table: Any, values: Mapping[str, Any]) -> None:
        """Write nothing."""

    def flush(self) -> None:
        """Write nothing."""

    def log(self, **line: Any) -> None:
        """Write nothing."""


class Rehearsal:
    """Looks documents of one source up in a store, and rehearses what a refresh would do with them."""

    def __init__(self, connection: Connection, config: Config, source: SourceConfig) -> None:
        self._tx = _Unwritten(connection)
        self._config = config
        self._source = source

    def row(self, place: str) -> Any:
        """The store's row on the document at `place`, or None."""
        return self._tx.documents(self._source.name, [place]).get(place)

    def is_current(self, change: Changed) -> bool:
        """Whether what is published of the document comes from these very bytes and this configuration."""
        row = self.row(change.document.place)
        if row is None or row.state != "published" or row.digest != change.digest:
            return False
        settings = source_settings(self._config, self._source, __version__)
        sources = self._tx.rows(schema.source, "name", [self._source.name])
        return any(known.settings == settings for known in sources)

    def summary(self, place: str) -> dict[str, Any] | None:
        """Id, addresses and times of what is or was published of the document at `place`; None if nothing is or was.

        Of an article that waits, nothing is.
        """
        row = self.row(place)
        ids = [row.record_id] if row is not None and row.record_id else []
        identities = self._tx.by_key(schema.identity, "id", ids)
        for record in self._tx.rows(schema.record, "id", ids):
            if record.withdrawn_at is None and not record.entry:
                return None
            identity = identities[record.id]
            return {
                "id": record.id,
                "url": orjson.loads(record.data).get("url"),
                "record": f"{self._config.site.url}{identity.stem}.jsonld",
                "first_seen_at": iso(identity.first_seen_at),
                "updated_at": iso(record.updated_at),
                "withdrawn_at": iso(record.withdrawn_at),
            }
        return None

    def decision(self, published: Mapping[str, Any] | None) -> Decision | None:
        """A person's decision that withdrew what `summary` tells of, or None."""
        return decisions(self._tx.connection).get(published["id"]) if published is not None else None

    def held(self, change: Changed) -> tuple[Problem, ...]:
        """Why the last refresh held these very bytes back; () if it did not."""
        place = change.document.place
        row = self.row(place)
        if row is None or row.state != "held" or row.digest != change.digest:
            return ()
        rows = self._tx.rows(schema.held, "place", [place], schema.held.c.source == self._source.name)
        return tuple(Problem(**problem) for held in rows for problem in orjson.loads(held.problems))

    def published(self, place: str) -> tuple[Record, ...]:
        """The records published of the document at `place`: the article and its events, or its events."""
        row = self.row(place)
        if row is None or not row.record_id:
            return ()
        reporters = [row.record_id, document_reporter(self._source.name, place)]
        reported = [mention.event_id for mention in self._tx.rows(schema.mention, "reporter", reporters)]
        live = schema.record.c.withdrawn_at.is_(None)
        rows = self._tx.by_key(schema.record, "id", [row.record_id, *reported], live)
        first = [row.record_id] if row.record_id in rows else []
        order = [*first, *_referred(orjson.loads(rows[first[0]].data) if first else {}), *sorted(rows)]
        return tuple(_record(rows[identifier]) for identifier in dict.fromkeys(order) if identifier in rows)

    def planned(self, change: Changed, found: Prepared, holds: Holds) -> Planned:
        """What a refresh would publish of a document now, under the ids that it would give.

        `holds` says whether a source still has a document at a place.
        """
        name, site = self._source.name, self._config.site
        place = change.document.place
        row = self.row(place)
        ids = Identities(self._tx, key=site.key, source=name, now=0, holds=holds)
        look_up(ids, name, {place: found}, {place: row} if row is not None else {}, [change.digest])
        if found.article is None:
            reporter = document_reporter(name, place)
            given = ids.of_events(found.events, reporter, place, own=True)
            built = event_records(found.events, given, reporter, site, own=True)
            valid, problems = _valid(found.events, built, change)
            return Planned(tuple(self._merged(record, reporter, event) for event, record in valid), problems)
        article = found.article
        known = row.record_id if row is not None else None
        identity = ids.of_article(place, change.digest, article, known, content=found.content)
        given = ids.of_events(article.events, identity.id, place, own=False)
        built = event_records(article.events, given, identity.id, site, own=False)
        valid, problems = _valid(article.events, built, change)
        taken = {record.id for _, record in valid}
        own = records.build_article(
            article, id=identity.id, url=article.url or f"{site.url}{identity.stem}.html", site=site,
            event_ids=[record.id if record.id in taken else None for record in built],
        )  # fmt: skip
        merged = [self._merged(record, identity.id, event) for event, record in valid]
        advice = tuple(replace(problem, severity="advice") for problem in problems)
        return Planned((own, *{record.id: record for record in merged}.values()), advice)

    def _merged(self, record: Record, reporter: str, event: EventMention) -> Record:
        """The event as it would stand after all that other documents report of it is merged in."""
        others = [
            row for row in self._tx.rows(schema.mention, "event_id", [record.id]) if row.reporter != reporter
        ]
        own = _Mention(reporter, event.main, orjson.dumps(record.data), orjson.dumps(record.origins))
        data, origins = events.combined([own, *others])
        return Record(record.id, data["@type"], data, _origins(origins))


@contextlib.contextmanager
def opened(config: Config, source: SourceConfig | None) -> Iterator[Rehearsal]:
    """A rehearsal with the newsroom's store; with an empty one where there is none or `source` is not its own.

    Raises:
        StoreError: the store cannot be opened.
    """
    own = source is not None and source in config.sources
    if own and source is not None and (config.state / "store.sqlite3").exists():
        with open_store(config) as store, store.reading() as connection:
            yield Rehearsal(connection, config, source)
        return
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            schema.migrate(connection)
            yield Rehearsal(connection, config, source or SourceConfig(name="articles"))
    finally:
        engine.dispose()


def _valid(
    mentions: Sequence[EventMention], built: Sequence[Record], change: Changed
) -> tuple[list[tuple[EventMention, Record]], tuple[Problem, ...]]:
    valid: list[tuple[EventMention, Record]] = []
    problems: list[Problem] = []
    for event, record in zip(mentions, built, strict=True):
        wrong = located(validation.validate(record.data), record.origins, change.document)
        problems += (left_out(problem, event.name) for problem in wrong)
        if not wrong:
            valid.append((event, record))
    if not valid:
        problems = [replace(problem, severity="error") for problem in problems]
    return valid, tuple(problems)


def _referred(article: Mapping[str, Any]) -> list[str]:
    nodes = [*article.get("about", ()), *article.get("mentions", ())]
    return [node["@id"] for node in nodes]


def _record(row: Any) -> Record:
    return Record(row.id, row.type, orjson.loads(row.data), _origins(orjson.loads(row.origins or b"{}")))


def _origins(stored: Mapping[str, Any]) -> dict[str, Origin]:
    return {pointer: Origin(**origin) for pointer, origin in stored.items()}
