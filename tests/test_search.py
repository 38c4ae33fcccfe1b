"""The search index: in step with what is published, whatever was interrupted, deleted or damaged."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub.search import INDEX_NAME, index, numbers
from feedpub.search.find import Question, find
from feedpub.store import open_store
from tests import newswire
from tests.articles import markdown
from tests.conftest import NOW, Newsroom
from tests.newswire import identifier


def found(newsroom: Newsroom, **question: object) -> list[str]:
    with sqlite3.connect(newsroom.config.state / INDEX_NAME) as database:
        rows = find(database, Question("article", **question), 1000)  # type: ignore[arg-type]
    return [row.id.rpartition(":")[2] for row in rows if row.id in map(identifier, newswire.ARTICLES)]


def update(newsroom: Newsroom) -> None:
    with open_store(newsroom.config) as store, store.reading() as connection:
        index.update(connection, newsroom.config.state, timezone=newsroom.config.site.timezone)


def rows(newsroom: Newsroom) -> dict[str, list[tuple[object, ...]]]:
    """All that can be found, but for the numbers' last bits, which tell versions apart."""
    with sqlite3.connect(newsroom.config.state / INDEX_NAME) as database:
        return {
            "entry": database.execute("SELECT number >> 8, id, end_at FROM entry ORDER BY 1, 2").fetchall(),
            "term": database.execute(
                "SELECT name, slug, id FROM term JOIN entry USING (number) ORDER BY 1, 2, 3"
            ).fetchall(),
            "words": database.execute(
                "SELECT id FROM words JOIN entry ON number = words.rowid WHERE words MATCH 'harbour' ORDER BY 1"
            ).fetchall(),
        }


def test_an_index_kept_up_to_date_holds_what_one_made_anew_does(newsroom: Newsroom) -> None:
    newswire.publish(newsroom)
    bridge = {
        **newswire.BRIDGE,
        "articleSection": "Kultur",
        "keywords": ["Brücke"],
        "datePublished": "2025-09-01",
    }
    newswire.write(newsroom, "bridge", bridge)
    newsroom.publish(now=NOW + timedelta(hours=1))
    (newsroom.articles / "leader.json").unlink()
    newswire.write(
        newsroom, "ferry", {**newswire.FERRY, "articleBody": "No ferry and no word of it any more, ever."}
    )
    newsroom.publish(now=NOW + timedelta(hours=2), yes=True)
    assert found(newsroom, words="Tagus") == []
    assert found(newsroom, facets={"section": ("Politik",)}) == []
    assert found(newsroom, facets={"section": ("Kultur",)}) == ["bridge"]
    kept = rows(newsroom)
    # The event is found by the new section of the article that reports it.
    assert ("section", "kultur", identifier("hearing")) in kept["term"]
    assert ("section", "politik", identifier("hearing")) not in kept["term"]
    (newsroom.config.state / INDEX_NAME).unlink()
    newsroom.publish(now=NOW + timedelta(hours=3))
    assert rows(newsroom) == kept


def test_an_article_is_found_by_the_new_place_of_its_event(newsroom: Newsroom) -> None:
    newswire.publish(newsroom)
    (event,) = newswire.BRIDGE["about"]
    moved = {**event, "location": newswire.PLACES["Lisbon"]}
    newswire.write(newsroom, "bridge", {**newswire.BRIDGE, "about": [moved]})
    newsroom.publish(now=NOW + timedelta(hours=1))
    assert found(newsroom, facets={"place": ("Hamburg",)}) == []
    assert found(newsroom, facets={"place": ("Lisbon",)}) == ["bridge", "ferry"]


