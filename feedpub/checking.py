"""The same mapping and validation as publishing, with nothing written: `feedpub check` and `explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from feedpub import library, plugins, validation
from feedpub.config import Config, SourceConfig
from feedpub.errors import ConfigError
from feedpub.extraction import ExtractSettings, encoding, extract
from feedpub.models import Document, Extraction, Origin, Problem, Record
from feedpub.records import build_event
from feedpub.sources import Changed, Seen, Unreadable
from feedpub.timing import timing
from feedpub.urls import named_uuid

Outcome = Literal["ok", "draft", "waiting", "expired", "held"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One document as publishing would take it. `state` "held" means that an error holds it back."""

    place: str
    source: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    state: Outcome


@dataclass(frozen=True, slots=True)
class Explanation:
    """A document's records, each fact with its origin, and what is published of it now (or None)."""

    place: str
    source: str
    document_text: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    published: dict[str, Any] | None


class _Nothing:
    """The state of a source that was never read: everything in it is new."""

    def listed(self) -> Iterator[Seen]:
        return iter(())

    def find(self, place: str) -> Seen | None:
        return None

    def items(self, container: str) -> Iterator[Seen]:
        return iter(())


def check(config: Config, paths: Sequence[Path], *, now: datetime | None = None) -> Iterator[Checked]:
    """Every document at `paths` (files or folders; none: all sources), mapped and validated.

    Raises:
        ConfigError: a path does not exist.
        SourceError: a folder cannot be read.
    """
    moment = now or datetime.now(UTC)
    seen: dict[str, str] = {}
    for source, place in _places(config, paths):
        for change in plugins.source(source).changes(_Nothing(), moment):
            if isinstance(change, Unreadable) and _wanted(change.place, place):
                yield Checked(change.place, source.name, (), (change.problem,), "held")
            elif isinstance(change, Changed) and _wanted(change.document.place, place):
                yield _distinct(_checked(config, source, change.document, moment), seen)


def explain(config: Config, article: str, *, now: datetime | None = None) -> Explanation:
    """Where each fact of one article comes from.

    Args:
        config: the newsroom.
        article: a path, a place in a source, an id, or the address under which it is published.
        now: the moment at which to judge drafts and embargoes.

    Raises:
        ConfigError: there is no such article.
    """
    moment = now or datetime.now(UTC)
    for source, place in _candidates(config, article):
        for change in plugins.source(source).changes(_Nothing(), moment):
            if isinstance(change, Unreadable) and change.place == place:
                return Explanation(
                    place, source.name, "", (), (change.problem,), _published(config, source, place)
                )
            if isinstance(change, Changed) and _wanted(change.document.place, place):
                found = _checked(config, source, change.document, moment)
                decoded = encoding.decode(change.document.data, change.document.encoding)
                published = _published(config, source, found.place)
                return Explanation(
                    found.place,
                    source.name,
                    decoded.text,
                    _addressed(found.records, config, published),
                    found.problems,
                    published,
                )
    raise ConfigError(
        f"There is no article {article!r}: name a file, its place in a source (as `feedpub quarantine` shows it), "
        "an id, or the address under which it is published.",
        key=article,
    )


def _wanted(found: str, place: str | None) -> bool:
    return place is None or found == place or found.startswith(f"{place}#")


def _places(config: Config, paths: Sequence[Path]) -> Iterator[tuple[SourceConfig, str | None]]:
    """Sources narrowed to what `paths` name, each with the one place wanted in it, or None for all."""
    if not paths:
        yield from ((source, None) for source in config.sources)
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path}: there is no such file or folder.", key=str(path))
        whole = path.resolve()
        source = next((s for s in config.sources if s.path and whole.is_relative_to(s.path.resolve())), None)
        if source is None or source.path is None:
            folder = whole if whole.is_dir() else whole.parent
            source = SourceConfig(
                name="articles", path=folder, include=() if whole.is_dir() else (_exactly(whole.name),)
            )
            yield source, None if whole.is_dir() else whole.name
            continue
        place = whole.relative_to(source.path.resolve()).as_posix()
        if whole.is_file():
            yield replace(source, include=(_exactly(place),)), place
        else:
            inside = () if place == "." else (f"{_exactly(place)}/**",)
            yield replace(source, include=inside or source.include), None


