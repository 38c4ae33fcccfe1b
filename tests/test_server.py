"""HTTP out: types, validators, conditional requests, and nothing but what the manifests list."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from feedpub import published, serving
from feedpub.config import Config, Publish, SourceConfig
from feedpub.errors import ServerError

FEED = b'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title></channel></rss>\n'
PAGE = b"<!doctype html><title>A page</title>\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 30


@dataclass
class Published:
    """An output folder as a publisher leaves it, written by hand."""

    root: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, path: str, content: bytes, media_type: str, **extra: Any) -> None:
        self.place(path, content)
        self.files[path] = {
            "hash": hashlib.sha256(content).hexdigest(),
            "type": media_type,
            "size": len(content),
            "modified": "2025-09-02T10:00:00Z",
            **extra,
        }

    def place(self, path: str, content: bytes) -> None:
        """Bytes in place, as a publisher does it: renamed over what was there."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = self.root.parent / f"staged-{os.getpid()}"
        staged.write_bytes(content)
        os.utime(staged, (1_756_000_000, 1_756_000_000))
        staged.rename(target)

    def manifest(self) -> None:
        own = {path for path in self.files if path.partition("/")[0] in ("articles", "events", "media")}
        folders: dict[str, dict[str, str]] = {}
        for folder in sorted({path.rpartition("/")[0] for path in own}):
            listed = {path: self.files[path] for path in own if path.rpartition("/")[0] == folder}
            content = json.dumps({"files": listed}).encode()
            self.place(f"{folder}/manifest.json", content)
            folders[folder] = {"hash": hashlib.sha256(content).hexdigest()}
        files = {path: entry for path, entry in self.files.items() if path not in own}
        root = {"feedpub": "0.1.0", "files": files, "folders": folders}
        self.place("manifest.json", json.dumps(root).encode())


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(app: Any, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request straight to the application, its (decoded) path untouched by any client."""
    messages: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)  # this client sends nothing more and does not go away
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(dict(message))

    asyncio.run(app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return Answer(
        messages[0]["status"], found, b"".join(message.get("body", b"") for message in messages[1:])
    )


@pytest.fixture
def output(tmp_path: Path) -> Published:
    made = Published(tmp_path / "feeds")
    made.put("index.html", PAGE, "text/html")
    made.put("feed.xml", FEED, "application/rss+xml")
    made.put("feed.jsonld", b"{}\n", "application/ld+json")
    made.put("sections/world/feed.xml", FEED, "application/rss+xml")
    made.put("articles/2025/09/bridge-0a1b2c3d.html", PAGE, "text/html")
    made.put("media/ab12.png", PNG, "image/png")
    made.manifest()
    return made


@pytest.fixture
def app(output: Published) -> Any:
    return serving.build_app(output.root, max_age_seconds=120)


@pytest.mark.parametrize(
    ("path", "media_type", "body"),
    [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/index.html", "text/html; charset=utf-8", PAGE),
        ("/feed.xml", "application/rss+xml; charset=utf-8", FEED),
        ("/feed.jsonld", "application/ld+json", b"{}\n"),
        ("/sections/world/feed.xml", "application/rss+xml; charset=utf-8", FEED),
        ("/articles/2025/09/bridge-0a1b2c3d.html", "text/html; charset=utf-8", PAGE),
        ("/media/ab12.png", "image/png", PNG),
    ],
)
def test_each_kind_of_file_goes_out_whole_with_its_media_type(
    app: Any, path: str, media_type: str, body: bytes
) -> None:
    answer = ask(app, path)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in answer.headers


def test_the_manifests_themselves_are_served(app: Any) -> None:
    root = json.loads(ask(app, "/manifest.json").body)
    assert "feed.xml" in root["files"]
    folder = ask(app, "/articles/2025/09/manifest.json")
    assert folder.headers["content-type"] == "application/json"
    assert list(json.loads(folder.body)["files"]) == ["articles/2025/09/bridge-0a1b2c3d.html"]


def test_head_answers_as_get_without_the_body(app: Any) -> None:
    get, head = ask(app, "/feed.xml"), ask(app, "/feed.xml", "HEAD")
    assert head.body == b""
    volatile = {"expires"}
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in get.headers.items() if k not in volatile
    }
    assert head.headers["content-length"] == str(len(FEED))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "FOO"])
def test_other_methods_are_refused_and_the_allowed_ones_named(app: Any, method: str) -> None:
    answer = ask(app, "/feed.xml", method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_etag_is_strong_and_belongs_to_the_bytes(app: Any) -> None:
    etag = ask(app, "/feed.xml").headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    assert etag.strip('"') == hashlib.sha256(FEED).hexdigest()[:32]
    assert ask(app, "/sections/world/feed.xml").headers["etag"] == etag
    assert ask(app, "/feed.jsonld").headers["etag"] != etag


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("{}", 304),
        ("W/{}", 304),
        ('"other", {}', 304),
        ('"a,b" , W/{} ,"c"', 304),
        ("*", 304),
        ('"other"', 200),
        ('W/"other"', 200),
        ("", 200),
        ('"', 200),
        ("not-a-tag", 200),
    ],
)
def test_if_none_match(app: Any, pattern: str, status: int) -> None:
    etag = ask(app, "/feed.xml").headers["etag"]
    answer = ask(app, "/feed.xml", if_none_match=pattern.format(etag))
    assert answer.status == status
    assert answer.headers["etag"] == etag
    if status == 304:
        assert answer.body == b""
        assert "content-length" not in answer.headers
        assert {"cache-control", "expires"} <= set(answer.headers)


def test_if_modified_since(app: Any) -> None:
    stamp = ask(app, "/feed.xml").headers["last-modified"]
    moment = email.utils.parsedate_to_datetime(stamp).timestamp()
    assert moment == 1_756_000_000

    def since(seconds: float) -> int:
        return ask(app, "/feed.xml", if_modified_since=email.utils.formatdate(seconds, usegmt=True)).status

    assert [since(moment), since(moment + 1), since(moment - 1)] == [304, 304, 200]
    assert ask(app, "/feed.xml", if_modified_since="yesterday").status == 200


def test_if_none_match_goes_before_if_modified_since(app: Any) -> None:
    stamp = ask(app, "/feed.xml").headers["last-modified"]
    assert ask(app, "/feed.xml", if_none_match='"other"', if_modified_since=stamp).status == 200


def test_a_file_of_this_very_second_has_no_last_modified_to_rely_on(output: Published, app: Any) -> None:
    os.utime(output.root / "feed.xml")
    answer = ask(app, "/feed.xml")
    assert (answer.status, "last-modified" in answer.headers) == (200, False)


def test_clients_are_told_to_wait_as_long_as_the_timer(app: Any) -> None:
    answer = ask(app, "/feed.xml")
    assert answer.headers["cache-control"] == "public, max-age=120"
    expires = email.utils.parsedate_to_datetime(answer.headers["expires"]).timestamp()
    assert expires == pytest.approx(time.time() + 120, abs=5)


def test_media_never_changes_and_may_be_kept(app: Any) -> None:
    assert ask(app, "/media/ab12.png").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in ask(app, "/media/manifest.json").headers["cache-control"]


def test_pages_run_no_script_and_are_framed_nowhere(app: Any) -> None:
    for path in ("/", "/no-such-page"):
        policy = ask(app, path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
    assert "sandbox" in ask(app, "/media/ab12.png").headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/../secret.txt",
        "/..",
        "/articles/../../secret.txt",
        "/articles/2025/09/../../../../secret.txt",
        "/./feed.xml",
        "//feed.xml",
        "/..\\secret.txt",
        "/feed.xml\x00.html",
        "/feed.xml/",
        "/%2e%2e/secret.txt",
        "/.hidden",
        "/articles/2025/09/.hidden",
        "/sections/world/",
        "/articles",
        "/unlisted.xml",
        "/outside/secret.txt",
        "/" + "a/" * 900,
        "/feed\r\nX-Evil: 1",
        "feed.xml",
    ],
)
def test_nothing_else_is_reachable(output: Published, app: Any, path: str) -> None:
    (output.root.parent / "secret.txt").write_text("secret")
    (output.root / ".hidden").write_text("secret")
    (output.root / "unlisted.xml").write_text("secret")
    (output.root / "outside").symlink_to(output.root.parent)
    answer = ask(app, path)
    assert answer.status == 404
    assert b"secret" not in answer.body
    assert "x-evil" not in answer.headers


def test_a_listed_file_behind_a_symbolic_link_is_not_followed(output: Published, app: Any) -> None:
    (output.root.parent / "secret.txt").write_text("secret")
    (output.root / "link.txt").symlink_to(output.root.parent / "secret.txt")
    (output.root / "folder").symlink_to(output.root.parent)
    for path in ("link.txt", "folder/secret.txt", "../secret.txt", "/etc/passwd"):
        output.files[path] = {"hash": "0", "type": "text/plain", "size": 6}
    output.manifest()
    for path in ("/link.txt", "/folder/secret.txt", "/../secret.txt", "//etc/passwd"):
        assert ask(app, path).status == 404


def test_a_listed_pipe_or_folder_holds_nobody_up(output: Published, app: Any) -> None:
    os.mkfifo(output.root / "pipe.xml")
    (output.root / "folder.xml").mkdir()
    for path in ("pipe.xml", "folder.xml"):
        output.files[path] = {"hash": "0", "type": "application/xml", "size": 0}
    output.manifest()
    assert [ask(app, "/pipe.xml").status, ask(app, "/folder.xml").status] == [404, 404]


def test_the_output_folder_itself_may_be_a_link(output: Published, tmp_path: Path) -> None:
    (tmp_path / "public").symlink_to(output.root)
    assert ask(serving.build_app(tmp_path / "public"), "/feed.xml").body == FEED


def test_before_the_first_refresh_the_answer_is_503_and_then_the_feed(tmp_path: Path) -> None:
    app = serving.build_app(tmp_path / "feeds")
    early = ask(app, "/feed.xml")
    assert (early.status, early.body) == (503, b"nothing published yet\n")
    assert int(early.headers["retry-after"]) > 0
    made = Published(tmp_path / "feeds")
    made.put("feed.xml", FEED, "application/rss+xml")
    assert ask(app, "/feed.xml").status == 503  # in place, but not yet published
    made.manifest()
    assert ask(app, "/feed.xml").body == FEED


def test_a_new_manifest_is_noticed_at_once(output: Published, app: Any) -> None:
    assert ask(app, "/feed.xml").body == FEED
    output.put("feed.xml", FEED.replace(b"News", b"Olds"), "application/rss+xml")
    output.put("articles/2026/01/new-00000000.html", PAGE, "text/html")
    del output.files["feed.jsonld"]
    output.manifest()
    assert b"Olds" in ask(app, "/feed.xml").body
    assert ask(app, "/articles/2026/01/new-00000000.html").status == 200
    assert ask(app, "/feed.jsonld").status == 404


@pytest.mark.parametrize("broken", [b"", b"{", b"[1]", b'{"files": {"feed.xml": 3}', b"[" * 100_000])
def test_a_manifest_that_breaks_leaves_what_was_served_before(
    output: Published, app: Any, broken: bytes
) -> None:
    assert ask(app, "/feed.xml").status == 200
    output.place("manifest.json", broken)
    assert ask(app, "/feed.xml").body == FEED
    assert ask(serving.build_app(output.root), "/feed.xml").status == 503


def test_a_manifest_of_the_wrong_shape_publishes_nothing(output: Published) -> None:
    for content in (b"{}", b'{"files": []}', b'{"files": {"feed.xml": null}, "folders": 7}'):
        output.place("manifest.json", content)
        assert ask(serving.build_app(output.root), "/feed.xml").status == 404


def test_a_withdrawn_page_is_gone_but_still_says_so(output: Published, app: Any) -> None:
    output.put("articles/2025/09/bridge-0a1b2c3d.html", b"<p>withdrawn</p>", "text/html", status=410)
    output.manifest()
    answer = ask(app, "/articles/2025/09/bridge-0a1b2c3d.html")
    assert (answer.status, answer.body) == (410, b"<p>withdrawn</p>")
    again = ask(app, "/articles/2025/09/bridge-0a1b2c3d.html", if_none_match=answer.headers["etag"])
    assert again.status == 410


def test_the_record_and_calendar_of_what_was_withdrawn_are_gone_too(output: Published, app: Any) -> None:
    output.put("events/2025/09/fair-0a1b2c3d.html", b"<p>withdrawn</p>", "text/html", status=410)
    output.manifest()
    for ending in ("jsonld", "ics"):
        answer = ask(app, f"/events/2025/09/fair-0a1b2c3d.{ending}")
        assert (answer.status, answer.body) == (410, b"It was withdrawn.\n")
    assert ask(app, "/events/2025/09/fair-0a1b2c3d.txt").status == 404
    assert ask(app, "/events/2025/09/other-0a1b2c3d.jsonld").status == 404


def test_the_record_of_a_page_that_moved_has_moved_with_it(output: Published) -> None:
    app = serving.build_app(output.root, site_url="https://news.example/")
    target = "https://news.example/articles/2025/09/new.html"
    output.put("articles/2025/09/old.html", PAGE, "text/html", redirect=target)
    output.manifest()
    answer = ask(app, "/articles/2025/09/old.jsonld")
    assert (answer.status, answer.headers["location"]) == (301, "new.jsonld")


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("https://news.example/articles/new.html", "https://news.example/articles/new.html"),
        ("articles/2025/09/new.html", "/articles/2025/09/new.html"),
        ("articles/2025/09/Über.html", "/articles/2025/09/%C3%9Cber.html"),
        ("//evil.example/x", "/evil.example/x"),
        ("https://news.example/a b\r\nX-Evil: 1", "https://news.example/a%20b%0D%0AX-Evil:%201"),
    ],
)
def test_a_moved_page_redirects(output: Published, app: Any, target: str, location: str) -> None:
    output.put("articles/2025/09/old.html", PAGE, "text/html", redirect=target)
    output.manifest()
    answer = ask(app, "/articles/2025/09/old.html")
    assert (answer.status, answer.headers["location"]) == (301, location)


@pytest.mark.parametrize(
    ("asked", "target", "location"),
    [
        ("articles/2025/09/old.html", "articles/2025/10/new.html", "../10/new.html"),
        ("ferry.html", "articles/2025/09/new.html", "articles/2025/09/new.html"),
        ("2024/ferry/", "articles/2025/09/new.html", "../../articles/2025/09/new.html"),
        ("ferry.html", "articles/%C3%9Cber.html", "articles/%C3%9Cber.html"),
    ],
)
@pytest.mark.parametrize("site", ["http://localhost:8080/", "https://news.example/harbour/"])
def test_a_redirect_to_a_page_of_ours_stays_on_this_server(
    output: Published, site: str, asked: str, target: str, location: str
) -> None:
    page = f"{asked}index.html" if asked.endswith("/") else asked
    output.put(page, PAGE, "text/html", redirect=site + target)
    output.put("away.html", PAGE, "text/html", redirect="https://other.example/new.html")
    output.manifest()
    app = serving.build_app(output.root, site_url=site)
    answer = ask(app, f"/{asked}")
    assert (answer.status, answer.headers["location"]) == (301, location)
    assert ask(app, "/away.html").headers["location"] == "https://other.example/new.html"


@pytest.mark.parametrize("target", ["javascript:alert(1)", "../../etc/passwd", "\x00"])
def test_a_redirect_leads_nowhere_it_should_not(output: Published, app: Any, target: str) -> None:
    output.put("articles/2025/09/old.html", PAGE, "text/html", redirect=target)
    output.manifest()
    answer = ask(app, "/articles/2025/09/old.html")
    assert answer.status in (301, 404)
    assert answer.headers.get("location", "/").startswith("/")


@pytest.mark.parametrize(
    ("stated", "sent"),
    [
        ("text/html; charset=utf-8", "text/html; charset=utf-8"),
        ("application/atom+xml", "application/atom+xml; charset=utf-8"),
        ("application/xml", "application/xml; charset=utf-8"),
        ("text/html\r\nX-Evil: 1", "application/xml; charset=utf-8"),
        (None, "application/xml; charset=utf-8"),
        (7, "application/xml; charset=utf-8"),
    ],
)
def test_media_types_come_from_the_manifest_if_they_are_ones(
    output: Published, app: Any, stated: Any, sent: str
) -> None:
    output.put("other.xml", FEED, stated)
    output.manifest()
    answer = ask(app, "/other.xml")
    assert answer.headers["content-type"] == sent
    assert "x-evil" not in answer.headers


def test_a_large_file_is_streamed_whole_and_not_kept_in_memory(output: Published, app: Any) -> None:
    content = os.urandom(1000) * 3001
    output.put("media/big.png", content, "image/png")
    output.manifest()
    answer = ask(app, "/media/big.png")
    assert answer.body == content
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["etag"].strip('"') == hashlib.sha256(content).hexdigest()[:32]
    assert ask(app, "/media/big.png", if_none_match=answer.headers["etag"]).status == 304
    assert ask(app, "/media/big.png", "HEAD").body == b""


def test_what_is_kept_in_memory_has_a_bound(output: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "CACHE_BYTES", 10_000)
    kept = published.Output(output.root)
    for number in range(50):
        output.place(f"{number}.txt", number.to_bytes(2, "big") * 500)
        assert kept.read(f"{number}.txt", None) is not None
    assert len(kept._files) == 10
    assert kept._cached_bytes == 10_000
    # And the same bytes, read again and again, count once.
    for _ in range(50):
        assert kept.read("49.txt", None) is not None
    assert kept._cached_bytes == sum(file.size for file in kept._files.values()) == 10_000


# Over a real connection.


SERVER = """
import sys
from pathlib import Path
from feedpub import serving
from feedpub.cadence import spaced
from feedpub.config import Config, Publish, SourceConfig
output, port, every = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sources = (SourceConfig(name="a", every=spaced(900)), SourceConfig(name="b", every=spaced(every)))
sys.exit(serving.run(Config(root=output.parent, publish=Publish(output=output), sources=sources), port=port))
"""


def running(root: Path, *, every: int = 60) -> tuple[subprocess.Popen[str], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(root), str(port), str(every)], stderr=subprocess.PIPE, text=True
    )
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            assert process.poll() is None
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def raw(port: int, target: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_over_a_socket_while_another_publishes_and_until_sigterm(output: Published) -> None:
    (output.root.parent / "secret.txt").write_text("secret")
    process, port = running(output.root)
    try:
        for target in (
            b"/../secret.txt",
            b"/%2e%2e/secret.txt",
            b"/%2e%2e%2fsecret.txt",
            b"/..%5csecret.txt",
            b"/feed.xml%00",
            b"/%ff%fe",
            b"/articles/%2e%2e/%2e%2e/secret.txt",
        ):
            received = raw(port, target)
            assert received.startswith(b"HTTP/1.1 404 ")
            assert b"secret" not in received
        assert b"max-age=60" in raw(port, b"/feed.xml")

        stop = threading.Event()

        def publish() -> None:
            for number in range(10_000):
                output.put(
                    "feed.xml",
                    FEED.replace(b"News", b"%d" % number * (number % 50 + 1)),
                    "application/rss+xml",
                )
                output.manifest()
                if stop.is_set():
                    return

        publisher = threading.Thread(target=publish)
        publisher.start()
        seen = set()
        try:
            with httpx.Client(trust_env=False) as client:
                for _ in range(20_000):
                    if len(seen) > 10:
                        break
                    answer = client.get(f"http://127.0.0.1:{port}/feed.xml")
                    assert answer.status_code == 200
                    assert answer.content.endswith(b"</rss>\n")
                    etag = answer.headers["etag"].strip('"')
                    assert etag == hashlib.sha256(answer.content).hexdigest()[:32]
                    seen.add(etag)
        finally:
            stop.set()
            publisher.join()
        assert len(seen) > 10
        # A client that keeps its connection open does not keep the server from ending.
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
    finally:
        if process.poll() is None:
            process.kill()
        _, log = process.communicate()
    assert "Traceback" not in log


def test_a_port_in_use_is_named_with_the_remedy(tmp_path: Path) -> None:
    config = Config(root=tmp_path, publish=Publish(output=tmp_path), sources=(SourceConfig(name="a"),))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match="--port") as caught:
            serving.run(config, port=port)
    assert caught.value.address == f"127.0.0.1:{port}"
    with pytest.raises(ServerError):
        serving.run(config, port=99_999)


@pytest.mark.parametrize(
    ("fault", "remedy", "wrong"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "Another program uses this port", "name"),
        (OSError(errno.EADDRNOTAVAIL, "not available"), "no such address", "--port"),
        (OSError(errno.EACCES, "denied"), "below 1024", "Another program"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "The name has no address", "--port"),
        (OSError(errno.EAFNOSUPPORT, "no such family"), "--host and --port", "Another program"),
    ],
)
def test_each_reason_why_it_cannot_listen_has_its_own_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError, remedy: str, wrong: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    config = Config(root=tmp_path, publish=Publish(output=tmp_path), sources=(SourceConfig(name="a"),))
    with pytest.raises(ServerError, match=remedy) as caught:
        serving.run(config, host="news.example", port=80)
    assert wrong not in str(caught.value)
    assert "feedpub.toml" in str(caught.value)
