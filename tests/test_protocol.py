"""HTTP on the wire: what is answered from memory is what would be answered anew, and nobody takes too much."""

from __future__ import annotations

import contextlib
import gzip
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from feedpub.serving import answers
from tests.test_server import FEED, PAGE, Published, running
from tests.wires import GET, OTHER, Client, talk


@pytest.fixture
def output(tmp_path: Path) -> Published:
    made = Published(tmp_path / "feeds")
    made.put("index.html", PAGE, "text/html")
    made.put("feed.xml", FEED, "application/rss+xml")
    made.put("feed.atom", FEED * 100, "application/atom+xml")
    made.manifest()
    return made


@pytest.fixture
def port(output: Published) -> Iterator[int]:
    process, port = running(output.root)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=15)
    assert "Traceback" not in log


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    made = Client(port)
    yield made
    made.socket.close()


def test_the_same_request_again_and_again_has_the_same_answer(client: Client) -> None:
    for _ in range(50):
        client.send(GET)
        assert client.answer() == (200, FEED)
        client.send(OTHER)
        assert client.answer() == (200, PAGE)


def test_what_is_answered_from_memory_changes_with_what_is_published(output: Published, port: int) -> None:
    client = Client(port)
    for number in range(30):
        content = FEED.replace(b"News", b"%d" % number)
        output.put("feed.xml", content, "application/rss+xml")
        output.manifest()
        for _ in range(3):
            client.send(GET)
            assert client.answer() == (200, content)
    client.socket.close()


def test_requests_in_one_segment_or_in_pieces(client: Client) -> None:
    client.send(GET)
    assert client.answer() == (200, FEED)
    client.send(GET + OTHER + GET)
    assert [client.answer()[1] for _ in range(3)] == [FEED, PAGE, FEED]
    for piece in (GET[:7], GET[7:40], GET[40:] + OTHER[:5], OTHER[5:]):
        client.send(piece)
        time.sleep(0.05)
    assert [client.answer()[1] for _ in range(2)] == [FEED, PAGE]


def test_an_answer_that_had_to_wait_is_not_taken_for_that_to_another_request(
    output: Published, port: int
) -> None:
    output.put("archives/0/feed-1.xml", FEED * 50_000, "application/rss+xml")
    output.manifest()
    client = Client(port)
    client.send(GET.replace(b"feed.xml", b"archives/0/feed-1.xml"))  # takes a while
    for request_ in (GET, OTHER):
        time.sleep(0.01)
        client.send(request_)
    assert [client.answer()[1] for _ in range(3)] == [FEED * 50_000, FEED, PAGE]
    for request_, content in ((OTHER, PAGE), (GET, FEED), (OTHER, PAGE)):
        client.send(request_)
        assert client.answer()[1] == content
    client.socket.close()


def test_content_that_looks_like_a_request_is_not_answered(client: Client) -> None:
    client.send(OTHER)
    assert client.answer() == (200, PAGE)
    head = b"GET /feed.xml HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(OTHER)
    client.send(head)
    assert client.answer() == (200, FEED)
    client.send(OTHER)  # the content of the request before
    client.send(GET)
    assert client.answer() == (200, FEED)


def test_a_client_that_wants_to_end_is_let_go(port: int) -> None:
    for _ in range(3):
        client = Client(port)
        client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert client.answer() == (200, FEED)
        assert client.ended()
        client.socket.close()


def test_compressed_answers_over_the_wire(port: int) -> None:
    with httpx.Client(trust_env=False, headers={"Accept-Encoding": "gzip"}) as http:
        for _ in range(3):
            answer = http.get(f"http://127.0.0.1:{port}/feed.atom")
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.content == FEED * 100
        raw = Client(port)
        raw.send(b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
        assert gzip.decompress(raw.answer()[1]) == FEED * 100
        raw.socket.close()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"NONSENSE\r\n\r\n", 400),
    ],
)
def test_requests_have_limits_and_the_connection_ends(client: Client, request_: bytes, status: int) -> None:
    client.send(request_)
    assert client.answer()[0] == status
    assert client.ended()


def test_an_endless_address_is_refused_before_it_ends(client: Client) -> None:
    client.send(b"GET /")
    with contextlib.suppress(ConnectionError):
        for _ in range(100):
            client.send(b"a" * 1000)
            time.sleep(0.001)
    with contextlib.suppress(EOFError, ConnectionResetError):
        assert client.answer()[0] == 414
    assert client.ended()


def test_content_that_nobody_asked_for_ends_the_connection(client: Client) -> None:
    client.send(b"POST /feed.xml HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert client.answer()[0] == 405
    assert client.ended()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GET, True),
        (GET.replace(b"GET", b"HEAD"), True),
        (GET + GET, False),
        (GET[:-2], False),
        (GET.replace(b"GET", b"POST"), False),
        (GET.replace(b"\r\n\r\n", b"\r\ncontent-LENGTH: 5\r\n\r\n"), False),
        (GET.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"), False),
        (GET.replace(b"\r\n\r\n", b"\r\nUpgrade: h2c\r\n\r\n"), False),
        (GET.replace(b"localhost", b"a" * 5000), False),
    ],
)
def test_which_requests_are_remembered(data: bytes, expected: bool) -> None:
    assert answers.repeatable(data) is expected


def test_another_protocol_that_is_offered_is_ignored(
    client: Client,
) -> None:
    offer = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
    client.send(offer + OTHER + offer + GET)
    assert [client.answer()[1] for _ in range(4)] == [FEED, PAGE, FEED, FEED]
    client.send(offer[:-2])
    time.sleep(0.05)
    client.send(offer[-2:] + OTHER)
    assert [client.answer()[1] for _ in range(2)] == [FEED, PAGE]


def test_what_is_no_request_is_counted_and_not_told(
    output: Published, caplog: pytest.LogCaptureFixture
) -> None:
    for nonsense in (b"NONSENSE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET ?a HTTP/1.1\r\n\r\n"):
        wire = talk(output, [nonsense], 0.0)
        assert wire.written.startswith(b"HTTP/1.1 400 ")
        assert wire.closed
        assert wire.telemetry.answers == {("refused", 400): 1}
    assert not caplog.records


def test_what_was_asked_before_a_request_that_is_none_is_answered_first(output: Published) -> None:
    output.put("archives/0/feed-1.xml", FEED * 50_000, "application/rss+xml")
    output.manifest()
    slow = GET.replace(b"feed.xml", b"archives/0/feed-1.xml")
    wire = talk(output, [slow + GET + b"NONSENSE\r\n\r\n" + GET, *[b""] * 10], 0.05)
    assert re.findall(rb"HTTP/1.1 (\d+) ", wire.written) == [b"200", b"200", b"400"]
    assert wire.written.count(FEED) == 50_001


def test_a_fault_on_the_short_way_is_answered_on_the_long_one(
    output: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("feedpub.published.Output.entry", broken)
    assert talk(output, [GET, b""], 0.1).written.startswith(b"HTTP/1.1 500 ")
