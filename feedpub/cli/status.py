"""`feedpub status`: what is published, when, and from where."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal


def add(commands: Any) -> None:
    """Add the command."""
    options.command(
        commands, "status", "Show what is published, when, and from where.", "feedpub status", run
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Show; the JSON has articles, events, withdrawn, held, last_run, sources, feeds, output, files, notices.

    `notices` are what is wrong with the daemon that runs.
    """
    from pathlib import Path

    from feedpub import daemonstate
    from feedpub.cli.terminal import clean, plain
    from feedpub.heartbeat import heartbeat

    config, _ = options.newsroom(arguments)
    state = daemonstate.read(config.state) if heartbeat(config.state).word == "running" else None
    notices = state.notices if state else ()
    for notice in notices if not terminal.as_json else ():
        terminal.message(clean(f"feedpub: {notice}"))
    if not options.has_store(config):
        nothing: dict[str, Any] = {
            "articles": 0,
            "events": 0,
            "withdrawn": 0,
            "held": 0,
            "last_run": None,
            "sources": [],
        }
        if terminal.as_json:
            nothing |= {"feeds": [], "output": config.publish.output, "files": 0, "notices": notices}
            terminal.json(nothing)
        else:
            terminal.data("Nothing has been published here yet: run `feedpub publish`.")
        return options.DONE
    from feedpub.store import open_store

    with open_store(config) as store:
        status = store.status()
    if terminal.as_json:
        terminal.json({**plain(status), "notices": notices})
    else:
        from feedpub.cli import present

        terminal.data(present.status(status, config, terminal, cwd=Path.cwd()))
    return options.DONE
