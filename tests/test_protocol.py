"""HTTP on the wire: what is answered from memory is what would be answered anew, and nobody takes too much."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from feedpub import serving
from feedpub.serving import answers, protocol
from tests.test_server import FEED, PAGE, Published, running

GET = b"GET /feed.xml HTTP/1.1\r\nHost: localhost\r\n\r\n"
OTHER = b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n"


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


class Client:
    """A connection on which requests are written by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        """Status and content of the next answer."""
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        length = int(found[1]) if found else 0
        while len(self.received) < length:
            self._more()
        body, self.received = self.received[:length], self.received[length:]
        return int(head.split()[1]), body

    def _more(self) -> None:
        part = self.socket.recv(65536)
        if not part:
            raise EOFError
        self.received += part

    def ended(self) -> bool:
        """Whether the server closes the connection."""
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(65536):
                pass
        return True


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


class Wire:
    """A transport that only notes what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def talk(output: Published, pieces: list[bytes], pause: float) -> Wire:
    """What happens on a connection on which these pieces come in, with pauses in seconds."""
    import uvicorn
    from uvicorn.server import ServerState

    config = uvicorn.Config(
        serving.build_app(output.root), http=protocol.Protocol, ws="none", interface="asgi3", log_config=None,
        lifespan="off", timeout_keep_alive=1,
    )  # fmt: skip
    config.load()
    wire = Wire()

    async def run() -> None:
        connection = protocol.Protocol(
            config=config, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop()
        )
        connection.connection_made(wire)
        for piece in pieces:
            if piece and not wire.closed:
                connection.data_received(piece)
            await asyncio.sleep(pause)
        closed = wire.closed
        connection.connection_lost(None)
        wire.closed = closed

    asyncio.run(run())
    return wire


def test_who_does_not_finish_a_request_is_not_waited_for(
    output: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    assert talk(output, [b"GET /", b"f", b"e", b"e"], 0.1).written.startswith(b"HTTP/1.1 408 ")
    assert talk(output, [GET, GET[:9], b"", b"", b""], 0.1).written.count(b"HTTP/1.1 408 ") == 1
    whole = talk(output, [GET[:9], GET[9:], b"", b"", b""], 0.1)
    assert (whole.written.count(b"HTTP/1.1 200 "), whole.written.count(b"HTTP/1.1 408 ")) == (1, 0)


def test_a_connection_answered_from_memory_is_closed_when_it_is_idle_and_not_before(
    output: Published,
) -> None:
    busy = talk(output, [GET] * 8, 0.25)
    assert (busy.written.count(b"HTTP/1.1 200 "), busy.closed) == (8, False)
    idle = talk(output, [GET, GET, b"", b""], 0.6)
    assert (idle.written.count(b"HTTP/1.1 200 "), idle.closed) == (2, True)


def test_a_fault_on_the_short_way_is_answered_on_the_long_one(
    output: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("feedpub.published.Output.entry", broken)
    assert talk(output, [GET, b""], 0.1).written.startswith(b"HTTP/1.1 500 ")
