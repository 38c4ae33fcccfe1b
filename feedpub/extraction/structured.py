"""schema.org data → Article and EventMention: shared by pages with embedded data and by JSON records.

Every property that the records know is taken over in all the shapes of `feedpub.extraction.values`.
A date of the article itself that is given but cannot be read is an error: publishing without it
would hide it. What an event states badly costs only that field, with advice; an event without a
name is none. https://schema.org/NewsArticle https://schema.org/Event
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from feedpub import dates, vocabulary
from feedpub.extraction import language, metadata, things, values
from feedpub.extraction.values import Node, Reading, types_of
from feedpub.models import Article, EventMention, Origin, Problem, When

NEWS_TYPES = (*sorted(vocabulary.ARTICLE_TYPES - {"NewsArticle"}), "NewsArticle")
"""The types that a record keeps, the more specific ones first."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ARTICLE_TYPES = frozenset(NEWS_TYPES) | _words(
    "Article APIReference AdvertiserContentArticle BlogPosting "
    "DiscussionForumPosting LiveBlogPosting MedicalScholarlyArticle Report SatiricalArticle "
    "ScholarlyArticle SocialMediaPosting TechArticle"
)
EVENT_TYPES = frozenset(name for name in vocabulary.EVENT_TYPES if not name.startswith("User"))
"""https://schema.org/Event and its subtypes, the long superseded User… ones left out."""

_STATUSES = _words("EventScheduled EventCancelled EventPostponed EventRescheduled EventMovedOnline")
_MODES = frozenset(f"{mode}EventAttendanceMode" for mode in ("Offline", "Online", "Mixed"))
# Read, or of no use to a record: not worth an advice that they were dropped.
_KNOWN = _words(
    "headline name alternativeHeadline alternateName description abstract articleBody text articleSection "
    "keywords wordCount inLanguage datePublished dateModified dateCreated expires author creator "
    "publisher image dateline contentLocation about mentions mainEntity mainEntityOfPage "
    "isAccessibleForFree license correction isBasedOn sameAs url thumbnailUrl thumbnail "
    "creativeWorkStatus identifier isPartOf hasPart speakable copyrightHolder copyrightYear commentCount "
    "comment potentialAction interactionStatistic primaryImageOfPage subjectOf id type context "
    "sourceOrganization"
)
_EVENT_KNOWN = _words(
    "name headline url description startDate endDate doorTime previousStartDate eventStatus "
    "eventAttendanceMode location organizer performer performers attendee attendees offers image superEvent "
    "subEvent subEvents sameAs identifier mainEntityOfPage potentialAction subjectOf id type context"
)
_MAX_EVENTS = 500


def is_article(node: object) -> bool:
    """Whether a node is a schema.org Article of some kind."""
    return any(name in _ARTICLE_TYPES for name in types_of(node))


def is_event(node: object) -> bool:
    """Whether a node is a schema.org Event of some kind."""
    return any(name in EVENT_TYPES for name in types_of(node))


MAX_NODES = 5_000
"""Things that one document describes, at most; the rest is not read."""


def flatten(value: object) -> list[Node]:
    """The nodes at the top of some JSON-LD: of lists and of `@graph` alike, to any sane depth."""
    found: list[Node] = []
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting and len(found) < MAX_NODES:
        item, depth = waiting.pop()
        if isinstance(item, list):
            if depth < 8:
                waiting.extend((part, depth + 1) for part in reversed(item[:MAX_NODES]))
        elif isinstance(item, Mapping):
            if any(not key.startswith("@") for key in item) or "@type" in item:
                found.append(item)
            if "@graph" in item:
                waiting.append((item["@graph"], depth + 1))
    return found


def index_of(nodes: Iterable[Node]) -> dict[str, Node]:
    """`@id` → the node that says most about it: what a bare reference means."""
    index: dict[str, Node] = {}
    for node in nodes:
        name = node.get("@id")
        if isinstance(name, str) and len(node) > len(index.get(name, ())):
            index[name] = node
    return index


