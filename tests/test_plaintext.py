"""Plain texts as agencies and archives write them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub.extraction.plaintext import header_block, read
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import Agent, Article, Document, Extraction, When

DATA = Path(__file__).parent / "data" / "plaintext"
SEED = Path(__file__).resolve().parents[2] / "shared" / "seed-article.txt"
PROSE = "The council voted on Monday evening for a new bridge over the river in the old town."


def extract(text: str, place: str = "a.txt", **settings: bool) -> Extraction:
    return read(Document("s", place, text.encode(), "text/plain"), text, ExtractSettings(**settings))  # type: ignore[arg-type]


def article(text: str, place: str = "a.txt") -> Article:
    found = extract(text, place)
    assert found.problems == ()
    assert found.article is not None
    return found.article


def test_date_prefix_is_the_date_and_leaves_the_text() -> None:
    text = f" date 2025-09-02 {PROSE}\n\nSecond paragraph."
    found = article(text)
    assert found.published == When("2025-09-02", "day")
    assert found.body_text == f"{PROSE}\n\nSecond paragraph."
    assert found.headline is None
    origin = found.origins["published"]
    assert origin.quote == "date 2025-09-02"
    assert (origin.start, origin.end, origin.text) == (1, 16, "document")


@pytest.mark.skipif(not SEED.exists(), reason="the seed article is not here")
def test_seed_article_keeps_every_paragraph() -> None:
    text = SEED.read_text("utf-8")
    found = article(text)
    assert found.published == When("2025-09-02", "day")
    assert "date 2025-09-02" not in found.body_text
    assert found.body_text.startswith("Prime Minister Muhammad Shehbaz Sharif")
    assert found.body_text.endswith("present at the meeting.")
    assert len(found.body_text.split("\n\n")) == len(re.split(r"\n\s*\n", text.strip()))


@pytest.mark.parametrize(
    "text", [f"date 2025-09 {PROSE}", f"2025-09\n\n{PROSE}", f"September 2025\n\n{PROSE}"]
)
def test_date_to_the_month_is_read_above_the_text(text: str) -> None:
    found = article(text)
    assert (found.published, found.body_text) == (When("2025-09", "month"), PROSE)


def test_month_below_the_headline_is_the_date_and_the_path_may_name_its_day() -> None:
    text = f"Council votes for bridge\n\nMarch 2025\n\n{PROSE}"
    found = article(text)
    assert (found.headline, found.body_text) == ("Council votes for bridge", PROSE)
    assert found.published == When("2025-03", "month")
    assert article(text, "2025/03/07/a.txt").published == When("2025-03-07", "day")
    assert article(text, "2024/03/07/a.txt").published == When("2025-03", "month")


def test_months_above_the_parts_of_a_chronicle_are_no_date() -> None:
    found = article(f"How the bridge was built\n\nMarch 2025\n\n{PROSE}\n\nApril 2025\n\n{PROSE}")
    assert found.published is None
    assert found.body_text == f"March 2025\n\n{PROSE}\n\nApril 2025\n\n{PROSE}"


@pytest.mark.parametrize("text", ["date 2025-26 budget talks began.", "date 2025-0912 is no date."])
def test_what_is_no_month_stays_in_the_text(text: str) -> None:
    found = article(text)
    assert (found.published, found.body_text) == (None, text)


def test_wrong_day_of_the_week_is_advice() -> None:
    found = extract(f"Council votes for bridge\nMonday, 2 September 2025\n\n{PROSE}")
    assert [(p.rule, p.severity, p.line) for p in found.problems] == [("weekday", "advice", 2)]
    assert found.article is not None
    assert found.article.published == When("2025-09-02", "day")
    assert extract(f"Council votes for bridge\nTuesday, 2 September 2025\n\n{PROSE}").problems == ()


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (
            "Ferry to run again\n\nThe ferry will run again on Monday.\n\nTickets cost 4 pounds.",
            "The ferry will run again on Monday.\n\nTickets cost 4 pounds.",
        ),
        (
            "Ferry to run again\n\nThe ferry to the island\nwill run again from\nMonday on, the port said.",
            "The ferry to the island will run again from Monday on, the port said.",
        ),
    ],
)
def test_headline_is_told_above_short_and_narrow_text(text: str, body: str) -> None:
    found = article(text)
    assert (found.headline, found.body_text) == ("Ferry to run again", body)


@pytest.mark.parametrize(
    "text", ["Shopping list\n\nBread.\n\nTwo pounds of butter", "Menu of the day\n\nSoup.\n\nFish."]
)
def test_first_line_above_a_list_is_no_headline(text: str) -> None:
    assert article(text).headline is None


@pytest.mark.parametrize("separator", [" ", ": ", " - ", " — ", "\n", "\n\n"])
def test_date_prefix_is_told_from_the_text_by_any_usual_mark(separator: str) -> None:
    found = article(f"date 2025-09-02{separator}{PROSE}")
    assert (found.published, found.body_text) == (When("2025-09-02", "day"), PROSE)


@pytest.mark.parametrize("date", ["20255-09-02", "2025-02-30", "2025-13-01"])
def test_impossible_date_in_the_prefix_is_an_error(date: str) -> None:
    (problem,) = extract(f"\ndate {date} {PROSE}").problems
    assert (problem.rule, problem.severity, problem.line, problem.value) == (
        "date-unreadable",
        "error",
        2,
        repr(date),
    )


def test_first_line_before_an_empty_line_is_the_headline() -> None:
    found = article(f"Council votes for bridge\n\n{PROSE}")
    assert (found.headline, found.body_text) == ("Council votes for bridge", PROSE)
    assert found.origins["headline"].quote == "Council votes for bridge"


@pytest.mark.parametrize(
    "first",
    [
        "The council voted for a new bridge.",
        "The council voted,",
        "Bridge",
        "The council voted on Monday evening " * 5,
        "- a list begins here",
    ],
)
def test_first_line_that_may_be_a_sentence_stays_in_the_text(first: str) -> None:
    found = article(f"{first}\n\n{PROSE}")
    assert found.headline is None
    assert found.body_text == f"{first.strip()}\n\n{PROSE}"


def test_wrapped_first_line_is_no_headline() -> None:
    found = article("The council voted on Monday evening for\na new bridge over the river in the old town.")
    assert found.headline is None
    assert (
        found.body_text
        == "The council voted on Monday evening for a new bridge over the river in the old town."
    )


def test_underlined_first_line_is_the_headline() -> None:
    found = article(f"Council votes for bridge\n========================\n{PROSE}")
    assert (found.headline, found.body_text) == ("Council votes for bridge", PROSE)


def test_wire_report_is_taken_apart() -> None:
    text = (DATA / "wire.txt").read_text("utf-8")
    found = article(text, "2025/10/wire.txt")
    assert found.headline == "Parliament passes budget after night of talks"
    assert found.authors == (Agent("Maria Santos", job_title="Parliamentary Correspondent"),)
    assert found.dateline == "LISBON, Oct. 14 (Reuters)"
    assert found.published == When("2025-10-14", "day")
    assert found.body_text == (
        "Parliament passed next year's budget early on Tuesday after a night of talks, ending three weeks of "
        "dispute between the two governing parties.\n\n"
        'The vote was 118 to 112. "We kept our word," Finance Minister Rui Alves said.\n\n'
        "Unions have called a strike for Friday."
    )


def test_every_quoted_origin_is_found_where_it_says() -> None:
    for name in ("wire.txt", "header.txt"):
        text = (DATA / name).read_text("utf-8")
        quoted = [o for o in article(text).origins.values() if o.quote is not None and o.kind != "path"]
        assert len(quoted) >= 3
        for origin in quoted:
            assert text[origin.start : origin.end] == origin.quote


def test_header_block_with_german_keys_is_read() -> None:
    found = article((DATA / "header.txt").read_text("utf-8"))
    assert found.headline == "Neue Brücke über den Fluss"
    assert found.alternative_headline == "Der Bau beginnt im Frühjahr"
    assert found.authors == (Agent("Anna Schmidt"), Agent("Jörg Meier"))
    assert found.published == When("2025-09-02T14:05", "minute")
    assert found.sections == ("Lokales",)
    assert found.keywords == ("Verkehr", "Brücken", "Haushalt")
    assert found.language == "de-DE"
    assert found.extra == ("Lektorat",)
    assert found.body_text.startswith("Der Stadtrat")
    assert found.body_text.endswith("fertig sein.")


@pytest.mark.parametrize(
    ("keys", "headline"),
    [
        ("TITLE: A b\nDATE: 2025-09-02", "A b"),
        ("Titre : A b\nAuteur : Jean Dupont\nDate : 2 septembre 2025", "A b"),
        ("Título: A b\nAutor: Ana Ruiz\nFecha: 2 de septiembre de 2025", "A b"),
    ],
)
def test_header_block_is_read_in_other_languages(keys: str, headline: str) -> None:
    found = article(f"{keys}\n\n{PROSE}")
    assert (found.headline, found.published, found.body_text) == (headline, When("2025-09-02", "day"), PROSE)


def test_headline_above_a_header_block_is_taken() -> None:
    found = article(f"Council votes for bridge\nBy: Jane Doe\nDate: 2025-09-02\n\n{PROSE}")
    assert found.headline == "Council votes for bridge"
    assert found.authors == (Agent("Jane Doe"),)
    assert found.published == When("2025-09-02", "day")
    assert found.body_text == PROSE


@pytest.mark.parametrize("key", ["By", "BYLINE", "Author"])
@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("Anna Berg, Harwick", ("Anna Berg",)),
        ("Anna Berg, Tom Haskell", ("Anna Berg", "Tom Haskell")),
        ("Doe, Jane", ("Doe, Jane",)),
        ("John Roe, Jr.", ("John Roe, Jr.",)),
        ("John Roe, III", ("John Roe, III",)),
    ],
)
def test_town_behind_a_name_is_no_part_of_it(key: str, line: str, authors: tuple[str, ...]) -> None:
    found = article(f"{key}: {line}\nDate: 2025-09-02\n\n{PROSE}")
    assert tuple(agent.name for agent in found.authors) == authors
    assert found.origins["authors"].quote == line


def test_lines_with_colons_in_the_text_are_no_header_block() -> None:
    text = f"Warning: the storm is near.\nStay at home: roads are closed.\n\n{PROSE}"
    found = article(text)
    assert found.body_text.startswith("Warning: the storm is near.")
    assert header_block(text) is None
    assert header_block("Title: x\nbut this line has no key\n\ntext") is None


def test_unreadable_date_in_the_header_names_its_line() -> None:
    (problem,) = extract(f"Title: A b\nDate: soon\n\n{PROSE}").problems
    assert (problem.rule, problem.line, problem.value) == ("date-unreadable", 2, "'soon'")


def test_ambiguous_date_asks_for_dayfirst_and_follows_it() -> None:
    text = f"Title: A b\nDate: 03/04/2025\n\n{PROSE}"
    (problem,) = extract(text).problems
    assert "dayfirst" in problem.remedy
    found = extract(text, dayfirst=True)
    assert found.article is not None
    assert found.article.published == When("2025-04-03", "day")


@pytest.mark.parametrize(
    ("line", "dateline"),
    [
        ("BEIJING, Sept. 2 (APP) — ", "BEIJING, Sept. 2 (APP)"),
        ("LONDON (Reuters) - ", "LONDON (Reuters)"),
        ("PARIS, 2 septembre (AFP) – ", "PARIS, 2 septembre (AFP)"),
        ("Berlin/Paris (dpa/AFP) - ", "Berlin/Paris (dpa/AFP)"),
        ("SPRINGFIELD, Ill. (AP) -- ", "SPRINGFIELD, Ill. (AP)"),
        ("ISLAMABAD, September 2, 2025 (APP): ", "ISLAMABAD, September 2, 2025 (APP)"),
        ("GENEVA — ", "GENEVA"),
        ("The union (an old one) - ", None),
        ("Prime Minister (PM) - ", None),
        ("A bloc (EU) - ", None),
    ],
)
def test_dateline_is_told_by_its_form(line: str, dateline: str | None) -> None:
    found = article(line + PROSE)
    assert found.dateline == dateline
    assert found.body_text == (PROSE if dateline else (line + PROSE))


def test_day_of_a_dateline_gets_no_year_from_the_clock() -> None:
    text = f"BEIJING, Sept. 2 (APP) — {PROSE}"
    assert article(text).published is None
    assert article(text, "2024/x.txt").published == When("2024-09-02", "day")
    assert article(text, "2024/09/x.txt").published == When("2024-09-02", "day")
    assert article(text, "2024/10/x.txt").published == When("2024-10", "month")
    assert article(text, "2024-09-03-x.txt").published == When("2024-09-03", "day")
    stated = article(f"BEIJING, Sept. 2, 2023 (APP) — {PROSE}")
    assert stated.published == When("2023-09-02", "day")


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("By Jane Doe and John Roe", (Agent("Jane Doe"), Agent("John Roe"))),
        ("BY JANE DOE", (Agent("JANE DOE"),)),
        ("By Jane Doe, Reuters", (Agent("Jane Doe"),)),
        ("By Anna Berg, Harwick", (Agent("Anna Berg"),)),
        ("By Anna Berg, Tom Haskell", (Agent("Anna Berg"), Agent("Tom Haskell"))),
        ("By Anna Berg, Tom Haskell, Harwick", (Agent("Anna Berg"), Agent("Tom Haskell"))),
        ("Von Anna-Lena von der Heide", (Agent("Anna-Lena von der Heide"),)),
        ("Par Émile Zola", (Agent("Émile Zola"),)),
        ("By Reuters", (Agent("Reuters", "Organization"),)),
    ],
)
def test_byline_gives_the_authors(line: str, authors: tuple[Agent, ...]) -> None:
    found = article(f"Council votes for bridge\n{line}\n\n{PROSE}")
    assert found.authors == authors
    assert found.headline == "Council votes for bridge"
    assert found.body_text == PROSE


@pytest.mark.parametrize("line", ["By noon the river had risen", "By Tuesday", "Von dort ging es weiter"])
def test_sentence_that_begins_like_a_byline_stays_in_the_text(line: str) -> None:
    found = article(f"Council votes for bridge\n\n{line}\n\n{PROSE}")
    assert found.authors == ()
    assert found.body_text == f"{line}\n\n{PROSE}"


def test_line_with_the_date_alone_is_the_date() -> None:
    found = article(f"Council votes for bridge\nBy Jane Doe\nPublished September 2, 2025\n\n{PROSE}")
    assert (found.published, found.body_text) == (When("2025-09-02", "day"), PROSE)
    later = article(f"Council votes for bridge\n\nUpdated: 3 Sept. 2025 10:00\n\n{PROSE}")
    assert later.modified == When("2025-09-03T10:00", "minute")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("2025/09/02/x.txt", "2025-09-02"),
        ("a/2025-09-02-slug.txt", "2025-09-02"),
        ("2025-09-02.txt", "2025-09-02"),
        ("20250902_slug.txt", "2025-09-02"),
        ("wire_20250902.txt", "2025-09-02"),
        ("2025/09/x.txt", "2025-09"),
        ("2025-09/x.txt", "2025-09"),
        ("2025/x.txt", None),
        ("x-12345678.txt", None),
        ("2025-02-30-x.txt", None),
        ("99999999.txt", None),
    ],
)
def test_date_in_the_path_is_taken_with_its_precision(place: str, value: str | None) -> None:
    found = article(PROSE, place)
    assert (found.published.value if found.published else None) == value
    if value:
        assert found.origins["published"].kind == "path"


def test_stated_date_goes_before_the_one_in_the_path() -> None:
    assert article(f"date 2025-09-02 {PROSE}", "2024/01/01/x.txt").published == When("2025-09-02", "day")


def test_long_lines_without_gaps_are_paragraphs() -> None:
    long = PROSE + " " + PROSE
    assert article(f"{long}\n{long}\n{long}").body_text == f"{long}\n\n{long}\n\n{long}"


def test_indented_lines_begin_paragraphs() -> None:
    text = f"    {PROSE}\nIt was late.\n    {PROSE}\nIt was very late."
    assert article(text).body_text == f"{PROSE} It was late.\n\n{PROSE} It was very late."


def test_list_items_stay_apart_and_chinese_lines_join_without_a_space() -> None:
    assert article(f"{PROSE}\n- one\n- two").body_text == f"{PROSE}\n\n- one\n\n- two"
    assert article("中国国家主席周二会见了\n外国领导人。").body_text == "中国国家主席周二会见了外国领导人。"


HOSTILE = [
    "A" * 200_000,
    "a: " * 60_000,
    "BEIJING " * 30_000,
    "(" * 100_000,
    "\n" * 200_000 + "x",
    " \n" * 100_000 + "x",
    "By " * 50_000,
    "Title: x\n" + " y\n" * 50_000,
    "date " * 50_000,
    "x\n-" * 50_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: repr(t[:8]))
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    begin = time.perf_counter()
    assert extract(text).article is not None
    assert time.perf_counter() - begin < 2


@given(st.text(max_size=400), st.sampled_from(["a.txt", "2025/09/02/a.txt", "#", "//", "2025-99-99.txt"]))
def test_any_text_is_read_without_an_error_raised(text: str, place: str) -> None:
    assert extract(text, place).article is not None


LINES = st.sampled_from(
    [
        "Title: x", "By Jane Doe", "BEIJING, Sept. 2 (APP) — text", "Date: 2025-09-02", "September 2, 2025",
        "", "Council votes for bridge", PROSE, "date 2025-09-02", "  indented", "- item", "=====",
        "Updated: now",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_any_order_of_header_lines_is_read(text: str) -> None:
    found = extract(text).article
    assert found is not None
    for origin in found.origins.values():
        if origin.quote is not None and origin.text == "document":
            assert text[origin.start : origin.end] == origin.quote


WORD = st.text(alphabet="abcdefghijklmnoprstuwäöéš中文,.!?", min_size=1, max_size=9)
PLAIN = st.lists(st.lists(WORD, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=12)


@given(PLAIN, st.sampled_from(["\n", "\n\n", "\n \n", "\n\t"]))
def test_no_word_of_a_plain_text_is_lost(lines: list[str], separator: str) -> None:
    text = separator.join(lines)
    found = extract(text).article
    assert found is not None
    kept = f"{found.headline or ''} {found.dateline or ''} {found.body_text}"
    assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", text)
