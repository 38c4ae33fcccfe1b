"""The API for services: what is found by which question, page by page, and what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pyld.jsonld
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import resources
from feedpub.search import INDEX_NAME
from feedpub.serving.api import api_app
from feedpub.serving.api.parameters import MAX_LENGTH
from feedpub.store import STORE_NAME, schema
from tests import newswire
from tests.articles import markdown
from tests.conftest import NOW, Newsroom, empty
from tests.newswire import identifier


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """What `newswire` holds, published once for all tests that only read."""
    newsroom = empty(tmp_path_factory.mktemp("still") / "newsroom")
    newswire.publish(newsroom)
    return newsroom


@pytest.fixture
def wire(newsroom: Newsroom) -> Newsroom:
    """The same, to be changed."""
    newswire.publish(newsroom)
    return newsroom


class Client:
    """Asks the application without a network, one question after the other."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._app = api_app(newsroom.config)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    """Asks the newsroom that the test changes, or the one that nobody does."""
    return Client(request.getfixturevalue("wire" if "wire" in request.fixturenames else "still"))


def elements(answer: Any) -> list[str]:
    """What a list holds, by the names in `newswire`, read as anybody would read a DataFeed."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/ld+json"
    nodes = {node["@id"]: node for node in answer.json()["@graph"]}
    feed = answer.json()["@graph"][0]
    assert feed["@type"] == "DataFeed"
    ids = [nodes[item["@id"]]["item"]["@id"] for item in feed["dataFeedElement"]]
    assert all(i in nodes for i in ids)
    return [i.rpartition(":")[2] for i in ids]


def articles(answer: Any) -> list[str]:
    return [name for name in elements(answer) if name in newswire.ARTICLES]


def asked(client: Client, path: str, **parameters: Any) -> Any:
    return client.get(path, params=parameters)


# What is found: by a person's reading of tests/newswire.py. Newest first; Berlin is two hours ahead of UTC.

