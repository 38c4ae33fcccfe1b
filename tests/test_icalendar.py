"""iCalendar, read octet by octet, by vobject, by icalendar, and imported by khal."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import example, given
from hypothesis import strategies as st

from feedpub.formats import wording
from feedpub.formats.calendarevent import uid_of
from feedpub.formats.calendarzone import vtimezone
from feedpub.formats.icalendar import CalendarFormat, event_document, fits
from feedpub.models import Channel, Entry, Link
from tests.judges import samples
from tests.judges.calendars import component, content_lines, read, values

SITE = replace(samples.SITE, key="6f1c4a52-0f0e-5b7e-9d0a-7a7f3a1d2c90")
REPORTS = (
    Link("Council & residents argue over the bypass", samples.ENTRY.url),
    Link("", "https://other.example/bypass"),
)
EVENT = replace(
    samples.ENTRY,
    id=samples.EVENT_ID,
    data=samples.EVENT,
    events=(),
    media=(),
    url="https://courier.example/events/2025/10/town-hall-meeting.html",
    reports=REPORTS,
    revision=3,
)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")


def event(*, entry: Entry = EVENT, **properties: Any) -> Entry:
    """A small event: name, start, and the properties of its record that a test names; None takes one away."""
    data = {
        "@type": "Event",
        "@id": entry.id,
        "name": "A meeting",
        "startDate": "2025-10-05",
        **properties,
    }
    stated = {key: value for key, value in data.items() if value is not None}
    return replace(entry, data=stated, reports=())


def calendar(
    *entries: Entry, timezone: str = "Europe/London", channel: Channel = samples.CHANNEL, language: str = "en"
) -> bytes:
    written = CalendarFormat(replace(SITE, timezone=timezone, language=language))
    return b"".join(written.assemble(channel, [written.render(entry) for entry in entries]))


def lines_of(*entries: Entry, **options: Any) -> list[str]:
    """The unfolded lines of the only VEVENT; the judges have read the whole calendar."""
    data = calendar(*entries, **options)
    read(data)
    return component(content_lines(data), "VEVENT")


def times(**properties: Any) -> list[str]:
    timezone = properties.pop("timezone", "Europe/London")
    return [
        line
        for line in lines_of(event(**properties), timezone=timezone)
        if line.startswith(("DTSTART", "DTEND"))
    ]


def text_of(name: str, entry: Entry, **options: Any) -> str:
    found = values(lines_of(entry, **options), name)
    assert len(found) < 2
    return found[0] if found else ""


# The calendar itself


def test_the_calendar_says_what_it_is_and_when_to_come_again() -> None:
    data = calendar(EVENT)
    lines = content_lines(data)
    own = lines[1 : lines.index("BEGIN:VTIMEZONE")]
    assert own[:2] == ["VERSION:2.0", "PRODID:-//feedpub//feedpub//EN"]
    assert set(own[2:]) == {
        "CALSCALE:GREGORIAN",
        "NAME:The Alder Courier",
        "X-WR-CALNAME:The Alder Courier",
        "DESCRIPTION:News from the valley & its towns",
        "X-WR-CALDESC:News from the valley & its towns",
        "URL:https://courier.example/",
        "SOURCE;VALUE=URI:https://courier.example/events.ics",
        "REFRESH-INTERVAL;VALUE=DURATION:PT5M",
        "X-PUBLISHED-TTL:PT5M",
        "LAST-MODIFIED:20250903T081500Z",
    }
    assert read(data).name == "VCALENDAR"


def test_the_calendar_itself_has_no_uid() -> None:
    """Programs take the first UID of a file for that of its event: vdirsyncer kept one of eleven."""
    assert values(content_lines(calendar(EVENT)), "UID") == ["5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002"]


def test_no_method_is_stated_since_nobody_is_invited() -> None:
    assert b"METHOD" not in calendar(EVENT)


def test_each_feed_has_a_calendar_of_its_own() -> None:
    section = replace(samples.CHANNEL, path="sections/world", ttl_minutes=1440, updated_at=None)
    lines = content_lines(calendar(EVENT, channel=section))
    assert "SOURCE;VALUE=URI:https://courier.example/sections/world/events.ics" in lines
    assert "REFRESH-INTERVAL;VALUE=DURATION:P1D" in lines
    main = content_lines(calendar(EVENT))
    assert values(lines, "UID") == values(main, "UID")


def test_a_calendar_without_events_is_a_calendar() -> None:
    # RFC 5545 section 3.6: at least one component has to be there.
    data = calendar()
    lines = content_lines(data)
    assert "VEVENT" not in data.decode()
    assert component(lines, "VTIMEZONE")[0] == "TZID:UTC"
    read(data)


def test_the_same_events_give_the_same_bytes_and_nothing_says_now() -> None:
    written = calendar(EVENT)
    assert written == calendar(replace(EVENT))
    stamps = re.findall(rb"[0-9]{8}T[0-9]{6}Z", written)
    assert set(stamps) == {b"20250903T081500Z", b"20250902T053000Z"}


def test_rendering_does_not_alter_the_record() -> None:
    before = repr(EVENT)
    calendar(EVENT)
    assert repr(EVENT) == before


# One event


def test_every_fact_of_an_event_is_read_back() -> None:
    image = {
        "@type": "ImageObject",
        "url": "https://courier.example/media/1.jpg",
        "encodingFormat": "image/jpeg",
    }
    full = replace(
        EVENT,
        data={
            **samples.EVENT,
            "@type": "SocialEvent",
            "url": "https://alderford.example/meeting",
            "image": [image],
            "keywords": ["roads", "the bypass, again"],
        },
    )
    found = read(calendar(full)).vevent
    assert found.summary.value == "Town hall meeting on the bypass"
    assert found.uid.value == "5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002"
    assert found.sequence.value == "3"
    assert found.dtstamp.value == datetime(2025, 9, 3, 8, 15, tzinfo=UTC)
    assert found.last_modified.value == datetime(2025, 9, 3, 8, 15, tzinfo=UTC)
    assert found.created.value == datetime(2025, 9, 2, 5, 30, tzinfo=UTC)
    assert found.dtstart.value == datetime(2025, 10, 5, 17, 0, tzinfo=UTC)
    assert found.dtend.value == datetime(2025, 10, 5, 19, 30, tzinfo=UTC)
    assert found.status.value == "CONFIRMED"
    assert found.location.value == "Corn Exchange, 4 Market Square, Alderford, GB"
    assert found.geo.value == "52.75;1.25"
    assert found.url.value == "https://alderford.example/meeting"
    assert found.categories.value == ["SocialEvent", "roads", "the bypass, again"]
    assert found.image.value == "https://courier.example/media/1.jpg"
    assert found.image.params == {"VALUE": ["URI"], "DISPLAY": ["FULLSIZE"], "FMTTYPE": ["image/jpeg"]}
    assert found.description.value == (
        "New date (formerly 28 September 2025, 18:00 UTC+1)\n"
        "\n"
        "Organised by Town council\n"
        "\n"
        "Reported in:\n"
        "Council & residents argue over the bypass\n"
        "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html\n"
        "https://other.example/bypass"
    )


def test_what_is_not_stated_is_not_there() -> None:
    bare = event(startDate="2025-10-05T18:00Z", entry=replace(EVENT, url=""))
    assert sorted(line.partition(":")[0].partition(";")[0] for line in lines_of(bare)) == [
        "CREATED",
        "DTSTAMP",
        "DTSTART",
        "LAST-MODIFIED",
        "SEQUENCE",
        "SUMMARY",
        "UID",
    ]


@pytest.mark.parametrize(
    ("identifier", "uid"),
    [
        ("urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002", "5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002"),
        ("URN:UUID:5F0C1C9E-4C57-5D0A-9A55-0A4A3A6F0002", "5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002"),
        # RFC 9562 section 6.6: the name space of URLs.
        ("https://events.example/7", str(uuid.uuid5(uuid.NAMESPACE_URL, "https://events.example/7"))),
        ("urn:uuid:nonsense", str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:uuid:nonsense"))),
    ],
)
def test_the_uid_is_a_uuid_and_names_no_host(identifier: str, uid: str) -> None:
    assert uid_of(identifier) == uid
    assert text_of("UID", event(entry=replace(EVENT, id=identifier))) == uid


@pytest.mark.parametrize(
    ("status", "stated", "transparent", "words"),
    [
        ("EventScheduled", "CONFIRMED", False, ""),
        ("EventRescheduled", "CONFIRMED", False, "New date"),
        ("EventMovedOnline", "CONFIRMED", False, "Moved online"),
        ("EventPostponed", "TENTATIVE", True, "Postponed"),
        ("EventCancelled", "CANCELLED", True, "Cancelled"),
        (None, "", False, ""),
    ],
)
def test_status_tells_whether_to_come(status: str | None, stated: str, transparent: bool, words: str) -> None:
    full = f"https://schema.org/{status}" if status else None
    lines = lines_of(event(startDate="2025-10-05T18:00+01:00", eventStatus=full))
    assert values(lines, "STATUS") == ([stated] if stated else [])
    assert values(lines, "TRANSP") == (["TRANSPARENT"] if transparent else [])
    assert values(lines, "DESCRIPTION") == ([words] if words else [])


def test_the_dates_that_were_announced_before_are_named() -> None:
    moved = event(
        eventStatus="https://schema.org/EventPostponed", previousStartDate=["2025-09-01", "2025-09-08"]
    )
    assert text_of("DESCRIPTION", moved) == "Postponed (formerly 1 September 2025; 8 September 2025)"
    assert text_of("DESCRIPTION", event(previousStartDate="2025-09")) == "Formerly September 2025"


def test_a_withdrawn_event_is_cancelled_instead_of_vanishing() -> None:
    data = {key: samples.EVENT[key] for key in ("@type", "@id", "name", "startDate", "endDate", "location")}
    gone = replace(EVENT, data=data, withdrawn_at=datetime(2025, 9, 9, 23, 30, tzinfo=UTC), revision=4)
    lines = lines_of(gone)
    assert values(lines, "STATUS") == ["CANCELLED"]
    assert values(lines, "UID") == ["5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002"]
    assert values(lines, "SEQUENCE") == ["4"]
    assert values(lines, "DTSTAMP") == values(lines, "LAST-MODIFIED") == ["20250909T233000Z"]
    assert "DTSTART;TZID=Europe/London:20251005T180000" in lines
    assert values(lines, "SUMMARY") == ["Town hall meeting on the bypass"]
    assert values(lines, "URL") == []  # its pages are gone
    assert values(lines, "DESCRIPTION") == [  # in London it is the 10th already
        "The newsroom withdrew what it had reported of this event on 10 September 2025."
    ]


def test_nobody_is_made_an_attendee() -> None:
    people = event(
        attendee=[{"name": "Ada", "email": "ada@example.org"}, {"name": "Bo"}, {"name": "Cy"}],
        performer=[{"name": "The Band"}],
    )
    lines = lines_of(people)
    assert not [line for line in lines if line.startswith("ATTENDEE")]
    assert values(lines, "DESCRIPTION") == ["With The Band\nTaking part: Ada, Bo and Cy"]


def test_an_organiser_needs_an_address_to_be_one() -> None:
    organisers = [{"name": "No Mail"}, {"name": 'The "Hall"; Ltd', "email": "hall@example.org"}]
    lines = lines_of(event(organizer=organisers))
    assert [line for line in lines if line.startswith("ORGANIZER")] == [
        'ORGANIZER;CN="The Hall; Ltd":mailto:hall@example.org'
    ]
    assert values(lines, "DESCRIPTION") == ["Organised by No Mail"]
    hostile = event(organizer=[{"name": "X", "email": "a@b.example\r\nATTENDEE:mailto:c@d.example"}])
    assert not [line for line in lines_of(hostile) if line.startswith(("ORGANIZER", "ATTENDEE"))]


def test_an_address_on_the_net_is_a_conference_and_the_location_where_there_is_no_other() -> None:
    online = {"@type": "VirtualLocation", "name": "Streams", "url": "https://streams.example/7?a=1,2"}
    lines = lines_of(event(location=[online]))
    assert "CONFERENCE;VALUE=URI:https://streams.example/7?a=1,2" in lines
    assert values(lines, "LOCATION") == ["Streams, https://streams.example/7?a=1,2"]
    both = lines_of(event(location=[online, samples.HALL]))
    assert "CONFERENCE;VALUE=URI:https://streams.example/7?a=1,2" in both
    assert values(both, "LOCATION") == ["Corn Exchange, 4 Market Square, Alderford, GB"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "written"),
    [
        (52.75, 1.25, ["GEO:52.75;1.25"]),
        (-33.856784, 151.215297, ["GEO:-33.856784;151.215297"]),
        (1 / 3, -180, ["GEO:0.333333;-180.0"]),
        (0.00000012, -0.00003, ["GEO:0.0;0.0"]),
        (91, 0, []),
        (float("nan"), 0, []),
        ("52", "1", []),
        (None, 1.5, []),
    ],
)
def test_coordinates_are_floats_without_an_exponent(
    latitude: Any, longitude: Any, written: list[str]
) -> None:
    place = {"@type": "Place", "name": "P", "geo": {"latitude": latitude, "longitude": longitude}}
    assert [line for line in lines_of(event(location=[place])) if line.startswith("GEO")] == written


def test_addresses_are_uris() -> None:
    found = lines_of(event(url="https://bücher.example/straße?q=ü", image=[{"url": "javascript:alert(1)"}]))
    assert "URL:https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%BC" in found
    assert not [line for line in found if line.startswith("IMAGE")]


def test_without_a_page_of_its_own_an_event_leads_to_the_newest_report() -> None:
    reported = replace(event(), reports=REPORTS)
    assert f"URL:{REPORTS[0].url}" in lines_of(reported)
    assert f"URL:{EVENT.url}" in lines_of(event())


# When


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        ("2025-10-05", None, ["DTSTART;VALUE=DATE:20251005"]),
        ("2025-10-05", "2025-10-05", ["DTSTART;VALUE=DATE:20251005", "DTEND;VALUE=DATE:20251006"]),
        ("2025-10-30", "2025-10-31", ["DTSTART;VALUE=DATE:20251030", "DTEND;VALUE=DATE:20251101"]),
        ("2025-10-05", "2025-10-04", ["DTSTART;VALUE=DATE:20251005"]),
        ("1849-03-01", "1849-03-02", ["DTSTART;VALUE=DATE:18490301", "DTEND;VALUE=DATE:18490303"]),
        ("9999-12-30", "9999-12-31", ["DTSTART;VALUE=DATE:99991230"]),  # there is no day after it
        ("9999-12-31", None, ["DTSTART;VALUE=DATE:99991231"]),
        # In October London is an hour ahead of UTC, in November not.
        ("2025-10-05T18:00+01:00", None, ["DTSTART;TZID=Europe/London:20251005T180000"]),
        (
            "2025-10-05T18:00:30+01:00",
            "2025-10-05T20:00:00+01:00",
            ["DTSTART;TZID=Europe/London:20251005T180030", "DTEND;TZID=Europe/London:20251005T200000"],
        ),
        ("2025-11-05T18:00Z", None, ["DTSTART;TZID=Europe/London:20251105T180000"]),
        ("2025-11-05T18:00+01:00", None, ["DTSTART:20251105T170000Z"]),
        ("2025-10-05T18:00+05:30", "2025-10-05T20:00+05:30", ["DTSTART:20251005T123000Z", "DTEND:20251005T143000Z"]),
        # The end is in another offset than the start: the instants are what counts.
        (
            "2025-10-05T18:00+01:00",
            "2025-10-05T20:30+02:00",
            ["DTSTART;TZID=Europe/London:20251005T180000", "DTEND;TZID=Europe/London:20251005T193000"],
        ),
        # From the last day of summer time into the first of winter time.
        (
            "2025-10-25T22:00+01:00",
            "2025-10-26T04:00Z",
            ["DTSTART;TZID=Europe/London:20251025T220000", "DTEND;TZID=Europe/London:20251026T040000"],
        ),
        # 01:30 comes twice on 26 October; in local time it is the first, before the change.
        ("2025-10-26T01:30+01:00", None, ["DTSTART;TZID=Europe/London:20251026T013000"]),
        ("2025-10-26T01:30Z", None, ["DTSTART:20251026T013000Z"]),
        ("2025-10-25T22:00+01:00", "2025-10-26T01:30Z", ["DTSTART:20251025T210000Z", "DTEND:20251026T013000Z"]),
        # An end at or before the start ends nothing.
        ("2025-10-05T18:00+01:00", "2025-10-05T18:00+01:00", ["DTSTART;TZID=Europe/London:20251005T180000"]),
        ("2025-10-05T18:00+01:00", "2025-10-05T17:00+01:00", ["DTSTART;TZID=Europe/London:20251005T180000"]),
        ("2025-10-05T18:00+01:00", "2025-10-04", ["DTSTART;TZID=Europe/London:20251005T180000"]),
        # Mixed.
        ("2025-10-05T18:00+01:00", "2025-10-05", ["DTSTART;TZID=Europe/London:20251005T180000"]),
        ("2025-10-05T18:00+01:00", "2025-10-05T20:00", ["DTSTART;TZID=Europe/London:20251005T180000"]),
        ("2025-10-05T18:00+01:00", "2025-10-07", ["DTSTART;VALUE=DATE:20251005", "DTEND;VALUE=DATE:20251008"]),
        ("2025-10-05T18:00+01:00", "2025", ["DTSTART;TZID=Europe/London:20251005T180000"]),
        ("2025-10-05", "2025-10-07T20:00+01:00", ["DTSTART;VALUE=DATE:20251005", "DTEND;VALUE=DATE:20251008"]),
        ("2025-10-05", "2025-10-05T20:00+01:00", ["DTSTART;VALUE=DATE:20251005"]),
        ("2025-10-05", "2025-11", ["DTSTART;VALUE=DATE:20251005"]),
        # Local time somewhere.
        ("2025-10-05T18:00", None, ["DTSTART;VALUE=DATE:20251005"]),
        ("2025-10-05T18:00", "2025-10-05T20:00", ["DTSTART;VALUE=DATE:20251005"]),
        ("2025-10-05T18:00", "2025-10-06T02:00", ["DTSTART;VALUE=DATE:20251005", "DTEND;VALUE=DATE:20251007"]),
        # What tables of time zones are not agreed upon.
        ("1969-07-20T21:17+01:00", None, ["DTSTART:19690720T201700Z"]),
        ("1849-03-01T12:00Z", None, ["DTSTART:18490301T120000Z"]),
        ("2038-07-01T12:00+01:00", None, ["DTSTART:20380701T110000Z"]),
        ("9999-06-30T12:00Z", None, ["DTSTART:99990630T120000Z"]),
        ("9999-12-31T23:30-05:00", None, ["DTSTART;VALUE=DATE:99991231"]),  # its instant is in the year 10000
        ("1000-01-01T00:00+00:00", None, ["DTSTART:10000101T000000Z"]),
    ],
)  # fmt: skip
def test_times_are_as_exact_as_stated(start: str, end: str | None, written: list[str]) -> None:
    assert times(startDate=start, endDate=end) == written


def test_a_newsroom_in_utc_has_no_zone() -> None:
    for timezone in ("UTC", "Etc/UTC"):
        assert times(startDate="2025-10-05T18:00Z", timezone=timezone) == ["DTSTART:20251005T180000Z"]
    assert b"VTIMEZONE" not in calendar(event(startDate="2025-10-05T18:00Z"), timezone="UTC")


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2025-10-05T18:00", None, "Time: 5 October 2025, 18:00"),
        ("2025-10-05T18:00", "2025-10-05T20:00", "Time: 5 October 2025, 18:00–20:00"),
        ("2025-10-05T18:00+01:00", "2025-10-07", "Time: 5 October 2025, 18:00 UTC+1 – 7 October 2025"),
        ("2025-10-05", "2025-11", "Time: 5 October 2025 – November 2025"),
        ("2025-10-05T18:00+01:00", "2025", "Time: 5 October 2025, 18:00 UTC+1 – 2025"),
        ("9999-12-30", "9999-12-31", "Time: 30–31 December 9999"),
        ("2025-10-05T18:00+01:00", "2025-10-05T20:00", "Time: 5 October 2025, 18:00 UTC+1 – 5 October 2025, 20:00"),
        ("2025-10-05T18:00", "2025-10-05T17:00", "Time: 5 October 2025, 18:00"),
        # All is said already, or the end is an error.
        ("2025-10-05", "2025-10-07", ""),
        ("2025-10-05T18:00+01:00", "2025-10-05", ""),
        ("2025-10-05T18:00+01:00", "2025-10-05T20:00+01:00", ""),
        ("2025-10-05T18:00+01:00", "2024", ""),
        ("2025-10-05", "2025-10-04", ""),
    ],
)  # fmt: skip
def test_the_description_says_what_the_times_cannot(start: str, end: str | None, told: str) -> None:
    assert text_of("DESCRIPTION", event(startDate=start, endDate=end)) == told


def test_whole_days_leave_people_free() -> None:
    assert values(lines_of(event()), "TRANSP") == ["TRANSPARENT"]


@pytest.mark.parametrize(
    ("start", "known"),
    [
        ("2025-10-05", True),
        ("2025-10-05T18:00", True),
        ("2025-10-05T18:00:00+05:00", True),
        ("2025-10", False),
        ("2025", False),
        ("2025-02-30", False),
        ("soon", False),
        (None, False),
    ],
)
def test_a_calendar_holds_only_events_known_to_the_day(start: str | None, known: bool) -> None:
    candidate = event(startDate=start)
    assert fits(candidate.data) is known
    assert (CalendarFormat(SITE).render(candidate) != b"") is known
    assert (event_document(candidate, SITE) != b"") is known
    found = content_lines(calendar(event(), candidate))
    assert found.count("BEGIN:VEVENT") == 1 + known


def test_doors_are_named() -> None:
    concert = event(startDate="2025-10-05T20:00+01:00", doorTime="2025-10-05T19:00+01:00")
    assert text_of("DESCRIPTION", concert) == "Doors: 5 October 2025, 19:00 UTC+1"


# Time zones


@given(
    zone=st.sampled_from(ZONES),
    moment=st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 30), timezones=st.just(UTC)),
    minutes=st.integers(1, 60 * 24 * 200),
)
@example("Europe/Berlin", datetime(2025, 10, 26, 0, 30, tzinfo=UTC), 60)  # 02:30, and again 02:30
@example("Australia/Lord_Howe", datetime(2025, 10, 4, 15, 29, tzinfo=UTC), 1)  # half an hour is skipped
@example("America/New_York", datetime(1974, 1, 6, 7, 0, tzinfo=UTC), 5)  # summer time in January
@example(
    "America/New_York", datetime(1973, 12, 31, 23, 0, tzinfo=UTC), 7680
)  # … one of several single onsets
def test_the_instant_is_the_stated_one_in_every_zone(zone: str, moment: datetime, minutes: int) -> None:
    # vobject computes the instants from our VTIMEZONE with dateutil.
    moment = moment.replace(microsecond=0)
    end = moment + timedelta(minutes=minutes)
    local = ZoneInfo(zone)
    timed = event(startDate=moment.astimezone(local).isoformat(), endDate=end.astimezone(local).isoformat())
    data = calendar(timed, timezone=zone)
    content_lines(data)
    found = read(data).vevent
    assert found.dtstart.value == moment
    if end.year < 2038:
        assert found.dtend.value == end


def test_local_times_are_written_where_the_newsrooms_zone_has_the_stated_offset() -> None:
    assert times(startDate="2025-07-01T12:00+02:00", timezone="Europe/Berlin") == [
        "DTSTART;TZID=Europe/Berlin:20250701T120000"
    ]
    assert times(startDate="2025-07-01T12:00+10:30", timezone="Australia/Lord_Howe") == [
        "DTSTART;TZID=Australia/Lord_Howe:20250701T120000"
    ]


def test_a_zone_is_defined_once_and_before_what_uses_it() -> None:
    one, two = event(startDate="2025-10-05T18:00+01:00"), event(startDate="2019-01-05T18:00Z")
    lines = content_lines(calendar(one, event(), two, one))
    assert lines.count("BEGIN:VTIMEZONE") == 1
    assert lines.index("END:VTIMEZONE") < lines.index("BEGIN:VEVENT")
    # It begins before the first event that uses it, which is not the first in the file.
    assert "DTSTART:20180325T010000" in lines


def test_the_rules_of_a_zone_are_those_that_people_know() -> None:
    assert content_lines_of_zone("Europe/Berlin", 2025) == [
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20240331T020000",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "TZNAME:CEST",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20241027T030000",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        "TZNAME:CET",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "END:STANDARD",
    ]
    assert content_lines_of_zone("Asia/Kolkata", 2025) == [
        "TZID:Asia/Kolkata",
        "BEGIN:STANDARD",
        "DTSTART:20240101T000000",
        "TZNAME:IST",
        "TZOFFSETFROM:+0530",
        "TZOFFSETTO:+0530",
        "END:STANDARD",
    ]
    # tzdata has winter as the exception there, with saving less than nothing; programs expect the contrary.
    dublin = content_lines_of_zone("Europe/Dublin", 2025)
    assert dublin[1:3] == ["BEGIN:DAYLIGHT", "DTSTART:20240331T010000"]
    assert dublin[8:10] == ["BEGIN:STANDARD", "DTSTART:20241027T020000"]


def content_lines_of_zone(name: str, year: int) -> list[str]:
    frame = b"BEGIN:VCALENDAR\r\n" + vtimezone(name, year) + b"END:VCALENDAR\r\n"
    return component(content_lines(frame), "VTIMEZONE")


@pytest.mark.parametrize("year", [1970, 2024])
@pytest.mark.parametrize(
    "name",
    [
        *ZONES,
        "Africa/Casablanca",  # winter time in Ramadan, each year on other days
        "America/Recife",  # a week of summer time in 2000
        "Asia/Jerusalem",  # the Friday before the last Sunday
        "Europe/Dublin",  # where tzdata counts winter time as the exception
        "Europe/Istanbul",
        "Pacific/Apia",  # skipped a day
    ],
)
def test_a_zone_means_the_same_to_dateutil_as_to_zoneinfo(name: str, year: int) -> None:
    zone = ZoneInfo(name)
    (found,) = [tzical(io.StringIO(vtimezone(name, year).decode())).get()]
    moment, end = datetime(year, 1, 2, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)
    hours = timedelta(hours=61)
    while moment < end:
        local = moment.astimezone(zone)
        assert found.utcoffset(local.replace(tzinfo=None)) == local.utcoffset() or local.fold, local
        moment += hours


# Text


@pytest.mark.parametrize(
    "text",
    [
        "a; b, c: d\\",
        "C:\\New\\names\\Nine",
        "\\n is no line break",
        'say "yes" ^n',
        "😀" * 40,
        "ä" * 75,
        "BEGIN:VEVENT",
        "\u200fوزیراعظم\u200f (2025)",
        "x" * 200,
        " a\ttab ",
    ],
)
def test_hostile_and_unusual_text_comes_back_the_same(text: str) -> None:
    data = calendar(event(name=text, description=text, location=[{"@type": "Place", "name": text}]))
    lines = component(content_lines(data), "VEVENT")
    found = read(data).vevent
    for name in ("SUMMARY", "DESCRIPTION", "LOCATION"):
        assert values(lines, name) == [text.strip()]
        assert getattr(found, name.lower()).value == text.strip()


def test_line_breaks_of_every_kind_stay_inside_the_text() -> None:
    text = "one\r\ntwo\rthree\nfour\u2028five\x85six\x0bseven"
    lines = lines_of(event(name=text, description=text))
    assert values(lines, "SUMMARY") == ["one two three four five six seven"]
    assert values(lines, "DESCRIPTION") == ["one\ntwo\nthree\nfour\nfive\nsix\nseven"]


def test_no_text_breaks_out_of_its_property() -> None:
    attack = "x\r\nATTENDEE:mailto:victim@example.org\r\nEND:VEVENT"
    url = "https://a.example/\r\nATTENDEE:mailto:victim@example.org"
    hostile = event(
        name=attack,
        description=attack,
        url=url,
        keywords=[attack],
        location=[
            {"@type": "VirtualLocation", "name": attack, "url": url},
            {"@type": "Place", "name": attack},
        ],
        image=[{"url": url, "encodingFormat": "image/png\r\nX:y"}],
        organizer=[{"name": attack, "email": "o@example.org"}],
        startDate="2025-10-05T18:00+01:00",
        doorTime=attack,
    )
    hostile = replace(hostile, reports=(Link(attack, url),))
    data = calendar(hostile, channel=replace(samples.CHANNEL, title=attack, description=attack))
    lines = content_lines(data)
    assert not [line for line in lines if line.startswith(("ATTENDEE", "X:"))]
    assert lines.count("END:VEVENT") == 1
    read(data)


@given(name=samples.TEXT, body=samples.TEXT, place=samples.TEXT)
def test_any_text_survives_rendering_and_reading(name: str, body: str, place: str) -> None:
    data = calendar(event(name=name, description=body, location=[{"@type": "Place", "name": place}]))
    lines = component(content_lines(data), "VEVENT")
    found = read(data).vevent
    for key, text, joined in (("summary", name, " "), ("description", body, "\n"), ("location", place, " ")):
        expected = re.sub("[\u2028\u2029]", "\n", text).strip().replace("\n", joined)
        assert values(lines, key.upper()) == ([expected] if expected else [])
        if expected:
            assert getattr(found, key).value == expected


@given(
    text=samples.WILD_TEXT,
    start=st.one_of(
        st.dates().map(date.isoformat),
        st.datetimes().map(datetime.isoformat),
        st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
        st.dates().map(lambda day: day.isoformat()[:7]),
        samples.WILD_TEXT,
    ),
    end=st.one_of(st.none(), st.dates().map(date.isoformat), st.datetimes().map(datetime.isoformat)),
    zone=st.sampled_from(ZONES),
)
def test_no_record_makes_the_calendar_malformed(text: str, start: str, end: str | None, zone: str) -> None:
    odd = event(
        name=text, description=text, startDate=start, endDate=end, doorTime=text, eventStatus=text, url=text,
        location=[{"name": text, "address": text, "geo": text}, text], organizer=[{"name": text}, text],
        image=text, keywords=text,
    )  # fmt: skip
    odd = replace(odd, id=text or "urn:x:1", reports=(Link(text, text),))
    data = calendar(odd, EVENT, timezone=zone)
    assert content_lines(data).count("BEGIN:VEVENT") == 1 + fits(odd.data)
    read(data)


# Words


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "de-AT",
            "Abgesagt (bisher 1. September 2025)\nZeit: 5. Oktober 2025, 18:00\n\nVeranstaltet von: A und B"
            "\n\nBerichtet in:\nT\nhttps://t.example/",
        ),
        (
            "fr",
            "Annulé (auparavant 1er septembre 2025)\nDate et heure : 5 octobre 2025, 18:00\n\nOrganisé par A et B"
            "\n\nÀ lire :\nT\nhttps://t.example/",
        ),
        (
            "es",
            "Cancelado (antes 1 de septiembre de 2025)\nFecha y hora: 5 de octubre de 2025, 18:00\n\n"
            "Organizado por A y B\n\nSe informa en:\nT\nhttps://t.example/",
        ),
        (
            "ja",  # for which we have no words: English
            "Cancelled (formerly 1 September 2025)\nTime: 5 October 2025, 18:00\n\nOrganised by A and B"
            "\n\nReported in:\nT\nhttps://t.example/",
        ),
    ],
)
def test_our_own_words_are_in_the_language_of_the_site(language: str, told: str) -> None:
    entry = event(
        startDate="2025-10-05T18:00",
        previousStartDate="2025-09-01",
        eventStatus="https://schema.org/EventCancelled",
        organizer=[{"name": "A"}, {"name": "B"}],
    )
    entry = replace(entry, reports=(Link("T", "https://t.example/"),))
    assert text_of("DESCRIPTION", entry, language=language) == told


def test_every_language_names_the_same_things() -> None:
    for phrases in wording.PHRASES.values():
        for key, english in wording.PHRASES["en"].items():
            assert re.findall(r"{\w+}", phrases[key]) == re.findall(r"{\w+}", english)


# Files of one event, and a program that people use


def test_one_event_is_a_whole_calendar() -> None:
    data = event_document(EVENT, SITE)
    lines = content_lines(data)
    assert lines[1:5] == [
        "VERSION:2.0",
        "PRODID:-//feedpub//feedpub//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VTIMEZONE",
    ]
    assert component(lines, "VEVENT") == lines_of(EVENT, language="en-GB")
    assert read(data).vevent.dtstart.value == datetime(2025, 10, 5, 17, 0, tzinfo=UTC)


def khal(folder: Path, *arguments: str) -> str:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder), "TZ": "UTC"}
    ran = subprocess.run(
        [sys.executable, "-m", "khal", "--config", str(folder / "khal.conf"), *arguments],
        env={**os.environ, **home, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "error" not in (ran.stdout + ran.stderr).lower()
    return ran.stdout


def test_khal_imports_the_calendar(tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "khal.conf").write_text(
        f"[calendars]\n[[news]]\npath = {tmp_path}/news\n"
        f"[sqlite]\npath = {tmp_path}/khal.db\n"
        "[locale]\nlocal_timezone = Asia/Kolkata\ndefault_timezone = Asia/Kolkata\n"
        "timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
    )
    fair = event(entry=replace(EVENT, id="urn:x:fair"), name="Grüße; vom Markt, \\o/", startDate="2025-10-06",
                 endDate="2025-10-07")  # fmt: skip
    elsewhere = event(entry=replace(EVENT, id="urn:x:3"), name="Far away", startDate="2025-10-08T09:00-04:00")
    (tmp_path / "events.ics").write_bytes(calendar(EVENT, fair, elsewhere))
    khal(tmp_path, "import", "--batch", str(tmp_path / "events.ics"))
    listed = khal(
        tmp_path, "list", "--once", "--format", "{start-long} > {end-long} {title}", "--day-format", "",
        "2025-10-01", "30d",
    )  # fmt: skip
    assert [line for line in listed.splitlines() if line.strip()] == [
        # Kolkata is four and a half hours ahead of London in summer.
        "2025-10-05 22:30 > 2025-10-06 01:00 Town hall meeting on the bypass",
        "2025-10-06 > 2025-10-07 Grüße; vom Markt, \\o/",
        "2025-10-08 18:30 > 2025-10-08 19:30 Far away",
    ]
