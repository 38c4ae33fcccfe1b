"""feedpub.toml → Config: what is accepted, with which defaults, and how mistakes are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from feedpub import config_file
from feedpub.cadence import Cadence
from feedpub.config import (
    DEFAULT_KEY,
    Config,
    Daemon,
    FeedConfig,
    Publish,
    Server,
    Site,
    SourceConfig,
    default,
    find,
    load,
)
from feedpub.config_check import line_of, mistakes
from feedpub.errors import ConfigError
from feedpub.resources import schema_document

ARTICLES = '[sources.articles]\npath = "articles"\n'

FULL = """
[site]
title = "The Harbour Post"
url = "https://news.example.org/harbour"
description = "News from the harbour."
language = "en-GB"
timezone = "Europe/Berlin"
key = "B2D1A1DE-6A8C-4B0A-9E3B-1F6F1C1F7A11"
license = "https://creativecommons.org/licenses/by/4.0/"
image = "https://news.example.org/icon.png"

[site.publisher]
name = "Harbour Post Ltd"
url = "https://harbourpost.example.org"
logo = "https://news.example.org/logo.png"
type = "NewsMediaOrganization"

[sources.desk]
kind = "files"
path = "desk"
every = "90s"
watch = true
include = "*.md"
exclude = ["drafts/**", "*.tmp"]
keep_deleted = true
max_size = "2 MB"
dayfirst = true
defaults = { language = "de", section = "World", author = "Desk", type = "OpinionNewsArticle" }
fields = { headline = "attributes.title" }

[sources.wire]
path = "/srv/wire"

[feeds.world]
title = "World"
description = "Abroad."
formats = ["rss"]
limit = 10
where.section = ["World", "Politics"]
where.author = "Ada Byrne"

[feeds."topics/sea"]
every = "daily at 06:30"

[publish]
output = "public"
limit = 20
formats = ["jsonld", "rss"]
feeds_by = ["section", "author"]
undated = "quarantine"
guard = 0.25
guard_floor = 5

[store]
path = "state"

[server]
host = "0.0.0.0"
port = 9000

[daemon]
deadline = "2m"
jitter = "10s"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "feedpub.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value


def test_every_key_arrives_in_the_config(write, tmp_path):
    config = load(write(FULL))
    site = config.site
    assert (site.title, site.description, site.language) == (
        "The Harbour Post",
        "News from the harbour.",
        "en-GB",
    )
    assert site.url == "https://news.example.org/harbour/"
    assert site.timezone == "Europe/Berlin"
    assert site.key == "b2d1a1de-6a8c-4b0a-9e3b-1f6f1c1f7a11"
    assert site.license == "https://creativecommons.org/licenses/by/4.0/"
    assert site.image == "https://news.example.org/icon.png"
    publisher = site.publisher
    assert publisher is not None
    assert (publisher.name, publisher.type) == ("Harbour Post Ltd", "NewsMediaOrganization")
    assert publisher.logo is not None
    assert publisher.logo.url == "https://news.example.org/logo.png"
    desk, wire = config.sources
    assert (desk.name, desk.kind, desk.path) == ("desk", "files", tmp_path / "desk")
    assert (desk.every, desk.watch) == (Cadence("90s", seconds=90), True)
    assert (desk.every_seconds, desk.max_bytes, desk.keep_deleted) == (90, 2_000_000, True)
    assert desk.include == ("*.md",)
    assert desk.exclude == ("drafts/**", "*.tmp")
    assert (desk.defaults.language, desk.defaults.section, desk.defaults.author) == ("de", "World", "Desk")
    assert desk.defaults.type == "OpinionNewsArticle"
    assert desk.fields == {"headline": "attributes.title"}
    assert desk.options == {"dayfirst": True}
    assert (wire.every, wire.watch) == (Cadence("5m", seconds=300), False)
    assert (wire.path, wire.every_seconds, wire.options) == (Path("/srv/wire"), 300, {})
    main, world, sea = config.feeds
    assert main == FeedConfig(path="", formats=("jsonld", "rss"), limit=20)
    assert (world.path, world.title, world.formats, world.limit) == ("world", "World", ("rss",), 10)
    assert world.where.section == ("World", "Politics")
    assert world.where.author == ("Ada Byrne",)
    assert sea.every == Cadence("daily at 06:30", cron="30 6 * * *", zone="Europe/Berlin")
    assert (sea.path, sea.formats, sea.limit) == ("topics/sea", ("jsonld", "rss"), 20)
    assert config.publish == Publish(
        tmp_path / "public", ("section", "author"), undated="quarantine", guard=0.25, guard_floor=5
    )
    assert config.state == tmp_path / "state"
    assert config.server == Server("0.0.0.0", 9000)
    assert config.daemon == Daemon(deadline_seconds=120, jitter_seconds=10)
    assert (config.root, config.path, config.notices) == (tmp_path, tmp_path / "feedpub.toml", ())


