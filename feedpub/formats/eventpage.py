"""The page of one event: what is known of it, the articles that report it, and its calendar file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from feedpub.config import Site
from feedpub.formats import jsonld, page, wording
from feedpub.formats.eventlines import address_parts, event_line
from feedpub.formats.pageparts import lead_picture, near, picture_properties, shown, up_from
from feedpub.formats.properties import first, headline, listed, nodes, strings
from feedpub.formats.templating import labels, rendered
from feedpub.models import JSON, Alternate, Entry
from feedpub.urls import is_http_url

VERSION = "1"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NO_PRICE = re.compile(r"0+([.]0+)?")


def render_event(
    entry: Entry,
    *,
    site: Site,
    alternates: Iterable[Alternate] = (),
    event_pages: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The page of one event, in UTF-8; of a withdrawn one, the notice of `page.render_withdrawn`.

    The calendar file stands beside the record, with the ending ".ics", wherever the event's day is known.

    Args:
        entry: An event with a `page_path`.
        site: The newsroom.
        alternates: What to subscribe to, for autodiscovery.
        event_pages: The `@id` of another event → our page about it, relative to the output.
    """
    from markupsafe import Markup

    path = entry.page_path or ""
    if entry.withdrawn_at is not None:
        return page.render_withdrawn(site=site, at=entry.withdrawn_at, path=path, event=True)
    data = entry.data
    language = first(data.get("inLanguage")) or site.language
    words = wording.known(language, site.language)
    up = up_from(path)
    url = site.url + path
    title = headline(data) or url
    line = event_line(data, language, site.language)
    description = first(data.get("description"))
    summary = description or " · ".join(part for part in (line["when"], line["place"]) if part)
    picture = lead_picture(entry, site, up)
    stem = entry.record_path.removesuffix(".jsonld")
    website = first(data.get("url"))
    return rendered(
        "event.html",
        ("style.css", "article.css", "event.css"),
        site=site,
        page_language=language,
        labels=labels(language, site.language),
        alternates=alternates,
        home=f"{up}index.html",
        url=url,
        record_url=entry.record_url,
        record_file=up + entry.record_path,
        calendar_url=f"{site.url}{stem}.ics" if _has_day(data) else "",
        calendar_file=f"{up}{stem}.ics",
        title=title,
        summary=summary,
        status=line["status"],
        start=line["start"],
        when=line["when"],
        formerly=_formerly(data, words),
        doors=shown(first(data.get("doorTime")), language),
        places=[_place(place, words) for place in nodes(data.get("location"))]
        or [{"name": name, "url": "", "address": "", "geo": ""} for name in strings(data.get("location"))],
        people=_people(data, words),
        offers=[offer for offer in (_offer(node, words) for node in nodes(data.get("offers"))) if offer],
        website=website if is_http_url(website) and website != url else "",
        related=_related(data, words, event_pages, up),
        paragraphs=[part for part in re.split(r"\n[ \t]*\n", description.strip()) if part],
        image=picture,
        reports=[
            {"title": report.title or report.url, "url": near(report.url, site.url, up)}
            for report in entry.reports
            if is_http_url(report.url)
        ],
        open_graph=[
            ("og:type", "website"),  # Open Graph has no type for events
            ("og:title", title),
            ("og:url", url),
            ("og:site_name", site.title),
            *([("og:description", summary)] if summary else []),
            *picture_properties(picture),
        ],
        record=Markup(jsonld.embedded(data)),  # noqa: S704 - "<" is escaped there
    )


def _has_day(data: JSON) -> bool:
    """Whether a calendar can hold it: whether its start is known to the day."""
    return bool(_DAY.match(first(data.get("startDate"))))


def _formerly(data: JSON, words: str) -> str:
    earlier = [wording.date_text(value, words) for value in strings(data.get("previousStartDate"))]
    return wording.PHRASES[words]["formerly"].format(date="; ".join(earlier)) if earlier else ""


def _place(place: Mapping[str, Any], words: str) -> dict[str, str]:
    """A place as the page shows it: name, url, address and geo, each "" if unstated."""
    url = first(place.get("url"))
    online = wording.PHRASES[words]["online"] if place.get("@type") == "VirtualLocation" else ""
    address = ", ".join(address_parts(place))
    return {
        "name": first(place.get("name")) or online,
        "url": url if is_http_url(url) else "",
        "address": address,
        "geo": _geo(place),
    }


def _geo(place: Mapping[str, Any]) -> str:
    """A `geo:` address (RFC 5870 section 3.3) that map programs open, or ""."""
    for node in nodes(place.get("geo")):
        latitude, longitude = node.get("latitude"), node.get("longitude")
        if _is_degrees(latitude, 90) and _is_degrees(longitude, 180):
            return f"geo:{_decimal(latitude)},{_decimal(longitude)}"
    return ""


def _is_degrees(value: object, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most


def _decimal(value: Any) -> str:
    # Six digits are a tenth of a metre; the standard knows no exponents and no minus zero.
    written = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def _people(data: JSON, words: str) -> list[dict[str, Any]]:
    """Who holds it, who performs and who takes part, as far as stated."""
    phrases = wording.PHRASES[words]
    found = []
    for key, phrase in (
        ("organizer", "event_organiser"),
        ("performer", "event_performers"),
        ("attendee", "event_attendees"),
    ):
        urls: dict[str, str] = {}
        for agent in listed(data.get(key)):
            node: Mapping[str, Any] = agent if isinstance(agent, Mapping) else {"name": agent}
            name, url = first(node.get("name")), first(node.get("url"))
            if name:
                urls.setdefault(name, url if is_http_url(url) else "")
        if urls:
            listing = wording.listing(list(urls), phrases["and"])
            named = [{"name": name, "before": before, "url": urls[name]} for name, before in listing]
            found.append({"label": phrases[phrase], "names": named})
    return found


def _offer(node: Mapping[str, Any], words: str) -> dict[str, str] | None:
    """A ticket as the page shows it: name, url, and what else is stated; None if that is nothing."""
    phrases = wording.PHRASES[words]
    url = first(node.get("url"))
    since = first(node.get("validFrom"))
    availability = first(node.get("availability")).rpartition("/")[2]
    parts = [
        _price(node, phrases),
        phrases[availability] if availability in ("SoldOut", "LimitedAvailability") else "",
        phrases["event_sale"].format(date=wording.date_text(since, words)) if since else "",
    ]
    offer = {
        "name": first(node.get("name")),
        "url": url if is_http_url(url) else "",
        "terms": " · ".join(part for part in parts if part),
    }
    return offer if any(offer.values()) else None


def _price(node: Mapping[str, Any], phrases: Mapping[str, str]) -> str:
    stated = node.get("price")
    price = str(stated) if isinstance(stated, int | float) else first(stated)
    if _NO_PRICE.fullmatch(price):
        return phrases["event_free"]
    return " ".join(part for part in (price, first(node.get("priceCurrency"))) if part) if price else ""


def _related(data: JSON, words: str, pages: Mapping[str, str], up: str) -> list[dict[str, Any]]:
    """The event that it is part of, and the events that are part of it, where their names are stated."""
    phrases = wording.PHRASES[words]
    found = []
    for key, phrase in (("superEvent", "event_part_of"), ("subEvent", "event_programme")):
        lines = [event_line(node, words, None, pages, up) for node in nodes(data.get(key))]
        named = [line for line in lines if line["name"]]
        if named:
            found.append({"label": phrases[phrase], "events": named})
    return found