ALL = ["concert", "bridge", "ferry", "port", "leader"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, ALL),
        ({"order": "oldest"}, ALL[::-1]),
        # Whole periods, both ends included; what is not known to the day counts as of its beginning.
        ({"since": "2025-09"}, ["concert", "bridge", "ferry"]),
        ({"until": "2025-08"}, ["port", "leader"]),
        ({"since": "2025-09-02", "until": "2025-09-02"}, ["concert", "bridge"]),
        ({"since": "2024", "until": "2024"}, ["leader"]),
        ({"since": "2025-09-01T09:00:00Z", "until": "2025-09-01T09:00:00Z"}, ["ferry"]),
        ({"since": "2025-09-01T09:00:01Z", "until": "2025-09-01"}, []),
        # 11:00 in Berlin is 09:00 UTC, and the German article's day begins at 22:00 UTC of the day before.
        ({"since": "2025-09-01T11:00", "until": "2025-09-01T11:00"}, ["ferry"]),
        ({"since": "2025-09-01T22:00:00Z", "until": "2025-09-02T11:59:59Z"}, ["bridge"]),
        ({"since": "2025-09-02T12:00:00Z"}, ["concert"]),
        ({"until": "0001"}, []),
        ({"since": "9999-12-31"}, []),
        ({"until": "9999"}, ALL),
        # Facets, whatever their case and marks; one of several values, all of several facets.
        ({"section": "world"}, ["bridge", "ferry"]),
        ({"section": "Economie"}, ["port"]),
        ({"section": ["culture", "OPINION"]}, ["concert", "leader"]),
        ({"section": "World", "keyword": "ferries"}, ["ferry"]),
        ({"keyword": "Harbour"}, ["bridge", "ferry"]),
        ({"author": "ada marsh"}, ["ferry", "leader"]),
        ({"author": "Jorg Muller"}, ["bridge"]),
        ({"author": "Marsh"}, []),
        ({"author": "Ada Marsh", "type": "OpinionNewsArticle"}, ["leader"]),
        ({"type": ["NewsArticle", "OpinionNewsArticle"]}, ALL),
        ({"person": "Ines Costa"}, ["ferry"]),
        ({"person": "Petra Vogt"}, ["bridge"]),
        ({"person": "Ada Marsh"}, []),
        ({"place": "lisbon"}, ["ferry"]),
        ({"place": "Hamburg"}, ["bridge"]),
        ({"place": "Marseille"}, ["port"]),
        ({"country": "pt"}, ["ferry"]),
        ({"country": ["DE", "PT"]}, ["bridge", "ferry"]),
        ({"language": "en"}, ["ferry", "leader"]),
        ({"language": "en-us"}, ["leader"]),
        ({"language": "zh"}, ["concert"]),
        # Words.
        ({"q": "ferry"}, ["ferry"]),
        ({"q": "FERRY tagus"}, ["ferry"]),
        ({"q": "ferry senat"}, []),
        ({"q": "brucke"}, ["bridge"]),
        ({"q": '"swing bridge"'}, ["ferry"]),
        ({"q": '"bridge swing"'}, []),
        ({"q": "“swing bridge” repairs"}, ["ferry"]),
        ({"q": "harbour*"}, ["bridge", "ferry", "leader"]),
        ({"q": "harbour"}, ["bridge", "ferry"]),
        ({"q": "ete"}, ["port"]),
        ({"q": "北京"}, ["concert"]),
        ({"q": "音乐会"}, ["concert"]),
        ({"q": "京北"}, []),
        ({"q": "pier", "since": "2025"}, ["ferry"]),
        ({"q": "pier", "author": "Ada Marsh", "order": "oldest"}, ["leader", "ferry"]),
        # What other programs take for commands is words here, or nothing.
        ({"q": "ferry OR senat"}, []),
        ({"q": "headline:ferry"}, []),
        ({"q": "NOT"}, []),
        ({"q": "*"}, []),
        ({"q": '"'}, []),
        ({"q": 'ferry"'}, ["ferry"]),
        ({"q": "ferry -"}, ["ferry"]),
    ],
)  # fmt: skip
def test_articles_are_found_by_a_question(client: Client, question: dict[str, Any], found: list[str]) -> None:
    assert articles(asked(client, "/api/articles", **question)) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, ["talk", "hearing", "festival"]),
        ({"order": "latest"}, ["festival", "hearing", "talk"]),
        # An event is found if it is on at some time between; the hearing at any time in October.
        ({"since": "2025-10-31"}, ["hearing", "festival"]),
        ({"since": "2025-11"}, ["festival"]),
        ({"until": "2025-09"}, ["talk"]),
        ({"since": "2026-06-20", "until": "2026-06-20"}, ["festival"]),
        ({"since": "2026-06-22"}, []),
        ({"until": "2026-06-19T12:59:59Z", "since": "2026"}, []),
        ({"until": "2026-06-19T13:00:00Z", "since": "2026"}, ["festival"]),
        ({"place": "Old Customs House"}, ["talk"]),
        ({"country": "DE"}, ["hearing"]),
        ({"person": "Inês Costa"}, ["festival"]),
        ({"person": "Petra Vogt"}, ["hearing"]),
        ({"type": "Festival"}, ["festival"]),
        ({"status": "EventCancelled"}, ["hearing"]),
        ({"status": "EventScheduled"}, ["talk", "festival"]),
        ({"section": "Politik"}, ["hearing"]),
        ({"keyword": "harbour"}, ["hearing"]),
        ({"q": "music quay"}, ["festival"]),
        ({"q": "anhorung"}, ["hearing"]),
        ({"q": "customs"}, ["talk"]),
    ],
)
def test_events_are_found_by_a_question(client: Client, question: dict[str, Any], found: list[str]) -> None:
    assert elements(asked(client, "/api/events", **question)) == found


