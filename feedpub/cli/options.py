"""What all commands share: their options, their help, and which newsroom they mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config
    from feedpub.logs import Format

DONE, FAILED, USAGE = 0, 1, 2

EXIT_CODES = """exit codes:
  0  done
  1  a source or an output failed, or check or verify found something wrong
  2  the arguments or feedpub.toml cannot be used"""

Handler = Callable[[argparse.Namespace, "Terminal"], int]


def command(
    commands: Any,
    name: str,
    sentence: str,
    example: str,
    handler: Handler | None,
    *,
    exit_codes: str = EXIT_CODES,
) -> argparse.ArgumentParser:
    """A new command with the options that every command has.

    Args:
        commands: what `add_subparsers` gave.
        name: the command's name.
        sentence: what it does, in one sentence.
        example: lines to paste into a shell.
        handler: what runs it; None for a part of another command, which has its handler and defaults.
        exit_codes: what its exit codes mean, where it has options that change them.
    """
    indented = "\n".join(f"  {line}" for line in example.splitlines())
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=sentence[0].lower() + sentence[1:].rstrip("."),
        description=sentence,
        epilog=f"example:\n{indented}\n\n{exit_codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    shared(parser)
    if handler is not None:
        parser.set_defaults(handler=handler, config=None, json=False, verbose=0, quiet=False)
    return parser


def shared(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has, without defaults: those are the outermost command's."""
    config = "the configuration, instead of ./feedpub.toml"
    parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=config)
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print the result as JSON"
    )
    parser.add_argument(
        "-v", "--verbose", action="count", default=argparse.SUPPRESS, help="say more; twice for all"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="say nothing but what failed"
    )


def log_format(parser: argparse.ArgumentParser) -> None:
    """Add the option of the commands that run for long and write a log."""
    parser.add_argument(
        "--log-format",
        choices=("people", "json"),
        metavar="FORMAT",
        help="how the log looks, instead of log.format: people or json",
    )


def wanted_log_format(arguments: argparse.Namespace) -> Format:
    """How messages look before the configuration, which may say so too, is read."""
    if "log_format" not in arguments:
        return "people"
    import os

    from feedpub import logs

    wanted = arguments.log_format or os.environ.get(logs.VARIABLE)
    return "json" if wanted == "json" else "people"


def newsroom(
    arguments: argparse.Namespace, folder: str | None = None
) -> tuple[Config, tuple[str, ...] | None]:
    """The configuration that a command means, and the sources that `folder` picks out of it (None: all).

    Raises:
        ConfigError: there is none, or it cannot be used.
    """
    from pathlib import Path

    from feedpub import config_file

    cwd = Path.cwd()
    config = (
        config_file.find(folder, cwd)
        if arguments.config is None
        else config_file.load(cwd / arguments.config)
    )
    if folder is None or config.path is None:
        return config, None
    named = cwd / folder
    if named.is_file() or named.resolve() == config.root.resolve():
        return config, None
    return config, config_file.only(config, named)


def has_store(config: Config) -> bool:
    """Whether anything was published here: to look should not leave an empty store behind."""
    return any((config.state / name).exists() for name in ("store.sqlite3", "ledger.ndjson"))