def test_what_is_left_out_has_a_default_and_a_notice(write, tmp_path):
    config = load(write(ARTICLES))
    assert config.site == Site()
    assert config.sources == (SourceConfig("articles", path=tmp_path / "articles"),)
    assert config.feeds == (FeedConfig(),)
    assert config.publish == Publish(output=tmp_path / "feeds")
    assert config.state == tmp_path / ".feedpub"
    assert [notice.split(" in feedpub.toml")[0] for notice in config.notices] == [
        "No site.url",
        "No site.title",
        "No site.language",
    ]
    assert "http://localhost:8080/" in config.notices[0]


@pytest.mark.parametrize(
    ("written", "seconds"), [("1s", 1), ("90s", 90), ("5m", 300), ("1h", 3600), ("1d", 86400), ("05m", 300)]
)
def test_time_spans(write, written, seconds):
    assert load(write(ARTICLES + f'every = "{written}"\n')).sources[0].every_seconds == seconds


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ('"10 MB"', 10_000_000),
        ('"500kB"', 500_000),
        ('"500 KB"', 500_000),
        ('"1 GB"', 10**9),
        ('"7B"', 7),
        ("123", 123),
    ],
)
def test_sizes(write, written, count):
    assert load(write(ARTICLES + f"max_size = {written}\n")).sources[0].max_bytes == count


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[site]\ntitel = "x"\n', 2, ["site.titel", "did you mean site.title?"]),
        ('[site]\nlimit = 3\n', 2, ["site.limit", "did you mean publish.limit, under [publish]?"]),
        ('title = "x"\n', 1, ["title: there is no such key", "did you mean site.title"]),
        ('[sauces.a]\npath = "a"\n', 1, ["sauces", "did you mean sources?"]),
        (ARTICLES + "keep-deleted = true\n", 3, ["did you mean sources.articles.keep_deleted?"]),
        (ARTICLES + "zzzz = 1\n", 3, ["sources.articles.zzzz", "one can set: dayfirst, defaults"]),
        ("[daemon]\nevery = 5\n", 2, ["daemon.every", "there is no such key"]),
        (ARTICLES + 'every = "five"\n', 3, ['"five" is not a time span', 'for example "5m"']),
        (ARTICLES + 'every = "0s"\n', 3, ["at least one second"]),
        (ARTICLES + "every = 300\n", 3, ["300 is not a time span"]),
        (ARTICLES + 'every = "daily at 24:00"\n', 3, ["sources.articles.every", "there is no time 24:00"]),
        (ARTICLES + 'every = "daily at noon"\n', 3, ["it is not", '"daily at 06:30"']),
        (ARTICLES + 'every = "weekly on moonday at 06:30"\n', 3, ["there is no day 'moonday'", "monday, tuesday"]),
        (ARTICLES + 'every = "cron 0 6 * *"\n', 3, ["five fields", "not 4"]),
        (ARTICLES + 'every = "cron 0 6 30 2 *"\n', 3, ["day-of-month"]),
        (ARTICLES + 'every = "daily at 06:30 Berlin"\n', 3, ["there is no time zone 'Berlin'"]),
        ('[feeds.a]\nevery = "cron 61 * * * *"\n' + ARTICLES, 2, ["feeds.a.every", "the minute"]),
        ('[sources.a]\nkind = "other"\nwatch = true\n', 3, ["only a folder can be watched"]),
        ('[daemon]\ndeadline = "0s"\n' + ARTICLES, 2, ["daemon.deadline", "at least one second"]),
        (ARTICLES + 'every = "5m\\n"\n', 3, ["is not a time span"]),
        (ARTICLES + "every = 2025-01-01\n", 3, ["2025-01-01 (a date, without quotes) is not a time span"]),
        (ARTICLES + 'keep_deleted = "yes"\n', 3, ['"yes" is not true or false', "for example true"]),
        (ARTICLES + 'max_size = "lots"\n', 3, ["is not a size in B, kB, MB or GB"]),
        (ARTICLES + "include = []\n", 3, ["the list is empty"]),
        (ARTICLES + "include = [1]\n", 3, ["1 is not one line of text"]),
        ('[sources.a]\npath = "a"\nfields.headlin = "x"\n', 3, ["did you mean sources.a.fields.headline?"]),
        ('[sources.a]\nevery = "1m"\n', 1, ["sources.a.path: is missing", 'path = "articles"']),
        ('[sources]\npath = "a"\n', 2, ['"a" is not a table such as [sources.articles]']),
        ('[sources."a b"]\npath = "a"\n', 1, ['sources."a b"', "a name of letters, digits, - and _"]),
        ('[publish]\nundated = "quarantene"\n', 2, ['did you mean "quarantine"?']),
        ('[publish]\nfeeds_by = ["section", "section"]\n', 2, ['"section" stands in it twice']),
        ('[publish]\nfeeds_by = ["sections"]\n', 2, ['did you mean "section"?']),
        ("[publish]\nguard = 2\n", 2, ["2 is not a number from 0 to 1"]),
        ("[publish]\nguard = nan\n", 2, ["is not a number from 0 to 1"]),
        ("[publish]\nlimit = 0\n", 2, ["publish.limit"]),
        ("[publish]\nlimit = true\n", 2, ["true is not a whole number"]),
        ("[publish]\nlimit = 10.5\n", 2, ["10.5 is not a whole number"]),
        ('[publish]\nformats = ["rzz"]\n' + ARTICLES, 2, ['no format "rzz"; known are: ', "jsonld, rss"]),
        ("[server]\nport = 70000\n", 2, ["a port number from 0 to 65535"]),
        ('[site]\nurl = "htp://x.org"\n', 2, ['"htp://x.org" is not an http or https address']),
        ('[site]\nurl = "https://x.org/?a=1"\n', 2, ["site.url"]),
        ('[site]\nurl = "https://user:pw@x.org/"\n', 2, ["site.url"]),
        ('[site]\nurl = "https://x.org:port/"\n' + ARTICLES, 2, ["is not an http or https address"]),
        ('[site]\nkey = "12345"\n', 2, ['"12345" is not a UUID']),
        ('[site]\ntitle = "a\\u001bb"\n', 2, ["site.title", "is not one line of text"]),
        ('[site]\ntitle = ""\n', 2, ["site.title"]),
        ('[site]\nlanguage = "english"\n', 2, ["is not a language tag"]),
        ('[site]\ntimezone = "Berlin"\n' + ARTICLES, 2, ['no time zone "Berlin"', '"Europe/Berlin"']),
        ('[site]\ntimezone = "Europe/Berln"\n' + ARTICLES, 2, ['did you mean "Europe/Berlin"?']),
        ('[site]\ntimezone = "../etc/passwd"\n', 2, ["is not an IANA time zone"]),
        ('[site]\ntimezone = "Europe"\n' + ARTICLES, 2, ['no time zone "Europe"']),
        ('[site.publisher]\nurl = "https://x.org"\n', 1, ["site.publisher.name: is missing"]),
        ('[feeds."../up"]\n', 1, ['feeds."../up"', "is not a feed's folder"]),
        ('[feeds."/top"]\n', 1, ["is not a feed's folder"]),
        ("[feeds.World]\n", 1, ["is not a feed's folder"]),
        ("[feeds.articles]\n", 1, ["none of the names that feedpub uses itself"]),
        ('[feeds."sections/world"]\n', 1, ["none of the names that feedpub uses itself"]),
        ("[feeds.api]\n", 1, ["api, health, metrics and status are answered by its server"]),
        ('[feeds."status/today"]\n', 1, ["none of the names that feedpub uses itself"]),
        (
            '[sources.a]\npath = "a"\n[server]\ntrusted_proxies = ["proxy.example"]\n',
            4,
            ["not an IP address or network", "10.0.0.0/8"],
        ),
        ('[feeds.w]\nwhere.sektion = "x"\n', 2, ["did you mean feeds.w.where.section?"]),
        ('[feeds.w]\nwhere = "x"\n', 2, ['"x" is not a table']),
        ("[site]\ntitle = 'x'\n", None, ["no source is named", "[sources.articles]"]),
        (ARTICLES + '[feeds.w]\nwhere.type = "Event"\n', 4, ["type of event", '"icalendar"', '"events"']),
        (ARTICLES + '[feeds.w]\nwhere.type = ["Festival"]\n', 4, ["feeds.w.where.type", "type of event"]),
        (ARTICLES + '[feeds.w]\nwhere.type = "OpinionArticle"\n', 4, ['did you mean "OpinionNewsArticle"?']),
        (ARTICLES + '[feeds.w]\nwhere.type = "xyz"\n', 4, ["the types are: ", "ReviewNewsArticle"]),
        (ARTICLES + '[feeds.w]\nwhere.source = "article"\n', 4, ['no source "article"', 'mean "articles"?']),
        (ARTICLES + '[feeds.w]\nwhere.source = "zzz"\n', 4, ["the sources are: articles"]),
        (ARTICLES + '[feeds.w]\nwhere.language = "french"\n', 4, ["not a language tag", 'mean "fr"?']),
        (ARTICLES + '[feeds.w]\nwhere.language = "Deutsch"\n', 4, ['did you mean "de"?']),
        (ARTICLES + '[feeds.w]\nwhere.language = ["en", "pt_BR"]\n', 4, ['did you mean "pt-BR"?']),
        (ARTICLES + '[feeds.w]\nwhere.language = "!"\n', 4, ['for example "en"']),
        (
            ARTICLES + '[sources.articles.fields]\nheadline = "title..rendered"\n', 4,
            ["sources.articles.fields.headline", '"title..rendered" is not a JMESPath expression'],
        ),
        (ARTICLES + 'fields = { id = "a[" }\n', 3, ["sources.articles.fields.id", "not a JMESPath"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_key_and_the_right_way(write, text, line, words):
    error = refused(write(text))
    message = str(error)
    assert "feedpub.toml" in message
    if line is not None:
        assert f"line {line}: " in message
    for word in words:
        assert word in message
    assert error.key
    assert error.path is not None


@pytest.mark.parametrize(
    "where",
    [
        'type = "NewsArticle"',
        'type = "opinionnewsarticle"',
        'type = ["AskPublicNewsArticle", "ReviewNewsArticle"]',
        'source = "articles"',
        'language = ["en", "pt-BR", "zh-Hant-TW", "EN-gb"]',
    ],
)
def test_a_filter_that_articles_can_meet_is_accepted(write, where):
    assert load(write(f"{ARTICLES}[feeds.w]\nwhere.{where}\n")).feeds[1].path == "w"


def test_all_mistakes_are_told_at_once(write):
    message = str(refused(write('[site]\ntitel = "x"\n\n[publish]\nlimit = "many"\n')))
    assert "2 mistakes" in message
    assert "line 2: site.titel" in message
    assert "line 5: publish.limit" in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[site]\ntitle = News\n", "line 2, column 9"),
        ("[site\n", "line 1, column 6"),
        ('[site]\n[site]\n', "line 2, column 6"),
        ('a = """', "line 1"),
    ],
)  # fmt: skip
def test_broken_toml_is_told_with_line_and_column(write, text, place):
    message = str(refused(write(text)))
    assert place in message
    assert "this is not TOML" in message


