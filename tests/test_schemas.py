"""The published schemas: sound by themselves, true to schema.org, and refusing what they say they refuse."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from feedpub import vocabulary
from feedpub.errors import FeedpubError
from feedpub.resources import schema_document, schema_names, schema_path
from feedpub.validation import FORMATS, validate, validate_document
from tests.conftest import ROOT

NAMES = [name for name in schema_names() if name != "config"]
TYPES = [name for name in NAMES if "/" not in name and name not in ("common", "manifest", "record", "agent")]
DATA = ROOT / "tests" / "data" / "records"
TABLE = json.loads((DATA / "properties.json").read_text("utf-8"))
VOCABULARY = ROOT.parent / "shared" / "vocabulary" / "schemaorg-current-https.jsonld"


def subschemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            yield from subschemas(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from subschemas(value, f"{path}/{index}")


def typed_objects(name: str) -> Iterator[tuple[list[str], set[str]]]:
    """Every object in a schema that names its types: (types, properties)."""
    for path, schema in subschemas(dict(schema_document(name))):
        properties = schema.get("properties", {})
        if path.endswith(("/if", "/then", "/else")) and schema.get("unevaluatedProperties") is not False:
            continue
        kind = properties.get("@type") if isinstance(properties, dict) else None
        if isinstance(kind, dict) and len(properties) > 1:
            types = kind.get("enum") or [kind.get("const")]
            yield types, {key for key in properties if not key.startswith("@")}


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_against_the_meta_schema(name: str) -> None:
    schema = dict(schema_document(name))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", NAMES)
def test_id_is_versioned_and_every_reference_resolves_among_the_bundled_files(name: str) -> None:
    schema = dict(schema_document(name))
    assert schema["$id"] == f"https://feedpub.example/schemas/1/{name}.schema.json"
    for _, sub in subschemas(schema):
        if isinstance(sub.get("$ref"), str):
            file, _, pointer = sub["$ref"].partition("#")
            target: Any = dict(schema_document(file.removesuffix(".schema.json"))) if file else schema
            for part in pointer.strip("/").split("/") if pointer else ():
                target = target[part]
            assert isinstance(target, dict)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("profiles/")])
def test_every_property_is_described_with_its_page_and_restriction(name: str) -> None:
    described = 0
    for path, schema in subschemas(dict(schema_document(name))):
        # Conditions repeat properties that are described where they are defined.
        if path.endswith(("/if", "/properties")) or "/if/" in path:
            continue
        for key, sub in schema.get("properties", {}).items():
            described += 1
            text = sub.get("description", "")
            assert name == "manifest" or "https://" in text, f"{name}{path}/properties/{key}"
            assert "Restriction: " in text, f"{name}{path}/properties/{key}"
    assert described or name == "common"


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("profiles/")])
def test_every_rule_of_a_profile_says_what_is_lost_and_who_says_so(name: str) -> None:
    for rule in schema_document(name)["allOf"]:
        assert rule["title"]
        assert re.search(r"[a-z]\. https://developers\.google\.com/", rule["description"])


@pytest.mark.parametrize("name", NAMES)
def test_schema_keeps_to_what_both_validators_read_alike(name: str) -> None:
    for path, schema in subschemas(dict(schema_document(name))):
        if path.endswith("/properties"):
            continue
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            assert not re.search(r"\\[dDwWsSbBpP]|\(\?", pattern), path
            if pattern.endswith("$") and not path.endswith("/not") and not name.startswith("profiles/"):
                # Python's $ also matches before a final line feed: something has to forbid it.
                assert "not" in schema, f"{name}{path}"
        assert "multipleOf" not in schema
        if isinstance(schema.get("format"), str):
            assert schema["format"] in FORMATS


@pytest.mark.parametrize("name", TYPES)
def test_every_object_written_is_closed(name: str) -> None:
    for path, schema in subschemas(dict(schema_document(name))):
        properties = schema.get("properties")
        in_condition = "/if" in path or path == "/$defs/node"
        if (
            isinstance(properties, dict)
            and "type" in schema
            and not path.endswith("/properties")
            and not in_condition
        ):
            assert schema.get("unevaluatedProperties") is False, f"{name}{path}"


@pytest.mark.parametrize("name", TYPES)
def test_every_property_stands_in_the_table_of_its_type(name: str) -> None:
    found = list(typed_objects(name))
    assert found or name in ("datafeed", "jsonfeed")
    families = {
        **dict.fromkeys(vocabulary.ARTICLE_TYPES, "NewsArticle"),
        **dict.fromkeys(vocabulary.EVENT_TYPES, "Event"),
    }
    for types, properties in found:
        for kind in types:
            family = families.get(kind, kind)
            if name == "topic":
                family = "Thing"
            elif family == "NewsMediaOrganization":
                family = "Organization"
            assert properties <= set(TABLE[family]), kind


@pytest.mark.skipif(not VOCABULARY.exists(), reason="the schema.org vocabulary is not beside this checkout")
def test_every_property_exists_in_schema_org_for_its_type() -> None:
    graph = json.loads(VOCABULARY.read_text("utf-8"))["@graph"]
    nodes = {node["@id"]: node for node in graph if node["@id"].startswith("schema:")}

    def ids(value: Any) -> set[str]:
        values = value if isinstance(value, list) else [value] if value else []
        return {item["@id"] for item in values}

    def ancestors(kind: str) -> set[str]:
        found = {kind}
        for parent in ids(nodes[kind].get("rdfs:subClassOf")):
            if parent in nodes:
                found |= ancestors(parent)
        return found

    checked = 0
    for name in TYPES:
        for types, properties in typed_objects(name):
            for kind in types:
                allowed = ancestors(f"schema:{kind}")
                for key in properties:
                    assert ids(nodes[f"schema:{key}"].get("schema:domainIncludes")) & allowed, f"{kind}.{key}"
                    checked += 1
    assert checked > 200
    for family, root in ((vocabulary.ARTICLE_TYPES, "NewsArticle"), (vocabulary.EVENT_TYPES, "Event")):
        classes = {i for i, node in nodes.items() if "rdfs:Class" in node["@type"]}
        assert {f"schema:{kind}" for kind in family} == {
            i for i in classes if f"schema:{root}" in ancestors(i)
        }


def test_vocabulary_and_schemas_name_the_same_types() -> None:
    def members(name: str, key: str) -> frozenset[str]:
        schema = schema_document(name)["properties"][key]
        return frozenset(value.removeprefix(vocabulary.SCHEMA_ORG) for value in schema["enum"])

    assert members("newsarticle", "@type") == vocabulary.ARTICLE_TYPES
    assert members("event", "@type") == vocabulary.EVENT_TYPES
    assert members("record", "@type") == vocabulary.ARTICLE_TYPES | vocabulary.EVENT_TYPES
    assert members("topic", "@type") == vocabulary.TOPIC_TYPES
    assert members("event", "eventStatus") == vocabulary.EVENT_STATUSES
    assert members("event", "eventAttendanceMode") == vocabulary.ATTENDANCE_MODES
    assert members("offer", "availability") == vocabulary.AVAILABILITIES


def test_schemas_are_found_by_name_and_nothing_else_is() -> None:
    assert {"newsarticle", "event", "config", "profiles/google-article"} <= set(schema_names())
    assert json.loads(schema_path("profiles/google-event").read_bytes())["title"] == "Profile: Google event"
    for name in ("../pyproject", "nothing", "", "/etc/passwd", "newsarticle.schema.json"):
        with pytest.raises(FeedpubError, match="no schema"):
            schema_path(name)


# --- each hard rule: a good document, and what it may not become

ARTICLE, EVENT, FEED, JSON_FEED, MANIFEST = (
    json.loads((DATA / f"{name}.json").read_text("utf-8"))
    for name in ("article", "event", "datafeed", "jsonfeed", "manifest")
)

PAGE = copy.deepcopy(FEED)
"""The same as an archive page."""
PAGE["@graph"][0] |= {"position": 2, "isPartOf": {"@id": "https://news.example/feed.jsonld"}}
PAGE["@graph"][0]["@id"] = "https://news.example/archives/0/feed-2.jsonld"
PAGE["@graph"].insert(
    1,
    {
        "@type": "DataFeed",
        "@id": "https://news.example/feed.jsonld",
        "hasPart": {"@id": "https://news.example/archives/0/feed-1.jsonld"},
    },
)
GONE = object()
BAD: list[tuple[str, str, Any, str]] = [
    ("article", "/headline", GONE, "schema:required"),
    ("article", "/headline", "", "schema:pattern"),
    ("article", "/headline", " \u00a0\u200b", "schema:pattern"),
    ("article", "/headline", "two\nlines", "schema:not"),
    ("article", "/headline", "bell\u0007", "schema:not"),
    ("article", "/headline", 7, "schema:type"),
    ("article", "/articleBody", GONE, "schema:required"),
    ("article", "/articleBody", " \n ", "schema:pattern"),
    ("article", "/articleBody", "a\u0000b", "schema:not"),
    ("article", "/url", GONE, "schema:required"),
    ("article", "/url", "/1", "schema:pattern"),
    ("article", "/url", "javascript:alert(1)", "schema:pattern"),
    ("article", "/url", "ftp://news.example/1", "schema:pattern"),
    ("article", "/url", "https://news.example/a b", "schema:format"),
    ("article", "/url", "https://news.example:port/", "schema:format"),
    ("article", "/url", "https://news.example/\n", "schema:format"),
    ("article", "/@id", GONE, "schema:required"),
    ("article", "/@id", "1", "schema:pattern"),
    ("article", "/@id", "urn:a b", "schema:not"),
    ("article", "/inLanguage", "english", "schema:pattern"),
    ("article", "/inLanguage", "en_GB", "schema:pattern"),
    ("article", "/inLanguage", "en\n", "schema:not"),
    ("article", "/datePublished", "2025-02-30", "schema:format"),
    ("article", "/datePublished", "2025-02-30T10:00:00Z", "schema:format"),
    ("article", "/datePublished", "2025-02-30T10:00Z", "schema:format"),
    ("article", "/datePublished", "2025-13", "schema:pattern"),
    ("article", "/datePublished", "20255-01-01", "schema:pattern"),
    ("article", "/datePublished", "2025-09-02T15:00:00", "schema:pattern"),
    ("article", "/datePublished", "2025-09-02T24:00:00Z", "schema:pattern"),
    ("article", "/datePublished", "2025-09-02\n", "schema:not"),
    ("article", "/datePublished", "２０２５", "schema:pattern"),
    ("article", "/datePublished", "2 September 2025", "schema:pattern"),
    ("article", "/dateModified", "yesterday", "schema:pattern"),
    ("article", "/author", {"@type": "Person", "name": "Ann"}, "schema:type"),
    ("article", "/author", [], "schema:minItems"),
    ("article", "/author/0/name", GONE, "schema:required"),
    ("article", "/author/0/@type", "Robot", "schema:enum"),
    ("article", "/author/0/email", "a@b.example", "schema:unevaluatedProperties"),
    ("article", "/keywords", ["a", "a"], "schema:uniqueItems"),
    ("article", "/keywords", "a, b", "schema:type"),
    ("article", "/wordCount", 0, "schema:minimum"),
    ("article", "/wordCount", 1.5, "schema:type"),
    ("article", "/wordCount", True, "schema:type"),
    ("article", "/isAccessibleForFree", "yes", "schema:type"),
    ("article", "/image/0/url", "a.jpg", "schema:pattern"),
    ("article", "/image/0/width", -1, "schema:minimum"),
    ("article", "/image/0/encodingFormat", "text/html", "schema:pattern"),
    ("article", "/contentLocation/0/geo/latitude", 91, "schema:maximum"),
    ("article", "/contentLocation/0/geo/longitude", GONE, "schema:required"),
    ("article", "/about/0/@id", GONE, "schema:required"),
    ("article", "/license", "CC BY", "schema:pattern"),
    ("article", "/hedline", "x", "schema:unevaluatedProperties"),
    ("article", "/@type", "NewsArtikel", "schema:enum"),
    ("article", "/correction/0/text", GONE, "schema:required"),
    ("event", "/name", GONE, "schema:required"),
    ("event", "/@type", "Concert", "schema:enum"),
    ("event", "/startDate", "2025-02-29T10:00", "schema:format"),
    ("event", "/startDate", "Tuesday", "schema:pattern"),
    ("event", "/endDate", "2025-04-31", "schema:format"),
    ("event", "/eventStatus", "EventCancelled", "schema:enum"),
    ("event", "/eventAttendanceMode", "online", "schema:enum"),
    ("event", "/location", "Porto", "schema:type"),
    ("event", "/location/0/address/postcode", "x", "schema:unevaluatedProperties"),
    ("event", "/offers/0/price", "12,50", "schema:pattern"),
    ("event", "/offers/0/priceCurrency", "Euro", "schema:maxLength"),
    ("event", "/offers/0/availability", "sold out", "schema:enum"),
    ("event", "/superEvent/name", GONE, "schema:required"),
    ("event", "/subjectOf/0/name", "x", "schema:unevaluatedProperties"),
    ("event", "/headline", "x", "schema:unevaluatedProperties"),
]


def changed(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """A copy of `document` with one value set, or taken out."""
    result = copy.deepcopy(document)
    *parents, last = pointer.strip("/").split("/")
    target: Any = result
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else target[part]
    if value is GONE:
        del target[last]
    else:
        target[last] = value
    return result


@pytest.mark.parametrize("good", [ARTICLE, EVENT], ids=["article", "event"])
def test_full_record_is_valid(good: dict[str, Any]) -> None:
    assert validate(good) == ()


def test_least_records_are_valid() -> None:
    least = ("@type", "@id", "url", "headline", "articleBody")
    assert validate({key: ARTICLE[key] for key in least}) == ()
    assert validate({key: EVENT[key] for key in ("@type", "@id", "name")}) == ()


@pytest.mark.parametrize(
    "date", ["1999", "2024-02-29", "2025-11", "2025-09-02T15:00Z", "2025-09-02T15:00:59-09:30"]
)
def test_dates_keep_any_precision(date: str) -> None:
    assert validate(changed(changed(ARTICLE, "/datePublished", date), "/dateModified", GONE)) == ()


@pytest.mark.parametrize("tag", ["en", "pt-BR", "zh-Hant-TW", "sr-Latn", "es-419", "de-CH-1996", "ur"])
def test_languages_may_be_any_bcp_47_tag(tag: str) -> None:
    assert validate(changed(ARTICLE, "/inLanguage", tag)) == ()


@pytest.mark.parametrize(("kind", "pointer", "value", "rule"), BAD)
def test_hard_rule_refuses(kind: str, pointer: str, value: Any, rule: str) -> None:
    problems = validate(changed(ARTICLE if kind == "article" else EVENT, pointer, value))
    assert (rule, pointer) in {(problem.rule, problem.pointer) for problem in problems}
    assert all(problem.message and problem.remedy and problem.severity == "error" for problem in problems)


@pytest.mark.parametrize(("name", "good", "pointer", "value", "rule"), [
    ("datafeed", FEED, "/@context", "https://evil.example", "schema:const"),
    ("datafeed", FEED, "/@graph/0/@type", "NewsArticle", "schema:const"),
    ("datafeed", FEED, "/@graph/1/item", {"@id": "urn:x:1", "name": "x"}, "schema:unevaluatedProperties"),
    ("datafeed", FEED, "/@graph/2/headline", GONE, "schema:required"),
    ("datafeed", FEED, "/@graph/3/@id", GONE, "schema:required"),
    ("datafeed", FEED, "/@graph/0/hasPart", "https://news.example/archives/0/feed-1.jsonld", "schema:type"),
    ("datafeed", PAGE, "/@graph/0/position", 0, "schema:minimum"),
    ("datafeed", PAGE, "/@graph/1/hasPart", GONE, "schema:required"),
    ("datafeed", PAGE, "/@graph/1/name", "News", "schema:unevaluatedProperties"),
    ("jsonfeed", JSON_FEED, "/version", "https://jsonfeed.org/version/1", "schema:const"),
    ("jsonfeed", JSON_FEED, "/title", GONE, "schema:required"),
    ("jsonfeed", JSON_FEED, "/items", GONE, "schema:required"),
    ("jsonfeed", JSON_FEED, "/feed_url", "feed.json", "schema:pattern"),
    ("jsonfeed", JSON_FEED, "/authors", [{}], "schema:required"),
    ("jsonfeed", JSON_FEED, "/authors/0/url", "javascript:alert(1)", "schema:pattern"),
    ("jsonfeed", JSON_FEED, "/hubs/0/type", GONE, "schema:required"),
    ("jsonfeed", JSON_FEED, "/copyright", "2025", "schema:unevaluatedProperties"),
    ("jsonfeed", JSON_FEED, "/_1", {}, "schema:unevaluatedProperties"),
    ("jsonfeed", JSON_FEED, "/_other", "x", "schema:type"),
    ("jsonfeed", JSON_FEED, "/_other/a.b", 1, "schema:not"),
    ("jsonfeed", JSON_FEED, "/_other/_a", 1, "schema:not"),
    ("jsonfeed", JSON_FEED, "/items/0/id", GONE, "schema:required"),
    ("jsonfeed", JSON_FEED, "/items/0/id", 1, "schema:type"),
    ("jsonfeed", JSON_FEED, "/items/0/id", " ", "schema:pattern"),
    ("jsonfeed", JSON_FEED, "/items/0/content_html", GONE, "schema:required"),
    ("jsonfeed", JSON_FEED, "/items/0/date_published", "2025-09-02", "schema:pattern"),
    ("jsonfeed", JSON_FEED, "/items/0/date_published", "2025-09-02T15:00:00", "schema:pattern"),
    ("jsonfeed", JSON_FEED, "/items/0/date_published", "2025-02-30T15:00:00Z", "schema:format"),
    ("jsonfeed", JSON_FEED, "/items/0/attachments/0/mime_type", GONE, "schema:required"),
    ("jsonfeed", JSON_FEED, "/items/0/attachments/0/size_in_bytes", -1, "schema:minimum"),
    ("jsonfeed", JSON_FEED, "/items/0/_feedpub/events/0/startDate", "soon", "schema:pattern"),
    ("manifest", MANIFEST, "/files/feed.xml/hash", "0", "schema:minLength"),
    ("manifest", MANIFEST, "/files/feed.xml/size", -1, "schema:minimum"),
    ("manifest", MANIFEST, "/files", GONE, "schema:required"),
])  # fmt: skip
def test_document_schemas_take_the_good_and_refuse_the_bad(
    name: str, good: dict[str, Any], pointer: str, value: Any, rule: str
) -> None:
    assert validate_document(name, good) == ()
    assert rule in {problem.rule for problem in validate_document(name, changed(good, pointer, value))}


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "a/../../b", "articles/.."])
def test_manifest_names_no_path_outside_the_output(path: str) -> None:
    entry = MANIFEST["files"]["feed.xml"]
    assert validate_document("manifest", {"files": {path: entry}}) != ()
