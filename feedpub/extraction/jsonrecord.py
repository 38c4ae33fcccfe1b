"""One JSON value → Article: schema.org records as they are, anything else by a mapping of fields.

`settings.fields` maps our field names to JMESPath expressions (https://jmespath.org/); what it
does not name is looked for under the usual names of content management systems ("title", "body",
"published_at", …). Only values that are there are taken over: a null, an empty text or an
expression that finds nothing states nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from feedpub import urls
from feedpub.errors import ConfigError
from feedpub.extraction import eventdata, language, metadata, structured, things, values
from feedpub.extraction.settings import ExtractSettings
from feedpub.extraction.values import Node, Reading
from feedpub.models import Article, Document, EventMention, Extraction, Origin, Problem

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("guid", "uuid", "id"),
    "url": ("url", "link", "permalink", "canonical_url", "canonicalUrl", "web_url"),
    "headline": ("headline", "title", "name"),
    "alternative_headline": (
        "alternative_headline", "alternativeHeadline", "subtitle", "subheadline", "kicker",
    ),
    "description": ("description", "summary", "excerpt", "teaser", "standfirst", "lead", "abstract"),
    "body": (
        "articleBody", "body", "content", "text", "body_html", "content_html", "html", "content_text",
        "body_text",
    ),
    "sections": ("section", "sections", "articleSection", "category", "categories", "channel", "desk"),
    "keywords": ("keywords", "tags"),
    "language": ("language", "lang", "inLanguage", "locale"),
    "published": (
        "published", "published_at", "publishedAt", "publish_date", "publication_date", "pub_date",
        "pubDate", "date_published", "datePublished", "first_published_at", "date",
    ),
    "modified": (
        "modified", "modified_at", "modifiedAt", "updated", "updated_at", "updatedAt", "date_modified",
        "dateModified", "lastmod",
    ),
    "created": ("created", "created_at", "createdAt", "date_created", "dateCreated"),
    "authors": ("authors", "author", "byline", "creator", "writer"),
    "images": (
        "images", "image", "image_url", "featured_image", "banner_image", "thumbnail", "lead_image",
    ),
    "dateline": ("dateline",),
    "draft": ("draft", "is_draft"),
    "slug": ("slug",),
    "license": ("license", "licence"),
    "type": ("type", "article_type"),
    "accessible_for_free": ("accessible_for_free", "isAccessibleForFree", "is_free"),
    "publish_at": ("publish_at", "embargo", "embargo_until"),
    "expires_at": ("expires_at", "expires", "expiry_date"),
    "events": ("events", "event"),
    "same_as": ("same_as", "sameAs"),
    "based_on": ("based_on", "isBasedOn"),
}  # fmt: skip
"""Our field → the names that are tried in a plain object, in this order."""

_ALSO = {"author": "authors", "section": "sections", "image": "images", "body_html": "body",
         "body_text": "body",
         "event": "events", "title": "headline"}  # fmt: skip
_DATES = ("published", "modified", "created", "publish_at", "expires_at")
_MAX_DEPTH = 200
_DRAFT_STATES = frozenset(("draft", "unpublished", "pending"))


def read(document: Document, text: str, settings: ExtractSettings) -> Extraction:
    """The article, or the events, that one JSON value states; broken JSON is an error with its place.

    Raises:
        ConfigError: an expression in `settings.fields`, or a name in it, is not usable.
    """
    mapping = _compiled(tuple(sorted(settings.fields.items())))
    value, problems = _parsed(text)
    if problems and value is None:
        return Extraction(problems=problems)
    base_url = document.url
    nodes = structured.flatten(value)
    if len(nodes) >= structured.MAX_NODES:
        what = f"the file describes more than {structured.MAX_NODES:,} things; the rest was left out"
        problems = (*problems, values.too_long(None, what))
    reading = Reading(base_url, settings.dayfirst, structured.index_of(nodes))
    if not mapping:
        given = _schema_org(nodes, document, reading)
        if given is not None:
            return replace(given, problems=(*problems, *given.problems))
    if not isinstance(value, Mapping):
        shape = "a list of several records" if isinstance(value, list) else "a single value"
        problem = Problem(
            "json-shape",
            f"The JSON holds {shape}; an article is one object.",
            "Give each article as an object of its own: one file each, or one a line in a .jsonl file.",
        )
        return Extraction(problems=(*problems, problem))
    article, found = _plain(value, mapping, document, reading)
    return Extraction(article=article, problems=(*problems, *found))


def _schema_org(nodes: list[Node], document: Document, reading: Reading) -> Extraction | None:
    articles = [node for node in nodes if structured.is_article(node)]
    event_nodes = [node for node in nodes if structured.is_event(node)]
    if not articles and not event_nodes:
        return None
    if len(articles) > 1:
        problem = Problem(
            "json-shape",
            f"The JSON holds {len(articles)} articles; one is expected.",
            "Give each article as an object of its own: one file each, or one a line in a .jsonl file.",
        )
        return Extraction(problems=(problem,))
    events: list[EventMention] = []
    problems: list[Problem] = []
    for number, node in enumerate(event_nodes):
        pointer = f"/@graph/{number}" if len(nodes) > 1 else ""
        found, remarks = structured.events_from_schema_org(
            node, how="", reading=reading, pointer=pointer, tie="same @graph"
        )
        events += found
        problems += remarks
    if not articles:
        nested = [
            item
            for node in event_nodes
            for item in values.nodes(node.get("subjectOf"), reading)
            if isinstance(item, Mapping)
            and structured.is_article(item)
            and ("articleBody" in item or "text" in item)
        ]
        if len(nested) != 1:
            if not events:
                problems = [replace(problem, severity="error") for problem in problems]
            return Extraction(events=structured.distinct(events), problems=tuple(problems))
        articles = nested
    article, own = structured.article_from_schema_org(
        articles[0], source=document.source, place=document.place, how="", reading=reading
    )
    # The article's own mentions come first: they say what it is about.
    article = replace(article, events=structured.distinct([*article.events, *events]))
    return Extraction(article=article, problems=(*own, *problems))


def _plain(
    record: Node, mapping: Mapping[str, tuple[str, Any]], document: Document, reading: Reading
) -> tuple[Article, tuple[Problem, ...]]:
    found: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    problems: list[Problem] = []

    for field in USUAL_NAMES:
        name, value = _value_of(field, record, mapping)
        if value is None:
            continue
        read_value = _converted(field, value, reading)
        if field in _DATES and read_value is None and not values.is_no_date(value):
            problems.append(_unreadable(name, value))
        if field == "draft" and read_value is None:
            problems.append(metadata.unclear_draft(name, value))
        if field == "body":
            body_text, body_html = values.body(value, reading.base_url)
            if body_text:
                found["body_text"], found["body_html"] = body_text, body_html
                origins["body_text"] = Origin("metadata", name)
        elif field == "events":
            found["events"], remarks = _events(value, name, reading)
            problems += remarks
        elif read_value not in (None, (), ""):
            found[field] = read_value
            quote = value if isinstance(value, str) and len(value) <= 500 else None
            origins[field] = Origin("metadata", name, quote)
    status = record.get("status")
    if "draft" not in found and isinstance(status, str) and status.lower() in _DRAFT_STATES and not mapping:
        found["draft"] = True
        origins["draft"] = Origin("metadata", "status", status)
    if "type" in found and found["type"] not in structured.NEWS_TYPES:
        del found["type"], origins["type"]
    if not found.get("body_text"):
        problems.append(_no_body(record))
    return Article(source=document.source, place=document.place, origins=origins, **found), tuple(problems)


def _value_of(field: str, record: Node, mapping: Mapping[str, tuple[str, Any]]) -> tuple[str, Any]:
    """The name or expression that gives a field's value, and the value; None if nothing is stated."""
    if field in mapping:
        expression, compiled = mapping[field]
        value = compiled.search(record)
        return expression, value if values.items(value) else None
    for name in USUAL_NAMES[field]:
        value = record.get(name)
        if isinstance(value, Mapping) and isinstance(value.get("rendered"), str):
            value = value["rendered"]  # WordPress: {"rendered": "<p>…"}
        if values.items(value) and not (isinstance(value, str) and not value.strip()):
            if field in ("id", "type") and not isinstance(value, str):
                continue
            return name, value
    return field, None


