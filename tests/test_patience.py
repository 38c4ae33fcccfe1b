"""Clients that ask without reading, do not ask, or read slowly: nobody takes more than his share."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from feedpub import serving
from feedpub.serving import patience, protocol, server
from tests.test_server import FEED, PAGE, Published
from tests.wires import GET, HIGH_WATER, OTHER, Wire, connected, talk

LARGE = "archives/0/feed-1.xml"
GET_LARGE = GET.replace(b"feed.xml", LARGE.encode())


@pytest.fixture
def output(tmp_path: Path) -> Published:
    made = Published(tmp_path / "feeds")
    made.put("index.html", PAGE, "text/html")
    made.put("feed.xml", FEED, "application/rss+xml")
    made.put(LARGE, FEED * 100_000, "application/rss+xml")  # more than is kept in memory: sent in parts
    made.manifest()
    return made


# Requests behind one another


def test_a_pipeline_goes_on_as_the_client_reads(output: Published) -> None:
    async def greedy(connection: Any, wire: Wire) -> None:
        connection.data_received((GET + OTHER) * 3000)
        for _ in range(3):
            await asyncio.sleep(0.01)
            assert not wire.reading
            assert len(connection.pipeline) <= 2
            answered = sum(wire.telemetry.answers.values())
        assert 0 < answered < 300
        while sum(wire.telemetry.answers.values()) < 6000:
            wire.take(30_000)
            await asyncio.sleep(0)
        assert wire.reading

    wire = connected(output, greedy, lazy=True)
    assert wire.most_buffered < HIGH_WATER + 2000  # one answer more than was room for
    bodies = re.findall(rb"\r\n\r\n(.+?\n)(?=HTTP/1.1|$)", wire.written, re.DOTALL)
    assert bodies == [FEED, PAGE] * 3000


def test_a_long_pipeline_leaves_others_their_turn(output: Published) -> None:
    async def long(connection: Any, wire: Wire) -> None:
        connection.data_received(GET * 3000)
        assert sum(wire.telemetry.answers.values()) <= protocol.MOST_TURNS
        while sum(wire.telemetry.answers.values()) < 3000:
            await asyncio.sleep(0)
        connection.data_received(OTHER)

    wire = connected(output, long)
    assert (wire.written.count(FEED), wire.written.count(PAGE)) == (3000, 1)


def test_what_comes_in_behind_an_answer_on_its_way_waits_unparsed(output: Published) -> None:
    async def impatient(connection: Any, wire: Wire) -> None:
        connection.data_received(GET_LARGE + GET * 1000)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert sum(wire.telemetry.answers.values()) == 0
        assert len(connection.pipeline) <= 2
        while sum(wire.telemetry.answers.values()) < 1001:
            wire.take(HIGH_WATER)
            await asyncio.sleep(0.001)

    wire = connected(output, impatient, lazy=True)
    assert wire.most_buffered < HIGH_WATER + 300_000  # one part more than was room for
    assert wire.written.count(FEED) == 101_000


# Clients that do not ask


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


@pytest.mark.parametrize(
    ("pieces", "answers"),
    [
        ([], 0),
        ([b"\r\n", b"\r\n"], 0),
        ([GET], 1),
        ([GET, GET, GET], 3),
        ([GET, b"\r\n", b"\r\n"], 1),
        ([GET, GET, b"\r\n"], 2),
        ([GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n"), b"a", b"b"], 1),
        ([GET_LARGE, b"", b""], 1),
        ([GET_LARGE + b"\r\n", b"\r\n"], 1),
    ],
)
def test_whoever_asks_nothing_is_let_go(
    output: Published, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], answers: int
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    wire = talk(output, [*pieces, *[b""] * 10], 0.1, timeout_keep_alive=0.3)
    assert re.findall(rb"HTTP/1.1 (\d+) ", wire.written) == [b"200"] * answers
    assert wire.closed
    assert wire.telemetry.closings == {}


# Clients that do not read


@pytest.mark.parametrize(
    "pieces",
    [
        [GET * 500],
        [GET_LARGE],
        [GET_LARGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")],
        [GET_LARGE[:-2], b"\r\n" + OTHER],
    ],
)
def test_who_takes_nothing_of_an_answer_is_cut_off(
    output: Published, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(protocol, "STALLED_SECONDS", 0.2)

    async def asleep(connection: Any, wire: Wire) -> None:
        for piece in pieces:
            connection.data_received(piece)
        for _ in range(8):
            await asyncio.sleep(0.1)

    wire = connected(output, asleep, lazy=True)
    assert (wire.aborted, wire.wasted) == (True, 0)
    assert wire.telemetry.closings == {"stalled": 1}


def test_an_answer_whose_connection_is_to_end_after_it_is_not_waited_for_either(
    output: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "STALLED_SECONDS", 0.2)
    last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    async def asleep(connection: Any, wire: Wire) -> None:
        connection.data_received(last)
        assert wire.closed
        await asyncio.sleep(0.8)

    assert connected(output, asleep, lazy=True).aborted


@pytest.mark.parametrize("request_", [GET * 500, GET_LARGE])
def test_who_reads_slowly_but_steadily_is_waited_for(
    output: Published, monkeypatch: pytest.MonkeyPatch, request_: bytes
) -> None:
    monkeypatch.setattr(protocol, "STALLED_SECONDS", 0.4)

    async def slow(connection: Any, wire: Wire) -> None:
        connection.data_received(request_)
        for _ in range(30):
            await asyncio.sleep(0.05)
            wire.take(10)

    wire = connected(output, slow, lazy=True, timeout_keep_alive=0.1)
    assert not wire.closed
    assert wire.telemetry.closings == {}


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="this system does not tell what was received")
def test_what_a_client_takes_is_seen_before_the_buffer_shrinks() -> None:
    async def measured() -> tuple[int, int, int]:
        made: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()

        class Writing(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                transport.write(b"a" * 50_000_000)
                made.set_result(transport)

        listening = await asyncio.get_running_loop().create_server(Writing, "127.0.0.1", 0)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.connect(listening.sockets[0].getsockname())
        transport = await made
        await asyncio.sleep(0.2)
        before, still = patience._taken(transport), patience._taken(transport)
        left = 100_000  # too few for the system to take more from the buffer
        while left > 0:
            left -= len(await asyncio.to_thread(client.recv, 65_536))
        await asyncio.sleep(0.2)
        after = patience._taken(transport)
        transport.abort()
        client.close()
        listening.close()
        return before, still, after

    before, still, after = asyncio.run(measured())
    assert before == still
    assert before != after


# Too many clients, and the end


def test_a_connection_too_many_is_closed_and_counted(
    output: Published, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol, "_most_connections", lambda: 0)
    wire = talk(output, [GET], 0.0)
    assert (wire.written, wire.closed) == (b"", True)
    assert wire.telemetry.closings == {"full": 1}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def ended(output: Published, request_: bytes) -> tuple[serving.app.Front, bytes]:
    """What a client that does not read got from a server that was told to end."""
    front = serving.build_app(output.root)
    settings = {"ws": "none", "log_config": None, "lifespan": "off", "timeout_graceful_shutdown": 1}
    run = server.Server(uvicorn.Config(front, http=protocol.Protocol, interface="asgi3", **settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run.run, kwargs={"sockets": [listener]})
        thread.start()
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(request_)
            received = client.recv(20)
            time.sleep(0.2)
            run.should_exit = True
            thread.join(20)
        assert not thread.is_alive()
    return front, received


def test_a_client_that_does_not_read_holds_nobody_up_and_is_no_error(
    output: Published, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol, "ENDING_SECONDS", 0.7)
    output.put(LARGE, FEED * 500_000, "application/rss+xml")
    output.manifest()
    caplog.set_level(logging.INFO)
    front, received = ended(output, GET_LARGE)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert front.telemetry.closings == {"ending": 1}
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_server_that_ends_answers_what_was_asked_first(output: Published) -> None:
    async def ending(connection: Any, wire: Wire) -> None:
        connection.data_received(GET_LARGE + GET)
        await asyncio.sleep(0.01)
        connection.shutdown()
        while not wire.closed:
            await asyncio.sleep(0.01)

    wire = connected(output, ending)
    assert wire.written.count(FEED) == 100_000
    assert not wire.aborted


def test_a_signal_ends_a_server_that_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TICK_SECONDS", 3600.0)

    async def slept() -> None:
        sleeping = server.Server(uvicorn.Config("none", log_config=None))
        asyncio.get_running_loop().call_later(0.05, sleeping.handle_exit, signal.SIGTERM, None)
        async with asyncio.timeout(30):
            await sleeping.main_loop()

    asyncio.run(slept())
