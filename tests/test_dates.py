"""Published dates in the forms in which they are met, and the forms in which they leave."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import dates
from feedpub.models import When

ISO = [
    ("2025", "2025", "year"),
    ("2025-09", "2025-09", "month"),
    ("2025-09-02", "2025-09-02", "day"),
    ("2025-9-2", "2025-09-02", "day"),
    ("2025/09/02", "2025-09-02", "day"),
    ("20250902", "2025-09-02", "day"),
    ("2025-W36-2", "2025-09-02", "day"),
    ("2025-245", "2025-09-02", "day"),
    ("2025-09-02T15:00", "2025-09-02T15:00", "minute"),
    ("2025-09-02 15:00:00", "2025-09-02T15:00:00", "second"),
    ("2025-09-02T15:00Z", "2025-09-02T15:00Z", "minute"),
    ("2025-09-02T15:00:00+00:00", "2025-09-02T15:00:00Z", "second"),
    ("2025-09-02T15:00:00+05:00", "2025-09-02T15:00:00+05:00", "second"),
    ("2025-09-02 15:00:00.123456-0300", "2025-09-02T15:00:00-03:00", "second"),
    ("2025-09-02 15:00:00 +0530", "2025-09-02T15:00:00+05:30", "second"),
    ("20250902T101500Z", "2025-09-02T10:15:00Z", "second"),
    ("2025-09-02T24:00", "2025-09-03T00:00", "minute"),
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", "second"),
    ("  2025-09-02\n", "2025-09-02", "day"),
]
WORDS = [
    ("Tue, 02 Sep 2025 10:00:00 +0500", "2025-09-02T10:00:00+05:00"),
    ("Tue, 2 Sep 25 10:00 EST", "2025-09-02T10:00-05:00"),
    ("Tue Sep  2 10:00:00 2025", "2025-09-02T10:00:00"),
    ("Tue Sep 02 2025 10:00:00 GMT+0500 (Pakistan Standard Time)", "2025-09-02T10:00:00+05:00"),
    ("Sept. 2, 2025", "2025-09-02"),
    ("Mar 2 2025", "2025-03-02"),
    ("September 2nd, 2025 at 2 pm", "2025-09-02T14:00"),
    ("12:30 a.m., 2 September 2025", "2025-09-02T00:30"),
    ("2 September 2025 14:05 CET", "2025-09-02T14:05+01:00"),
    ("2 May 2025", "2025-05-02"),
    ("May 2025", "2025-05"),
    ("2. September 2025", "2025-09-02"),
    ("Dienstag, 2. März 2025, 14.30 Uhr", "2025-03-02T14:30"),
    ("02.09.2025 14:30", "2025-09-02T14:30"),
    ("mar. 2 sept. 2025", "2025-09-02"),
    ("1er août 2025", "2025-08-01"),
    ("le 2 septembre 2025 à 14h30", "2025-09-02T14:30"),
    ("2 de septiembre de 2025", "2025-09-02"),
    ("terça-feira, 2 de setembro de 2025 às 14h30", "2025-09-02T14:30"),
    ("martedì 2 settembre 2025", "2025-09-02"),
    ("dinsdag 2 september 2025", "2025-09-02"),
    ("2 września 2025 r.", "2025-09-02"),
    ("2 сентября 2025 года в 14:05", "2025-09-02T14:05"),
    ("2 вересня 2025 року", "2025-09-02"),
    ("٢ سبتمبر ٢٠٢٥", "2025-09-02"),
    ("2 تشرين الأول 2025", "2025-10-02"),
    ("2 ستمبر 2025", "2025-09-02"),
    ("2 Eylül 2025 Salı 14:05", "2025-09-02T14:05"),
    ("den 2 september 2025", "2025-09-02"),
    ("2. syyskuuta 2025 klo 14.05", "2025-09-02T14:05"),
    ("2 सितंबर 2025", "2025-09-02"),
    ("2025年9月2日", "2025-09-02"),
    ("2025年9月2日 下午2:05", "2025-09-02T14:05"),
    ("2025년 9월 2일", "2025-09-02"),
]
UNREAD = [
    "", "yesterday", "2 Foo 2025", "Sept. 2", "10:00", "2025-02-30", "2025-13", "2025-13-01", "2025-00-01",
    "20255-01-01", "0999-01-01", "2200-01-01", "2568-09-02", "2025-09-02T25:00", "2025-09-02T10:61",
    "2025-09-02T10:00:00+99:00", "2025-366", "2025-W54-1", "2025-W36", "1756800000", "31 February 2025",
    "2 Sep 2025 14:05 IST", "2 September 2025 Nowhere/City", "2025-09-02 or later", "9" * 5000, "٣/٤",
    "2025-09-02\x00", "May May 2025 2", "2 3 4 2025",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "precision"), ISO)
def test_iso_8601_keeps_its_precision(text: str, value: str, precision: str) -> None:
    assert dates.parse(text) == When(value, precision)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "value"), WORDS)
def test_dates_in_words_are_read_in_many_languages(text: str, value: str) -> None:
    found = dates.parse(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_no_date_or_not_understood_wholly_is_not_read(text: str) -> None:
    assert dates.parse(text) is None


def test_ambiguous_numbers_need_dayfirst() -> None:
    assert dates.parse("03/04/2025") is None
    assert dates.parse("03/04/2025", dayfirst=True) == When("2025-04-03", "day")
    assert dates.parse("03/04/2025", dayfirst=False) == When("2025-03-04", "day")


def test_numbers_that_can_be_meant_in_one_way_only_need_nothing() -> None:
    assert dates.parse("13/04/2025") == When("2025-04-13", "day")
    assert dates.parse("04/13/2025") == When("2025-04-13", "day")
    assert dates.parse("3/3/2025") == When("2025-03-03", "day")
    assert dates.parse("3.4.2025") == When("2025-04-03", "day")


def test_stated_zone_is_kept_and_gives_the_offset() -> None:
    assert dates.parse("2025-07-02 10:00 Europe/Berlin") == When(
        "2025-07-02T10:00+02:00", "minute", "Europe/Berlin"
    )
    assert dates.parse("2025-01-02T10:00:00+01:00[Europe/Berlin]") == When(
        "2025-01-02T10:00:00+01:00", "second", "Europe/Berlin"
    )
    assert dates.parse("Sept. 2, 2025, 2:05 p.m. ET") == When(
        "2025-09-02T14:05-04:00", "minute", "America/New_York"
    )


def test_values_of_yaml_and_toml_are_taken_as_they_are() -> None:
    assert dates.from_value(date(2025, 9, 2)) == When("2025-09-02", "day")
    assert dates.from_value(datetime(2025, 9, 2, 10)) == When("2025-09-02T10:00:00", "second")
    aware = datetime(2025, 9, 2, 10, tzinfo=timezone(timedelta(hours=5)))
    assert dates.from_value(aware) == When("2025-09-02T10:00:00+05:00", "second")
    assert dates.from_value(2025) == When("2025", "year")
    assert dates.from_value(20250902) == When("2025-09-02", "day")


@pytest.mark.parametrize("value", [None, True, 1756800000, 2.5, [], {}, datetime(1, 1, 1)])
def test_other_values_are_no_dates(value: object) -> None:
    assert dates.from_value(value) is None


def test_epoch_is_read_on_demand_in_seconds_and_milliseconds() -> None:
    assert dates.from_epoch(0) == When("1970-01-01T00:00:00Z", "second")
    assert dates.from_epoch(1756800000) == When("2025-09-02T08:00:00Z", "second")
    assert dates.from_epoch(1756800000999) == When("2025-09-02T08:00:00Z", "second")
    assert dates.from_epoch(float("nan")) is None
    assert dates.from_epoch(float("inf")) is None
    assert dates.from_epoch(True) is None


def test_zone_is_added_to_times_without_one_only() -> None:
    assert (
        dates.with_zone(When("2025-07-02T10:00", "minute"), "Europe/Berlin").value == "2025-07-02T10:00+02:00"
    )
    assert dates.with_zone(When("2025-07-02T10:00:00", "second"), "UTC").value == "2025-07-02T10:00:00Z"
    for value, precision in (("2025-07-02", "day"), ("2025-07", "month"), ("2025-07-02T10:00Z", "minute")):
        when = When(value, precision)  # type: ignore[arg-type]
        assert dates.with_zone(when, "Europe/Berlin") == when


def test_hour_that_occurs_twice_is_the_first_and_a_skipped_one_moves_on() -> None:
    assert (
        dates.with_zone(When("2025-10-26T02:30", "minute"), "Europe/Berlin").value == "2025-10-26T02:30+02:00"
    )
    assert (
        dates.with_zone(When("2025-03-30T02:30", "minute"), "Europe/Berlin").value == "2025-03-30T03:30+02:00"
    )


@pytest.mark.parametrize("name", ["Foo/Bar", "../../etc/passwd", "", "Europe"])
def test_unknown_zone_is_named(name: str) -> None:
    assert dates.zone(name) is None
    with pytest.raises(ValueError, match="IANA"):
        dates.with_zone(When("2025-07-02T10:00", "minute"), name)


def test_instant_of_a_date_is_midnight_in_the_newsroom() -> None:
    found = dates.instant(When("2025-09-02", "day"), "Asia/Karachi")
    assert found == datetime(2025, 9, 1, 19, tzinfo=UTC)
    assert dates.instant(When("2025-09-02T10:00+05:00", "minute"), "UTC") == datetime(
        2025, 9, 2, 5, tzinfo=UTC
    )
    assert dates.instant(When("2025-09", "month"), "UTC") is None
    assert dates.instant(When("2025", "year"), "UTC") is None


@pytest.mark.parametrize(
    ("when", "start", "end"),
    [
        (When("2025", "year"), datetime(2025, 1, 1), datetime(2026, 1, 1)),
        (When("2025-12", "month"), datetime(2025, 12, 1), datetime(2026, 1, 1)),
        (When("2025-02-28", "day"), datetime(2025, 2, 28), datetime(2025, 3, 1)),
        (When("2025-02-28T10:00", "minute"), datetime(2025, 2, 28, 10), datetime(2025, 2, 28, 10, 1)),
        (
            When("2025-02-28T10:00:05", "second"),
            datetime(2025, 2, 28, 10, 0, 5),
            datetime(2025, 2, 28, 10, 0, 6),
        ),
    ],
)
def test_bounds_cover_just_what_is_stated(when: When, start: datetime, end: datetime) -> None:
    assert dates.bounds(when, "UTC") == (start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))


def test_day_with_a_clock_change_has_25_hours() -> None:
    start, end = dates.bounds(When("2025-10-26", "day"), "Europe/Berlin")
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=25)


def test_rfc_822_and_rfc_3339_are_written_in_english_with_numeric_zones() -> None:
    moment = datetime(2025, 9, 2, 0, 0, 0, 999, tzinfo=timezone(timedelta(hours=5)))
    assert dates.rfc822(moment) == "Tue, 02 Sep 2025 00:00:00 +0500"
    assert dates.rfc3339(moment) == "2025-09-02T00:00:00+05:00"
    assert dates.rfc822(datetime(2025, 9, 2, tzinfo=UTC)) == "Tue, 02 Sep 2025 00:00:00 +0000"
    assert dates.rfc3339(datetime(2025, 9, 2, tzinfo=UTC)) == "2025-09-02T00:00:00Z"
    west = datetime(2025, 9, 2, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    assert dates.rfc822(west) == "Tue, 02 Sep 2025 00:00:00 -0330"


def test_an_offset_with_seconds_is_written_as_utc() -> None:
    # Berlin kept local mean time, 53 minutes and 28 seconds ahead of Greenwich, until 1893.
    old = datetime(1849, 3, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert dates.rfc822(old) == "Thu, 01 Mar 1849 11:06:32 +0000"
    assert dates.rfc3339(old) == "1849-03-01T11:06:32Z"


def test_time_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="no zone"):
        dates.rfc822(datetime(2025, 9, 2))
    with pytest.raises(ValueError, match="no zone"):
        dates.rfc3339(datetime(2025, 9, 2))


def test_month_names_are_known_with_and_without_accents() -> None:
    assert [dates.month_number(w) for w in ("Sept.", "août", "AOUT", "März", "marzec", "foo")] == [
        9, 8, 8, 3, 3, None,
    ]  # fmt: skip


@given(st.text(max_size=140))
def test_any_text_is_read_or_refused_without_an_error(text: str) -> None:
    found = dates.parse(text)
    assert found is None or 1000 <= int(found.value[:4]) <= 2199


@given(
    st.datetimes(
        min_value=datetime(1000, 1, 2),
        max_value=datetime(2199, 12, 30),
        timezones=st.just(timezone(timedelta(hours=-7))),
    )
)
def test_both_outgoing_forms_read_back_as_the_same_instant(moment: datetime) -> None:
    exact = moment.replace(microsecond=0)
    for text in (dates.rfc822(moment), dates.rfc3339(moment)):
        found = dates.parse(text)
        assert found is not None
        assert dates.instant(found, "UTC") == exact


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(2199, 12, 31)))
def test_day_of_week_and_day_of_year_name_the_same_day(day: date) -> None:
    year, week, weekday = day.isocalendar()
    assert dates.parse(day.isoformat()) == When(day.isoformat(), "day")
    assert dates.parse(f"{year}-W{week:02}-{weekday}") == When(day.isoformat(), "day")
    assert dates.parse(f"{day.year}-{day.timetuple().tm_yday:03}") == When(day.isoformat(), "day")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Monday, 2 September 2025", True),
        ("Tuesday, 2 September 2025", False),
        ("Tue, 02 Sep 2025 10:00:00 +0500", False),
        ("lundi 2 septembre 2025", True),
        ("mar. 2 sept. 2025", False),
        ("понедельник, 2 сентября 2025", True),
        ("2 September 2025", False),
    ],
)
def test_day_of_the_week_is_compared_with_the_date(text: str, wrong: bool) -> None:
    assert dates.has_wrong_weekday(text, When("2025-09-02", "day")) is wrong


@pytest.mark.parametrize("text", ["half past five", "25:00", "2025-09-02", "17:30 or so", ""])
def test_what_is_no_time_of_day_has_no_place_on_a_day(text: str) -> None:
    assert dates.on_day(When("2025-09-02", "day"), text) is None


@pytest.mark.parametrize(
    ("day", "text", "value"),
    [
        (When("2025-09-02", "day"), "17.30 Uhr", "2025-09-02T17:30"),
        (When("2025-09-02T20:00Z", "minute"), "19:00", "2025-09-02T19:00Z"),
        (When("2025-09-02T20:00+05:00", "minute"), "19:00:30Z", "2025-09-02T19:00:30Z"),
    ],
)
def test_time_of_day_is_put_on_a_day(day: When, text: str, value: str) -> None:
    found = dates.on_day(day, text)
    assert found is not None
    assert found.value == value
