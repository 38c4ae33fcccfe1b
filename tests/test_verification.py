"""Verification: what is right passes, and a writer that is wrong in one field of one format is caught.

The writers are broken from outside: a format renders an entry in which one thing was dropped, moved,
shifted or escaped twice, and its output is verified against the entry as it really is.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import dates, plugins, verification
from feedpub.formats import eventpage, jsonld, listing, ndjson, newssitemap, page, sitemap
from feedpub.formats.atom import AtomFormat
from feedpub.formats.eventsld import EventsFormat
from feedpub.formats.icalendar import CalendarFormat
from feedpub.formats.jsonfeed import JsonFeedFormat
from feedpub.formats.jsonld import JsonLdFormat
from feedpub.formats.rss import RssFormat
from feedpub.models import Channel, Entry, Link, Media
from feedpub.verification import Difference, limits
from feedpub.verification.differences import Place
from feedpub.verification.texts import folded
from tests.conftest import ROOT
from tests.judges import samples

SITE, CHANNEL = samples.SITE, samples.CHANNEL
FEEDS: dict[str, Any] = {
    "rss": RssFormat(SITE),
    "atom": AtomFormat(SITE),
    "jsonfeed": JsonFeedFormat(SITE),
    "jsonld": JsonLdFormat(SITE),
    "events": EventsFormat(SITE),
    "icalendar": CalendarFormat(SITE),
}
LISTING = "sections/alderford/index.html"
HOUR = timedelta(hours=1)
ARTICLE = replace(
    samples.ENTRY,
    data={**samples.ARTICLE, "datePublished": "2025-09-02T10:00:00+01:00", "inLanguage": "de-CH"},
    published_at=datetime(2025, 9, 2, 9, tzinfo=UTC),
)
OTHER = samples.entry(
    "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f1001",
    url="https://courier.example/2.html",
    articleBody="Nobody agreed.",
    inLanguage="en",
)
OTHER = replace(OTHER, url="https://courier.example/2.html", page_path="2.html")
EVENT = replace(
    samples.ENTRY,
    id=samples.EVENT_ID,
    data={
        **samples.EVENT,
        "description": "Bring questions & answers.",
        "@type": "Festival",
        "url": "https://council.example/meeting",
    },
    events=(),
    html="",
    media=(),
    is_event=True,
    reports=(
        Link("Council & residents", "https://courier.example/a.html"),
        Link("Earlier on", "https://courier.example/b.html"),
    ),
    revision=2,
    page_path="events/2025/10/meeting.html",
    record_path="events/2025/10/meeting.jsonld",
    record_url="https://courier.example/events/2025/10/meeting.jsonld",
    url="https://courier.example/events/2025/10/meeting.html",
)
SECOND = replace(EVENT, id="urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f1002")
SECOND = replace(
    SECOND,
    page_path="events/2025/10/second.html",
    data={**EVENT.data, "@id": SECOND.id, "location": [{"@type": "Place", "@id": "urn:x:2", "name": "Pier"}]},
)
WITHDRAWN = datetime(2025, 9, 4, 12, tzinfo=UTC)
NOW = datetime(2025, 9, 3, 9, tzinfo=UTC)


# -- writing and verifying


def write(name: str, entries: Sequence[Entry], channel: Channel = CHANNEL) -> bytes:
    """The file of that name in the tables of limits, with these entries."""
    if name in FEEDS:
        return b"".join(FEEDS[name].assemble(channel, [FEEDS[name].render(entry) for entry in entries]))
    (entry, *_) = entries
    match name:
        case "page":
            return page.render_article(entry, site=SITE)
        case "event page":
            return eventpage.render_event(entry, site=SITE)
        case "record":
            return jsonld.record_document(entry.data, *entry.events)
        case "listing":
            return render_listing(entries, ())
        case "event listing":
            return render_listing((), entries)
        case "dump":
            return b"".join(ndjson.record_line(entry.data) for entry in entries)
        case "sitemap":
            return news(entries)
    raise AssertionError(name)


def verify(
    name: str, content: bytes, entries: Sequence[Entry], channel: Channel = CHANNEL
) -> tuple[Difference, ...]:
    if name in FEEDS:
        return verification.verify_feed(name, content, channel, entries, SITE)
    (entry, *_) = entries
    match name:
        case "page":
            return verification.verify_page(content, entry, SITE)
        case "event page":
            return verification.verify_event_page(content, entry, SITE)
        case "record":
            return verification.verify_record(content, entry)
        case "listing":
            return verify_listing(content, entries, ())
        case "event listing":
            return verify_listing(content, (), entries)
        case "dump":
            return verification.verify_dump("dump/0.ndjson", content, [entry.data for entry in entries])
        case "sitemap":
            return verification.verify_sitemap("sitemaps/news.xml", content, entries, news=True)
    raise AssertionError(name)


def render_listing(entries: Sequence[Entry], events: Sequence[Entry]) -> bytes:
    return listing.render_listing(
        site=SITE,
        title="Alderford",
        entries=entries,
        feeds=samples.ALTERNATES,
        path=LISTING,
        events=[event.data for event in events],
        event_pages={event.id: event.page_path for event in events if event.page_path},
    )


def verify_listing(
    content: bytes, entries: Sequence[Entry], events: Sequence[Entry]
) -> tuple[Difference, ...]:
    return verification.verify_listing(
        LISTING,
        content,
        site=SITE,
        title="Alderford",
        entries=entries,
        events=events,
        feeds=samples.ALTERNATES,
    )


def news(entries: Sequence[Entry]) -> bytes:
    """A news sitemap with the entries in their own order."""
    found = [newssitemap.news([entry], SITE, NOW).content for entry in entries]
    head, _, _ = (found[0] or b"").partition(b"<url>")
    urls = [(one or b"").partition(b"<url>")[2].rpartition(b"</url>")[0] for one in found]
    return head + b"".join(b"<url>" + url + b"</url>\n" for url in urls) + b"</urlset>\n"


# -- how writers are broken


def changed(entry: Entry, **properties: Any) -> Entry:
    """The entry with these properties of its record; None takes one away."""
    data = {key: value for key, value in {**entry.data, **properties}.items() if value is not None}
    return replace(entry, data=data)


def twice(value: Any) -> Any:
    """Escaped once more than it should be."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, list | tuple):
        return [twice(inner) for inner in value]
    return {**value, "name": html.escape(value["name"])} if "name" in value else value


