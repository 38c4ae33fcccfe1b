"""Atom 1.0, read back by feedparser and by an XML parser, and judged by the rules of the W3C feed validator."""

from __future__ import annotations

import html
import io
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import pytest
from hypothesis import assume, given
from lxml import etree

from feedpub import plugins
from feedpub.config import Site
from feedpub.formats.atom import TOMBSTONES, AtomFormat
from feedpub.models import Channel, Entry, Media
from tests.judges import feed_rules, samples

ATOM = AtomFormat(samples.SITE)
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "fh": "http://purl.org/syndication/history/1.0",
}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
FEED_URL = "https://courier.example/feed.atom"
HUBS = ("https://hub.example/", "https://second.example/hub")
BARE = Channel("", "T", "", "https://h.example/", "https://h.example/", None, 5, "g")
OTHER = replace(samples.entry("urn:x:other"), updated_at=datetime(2025, 9, 4, 7, 0, tzinfo=UTC))
WITHDRAWN = replace(
    samples.entry("urn:x:gone"),
    data={"@type": "NewsArticle", "@id": "urn:x:gone"},
    html="",
    withdrawn_at=datetime(2025, 9, 5, 12, 30, tzinfo=UTC),
)


def feed(*entries: Entry, channel: Channel = samples.CHANNEL) -> bytes:
    return b"".join(ATOM.assemble(channel, (ATOM.render(entry) for entry in entries)))


def tree(*entries: Entry, channel: Channel = samples.CHANNEL) -> Any:
    return etree.fromstring(feed(*entries, channel=channel))


def entry_of(entry: Entry) -> Any:
    return tree(entry).find("a:entry", NS)


def read(*entries: Entry, channel: Channel = samples.CHANNEL) -> Any:
    parsed = feedparser.parse(
        io.BytesIO(feed(*entries, channel=channel)), sanitize_html=False, resolve_relative_uris=False
    )
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "atom10"
    return parsed


def links(element: Any) -> list[dict[str, str]]:
    return [dict(link.attrib) for link in element.findall("a:link", NS)]


def text(element: Any, name: str) -> str | None:
    found: str | None = element.findtext(f"a:{name}", None, NS)
    return found


def test_the_format_goes_by_its_name() -> None:
    found = plugins.format("atom", samples.SITE)
    assert (found.filename, found.media_type) == ("feed.atom", "application/atom+xml")
    assert found.tombstones
    assert found.paged


def test_every_field_of_the_feed_is_read_back() -> None:
    found = read(samples.ENTRY).feed
    assert found.title == "The Alder Courier"
    assert found.title_detail.type == "text/plain"
    assert found.subtitle == "News from the valley & its towns"
    assert found.link == "https://courier.example/"
    assert found.updated_parsed[:6] == (2025, 9, 3, 8, 15, 0)
    assert found.author_detail == {"name": "Alder Courier Ltd", "href": "https://courier.example/"}
    assert found.generator_detail == {"name": "feedpub", "version": "0.1.0"}
    assert found.rights == "https://creativecommons.org/licenses/by/4.0/"
    assert found.logo == "https://courier.example/logo.png"
    assert tree().get(LANG) == "en-GB"


def test_every_field_of_an_entry_is_read_back() -> None:
    (entry,) = read(samples.ENTRY).entries
    assert entry.id == samples.ARTICLE_ID
    assert entry.title == "Council & residents argue over the bypass"
    assert entry.title_detail.type == "text/plain"
    assert entry.link == "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html"
    # 3 September 2025, 08:15 UTC; midnight of the 2nd in British Summer Time
    assert entry.updated_parsed[:6] == (2025, 9, 3, 8, 15, 0)
    assert entry.published_parsed[:6] == (2025, 9, 1, 23, 0, 0)
    assert [dict(author) for author in entry.authors] == [
        {"name": "Amina Rahman", "href": "https://courier.example/staff/amina"},
        {"name": "Valley News Agency"},
    ]
    assert entry.summary == "R&D on three routes goes on until spring."
    assert entry.summary_detail.type == "text/plain"
    (content,) = entry.content
    assert content.value == samples.HTML
    assert content.type == "text/html"
    assert content.language == "en-GB"
    assert [tag.term for tag in entry.tags] == ["Politics", "Transport", "bypass", "council"]
    assert entry.rights == "https://creativecommons.org/licenses/by/4.0/"
    assert [dict(enclosure) for enclosure in entry.enclosures] == [
        {
            "href": "https://courier.example/media/0123456789abcdef.jpg",
            "type": "image/jpeg",
            "length": "48213",
            "title": "A wet meadow",
        }
    ]


