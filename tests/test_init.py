"""`feedpub init`: what is written, what is guessed, and what is never overwritten."""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from pathlib import Path

import pytest

from feedpub import config_file, init
from feedpub.config import DEFAULT_KEY, find, load
from feedpub.errors import ConfigError
from feedpub.extraction import ExtractSettings, extract
from feedpub.models import Document


@pytest.fixture
def begin(tmp_path: Path):
    """Begin a newsroom on a system with a zone and an environment of the test's own."""
    system = tmp_path / "system"

    def begin(name: str = "harbour-post", zone: str | None = None, **environment: str) -> init.Begun:
        (system / "etc").mkdir(parents=True, exist_ok=True)
        if zone is not None:
            (system / "etc" / "localtime").symlink_to(f"/usr/share/zoneinfo/{zone}")
        return init.begin(tmp_path / name, environment=environment, system=system)

    return begin


def test_what_is_written_loads_and_names_the_folders(begin, tmp_path):
    begun = begin(zone="Europe/Berlin", LANG="de_DE.UTF-8")
    config = load(begun.config)
    assert begun.config == tmp_path / "harbour-post" / "feedpub.toml"
    assert (config.site.title, config.site.timezone, config.site.language) == (
        "Harbour post",
        "Europe/Berlin",
        "de",
    )
    assert config.sources[0].name == "articles"
    assert config.sources[0].path == tmp_path / "harbour-post" / "articles"
    assert config.publish.output == tmp_path / "harbour-post" / "feeds"
    assert set(begun.created) == {begun.config, begun.articles, begun.output}
    assert begun.articles.is_dir()
    assert begun.output.is_dir()
    assert not begun.key_kept


def test_each_newsroom_gets_a_key_of_its_own(begin):
    keys = {load(begin(name).config).site.key for name in ("a", "b")}
    assert len(keys) == 2
    assert DEFAULT_KEY not in keys
    assert all(uuid.UUID(key).version == 4 for key in keys)


def test_an_existing_file_is_never_overwritten(begin, tmp_path):
    (tmp_path / "harbour-post").mkdir()
    path = tmp_path / "harbour-post" / "feedpub.toml"
    path.write_text("# mine\n")
    with pytest.raises(ConfigError, match="exists already"):
        begin()
    assert path.read_text() == "# mine\n"
    assert not (tmp_path / "harbour-post" / "articles").exists()


def test_a_dangling_link_is_not_written_through(begin, tmp_path):
    (tmp_path / "harbour-post").mkdir()
    (tmp_path / "harbour-post" / "feedpub.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(ConfigError, match="exists already"):
        begin()
    assert not (tmp_path / "elsewhere.toml").exists()


def test_existing_articles_are_left_as_they_are(begin, tmp_path):
    article = tmp_path / "harbour-post" / "articles" / "a.txt"
    article.parent.mkdir(parents=True)
    article.write_text("x")
    begun = begin()
    assert article.read_text() == "x"
    assert begun.articles not in begun.created


def test_articles_published_without_a_file_keep_their_ids_folder_and_output(begin, tmp_path):
    root = tmp_path / "harbour-post"
    (root / "texts").mkdir(parents=True)
    config_file.remember(find("texts", root))
    (root / ".feedpub" / "ledger.ndjson").write_text("")
    begun = begin()
    config = load(begun.config)
    assert begun.key_kept
    assert config.site.key == DEFAULT_KEY
    assert (config.sources[0].name, config.sources[0].path) == ("articles", root / "texts")
    assert "keep their ids" in begun.config.read_text("utf-8")
    assert not (root / "articles").exists()


def test_a_bare_current_folder_stays_the_source_without_its_output(begin, tmp_path):
    root = tmp_path / "harbour-post"
    root.mkdir()
    config_file.remember(find(".", root))
    config = load(begin().config)
    assert config.sources[0].path == root
    assert config.sources[0].exclude == ("feeds/**",)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("harbour-post", "Harbour post"),
        ("daily_news  2025", "Daily news 2025"),
        ('The "Post" \\ {title}', 'The "Post" \\ {title}'),
        ("Новости", "Новости"),
        ("--", "News"),
        ("a\x07b\x7f", "A b"),
        ("bad\udc80byte", "Bad byte"),
    ],
)
def test_the_title_comes_from_the_folder_and_is_written_as_valid_toml(begin, name, title):
    begun = begin(name)
    assert tomllib.loads(begun.config.read_text("utf-8"))["site"]["title"] == title
    assert load(begun.config).site.title == title


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "fr_CA"}, "fr"),
        ({"LC_MESSAGES": "ast_ES", "LANG": "C"}, "ast"),
        ({"LANG": "ca@valencia"}, "ca"),
        ({"LANG": "C.UTF-8"}, None),
        ({"LANG": "POSIX"}, None),
        ({"LANG": ""}, None),
        ({}, None),
    ],
)
def test_the_language_comes_from_the_locale_or_stays_open(begin, environment, language):
    begun = begin(**environment)
    assert begun.language == language
    assert load(begun.config).site.language == language