def test_an_answer_is_a_feed_of_the_same_records_as_the_files(wire: Newsroom, client: Client) -> None:
    answer = asked(client, "/api/articles", section="World", limit=1)
    document = answer.json()
    assert list(document) == ["@context", "@graph"]
    assert document["@context"] == "https://schema.org"
    nodes = {node["@id"]: node for node in document["@graph"]}
    feed = document["@graph"][0]
    assert feed["@id"] == "https://news.example/api/articles?section=World&limit=1"
    # The same nodes stand in feed.jsonld, word for word.
    published = {node["@id"]: node for node in json.loads(wire.read("feed.jsonld"))["@graph"]}
    for name in ("bridge", "hearing"):
        assert nodes[identifier(name)] == published[identifier(name)]
    _judge("datafeed", document)


def _judge(name: str, document: Any) -> None:
    """An independent validator holds the document against the published schema."""
    import jsonschema_rs

    def load(uri: str) -> Any:
        return dict(resources.schema_document(uri.rpartition("/")[2].removesuffix(".schema.json")))

    validator = jsonschema_rs.validator_for(dict(resources.schema_document(name)), retriever=load)
    errors = [error.message for error in validator.iter_errors(document)]
    assert not errors


def test_a_json_ld_processor_reads_an_answer(client: Client) -> None:
    document = asked(client, "/api/articles", q="ferry").json()
    document["@context"] = {"@vocab": "https://schema.org/"}
    expanded = pyld.jsonld.expand(document)
    ferry = next(node for node in expanded if node["@id"] == identifier("ferry"))
    assert ferry["https://schema.org/headline"] == [{"@value": "Ferry to Almada sails again"}]


def test_a_single_record_is_the_file_of_that_record(wire: Newsroom, client: Client) -> None:
    for kind, name in (("articles", "bridge"), ("events", "hearing")):
        answer = client.get(f"/api/{kind}/{quote(identifier(name), safe='')}")
        assert answer.status_code == 200
        files = [path for path, content in wire.files().items() if content == answer.content]
        assert [path.partition("/")[0] for path in files] == [kind]
        assert files[0].endswith(".jsonld")


def test_an_id_that_is_an_address_is_found_escaped_or_not(newsroom: Newsroom) -> None:
    record = {**newswire.FERRY, "@id": "https://news.example/2025/ferry?x=1"}
    newswire.write(newsroom, "ferry", record)
    newsroom.publish()
    client = Client(newsroom)
    assert client.get("/api/articles/" + quote(record["@id"], safe="")).status_code == 200
    assert client.get("/api/articles/" + quote(record["@id"], safe=":/")).status_code == 200


# What is withdrawn, moved or never was.


def test_what_was_withdrawn_is_gone_from_lists_at_once_and_answers_410(
    wire: Newsroom, client: Client
) -> None:
    (wire.articles / "bridge.json").unlink()
    wire.publish(yes=True)
    assert "bridge" not in articles(client.get("/api/articles"))
    assert "hearing" not in elements(client.get("/api/events"))
    for path in (f"/api/articles/{identifier('bridge')}", f"/api/events/{identifier('hearing')}"):
        answer = client.get(path)
        assert answer.status_code == 410
        assert answer.json()["detail"] == "It was withdrawn at 2025-09-03T08:00:00+00:00."