AUTHORS = [samples.AMINA, {**samples.AGENCY, "name": "Valley & Hill"}]
ARTICLE = changed(
    ARTICLE,
    author=AUTHORS,
    keywords=["R&D", "bypass", "council"],
    articleSection=["Roads & rail", "Politics"],
)
IMAGE = ARTICLE.data["image"][0]
Breaking = dict[str, Callable[[Entry], Entry]]

BREAKING_ARTICLES: dict[str, Breaking] = {
    "id": {"shift": lambda e: replace(changed(e, **{"@id": OTHER.id}), id=OTHER.id)},
    "url": {
        "shift": lambda e: replace(changed(e, url=f"{e.url}x"), url=f"{e.url}x", page_path=f"{e.page_path}x"),
        "double-escape": lambda e: replace(
            changed(e, url=f"{e.url}?a&amp;b"), url=f"{e.url}?a&amp;b", page_path=f"{e.page_path}?a&amp;b"
        ),
    },
    "title": {
        "drop": lambda e: changed(e, headline=None),
        "double-escape": lambda e: changed(e, headline=twice(e.data["headline"])),
        "shift": lambda e: changed(e, headline=e.data["description"]),
    },
    "summary": {
        "drop": lambda e: changed(e, description=None),
        "double-escape": lambda e: changed(e, description=twice(twice(e.data["description"]))),
        "shift": lambda e: changed(e, description=e.data["headline"]),
    },
    "published": {
        "drop": lambda e: replace(changed(e, datePublished=None), published_at=None),
        "shift": lambda e: replace(
            changed(e, datePublished="2025-09-02T11:00:00+01:00"), published_at=e.published_at + HOUR
        ),
        "zone": lambda e: replace(
            changed(e, datePublished="2025-09-02T10:00:00Z"), published_at=e.published_at + HOUR
        ),
    },
    "updated": {
        "shift": lambda e: replace(
            changed(e, dateModified="2025-09-03T09:15:01+01:00"),
            updated_at=e.updated_at + timedelta(seconds=1),
        ),
    },
    "authors": {
        "drop": lambda e: changed(e, author=e.data["author"][:1]),
        "reorder": lambda e: changed(e, author=e.data["author"][::-1]),
        "double-escape": lambda e: changed(e, author=twice(e.data["author"])),
        "more": lambda e: changed(
            e, author=[*e.data["author"], {"@type": "Person", "@id": "urn:x:1", "name": "Z"}]
        ),
    },
    "text": {
        "drop": lambda e: replace(changed(e, articleBody=None), html=""),
        "double-escape": lambda e: replace(changed(e, articleBody=twice("R&D")), html=twice(e.html)),
        "shift": lambda e: replace(
            changed(e, articleBody="Nobody."), html=e.html.replace("Nobody", "Somebody")
        ),
    },
    "categories": {
        "drop": lambda e: changed(e, articleSection=None, keywords=["bypass"]),
        "reorder": lambda e: changed(
            e, keywords=e.data["keywords"][::-1], articleSection=e.data["articleSection"][::-1]
        ),
        "double-escape": lambda e: changed(
            e, keywords=twice(e.data["keywords"]), articleSection=twice(e.data["articleSection"])
        ),
    },
    "language": {
        "drop": lambda e: changed(e, inLanguage=None),
        "shift": lambda e: changed(e, inLanguage="fr"),
    },
    "enclosures": {
        "drop": lambda e: replace(changed(e, image=None), media=()),
        "shift": lambda e: replace(
            changed(e, image=[{**IMAGE, "width": 1201}]),
            media=(replace(e.media[0], length=48_214), *e.media[1:]),
        ),
        "double-escape": lambda e: replace(
            changed(e, image=[{**IMAGE, "url": f"{IMAGE['url']}?a&amp;b"}]),
            media=(replace(e.media[0], url=f"{e.media[0].url}?a&amp;b"), *e.media[1:]),
        ),
    },
    "events": {
        "drop": lambda e: replace(changed(e, about=None), events=()),
        "shift": lambda e: replace(
            changed(e, about=[{"@id": SECOND.id}]), events=({**e.events[0], "@id": SECOND.id},)
        ),
    },
}
VENUE = EVENT.data["location"][0]
BREAKING_EVENTS: dict[str, Breaking] = {
    "id": {"shift": lambda e: replace(changed(e, **{"@id": OTHER.id}), id=OTHER.id)},
    "url": {
        "drop": lambda e: replace(changed(e, url=None), page_path="events/2025/10/m.html"),
        "shift": lambda e: replace(changed(e, url="https://council.example/m"), page_path="events/m.html"),
    },
    "title": {
        "drop": lambda e: changed(e, name=None),
        "double-escape": lambda e: changed(e, name="Town &amp; hall"),
        "shift": lambda e: changed(e, name=e.data["description"]),
    },
    "summary": {
        "drop": lambda e: changed(e, description=None),
        "double-escape": lambda e: changed(e, description=twice(e.data["description"])),
    },
    "start": {
        "shift": lambda e: changed(e, startDate="2025-10-05T19:00:00+01:00"),
        "zone": lambda e: changed(e, startDate="2025-10-05T18:00:00Z"),
    },
    "end": {
        "drop": lambda e: changed(e, endDate=None),
        "shift": lambda e: changed(e, endDate="2025-10-05T20:31:00+01:00"),
    },
    "all_day": {"drop": lambda e: changed(e, startDate="2025-10-05", endDate="2025-10-05")},
    "status": {
        "shift": lambda e: changed(e, eventStatus="https://schema.org/EventCancelled"),
        "drop": lambda e: changed(e, eventStatus=None),
    },
    "place": {
        "drop": lambda e: changed(e, location=None),
        "shift": lambda e: changed(e, location=[{**VENUE, "name": "Town hall"}]),
        "double-escape": lambda e: changed(e, location=[{**VENUE, "name": "Corn &amp; Exchange"}]),
    },
    "geo": {
        "drop": lambda e: changed(e, location=[{k: v for k, v in VENUE.items() if k != "geo"}]),
        "shift": lambda e: changed(e, location=[{**VENUE, "geo": {**VENUE["geo"], "latitude": 52.7501}}]),
        "reorder": lambda e: changed(
            e, location=[{**VENUE, "geo": {"@type": "GeoCoordinates", "latitude": 1.25, "longitude": 52.75}}]
        ),
    },
    "reports": {
        "drop": lambda e: replace(changed(e, subjectOf=None), reports=e.reports[:1]),
        "double-escape": lambda e: replace(
            changed(e, subjectOf=[{"@id": f"{samples.ARTICLE_ID}&amp;"}]),
            reports=tuple(Link(twice(link.title), link.url) for link in e.reports),
        ),
        "reorder": lambda e: replace(changed(e, subjectOf=[{"@id": "urn:x:1"}]), reports=e.reports[::-1]),
    },
    "categories": {
        "drop": lambda e: changed(e, **{"@type": "Event"}),
        "shift": lambda e: changed(e, **{"@type": "MusicEvent"}),
    },
    "updated": {"shift": lambda e: replace(e, updated_at=e.updated_at + timedelta(seconds=1))},
    "revision": {"shift": lambda e: replace(e, revision=3), "drop": lambda e: replace(e, revision=0)},
}
CALLED = {"event listing": "listing"}
"""The format in Differences, where the tables call it otherwise."""
SEEN_AS = {
    # Where a broken field shows: an item with another id is one too few and one too many.
    "id": {"items"},
    "url": {"items"},
    "all_day": {"start"},
    "events": {"items"},
    "geo": {"place"},
    "categories": {"@type"},
}


