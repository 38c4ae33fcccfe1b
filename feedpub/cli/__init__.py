"""The command line: arguments in, an exit code out; data on stdout, messages on stderr.

Nothing heavy is imported before a command runs, so that `feedpub --help` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from feedpub import __version__
from feedpub.cli import (
    alarms,
    check,
    diff,
    explain,
    options,
    publish,
    quarantine,
    services,
    start,
    status,
    verify,
    withdraw,
)
from feedpub.cli import next as upcoming
from feedpub.cli.terminal import Terminal, clean
from feedpub.errors import ConfigError, FeedpubError

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports of a program that SIGINT or SIGPIPE ended."""


def main() -> NoReturn:
    """Run the command line of this process and leave it with the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A file name or a headline that the terminal cannot show is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:], sys.stdout, sys.stderr)
    if code == BROKEN_PIPE:
        # Python flushes stdout once more on its way out; let that go nowhere instead of failing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Run one command and return its exit code, writing to the given streams only.

    Returns:
        0: done (with --strict: and nothing held back or out of reach). 1: a source or an output failed, or `check`
        or `verify` found something wrong. 2: the arguments or the configuration cannot be used. 130: interrupted.
    """
    parser = build_parser()
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            parsed = parser.parse_args(list(arguments))
            if "handler" not in parsed:
                parser.print_help(stderr)
                return options.USAGE
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else options.USAGE
    except BrokenPipeError:
        return BROKEN_PIPE
    terminal = Terminal(
        stdout, stderr, as_json=parsed.json, verbosity=parsed.verbose, quiet=parsed.quiet,
        log_format=options.wanted_log_format(parsed),
    )  # fmt: skip
    try:
        code: int = parsed.handler(parsed, terminal)
        stdout.flush()
    except FeedpubError as error:
        return _told(error, terminal)
    except KeyboardInterrupt:
        terminal.message("feedpub: interrupted; what was published before stays as it was")
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser with all its commands; each one's `handler` takes the arguments and the terminal."""
    parser = argparse.ArgumentParser(
        prog="feedpub",
        description="Publish a folder of articles as validated RSS and JSON-LD feeds.",
        epilog=f"example:\n  feedpub publish articles\n\n{options.EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"feedpub {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in (
        start,
        publish,
        diff,
        check,
        verify,
        explain,
        quarantine,
        withdraw,
        status,
        upcoming,
        alarms,
        services,
    ):
        module.add(commands)
    return parser


def _told(error: FeedpubError, terminal: Terminal) -> int:
    terminal.message(clean(f"feedpub: {error}", keep_lines=True))
    if terminal.as_json:
        details = {"type": type(error).__name__, "message": str(error), **vars(error)}
        with contextlib.suppress(BrokenPipeError):
            terminal.json({"error": details})
    return options.USAGE if isinstance(error, ConfigError) else options.FAILED
