"""The page of an event, read by HTML parsers and by extruct."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import extruct
import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from feedpub.formats.eventpage import render_event
from feedpub.models import Entry, Link, Media
from tests.judges import samples

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>"
STEM = "events/2025/10/town-hall-meeting-0a4a3a6f"
PICTURE = "https://courier.example/media/0123456789abcdef.jpg"
EVENT = replace(
    samples.ENTRY,
    id=samples.EVENT_ID,
    data=samples.EVENT,
    events=(),
    html="",
    url=f"https://courier.example/{STEM}.html",
    record_url=f"https://courier.example/{STEM}.jsonld",
    page_path=f"{STEM}.html",
    record_path=f"{STEM}.jsonld",
    published_at=None,
    reports=(
        Link("Council & residents argue over the bypass", samples.ENTRY.url),
        Link("", "https://other.example/bypass"),
    ),
)


def render(entry: Entry = EVENT, **options: Any) -> bytes:
    return render_event(entry, site=options.pop("site", samples.SITE), **options)


def page(**properties: Any) -> Any:
    return tree(render(with_data(**properties)))


def with_data(**properties: Any) -> Entry:
    return replace(EVENT, data={**samples.EVENT, **properties})


def tree(written: bytes) -> Any:
    return lxml_html.document_fromstring(written.decode("utf-8"))


def texts(root: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in root.xpath(path)]


def facts(root: Any) -> dict[str, list[str]]:
    return {texts(row, "dt")[0]: texts(row, "dd") for row in root.xpath("//dl[@class='facts']/div")}


def test_the_event_is_all_there() -> None:
    root = tree(render())
    assert texts(root, "//h1") == ["Town hall meeting on the bypass"]
    assert texts(root, "//p[@class='state']") == ["New date"]
    assert facts(root) == {
        "When": ["5 October 2025, 18:00–20:30 UTC+1formerly 28 September 2025, 18:00 UTC+1"],
        "Where": ["Corn Exchange4 Market Square, Alderford, GBShow on a map"],
        "Organised by": ["Town council"],
        "Tickets": ["Free of charge"],
    }
    assert root.xpath("//dl//time/@datetime") == ["2025-10-05T18:00:00+01:00"]
    assert root.xpath("//dd//a/@href") == ["geo:52.75,1.25"]
    assert texts(root, "//section[@aria-label='Articles about it']//li") == [
        "Council & residents argue over the bypass",
        "https://other.example/bypass",
    ]
    assert root.xpath("//section[@aria-label='Articles about it']//a/@href") == [
        "../../../articles/2025/09/bypass-0a4a3a6f.html",
        "https://other.example/bypass",
    ]


def test_an_event_says_no_more_than_is_known() -> None:
    bare = replace(EVENT, data={"@type": "Event", "@id": "urn:x:1", "name": "Fair"}, reports=())
    root = tree(render(bare))
    assert facts(root) == {}
    assert texts(root, "//h1") == ["Fair"]
    assert root.xpath("//p[@class='state'] | //figure | //section | //div[@class='body']") == []
    assert root.xpath("//meta[@name='description']") == []


@pytest.mark.parametrize(
    ("status", "badge"),
    [
        ("EventCancelled", ["Cancelled"]),
        ("EventPostponed", ["Postponed"]),
        ("EventRescheduled", ["New date"]),
        ("EventMovedOnline", ["Moved online"]),
        ("EventScheduled", []),
        ("home", []),
    ],
)
def test_what_changed_stands_above_the_name(status: str, badge: list[str]) -> None:
    root = page(eventStatus=f"https://schema.org/{status}")
    assert texts(root, "//span[@class='status']") == badge


def test_times_are_as_precise_as_stated() -> None:
    root = page(
        startDate="2025-11",
        endDate=None,
        doorTime="2025-11-02T17:30:00Z",
        previousStartDate=["2025-09", "2025-10-01"],
    )
    assert facts(root)["When"] == ["November 2025formerly September 2025; 1 October 2025"]
    assert facts(root)["Doors open"] == ["2 November 2025, 17:30 UTC"]


def test_places_have_address_page_and_position() -> None:
    root = page(
        location=[
            {
                "@type": "Place",
                "name": "Hall",
                "url": "https://hall.example/",
                "address": {
                    "@type": "PostalAddress",
                    "streetAddress": "1 Mill Lane",
                    "addressLocality": "Harwick",
                    "addressRegion": "Lennshire",
                    "postalCode": "HK1 1AA",
                    "addressCountry": "GB",
                },
                "geo": {"@type": "GeoCoordinates", "latitude": -33.8567844, "longitude": 151},
            },
            {"@type": "Place", "address": "By the bridge"},
            {"@type": "VirtualLocation", "url": "https://stream.example/1"},
            {"@type": "Place", "geo": {"@type": "GeoCoordinates", "latitude": 0.0000001, "longitude": -0.0}},
        ]
    )
    assert facts(root)["Where"] == [
        "Hall1 Mill Lane, Harwick, Lennshire, HK1 1AA, GBShow on a map",
        "By the bridge",
        "Online",
        "Show on a map",
    ]
    assert root.xpath("//dl//a/@href") == [
        "https://hall.example/",
        "geo:-33.856784,151",
        "https://stream.example/1",
        "geo:0,0",
    ]


@pytest.mark.parametrize(
    "geo",
    [
        {"latitude": 91, "longitude": 0},
        {"latitude": 0, "longitude": float("nan")},
        {"latitude": "1", "longitude": 2},
        {"latitude": True, "longitude": 2},
        {"latitude": 1},
        "1,2",
    ],
)
def test_a_position_that_cannot_be_is_no_link(geo: Any) -> None:
    root = page(location=[{"@type": "Place", "name": "Hall", "geo": geo}])
    assert facts(root)["Where"] == ["Hall"]


def test_people_are_named_and_linked() -> None:
    root = page(
        organizer=[{"name": "Choir", "url": "https://choir.example/"}],
        performer=[{"name": "A"}, {"name": "B", "url": "https://b.example/"}, {"name": "C"}, {"name": "A"}],
        attendee=["The mayor"],
    )
    found = facts(root)
    assert found["Organised by"] == ["Choir"]
    assert found["With"] == ["A, B and C"]
    assert found["Taking part"] == ["The mayor"]
    assert root.xpath("//dt[.='With']/../dd//a/@href") == ["https://b.example/"]


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        ({"price": "12.50", "priceCurrency": "GBP"}, ["12.50 GBP"]),
        ({"price": "0.00", "priceCurrency": "GBP"}, ["Free of charge"]),
        ({"price": "0.50", "priceCurrency": "EUR"}, ["0.50 EUR"]),
        ({"url": "https://t.example/"}, ["Tickets"]),
        ({"name": "Adults", "price": "5"}, ["Adults: 5"]),
        ({"name": "Adults", "availability": "https://schema.org/SoldOut"}, ["Adults: Sold out"]),
        ({"name": "Adults", "availability": "https://schema.org/InStock"}, ["Adults"]),
        ({"name": "Adults", "availability": "https://schema.org/moved"}, ["Adults"]),
        ({"price": "5", "priceCurrency": "GBP", "validFrom": "2025-10-01"}, ["5 GBP · from 1 October 2025"]),
    ],
)
def test_tickets_say_what_is_stated(offer: dict[str, Any], expected: list[str]) -> None:
    assert facts(page(offers=[offer]))["Tickets"] == expected


def test_an_offer_that_says_nothing_is_not_shown() -> None:
    assert "Tickets" not in facts(page(offers=[{"@type": "Offer", "priceCurrency": "GBP"}]))


def test_the_larger_and_the_smaller_events_are_named() -> None:
    entry = with_data(
        superEvent={"@type": "Event", "@id": "urn:x:week", "name": "Harbour week"},
        subEvent=[{"@type": "Event", "@id": "urn:x:a", "name": "Opening"}, {"@id": "urn:x:b"}],
    )
    root = tree(render(entry, event_pages={"urn:x:week": "events/2025/10/week.html"}))
    assert facts(root)["Part of"] == ["Harbour week"]
    assert facts(root)["Programme"] == ["Opening"]
    assert root.xpath("//dt[.='Part of']/../dd//a/@href") == ["../../../events/2025/10/week.html"]


def test_the_description_keeps_its_paragraphs() -> None:
    root = page(description="One.\nAnd a line.\n\nTwo.")
    assert [p.text for p in root.xpath("//div[@class='body']/p")] == ["One.\nAnd a line.", "Two."]
    assert root.xpath("//meta[@name='description']/@content") == ["One.\nAnd a line.\n\nTwo."]


def test_its_own_picture_is_near() -> None:
    image = {"@type": "ImageObject", "url": PICTURE, "width": 1200, "height": 800, "caption": "Last year"}
    entry = replace(with_data(image=[image]), media=(Media(PICTURE, alternative_text="A hall"),))
    root = tree(render(entry))
    assert root.xpath("//figure/img/@src") == ["../../../media/0123456789abcdef.jpg"]
    assert root.xpath("//figure/img/@alt") == ["A hall"]
    assert texts(root, "//figcaption") == ["Last year"]
    assert root.xpath("//meta[@property='og:image']/@content") == [PICTURE]


def test_the_event_can_be_added_to_a_calendar_if_its_day_is_known() -> None:
    root = tree(render())
    (link,) = root.xpath("//a[@type='text/calendar']")
    assert (link.text, link.get("href")) == ("Add to calendar", f"../../../{STEM}.ics")
    assert root.xpath("//link[@type='text/calendar']/@href") == [f"https://courier.example/{STEM}.ics"]
    for start in ("2025-10-05", "2025-10-05T18:00"):
        assert len(page(startDate=start, endDate=None).xpath("//a[@type='text/calendar']")) == 1
    for start in ("2025-10", "2025", None):
        assert page(startDate=start, endDate=None).xpath("//*[@type='text/calendar']") == []


def test_its_website_is_another_one() -> None:
    assert facts(page(url="https://fair.example/2025"))["Website"] == ["https://fair.example/2025"]
    assert "Website" not in facts(page(url=EVENT.url))


def test_the_head_names_the_page_its_record_and_the_feeds() -> None:
    root = tree(render(with_data(url="https://fair.example/"), alternates=samples.ALTERNATES))
    assert texts(root, "//title") == ["Town hall meeting on the bypass – The Alder Courier"]
    assert root.xpath("//link[@rel='canonical']/@href") == [f"https://courier.example/{STEM}.html"]
    assert root.xpath("//link[@rel='alternate']/@href") == [
        f"https://courier.example/{STEM}.jsonld",
        f"https://courier.example/{STEM}.ics",
        "https://courier.example/feed.xml",
        "https://courier.example/feed.jsonld",
    ]
    assert root.xpath("//header[@class='mast']/a/@href") == ["../../../index.html"]
    assert root.xpath("//footer[@class='end']//a/@href") == [f"../../../{STEM}.jsonld"]


def test_record_and_open_graph_are_read_back_from_the_page() -> None:
    found = extruct.extract(render().decode(), syntaxes=["json-ld", "opengraph"])
    assert found["json-ld"] == [{"@context": "https://schema.org", "@graph": [samples.EVENT]}]
    (graph,) = found["opengraph"]
    assert graph["properties"] == [
        ("og:type", "website"),
        ("og:title", "Town hall meeting on the bypass"),
        ("og:url", f"https://courier.example/{STEM}.html"),
        ("og:site_name", "The Alder Courier"),
        (
            "og:description",
            "5 October 2025, 18:00–20:30 UTC+1 · Corn Exchange, 4 Market Square, Alderford, GB",
        ),
    ]


def test_a_withdrawn_event_tells_the_day_and_nothing_of_the_event() -> None:
    at = datetime(2025, 7, 31, 23, 30, tzinfo=UTC)  # half past midnight on 1 August in London
    root = tree(render(replace(EVENT, withdrawn_at=at)))
    assert texts(root, "//h1") == ["Event withdrawn"]
    assert (
        "The newsroom withdrew what it had reported of this event on 1 August 2025."
        in texts(root, "//main")[0]
    )
    assert root.xpath("//meta[@name='robots']/@content") == ["noindex"]
    assert root.xpath("//script | //link[@rel='canonical'] | //link[@rel='alternate']") == []
    assert "Town hall" not in texts(root, "//body")[0]


@pytest.mark.parametrize(
    ("language", "when", "date"),
    [
        ("de-AT", "Wann", "5. Oktober 2025, 18:00–20:30 UTC+1"),
        ("fr", "Quand", "5 octobre 2025, 18:00–20:30 UTC+1"),
        ("es", "Cuándo", "5 de octubre de 2025, 18:00–20:30 UTC+1"),
        ("ur", "When", "2025-10-05, 18:00–20:30 UTC+1"),
    ],
)
def test_the_page_speaks_the_site_s_language(language: str, when: str, date: str) -> None:
    root = tree(render(with_data(previousStartDate=None), site=replace(samples.SITE, language=language)))
    assert root.xpath("/html/@lang") == [language]
    assert facts(root)[when] == [date]
    assert root.xpath("//dt/span/@lang")[:1] == (["en"] if language == "ur" else [])


def test_a_page_asks_for_nothing_but_the_event_s_picture() -> None:
    written = render()
    root = tree(written)
    for loads in ("//script/@src", "//iframe", "//link[@rel='stylesheet']", "//source", "//object", "//form"):
        assert root.xpath(loads) == []
    (policy,) = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    style = written[written.index(b"<style>") + 7 : written.index(b"</style>")]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert b"url(" not in style


@pytest.mark.parametrize("parser", ["lxml", "html5lib"])
def test_hostile_text_never_leaves_its_place(parser: str) -> None:
    agent = {"name": HOSTILE, "url": "javascript:alert(1)"}
    data = {
        "@type": "Event",
        "@id": "urn:x:1",
        "name": HOSTILE,
        "url": "javascript:alert(1)",
        "description": HOSTILE,
        "startDate": HOSTILE,
        "endDate": HOSTILE,
        "doorTime": HOSTILE,
        "previousStartDate": HOSTILE,
        "eventStatus": HOSTILE,
        "location": [{"name": HOSTILE, "address": HOSTILE, "url": "javascript:alert(1)"}],
        "organizer": [agent],
        "performer": [agent],
        "offers": [{"name": HOSTILE, "price": HOSTILE, "url": "javascript:alert(1)", "validFrom": HOSTILE}],
        "superEvent": {"@id": "urn:x:2", "name": HOSTILE, "url": "javascript:alert(1)"},
        "image": ["javascript:alert(1)"],
    }
    text = render(replace(EVENT, data=data, reports=(Link(HOSTILE, "javascript:alert(1)"),))).decode()
    if parser == "lxml":
        root = lxml_html.document_fromstring(text)
    else:
        root = html5lib.parse(text, treebuilder="lxml", namespaceHTMLElements=False).getroot()
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    assert [element.get("type") for element in elements if element.tag == "script"] == ["application/ld+json"]
    assert not [element for element in elements if element.tag in ("svg", "img", "iframe", "object")]
    for element in elements:
        assert not [name for name in element.attrib if str(name).startswith("on")]
        assert not str(element.get("href", "")).startswith("javascript:")
    (heading,) = root.findall(".//h1")
    assert "".join(heading.itertext()) == HOSTILE


@given(
    name=samples.TEXT.filter(str.strip),
    description=samples.TEXT,
    start=st.sampled_from(["2025", "2025-11", "2025-11-02", "2025-11-02T10:00", "2025-11-02T10:00:00Z"]),
)
def test_any_text_survives_render_and_reading(name: str, description: str, start: str) -> None:
    data = {"@type": "Event", "@id": "urn:x:1", "name": name, "description": description, "startDate": start}
    written = render(replace(EVENT, data=data)).decode()
    (found,) = extruct.extract(written, syntaxes=["json-ld"])["json-ld"]
    assert found["@graph"] == [data]
    root = html5lib.parse(written, namespaceHTMLElements=False)
    (heading,) = root.iterfind(".//h1")
    assert "".join(heading.itertext()) == name
    assert [time.get("datetime") for time in root.iterfind(".//dl//time")] == [start]


def test_the_same_event_gives_the_same_bytes() -> None:
    assert render() == render(replace(EVENT))
