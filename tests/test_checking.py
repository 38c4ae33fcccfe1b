"""`check` and `explain` against a real newsroom: what they say is what publishing does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from feedpub import checking, cli
from feedpub.errors import ConfigError
from feedpub.models import Problem, Record
from tests.articles import BODY, CONCERT, markdown
from tests.conftest import NOW, Newsroom

DAY = timedelta(days=1)
FAIR = "{name: Harbour fair, start: 2026-06-06, place: Old Quay}"


def explain(newsroom: Newsroom, article: str, **options: Any) -> checking.Explanation:
    return checking.explain(newsroom.config, article, **{"now": NOW, **options})


def published(newsroom: Newsroom, explanation: checking.Explanation) -> list[dict[str, Any]]:
    """The record that stands in the output, and those of its events, as their readers see them."""
    assert explanation.published is not None
    path = explanation.published["record"].removeprefix(newsroom.config.site.url)
    document = json.loads(newsroom.read(path))
    return list(document["@graph"]) if "@graph" in document else [document]


def _nested(newsroom: Newsroom, records: tuple[Record, ...]) -> list[Any]:
    from feedpub.formats.jsonld import record_document

    document = json.loads(record_document(*(record.data for record in records)))
    return list(document["@graph"]) if "@graph" in document else [document]


def write_illustrated(newsroom: Newsroom, **front: Any) -> None:
    Image.new("RGB", (40, 30)).save(newsroom.articles / "bridge.png")
    newsroom.write("bridge.md", markdown(image="bridge.png", **front))


def test_explain_of_a_published_article_shows_what_is_published(newsroom: Newsroom) -> None:
    later = FAIR.replace("place", "end: 2026-06-08, place")
    write_illustrated(
        newsroom, events=f"[{FAIR}, {{name: Harbour fair, start: 2026-07-06, place: Old Quay}}]"
    )
    newsroom.write("other.md", markdown("Another report", "Another text.", event=later))
    newsroom.publish()
    found = explain(newsroom, "bridge.md")
    assert (found.state, found.reason) == ("published", None)
    assert _nested(newsroom, found.records) == published(newsroom, found)
    article, first, second = (record.data for record in found.records)
    assert article["image"][0]["url"].startswith("https://news.example/media/")
    assert article["mentions"] == [{"@id": first["@id"]}, {"@id": second["@id"]}]
    # what the other article says of the same event
    assert (first["startDate"], first["endDate"]) == ("2026-06-06", "2026-06-08")
    assert second["startDate"] == "2026-07-06"
    assert found.records[1].origins["/endDate"].name == "end"


def test_explain_before_publishing_shows_what_will_be_published(newsroom: Newsroom) -> None:
    newsroom.write("other.md", markdown("Another report", "Another text.", event=FAIR))
    newsroom.publish()
    later = FAIR.replace("place", "end: 2026-06-08, place")
    write_illustrated(
        newsroom, events=f"[{later}, {{name: Harbour fair, start: 2026-07-06, place: Old Quay}}]"
    )
    before = newsroom.files()
    planned = explain(newsroom, "bridge.md")
    assert (planned.state, planned.published) == ("new", None)
    assert "/articles/2025/09/bridge-to-be-repaired-" in planned.records[0].data["url"]
    assert newsroom.files() == before
    newsroom.publish(now=NOW + DAY)
    assert explain(newsroom, "bridge.md").records == planned.records


def test_explain_of_a_copy_gives_it_an_id_of_its_own_and_a_moved_file_its_old_one(newsroom: Newsroom) -> None:
    first = newsroom.write("a.md", markdown())
    newsroom.publish()
    before = explain(newsroom, "a.md").records[0].id
    newsroom.write("b.md", markdown())
    assert explain(newsroom, "b.md").records[0].id != before
    first.unlink()
    assert explain(newsroom, "b.md").records[0].id == before


def test_explain_where_nothing_was_published_leaves_nothing_behind(newsroom: Newsroom) -> None:
    newsroom.write("concert.md", CONCERT)
    planned = explain(newsroom, "concert.md")
    assert planned.state == "new"
    assert not newsroom.config.state.exists()
    newsroom.publish()
    found = explain(newsroom, "concert.md")
    assert found.state == "published"
    assert found.records == planned.records


def test_explain_of_a_changed_article_shows_what_will_be_published_under_its_id(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    before = explain(newsroom, "bridge.md")
    newsroom.write("bridge.md", markdown("Bridge is repaired"))
    found = explain(newsroom, "bridge.md")
    assert found.state == "changed"
    assert found.records[0].data["headline"] == "Bridge is repaired"
    assert found.records[0].id == before.records[0].id
    assert found.published == before.published


def test_explain_of_an_article_whose_source_is_configured_anew_shows_what_will_be(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.publish()
    (source,) = newsroom.config.sources
    newsroom.configure(sources=(replace(source, defaults=replace(source.defaults, section="World")),))
    found = explain(newsroom, "bridge.md")
    assert (found.state, found.records[0].data["articleSection"]) == ("changed", "World")


@pytest.mark.parametrize(
    ("front", "state", "reason"),
    [
        ({"draft": "true"}, "draft", "it is marked as a draft (draft)"),
        ({"date": "2126-01-02"}, "waiting", "its date of publication is only at 2126-01-02"),
        ({"publishdate": "2126-01-02"}, "waiting", "its embargo ends only at 2126-01-02"),
        ({"expirydate": "2025-09-01"}, "expired", "it expired at 2025-09-01"),
        ({"draft": "true", "modified": "2024-01-01"}, "draft", "it is marked as a draft (draft)"),
        ({"modified": "2024-01-01"}, "held", "it is held back until its errors are corrected"),
    ],
)  # fmt: skip
def test_explain_says_why_an_article_is_not_published(
    newsroom: Newsroom, front: dict[str, str], state: str, reason: str
) -> None:
    newsroom.write("bridge.md", markdown(**front))
    newsroom.publish()
    found = explain(newsroom, "bridge.md")
    assert (found.state, found.reason, found.published) == (state, reason, None)
    assert found.records[0].data["headline"] == "Bridge to be repaired"


def test_explain_tells_what_only_publishing_could_find(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("First", id="https://news.example/1"))
    newsroom.write("b.md", markdown("Second", id="https://news.example/1"))
    newsroom.publish()
    found = explain(newsroom, "b.md")
    assert found.state == "held"
    assert [problem.rule for problem in found.problems] == ["duplicate-id"]


def test_explain_of_a_file_elsewhere_does_not_mistake_it_for_a_published_one(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    newsroom.write("a.md", markdown("First"))
    newsroom.publish()
    (tmp_path / "a.md").write_text(markdown("Second"))
    found = explain(newsroom, str(tmp_path / "a.md"))
    assert (found.state, found.published) == ("new", None)
    assert found.records[0].data["headline"] == "Second"


@pytest.fixture
def export(newsroom: Newsroom) -> Newsroom:
    items = [{"id": number, "title": f"Report {number}", "body": BODY} for number in (7, 8, 9)]
    newsroom.write("exp.jsonl", "\n".join(map(json.dumps, items)) + "\n")
    return newsroom


def test_explain_of_a_file_with_several_articles_asks_which(export: Newsroom) -> None:
    path = str(export.articles / "exp.jsonl")
    with pytest.raises(ConfigError, match="holds 3 articles") as caught:
        explain(export, path)
    assert f"{path}#7, {path}#8, {path}#9" in str(caught.value)


@pytest.mark.parametrize("name", ["exp.jsonl#8", "articles:exp.jsonl#8", "{folder}/exp.jsonl#8"])
def test_explain_finds_an_article_in_a_file(export: Newsroom, name: str) -> None:
    found = explain(export, name.format(folder=export.articles))
    assert found.place == "exp.jsonl#8"
    assert found.records[0].data["headline"] == "Report 8"


def test_explain_of_a_file_with_one_article_needs_no_more(newsroom: Newsroom) -> None:
    newsroom.write("one.jsonl", json.dumps({"id": 1, "title": "Report", "body": BODY}) + "\n")
    assert explain(newsroom, str(newsroom.articles / "one.jsonl")).records[0].data["headline"] == "Report"


def test_a_date_out_of_order_is_told_with_its_line(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown(modified="2024-01-01"))
    newsroom.write("concert.md", CONCERT.replace("location:", "end: 2026-12-04\nlocation:"))
    checked = {item.place: item.problems[0] for item in checking.check(newsroom.config, [], now=NOW)}
    held = {item.place: item.problems[0] for item in newsroom.publish().held}
    for found in (checked, held):
        assert (found["bridge.md"].rule, found["bridge.md"].line) == ("modified-before-published", 4)
        assert (found["concert.md"].rule, found["concert.md"].line) == ("end-before-start", 5)


def test_a_line_in_a_file_of_several_articles_counts_in_the_file(newsroom: Newsroom) -> None:
    items = [
        {"id": number, "title": "Report", "body": BODY, "published": "2025-08-01", "modified": modified}
        for number, modified in ((1, "2025-08-01"), (2, "2025-07-31"))
    ]
    newsroom.write("exp.jsonl", "\n".join(map(json.dumps, items)) + "\n")
    good, bad = checking.check(newsroom.config, [], now=NOW)
    assert good.problems == ()
    assert (bad.problems[0].rule, bad.problems[0].line) == ("modified-before-published", 2)


def test_a_bad_event_of_a_good_article_holds_nothing_back(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown(events="[{name: Fair, start: 2026-06-06, end: 2026-06-01}]"))
    (found,) = checking.check(newsroom.config, [], now=NOW)
    assert (found.state, len(found.records)) == ("ok", 1)
    assert [(problem.rule, problem.severity) for problem in found.problems] == [
        ("end-before-start", "advice")
    ]
    report = newsroom.publish()
    assert (report.articles, report.events, report.held) == (1, 0, ())


def _rules(advice: Iterable[Problem]) -> set[str]:
    return {problem.rule for problem in advice}


# What markdown() and CONCERT leave out of https://developers.google.com/search/docs/appearance/structured-data/
# article and event, and of the news sitemap, which needs a publisher.
ARTICLE_LACKS = {"google-article:image-is-given", "google-article:author-is-given",
                 "news-sitemap:publisher-is-given"}  # fmt: skip
EVENT_LACKS = {"google-event:image-is-given", "google-event:offers-is-given",
               "google-event:each-place-has-an-address"}  # fmt: skip


def test_check_says_what_consumers_would_miss(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.write("concert.md", CONCERT)
    newsroom.write("zero.md", markdown(modified="2024-01-01"))
    bridge, concert, held = checking.check(newsroom.config, [], now=NOW)
    assert _rules(bridge.advice) >= ARTICLE_LACKS
    assert _rules(concert.advice) >= EVENT_LACKS
    assert not EVENT_LACKS & _rules(bridge.advice)
    assert {problem.severity for problem in bridge.advice} == {"advice"}
    assert (held.state, held.advice) == ("held", ())


def test_after_publishing_advice_is_on_what_was_written(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    newsroom.write("concert.md", CONCERT)
    found = dict(checking.advice_on(newsroom.config, newsroom.publish().written))
    assert _rules(found["bridge.md"]) >= ARTICLE_LACKS
    assert _rules(found["concert.md"]) >= EVENT_LACKS
    assert list(checking.advice_on(newsroom.config, newsroom.publish().written)) == []


def test_publish_says_so_when_asked_for_more(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown())
    (newsroom.root / "feedpub.toml").write_text('[sources.articles]\npath = "articles"\n')

    def told(*options: str) -> str:
        out = io.StringIO()
        arguments = ["publish", "--config", str(newsroom.root / "feedpub.toml"), *options]
        assert cli.run(arguments, out, io.StringIO()) == 0
        return out.getvalue()

    assert "[google-article:image-is-given]" in told("-v")
    newsroom.write("bridge.md", markdown("Another headline"))
    assert "[google-article:image-is-given]" not in told()
