"""Document → Article, each field with its origin: a pure function of the document and the settings.

The readers take over what the document states. What is the same for all of them comes after: the
source's defaults, the zone of times without one, the language, a headline made from the lead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from feedpub import dates, timeorder
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import Agent, Article, Document, EventMention, Extraction, Origin, Problem, When

__all__ = ["MEDIA_TYPES", "ExtractSettings", "extract"]

MEDIA_TYPES = ("text/plain", "text/markdown", "text/html", "application/json")
"""What can be read, in the terms of `Document.media_type`."""


def extract(document: Document, settings: ExtractSettings | None = None) -> Extraction:
    """What `document` holds: an article with its events, or events alone, or the problems with it.

    Args:
        document: the bytes, with a `media_type` out of `MEDIA_TYPES`.
        settings: zone, defaults and field mapping; None for none of these.

    Returns:
        An `Extraction`. It is `refused` if any problem is an error; the article is then None.

    Raises:
        ValueError: the media type is not one of `MEDIA_TYPES`.
        ConfigError: an expression in `settings.fields` is not JMESPath.
    """
    settings = settings or ExtractSettings()
    found = _read(document, settings)
    if found.refused or (found.article is None and not found.events):
        problems = found.problems or (_NO_TEXT,)
        return Extraction(problems=tuple(_placed(problem, document) for problem in problems))
    problems = tuple(_placed(problem, document) for problem in found.problems)
    events = found.article.events if found.article else found.events
    problems += tuple(_placed(problem, document) for problem in _left_out(found.article, events))
    if found.article is None:
        return Extraction(events=found.events, problems=problems, draft=found.draft)
    problems += tuple(_placed(problem, document) for problem in _skipped_times(found.article, settings))
    article = _completed(found.article, settings)
    if not article.body_text or not article.headline:
        return Extraction(problems=(*problems, _placed(_NO_TEXT, document)))
    if len(article.body_text) > settings.max_chars:
        return Extraction(
            problems=(*problems, _placed(_too_long(len(article.body_text), settings.max_chars), document))
        )
    return Extraction(article=article, problems=problems)


_DATES = ("published", "modified", "created", "publish_at", "expires_at")
_MOST_NAMED = 12
_NO_TEXT = Problem(
    "no-text",
    "There is no article text in it.",
    "Add the text, or leave the file out with `exclude` in feedpub.toml.",
)


def _too_long(length: int, limit: int) -> Problem:
    return Problem(
        "too-long",
        f"The text has {length:,} characters; the limit is {limit:,}.",
        "Split it into several articles.",
    )


def _left_out(article: Article | None, events: Iterable[EventMention]) -> Iterable[Problem]:
    """One advice that names all that no record takes over, if there is anything."""
    names = [f"“{name}”" for name in (article.extra if article else ())]
    names += [f"“{name}” of the event “{event.name[:60]}”" for event in events for name in event.extra]
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield Problem(
            "left-out",
            f"Records have no place for {', '.join(names[:_MOST_NAMED])}{more}, so it was left out.",
            "Write it under a name that feedpub knows, or in the text, if readers should have it.",
            severity="advice",
        )


def _skipped_times(article: Article, settings: ExtractSettings) -> Iterable[Problem]:
    from feedpub.extraction import metadata

    for when in dict.fromkeys(getattr(article, field) for field in _DATES):
        if when is not None and when.has_time and not when.has_offset:
            yield from metadata.skipped_time(when, settings.timezone)


def _read(document: Document, settings: ExtractSettings) -> Extraction:
    if document.media_type == "text/html":
        from feedpub.extraction import html

        return html.read(document, settings)
    from feedpub.extraction import encoding

    decoded = encoding.decode(document.data, document.encoding)
    if any(problem.severity == "error" for problem in decoded.problems):
        return Extraction(problems=decoded.problems)
    found = _reader(document.media_type)(document, decoded.text, settings)
    return replace(found, problems=(*decoded.problems, *found.problems))


def _reader(media_type: str) -> Callable[[Document, str, ExtractSettings], Extraction]:
    if media_type == "text/plain":
        from feedpub.extraction import plaintext

        return plaintext.read
    if media_type == "text/markdown":
        from feedpub.extraction import markdown

        return markdown.read
    if media_type == "application/json":
        from feedpub.extraction import jsonrecord

        return jsonrecord.read
    raise ValueError(f"{media_type!r} cannot be read; expected one of {', '.join(MEDIA_TYPES)}")


def _placed(problem: Problem, document: Document) -> Problem:
    if problem.place is not None:
        return problem
    line = problem.line or _line_of(problem.value, document.data)
    line = line + document.line - 1 if line and document.line > 1 else line
    return replace(problem, place=document.place, line=line or (document.line if document.line > 1 else None))


def _line_of(value: str | None, data: bytes) -> int | None:
    """The line of a value, given as its repr, if it stands in the document once and as it is."""
    sought = (value or "")[1:-1].encode("utf-8", "replace")
    if len(sought) < 4 or data.count(sought) != 1:
        return None
    return data.count(b"\n", 0, data.index(sought)) + 1


def _corrected(article: Article) -> When | None:
    """The date of the last correction: then, at the latest, the article became what it is."""
    stated = [correction.at for correction in article.corrections if correction.at is not None]
    last = max(stated, key=lambda when: when.value, default=None)
    if last is None or (article.published and timeorder.is_before(last.value, article.published.value)):
        return None
    return last


def _completed(article: Article, settings: ExtractSettings) -> Article:
    """Fill in what every kind of document may leave out, saying where each value comes from."""
    changes: dict[str, Any] = {}
    origins = dict(article.origins)

    def default(field: str, value: Any, key: str) -> None:
        changes[field] = value
        origins[field] = Origin("configuration", f"defaults.{key}")

    defaults = settings.defaults
    if defaults.language and not article.language:
        default("language", defaults.language, "language")
    if defaults.section and not article.sections:
        default("sections", (defaults.section,), "section")
    if defaults.author and not article.authors:
        default("authors", (Agent(defaults.author),), "author")
    if defaults.license and not article.license:
        default("license", defaults.license, "license")
    if defaults.type and "type" not in origins:
        default("type", defaults.type, "type")

    if article.modified is None and (corrected := _corrected(article)):
        article = replace(article, modified=corrected)
        origins["modified"] = replace(
            origins.get("corrections", Origin("rule", "")), kind="rule", name="modified-from-correction/1"
        )
        changes["modified"] = corrected

    for field in _DATES:
        when = getattr(article, field)
        if when is not None and when.has_time and not when.has_offset:
            changes[field] = dates.with_zone(when, settings.timezone)

    if not (article.language or defaults.language) and article.body_text:
        from feedpub.extraction import language

        detected = language.detect(article.body_text)
        if detected:
            changes["language"] = detected
            origins["language"] = Origin("rule", "language-detection/1")

    if not article.headline and article.body_text:
        from feedpub.extraction import headline

        text, start, end = headline.headline_from_lead(article.body_text, article.dateline)
        changes["headline"] = text
        changes["headline_derived"] = True
        quote = article.body_text[start:end]
        origins["headline"] = Origin("rule", "headline-from-lead/1", quote, start, end, "articleBody")

    return replace(article, origins=origins, **changes)