def test_a_file_that_cannot_be_decoded_is_told_with_its_line(tmp_path):
    path = tmp_path / "feedpub.toml"
    path.write_bytes(b'[site]\ntitle = "caf\xe9"\n')
    message = str(refused(path))
    assert "line 2" in message
    assert "UTF-8" in message


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "feedpub.toml"
    path.write_bytes(b"\xef\xbb\xbf" + ARTICLES.encode())
    assert load(path).sources[0].name == "articles"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    assert "feedpub init" in str(refused(tmp_path / "feedpub.toml"))


def test_deeply_nested_toml_is_an_error_and_no_crash(write):
    assert "feedpub.toml" in str(refused(write("a = " + "[" * 100_000)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[store]\npath = "feeds/state"\n' + ARTICLES, ["must be apart"]),
        ('[publish]\noutput = ".feedpub/out"\n' + ARTICLES, ["must be apart"]),
        ('[publish]\noutput = ".feedpub"\n' + ARTICLES, ["must be apart"]),
        ('[sources.a]\npath = "feeds/in"\n', ["lies inside the output"]),
        ('[sources.a]\npath = "feeds"\n', ["lies inside the output"]),
        ('[sources.a]\npath = "."\n', ["the output", 'exclude = ["feeds/**"] under [sources.a]']),
        ('[sources.a]\npath = "in"\n[store]\npath = "in/state"\n', ["the store", 'exclude = ["state/**"]']),
        ('[sources.a]\npath = "in"\n[sources.b]\npath = "./x/../in"\n', ["the source a has the same one"]),
    ],
)
def test_folders_that_contradict_each_other_are_refused(write, text, words):
    message = str(refused(write(text)))
    for word in words:
        assert word in message


