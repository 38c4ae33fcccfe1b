"""RSS 2.0, read back by feedparser and by an XML parser."""

from __future__ import annotations

import html
import io
import locale
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import pytest
from hypothesis import assume, given
from lxml import etree

from feedpub.formats.properties import without_controls
from feedpub.formats.rss import NAMESPACES, RssFormat, update_period
from feedpub.models import Channel, Entry, Media
from tests.judges import feed_rules, samples

RSS = RssFormat(samples.SITE)


def feed(*entries: Entry, channel: Channel = samples.CHANNEL) -> bytes:
    return b"".join(RSS.assemble(channel, (RSS.render(entry) for entry in entries)))


def read(*entries: Entry, channel: Channel = samples.CHANNEL) -> Any:
    parsed = feedparser.parse(
        io.BytesIO(feed(*entries, channel=channel)), sanitize_html=False, resolve_relative_uris=False
    )
    assert not parsed.bozo, parsed.get("bozo_exception")
    return parsed


def item_of(entry: Entry) -> Any:
    return etree.fromstring(feed(entry)).find("channel/item")


def tags(element: Any) -> list[str]:
    names = {uri: prefix for prefix, uri in NAMESPACES.items()}
    found = []
    for child in element:
        name = etree.QName(child)
        found.append(f"{names[name.namespace]}:{name.localname}" if name.namespace else name.localname)
    return found


def test_every_field_of_the_channel_is_read_back() -> None:
    channel = read(samples.ENTRY).feed
    assert channel.title == "The Alder Courier"
    assert channel.link == "https://courier.example/"
    assert html.unescape(channel.subtitle) == "News from the valley & its towns"
    assert channel.language == "en-GB"
    assert channel.updated == "Wed, 03 Sep 2025 08:15:00 +0000"
    assert channel.ttl == "5"
    assert channel.generator == "feedpub 0.1.0"
    assert channel.rights == "https://creativecommons.org/licenses/by/4.0/"
    assert channel.image.href == "https://courier.example/logo.png"
    assert channel.image.title == channel.title
    assert channel.image.link == channel.link
    assert {"rel": "self", "type": "application/rss+xml", "href": "https://courier.example/feed.xml"} in [
        dict(link) for link in channel.links
    ]


def test_every_field_of_an_item_is_read_back() -> None:
    (item,) = read(samples.ENTRY).entries
    assert item.title == "Council & residents argue over the bypass"
    assert item.link == "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html"
    assert item.id == samples.ARTICLE_ID
    assert item.guidislink is False
    assert item.published == "Tue, 02 Sep 2025 00:00:00 +0100"
    assert [author.name for author in item.authors] == ["Amina Rahman", "Valley News Agency"]
    assert [tag.term for tag in item.tags] == ["Politics", "Transport", "bypass", "council"]
    assert html.unescape(item.summary) == "R&D on three routes goes on until spring."
    assert item.content[0].value == samples.HTML
    assert item.language == "en-GB"
    assert [dict(enclosure) for enclosure in item.enclosures] == [
        {
            "href": "https://courier.example/media/0123456789abcdef.jpg",
            "length": "48213",
            "type": "image/jpeg",
        }
    ]
    assert [dict(media) for media in item.media_content] == [
        {
            "url": "https://courier.example/media/0123456789abcdef.jpg",
            "filesize": "48213",
            "type": "image/jpeg",
            "medium": "image",
            "width": "1200",
            "height": "800",
        },
        {"url": "https://pictures.example/map.png", "type": "image/png", "medium": "image"},
    ]


def test_items_stand_last_in_the_channel_in_the_order_given() -> None:
    entries = [samples.entry(f"urn:x:{number}") for number in range(3)]
    channel = etree.fromstring(feed(*entries)).find("channel")
    assert tags(channel)[-3:] == ["item"] * 3
    assert "item" not in tags(channel)[:-3]
    assert channel.xpath("item/guid/text()") == ["urn:x:0", "urn:x:1", "urn:x:2"]


