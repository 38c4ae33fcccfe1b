"""Articles that move, swap places, lose their store or come twice: no reader loses one or sees one as new."""

from __future__ import annotations

import json
from datetime import timedelta

import feedparser
import pytest

from feedpub.config import SourceConfig
from feedpub.errors import PublishError
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom

DAY = timedelta(days=1)
LONG = " ".join(
    f"Sentence {number} of the report tells what the council said on that day." for number in range(20)
)
"""More than 150 words."""


def ids(newsroom: Newsroom) -> dict[str, str]:
    """Title → id of what feed.xml holds."""
    parsed = feedparser.parse(newsroom.read("feed.xml"))
    assert parsed.bozo == 0
    return {entry.title: entry.id for entry in parsed.entries}


def deleted(newsroom: Newsroom) -> set[str]:
    """Ids of what feed.jsonld says was deleted."""
    graph = json.loads(newsroom.read("feed.jsonld"))["@graph"]
    return {node["item"]["@id"] for node in graph if "dateDeleted" in node}


def lose_the_store(newsroom: Newsroom) -> None:
    for path in newsroom.config.state.glob("store*"):
        path.unlink()


def several(newsroom: Newsroom, number: int) -> None:
    for one in range(number):
        newsroom.write(f"other-{one}.md", markdown(f"Other {one}", f"Text number {one}."))


@pytest.mark.parametrize("target", ["a-earlier.md", "z-later.md", "2025/bridge.md"])
@pytest.mark.parametrize("own", [{"id": "https://x.example/1"}, {"canonical_url": "https://x.example/a"}])
def test_an_article_with_an_id_or_address_of_its_own_may_be_renamed(
    newsroom: Newsroom, target: str, own: dict[str, str]
) -> None:
    path = newsroom.write("bridge.md", markdown("Bridge", **own))
    newsroom.publish()
    before = ids(newsroom)
    (newsroom.articles / target).parent.mkdir(exist_ok=True)
    path.rename(newsroom.articles / target)
    report = newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == before
    assert (report.held, report.sources[0].removed, deleted(newsroom)) == ((), 0, set())


def test_an_item_moves_from_one_file_of_json_lines_to_another(newsroom: Newsroom) -> None:
    rows = [
        json.dumps({"id": f"https://x.example/{n}", "headline": f"Story {n}", "body": f"Text {n}."})
        for n in (1, 2)
    ]
    newsroom.write("2025-08.jsonl", "\n".join(rows))
    newsroom.publish()
    before = ids(newsroom)
    newsroom.write("2025-07.jsonl", rows[0])
    newsroom.write("2025-08.jsonl", rows[1])
    report = newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == before
    assert report.held == ()


def test_what_was_held_for_its_id_is_published_when_the_other_is_deleted(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("First", id="https://x.example/1"))
    newsroom.write("b.md", markdown("Second", id="https://x.example/1"))
    assert [held.place for held in newsroom.publish().held] == ["b.md"]
    (newsroom.articles / "a.md").unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert report.next_due_at is not None
    assert newsroom.publish(now=report.next_due_at).held == ()
    assert list(ids(newsroom)) == ["Second"]


@pytest.mark.parametrize("text", ["It happened.", "It happened on the quay. " * 4, LONG])
def test_a_new_file_under_the_old_name_is_a_new_article_and_the_moved_one_keeps_its_id(
    newsroom: Newsroom, text: str
) -> None:
    newsroom.write("today.md", markdown("Yesterday's news", text))
    newsroom.publish()
    before = ids(newsroom)["Yesterday's news"]
    (newsroom.articles / "today.md").rename(newsroom.articles / "archive.md")
    newsroom.write("today.md", markdown("Today's news", "Something else happened."))
    newsroom.publish(now=NOW + DAY)
    after = ids(newsroom)
    assert after["Yesterday's news"] == before
    assert after["Today's news"] != before
    assert deleted(newsroom) == set()


def test_two_files_that_swap_their_names_keep_their_ids(newsroom: Newsroom) -> None:
    one = newsroom.write("one.md", markdown("One", "Text of one."))
    two = newsroom.write("two.md", markdown("Two", "Text of two."))
    newsroom.publish()
    before = ids(newsroom)
    one.rename(newsroom.articles / "aside")
    two.rename(one)
    (newsroom.articles / "aside").rename(two)
    newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == before
    assert deleted(newsroom) == set()


