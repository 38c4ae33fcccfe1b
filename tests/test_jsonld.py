"""The DataFeed and the records' own documents, read back by a JSON-LD processor without a network."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from feedpub.formats import datafeed, jsonld
from feedpub.formats.jsonld import JsonLdFormat
from feedpub.models import Channel, Entry
from feedpub.urls import is_absolute_iri
from feedpub.validation import validate_document
from tests.conftest import ROOT
from tests.judges import linked_data, samples

JSONLD = JsonLdFormat(samples.SITE)
FEED_URL = "https://courier.example/feed.jsonld"
SECOND_ID = "https://courier.example/2025/second"
SECOND_EVENT = {
    **samples.EVENT,
    "description": "Everybody may speak.",
    "subjectOf": [{"@id": SECOND_ID}],
    "name": "Another name for the meeting",
}
SECOND = replace(
    samples.ENTRY,
    id=SECOND_ID,
    data={
        "@type": "AnalysisNewsArticle",
        "@id": SECOND_ID,
        "headline": "What the bypass would cost",
        "author": [{**samples.AMINA, "jobTitle": "Reporter"}],
        "publisher": samples.PUBLISHER,
        "mentions": [{"@id": samples.EVENT_ID}, samples.AGENCY],
    },
    events=(SECOND_EVENT,),
    first_seen_at=datetime(2025, 9, 1, 5, 0, tzinfo=UTC),
    updated_at=datetime(2025, 9, 4, 7, 0, tzinfo=UTC),
)
WITHDRAWN = replace(
    samples.ENTRY,
    id="urn:x:gone",
    data={"@type": "NewsArticle", "@id": "urn:x:gone"},
    events=(),
    withdrawn_at=datetime(2025, 9, 5, 12, 0, tzinfo=UTC),
)


def feed(*entries: Entry) -> bytes:
    return b"".join(JSONLD.assemble(samples.CHANNEL, (JSONLD.render(entry) for entry in entries)))


def graph(*entries: Entry) -> list[dict[str, Any]]:
    document = json.loads(feed(*entries))
    assert list(document) == ["@context", "@graph"]
    assert document["@context"] == "https://schema.org"
    return document["@graph"]


def node(nodes: list[dict[str, Any]], identifier: str) -> dict[str, Any]:
    (found,) = [node for node in nodes if node["@id"] == identifier]
    return found


def nested_nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(node for inner in value.values() for node in nested_nodes(inner))]
    return [node for inner in value for node in nested_nodes(inner)] if isinstance(value, list) else []


def test_the_graph_has_its_nodes_in_the_fixed_order() -> None:
    assert [node["@type"] for node in graph(samples.ENTRY, SECOND)] == [
        "DataFeed",
        "DataFeedItem",
        "DataFeedItem",
        "DataFeedItem",
        "NewsArticle",
        "AnalysisNewsArticle",
        "Event",
        "Person",
        "Organization",
        "NewsMediaOrganization",
        "Organization",
        "Place",
        "Place",
    ]


def test_the_feed_describes_itself_and_lists_its_items() -> None:
    nodes = graph(samples.ENTRY, SECOND)
    assert nodes[0] == {
        "@type": "DataFeed",
        "@id": FEED_URL,
        "name": "The Alder Courier",
        "description": "News from the valley & its towns",
        "url": FEED_URL,
        "publisher": {"@id": "https://courier.example/#publisher"},
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "inLanguage": "en-GB",
        "dateModified": "2025-09-03T08:15:00Z",
        "dataFeedElement": [{"@id": item["@id"]} for item in nodes[1:4]],
    }


def test_items_tell_when_a_record_came_and_changed() -> None:
    article, event, second = graph(samples.ENTRY, SECOND)[1:4]
    assert article == {
        "@type": "DataFeedItem",
        "@id": f"{FEED_URL}#{samples.ARTICLE_ID}",
        "dateCreated": "2025-09-02T05:30:00Z",
        "dateModified": "2025-09-03T08:15:00Z",
        "item": {"@id": samples.ARTICLE_ID},
    }
    assert second["item"] == {"@id": SECOND_ID}
    # The event came with the first article that reported it and changed with the last.
    assert event["item"] == {"@id": samples.EVENT_ID}
    assert (event["dateCreated"], event["dateModified"]) == ("2025-09-01T05:00:00Z", "2025-09-04T07:00:00Z")


def test_a_withdrawn_article_is_named_with_its_date_and_nothing_else() -> None:
    nodes = graph(samples.ENTRY, WITHDRAWN)
    (item,) = [node for node in nodes if node.get("item") == {"@id": "urn:x:gone"}]
    assert item["dateDeleted"] == "2025-09-05T12:00:00Z"
    assert [node["@id"] for node in nodes if "gone" in node["@id"]] == [item["@id"]]


def test_every_node_stands_once_and_is_tied_by_reference() -> None:
    nodes = graph(samples.ENTRY, SECOND)
    identifiers = [node["@id"] for node in nodes]
    assert len(identifiers) == len(set(identifiers))
    for top in nodes:
        for inner in nested_nodes(list(top.values())):
            assert "@id" not in inner or list(inner) == ["@id"], inner
    article = node(nodes, samples.ARTICLE_ID)
    assert article["author"] == [{"@id": samples.AMINA["@id"]}, {"@id": samples.AGENCY["@id"]}]
    assert article["about"] == [{"@id": samples.EVENT_ID}]
    assert node(nodes, samples.EVENT_ID)["location"] == [{"@id": samples.HALL["@id"]}]


def test_parts_without_an_id_stay_where_they_are() -> None:
    nodes = graph(samples.ENTRY)
    assert node(nodes, samples.ARTICLE_ID)["image"] == samples.ARTICLE["image"]
    assert node(nodes, samples.ARTICLE_ID)["correction"] == samples.ARTICLE["correction"]
    assert node(nodes, samples.HALL["@id"])["address"] == samples.HALL["address"]
    assert node(nodes, samples.EVENT_ID)["offers"] == samples.EVENT["offers"]


def test_two_versions_of_a_node_are_united() -> None:
    nodes = graph(samples.ENTRY, SECOND)
    event = node(nodes, samples.EVENT_ID)
    assert event["subjectOf"] == [{"@id": samples.ARTICLE_ID}, {"@id": SECOND_ID}]
    assert event["description"] == "Everybody may speak."
    assert event["name"] == "Town hall meeting on the bypass"
    assert node(nodes, samples.AMINA["@id"]) == {**samples.AMINA, "jobTitle": "Reporter"}


def test_a_record_outweighs_what_others_say_of_it_in_passing() -> None:
    passing = samples.entry(
        "urn:x:1",
        about=[{"@type": "Event", "@id": samples.EVENT_ID, "name": "Row", "url": "https://x.example/"}],
    )
    festival = replace(samples.ENTRY, events=({**samples.EVENT, "@type": "Festival"},))
    event = node(graph(passing, festival), samples.EVENT_ID)
    assert event["@type"] == "Festival"
    assert event["name"] == "Town hall meeting on the bypass"
    assert event["url"] == "https://x.example/"


def test_an_event_published_by_itself_is_a_record_too() -> None:
    alone = replace(samples.ENTRY, id=samples.EVENT_ID, data=samples.EVENT, events=())
    types = [node["@type"] for node in graph(alone, SECOND)]
    assert types.count("Event") == 1
    assert types.index("AnalysisNewsArticle") < types.index("Event") < types.index("Person")


def test_a_publisher_without_an_id_is_written_in_place() -> None:
    channel = replace(samples.CHANNEL, publisher={"@type": "Organization", "name": "P"}, updated_at=None)
    first = json.loads(b"".join(JSONLD.assemble(channel, [])))["@graph"][0]
    assert first["publisher"] == {"@type": "Organization", "name": "P"}
    assert "dateModified" not in first
    assert first["dataFeedElement"] == []


@pytest.mark.parametrize(
    "identifier", ["urn:uuid:1", "https://a.example/b?c=d#e", "tag:a.example,2025:ü", "x:%23", "x:#", "x:[1]"]
)
def test_items_have_absolute_addresses_that_differ(identifier: str) -> None:
    iri = datafeed.item_iri(FEED_URL, identifier)
    assert is_absolute_iri(iri)
    assert iri.count("#") == 1
    assert iri not in {datafeed.item_iri(FEED_URL, other) for other in ("x:%2523", "x:", identifier + "/")}
    assert iri.isascii()


PAGED = replace(samples.CHANNEL, previous_page=2)
PAGES = (PAGED, replace(PAGED, page=2, previous_page=1), replace(PAGED, page=1, previous_page=None))
PAGE_URL = "https://courier.example/archives/0/feed-{}.jsonld"


def paged(channel: Channel, *entries: Entry) -> dict[str, Any]:
    document = json.loads(b"".join(JSONLD.assemble(channel, map(JSONLD.render, entries))))
    assert validate_document("datafeed", document) == ()
    return document


def test_the_subscription_document_names_the_archive_page_with_what_is_older() -> None:
    head, *rest = paged(PAGED, samples.ENTRY)["@graph"]
    assert head["@id"] == FEED_URL
    assert head["hasPart"] == {"@id": PAGE_URL.format(2)}
    assert not {"isPartOf", "position"} & head.keys()
    assert "DataFeed" not in [node["@type"] for node in rest]


def test_an_archive_page_is_a_feed_of_its_own_and_part_of_the_whole() -> None:
    head, whole, item, *_ = paged(PAGES[1], samples.ENTRY)["@graph"]
    assert head["@type"] == "DataFeed"
    assert head["@id"] == head["url"] == PAGE_URL.format(2)
    assert head["position"] == 2
    assert head["isPartOf"] == {"@id": FEED_URL}
    assert "hasPart" not in head
    assert whole == {"@type": "DataFeed", "@id": FEED_URL, "hasPart": {"@id": PAGE_URL.format(1)}}
    assert item["@id"] == f"{PAGE_URL.format(2)}#{samples.ARTICLE_ID}"
    assert head["dataFeedElement"][0] == {"@id": item["@id"]}


def test_the_oldest_page_names_no_older_one() -> None:
    nodes = paged(PAGES[2], samples.ENTRY)["@graph"]
    assert nodes[0]["position"] == 1
    assert [node["@type"] for node in nodes].count("DataFeed") == 1
    assert "hasPart" not in linked_data.keys(nodes)


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_a_reader_of_linked_data_finds_every_page_and_all_pages_agree(context: Path) -> None:
    least = {"url": "https://courier.example/1", "articleBody": "The bridge opened on Tuesday."}
    documents = {
        FEED_URL: paged(PAGES[0], samples.entry("urn:x:new", **least)),
        PAGE_URL.format(2): paged(PAGES[1], samples.ENTRY),
        PAGE_URL.format(1): paged(PAGES[2], samples.entry("urn:x:old", **least)),
    }
    part, part_of = f"{linked_data.SCHEMA}hasPart", f"{linked_data.SCHEMA}isPartOf"
    address, walked = FEED_URL, []
    while address:
        walked.append(address)
        nodes = {node["@id"]: node for node in linked_data.expand(documents[address], context)}
        (element,) = nodes[address][f"{linked_data.SCHEMA}dataFeedElement"][:1]
        assert element["@id"] in nodes
        whole = nodes[address].get(part_of, [{"@id": address}])[0]["@id"]
        assert whole == FEED_URL
        address = nodes.get(whole, {}).get(part, [{"@id": ""}])[0]["@id"]
    assert walked == list(documents)
    # All in one graph, as in a triple store: the feed has two parts, and no part has a part.
    together = linked_data.statements(documents.values(), context)
    assert [line for line in together if f"<{part}>" in line] == [
        f"<{FEED_URL}> <{part}> <{PAGE_URL.format(1)}> .",
        f"<{FEED_URL}> <{part}> <{PAGE_URL.format(2)}> .",
    ]


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_the_terms_of_pages_are_those_of_schema_org_for_a_feed(context: Path) -> None:
    table = json.loads((ROOT / "tests/data/schemaorg-properties.json").read_bytes())["types"]
    allowed = set()
    for kind in ("DataFeed", "Dataset", "CreativeWork", "Thing"):
        allowed |= set(table[kind]["properties"])
    for channel in PAGES:
        feeds = [node for node in paged(channel)["@graph"] if node["@type"] == "DataFeed"]
        for found in feeds:
            terms = {key for key in found if not key.startswith("@")}
            assert terms <= allowed
            assert terms <= linked_data.terms(context)


def test_a_feed_is_one_node_a_line_and_the_same_bytes_each_time() -> None:
    lines = feed(samples.ENTRY, SECOND).splitlines()
    assert lines[:3] == [b"{", b'"@context": "https://schema.org",', b'"@graph": [']
    assert all(json.loads(line.rstrip(b",")) for line in lines[3:-2])
    assert feed(samples.ENTRY, SECOND) == feed(samples.ENTRY, SECOND)


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_feed_and_documents_state_the_same_facts(context: Path) -> None:
    document = jsonld.record_document(samples.ARTICLE, samples.EVENT)
    stated = linked_data.statements([document], context)
    assert len(stated) > 60
    assert (
        linked_data.statements([feed(samples.ENTRY)], context, without=["DataFeed", "DataFeedItem"]) == stated
    )
    in_page = json.loads(jsonld.embedded(samples.ARTICLE, samples.EVENT))
    assert linked_data.statements([in_page], context) == stated


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_the_expanded_feed_holds_each_fact_of_the_record(context: Path) -> None:
    expanded = {node["@id"]: node for node in linked_data.expand(feed(samples.ENTRY), context)}
    schema = linked_data.SCHEMA
    article = expanded[samples.ARTICLE_ID]
    assert article["@type"] == [f"{schema}NewsArticle"]
    assert article[f"{schema}headline"] == [{"@value": "Council & residents argue over the bypass"}]
    assert article[f"{schema}datePublished"] == [{"@type": f"{schema}Date", "@value": "2025-09-02"}]
    assert article[f"{schema}url"] == [{"@id": samples.ARTICLE["url"]}]
    assert article[f"{schema}wordCount"] == [{"@value": 7}]
    assert article[f"{schema}about"] == [{"@id": samples.EVENT_ID}]
    event = expanded[samples.EVENT_ID]
    assert event[f"{schema}subjectOf"] == [{"@id": samples.ARTICLE_ID}]
    assert event[f"{schema}eventStatus"] == [{"@value": "https://schema.org/EventRescheduled"}]
    assert expanded[samples.HALL["@id"]][f"{schema}name"] == [{"@value": "Corn Exchange"}]
    items = expanded[FEED_URL][f"{schema}dataFeedElement"]
    assert [expanded[item["@id"]][f"{schema}item"] for item in items] == [
        [{"@id": samples.ARTICLE_ID}],
        [{"@id": samples.EVENT_ID}],
    ]


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_every_term_is_one_of_schema_org(context: Path) -> None:
    document = json.loads(feed(samples.ENTRY, SECOND, WITHDRAWN))["@graph"]
    types = {inner["@type"] for inner in nested_nodes(document) if "@type" in inner}
    assert linked_data.keys(document) | types <= linked_data.terms(context)


def test_a_document_is_nested_and_readable() -> None:
    written = jsonld.record_document(samples.ARTICLE, samples.EVENT)
    assert json.loads(written) == {
        "@context": "https://schema.org",
        "@graph": [samples.ARTICLE, samples.EVENT],
    }
    assert written.startswith(b'{\n  "@context": "https://schema.org",\n  "@graph": [\n    {\n')
    assert written.endswith(b"}\n")


def test_no_text_ends_the_script_that_holds_a_record() -> None:
    written = jsonld.embedded({"@id": "urn:x:1", "headline": "</script><!--<script>"})
    assert "<" not in written
    assert json.loads(written)["@graph"][0]["headline"] == "</script><!--<script>"


@given(headline=samples.WILD_TEXT, name=samples.WILD_TEXT)
def test_any_text_survives_render_and_reading(headline: str, name: str) -> None:
    author = {"@type": "Person", "@id": f"urn:x:{name}", "name": name}
    nodes = graph(samples.entry("urn:x:\t\n", headline=headline, author=[author]), samples.ENTRY)
    assert node(nodes, "urn:x:\t\n")["headline"] == headline
    assert node(nodes, author["@id"]) == author