def test_description_stands_before_the_content() -> None:
    found = tags(item_of(samples.ENTRY))
    assert found.index("description") < found.index("content:encoded")


def test_an_item_without_summary_has_the_whole_text_as_its_description() -> None:
    # RSS profile, content:encoded; a content:encoded without description draws a warning.
    found = item_of(samples.entry())
    assert tags(found) == ["title", "link", "description", "guid", "pubDate", "atom:updated"]
    assert found.findtext("description") == samples.HTML
    (item,) = read(samples.entry()).entries
    assert item.summary == samples.HTML


def test_an_item_of_little_words_has_only_what_it_says() -> None:
    assert tags(item_of(samples.entry(html=""))) == ["title", "link", "guid", "pubDate", "atom:updated"]


def test_an_item_without_headline_is_still_valid() -> None:
    bare = replace(samples.entry(), data={"@type": "NewsArticle", "@id": "urn:x:1"})
    assert item_of(bare).findtext("description") == samples.HTML
    assert item_of(replace(bare, html="")).findtext("description") == bare.url


def test_namespaces_are_declared_once_and_by_their_usual_prefixes() -> None:
    written = feed(samples.ENTRY, samples.entry("urn:x:2"))
    assert written.count(b"xmlns:") == len(NAMESPACES)
    assert b"ns0" not in written
    assert b"xmlns" not in RSS.render(samples.ENTRY)
    for prefix, uri in NAMESPACES.items():
        assert f'xmlns:{prefix}="{uri}"'.encode() in written


def test_an_article_without_a_day_has_no_date() -> None:
    assert "pubDate" not in tags(item_of(replace(samples.ENTRY, published_at=None)))


def test_a_channel_without_a_date_does_not_say_now() -> None:
    bare = Channel("", "T", "", "https://h.example/", "https://h.example/", None, 5, "g")
    channel = etree.fromstring(feed(channel=bare)).find("channel")
    assert tags(channel) == [
        *("title", "link", "description", "atom:link", "docs", "generator", "ttl"),
        *("sy:updatePeriod", "sy:updateFrequency"),
    ]


HUBS = ("https://hub.example/", "https://second.example/hub")
SUBSCRIPTION = replace(samples.CHANNEL, hubs=HUBS, previous_page=3)
ARCHIVE = replace(samples.CHANNEL, hubs=HUBS, page=3, previous_page=2)


def atom_links(channel: Channel) -> list[dict[str, str]]:
    found = etree.fromstring(feed(samples.ENTRY, channel=channel)).find("channel")
    return [dict(link.attrib) for link in found.findall(f"{{{NAMESPACES['atom']}}}link")]


def test_the_subscription_document_names_itself_the_hubs_and_the_newest_archive_page() -> None:
    kind = "application/rss+xml"
    assert atom_links(SUBSCRIPTION) == [
        {"href": "https://courier.example/feed.xml", "rel": "self", "type": kind},
        {"href": "https://hub.example/", "rel": "hub"},
        {"href": "https://second.example/hub", "rel": "hub"},
        {"href": "https://courier.example/archives/0/feed-3.xml", "rel": "prev-archive", "type": kind},
    ]
    assert read(channel=SUBSCRIPTION).feed.link == "https://courier.example/"


def test_an_archive_page_names_the_subscription_document_and_what_is_older() -> None:
    kind = "application/rss+xml"
    assert atom_links(ARCHIVE) == [
        {"href": "https://courier.example/archives/0/feed-3.xml", "rel": "self", "type": kind},
        {"href": "https://courier.example/feed.xml", "rel": "current", "type": kind},
        {"href": "https://courier.example/archives/0/feed-2.xml", "rel": "prev-archive", "type": kind},
    ]
    assert [link["rel"] for link in atom_links(replace(ARCHIVE, previous_page=None))] == ["self", "current"]