def test_what_the_index_still_holds_but_was_withdrawn_is_not_shown(
    wire: Newsroom, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (wire.articles / "bridge.json").unlink()
    monkeypatch.setattr("feedpub.search.index.update", lambda *_, **__: None)
    wire.publish(yes=True)
    assert articles(client.get("/api/articles")) == ["concert", "ferry", "port", "leader"]


def test_a_purged_article_leaves_no_word_in_the_index(wire: Newsroom) -> None:
    from feedpub import withdrawal

    newswire.write(
        wire, "port", {**newswire.PORT, "articleBody": newswire.PORT["articleBody"] + " Zwiebelfisch."}
    )
    wire.publish(now=NOW + timedelta(hours=1))
    folder = wire.config.state
    held = b"".join(path.read_bytes() for path in folder.glob(f"{INDEX_NAME}*"))
    assert b"belfisch" in held  # FTS5 leaves out what a word has in common with the one before
    withdrawal.withdraw(wire.config, [identifier("port")], purge=True, now=NOW + timedelta(hours=2))
    held = b"".join(path.read_bytes() for path in folder.glob(f"{INDEX_NAME}*"))
    assert b"belfisch" not in held
    assert b"gus" in held
    assert elements(asked(Client(wire), "/api/articles", q="Zwiebelfisch")) == []


def test_an_unknown_id_says_where_to_look(client: Client) -> None:
    answer = client.get("/api/articles/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404
    wrong = client.get(f"/api/articles/{identifier('festival')}")
    assert wrong.status_code == 404
    assert f"/api/events/{identifier('festival')}" in wrong.json()["remedy"]
    assert client.get("/api/articles/" + "x" * 5000).status_code == 404


def test_an_event_known_by_another_id_is_redirected(wire: Newsroom, client: Client) -> None:
    with sqlite3.connect(wire.config.state / STORE_NAME) as store:
        store.execute("INSERT INTO alias VALUES ('tag:old', ?)", (identifier("festival"),))
    answer = client.get("/api/events/tag:old")
    assert answer.status_code == 301
    assert client.get(answer.headers["location"]).status_code == 200


# Caching and HTTP.


@pytest.mark.parametrize(
    "path", ["/api", "/api/articles", "/api/events?q=tides", "/api/changes", "/api/openapi.json"]
)
def test_an_answer_has_a_tag_and_is_not_sent_twice(client: Client, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["access-control-allow-origin"] == "*"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = client.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))


def test_the_tag_changes_with_what_the_answer_shows_and_only_then(wire: Newsroom, client: Client) -> None:
    paths = (
        "/api/articles?author=Ada+Marsh",
        "/api/articles?q=Senat",
        f"/api/articles/{identifier('bridge')}",
    )
    before = [client.get(path).headers["etag"] for path in paths]
    changed = json.loads(json.dumps(newswire.BRIDGE))
    changed["about"][0]["name"] = "Anhörung zur Sperrung"
    newswire.write(wire, "bridge", changed)
    wire.publish(now=NOW + timedelta(hours=1))
    after = [client.get(path).headers["etag"] for path in paths]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False]


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/changes", "/api/articles/", "/api/nothing", "/api/openapi.json/"]
)
def test_every_answer_does_nothing_in_a_browser_and_none_leads_to_the_host_that_is_named(
    client: Client, path: str
) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        answer = client.request(method, path, headers={"Host": "evil.example"})
        assert "location" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "referrer-policy" in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_nothing_can_be_written(client: Client, method: str) -> None:
    answer = client.request(method, "/api/articles")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_browsers_may_ask_from_anywhere(client: Client) -> None:
    answer = client.request("OPTIONS", "/api/articles")
    assert answer.status_code == 204
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]


