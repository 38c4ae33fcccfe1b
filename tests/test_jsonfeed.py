"""JSON Feed 1.1, read back by a reader made from the specification and checked by JSON Schema."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from feedpub.formats.jsonfeed import JsonFeedFormat
from feedpub.models import Channel, Entry, Media
from tests.conftest import ROOT
from tests.judges import json_feed, samples

FORMAT = JsonFeedFormat(samples.SITE)
SCHEMAS = [json.loads(path.read_text("utf-8")) for path in (ROOT / "schemas").glob("*.schema.json")]
VALIDATOR = Draft202012Validator(
    {"$ref": "https://feedpub.example/schemas/1/jsonfeed.schema.json"},
    registry=Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS),
    format_checker=FormatChecker(),
)
"""As somebody else would use the schema: with jsonschema's own formats, and nothing of feedpub."""


def feed(*entries: Entry, channel: Channel = samples.CHANNEL) -> bytes:
    return b"".join(FORMAT.assemble(channel, (FORMAT.render(entry) for entry in entries)))


def read(*entries: Entry, channel: Channel = samples.CHANNEL) -> json_feed.Feed:
    written = feed(*entries, channel=channel)
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(written))] == []
    return json_feed.read(written)


def item_of(entry: Entry) -> json_feed.Item:
    (item,) = read(entry).items
    return item


def test_every_field_of_the_channel_is_read_back() -> None:
    channel = replace(samples.CHANNEL, hubs=("https://hub.example/", "https://hub.example/2"))
    found = read(samples.ENTRY, channel=channel)
    assert found.title == "The Alder Courier"
    assert found.home_page_url == "https://courier.example/"
    assert found.feed_url == "https://courier.example/feed.json"
    assert found.description == "News from the valley & its towns"
    assert found.icon == "https://courier.example/logo.png"
    assert found.authors == (("Alder Courier Ltd", "https://courier.example/"),)
    assert found.language == "en-GB"
    assert found.hubs == (("WebSub", "https://hub.example/"), ("WebSub", "https://hub.example/2"))
    assert found.next_url is None


def test_every_field_of_an_item_is_read_back() -> None:
    item = item_of(samples.ENTRY)
    assert item.id == samples.ARTICLE_ID
    assert item.url == "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html"
    assert item.title == "Council & residents argue over the bypass"
    assert item.html == samples.HTML
    assert item.text is None
    assert item.summary == "R&D on three routes goes on until spring."
    assert item.image == "https://courier.example/media/0123456789abcdef.jpg"
    assert item.published == datetime(2025, 9, 2, 0, 0, tzinfo=timezone(timedelta(hours=1)))
    assert item.published.utcoffset() == timedelta(hours=1)
    assert item.modified == datetime(2025, 9, 3, 8, 15, tzinfo=UTC)
    assert item.authors == (
        ("Amina Rahman", "https://courier.example/staff/amina"),
        ("Valley News Agency", None),
    )
    assert item.tags == ("Politics", "Transport", "bypass", "council")
    assert item.language == "en-GB"
    assert item.attachments == (
        (("https://courier.example/media/0123456789abcdef.jpg", "image/jpeg", 48_213),),
        (("https://pictures.example/map.png", "image/png", None),),
    )


def test_the_extension_names_the_record_and_its_events_as_the_record_states_them() -> None:
    assert item_of(samples.ENTRY).extensions == {
        "_feedpub": {
            "id": samples.ARTICLE_ID,
            "type": "NewsArticle",
            "record_url": "https://courier.example/articles/2025/09/bypass-0a4a3a6f.jsonld",
            "events": [
                {
                    "id": samples.EVENT_ID,
                    "type": "Event",
                    "name": "Town hall meeting on the bypass",
                    "startDate": "2025-10-05T18:00:00+01:00",
                    "endDate": "2025-10-05T20:30:00+01:00",
                    "previousStartDate": "2025-09-28T18:00:00+01:00",
                    "eventStatus": "https://schema.org/EventRescheduled",
                    "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode",
                    "location": [
                        {
                            "type": "Place",
                            "id": "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0005",
                            "name": "Corn Exchange",
                            "address": {
                                "type": "PostalAddress",
                                "streetAddress": "4 Market Square",
                                "addressLocality": "Alderford",
                                "addressCountry": "GB",
                            },
                            "geo": {"type": "GeoCoordinates", "latitude": 52.75, "longitude": 1.25},
                        }
                    ],
                }
            ],
        }
    }