class _Fields:
    """Collects the fields of one node with their origins and problems."""

    def __init__(self, node: Node, how: str, reading: Reading, pointer: str = "") -> None:
        self.node = node
        self.how = how
        self.reading = reading
        self.pointer = pointer
        self.found: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.problems: list[Problem] = []

    def put(self, field: str, key: str, value: Any) -> None:
        """Set a field, if there is a value and nothing better stands there already."""
        if value in (None, (), "") or field in self.found:
            return
        given = self.node.get(key)
        quote = given if isinstance(given, str) and len(given) <= 500 else None
        name = f"{self.how}: {key}" if self.how else key
        self.found[field] = value
        self.origins[field] = Origin("markup" if self.how else "metadata", name, quote)

    def put_date(
        self, field: str, key: str, *, rule: str, severity_error: bool, day: When | None = None
    ) -> None:
        given = self.node.get(key)
        if values.is_no_date(given):
            return
        when: When | None = values.when(given, self.reading)
        if when is None and day is not None:
            when = dates.on_day(day, values.text(given) or "")
        if when is not None:
            self.put(field, key, when)
            self.problems += metadata.wrong_weekday(values.text(given) or "", when)
            return
        shown = repr(values.items(given)[0])
        self.problems.append(
            Problem(
                rule,
                f"{key} is {shown[:80]}, which is no date that can be read in one way only.",
                "Write it as 2025-09-02 or 2025-09-02T14:30:00+02:00, the year with 4 digits, or leave it out.",
                severity="error" if severity_error else "advice",
                pointer=f"{self.pointer}/{key}",
                value=shown[:200],
            )
        )


def article_from_schema_org(
    node: Node, *, source: str, place: str, how: str, reading: Reading | None = None
) -> tuple[Article, tuple[Problem, ...]]:
    """The article that a schema.org Article node states, with the events that it is about or mentions.

    Args:
        node: The node, a JSON object with "@type".
        source: The name of the source, for the article.
        place: The document's place in it.
        how: The syntax for the origins ("json-ld", "microdata"), "" for a JSON record.
        reading: Base address, other nodes to resolve references with.

    Returns:
        The article, and problems: an unreadable date of its own is an error.
    """
    reading = reading or Reading()
    fields = _Fields(node, how, reading)
    put, get = fields.put, node.get
    fields.problems += values.cut_short(node)

    types = types_of(node)
    kind = next((name for name in NEWS_TYPES if name in types), "NewsArticle")
    put("type", "@type", kind)
    if fields.origins["type"].quote is None or kind not in types:
        fields.origins["type"] = replace(fields.origins["type"], quote=", ".join(types) or None)

    put("id", "@id", values.identifier(node, reading))
    for key in ("url", "mainEntityOfPage"):
        put("url", key, values.url(get(key), reading))
    for key in ("headline", "name"):
        put("headline", key, values.text(get(key)))
    put("alternative_headline", "alternativeHeadline", values.text(get("alternativeHeadline")))
    for key in ("description", "abstract"):
        put("description", key, values.text(get(key)))
    for key in ("articleBody", "text"):
        body_text, body_html = values.body(get(key), reading.base_url)
        if body_text and "body_text" not in fields.found:
            put("body_text", key, body_text)
            fields.origins["body_text"] = replace(fields.origins["body_text"], quote=None)
            if body_html:
                fields.found["body_html"] = body_html
    put("sections", "articleSection", values.names(get("articleSection")))
    put("keywords", "keywords", values.names(get("keywords"), split=True))
    put("language", "inLanguage", _language(get("inLanguage")))
    for field, key in (
        ("published", "datePublished"),
        ("modified", "dateModified"),
        ("created", "dateCreated"),
        ("expires_at", "expires"),
    ):
        fields.put_date(field, key, rule="date-unreadable", severity_error=True)

    publishers = things.agents(get("publisher"), reading, "Organization")
    put("publisher", "publisher", publishers[0] if publishers else None)
    known = {agent.name.casefold() for agent in publishers}
    for key in ("author", "creator"):
        authors = things.agents(get(key), reading)
        put(
            "authors",
            key,
            tuple(
                replace(agent, type="Organization") if agent.name.casefold() in known else agent
                for agent in authors
            ),
        )
    for key in ("image", "primaryImageOfPage", "thumbnail", "thumbnailUrl"):
        put("images", key, things.images(get(key), reading))
    put("dateline", "dateline", values.text(get("dateline")))
    put("content_locations", "contentLocation", things.places(get("contentLocation"), reading))
    put("accessible_for_free", "isAccessibleForFree", values.truth(get("isAccessibleForFree")))
    put("license", "license", values.url(get("license"), reading) or values.text(get("license")))
    put("corrections", "correction", things.corrections(get("correction"), reading))
    put("based_on", "isBasedOn", values.url_list(get("isBasedOn"), reading))
    put("same_as", "sameAs", values.url_list(get("sameAs"), reading))
    if values.text(get("creativeWorkStatus")) in ("Draft", "draft"):
        put("draft", "creativeWorkStatus", True)

    events: list[EventMention] = []
    for key in ("about", "mainEntity", "mentions"):
        stated = list(values.nodes(get(key), reading))
        if key != "mainEntity":
            put(key, key, things.topics([item for item in stated if not is_event(item)], reading))
        for number, item in enumerate(stated):
            if isinstance(item, Mapping) and is_event(item):
                pointer = f"/{key}/{number}" if isinstance(get(key), list) else f"/{key}"
                found, problems = events_from_schema_org(
                    item, how=how, reading=reading, pointer=pointer, main=key != "mentions", tie=key
                )
                events += found
                fields.problems += problems
    fields.found["events"] = distinct(events)
    fields.found["extra"] = _unknown(node, _KNOWN)
    article = Article(source=source, place=place, origins=fields.origins, **fields.found)
    return article, tuple(fields.problems)


