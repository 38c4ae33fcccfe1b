"""Whether an article may be published now, and when that changes by time alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feedpub import dates
from feedpub.models import Article, When

Standing = Literal["published", "draft", "waiting", "expired"]


@dataclass(frozen=True, slots=True)
class Timing:
    """What an article's own marks make of it at one moment.

    `due_at` is the moment, in whole seconds since 1970, at which time alone changes that; None if
    never. `field` names the field of the article that keeps it back ("draft", "published",
    "publish_at" or "expires_at"), or is None.
    """

    state: Standing
    due_at: int | None = None
    field: str | None = None


def timing(article: Article, now: datetime, timezone: str) -> Timing:
    """How the article stands at `now`; dates without a zone begin at midnight in `timezone` (IANA)."""

    def start(when: When | None) -> int | None:
        return int(dates.bounds(when, timezone)[0].timestamp()) if when else None

    at = int(now.timestamp())
    if article.draft:
        return Timing("draft", field="draft")
    opens, field = max((start(getattr(article, name)) or 0, name) for name in ("published", "publish_at"))
    if opens > at:
        return Timing("waiting", opens, field)
    expires = start(article.expires_at)
    if expires is not None and expires <= at:
        return Timing("expired", field="expires_at")
    return Timing("published", expires)
