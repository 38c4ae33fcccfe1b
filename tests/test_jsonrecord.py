"""JSON as systems export it: schema.org records, and plain objects under usual names or a mapping."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feedpub.extraction.jsonrecord import read
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import Agent, Document, EventMention, Extraction, Offer, Origin, Place, When

TEXT = "The council voted on Monday evening for a new bridge over the river."


def extract(value: Any, **fields: str) -> Extraction:
    text = json.dumps(value)
    document = Document("cms", "a.json", text.encode(), "application/json")
    return read(document, text, ExtractSettings(fields=fields))


def event(**properties: Any) -> tuple[EventMention, list[tuple[str, str]]]:
    """The event that a schema.org record states, and what was remarked on it."""
    found = extract({"@type": "Event", "name": "Concert", **properties})
    (only,) = found.events
    return only, [(problem.rule, problem.severity) for problem in found.problems]


def test_event_of_a_mapped_export_is_read_in_the_words_of_front_matter() -> None:
    given = {
        "name": "Concert",
        "start": "2025-10-01T19:00",
        "place": {"name": "Town Hall", "city": "Harwick"},
        "organiser": "City of Harwick",
        "status": "cancelled",
        "price": "5 EUR",
        "timezone": "Europe/Berlin",
    }
    found = extract({"t": "Concert", "b": TEXT, "ev": [given]}, title="t", body="b", events="ev")
    assert found.problems == ()
    assert found.article is not None
    (concert,) = found.article.events
    assert concert.start == When("2025-10-01T19:00+02:00", "minute", "Europe/Berlin")
    assert [place.name for place in concert.locations] == ["Town Hall"]
    assert concert.organizers == (Agent("City of Harwick", "Organization"),)
    assert concert.status == "EventCancelled"
    assert concert.offers == (Offer(price="5", currency="EUR"),)


def test_plain_event_may_use_the_names_of_schema_org_and_count_seconds() -> None:
    given = {"name": "Concert", "startDate": 1759338000, "location": {"@type": "Place", "name": "Town Hall"}}
    found = extract({"title": "Concert", "body": TEXT, "event": given})
    assert found.article is not None
    (concert,) = found.article.events
    assert concert.start == When("2025-10-01T17:00:00Z", "second")
    assert concert.locations == (Place("Town Hall"),)


def test_what_a_plain_event_states_badly_costs_only_that() -> None:
    given = {"name": "Concert", "start": "someday", "place": "Town Hall"}
    found = extract({"title": "Concert", "body": TEXT, "event": given})
    assert [(p.rule, p.severity) for p in found.problems] == [("date-unreadable", "advice")]
    assert found.article is not None
    assert found.article.events[0].locations == (Place("Town Hall"),)


def test_location_with_nothing_but_an_address_on_the_net_is_virtual() -> None:
    online = Place(type="VirtualLocation", url="https://zoom.example/1")
    assert event(location={"url": "https://zoom.example/1"})[0].locations == (online,)


@pytest.mark.parametrize(
    ("start", "doors"),
    [
        ("2025-10-01T20:00", "2025-10-01T19:00"),
        ("2025-10-01T20:00:00+02:00", "2025-10-01T19:00+02:00"),
        ("2025-10-01", "2025-10-01T19:00"),
    ],
)
def test_doors_may_open_at_a_mere_time_of_day(start: str, doors: str) -> None:
    found, remarks = event(startDate=start, doorTime="19:00")
    assert remarks == []
    assert found.door_time == When(doors, "minute")


def test_time_of_day_without_a_day_is_left_out_with_advice() -> None:
    found, remarks = event(startDate="2025-10", doorTime="19:00")
    assert remarks == [("event-date-unreadable", "advice")]
    assert found.door_time is None


def test_offer_that_stands_for_several_keeps_its_range() -> None:
    given = {
        "@type": "AggregateOffer",
        "lowPrice": 5,
        "highPrice": "12.50",
        "priceCurrency": "EUR",
        "offerCount": 40,
    }
    found, _ = event(offers=given)
    assert found.offers == (Offer(low_price="5", high_price="12.50", currency="EUR", count=40),)
    child = {"@type": "Offer", "name": "Child", "price": "5", "priceCurrency": "EUR"}
    found, _ = event(offers={**given, "offers": [child]})
    assert found.offers[1:] == (Offer(name="Child", price="5", currency="EUR"),)


def test_currency_alone_is_no_offer() -> None:
    assert event(offers={"@type": "Offer", "priceCurrency": "EUR"})[0].offers == ()


@pytest.mark.parametrize(("given", "draft"), [(1, True), ("y", True), (0, False), (True, True)])
def test_draft_is_told_in_each_systems_way(given: object, draft: bool) -> None:
    found = extract({"title": "Bridge", "body": TEXT, "draft": given})
    assert found.article is not None
    assert found.article.draft is draft


def test_word_that_may_or_may_not_mean_a_draft_holds_the_article_back() -> None:
    found = extract({"title": "Bridge", "body": TEXT, "draft": "maybe"})
    assert [(p.rule, p.severity) for p in found.problems] == [("draft-unclear", "error")]


def test_properties_that_no_record_takes_over_are_named() -> None:
    concert = {"@type": "Event", "name": "Concert", "duration": "PT2H", "identifier": "7"}
    given = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Concert",
        "articleBody": TEXT,
        "editor": "Jane Doe",
        "genre": "",
        "about": concert,
    }
    found = extract(given)
    assert found.article is not None
    assert found.article.extra == ("editor",)
    assert found.article.events[0].extra == ("duration",)


def test_event_beside_the_article_is_mentioned_and_says_why() -> None:
    article = {"@type": "NewsArticle", "headline": "Ferry", "articleBody": TEXT}
    run = {"@type": "Event", "name": "Run", "startDate": "2025-10-01"}
    found = extract({"@graph": [article, run]})
    assert found.article is not None
    (only,) = found.article.events
    assert (only.main, only.origins["main"]) == (False, Origin("metadata", "same @graph"))
