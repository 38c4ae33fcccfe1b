"""Our own pages, read by HTML parsers and by extruct."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import extruct
import html5lib
import pytest
from hypothesis import given
from lxml import html as lxml_html

from feedpub.formats import page, phrases, wording
from feedpub.models import Alternate, Entry, Media
from tests.judges import samples

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>"
REMOTE = "https://pictures.example/a.jpg"


def render(entry: Entry = samples.ENTRY, **options: Any) -> bytes:
    return page.render_article(entry, site=samples.SITE, alternates=samples.ALTERNATES, **options)


def tree(written: bytes) -> Any:
    return lxml_html.document_fromstring(written.decode("utf-8"))


def text_of(written: bytes, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in tree(written).xpath(path)]


def attributes(written: bytes, path: str) -> list[str]:
    return [str(value) for value in tree(written).xpath(path)]


def with_data(**properties: Any) -> Entry:
    return replace(samples.ENTRY, data={**samples.ARTICLE, **properties})


def test_the_article_is_all_there() -> None:
    written = render()
    assert text_of(written, "//main//h1") == ["Council & residents argue over the bypass"]
    assert text_of(written, "//p[@class='stand']") == ["R&D on three routes goes on until spring."]
    assert text_of(written, "//span[@class='by']") == ["By Amina Rahman and Valley News Agency"]
    assert attributes(written, "//a[@rel='author']/@href") == ["https://courier.example/staff/amina"]
    assert text_of(written, "//p[@class='kicker']") == ["Politics · Transport"]
    assert samples.HTML.encode() in written
    assert text_of(written, "//figcaption") == ["The meadow where the road would run. – Photo: J. Marsh"]
    assert attributes(written, "//figure/img/@alt") == ["A wet meadow"]
    assert text_of(written, "//section[contains(@class, 'fix')]/p") == [
        "3 September 2025: The length is 4 km, not 40."
    ]
    assert "ALDERFORD" in text_of(written, "//p[@class='meta']")[0]


def test_the_article_s_dates_are_as_precise_as_stated() -> None:
    written = render()
    assert attributes(written, "//header//time/@datetime") == ["2025-09-02", "2025-09-03T09:15:00+01:00"]
    assert text_of(written, "//header//time") == ["2 September 2025", "3 September 2025, 09:15 UTC+1"]
    assert text_of(render(with_data(datePublished="2025-09", dateModified="2025-09")), "//header//time") == [
        "September 2025"
    ]
    assert text_of(render(with_data(datePublished=None, dateModified=None)), "//header//time") == []


def test_events_are_listed_with_date_place_and_status() -> None:
    (event,) = text_of(render(), "//section[@aria-label='Events in this article']//li")
    assert event == (
        "Town hall meeting on the bypass New date 5 October 2025, 18:00–20:30 UTC+1 "
        "(formerly 28 September 2025, 18:00 UTC+1) · Corn Exchange, 4 Market Square, Alderford, GB"
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"name": "Fair", "startDate": "2025-11"}, "Fair November 2025"),
        (
            {"name": "Fair", "startDate": "2025", "eventStatus": "https://schema.org/EventScheduled"},
            "Fair 2025",
        ),
        ({"name": "Fair", "eventStatus": "https://schema.org/EventCancelled"}, "Fair Cancelled"),
        (
            {"name": "Talk", "location": [{"@type": "VirtualLocation", "url": "https://x.example/"}]},
            "Talk Online",
        ),
        ({"name": "Talk", "location": "Alderford"}, "Talk Alderford"),
        ({"name": "Talk", "location": [{"@type": "Place", "name": "A", "address": "B"}]}, "Talk A, B"),
    ],
)
def test_an_event_says_no_more_than_is_known(event: dict[str, Any], expected: str) -> None:
    entry = replace(samples.ENTRY, events=({"@type": "Event", "@id": "urn:x:1", **event},))
    assert text_of(render(entry), "//section[@aria-label='Events in this article']//li") == [expected]


def test_events_and_sections_lead_to_our_pages_about_them() -> None:
    event = {**samples.EVENT, "url": "https://fair.example/"}
    elsewhere = {"@type": "Event", "@id": "urn:x:2", "name": "Walk", "url": "https://walk.example/"}
    written = render(
        replace(samples.ENTRY, events=(event, elsewhere)),
        event_pages={samples.EVENT_ID: "events/2025/10/meeting.html"},
        section_pages={"Transport": "sections/transport/index.html"},
    )
    assert attributes(written, "//section[@aria-label='Events in this article']//a/@href") == [
        "../../../events/2025/10/meeting.html",
        "https://walk.example/",
    ]
    assert text_of(written, "//p[@class='kicker']") == ["Politics · Transport"]
    assert attributes(written, "//p[@class='kicker']/a/@href") == ["../../../sections/transport/index.html"]


def test_feeds_of_every_kind_are_found_from_the_page() -> None:
    kinds = ["application/rss+xml", "application/atom+xml", "application/feed+json", "text/calendar"]
    feeds = [Alternate("Courier", kind, f"https://courier.example/{n}") for n, kind in enumerate(kinds)]
    written = page.render_article(samples.ENTRY, site=samples.SITE, alternates=feeds)
    assert attributes(written, "//link[@rel='alternate']/@type") == ["application/ld+json", *kinds]


def test_the_record_is_read_back_from_the_page() -> None:
    found = extruct.extract(render().decode(), syntaxes=["json-ld"])["json-ld"]
    assert found == [{"@context": "https://schema.org", "@graph": [samples.ARTICLE, samples.EVENT]}]


def test_open_graph_is_read_back_from_the_page() -> None:
    (found,) = extruct.extract(render().decode(), syntaxes=["opengraph"])["opengraph"]
    assert found["properties"] == [
        ("og:type", "article"),
        ("og:title", "Council & residents argue over the bypass"),
        ("og:url", samples.ENTRY.url),
        ("og:site_name", "The Alder Courier"),
        ("og:description", "R&D on three routes goes on until spring."),
        ("og:locale", "en_GB"),
        ("og:image", "https://courier.example/media/0123456789abcdef.jpg"),
        ("og:image:width", "1200"),
        ("og:image:height", "800"),
        ("og:image:alt", "A wet meadow"),
        ("article:published_time", "2025-09-02"),
        ("article:modified_time", "2025-09-03T09:15:00+01:00"),
        ("article:section", "Politics"),
        ("article:tag", "bypass"),
        ("article:tag", "council"),
        ("article:tag", "Politics"),
    ]


def test_the_head_names_the_page_and_the_feeds() -> None:
    written = render()
    assert attributes(written, "//link[@rel='canonical']/@href") == [samples.ENTRY.url]
    assert attributes(written, "//meta[@name='description']/@content") == [samples.ARTICLE["description"]]
    assert attributes(written, "//link[@rel='alternate']/@href") == [
        samples.ENTRY.record_url,
        "https://courier.example/feed.xml",
        "https://courier.example/feed.jsonld",
    ]
    assert text_of(written, "//title") == ["Council & residents argue over the bypass – The Alder Courier"]
    assert attributes(render(with_data(description=None)), "//meta[@name='description']/@content") == []


def test_pages_link_to_each_other_relatively() -> None:
    written = render()
    assert attributes(written, "//header[@class='mast']/a/@href") == ["../../../index.html"]
    assert attributes(written, "//footer[@class='end']//a[@type]/@href") == [
        "../../../articles/2025/09/bypass-0a4a3a6f.jsonld"
    ]
    assert attributes(written, "//figure/img/@src") == ["../../../media/0123456789abcdef.jpg"]


def test_images_in_the_text_are_near_and_others_untouched() -> None:
    body = (
        '<p>src="https://courier.example/x.jpg" &lt;img src="https://courier.example/y.jpg"</p>'
        '<img alt="a" src="https://courier.example/media/0123456789abcdef.jpg"><img src="https://o.example/z.jpg">'
    )
    written = render(replace(samples.ENTRY, html=body))
    assert attributes(written, "//img/@src") == [
        "../../../media/0123456789abcdef.jpg",
        "https://o.example/z.jpg",
    ]
    assert (
        b'<p>src="https://courier.example/x.jpg" &lt;img src="https://courier.example/y.jpg"</p>' in written
    )


@pytest.mark.parametrize("parser", ["lxml", "html5lib"])
def test_hostile_text_never_leaves_its_place(parser: str) -> None:
    data = {
        **samples.ARTICLE,
        "headline": HOSTILE,
        "description": HOSTILE,
        "articleBody": HOSTILE,
        "articleSection": HOSTILE,
        "keywords": [HOSTILE],
        "dateline": HOSTILE,
        "datePublished": HOSTILE,
        "inLanguage": 'en"><script>',
        "license": "javascript:alert(1)",
        "isBasedOn": "javascript:alert(1)",
        "author": [{"name": HOSTILE, "url": "javascript:alert(1)", "jobTitle": HOSTILE}],
        "image": [{"@type": "ImageObject", "url": "javascript:alert(1)", "caption": HOSTILE}, REMOTE],
        "correction": [{"text": HOSTILE, "datePublished": HOSTILE}],
    }
    event = {
        "@type": "Event",
        "@id": "urn:x:1",
        "name": HOSTILE,
        "url": "javascript:alert(1)",
        "startDate": HOSTILE,
        "eventStatus": "https://schema.org/home",
        "location": [{"name": HOSTILE, "address": HOSTILE}],
    }
    entry = replace(
        samples.ENTRY, data=data, events=(event,), media=(Media(REMOTE, alternative_text=HOSTILE),)
    )
    text = render(entry).decode()
    if parser == "lxml":
        root = lxml_html.document_fromstring(text)
    else:
        root = html5lib.parse(text, treebuilder="lxml", namespaceHTMLElements=False).getroot()
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    assert [element.get("type") for element in elements if element.tag == "script"] == ["application/ld+json"]
    assert [element.get("src") for element in elements if element.tag == "img"] == [REMOTE]
    assert not [element for element in elements if element.tag in ("svg", "iframe", "object")]
    for element in elements:
        assert not [name for name in element.attrib if str(name).startswith("on")]
        assert not str(element.get("href", "")).startswith("javascript:")
    (heading,) = root.findall(".//h1")
    assert "".join(heading.itertext()) == HOSTILE


def test_a_page_asks_for_nothing_but_the_article_s_images() -> None:
    written = render()
    for loads in ("//script/@src", "//iframe", "//link[@rel='stylesheet']", "//source", "//object", "//form"):
        assert tree(written).xpath(loads) == []
    assert attributes(written, "//link[@rel='icon']/@href") == ["data:,"]  # or browsers ask for /favicon.ico
    assert b"url(" not in written
    assert b"@import" not in written


def test_the_policy_allows_this_style_and_no_script() -> None:
    written = render()
    (policy,) = attributes(written, "//meta[@http-equiv='Content-Security-Policy']/@content")
    style = written[written.index(b"<style>") + 7 : written.index(b"</style>")]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    ("language", "direction", "label_language", "date"),
    [
        ("en-GB", "ltr", None, "2 September 2025"),
        ("de", "ltr", None, "2. September 2025"),
        ("ur", "rtl", "en", "2025-09-02"),
        ("ar-EG", "rtl", "en", "2025-09-02"),
        ("pa-Arab", "rtl", "en", "2025-09-02"),
        ("az-Latn-IR", "ltr", "en", "2025-09-02"),
        ("sv", "ltr", "en", "2025-09-02"),
    ],
)
def test_language_and_direction_are_stated(
    language: str, direction: str, label_language: str | None, date: str
) -> None:
    written = render(with_data(inLanguage=language))
    assert attributes(written, "/html/@lang") == [language]
    assert attributes(written, "/html/@dir") == [direction]
    assert attributes(written, "//a[@class='skip']/@lang") == ([label_language] if label_language else [])
    assert text_of(written, "//header//time")[0] == date


def test_an_unknown_language_is_not_made_up() -> None:
    site = replace(samples.SITE, language=None)
    written = page.render_article(samples.entry(), site=site)
    assert attributes(written, "/html/@lang") == []
    assert attributes(written, "//meta[@property='og:locale']/@content") == []


@pytest.mark.parametrize(
    ("value", "language", "expected"),
    [
        ("2024", "en", "2024"),
        ("2025-11", "en-US", "November 2025"),
        ("2025-11", "de", "November 2025"),
        ("2025-08", "fr", "août 2025"),
        ("2025-11", "es", "noviembre de 2025"),
        ("2025-11", "ur", "2025-11"),
        ("2025-03-01", "de-AT", "1. März 2025"),
        ("2025-03-01", "fr", "1er mars 2025"),
        ("2025-03-02", "fr", "2 mars 2025"),
        ("2025-03-01", "es-MX", "1 de marzo de 2025"),
        ("2025-03-01", None, "2025-03-01"),
        ("2025-03-01T15:04:05Z", "en", "1 March 2025, 15:04 UTC"),
        ("2025-03-01T15:04:05+05:30", "en", "1 March 2025, 15:04 UTC+5:30"),
        ("2025-03-01T15:04-08:00", "en", "1 March 2025, 15:04 UTC−8"),
        ("2025-03-01T15:04", "en", "1 March 2025, 15:04"),
        ("last spring", "en", "last spring"),
        ("2025-13-01", "en", "2025-13-01"),
    ],
)
def test_dates_are_written_as_people_write_them(value: str, language: str | None, expected: str) -> None:
    assert wording.date_text(value, language) == expected


@pytest.mark.parametrize(
    ("start", "end", "language", "expected"),
    [
        ("2025-10-14", "2025-10-19", "en", "14–19 October 2025"),
        ("2025-10-14", "2025-10-19", "de", "14.–19. Oktober 2025"),
        ("2025-10-14", "2025-10-19", "pl", "2025-10-14 – 2025-10-19"),
        ("2025-10-30", "2025-11-02", "en", "30 October 2025 – 2 November 2025"),
        ("2025-10-14", "2025-10-14", "en", "14 October 2025"),
        ("2025-10-14", None, "en", "14 October 2025"),
        ("2025-10-14T18:00:00Z", "2025-10-14", "en", "14 October 2025, 18:00 UTC"),
        ("2025-10", "2025-11", "en", "October 2025 – November 2025"),
        (
            "2025-10-14T22:00:00Z",
            "2025-10-15T02:00:00Z",
            "en",
            "14 October 2025, 22:00 UTC – 15 October 2025, 02:00 UTC",
        ),
        (
            "2025-10-14T18:00+02:00",
            "2025-10-14T20:00",
            "en",
            "14 October 2025, 18:00 UTC+2 – 14 October 2025, 20:00",
        ),
    ],
)
def test_ranges_name_once_what_they_share(start: str, end: str | None, language: str, expected: str) -> None:
    assert wording.range_text(start, end, language) == expected


def test_every_language_has_the_same_phrases() -> None:
    english = wording.PHRASES["en"]
    for own in wording.PHRASES.values():
        assert own.keys() == english.keys()
        for key, phrase in own.items():
            assert ("{date}" in phrase) == ("{date}" in english[key])


def test_no_phrase_hides_another_of_its_name() -> None:
    own = wording.PHRASES["en"].keys() - phrases.EVENTS["en"].keys() - phrases.FEEDS["en"].keys()
    parts = (own, phrases.EVENTS["en"], phrases.FEEDS["en"])
    assert "events" in own
    assert sum(len(part) for part in parts) == len(wording.PHRASES["en"])


def test_a_withdrawn_page_tells_the_day_and_nothing_of_the_article() -> None:
    at = datetime(2025, 7, 31, 23, 30, tzinfo=UTC)  # half past midnight on 1 August in London
    written = page.render_withdrawn(site=samples.SITE, at=at, path=samples.ENTRY.page_path or "")
    assert attributes(written, "//meta[@name='robots']/@content") == ["noindex"]
    assert "The newsroom withdrew this article on 1 August 2025." in text_of(written, "//main")[0]
    assert tree(written).xpath("//link[@rel='canonical'] | //script | //meta[@property]") == []
    assert attributes(written, "//main//a/@href") == ["../../../index.html"]
    german = page.render_withdrawn(site=samples.SITE, at=at, language="de-AT")
    assert text_of(german, "//h1") == ["Artikel zurückgezogen"]
    assert attributes(german, "/html/@lang") == ["de"]


def test_a_redirect_leads_to_the_new_address() -> None:
    target = "https://courier.example/articles/2025/09/new.html?a=1&b=2"
    written = page.render_redirect(site=samples.SITE, target_url=target)
    assert attributes(written, "//meta[@http-equiv='refresh']/@content") == [f"0; url={target}"]
    assert attributes(written, "//link[@rel='canonical']/@href") == [target]
    assert attributes(written, "//main/article/p/a/@href")[0] == target


def test_the_same_entry_gives_the_same_bytes() -> None:
    assert render() == render(replace(samples.ENTRY))


def test_control_characters_are_dropped() -> None:
    written = render(with_data(headline="a\x00b\x0bc\x85d\x7f"))
    assert text_of(written, "//h1") == ["abcd"]


@given(title=samples.TEXT, name=samples.TEXT, body=samples.TEXT)
def test_any_text_survives_render_and_reading(title: str, name: str, body: str) -> None:
    title = title if title.strip() else "x"  # no record has a blank headline
    data = {"headline": title, "author": [{"@type": "Person", "name": name}], "articleBody": body}
    entry = samples.entry(**data)
    written = render(entry).decode()
    (found,) = extruct.extract(written, syntaxes=["json-ld"])["json-ld"]
    assert found["@graph"] == [entry.data]
    (heading,) = html5lib.parse(written, namespaceHTMLElements=False).iterfind(".//h1")
    assert "".join(heading.itertext()) == data["headline"]


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_colour_has_the_contrast_of_wcag_aa() -> None:
    # https://www.w3.org/TR/WCAG22/#contrast-minimum
    css = (Path(page.__file__).parent / "templates" / "style.css").read_text("utf-8")
    schemes = [
        dict(re.findall(r"--(\w+):(#[0-9a-f]+)", rule)) for rule in re.findall(r":root\{([^}]*)\}", css)
    ]
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        for text in ("ink", "soft", "accent"):
            for ground in ("paper", "tint"):
                light, dark = sorted((_luminance(scheme[text]), _luminance(scheme[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground, scheme)


def test_the_embedded_record_is_compact_json() -> None:
    (script,) = tree(render()).xpath("//script")
    assert json.loads(script.text)["@graph"][0]["@id"] == samples.ARTICLE_ID
