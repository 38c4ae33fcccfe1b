"""Alarms: what is wrong with a newsroom, told once when it begins, daily while it lasts, and once when it is over.

    observation → rules.check → memory (what was told already) → webhook, mail

`watch` is for the daemon. It keeps what it told in `alarms.json` in the state folder, so that a restart tells nothing
twice. Nothing here ever stops or delays a refresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedpub.alarms.delivery import Outcome
    from feedpub.alarms.rules import Alarm
    from feedpub.config import Config
    from feedpub.observation import Observation


def check(config: Config, observation: Observation) -> list[Alarm]:
    """Everything that is wrong in `observation`, the gravest first; empty if all is well."""
    from feedpub.alarms import rules

    return rules.check(config, observation)


def watch(config: Config, now: datetime, *, damaged: Sequence[str] = ()) -> None:
    """Look whether something is wrong and tell it, in a thread of its own; returns at once and never raises.

    To be called when a refresh has changed something, and at least every minute; what comes sooner than
    ten seconds after the last look, or while one is at work, is passed over. Where no channel is
    configured it does nothing. `damaged` are paths of published files that a server could not answer with.
    """
    if config.alarms.has_channel:
        from feedpub.alarms import watching

        watching.start(config, now, damaged)


def deliver(config: Config, now: datetime) -> list[Outcome]:
    """The same in this thread: look once and tell what is new; what was attempted, by channel."""
    from feedpub.alarms import watching

    return watching.once(config, now)


def test(config: Config, now: datetime) -> list[Outcome]:
    """Send a test message through every channel; what became of each."""
    from feedpub.alarms import delivery

    return delivery.test(config, now)
