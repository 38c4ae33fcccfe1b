"""A headline out of the lead sentence: fair, short, and only in its own words."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub.extraction.headline import MAX_LENGTH, STOP_WORDS, first_sentence, headline_from_lead
from tests.conftest import ROOT

WORDS = [*sorted(STOP_WORDS)[:40], "Ann", "said", "met,", "(x", "y)", "“z", "Corp.", "2."]
DATA = ROOT / "tests" / "data" / "headline"
SEED = ROOT.parent / "shared" / "seed-article.txt"

# Each lead with a headline that an editor would let pass, written by a person.
FAIR = [(case["lead"], case["headline"]) for case in json.loads((DATA / "fair.json").read_text("utf-8"))]


@pytest.mark.parametrize(("lead", "headline"), FAIR)
def test_lead_gives_the_headline_that_a_person_would_write(lead: str, headline: str) -> None:
    assert headline_from_lead(lead)[0] == headline


@pytest.mark.parametrize(("lead", "headline"), FAIR)
def test_headline_is_short_and_does_not_end_on_a_stop_word(lead: str, headline: str) -> None:
    found, start, end = headline_from_lead(lead)
    assert 0 < len(found) <= MAX_LENGTH
    assert re.sub(r"\W+$", "", found.split()[-1]).lower() not in STOP_WORDS - {"u.s"}
    assert 0 <= start < end <= len(lead)


@pytest.mark.parametrize("kept", ["prosecutors said", "according to the police"])
def test_who_makes_an_accusation_is_never_cut_away(kept: str) -> None:
    lead = (
        "The former mayor of Springfield stole more than two million euros from the city's housing"
        " fund over a"
        f" period of eight years, {kept}."
    )
    assert kept in headline_from_lead(lead)[0]


def test_condition_is_not_cut_away() -> None:
    lead = (
        "The prime minister will resign at the end of the month and call a general election in the"
        " spring unless"
        " parliament approves the budget that he presented last week."
    )
    found = headline_from_lead(lead)[0]
    assert "unless" in found or found.endswith("…")


def test_list_is_not_cut_in_the_middle() -> None:
    lead = (
        "The agency reported outbreaks of the disease in cattle herds across France, Germany,"
        " Austria and Italy"
        " between the beginning of March and the end of the following month."
    )
    assert headline_from_lead(lead)[0] not in {
        "The agency reported outbreaks of the disease in cattle herds across France",
        "The agency reported outbreaks of the disease in cattle herds across France, Germany",
    }


def test_ellipsis_is_the_last_resort() -> None:
    found = headline_from_lead("word " * 60)[0]
    assert found.endswith("word…")
    assert len(found) <= MAX_LENGTH


def test_dateline_is_skipped() -> None:
    body = "BEIJING, Sept. 2 — The two sides met."
    assert headline_from_lead(body, "BEIJING, Sept. 2") == ("The two sides met", 19, 37)


def test_span_shows_the_words_it_rests_on() -> None:
    body = "  The two sides met. They will meet again."
    headline, start, end = headline_from_lead(body)
    assert headline == "The two sides met"
    assert body[start:end] == "The two sides met."


@pytest.mark.parametrize(("text", "sentence"), [
    ("He paid $1.5 million. She did not.", "He paid $1.5 million."),
    ("“Stop!” he cried. Nobody did.", "“Stop!” he cried."),
    ("It opens at 9 a.m. The shop is new.", "It opens at 9 a.m."),
    ("It opens at 9 a.m. Monday for all. Come.", "It opens at 9 a.m. Monday for all."),
    ("Wait... what happened next? Nothing.", "Wait... what happened next?"),
    ("「もう一度やる」と市長は述べた。次は秋だ。", "「もう一度やる」と市長は述べた。"),
    ("No full stop at all\n\nSecond paragraph.", "No full stop at all"),
])  # fmt: skip
def test_first_sentence_ends_where_a_reader_would_say(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_no_text_gives_no_headline(text: str) -> None:
    assert headline_from_lead(text) == ("", 0, 0)


@given(st.text(max_size=400), st.none() | st.text(max_size=20))
def test_any_text_gives_its_own_words_in_order(body: str, dateline: str | None) -> None:
    headline, start, end = headline_from_lead(body, dateline)
    assert len(headline) <= MAX_LENGTH
    assert 0 <= start <= end <= len(body)
    characters = iter(body.casefold())
    wanted = [c for c in headline.casefold() if not c.isspace() and c not in "…,"]
    assert all(c in characters for c in wanted)


@given(
    st.lists(
        st.sampled_from(WORDS),
        max_size=80,
    )
)
def test_long_sentences_give_their_own_words_in_order(words: list[str]) -> None:
    headline = headline_from_lead(" ".join(words))[0]
    source = iter(word.strip(".,").casefold() for word in words)
    assert len(headline) <= MAX_LENGTH
    assert all(part.strip(".,…").casefold() in source for part in headline.split() if part.strip(".,…"))


@pytest.mark.parametrize("part", ["(", "a. ", ", ", "A ", '" ', "\n ", ".", "。", "No. ", "漢"])
def test_hostile_text_takes_no_longer_than_an_ordinary_one(part: str) -> None:
    started = time.perf_counter()
    headline_from_lead(part * 500_000)
    assert time.perf_counter() - started < 0.5


@pytest.mark.skipif(not SEED.exists(), reason="the seed article is not beside this checkout")
def test_seed_article_gets_a_fair_headline() -> None:
    body = SEED.read_text("utf-8").strip().removeprefix("date 2025-09-02").strip()
    assert headline_from_lead(body)[0] == (
        "Muhammad Shehbaz Sharif and Vladimir Putin agreed to deepen economic and strategic cooperation"
    )
