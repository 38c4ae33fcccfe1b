"""The list of feeds, read by an XML parser as a feed reader reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from lxml import etree

from feedpub.formats import opml
from feedpub.models import Agent, Alternate
from tests.judges import samples

RSS, ATOM, JSON = "application/rss+xml", "application/atom+xml", "application/feed+json"
LD, CALENDAR = "application/ld+json", "text/calendar"
SITE = "https://courier.example/"


def feeds(folder: str, title: str, *files: str) -> list[Alternate]:
    types = {"feed.xml": RSS, "atom.xml": ATOM, "feed.json": JSON, "feed.jsonld": LD, "events.ics": CALENDAR}
    return [Alternate(title, types[name], f"{SITE}{folder}{name}") for name in files]


EVERY = ("feed.xml", "atom.xml", "feed.json", "feed.jsonld", "events.ics")


def read(alternates: list[Alternate], **options: Any) -> Any:
    return etree.fromstring(opml.render(options.pop("site", samples.SITE), alternates, **options))


def rows(parent: Any) -> list[tuple[str | None, ...]]:
    return [(item.get("type"), item.get("text"), item.get("xmlUrl")) for item in parent.findall("outline")]


def test_the_head_says_whose_list_it_is() -> None:
    site = replace(samples.SITE, publisher=Agent("Alder Courier Ltd", "Organization"))
    root = read(feeds("", "Courier", *EVERY), site=site, updated_at=datetime(2025, 9, 3, 8, 15, tzinfo=UTC))
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert {element.tag: element.text for element in root.find("head")} == {
        "title": "The Alder Courier",
        "dateModified": "Wed, 03 Sep 2025 08:15:00 +0000",
        "ownerName": "Alder Courier Ltd",
        "ownerId": SITE,
        "docs": "http://opml.org/spec2.opml",
    }


def test_each_feed_stands_once_as_rss() -> None:
    root = read(feeds("", "The Alder Courier", *EVERY))
    (outline,) = root.findall("body/outline")
    assert dict(outline.attrib) == {
        "type": "rss",
        "text": "The Alder Courier",
        "title": "The Alder Courier",
        "xmlUrl": "https://courier.example/feed.xml",
        "htmlUrl": "https://courier.example/",
        "description": "News from the valley",
    }


def test_a_feed_without_rss_is_listed_as_atom_and_one_without_both_not_at_all() -> None:
    root = read(
        [
            *feeds("", "Main", "atom.xml", "feed.json"),
            *feeds("a/", "A", "atom.xml", "feed.xml"),
            *feeds("b/", "B", "feed.jsonld", "events.ics", "feed.json"),
        ]
    )
    assert rows(root.find("body")) == [("rss", "Main", f"{SITE}atom.xml"), ("rss", "A", f"{SITE}a/feed.xml")]


def test_feeds_of_sections_topics_and_authors_stand_in_folders() -> None:
    alternates = [
        *feeds("", "Main", *EVERY),
        *feeds("authors/ada-byrne/", "Ada Byrne", *EVERY),
        *feeds("sections/politics/", "Politics", *EVERY),
        *feeds("keywords/bypass/", "bypass", *EVERY),
        *feeds("harbour/", "The harbour", *EVERY),
        *feeds("sections/sport/", "Sport", *EVERY),
    ]
    root = read(
        alternates,
        site=replace(samples.SITE, language="de"),
        pages={"sections/politics": "sections/politics/index.html"},
    )
    assert rows(root.find("body")) == [
        ("rss", "Main", f"{SITE}feed.xml"),
        ("rss", "The harbour", f"{SITE}harbour/feed.xml"),
        (None, "Ressorts", None),
        (None, "Themen", None),
        (None, "Autoren", None),
    ]
    sections, topics, authors = root.findall("body/outline")[2:]
    assert rows(sections) == [
        ("rss", "Politics", f"{SITE}sections/politics/feed.xml"),
        ("rss", "Sport", f"{SITE}sections/sport/feed.xml"),
    ]
    assert [item.get("htmlUrl") for item in sections] == [f"{SITE}sections/politics/index.html", SITE]
    assert rows(topics) == [("rss", "bypass", f"{SITE}keywords/bypass/feed.xml")]
    assert rows(authors) == [("rss", "Ada Byrne", f"{SITE}authors/ada-byrne/feed.xml")]


@pytest.mark.parametrize("alternates", [[], feeds("", "Main", "feed.json", "feed.jsonld")])
def test_the_list_is_never_empty(alternates: list[Alternate]) -> None:
    (outline,) = read(alternates).findall("body/outline")
    assert dict(outline.attrib) == {"type": "link", "text": "The Alder Courier", "url": SITE}


def test_the_same_feeds_give_the_same_bytes() -> None:
    assert opml.render(samples.SITE, samples.ALTERNATES) == opml.render(samples.SITE, samples.ALTERNATES)


@given(title=samples.WILD_TEXT, name=samples.TEXT)
def test_any_title_survives_writing_and_reading(title: str, name: str) -> None:
    site = replace(samples.SITE, title=title)
    root = read(feeds("", f"x{name}", "feed.xml"), site=site)
    (outline,) = root.findall("body/outline")
    assert outline.get("text") == f"x{name}"
    assert opml.render(site, feeds("", f"x{title}", "feed.xml"))
