"""The page of a section, keyword or author, read by HTML parsers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import html5lib
from lxml import html as lxml_html

from feedpub.formats.listing import render_listing
from feedpub.models import Alternate, Entry
from tests.judges import samples

HOSTILE = "</script><script>alert(1)</script>\"'><svg onload=alert(1)>"
PATH = "sections/politics/index.html"
FOLDER = "https://courier.example/sections/politics/"
FEEDS = (
    Alternate("The Alder Courier: Politics", "application/rss+xml", f"{FOLDER}feed.xml"),
    Alternate("The Alder Courier: Politics", "application/ld+json", f"{FOLDER}feed.jsonld"),
    Alternate("The Alder Courier: Politics", "text/calendar", f"{FOLDER}events.ics"),
)


def render(*entries: Entry, **options: Any) -> bytes:
    arguments = {"site": samples.SITE, "title": "Politics", "feeds": FEEDS, "path": PATH, **options}
    return render_listing(entries=entries, **arguments)


def page(*entries: Entry, **options: Any) -> Any:
    return lxml_html.document_fromstring(render(*entries, **options).decode("utf-8"))


def texts(root: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in root.xpath(path)]


def test_its_articles_stand_in_order_and_are_linked_nearby() -> None:
    other = replace(
        samples.entry("urn:x:2", headline="Second", articleSection="Sport"),
        page_path=None,
        url="https://o.example/2",
    )
    root = page(samples.ENTRY, other, section_pages={"Sport": "sections/sport/index.html"})
    assert texts(root, "//h1") == ["Politics"]
    assert texts(root, "//ul[@class='news']//h3") == ["Council & residents argue over the bypass", "Second"]
    assert root.xpath("//ul[@class='news']//h3/a/@href") == [
        "../../articles/2025/09/bypass-0a4a3a6f.html",
        "https://o.example/2",
    ]
    assert root.xpath("//ul[@class='news']//img/@src") == ["../../media/0123456789abcdef.jpg"]
    # The page's own section need not be told at each of its articles.
    assert texts(root, "//p[@class='kicker']") == ["Sport"]
    assert root.xpath("//p[@class='kicker']/a/@href") == ["../../sections/sport/index.html"]


def test_the_head_names_the_page_and_what_to_subscribe_to() -> None:
    root = page(samples.ENTRY)
    assert texts(root, "//title") == ["Politics – The Alder Courier"]
    assert root.xpath("//link[@rel='canonical']/@href") == [FOLDER]
    assert root.xpath("//link[@rel='alternate']/@href") == [f"{FOLDER}feed.xml", f"{FOLDER}events.ics"]
    assert root.xpath("//header[@class='mast']/a/@href") == ["../../index.html"]


def test_its_feeds_are_offered_with_what_to_do() -> None:
    root = page(samples.ENTRY)
    assert texts(root, "//ul[@class='cards']//h3") == [
        "For your feed reader (RSS)",
        "For your calendar (iCalendar)",
        "For programs (JSON-LD)",
    ]
    assert root.xpath("//ul[@class='cards']//h3/a/@href") == [
        "../../sections/politics/feed.xml",
        "../../sections/politics/events.ics",
        "../../sections/politics/feed.jsonld",
    ]
    assert texts(root, "//ul[@class='cards']//code") == [
        f"{FOLDER}feed.xml", f"{FOLDER}events.ics", f"{FOLDER}feed.jsonld",
    ]  # fmt: skip


def test_its_events_link_to_their_pages() -> None:
    root = page(
        samples.ENTRY, events=[samples.EVENT], event_pages={samples.EVENT_ID: "events/2025/10/meeting.html"}
    )
    assert texts(root, "//section[@class='side']//span[@class='what']") == [
        "Town hall meeting on the bypass New date"
    ]
    assert root.xpath("//section[@class='side']//a/@href") == ["../../events/2025/10/meeting.html"]


def test_a_page_without_articles_says_so() -> None:
    root = page(feeds=())
    assert "No article has been published here yet." in texts(root, "//main")[0]
    assert root.xpath("//section[contains(@class, 'feeds')] | //a[@href='#subscribe']") == []


def test_the_page_speaks_the_newsroom_s_language() -> None:
    root = page(samples.ENTRY, site=replace(samples.SITE, language="de"))
    assert texts(root, "//h2") == ["Neueste Artikel", "Diese Seite abonnieren"]


def test_hostile_text_never_leaves_its_place() -> None:
    entry = samples.entry(headline=HOSTILE, articleSection=HOSTILE, description=HOSTILE)
    feeds = [Alternate(HOSTILE, HOSTILE, f"{FOLDER}x")]
    root = html5lib.parse(
        render(entry, title=HOSTILE, feeds=feeds).decode(), treebuilder="lxml", namespaceHTMLElements=False
    )
    assert root.xpath("//script | //svg | //img | //@onload") == []
    assert root.xpath("string(//h1)") == HOSTILE


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert render(samples.ENTRY, events=[samples.EVENT]) == render(samples.ENTRY, events=[samples.EVENT])