def cases() -> Iterator[Any]:
    tables = ((limits.ARTICLES, BREAKING_ARTICLES), (limits.EVENTS, BREAKING_EVENTS))
    for table, breaking in tables:
        for name, cells in table.items():
            for field, cell in cells.items():
                if not limits.is_carried(cell) or field == "withdrawn":
                    continue
                for kind, damage in breaking[field].items():
                    yield pytest.param(name, field, damage, id=f"{name}-{field}-{kind}")


def whole(name: str) -> tuple[Entry, ...]:
    entries = (EVENT, SECOND) if name in limits.EVENTS else (ARTICLE, OTHER)
    return entries if name in (*FEEDS, "dump", "listing", "event listing") else entries[:1]


@pytest.mark.parametrize("name", [*limits.ARTICLES, *limits.EVENTS])
def test_what_is_right_gives_no_difference(name: str) -> None:
    assert verify(name, write(name, whole(name)), whole(name)) == ()


@pytest.mark.parametrize(("name", "field", "damage"), list(cases()))
def test_a_writer_that_breaks_one_field_is_caught(
    name: str, field: str, damage: Callable[[Entry], Entry]
) -> None:
    entries = whole(name)
    written = write(name, (damage(entries[0]), *entries[1:]))
    found = verify(name, written, entries)
    assert {one.field for one in found} & {field, *SEEN_AS.get(field, ())}, list(map(str, found))
    assert all(one.path and one.format.partition("/")[0] == CALLED.get(name, name) for one in found)


