"""Metadata as people write it above an article → fields of an Article.

Front matter, Pelican's lines and the header block of a plain text all end up here: named values,
each with the place where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from feedpub import dates, urls, vocabulary
from feedpub.extraction import agents, values
from feedpub.models import Correction, Image, Origin, Place, Problem, Topic, When

_ALIASES = {
    "headline": "title headline hed titel überschrift schlagzeile titre título titulo titular titolo",
    "alternative_headline": (
        "subtitle subheadline subhead subtitel untertitel soustitre subtítulo alternativeheadline"
    ),
    "description": (
        "summary description excerpt abstract dek deck standfirst teaser zusammenfassung beschreibung "
        "vorspann résumé chapô chapo resumen resumo sommario entradilla"
    ),
    "published": (
        "date published datepublished pubdate publicationdate publishedat publishedon datum "
        "veröffentlicht publié publicado fecha data pubblicato dateofpublication"
    ),
    "modified": (
        "updated lastmod modified lastmodified lastmodifiedat lastupdated updatedat datemodified "
        "aktualisiert misàjour actualizado aggiornato"
    ),
    "created": "created datecreated createdat erstellt créé creado",
    "publish_at": "publishdate publishat embargo embargoeduntil embargountil sperrfrist",
    "expires_at": "expirydate expires expiresat expiration expirationdate unpublishdate",
    "authors": (
        "author authors by byline autor autoren autorin auteur auteurs autora autores autore autori von "
        "par por"
    ),
    "keywords": (
        "tags tag keywords keyword schlagwörter schlagworte stichwörter motsclés motscles palabrasclave "
        "etiquetas étiquettes parolechiave"
    ),
    "sections": (
        "section sections category categories rubrik ressort rubrique sección seccion sezione categoría"
    ),
    "language": "lang language locale inlanguage sprache langue idioma lingua",
    "id": "id guid uuid identifier",
    "url": "url canonicalurl canonical originalurl permalink link",
    "slug": "slug",
    "aliases": "aliases alias redirectfrom",
    "images": "image images cover featuredimage featureimage thumbnail hero bild imagen immagine photo",
    "draft": "draft entwurf brouillon borrador",
    "status": "status",
    "type": "type",
    "license": "license licence lizenz licencia licenza",
    "corrections": "correction corrections korrektur korrekturen",
    "accessible_for_free": "free isaccessibleforfree accessibleforfree",
    "paid": "premium paywall paid",
    "dateline": "dateline",
    "content_locations": "location locations contentlocation place city ort lieu lugar luogo",
    "publisher": "publisher herausgeber éditeur editor",
    "based_on": "basedon isbasedon sourceurl",
    "same_as": "sameas",
    "about": "about",
    "mentions": "mentions",
    "events": "event events",
}
FIELDS = {alias: name for name, text in _ALIASES.items() for alias in text.split()}
"""Key as written, in lower case without "_", "-" and spaces → our field."""

# What generators steer their layout with: no facts about the article.
_LAYOUT_KEYS = """
layout template weight menu toc comments math mathjax katex sidebar sitemap outputs theme pin pinned nav
navorder parent haschildren linktitle showtoc hidemeta disableshare searchhidden classes header
excerptseparator authorprofile readtime share related cascade build markup robots headless params render view
translationkey wordpressid postid disqusid redirectto mermaid highlight lightbox css js scripts styles
"""
LAYOUT = frozenset(_LAYOUT_KEYS.split())
_ARTICLE_TYPES = {name.lower(): name for name in vocabulary.ARTICLE_TYPES}
_EMPTY: tuple[object, ...] = (None, "", [], {})
_DATES = ("published", "modified", "created", "publish_at", "expires_at")
_SLASHED = re.compile(r"[0-9]{1,2}([-/])[0-9]{1,2}\1[0-9]{4}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:\.[\w-]+)?\Z")

_PATH_DATES = (
    re.compile(r"(?:^|/)(?P<y>[0-9]{4})/(?P<m>[0-9]{2})/(?P<d>[0-9]{2})(?=[/_.-]|$)"),
    re.compile(r"(?:^|[/_ -])(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})(?=[/_. T-]|$)"),
    re.compile(r"(?:^|[/_ -])(?P<y>[0-9]{4})_(?P<m>[0-9]{2})_(?P<d>[0-9]{2})(?=[/_. -]|$)"),
    re.compile(r"(?:^|[/_ -])(?P<y>[12][0-9]{3})(?P<m>[01][0-9])(?P<d>[0-3][0-9])(?=[/_. T-]|$)"),
    re.compile(r"(?:^|/)(?P<y>[0-9]{4})[/-](?P<m>[0-9]{2})(?=/)"),
)
_PATH_YEAR = re.compile(r"(?:^|/)([12][0-9]{3})(?=[/-])")


@dataclass(frozen=True, slots=True)
class Item:
    """One named value: text, bool, None, a list or a mapping. `start` and `end` count in the document."""

    key: str
    value: object
    line: int | None = None
    column: int | None = None
    start: int | None = None
    end: int | None = None

    @property
    def name(self) -> str:
        """The key in the form in which keys are compared."""
        return normal(self.key)


@dataclass(slots=True)
class Fields:
    """What has been found: arguments for an Article, and what to report."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    events: list[Item] = field(default_factory=list)

    def set(self, name: str, value: object, origin: Origin) -> None:
        """Keep `value` with its origin unless the field has one already or the value says nothing."""
        if name not in self.values and value not in (None, "", ()):
            self.values[name] = value
            self.origins[name] = origin


