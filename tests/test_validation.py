"""Validation: one verdict from two validators, every problem named, nothing slipping through."""

from __future__ import annotations

import copy
import json
import math
import random
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import explanation, validation
from feedpub.errors import FeedpubError
from feedpub.models import Problem
from feedpub.timeorder import is_before, precision
from feedpub.validation import FORMATS, advise, validate, validate_document
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "records"
ARTICLE, EVENT, FEED, JSON_FEED = (
    json.loads((DATA / f"{name}.json").read_text("utf-8"))
    for name in ("article", "event", "datafeed", "jsonfeed")
)
SCHEMAS = {"newsarticle": ARTICLE, "event": EVENT, "datafeed": FEED, "jsonfeed": JSON_FEED}


def authority(name: str, data: Any) -> bool:
    """jsonschema's own verdict, after what is no JSON at all has been refused."""
    if any(True for _ in explanation._not_json(data)):
        return False
    return bool(explanation._validator(name, tuple(FORMATS.items())).is_valid(data))


def rules(problems: tuple[Problem, ...]) -> set[str]:
    return {problem.rule for problem in problems}


# --- both validators agree

TRICKY: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 1.5, 1e400, math.nan, -math.inf, 10**30, "", " ", "a", "a\n",
    "a\r\n", "\u2028", "\u00a0", "\ufeff", "\ufffe", "\x7f", "\x85", "\u0661\u0662", "2025", "2025\n",
    "２０２５", "2025-02-29", "2024-02-29", "2025-1-1", "2025-02-30", "0000-01-01", "9999-12-31",
    "2025-09-02T10:00", "2025-09-02T10:00Z", "2025-09-02T10:00:00z", "2025-09-02t10:00:00Z",
    "2025-09-02T10:00:60Z", "2025-09-02T10:00:00.5Z", "2025-09-02T10:00:00+25:00",
    "2025-09-02 10:00:00Z", "2025-02-30T10:00+01:00", "https://x.example/", "https://", "http://[::1]/",
    "http://[::1", "https://x.example:99999/", "HTTPS://x.example/", "https://ü.example/é",
    "https://x.example/\n", "//x", "mailto:a@b", "urn:x", "urn:", "a:b c", "en", "en\n", "EN-gb",
    "x-klingon", "de-DE-u-co-phonebk", "i-default", "EUR", "EUR\n", "eur", "12.5", "12.5\n", "1e3",
    ".5", "٣", [], [1], ["a", "a"], ["a", "b"], {}, {"@id": "urn:x"}, {"@id": "x"}, {"@type": "Person"},
    {"@type": "Person", "name": "A"}, {"@type": ["Person"]}, {"@type": None}, (), ("a",), ("a", "a"),
    "\ud800", "👩‍👧", 10**400,
]  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_both_validators_give_the_same_verdict_on_tricky_values_everywhere(name: str) -> None:
    good = SCHEMAS[name]
    assert validation._accepts(name, good)
    assert authority(name, good)
    seen = {True: 0, False: 0}
    for document in variants(good):
        if name == "jsonfeed" and "\\ud800" in json.dumps(document):
            # Its extensions and texts may be anything, and what has no rule jsonschema-rs does not read.
            continue
        verdict = validation._accepts(name, document)
        assert verdict == authority(name, document), document
        seen[verdict] += 1
    assert min(seen.values()) > 20


def variants(document: Any) -> list[Any]:
    """`document` with each value in it replaced by tricky ones (a fixed choice of them), or taken out."""
    chosen = random.Random(1)
    found: list[Any] = []
    for path in paths(document):
        for value in [*chosen.sample(TRICKY, 12), ...]:
            copied = copy.deepcopy(document)
            target = copied
            for part in path[:-1]:
                target = target[part]
            if value is ...:
                del target[path[-1]]
            else:
                target[path[-1]] = value
            found.append(copied)
    return found


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([path] if path else []) + [found for key, inner in items for found in paths(inner, (*path, key))]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(TRICKY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*ARTICLE, *EVENT, "other"]), JSON_VALUES, max_size=4),
    st.sampled_from(["newsarticle", "event"]),
)
def test_both_validators_give_the_same_verdict_on_anything(changes: dict[str, Any], name: str) -> None:
    document = {**SCHEMAS[name], **changes}
    assert validation._accepts(name, document) == authority(name, document)


