"""Several reports of one event → one Event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feedpub.models import JSON
from feedpub.timeorder import is_before, precision
from feedpub.vocabulary import SCHEMA_ORG

_KEYS = (
    "@type", "@id", "name", "url", "description", "startDate", "endDate", "doorTime", "previousStartDate",
    "eventStatus", "eventAttendanceMode", "location", "organizer", "performer", "attendee", "offers",
    "superEvent", "subEvent", "image", "sameAs", "subjectOf",
)  # fmt: skip
_DATES = ("startDate", "endDate", "doorTime", "previousStartDate")
_UNITED = ("location", "organizer", "performer", "attendee", "offers", "subEvent", "image", "sameAs")
_DOCUMENT = "document:"


def merge_events(mentions: Sequence[tuple[str, JSON]]) -> dict[str, Any]:
    """One Event out of several records of it.

    Args:
        mentions: each with the id of the article that reports it, or "document:…" for a document
            that is itself the event; the better founded first. All have the `@id` of the first.

    Returns:
        The event. Of each property the better founded value stands: of a document that is itself
        the event; else the more precise date, the longer description, a status other than
        scheduled, a type other than plain Event; else the first. Of dates that contradict the
        start chosen, none is taken from another record. Lists are united. `subjectOf` names every
        article, sorted.

    Raises:
        ValueError: there are no mentions.
    """
    if not mentions:
        raise ValueError("merge_events needs at least one record")
    ranked = [(reporter.startswith(_DOCUMENT), record) for reporter, record in mentions]
    values: dict[str, Any] = {"@id": ranked[0][1]["@id"]}
    for key in _KEYS:
        if key in _UNITED:
            values[key] = _united(record.get(key) for _, record in ranked)
        elif key not in ("@id", "subjectOf", *_DATES):
            candidates = [(own, record[key]) for own, record in ranked if record.get(key) is not None]
            if candidates:
                values[key] = max(candidates, key=lambda c: (c[0], _weight(key, c[1])))[1]
    values |= _merged_dates(ranked, values.get("eventStatus"))
    articles = {reporter for reporter, _ in mentions if not reporter.startswith(_DOCUMENT)}
    for _, record in ranked:
        articles.update(node["@id"] for node in record.get("subjectOf", ()))
    values["subjectOf"] = [{"@id": article_id} for article_id in sorted(articles)]
    return {key: values[key] for key in _KEYS if values.get(key)}


def _merged_dates(ranked: Sequence[tuple[bool, JSON]], status: Any) -> dict[str, Any]:
    """The dates of one record as a set, completed from others where these don't contradict it."""

    def rank(candidate: tuple[bool, JSON]) -> tuple[bool, bool, float]:
        own, record = candidate
        # A new or dropped date makes sense only together with the status that says so.
        agrees = status in (None, f"{SCHEMA_ORG}EventScheduled") or record.get("eventStatus") == status
        return own, agrees, precision(record["startDate"])

    stated = [candidate for candidate in ranked if candidate[1].get("startDate")]
    chosen: dict[str, Any] = {}
    if stated:
        best = max(stated, key=rank)[1]
        chosen = {key: best[key] for key in _DATES if best.get(key) is not None}
    for own in (True, False):
        for is_own, record in ranked:
            if is_own is not own:
                continue
            for key in _DATES[1:]:
                value = record.get(key)
                if value is None or key in chosen or not _fits(key, value, record, chosen.get("startDate")):
                    continue
                chosen[key] = value
    return chosen


def _fits(key: str, value: Any, record: JSON, start: Any) -> bool:
    if start is None or key == "previousStartDate":
        return True
    theirs = record.get("startDate")
    if theirs is not None and (is_before(theirs, start) or is_before(start, theirs)):
        return False
    return not is_before(value, start) if key == "endDate" else True


def _weight(key: str, value: Any) -> float:
    if key == "description":
        return len(str(value))
    if key == "eventStatus":
        return float(value != f"{SCHEMA_ORG}EventScheduled")
    if key == "@type":
        return float(value != "Event")
    return 0


def _united(lists: Iterable[Any]) -> list[Any]:
    """All members in order, each once; of one node told twice the version that says more."""
    found: dict[Any, Any] = {}
    for members in lists:
        for member in members or ():
            if isinstance(member, Mapping):
                name = member.get("@id") or (
                    member.get("url"),
                    member.get("name"),
                    member.get("price", member.get("lowPrice")),
                )
                known = found.get(name)
                if known is None or len(str(member)) > len(str(known)):
                    found[name] = member
            else:
                found.setdefault(member, member)
    return list(found.values())