def normal(key: str) -> str:
    """A key in the form in which keys are compared."""
    return key.strip().lower().replace("_", "").replace("-", "").replace(" ", "").lstrip("@")


def read(items: Iterable[Item], text: str, dayfirst: bool | None) -> Fields:
    """The fields that `items` state, each with its origin in `text`, the document's."""
    found = Fields()
    for item in items:
        name = FIELDS.get(item.name)
        if name is None:
            # A mere yes or no steers the generator.
            if item.name not in LAYOUT and not isinstance(item.value, bool) and item.value not in _EMPTY:
                found.extra.append(item.key)
            continue
        if item.value in _EMPTY:
            continue
        _take(found, name, item, text, dayfirst)
    return found


def origin_of(item: Item, text: str) -> Origin:
    """Where the item's value stands."""
    if item.start is None or item.end is None:
        return Origin("metadata", item.key)
    return Origin("metadata", item.key, text[item.start : item.end], item.start, item.end, "document")


def _take(found: Fields, name: str, item: Item, text: str, dayfirst: bool | None) -> None:
    origin = origin_of(item, text)
    value = item.value
    if name == "published" and isinstance(value, bool | str) and values.truth(value) is not None:
        # Jekyll: `published: false` keeps a post back; it says nothing about when.
        if values.truth(value) is False:
            found.set("draft", True, origin)
    elif name in _DATES:
        when = date_of(item, dayfirst, found.problems)
        found.set(name, when, origin)
    elif name == "authors":
        found.set(name, agents.authors(value), origin)
    elif name == "publisher":
        found.set(name, agents.organisation(value), origin)
    elif name in ("keywords", "sections"):
        listed = (*found.values.get(name, ()), *_listed(value))
        found.values.pop(name, None)
        found.set(name, tuple(dict.fromkeys(listed)), found.origins.get(name, origin))
    elif name == "images":
        found.set(name, tuple(images_of(item, found.problems)), origin)
    elif name == "draft":
        stated = values.truth(value)
        if stated is None:
            found.problems.append(unclear_draft(item.key, value, item.line, item.column))
        found.set(name, stated, origin)
    elif name == "status":
        if str(value).strip().lower() in ("draft", "hidden", "private", "pending", "entwurf", "brouillon"):
            found.set("draft", True, origin)
    elif name in ("accessible_for_free", "paid"):
        stated = values.truth(value)
        if stated is not None:
            found.set("accessible_for_free", stated if name == "accessible_for_free" else not stated, origin)
    elif name == "events":
        found.events.append(item)
    elif name == "corrections":
        found.set(name, tuple(_corrections(item, dayfirst, found.problems)), origin)
    elif name == "content_locations":
        found.set(name, tuple(p for v in _each(value) if (p := place_of(v)) is not None), origin)
    elif name in ("about", "mentions"):
        found.set(name, tuple(t for v in _each(value) if (t := _topic(v)) is not None), origin)
    elif name in ("aliases", "based_on", "same_as"):
        listed = tuple(v for v in _listed(value) if name == "aliases" or urls.is_http_url(v))
        found.set(name, listed, origin)
    elif name == "type":
        found.set(name, _ARTICLE_TYPES.get(plain(value).rsplit("/", 1)[-1].lower()), origin)
    elif name == "language":
        found.set(name, language_tag(plain(value)), origin)
    elif name == "url":
        # A relative one steers the generator's own site.
        if urls.is_http_url(plain(value)):
            found.set(name, plain(value), origin)
    else:
        found.set(name, plain(value), origin)