@given(
    st.sampled_from(["datePublished", "startDate", "url", "@id", "inLanguage"]),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?\n?",
        fullmatch=True,
    )
    | st.text(max_size=30),
)
def test_both_validators_give_the_same_verdict_on_any_text(key: str, value: str) -> None:
    name = "event" if key == "startDate" else "newsarticle"
    document = {**SCHEMAS[name], key: value}
    assert validation._accepts(name, document) == authority(name, document)


@given(JSON_VALUES)
def test_nothing_makes_validation_raise_and_what_is_refused_is_explained(value: Any) -> None:
    for data in ({"@type": value}, {**ARTICLE, "author": value}, {**EVENT, "location": [value]}):
        for problem in validate(data):
            assert problem.rule and problem.message and problem.remedy
            problem.message.encode("utf-8")
            (problem.pointer or "").encode("utf-8")


# --- what problems say


def test_every_problem_of_a_record_is_listed() -> None:
    bad = {
        **ARTICLE,
        "headline": "",
        "datePublished": "2025-02-30",
        "url": "/x",
        "wordCount": "many",
        "hedline": "x",
    }
    del bad["articleBody"]
    found = {(problem.pointer, problem.rule) for problem in validate(bad)}
    assert found >= {
        ("/headline", "schema:pattern"),
        ("/datePublished", "schema:format"),
        ("/url", "schema:pattern"),
        ("/wordCount", "schema:type"),
        ("/hedline", "schema:unevaluatedProperties"),
        ("/articleBody", "schema:required"),
    }


def test_problem_is_told_in_plain_english_with_value_and_remedy() -> None:
    (problem,) = validate({**ARTICLE, "dateModified": "2025-09-31"})[:1]
    assert problem.message == "dateModified is '2025-09-31', which is not a day that exists in the calendar."
    assert problem.remedy == "Write the date as 2025-09-02, or with a time as 2025-09-02T15:00:00+05:00."
    assert problem.value == "'2025-09-31'"


def test_wrong_name_comes_with_the_nearest_right_one() -> None:
    (problem,) = validate({**ARTICLE, "hedline": "x"})
    assert "Did you mean headline?" in problem.message
    (problem,) = validate({**ARTICLE, "@type": "NewsArticel"})
    assert "Did you mean NewsArticle?" in problem.message


def test_problem_inside_a_list_names_the_member_counted_from_one() -> None:
    authors = [{"@type": "Person", "@id": "urn:x:1", "name": "A"}, {"@type": "Person", "@id": "urn:x:2"}]
    (problem,) = validate({**ARTICLE, "author": authors})
    assert problem.message == "author 2 has no name."
    assert problem.pointer == "/author/1/name"


def test_pointer_escapes_as_rfc_6901_says() -> None:
    assert {problem.pointer for problem in validate({**ARTICLE, "a/b~c": 1})} == {"/a~1b~0c"}


def test_same_mistake_is_told_once() -> None:
    assert len(validate({**ARTICLE, "url": "x"})) == 1


def test_thousands_of_problems_are_cut_off_and_said_to_be() -> None:
    problems = validate({**ARTICLE, "keywords": [1] * 3000})
    assert len(problems) <= 1002
    assert "too-many" in rules(problems)


def test_long_values_are_shown_short() -> None:
    problems = validate({**ARTICLE, "url": "x" * 100_000})
    assert all(len(problem.value or "") <= 80 for problem in problems)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "finite"),
        (math.inf, "finite"),
        (b"bytes", "bytes"),
        ({1}, "set"),
        ("\ud800", "surrogate"),
        ({1: 2}, "key"),
    ],
)
def test_what_is_no_json_is_refused_and_named(value: object, words: str) -> None:
    problems = validate({**ARTICLE, "wordCount": value})
    assert any(problem.rule == "not-json" and words in problem.message for problem in problems)


def test_bottomless_nesting_is_refused_and_does_not_overflow() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(20_000):
        inner["a"] = {}
        inner = inner["a"]
    assert rules(validate({**ARTICLE, "publisher": deep})) == {"too-deep"}


def test_unknown_type_is_a_problem_of_its_own() -> None:
    assert rules(validate({"@type": "Recipe", "name": "Cake"})) == {"schema:enum"}
    assert rules(validate({"name": "Cake"})) == {"schema:required"}
    assert rules(validate({"@type": ["NewsArticle"]})) == {"schema:enum"}


