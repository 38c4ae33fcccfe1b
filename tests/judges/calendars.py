"""Calendars before judges: RFC 5545 octet by octet, vobject, and icalendar where it forgives nothing."""

from __future__ import annotations

import re
from typing import Any

import icalendar
import vobject

# RFC 5545 section 3.1, of an unfolded line: name, parameters, value. In a value no control but HTAB.
_PARAMETER = r';[A-Za-z0-9-]+=(?:"[^"\x00-\x08\x0a-\x1f\x7f]*"|[^";:,\x00-\x08\x0a-\x1f\x7f]*)'
_LINE = re.compile(rf"([A-Za-z0-9-]+)((?:{_PARAMETER})*):([^\x00-\x08\x0a-\x1f\x7f]*)")


def content_lines(data: bytes) -> list[str]:
    """The unfolded lines of an iCalendar stream, each held against sections 3.1 and 3.4."""
    assert data.endswith(b"\r\n")
    physical = data[:-2].split(b"\r\n")
    logical: list[bytes] = []
    for line in physical:
        assert b"\r" not in line and b"\n" not in line, line
        assert 0 < len(line) <= 75, (len(line), line)
        line.decode("utf-8")  # no character is cut in two
        if line[:1] in (b" ", b"\t"):
            logical[-1] += line[1:]
        else:
            logical.append(line)
    lines = [line.decode("utf-8") for line in logical]
    for line in lines:
        assert _LINE.fullmatch(line), line
    _nested(lines)
    return lines


def values(lines: list[str], name: str) -> list[str]:
    """The TEXT values of a property, unescaped after section 3.3.11, one for each of its lines."""
    found = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match and match[1] == name:
            assert not re.search(r"(?<!\\)(?:\\\\)*\\[^\\;,nN]", match[3]), line
            found.append(re.sub(r"\\(.)", lambda escape: "\n" if escape[1] in "nN" else escape[1], match[3]))
    return found


def component(lines: list[str], name: str) -> list[str]:
    """The lines of the only component of that name, without BEGIN and END."""
    begin = lines.index(f"BEGIN:{name}")
    assert lines.count(f"BEGIN:{name}") == 1
    return lines[begin + 1 : lines.index(f"END:{name}")]


def read(data: bytes) -> Any:
    """The calendar as vobject understands it, after icalendar has found no fault in it."""
    text = data.decode("utf-8")
    strict = icalendar.Calendar.from_ical(data)
    for part in strict.walk():
        assert not part.errors, part.errors
        assert not set(part.required) - set(part.keys()), part
    # vobject remembers the zones of other calendars, and takes pytz's where a calendar has none.
    zones = set(re.findall(r"^TZID:(.+?)\r$", text, re.MULTILINE))
    assert set(re.findall(r";TZID=([^:;]+):", text)) <= zones
    for zone in zones:
        vobject.icalendar.registerTzid(zone, None)
    (calendar,) = vobject.readComponents(text, validate=True)
    calendar.validate(raiseException=True)
    return calendar


def _nested(lines: list[str]) -> None:
    open_parts: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        if name == "BEGIN":
            open_parts.append(value)
        elif name == "END":
            assert open_parts.pop() == value
        else:
            assert open_parts, line
    assert not open_parts
    assert lines[0] == "BEGIN:VCALENDAR"