def test_a_link_to_the_same_folder_is_the_same_folder(write, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "also").symlink_to(tmp_path / "in")
    assert "the same one" in str(refused(write('[sources.a]\npath = "in"\n[sources.b]\npath = "also"\n')))


@pytest.mark.parametrize("pattern", ["feeds/**", "feeds", "feeds/", "/feeds/**", "**/feeds/**", "fee*/**"])
def test_an_output_inside_the_articles_is_accepted_when_excluded(write, tmp_path, pattern):
    config = load(write(f'[sources.a]\npath = "."\nexclude = ["{pattern}"]\n'))
    assert config.publish.output == tmp_path / "feeds"


def test_other_kinds_of_sources_bring_keys_of_their_own(write):
    config = load(write('[sources.wire]\nkind = "agency"\naddress = "https://x.org"\ntopics = [1, 2]\n'))
    assert config.sources[0].kind == "agency"
    assert config.sources[0].path is None
    assert config.sources[0].options == {"address": "https://x.org", "topics": [1, 2]}


# -- the schema


def keyed(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property in a schema with its path."""
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(schema, dict):
        for key, inner in schema.get("properties", {}).items():
            found.append((f"{path}.{key}", inner))
        for key, inner in schema.items():
            if key not in ("enum", "default", "examples", "if", "const"):
                found += keyed(inner, f"{path}/{key}")
    return found


def test_the_schema_is_valid_and_describes_every_key():
    schema = dict(schema_document("config"))
    Draft202012Validator.check_schema(schema)
    keys = keyed(schema)
    assert len(keys) > 40
    for path, inner in keys:
        assert len(inner.get("description", "")) > 10, path


def test_every_example_and_default_in_the_schema_is_itself_accepted():
    schema = dict(schema_document("config"))
    tested = 0
    for path, inner in keyed(schema):
        checker = Draft202012Validator({**inner, "$defs": schema["$defs"]})
        for example in [*inner.get("examples", []), *([inner["default"]] if "default" in inner else [])]:
            assert checker.is_valid(example), (path, example)
            tested += 1
    assert tested > 50


def test_the_schema_states_the_defaults_that_the_code_has():
    tables = schema_document("config")["properties"]
    source = schema_document("config")["$defs"]["source"]["properties"]
    site, publish = tables["site"]["properties"], tables["publish"]["properties"]
    assert (site["title"]["default"], site["url"]["default"], site["timezone"]["default"]) == (
        Site().title, Site().url, Site().timezone
    )  # fmt: skip
    assert publish["output"]["default"] == str(Publish().output)
    assert publish["limit"]["default"] == FeedConfig().limit
    assert tuple(publish["formats"]["default"]) == FeedConfig().formats
    assert publish["undated"]["default"] == Publish().undated
    assert publish["guard"]["default"] == Publish().guard
    assert publish["guard_floor"]["default"] == Publish().guard_floor
    server = tables["server"]["properties"]
    assert (server["host"]["default"], server["port"]["default"]) == (Server().host, Server().port)
    deadline = tables["daemon"]["properties"]["deadline"]["default"]
    assert (deadline, Daemon().deadline_seconds) == ("10m", 600)
    assert (source["watch"]["default"], SourceConfig("a").watch) == (False, False)
    assert tuple(server["trusted_proxies"]["default"]) == Server().trusted_proxies
    assert publish["compress"]["default"] == Publish().compress
    assert (source["every"]["default"], SourceConfig("a").every_seconds) == ("5m", 300)
    assert (source["max_size"]["default"], SourceConfig("a").max_bytes) == ("10 MB", 10_000_000)


def test_a_files_source_is_closed_over_exactly_the_keys_that_are_described():
    source = schema_document("config")["$defs"]["source"]
    assert source["then"]["propertyNames"]["enum"] == list(source["properties"])


def test_the_fields_that_can_be_mapped_are_those_that_json_records_know():
    from feedpub.extraction import ExtractSettings, jsonrecord
    from feedpub.models import Document

    names = schema_document("config")["$defs"]["source"]["properties"]["fields"]["propertyNames"]["enum"]
    assert set(jsonrecord.USUAL_NAMES) <= set(names)
    document = Document("a", "a.json", b"{}", "application/json")
    for name in names:
        # Raises ConfigError for a name that it does not know.
        found = jsonrecord.read(document, "{}", ExtractSettings(fields={name: "nothing"}))
        assert found.refused


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"site": {"title": "x", "url": "http://x.org"}},
        {"site": {"titel": "x"}},
        {"site": {"title": " "}},
        {"site": {"title": "a\nb"}},
        {"site": {"language": "en\n"}},
        {"site": {"key": DEFAULT_KEY}},
        {"site": {"key": DEFAULT_KEY + "0"}},
        {"site": {"publisher": {}}},
        {"site": {"publisher": {"name": "x", "type": "Person"}}},
        {"sources": {"a": {}}},
        {"sources": {"a": {"path": "x"}}},
        {"sources": {"a": {"path": "x", "kind": "files", "other": 1}}},
        {"sources": {"a": {"kind": "other", "other": 1}}},
        {"sources": {"a": {"path": "x", "include": "x"}}},
        {"sources": {"a": {"path": "x", "include": ["x", ""]}}},
        {"sources": {"a": {"path": "x", "max_size": 0}}},
        {"sources": {"a": {"path": "x", "max_size": 1.5}}},
        {"sources": {"a": {"path": "x", "every": "٣m"}}},
        {"sources": {"a": {"path": "x", "fields": {"headline": "a"}}}},
        {"sources": {"a": {"path": "x", "fields": {"headline": 1}}}},
        {"sources": {"-": {"path": "x"}}},
        {"feeds": {"a/b": {}}},
        {"feeds": {"a//b": {}}},
        {"feeds": {"media": {}}},
        {"feeds": {"mediation": {"where": {"type": ["Event"]}}}},
        {"publish": {"feeds_by": ["section", "keyword"], "guard": 1}},
        {"publish": {"feeds_by": ["section", "section"]}},
        {"publish": {"guard": -0.1}},
        {"publish": {"limit": True}},
        {"server": {"port": -1}},
        {"daemon": {"x": 1}},
        {"stor": {}},
    ],
)
def test_the_walk_and_json_schema_give_the_same_verdict(table):
    schema = dict(schema_document("config"))
    # jsonschema would differ on "en\n" alone, where Python's `$` is not the end.
    verdict = jsonschema_rs.Draft202012Validator(schema).is_valid(table)
    assert (mistakes(table) == ()) == verdict


def test_a_valid_file_is_loaded_without_jsonschema(write):
    program = (
        "import sys; from pathlib import Path; from feedpub.config import load; "
        "load(Path(sys.argv[1])); print(sorted({'jsonschema', 'sqlalchemy', 'lxml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(write(FULL))],
        env={**os.environ, "PYTHONPATH": str(Path(config_file.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


# -- lines


TEXT = """# [site]
title = "x"  # site.title
[ site ]
"url" = "x"
publisher = { name = "x" }
publisher.logo = "x"
[feeds."a.b"]
title = 'x'
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("site",), 3),
        (("site", "url"), 4),
        (("site", "publisher", "name"), 5),
        (("site", "publisher", "logo"), 6),
        (("feeds", "a.b", "title"), 8),
        (("feeds", "a.b", "limit"), 7),
        (("publish", "limit"), None),
    ],
)
def test_lines_are_found(path, line):
    assert line_of(TEXT, path) == line


