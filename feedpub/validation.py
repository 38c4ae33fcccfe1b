"""Record → every Problem: what of it breaks the published schemas, where, and what to do.

jsonschema-rs decides, in microseconds. Only what it refuses is looked at again by jsonschema,
which lists everything that is wrong (`feedpub.explanation`); a test holds that both give the same
verdict. Rules that a schema cannot say stand here as functions. Nothing is ever fetched: schemas
refer to each other by `$id`, and every `$id` is found among the files that come along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

from feedpub.errors import FeedpubError
from feedpub.models import JSON, Problem
from feedpub.resources import schema_document, schema_names
from feedpub.timeorder import is_before
from feedpub.urls import is_absolute_iri, is_http_url
from feedpub.vocabulary import ARTICLE_TYPES, EVENT_TYPES

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OFFSET = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_RFC3339 = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}{_OFFSET}")
_ISO = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}})?{_OFFSET}?")
# What most addresses and identifiers look like: decided without taking them apart.
_PLAIN_IRI = re.compile(
    r"urn:uuid:[0-9a-f-]{36}"
    r"|https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[A-Za-z0-9._~%&=+,;:@/?#-]*)?"
)
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    """RFC 3339 section 5.6 in capital letters, without fractions and leap seconds."""
    return _RFC3339.fullmatch(text) is not None and _exists(text)


def _is_iso_date_time(text: str) -> bool:
    """ISO 8601 extended form; seconds and offset may be missing."""
    return _ISO.fullmatch(text) is not None and _exists(text)


def _is_iri(text: str) -> bool:
    if _PLAIN_IRI.fullmatch(text):
        return True
    if text.startswith(("http:", "https:")):
        return is_http_url(text)
    return is_absolute_iri(text)


def _is_email(text: str) -> bool:
    """A plain mailbox: the part of RFC 5321 that people have, without quotes and literals."""
    if not _MAILBOX.fullmatch(text):
        return False
    local, _, domain = text.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    labels = domain.split(".")
    return len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "iso-date-time": _is_iso_date_time,
    "iri": _is_iri,
    "uri": lambda text: text.isascii() and _is_iri(text),
    "email": _is_email,
}
"""Every `format` that the schemas may use: both validators call these and none of their own."""

_BAD_SAMPLES = {
    "date": "2025-02-30",
    "date-time": "2025-02-30T10:00:00Z",
    "iso-date-time": "2025-02-30T10:00",
    "iri": "https://",
    "uri": "https://",
    "email": "a@b",
}


@cache
def _registry() -> Any:
    import jsonschema_rs

    documents = [dict(schema_document(name)) for name in schema_names()]
    return jsonschema_rs.Registry(
        [(document["$id"], document) for document in documents], draft=jsonschema_rs.Draft202012
    )


@cache
def _compiled(name: str) -> Any:
    """The schema `name`, ready to decide. An unknown `format` or `$ref` fails here, never silently."""
    _self_test()
    return _compile(dict(schema_document(name)), registry=_registry())


def _compile(schema: dict[str, Any], **options: Any) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        schema, formats=FORMATS, validate_formats=True, ignore_unknown_formats=False, offline=True, **options
    )


@cache
def _self_test() -> None:
    for name, sample in _BAD_SAMPLES.items():
        if _compile({"format": name}).is_valid(sample):
            raise FeedpubError(f"jsonschema-rs does not check format {name!r}: install jsonschema-rs again")


def _accepts(name: str, data: Any) -> bool:
    try:
        return bool(_compiled(name).is_valid(data))
    except (ValueError, TypeError, RecursionError):
        # No JSON: a lone surrogate, a key that is no text, a date or bytes among the values.
        return False


def _refusals(name: str, data: Any) -> tuple[Problem, ...]:
    if _accepts(name, data):
        return ()
    from feedpub.explanation import explain

    return explain(name, data, _compiled(name), FORMATS)


def validate_document(name: str, data: Any) -> tuple[Problem, ...]:
    """Every problem of `data` against the schema `name` ("datafeed", "manifest", "config"); () if valid.

    Raises:
        FeedpubError: there is no such schema.
    """
    return _refusals(name, data)


def validate(data: JSON) -> tuple[Problem, ...]:
    """Every problem of one record, told by its `@type` to be an article or an event; () if valid.

    Args:
        data: plain JSON values (dict, list, str, int, float, bool, None), without `@context`.
    """
    record = data if type(data) is dict else dict(data)
    kind = record.get("@type")
    if isinstance(kind, str) and kind in ARTICLE_TYPES:
        problems = _refusals("newsarticle", record)
        checks = _ARTICLE_RULES
    elif isinstance(kind, str) and kind in EVENT_TYPES:
        problems = _refusals("event", record)
        checks = _EVENT_RULES
    else:
        return _refusals("record", record)
    further = [problem for check in checks for problem in check(record)]
    return (*problems, *further) if further else problems


def advise(data: JSON, profile: str) -> tuple[Problem, ...]:
    """What the consumer of `profile` ("google-article", "google-event", "news-sitemap") would miss.

    Each problem is advice: it holds nothing back. Its message says who loses what.

    Raises:
        FeedpubError: there is no such profile.
    """
    name = f"profiles/{profile}"
    record = data if type(data) is dict else dict(data)
    if _accepts(name, record):
        return ()
    from feedpub.explanation import explain_advice

    return explain_advice(name, record, _compiled(name), FORMATS)


def advise_all(data: JSON) -> tuple[Problem, ...]:
    """What `advise` says of a record under every profile made for its kind; () for any other."""
    kind = data.get("@type")
    profiles = _PROFILES["article" if kind in ARTICLE_TYPES else "event" if kind in EVENT_TYPES else None]
    return tuple(problem for profile in profiles for problem in advise(data, profile))


_PROFILES: dict[str | None, tuple[str, ...]] = {
    "article": ("google-article", "news-sitemap"),
    "event": ("google-event",),
    None: (),
}


def _modified_not_before_published(record: JSON) -> Iterator[Problem]:
    published, modified = record.get("datePublished"), record.get("dateModified")
    if modified is not None and is_before(modified, published):
        yield Problem(
            rule="modified-before-published",
            message=f"The article was changed ({modified}) before it was published ({published}).",
            remedy="Correct one of the two dates, or leave out the date of the change.",
            pointer="/dateModified",
            value=str(modified),
        )


def _end_not_before_start(record: JSON) -> Iterator[Problem]:
    start, end = record.get("startDate"), record.get("endDate")
    if end is not None and is_before(end, start):
        yield Problem(
            rule="end-before-start",
            message=f"The event ends ({end}) before it begins ({start}).",
            remedy="Correct one of the two dates, or leave out the end.",
            pointer="/endDate",
            value=str(end),
        )


def _agents_in_full(record: JSON) -> Iterator[Problem]:
    """The schemas allow references for the sake of flat graphs; a record by itself needs the names."""
    for key in ("author", "publisher", "organizer", "performer", "attendee", "location", "contentLocation"):
        value = record.get(key)
        if value is None:
            continue
        nodes = value if isinstance(value, list) else [value]
        for index, node in enumerate(nodes):
            if isinstance(node, dict) and "@id" in node and len(node) == 1:
                yield Problem(
                    rule="reference-without-name",
                    message=f"{key} {index + 1} is only a reference; its name is missing.",
                    remedy="Give its type and name beside the identifier.",
                    pointer=f"/{key}/{index}" if isinstance(value, list) else f"/{key}",
                    value=str(node["@id"])[:80],
                )


_ARTICLE_RULES = (_modified_not_before_published, _agents_in_full)
_EVENT_RULES = (_end_not_before_start, _agents_in_full)
