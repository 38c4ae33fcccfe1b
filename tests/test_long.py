"""What takes minutes: a year of refreshes, and rubbish of every kind (`make test-long`)."""

from __future__ import annotations

import json
import random
import shutil
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest

from feedpub import checking
from feedpub.config import load
from tests.articles import markdown
from tests.conftest import NOW, ROOT, Newsroom

pytestmark = pytest.mark.long
DAY = timedelta(days=1)
EXAMPLES = sorted(path for path in (ROOT / "examples" / "newsroom").rglob("*") if path.is_file())


def _ids(newsroom: Newsroom) -> dict[str, str]:
    """Headline → id of every article that the feed holds."""
    graph = json.loads(newsroom.read("feed.jsonld"))["@graph"]
    return {node["headline"]: node["@id"] for node in graph if "headline" in node}


def test_a_year_of_an_editor_s_work(newsroom: Newsroom) -> None:
    """Every day articles come, change, move and go; no id ever changes, and a rebuild gives the same bytes."""
    chance = random.Random(2025)
    names: dict[str, str] = {}  # headline → file
    corrected: dict[str, int] = {}  # headline → the day of its last correction
    known: dict[str, str] = {}
    number = 0
    for day in range(365):
        now = NOW + day * DAY
        for _ in range(chance.choice((0, 1, 1, 2))):
            number += 1
            headline = f"Report number {number}"
            names[headline] = f"{number}.md"
            section = chance.choice(("Town", "Harbour", "Arts"))
            text = f"What happened on day {day}, told in report {number}."
            newsroom.write(names[headline], markdown(headline, text, date=now.date(), section=section))
        kept = list(names)
        changed = None
        if kept and chance.random() < 0.3:  # a correction
            changed = headline = chance.choice(kept)
            corrected[headline] = day
            path = newsroom.articles / names[headline]
            path.write_text(path.read_text("utf-8") + f"\nCorrected on day {day}.\n", "utf-8")
        # One that is changed and renamed at once cannot be told from a new one.
        if len(kept) > 1 and chance.random() < 0.2:  # a renamed file
            headline = chance.choice([each for each in kept if each != changed])
            old, names[headline] = names[headline], f"moved/{day}-{names[headline].rpartition('/')[2]}"
            (newsroom.articles / names[headline]).parent.mkdir(exist_ok=True)
            (newsroom.articles / old).rename(newsroom.articles / names[headline])
        if (
            len(kept) > 3 and chance.random() < 0.1
        ):  # a withdrawal; an empty folder is taken for one not mounted
            headline = chance.choice(kept)
            (newsroom.articles / names.pop(headline)).unlink()
        report = newsroom.publish(now=now)
        assert not report.failed, report.failures
        assert report.articles == len(names)
        assert newsroom.publish(now=now).written == (), f"day {day}: a second refresh wrote something"
        for headline, identifier in _ids(newsroom).items():
            assert known.setdefault(headline, identifier) == identifier, (
                f"day {day}: {headline} has another id"
            )
    parsed = feedparser.parse(newsroom.read("feed.xml"))
    assert parsed.bozo == 0
    # The newest fifty, and of the older ones those that were corrected in the last thirty days.
    newest = list(names)[-50:]
    recent = {headline for headline in names if corrected.get(headline, -99) > 364 - 30}
    assert {entry.title for entry in parsed.entries} == {*newest, *recent}
    assert len(parsed.entries) == len({*newest, *recent})

    before = newsroom.files()
    (newsroom.config.state / "store.sqlite3").unlink()
    newsroom.publish(now=NOW + 364 * DAY, rebuild=True)
    after = newsroom.files()
    assert after.keys() == before.keys()
    assert [path for path in before if before[path] != after[path]] == []


@pytest.mark.parametrize("seed", range(20))
def test_spoilt_documents_raise_nothing_and_harm_nobody(newsroom: Newsroom, seed: int) -> None:
    """Every document of the example newsroom with bytes lost, doubled, swapped and put in from others."""
    chance = random.Random(seed)
    newsroom.write("good.md", markdown("The good one"))
    contents = [path.read_bytes() for path in EXAMPLES]
    for number, (path, content) in enumerate(zip(EXAMPLES, contents, strict=True)):
        if path.suffix in (".toml", ".png", ".jpg", ".webp"):
            continue
        spoilt = bytearray(content)
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(spoilt) + 1)
            match chance.randrange(5):
                case 0:
                    del spoilt[at : at + chance.randint(1, 200)]
                case 1:
                    spoilt[at:at] = chance.randbytes(chance.randint(1, 20))
                case 2:
                    spoilt[at:at] = spoilt[: chance.randint(1, 500)]
                case 3:
                    other = chance.choice(contents)
                    start = chance.randrange(len(other) + 1)
                    spoilt[at:at] = other[start : start + chance.randint(1, 300)]
                case 4:
                    spoilt[at:at] = chance.choice(
                        (b"\x00", b"]]>", b"</script>", b"&#xD800;", b"{{", b"---\n", b"\xff")
                    )
        newsroom.write(f"{number}{path.suffix}", bytes(spoilt))
    report = newsroom.publish()
    assert not report.failed, report.failures
    records = [
        json.loads(content)
        for path, content in newsroom.files().items()
        if path.startswith("articles/") and path.endswith(".jsonld")
    ]
    headlines = [node.get("headline") for record in records for node in record.get("@graph", [record])]
    assert "The good one" in headlines
    for held in report.held:
        assert held.problems
        assert all(problem.rule and problem.message and problem.remedy for problem in held.problems), held
    for name, content in newsroom.files().items():
        if name.endswith(".xml"):
            assert feedparser.parse(content).bozo == 0, name
        if name.endswith((".json", ".jsonld")):
            json.loads(content)


def test_checking_a_copy_of_the_example_newsroom_again_and_again_finds_the_same(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "newsroom", tmp_path / "newsroom")
    config = load(tmp_path / "newsroom" / "feedpub.toml")
    first = [(item.place, item.state, item.problems) for item in checking.check(config, [])]
    for _ in range(20):
        assert [(item.place, item.state, item.problems) for item in checking.check(config, [])] == first
