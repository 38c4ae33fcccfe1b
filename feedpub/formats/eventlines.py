"""What a list says of an event in a line or two."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from feedpub.formats import wording
from feedpub.formats.properties import first, headline, listed, strings
from feedpub.models import JSON
from feedpub.urls import is_http_url

_ADDRESS = ("streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry")


def event_line(
    event: JSON,
    language: str | None,
    site_language: str | None,
    pages: Mapping[str, str] = MappingProxyType({}),
    up: str = "./",
) -> dict[str, str]:
    """What a list says of an event: name, url, status, start, when, formerly, place; each "" if unstated.

    Args:
        event: Its record.
        language: The page's.
        site_language: The site's, for our words where we have none in the page's.
        pages: `@id` → our page about the event, relative to the output; without one, `url` is the
            address that the record states.
        up: What leads from the page to the output's root.
    """
    words = wording.known(language, site_language)
    phrases = wording.PHRASES[words]
    start, formerly = first(event.get("startDate")), first(event.get("previousStartDate"))
    url, page = first(event.get("url")), pages.get(event.get("@id", ""))
    return {
        "name": headline(event),
        "url": up + page if page else url if is_http_url(url) else "",
        "status": status_text(event, words),
        "start": start,
        "when": wording.range_text(start, first(event.get("endDate")) or None, language),
        "formerly": phrases["formerly"].format(date=wording.date_text(formerly, words)) if formerly else "",
        "place": " / ".join(
            strings([_place(place, phrases["online"]) for place in listed(event.get("location"))])
        ),
    }


def status_text(event: JSON, words: str) -> str:
    """ "Cancelled" and the like in the language `words`, "" for an event that takes place as planned."""
    status = first(event.get("eventStatus")).rpartition("/")[2]
    return wording.PHRASES[words].get(status, "") if status.startswith("Event") else ""


def address_parts(place: Mapping[str, Any], *keys: str) -> list[str]:
    """A place's address from the house to the country, each part once; only `keys` of it if there are any."""
    address = place.get("address")
    if not isinstance(address, Mapping):
        return strings(address)
    return strings([address.get(key) for key in keys or _ADDRESS])


def _place(place: object, online: str) -> str:
    if not isinstance(place, Mapping):
        return place if isinstance(place, str) else ""
    address = address_parts(place, "streetAddress", "addressLocality", "addressCountry")
    parts = strings([place.get("name"), *address])
    return ", ".join(parts) or (online if place.get("@type") == "VirtualLocation" else "")
