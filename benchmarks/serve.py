"""`feedpub serve` against nginx on the same folder, one worker each, in one run: prints a table of ratios.

    python benchmarks/serve.py [--articles 300] [--seconds 5] [--rounds 3] [--requests 1000000]

nginx serves files as they lie there, with `gzip_static` and its own ETags; feedpub sends all its
headers and looks for a new generation at each request. wrk keeps 32 connections busy. The servers
take turns, and the ratio is that of the medians.

- "304": a reader polls the feed with the ETag that it has.
- "feed, compressed": the feed's published twin.
- "feed, compressed, no two alike": the same, but each request has other bytes, so that nothing can
  be taken from the answers of this second.
- "page": an article's page, not compressed.

Then: the server's resident memory before and after so many requests, for all kinds in turn; and how
long one of a steady 200 requests a second takes at most for 99 of 100, at rest and while a
publisher refreshes without a pause. On two processors the publisher, the server and the client
compete for them, in the second case.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import corpus

_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; etag on; gzip_static on;
  types {{ text/html html; application/rss+xml xml; application/json json; }}
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
_CONFIG = """
[site]
title = "News"
url = "https://news.example/"
language = "en"
[sources.articles]
path = "articles"
"""
_VARIED = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", nil, {["Accept-Encoding"] = "gzip", ["User-Agent"] = "reader/" .. n})
end
"""
_PUBLISHER = """
import sys, pathlib
from feedpub.config import load
from feedpub.daemon.child import give_way
from feedpub.pipeline import publish
give_way()
config = load(pathlib.Path(sys.argv[1]))
article = sorted(config.sources[0].path.rglob("*.md"))[0]
text = article.read_text("utf-8")
number = 0
while True:
    number += 1
    article.write_text(text + f"\\n\\nUpdate {number}.\\n", "utf-8")
    publish(config)
    print(number, flush=True)
"""


@dataclass
class Case:
    """One kind of request; `script` is for wrk, `etag` whether the client knows the file."""

    name: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    script: str | None = None
    etag: bool = False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    sys.exit(f"no server came up on port {port}")


@contextlib.contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def ask(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], int]:
    """Status, headers and length of the content."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/{path}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, len(body)


def wrk(port: int, case: Case, seconds: int, folder: Path) -> tuple[float, int]:
    """Requests a second and in all."""
    headers = dict(case.headers)
    if case.etag:
        headers["If-None-Match"] = ask(port, case.path, headers)[1]["etag"]
    status, _, _ = ask(port, case.path, headers)
    assert status == (304 if case.etag else 200), (case, status)
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if case.script:
        (folder / "script.lua").write_text(case.script)
        command += ["-s", str(folder / "script.lua")]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/{case.path}"], capture_output=True, text=True, check=True
    ).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    assert refused is None, told
    rate, count = re.search(r"Requests/sec:\s*([\d.]+)", told), re.search(r"(\d+) requests in", told)
    assert rate is not None
    assert count is not None
    return float(rate[1]), int(count[1])


def resident(pid: int) -> int:
    """Bytes of memory of a process, by Linux."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


def paced(port: int, path: str, seconds: float, rate: int = 200) -> list[float]:
    """How long each of so many requests a second took, in seconds."""
    request = f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    took = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter()
        for number in range(int(seconds * rate)):
            time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            start = time.perf_counter()
            connection.sendall(request)
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(262_144)
            head, _, body = received.partition(b"\r\n\r\n")
            found = re.search(rb"(?i)content-length: (\d+)", head)
            length, have = int(found[1]) if found else 0, len(body)
            while have < length:
                have += len(connection.recv(262_144))
            took.append(time.perf_counter() - start)
    return took


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def compare(cases: list[Case], ports: dict[str, int], arguments: argparse.Namespace, folder: Path) -> None:
    print(f"{'':34}{'nginx':>12}{'feedpub':>12}{'ratio':>8}")
    for case in cases:
        rates: dict[str, list[float]] = {name: [] for name in ports}
        for _ in range(arguments.rounds):
            for name, port in ports.items():
                rates[name].append(wrk(port, case, arguments.seconds, folder)[0])
        nginx, own = (statistics.median(rates[name]) for name in ("nginx", "feedpub"))
        print(f"{case.name:34}{nginx:10,.0f}/s{own:10,.0f}/s{own / nginx:8.2f}", flush=True)


def memory(cases: list[Case], port: int, pid: int, requests: int, folder: Path) -> None:
    for case in cases:
        wrk(port, case, 1, folder)
    before, count = resident(pid), 0
    while count < requests:
        for case in cases:
            count += wrk(port, case, 2, folder)[1]
    after = resident(pid)
    print(
        f"\nmemory: {before / 1e6:.1f} MB, after {count:,} more requests {after / 1e6:.1f} MB "
        f"({(after - before) / before:+.1%})"
    )


def waiting(ports: dict[str, int], path: str, newsroom: Path, seconds: float) -> None:
    rest = {name: paced(port, path, seconds) for name, port in ports.items()}
    with running(sys.executable, "-c", _PUBLISHER, str(newsroom / "feedpub.toml")) as publisher:
        assert publisher.stdout is not None
        publisher.stdout.readline()
        busy = {name: paced(port, path, seconds) for name, port in ports.items()}
        assert publisher.poll() is None
    for name in ports:
        at_rest, while_busy = percentile(rest[name], 0.99), percentile(busy[name], 0.99)
        print(
            f"{name:8} p99 of a steady 200 requests a second: at rest {at_rest * 1000:.2f} ms, while "
            f"publishing {while_busy * 1000:.2f} ms ({while_busy / at_rest:.1f} times)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=200_000)
    arguments = parser.parse_args()
    missing = [name for name in ("nginx", "wrk") if find(name) is None]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed")
        return
    folder = Path(tempfile.mkdtemp(prefix="feedpub-benchmark-"))
    folder.chmod(0o755)  # nginx's worker is another user
    try:
        measure(arguments, folder)
    finally:
        shutil.rmtree(folder)


def find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    newsroom = folder / "newsroom"
    corpus.write(newsroom / "articles", arguments.articles)
    (newsroom / "feedpub.toml").write_text(_CONFIG)
    feedpub = [sys.executable, "-m", "feedpub"]
    subprocess.run([*feedpub, "publish", "--quiet", str(newsroom)], check=True)
    output = newsroom / "feeds"
    page = min(output.glob("articles/**/*.html")).relative_to(output).as_posix()
    packed = {"Accept-Encoding": "gzip"}
    cases = [
        Case("304", "feed.xml", packed, etag=True),
        Case("feed, compressed", "feed.xml", packed),
        Case("feed, compressed, no two alike", "feed.xml", packed, script=_VARIED),
        Case("page", page),
    ]
    ports = {"nginx": free_port(), "feedpub": free_port()}
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=ports["nginx"], root=output))
    serve = [*feedpub, "serve", "--quiet", "--port", str(ports["feedpub"])]
    serve += ["--config", str(newsroom / "feedpub.toml")]
    with running(str(find("nginx")), "-c", str(folder / "nginx.conf")), running(*serve) as server:
        for port in ports.values():
            wait_for(port)
        compare(cases, ports, arguments, folder)
        memory(cases, ports["feedpub"], server.pid, arguments.requests, folder)
        waiting(ports, "feed.xml", newsroom, max(5, arguments.seconds))


if __name__ == "__main__":
    main()