def test_only_an_archive_page_is_marked_and_it_does_not_say_when_to_come_back() -> None:
    told = {"ttl", "sy:updatePeriod", "sy:updateFrequency"}
    archive = set(tags(etree.fromstring(feed(channel=ARCHIVE)).find("channel")))
    assert "fh:archive" in archive
    assert not told & archive
    subscription = set(tags(etree.fromstring(feed(channel=SUBSCRIPTION)).find("channel")))
    assert "fh:archive" not in subscription
    assert told <= subscription


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (1, ("hourly", 60)),
        (5, ("hourly", 12)),
        (30, ("hourly", 2)),
        (60, ("hourly", 1)),
        (90, ("daily", 16)),
        (720, ("daily", 2)),
        (1440, ("daily", 1)),
        (2520, ("weekly", 4)),
        (10080, ("weekly", 1)),
        # 8.57 times an hour, 1.33 times an hour, 1.44 times a day, every two weeks
        (7, None),
        (45, None),
        (1000, None),
        (20160, None),
        (0, None),
    ],
)
def test_the_timer_is_told_as_a_period_where_it_can_be_exactly(
    minutes: int, expected: tuple[str, int] | None
) -> None:
    assert update_period(minutes) == expected
    channel = etree.fromstring(feed(channel=replace(samples.CHANNEL, ttl_minutes=minutes))).find("channel")
    told = [channel.findtext(f"{{{NAMESPACES['sy']}}}{name}") for name in ("updatePeriod", "updateFrequency")]
    assert told == ([None, None] if expected is None else [expected[0], str(expected[1])])


def test_readers_find_the_timer_where_they_look_for_it() -> None:
    found = read().feed
    assert (found.sy_updateperiod, found.sy_updatefrequency, found.ttl) == ("hourly", "12", "5")


def test_an_item_says_when_it_was_updated() -> None:
    (item,) = read(samples.ENTRY).entries
    assert item.updated == "2025-09-03T08:15:00Z"
    assert item.published == "Tue, 02 Sep 2025 00:00:00 +0100"
    undated = item_of(replace(samples.ENTRY, published_at=None))
    assert undated.findtext(f"{{{NAMESPACES['atom']}}}updated") == "2025-09-03T08:15:00Z"


def test_a_pictures_text_is_not_taken_for_the_items() -> None:
    entry = replace(samples.ENTRY, data=samples.entry().data)
    (item,) = read(entry).entries
    assert entry.media[0].alternative_text == "A wet meadow"
    assert item.summary == samples.HTML


def test_an_empty_feed_is_a_feed() -> None:
    assert read().entries == []


def test_dates_are_english_and_numeric_whatever_the_locale() -> None:
    before = locale.setlocale(locale.LC_ALL)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        try:
            switched = locale.setlocale(locale.LC_ALL)
            entry = replace(samples.ENTRY, published_at=datetime(2025, 12, 2, 23, 5, 9, tzinfo=UTC))
            assert item_of(entry).findtext("pubDate") == "Tue, 02 Dec 2025 23:05:09 +0000"
            assert locale.setlocale(locale.LC_ALL) == switched
        finally:
            locale.setlocale(locale.LC_ALL, before)


