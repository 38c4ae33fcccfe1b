"""What crosses a module's border: frozen values, in the order in which an item meets them.

    Document → Article + EventMention → Record → Entry → bytes       Problem beside each step

schema.org JSON appears only inside `Record` (and the `Entry` made from it); times are `When`,
which keeps the precision that the source stated. `None` and empty tuples mean "not stated".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

Precision = Literal["year", "month", "day", "minute", "second"]
Severity = Literal["error", "advice"]
OriginKind = Literal["metadata", "markup", "text", "rule", "path", "configuration"]
AgentType = Literal["Person", "Organization"]
JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class When:
    """A point in time just as precisely as its source states it.

    `value` is ISO 8601 in extended form: "2024", "2025-11", "2025-09-02", "2025-09-02T15:00" or
    "2025-09-02T15:00:00+05:00". Fractions of a second are cut off. `precision` names the finest
    unit in it. `zone` is an IANA name if the source states one. The value has an offset if and
    only if the source (or the configuration, for times without one) gives it.
    """

    value: str
    precision: Precision
    zone: str | None = None

    @property
    def has_time(self) -> bool:
        """Whether it is finer than a day."""
        return self.precision in ("minute", "second")

    @property
    def has_offset(self) -> bool:
        """Whether its time is tied to UTC."""
        return self.has_time and (
            "+" in self.value[10:] or "-" in self.value[10:] or self.value.endswith("Z")
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one fact comes from.

    `name` is the metadata key ("title"), the markup ("json-ld: datePublished", "og:title"), the
    rule with its version ("headline-from-lead/1"), the part of the path, or the key in
    feedpub.toml. `quote` is the verbatim text that it rests on, with `start` and `end` in code
    points, counted in `text`: "document" (the decoded file) or "articleBody".
    """

    kind: OriginKind
    name: str
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    text: Literal["document", "articleBody"] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one item: what, where, which rule, and what to do.

    `severity` "error" holds the item back; "advice" does not. `place` is the document's place in
    its source; `line` and `column` count from 1. `pointer` is a JSON pointer into the record
    (RFC 6901); `value` a short repr of the offending value.
    """

    rule: str
    message: str
    remedy: str = ""
    severity: Severity = "error"
    place: str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One article as its source holds it: raw bytes and what the source knows about them.

    `place` is where it stands in the source, for ever the same while the article is the same:
    a path relative to the source's root with "/" between parts, followed by "#key" for one of
    several in a file. `media_type` decides how it is read: text/plain, text/markdown, text/html
    or application/json (one JSON value). `line` is where it begins in its file (1 if the whole).
    `base_path` is the absolute folder for relative files beside it (images), or None.
    """

    source: str
    place: str
    data: bytes
    media_type: str
    line: int = 1
    url: str | None = None
    encoding: str | None = None
    base_path: str | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """A person or an organisation."""

    name: str
    type: AgentType = "Person"
    id: str | None = None
    url: str | None = None
    email: str | None = None
    job_title: str | None = None
    logo: Image | None = None
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. `url` is absolute, or the path of a local file when `local_path` is set.

    `width` and `height` are in pixels, `length` in bytes; each only where it is truly known.
    """

    url: str
    local_path: str | None = None
    media_type: str | None = None
    length: int | None = None
    width: int | None = None
    height: int | None = None
    caption: str | None = None
    alternative_text: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A schema.org PostalAddress, as far as stated. `country` is a name or an ISO 3166-1 code."""

    street: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place, or with `type` "VirtualLocation" an address on the net. Coordinates are WGS 84 degrees."""

    name: str | None = None
    type: Literal["Place", "VirtualLocation"] = "Place"
    id: str | None = None
    url: str | None = None
    address: Address | str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """What an article is about or mentions, other than its events: a Person, Organization, Place or Thing."""

    name: str
    type: str = "Thing"
    id: str | None = None
    url: str | None = None
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """A published correction (schema.org CorrectionComment)."""

    text: str
    at: When | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket offer, or several as one (schema.org AggregateOffer) if a range or a `count` is given.

    `price`, `low_price` and `high_price` are decimal numbers as text, `currency` is an ISO 4217 code.
    """

    url: str | None = None
    price: str | None = None
    low_price: str | None = None
    high_price: str | None = None
    count: int | None = None
    currency: str | None = None
    availability: str | None = None
    name: str | None = None
    valid_from: When | None = None

    @property
    def is_aggregate(self) -> bool:
        """Whether it stands for several offers."""
        return self.low_price is not None or self.high_price is not None or self.count is not None

    @property
    def is_empty(self) -> bool:
        """Whether it offers nothing: a currency without a price says nothing."""
        return replace(self, currency=None) == Offer()


