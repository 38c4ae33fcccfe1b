"""Entries as the formats get them, small or with everything in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from feedpub.config import Site
from feedpub.models import Alternate, Channel, Entry, Media

SITE = Site(
    title="The Alder Courier",
    url="https://courier.example/",
    description="News from the valley",
    language="en-GB",
    timezone="Europe/London",
    license="https://creativecommons.org/licenses/by/4.0/",
)
PUBLISHER: dict[str, Any] = {
    "@type": "NewsMediaOrganization",
    "@id": "https://courier.example/#publisher",
    "name": "Alder Courier Ltd",
    "url": "https://courier.example/",
    "logo": {"@type": "ImageObject", "url": "https://courier.example/logo.png", "width": 600, "height": 60},
}
CHANNEL = Channel(
    path="",
    title="The Alder Courier",
    description="News from the valley & its towns",
    home_url="https://courier.example/",
    base_url="https://courier.example/",
    language="en-GB",
    ttl_minutes=5,
    generator="feedpub 0.1.0",
    updated_at=datetime(2025, 9, 3, 8, 15, tzinfo=UTC),
    publisher=PUBLISHER,
    license="https://creativecommons.org/licenses/by/4.0/",
    image_url="https://courier.example/logo.png",
)
ALTERNATES = (
    Alternate("The Alder Courier", "application/rss+xml", "https://courier.example/feed.xml"),
    Alternate("The Alder Courier as data", "application/ld+json", "https://courier.example/feed.jsonld"),
)
ARTICLE_ID = "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0001"
EVENT_ID = "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0002"
AMINA: dict[str, Any] = {
    "@type": "Person",
    "@id": "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0003",
    "name": "Amina Rahman",
    "url": "https://courier.example/staff/amina",
}
AGENCY: dict[str, Any] = {
    "@type": "Organization",
    "@id": "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0004",
    "name": "Valley News Agency",
}
HALL: dict[str, Any] = {
    "@type": "Place",
    "@id": "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0005",
    "name": "Corn Exchange",
    "address": {
        "@type": "PostalAddress",
        "streetAddress": "4 Market Square",
        "addressLocality": "Alderford",
        "addressCountry": "GB",
    },
    "geo": {"@type": "GeoCoordinates", "latitude": 52.75, "longitude": 1.25},
}
EVENT: dict[str, Any] = {
    "@type": "Event",
    "@id": EVENT_ID,
    "name": "Town hall meeting on the bypass",
    "startDate": "2025-10-05T18:00:00+01:00",
    "endDate": "2025-10-05T20:30:00+01:00",
    "previousStartDate": "2025-09-28T18:00:00+01:00",
    "eventStatus": "https://schema.org/EventRescheduled",
    "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode",
    "location": [HALL],
    "organizer": [
        {
            "@type": "Organization",
            "@id": "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0006",
            "name": "Town council",
        }
    ],
    "offers": [{"@type": "Offer", "price": "0", "priceCurrency": "GBP"}],
    "subjectOf": [{"@id": ARTICLE_ID}],
}
ARTICLE: dict[str, Any] = {
    "@type": "NewsArticle",
    "@id": ARTICLE_ID,
    "url": "https://courier.example/articles/2025/09/bypass-0a4a3a6f.html",
    "headline": "Council & residents argue over the bypass",
    "description": "R&D on three routes goes on until spring.",
    "articleBody": "The council met on Tuesday.\n\nNobody agreed.",
    "articleSection": ["Politics", "Transport"],
    "keywords": ["bypass", "council", "Politics"],
    "wordCount": 7,
    "inLanguage": "en-GB",
    "datePublished": "2025-09-02",
    "dateModified": "2025-09-03T09:15:00+01:00",
    "author": [AMINA, AGENCY],
    "publisher": PUBLISHER,
    "image": [
        {
            "@type": "ImageObject",
            "url": "https://courier.example/media/0123456789abcdef.jpg",
            "width": 1200,
            "height": 800,
            "caption": "The meadow where the road would run.",
            "creditText": "Photo: J. Marsh",
            "encodingFormat": "image/jpeg",
        }
    ],
    "dateline": "ALDERFORD",
    "contentLocation": [
        {"@type": "Place", "@id": "urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0007", "name": "Alderford"}
    ],
    "about": [{"@id": EVENT_ID}],
    "isAccessibleForFree": True,
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "correction": [
        {"@type": "CorrectionComment", "text": "The length is 4 km, not 40.", "datePublished": "2025-09-03"}
    ],
}
HTML = (
    "<p>The council met on <em>Tuesday</em>.</p>\n<p>Nobody agreed, "
    '<a href="https://example.org/report">as the report shows</a>.</p>'
)
ENTRY = Entry(
    id=ARTICLE_ID,
    data=ARTICLE,
    events=(EVENT,),
    html=HTML,
    url="https://courier.example/articles/2025/09/bypass-0a4a3a6f.html",
    record_url="https://courier.example/articles/2025/09/bypass-0a4a3a6f.jsonld",
    page_path="articles/2025/09/bypass-0a4a3a6f.html",
    record_path="articles/2025/09/bypass-0a4a3a6f.jsonld",
    published_at=datetime(2025, 9, 2, 0, 0, tzinfo=timezone(timedelta(hours=1))),
    sort_at=datetime(2025, 9, 2, 0, 0, tzinfo=timezone(timedelta(hours=1))),
    updated_at=datetime(2025, 9, 3, 8, 15, tzinfo=UTC),
    first_seen_at=datetime(2025, 9, 2, 5, 30, tzinfo=UTC),
    digest="1",
    media=(
        Media(
            "https://courier.example/media/0123456789abcdef.jpg",
            "image/jpeg",
            48_213,
            1200,
            800,
            "A wet meadow",
        ),
        Media("https://pictures.example/map.png", "image/png"),
    ),
)

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=60)
"""Any Unicode text without what XML cannot hold."""
WILD_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
"""Any Unicode text, control characters included."""


def entry(identifier: str = ARTICLE_ID, *, html: str = HTML, **properties: Any) -> Entry:
    """A small entry: id, headline, and the properties of its record that a test names."""
    data = {"@type": "NewsArticle", "@id": identifier, "headline": "A headline", **properties}
    return replace(ENTRY, id=identifier, data=data, events=(), html=html, media=())