@pytest.mark.parametrize(
    "name", [n for t in (limits.ARTICLES, limits.EVENTS) for n in t if limits.is_carried(t[n]["withdrawn"])]
)
def test_a_tombstone_that_is_missing_or_has_another_time_is_caught(name: str) -> None:
    first, second = whole(name)
    gone = replace(first, withdrawn_at=WITHDRAWN, reports=())
    assert verify(name, write(name, (gone, second)), (gone, second)) == ()
    for wrong in (replace(gone, withdrawn_at=WITHDRAWN + HOUR), first):
        found = verify(name, write(name, (wrong, second)), (gone, second))
        assert {one.field for one in found} & {"withdrawn", "updated", "status"}, list(map(str, found))
        assert found[0].record_id in (first.id, None)


LISTED = [name for name in limits.DOCUMENT if name != "sitemap"]


@pytest.mark.parametrize("name", LISTED)
def test_items_that_are_missing_too_many_or_in_another_order_are_caught(name: str) -> None:
    first, second = whole(name)
    for written, field, about in (
        ((first,), "items", second.id),
        ((second,), "items", first.id),
        ((second, first), "order", None),
        ((first, second, first), "items", first.id),
    ):
        if name in ("jsonld", "events") and len(written) == 3:
            continue  # a graph holds every node once
        found = verify(name, write(name, written), (first, second))
        assert field in {one.field for one in found}, list(map(str, found))
        if about is not None and name != "icalendar":
            assert about in {one.record_id for one in found}
    found = verify(name, write(name, (first, second)), (first,))
    assert "items" in {one.field for one in found}