def test_a_file_that_is_renamed_and_retitled_at_once_keeps_its_id(newsroom: Newsroom) -> None:
    path = newsroom.write("draft-title.md", markdown("Draft title", LONG))
    newsroom.publish()
    before = ids(newsroom)["Draft title"]
    path.unlink()
    newsroom.write("better-title.md", markdown("Better title", LONG))
    newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == {"Better title": before}
    assert deleted(newsroom) == set()


def test_a_renamed_source_keeps_its_articles_ids(newsroom: Newsroom) -> None:
    several(newsroom, 9)
    newsroom.publish()
    before = ids(newsroom)
    newsroom.configure(sources=(SourceConfig(name="news", path=newsroom.articles),))
    report = newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == before
    assert (report.articles, report.notices) == (9, ())


def test_an_article_that_moves_to_another_source_keeps_its_id(newsroom: Newsroom) -> None:
    (newsroom.root / "desk").mkdir()
    newsroom.configure(
        sources=(*newsroom.config.sources, SourceConfig(name="desk", path=newsroom.root / "desk"))
    )
    newsroom.write("bridge.md", markdown("Bridge"))
    newsroom.write("other.md", markdown("Other", "Other text."))
    newsroom.publish()
    before = ids(newsroom)
    (newsroom.articles / "bridge.md").rename(newsroom.root / "desk" / "bridge.md")
    newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == before
    assert deleted(newsroom) == set()


# -- the store lost


def test_a_lost_store_and_a_source_out_of_reach_leave_the_feeds_as_they_are(newsroom: Newsroom) -> None:
    several(newsroom, 3)
    newsroom.publish()
    before = newsroom.files()
    lose_the_store(newsroom)
    newsroom.articles.rename(newsroom.root / "away")
    with pytest.raises(PublishError, match=r"3 of the source 'articles'.*nothing was published"):
        newsroom.publish(now=NOW + DAY)
    newsroom.articles.mkdir()
    with pytest.raises(PublishError):
        newsroom.publish(now=NOW + DAY)
    assert newsroom.files() == before
    newsroom.articles.rmdir()
    (newsroom.root / "away").rename(newsroom.articles)
    newsroom.publish(now=NOW + DAY)
    assert newsroom.files() == before


def test_after_the_store_is_lost_a_refresh_of_one_source_reads_those_too_whose_articles_are_lost(
    newsroom: Newsroom,
) -> None:
    """The daemon refreshes what is due, and two sources with timers of their own may never be due together."""
    wire = newsroom.root / "wire"
    wire.mkdir()
    (wire / "ferry.md").write_text(markdown("Ferry", "The ferry runs again."))
    newsroom.configure(sources=(*newsroom.config.sources, SourceConfig(name="wire", path=wire)))
    several(newsroom, 3)
    newsroom.publish()
    before = newsroom.files()
    lose_the_store(newsroom)
    report = newsroom.publish(now=NOW + DAY, only=["articles"])
    assert [source.name for source in report.sources] == ["articles", "wire"]
    assert newsroom.files() == before
    # Once that is made up for, only what is asked for is read.
    assert [source.name for source in newsroom.publish(now=NOW + DAY, only=["articles"]).sources] == [
        "articles"
    ]


def test_a_source_whose_articles_are_lost_is_named_as_the_reason(newsroom: Newsroom) -> None:
    wire = newsroom.root / "wire"
    wire.mkdir()
    (wire / "ferry.md").write_text(markdown("Ferry", "The ferry runs again."))
    newsroom.configure(sources=(*newsroom.config.sources, SourceConfig(name="wire", path=wire)))
    several(newsroom, 3)
    newsroom.publish()
    lose_the_store(newsroom)
    wire.rename(newsroom.root / "away")
    with pytest.raises(PublishError, match="1 of the source 'wire'") as caught:
        newsroom.publish(now=NOW + DAY, only=["articles"])
    assert caught.value.sources == ("wire",)
    # The folder is there, and empty: no source has failed, and nothing stands in brackets.
    wire.mkdir()
    with pytest.raises(PublishError) as caught:
        newsroom.publish(now=NOW + DAY)
    assert "  " not in str(caught.value)