def test_an_entry_leads_to_its_page_its_record_and_its_files() -> None:
    assert links(entry_of(samples.ENTRY)) == [
        {
            "href": "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html",
            "rel": "alternate",
            "type": "text/html",
        },
        {
            "href": "https://courier.example/articles/2025/09/bypass-0a4a3a6f.jsonld",
            "rel": "related",
            "type": "application/ld+json",
        },
        {
            "href": "https://courier.example/media/0123456789abcdef.jpg",
            "rel": "enclosure",
            "type": "image/jpeg",
            "length": "48213",
            "title": "A wet meadow",
        },
    ]


def test_a_record_at_the_entrys_own_address_is_not_named_again() -> None:
    page = replace(samples.ENTRY, media=(), record_url=samples.ENTRY.url)
    assert [link["type"] for link in links(entry_of(page))] == ["text/html"]
    record = replace(samples.ENTRY, media=(), url=samples.ENTRY.record_url)
    assert [link["type"] for link in links(entry_of(record))] == ["application/ld+json"]


def test_every_file_of_known_length_and_type_is_an_enclosure() -> None:
    media = (
        Media("https://m.example/1.jpg"),
        Media("https://m.example/2.jpg", "image/jpeg"),
        Media("https://m.example/3.jpg", None, 10),
        Media("https://m.example/4.jpg", "image/jpeg", 10),
        Media("https://m.example/5.mp3", "audio/mpeg", 0, alternative_text=" "),
    )
    found = links(entry_of(replace(samples.ENTRY, media=media)))
    assert [link for link in found if link["rel"] == "enclosure"] == [
        {"href": "https://m.example/4.jpg", "rel": "enclosure", "type": "image/jpeg", "length": "10"},
        {"href": "https://m.example/5.mp3", "rel": "enclosure", "type": "audio/mpeg", "length": "0"},
    ]


def test_authors_are_people_and_organisations_with_what_is_known_of_them() -> None:
    authors = [
        {
            "@type": "Person",
            "name": "Ana",
            "email": "ana@courier.example",
            "url": "https://courier.example/ana",
        },
        {"@type": "Organization", "name": "Agency", "email": "mailto:desk@agency.example"},
        {"@type": "Person", "name": "Bo", "email": "write to me", "url": "staff/bo"},
        {"@type": "Person", "name": " "},
        "Cy",
        "Cy",
    ]
    found = entry_of(samples.entry(author=authors)).findall("a:author", NS)
    assert [{etree.QName(part).localname: part.text for part in author} for author in found] == [
        {"name": "Ana", "email": "ana@courier.example", "uri": "https://courier.example/ana"},
        {"name": "Agency", "email": "desk@agency.example"},
        {"name": "Bo"},
        {"name": "Cy"},
    ]


def test_the_feed_has_an_author_for_entries_without_one() -> None:
    assert entry_of(samples.entry()).find("a:author", NS) is None
    assert tree().findtext("a:author/a:name", None, NS) == "Alder Courier Ltd"
    assert tree(channel=replace(samples.CHANNEL, publisher=None)).findtext("a:author/a:name", None, NS) == (
        "The Alder Courier"
    )


def test_an_article_without_a_day_has_no_published_date_but_was_updated() -> None:
    found = entry_of(replace(samples.ENTRY, published_at=None))
    assert text(found, "published") is None
    assert text(found, "updated") == "2025-09-03T08:15:00+00:00"