def test_an_event_says_no_more_than_its_record() -> None:
    event = {"@type": "Festival", "@id": "urn:x:2", "name": "Harbour days", "startDate": "2026-06"}
    found = item_of(replace(samples.entry(), events=(event,)))
    assert found.extensions["_feedpub"]["events"] == [
        {"id": "urn:x:2", "type": "Festival", "name": "Harbour days", "startDate": "2026-06"}
    ]
    assert "events" not in item_of(samples.entry()).extensions["_feedpub"]


def test_an_item_without_authors_does_not_take_on_those_of_the_feed() -> None:
    assert item_of(samples.entry()).authors == ()


def test_an_author_may_be_a_bare_name_or_an_address_alone_and_stands_once() -> None:
    authors = ["Ann Bo", {"name": "Ann Bo"}, {"url": "https://courier.example/staff/bo"}, {"name": " "}, 7]
    assert item_of(samples.entry(author=authors)).authors == (
        ("Ann Bo", None),
        (None, "https://courier.example/staff/bo"),
    )


def test_an_item_says_nothing_that_is_not_stated() -> None:
    (line,) = [line for line in feed(samples.entry()).splitlines() if line.startswith(b'{"id"')]
    assert list(json.loads(line)) == [
        *("id", "url", "title", "content_html", "date_published", "date_modified", "authors", "_feedpub")
    ]


def test_an_article_without_a_day_has_no_date_of_publication() -> None:
    item = item_of(replace(samples.ENTRY, published_at=None))
    assert item.published is None
    assert item.modified is not None


def test_an_offset_with_seconds_is_written_as_utc() -> None:
    # Berlin kept local mean time, 53 minutes and 28 seconds ahead of Greenwich, until 1893.
    old = replace(samples.ENTRY, published_at=datetime(1849, 3, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")))
    assert item_of(old).published == datetime(1849, 3, 1, 11, 6, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"articleBody": "Cats are neat.\n\nReally."}, "Cats are neat.\n\nReally."),
        ({"description": "About cats"}, "About cats"),
        ({}, "A headline"),
        ({"headline": ""}, "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html"),
    ],
)
def test_an_item_without_markup_has_its_content_as_text(properties: dict[str, Any], text: str) -> None:
    item = item_of(samples.entry(html=" \n", **properties))
    assert item.html is None
    assert item.text == text


def test_only_a_file_of_known_type_is_attached_and_each_once() -> None:
    media = (
        Media("https://m.example/1.jpg"),
        Media("https://m.example/2.mp3", "audio/mpeg", 10),
        Media("https://m.example/2.mp3", "audio/mpeg", 10),
        Media("https://m.example/3.jpg", "image/jpeg", 0),
    )
    item = item_of(replace(samples.entry(), media=media))
    assert item.attachments == (
        (("https://m.example/2.mp3", "audio/mpeg", 10),),
        (("https://m.example/3.jpg", "image/jpeg", 0),),
    )
    assert item.image == "https://m.example/3.jpg"


def test_different_pictures_with_the_same_words_are_not_the_same_thing() -> None:
    media = tuple(
        Media(f"https://m.example/{number}.jpg", "image/jpeg", alternative_text="The harbour")
        for number in (1, 2)
    )
    assert len(item_of(replace(samples.entry(), media=media)).attachments) == 2


def test_items_stand_one_a_line_in_the_order_given() -> None:
    entries = [samples.entry(f"urn:x:{number}") for number in range(3)]
    written = feed(*entries)
    lines = written.splitlines()
    start = lines.index(b'"items": [') + 1
    assert [json.loads(line.rstrip(b","))["id"] for line in lines[start:-2]] == [
        "urn:x:0",
        "urn:x:1",
        "urn:x:2",
    ]
    changed = feed(entries[0], replace(entries[1], html="<p>Other.</p>"), entries[2]).splitlines()
    assert [a == b for a, b in zip(lines[start:], changed[start:], strict=True)] == [
        *(True, False, True),
        *(True, True),
    ]


