"""Markdown with front matter, as site generators write it."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import extraction, media
from feedpub.extraction import frontmatter
from feedpub.extraction.markdown import read
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import (
    Address,
    Agent,
    Article,
    Correction,
    Document,
    EventMention,
    Extraction,
    Image,
    Offer,
    Place,
    Problem,
    When,
)

DATA = Path(__file__).parent / "data" / "markdown"


def extract(text: str, place: str = "a.md", **settings: bool) -> Extraction:
    return read(Document("s", place, text.encode(), "text/markdown"), text, ExtractSettings(**settings))  # type: ignore[arg-type]


def article(text: str, place: str = "a.md") -> Article:
    found = extract(text, place)
    assert [p for p in found.problems if p.severity == "error"] == []
    assert found.article is not None
    return found.article


def yaml(lines: str, body: str = "Body text.") -> str:
    return f"---\n{textwrap.dedent(lines).strip()}\n---\n{body}\n"


def problem(text: str) -> Problem:
    found = extract(text)
    assert found.refused
    return next(p for p in found.problems if p.severity == "error")


def event(lines: str) -> EventMention:
    (found,) = article(
        yaml(f"title: T\nevents:\n{textwrap.indent(textwrap.dedent(lines).strip(), '  ')}")
    ).events
    return found


def test_jekyll_post_is_read_whole() -> None:
    found = article((DATA / "jekyll.md").read_text("utf-8"), "_posts/2025-09-01-harbour.md")
    assert found.headline == "Harbour reopens: first ships arrive"
    assert found.alternative_headline == "Two years after the storm"
    assert found.published == When("2025-09-02T10:00:00+05:00", "second")
    assert found.modified == When("2025-09-03", "day")
    assert found.authors == (Agent("Jane Doe", url="https://example.org/jane"),)
    assert found.sections == ("World", "Economy")
    assert found.keywords == ("ports", "shipping")
    assert found.description == "The harbour is open again."
    assert found.images == (
        Image(
            "harbour.jpg",
            caption="The first ship on Tuesday",
            alternative_text="Ships in the harbour",
            credit="A. Photographer",
        ),
    )
    assert found.aliases == ("/old/harbour/",)
    assert found.url == "https://example.org/2025/harbour"
    assert found.language == "en-US"
    assert found.extra == ("mood",)
    assert found.body_text == "The harbour reopened on Tuesday.\n\nSecond & last."
    assert found.body_html is not None
    assert "<strong>reopened</strong>" in found.body_html
    assert "script" not in found.body_html
    assert "onclick" not in found.body_html
    assert found.origins["published"].quote == "2025-09-02 10:00:00 +0500"


def test_quotes_of_origins_stand_where_they_say() -> None:
    texts = [
        (DATA / "jekyll.md").read_text("utf-8"),
        "+++\ntitle = \"Größe\"\nslug = 'x-y'\n+++\nBody",
        '{"title": "Größe", "slug": "x-y", "summary": "S"}\nBody',
        "Title: Größe\nSummary: A text\n\nBody",
        "# A heading\n\nBody",
    ]
    for text in texts:
        quoted = [o for o in article(text).origins.values() if o.quote is not None]
        assert quoted
        for origin in quoted:
            assert text[origin.start : origin.end] == origin.quote


def test_hugo_toml_is_read() -> None:
    found = article(
        '+++\ntitle = "T"\ndate = 2025-09-02T10:00:00Z\nlastmod = 2025-09-03\npublishDate = "2025-10-01"\n'
        'expiryDate = 2026-01-01\ndraft = true\ntags = ["a", "b"]\nauthors = ["Jane Doe", "John Roe"]\n'
        '[cover]\nimage = "c.png"\nalt = "C"\n+++\nBody'
    )
    assert found.published == When("2025-09-02T10:00:00Z", "second")
    assert found.modified == When("2025-09-03", "day")
    assert found.publish_at == When("2025-10-01", "day")
    assert found.expires_at == When("2026-01-01", "day")
    assert found.draft is True
    assert found.keywords == ("a", "b")
    assert found.authors == (Agent("Jane Doe"), Agent("John Roe"))
    assert found.images == (Image("c.png", alternative_text="C"),)


def test_hugo_json_is_read() -> None:
    found = article('{\n  "title": "T",\n  "date": "2025-09-02"\n}\n\nBody')
    assert (found.headline, found.published, found.body_text) == ("T", When("2025-09-02", "day"), "Body")


def test_pelican_lines_are_read() -> None:
    found = article(
        "Title: My post\nDate: 2025-09-02 10:20\nModified: 2025-09-03\nCategory: World\n"
        "Tags: a, b\nAuthors: Jane Doe; John Roe\nStatus: draft\nSummary: Short\n\nBody *text*."
    )
    assert found.headline == "My post"
    assert found.published == When("2025-09-02T10:20", "minute")
    assert found.sections == ("World",)
    assert found.authors == (Agent("Jane Doe"), Agent("John Roe"))
    assert found.draft is True
    assert found.body_text == "Body text."


def test_document_without_front_matter_takes_its_first_heading() -> None:
    found = article("# The *first* heading #\n\nText of it.\n\n## Another\n\nMore.")
    assert found.headline == "The first heading"
    assert found.body_text == "Text of it.\n\nAnother\n\nMore."
    assert article("Heading\n=======\n\nText.").headline == "Heading"
    assert article("Only text.").headline is None
    assert article("Only text.\n\n# Later").headline is None
    assert article("## Second level\n\nText.").body_text == "Second level\n\nText."


def test_heading_that_repeats_the_title_is_dropped_and_another_is_kept() -> None:
    assert article(yaml("title: A  title", "# a title\n\nText.")).body_text == "Text."
    assert article(yaml("title: A title", "# Another\n\nText.")).body_text == "Another\n\nText."


def test_file_name_of_jekyll_gives_the_date() -> None:
    found = article("Text.", "_posts/2025-09-02-slug.md")
    assert found.published == When("2025-09-02", "day")
    assert found.origins["published"].kind == "path"


@pytest.mark.parametrize(
    ("author", "authors"),
    [
        ("Jane Doe", (Agent("Jane Doe"),)),
        ("Jane Doe and John Roe", (Agent("Jane Doe"), Agent("John Roe"))),
        ("Jane Doe, John Roe", (Agent("Jane Doe"), Agent("John Roe"))),
        ("Doe, Jane", (Agent("Doe, Jane"),)),
        ("Marks and Spencer", (Agent("Marks and Spencer"),)),
        ("By Jane Doe", (Agent("Jane Doe"),)),
        ("Jane Doe <jane@example.org>", (Agent("Jane Doe", email="jane@example.org"),)),
        ("jane@example.org (Jane Doe)", (Agent("Jane Doe", email="jane@example.org"),)),
        ("dpa", (Agent("dpa", "Organization"),)),
        ("[Jane Doe, {name: Acme, type: Organization}]", (Agent("Jane Doe"), Agent("Acme", "Organization"))),
        ("{name: Jane Doe, url: 'javascript:x', role: Editor}", (Agent("Jane Doe", job_title="Editor"),)),
    ],
)  # fmt: skip
def test_authors_are_split_only_between_names(author: str, authors: tuple[Agent, ...]) -> None:
    assert article(yaml(f"author: {author}")).authors == authors


def test_values_stay_what_they_look_like() -> None:
    found = article(yaml("lang: no\ntags: [2024, 1e3, 007, 12:30, on]\nslug: 2025\ntitle: 1984"))
    assert found.language == "no"
    assert found.keywords == ("2024", "1e3", "007", "12:30", "on")
    assert found.slug == "2025"
    assert found.headline == "1984"


@pytest.mark.parametrize(
    ("line", "draft"),
    [
        ("draft: true", True),
        ("draft: false", False),
        ("published: false", True),
        ("published: true", False),
        ("published: 2025-09-02", False),
        ("status: draft", True),
        ("status: published", False),
        ("draft: yes", True),
        ("draft: y", True),
        ("draft: 1", True),
        ("draft: n", False),
    ],
)
def test_drafts_are_told_in_each_generators_way(line: str, draft: bool) -> None:
    assert article(yaml(line)).draft is draft


def test_further_fields_are_taken_over() -> None:
    found = article(
        yaml("""
        id: urn:x:1
        license: https://creativecommons.org/licenses/by/4.0/
        premium: true
        dateline: BERLIN
        location: Berlin
        type: opinionnewsarticle
        url: /relative/only
        corrections:
          - text: The number was wrong.
            date: 2025-09-03
          - It is spelled Doe.
        """)
    )
    assert found.id == "urn:x:1"
    assert found.accessible_for_free is False
    assert found.dateline == "BERLIN"
    assert found.content_locations == (Place("Berlin"),)
    assert found.type == "OpinionNewsArticle"
    assert found.url is None
    assert found.corrections == (
        Correction("The number was wrong.", When("2025-09-03", "day")),
        Correction("It is spelled Doe."),
    )
    assert found.license == "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("front", "modified"),
    [
        ("correction: {text: Wrong number., date: 2025-09-03}", When("2025-09-03", "day")),
        (
            "corrections: [{text: A, date: 2025-09-05}, {text: B, date: 2025-09-04}]",
            When("2025-09-05", "day"),
        ),
        (
            "correction: {text: Wrong number., date: 2025-09-03}\nmodified: 2025-09-09",
            When("2025-09-09", "day"),
        ),
        ("correction: Wrong number.", None),
        ("correction: {text: Wrong number., date: 2025-09-01}", None),
    ],
)
def test_an_article_was_modified_when_it_was_last_corrected(front: str, modified: When | None) -> None:
    text = f"---\ntitle: Bridge\ndate: 2025-09-02\n{front}\n---\nThe bridge opens.\n"
    found = extraction.extract(Document("s", "a.md", text.encode(), "text/markdown")).article
    assert found is not None
    assert found.modified == modified
    if modified is not None and "modified:" not in front:
        assert (found.origins["modified"].kind, found.origins["modified"].name) == (
            "rule", "modified-from-correction/1",
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["post", "page", "Recipe", "article"])
def test_layout_types_change_nothing(kind: str) -> None:
    found = article(yaml(f"type: {kind}"))
    assert found.type == "NewsArticle"
    assert "type" not in found.origins


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("---\ntitle: a: b\n---\nx", 2, 9),
        ("---\ntitle: a\n\tb: c\n---\nx", 3, 1),
        ("---\ntitle: a\ntitle: b\n---\nx", 3, 1),
        ("---\ntitle: [a\n---\nx", None, None),
        ("---\ntitle: a\nx", 1, None),
        ("---\n- a\n- b\n---\nx", 2, None),
        ("---\na: *nothing\n---\nx", 2, 4),
        ('+++\ntitle = "a\n+++\nx', 2, None),
        ("+++\na = 1\na = 2\n+++\nx", 3, None),
        ("+++\na = 1\nx", 1, None),
        ('{"title": "a",\n "b": }\nx', 2, None),
        ('{"a": 1, "a": 2}\nx', 1, None),
    ],
)
def test_broken_front_matter_is_refused_with_its_line(
    text: str, line: int | None, column: int | None
) -> None:
    found = problem(text)
    assert found.rule == "front-matter"
    assert found.remedy
    if line is not None:
        assert found.line == line
    if column is not None:
        assert found.column == column


@pytest.mark.parametrize("value", ["20255-01-01", "2025-02-30", "soon", "2025-09-02 25:00", "1756800000"])
def test_given_date_that_cannot_be_read_is_an_error(value: str) -> None:
    found = problem(yaml(f"title: T\ndate: {value}"))
    assert (found.rule, found.line, found.column, found.value) == ("date-unreadable", 3, 7, repr(value))


def test_impossible_date_in_toml_is_an_error_too() -> None:
    found = problem("+++\ntitle = 'T'\ndate = 2025-02-30\n+++\nx")
    assert found.line == 3
    assert "date" in found.message


def test_aliases_cannot_blow_up() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    begin = time.perf_counter()
    assert problem(f"---\n{bomb}---\nx").rule == "front-matter"
    assert problem("---\na: &a [*a]\n---\nx").rule == "front-matter"
    assert problem("---\na: " + "[" * 50_000 + "\n---\nx").rule == "front-matter"
    assert problem("+++\na = " + "[" * 50_000 + "\n+++\nx").rule == "front-matter"
    assert problem("---\na:\n  " + "- " * 50_000 + "\n---\nx").rule == "front-matter"
    assert problem("---\n" + "? " * 50_000 + "\n---\nx").rule == "front-matter"
    assert problem('{"a": ' + "[" * 50_000).rule == "front-matter"
    assert time.perf_counter() - begin < 3


def test_yaml_tags_are_never_carried_out() -> None:
    found = article(
        yaml("title: !!python/object/apply:os.system ['exit 1']\nsummary: !!python/name:os.system")
    )
    assert found.headline is None
    assert found.description is None


def test_rule_at_the_top_is_no_front_matter() -> None:
    found = article("---\n\nSome text.\n\n---\n\nMore.")
    assert found.body_text == "Some text.\n\nMore."


def test_template_code_is_left_out_with_advice() -> None:
    body = 'A {{< figure src="x" >}}b {{% note %}}c{{% /note %}} {% include x %} {{ page.title }} d {{ }} e'
    found = extract(yaml("title: T", body))
    assert found.article is not None
    assert found.article.body_text.split() == ["A", "b", "c", "d", "{{", "}}", "e"]
    (advice,) = found.problems
    assert (advice.rule, advice.severity, advice.line) == ("template-code", "advice", 4)


def test_raw_html_is_sanitised() -> None:
    body = (
        'Text <b onmouseover="x()">bold</b> <iframe src="https://evil.example"></iframe>'
        '[x](javascript:alert(1))\n\n<style>p{}</style>\n\n<script>alert("x")</script>\n\nEnd </script> ]]>'
    )
    found = article(yaml("title: </script><b>T</b>", body))
    assert found.body_html is not None
    for bad in ("onmouseover", "iframe", "javascript", "<script", "<style", "alert("):
        assert bad not in found.body_html
    assert "alert" not in found.body_text
    assert "bold" in found.body_text
    assert found.headline == "</script><b>T</b>"


def test_github_flavour_is_understood() -> None:
    found = article("| a | b |\n|---|---|\n| 1 | 2 |\n\n~~gone~~ https://example.org\n\n- [x] done")
    assert found.body_html is not None
    assert "<table>" in found.body_html
    assert '<a href="https://example.org' in found.body_html
    assert "<del>gone</del>" in found.body_html


def test_event_page_becomes_an_event() -> None:
    found = extract((DATA / "event.md").read_text("utf-8"))
    assert found.problems == ()
    assert found.article is None
    (event,) = found.events
    assert event.main
    assert event.type == "MusicEvent"
    assert event.name == "Summer Night in the Park"
    assert event.start == When("2025-07-12T19:30+02:00", "minute", "Europe/Berlin")
    assert event.end == When("2025-07-12T23:00+02:00", "minute", "Europe/Berlin")
    assert event.door_time == When("2025-07-12T18:30+02:00", "minute", "Europe/Berlin")
    assert event.previous_start == When("2025-07-05T19:30+02:00", "minute", "Europe/Berlin")
    assert event.locations == (
        Place(
            "City Park",
            address=Address("Parkallee 1", "Dresden", None, "01067", "DE"),
            latitude=51.05,
            longitude=13.74,
        ),
    )
    assert event.organizers == (Agent("City of Dresden", "Organization"),)
    assert event.performers == (Agent("The Quiet Ones", "Organization"), Agent("Ann Lee"))
    assert event.status == "EventRescheduled"
    assert event.attendance_mode == "OfflineEventAttendanceMode"
    assert event.offers == (Offer(url="https://example.org/tickets", price="12.50", currency="EUR"),)
    assert event.url == "https://example.org/summer-night"
    assert event.description == "An evening of music under the trees."
    assert event.origins["start"].quote == "2025-07-12T19:30"


@pytest.mark.parametrize("word", ["maybe", "2", "almost"])
def test_word_that_may_or_may_not_mean_a_draft_holds_the_article_back(word: str) -> None:
    found = problem(yaml(f"title: T\ndraft: {word}"))
    assert (found.rule, found.line, found.value) == ("draft-unclear", 3, repr(word))


def test_size_and_words_of_a_picture_are_kept_for_articles_and_events() -> None:
    picture = "{url: https://example.org/b.png, width: 800, height: 600px, alt: A bridge, caption: Dusk}"
    expected = (
        Image(
            "https://example.org/b.png", width=800, height=600, alternative_text="A bridge", caption="Dusk"
        ),
    )
    found = article(yaml(f"title: T\nimage: {picture}\nevents:\n  - name: Fair\n    image: {picture}"))
    assert found.images == expected
    assert found.events[0].images == expected


def test_event_page_takes_its_name_from_the_heading() -> None:
    (found,) = extract("---\ntype: event\nstart: 2025-10\n---\n# Book fair\n\nBooks.").events
    assert (found.name, found.start, found.description) == ("Book fair", When("2025-10", "month"), "Books.")


def test_event_without_a_name_is_an_error() -> None:
    assert problem("---\ntype: event\nstart: 2025-10-01\n---\nBooks.").rule == "event-without-name"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("status: maybe", "event-word"),
        ("mode: sideways", "event-word"),
        ("timezone: Mars/Base", "timezone-unknown"),
        ("end: never", "date-unreadable"),
    ],
)
def test_event_data_that_cannot_be_meant_is_an_error(line: str, rule: str) -> None:
    found = problem(f"---\ntype: event\ntitle: Fair\nstart: 2025-10-01\n{line}\n---\nx")
    assert (found.rule, found.line) == (rule, 5)


@pytest.mark.parametrize("mark", ["draft: true", "status: draft", "published: false"])
def test_draft_of_an_event_is_told_as_one(mark: str) -> None:
    found = extract(yaml(f"type: event\ntitle: Fair\nstart: 2025-10-04\n{mark}"))
    assert not found.refused
    assert found.draft


def test_article_carries_its_events() -> None:
    found = event("- name: Fair\n  start: 2025-10-01\n  place: Berlin\n  status: abgesagt\n  price: free")
    assert (found.name, found.start, found.locations) == (
        "Fair",
        When("2025-10-01", "day"),
        (Place("Berlin"),),
    )
    assert found.status == "EventCancelled"
    assert found.offers == (Offer(price="0"),)
    assert not found.main


def test_place_with_nothing_but_an_address_on_the_net_is_virtual() -> None:
    found = event("- name: Talk\n  place: {url: https://zoom.example/1}")
    assert found.locations == (Place(type="VirtualLocation", url="https://zoom.example/1"),)
    found = event("- name: Talk\n  place: {name: Town Hall, url: https://hall.example/}")
    assert found.locations == (Place("Town Hall", url="https://hall.example/"),)


def test_events_within_an_event_are_named_and_those_with_a_start_are_events_too() -> None:
    text = """\