def event_from_schema_org(
    node: Node,
    *,
    how: str,
    reading: Reading | None = None,
    pointer: str = "",
    main: bool = False,
    tie: str = "",
) -> tuple[EventMention | None, tuple[Problem, ...]]:
    """The event that a schema.org Event node states, or None if it has no name; problems only advise.

    Args:
        node: The node, a JSON object with "@type".
        how: The syntax for the origins, "" for a JSON record.
        reading: Base address, other nodes to resolve references with.
        pointer: JSON pointer to the node, for the problems.
        main: Whether the article is about this event.
        tie: How the document ties it to its article: the property that names it, or "same page".
    """
    reading = reading or Reading()
    fields = _Fields(node, how, reading, pointer)
    if tie:
        fields.origins["main"] = Origin("markup" if how else "metadata", f"{how}: {tie}" if how else tie)
    put, get = fields.put, node.get
    name = values.text(get("name")) or values.text(get("headline"))
    if name is None:
        problem = Problem(
            "event-without-name",
            "An event has no name, so it is left out.",
            "Give it a name.",
            severity="advice",
            pointer=f"{pointer}/name",
        )
        return None, (problem,)
    put("name", "name", name)
    put(
        "type",
        "@type",
        next((kind for kind in types_of(node) if kind in EVENT_TYPES and kind != "Event"), "Event"),
    )
    put("id", "@id", values.identifier(node, reading))
    put("url", "url", values.url(get("url"), reading))
    put("description", "description", values.text(get("description")))
    for field, key in (
        ("start", "startDate"),
        ("end", "endDate"),
        ("previous_start", "previousStartDate"),
    ):
        fields.put_date(field, key, rule="event-date-unreadable", severity_error=False)
    # The one date of an event that may be a mere time of day: https://schema.org/doorTime
    fields.put_date(
        "door_time",
        "doorTime",
        rule="event-date-unreadable",
        severity_error=False,
        day=fields.found.get("start"),
    )
    _put_name_of(fields, "status", "eventStatus", _STATUSES)
    _put_name_of(fields, "attendance_mode", "eventAttendanceMode", _MODES)
    put("locations", "location", things.places(get("location"), reading))
    put("organizers", "organizer", things.agents(get("organizer"), reading, "Organization"))
    for key in ("performer", "performers"):
        put("performers", key, things.agents(get(key), reading))
    for key in ("attendee", "attendees"):
        put("attendees", key, things.agents(get(key), reading))
    put("offers", "offers", things.offers(get("offers"), reading))
    put("images", "image", things.images(get("image"), reading))
    above = next(iter(_references(get("superEvent"), reading)), None)
    put("super_event", "superEvent", above)
    for key in ("subEvent", "subEvents"):
        put("sub_events", key, tuple(_references(get(key), reading)))
    put("same_as", "sameAs", values.url_list(get("sameAs"), reading))
    fields.found["extra"] = _unknown(node, _EVENT_KNOWN)
    return EventMention(main=main, origins=fields.origins, **fields.found), tuple(fields.problems)


