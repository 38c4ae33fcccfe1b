"""People, organisations, pictures, places, offers and topics in schema.org data → our own values.

Each may be a string, an object, a list of either or a reference; a name without a type counts as
what the property expects. https://schema.org/docs/datamodel.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Literal

from feedpub import urls
from feedpub.extraction.values import (
    Node,
    Reading,
    identifier,
    items,
    line_of,
    nodes,
    number,
    short_name,
    text,
    types_of,
    url,
    url_list,
    when,
)
from feedpub.models import Address, Agent, AgentType, Correction, Image, Offer, Place, Topic

_PRICE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,4})?\Z")
_BY = re.compile(r"by:?\s+(?=\S)", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s<>()@,;:\"]{1,64}@[^\s<>()@,;:\"]{1,255}\Z")
_NAME_EMAIL = re.compile(
    r"(?:([^<>()@]{1,200})<([^<>@\s]{1,64}@[^<>@\s]{1,255})>|(\S{1,64}@\S{1,255})\s*\(([^()]{1,200})\))\Z"
)
_BETWEEN_NAMES = re.compile(r"\s*[;|]\s*|\s+(?:and|und|et|y|e|en|&)\s+|,\s+(?:and\s+)?")
_SURE_BETWEEN_NAMES = re.compile(r"\s*[;|]\s*|\s+&\s+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ORGANIZATIONS = _words(
    "Airline Consortium Cooperative Corporation EducationalOrganization FundingScheme "
    "GovernmentOrganization LibrarySystem LocalBusiness MedicalOrganization NGO NewsMediaOrganization "
    "OnlineBusiness OnlineStore Organization PerformingGroup DanceGroup MusicGroup TheaterGroup "
    "PoliticalParty Project FundingAgency ResearchProject ResearchOrganization SearchRescueOrganization "
    "SportsOrganization SportsTeam SportsClub WorkersUnion CollegeOrUniversity School HighSchool Library "
    "RadioStation TelevisionStation Brand"
)
_PLACES = _words(
    "Place AdministrativeArea City Country State SchoolDistrict CivicStructure Airport Aquarium Beach "
    "Bridge EventVenue GovernmentBuilding Hospital Museum Park PlaceOfWorship StadiumOrArena Landform "
    "BodyOfWater Mountain Continent LandmarksOrHistoricalBuildings MusicVenue PerformingArtsTheater "
    "MovieTheater Residence TouristAttraction TouristDestination Accommodation"
)


def agents(value: object, reading: Reading, default: AgentType = "Person") -> tuple[Agent, ...]:
    """People and organisations. `default` is what a name without a type stands for."""
    found: list[Agent] = []
    for item in nodes(value, reading):
        if isinstance(item, str):
            found += agents_named(item, default, split=default == "Person")
        elif isinstance(item, Mapping):
            types = types_of(item)
            given = [line for name in items(item.get("name")) if (line := text(name))]
            if not given:
                given = [name for key in ("legalName", "alternateName") if (name := text(item.get(key)))][:1]
            if not given and text(item.get("familyName")):
                given = [" ".join(filter(None, (text(item.get("givenName")), text(item.get("familyName")))))]
            kind: AgentType = (
                "Person" if "Person" in types else "Organization" if _ORGANIZATIONS & {*types} else default
            )
            only = len(given) == 1
            for name in given:
                named = agents_named(name, kind, split=False)
                if not named:
                    continue
                email = text(item.get("email"))
                found.append(
                    Agent(
                        named[0].name,
                        kind,
                        id=identifier(item, reading) if only else None,
                        url=url(item.get("url"), reading) if only else None,
                        email=email.removeprefix("mailto:") if email and only else named[0].email,
                        job_title=text(item.get("jobTitle")) if only else None,
                        logo=next(iter(images(item.get("logo"), reading)), None) if only else None,
                        same_as=url_list(item.get("sameAs"), reading) if only else (),
                    )
                )
    once: dict[str, Agent] = {}
    for agent in found:
        once.setdefault(agent.name.casefold(), agent)
    return tuple(once.values())


def agents_named(string: str, kind: AgentType = "Person", *, split: bool = True) -> list[Agent]:
    """The names in a byline: "By Jane Doe and John Roe". An address is no name.

    Commas and "and" divide only where every part then has two words, so that "Doe, Jane" and
    "Reuters and AP" stay as they are.
    """
    line = line_of(string)
    if not line or urls.is_http_url(line) or line.startswith("@") or len(line) > 300:
        return []
    match = _NAME_EMAIL.match(line)
    if match:
        return [Agent((match[1] or match[4]).strip().strip('"'), kind, email=match[2] or match[3])]
    if _EMAIL.match(line):
        return []
    if kind == "Person":
        line = _BY.sub("", line, count=1) if _BY.match(line) else line
    if split:
        parts = [part for part in _BETWEEN_NAMES.split(line) if part]
        if len(parts) < 2 or not all(" " in part and len(part) < 60 for part in parts):
            parts = [part for part in _SURE_BETWEEN_NAMES.split(line) if part]
        return [Agent(part, kind) for part in parts[:50]]
    return [Agent(line, kind)]


def images(value: object, reading: Reading) -> tuple[Image, ...]:
    """Pictures. Without a base address a relative one is kept as given: it may be a file at hand."""
    found: dict[str, Image] = {}
    for item in nodes(value, reading):
        node: Node = item if isinstance(item, Mapping) else {}
        given = [item] if isinstance(item, str) else []
        for key in ("contentUrl", "url", "@id", "@value"):
            given += [part for part in nodes(node.get(key), reading) if isinstance(part, str)]
        for reference in given:
            address = image_url(reference, reading.base_url)
            if address:
                found.setdefault(
                    address,
                    Image(
                        address,
                        width=number(node.get("width")),
                        height=number(node.get("height")),
                        media_type=_media_type(node.get("encodingFormat")),
                        caption=text(node.get("caption")),
                        alternative_text=text(node.get("alternateName")),
                        credit=text(node.get("creditText")) or text(node.get("creator")),
                    ),
                )
                break
    return tuple(found.values())


def image_url(reference: str, base_url: str | None) -> str | None:
    """The absolute address of a picture, or a relative path as given where there is no base address."""
    reference = unescape(reference).strip()
    address = urls.absolute(
        base_url, f"https:{reference}" if reference.startswith("//") and not base_url else reference
    )
    if address or base_url or not reference or len(reference) > 1000:
        return address
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|[#?\\]", reference) or re.search(r"[\x00-\x1f<>\"]", reference):
        return None
    return reference


def _media_type(value: object) -> str | None:
    given = text(value)
    return given.lower() if given and re.fullmatch(r"image/[a-z0-9.+-]{2,40}", given.lower()) else None


def places(value: object, reading: Reading) -> tuple[Place, ...]:
    """Places: a name, an address, a Place with either, or a VirtualLocation: nothing but an address on the net."""
    found: list[Place] = []
    for item in nodes(value, reading):
        if isinstance(item, str):
            name = line_of(item)
            if name and urls.is_http_url(name):
                found.append(Place(type="VirtualLocation", url=urls.absolute(None, name)))
            elif name:
                found.append(Place(name))
        elif isinstance(item, Mapping):
            place = _place(item, reading)
            if place is not None:
                found.append(place)
    return tuple(found)


def _place(node: Node, reading: Reading) -> Place | None:
    types = types_of(node)
    if "PostalAddress" in types:
        address = _address(node)
        return Place(text(node.get("name")), address=address) if address else None
    kind: Literal["Place", "VirtualLocation"] = "VirtualLocation" if "VirtualLocation" in types else "Place"
    geo = next(nodes(node.get("geo"), reading), None)
    latitude = _degrees(geo if isinstance(geo, Mapping) else node, "latitude", 90)
    longitude = _degrees(geo if isinstance(geo, Mapping) else node, "longitude", 180)
    given = next(nodes(node.get("address"), reading), None)
    found = Place(
        name=text(node.get("name")),
        type=kind,
        id=identifier(node, reading),
        url=url(node.get("url"), reading),
        address=_address(given) if isinstance(given, Mapping) else text(given),
        latitude=latitude if longitude is not None else None,
        longitude=longitude if latitude is not None else None,
    )
    if found.name or found.address or found.latitude is not None or (kind == "VirtualLocation" and found.url):
        return found
    if found.url and not types:
        return Place(type="VirtualLocation", id=found.id, url=found.url)
    return None


def _address(node: Node) -> Address | str | None:
    address = Address(
        street=text(node.get("streetAddress")),
        locality=text(node.get("addressLocality")),
        region=text(node.get("addressRegion")),
        postal_code=text(node.get("postalCode")),
        country=text(node.get("addressCountry")),
    )
    return address if address != Address() else text(node.get("name"))


def _degrees(node: Node, key: str, limit: int) -> float | None:
    try:
        value = float(text(node.get(key)) or "")
    except ValueError:
        return None
    return value if -limit <= value <= limit else None


def offers(value: object, reading: Reading) -> tuple[Offer, ...]:
    """Ticket offers; after one that stands for several those that it names."""
    found: list[Offer] = []
    for item in nodes(value, reading):
        if not isinstance(item, Mapping):
            continue
        currency = text(item.get("priceCurrency"))
        availability = text(item.get("availability"))
        offer = Offer(
            url=url(item.get("url"), reading),
            price=_price(item.get("price")),
            low_price=_price(item.get("lowPrice")),
            high_price=_price(item.get("highPrice")),
            count=number(item.get("offerCount")),
            currency=currency if currency and re.fullmatch(r"[A-Z]{3}", currency) else None,
            availability=short_name(availability) if availability else None,
            name=text(item.get("name")),
            valid_from=when(item.get("validFrom"), reading),
        )
        if not offer.is_empty:
            found.append(offer)
        if "AggregateOffer" in types_of(item) and "offers" in item:
            found += offers(
                [one for one in items(item["offers"]) if "AggregateOffer" not in types_of(one)], reading
            )
    return tuple(found)


def _price(value: object) -> str | None:
    stated = text(value)
    return stated if stated and _PRICE.match(stated) else None


def topics(value: object, reading: Reading) -> tuple[Topic, ...]:
    """What an article is about or mentions, events apart."""
    found: dict[str, Topic] = {}
    for item in nodes(value, reading):
        name = text(item)
        if not name or len(name) > 300:
            continue
        node: Node = item if isinstance(item, Mapping) else {}
        types = {*types_of(node)}
        kind = "Person" if "Person" in types else "Thing"
        if types & _ORGANIZATIONS:
            kind = "Organization"
        elif types & _PLACES:
            kind = "Place"
        found.setdefault(
            name.casefold(),
            Topic(
                name,
                kind,
                identifier(node, reading),
                url(node.get("url"), reading),
                url_list(node.get("sameAs"), reading),
            ),
        )
    return tuple(found.values())


def corrections(value: object, reading: Reading) -> tuple[Correction, ...]:
    """Published corrections: texts or CorrectionComments; a bare address tells no text."""
    found = []
    for item in nodes(value, reading):
        node: Node = item if isinstance(item, Mapping) else {}
        words = (
            text(node.get("text"))
            or text(node.get("description"))
            or (line_of(item) if isinstance(item, str) else None)
        )
        if words and not urls.is_http_url(words):
            found.append(Correction(words, when(node.get("datePublished"), reading)))
    return tuple(found)
