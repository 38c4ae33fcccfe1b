"""The server: published files, and what else it answers, as one ASGI application."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from feedpub.config import Config
from feedpub.errors import ServerError
from feedpub.serving.site import PublishedSite

log = logging.getLogger("feedpub.serving")

GRACE_SECONDS = 7


def build_app(output: Path, *, max_age_seconds: int = 300, site_url: str | None = None) -> Starlette:
    """An ASGI application that serves the published files in `output`.

    Args:
        output: the folder that `feedpub publish` writes; it may still be empty.
        max_age_seconds: how long clients may keep an answer without asking again; the timer's interval.
        site_url: the site's address with a final "/": redirects to pages below it lead to where this server
            is reached, whatever its name and port. None to send them as they stand in the manifest.
    """
    return Starlette(routes=[Mount("", app=PublishedSite(output, max_age_seconds, site_url))])


def run(config: Config, *, host: str | None = None, port: int | None = None) -> int:
    """Serve the newsroom's output until SIGTERM or SIGINT; 0 when stopped.

    Running answers are finished first, for at most seven seconds.

    Args:
        config: the newsroom; its shortest `every` is what clients are told to wait between requests.
        host: the address to listen on; None for the configured one.
        port: the port to listen on, 0 for any free one; None for the configured one.

    Raises:
        ServerError: the address cannot be listened on.
    """
    import uvicorn

    host = config.server.host if host is None else host
    port = config.server.port if port is None else port
    max_age = min((source.every_seconds for source in config.sources), default=300)
    listener = _listen(host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            build_app(config.publish.output, max_age_seconds=max_age, site_url=config.site.url),
            log_config=None,
            access_log=False,
            lifespan="off",
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    address = listener.getsockname()
    shown = f"[{address[0]}]" if listener.family == socket.AF_INET6 else address[0]
    log.info("server started  url=http://%s:%s/ output=%s", shown, address[1], config.publish.output)

    def told(*_: object) -> None:
        server.should_exit = True

    # After a signal uvicorn restores the handlers that it found and raises the signal once more:
    # the default ones would turn a clean end into a killed process.
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT) if main}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listener.close()
    log.info("server stopped")
    return 0


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
            f"cannot listen on {address}: {reason}. Another program may use this port: choose another with "
            "--port, or set server.host and server.port in feedpub.toml.",
            address=address,
        ) from error
    return listener