def test_the_zone_of_the_environment_goes_first(begin):
    assert begin(zone="Europe/Berlin", TZ=":Asia/Karachi").timezone == "Asia/Karachi"


def test_a_zone_that_is_no_name_is_passed_over(begin):
    assert begin(zone="Europe/Berlin", TZ="CET-1CEST,M3.5.0,M10.5.0/3").timezone == "Europe/Berlin"


def test_etc_timezone_is_read_where_there_is_no_link(begin, tmp_path):
    (tmp_path / "system" / "etc").mkdir(parents=True)
    (tmp_path / "system" / "etc" / "timezone").write_text("America/Sao_Paulo\n")
    assert begin().timezone == "America/Sao_Paulo"


@pytest.mark.parametrize("zone", ["Etc/UTC", "No/Where", None])
def test_utc_stands_where_no_other_zone_can_be_told(begin, zone):
    assert begin(zone=zone).timezone == "UTC"


def test_a_file_in_the_way_is_told(begin, tmp_path):
    (tmp_path / "harbour-post").write_text("a file")
    with pytest.raises(ConfigError, match="harbour-post"):
        begin()


def test_every_commented_key_is_valid_once_it_is_uncommented(begin):
    begun = begin(LANG="en_GB.UTF-8")
    lines = begun.config.read_text("utf-8").splitlines()
    # A commented key looks like `# key = …` or `# [table]`; all else is prose.
    opened = [
        line[2:] if line.startswith("# [") or (line.startswith("# ") and " = " in line) else line
        for line in lines
    ]
    assert opened != lines
    begun.config.write_text("\n".join(opened), encoding="utf-8")
    config = load(begun.config)
    assert config.notices == ()
    assert config.sources[0].keep_deleted
    assert config.sources[0].defaults.section == "World"
    assert config.feeds[1].where.section == ("World", "Politics")
    assert config.site.publisher is not None


@pytest.mark.parametrize(
    ("item", "published"),
    # https://developer.wordpress.org/rest-api/reference/posts/#schema-date_gmt: UTC, written without a zone
    [({"date": "2025-09-02T16:30:00", "date_gmt": "2025-09-02T14:30:00"}, "2025-09-02T14:30:00Z"),
     ({"date": None, "date_gmt": None}, None)],
)  # fmt: skip
def test_the_mapping_suggested_for_wordpress_gives_the_true_instant(begin, item, published):
    (line,) = re.findall(r"^# (published = .*)$", begin().config.read_text("utf-8"), re.MULTILINE)
    settings = ExtractSettings(timezone="Europe/Berlin", fields=tomllib.loads(line))
    data = json.dumps({"title": "A bridge", "content": "The bridge opened.", **item}).encode()
    article = extract(Document("cms", "posts.json#1", data, "application/json"), settings).article
    assert article is not None
    assert (article.published.value if article.published else None) == published
