"""What the refreshes of each day came to, as the store keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from feedpub.errors import StoreError, StoreVersionError
from feedpub.store import open_store, schema, tally
from feedpub.store.reading import open_to_read
from tests.articles import BODY, markdown
from tests.conftest import NOW, Newsroom

BAD = "---\ntitle: Bridge\ndate: 2025-02-30\n---\n\nThe bridge opened on Tuesday after four years.\n"


def days(newsroom: Newsroom) -> dict[tuple[str, str], tally.Tally]:
    with open_to_read(newsroom.config) as store, store.reading() as connection:
        return {(day.day, day.source): day for day in tally.days(connection)}


def totals(newsroom: Newsroom) -> dict[str, tally.Tally]:
    with open_to_read(newsroom.config) as store, store.reading() as connection:
        return {total.source: total for total in tally.totals(connection)}


def test_a_day_counts_what_its_refreshes_brought_and_what_is_held(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown("Bridge opens"))
    newsroom.write("bad.md", BAD)
    newsroom.publish(now=NOW)
    newsroom.write(
        "two.md", markdown("Ferry sails", body="The ferry sailed on Monday with forty passengers.")
    )
    newsroom.publish(now=NOW + timedelta(hours=1))
    newsroom.publish(now=NOW + timedelta(days=1))
    found = days(newsroom)
    assert set(found) == {
        (day, source) for day in ("2025-09-03", "2025-09-04") for source in ("", "articles")
    }
    first, second = found["2025-09-03", "articles"], found["2025-09-04", "articles"]
    assert (first.succeeded, first.failed, first.new, first.modified, first.removed, first.held) == (
        2,
        0,
        2,
        0,
        0,
        1,
    )
    assert (second.succeeded, second.new, second.held) == (1, 0, 1)
    assert first.seconds >= first.longest > 0
    ever = totals(newsroom)
    assert (ever["articles"].succeeded, ever["articles"].new, ever["articles"].held) == (3, 2, 1)
    assert (ever[""].succeeded, ever[""].new) == (3, 2)


def test_a_failed_refresh_is_counted_as_one_and_the_others_are_not(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    missing = replace(newsroom.config.sources[0], name="agency", path=newsroom.root / "not there")
    newsroom.configure(sources=(*newsroom.config.sources, missing))
    newsroom.publish()
    found = days(newsroom)
    assert (found["2025-09-03", "agency"].succeeded, found["2025-09-03", "agency"].failed) == (0, 1)
    assert (found["2025-09-03", "articles"].succeeded, found["2025-09-03", "articles"].failed) == (1, 0)
    assert (found["2025-09-03", ""].succeeded, found["2025-09-03", ""].failed) == (0, 1)


def test_what_the_accident_guard_stopped_is_told_from_failures(newsroom: Newsroom) -> None:
    places = ("Harbour", "Market", "Station", "Library", "Airport", "Museum")
    for place in places:
        newsroom.write(
            f"{place}.md", markdown(f"{place} to be repaired", body=f"{BODY} So does the {place}.")
        )
    newsroom.publish()
    newsroom.write(
        "Lighthouse.md", markdown("Lighthouse to be repaired", body=f"{BODY} So does the lighthouse.")
    )
    newsroom.publish()
    for place in places:
        (newsroom.articles / f"{place}.md").unlink()
    newsroom.publish(now=NOW + timedelta(days=1))
    found = days(newsroom)["2025-09-04", "articles"]
    assert (found.succeeded, found.failed, found.stopped) == (0, 0, 1)


def test_days_are_kept_for_ninety_days_and_totals_for_ever(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish(now=NOW)
    newsroom.publish(now=NOW + timedelta(days=89))
    assert {day for day, _ in days(newsroom)} == {"2025-09-03", "2025-12-01"}
    newsroom.publish(now=NOW + timedelta(days=90))
    assert {day for day, _ in days(newsroom)} == {"2025-12-01", "2025-12-02"}
    assert totals(newsroom)["articles"].succeeded == 3


def test_the_days_of_ten_thousand_refreshes_take_no_more_room_than_those_of_one(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    report = newsroom.publish()
    with open_store(newsroom.config) as store, store.transaction() as transaction:
        for _ in range(100):
            tally.add(transaction.connection, report, NOW)
        rows = transaction.connection.execute(select(func.count()).select_from(schema.tally)).scalar()
    assert rows == 4


def test_a_day_is_one_in_utc_wherever_the_refresh_ran(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish(now=datetime.fromisoformat("2025-09-04T01:30:00+02:00"))
    assert {day for day, _ in days(newsroom)} == {"2025-09-03"}


def test_when_a_source_last_brought_anything_is_kept(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish(now=NOW)
    newsroom.publish(now=NOW + timedelta(hours=2))
    with open_to_read(newsroom.config) as store, store.reading() as connection:
        row = connection.execute(select(schema.source)).one()
    assert datetime.fromtimestamp(row.changed_at, UTC) == NOW
    assert datetime.fromtimestamp(row.last_success_at, UTC) == NOW + timedelta(hours=2)


def test_a_source_that_could_only_be_read_in_part_is_marked_until_it_can_be_read_whole(
    newsroom: Newsroom,
) -> None:
    def why() -> str | None:
        with open_to_read(newsroom.config) as store, store.reading() as connection:
            return connection.execute(select(schema.source.c.incomplete)).scalar_one()

    article = newsroom.write("one.md", markdown())
    newsroom.publish()
    assert why() is None
    article.unlink()
    newsroom.publish()
    assert "Is it mounted?" in (why() or "")
    newsroom.write("one.md", markdown())
    newsroom.publish()
    assert why() is None


def test_looking_makes_no_store_and_changes_none(newsroom: Newsroom) -> None:
    with pytest.raises(StoreError), open_to_read(newsroom.config):
        pass
    assert not newsroom.config.state.exists()
    newsroom.write("one.md", markdown())
    newsroom.publish()

    def files() -> dict[str, bytes]:
        # The two files that SQLite needs beside a store to read it are the publisher's own in any case.
        found = {path.name: path.read_bytes() for path in newsroom.config.state.iterdir() if path.is_file()}
        return {name: content for name, content in found.items() if not name.endswith(("-shm", "-wal"))}

    before = files()
    assert totals(newsroom)["articles"].new == 1
    assert files() == before


@pytest.mark.parametrize(("version", "newer"), [(schema.VERSION + 1, True), (schema.VERSION - 1, False)])
def test_a_store_of_another_version_is_left_alone_and_said_to_be_one(
    newsroom: Newsroom, version: int, newer: bool
) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    with open_store(newsroom.config) as store, store.transaction() as transaction:
        transaction.connection.exec_driver_sql(f"UPDATE schema_version SET version = {version}")
    with pytest.raises(StoreVersionError) as caught, open_to_read(newsroom.config):
        pass
    assert caught.value.newer == newer