def test_unknown_schema_and_profile_are_named() -> None:
    for call in (lambda: validate_document("nothing", {}), lambda: advise(ARTICLE, "nothing")):
        with pytest.raises(FeedpubError, match="nothing"):
            call()


# --- rules of our own


@pytest.mark.parametrize(
    ("published", "modified", "wrong"),
    [
        ("2025-09-02T15:00:00+02:00", "2025-09-02T14:59:59+02:00", True),
        ("2025-09-02T15:00:00+02:00", "2025-09-02T13:30:00Z", False),
        ("2025-09-02T15:00:00+02:00", "2025-09-02T12:30:00Z", True),
        ("2025-09-02", "2025-09-01", True),
        ("2025-09-02", "2025-09-02T00:10+05:00", False),
        ("2025-09-02", "2025-09", False),
        ("2025-09-02", "2025-08", True),
        ("2025-09-02T15:00Z", "2025-09-02", False),
        ("2025-09-02T15:00Z", "2025-08-20", True),
        ("2025", "2024", True),
        ("2025-09-02T15:00Z", "2025-09-02T15:00:00Z", False),
    ],
)
def test_change_is_not_before_publication_where_both_can_be_compared(
    published: str, modified: str, wrong: bool
) -> None:
    problems = validate({**ARTICLE, "datePublished": published, "dateModified": modified})
    assert ("modified-before-published" in rules(problems)) is wrong
    assert len(problems) == wrong


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("2025-09-02T19:00", "2025-09-02T18:00", True),
        ("2025-09-02T19:00", "2025-09-02", False),
        ("2025-09-02T19:00", "2025-09-02T19:00:00", False),
        ("2025-09-02", "2025-09-01", True),
        ("2025-09-02T23:00+02:00", "2025-09-02T22:00+01:00", False),
        ("2025-09-02T23:00", "2025-09-02T22:00Z", False),
    ],
)
def test_event_does_not_end_before_it_begins(start: str, end: str, wrong: bool) -> None:
    assert ("end-before-start" in rules(validate({**EVENT, "startDate": start, "endDate": end}))) is wrong


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_dates_never_raises(one: str, other: str) -> None:
    assert not (is_before(one, other) and is_before(other, one))


@pytest.mark.parametrize("year", ["9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59-12:00"])
def test_end_of_the_calendar_does_not_overflow(year: str) -> None:
    assert is_before("1000-01-01T00:00:00Z", year) in (True, False)
    assert precision(year) >= 1


def test_record_by_itself_names_its_people() -> None:
    assert rules(validate({**ARTICLE, "author": [{"@id": "urn:x:1"}]})) == {"reference-without-name"}
    assert rules(validate({**EVENT, "location": [{"@id": "urn:x:1"}]})) == {"reference-without-name"}
    assert validate({**ARTICLE, "about": [{"@id": "urn:x:1"}]}) == ()


# --- formats


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "date",
            ["2024-02-29", "1000-01-01"],
            ["2025-02-29", "2025-2-1", "20250201", "2025-02-01\n", "", "2025-W05-1"],
        ),
        (
            "date-time",
            ["2025-09-02T10:00:00Z", "2025-09-02T10:00:00-09:30"],
            ["2025-09-02T10:00Z", "2025-09-02T10:00:00", "2025-09-02T24:00:00Z", "2025-02-30T10:00:00Z"],
        ),
        (
            "iso-date-time",
            ["2025-09-02T10:00", "2025-09-02T10:00+02:00"],
            ["2025-09-02", "2025-09-02T10", "2025-09-02T10:60", "2025-09-02T10:00+2"],
        ),
        (
            "iri",
            ["https://x.example", "https://ü.example/é", "urn:uuid:1", "tag:x,2025:1"],
            ["x", "https:///a", "https://x.example/<", "urn:", ""],
        ),
        ("uri", ["https://x.example/a"], ["https://x.example/é", "x"]),
        (
            "email",
            ["a.b+c@news.example"],
            [
                "a@b",
                "a..b@c.example",
                ".a@c.example",
                "a@-c.example",
                "a b@c.example",
                "a@c.example\n",
                "@",
                "a@",
            ],
        ),
    ],
)
def test_format_is_truly_checked(name: str, good: list[str], bad: list[str]) -> None:
    assert all(map(FORMATS[name], good))
    assert not any(map(FORMATS[name], bad))


