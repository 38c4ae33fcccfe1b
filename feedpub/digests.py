"""What a record says, as a digest: when it is the same, no reader should see a change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from feedpub.models import Article, EventMention


def content_digest(article: Article) -> str:
    """A digest of what the article says, without ids and addresses of its events."""
    said = (
        article.type, article.headline, article.alternative_headline, article.description, article.body_text,
        article.body_html, article.sections, article.keywords, article.published, article.modified,
        [(agent.name, agent.url) for agent in article.authors],
        [(image.url, image.caption) for image in article.images],
        article.dateline, article.corrections, article.url,
        [_event_said(event) for event in article.events],
    )  # fmt: skip
    return _digest(said)


def event_digest(data: Mapping[str, Any]) -> str:
    """The same for an event's record, whoever reports it."""
    return _digest({key: value for key, value in data.items() if key not in ("@id", "subjectOf")})


def _event_said(event: EventMention) -> tuple[Any, ...]:
    return (event.name, event.type, event.start, event.end, event.status, event.locations, event.description,
            event.url, event.organizers, event.performers, event.attendees, event.offers)  # fmt: skip


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