@pytest.mark.parametrize(
    "name", [n for n, cells in limits.DOCUMENT.items() if limits.is_carried(cells["title"])]
)
def test_a_frame_with_another_title_or_other_links_is_caught(name: str) -> None:
    entries = whole(name)
    wrong = {
        "title": replace(CHANNEL, title="The Alder &amp; Courier"),
        "links": replace(CHANNEL, base_url="https://courier.example/sub/"),
    }
    for field, channel in wrong.items():
        found = verify(name, write(name, entries, channel), entries)
        assert field in {one.field for one in found}, (field, list(map(str, found)))


@pytest.mark.parametrize("name", ["rss", "atom", "jsonfeed", "jsonld"])
def test_an_archive_page_that_leads_elsewhere_is_caught(name: str) -> None:
    right = replace(CHANNEL, page=3, previous_page=2, hubs=("https://hub.example/",))
    assert verify(name, write(name, whole(name), right), whole(name), right) == ()
    for wrong in (
        replace(right, previous_page=1),
        replace(right, previous_page=None),
        replace(right, page=None),
    ):
        found = verify(name, write(name, whole(name), wrong), whole(name), right)
        assert "links" in {one.field for one in found}, list(map(str, found))
    oldest = replace(CHANNEL, page=1)
    assert verify(name, write(name, whole(name), oldest), whole(name), oldest) == ()
    now = replace(CHANNEL, hubs=("https://hub.example/",))
    if name != "jsonld":
        found = verify(name, write(name, whole(name)), whole(name), now)
        assert "links" in {one.field for one in found}


def test_a_sitemap_that_lists_other_addresses_or_breaks_the_schema_is_caught() -> None:
    right = sitemap.urlset([sitemap.SitemapUrl(ARTICLE.url, ARTICLE.updated_at)])
    assert verification.verify_sitemap("sitemap.xml", right, [ARTICLE]) == ()
    for wrong in (
        right.replace(b"bypass", b"bypath"),
        right.replace(b"2025-09-03T08:15:00Z", b"2025-09-03T08:15:01Z"),
        right.replace(b"<lastmod>", b"<when>").replace(b"</lastmod>", b"</when>"),
        right[:-3],
    ):
        assert verification.verify_sitemap("sitemap.xml", wrong, [ARTICLE]), wrong
    two = sitemap.urlset([sitemap.SitemapUrl(e.url, e.updated_at) for e in (OTHER, ARTICLE)])
    assert [d.field for d in verification.verify_sitemap("sitemap.xml", two, [ARTICLE, OTHER])] == ["order"]
    empty = right[: right.index(b"<url>")] + b"</urlset>"
    assert "syntax" in {d.field for d in verification.verify_sitemap("sitemap.xml", empty)}


