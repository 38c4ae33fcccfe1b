"""What `feedpub init` writes: a commented feedpub.toml, with all that can be guessed, and its folders."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feedpub import config_file
from feedpub.config import DEFAULT_KEY, DEFAULT_URL
from feedpub.errors import ConfigError

_TEMPLATE = """\
# The newsroom, as feedpub publishes it. Every key is here; those that begin with # are not set.
# Times without a zone are in site.timezone; relative paths start at this file.

[site]
title = {title}
# Where the output folder will be found on the web: every address in the feeds begins with it.
# Until it is set, everything works under {default_url}, on this machine only.
{url}
# One sentence about the newsroom.
# description = "News from the harbour."
# The language of the feeds (an article's own language goes before it).
{language}
timezone = {timezone}
{key_comment}
key = "{key}"
# The licence of all articles that name none.
# license = "https://creativecommons.org/licenses/by/4.0/"
# The newsroom's picture, shown by feed readers.
# image = "https://news.example.org/icon.png"

# Who publishes, for search engines and news readers.
# [site.publisher]
# name = {title}
# type = "NewsMediaOrganization"
# url = "https://publisher.example.org/"
# logo = "https://news.example.org/logo.png"

# One article a file, in as many folders as you like: text (.txt), Markdown with front matter (.md),
# web pages (.html), schema.org records or a CMS export (.json, .jsonl). A text file may begin with
# its headline, and with lines such as "By: Ada Byrne" and "Date: 2025-09-02".
[sources.articles]
path = {articles}
# Which files are articles, as patterns; all readable kinds if left out. Which are not.
# include = ["*.md", "2025/**/*.txt"]
{exclude}
# The largest file that is read; larger ones are held back.
# max_size = "10 MB"
# How often `feedpub daemon` looks for changes: "30s", "1h", "daily at 06:30", "weekly on monday at 06:30",
# "cron 0 6 * * 1-5", the latter with a zone behind if it is not site.timezone.
every = "5m"
# Look as soon as a file is saved, besides.
# watch = true
# Keep articles published when their files are deleted: for folders that rotate.
# keep_deleted = true
# How dates such as 03/04/2025 are meant; left out, they are not read.
# dayfirst = true
# Structured data in web pages to read besides JSON-LD, microdata and OpenGraph; slow.
# syntaxes = ["rdfa", "microformat"]
# Follow links that lead out of the folder.
# follow_outside = false
# Other kinds of source come from plugins.
# kind = "files"

# What articles of this source leave out.
# [sources.articles.defaults]
# section = "World"
# author = "Desk"
# language = "en"
# license = "https://creativecommons.org/licenses/by/4.0/"
# type = "NewsArticle"

# Where the facts are in the JSON export of a CMS (JMESPath expressions, https://jmespath.org). The names are
# id, title or headline, alternative_headline, description, body or body_html or body_text, url, slug,
# published, modified, created, publish_at, expires_at, draft, author or authors, section or sections, keywords,
# language, image or images, dateline, event or events, license, type, accessible_for_free, based_on, same_as.
# [sources.articles.fields]
# id = "guid"
# headline = "title.rendered"
# published = "date_gmt && join('', [date_gmt, 'Z'])"

[publish]
output = {output}
# How many of the newest articles each feed holds.
limit = 50
# formats = ["rss", "atom", "jsonfeed", "jsonld", "icalendar", "events"]
# A feed and a page of its own for each section, keyword or author.
# feeds_by = ["section"]
# Pages with what has left a feed's window, so that readers can go back to the first article.
# archive = true
# Whether feeds tell their readers which articles were withdrawn.
# tombstones = true
# How many days events stay in calendars after they have ended.
# event_days = 30
# WebSub hubs that the feeds name.
# hubs = ["https://hub.example/"]
# Sitemaps with robots.txt; and all records and every change for other services (dump.json, changes.json).
# sitemaps = true
# dump = true
# Compressed twins (.gz, .br) beside feeds, indexes and archives, which web servers hand out as they are.
# compress = true
# Read every file back by independent parsers before it is published.
# verify = true
# What is done with an article that states no date: "publish" it without one, or "quarantine" it.
undated = "publish"
# The accident guard: a refresh in which more than this share of a source's articles would vanish, and more
# than so many, stops and asks for --yes.
# guard = 0.1
# guard_floor = 3

# Further feeds, each in the folder of its name. An article belongs if it meets every `where`; one of several
# values is enough. What is left out is as in [publish].
# [feeds.world]
# title = "World news"
# description = "All that happens abroad."
# limit = 20
# formats = ["rss"]
# archive = false
# tombstones = false
# event_days = 365
# every = "daily at 06:30"
# where.section = ["World", "Politics"]
# where.keyword = "elections"
# where.author = "Ada Byrne"
# where.language = ["en", "fr"]
# where.type = "NewsArticle"
# where.source = "articles"

# Where `feedpub serve` listens.
# [server]
# host = "127.0.0.1"
# port = 8080
# Proxies in front of it: only they may say who asks, and whether through TLS (X-Forwarded-For, -Proto).
# trusted_proxies = ["127.0.0.1"]
# api = true
# The environment variable with the token for /status and /metrics; unset, they answer this machine only.
# status_token_env = "FEEDPUB_STATUS_TOKEN"

