"""`feedpub init`: a newsroom to begin with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "init",
        "Write a commented feedpub.toml and the folders that it names.",
        "feedpub init newsroom\ncd newsroom\nfeedpub publish",
        run,
    )
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="the current folder if left out"
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Begin; the JSON has config, articles, output, created, title, timezone, language and key_kept."""
    from pathlib import Path

    from feedpub import init
    from feedpub.errors import ConfigError

    if arguments.config is not None:
        raise ConfigError("init writes feedpub.toml itself: name the folder instead, `feedpub init FOLDER`")
    begun = init.begin(Path.cwd() / arguments.folder)
    if terminal.as_json:
        terminal.json(begun)
        return options.DONE
    from feedpub.cli import present

    terminal.data(present.begun(begun, Path.cwd()))
    return options.DONE