def test_a_long_line_is_searched_in_no_time():
    assert line_of("a." * 100_000 + "\n" + '"' * 100_000 + "\nb = 1\n", ("b",)) == 3


# -- which newsroom is meant


def test_the_file_in_the_current_folder_is_meant(write, tmp_path):
    write(ARTICLES)
    assert find(None, tmp_path).path == tmp_path / "feedpub.toml"


def test_a_newsroom_can_be_named_by_its_folder_or_its_file(write, tmp_path):
    write(ARTICLES)
    (tmp_path / "sub").mkdir()
    assert find("..", tmp_path / "sub").root == tmp_path
    assert find("../feedpub.toml", tmp_path / "sub").root == tmp_path


def test_a_bare_folder_gets_the_defaults(tmp_path):
    (tmp_path / "texts").mkdir()
    config = find("texts", tmp_path)
    assert config.path is None
    assert config.root == tmp_path
    assert config.sources == (SourceConfig("articles", path=tmp_path / "texts"),)
    assert config.publish.output == tmp_path / "feeds"
    assert config.state == tmp_path / ".feedpub"
    assert config.site == Site()
    assert len(config.notices) == 1
    assert "http://localhost:8080/" in config.notices[0]


def test_the_current_folder_as_bare_folder_leaves_its_output_alone(tmp_path):
    config = find(".", tmp_path)
    assert config.sources[0].path == tmp_path
    assert config.sources[0].exclude == ("feeds/**",)