@pytest.mark.parametrize("name", [*limits.ARTICLES, *limits.EVENTS])
def test_bytes_that_a_parser_refuses_are_a_difference_and_no_exception(name: str) -> None:
    right = write(name, whole(name))
    for wrong in (
        b"",
        b"\xff\xfe",
        right[: len(right) // 2],
        b"<a>",
        b"[]",
        b"{}",
        right.replace(b"<", b"&"),
    ):
        if wrong == right:
            continue
        found = verify(name, wrong, whole(name))
        assert found, wrong[:60]


@given(st.data())
@pytest.mark.parametrize("name", [*limits.ARTICLES, *limits.EVENTS])
def test_damaged_bytes_never_raise(name: str, data: st.DataObject) -> None:
    content = write(name, whole(name))
    begin = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(begin, min(len(content), begin + 40)))
    put = data.draw(
        st.one_of(
            st.binary(max_size=4), st.sampled_from([b"null", b"7", b"[]", b"{}", b'"', b"\r\n", b"<p>"])
        )
    )
    verify(name, content[:begin] + put + content[end:], whole(name))


@given(st.data())
@pytest.mark.parametrize("name", ["jsonfeed", "jsonld", "events", "record", "dump"])
def test_json_of_another_shape_never_raises(name: str, data: st.DataObject) -> None:
    lines = (
        [json.loads(line) for line in write(name, whole(name)).split(b"\n") if line]
        if name == "dump"
        else [json.loads(write(name, whole(name)))]
    )
    value = data.draw(st.sampled_from(lines))
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(value[key], dict | list) or data.draw(st.booleans()):
            value[key] = data.draw(
                st.sampled_from(
                    [None, 7, True, "x", [], {}, [[]], [None], {"@id": 5}, ["x"], [{"@id": ["y"]}]]
                )
            )
            break
        value = value[key]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    verify(name, content, whole(name))


def test_only_what_changed_is_compared_but_every_id_counts() -> None:
    for name in FEEDS:
        first, second = whole(name)
        broken = changed(second, headline="Something else", name="Something else")
        written = write(name, (first, broken))
        assert (
            verification.verify_feed(name, written, CHANNEL, (first, second), SITE, changed={first.id}) == ()
        )
        assert verification.verify_feed(name, written, CHANNEL, (first, second), SITE, changed={second.id})
        assert verification.verify_feed(
            name, write(name, (first,)), CHANNEL, (first, second), SITE, changed=set()
        )


def test_a_difference_names_file_record_field_and_both_values() -> None:
    wrong = changed(ARTICLE, headline="Council &amp; residents argue over the bypass")
    found = verify("rss", write("rss", (wrong,)), (ARTICLE,))
    assert str(found[0]) == (
        f"feed.xml (rss): title of {samples.ARTICLE_ID} is Council &amp; residents argue over the bypass, "
        "should be Council & residents argue over the bypass"
    )


def test_documents_of_an_empty_feed_give_no_difference() -> None:
    for name in FEEDS:
        assert verify(name, write(name, ()), ()) == ()


def test_of_long_texts_the_part_that_differs_is_shown() -> None:
    found = Place("a", "rss").differs("text", "x" * 5000 + "yes", "x" * 5000 + "no")
    assert found.expected.endswith("yes")
    assert found.found.endswith("no")
    assert len(found.expected) <= 200


# -- any entry


