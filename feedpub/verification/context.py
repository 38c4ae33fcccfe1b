"""schema.org's JSON-LD context, cut to what decides how the properties of records are read.

In the context as published (https://schema.org/docs/jsonldcontext.jsonld) every term T that records
use stands for http://schema.org/T, which `@vocab` says once for all; only some terms are told to
have addresses or dates for values. Those stand here, so that nothing is fetched and a JSON-LD
processor does not work through 3,000 terms for each record.
"""

from __future__ import annotations

from typing import Any

SCHEMA = "http://schema.org/"
NAMES = frozenset({"https://schema.org", "https://schema.org/", "http://schema.org", "http://schema.org/"})
"""What documents call the context."""

_ADDRESSES = [
    "acquireLicensePage",
    "actionableFeedbackPolicy",
    "archivedAt",
    "contentUrl",
    "correctionsPolicy",
    "discussionUrl",
    "diversityPolicy",
    "downloadUrl",
    "embedUrl",
    "ethicsPolicy",
    "hasMap",
    "image",
    "inDefinedTermSet",
    "isBasedOn",
    "isPartOf",
    "license",
    "logo",
    "mainEntityOfPage",
    "masthead",
    "noBylinesPolicy",
    "publishingPrinciples",
    "relatedLink",
    "sameAs",
    "screenshot",
    "sdLicense",
    "significantLink",
    "speakable",
    "target",
    "thumbnailUrl",
    "unnamedSourcesPolicy",
    "url",
    "usageInfo",
    "verificationFactCheckingPolicy",
    "webFeed",
]
_DATES = [
    "availabilityEnds",
    "availabilityStarts",
    "birthDate",
    "commentTime",
    "dateCreated",
    "dateDeleted",
    "dateModified",
    "datePublished",
    "deathDate",
    "endDate",
    "expires",
    "foundingDate",
    "lastReviewed",
    "previousStartDate",
    "priceValidUntil",
    "releaseDate",
    "sdDatePublished",
    "startDate",
    "uploadDate",
    "validFrom",
    "validThrough",
]

CONTEXT: dict[str, Any] = {
    "id": "@id",
    "type": "@type",
    "@vocab": SCHEMA,
    "schema": SCHEMA,
    "HTML": {"@id": "http://www.w3.org/1999/02/22-rdf-syntax-ns#HTML"},
    **{term: {"@id": f"{SCHEMA}{term}", "@type": "@id"} for term in _ADDRESSES},
    **{term: {"@id": f"{SCHEMA}{term}", "@type": f"{SCHEMA}Date"} for term in _DATES},
}
"""The value of `@context`."""