def test_an_article_of_little_words_has_only_what_it_says() -> None:
    found = entry_of(samples.entry(html=""))
    assert [etree.QName(child).localname for child in found] == [
        *("id", "title", "updated", "link", "link", "published")
    ]


@pytest.mark.parametrize("headline", [None, "", " \n", "\x01", "\x7f\x85", "\ufffe"])
def test_an_entry_without_headline_goes_by_its_address(headline: str | None) -> None:
    data = {"@type": "NewsArticle", "@id": "urn:x:1"} | ({} if headline is None else {"headline": headline})
    found = entry_of(replace(samples.ENTRY, data=data))
    assert text(found, "title") == "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html"


def test_a_licence_is_named_by_its_address_or_its_name() -> None:
    named = samples.entry(license={"@type": "CreativeWork", "name": "All rights reserved"})
    assert text(entry_of(named), "rights") == "All rights reserved"
    assert text(entry_of(samples.entry()), "rights") is None


def test_an_event_goes_by_its_name() -> None:
    event = replace(samples.ENTRY, id=samples.EVENT_ID, data=samples.EVENT, html="", media=())
    assert text(entry_of(event), "title") == "Town hall meeting on the bypass"


def test_an_entry_states_its_own_language() -> None:
    assert entry_of(samples.ENTRY).get(LANG) == "en-GB"
    assert entry_of(samples.entry(inLanguage=["cy", "en"])).get(LANG) == "cy"
    assert entry_of(samples.entry()).get(LANG) is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2025, 9, 2, 0, 0, tzinfo=timezone(timedelta(hours=5))), "2025-09-02T00:00:00+05:00"),
        (datetime(2025, 9, 2, 0, 0, 1, 999999, tzinfo=UTC), "2025-09-02T00:00:01+00:00"),
        # Berlin kept local mean time, 53 minutes and 28 seconds ahead of Greenwich, until 1893.
        (datetime(1849, 3, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")), "1849-03-01T11:06:32+00:00"),
    ],
)
def test_dates_are_rfc_3339_in_whole_seconds(moment: datetime, expected: str) -> None:
    found = entry_of(replace(samples.ENTRY, published_at=moment, updated_at=moment))
    assert text(found, "published") == text(found, "updated") == expected


# -- tombstones


def test_a_withdrawn_article_leaves_a_tombstone_where_it_stood() -> None:
    root = tree(samples.ENTRY, WITHDRAWN, OTHER)
    kinds = [etree.QName(child).localname for child in root][-3:]
    assert kinds == ["entry", "deleted-entry", "entry"]
    (tombstone,) = root.findall("at:deleted-entry", NS)
    assert dict(tombstone.attrib) == {"ref": "urn:x:gone", "when": "2025-09-05T12:30:00Z"}
    assert len(tombstone) == 0
    assert [entry.id for entry in read(samples.ENTRY, WITHDRAWN, OTHER).entries] == [
        samples.ARTICLE_ID,
        "urn:x:other",
    ]


def test_a_tombstone_names_any_id() -> None:
    odd = "https://x.example/?a=1&b=\"<2>'"
    (tombstone,) = tree(replace(WITHDRAWN, id=odd)).findall("at:deleted-entry", NS)
    assert tombstone.get("ref") == odd


def test_a_feed_without_tombstones_does_not_name_their_namespace() -> None:
    assert TOMBSTONES.encode() not in feed(samples.ENTRY)


# -- the feed and its archive pages


