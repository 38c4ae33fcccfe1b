"""What a record says, as a digest: when it is the same, no reader should see a change."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import orjson

from feedpub.models import Article, EventMention

SHORTEST_WORDS, SHORT_WORDS, LONG_WORDS = 12, 40, 150
"""Below the first a text is never taken for a copy, below the second only one of the same headline and
day; from the third on whatever its headline."""


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


def normalised(name: str) -> str:
    """A name as it is compared: words in lower case without marks and punctuation."""
    plain = name.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", name).casefold()
        plain = plain.translate({ord(c): None for c in set(plain) if unicodedata.combining(c)})
    return " ".join(re.findall(r"\w+", plain))


def text_keys(article: Article) -> tuple[str, ...]:
    """What the text is recognised by, the surest first; () for one too short to tell."""
    body = normalised(article.body_text)
    words = body.count(" ") + 1
    headline = "" if article.headline_derived else normalised(article.headline or "")
    if words < SHORT_WORDS:
        # A notice may be given word for word every week: of a short text the day must be the same too.
        day = article.published.value[:10] if article.published else ""
        return (_key(f"{headline} {day}", body),) if words >= SHORTEST_WORDS and headline and day else ()
    keys = [_key(headline, body)]
    if words >= LONG_WORDS:
        keys.append(_key("", body))
    return tuple(dict.fromkeys(keys))


def _key(headline: str, body: str) -> str:
    return hashlib.sha256(f"{headline}\n{body}".encode()).hexdigest()[:32]


def _event_said(event: EventMention) -> tuple[Any, ...]:
    return (event.name, event.type, event.start, event.end, event.status, event.locations, event.description,
            event.url, event.organizers, event.performers, event.attendees, event.offers)  # fmt: skip


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