def _converted(field: str, value: Any, reading: Reading) -> Any:
    match field:
        case "id":
            identifier = values.text(value)
            return identifier if identifier and urls.is_absolute_iri(identifier) else None
        case "url":
            return values.url(value, reading)
        case "sections":
            return values.names(value)
        case "keywords":
            return values.names(value, split=True)
        case "language":
            tag = values.text(value)
            return language.normalise(tag) if tag else None
        case "authors":
            return things.agents(value, reading)
        case "images":
            return things.images(value, reading)
        case "draft" | "accessible_for_free":
            return values.truth(value)
        case "same_as" | "based_on":
            return values.url_list(value, reading)
        case "slug":
            slug = values.text(value)
            return urls.slugify(slug) if slug else None
        case "type":
            name = values.text(value)
            return values.short_name(name) if name else None
        case "license":
            return values.url(value, reading) or values.text(value)
        case "body" | "events":
            return None
        case _ if field in _DATES:
            return values.when(value, reading)
        case _:
            return values.text(value)


def _events(value: Any, name: str, reading: Reading) -> tuple[tuple[EventMention, ...], list[Problem]]:
    events: list[EventMention] = []
    problems: list[Problem] = []
    for number, item in enumerate(values.nodes(value, reading)):
        if isinstance(item, Mapping) and "@type" in item:
            found, remarks = structured.events_from_schema_org(
                item, how="", reading=reading, pointer=f"/{name}/{number}", tie=name
            )
            events += found
            problems += remarks
        elif isinstance(item, Mapping):
            events += _plain_events(item, name, reading, problems)
    return structured.distinct(events), problems


