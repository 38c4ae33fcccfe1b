"""A document made ready for the store: all that can be done without knowing the store, in any process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import orjson

from feedpub import media, records, validation
from feedpub.cadence import spaced
from feedpub.config import Config, Site, SourceConfig
from feedpub.digests import content_digest, text_keys
from feedpub.extraction import ExtractSettings, extract
from feedpub.locating import located
from feedpub.models import Article, Document, EventMention, Problem, Record

_UNNAMED = "urn:uuid:00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a document holds, and its record as far as it can be built without an id.

    `refused` are the errors of extraction, `problems` those of the record. `article` has its
    pictures under their addresses, `files` are those to be published with it; `record` has
    neither id nor address yet nor its events' ids. `content` is a digest of what the article says,
    `text_keys` are what its text is recognised by.
    A document that is itself an event has `events`, may be a `draft`, and has nothing else.
    """

    refused: tuple[Problem, ...] = ()
    advice: tuple[Problem, ...] = ()
    events: tuple[EventMention, ...] = ()
    article: Article | None = None
    record: Record | None = None
    files: tuple[media.File, ...] = ()
    problems: tuple[Problem, ...] = ()
    content: str = ""
    text_keys: tuple[str, ...] = ()
    draft: bool = False


def prepare(documents: Iterable[Document], *, settings: ExtractSettings, site: Site) -> dict[str, Prepared]:
    """Read documents and build their records; returns them by place.

    Raises:
        ConfigError: an expression in `settings.fields` is not JMESPath.
    """
    return {document.place: _prepared(document, settings, site) for document in documents}


def _prepared(document: Document, settings: ExtractSettings, site: Site) -> Prepared:
    found = extract(document, settings)
    advice = tuple(problem for problem in found.problems if problem.severity == "advice")
    if found.refused:
        return Prepared(refused=found.problems, advice=advice)
    if found.article is None:
        return Prepared(events=found.events, advice=advice, draft=found.draft)
    article, files, missing = media.collect(found.article, document, site.url)
    # Checked before an id is given: what is held back must not use one up.
    record = records.build_article(
        article, id=_UNNAMED, url=article.url or site.url, site=site, event_ids=[None] * len(article.events)
    )
    problems = located(validation.validate(record.data), record.origins, document)
    return Prepared(
        advice=advice + missing, article=article, record=record, files=files, problems=problems,
        content=content_digest(article), text_keys=text_keys(article),
    )  # fmt: skip


def left_out(problem: Problem, name: str) -> Problem:
    """What is wrong with one event of a document, as advice: the others are published without it."""
    return replace(problem, severity="advice", message=f"The event {name!r} was left out: {problem.message}")


def source_settings(config: Config, source: SourceConfig, version: str) -> str:
    """A digest of all that decides how this source's documents become records, besides themselves."""
    decisive = [
        version,
        asdict(config.site),
        asdict(replace(source, path=None, every=spaced(1), watch=False)),
        config.publish.undated,
    ]
    return hashlib.sha256(orjson.dumps(decisive, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