- name: City days
  start: 2025-09-05
  sub_events:
    - Children's run
    - name: Fireworks
      start: 2025-09-06T22:00
  super_event: {name: Summer, id: "https://example.org/summer"}"""
    days, fireworks = article(yaml(f"title: T\nevents:\n{textwrap.indent(text, '  ')}")).events
    assert days.sub_events == ("Children's run", "Fireworks")
    assert days.super_event == "https://example.org/summer"
    assert (fireworks.name, fireworks.start) == ("Fireworks", When("2025-09-06T22:00", "minute"))


@pytest.mark.parametrize(
    ("lines", "start", "doors"),
    [
        ("start: 2025-10-01T19:00\ndoors: 17:30", "2025-10-01T19:00", "2025-10-01T17:30"),
        ("start: 2025-10-01T19:00+02:00\ndoors: 17:30", "2025-10-01T19:00+02:00", "2025-10-01T17:30+02:00"),
        (
            "start: 2025-10-01T19:00\ndoors: 5 pm\ntimezone: Europe/Berlin",
            "2025-10-01T19:00+02:00",
            "2025-10-01T17:00+02:00",
        ),
        ("date: 2025-10-01\ntime: 18:00", "2025-10-01T18:00", None),
        ("date: 2025-10-01\ntime: 6 pm\ntimezone: Europe/Berlin", "2025-10-01T18:00+02:00", None),
        ("date: 2025-10-01T18:00\ntime: 6 pm", "2025-10-01T18:00", None),
    ],
)
def test_time_of_day_belongs_to_the_day_of_the_start(lines: str, start: str, doors: str | None) -> None:
    (found,) = extract(f"---\ntype: event\ntitle: Fair\n{lines}\n---\nx").events
    assert found.start is not None
    assert found.start.value == start
    assert (found.door_time and found.door_time.value) == doors


@pytest.mark.parametrize(
    "lines", ["start: 2025-10\ndoors: 17:30", "doors: 17:30", "date: 2025-10-01\ntime: late"]
)
def test_time_of_day_without_a_day_is_left_out_with_advice(lines: str) -> None:
    found = extract(f"---\ntype: event\ntitle: Fair\n{lines}\n---\nx")
    assert [(p.rule, p.severity) for p in found.problems] == [("event-time", "advice")]
    assert found.events[0].door_time is None


def left_out(text: str, media_type: str = "text/markdown") -> list[str]:
    """The messages of what a document says was left out of it."""
    found = extraction.extract(Document("s", "a", text.encode(), media_type))
    return [p.message for p in found.problems if p.rule == "left-out" and p.severity == "advice"]


def test_what_no_record_takes_over_is_named_in_one_advice() -> None:
    events = "events:\n  - name: Fair\n    tags: [children]\n    layout: wide"
    matter = f"title: T\nphoto_agency: Example Pictures\nlayout: post\npin_it: true\npermalink: /x/\nempty:\n{events}"
    assert left_out(yaml(matter)) == [
        "Records have no place for “photo_agency”, “tags” of the event “Fair”, so it was left out."
    ]


def test_what_an_event_page_says_for_nothing_is_named() -> None:
    text = "---\ntype: event\ntitle: Fair\nlayout: event\ndraft: false\ntags: [children]\n---\nx"
    assert left_out(text) == ["Records have no place for “tags” of the event “Fair”, so it was left out."]


def test_unknown_line_of_a_header_block_is_named() -> None:
    text = "Headline: Bridge opens\nDate: 2025-09-02\nPhotographer: Jo Doe\n\nThe bridge opened on Monday."
    assert left_out(text, "text/plain") == ["Records have no place for “Photographer”, so it was left out."]


def test_nothing_is_said_where_nothing_was_left_out() -> None:
    assert left_out(yaml("title: T\nauthor: Jane Doe\nlayout: post")) == []


def test_wrong_day_of_the_week_is_advice() -> None:
    found = extract(yaml("title: T\ndate: Monday, 2 September 2025"))
    assert [(p.rule, p.severity, p.line) for p in found.problems] == [("weekday", "advice", 3)]
    assert found.article is not None
    assert found.article.published == When("2025-09-02", "day")


def test_time_that_the_clocks_skip_is_advice() -> None:
    text = yaml(
        "title: T\ndate: 2025-03-30 02:30\nevents:\n  - {name: F, start: '2025-03-30 02:15', tz: Europe/Berlin}"
    )
    document = Document("s", "a.md", text.encode(), "text/markdown")
    found = extraction.extract(document, ExtractSettings(timezone="Europe/Berlin"))
    assert [(p.rule, p.severity, p.value) for p in found.problems] == [
        ("time-skipped", "advice", "'2025-03-30T02:15'"),
        ("time-skipped", "advice", "'2025-03-30T02:30'"),
    ]
    assert found.article is not None
    assert found.article.published == When("2025-03-30T03:30+02:00", "minute")


def test_tags_of_a_jekyll_post_have_spaces_between_them() -> None:
    text = yaml("title: T\ntags: bridge traffic\ncategories: city\ncategory: new york")
    found = article(text, "blog/_posts/2025-09-02-bridge.md")
    assert found.keywords == ("bridge", "traffic")
    assert found.sections == ("city", "new york")
    assert article(text, "blog/2025-09-02-bridge.md").keywords == ("bridge traffic",)
    assert article(yaml("title: T\ntags: old town, bridge"), "_posts/a.md").keywords == ("old town", "bridge")


def test_footnotes_are_told_from_the_words_before_them() -> None:
    body = "The bridge is old[^a] and narrow.\n\nIt is loved[^a].\n\n[^a]: Built in *1870*.\n"
    found = article(yaml("title: T", body))
    assert found.body_text == "The bridge is old[1] and narrow.\n\nIt is loved[1].\n\nBuilt in 1870."
    assert found.body_html is not None
    assert "old<sup>[1]</sup> and" in found.body_html


def test_address_from_the_root_is_that_of_the_site_and_other_relative_links_are_told() -> None:
    body = (
        "See [about](/about/), [the note](../note.md), [more](more.html), [top](#top) and"
        " [Ann](mailto:ann@example.org).\n\n![bridge](/img/b.png) ![local](img/l.png)\n"
    )
    document = Document("s", "a.md", b"", "text/markdown")
    found = read(document, yaml("title: T", body), ExtractSettings(site_url="https://news.example/daily/"))
    assert [(p.rule, p.severity, p.line, p.value) for p in found.problems] == [
        ("relative-link", "advice", 4, "'../note.md'")
    ]
    assert found.article is not None
    html = found.article.body_html or ""
    assert '<a href="https://news.example/about/">about</a>, the note, more, top and' in html
    collected, _, missing = media.collect(found.article, document, "https://news.example/daily/")
    assert '<img src="https://news.example/img/b.png" alt="bridge">' in (collected.body_html or "")
    assert [problem.value for problem in missing] == ["img/l.png"]


@pytest.mark.parametrize(
    ("media_type", "images"),
    [("text/markdown", (Image("https://news.example/img/b.png"),)), ("text/html", ())],
)
def test_picture_from_the_root_is_one_of_the_site_but_not_of_a_saved_page(
    media_type: str, images: tuple[Image, ...]
) -> None:
    found = article(yaml("title: T\nimage: /img/b.png"))
    document = Document("s", "a.md", b"", media_type)
    collected, files, missing = media.collect(found, document, "https://news.example/daily/")
    assert (collected.images, files) == (images, ())
    assert len(missing) == 1 - len(images)


def test_path_of_a_file_on_this_machine_is_no_address_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"x")
    found = article(yaml(f"title: T\nimage: {tmp_path}/b.png"))
    document = Document("s", "a.md", b"", "text/markdown")
    collected, _, missing = media.collect(found, document, "https://news.example/")
    assert (collected.images, len(missing)) == ((), 1)


def test_attendance_is_a_mode_where_it_is_a_word_for_one() -> None:
    assert event("- name: Talk\n  attendance: online").attendance_mode == "OnlineEventAttendanceMode"
    counted = event("- name: Talk\n  attendance: 200")
    assert (counted.attendance_mode, counted.extra) == (None, ("attendance",))


def test_place_on_the_net_is_virtual() -> None:
    found = event("- name: Talk\n  start: 2025-10-01\n  mode: online\n  place: https://example.org/live")
    assert found.locations == (Place(type="VirtualLocation", url="https://example.org/live"),)
    assert found.attendance_mode == "OnlineEventAttendanceMode"


@pytest.mark.parametrize(
    ("price", "offer"),
    [
        ("12,50 €", Offer(price="12.50", currency="EUR")),
        ("GBP 5", Offer(price="5", currency="GBP")),
        ("5", Offer(price="5")),
        ("gratis", Offer(price="0")),
    ],
)
def test_price_keeps_only_the_currency_that_is_stated(price: str, offer: Offer) -> None:
    assert event(f"- name: Talk\n  start: 2025-10-01\n  price: {price}").offers == (offer,)


def test_price_in_words_is_advice() -> None:
    found = extract("---\ntype: event\ntitle: Fair\nstart: 2025-10-01\nprice: ask the door\n---\nx")
    assert [(p.rule, p.severity) for p in found.problems] == [("event-price", "advice")]
    assert found.events[0].offers == ()


HOSTILE = [
    "{{<" * 30_000,
    "{% " * 30_000,
    "<!--" * 20_000,
    "[" * 20_000,
    "*a " * 20_000,
    "---\n" * 20_000,
    "# " * 30_000,
    "> " * 5_000,
    "\n" * 100_000 + "# x",
    "---\na: b\n" + "c: d\n" * 10,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: repr(t[:8]))
def test_hostile_markdown_is_read_in_little_time(text: str) -> None:
    begin = time.perf_counter()
    found = extract(text)
    assert found.article is not None or found.refused
    assert time.perf_counter() - begin < 3


SNIPPETS = st.sampled_from(
    ["---", "+++", "{", "}", "title: x", 'title = "x"', "date: 2025-09-02", "date: [", "- a", "  b: c", "",
     "# H", "text", "\t", "&a", "*a", "events:", "  - name: x", "type: event", '"a": 1', "..."]
)  # fmt: skip


@given(st.lists(SNIPPETS, max_size=9).map("\n".join))
def test_any_mixture_of_marks_is_read_or_refused(text: str) -> None:
    found = extract(text)
    assert found.article is not None or found.events or found.refused


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error_raised(text: str) -> None:
    found = extract(text)
    assert found.article is not None or found.refused


@given(st.text(max_size=200))
def test_any_front_matter_is_read_or_refused(text: str) -> None:
    for fence in ("---", "+++"):
        found = frontmatter.split(f"{fence}\n{text}\n{fence}\nbody")
        assert found.problems or found.body_start >= 0


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=60))
def test_any_quoted_title_comes_back(title: str) -> None:
    quoted = title.replace("'", "''")
    assert article(f"---\ntitle: '{quoted}'\n---\nBody").headline == title