def test_an_offset_with_seconds_is_written_as_utc() -> None:
    # Berlin kept local mean time, 53 minutes and 28 seconds ahead of Greenwich, until 1893.
    old = replace(samples.ENTRY, published_at=datetime(1849, 3, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")))
    assert item_of(old).findtext("pubDate") == "Thu, 01 Mar 1849 11:06:32 +0000"


def test_only_a_file_of_known_length_and_type_is_an_enclosure() -> None:
    media = (
        Media("https://m.example/1.jpg"),
        Media("https://m.example/2.jpg", "image/jpeg"),
        Media("https://m.example/3.jpg", None, 10),
        Media("https://m.example/4.jpg", "image/jpeg", 10),
        Media("https://m.example/5.jpg", "image/jpeg", 20),
    )
    found = item_of(replace(samples.ENTRY, media=media))
    assert [dict(enclosure.attrib) for enclosure in found.findall("enclosure")] == [
        {"url": "https://m.example/4.jpg", "length": "10", "type": "image/jpeg"}
    ]
    contents = found.findall(f"{{{NAMESPACES['media']}}}content")
    assert [content.get("url") for content in contents] == [medium.url for medium in media]


@pytest.mark.parametrize(
    "text",
    [
        "a ]]> b",
        "</script><script>alert(1)</script>",
        "</item></channel></rss> & <item>",
        "<b>bold</b> &amp; &#60; &nosuch;",
        "😀 \U00020000 e\u0301",
        "\u200fوزیراعظم اور صدر\u200f (2025)",
        "\"quoted\" 'single' = `tick`",
    ],
)
def test_hostile_and_unusual_text_comes_back_the_same(text: str) -> None:
    entry = samples.entry(html=f"<p>x</p>{text}", headline=text, author=[{"name": text}], articleSection=text)
    (item,) = read(entry).entries
    assert item.title == text
    assert item.summary == f"<p>x</p>{text}"
    assert [tag.term for tag in item.tags] == [text]
    assert item_of(entry).findtext(f"{{{NAMESPACES['dc']}}}creator") == text


@pytest.mark.parametrize(
    "text", ["AT&T", "3 < 5 > 2", "<script> is a tag", "&lt; means less", "&copy 2025", "a</p>b", "<!-- x"]
)
def test_a_description_reads_as_the_plain_text_that_it_is(text: str) -> None:
    # Readers take descriptions for HTML, so an HTML parser must find the text in it.
    from lxml.html import fragment_fromstring

    written = item_of(samples.entry(description=text)).findtext("description")
    assert fragment_fromstring(written, create_parent="div").text_content() == text


def test_a_description_becomes_no_markup_when_control_characters_are_dropped() -> None:
    entry = samples.entry(description="<\x08script>alert(1)</\x08script>")
    assert item_of(entry).findtext("description") == "&lt;script&gt;alert(1)&lt;/script&gt;"


def test_control_characters_are_dropped_and_harm_nothing() -> None:
    hostile = samples.entry(
        html="<p>a\x00b\x0bc\x1fd\ufffe\ud800</p>", headline="a\x00\x08b\x7f\x85", author=[{"name": "\x01A"}]
    )
    (item, other) = read(hostile, samples.ENTRY).entries
    assert item.title == "ab"
    assert item.summary == "<p>abcd</p>"
    assert item.author == "A"
    assert other.title == "Council & residents argue over the bypass"


def test_carriage_returns_and_tabs_survive() -> None:
    assert read(samples.entry(html="<pre>a\r\n\tb</pre>")).entries[0].summary == "<pre>a\r\n\tb</pre>"


def test_the_same_entry_gives_the_same_bytes() -> None:
    assert RSS.render(samples.ENTRY) == RSS.render(replace(samples.ENTRY))
    assert feed(samples.ENTRY) == feed(samples.ENTRY)


def test_rendering_does_not_alter_the_record() -> None:
    before = repr(samples.ENTRY)
    RSS.render(samples.ENTRY)
    assert repr(samples.ENTRY) == before


def _spared_by_feedparser(text: str) -> bool:
    # It "repairs" text that happens to be UTF-8 read as Latin-1 …
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return True
    return text.isascii()


@given(title=samples.TEXT, body=samples.TEXT, author=samples.TEXT)
def test_any_text_survives_render_and_reading(title: str, body: str, author: str) -> None:
    assume(title.strip() and all(map(_spared_by_feedparser, (title, body, author))))
    body = html.escape(body)
    entry = samples.entry(
        headline=title, html=f"<p>{body}</p>", author=[{"name": author}], description="A summary"
    )
    (item,) = read(entry).entries
    assert item.title == title.strip()
    assert item.content[0].value == f"<p>{body}</p>"
    creator = item_of(entry).findtext(f"{{{NAMESPACES['dc']}}}creator")
    assert creator == (author if author.strip() else None)


@given(title=samples.WILD_TEXT, body=samples.WILD_TEXT)
def test_no_text_makes_the_feed_malformed(title: str, body: str) -> None:
    written = feed(samples.entry(headline=title, html=body, description=title), samples.ENTRY)
    root = etree.fromstring(written)
    assert len(root.findall("channel/item")) == 2
    assert without_controls(written) == written


# -- the W3C feed validator

RSS_URL = "https://courier.example/feed.xml"
SMALL = samples.entry("urn:x:other", description="A summary")


@given(title=samples.WILD_TEXT, body=samples.WILD_TEXT)
def test_no_text_draws_a_message_about_form(title: str, body: str) -> None:
    wild = samples.entry("urn:x:wild", headline=title, html=body, description=title, keywords=[title])
    found = feed_rules.messages(feed(wild, samples.ENTRY), RSS_URL)
    # What the text itself says is the newsroom's: "&lt" in a headline, a relative link in the body.
    assert found <= {"ContainsHTML", "ContainsRelRef", "BadCharacters"}
    if "\ufffd" not in title + body:
        assert "BadCharacters" not in found


@pytest.mark.parametrize("headline", [None, " ", "\x01", "\x7f\x85", "\ufffe"])
@pytest.mark.parametrize("body", ["", "\x02", "<p>x</p>"])
@pytest.mark.parametrize("summary", [None, "\x03", "Words"])
def test_no_item_is_empty_or_has_blank_parts(headline: str | None, body: str, summary: str | None) -> None:
    data = {"@id": "urn:x:1", "headline": headline, "description": summary, "keywords": ["\x04", "\x85"]}
    found = item_of(replace(samples.ENTRY, data=data, html=body))
    assert all(child.text or child.attrib for child in found)
    assert feed_rules.messages(feed(replace(samples.ENTRY, data=data, html=body)), RSS_URL) == set()


@pytest.mark.parametrize(
    "channel", [samples.CHANNEL, SUBSCRIPTION, ARCHIVE], ids=["plain", "subscription", "archive"]
)
def test_the_validator_has_nothing_to_say(channel: Channel) -> None:
    written = feed(samples.ENTRY, SMALL, samples.entry("urn:x:third"), channel=channel)
    assert feed_rules.messages(written, channel.self_url("feed.xml")) == set()


def test_the_validator_has_nothing_to_say_of_the_oldest_archive_page_or_an_empty_file() -> None:
    channel = replace(samples.CHANNEL, page=1)
    entry = replace(samples.ENTRY, media=(Media("https://m.example/1.jpg", "image/jpeg", 0),))
    assert feed_rules.messages(feed(entry, channel=channel), channel.self_url("feed.xml")) == set()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</rss>", "", "SAXError"),
        ('version="2.0"', 'version="3.0"', "InvalidRSSVersion"),
        ("Council &amp;", "Council \ufffd", "BadCharacters"),
        ("xmlns:dc", 'xmlns:q="urn:q" xmlns:dc', "UnknownNamespace"),
        ("    <title>The Alder Courier</title>\n", "", "MissingTitle"),
        ("    <link>https://courier.example/</link>\n", "", "MissingLink"),
        ("<ttl>5</ttl>", "<ttl>5</ttl><ttl>5</ttl>", "DuplicateElement"),
        ("<ttl>5</ttl>", "<ttl>five</ttl>", "InvalidPositiveInteger"),
        ("<ttl>5</ttl>", "<updated/>", "UndefinedElement"),
        ("<ttl>5</ttl>", "stray <ttl>5</ttl>", "UnexpectedText"),
        ("</channel>", "<ttl>5</ttl></channel>", "MisplacedItem"),
        ('rel="self"', 'rel="related"', "MissingAtomSelfLink"),
        ("https://courier.example/feed.xml", "https://courier.example/old.xml", "SelfDoesntMatchLocation"),
        ('rel="hub"', 'rel="pinged"', "UnregisteredAtomLinkRel"),
        (">hourly<", ">often<", "InvalidUpdatePeriod"),
        ("<language>en-GB", "<language>British English", "InvalidLanguage"),
        ("Wed, 03 Sep 2025", "Thu, 03 Sep 2025", "IncorrectDOW"),
        ("Tue, 02 Sep 2025 00:00:00 +0100", "2025-09-02T00:00:00+01:00", "InvalidRFC2822Date"),
        ("Tue, 02 Sep 2025 00:00:00 +0100", "Thu, 01 Mar 1849 11:06:32 +0000", "ImplausibleDate"),
        ("2025-09-03T08:15:00Z", "2025-09-03", "InvalidRFC3339Date"),
        ("      <title>The Alder Courier", "      <title>Logo", "ImageTitleDoesntMatch"),
        ("      <link>https://courier.example/", "      <link>https://x.example/", "ImageLinkDoesntMatch"),
        ("<title>A headline</title>", "<title> </title>", "NotBlank"),
        ("<title>A headline</title>", "<title>&lt;b&gt;A&lt;/b&gt;</title>", "ContainsHTML"),
        ("<category>bypass</category>", "<category/>", "NotBlank"),
        ("<description>R&amp;D on three routes goes on until spring.</description>", "",
         "NeedDescriptionBeforeContent"),
        ("urn:x:other", samples.ARTICLE_ID, "DuplicateValue"),
        ('<guid isPermaLink="false">urn:x:other</guid>', "", "MissingGuid"),
        ('isPermaLink="false"', 'isPermaLink="no"', "InvalidBooleanAttribute"),
        ('isPermaLink="false"', 'isPermaLink="true"', "InvalidPermalink"),
        ('isPermaLink="false">urn:x:other', 'isPermaLink="true">other', "InvalidHttpGUID"),
        ('isPermaLink="false">urn:x:other', 'isPermaLink="false">12', "NotSufficientlyUnique"),
        ("<dc:creator>", "<author>a@x.example (A)</author><dc:creator>", "DuplicateItemSemantics"),
        ("<enclosure", '<enclosure url="https://x.example/" length="1" type="a/b"/><enclosure',
         "DuplicateEnclosure"),
        ('length="48213"', "", "MissingAttribute"),
        ('length="48213"', 'length="47 kB"', "InvalidIntegerAttribute"),
        ('enclosure url="https://courier.example/', 'enclosure url="/', "InvalidURLAttribute"),
        ('type="image/jpeg"', 'type="jpeg"', "InvalidMIMEAttribute"),
        ('fileSize="48213"', 'fileSize="0"', "InvalidPositiveInteger"),
        ('medium="image"', 'medium="picture"', "InvalidMediaMedium"),
        ("https://courier.example/articles", "/articles", "InvalidFullLink"),
        ("https://example.org/report", "report", "ContainsRelRef"),
        ("&lt;em&gt;", "&lt;iframe&gt;", "SecurityRisk"),
    ],
)  # fmt: skip
def test_each_rule_of_the_validator_is_watched(old: str, new: str, message: str) -> None:
    whole = feed(samples.ENTRY, SMALL, channel=SUBSCRIPTION).decode()
    assert old in whole
    assert message in feed_rules.messages(whole.replace(old, new, 1).encode(), RSS_URL)


def test_the_rule_that_an_item_says_something_is_watched() -> None:
    mute = feed(samples.entry(html="")).replace(b"<title>A headline</title>", b"")
    assert "ItemMustContainTitleOrDescription" in feed_rules.messages(mute, RSS_URL)