def test_the_feeds_id_follows_from_the_newsrooms_key_and_the_path_alone() -> None:
    site = Site(url="https://old.example/", key="f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    moved = replace(site, url="https://new.example/", title="Another name")

    def identifier(site: Site, channel: Channel) -> str | None:
        return text(etree.fromstring(b"".join(AtomFormat(site).assemble(channel, []))), "id")

    known = identifier(site, samples.CHANNEL)
    assert known is not None
    assert uuid.UUID(known.removeprefix("urn:uuid:")).version == 5
    changed = replace(samples.CHANNEL, title="Renamed", base_url="https://new.example/", page=7)
    assert identifier(moved, changed) == known
    assert identifier(site, replace(samples.CHANNEL, path="sections/world")) != known
    assert identifier(replace(site, key=str(uuid.UUID(int=1))), samples.CHANNEL) != known


def test_a_feed_that_never_held_anything_was_updated_at_the_epoch() -> None:
    assert text(tree(channel=BARE), "updated") == "1970-01-01T00:00:00+00:00"


def test_a_bare_feed_has_only_what_atom_asks_for() -> None:
    assert [etree.QName(child).localname for child in tree(channel=BARE)] == [
        *("id", "title", "updated", "author", "link", "link", "generator")
    ]
    assert tree(channel=BARE).get(LANG) is None


def test_a_generator_without_version_keeps_its_whole_name() -> None:
    for name in ("g", "feedpub", "My Feed Machine"):
        generator = tree(channel=replace(BARE, generator=name)).find("a:generator", NS)
        assert generator.text == name
        assert not generator.attrib


def test_the_subscription_document_names_itself_the_hubs_and_the_newest_archive_page() -> None:
    channel = replace(samples.CHANNEL, path="sections/world", hubs=(*HUBS, HUBS[0]), previous_page=102)
    root = tree(samples.ENTRY, channel=channel)
    kind = "application/atom+xml"
    assert links(root) == [
        {"href": "https://courier.example/sections/world/feed.atom", "rel": "self", "type": kind},
        {"href": "https://hub.example/", "rel": "hub"},
        {"href": "https://second.example/hub", "rel": "hub"},
        {
            "href": "https://courier.example/archives/sections/world/1/feed-102.atom",
            "rel": "prev-archive",
            "type": kind,
        },
        {"href": "https://courier.example/", "rel": "alternate", "type": "text/html"},
    ]
    assert root.find("fh:archive", NS) is None


def test_an_archive_page_names_the_subscription_document_and_what_is_older() -> None:
    channel = replace(samples.CHANNEL, hubs=HUBS, page=2, previous_page=1)
    root = tree(samples.ENTRY, channel=channel)
    assert {link["rel"]: link["href"] for link in links(root)} == {
        "self": "https://courier.example/archives/0/feed-2.atom",
        "current": FEED_URL,
        "prev-archive": "https://courier.example/archives/0/feed-1.atom",
        "alternate": "https://courier.example/",
    }
    (archive,) = root.findall("fh:archive", NS)
    assert (archive.text, dict(archive.attrib)) == (None, {})
    assert text(root, "id") == text(tree(), "id")


def test_the_oldest_archive_page_leads_nowhere_older() -> None:
    root = tree(samples.ENTRY, channel=replace(samples.CHANNEL, page=1))
    assert [link["rel"] for link in links(root)] == ["self", "current", "alternate"]
    assert root.find("fh:archive", NS) is None


def test_entries_stand_last_in_the_order_given() -> None:
    root = tree(*(samples.entry(f"urn:x:{number}") for number in range(3)))
    names = [etree.QName(child).localname for child in root]
    assert names[-3:] == ["entry"] * 3
    assert "entry" not in names[:-3]
    assert root.xpath("a:entry/a:id/text()", namespaces=NS) == ["urn:x:0", "urn:x:1", "urn:x:2"]


def test_the_namespace_is_declared_once() -> None:
    written = feed(samples.ENTRY, OTHER)
    assert written.count(b"xmlns") == 1
    assert b"xmlns" not in ATOM.render(samples.ENTRY)


def test_the_same_entry_gives_the_same_bytes() -> None:
    assert ATOM.render(samples.ENTRY) == ATOM.render(replace(samples.ENTRY))
    assert feed(samples.ENTRY, channel=BARE) == feed(samples.ENTRY, channel=BARE)


def test_rendering_does_not_alter_the_record() -> None:
    before = repr(samples.ENTRY)
    ATOM.render(samples.ENTRY)
    assert repr(samples.ENTRY) == before


# -- any text


@pytest.mark.parametrize(
    "words",
    [
        "a ]]> b",
        "</script><script>alert(1)</script>",
        "</entry></feed> & <entry>",
        "<b>bold</b> &amp; &#60; &nosuch;",
        "😀 \U00020000 e\u0301",
        "\u200fوزیراعظم اور صدر\u200f (2025)",
        "\"quoted\" 'single' = `tick`",
    ],
)
def test_hostile_and_unusual_text_comes_back_the_same(words: str) -> None:
    media = (Media("https://m.example/1.jpg", "image/jpeg", 10, alternative_text=words),)
    entry = replace(
        samples.entry(
            html=f"<p>x</p>{words}",
            headline=words,
            description=words,
            author=[{"name": words}],
            articleSection=words,
            license=words,
        ),
        media=media,
    )
    found = entry_of(entry)
    assert [text(found, name) for name in ("title", "summary", "rights")] == [words] * 3
    assert text(found, "content") == f"<p>x</p>{words}"
    assert found.findtext("a:author/a:name", None, NS) == words
    assert found.find("a:category", NS).get("term") == words
    assert found.find("a:link[@rel='enclosure']", NS).get("title") == words
    channel = replace(samples.CHANNEL, title=words, description=words, generator=words, license=words)
    root = tree(channel=replace(channel, publisher={"name": words}))
    assert [text(root, name) for name in ("title", "subtitle", "rights", "generator")] == [words] * 4
    assert root.findtext("a:author/a:name", None, NS) == words


def test_titles_and_summaries_are_plain_text_to_readers() -> None:
    (entry,) = read(samples.entry(headline="1 < 2 & <b>3</b>", description="a &amp; <i>b</i>")).entries
    assert (entry.title, entry.title_detail.type) == ("1 < 2 & <b>3</b>", "text/plain")
    assert (entry.summary, entry.summary_detail.type) == ("a &amp; <i>b</i>", "text/plain")


def test_control_characters_are_dropped_and_harm_nothing() -> None:
    hostile = samples.entry(
        "urn:x:1",
        html="<p>a\x00b\x0bc\x1fd\ufffe\ud800</p>",
        headline="a\x00\x08b\x7f\x85",
        author=[{"name": "\x01A"}, {"name": "\x02"}],
        keywords=["\x03", "k\x04"],
        inLanguage="\x05",
        license="\x06",
        description="\x07",
    )
    first, other = tree(hostile, samples.ENTRY).findall("a:entry", NS)
    assert (text(first, "title"), text(first, "content")) == ("ab", "<p>abcd</p>")
    assert first.xpath("a:author/a:name/text()", namespaces=NS) == ["A"]
    assert first.xpath("a:category/@term", namespaces=NS) == ["k"]
    assert (first.get(LANG), text(first, "rights"), text(first, "summary")) == (None, None, None)
    assert text(other, "title") == "Council & residents argue over the bypass"


def test_control_characters_in_the_frame_harm_nothing() -> None:
    channel = replace(
        samples.CHANNEL,
        title="\x00",
        description="\x01",
        license="\x02",
        language="\x03",
        publisher={"name": "\x04"},
    )
    root = tree(channel=channel)
    assert text(root, "title") == "https://courier.example/"
    assert root.findtext("a:author/a:name", None, NS) == "https://courier.example/"
    assert (text(root, "subtitle"), text(root, "rights"), root.get(LANG)) == (None, None, None)


def test_carriage_returns_and_tabs_survive() -> None:
    assert text(entry_of(samples.entry(html="<pre>a\r\n\tb</pre>")), "content") == "<pre>a\r\n\tb</pre>"


@given(title=samples.TEXT, body=samples.TEXT, author=samples.TEXT)
def test_any_text_survives_render_and_reading(title: str, body: str, author: str) -> None:
    entry = samples.entry(
        headline=title, html=f"<p>{body}</p>", author=[{"name": author}], description=body, keywords=[title]
    )
    found = entry_of(entry)
    assert text(found, "title") == (title if title.strip() else entry.url)
    assert text(found, "content") == f"<p>{body}</p>"
    assert text(found, "summary") == (body if body.strip() else None)
    assert found.xpath("a:author/a:name/text()", namespaces=NS) == ([author] if author.strip() else [])
    assert found.xpath("a:category/@term", namespaces=NS) == ([title] if title.strip() else [])


@given(title=samples.TEXT, body=samples.TEXT)
def test_readers_see_any_text_as_it_is(title: str, body: str) -> None:
    # feedparser "repairs" text that happens to be UTF-8 read as Latin-1, so ASCII and what cannot be that.
    assume(title.strip() and all(value.isascii() or max(value) > "\xff" for value in (title, body)))
    body = f"<p>{html.escape(body)}</p>"
    (entry,) = read(samples.entry(headline=title, html=body)).entries
    assert entry.title == title.strip()
    assert entry.content[0].value == body


@given(title=samples.WILD_TEXT, body=samples.WILD_TEXT)
def test_no_text_draws_a_message_about_form(title: str, body: str) -> None:
    wild = replace(
        samples.entry(
            "urn:x:wild", headline=title, html=f"<p>{body}", description=title, author=[{"name": title}]
        ),
        media=(Media("https://m.example/1.jpg", "image/jpeg", 10, alternative_text=title),),
    )
    wild = replace(wild, updated_at=datetime(2025, 9, 4, tzinfo=UTC))
    found = feed_rules.messages(feed(wild, samples.ENTRY), FEED_URL)
    # What the text itself says is the newsroom's: "&lt" in a headline, a relative link in the body.
    assert found <= {"ContainsUndeclaredHTML", "ContainsRelRef", "BadCharacters"}
    if "\ufffd" not in title + body:
        assert "BadCharacters" not in found


# -- the W3C feed validator

SUBSCRIPTION = replace(samples.CHANNEL, hubs=HUBS, previous_page=3)
ARCHIVE = replace(samples.CHANNEL, hubs=HUBS, page=3, previous_page=2)


@pytest.mark.parametrize(
    "channel", [samples.CHANNEL, SUBSCRIPTION, ARCHIVE], ids=["plain", "subscription", "archive"]
)
def test_the_validator_has_nothing_to_say(channel: Channel) -> None:
    written = feed(samples.ENTRY, OTHER, channel=channel)
    assert feed_rules.messages(written, channel.self_url("feed.atom")) == set()


def test_the_validator_does_not_know_tombstones() -> None:
    assert feed_rules.messages(feed(samples.ENTRY, WITHDRAWN), FEED_URL) == {"UnknownNamespace"}


def test_the_validator_would_have_a_marked_archive_page_lead_on() -> None:
    channel = replace(samples.CHANNEL, page=1)
    written = feed(samples.ENTRY, channel=channel)
    assert feed_rules.messages(written, channel.self_url("feed.atom")) == set()
    mark = b'<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/><entry'
    marked = written.replace(b"<entry", mark, 1)
    assert feed_rules.messages(marked, channel.self_url("feed.atom")) == {"ArchiveIncomplete"}


@pytest.mark.parametrize(
    "entry",
    [
        replace(samples.ENTRY, published_at=None),
        samples.entry(description="A summary", html=""),
        samples.entry(author=[{"name": "A", "email": "a@x.example", "url": "https://x.example/"}]),
        replace(samples.ENTRY, data={"@type": "NewsArticle", "@id": "urn:x:1"}),
        replace(samples.ENTRY, record_url=samples.ENTRY.url),
    ],
    ids=["undated", "summary alone", "full author", "without headline", "one address"],
)
def test_the_validator_has_nothing_to_say_of_entries_that_lack_something(entry: Entry) -> None:
    assert feed_rules.messages(feed(entry), FEED_URL) == set()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</feed>", "", "SAXError"),
        ("Council &amp;", "Council \x85", "BadCharacters"),
        ('xml:lang="en-GB"', 'xml:lang="British English"', "InvalidLanguage"),
        ("  <title>The Alder Courier</title>\n", "", "MissingElement"),
        ("  <logo>", "<logo>https://x.example/</logo><logo>", "DuplicateElement"),
        ("  <logo>", "<banner/><logo>", "UndefinedElement"),
        ("  <logo>", "stray <logo>", "UnexpectedText"),
        ("  <logo>https://courier.example/logo.png", "<logo>logo png", "InvalidLink"),
        ("</feed>", "<rights>late</rights></feed>", "MisplacedMetadata"),
        ('rel="self"', 'rel="related"', "MissingSelf"),
        ("https://courier.example/feed.atom", "https://courier.example/old.atom", "SelfDoesntMatchLocation"),
        ("application/atom+xml", "text/xml", "SelfNotAtom"),
        ("application/atom+xml", "atom", "InvalidMIMEType"),
        ('rel="hub"', 'rel="pinged"', "UnregisteredAtomLinkRel"),
        ('href="https://hub.example/"', "", "MissingHref"),
        ('href="https://hub.example/"', 'href="/hub"', "InvalidFullLink"),
        ('href="https://hub.example/"', 'href="https://hub.example/" media="all"', "UnexpectedAttribute"),
        ('rel="related" type="application/ld+json"', 'rel="alternate" type="text/html"', "DuplicateAtomLink"),
        ('rel="enclosure"', 'rel="prev-archive"', "FeedHistoryRelInEntry"),
        ('length="48213"', 'length="47 kB"', "InvalidNonNegativeInteger"),
        ('title="A wet meadow"', 'title=""', "AttrNotBlank"),
        ('title="A wet meadow"/>', ">A wet meadow</link>", "AtomLinkNotEmpty"),
        ("urn:x:other", samples.ARTICLE_ID, "DuplicateEntries"),
        (samples.ARTICLE_ID, "urn:uuid:5f0c1c9e", "InvalidUUID"),
        ("<id>urn:x:other", "<id> urn:x:other", "UnexpectedWhitespace"),
        ("2025-09-04T07:00:00+00:00", "2025-09-03T08:15:00+00:00", "DuplicateUpdated"),
        ("2025-09-04T07:00:00+00:00", "2025-09-04", "InvalidRFC3339Date"),
        ("2025-09-04T07:00:00+00:00", "1970-01-01T00:00:00+00:00", "ImplausibleDate"),
        ("<title>A headline</title>", "<title/>", "NotBlank"),
        ("<title>A headline</title>", "<title>&lt;b&gt;A&lt;/b&gt;</title>", "ContainsUndeclaredHTML"),
        ('type="html"', 'type="text/html"', "InvalidTextType"),
        ("https://example.org/report", "report", "ContainsRelRef"),
        ("&lt;em&gt;", "&lt;script&gt;", "SecurityRisk"),
        ("<name>Amina Rahman</name>", "", "MissingElement"),
        ("<name>Amina Rahman</name>", "<name>A</name><email>at home</email>", "InvalidContact"),
        ('term="Politics"', 'term=""', "MissingAttribute"),
    ],
)
def test_each_rule_of_the_validator_is_watched(old: str, new: str, message: str) -> None:
    whole = feed(samples.ENTRY, OTHER, channel=SUBSCRIPTION).decode()
    assert old in whole
    assert message in feed_rules.messages(whole.replace(old, new, 1).encode(), FEED_URL)


def test_the_rules_on_archives_and_on_entries_without_content_are_watched() -> None:
    archive = feed(samples.ENTRY, channel=ARCHIVE).replace(b'rel="current"', b'rel="via"')
    assert "MissingCurrentInArchive" in feed_rules.messages(archive, ARCHIVE.self_url("feed.atom"))
    bare = feed(samples.entry(html="")).replace(b'rel="alternate"', b'rel="via"')
    assert {"MissingTextualContent", "MissingContentOrAlternate"} <= feed_rules.messages(bare, FEED_URL)
