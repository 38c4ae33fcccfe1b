"""A handful of articles and events in several languages, places and times, for tests of search and API.

What each can be found by is meant to be read off by a person.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.conftest import Newsroom

PLACES = {
    "Lisbon": {"@type": "Place", "name": "Lisbon", "address": {"@type": "PostalAddress", "addressCountry": "PT"}},
    "Hamburg": {
        "@type": "Place",
        "name": "Rathaus",
        "address": {"@type": "PostalAddress", "addressLocality": "Hamburg", "addressCountry": "DE"},
    },
}  # fmt: skip


def identifier(name: str) -> str:
    return f"tag:news.example,2025:{name}"


def _article(name: str, headline: str, body: str, **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://schema.org", "@type": "NewsArticle", "@id": identifier(name), "headline": headline,
        "articleBody": body, **more,
    }  # fmt: skip


FERRY = _article(
    "ferry", "Ferry to Almada sails again",
    "The ferry across the Tagus sails again from Monday, after repairs to the swing bridge.\n\n"
    "The harbour council had closed the pier in spring.",
    inLanguage="en-GB", articleSection="World", keywords=["harbour", "Ferries"],
    author={"@type": "Person", "name": "Ada Marsh"}, datePublished="2025-09-01T09:00:00Z",
    contentLocation=PLACES["Lisbon"], mentions=[{"@type": "Person", "name": "Inês Costa"}],
)  # fmt: skip
BRIDGE = _article(
    "bridge", "Die Brücke wird gesperrt",
    "Die Brücke am Hafen wird für sechs Wochen gesperrt, sagte der Senat am Dienstag in Hamburg.",
    inLanguage="de", articleSection=["Politik", "World"], keywords=["harbour"],
    author={"@type": "Person", "name": "Jörg Müller"}, datePublished="2025-09-02",
    about=[
        {
            "@type": "Event", "@id": identifier("hearing"), "name": "Anhörung zur Brücke", "startDate": "2025-10",
            "eventStatus": "https://schema.org/EventCancelled", "location": PLACES["Hamburg"],
            "attendee": {"@type": "Person", "name": "Petra Vogt"},
        }
    ],
)  # fmt: skip
PORT = _article(
    "port", "Le port s’agrandit", "Le port de Marseille s’agrandit; les travaux commencent à l’été, dit la mairie.",
    inLanguage="fr", articleSection="Économie", datePublished="2025-08", author={"@type": "Person", "name": "Zoé Roux"},
    about=[{"@type": "City", "name": "Marseille"}, {"@type": "Country", "name": "France"}],
)  # fmt: skip
CONCERT = _article(
    "concert", "北京举行音乐会", "星期二,北京大剧院举行了一场音乐会,许多听众到场。",
    inLanguage="zh-Hans", articleSection="Culture", datePublished="2025-09-02T20:00:00+08:00",
)  # fmt: skip
LEADER = {
    **_article(
        "leader", "Keep the pier", "A pier is a promise to the river, and the council should keep it open. Harbourside knows.",
        inLanguage="en-US", articleSection="Opinion", datePublished="2024",
        author={"@type": "Person", "name": "Ada Marsh"},
    ),
    "@type": "OpinionNewsArticle",
}  # fmt: skip
ARTICLES = {"ferry": FERRY, "bridge": BRIDGE, "port": PORT, "concert": CONCERT, "leader": LEADER}

FESTIVAL = {
    "@context": "https://schema.org", "@type": "Festival", "@id": identifier("festival"), "name": "Quayside festival",
    "startDate": "2026-06-19T14:00:00+01:00", "endDate": "2026-06-21T22:00:00+01:00", "location": PLACES["Lisbon"],
    "organizer": {"@type": "Person", "name": "Ines Costa"}, "description": "Three days of music on the quay.",
}  # fmt: skip
TALK = {
    "@context": "https://schema.org", "@type": "Event", "@id": identifier("talk"), "name": "Talk on tides",
    "startDate": "2025-09-05", "location": {"@type": "Place", "name": "Old Customs House"},
}  # fmt: skip
EVENTS = {"festival": FESTIVAL, "talk": TALK}


def write(newsroom: Newsroom, name: str, record: dict[str, Any]) -> None:
    newsroom.write(f"{name}.json", json.dumps(record, ensure_ascii=False))


def publish(newsroom: Newsroom) -> None:
    """Everything above, in a newsroom of Berlin time."""
    newsroom.configure(site=replace(newsroom.config.site, timezone="Europe/Berlin", language="en"))
    for name, record in {**ARTICLES, **EVENTS}.items():
        write(newsroom, name, record)
    report = newsroom.publish()
    assert not report.held, report.held
    assert (report.articles, report.events) == (5, 3)
    assert not [notice for notice in report.notices if "index" in notice]
