"""What was told of which alarm through which channel, and what is to be told now: pure, but for reading and writing it.

An alarm that comes back within five minutes was never over, so that what flickers is told once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import orjson

from feedpub.alarms.rules import Alarm

FILE_NAME = "alarms.json"
REMIND = timedelta(days=1)
CLEAR = timedelta(minutes=5)
FIRST_RETRY = timedelta(minutes=1)
LAST_RETRY = timedelta(hours=1)

State = Literal["begun", "reminder", "over", "test"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One alarm since `began_at`. `gone_at`: since when nothing is wrong any more; `told`: channel → when last."""

    alarm: Alarm
    began_at: datetime
    gone_at: datetime | None = None
    told: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A channel that does not take messages: so many failures in a row, and when it is tried again."""

    failures: int
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is kept: the alarms by key, and the channels in trouble."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    troubles: Mapping[str, Trouble] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell of one alarm."""

    state: State
    alarm: Alarm
    began_at: datetime
    over_at: datetime | None = None


def updated(memory: Memory, alarms: Iterable[Alarm], channels: Collection[str], now: datetime) -> Memory:
    """The memory after a look that found `alarms`; what is over and need not be told is forgotten."""
    present = {alarm.key: alarm for alarm in alarms}
    entries = {}
    for key, entry in memory.entries.items():
        told = {name: at for name, at in entry.told.items() if name in channels}
        if key in present:
            entries[key] = replace(entry, alarm=present.pop(key), gone_at=None, told=told)
        elif told or not _is_over(entry, now):
            entries[key] = replace(entry, gone_at=entry.gone_at or now, told=told)
    entries |= {key: Entry(alarm, now) for key, alarm in present.items()}
    return Memory(entries, {name: one for name, one in memory.troubles.items() if name in channels})


def due(memory: Memory, channel: str, now: datetime) -> list[Message]:
    """What is to be told through a channel now; nothing while it is in trouble."""
    trouble = memory.troubles.get(channel)
    # A clock that was set back must not silence a channel for longer than its longest pause.
    if trouble is not None and now < trouble.retry_at <= now + LAST_RETRY:
        return []
    found = []
    for entry in memory.entries.values():
        told = entry.told.get(channel)
        if entry.gone_at is not None:
            if told is not None and _is_over(entry, now):
                found.append(Message("over", entry.alarm, entry.began_at, entry.gone_at))
        elif told is None:
            found.append(Message("begun", entry.alarm, entry.began_at))
        elif now - told >= REMIND:
            found.append(Message("reminder", entry.alarm, entry.began_at))
    return found


def delivered(memory: Memory, channel: str, messages: Iterable[Message], now: datetime) -> Memory:
    """The memory after a channel has taken `messages`."""
    entries = dict(memory.entries)
    for message in messages:
        key = message.alarm.key
        told = {name: at for name, at in entries[key].told.items() if name != channel}
        if message.state != "over":
            told[channel] = now
        entries[key] = replace(entries[key], told=told)
        if message.state == "over" and not told:
            del entries[key]
    return Memory(entries, {name: one for name, one in memory.troubles.items() if name != channel})


def refused(memory: Memory, channel: str, now: datetime) -> Memory:
    """The memory after a channel has not taken its messages: it rests, twice as long each time, at most an hour."""
    trouble = memory.troubles.get(channel)
    failures = trouble.failures + 1 if trouble else 1
    rest = min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10))
    return replace(memory, troubles={**memory.troubles, channel: Trouble(failures, now + rest)})


def _is_over(entry: Entry, now: datetime) -> bool:
    return entry.gone_at is not None and now - entry.gone_at >= CLEAR


# The file


def read(folder: Path) -> Memory:
    """What was written down in the state folder; nothing where there is no such file, or it is damaged."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        found = orjson.loads((folder / FILE_NAME).read_bytes())
        entries = {key: _entry(value) for key, value in found["alarms"].items()}
        troubles = {
            name: Trouble(int(one["failures"]), datetime.fromisoformat(one["retry_at"]))
            for name, one in found["channels"].items()
        }
        return Memory(entries, troubles)
    return Memory()


def _entry(value: Mapping[str, Any]) -> Entry:
    gone = value["gone_at"]
    return Entry(
        Alarm(**value["alarm"]),
        datetime.fromisoformat(value["began_at"]),
        datetime.fromisoformat(gone) if gone else None,
        {name: datetime.fromisoformat(at) for name, at in value["told"].items()},
    )


def write(folder: Path, memory: Memory) -> None:
    """Replace the file in the state folder as a whole.

    Raises:
        OSError: it cannot be written.
    """
    content = {
        "alarms": {key: asdict(entry) for key, entry in memory.entries.items()},
        "channels": {name: asdict(trouble) for name, trouble in memory.troubles.items()},
    }
    temporary = folder / f"{FILE_NAME}.{os.getpid()}"
    try:
        temporary.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        temporary.replace(folder / FILE_NAME)
    except OSError:  # what there was of it would only take up room
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
