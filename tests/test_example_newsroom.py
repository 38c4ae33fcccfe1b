"""The example newsroom, against what a person read in its articles (expected.json)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import pytest

from feedpub import checking
from feedpub.config import load
from feedpub.pipeline import publish
from tests.conftest import ROOT

FOLDER = ROOT / "examples" / "newsroom"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def checked() -> dict[str, checking.Checked]:
    config = load(FOLDER / "feedpub.toml")
    return {f"{item.source}:{item.place}": item for item in checking.check(config, [])}


def test_every_document_is_known(checked: dict[str, checking.Checked]) -> None:
    assert checked.keys() == EXPECTED.keys()


@pytest.mark.parametrize("place", sorted(EXPECTED))
def test_document_is_taken_as_a_person_reads_it(checked: dict[str, checking.Checked], place: str) -> None:
    expected, found = EXPECTED[place], checked[place]
    outcome = {"ok": "published"}.get(found.state, found.state)
    assert outcome == expected["outcome"], [problem.message for problem in found.problems]
    if expected["outcome"] != "published":
        return
    articles = [record.data for record in found.records if "articleBody" in record.data]
    assert len(found.records) - len(articles) == expected.get("events", 0)
    if not articles:
        return
    (article,) = articles
    if expected.get("headline"):
        assert article["headline"] == expected["headline"]
    stated = expected.get("datePublished")
    # "Z" and "+00:00" are the same offset (RFC 3339 section 4.3)
    assert article.get("datePublished", "").replace("+00:00", "Z") == (stated or "").replace("+00:00", "Z")
    assert [author["name"] for author in article.get("author", [])] == expected.get("authors", [])


def test_the_newsroom_is_published_whole(tmp_path: Path) -> None:
    config = load(FOLDER / "feedpub.toml")
    config = replace(
        config, state=tmp_path / "state", publish=replace(config.publish, output=tmp_path / "feeds")
    )
    report = publish(config)
    outcomes = [row["outcome"] for row in EXPECTED.values()]
    assert not report.failed
    assert len(report.held) == outcomes.count("held")
    assert report.articles + report.events >= outcomes.count("published")
    parsed = feedparser.parse((tmp_path / "feeds" / "feed.xml").read_bytes())
    assert parsed.bozo == 0
    assert len(parsed.entries) == report.articles
    assert publish(config).written == ()


def test_explain_shows_beforehand_what_is_then_published(tmp_path: Path) -> None:
    config = load(FOLDER / "feedpub.toml")
    config = replace(
        config, state=tmp_path / "state", publish=replace(config.publish, output=tmp_path / "feeds")
    )
    places = [place for place, row in EXPECTED.items() if row["outcome"] == "published"]
    before = {place: checking.explain(config, place) for place in places}
    publish(config)
    for place in places:
        found = checking.explain(config, place)
        assert (before[place].state, found.state) == ("new", "published")
        assert before[place].records == found.records