# What is refused.


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=1e3", "limit"), ("limit=-1", "limit"),
        ("limit=99999999999999999999999", "limit"), ("limit=١", "limit"), ("limit=", "limit"),
        ("limit=5&limit=6", "limit"), ("since=2025-02-30", "since"), ("since=yesterday", "since"),
        ("since=2025-09-02T25:00", "since"), ("until=20250902", "until"), ("order=best", "order"),
        ("cursor=zzz", "cursor"), ("cursor=ffffffffffffffff", "cursor"), ("cursor=", "cursor"),
        ("cursor=7fffffffffffffff", "cursor"),  # of the events
        ("type=Event", "type"), ("section=", "section"), ("q=", "q"), (f"q={'x' * (MAX_LENGTH + 1)}", "q"),
        ("&".join(["section=a"] * 11), "section"), ("status=EventCancelled", "status"), ("Section=World", "Section"),
        ("source=articles", "source"), ("q=a&q=b", "q"), ("%00=1", "\x00"), ("&".join(["a=b"] * 101), "query"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_meant_so_is_refused_with_the_remedy(
    client: Client, query: str, parameter: str
) -> None:
    answer = client.get(f"/api/articles?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["parameter"] == parameter
    assert problem["detail"]
    assert problem["remedy"]


def test_an_unknown_parameter_is_told_the_known_ones(client: Client) -> None:
    problem = client.get("/api/events?colour=red").json()
    assert problem["known"] == [
        "q", "since", "until", "section", "keyword", "person", "place", "country", "status", "type", "order", "limit",
        "cursor",
    ]  # fmt: skip
    assert client.get("/api?x=1").status_code == 400
    assert client.get(f"/api/articles/{identifier('ferry')}?x=1").status_code == 400


def test_a_query_that_is_too_long_is_refused(client: Client) -> None:
    assert client.get("/api/articles?q=" + "x" * 61_000).status_code == 414


HOSTILE = [
    "'", '"', "' OR 1=1 --", '"; DROP TABLE record; --', "\x00", "a\x00b", "%", "_", "*", "**", "a*b*", "^a", "a^2",
    "NEAR(a b, 2)", "a AND", "OR OR OR", "NOT NOT", "(", ")", "((((", "{a b}: c", "col:", "-a", "+", "a + b", "\\", "\ud7ff",
    "\U0010ffff", "🎉", "\u200f\u202e", "é" * 200, "a " * 100, '""""""', '"a', 'a"b"c', "١٢٣", "ﬁ", "İ", "ß", "𞤀𞤁",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["q", "section", "person", "language"])
def test_whatever_is_asked_is_answered(client: Client, caplog: Any, name: str, value: str) -> None:
    with caplog.at_level(logging.ERROR):
        answer = asked(client, "/api/articles", **{name: value})
    assert answer.status_code == 200
    assert not caplog.records


@given(st.text(min_size=1, max_size=MAX_LENGTH))
def test_any_text_is_a_question(text: str) -> None:
    from feedpub.search.words import expression

    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE VIRTUAL TABLE words USING fts5(a, tokenize='unicode61 remove_diacritics 2')")
        typed = expression(text)
        if typed is not None:
            database.execute("SELECT rowid FROM words WHERE words MATCH ?", (typed,)).fetchall()


@pytest.mark.parametrize("cursor", ["0000000000000000", "3fffffffffffffff"])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_any_place_in_the_list_is_a_cursor(client: Client, cursor: str, order: str) -> None:
    found = articles(asked(client, "/api/articles", cursor=cursor, order=order))
    assert found in ([], ALL, ALL[::-1])
    last = cursor.replace("0", "4", 1) if cursor[0] == "0" else "7fffffffffffffff"
    assert asked(client, "/api/events", cursor=last).status_code == 200


# Page by page.


def pages(client: Client, path: str, between: Any = None) -> Iterator[Any]:
    """Follow the links from page to page as a client does."""
    while True:
        answer = client.get(path)
        assert answer.status_code == 200
        yield answer
        if "next" not in answer.links:
            assert "hasPart" not in answer.json()["@graph"][0]
            return
        path = path.partition("?")[0] + answer.links["next"]["url"]
        stated = answer.json()["@graph"][0]["hasPart"]["@id"]
        assert stated == f"https://news.example{path}"


@pytest.mark.parametrize(
    "question", ["limit=2", "limit=2&order=oldest", "limit=1&section=World", "limit=2&q=the*"]
)
def test_pages_hold_everything_once(client: Client, question: str) -> None:
    whole = articles(
        client.get("/api/articles?" + question.replace("limit=2", "limit=100").replace("limit=1&", ""))
    )
    walked = [name for page in pages(client, f"/api/articles?{question}") for name in articles(page)]
    assert walked == whole
    assert len(walked) >= 2


def test_events_are_paged_too(client: Client) -> None:
    walked = [elements(page) for page in pages(client, "/api/events?limit=1")]
    assert walked == [["talk"], ["hearing"], ["festival"]]


def test_while_articles_are_added_and_changed_nothing_is_shown_twice_or_left_out(newsroom: Newsroom) -> None:
    for number in range(30):
        newsroom.write(
            f"{number:02}.md", markdown(f"Number {number:02}", date=f"2025-08-{number // 3 + 1:02}")
        )
    newsroom.publish()
    client = Client(newsroom)
    seen: list[str] = []
    for step, page in enumerate(pages(client, "/api/articles?limit=4")):
        nodes = {node["@id"]: node for node in page.json()["@graph"]}
        feed = page.json()["@graph"][0]
        items = [nodes[nodes[item["@id"]]["item"]["@id"]] for item in feed["dataFeedElement"]]
        seen += [node["headline"] for node in items]
        # One newer than all comes in, and one of a day in the middle says something else.
        newsroom.write(f"new-{step}.md", markdown(f"New {step}", date="2025-09-02"))
        newsroom.write(
            "00.md",
            markdown("Number 00", f"The text of this article was changed {step} times.", date="2025-08-01"),
        )
        newsroom.publish(now=NOW + timedelta(minutes=step + 1))
    assert len(seen) == len(set(seen))
    assert {f"Number {number:02}" for number in range(30)} <= set(seen)
    assert [name[:6] for name in seen] == ["Number"] * 30


# Changes.


def test_changes_are_the_lines_of_the_files(wire: Newsroom, client: Client) -> None:
    newswire.write(wire, "port", {**newswire.PORT, "headline": "Le port s’agrandit encore"})
    (wire.articles / "leader.json").unlink()
    wire.publish(now=NOW + timedelta(hours=1), yes=True)
    written = wire.read("changes/0/changes-1.ndjson")
    assert client.get("/api/changes").content == written
    lines = written.splitlines(keepends=True)
    assert len(lines) == 10
    assert client.get("/api/changes?since=8").content == b"".join(lines[8:])
    first = client.get("/api/changes?limit=3")
    assert first.content == b"".join(lines[:3])
    assert first.headers["content-type"] == "application/x-ndjson"
    walked = first.content
    while "next" in first.links:
        first = client.get("/api/changes" + first.links["next"]["url"])
        walked += first.content
    assert walked == written
    assert client.get("/api/changes?since=10").content == b""
    assert client.get("/api/changes?since=1000000000000000").content == b""
    for wrong in ("since=-1", "since=x", "since=1000000000000001", "limit=1001"):
        assert client.get(f"/api/changes?{wrong}").status_code == 400


# The store and its publisher.


def test_where_nothing_is_published_clients_are_told_to_come_back(newsroom: Newsroom) -> None:
    client = Client(newsroom)
    for path in ("/api/articles", "/api/events", "/api/changes", "/api/articles/x"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"
        assert answer.headers["cache-control"] == "no-store"
        assert "feedpub publish" in answer.json()["remedy"]
    assert client.get("/api").status_code == 200
    assert not newsroom.config.state.exists()
    newsroom.write("one.md", markdown())
    newsroom.publish()
    assert client.get("/api/articles").status_code == 200


@pytest.mark.parametrize("version", [schema.VERSION - 1, schema.VERSION + 1])
def test_a_store_of_another_version_is_neither_read_nor_migrated(
    wire: Newsroom, client: Client, version: int
) -> None:
    path = wire.config.state / STORE_NAME
    with sqlite3.connect(path) as store:
        store.execute("UPDATE schema_version SET version = ?", (version,))
    assert client.get("/api/articles").status_code == 503
    with sqlite3.connect(path) as store:
        assert store.execute("SELECT version FROM schema_version").fetchall() == [(version,)]


def test_a_store_that_is_damaged_or_empty_is_no_crash(wire: Newsroom, client: Client) -> None:
    path = wire.config.state / STORE_NAME
    for content in (b"", b"This is no database at all, but a text of some length." * 100):
        path.unlink()
        path.write_bytes(content)
        assert client.get("/api/articles").status_code == 503
        assert path.read_bytes() == content


def test_a_store_made_anew_is_read_at_once(wire: Newsroom, client: Client) -> None:
    before = client.get("/api/articles").content
    wire.publish(rebuild=True)
    assert client.get("/api/articles").content == before
    newswire.write(
        wire,
        "more",
        {**newswire.FERRY, "@id": identifier("more"), "headline": "More", "articleBody": "Wholly new."},
    )
    wire.publish(now=NOW + timedelta(hours=1))
    assert len(elements(client.get("/api/articles?q=new"))) == 1


def test_without_the_index_lists_come_back_later_and_the_rest_is_answered(
    wire: Newsroom, client: Client
) -> None:
    for path in wire.config.state.glob(f"{INDEX_NAME}*"):
        path.unlink()
    assert client.get("/api/articles").status_code == 503
    assert client.get(f"/api/articles/{identifier('ferry')}").status_code == 200
    assert client.get("/api/changes").status_code == 200
    assert not (wire.config.state / INDEX_NAME).exists()
    wire.publish()
    assert articles(client.get("/api/articles")) == ALL


def _publish_again_and_again(config: Any, stop: Any, done: Any) -> None:
    from feedpub import pipeline

    for number in range(1000):
        source = config.sources[0].path
        (source / f"more-{number}.md").write_text(markdown(f"More {number}", date="2025-08-15"), "utf-8")
        report = pipeline.publish(config, now=NOW + timedelta(seconds=number))
        assert not [notice for notice in report.notices if "index" in notice], report.notices
        done.value = number + 1
        if stop.is_set():
            return


def test_questions_are_answered_while_another_process_publishes(wire: Newsroom, client: Client) -> None:
    context = multiprocessing.get_context("spawn")
    stop, done = context.Event(), context.Value("i", 0)
    publisher = context.Process(target=_publish_again_and_again, args=(wire.config, stop, done))
    publisher.start()
    try:
        counts = []
        while done.value < 5 and publisher.is_alive():
            answer = client.get("/api/articles?limit=100&q=harbour")
            assert answer.status_code == 200
            found = elements(answer)
            assert {"bridge", "ferry"} <= set(found)
            counts.append(len(found))
            assert client.get(f"/api/articles/{identifier('ferry')}").status_code == 200
    finally:
        stop.set()
        publisher.join(60)
    assert publisher.exitcode == 0
    assert counts == sorted(counts)
    final = elements(client.get("/api/articles?limit=100&q=More"))
    assert len(final) == done.value


def test_a_reader_who_is_not_the_publisher_leaves_no_file_behind(
    wire: Newsroom, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name for path in wire.config.state.iterdir()}
    monkeypatch.setattr("os.geteuid", lambda: 65_533)
    assert articles(client.get("/api/articles")) == ALL
    assert {path.name for path in wire.config.state.iterdir()} == before
    # While somebody writes, the bare file is not enough: then what was read does not count.
    from feedpub.store.reading import NotReadableError, steady

    path = wire.config.state / STORE_NAME
    with pytest.raises(NotReadableError), steady(path):
        Path(f"{path}-wal").touch()


def test_the_api_can_be_switched_off_for_the_publisher_too(newsroom: Newsroom) -> None:
    newsroom.configure(server=replace(newsroom.config.server, api=False))
    newsroom.write("one.md", markdown())
    newsroom.publish()
    assert not (newsroom.config.state / INDEX_NAME).exists()