@dataclass(frozen=True, slots=True)
class EventMention:
    """One event as one document reports it, whoever found it there: metadata, markup or an annotator.

    `status` and `attendance_mode` are schema.org names without their address ("EventCancelled",
    "OnlineEventAttendanceMode"). `main` says that the article is about this event; its origin says
    how the article names it. `extra` names input properties that feedpub does not know, for advice
    only. `origins` maps a field's name to where its value comes from.
    """

    name: str
    type: str = "Event"
    id: str | None = None
    url: str | None = None
    start: When | None = None
    end: When | None = None
    door_time: When | None = None
    previous_start: When | None = None
    status: str | None = None
    attendance_mode: str | None = None
    description: str | None = None
    locations: tuple[Place, ...] = ()
    organizers: tuple[Agent, ...] = ()
    performers: tuple[Agent, ...] = ()
    attendees: tuple[Agent, ...] = ()
    offers: tuple[Offer, ...] = ()
    images: tuple[Image, ...] = ()
    super_event: str | None = None
    sub_events: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    main: bool = False
    extra: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """One article, mapped but not yet a record: each field only if stated, each with its origin.

    `body_text` is plain text, paragraphs separated by one empty line, NFC, no markup. `body_html`
    is the sanitised markup of the same text, or None where the input had no markup. `publish_at`
    is a stated embargo, `expires_at` a stated end. `headline_derived` marks a headline made by
    rule. `extra` names input properties that feedpub does not know, for advice only.
    """

    source: str
    place: str
    type: str = "NewsArticle"
    id: str | None = None
    url: str | None = None
    headline: str | None = None
    headline_derived: bool = False
    alternative_headline: str | None = None
    description: str | None = None
    body_text: str = ""
    body_html: str | None = None
    sections: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    language: str | None = None
    published: When | None = None
    modified: When | None = None
    created: When | None = None
    authors: tuple[Agent, ...] = ()
    publisher: Agent | None = None
    images: tuple[Image, ...] = ()
    dateline: str | None = None
    content_locations: tuple[Place, ...] = ()
    about: tuple[Topic, ...] = ()
    mentions: tuple[Topic, ...] = ()
    accessible_for_free: bool | None = None
    license: str | None = None
    corrections: tuple[Correction, ...] = ()
    based_on: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    draft: bool = False
    publish_at: When | None = None
    expires_at: When | None = None
    slug: str | None = None
    aliases: tuple[str, ...] = ()
    events: tuple[EventMention, ...] = ()
    extra: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one document holds: an article with its events, or events alone, or only problems.

    If any problem is an error, the document is held back whole. `events` are filled only when
    `article` is None (a document that is itself an event); an article carries its own. `draft` says
    that such an event is marked as one; an article says it itself.
    """

    article: Article | None = None
    events: tuple[EventMention, ...] = ()
    problems: tuple[Problem, ...] = ()
    draft: bool = False

    @property
    def refused(self) -> bool:
        """Whether the document must be held back."""
        return any(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Record:
    """One schema.org record in nested, compacted JSON-LD, without `@context`.

    `data` has `@type` and `@id`; every Person, Organization, Place and Event in it has an `@id`
    too. `origins` maps a JSON pointer into `data` to where that value comes from.
    """

    id: str
    type: str
    data: JSON
    origins: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """A file that a feed item carries. `length` in bytes and `media_type` only where truly known."""

    url: str
    media_type: str | None = None
    length: int | None = None
    width: int | None = None
    height: int | None = None
    alternative_text: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A page that something else names: its title, or "" if it has none, and its absolute address."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One published article or event as every format sees it: its record and what publishing adds.

    `html` is the body for readers: sanitised, addresses absolute. `url` is where feeds link to;
    `record_url` the address of its `.jsonld`. `page_path` is our own page, relative to the output
    folder, or None where the article has a page elsewhere. `published_at` is aware: the stated
    instant, or 00:00 in the newsroom's zone on the stated date, or None where no day is stated;
    `sort_at` is that instant or else when the article was first seen. `updated_at` moves only
    with the content, and `revision` counts these moves from 0. What a newsroom publishes always has
    these times and `first_seen_at`; each is None where `feedpub.render` is given records that state none. `withdrawn_at` is set on tombstones,
    whose `data` holds `@id` and `@type` alone (that of an event also name, time and place). `reports`
    are the articles that report an event (`is_event`), newest first. `digest` changes when anything does that a
    format could render.
    """

    id: str
    data: JSON
    events: tuple[JSON, ...]
    html: str
    url: str
    record_url: str
    page_path: str | None
    record_path: str
    published_at: datetime | None
    sort_at: datetime | None
    updated_at: datetime | None
    first_seen_at: datetime | None
    digest: str
    media: tuple[Media, ...] = ()
    withdrawn_at: datetime | None = None
    revision: int = 0
    reports: tuple[Link, ...] = ()
    is_event: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """The frame of one document of one feed. `path` is "" for the main feed, else its folder ("sections/world").

    `home_url` is the page that the feed belongs to, `base_url` the site's address with a final
    "/"; both absolute. `ttl_minutes` equals the timer. `publisher` is the publisher's node as it
    stands in records. `updated_at` is the newest `updated_at` of what the document holds, or None.
    `hubs` are the addresses of WebSub hubs. `page` is the number of an archive page (RFC 5005,
    section 4; from 1), or None in the subscription document; `previous_page` is the number of the
    archive page with what is older, or None if there is none.
    """

    path: str
    title: str
    description: str
    home_url: str
    base_url: str
    language: str | None
    ttl_minutes: int
    generator: str
    updated_at: datetime | None = None
    publisher: JSON | None = None
    license: str | None = None
    image_url: str | None = None
    timezone: str = "UTC"
    alternates: tuple[Alternate, ...] = ()
    hubs: tuple[str, ...] = ()
    page: int | None = None
    previous_page: int | None = None

    def path_of(self, name: str, page: int | None = None) -> str:
        """Where the file `name` of this feed stands in the output, or that archive page of it."""
        folder = f"{self.path}/" if self.path else ""
        if page is None:
            return f"{folder}{name}"
        stem, _, ending = name.rpartition(".")
        return f"archives/{folder}{page // 100}/{stem}-{page}.{ending}"

    def url_of(self, name: str) -> str:
        """Absolute address of the subscription document called `name`, for example of "feed.xml"."""
        return self.base_url + self.path_of(name)

    def self_url(self, name: str) -> str:
        """Absolute address of this very document: the subscription document, or the archive page."""
        return self.base_url + self.path_of(name, self.page)

    def previous_url(self, name: str) -> str | None:
        """Absolute address of the archive page with what is older, or None if there is none."""
        return None if self.previous_page is None else self.base_url + self.path_of(name, self.previous_page)


