"""`feedpub daemon`, `feedpub serve` and `feedpub up`: what runs until it is told to stop."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config, SourceConfig
    from feedpub.logs import Format


def add(commands: Any) -> None:
    """Add the three commands."""
    daemon_ = options.command(
        commands,
        "daemon",
        "Publish again and again, every source by its own timer, until told to stop.",
        "feedpub daemon",
        daemon,
    )
    only = daemon_.add_mutually_exclusive_group()
    only.add_argument(
        "--once", action="store_true", help="refresh every source once as the daemon does, and leave"
    )
    only.add_argument("--dry-run", action="store_true", help="say what would run when, and refresh nothing")
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
    """Run the timer; the JSON, printed as soon as no other daemon can run, has output and sources.

    Each source has name, every, every_seconds and watch; with --dry-run also next, a list of times.
    """
    config, _ = options.newsroom(arguments)
    if arguments.dry_run:
        return _rehearse(config, terminal)
    log_format = _begin(arguments, terminal, config)

    def started() -> None:
        if terminal.as_json:
            sources = [_told(one) for one in config.sources]
            terminal.json({"output": config.publish.output, "sources": sources})
            terminal.stdout.flush()
        elif log_format == "people":
            every = ", ".join(f"{source.name} {source.every.text}" for source in config.sources)
            ending = "" if arguments.once else " Stop with Ctrl-C."
            terminal.remark(f"Publishing to {config.publish.output}: {every}.{ending}")

    from feedpub import daemon as timer

    return timer.run(config, once=bool(arguments.once), started=started)


def _rehearse(config: Config, terminal: Terminal) -> int:
    from datetime import UTC, datetime

    from feedpub.cli.next import local
    from feedpub.daemon.plan import starts

    times = starts(config, datetime.now(UTC), 4)
    if terminal.as_json:
        sources = [{**_told(source), "next": times[source.name]} for source in config.sources]
        terminal.json({"output": config.publish.output, "sources": sources})
        return options.DONE
    for source in config.sources:
        then = ", ".join(local(moment, config) for moment in times[source.name][1:])
        watched = ", and when a file is saved" if source.watch else ""
        terminal.data(f"{source.name} ({source.every.text}): at once, {then}{watched}")
    for feed in config.feeds:
        if feed.every is not None:
            terminal.data(f"feed {feed.path} ({feed.every.text}): renewed by its own timer")
    return options.DONE


def _told(source: SourceConfig) -> dict[str, Any]:
    return {
        "name": source.name,
        "every": source.every.text,
        "every_seconds": source.every_seconds,
        "watch": source.watch,
    }


def serve(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Serve; the JSON, printed when requests are taken, has output and address."""
    config, _ = options.newsroom(arguments)
    log_format = _begin(arguments, terminal, config)

    def started(address: str) -> None:
        if terminal.as_json:
            terminal.json({"output": config.publish.output, "address": address})
            terminal.stdout.flush()
        elif log_format == "people":
            terminal.remark(f"Serving {config.publish.output} at {address} Stop with Ctrl-C.")

    from feedpub import serving

    return serving.run(config, host=arguments.host, port=arguments.port, started=started)


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
) -> Format:
    """Show the log, and what is to be said of the configuration; returns how the log looks."""
    import os

    from feedpub import logs

    # Whoever watches a service wants to see it work, so its log is there without asking.
    level = "WARNING" if terminal.quiet else "DEBUG" if arguments.verbose else "INFO"
    log_format = logs.chosen(arguments.log_format, os.environ, config.log.format)
    terminal.log(level, log_format)
    for notice in config.notices if notices is None else notices:
        terminal.remark(f"Note: {notice}")
    return log_format


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 0 to 65535")
    return int(text)
