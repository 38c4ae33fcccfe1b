"""Which sections, keywords and authors count as the same, and which stay apart: in addresses and in filters."""

from __future__ import annotations

from dataclasses import replace

import feedparser
import pytest
from hypothesis import given

from feedpub.config import FeedConfig, Where
from feedpub.urls import term_slug
from tests.articles import markdown
from tests.conftest import Newsroom
from tests.judges.samples import TEXT


def titles(newsroom: Newsroom, path: str) -> list[str]:
    parsed = feedparser.parse(newsroom.read(path))
    assert parsed.bozo == 0
    return sorted(entry.title for entry in parsed.entries)


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        ("World News", "world-news"),
        ("climate-change", "climate-change"),
        ("Jean-Luc Godard", "jean-luc-godard"),
        ("J. R. O'Neil", "j-r-oneil"),
        ("J. R. O’Neil", "j-r-oneil"),
        ("Großer Fluß", "grosser-fluss"),
        ("Łódź", "lodz"),
        ("Zoë Ångström", "zoe-angstrom"),
        ("Zoe\u0308", "zoe"),
        ("Food & Drink", "food-and-drink"),
        ("G20", "g20"),
    ],
)
def test_ascii_and_accented_latin_make_a_plain_slug(value: str, slug: str) -> None:
    assert term_slug(value) == slug


@pytest.mark.parametrize(
    "values",
    [
        ("C", "C++", "C#", "C-"),
        ("李伟", "李薇"),
        ("a/b", "a b", "a.b", "a_b"),
        ("Net", ".NET"),
        ("हिन्दी", "हिन्दि"),
        ("😀", "😁"),
        ("x" * 60, "x" * 61, "x" * 62),
        ("word " * 40, "word " * 41),
    ],
)
def test_what_a_slug_would_lose_keeps_values_apart(values: tuple[str, ...]) -> None:
    assert len({term_slug(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    "values",
    [
        ("C++", "c++", " C++ "),
        ("Café", "cafe", "CAFE\u0301"),
        ("МОСКВА", "Москва"),
        ("Food & Drink", "food and drink", "FOOD  &\tDRINK"),
        ("が", "か\u3099"),
    ],
)
def test_case_space_and_latin_marks_do_not_keep_values_apart(values: tuple[str, ...]) -> None:
    assert len({term_slug(value) for value in values}) == 1


@given(TEXT)
def test_a_slug_is_a_file_name_and_its_own_slug(value: str) -> None:
    slug = term_slug(value)
    assert slug
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(slug) <= 60
    assert term_slug(slug) == slug


def test_keywords_of_signs_have_feeds_of_their_own(newsroom: Newsroom) -> None:
    newsroom.configure(publish=replace(newsroom.config.publish, feeds_by=("keyword",)))
    for number, tag in enumerate(("C", "C++", "C#")):
        newsroom.write(f"{number}.md", markdown(f"About {tag}", f"Text {number}.", tags=f'["{tag}"]'))
    newsroom.publish()
    feeds = [path for path in newsroom.files() if path.startswith("keywords/")]
    rss = [path for path in feeds if path.endswith("/feed.xml")]
    assert "keywords/c/feed.xml" in rss
    assert [titles(newsroom, path) for path in rss].count(["About C"]) == 1
    assert sorted(titles(newsroom, path) for path in rss) == [["About C"], ["About C#"], ["About C++"]]
    assert feedparser.parse(newsroom.read("keywords/c/feed.xml")).feed.title == "Test News: C"


def test_a_filter_takes_only_its_own_value(newsroom: Newsroom) -> None:
    main, *_ = newsroom.config.feeds
    newsroom.configure(
        feeds=(
            main,
            FeedConfig("cpp", where=Where(keyword=("c++",))),
            FeedConfig("wei", where=Where(author=("李伟",))),
        )
    )
    newsroom.write("a.md", markdown("Plus", "One.", tags='["C++"]', author="李伟"))
    newsroom.write("b.md", markdown("Plain", "Two.", tags='["C"]', author="李薇"))
    newsroom.publish()
    assert titles(newsroom, "cpp/feed.xml") == ["Plus"]
    assert titles(newsroom, "wei/feed.xml") == ["Plus"]
