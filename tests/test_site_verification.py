"""Verification of the site's own files: what is right passes, and each field that is wrong is caught.

As in test_verification, the writers are broken from outside: they are given something else than the judge.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import verification
from feedpub.formats import frontpage, listing, ndjson, opml, page, robots
from feedpub.models import Alternate, Entry
from feedpub.verification import Difference, limits
from feedpub.verification.changes import Change
from tests.judges import samples
from tests.test_verification import ARTICLE, EVENT, OTHER, SECOND, changed, twice

SITE = replace(samples.SITE, title="Alder & Courier", description="News & views")
THIRD = replace(
    changed(EVENT, **{"@id": "urn:x:3"}, url=None, name="Regatta", subjectOf=[{"@id": OTHER.id}]),
    id="urn:x:3",
    page_path=None,
)
LATER = replace(changed(OTHER, **{"@id": "urn:x:9"}), id="urn:x:9", page_path="3.html")
ROOT = SITE.url
FEEDS = tuple(
    Alternate(title, media_type, f"{ROOT}{path}")
    for title, media_type, path in (
        ("Alder & Courier", "application/rss+xml", "feed.xml"),
        ("Alder & Courier", "application/atom+xml", "feed.atom"),
        ("Alder & Courier", "application/ld+json", "feed.jsonld"),
        ("Alder & Courier", "text/calendar", "events.ics"),
        ("Alder & Courier: By type", "application/atom+xml", "types/feed.atom"),
        ("Alder & Courier: Roads & rail", "application/rss+xml", "sections/roads/feed.xml"),
        ("Alder & Courier: Roads & rail", "application/feed+json", "sections/roads/feed.json"),
        ("Alder & Courier: Data", "application/ld+json", "data/feed.jsonld"),
    )
)
PAGES = {"types": "types/index.html", "sections/roads": "sections/roads/index.html"}
LISTING = "sections/roads/index.html"
NOTICE, OLD = "events/2025/10/meeting.html", "articles/2025/08/old.html"
AT = datetime(2025, 9, 3, 23, 30, tzinfo=UTC)  # half past midnight of the next day in London
GONE = replace(EVENT, withdrawn_at=AT, data={key: EVENT.data[key] for key in ("@type", "@id", "name")})
CHANGES = (
    Change(501, AT, "added", ARTICLE.id, "NewsArticle", ARTICLE.record_url),
    Change(502, AT, "modified", ARTICLE.id, "NewsArticle", ARTICLE.record_url),
    Change(503, AT, "deleted", "urn:x:&", "Event", "https://courier.example/x.jsonld"),
)
INDEX = {
    "count": 503,
    "size": 500,
    "files": 2,
    "sequence": 503,
    "template": f"{ROOT}changes/{{group}}/changes-{{number}}.ndjson",
}
Options = Mapping[str, Any]
RIGHT: dict[str, Options] = {
    "front page": {
        "site": SITE,
        "entries": (changed(ARTICLE, inLanguage=None), changed(OTHER, articleSection=["Sport"]), LATER),
        "events": (EVENT, SECOND, THIRD),
        "alternates": FEEDS,
    },
    "listing": {
        "site": SITE,
        "title": "Roads & rail",
        "entries": (ARTICLE, OTHER),
        "events": (EVENT, SECOND),
        "feeds": FEEDS[5:7],
    },
    "opml": {"site": SITE, "alternates": FEEDS, "pages": PAGES},
    "robots": {"site": SITE, "sitemaps": ("sitemap.xml", "more/ä.xml")},
    "notice": {"site": SITE, "entry": GONE},
    "redirect": {"site": SITE, "entry": ARTICLE},
    "changes": {"changes": CHANGES},
    "index": {"said": INDEX},
}


def pages_of(events: Sequence[Entry]) -> dict[str, str]:
    return {event.id: event.page_path for event in events if event.page_path}


def write(kind: str, said: Options) -> bytes:
    match kind:
        case "front page":
            events = said["events"]
            return frontpage.render_frontpage(
                **{**said, "events": [event.data for event in events]}, event_pages=pages_of(events), limit=2
            )
        case "listing":
            events = said["events"]
            return listing.render_listing(
                **{**said, "events": [event.data for event in events]},
                event_pages=pages_of(events),
                path=LISTING,
            )
        case "opml":
            return opml.render(said["site"], said["alternates"], pages=said["pages"])
        case "robots":
            return robots.render(said["site"], said["sitemaps"])
        case "notice":
            entry = said["entry"]
            return page.render_withdrawn(site=said["site"], at=entry.withdrawn_at, path=NOTICE, event=True)
        case "redirect":
            return page.render_redirect(site=said["site"], target_url=said["entry"].url, path=OLD)
        case "changes":
            return b"".join(
                ndjson.change_line(
                    sequence=c.sequence, at=c.at, change=c.kind, record_id=c.id, type_=c.type, url=c.url
                )
                for c in said["changes"]
            )
    return json.dumps(said["said"]).encode()


def verify(kind: str, content: bytes, said: Options) -> tuple[Difference, ...]:
    match kind:
        case "front page":
            return verification.verify_front_page(content, **said, limit=2)
        case "listing":
            return verification.verify_listing(LISTING, content, **said)
        case "opml":
            return verification.verify_opml("feeds.opml", content, **said)
        case "robots":
            return verification.verify_robots("robots.txt", content, **said)
        case "notice":
            return verification.verify_withdrawn(NOTICE, content, **said)
        case "redirect":
            return verification.verify_redirect(OLD, content, **said)
        case "changes":
            return verification.verify_changes("changes/0/changes-2.ndjson", content, **said)
    return verification.verify_index("changes.json", content, **said)


# -- how writers are broken: what they are told instead, or what becomes of their bytes

Damage = Callable[[Options], Options] | tuple[str, str]


def but(**instead: Any) -> Damage:
    return lambda said: {**said, **instead}


def part(name: str, change: Callable[[Any], Any]) -> Damage:
    return lambda said: {**said, name: change(said[name])}


def first(name: str, change: Callable[[Any], Any]) -> Damage:
    """Its first one changed."""
    return part(name, lambda found: (change(found[0]), *found[1:]))


def site(**instead: Any) -> Damage:
    return part("site", lambda found: replace(found, **instead))


def moved(alternate: Alternate) -> Alternate:
    return replace(alternate, url=f"{alternate.url}x")


LISTS: dict[str, dict[str, Damage]] = {
    "items": {
        "drop article": part("entries", lambda found: found[1:]),
        "drop event": part("events", lambda found: found[:1]),
        "event twice": part("events", lambda found: (*found, found[0])),
        "wrong address": first("entries", lambda e: replace(e, page_path="x.html")),
    },
    "order": {
        "articles": part("entries", lambda found: (found[1], found[0], *found[2:])),
        "events": part("events", lambda found: found[::-1]),
    },
    "title": {
        "double-escape": ("Alder &amp; Courier", "Alder &amp;amp; Courier"),
        "of an article": first("entries", lambda e: changed(e, headline=twice(e.data["headline"]))),
        "of an event": first("events", lambda e: changed(e, name="Another")),
    },
    "links": {
        "canonical": ('rel="canonical" href="https://courier', 'rel="canonical" href="https://other'),
    },
    "language": {"another": site(language="fr")},
    "times": {
        "of an article": first("entries", lambda e: changed(e, datePublished="2025-09-02")),
        "of an event": first("events", lambda e: changed(e, startDate="2025-10-05")),
    },
}
BREAKING: dict[str, dict[str, dict[str, Damage]]] = {
    "front page": {
        **LISTS,
        "items": {
            **LISTS["items"],
            "drop section": ("Sport</h3>", "Politics</h3>"),
            "article in another section": part("entries", lambda found: (*found[:2], ARTICLE)),
        },
        "summary": {"drop": site(description=None), "double-escape": site(description="News &amp; views")},
        "links": {
            **LISTS["links"],
            "drop": part("alternates", lambda found: found[:-1]),
            "reorder": part("alternates", lambda found: (found[1], found[0], *found[2:])),
            "wrong address": first("alternates", moved),
            "wrong type": ('type="application/rss+xml" title', 'type="application/atom+xml" title'),
            "of the report": part("events", lambda found: (*found[:2], changed(found[2], subjectOf=None))),
        },
    },
    "listing": {
        **LISTS,
        "links": {
            **LISTS["links"],
            "drop": part("feeds", lambda found: found[:1]),
            "wrong address": first("feeds", moved),
        },
    },
    "opml": {
        "items": {
            "drop": part("alternates", lambda found: found[:5]),
            "twice": ("</body>", '<outline text="x" type="rss" xmlUrl="https://courier.example/feed.xml"/></body>'),
        },
        "order": {"reorder": part("alternates", lambda found: (found[4], *found[:4], *found[5:]))},
        "title": {
            "of the list": ("<title>Alder &amp; Courier", "<title>Alder &amp;amp; Courier"),
            "of a feed": ('text="Alder &amp; Courier: Roads', 'text="Alder &amp;amp; Courier: Roads'),
        },
        "summary": {"drop": site(description=None)},
        "links": {
            "xmlUrl": ("https://courier.example/feed.xml", "https://courier.example/feed.atom"),
            "htmlUrl": part("pages", lambda _: {}),
        },
    },
    "robots": {
        "items": {
            "drop": part("sitemaps", lambda found: found[:1]),
            "wrong address": part("sitemaps", lambda found: ("sitemap.xm", found[1])),
        },
        "order": {"reorder": part("sitemaps", lambda found: found[::-1])},
        "links": {
            "everything forbidden": ("Disallow:\n", "Disallow: /\n"),
            "a folder forbidden": ("Disallow:\n", "Disallow: /sections/world/\n"),
            "to one crawler": ("User-agent: *", "User-agent: Archiver\nDisallow: /\n\nUser-agent: *"),
        },
    },
    "notice": {
        "items": {
            "record": ("</main>", '</main><script type="application/ld+json">{}</script>'),
            "picture": ("<main", '<img src="a.jpg"><main'),
            "description": ("<title>", '<meta name="description" content="A meeting"><title>'),
            "open graph": ("<title>", '<meta property="og:title" content="A meeting"><title>'),
        },
        "title": {"shown": ("<h1>", f"<h1>{EVENT.data['name']}: ")},
        "links": {
            "indexed": ('content="noindex"', 'content="index"'),
            "to the record": ("<h1>", '<a href="meeting.jsonld">Data</a><h1>'),
        },
        "language": {"another": ('<html lang="en"', '<html lang="nl"')},
        "withdrawn": {
            "another day": part("entry", lambda e: replace(e, withdrawn_at=AT.replace(hour=12))),
            "drop": ("<time", "<span"),
        },
    },
    "redirect": {
        "items": {"record": ("</main>", '</main><script type="application/ld+json">{}</script>')},
        "links": {
            "elsewhere": part("entry", lambda e: replace(e, url=f"{e.url}x")),
            "canonical": ('rel="canonical"', 'rel="next"'),
            "refresh": ("0; url=https", "0; url=http"),
            "link": ('<a href="https', '<a href="http'),
        },
        "language": {"another": ('<html lang="en"', '<html lang="nl"')},
    },
    "changes": {
        "items": {
            "drop": part("changes", lambda found: found[:-1]),
            "id": first("changes", lambda c: replace(c, id="urn:x:2")),
            "double-escape": ("urn:x:&", "urn:x:&amp;"),
            "type": first("changes", lambda c: replace(c, type="Event")),
            "kind": first("changes", lambda c: replace(c, kind="modified")),
        },
        "order": {
            "reorder": part("changes", lambda found: found[::-1]),
            "gap": part("changes", lambda found: (*found[:2], replace(found[2], sequence=504))),
            "elsewhere": part("changes", lambda found: [replace(c, sequence=c.sequence + 1) for c in found]),
        },
        "links": {
            "another": first("changes", lambda c: replace(c, url=f"{c.url}x")),
            "drop": first("changes", lambda c: replace(c, url=None)),
        },
        "times": {
            "shift": first("changes", lambda c: replace(c, at=AT.replace(second=1))),
            "zone": ("23:30:00Z", "23:30:00"),
            "form": ("2025-09-03T23:30:00Z", "20250903T233000Z"),
        },
        "withdrawn": {"address": ('"type":"Event"', '"type":"Event","url":"https://courier.example/x.jsonld"')},
    },
    "index": {
        "items": {
            "count": part("said", lambda said: {**said, "count": 502}),
            "files": part("said", lambda said: {**said, "files": 1}),
            "size": part("said", lambda said: {**said, "size": 400}),
        },
        "order": {"sequence": part("said", lambda said: {**said, "sequence": 502})},
        "links": {
            "template": part("said", lambda said: {**said, "template": said["template"].replace("s/", "/")}),
            "number": part("said", lambda said: {**said, "template": f"{ROOT}changes.ndjson"}),
        },
    },
}  # fmt: skip
SEEN_AS = {
    # Fields of an article, an event or a line have their own names.
    "times": {"published", "start", "updated"},
    "items": {"id", "type", "change", "count", "files", "size", "syntax"},
    "order": {"sequence"},
    "links": {"url", "template", "robots", "syntax", "items"},
    "withdrawn": {"url"},
}


def broken(kind: str, damage: Damage) -> bytes:
    if not isinstance(damage, tuple):
        return write(kind, damage(RIGHT[kind]))
    right = write(kind, RIGHT[kind])
    old, new = (text.encode() for text in damage)
    assert old in right
    return right.replace(old, new, 1)


CASES = [
    pytest.param(kind, field, damage, id=f"{kind}-{field}-{name}")
    for kind, fields in BREAKING.items()
    for field, damages in fields.items()
    for name, damage in damages.items()
]


@pytest.mark.parametrize("kind", limits.SITE)
def test_what_is_right_gives_no_difference(kind: str) -> None:
    assert verify(kind, write(kind, RIGHT[kind]), RIGHT[kind]) == ()


@pytest.mark.parametrize(("kind", "field", "damage"), CASES)
def test_a_writer_that_breaks_one_field_is_caught(kind: str, field: str, damage: Damage) -> None:
    found = verify(kind, broken(kind, damage), RIGHT[kind])
    assert {one.field for one in found} & {field, *SEEN_AS.get(field, ())}, list(map(str, found))
    assert {one.format for one in found} == {kind}


def test_every_field_that_the_table_names_is_broken_once() -> None:
    for kind, cells in limits.SITE.items():
        assert BREAKING[kind].keys() == {field for field, cell in cells.items() if limits.is_carried(cell)}


@pytest.mark.parametrize("kind", limits.SITE)
def test_bytes_that_a_parser_refuses_are_a_difference_and_no_exception(kind: str) -> None:
    right = write(kind, RIGHT[kind])
    for wrong in (b"", b"\xff\xfe", right[: len(right) // 2], b"<a>", b"[]", b"{}", b"[1]\n", b"null"):
        if kind != "robots" or wrong == b"\xff\xfe":
            assert verify(kind, wrong, RIGHT[kind]), wrong


@given(st.data())
@pytest.mark.parametrize("kind", limits.SITE)
def test_damaged_bytes_never_raise(kind: str, data: st.DataObject) -> None:
    content = write(kind, RIGHT[kind])
    begin = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(begin, min(len(content), begin + 40)))
    put = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"null", b"7", b"[]", b'"', b"\n"])))
    verify(kind, content[:begin] + put + content[end:], RIGHT[kind])


@given(title=samples.TEXT, description=samples.TEXT, name=samples.TEXT)
def test_any_title_of_a_site_or_feed_gives_no_difference(title: str, description: str, name: str) -> None:
    named = replace(SITE, title=title, description=description)
    feeds = (FEEDS[0], replace(FEEDS[5], title=name))
    for kind, said in RIGHT.items():
        if "site" in said:
            told = {**said, "site": named}
            told |= {key: feeds for key in ("alternates",) if key in said}
            if kind == "listing":
                told |= {"title": name, "feeds": feeds[1:]}
            found = verify(kind, write(kind, told), told)
            assert not found, list(map(str, found))


def test_lists_without_anything_give_no_difference() -> None:
    for kind in ("front page", "listing", "opml", "robots", "changes"):
        empty = {key: () if isinstance(value, tuple) else value for key, value in RIGHT[kind].items()}
        assert verify(kind, write(kind, empty), empty) == ()


@pytest.mark.parametrize("name", ["Event", "Front page", "Withdrawn", "September"])
def test_an_event_that_is_called_as_notices_speak_is_no_reason_to_refuse_its_notice(name: str) -> None:
    said = {**RIGHT["notice"], "entry": changed(GONE, name=name)}
    assert verify("notice", write("notice", said), said) == ()


@pytest.mark.parametrize("language", [None, "de-AT", "nl", "fr", "es"])
def test_notices_in_every_language_give_no_difference(language: str | None) -> None:
    for kind in ("notice", "redirect"):
        said = {**RIGHT[kind], "site": replace(SITE, language=language, timezone="Pacific/Auckland")}
        assert verify(kind, write(kind, said), said) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version="2.0"', 'version="3.0"'),
        (' text="Alder', ' name="Alder'),
        (" xmlUrl=", " url="),
        ("<head>", "<heads>"),
        ("<body>", '<!DOCTYPE opml [<!ENTITY a "b">]><body>'),
    ],
)
def test_opml_that_breaks_its_own_rules_is_caught(old: str, new: str) -> None:
    right = write("opml", RIGHT["opml"]).decode()
    assert old in right
    found = verify("opml", right.replace(old, new).encode(), RIGHT["opml"])
    assert "syntax" in {one.field for one in found}
