"""Lines for followers: each a JSON value by itself, and enough to hold the same records as the newsroom."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from feedpub.formats import jsonld
from feedpub.formats.ndjson import change_line, record_line
from tests.judges import linked_data, samples

AT = datetime(2025, 9, 2, 15, 0, 0, 999, tzinfo=timezone(timedelta(hours=5)))
RECORD_URL = "https://courier.example/articles/2025/09/bypass-0a4a3a6f.jsonld"


def change(**changes: Any) -> bytes:
    usual = {
        "sequence": 41,
        "at": AT,
        "change": "added",
        "record_id": samples.ARTICLE_ID,
        "type_": "NewsArticle",
        "url": RECORD_URL,
    }
    return change_line(**{**usual, **changes})


def test_a_record_is_one_line_with_its_context_first() -> None:
    line = record_line(samples.ENTRY.data)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert line.startswith(b'{"@context":"https://schema.org","@type":"NewsArticle",')
    assert json.loads(line) == {"@context": "https://schema.org", **samples.ARTICLE}


@pytest.mark.parametrize("context", linked_data.contexts(), ids=lambda path: path.name)
def test_the_lines_of_an_article_and_its_event_state_what_their_document_states(context: Path) -> None:
    lines = [
        record_line(samples.ENTRY.data),
        record_line(samples.EVENT),
    ]
    document = jsonld.record_document(samples.ARTICLE, samples.EVENT)
    assert linked_data.statements(lines, context) == linked_data.statements([document], context)


def test_a_change_says_what_happened_to_which_record_and_where_it_is() -> None:
    assert change() == (
        b'{"sequence":41,"at":"2025-09-02T10:00:00Z","change":"added",'
        b'"id":"urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0001","type":"NewsArticle",'
        b'"url":"https://courier.example/articles/2025/09/bypass-0a4a3a6f.jsonld"}\n'
    )


def test_what_was_deleted_has_no_address() -> None:
    for line in (change(change="deleted"), change(change="deleted", url=None)):
        assert list(json.loads(line)) == ["sequence", "at", "change", "id", "type"]


def test_a_time_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="no zone"):
        change(at=datetime(2025, 9, 2))


def test_a_follower_that_reads_dump_and_changes_holds_what_is_published() -> None:
    published = {RECORD_URL: record_line({**samples.ARTICLE, "headline": "New"})}
    dump = record_line(samples.entry("urn:x:1").data) + record_line(samples.ENTRY.data)
    changes = [
        change(sequence=40, record_id="urn:x:1"),
        change(sequence=41, change="modified"),
        change(sequence=42, change="deleted", record_id="urn:x:1", url=None),
    ]
    held = {record["@id"]: record for record in map(json.loads, dump.splitlines())}
    done = 40
    # The whole page twice, as after an interruption: what is done is passed over.
    for line in (*changes, *changes):
        told = json.loads(line)
        if told["sequence"] <= done:
            continue
        if told["change"] == "deleted":
            held.pop(told["id"], None)
        else:
            held[told["id"]] = json.loads(published[told["url"]])
        done = told["sequence"]
    assert {identifier: record["headline"] for identifier, record in held.items()} == {
        samples.ARTICLE_ID: "New"
    }
    assert done == 42


@example(headline="a\u2028b\u2029c", body="\x85\x1c\x0b\r\n")
@given(headline=samples.WILD_TEXT, body=samples.WILD_TEXT)
def test_any_text_stays_on_its_line(headline: str, body: str) -> None:
    entry = samples.entry(headline=headline, articleBody=body)
    text = (record_line(entry.data) + record_line(samples.ENTRY.data)).decode()
    # str.splitlines breaks at more characters than any other reader of lines.
    first, second = text.splitlines()
    assert list(io.StringIO(text, newline=None)) == [f"{first}\n", f"{second}\n"]
    assert json.loads(first)["headline"] == headline
    assert json.loads(first)["articleBody"] == body
    assert json.loads(second)["@id"] == samples.ARTICLE_ID


def test_lines_are_the_same_for_the_same_record() -> None:
    assert record_line(samples.ENTRY.data) == record_line(dict(samples.ARTICLE))
    assert change(at=AT.astimezone(UTC)) == change()