@dataclass(frozen=True, slots=True)
class Alternate:
    """One thing to subscribe to: for autodiscovery links and the front page."""

    title: str
    media_type: str
    url: str


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one refresh found in one source. `failure` is why it could not be read, or None.

    `complete` is False if a part of it could not be looked at; `notices` say which, and what was left out.
    """

    name: str
    new: int = 0
    modified: int = 0
    unmodified: int = 0
    removed: int = 0
    waiting: int = 0
    quarantined: int = 0
    failure: str | None = None
    notices: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """What one refresh did.

    `held` are the documents held back in this or an earlier refresh, each with its problems;
    `written` and `deleted` are paths in the output; `next_due_at` is when an article or a file is
    due to change by time alone, or None.
    """

    started_at: datetime
    finished_at: datetime
    sources: tuple[SourceReport, ...] = ()
    held: tuple[Held, ...] = ()
    advice: tuple[Problem, ...] = ()
    written: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    articles: int = 0
    events: int = 0
    next_due_at: datetime | None = None
    output: str = ""

    @property
    def failed(self) -> bool:
        """Whether a source or an output failed."""
        return bool(self.failures) or any(source.failure for source in self.sources)

    @property
    def complete(self) -> bool:
        """Whether every source could be looked at as a whole."""
        return all(source.complete and not source.failure for source in self.sources)


@dataclass(frozen=True, slots=True)
class Held:
    """One document in quarantine. `published_id` is set where an earlier good version stays published."""

    source: str
    place: str
    problems: tuple[Problem, ...]
    since: datetime
    published_id: str | None = None
    headline: str | None = None
