"""`feedpub alarms`: what is wrong now, and whether those who are to be told can be."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from datetime import datetime

    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config

EXIT_CODES = """exit codes:
  0  nothing is wrong (with --test: every message was taken)
  1  something is wrong, or a message was not taken
  2  the arguments or feedpub.toml cannot be used"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "alarms",
        "List what is wrong now; test the ways by which it is told.",
        "feedpub alarms\nfeedpub alarms --test",
        run,
        exit_codes=EXIT_CODES,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--test", action="store_true", help="send a test message through every channel")
    what.add_argument(
        "--send",
        action="store_true",
        help="also tell what is new through every channel, as the daemon does; for cron",
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """List; the JSON has "alarms" (key, kind, subject, message, remedy), with --test "channels" (channel, failure)."""
    from datetime import UTC, datetime

    config, _ = options.newsroom(arguments)
    now = datetime.now(UTC)
    return (
        _test(config, now, terminal) if arguments.test else _list(config, now, terminal, send=arguments.send)
    )


def _list(config: Config, now: datetime, terminal: Terminal, *, send: bool) -> int:
    from feedpub import alarms, observing
    from feedpub.cli.terminal import clean

    found = alarms.check(config, observing.observe(config, now))
    if terminal.as_json:
        terminal.json({"alarms": found})
    elif not found:
        terminal.data("Nothing is wrong.")
    for alarm in found if not terminal.as_json else ():
        terminal.data(f"{terminal.paint('red', alarm.kind)}: {clean(alarm.message)}")
        terminal.data(f"  → {clean(alarm.remedy)}")
    failed = False
    for outcome in alarms.deliver(config, now) if send else ():
        if outcome.failure:
            failed = True
            terminal.message(clean(f"feedpub: {outcome.channel}: {outcome.failure}"))
    return options.FAILED if found or failed else options.DONE


def _test(config: Config, now: datetime, terminal: Terminal) -> int:
    from feedpub import alarms
    from feedpub.cli.terminal import clean
    from feedpub.errors import ConfigError

    if not config.alarms.has_channel:
        raise ConfigError(
            "Nobody is to be told of alarms: set alarms.webhook or alarms.mail_to in feedpub.toml.",
            key="alarms",
        )
    outcomes = alarms.test(config, now)
    if terminal.as_json:
        listed = [{"channel": outcome.channel, "failure": outcome.failure} for outcome in outcomes]
        terminal.json({"channels": listed})
    for outcome in outcomes if not terminal.as_json else ():
        said = "the message was taken" if outcome.failure is None else outcome.failure
        terminal.data(clean(f"{outcome.channel}: {said}"))
    return options.FAILED if any(outcome.failure for outcome in outcomes) else options.DONE
