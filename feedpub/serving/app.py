"""The server: published files and what else it answers, one application to be run by uvicorn.

uvicorn was measured against granian with the same answers, one worker each, relative to nginx: 304s
0.24 and compressed feeds 0.26 through plain ASGI on uvicorn, 0.29 and 0.36 on granian, 0.38 and 0.39
through granian's own interface; uvicorn with `protocol` in place of its HTTP/1.1 0.97 and 0.99.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedpub.config import Config
from feedpub.errors import ServerError
from feedpub.logs import fields
from feedpub.serving.answers import Answers
from feedpub.serving.following import Follower
from feedpub.serving.headers import HSTS, encoded
from feedpub.serving.proxies import Proxies
from feedpub.serving.site import App, PublishedSite, Receive, Reply, Scope, Send, deliver
from feedpub.serving.telemetry import Telemetry

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger("feedpub.serving")

GRACE_SECONDS = 7
SWITCH_SECONDS = 0.0002

_HSTS = encoded(dict([HSTS]))


class Front:
    """The ASGI application: what `mounted` says goes to other applications, all else are published files.

    Args:
        site: answers with published files.
        mounted: path ("/api") → the application that answers there and below.
        telemetry: counts every answer.
        proxies: whose word counts for who asks and how.
    """

    def __init__(
        self, site: PublishedSite, mounted: Mapping[str, App], telemetry: Telemetry, proxies: Proxies
    ) -> None:
        self.site = site
        self.telemetry = telemetry
        telemetry.damaged = site.output.damaged
        self.proxies = proxies
        self.answers = Answers(site.output, site.clock)
        self._mounted = tuple(mounted.items())

    def become(self, other: Front) -> None:
        """Answer from now on as `other` does; only what is counted goes on."""
        self.site, self.proxies, self.answers = other.site, other.proxies, other.answers
        self._mounted = other._mounted

    def at_once(self, scope: Mapping[str, Any]) -> Reply | None:
        """The answer to a request for a published file, if it takes no time worth mentioning."""
        if scope["type"] != "http" or self._service(scope["path"]) is not None:
            return None
        try:
            reply = self.site.at_once(scope)
        except Exception:
            return None  # the application's own way comes to the same, and is reported
        return self._secured(scope, reply) if reply is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        service = self._service(scope["path"])
        if service is not None:
            kind, app = service
            await self._counted(kind, app, dict(self.proxies.seen_through(scope)), receive, send)
            return
        kind, status, size = "other", 500, 0
        try:
            reply = self._secured(scope, await self.site.reply(scope))
            kind, status, size = reply.kind, reply.status, reply.size
            await deliver(reply, receive, send)
        finally:
            self.telemetry.count(kind, status, size, time.perf_counter() - began)

    def _service(self, path: str) -> tuple[str, App] | None:
        for prefix, app in self._mounted:
            if path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/"):
                return prefix.strip("/"), app
        return None

    def _secured(self, scope: Mapping[str, Any], reply: Reply) -> Reply:
        if self.proxies.is_secure(scope):
            reply.headers.extend(_HSTS)
        return reply

    async def _counted(self, kind: str, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status, size = 500, 0

        async def counting(message: MutableMapping[str, Any]) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                if scope["scheme"] == "https":
                    message = {**message, "headers": [*message.get("headers", ()), *_HSTS]}
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, counting)
        finally:
            self.telemetry.count(kind, status, size, time.perf_counter() - began)


def build_app(
    output: Path,
    *,
    max_age_seconds: int = 300,
    site_url: str | None = None,
    hubs: Sequence[str] = (),
    mounted: Mapping[str, App] | None = None,
    telemetry: Telemetry | None = None,
    trusted_proxies: Iterable[str] = (),
) -> Front:
    """An ASGI application that serves the published files in `output`.

    Args:
        output: the folder that `feedpub publish` writes; it may still be empty.
        max_age_seconds: how long clients may keep an answer without asking again; the timer's interval.
        site_url: the site's address with a final "/": redirects to pages below it lead to where this server
            is reached, whatever its name and port. None to send them as they stand in the manifest.
        hubs: WebSub hubs that feeds name in their headers.
        mounted: path ("/api") → the ASGI application that answers there and below instead.
        telemetry: counts the answers; None for one of its own.
        trusted_proxies: addresses and networks whose X-Forwarded-For and -Proto are believed.
    """
    return Front(
        PublishedSite(output, max_age_seconds, site_url, hubs),
        mounted or {},
        telemetry or Telemetry(),
        Proxies(trusted_proxies),
    )


def services(config: Config, telemetry: Telemetry) -> dict[str, App]:
    """What is answered besides published files: path → ASGI application, health and status, and the API if it is on."""
    from feedpub.serving.operator import operator_app

    operator = operator_app(config, telemetry)
    found = dict.fromkeys(("/health", "/metrics", "/status", "/status.json"), operator)
    if config.server.api:
        from feedpub.serving.api import api_app

        found["/api"] = api_app(config)
    return found


def max_age_seconds(config: Config) -> int:
    """How long an answer may be kept: until the source that is read most often is read again."""
    return min((source.every_seconds for source in config.sources), default=300)


def run(
    config: Config, *, host: str | None = None, port: int | None = None, mounted: Mapping[str, App] | None = None,
    telemetry: Telemetry | None = None, started: Callable[[str], None] = lambda address: None,
) -> int:  # fmt: skip
    """Serve the newsroom's output until SIGTERM or SIGINT; 0 when stopped.

    Running answers are finished first, for at most seven seconds. A changed feedpub.toml is taken over within
    ten seconds, at SIGHUP at once; only the address stays.

    Args:
        config: the newsroom; its shortest `every` is what clients are told to wait between requests.
        host: the address to listen on; None for the configured one.
        port: the port to listen on, 0 for any free one; None for the configured one.
        mounted: what is answered besides published files: path → ASGI application; None for `services`.
        telemetry: counts the answers; None for one of its own.
        started: called with the address as soon as requests are taken there.

    Raises:
        ServerError: the address cannot be listened on.
    """
    import uvicorn

    from feedpub.serving.protocol import Protocol
    from feedpub.serving.server import Server

    host = config.server.host if host is None else host
    port = config.server.port if port is None else port
    telemetry = telemetry or Telemetry()
    listener = _listen(host, port)

    def made(config: Config) -> Front:
        return build_app(
            config.publish.output,
            max_age_seconds=max_age_seconds(config),
            site_url=config.site.url,
            hubs=config.publish.hubs,
            mounted=services(config, telemetry) if mounted is None else mounted,
            telemetry=telemetry,
            trusted_proxies=config.server.trusted_proxies,
        )

    front = made(config)
    follower = Follower(config, front, made)
    server = Server(
        uvicorn.Config(
            front,
            http=Protocol,
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    address = _shown(listener)
    log.info("server started  %s", fields(url=address, output=config.publish.output))
    started(address)
    # A new generation is read in a thread of its own, which by default lets a waiting answer in after 5 ms only.
    sys.setswitchinterval(SWITCH_SECONDS)
    follower.start()
    try:
        with _signals(server, follower):
            server.run(sockets=[listener])
    finally:
        follower.stop()
        listener.close()
    log.info("server stopped")
    return 0


@contextlib.contextmanager
def _signals(server: uvicorn.Server, follower: Follower) -> Iterator[None]:
    """Heed them in the main thread: SIGTERM and SIGINT end the server, SIGHUP has the configuration read again."""

    def end(*_: object) -> None:
        server.should_exit = True

    def reload(*_: object) -> None:
        follower.reload()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # After a signal uvicorn restores the handlers that it found and raises the signal once more:
    # the default ones would turn a clean end into a killed process.
    wanted = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if listener.family == socket.AF_INET6 else host}:{port}/"


def _listen(host: str, port: int) -> socket.socket:
    address = f"{host}:{port}"
    try:
        if not 0 <= port <= 65_535:  # the resolver would take it modulo 65,536
            raise OverflowError("a port is a number from 0 to 65535")
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(2048)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServerError(
            f"cannot listen on {address}: {reason}. {_remedy(error)}", address=address
        ) from error
    return listener


def _remedy(error: Exception) -> str:
    port = "choose another with --port, or set server.port in feedpub.toml."
    host = "for this machine alone it is 127.0.0.1, for all 0.0.0.0: give it with --host, or set server.host in feedpub.toml."
    if isinstance(error, socket.gaierror):
        return f"The name has no address. Correct it, or take an address of this machine; {host}"
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"Another program uses this port: {port}"
        case errno.EADDRNOTAVAIL:
            return f"This machine has no such address. Take one of its own; {host}"
        case errno.EACCES | errno.EPERM:
            return (
                f"Ports below 1024 are kept for the administrator: {port} A proxy can pass port 443 on to it."
            )
        case _:
            return "Correct --host and --port, or server.host and server.port in feedpub.toml."