def test_what_an_interrupted_update_left_out_is_made_up_for(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newswire.publish(newsroom)

    def crash(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    newswire.write(newsroom, "ferry", {**newswire.FERRY, "headline": "Zeppelin to Almada"})
    with monkeypatch.context() as patched:
        patched.setattr(index, "_put", crash)
        report = newsroom.publish(now=NOW + timedelta(hours=1))
    (notice,) = [notice for notice in report.notices if "index" in notice]
    assert "disk I/O error" in notice
    assert not report.failures
    assert b"Zeppelin" in newsroom.read("feed.xml")
    assert found(newsroom, words="Zeppelin") == []
    assert found(newsroom, words="ferry") == ["ferry"]
    report = newsroom.publish(now=NOW + timedelta(hours=2))
    assert not [notice for notice in report.notices if "index" in notice]
    assert found(newsroom, words="Zeppelin") == ["ferry"]


def test_a_refresh_without_changes_leaves_the_index_alone(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newswire.publish(newsroom)
    before = (newsroom.config.state / INDEX_NAME).stat()
    monkeypatch.setattr(index, "_entries", lambda *_: pytest.fail("something was indexed"))
    newsroom.publish(now=NOW + timedelta(hours=1))
    after = (newsroom.config.state / INDEX_NAME).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_one_new_article_is_all_that_is_indexed(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newswire.publish(newsroom)
    indexed: list[str] = []
    entries = index._entries
    monkeypatch.setattr(index, "_entries", lambda store, ids: indexed.extend(ids) or entries(store, ids))
    newswire.write(
        newsroom,
        "more",
        {**newswire.PORT, "@id": identifier("more"), "headline": "More", "articleBody": "New."},
    )
    newsroom.publish(now=NOW + timedelta(hours=1))
    assert indexed == [identifier("more")]


@pytest.mark.parametrize("content", [b"", b"no database " * 1000, None])
def test_an_index_that_is_damaged_is_made_anew(newsroom: Newsroom, content: bytes | None) -> None:
    newswire.publish(newsroom)
    path = newsroom.config.state / INDEX_NAME
    if content is None:
        whole = bytearray(path.read_bytes())
        whole[4096 : len(whole) // 2] = bytes(len(whole) // 2 - 4096)
        content = bytes(whole)
    path.write_bytes(content)
    newswire.write(newsroom, "ferry", {**newswire.FERRY, "headline": "Zeppelin to Almada"})
    report = newsroom.publish(now=NOW + timedelta(hours=1))
    assert not [notice for notice in report.notices if "index" in notice]
    assert found(newsroom, words="Zeppelin") == ["ferry"]
    assert found(newsroom) == ["concert", "bridge", "ferry", "port", "leader"]


def test_an_index_that_cannot_be_written_is_a_notice(newsroom: Newsroom) -> None:
    newswire.publish(newsroom)
    path = newsroom.config.state / INDEX_NAME
    path.unlink()
    path.mkdir()
    report = newsroom.publish(now=NOW + timedelta(hours=1))
    assert [notice for notice in report.notices if INDEX_NAME in notice or "search index" in notice]
    assert not report.failures


def test_another_time_zone_places_everything_anew(newsroom: Newsroom) -> None:
    newswire.publish(newsroom)
    midnight_in_berlin = 1_756_764_000  # 2025-09-01T22:00:00Z
    assert found(newsroom, since=midnight_in_berlin, until=midnight_in_berlin + 1) == ["bridge"]
    newsroom.configure(site=replace(newsroom.config.site, timezone="UTC"))
    newsroom.publish(now=NOW + timedelta(hours=1))
    assert found(newsroom, since=midnight_in_berlin, until=midnight_in_berlin + 1) == []
    assert found(newsroom, since=midnight_in_berlin + 7200, until=midnight_in_berlin + 7201) == ["bridge"]


def test_a_store_of_another_history_makes_the_index_anew(newsroom: Newsroom) -> None:
    newswire.publish(newsroom)
    for path in newsroom.config.state.iterdir():
        if not path.name.startswith(INDEX_NAME):
            path.unlink() if path.is_file() else None
    for name in ("port", "leader", "concert"):
        (newsroom.articles / f"{name}.json").unlink()
    newsroom.publish(now=NOW + timedelta(hours=1))
    assert found(newsroom) == ["bridge", "ferry"]


def test_old_versions_do_not_pile_up(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_FEW", 3)
    newswire.publish(newsroom)
    for number in range(12):
        newswire.write(
            newsroom, "port", {**newswire.PORT, "articleBody": f"{newswire.PORT['articleBody']} {number}"}
        )
        newsroom.publish(now=NOW + timedelta(hours=number + 1))
    with sqlite3.connect(newsroom.config.state / INDEX_NAME) as database:
        assert database.execute("SELECT count(*) FROM stale").fetchone()[0] <= 5
    assert found(newsroom, words="mairie") == ["port"]
    assert found(newsroom, words="mairie 11") == ["port"]
    assert found(newsroom, words="mairie 10") == []


def test_two_that_meet_at_one_number_are_told_apart(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "first", lambda kind, at, _: numbers.at_time(kind, at))
    monkeypatch.setattr(index.numbers, "first", numbers.first)
    for number in range(300):
        newsroom.write(
            f"{number:03}.md",
            markdown(f"Number {number}", f"Text {number} of three hundred.", date="2025-08-01"),
        )
    newsroom.publish()
    with sqlite3.connect(newsroom.config.state / INDEX_NAME) as database:
        rows = find(database, Question("article"), 1000)
    assert len({row.id for row in rows}) == len({row.number for row in rows}) == 300


TIMES = st.integers(-(1 << 34), 1 << 34)


@given(TIMES, TIMES, st.text(), st.text(), st.sampled_from(["article", "event"]))
def test_numbers_are_in_the_order_of_time(one: int, other: int, a: str, b: str, kind: numbers.Kind) -> None:
    first, second = numbers.first(kind, one, a), numbers.first(kind, other, b)
    if one != other:
        assert (first < second) == (one < other)
    for number in (first, second):
        assert numbers.LOWEST[kind] <= number < numbers.BEYOND[kind]
    assert numbers.at_time(kind, one) <= first < numbers.at_time(kind, one + 1)
    assert second < numbers.first(kind, None, a) < numbers.BEYOND[kind] < 1 << 63


def test_the_index_may_be_deleted_and_is_made_at_the_next_refresh(newsroom: Newsroom) -> None:
    newswire.publish(newsroom)
    before = rows(newsroom)
    index.forget(newsroom.config.state)
    assert not list(Path(newsroom.config.state).glob(f"{INDEX_NAME}*"))
    newsroom.publish(now=NOW + timedelta(hours=1))
    assert rows(newsroom) == before
    update(newsroom)
    assert rows(newsroom) == before