def _article(draw: Callable[..., Any]) -> Entry:
    text = samples.WILD_TEXT
    line = st.one_of(
        text, st.sampled_from(["Ã©tat", "a <b> & c", "3 < 5", "&copy;", "]]>", "<!--", "C:\\New", "a\r\nb"])
    )
    persons = st.builds(
        lambda number, name, url: {"@type": "Person", "@id": f"urn:x:{number}", "name": name, **({"url": url} if url else {})},
        st.integers(0, 10**6), line, st.sampled_from([None, "https://example.org/ä", "https://example.org/?a=1&b=2"]),
    )  # fmt: skip
    when = draw(
        st.sampled_from(
            ["2025", "2025-11", "2025-09-02", "2025-09-02T15:00:00+05:45", "1969-07-20T20:17:40Z", None]
        )
    )
    parsed = dates.parse(when) if when else None
    published = dates.instant(parsed, "Europe/London") if parsed else None
    properties = {
        "headline": draw(line.filter(lambda said: not said.strip() or folded(said))),
        "description": draw(line),
        "articleBody": draw(line),
        "author": draw(st.lists(persons, max_size=20, unique_by=lambda p: p["@id"])),
        "keywords": draw(st.lists(line, max_size=5)),
        "articleSection": draw(st.lists(line.filter(folded), max_size=3)),
        "inLanguage": draw(st.sampled_from([None, "en", "de-CH", "ar", "zh-Hant"])),
        "datePublished": when,
    }
    given_ = {key: value for key, value in properties.items() if value not in (None, [])}
    number = draw(st.integers(0, 0xFFFF))
    entry = samples.entry(f"urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f{number:04x}", **given_)
    body = "".join(f"<p>{html.escape(part)}</p>" for part in draw(st.lists(line, max_size=3)))
    media = draw(
        st.lists(
            st.builds(
                Media,
                st.sampled_from(
                    ["https://courier.example/media/a.jpg", "https://courier.example/m/ö.png?a=1&b=2"]
                ),
                st.sampled_from([None, "image/jpeg"]),
                st.sampled_from([None, 0, 12]),
            ),
            max_size=3,
        )
    )
    zone = draw(
        st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(seconds=75))])
    )
    return replace(
        entry,
        html=body,
        published_at=published,
        updated_at=draw(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1))).replace(
            microsecond=0, tzinfo=zone
        ),
        url=draw(st.sampled_from(["https://courier.example/ä.html", "https://courier.example/?p=1&q=%20"])),
        media=tuple(media),
        withdrawn_at=draw(st.sampled_from([None, None, None, WITHDRAWN])),
    )


ENTRIES = st.lists(st.composite(_article)(), max_size=3, unique_by=lambda entry: entry.id)


@given(ENTRIES)
@pytest.mark.parametrize("name", ["rss", "atom", "jsonfeed", "jsonld"])
def test_any_entries_that_are_written_rightly_give_no_difference(name: str, entries: list[Entry]) -> None:
    if not FEEDS[name].tombstones:
        entries = [entry for entry in entries if entry.withdrawn_at is None]
    found = [one for one in verify(name, write(name, entries), entries) if one.field != "syntax"]
    assert not found, list(map(str, found))


@given(st.composite(_article)())
def test_any_page_and_record_that_are_written_rightly_give_no_difference(entry: Entry) -> None:
    assert verify("page", write("page", [entry]), [entry]) == ()
    assert verify("record", write("record", [entry]), [entry]) == ()
    assert verify("dump", write("dump", [entry]), [entry]) == ()


@given(ENTRIES)
def test_any_list_that_is_written_rightly_gives_no_difference(entries: list[Entry]) -> None:
    listed = [replace(entry, page_path=f"{number}.html") for number, entry in enumerate(entries)]
    for given_ in (listed, [replace(entry, page_path=None) for entry in entries[:1]]):
        found = verify("listing", write("listing", given_ or [ARTICLE]), given_ or [ARTICLE])
        assert not found, list(map(str, found))


def _event(draw: Callable[..., Any]) -> Entry:
    moments = ["2025", "2025-10", "2025-10-05", "2025-10-26T01:30:00+01:00", "2025-10-05T18:00", "2025-12-31T23:00:00-09:30",
               "1890-01-01T00:00:00Z", "2025-10-05T18:00:00Z", "9999-12-31"]  # fmt: skip
    text = samples.TEXT
    place = {**samples.HALL, "name": draw(text), "geo": {"@type": "GeoCoordinates",
             "latitude": draw(st.floats(-90, 90)), "longitude": draw(st.floats(-180, 180))}}  # fmt: skip
    properties = {
        "name": draw(text),
        "description": draw(text),
        "startDate": draw(st.sampled_from(moments)),
        "endDate": draw(st.sampled_from([None, *moments])),
        "location": draw(st.sampled_from([None, [place], [{"@type": "VirtualLocation", "@id": "urn:x:v", "url": "https://example.org/live"}]])),
        "eventStatus": draw(st.sampled_from([None, "https://schema.org/EventPostponed", "https://schema.org/EventCancelled"])),
    }  # fmt: skip
    data = {"@type": draw(st.sampled_from(["Event", "Festival"])), "@id": samples.EVENT_ID}
    data |= {key: value for key, value in properties.items() if value not in (None, [])}
    reports = draw(
        st.lists(st.builds(Link, text, st.just("https://courier.example/a.html?x=1,2;3")), max_size=2)
    )
    return replace(EVENT, data=data, reports=tuple(reports))