# `feedpub daemon`: how long a refresh may stand still, as on a network drive that hangs, before it is given up;
# and over how long the starts of sources are spread, where many newsrooms share a machine.
# [daemon]
# deadline = "10m"
# jitter = "10s"

# How the log of daemon and server looks: for "people", or "json" for a collector of logs.
# [log]
# format = "people"

# Who is told when something is wrong: a webhook, people by e-mail. `feedpub alarms --test` tries both. Secrets
# stand in environment variables of these names.
# [alarms]
# webhook = "https://ops.example.org/feedpub"
# webhook_secret_env = "FEEDPUB_WEBHOOK_SECRET"
# mail_to = ["newsroom@example.org"]
# mail_from = "feedpub@example.org"
# smtp = "smtp://mail.example.org:587"
# smtp_user_env = "FEEDPUB_SMTP_USER"
# smtp_password_env = "FEEDPUB_SMTP_PASSWORD"
# From when on something is wrong: a source not read for so long (left out: by its own timer), failures in a row,
# the share of what is usual that a source brings at least in a week, documents held back in a week, room on the disk.
# stale_after = "6h"
# failures = 3
# shrink = 0.25
# held = 10
# free = "1 GB"

# What feedpub remembers, such as the ids that it gave: keep ledger.ndjson of this folder in your backups.
# [store]
# path = ".feedpub"
"""

_NEW_KEY = """\
# What the ids of articles are made with. Never change it: subscribers would see every article as new."""
_KEPT_KEY = """\
# What the ids of articles are made with. Articles were published from here before there was this
# file, with the key that feedpub uses where none is set; it stands here so that they keep their ids.
# Never change it: subscribers would see every article as new."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin` wrote and guessed. `created` are the paths that are new; `language` None: not known."""

    config: Path
    articles: Path
    output: Path
    created: tuple[Path, ...]
    title: str
    timezone: str
    language: str | None
    key_kept: bool


def begin(folder: Path, *, environment: Mapping[str, str] | None = None, system: Path = Path("/")) -> Begun:
    """A newsroom in `folder`, which is made if need be.

    Articles that were published here without a feedpub.toml keep their ids and their folder.

    Args:
        folder: where feedpub.toml goes.
        environment: where locale and zone are looked up; None for this process's.
        system: the root of the system's own files.

    Raises:
        ConfigError: there is a feedpub.toml already, or the folder cannot be written.
    """
    # Not resolve(): the title comes from the name that the user gave.
    folder = Path(os.path.abspath(folder))  # noqa: PTH100
    path = folder / config_file.FILE_NAME
    environment = os.environ if environment is None else environment
    noted = config_file.remembered_folder(folder)
    articles, output = noted or (folder / "articles", folder / config_file.OUTPUT_NAME)
    kept = (folder / config_file.STATE_NAME / "ledger.ndjson").exists()
    title, timezone, language = _title(folder), _timezone(environment, system), _language(environment)
    exclude = f"{output.relative_to(articles).as_posix()}/**" if output.is_relative_to(articles) else None
    text = _TEMPLATE.format(
        title=_quoted(title),
        default_url=DEFAULT_URL,
        url='# url = "https://news.example.org/"',
        language=f"language = {_quoted(language)}" if language else '# language = "en"',
        timezone=_quoted(timezone),
        key_comment=_KEPT_KEY if kept else _NEW_KEY,
        key=DEFAULT_KEY if kept else uuid.uuid4(),
        articles=_quoted(_path(articles, folder)),
        exclude=f"exclude = [{_quoted(exclude)}]" if exclude else '# exclude = ["drafts/**"]',
        output=_quoted(_path(output, folder)),
    )
    if path.exists() or path.is_symlink():
        raise ConfigError(
            f"{path} exists already and was left as it is. To begin anew, move it away first.", path=str(path)
        )
    new = tuple(made for made in (path, articles, output) if not made.exists())
    try:
        for wanted in (folder, articles, output):
            wanted.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder}: {error.strerror}: the newsroom cannot be made there.",
            path=str(path),
        ) from error
    return Begun(path, articles, output, new, title, timezone, language, kept)


def _title(folder: Path) -> str:
    """The folder's name in words: "harbour-post" → "Harbour post"."""
    printable = "".join(char if char.isprintable() and not char.isspace() else " " for char in folder.name)
    words = " ".join(re.split(r"[\s_-]+", printable)).strip()
    return (words[:1].upper() + words[1:])[:100] or "News"


def _language(environment: Mapping[str, str]) -> str | None:
    """The language of the locale, as a BCP 47 tag; None for the C locale, which names none."""
    value = next((environment[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(key)), "")
    match = re.match(r"([a-z]{2,3})(?:[_.@-]|$)", value)
    return match.group(1) if match else None


def _timezone(environment: Mapping[str, str], system: Path) -> str:
    """The system's zone as an IANA name; UTC where it cannot be told."""
    link = system / "etc/localtime"
    for name in (environment.get("TZ", "").removeprefix(":"), _link(link), _line(system / "etc/timezone")):
        if name and _is_zone(name):
            return (
                "UTC" if name in ("Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Etc/Universal") else name
            )
    return "UTC"


def _link(path: Path) -> str:
    try:
        return os.readlink(path).rpartition("zoneinfo/")[2]  # noqa: PTH115 - the text is wanted, not the path
    except OSError:
        return ""


def _line(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not name.startswith("/")


def _path(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL (https://toml.io/en/v1.0.0#string)."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
