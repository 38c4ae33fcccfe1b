"""Representations: forms, codings, ranges, conditions, and the headers that tell them apart."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import serving
from feedpub.serving import conditions, negotiation
from feedpub.serving.telemetry import Telemetry
from tests.test_server import FEED, PNG, Published, ask

STYLE = "body{color:#222}"
PAGE = f"<!doctype html><title>A</title><style>{STYLE}</style>{'<p>Text of the page.</p>' * 100}\n".encode()
RECORD = b'{"@type": "NewsArticle", "headline": "A"}\n'
CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
BIG = FEED.replace(b"News", b"News " * 1000)
HUB = "https://hub.example/"


@pytest.fixture
def output(tmp_path: Path) -> Published:
    made = Published(tmp_path / "feeds")
    made.put("index.html", PAGE, "text/html")
    made.put("feed.xml", FEED, "application/rss+xml")
    made.put("feed.atom", BIG, "application/atom+xml")
    made.put("feed.jsonld", b"{}\n", "application/ld+json")
    made.put("events.ics", CALENDAR, "text/calendar")
    made.put("articles/2025/09/a.html", PAGE, "text/html")
    made.put("articles/2025/09/a.jsonld", RECORD, "application/ld+json")
    made.put("events/2025/09/e.html", PAGE, "text/html")
    made.put("events/2025/09/e.jsonld", RECORD, "application/ld+json")
    made.put("events/2025/09/e.ics", CALENDAR, "text/calendar")
    made.put("media/ab12.png", PNG * 100, "image/png")
    made.manifest()
    return made


@pytest.fixture
def app(output: Published) -> Any:
    return serving.build_app(output.root, site_url="https://news.example/", hubs=[HUB])


def with_twins(output: Published, path: str) -> dict[str, bytes]:
    """Twins of a published file as a publisher writes them; by coding."""
    content = (output.root / path).read_bytes()
    made = {"br": brotli.compress(content, quality=11), "gzip": gzip.compress(content, 9, mtime=0)}
    for coding, ending in (("br", ".br"), ("gzip", ".gz")):
        output.place(path + ending, made[coding])
        entry = {"hash": hashlib.sha256(made[coding]).hexdigest(), "size": len(made[coding])}
        output.files[path].setdefault("encodings", {})[coding] = entry
    output.manifest()
    return made


# Accept-Encoding (RFC 9110, 12.5.3)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ()),
        ("", ()),
        ("gzip", ("gzip",)),
        ("GZIP", ("gzip",)),
        ("x-gzip", ("gzip",)),
        ("gzip, deflate, br", ("br", "gzip")),
        ("gzip;q=1.0, br;q=0.5", ("gzip", "br")),
        ("br;q=0, gzip", ("gzip",)),
        ("*", ("br", "gzip")),
        ("*;q=0.5, gzip;q=0", ("br",)),
        ("identity", ()),
        ("identity, gzip;q=0.5", ()),
        ("identity;q=0.5, gzip", ("gzip",)),
        ("identity;q=0, br;q=0, gzip;q=0", ()),
        ("br;q=1.5", ()),
        ("br;q=nonsense", ()),
        ("gzip;q=0.000", ()),
        ("deflate", ()),
    ],
)
def test_the_codings_that_a_client_takes(header: str | None, expected: tuple[str, ...]) -> None:
    assert negotiation.encodings(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        ("application/ld+json", "application/ld+json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/ld+json, text/html;q=0.9", "application/ld+json"),
        ("application/ld+json;q=0.5, text/html", "text/html"),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"', "application/ld+json"),
        ("application/*, text/html;q=0.1", "application/ld+json"),
        ("text/html;q=0, */*", "application/ld+json"),
        ("image/png", "text/html"),
        ("", "text/html"),
    ],
)
def test_the_form_that_a_client_prefers(header: str | None, expected: str) -> None:
    assert negotiation.media_type(header, ("text/html", "application/ld+json")) == expected


@given(st.text(max_size=60))
def test_no_text_in_a_header_stops_an_answer(text: str) -> None:
    assert set(negotiation.encodings(text)) <= {"br", "gzip"}
    assert negotiation.media_type(text, ("text/html", "text/calendar")) in ("text/html", "text/calendar")
    known = {"if-none-match": text, "if-modified-since": text, "range": text, "if-range": text}
    assert conditions.verdict(known, '"a"', 5) in ("send", "unchanged")
    part = conditions.part(known, '"a"', 5, 10)
    assert part is None or part == "unsatisfiable" or 0 <= part[0] < part[1] <= 10


def test_each_coding_gives_the_same_bytes_and_has_an_etag_of_its_own(app: Any) -> None:
    plain = ask(app, "/feed.atom")
    br = ask(app, "/feed.atom", accept_encoding="br")
    packed = ask(app, "/feed.atom", accept_encoding="gzip")
    assert plain.body == brotli.decompress(br.body) == gzip.decompress(packed.body) == BIG
    assert "content-encoding" not in plain.headers
    assert (br.headers["content-encoding"], packed.headers["content-encoding"]) == ("br", "gzip")
    assert len({answer.headers["etag"] for answer in (plain, br, packed)}) == 3
    for answer in (plain, br, packed):
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-length"] == str(len(answer.body))
        assert answer.headers["etag"].startswith('"')
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"


def test_a_304_is_for_the_coding_that_would_be_sent(app: Any) -> None:
    etag = ask(app, "/feed.atom", accept_encoding="br").headers["etag"]
    same = ask(app, "/feed.atom", accept_encoding="br", if_none_match=etag)
    assert (same.status, same.headers["etag"], same.headers["vary"]) == (304, etag, "Accept-Encoding")
    assert ask(app, "/feed.atom", accept_encoding="gzip", if_none_match=etag).status == 200
    assert ask(app, "/feed.atom", if_none_match=etag).status == 200


def test_what_is_small_or_a_picture_is_not_compressed(app: Any) -> None:
    for path in ("/feed.xml", "/media/ab12.png"):
        answer = ask(app, path, accept_encoding="br, gzip")
        assert "content-encoding" not in answer.headers
        assert "vary" not in answer.headers


def test_published_twins_are_sent_as_they_are(output: Published, app: Any) -> None:
    twins = with_twins(output, "feed.atom")
    for coding in ("br", "gzip"):
        answer = ask(app, "/feed.atom", accept_encoding=coding)
        assert (answer.body, answer.headers["content-encoding"]) == (twins[coding], coding)
        assert answer.headers["etag"].strip('"') == hashlib.sha256(twins[coding]).hexdigest()[:32]
    assert ask(app, "/feed.atom.br").status == 404


def test_a_twin_that_is_missing_is_made_up_for(output: Published, app: Any) -> None:
    with_twins(output, "feed.atom")
    (output.root / "feed.atom.br").unlink()
    answer = ask(app, "/feed.atom", accept_encoding="br, gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == BIG


# Accept (RFC 9110, 12.5.1)


def test_an_articles_address_gives_its_page_or_its_record(app: Any) -> None:
    page = ask(app, "/articles/2025/09/a.html", accept="text/html,*/*;q=0.8")
    record = ask(app, "/articles/2025/09/a.html", accept="application/ld+json")
    assert (page.body, record.body) == (PAGE, RECORD)
    assert record.headers["content-type"] == "application/ld+json"
    assert record.headers["content-location"] == "a.jsonld"
    assert "content-location" not in page.headers
    assert page.headers["vary"] == "Accept, Accept-Encoding"
    assert record.headers["vary"].startswith("Accept")
    assert page.headers["etag"] != record.headers["etag"]
    assert ask(app, "/articles/2025/09/a.jsonld").headers["etag"] == record.headers["etag"]


def test_an_events_address_gives_its_calendar_too(app: Any) -> None:
    found = ask(app, "/events/2025/09/e.html", accept="text/calendar")
    assert (found.body, found.headers["content-location"]) == (CALENDAR, "e.ics")
    assert ask(app, "/articles/2025/09/a.html", accept="text/calendar").body == PAGE


def test_the_front_page_is_only_a_page(app: Any) -> None:
    answer = ask(app, "/", accept="application/ld+json")
    assert answer.body == PAGE
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_withdrawn_article_has_no_record_to_give(output: Published, app: Any) -> None:
    output.put("articles/2025/09/a.html", PAGE, "text/html", status=410)
    output.manifest()
    assert ask(app, "/articles/2025/09/a.html", accept="application/ld+json").status == 410


# Ranges (RFC 9110, 14)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-3", 0, 4),
        ("bytes=10-", 10, 3800),
        ("bytes=-5", 3795, 3800),
        ("bytes=3790-9999", 3790, 3800),
        ("bytes=-99999", 0, 3800),
        ("BYTES=0-0", 0, 1),
    ],
)
def test_a_part_of_a_file(app: Any, asked: str, first: int, last: int) -> None:
    content = PNG * 100
    assert len(content) == 3800
    answer = ask(app, "/media/ab12.png", range=asked)
    assert (answer.status, answer.body) == (206, content[first:last])
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/3800"
    assert answer.headers["content-length"] == str(last - first)


@pytest.mark.parametrize("asked", ["bytes=3800-", "bytes=-0"])
def test_a_part_that_is_not_there(app: Any, asked: str) -> None:
    answer = ask(app, "/media/ab12.png", range=asked)
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */3800")


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", ""])
def test_what_is_no_single_range_gives_the_whole(app: Any, asked: str) -> None:
    answer = ask(app, "/media/ab12.png", range=asked)
    assert (answer.status, len(answer.body)) == (200, 3800)
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_part_only_of_what_the_client_has_begun_to_read(app: Any) -> None:
    whole = ask(app, "/media/ab12.png")
    etag, date = whole.headers["etag"], whole.headers["last-modified"]

    def resumed(condition: str) -> int:
        return ask(app, "/media/ab12.png", range="bytes=10-", if_range=condition).status

    assert [resumed(etag), resumed('"other"'), resumed(f"W/{etag}")] == [206, 200, 200]
    assert [resumed(date), resumed("Mon, 01 Jan 2024 00:00:00 GMT")] == [206, 200]


def test_a_part_of_a_large_file_is_streamed(output: Published, app: Any) -> None:
    content = bytes(range(256)) * 8000
    output.put("archives/0/feed-1.xml", content, "application/rss+xml")
    output.manifest()
    answer = ask(app, "/archives/0/feed-1.xml", range="bytes=700000-1399999")
    assert (answer.status, answer.body) == (206, content[700_000:1_400_000])
    assert answer.headers["content-range"] == "bytes 700000-1399999/2048000"


def test_head_knows_no_ranges(app: Any) -> None:
    answer = ask(app, "/media/ab12.png", "HEAD", range="bytes=0-3")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "3800", b"")


def test_if_match_holds_the_answer_back(app: Any) -> None:
    etag = ask(app, "/feed.xml").headers["etag"]
    assert ask(app, "/feed.xml", if_match=etag).status == 200
    assert ask(app, "/feed.xml", if_match='"other"').status == 412
    assert ask(app, "/feed.xml", if_match=f"W/{etag}").status == 412
    assert ask(app, "/feed.xml", if_unmodified_since="Mon, 01 Jan 2024 00:00:00 GMT").status == 412


# Headers


def linked(app: Any, path: str) -> set[tuple[str, str]]:
    """Relation and target of each link."""
    value = ask(app, path).headers.get("link", "")
    return {(relation, target) for target, relation in re.findall(r'<([^>]*)>; rel="([^"]*)"', value)}


def test_a_feed_names_itself_its_hub_and_its_other_formats(app: Any) -> None:
    assert linked(app, "/feed.xml") == {
        ("self", "https://news.example/feed.xml"),
        ("hub", HUB),
        ("alternate", "feed.atom"),
        ("alternate", "feed.jsonld"),
    }
    assert ("describedby", "schemas/1/datafeed.schema.json") in linked(app, "/feed.jsonld")
    assert linked(app, "/events.ics") == {("self", "https://news.example/events.ics"), ("hub", HUB)}


def test_a_page_names_its_record_and_a_record_its_page_and_schema(app: Any) -> None:
    assert linked(app, "/articles/2025/09/a.html") == {("alternate", "a.jsonld")}
    schema = "../../../schemas/1/record.schema.json"
    assert linked(app, "/articles/2025/09/a.jsonld") == {("alternate", "a.html"), ("describedby", schema)}
    assert linked(app, "/events/2025/09/e.html") == {("alternate", "e.jsonld"), ("alternate", "e.ics")}
    assert ("alternate", "feed.xml") in linked(app, "/")
    assert linked(app, "/media/ab12.png") == set()


def test_the_schema_that_describes_a_record_can_be_fetched(app: Any) -> None:
    answer = ask(app, "/schemas/1/record.schema.json")
    assert answer.headers["content-type"] == "application/schema+json"
    assert json.loads(answer.body)["$id"].endswith("/record.schema.json")
    assert ask(app, "/schemas/1/record.schema.json", if_none_match=answer.headers["etag"]).status == 304
    assert ask(app, "/schemas/1/none.schema.json").status == 404
    assert ask(app, "/schemas/1/../../feed.xml").status == 404


def test_a_pages_own_style_is_allowed_by_its_hash_and_nothing_inline_else(app: Any) -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    for coding in ("identity", "br"):
        policy = ask(app, "/articles/2025/09/a.html", accept_encoding=coding).headers[
            "content-security-policy"
        ]
        assert f"style-src 'sha256-{digest}'" in policy
        assert "unsafe-inline" not in policy
    missing = ask(app, "/none.html")
    style = re.search(rb"<style>(.*?)</style>", missing.body)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"'sha256-{digest}'" in missing.headers["content-security-policy"]


def test_any_page_may_read_data_and_none_our_pages(app: Any) -> None:
    for path in ("/feed.xml", "/feed.jsonld", "/events.ics", "/articles/2025/09/a.jsonld", "/none"):
        assert ask(app, path).headers["access-control-allow-origin"] == "*"
    etag = ask(app, "/feed.xml").headers["etag"]
    assert ask(app, "/feed.xml", if_none_match=etag).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in ask(app, "/articles/2025/09/a.html").headers
    assert (
        "access-control-allow-origin"
        in ask(app, "/articles/2025/09/a.html", accept="application/ld+json").headers
    )


def test_a_preflight_is_told_what_may_be_asked(app: Any) -> None:
    answer = ask(
        app, "/feed.json", "OPTIONS", origin="https://reader.example", access_control_request_method="GET"
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]


# Proxies


def test_hsts_is_for_those_who_came_through_tls(output: Published) -> None:
    trusting = serving.build_app(output.root, trusted_proxies=["127.0.0.0/8"])
    strict = serving.build_app(output.root, trusted_proxies=["10.0.0.1"])
    for app, proto, told in (
        (trusting, "https", True), (trusting, "http", False), (strict, "https", False),
    ):  # fmt: skip
        for path in ("/feed.xml", "/none"):
            answer = ask(app, path, x_forwarded_proto=proto)
            assert ("strict-transport-security" in answer.headers) is told


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 127.0.0.5", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("unknown", "127.0.0.1"),
    ],
)
def test_an_application_beside_the_files_sees_who_asked_the_proxy(
    output: Published, forwarded: str, seen: str
) -> None:
    clients = []

    async def service(scope: Any, receive: Any, send: Any) -> None:
        clients.append(scope["client"][0])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    telemetry = Telemetry()
    for trusted in (["127.0.0.0/8"], []):
        app = serving.build_app(
            output.root, mounted={"/api": service}, telemetry=telemetry, trusted_proxies=trusted
        )
        assert ask(app, "/api/articles", x_forwarded_for=forwarded).body == b"{}"
    assert clients == [seen, "127.0.0.1"]
    assert telemetry.answers == {("api", 200): 2}


def test_applications_beside_the_files_answer_at_their_address_and_below_only(output: Published) -> None:
    output.put("statustics/feed.xml", FEED, "application/rss+xml")
    output.manifest()

    async def service(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"service"})

    app = serving.build_app(output.root, mounted={"/status": service})
    assert [ask(app, path).body for path in ("/status", "/status/", "/status/x")] == [b"service"] * 3
    assert ask(app, "/statustics/feed.xml").body == FEED


def test_every_answer_is_counted_by_what_was_asked_for(output: Published) -> None:
    telemetry = Telemetry()
    app = serving.build_app(output.root, telemetry=telemetry)
    size = sum(len(ask(app, path).body) for path in ("/feed.xml", "/", "/none", "/media/ab12.png"))
    etag = ask(app, "/feed.xml", "HEAD").headers["etag"]
    ask(app, "/feed.xml", if_none_match=etag)
    assert telemetry.answers == {
        ("feed", 200): 2, ("feed", 304): 1, ("page", 200): 1, ("missing", 404): 1, ("media", 200): 1,
    }  # fmt: skip
    assert telemetry.sent_bytes == size
