"""The front page, read by HTML parsers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import html5lib
import pytest
from hypothesis import given
from lxml import html as lxml_html

from feedpub.config import Site
from feedpub.formats.frontpage import render_frontpage
from feedpub.models import Alternate, Entry
from tests.judges import samples

HOSTILE = "</script><script>alert(1)</script>\"'><svg onload=alert(1)>"


def story(number: int, **properties: Any) -> Entry:
    properties = {"headline": f"Story {number}", **properties}
    return replace(
        samples.entry(f"urn:x:{number}", **properties), page_path=f"articles/2025/09/story-{number}.html"
    )


def front(*entries: Entry, site: Site = samples.SITE, **options: Any) -> Any:
    written = render_frontpage(site=site, entries=entries, **options)
    return lxml_html.document_fromstring(written.decode("utf-8"))


def texts(root: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in root.xpath(path)]


def test_the_first_article_leads_and_the_others_follow_in_order() -> None:
    root = front(samples.ENTRY, story(1), story(2))
    assert texts(root, "//article[@class='lead']//h3") == ["Council & residents argue over the bypass"]
    assert root.xpath("//article[@class='lead']//h3/a/@href") == ["./articles/2025/09/bypass-0a4a3a6f.html"]
    assert root.xpath("//article[@class='lead']//img/@src") == ["./media/0123456789abcdef.jpg"]
    assert texts(root, "//ul[@class='news']//h3") == ["Story 1", "Story 2"]
    assert texts(root, "//article[@class='lead']//p[@class='meta']") == [
        "Amina Rahman, Valley News Agency · 2 September 2025"
    ]


def test_an_article_with_a_page_elsewhere_is_linked_there() -> None:
    elsewhere = replace(samples.ENTRY, page_path=None, url="https://other.example/a")
    assert front(elsewhere).xpath("//article[@class='lead']//h3/a/@href") == ["https://other.example/a"]


def test_a_summary_is_the_description_or_else_the_article_s_own_beginning() -> None:
    long = "The council met " + "and talked " * 40 + "until midnight."
    root = front(
        story(1, description="Said so.", articleBody="Other."),
        story(2, articleBody="Only this.\n\nNot this."),
        story(3, articleBody=long),
        story(4),
    )
    first, second, third = texts(root, "//p[@class='sum']")
    assert (first, second) == ("Said so.", "Only this.")
    assert third.endswith((" talked …", " and …"))
    assert len(third) <= 222
    assert long.startswith(third.removesuffix(" …"))


def test_only_so_many_articles_are_shown_but_all_are_sorted_into_sections() -> None:
    entries = [story(n, articleSection="A" if n % 2 else "B") for n in range(30)]
    root = front(*entries, limit=5)
    assert len(root.xpath("//ul[@class='news']/li")) == 4
    assert texts(root, "//section[@class='sections']//h3") == ["A", "B"]
    assert texts(root, "//section[@class='sections']//li") == [f"Story {n}" for n in (1, 3, 5, 7, 0, 2, 4, 6)]
    anchors = root.xpath("//nav[@class='jump noprint']/a/@href")
    assert [len(root.xpath(f"//*[@id='{anchor[1:]}']")) for anchor in anchors] == [1] * len(anchors)


def test_events_link_to_themselves_or_to_the_article_that_reports_them() -> None:
    own = {
        "@type": "Event",
        "@id": "urn:x:e",
        "name": "Fair",
        "startDate": "2025-11",
        "url": "https://f.example/",
    }
    foreign = {"@type": "Event", "@id": "urn:x:f", "name": "Walk", "subjectOf": [{"@id": "urn:x:unknown"}]}
    root = front(samples.ENTRY, events=[own, samples.EVENT, foreign])
    assert texts(root, "//section[@class='side']//span[@class='what']") == [
        "Fair",
        "Town hall meeting on the bypass New date",
        "Walk",
    ]
    assert root.xpath("//section[@class='side']//a/@href") == [
        "https://f.example/",
        "./articles/2025/09/bypass-0a4a3a6f.html",
    ]
    assert texts(root, "//section[@class='side']//time") == [
        "November 2025",
        "5 October 2025, 18:00–20:30 UTC+1",
    ]


TYPES = {
    "feed.jsonld": "application/ld+json",
    "feed.xml": "application/rss+xml",
    "atom.xml": "application/atom+xml",
    "feed.json": "application/feed+json",
    "events.ics": "text/calendar",
    "events.jsonld": "application/ld+json",
}


def feed(folder: str, title: str) -> list[Alternate]:
    return [Alternate(title, kind, f"https://courier.example/{folder}{name}") for name, kind in TYPES.items()]


def test_the_main_feed_is_offered_in_each_format_with_what_to_do() -> None:
    opml = Alternate("All feeds", "text/x-opml", "https://courier.example/feeds.opml")
    odd = Alternate("Odd", "application/x-odd", "https://courier.example/feed.odd")
    root = front(samples.ENTRY, alternates=[*feed("", "The Alder Courier"), opml, odd])
    assert texts(root, "//ul[@class='cards']//h3") == [
        "For your feed reader (RSS)",
        "For your feed reader (Atom)",
        "For your feed reader (JSON Feed)",
        "For your calendar (iCalendar)",
        "All feeds at once (OPML)",
        "For programs (JSON-LD)",
        "Events for programs (JSON-LD)",
        "In another format (application/x-odd)",
    ]
    hints = texts(root, "//ul[@class='cards']//p[@class='how']")
    assert len(set(hints)) == 8
    names = ["feed.xml", "atom.xml", "feed.json", "events.ics", "feeds.opml", "feed.jsonld", "events.jsonld"]
    assert texts(root, "//ul[@class='cards']//code")[:7] == [f"https://courier.example/{n}" for n in names]
    assert root.xpath("//ul[@class='cards']//a/@href")[:7] == [f"./{name}" for name in names]
    assert root.xpath("//div[@class='narrow']") == []


def test_who_opened_a_raw_feed_is_helped() -> None:
    root = front(samples.ENTRY, alternates=samples.ALTERNATES)
    (note,) = texts(root, "//section[@class='feeds noprint']/div[@class='box note']")
    assert note.startswith("You opened a feed and saw only code?")


def test_every_other_feed_has_one_row_in_its_group() -> None:
    alternates = [
        *feed("", "The Alder Courier"),
        *feed("authors/amina-rahman/", "The Alder Courier: Amina Rahman"),
        *feed("sections/politics/", "The Alder Courier: Politics"),
        *feed("harbour/", "From the harbour"),
        *feed("sections/transport/", "The Alder Courier: Transport"),
        *feed("keywords/bypass/", "The Alder Courier: bypass"),
    ]
    root = front(
        samples.ENTRY,
        alternates=alternates,
        section_pages={"Politics": "sections/politics/index.html"},
        feed_pages={"authors/amina-rahman": "authors/amina-rahman/index.html"},
    )
    assert texts(root, "//div[@class='narrow']/h4") == ["Selections", "Sections", "Topics", "Authors"]
    assert [texts(group, "li/span[@class='what']") for group in root.xpath("//ul[@class='rows']")] == [
        ["From the harbour"], ["Politics", "Transport"], ["bypass"], ["Amina Rahman"],
    ]  # fmt: skip
    assert root.xpath("//ul[@class='rows']//span[@class='what']/a/@href") == [
        "./sections/politics/index.html",
        "./authors/amina-rahman/index.html",
    ]
    politics = root.xpath("//ul[@class='rows']")[1][0]
    assert texts(politics, "span[@class='formats']/a") == [
        "RSS", "Atom", "JSON Feed", "iCalendar", "JSON-LD", "JSON-LD (events)",
    ]  # fmt: skip
    assert politics.xpath("span[@class='formats']/a/@href")[0] == "./sections/politics/feed.xml"
    assert len(root.xpath("//ul[@class='cards']/li")) == 6


def test_browsers_find_the_main_feed_in_every_format_and_the_others_once() -> None:
    data_first = samples.ALTERNATES[::-1]
    opml = Alternate("All feeds", "text/x-opml", "https://courier.example/feeds.opml")
    alternates = [*feed("", "Main"), opml, *feed("a/", "A"), *feed("b/", "B")]
    found = front(samples.ENTRY, alternates=alternates).xpath("//head/link[@rel='alternate']/@href")
    assert [url.removeprefix("https://courier.example/") for url in found] == [
        "feed.xml", "atom.xml", "feed.json", "events.ics", "a/feed.xml", "b/feed.xml",
    ]  # fmt: skip
    assert front(samples.ENTRY, alternates=data_first).xpath("//head/link[@rel='alternate']/@href") == [
        "https://courier.example/feed.xml"
    ]


def test_events_and_sections_lead_to_their_own_pages() -> None:
    sport = story(1, articleSection="Sport")
    root = front(
        samples.ENTRY,
        sport,
        events=[{**samples.EVENT, "url": "https://f.example/"}],
        event_pages={samples.EVENT_ID: "events/2025/10/meeting.html"},
        section_pages={"Politics": "sections/politics/index.html", "Sport": "sections/sport/index.html"},
    )
    assert root.xpath("//section[@class='side']//a/@href") == ["./events/2025/10/meeting.html"]
    assert root.xpath("//nav[@class='jump noprint']/a/@href") == [
        "./sections/politics/index.html",
        "./sections/sport/index.html",
        "#section-3",
    ]
    assert root.xpath("//section[@class='sections']//h3/a/@href") == [
        "./sections/politics/index.html",
        "./sections/sport/index.html",
    ]
    assert root.xpath("//p[@class='kicker']/a/@href") == [
        "./sections/politics/index.html",
        "./sections/sport/index.html",
    ]


@pytest.mark.parametrize(
    ("language", "heading"), [("de", "Neueste Artikel"), ("sv", "Latest articles"), (None, "Latest articles")]
)
def test_the_page_speaks_the_newsroom_s_language(language: str | None, heading: str) -> None:
    root = front(samples.ENTRY, site=replace(samples.SITE, language=language))
    assert texts(root, "//h2")[0] == heading
    assert root.xpath("/html/@lang") == ([language] if language else [])


def test_an_article_in_another_language_is_marked() -> None:
    urdu = story(1, inLanguage="ur", headline="صدر")
    root = front(samples.ENTRY, urdu)
    assert root.xpath("//ul[@class='news']/li/@lang") == ["ur"]
    assert root.xpath("//ul[@class='news']/li/@dir") == ["rtl"]


def test_a_newsroom_without_articles_says_so() -> None:
    root = front(site=Site())
    assert "No article has been published here yet." in texts(root, "//main")[0]
    assert texts(root, "//h1") == ["News"]


def test_hostile_text_never_leaves_its_place() -> None:
    site = replace(samples.SITE, title=HOSTILE, description=HOSTILE, license="javascript:alert(1)")
    event = {
        "@type": "Event",
        "@id": "urn:x:e",
        "name": HOSTILE,
        "url": "javascript:alert(1)",
        "startDate": HOSTILE,
    }
    entry = story(
        1,
        headline=HOSTILE,
        description=HOSTILE,
        articleSection=[HOSTILE, "B"],
        author=[{"name": HOSTILE}],
        image=["javascript:alert(1)"],
        inLanguage='"><script>',
    )
    written = render_frontpage(
        site=site,
        entries=[entry, entry],
        events=[event],
        alternates=[Alternate(HOSTILE, "application/rss+xml", "https://courier.example/feed.xml")],
    )
    root = html5lib.parse(written.decode(), treebuilder="lxml", namespaceHTMLElements=False)
    assert root.xpath("//script | //svg | //img | //@onload | //*[starts-with(@href, 'javascript:')]") == []
    assert root.xpath("string(//h1)") == HOSTILE


def test_the_same_arguments_give_the_same_bytes() -> None:
    arguments: dict[str, Any] = {"entries": [samples.ENTRY], "events": [samples.EVENT]}
    written = render_frontpage(site=samples.SITE, **arguments)
    assert written == render_frontpage(site=samples.SITE, **arguments)


@given(title=samples.TEXT, summary=samples.TEXT, section=samples.TEXT)
def test_any_text_survives_render_and_reading(title: str, summary: str, section: str) -> None:
    title = title if title.strip() else "x"  # no record has a blank headline
    entry = story(1, headline=title, description=summary, articleSection=section)
    root = html5lib.parse(
        render_frontpage(site=samples.SITE, entries=[entry]).decode(), namespaceHTMLElements=False
    )
    (heading,) = root.iterfind(".//h3")
    assert "".join(heading.itertext()) == title
    found = ["".join(paragraph.itertext()) for paragraph in root.iterfind(".//article/p")]
    assert [text for text in (section, summary) if text.strip()] == [
        text for text in found if "2025" not in text
    ]