def test_a_bare_folder_inside_the_output_is_refused(tmp_path):
    (tmp_path / "feeds" / "in").mkdir(parents=True)
    with pytest.raises(ConfigError, match="inside the output"):
        default(tmp_path / "feeds" / "in", root=tmp_path)


def test_without_anything_the_way_to_begin_is_told(tmp_path):
    with pytest.raises(ConfigError, match="feedpub init") as caught:
        find(None, tmp_path)
    assert "feedpub publish FOLDER" in str(caught.value)


def test_a_file_above_is_mentioned_but_not_taken(write, tmp_path):
    write(ARTICLES)
    (tmp_path / "sub").mkdir()
    with pytest.raises(ConfigError, match="--config") as caught:
        find(None, tmp_path / "sub")
    assert str(tmp_path) in str(caught.value)


def test_the_bare_folder_published_before_is_remembered(tmp_path):
    (tmp_path / "texts").mkdir()
    config = find("texts", tmp_path)
    config_file.remember(config_file.with_output(config, tmp_path / "out"))
    again = find(None, tmp_path)
    assert again.sources[0].path == tmp_path / "texts"
    assert again.publish.output == tmp_path / "out"
    note = json.loads((tmp_path / ".feedpub" / "unconfigured.json").read_text("utf-8"))
    assert note == {"folder": "texts", "output": "out"}