def events_from_schema_org(
    node: Node,
    *,
    how: str,
    reading: Reading | None = None,
    pointer: str = "",
    main: bool = False,
    tie: str = "",
) -> tuple[list[EventMention], list[Problem]]:
    """An event and, after it, the events within it that are described in full (with a date of their own)."""
    reading = reading or Reading()
    found: list[EventMention] = []
    problems: list[Problem] = []
    waiting: list[tuple[Node, str, int, str]] = [(node, pointer, 0, tie)]
    while waiting and len(found) < _MAX_EVENTS:
        item, where, depth, tie = waiting.pop()
        event, remarks = event_from_schema_org(
            item, how=how, reading=reading, pointer=where, main=main and depth == 0, tie=tie
        )
        problems += remarks
        if event is None:
            continue
        found.append(event)
        if depth < 4:
            for key in ("subEvent", "subEvents", "superEvent"):
                near = [other for other in values.nodes(item.get(key), reading) if isinstance(other, Mapping)]
                waiting += [
                    (other, f"{where}/{key}/{number}", depth + 1 if key != "superEvent" else 4, tie and key)
                    for number, other in reversed(list(enumerate(near)))
                    if other.get("startDate") and values.text(other.get("name"))
                ]
    return list(distinct(found)), problems


def distinct(events: Iterable[EventMention]) -> tuple[EventMention, ...]:
    """Each event once: by id, else by name and start; the first mention stays, `main` if any is."""
    found: dict[tuple[str, ...], EventMention] = {}
    for event in events:
        key = (event.id,) if event.id else (event.name.casefold(), event.start.value if event.start else "")
        before = found.get(key)
        if before is None:
            found[key] = event
        elif event.main and not before.main:
            found[key] = replace(before, main=True)
    return tuple(found.values())


def _unknown(node: Node, known: frozenset[str]) -> tuple[str, ...]:
    """The properties that state something which no record takes over."""
    return tuple(
        sorted(
            key
            for key, value in node.items()
            if isinstance(key, str) and not key.startswith("@") and key not in known and values.items(value)
        )
    )[:50]


def _references(value: object, reading: Reading) -> list[str]:
    """How other events are pointed to: by id where they have one, else by name."""
    found = []
    for item in values.nodes(value, reading):
        name = (values.identifier(item, reading) if isinstance(item, Mapping) else None) or values.text(item)
        if name:
            found.append(name)
    return found


def _put_name_of(fields: _Fields, field: str, key: str, known: frozenset[str]) -> None:
    given = next(iter(values.items(fields.node.get(key))), None)
    if isinstance(given, Mapping):
        given = given.get("@id") or given.get("name")
    if not isinstance(given, str):
        return
    name = values.short_name(given)
    if name in known:
        fields.put(field, key, name)
        return
    fields.problems.append(
        Problem(
            "event-value-unknown",
            f"{key} {given[:80]!r} is no value of schema.org, so it is left out.",
            f"Use one of {', '.join(sorted(known))}.",
            severity="advice",
            pointer=f"{fields.pointer}/{key}",
            value=repr(given)[:200],
        )
    )


def _language(value: object) -> str | None:
    for item in values.items(value):
        given = (
            (
                values.text(item.get("alternateName"))
                or values.text(item.get("identifier"))
                or values.text(item)
            )
            if isinstance(item, Mapping)
            else item
        )
        tag = language.normalise(given) if isinstance(given, str) else None
        if tag:
            return tag
    return None
