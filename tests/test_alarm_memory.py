"""Each alarm is told once when it begins, daily while it lasts, and once when it is over: through every channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedpub.alarms import memory
from feedpub.alarms.memory import Memory
from feedpub.alarms.rules import Alarm

T0 = datetime(2025, 9, 3, 8, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def alarm(subject: str = "agency", message: str = "It fails.") -> Alarm:
    return Alarm(f"source-failing:{subject}", "source-failing", subject, message, "Mend it.")


class Told:
    """One channel of a newsroom over time: what it was told at each look."""

    def __init__(self, folder: Path, channels: Sequence[str] = ("mail",)) -> None:
        self.folder = folder
        self.channels = channels

    def look(self, now: datetime, *alarms: Alarm, works: bool = True) -> list[tuple[str, str, str]]:
        # Read anew each time: every look is as one after a restart.
        known = memory.updated(memory.read(self.folder), alarms, self.channels, now)
        found = []
        for channel in self.channels:
            messages = memory.due(known, channel, now)
            if not messages:
                continue
            found += [(channel, message.state, message.alarm.subject) for message in messages]
            known = (
                memory.delivered(known, channel, messages, now)
                if works
                else memory.refused(known, channel, now)
            )
        memory.write(self.folder, known)
        return found


def test_an_alarm_is_told_when_it_begins_daily_while_it_lasts_and_when_it_is_over(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.look(T0) == []
    assert told.look(T0, alarm()) == [("mail", "begun", "agency")]
    for minutes in range(1, 60 * 24, 61):
        assert told.look(T0 + minutes * MINUTE, alarm(message=f"It fails for {minutes}.")) == []
    assert told.look(T0 + DAY, alarm()) == [("mail", "reminder", "agency")]
    assert told.look(T0 + DAY + HOUR, alarm()) == []
    assert told.look(T0 + 2 * DAY + MINUTE, alarm()) == [("mail", "reminder", "agency")]
    assert told.look(T0 + 2 * DAY + HOUR) == []
    assert told.look(T0 + 2 * DAY + HOUR + 5 * MINUTE) == [("mail", "over", "agency")]
    assert told.look(T0 + 3 * DAY) == []
    assert memory.read(tmp_path) == Memory()
    assert told.look(T0 + 4 * DAY, alarm()) == [("mail", "begun", "agency")]


def test_what_flickers_is_told_once(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.look(T0, alarm()) == [("mail", "begun", "agency")]
    for minutes in range(1, 60, 2):
        assert told.look(T0 + minutes * MINUTE) == []
        assert told.look(T0 + (minutes + 1) * MINUTE, alarm()) == []


def test_each_alarm_has_its_own_course(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.look(T0, alarm("a")) == [("mail", "begun", "a")]
    assert told.look(T0 + MINUTE, alarm("a"), alarm("b")) == [("mail", "begun", "b")]
    told.look(T0 + HOUR, alarm("b"))
    assert told.look(T0 + 2 * HOUR, alarm("b")) == [("mail", "over", "a")]


def test_what_a_channel_refuses_is_tried_again_later_and_later_and_told_in_the_end(tmp_path: Path) -> None:
    told = Told(tmp_path)
    now, attempts = T0, []
    while now < T0 + 4 * HOUR:
        if told.look(now, alarm(), works=False):
            attempts.append(int((now - T0) / MINUTE))
        now += MINUTE
    # After 1, 2, 4, 8, 16, 32 minutes, then every hour.
    assert attempts == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert told.look(now + HOUR, alarm()) == [("mail", "begun", "agency")]
    assert memory.read(tmp_path).troubles == {}


def test_an_alarm_that_nobody_could_be_told_of_is_not_told_to_be_over(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.look(T0, alarm(), works=False) == [("mail", "begun", "agency")]
    told.look(T0 + 2 * HOUR)
    assert told.look(T0 + 3 * HOUR) == []
    assert memory.read(tmp_path).entries == {}


def test_each_channel_is_told_for_itself_and_one_that_is_taken_away_is_forgotten(tmp_path: Path) -> None:
    told = Told(tmp_path, ("mail", "webhook"))
    assert told.look(T0, alarm()) == [("mail", "begun", "agency"), ("webhook", "begun", "agency")]
    told.channels = ("mail",)
    told.look(T0 + HOUR)
    assert told.look(T0 + 2 * HOUR) == [("mail", "over", "agency")]
    assert memory.read(tmp_path) == Memory()
    told.channels = ("mail", "webhook")
    assert told.look(T0 + 3 * HOUR, alarm()) == [("mail", "begun", "agency"), ("webhook", "begun", "agency")]


def test_a_clock_that_was_set_back_silences_nobody(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.look(T0 + 30 * DAY, alarm(), works=False)
    assert told.look(T0, alarm()) == [("mail", "begun", "agency")]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"alarms": {"x": {}}, "channels": {}}', b"\xff\xfe"])
def test_a_damaged_file_costs_a_second_message_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "alarms.json").write_bytes(content)
    assert Told(tmp_path).look(T0, alarm()) == [("mail", "begun", "agency")]