def date_of(item: Item, dayfirst: bool | None, problems: list[Problem]) -> When | None:
    """The date that the item states; one that cannot be read is a problem and an error."""
    when = dates.from_value(item.value, dayfirst=dayfirst)
    if when is None:
        problems.append(unreadable_date(str(item.value), item.key, item.line, item.column))
    elif isinstance(item.value, str):
        problems += wrong_weekday(item.value, when, item.line)
    return when


def wrong_weekday(stated: str, when: When, line: int | None = None) -> Iterable[Problem]:
    """Advice if the date in the words of `stated` falls on another day of the week than these say."""
    if dates.has_wrong_weekday(stated, when):
        yield Problem(
            rule="weekday",
            message=f"“{stated[:80]}” falls on another day of the week; the date was taken as it stands.",
            remedy="Correct the day of the week, or the date if that is what is wrong.",
            severity="advice",
            line=line,
            value=repr(stated[:80]),
        )


def skipped_time(stated: When, zone: str, line: int | None = None) -> Iterable[Problem]:
    """Advice if the clocks of the zone, put forward, never show the time stated."""
    if dates.is_skipped(stated, zone):
        yield Problem(
            rule="time-skipped",
            message=f"{stated.value} never came in {zone}, where the clocks were put forward; "
            f"{dates.with_zone(stated, zone).value} was taken.",
            remedy="Correct the time, or write its offset.",
            severity="advice",
            line=line,
            value=repr(stated.value),
        )


def unreadable_date(value: str, key: str, line: int | None, column: int | None = None) -> Problem:
    """The problem with a date that is given but cannot be read."""
    if _SLASHED.search(value):
        remedy = "Write it as 2025-09-02, or set `dayfirst` for this source in feedpub.toml."
    else:
        remedy = (
            "Write it as 2025-09-02 or 2025-09-02T15:00:00+02:00; the day must exist, the year have 4 digits."
        )
    return Problem(
        rule="date-unreadable",
        message=f"“{key}” is no date that can be read, or not in one way only: {value[:80]}",
        remedy=remedy,
        line=line,
        column=column,
        value=repr(value[:80]),
    )


def unclear_draft(key: str, value: object, line: int | None = None, column: int | None = None) -> Problem:
    """The problem with a word that may or may not keep a draft back; publishing it could not be undone."""
    shown = str(value)[:60]
    return Problem(
        rule="draft-unclear",
        message=f"“{key}: {shown}” says neither that this is a draft nor that it is none, so it is held back.",
        remedy=f"Write `{key}: true` to keep it back, or `{key}: false` to publish it.",
        line=line,
        column=column,
        value=repr(shown),
    )


def plain(value: object) -> str:
    """A scalar as one line of text; "" for anything else."""
    if isinstance(value, str):
        return " ".join(value.split())
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def language_tag(text: str) -> str | None:
    """A BCP 47 tag in its usual case from "en", "en_US" or "de-DE.UTF-8"; None for anything else."""
    match = _LANGUAGE.match(text)
    if match is None:
        return None
    parts = [match[1].lower(), (match[2] or "").title(), (match[3] or "").upper()]
    return "-".join(part for part in parts if part)