def _exactly(name: str) -> str:
    """A pattern that only this name matches."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _candidates(config: Config, article: str) -> Iterator[tuple[SourceConfig, str]]:
    if Path(article).is_file():
        yield from ((source, place or "") for source, place in _places(config, [Path(article)]))
        return
    name, _, rest = article.partition(":")
    by_name = {source.name: source for source in config.sources}
    places = [(by_name[name], rest)] if name in by_name else []
    places += [(by_name[source], place) for source, place in _stored(config, article) if source in by_name]
    places += [(source, article) for source in config.sources]
    for source, place in places:
        file = place.partition("#")[0]
        if source.path is not None and file and (source.path / file).is_file():
            yield replace(source, include=(_exactly(file),)), place


def _stored(config: Config, article: str) -> list[tuple[str, str]]:
    """Where the document stands whose record has this id or address."""
    from feedpub.urls import canonical

    if not (config.state / "store.sqlite3").exists():
        return []
    from sqlalchemy import or_, select

    from feedpub.store import open_store, schema

    identity, record = schema.identity, schema.record
    stem = article.removeprefix(config.site.url).removesuffix(".html").removesuffix(".jsonld")
    query = (
        select(identity.c.source, identity.c.place)
        .outerjoin(record, record.c.id == identity.c.id)
        .where(or_(identity.c.id == article, identity.c.stem == stem, record.c.url_key == canonical(article)))
    )
    with open_store(config) as store, store.reading() as connection:
        return [(row.source, row.place) for row in connection.execute(query)]


def _published(config: Config, source: SourceConfig, place: str) -> dict[str, Any] | None:
    """What is published of one document now."""
    if not (config.state / "store.sqlite3").exists():
        return None
    from sqlalchemy import select

    from feedpub.store import iso, open_store, schema

    document, record, identity = schema.document, schema.record, schema.identity
    query = (
        select(record, identity.c.first_seen_at, identity.c.stem)
        .join(document, document.c.record_id == record.c.id)
        .join(identity, identity.c.id == record.c.id)
        .where(document.c.source == source.name, document.c.place == place)
    )
    with open_store(config) as store, store.reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return {
        "id": row.id,
        "url": orjson.loads(row.data).get("url"),
        "record": f"{config.site.url}{row.stem}.jsonld",
        "first_seen_at": iso(row.first_seen_at),
        "updated_at": iso(row.updated_at),
        "withdrawn_at": iso(row.withdrawn_at),
    }


def _checked(config: Config, source: SourceConfig, document: Document, now: datetime) -> Checked:
    found = extract(document, ExtractSettings.of(config, source))
    if found.refused or (found.article is None and not found.events):
        return Checked(document.place, source.name, (), found.problems, "held")
    records = _records(config, source, document, found)
    problems = list(found.problems)
    for record in records:
        problems += (replace(problem, place=document.place) for problem in validation.validate(record.data))
    if found.article and found.article.published is None and config.publish.undated == "quarantine":
        problems.append(
            Problem("undated", "The article states no date.", "Add its date.", place=document.place)
        )
    state = _state(config, found, now)
    if any(problem.severity == "error" for problem in problems):
        state = "held"
    return Checked(document.place, source.name, tuple(records), tuple(problems), state)


def _addressed(
    records: Iterable[Record], config: Config, published: Mapping[str, Any] | None
) -> tuple[Record, ...]:
    """The records with the address that they are published under, or none where that is not given yet."""
    found = []
    for record in records:
        data = record.data
        if data.get("url") == _somewhere(config):
            url = published["url"] if published else None
            data = {key: url if key == "url" else value for key, value in data.items() if key != "url" or url}
        found.append(replace(record, data=data))
    return tuple(found)


def _somewhere(config: Config) -> str:
    """An address to build and check a record with, whose page has none yet."""
    return f"{config.site.url}articles/"


def _records(config: Config, source: SourceConfig, document: Document, found: Extraction) -> Sequence[Record]:
    if found.article is not None:
        return library.build_records(found.article, config.site, url=found.article.url or _somewhere(config))
    return [
        build_event(
            event,
            id=event.id or named_uuid(config.site.key, source.name, document.place),
            article_ids=(),
            site=config.site,
        )
        for event in found.events
    ]


def _state(config: Config, found: Extraction, now: datetime) -> Outcome:
    if found.article is None:
        return "draft" if found.draft else "ok"
    state = timing(found.article, now, config.site.timezone).state
    return "ok" if state == "published" else state


def _distinct(checked: Checked, seen: dict[str, str]) -> Checked:
    """Refuse a second document with an id that another one has already."""
    place = f"{checked.source}:{checked.place}"
    for record in checked.records[:1]:
        other = seen.setdefault(record.id, place)
        if other != place and checked.state == "ok":
            problem = Problem(
                "duplicate-id", f"The id {record.id!r} belongs to another article already: {other}.",
                "Give this article an id of its own, or delete one of the two.", place=checked.place, value=record.id,
            )  # fmt: skip
            return replace(checked, problems=(*checked.problems, problem), state="held")
    return checked


def origin_of(record: Record, pointer: str) -> Origin | None:
    """Where the value at a JSON pointer comes from: its own origin, or that of what holds it."""
    while pointer:
        if pointer in record.origins:
            return record.origins[pointer]
        pointer = pointer.rpartition("/")[0]
    return None


__all__ = ["Checked", "Explanation", "check", "explain", "origin_of"]
