"""The DataFeed of events, read back by a JSON-LD processor without a network."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedpub.formats import jsonld
from feedpub.formats.eventsld import EventsFormat
from feedpub.models import Channel, Entry, Link
from feedpub.validation import validate_document
from tests.judges import linked_data, samples

EVENTS = EventsFormat(samples.SITE)
FEED_URL = "https://courier.example/events.jsonld"
FESTIVAL: dict[str, Any] = {
    "@type": "Festival",
    "@id": "urn:x:festival",
    "name": "Harbour days",
    "location": [samples.HALL, {"@type": "Place", "@id": "urn:x:quay", "name": "The quay"}],
    "subEvent": [{"@id": samples.EVENT_ID}],
}


def event(data: dict[str, Any], **changes: Any) -> Entry:
    return replace(
        samples.ENTRY,
        id=data["@id"],
        data=data,
        events=(),
        html="",
        media=(),
        published_at=None,
        reports=(Link("Council & residents argue over the bypass", samples.ENTRY.url),),
        **changes,
    )


MEETING = event(samples.EVENT)
HARBOUR = event(FESTIVAL, updated_at=datetime(2025, 9, 4, 7, 0, tzinfo=UTC))
WITHDRAWN = event(
    {"@type": "Event", "@id": "urn:x:gone", "name": "Row", "startDate": "2025-11-01"},
    withdrawn_at=datetime(2025, 9, 5, 12, 0, tzinfo=UTC),
)


def feed(*entries: Entry, channel: Channel = samples.CHANNEL) -> bytes:
    return b"".join(EVENTS.assemble(channel, (EVENTS.render(entry) for entry in entries)))


def graph(*entries: Entry, channel: Channel = samples.CHANNEL) -> list[dict[str, Any]]:
    document = json.loads(feed(*entries, channel=channel))
    assert validate_document("datafeed", document) == ()
    nodes: list[dict[str, Any]] = document["@graph"]
    return nodes


@pytest.mark.parametrize("order", [(MEETING, HARBOUR), (HARBOUR, MEETING)])
def test_events_stand_in_the_order_given(order: tuple[Entry, ...]) -> None:
    head, *nodes = graph(*order)
    wanted = [f"{FEED_URL}#{entry.id}" for entry in order]
    assert head["@id"] == head["url"] == FEED_URL
    assert [item["@id"] for item in head["dataFeedElement"]] == wanted
    assert [node["@id"] for node in nodes[:2]] == wanted
    assert [node["@id"] for node in nodes[2:4]] == [entry.id for entry in order]


def test_every_node_stands_once_after_the_events() -> None:
    nodes = graph(MEETING, HARBOUR)
    assert [node["@type"] for node in nodes] == [
        *("DataFeed", "DataFeedItem", "DataFeedItem", "Event", "Festival"),
        *("Organization", "NewsMediaOrganization", "Place", "Place"),
    ]
    identifiers = [node["@id"] for node in nodes]
    assert len(identifiers) == len(set(identifiers))


def test_an_item_tells_when_an_event_became_known_and_changed() -> None:
    assert graph(HARBOUR)[1] == {
        "@type": "DataFeedItem",
        "@id": f"{FEED_URL}#urn:x:festival",
        "dateCreated": "2025-09-02T05:30:00Z",
        "dateModified": "2025-09-04T07:00:00Z",
        "item": {"@id": "urn:x:festival"},
    }


def test_a_withdrawn_event_is_named_with_its_date_and_nothing_else() -> None:
    nodes = graph(WITHDRAWN, MEETING)
    assert nodes[1]["dateDeleted"] == "2025-09-05T12:00:00Z"
    assert nodes[1]["item"] == {"@id": "urn:x:gone"}
    assert [node["@id"] for node in nodes if "gone" in node["@id"]] == [f"{FEED_URL}#urn:x:gone"]
    assert b"Row" not in feed(WITHDRAWN)


def test_it_has_no_pages_even_where_the_feed_of_articles_has() -> None:
    channel = replace(samples.CHANNEL, previous_page=7)
    assert graph(MEETING, channel=channel) == graph(MEETING)


def test_an_empty_feed_is_a_feed() -> None:
    nodes = graph()
    assert nodes[0]["dataFeedElement"] == []


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_the_feed_states_the_same_facts_as_the_events_own_documents(context: Path) -> None:
    # A place that stands nested in two documents has two addresses there, as these have no ids.
    elsewhere = {**FESTIVAL, "location": FESTIVAL["location"][1:]}
    stated = linked_data.statements(
        [jsonld.record_document(samples.EVENT), jsonld.record_document(elsewhere)], context
    )
    assert len(stated) > 30
    channel = replace(samples.CHANNEL, publisher=None)
    found = linked_data.statements(
        [feed(MEETING, event(elsewhere), channel=channel)], context, without=["DataFeed", "DataFeedItem"]
    )
    assert found == stated


def test_the_same_events_give_the_same_bytes() -> None:
    assert feed(MEETING, HARBOUR) == feed(replace(MEETING), replace(HARBOUR))