def place_of(value: object) -> Place | None:
    """A place given by name, by an address on the net, or as a mapping."""
    from feedpub.extraction import eventdata

    return eventdata.place(value)


def path_date(place: str) -> tuple[When, Origin] | None:
    """The date in a file's name or folders ("2025/09/02/x.txt", "2025-09-02-x.md"), to the day or month."""
    path = place.partition("#")[0]
    for pattern in _PATH_DATES:
        for match in pattern.finditer(path):
            parts = [part for part in match.groupdict().values() if part]
            when = dates.parse("-".join(parts))
            if when is not None and int(parts[0]) >= 1600:
                return when, Origin("path", match[0].strip("/_ -"))
    return None


def path_year(place: str) -> int | None:
    """The year that a folder or the beginning of the file's name states."""
    match = _PATH_YEAR.search(place.partition("#")[0])
    return int(match[1]) if match else None


def image_at(reference: str) -> Image | None:
    """A picture by its web address or by its path beside the document; None for any other scheme."""
    reference = reference.strip()
    if reference.startswith("//"):
        reference = f"https:{reference}"
    if urls.is_http_url(reference):
        return Image(reference)
    return Image(reference) if reference and not re.match(r"[A-Za-z][\w+.-]*:", reference) else None


def _each(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _listed(value: object) -> list[str]:
    """Items of a list, or of a text with commas or semicolons between them."""
    if isinstance(value, str):
        return [part for piece in re.split(r"[,;]", value) if (part := " ".join(piece.split()))]
    if isinstance(value, Mapping):
        value = list(value)
    return [part for item in _each(value) if (part := plain(item))]


def images_of(item: Item, problems: list[Problem]) -> Iterable[Image]:
    """The pictures that an item states: addresses, paths, or mappings with what is known of each."""
    for one in _each(item.value):
        get = {normal(str(k)): v for k, v in one.items()} if isinstance(one, Mapping) else {"url": one}
        keys = ("url", "src", "image", "path", "file", "contenturl")
        reference = next((r for k in keys if (r := plain(get.get(k)))), "")
        image = image_at(reference)
        if image is None:
            if reference:
                problems.append(
                    Problem(
                        rule="image-reference",
                        message=f"The picture “{reference[:80]}” is neither a web address nor a path.",
                        remedy="Give its https address or its path within the source's folder.",
                        severity="advice",
                        line=item.line,
                        column=item.column,
                        value=repr(reference[:80]),
                    )
                )
            continue
        yield Image(
            image.url,
            width=values.number(get.get("width")),
            height=values.number(get.get("height")),
            caption=plain(get.get("caption")) or None,
            alternative_text=plain(get.get("alt")) or plain(get.get("alternativetext")) or None,
            credit=plain(get.get("credit")) or plain(get.get("credittext")) or None,
        )


def _corrections(item: Item, dayfirst: bool | None, problems: list[Problem]) -> Iterable[Correction]:
    for one in _each(item.value):
        if isinstance(one, Mapping):
            get = {normal(str(k)): v for k, v in one.items()}
            text = plain(get.get("text")) or plain(get.get("note")) or plain(get.get("description"))
            stated = get.get("date") or get.get("datepublished") or get.get("at")
            at = date_of(Item(f"{item.key}.date", stated, item.line), dayfirst, problems) if stated else None
        else:
            text, at = plain(one), None
        if text:
            yield Correction(text, at)


def _topic(value: object) -> Topic | None:
    if isinstance(value, Mapping):
        get = {normal(str(k)): v for k, v in value.items()}
        name, kind, url = plain(get.get("name")), plain(get.get("type")), plain(get.get("url"))
        kind = kind if kind in ("Person", "Organization", "Place") else "Thing"
        return Topic(name, kind, url=url if urls.is_http_url(url) else None) if name else None
    name = plain(value)
    return Topic(name) if name else None