@given(st.composite(_event)())
def test_any_event_that_is_written_rightly_gives_no_difference(entry: Entry) -> None:
    for name in ("events", "icalendar"):
        found = [
            one
            for one in verify(name, write(name, [entry]), [entry])
            if name == "icalendar" or one.field != "syntax"
        ]
        assert not found, list(map(str, found))
    for name in ("event page", "event listing"):
        assert verify(name, write(name, [entry]), [entry]) == ()


# -- the tables


def test_no_cell_of_the_tables_is_empty() -> None:
    for table in (limits.ARTICLES, limits.EVENTS, limits.DOCUMENT, limits.SITE):
        fields = {tuple(cells) for cells in table.values()}
        assert len(fields) == 1
        for cells in table.values():
            assert all(cell == "yes" or cell.startswith(("yes: ", "no: ")) for cell in cells.values())


def test_the_documentation_has_the_same_tables() -> None:
    text = (ROOT / "docs" / "verification.md").read_text("utf-8")
    for table in (limits.ARTICLES, limits.EVENTS, limits.DOCUMENT, limits.SITE):
        assert "\n".join(documented(table)) in text


def documented(table: Any) -> Iterable[str]:
    """A table of limits in Markdown."""
    fields = list(next(iter(table.values())))
    yield f"| Field | {' | '.join(table)} |"
    yield "| --- |" + " --- |" * len(table)
    for field in fields:
        yield f"| {field.replace('_', ' ')} | {' | '.join(cells[field] for cells in table.values())} |"


# -- the judges themselves


def test_the_cut_context_reads_records_as_the_whole_one_does() -> None:
    from pyld import jsonld as processor

    from feedpub.verification.context import CONTEXT
    from tests.judges import linked_data

    nodes = [dict(ARTICLE.data), dict(EVENT.data)]
    feed = json.loads(write("jsonld", [ARTICLE]))["@graph"]
    for document in ({"@graph": nodes}, {"@graph": feed}):
        mine = processor.expand({"@context": CONTEXT, **document})
        for context in linked_data.contexts():
            assert mine == linked_data.expand({"@context": "https://schema.org", **document}, context)


def test_every_property_of_the_schemas_means_the_same_in_the_cut_context() -> None:
    from pyld import jsonld as processor

    from feedpub.verification.context import CONTEXT
    from tests.judges import linked_data

    found: set[str] = set()
    for path in (ROOT / "schemas").glob("*.schema.json"):
        if path.stem.partition(".")[0] not in ("config", "manifest", "jsonfeed", "common"):
            found |= {key for key in _properties(json.loads(path.read_bytes())) if not key.startswith("@")}
    assert "dateModified" in found and len(found) > 60
    document = {"@id": "urn:x:1", **dict.fromkeys(sorted(found), "urn:x:2")}
    mine = processor.expand({"@context": CONTEXT, **document})
    for context in linked_data.contexts():
        assert mine == linked_data.expand({"@context": "https://schema.org", **document}, context), context


def _properties(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
        return own.union(*map(_properties, schema.values()))
    return set().union(*map(_properties, schema)) if isinstance(schema, list) else set()


def test_unchanged_tombstones_are_cut_out_whole() -> None:
    withdrawn = replace(
        ARTICLE,
        withdrawn_at=ARTICLE.updated_at,
        data={"@type": "NewsArticle", "@id": "urn:x:>"},
        id="urn:x:>",
    )
    entries = [ARTICLE, withdrawn, OTHER, replace(withdrawn, id="urn:x:2", data={"@id": "urn:x:2"})]
    format_ = plugins.format("atom", samples.SITE)
    content = b"".join(format_.assemble(samples.CHANNEL, map(format_.render, entries)))
    for changed in ({ARTICLE.id}, {OTHER.id}, {withdrawn.id}, set()):
        found = verification.verify_feed(
            "atom", content, samples.CHANNEL, entries, samples.SITE, changed=changed
        )
        assert found == ()
