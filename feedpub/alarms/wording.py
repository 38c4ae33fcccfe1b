"""What a message says, for a webhook's JSON and for people's mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from feedpub.alarms.memory import Message, State
from feedpub.alarms.rules import Alarm
from feedpub.config import Config
from feedpub.standing import counted, span

SHOWN = 50
"""How many alarms one message spells out."""

_HEADINGS: dict[State, str] = {
    "begun": "New",
    "reminder": "Still so",
    "over": "Over",
    "test": "Test",
}


def test_message(now: datetime) -> Message:
    """What `feedpub alarms --test` sends."""
    alarm = Alarm("test", "store", "test", "This is a test: nothing is wrong.", "Nothing needs to be done.")
    return Message("test", alarm, now)


def subject(config: Config, messages: Sequence[Message]) -> str:
    """One line: the newsroom, and what it is about."""
    title = " ".join(config.site.title.split())
    if len(messages) == 1:
        return f"[{title}] {_HEADINGS[messages[0].state]}: {_first(messages[0])}"
    counts = {state: sum(message.state == state for message in messages) for state in _HEADINGS}
    said = {"begun": "new", "reminder": "lasting", "over": "over", "test": "test"}
    parts = [f"{number} {said[state]}" for state, number in counts.items() if number]
    return f"[{title}] {counted(len(messages), 'alarm')}: {', '.join(parts)}"


def text(config: Config, messages: Sequence[Message], now: datetime) -> str:
    """The whole message for people."""
    lines: list[str] = []
    shown = messages[:SHOWN]
    for state, heading in _HEADINGS.items():
        found = [message for message in shown if message.state == state]
        if found:
            lines += [heading, *_told(found, now), ""]
    if len(messages) > len(shown):
        lines += [f"… and {len(messages) - len(shown):,} more: `feedpub alarms` lists all.", ""]
    lines += [
        f"{' '.join(config.site.title.split())}  {config.site.url}",
        "`feedpub alarms` says what is wrong now.",
    ]
    return "\n".join(lines) + "\n"


def _told(messages: Iterable[Message], now: datetime) -> Iterable[str]:
    for message in messages:
        yield f"- {' '.join(message.alarm.message.split())}"
        if message.state == "over":
            lasted = (message.over_at or now) - message.began_at
            yield f"  This is over; it lasted {span(lasted)}."
        else:
            yield f"  {' '.join(message.alarm.remedy.split())}"
        if message.state == "reminder":
            yield f"  It began {span(now - message.began_at)} ago."


def _first(message: Message) -> str:
    words = " ".join(message.alarm.message.split())
    return words if len(words) <= 120 else f"{words[:119]}…"


def payload(config: Config, messages: Sequence[Message], now: datetime) -> dict[str, Any]:
    """The JSON of a webhook. `text` is for programs that show one text, such as chats."""
    return {
        "newsroom": config.site.title,
        "url": config.site.url,
        "sent_at": _iso(now),
        "text": f"{subject(config, messages)}\n\n{text(config, messages, now)}",
        "alarms": [
            {
                "state": message.state,
                "key": message.alarm.key,
                "kind": "test" if message.state == "test" else message.alarm.kind,
                "subject": message.alarm.subject,
                "message": message.alarm.message,
                "remedy": message.alarm.remedy,
                "began_at": _iso(message.began_at),
                "over_at": _iso(message.over_at) if message.over_at else None,
            }
            for message in messages
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