def test_a_damaged_note_counts_as_none(tmp_path):
    (tmp_path / ".feedpub").mkdir()
    (tmp_path / ".feedpub" / "unconfigured.json").write_text("[1]")
    with pytest.raises(ConfigError, match="feedpub init"):
        find(None, tmp_path)


def test_a_folder_of_a_configured_source_picks_that_source(write, tmp_path):
    write(ARTICLES + '[sources.wire]\npath = "wire"\n')
    (tmp_path / "articles" / "2025").mkdir(parents=True)
    config = find("articles/2025", tmp_path)
    assert config.path == tmp_path / "feedpub.toml"
    assert config_file.only(config, tmp_path / "articles" / "2025") == ("articles",)


def test_another_folder_beside_a_configured_newsroom_is_refused_with_the_lines_to_add(write, tmp_path):
    write(ARTICLES)
    (tmp_path / "My Texts").mkdir()
    with pytest.raises(ConfigError, match="belongs to no source") as caught:
        find("My Texts", tmp_path)
    assert '[sources.my-texts]\n  path = "My Texts"' in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"), [("gone", "There is no folder gone"), ("a.txt", "feedpub check a.txt")]
)
def test_what_is_no_folder_is_refused(tmp_path, name, words):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ConfigError, match=words):
        find(name, tmp_path)


def test_another_output_is_checked_against_the_other_folders(write, tmp_path):
    config: Config = load(write(ARTICLES))
    assert config_file.with_output(config, tmp_path / "out").publish.output == tmp_path / "out"
    with pytest.raises(ConfigError, match="would be read as articles"):
        config_file.with_output(config, tmp_path / "articles" / "out")
