"""The words of our own pages in the languages that we know, and dates as people write them there.

Where a page is in another language, its labels are in the site's language or else in English
(and marked as such), and its dates stand in ISO 8601, which everybody can read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from feedpub.formats import phrases

FALLBACK = "en"

_PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "skip": "Skip to the text",
        "home": "Front page",
        "by": "By",
        "and": "and",
        "updated": "Updated",
        "events": "Events in this article",
        "correction": "Correction",
        "topics": "Topics",
        "licence": "Licence",
        "based_on": "Based on",
        "data": "This article as data",
        "EventCancelled": "Cancelled",
        "EventPostponed": "Postponed",
        "EventRescheduled": "New date",
        "EventMovedOnline": "Moved online",
        "formerly": "formerly {date}",
        "online": "Online",
        "event_time": "Time: {date}",
        "doors": "Doors: {date}",
        "organised_by": "Organised by {names}",
        "performing": "With {names}",
        "taking_part": "Taking part: {names}",
        "reported_in": "Reported in:",
        "event_withdrawn": "The newsroom withdrew what it had reported of this event on {date}.",
        "withdrawn": "Article withdrawn",
        "withdrawn_on": "The newsroom withdrew this article on {date}.",
        "moved": "This page has moved",
        "moved_to": "It now stands at another address:",
        "latest": "Latest articles",
        "upcoming": "Coming up",
        "sections": "Sections",
        "subscribe": "Subscribe",
        "empty": "No article has been published here yet.",
    },
    "de": {
        "skip": "Zum Text springen",
        "home": "Titelseite",
        "by": "Von",
        "and": "und",
        "updated": "Aktualisiert",
        "events": "Termine in diesem Artikel",
        "correction": "Korrektur",
        "topics": "Themen",
        "licence": "Lizenz",
        "based_on": "Beruht auf",
        "data": "Dieser Artikel als Daten",
        "EventCancelled": "Abgesagt",
        "EventPostponed": "Verschoben",
        "EventRescheduled": "Neuer Termin",
        "EventMovedOnline": "Ins Netz verlegt",
        "formerly": "bisher {date}",
        "online": "Online",
        "event_time": "Zeit: {date}",
        "doors": "Einlass: {date}",
        "organised_by": "Veranstaltet von: {names}",
        "performing": "Mit {names}",
        "taking_part": "Es nehmen teil: {names}",
        "reported_in": "Berichtet in:",
        "event_withdrawn": "Die Redaktion hat ihre Angaben zu diesem Termin zurückgezogen. Datum: {date}.",
        "withdrawn": "Artikel zurückgezogen",
        "withdrawn_on": "Die Redaktion hat diesen Artikel zurückgezogen. Datum: {date}.",
        "moved": "Diese Seite ist umgezogen",
        "moved_to": "Sie steht jetzt unter einer anderen Adresse:",
        "latest": "Neueste Artikel",
        "upcoming": "Demnächst",
        "sections": "Ressorts",
        "subscribe": "Abonnieren",
        "empty": "Hier ist noch kein Artikel erschienen.",
    },
    "fr": {
        "skip": "Aller au texte",
        "home": "La une",
        "by": "Par",
        "and": "et",
        "updated": "Mis à jour",
        "events": "Événements dans cet article",
        "correction": "Rectificatif",
        "topics": "Thèmes",
        "licence": "Licence",
        "based_on": "D’après",
        "data": "Cet article sous forme de données",
        "EventCancelled": "Annulé",
        "EventPostponed": "Reporté",
        "EventRescheduled": "Nouvelle date",
        "EventMovedOnline": "Transféré en ligne",
        "formerly": "auparavant {date}",
        "online": "En ligne",
        "event_time": "Date et heure : {date}",
        "doors": "Ouverture des portes : {date}",
        "organised_by": "Organisé par {names}",
        "performing": "Avec {names}",
        "taking_part": "Participants : {names}",
        "reported_in": "À lire :",
        "event_withdrawn": "La rédaction a retiré ses informations sur cet événement. Date : {date}.",
        "withdrawn": "Article retiré",
        "withdrawn_on": "La rédaction a retiré cet article. Date : {date}.",
        "moved": "Cette page a changé d’adresse",
        "moved_to": "Elle se trouve désormais ici :",
        "latest": "Derniers articles",
        "upcoming": "À venir",
        "sections": "Rubriques",
        "subscribe": "S’abonner",
        "empty": "Aucun article n’a encore été publié ici.",
    },
    "es": {
        "skip": "Ir al texto",
        "home": "Portada",
        "by": "Por",
        "and": "y",
        "updated": "Actualizado",
        "events": "Eventos en este artículo",
        "correction": "Corrección",
        "topics": "Temas",
        "licence": "Licencia",
        "based_on": "Basado en",
        "data": "Este artículo como datos",
        "EventCancelled": "Cancelado",
        "EventPostponed": "Aplazado",
        "EventRescheduled": "Nueva fecha",
        "EventMovedOnline": "Se celebra en línea",
        "formerly": "antes {date}",
        "online": "En línea",
        "event_time": "Fecha y hora: {date}",
        "doors": "Apertura de puertas: {date}",
        "organised_by": "Organizado por {names}",
        "performing": "Con {names}",
        "taking_part": "Participan: {names}",
        "reported_in": "Se informa en:",
        "event_withdrawn": "La redacción retiró su información sobre este evento. Fecha: {date}.",
        "withdrawn": "Artículo retirado",
        "withdrawn_on": "La redacción retiró este artículo. Fecha: {date}.",
        "moved": "Esta página ha cambiado de dirección",
        "moved_to": "Ahora se encuentra aquí:",
        "latest": "Últimos artículos",
        "upcoming": "Próximamente",
        "sections": "Secciones",
        "subscribe": "Suscribirse",
        "empty": "Aquí no se ha publicado todavía ningún artículo.",
    },
}
PHRASES: Mapping[str, Mapping[str, str]] = {
    language: {**own, **phrases.EVENTS[language], **phrases.FEEDS[language]}
    for language, own in _PHRASES.items()
}
"""Language → name of a phrase → the phrase, `{date}` in it standing for a date."""

_MONTH_NAMES = """
en January February March April May June July August September October November December
de Januar Februar März April Mai Juni Juli August September Oktober November Dezember
fr janvier février mars avril mai juin juillet août septembre octobre novembre décembre
es enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
"""
_MONTHS = {line[:2]: line.split()[1:] for line in _MONTH_NAMES.strip().splitlines()}
_RTL_LANGUAGES = "ar arc ckb dv fa glk he iw ks lrc mzn nqo pnb ps sd syr ug ur yi"
_RTL_SCRIPT_CODES = "arab aran hebr thaa syrc nkoo adlm rohg"
_RTL, _RTL_SCRIPTS = frozenset(_RTL_LANGUAGES.split()), frozenset(_RTL_SCRIPT_CODES.split())
_ISO = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}:[0-9]{2})(?::[0-9]{2}(?:[.,][0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)


@dataclass(frozen=True, slots=True)
class _Date:
    year: str
    month: str | None
    day: str | None
    clock: str | None
    offset: str | None


def primary(language: str | None) -> str:
    """The language itself of a BCP 47 tag, in lower case ("de" of "de-AT"), or ""."""
    return (language or "").replace("_", "-").split("-")[0].lower()


def known(*languages: str | None) -> str:
    """The first of the languages that we have words for, else English."""
    return next((primary(tag) for tag in languages if primary(tag) in PHRASES), FALLBACK)


def direction(language: str | None) -> str | None:
    """ "rtl" or "ltr" for a BCP 47 tag; None if there is none. A stated script outweighs the language."""
    if not language:
        return None
    subtags = language.replace("_", "-").lower().split("-")
    script = next((subtag for subtag in subtags[1:] if len(subtag) == 4 and subtag.isalpha()), None)
    rtl = script in _RTL_SCRIPTS if script else subtags[0] in _RTL
    return "rtl" if rtl else "ltr"


def open_graph_locale(language: str | None) -> str | None:
    """ "en_GB" for "en-GB"; None for a tag without a region, as Open Graph demands one."""
    subtags = (language or "").replace("_", "-").split("-")
    region = next((subtag for subtag in subtags[1:] if len(subtag) == 2 and subtag.isalpha()), None)
    return f"{subtags[0].lower()}_{region.upper()}" if region else None


def date_text(value: str, language: str | None) -> str:
    """An ISO 8601 date as people write it, just as precise as it is; other text comes back unchanged."""
    date = _read(value)
    if date is None:
        return value
    day = _day_text(date, language)
    return f"{day}, {_clock_text(date)}" if date.clock else day


def range_text(start: str, end: str | None, language: str | None) -> str:
    """From one date to another, naming once what they share."""
    one = _read(start)
    other = _read(end) if end else None
    if one is None or other is None or not end or start == end:
        return date_text(start, language)
    if _same_day(one, other) and one.clock and other.clock and one.offset == other.offset:
        zone = f" {_zone_text(one.offset)}" if one.offset else ""
        return f"{_day_text(one, language)}, {one.clock}–{other.clock}{zone}"
    if _same_day(one, other) and not (one.clock and other.clock):
        return date_text(start if one.clock else end, language)
    days = not (one.clock or other.clock) and one.day and other.day
    if days and (one.year, one.month) == (other.year, other.month) and primary(language) in _MONTHS:
        dot = "." if primary(language) == "de" else ""
        return f"{int(one.day or 0)}{dot}–{_day_text(other, language)}"
    return f"{date_text(start, language)} – {date_text(end, language)}"


def listing(names: list[str], conjunction: str) -> list[tuple[str, str]]:
    """Each name with what stands before it: ("A", ""), ("B", ", "), ("C", " and ")."""
    last = len(names) - 1
    return [
        (name, "" if number == 0 else f" {conjunction} " if number == last else ", ")
        for number, name in enumerate(names)
    ]


def _read(value: str) -> _Date | None:
    match = _ISO.fullmatch(value)
    if match is None or not 1 <= int(match[2] or 1) <= 12 or not 1 <= int(match[3] or 1) <= 31:
        return None
    return _Date(*match.groups())


def _same_day(one: _Date, other: _Date) -> bool:
    return bool(one.day) and (one.year, one.month, one.day) == (other.year, other.month, other.day)


def _day_text(date: _Date, language: str | None) -> str:
    tongue = primary(language)
    if tongue not in _MONTHS or date.month is None:
        return "-".join(part for part in (date.year, date.month, date.day) if part)
    month = _MONTHS[tongue][int(date.month) - 1]
    of = " de " if tongue == "es" else " "
    if date.day is None:
        return f"{month}{of}{date.year}"
    day = {"de": f"{int(date.day)}.", "fr": "1er" if date.day == "01" else None}.get(tongue)
    return f"{day or int(date.day)}{of}{month}{of}{date.year}"


def _clock_text(date: _Date) -> str:
    return f"{date.clock} {_zone_text(date.offset)}" if date.offset else str(date.clock)


def _zone_text(offset: str | None) -> str:
    if offset is None or offset == "Z" or offset[1:] == "00:00":
        return "UTC"
    hours, minutes = offset[1:].split(":")
    sign = "+" if offset[0] == "+" else "−"
    return f"UTC{sign}{int(hours)}" + (f":{minutes}" if minutes != "00" else "")