def test_formats_of_jsonschema_rs_are_tested_before_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(validation.FORMATS, "date", lambda text: True)
    validation._self_test.cache_clear()
    with pytest.raises(FeedpubError, match="does not check format 'date'"):
        validation._self_test()
    monkeypatch.undo()
    validation._self_test.cache_clear()
    validation._self_test()


def test_formats_of_jsonschema_are_tested_before_first_use() -> None:
    blind = tuple({**FORMATS, "date": lambda text: True}.items())
    with pytest.raises(FeedpubError, match="does not check formats"):
        explanation._validator("newsarticle", blind)


def test_without_jsonschema_bad_formats_are_still_refused_and_explained() -> None:
    program = (
        "import sys; sys.modules['jsonschema'] = None\n"
        "import json; from feedpub.validation import validate\n"
        f"record = json.load(open({str(DATA / 'article.json')!r}, encoding='utf-8'))\n"
        "assert validate(record) == ()\n"
        "record['datePublished'] = '2025-02-30'\n"
        "print(*(problem.rule + problem.pointer for problem in validate(record)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["schema:format/datePublished"]


def test_valid_record_is_decided_without_importing_jsonschema() -> None:
    program = (
        "import sys, json; from feedpub.validation import validate\n"
        f"assert validate(json.load(open({str(DATA / 'article.json')!r}, encoding='utf-8'))) == ()\n"
        "print(sorted(name for name in sys.modules if name in ('jsonschema', 'referencing')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- profiles


def test_advice_says_who_loses_what_and_holds_nothing_back() -> None:
    poor = {key: ARTICLE[key] for key in ("@type", "@id", "url", "headline", "articleBody")}
    advice = advise(poor, "google-article")
    assert {problem.severity for problem in advice} == {"advice"}
    assert {problem.pointer for problem in advice} == {"/image", "/datePublished", "/dateModified", "/author"}
    assert all("Google" in problem.message and "https://" in problem.message for problem in advice)


def test_record_that_has_everything_gets_no_advice() -> None:
    assert advise(ARTICLE, "google-article") == ()
    assert advise(ARTICLE, "news-sitemap") == ()
    assert advise(EVENT, "google-event") == ()


@pytest.mark.parametrize(
    ("profile", "key", "value", "rule"),
    [
        ("google-article", "datePublished", "2025-09-02", "google-article:datepublished-has-a-time"),
        (
            "google-article",
            "author",
            [{"@type": "Person", "@id": "urn:x", "name": "Ann Bo and C D", "url": "https://x.example/"}],
            "google-article:one-name-an-author",
        ),
        (
            "google-article",
            "author",
            [{"@type": "Person", "@id": "urn:x", "name": "Ann Bo"}],
            "google-article:each-author-has-a-page",
        ),
        ("news-sitemap", "datePublished", "2025-09", "news-sitemap:datepublished-names-the-day"),
        (
            "google-event",
            "location",
            [{"@type": "Place", "@id": "urn:x", "name": "Hall"}],
            "google-event:each-place-has-an-address",
        ),
        (
            "google-event",
            "location",
            [{"@type": "VirtualLocation", "name": "Net"}],
            "google-event:an-online-place-has-a-url",
        ),
        ("google-event", "offers", [{"@type": "Offer", "price": "5"}], "google-event:a-price-has-a-currency"),
    ],
)
def test_advice_on_one_thing(profile: str, key: str, value: Any, rule: str) -> None:
    record = {**(EVENT if profile == "google-event" else ARTICLE), key: value}
    assert rules(advise(record, profile)) == {rule}


def test_organisation_may_have_and_in_its_name() -> None:
    author = [{"@type": "Organization", "@id": "urn:x", "name": "Bo and Sons", "url": "https://x.example/"}]
    assert advise({**ARTICLE, "author": author}, "google-article") == ()


def test_validating_is_cheap() -> None:
    validate(ARTICLE)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(200):
            validate(ARTICLE)
        times.append((time.perf_counter() - started) / 200)
    # Some 20 µs on an ordinary machine; jsonschema alone would take 50 times that.
    assert min(times) < 0.0002
