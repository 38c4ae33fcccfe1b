"""The same mapping and validation as publishing, with nothing written: `feedpub check` and `explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import orjson

from feedpub import library, plugins, validation
from feedpub.config import Config, SourceConfig
from feedpub.errors import ConfigError
from feedpub.eventkeys import generated_ids, given_id, ties
from feedpub.extraction import ExtractSettings, encoding
from feedpub.locating import located
from feedpub.models import JSON, Article, Document, EventMention, Problem, Record, When
from feedpub.preparation import Prepared, left_out, prepare
from feedpub.records import build_event
from feedpub.sources import Change, Changed, Seen, Unreadable
from feedpub.timing import Timing, timing
from feedpub.urls import named_uuid

if TYPE_CHECKING:
    from feedpub.decisions import Decision

_LISTED = 10
Outcome = Literal["ok", "draft", "waiting", "expired", "held"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One document as publishing would take it. `state` "held" means that an error holds it back.

    `advice` is what the consumers of its records would miss by the profiles in `schemas/profiles`;
    () for what is held.
    """

    place: str
    source: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    state: Outcome
    advice: tuple[Problem, ...] = ()


Shown = Literal["published", "changed", "new", "draft", "waiting", "expired", "held", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A document's records, each fact with its origin, and what is published of it.

    `state` "published" means that `records` are those that are published. In any other state they
    are what would be published: "changed" and "new" by the next refresh, the others not now; then
    `reason` says why. `published` names what is or was published, or is None.
    """

    place: str
    source: str
    document_text: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    published: dict[str, Any] | None
    state: Shown
    reason: str | None


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
        changes = plugins.source(source).changes(_Nothing(), moment)
        found = [change for change in changes if _is_at(change, place)]
        if len(found) > 1:
            raise _several(article, found)
        for change in found:
            if isinstance(change, Unreadable):
                return _unreadable(config, source, change)
            return _explained(config, source, change, moment)
    raise ConfigError(
        f"There is no article {article!r}: name a file, its place in a source (as `feedpub quarantine` shows it), "
        "an id, or the address under which it is published.",
        key=article,
    )


def _is_at(change: Change, place: str) -> TypeGuard[Changed | Unreadable]:
    if isinstance(change, Unreadable):
        return _wanted(change.place, place)
    return isinstance(change, Changed) and _wanted(change.document.place, place)


def _several(article: str, found: Sequence[Changed | Unreadable]) -> ConfigError:
    places = [c.place if isinstance(c, Unreadable) else c.document.place for c in found]
    shown = ", ".join(f"{article}#{place.partition('#')[2]}" for place in places[:_LISTED])
    more = f" and {len(places) - _LISTED:,} more" if len(places) > _LISTED else ""
    return ConfigError(
        f"{article} holds {len(places):,} articles. Name one of them: {shown}{more}.", key=article
    )


def _unreadable(config: Config, source: SourceConfig, change: Unreadable) -> Explanation:
    from feedpub.rehearsal import opened

    with opened(config, _configured(config, source)) as rehearsal:
        published = rehearsal.summary(change.place)
    return Explanation(
        change.place, source.name, "", (), (change.problem,), published, "held", _why_held(published)
    )


def _explained(config: Config, source: SourceConfig, change: Changed, now: datetime) -> Explanation:
    from feedpub.rehearsal import opened

    document = change.document
    found = _prepared(config, source, document)
    problems = _problems(config, found, document)
    timing_ = _timing(config, found, now)
    with opened(config, _configured(config, source)) as rehearsal:
        published = rehearsal.summary(document.place)
        records: tuple[Record, ...] = ()
        if not found.refused:
            planned = rehearsal.planned(change, found, plugins.holder(plugins.sources_of(config)))
            records, problems = planned.records, (*problems, *planned.problems)
        known = {problem.rule for problem in problems}
        problems += tuple(problem for problem in rehearsal.held(change) if problem.rule not in known)
        state = _shown(timing_, problems, published, is_current=rehearsal.is_current(change))
        decision = rehearsal.decision(published)
        if state == "published":
            records = rehearsal.published(document.place)
    reason = _why_held(published) if state == "held" else _reason(state, timing_, found.article)
    if decision is not None:
        state, reason = "withdrawn", _why_withdrawn(decision)
    text = encoding.decode(document.data, document.encoding).text
    return Explanation(document.place, source.name, text, records, problems, published, state, reason)


def _shown(
    now: Timing, problems: Iterable[Problem], published: Mapping[str, Any] | None, *, is_current: bool
) -> Shown:
    # A refresh looks at an article's marks before it looks for errors in its record.
    if now.state != "published":
        return now.state
    if any(problem.severity == "error" for problem in problems):
        return "held"
    if published is None or published["withdrawn_at"]:
        return "new"
    return "published" if is_current else "changed"


def _why_held(published: Mapping[str, Any] | None) -> str:
    live = published is not None and not published["withdrawn_at"]
    return (
        "it is held back until its errors are corrected; its last good version stays published"
        if live
        else "it is held back until its errors are corrected"
    )


def _why_withdrawn(decision: Decision) -> str:
    because = f" ({decision.reason})" if decision.reason else ""
    day = datetime.fromtimestamp(decision.at, UTC).date()
    return f"a person withdrew it on {day}{because}; `feedpub withdraw --undo` takes that back"


def _reason(state: Shown, now: Timing, article: Article | None) -> str | None:
    match state:
        case "draft":
            origin = article.origins.get("draft") if article else None
            return "it is marked as a draft" + (f" ({origin.name})" if origin else "")
        case "waiting":
            what = "its embargo ends" if now.field == "publish_at" else "its date of publication is"
            return f"{what} only at {_stated(article, now.field)}"
        case "expired":
            return f"it expired at {_stated(article, now.field)}"
        case "new":
            return "the next refresh publishes it"
        case "changed":
            return "the document or the configuration has changed since; the next refresh publishes what is shown here"
    return None


def _stated(article: Article | None, field: str | None) -> str:
    when: When | None = getattr(article, field or "", None)
    return when.value if when else ""


def _configured(config: Config, source: SourceConfig) -> SourceConfig | None:
    """The source of the newsroom that `source` is or is a part of; None for files outside of it."""
    return next((own for own in config.sources if (own.name, own.path) == (source.name, source.path)), None)


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
    file, mark, key = article.rpartition("#")
    path, inside = (Path(article), "") if Path(article).is_file() or not mark else (Path(file), f"#{key}")
    if path.is_file():
        yield from ((source, f"{place}{inside}") for source, place in _places(config, [path]))
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


def _checked(config: Config, source: SourceConfig, document: Document, now: datetime) -> Checked:
    found = _prepared(config, source, document)
    problems = _problems(config, found, document)
    if found.refused:
        return Checked(document.place, source.name, (), problems, "held")
    records, wrong = _records(config, source, document, found)
    problems += wrong
    state: Outcome
    advice: tuple[Problem, ...] = ()
    if any(problem.severity == "error" for problem in problems):
        state = "held"
    else:
        due = _timing(config, found, now).state
        state = "ok" if due == "published" else due
        advice = tuple(_advice(document.place, *(record.data for record in records)))
    return Checked(document.place, source.name, records, problems, state, advice)


def _advice(place: str, *records: JSON) -> Iterator[Problem]:
    for data in records:
        yield from (replace(problem, place=place) for problem in validation.advise_all(data))


def advice_on(config: Config, written: Iterable[str]) -> Iterator[tuple[str, tuple[Problem, ...]]]:
    """For each published record of which a refresh has written the file: its document's place, and `Checked.advice`.

    Args:
        config: the newsroom, which has been published.
        written: paths in the output, as in `Report.written`.
    """
    stems = {path.removesuffix(".jsonld") for path in written if path.endswith(".jsonld")}
    if not stems:
        return
    from sqlalchemy import select

    from feedpub.store import open_store, schema

    record, identity = schema.record, schema.identity
    query = (
        select(identity.c.place, identity.c.stem, record.c.data)
        .join(identity, identity.c.id == record.c.id)
        .where(record.c.withdrawn_at.is_(None))
    )
    with open_store(config) as store, store.reading() as connection:
        for row in connection.execute(query):
            if row.stem in stems:
                yield row.place, tuple(_advice(row.place, orjson.loads(row.data)))


def _prepared(config: Config, source: SourceConfig, document: Document) -> Prepared:
    settings = ExtractSettings.of(config, source)
    return prepare([document], settings=settings, site=config.site)[document.place]


def _problems(config: Config, found: Prepared, document: Document) -> tuple[Problem, ...]:
    """What is wrong with a document, apart from its events."""
    if found.refused:
        return found.refused
    problems = (*found.advice, *found.problems)
    if found.article and found.article.published is None and config.publish.undated == "quarantine":
        undated = Problem(
            "undated", "The article states no date.", "Add its date.", place=document.place
        )  # fmt: skip
        return (*problems, undated)
    return problems


def _timing(config: Config, found: Prepared, now: datetime) -> Timing:
    if found.article is None:
        return Timing("draft", field="draft") if found.draft else Timing("published")
    return timing(found.article, now, config.site.timezone)


def _records(
    config: Config, source: SourceConfig, document: Document, found: Prepared
) -> tuple[tuple[Record, ...], tuple[Problem, ...]]:
    """The records of a document that is in no store, and what is wrong with its events."""
    if found.article is not None:
        url = found.article.url or f"{config.site.url}articles/"  # its page has no address yet
        own, *happenings = library.build_records(found.article, config.site, url=url)
        built, mentions = [own], found.article.events
    else:
        built, mentions = [], found.events
        happenings = _event_records(config, source, document, found.events)
    problems: list[Problem] = []
    for event, record in zip(mentions, happenings, strict=True):
        wrong = located(validation.validate(record.data), record.origins, document)
        problems += (left_out(problem, event.name) for problem in wrong)
        built += [] if wrong else [record]
    if not built:
        problems = [replace(problem, severity="error") for problem in problems]
    return tuple(built), tuple(problems)


def _event_records(
    config: Config, source: SourceConfig, document: Document, events: Sequence[EventMention]
) -> list[Record]:
    key = config.site.key
    made = generated_ids(events, f"document:{source.name}:{document.place}", key)
    if len(events) == 1:
        made = [named_uuid(key, source.name, document.place)]
    ids = [given_id(event) or own for event, own in zip(events, made, strict=True)]
    return [
        build_event(event, id=identifier, article_ids=(), site=config.site, ties=named)
        for event, identifier, named in zip(events, ids, ties(events, ids), strict=True)
    ]


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


__all__ = ["Checked", "Explanation", "advice_on", "check", "explain"]
