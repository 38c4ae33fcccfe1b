"""Article and EventMention to records: only what is stated, tied both ways, the same bytes every time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedpub
from feedpub.config import Site
from feedpub.models import (
    Address,
    Agent,
    Article,
    Correction,
    EventMention,
    Image,
    Offer,
    Origin,
    Place,
    Topic,
    When,
)
from feedpub.records import (
    agent_node,
    build_article,
    build_event,
    count_words,
    merge_events,
    node_id,
    place_node,
)
from feedpub.validation import validate

SITE = Site(
    timezone="Asia/Karachi",
    publisher=Agent(
        "The Daily",
        type="Organization",
        url="https://daily.example/",
        logo=Image("https://daily.example/l.png"),
    ),
)
ID = "urn:uuid:11111111-1111-5111-8111-111111111111"
URL = "https://daily.example/1"
PLAIN = Article(
    source="s", place="a.txt", headline="Bridge opens", body_text="The bridge opened.\n\nIt took eight years."
)


def article(**changes: Any) -> dict[str, Any]:
    """The data of a record built from PLAIN with changes; checked to be valid."""
    record = build_article(replace(PLAIN, **changes), id=ID, url=URL, site=SITE)
    assert validate(record.data) == ()
    return dict(record.data)


def event(site: Site = SITE, articles: tuple[str, ...] = (ID,), **changes: Any) -> dict[str, Any]:
    record = build_event(EventMention("Opening", **changes), id="urn:x:e", article_ids=articles, site=site)
    assert validate(record.data) == ()
    return dict(record.data)


def test_poor_article_gives_a_valid_record_with_nothing_made_up() -> None:
    record = build_article(PLAIN, id=ID, url=URL, site=Site())
    assert validate(record.data) == ()
    assert dict(record.data) == {
        "@type": "NewsArticle",
        "@id": ID,
        "url": URL,
        "headline": "Bridge opens",
        "articleBody": "The bridge opened.\n\nIt took eight years.",
        "wordCount": 7,
    }


def test_full_article_keeps_everything_that_is_stated() -> None:
    data = article(
        type="OpinionNewsArticle",
        alternative_headline="At last",
        description="Summary",
        sections=("City", "Traffic"),
        keywords=("bridge", "Porto"),
        language="en",
        published=When("2025-09-02T15:00:00+02:00", "second"),
        modified=When("2025-09-03", "day"),
        created=When("2025-08", "month"),
        expires_at=When("2030", "year"),
        authors=(
            Agent("Ann Bo", url="https://x.example/ann", job_title="Editor", same_as=("https://y.example/",)),
        ),
        images=(
            Image(
                "https://x.example/a.jpg",
                media_type="image/jpeg",
                width=3,
                height=2,
                caption="C",
                credit="D",
                alternative_text="A",
            ),
        ),
        dateline="PORTO, Sept. 2",
        content_locations=(Place("Porto"),),
        about=(Topic("Portugal", "Country"),),
        mentions=(Topic("Ann Bo", "Person"),),
        accessible_for_free=False,
        license="https://x.example/license",
        corrections=(Correction("Eight, not nine.", When("2025-09-04", "day")),),
        based_on=("https://agency.example/1",),
        same_as=("https://other.example/1",),
    )
    assert data["@type"] == "OpinionNewsArticle"
    assert data["articleSection"] == ["City", "Traffic"]
    assert (data["datePublished"], data["dateModified"]) == ("2025-09-02T15:00:00+02:00", "2025-09-03")
    assert (data["dateCreated"], data["expires"]) == ("2025-08", "2030")
    assert {k: v for k, v in data["author"][0].items() if k != "@id"} == {
        "@type": "Person",
        "name": "Ann Bo",
        "url": "https://x.example/ann",
        "jobTitle": "Editor",
        "sameAs": ["https://y.example/"],
    }
    assert data["image"] == [
        {
            "@type": "ImageObject",
            "url": "https://x.example/a.jpg",
            "width": 3,
            "height": 2,
            "caption": "C",
            "description": "A",
            "creditText": "D",
            "encodingFormat": "image/jpeg",
        }
    ]
    assert data["isAccessibleForFree"] is False
    assert data["correction"] == [
        {"@type": "CorrectionComment", "text": "Eight, not nine.", "datePublished": "2025-09-04"}
    ]
    assert data["publisher"]["logo"] == {"@type": "ImageObject", "url": "https://daily.example/l.png"}


def test_same_input_gives_the_same_bytes_in_a_fixed_order() -> None:
    first, second = (json.dumps(article(language="en", keywords=("a", "b"))) for _ in range(2))
    assert first == second
    assert list(json.loads(first))[:4] == ["@type", "@id", "url", "headline"]


def test_time_without_zone_takes_that_of_the_site_and_a_date_stays_a_date() -> None:
    assert article(published=When("2025-09-02T15:00", "minute"))["datePublished"] == "2025-09-02T15:00+05:00"
    assert article(published=When("2025-09-02", "day"))["datePublished"] == "2025-09-02"


def test_event_time_without_zone_stays_local() -> None:
    assert event(start=When("2025-09-02T19:00", "minute"))["startDate"] == "2025-09-02T19:00"


def test_events_are_tied_both_ways() -> None:
    mentions = (EventMention("Main", main=True), EventMention("Other"), EventMention("Invalid"))
    record = build_article(
        replace(PLAIN, events=mentions, about=(Topic("Portugal", "Country"),)),
        id=ID,
        url=URL,
        site=SITE,
        event_ids=["urn:x:main", "urn:x:other", None],
    )
    assert validate(record.data) == ()
    assert record.data["about"][0] == {"@id": "urn:x:main"}
    assert record.data["about"][1]["name"] == "Portugal"
    assert record.data["mentions"] == [{"@id": "urn:x:other"}]
    assert event(articles=("urn:x:b", "urn:x:a", "urn:x:b"))["subjectOf"] == [
        {"@id": "urn:x:a"},
        {"@id": "urn:x:b"},
    ]


def test_keywords_stand_once_in_order_as_first_written() -> None:
    assert article(keywords=("Porto", "bridge", "porto", " ", "bridge"))["keywords"] == ["Porto", "bridge"]


def test_headline_with_line_breaks_is_put_on_one_line() -> None:
    assert article(headline=" Bridge\n  opens\t")["headline"] == "Bridge opens"
    assert article(headline="«\u00a0Pont\u00a0»")["headline"] == "«\u00a0Pont\u00a0»"


def test_local_image_takes_its_published_address_or_is_left_out() -> None:
    pictures = (Image("img/a.jpg", local_path="img/a.jpg"), Image("img/b.jpg", local_path="img/b.jpg"))
    record = build_article(
        replace(PLAIN, images=pictures),
        id=ID,
        url=URL,
        site=SITE,
        media_urls={"img/a.jpg": "https://daily.example/media/1.jpg"},
    )
    assert [image["url"] for image in record.data["image"]] == ["https://daily.example/media/1.jpg"]


def test_licence_that_is_no_address_is_named() -> None:
    assert article(license="CC BY 4.0")["license"] == {"@type": "CreativeWork", "name": "CC BY 4.0"}


@pytest.mark.parametrize(
    ("kind", "written"), [("Country", "Country"), ("Galaxy", "Thing"), ("MusicEvent", "Event")]
)
def test_topic_of_unknown_type_is_a_thing(kind: str, written: str) -> None:
    assert article(about=(Topic("X", kind),))["about"][0]["@type"] == written


def test_publisher_of_the_article_comes_before_that_of_the_site() -> None:
    other = Agent("Agency", type="Organization")
    assert article(publisher=other)["publisher"]["name"] == "Agency"
    named = article(publisher=Agent("The Daily", type="Organization"))["publisher"]
    assert named == agent_node(SITE.publisher, SITE.key)  # type: ignore[arg-type]


# --- identifiers


def test_given_identifier_is_kept_and_a_relative_one_is_not() -> None:
    assert agent_node(Agent("Ann", id="https://x.example/#ann"), SITE.key)["@id"] == "https://x.example/#ann"
    assert agent_node(Agent("Ann", id="#ann"), SITE.key)["@id"] == agent_node(Agent("Ann"), SITE.key)["@id"]


def test_person_is_the_same_node_everywhere_in_a_newsroom_and_another_elsewhere() -> None:
    data = article(authors=(Agent("Ann Bo"),), mentions=(Topic("Ann Bo", "Person"),))
    assert data["author"][0]["@id"] == data["mentions"][0]["@id"]
    assert node_id(SITE.key, "Person", "Ann Bo") != node_id(
        "2f1c4a52-0f0e-5b7e-9d0a-7a7f3a1d2c90", "Person", "Ann Bo"
    )


def test_identifiers_do_not_depend_on_the_address_of_the_site() -> None:
    moved = replace(SITE, url="https://elsewhere.example/")
    built = [build_article(PLAIN, id=ID, url=URL, site=site).data for site in (SITE, moved)]
    assert built[0] == built[1]


def test_places_of_one_name_in_two_towns_are_two() -> None:
    here, there = (
        place_node(Place("City Hall", address=Address(locality=town)), SITE.key)
        for town in ("Porto", "Braga")
    )
    assert here["@id"] != there["@id"]


def test_place_of_which_nothing_is_known_is_left_out() -> None:
    assert "location" not in event(locations=(Place(), Place(type="VirtualLocation"), Place(latitude=1.0)))


# --- origins


def test_origins_point_to_what_they_explain() -> None:
    key = Origin("metadata", "title")
    derived = Origin("rule", "headline-from-lead/1", "The bridge opened.", 0, 18, "articleBody")
    record = build_article(
        replace(
            PLAIN,
            authors=(Agent("Ann"), Agent("Bo")),
            language="en",
            origins={"headline": derived, "authors": key, "language": key, "keywords": key},
        ),
        id=ID,
        url=URL,
        site=SITE,
    )
    assert record.origins["/headline"] is derived
    assert record.origins["/author/1/name"] is key
    assert record.origins["/inLanguage"] is key
    assert record.origins["/publisher"] == Origin("configuration", "site.publisher")
    assert "/keywords" not in record.origins, "there are no keywords to explain"
    for pointer in record.origins:
        value: Any = record.data
        for part in pointer[1:].split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
        assert value


def test_origins_of_an_event_point_to_what_they_explain() -> None:
    origin = Origin("text", "rules/1", "on Tuesday", 4, 14, "articleBody")
    mention = EventMention(
        "Opening", start=When("2025-09-02", "day"), origins={"start": origin, "end": origin}
    )
    record = build_event(mention, id="urn:x:e", article_ids=[ID], site=SITE)
    assert dict(record.origins) == {"/startDate": origin}


# --- words


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("One two three.", "en", 3),
        ("A dash — is no word, nor is *.", "en", 7),
        ("Ça n’est pas un mot-clé.", "fr", 5),
        ("“Quoted” (words) 3.5 $10", None, 4),
        ("Привет, мир", "ru", 2),
        ("وزیراعظم نے کہا", "ur", 3),
        ("नगर परिषद", "hi", 2),
        ("市议会周二批准了计划", "zh", None),
        ("市议会周二批准了计划", None, None),
        ("กรุงเทพมหานคร", None, None),
        ("The paper 人民日报 reported it on its front page today.", None, 10),
        ("— … *", "en", None),
        ("", None, None),
    ],
)
def test_words_are_counted_where_spaces_part_them(text: str, language: str | None, count: int | None) -> None:
    assert count_words(text, language) == count


# --- events


def test_full_event_is_valid() -> None:
    data = event(
        type="MusicEvent",
        url="https://x.example/e",
        start=When("2025-09-02T19:00", "minute"),
        end=When("2025-09-02T22:00", "minute"),
        door_time=When("2025-09-02T18:30", "minute"),
        previous_start=When("2025-08-30", "day"),
        status="EventRescheduled",
        attendance_mode="MixedEventAttendanceMode",
        description="Music",
        locations=(
            Place(
                "Hall",
                address=Address(street="1 Main St", locality="Porto", country="PT"),
                latitude=41.1,
                longitude=-8.6,
            ),
            Place(type="VirtualLocation", url="https://live.example/"),
        ),
        organizers=(Agent("City", type="Organization"),),
        performers=(Agent("Singer"),),
        attendees=(Agent("Mayor"),),
        offers=(
            Offer(url="https://t.example/", price="12.50", currency="EUR", availability="InStock"),
            Offer(price="free"),
        ),
        images=(Image("https://x.example/e.jpg"),),
        super_event="City days",
        sub_events=("urn:x:speech", "Speech"),
    )
    assert data["eventStatus"] == "https://schema.org/EventRescheduled"
    assert data["location"][0]["geo"] == {"@type": "GeoCoordinates", "latitude": 41.1, "longitude": -8.6}
    assert [offer.get("price") for offer in data["offers"]] == ["12.50"]
    assert data["superEvent"]["name"] == "City days"
    assert data["subEvent"][0] == {"@id": "urn:x:speech"}


def test_record_says_why_it_is_tied_to_an_event() -> None:
    about = EventMention("Opening", main=True, origins={"main": Origin("markup", "json-ld: about")})
    beside = EventMention("Run", origins={"main": Origin("markup", "json-ld: same page")})
    built = build_article(
        replace(PLAIN, events=(beside, about), mentions=(Topic("Bridge"),)),
        id=ID,
        url=URL,
        site=SITE,
        event_ids=("urn:x:run", "urn:x:opening"),
    )
    assert built.data["about"] == [{"@id": "urn:x:opening"}]
    assert built.origins["/about/0"].name == "json-ld: about"
    assert built.data["mentions"][0] == {"@id": "urn:x:run"}
    assert built.origins["/mentions/0"].name == "json-ld: same page"
    assert "/mentions/1" not in built.origins


def test_offer_that_stands_for_several_is_an_aggregate_offer_and_a_currency_alone_is_none() -> None:
    several = Offer(low_price="5", high_price="12.50", currency="EUR", count=40)
    assert event(offers=(several, Offer(currency="EUR")))["offers"] == [
        {
            "@type": "AggregateOffer",
            "lowPrice": "5",
            "highPrice": "12.50",
            "offerCount": 40,
            "priceCurrency": "EUR",
        }
    ]


@pytest.mark.parametrize(
    "status", ["EventCancelled", "https://schema.org/EventCancelled", "http://schema.org/EventCancelled"]
)
def test_status_is_written_in_full(status: str) -> None:
    assert event(status=status)["eventStatus"] == "https://schema.org/EventCancelled"


def test_unknown_status_and_type_are_left_out() -> None:
    data = event(status="Perhaps", type="Concert")
    assert "eventStatus" not in data
    assert data["@type"] == "Event"


# --- merging

A, B = "urn:x:article-a", "urn:x:article-b"


def test_one_event_of_two_articles_names_both_sorted() -> None:
    merged = merge_events([(B, event(articles=(B,))), (A, event(articles=(A,)))])
    assert validate(merged) == ()
    assert merged["subjectOf"] == [{"@id": A}, {"@id": B}]


def test_more_precise_date_and_longer_description_win() -> None:
    merged = merge_events(
        [
            (A, event(start=When("2025-09-02", "day"), description="Music.")),
            (B, event(start=When("2025-09-02T19:00+01:00", "minute"), description="Music by a singer.")),
        ]
    )
    assert merged["startDate"] == "2025-09-02T19:00+01:00"
    assert merged["description"] == "Music by a singer."


def test_document_of_the_event_itself_wins_over_reports() -> None:
    merged = merge_events(
        [
            (
                A,
                event(
                    start=When("2025-09-02T19:00", "minute"),
                    status="EventCancelled",
                    description="A long report of it.",
                ),
            ),
            (
                "document:files:e.md",
                event(
                    articles=(),
                    start=When("2025-09-03", "day"),
                    status="EventScheduled",
                    description="Music.",
                ),
            ),
        ]
    )
    assert merged["startDate"] == "2025-09-03"
    assert merged["eventStatus"] == "https://schema.org/EventScheduled"
    assert merged["description"] == "Music."
    assert merged["subjectOf"] == [{"@id": ID}, {"@id": A}] or merged["subjectOf"] == [
        {"@id": A},
        {"@id": ID},
    ]


def test_news_that_it_is_cancelled_wins_over_the_plan() -> None:
    merged = merge_events([(A, event(status="EventScheduled")), (B, event(status="EventCancelled"))])
    assert merged["eventStatus"] == "https://schema.org/EventCancelled"


def test_new_date_comes_with_the_status_that_moved_it() -> None:
    planned = event(start=When("2025-09-02T19:00", "minute"), end=When("2025-09-02T22:00", "minute"))
    moved = event(
        start=When("2025-10-02", "day"), previous_start=When("2025-09-02", "day"), status="EventRescheduled"
    )
    for order in ([(A, planned), (B, moved)], [(B, moved), (A, planned)]):
        merged = merge_events(order)
        assert validate(merged) == ()
        assert (merged["startDate"], merged["previousStartDate"]) == ("2025-10-02", "2025-09-02")
        assert "endDate" not in merged, "the end of the old date would be before the new start"


def test_end_of_another_report_is_taken_where_it_fits() -> None:
    merged = merge_events(
        [
            (A, event(start=When("2025-09-02", "day"))),
            (B, event(start=When("2025-09-02", "day"), end=When("2025-09-04", "day"))),
        ]
    )
    assert merged["endDate"] == "2025-09-04"


def test_lists_are_united_and_the_fuller_node_stays() -> None:
    merged = merge_events(
        [
            (A, event(performers=(Agent("A"), Agent("B")), same_as=("https://x.example/1",))),
            (
                B,
                event(
                    performers=(Agent("B", job_title="Singer"), Agent("C")),
                    same_as=("https://x.example/1", "https://x.example/2"),
                ),
            ),
        ]
    )
    assert [node["name"] for node in merged["performer"]] == ["A", "B", "C"]
    assert merged["performer"][1]["jobTitle"] == "Singer"
    assert merged["sameAs"] == ["https://x.example/1", "https://x.example/2"]


def test_merging_one_record_changes_nothing() -> None:
    single = event(start=When("2025-09-02", "day"), locations=(Place("Hall"),))
    assert merge_events([(ID, single)]) == single
    assert list(merge_events([(ID, single)])) == list(single)


def test_merging_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        merge_events([])


STATED = st.none() | st.text(max_size=20)


@given(st.text(max_size=30), st.text(max_size=80), st.lists(st.text(max_size=8), max_size=4), STATED, STATED)
def test_any_text_is_built_without_raising_and_twice_alike(
    headline: str, body: str, words: list[str], name: str | None, url: str | None
) -> None:
    given_article = replace(
        PLAIN,
        headline=headline,
        body_text=body,
        keywords=tuple(words),
        sections=tuple(words),
        dateline=name,
        license=url,
        authors=(Agent(name or "x", id=url, url=url),),
        content_locations=(Place(name, url=url),),
        events=(EventMention(headline, super_event=name),),
        images=(Image(url or "x"),),
        about=(Topic(headline, name or ""),),
    )
    one, two = (
        build_article(given_article, id=ID, url=URL, site=SITE, event_ids=["urn:x:e"]) for _ in range(2)
    )
    assert one == two
    assert one.data["mentions"] == [{"@id": "urn:x:e"}]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (rb'{"@type": "NewsArticle", "headline": "A\ud800 b", "articleBody": "T\udfff.", "keywords": ["x\ud83d"]}',
         "application/json"),
        (b'{"title": "A\\ud800 b", "tags": ["x\\udfff"]}\n\nText.\n', "text/markdown"),
        (b'<script type="application/ld+json">{"@type": "NewsArticle", "headline": "A\\ud800 b"}</script>'
         b"<p>Text &#xDFFF; of the page.</p>", "text/html"),
    ],
    ids=["json", "front matter", "page"],
)  # fmt: skip
def test_halves_of_characters_never_get_into_a_record(data: bytes, media_type: str) -> None:
    article = feedpub.extract(feedpub.Document("desk", "a", data, media_type)).article
    assert article is not None
    (record,) = feedpub.build_records(article, SITE, url="https://news.example/a")
    assert record.data["headline"] == "A b"
    orjson.dumps([record.data, record.origins])


def _tied(*events: EventMention) -> list[feedpub.Record]:
    article = replace(PLAIN, id=ID, events=events)
    return list(feedpub.build_records(article, SITE, url=URL)[1:])


def test_a_series_and_its_evenings_of_the_same_name_are_tied() -> None:
    evenings = [
        EventMention("Jazz night", start=When(f"2025-10-0{day}", "day"), super_event="Jazz Night")
        for day in (1, 8)
    ]
    series = EventMention("Jazz night", "EventSeries", sub_events=("Jazz night", "Jazz night"))
    above, first, second = _tied(series, *evenings)
    named = {"@type": "EventSeries", "@id": above.id, "name": "Jazz night"}
    assert first.data["superEvent"] == second.data["superEvent"] == named
    assert [node["@id"] for node in above.data["subEvent"]] == [first.id, second.id]
    assert len({above.id, first.id, second.id}) == 3


def test_a_name_that_several_events_have_ties_none() -> None:
    part = EventMention("Opening", super_event="Fair")
    fairs = [EventMention("Fair", start=When(year, "year")) for year in ("2025", "2026")]
    first, *others = _tied(part, *fairs)
    assert first.data["superEvent"]["name"] == "Fair"
    assert first.data["superEvent"]["@id"] not in [record.id for record in others]


def test_an_event_that_the_document_does_not_hold_stays_as_it_is_named() -> None:
    (record,) = _tied(EventMention("Opening", super_event="https://fair.example/2025"))
    assert record.data["superEvent"] == {"@id": "https://fair.example/2025"}
