"""`feedpub daemon`, `feedpub serve` and `feedpub up`: what runs until it is told to stop."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config


def add(commands: Any) -> None:
    """Add the three commands."""
    daemon_ = options.command(
        commands,
        "daemon",
        "Publish again and again, every source by its own timer, until told to stop.",
        "feedpub daemon",
        daemon,
    )
    serve_ = options.command(
        commands,
        "serve",
        "Serve the published files over HTTP until told to stop.",
        "feedpub serve --port 8080",
        serve,
    )
    up_ = options.command(
        commands,
        "up",
        "Publish and serve: daemon and server side by side, each begun again if it ends.",
        "feedpub up --port 8080",
        up,
    )
    for parser in (daemon_, serve_, up_):
        options.log_format(parser)
    for parser in (serve_, up_):
        parser.add_argument("--host", metavar="HOST", help="listen there instead of server.host")
        parser.add_argument("--port", metavar="PORT", type=_port, help="listen there instead of server.port")


def daemon(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the timer; the JSON, printed at the start, has output and sources (name, every_seconds)."""
    config, _ = options.newsroom(arguments)
    _begin(arguments, terminal, config)
    if terminal.as_json:
        sources = [{"name": source.name, "every_seconds": source.every_seconds} for source in config.sources]
        terminal.json({"output": config.publish.output, "sources": sources})
        terminal.stdout.flush()
    else:
        every = ", ".join(f"{source.name} every {source.every_seconds} s" for source in config.sources)
        terminal.remark(f"Publishing to {config.publish.output}: {every}. Stop with Ctrl-C.")
    from feedpub import daemon as timer

    return timer.run(config)


def serve(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Serve; the JSON, printed at the start, has output and address."""
    config, _ = options.newsroom(arguments)
    _begin(arguments, terminal, config)
    address = _address(arguments, config)
    if terminal.as_json:
        terminal.json({"output": config.publish.output, "address": address})
        terminal.stdout.flush()
    else:
        terminal.remark(f"Serving {config.publish.output} at {address} Stop with Ctrl-C.")
    from feedpub import serving

    return serving.run(config, host=arguments.host, port=arguments.port)


def up(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run both; the JSON, printed at the start, has output, address and processes (name → process id)."""
    import sys
    from collections.abc import Mapping

    from feedpub import supervising

    config, _ = options.newsroom(arguments)
    _begin(arguments, terminal, config, notices=())  # both processes tell theirs
    shared = ["-q"] if terminal.quiet else ["-" + "v" * arguments.verbose] if arguments.verbose else []
    shared += ["--config", str(arguments.config)] if arguments.config is not None else []
    shared += ["--log-format", arguments.log_format] if arguments.log_format is not None else []
    server = ["--host", arguments.host] if arguments.host is not None else []
    server += ["--port", str(arguments.port)] if arguments.port is not None else []
    program = [sys.executable, "-m", "feedpub"]

    def started(processes: Mapping[str, int]) -> None:
        if terminal.as_json:
            address = _address(arguments, config)
            terminal.json({"output": config.publish.output, "address": address, "processes": dict(processes)})
            terminal.stdout.flush()

    return supervising.supervise(
        {
            "daemon": [*program, "daemon", *shared],
            "server": [*program, "serve", *shared, *server],
        },
        started=started,
    )


def _address(arguments: argparse.Namespace, config: Config) -> str:
    host = arguments.host if arguments.host is not None else config.server.host
    port = arguments.port if arguments.port is not None else config.server.port
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _begin(
    arguments: argparse.Namespace,
    terminal: Terminal,
    config: Config,
    *,
    notices: tuple[str, ...] | None = None,
) -> None:
    import os

    from feedpub import logs

    # Whoever watches a service wants to see it work, so its log is there without asking.
    level = "WARNING" if terminal.quiet else "DEBUG" if arguments.verbose else "INFO"
    terminal.log(level, logs.chosen(arguments.log_format, os.environ, config.log.format))
    for notice in config.notices if notices is None else notices:
        terminal.remark(f"Note: {notice}")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 0 to 65535")
    return int(text)