def test_an_empty_feed_is_a_feed() -> None:
    bare = Channel("", " ", "", "https://h.example/", "https://h.example/", None, 5, "g")
    found = read(channel=bare)
    assert found.items == ()
    assert found.title == "https://h.example/"
    assert list(json.loads(feed(channel=bare))) == ["version", "title", "home_page_url", "feed_url", "items"]


def test_pages_lead_to_what_is_older_until_there_is_nothing() -> None:
    channel = replace(
        samples.CHANNEL, path="sections/sport", previous_page=101, hubs=("https://hub.example/",)
    )
    documents = {
        "https://courier.example/archives/sections/sport/1/feed-101.json": feed(
            samples.entry("urn:x:2"), channel=replace(channel, page=101, previous_page=100)
        ),
        "https://courier.example/archives/sections/sport/1/feed-100.json": feed(
            samples.entry("urn:x:1"), channel=replace(channel, page=100, previous_page=None)
        ),
    }
    pages = json_feed.walk(feed(samples.entry("urn:x:3"), channel=channel), documents.__getitem__)
    assert [page.feed_url for page in pages] == [
        "https://courier.example/sections/sport/feed.json",
        "https://courier.example/archives/sections/sport/1/feed-101.json",
        "https://courier.example/archives/sections/sport/1/feed-100.json",
    ]
    assert [item.id for page in pages for item in page.items] == ["urn:x:3", "urn:x:2", "urn:x:1"]
    assert [bool(page.hubs) for page in pages] == [True, False, False]


def test_a_document_never_names_itself_as_the_next_one() -> None:
    assert read(channel=replace(samples.CHANNEL, page=3, previous_page=3)).next_url is None


def test_control_characters_are_dropped_as_in_rss() -> None:
    hostile = samples.entry(
        html="<p>a\x00b\x0bc\x1fd\ufffe\ud800</p>",
        headline="a\x00\x08b\x7f\x85",
        description="\x00",
        author=[{"name": "\x01A"}, "\x02"],
    )
    item, other = read(hostile, replace(samples.ENTRY, id="urn:x:2")).items
    assert item.title == "ab"
    assert item.html == "<p>abcd</p>"
    assert item.summary is None
    assert item.authors == (("A", None),)
    assert other.title == "Council & residents argue over the bypass"


def test_the_same_entry_gives_the_same_bytes_and_stays_as_it_is() -> None:
    before = repr(samples.ENTRY)
    assert feed(samples.ENTRY) == feed(replace(samples.ENTRY))
    assert repr(samples.ENTRY) == before


@given(title=samples.TEXT, body=samples.TEXT, author=samples.TEXT, tag=samples.TEXT, alternative=samples.TEXT)
def test_any_text_survives_render_and_reading(
    title: str, body: str, author: str, tag: str, alternative: str
) -> None:
    assume(title.strip())
    body = f"<p>{html.escape(body)}</p>"
    media = (Media("https://m.example/1.jpg", "image/jpeg", alternative_text=alternative),)
    entry = samples.entry(headline=title, html=body, author=[{"name": author}], keywords=[tag])
    item = item_of(replace(entry, media=media))
    assert item.title == title
    assert item.html == body
    assert item.authors == (((author, None),) if author.strip() else ())
    assert item.tags == ((tag,) if tag.strip() else ())
    assert len(item.attachments) == 1


@given(title=samples.WILD_TEXT, body=samples.WILD_TEXT)
def test_no_text_breaks_the_feed_or_its_lines(title: str, body: str) -> None:
    written = feed(samples.entry("urn:x:1", headline=title, html=body, description=title), samples.ENTRY)
    assert len(json_feed.read(written).items) == 2
    assert sum(line.startswith(b'{"id"') for line in written.split(b"\n")) == 2
