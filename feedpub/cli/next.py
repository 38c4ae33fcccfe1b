"""`feedpub next`: what runs when."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from datetime import datetime

    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config
    from feedpub.daemon.plan import Planned


def add(commands: Any) -> None:
    """Add the command."""
    options.command(
        commands,
        "next",
        "Show what runs when: sources, feeds with a timer of their own, and what changes by time alone.",
        "feedpub next",
        run,
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Show; the JSON has daemon (whose it is, or null), notices, and planned (at, kind, name, every, …)."""
    config, _ = options.newsroom(arguments)
    from feedpub.daemon.plan import plan

    found = plan(config)
    if terminal.as_json:
        terminal.json(found)
        return options.DONE
    from datetime import UTC, datetime

    from feedpub.cli.terminal import clean

    now = datetime.now(UTC)
    rows = [_row(one, config, now) for one in found.planned]
    width = max((len(row[0]) for row in rows), default=0)
    named = max((len(row[1]) for row in rows), default=0)
    for when, what, more in rows:
        terminal.data(clean(f"{when:{width}}  {what:{named}}  {more}".rstrip()))
    for notice in found.notices:
        terminal.message(clean(f"feedpub: {notice}"))
    if found.daemon is None:
        terminal.remark("No daemon runs, so nothing happens by itself: `feedpub daemon` starts one.")
    return options.DONE


def local(moment: datetime, config: Config) -> str:
    """A time as the newsroom's clock shows it."""
    from zoneinfo import ZoneInfo

    return f"{moment.astimezone(ZoneInfo(config.site.timezone)):%Y-%m-%d %H:%M:%S %Z}"


def _row(one: Planned, config: Config, now: datetime) -> tuple[str, str, str]:
    """When, what, and what else there is to say."""
    when = "now" if one.at is None else local(one.at, config)
    if one.at is not None and one.at < now:
        when += ", overdue"
    what = {
        "source": f"source {one.name}",
        "feed": f"feed {one.name}",
        "time": "what changes by time alone",
        "hubs": "hubs that have not heard",
    }[one.kind]
    more = [one.every] if one.every else []
    if one.running:
        more.append("under way")
    if one.failure:
        more.append(f"failed: {one.failure}")
    return when, what, ", ".join(more)