def test_what_was_deleted_while_the_store_was_lost_is_withdrawn_under_the_guard(newsroom: Newsroom) -> None:
    several(newsroom, 12)
    newsroom.publish()
    gone = ids(newsroom)["Other 3"]
    (newsroom.articles / "other-3.md").unlink()
    lose_the_store(newsroom)
    assert newsroom.publish(now=NOW + DAY).sources[0].removed == 1
    assert deleted(newsroom) == {gone}
    (page,) = (path for path in newsroom.files() if "/other-3-" in path and path.endswith(".html"))
    assert b"withdrawn" in newsroom.read(page).lower()
    for number in range(4, 12):
        (newsroom.articles / f"other-{number}.md").unlink()
    lose_the_store(newsroom)
    with pytest.raises(PublishError, match="8 of 11 articles of the source"):
        newsroom.publish(now=NOW + 2 * DAY)
    newsroom.publish(now=NOW + 2 * DAY, yes=True)
    assert len(ids(newsroom)) == 3
    assert len(deleted(newsroom)) == 9


def test_an_address_that_a_page_came_back_to_survives_a_lost_store(newsroom: Newsroom) -> None:
    for day, slug in enumerate(("a", "b", "a")):
        newsroom.write("bridge.md", markdown("Bridge", slug=slug))
        newsroom.publish(now=NOW + day * DAY)
    before = newsroom.files()
    lose_the_store(newsroom)
    newsroom.publish(now=NOW + 3 * DAY)
    assert newsroom.files() == before


def test_a_contested_id_stays_with_its_article_when_the_store_is_lost(newsroom: Newsroom) -> None:
    newsroom.write("m.md", markdown("First", id="https://x.example/1"))
    newsroom.publish()
    newsroom.write("a.md", markdown("Second", id="https://x.example/1"))
    newsroom.publish(now=NOW + DAY)
    assert list(ids(newsroom)) == ["First"]
    lose_the_store(newsroom)
    newsroom.publish(now=NOW + DAY)
    assert list(ids(newsroom)) == ["First"]


# -- withdrawal


def test_old_addresses_of_a_withdrawn_article_say_so(newsroom: Newsroom) -> None:
    newsroom.write("other.md", markdown("Other", "Other text."))
    newsroom.write("bridge.md", markdown("Bridge", slug="one", aliases="[/old/a.html]"))
    newsroom.publish()
    newsroom.write("bridge.md", markdown("Bridge", slug="two", aliases="[/old/a.html]"))
    newsroom.publish(now=NOW + DAY)
    (newsroom.articles / "bridge.md").unlink()
    newsroom.publish(now=NOW + 2 * DAY)
    listed = {}
    for path in newsroom.output.rglob("manifest.json"):
        listed |= json.loads(path.read_bytes())["files"]
    gone = [path for path, file in listed.items() if file.get("status") == 410]
    assert sorted(path.rpartition("/")[2].partition("-")[0] for path in gone) == ["a.html", "one", "two"]
    assert not [path for path, file in listed.items() if "redirect" in file]


def test_the_last_article_of_a_source_can_be_withdrawn(newsroom: Newsroom) -> None:
    path = newsroom.write("bridge.md", markdown("Bridge"))
    newsroom.publish()
    path.unlink()
    report = newsroom.publish(now=NOW + DAY)
    assert (report.articles, "Is it mounted?" in str(report.sources[0].notices)) == (1, True)
    assert newsroom.publish(now=NOW + DAY, yes=True).articles == 0


def test_the_guard_counts_what_becomes_a_draft(newsroom: Newsroom) -> None:
    several(newsroom, 40)
    newsroom.publish()
    for number in range(10):
        newsroom.write(
            f"other-{number}.md", markdown(f"Other {number}", f"Text number {number}.", draft="true")
        )
    report = newsroom.publish(now=NOW + DAY)
    assert "10 of 40 articles" in str(report.sources[0].failure)
    assert report.articles == 40
    assert newsroom.publish(now=NOW + DAY, yes=True).articles == 30


def test_the_data_feed_tells_of_a_deleted_event(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown("Bridge"))
    path = newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    (event,) = (
        node["@id"]
        for node in json.loads(newsroom.read("feed.jsonld"))["@graph"]
        if node["@type"] in ("Event", "MusicEvent")
    )
    path.unlink()
    newsroom.publish(now=NOW + DAY)
    assert deleted(newsroom) == {event}


