"""The store and its ledger when they are damaged, cut off or may not be written: what is said, and what is lost."""

from __future__ import annotations

import io
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from feedpub import cli
from feedpub.errors import StoreCorruptError, StoreError
from feedpub.store import open_store
from tests import isolation
from tests.articles import markdown
from tests.conftest import NOW, Newsroom

DAY = timedelta(days=1)


def published_twice(newsroom: Newsroom) -> Path:
    """Two refreshes, of 2025-09-03 and 2025-09-04; returns the ledger's path."""
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    newsroom.write("ferry.md", markdown("Ferry sold", "A ferry was sold."))
    newsroom.publish(now=NOW + DAY)
    return newsroom.config.state / "ledger.ndjson"


def lose_store(newsroom: Newsroom) -> None:
    for path in newsroom.config.state.glob("store.sqlite3*"):
        path.unlink()


def about_the_ledger(notices: tuple[str, ...]) -> list[str]:
    return [notice for notice in notices if "in the middle of a refresh" in notice]


@pytest.mark.parametrize("cut", ["some bytes", "the commit", "half of the commit"])
def test_a_ledger_that_was_cut_off_is_told_when_the_store_is_lost(newsroom: Newsroom, cut: str) -> None:
    ledger = published_twice(newsroom)
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    commits = [number for number, line in enumerate(lines) if line.startswith(b'{"op":"commit"')]
    assert commits[-1] == len(lines) - 1
    lost = commits[-1] - commits[-2] - 1
    size = len(whole) - {"some bytes": 40, "the commit": len(lines[-1]), "half of the commit": 9}[cut]
    ledger.write_bytes(whole[:size])
    lose_store(newsroom)
    (notice,) = about_the_ledger(newsroom.publish(now=NOW + 2 * DAY).notices)
    assert f"its last {lost} lines were left out" in notice or (lost == 1 and "last 1 line was" in notice)
    assert "2025-09-04T08:00:00Z" in notice
    assert "backup" in notice
    assert "feedpub publish --rebuild" in notice
    assert not about_the_ledger(newsroom.publish(now=NOW + 2 * DAY).notices)


def test_a_whole_ledger_has_lost_nothing(newsroom: Newsroom) -> None:
    published_twice(newsroom)
    lose_store(newsroom)
    assert not about_the_ledger(newsroom.publish(now=NOW + 2 * DAY).notices)


def test_lines_that_a_crash_left_are_no_loss_beside_a_whole_store(newsroom: Newsroom) -> None:
    ledger = published_twice(newsroom)
    ledger.write_bytes(ledger.read_bytes() + b'{"op":"withdrawn","id":"urn:x","at":1756886400}\n{"op":')
    assert not about_the_ledger(newsroom.publish(now=NOW + 2 * DAY).notices)


def test_text_that_is_none_is_damage_and_told_without_its_bytes(newsroom: Newsroom) -> None:
    published_twice(newsroom)
    before = newsroom.files()
    with sqlite3.connect(newsroom.config.state / "store.sqlite3") as connection:
        connection.execute("UPDATE record SET entry = CAST(x'1b5b32ff' AS TEXT), dirty = 0")
    newsroom.write("new.md", markdown("Another", "Another text."))
    with pytest.raises(StoreCorruptError, match="feedpub publish --rebuild") as caught:
        newsroom.publish(now=NOW + 2 * DAY)
    assert str(caught.value).isprintable()
    assert "column 'entry'" in str(caught.value)
    assert "[2" not in str(caught.value)
    assert newsroom.files() == before
    newsroom.publish(now=NOW + 2 * DAY, rebuild=True)


@pytest.mark.parametrize("running", [False, True], ids=["nobody else has it", "another process has it open"])
def test_a_store_that_cannot_be_written_can_be_read(newsroom: Newsroom, running: bool) -> None:
    published_twice(newsroom)
    configuration = newsroom.root / "feedpub.toml"
    configuration.write_text(
        '[site]\ntitle = "Test News"\nurl = "https://news.example/"\n[sources.articles]\npath = "articles"\n'
    )
    state = newsroom.config.state
    other = sqlite3.connect(state / "store.sqlite3")
    if running:
        other.execute("UPDATE source SET failure = 'not mounted'")
        other.commit()
    before = sorted(path.name for path in state.iterdir())

    def look() -> list[object]:
        for path in (state, *state.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        isolation.obey_permissions()
        said = []
        for command in ("status", "quarantine"):
            out, err = io.StringIO(), io.StringIO()
            said.append(
                [cli.run([command, "--config", str(configuration)], out, err), out.getvalue(), err.getvalue()]
            )
        with pytest.raises(StoreError) as caught, open_store(newsroom.config) as store:
            store.retry()
        return [*said, str(caught.value)]

    try:
        status, quarantine, retried = isolation.in_child(look)
    finally:
        for path in (state, *state.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert (status[0], status[2]) == (0, "")
    assert re.search(r"^Published in .*: 2 articles and 0 events$", status[1], re.MULTILINE)
    assert ("not mounted" in status[1]) == running
    assert quarantine == [0, "Nothing is held back.\n", ""]
    assert "Permission denied" in retried
    assert sorted(path.name for path in state.iterdir()) == before
    other.close()


def test_a_store_of_another_version_that_cannot_be_written_says_what_to_do(newsroom: Newsroom) -> None:
    published_twice(newsroom)
    state = newsroom.config.state
    with sqlite3.connect(state / "store.sqlite3") as connection:
        connection.execute("UPDATE schema_version SET version = 1")

    def look() -> str:
        state.chmod(0o555)
        isolation.obey_permissions()
        with pytest.raises(StoreError) as caught, open_store(newsroom.config) as store:
            store.status()
        return str(caught.value)

    try:
        message = isolation.in_child(look)
    finally:
        state.chmod(0o755)
    assert "cannot be brought up to date" in message
    assert "feedpub publish" in message


def test_after_a_rebuild_the_good_version_that_stays_is_still_told(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown(id="urn:example:bridge"))
    newsroom.publish()
    newsroom.write("bridge.md", "---\ntitle: [\n---\nBroken.")
    newsroom.write("never.md", "---\ntitle: [\n---\nNever good.")
    expected = {"bridge.md": "urn:example:bridge", "never.md": None}
    for options in ({}, {"rebuild": True}, {}):
        report = newsroom.publish(now=NOW + DAY, **options)
        assert {held.place: held.published_id for held in report.held} == expected
        assert b"Bridge to be repaired" in newsroom.read("feed.xml")
    with open_store(newsroom.config) as store:
        assert {held.place: held.published_id for held in store.held()} == expected