def _plain_events(
    record: Node, name: str, reading: Reading, problems: list[Problem]
) -> tuple[EventMention, ...]:
    """The event that a plain object states in the words of front matter, what is wrong with it as advice."""
    items = []
    for key, value in record.items():
        # Times may be counted in seconds here, which no front matter does.
        is_count = isinstance(value, int | float) and abs(value) >= 1e8
        items.append(metadata.Item(key, (values.when(value, reading) if is_count else None) or value))
    remarks: list[Problem] = []
    found = eventdata.read(items, "", reading.dayfirst, remarks, main=False, tie=name)
    problems += [replace(remark, severity="advice") for remark in remarks]
    return found


def _unreadable(name: str, value: Any) -> Problem:
    return Problem(
        "date-unreadable",
        f"{name} is {str(value)[:80]!r}, which is no date that can be read in one way only.",
        "Write it as 2025-09-02 or 2025-09-02T14:30:00+02:00, the year with 4 digits; for 03/04/2025 set `dayfirst` for the source.",
        pointer=f"/{name}",
        value=repr(value)[:200],
    )


def _no_body(record: Node) -> Problem:
    keys = ", ".join(sorted(str(key)[:40] for key in record)[:20]) or "none"
    return Problem(
        "no-text",
        f"No text was found in the record; its keys are: {keys}.",
        'Name the key that holds the text under `fields` of the source, for example body = "content".',
    )


@lru_cache(maxsize=32)
def _compiled(fields: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, Any]]:
    if not fields:
        return {}
    import jmespath
    from jmespath.exceptions import JMESPathError

    compiled: dict[str, tuple[str, Any]] = {}
    for name, expression in fields:
        field = _ALSO.get(name, name)
        if field not in USUAL_NAMES:
            raise ConfigError(
                f"fields.{name}: there is no such field; the fields are {', '.join(USUAL_NAMES)}",
                key=f"fields.{name}",
            )
        try:
            compiled[field] = (expression, _Expression(jmespath.compile(expression)))
        except (JMESPathError, ValueError, TypeError, AttributeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(
                f"fields.{name}: {expression!r} is not a JMESPath expression ({reason}); "
                "for a plain key write its name",
                key=f"fields.{name}",
            ) from error
    return compiled


class _Expression:
    """A compiled expression that finds nothing where the data do not fit its functions."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def search(self, record: Node) -> Any:
        from jmespath.exceptions import JMESPathError

        try:
            return self._compiled.search(record)
        except (JMESPathError, TypeError, ValueError, RecursionError):
            return None


def _parsed(text: str) -> tuple[Any, tuple[Problem, ...]]:
    """The value and advice on it; None and an error if it is no JSON that can be trusted."""
    if _depth(text) > _MAX_DEPTH:
        return None, (
            Problem(
                "json-broken",
                f"The JSON is nested more than {_MAX_DEPTH} levels deep.",
                "Export it flatter; no article needs that.",
            ),
        )
    repeated: set[str] = set()

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            seen: set[str] = set()
            repeated.update(key for key, _ in found if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return result

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_constant, parse_int=_integer)
        value = values.whole(value, text)
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - 20) : error.pos + 20].replace("\n", " ")
        return None, (
            Problem(
                "json-broken",
                f"The JSON cannot be read: {error.msg} (line {error.lineno}, column {error.colno}), "
                f"near {near!r}.",
                "Correct it there; a comma, a quotation mark or a bracket is the usual cause.",
                line=error.lineno,
                column=error.colno,
            ),
        )
    except (ValueError, RecursionError) as error:
        return None, (
            Problem("json-broken", f"The JSON cannot be read: {error}.", "Correct it and try again."),
        )
    advice = tuple(
        Problem(
            "json-duplicate-key",
            f"The key {key[:80]!r} stands twice in one object; the last one counts.",
            "Remove the other.",
            severity="advice",
            value=repr(key)[:200],
        )
        for key in sorted(repeated)[:20]
    )
    return value, advice


_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def _depth(text: str) -> int:
    # Almost every record has fewer brackets than the limit: no need to look closer.
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return 0
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > _MAX_DEPTH:
                return deepest
        elif match[0] in "]}":
            depth -= 1
    return deepest


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _integer(digits: str) -> int | str:
    # Python refuses to convert thousands of digits, and no date or size has more than these.
    return int(digits) if len(digits) <= 30 else digits