# -- copies


def test_a_syndicated_text_is_one_item_with_the_addresses_of_its_copies(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("Council decides", LONG))
    newsroom.publish()
    before = ids(newsroom)
    newsroom.write("b.md", markdown("Council has decided", LONG.upper(), canonical_url="https://b.example/c"))
    report = newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == before
    assert report.articles == 1
    (advice,) = (problem for problem in report.advice if problem.rule == "copy")
    assert (advice.place, "articles:a.md" in advice.message) == ("b.md", True)
    (path,) = (path for path in newsroom.files() if path.startswith("articles/") and path.endswith(".jsonld"))
    (record,) = json.loads(newsroom.read(path))["@graph"]
    assert record["sameAs"] == ["https://b.example/c"]
    # The article changes: its copies' addresses stay. The copy goes: its address goes.
    newsroom.write("a.md", markdown("Council decides at last", LONG))
    newsroom.publish(now=NOW + 2 * DAY)
    assert json.loads(newsroom.read(path))["@graph"][0]["sameAs"] == ["https://b.example/c"]
    (newsroom.articles / "b.md").unlink()
    newsroom.publish(now=NOW + 3 * DAY)
    assert "sameAs" not in json.loads(newsroom.read(path))["@graph"][0]
    assert deleted(newsroom) == set()


def test_a_copy_takes_the_place_of_an_article_that_is_withdrawn(newsroom: Newsroom) -> None:
    (newsroom.root / "wire").mkdir()
    newsroom.configure(
        sources=(*newsroom.config.sources, SourceConfig(name="wire", path=newsroom.root / "wire"))
    )
    newsroom.write("a.md", markdown("Council decides", LONG))
    newsroom.write("other.md", markdown("Other", "Other text."))
    (newsroom.root / "wire" / "b.md").write_text(markdown("Council decides", LONG))
    newsroom.publish()
    first = ids(newsroom)["Council decides"]
    (newsroom.articles / "a.md").unlink()
    report = newsroom.publish(now=NOW + DAY)
    if "Council decides" not in ids(newsroom):
        assert report.next_due_at is not None
        newsroom.publish(now=report.next_due_at)
    assert ids(newsroom)["Council decides"] == first
    assert deleted(newsroom) == set()


def test_short_texts_and_other_texts_are_never_copies(newsroom: Newsroom) -> None:
    for name in ("a", "b"):
        newsroom.write(f"{name}.md", markdown("Weather", "Fog on the coast until noon, then sun."))
        newsroom.write(f"{name}-{name}.md", markdown(f"Report {name}", f"{LONG} In the {name} hall."))
    assert newsroom.publish().articles == 4


def test_a_short_text_is_a_copy_if_headline_and_day_are_the_same(newsroom: Newsroom) -> None:
    text = "The quay will be closed on Monday from nine to five while divers look at the steps."
    newsroom.write("a.md", markdown("Quay closes", text, date="2025-09-01"))
    newsroom.write("b.md", markdown("Quay closes", text, date="2025-09-01T10:00:00Z", section="Wire"))
    newsroom.write("c.md", markdown("Quay closes", text, date="2025-08-25"))
    newsroom.write("d.md", markdown("Harbour news", text, date="2025-09-01"))
    assert newsroom.publish().articles == 3


def test_copies_are_the_same_after_the_store_is_lost(newsroom: Newsroom) -> None:
    newsroom.write("m.md", markdown("Council decides", LONG))
    newsroom.publish()
    newsroom.write("a.md", markdown("Council decides", LONG, canonical_url="https://b.example/c"))
    newsroom.publish(now=NOW + DAY)
    before = newsroom.files()
    lose_the_store(newsroom)
    newsroom.publish(now=NOW + DAY)
    assert newsroom.files() == before


def test_an_article_that_was_published_by_itself_never_becomes_a_copy(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("Council decides", LONG))
    newsroom.write("b.md", markdown("Market opens", f"{LONG} And the market opened."))
    newsroom.publish()
    before = set(ids(newsroom).values())
    newsroom.write("b.md", markdown("Market opens", LONG))
    newsroom.publish(now=NOW + DAY)
    assert set(ids(newsroom).values()) == before
