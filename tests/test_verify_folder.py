"""`feedpub verify`: a folder as a stranger would check it, feedpub's own and one of other software."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from feedpub import cli
from feedpub.config import FeedConfig
from feedpub.formats import BUILT_IN
from feedpub.verification import Difference
from feedpub.verification.folder import Verdict, verify_folder
from tests.conftest import NOW, Newsroom

ARTICLE = """---
title: Bridge opens & closes
date: 2025-08-0{0}T10:00:00+02:00
author: Amina Rahman
section: Transport
keywords: [bridge]
events:
  - name: Opening of bridge {0}
    startDate: 2025-10-0{0}T18:00:00+02:00
    location: Alderford
---

The bridge number {0} was opened on Tuesday.

* by the mayor
* with <em>music</em>
"""


@pytest.fixture
def published(newsroom: Newsroom) -> Newsroom:
    """Six articles, some of them in archive pages, in every format, without a manifest."""
    for number in range(1, 7):
        newsroom.write(f"{number}.md", ARTICLE.format(number))
    feed = FeedConfig(path="", title="Test News", formats=tuple(BUILT_IN), limit=2, archive=True)
    newsroom.configure(
        feeds=(feed,), site=replace(newsroom.config.site, timezone="Europe/Berlin", language="en")
    )
    report = newsroom.publish()
    assert not report.failed, report.failures
    return newsroom


def verdict(newsroom: Newsroom) -> Verdict:
    return verify_folder(newsroom.output)


def only(found: Verdict, **wanted: str) -> list[Difference]:
    return [d for d in found.differences if all(getattr(d, key) == value for key, value in wanted.items())]


def edit(newsroom: Newsroom, path: str, change: Callable[[str], str]) -> None:
    """Change a file, and the manifest too, as software would that is wrong and sure of itself."""
    file = newsroom.output / path
    before = file.read_bytes().decode()
    after = change(before)
    assert after != before
    file.write_bytes(after.encode())
    for manifest in newsroom.output.rglob("manifest.json"):
        manifest.unlink()


def test_what_was_published_has_no_difference(published: Newsroom) -> None:
    found = verdict(published)
    assert found.differences == []
    assert found.records == 12
    assert {
        "rss",
        "atom",
        "jsonfeed",
        "jsonld",
        "icalendar",
        "page",
        "record",
        "sitemap",
        "dump",
    } <= found.files.keys()


def test_it_has_none_either_without_the_manifest(published: Newsroom) -> None:
    for manifest in published.output.rglob("manifest.json"):
        manifest.unlink()
    assert verdict(published).differences == []


@pytest.mark.parametrize(
    ("path", "field", "old", "new"),
    [
        ("feed.xml", "title", "Bridge opens &amp; closes", "Bridge opens &amp;amp; closes"),
        ("feed.atom", "title", "Bridge opens &amp; closes", "Bridge opens"),
        ("feed.json", "authors", '"name":"Amina Rahman"', '"name":"A. Rahman"'),
        ("feed.json", "text", "with <em>music", "without <em>music"),
        ("feed.xml", "published", "10:00:00 +0200", "10:00:00 +0000"),
        ("feed.jsonld", "title", '"headline":"Bridge opens', '"headline":"The bridge opens'),
        ("feed.jsonld", "published", "T10:00:00+02:00", "T11:00:00+02:00"),
        ("events.ics", "start", "T180000", "T190000"),
        ("events.jsonld", "title", "Opening of bridge", "Closing of bridge"),
    ],
)
def test_formats_that_disagree_are_told_with_both_values(
    published: Newsroom, path: str, field: str, old: str, new: str
) -> None:
    edit(published, path, lambda text: text.replace(old, new))
    found = only(verdict(published), field=field)
    assert found
    assert path in f"{found[0].path} {found[0].expected}"
    assert found[0].record_id


def test_a_file_that_is_not_the_one_in_the_manifest_is_told(published: Newsroom) -> None:
    file = published.output / "feed.xml"
    file.write_bytes(file.read_bytes() + b"\n")
    (published.output / "feed.json").unlink()
    found = verdict(published)
    assert [d.path for d in only(found, field="hash")] == ["feed.xml"]
    assert [d.path for d in only(found, field="items", format="manifest")] == ["feed.json"]


def test_a_manifest_of_another_form_is_told(published: Newsroom) -> None:
    manifest = json.loads(published.read("manifest.json"))
    manifest["files"]["feed.xml"]["hash"] = "abc"
    (published.output / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = verdict(published)
    assert {d.path for d in only(found, field="syntax", format="manifest")} == {"manifest.json"}
    assert [d.path for d in only(found, field="hash")] == ["feed.xml"]


def test_addresses_without_a_file_are_told(published: Newsroom) -> None:
    newest = json.loads(published.read("feed.json"))["items"][0]["url"]
    page = newest.removeprefix("https://news.example/")
    (published.output / page).unlink()
    for manifest in published.output.rglob("manifest.json"):
        manifest.unlink()
    found = only(verdict(published), field="links")
    assert {Path(d.path).suffix for d in found} >= {".xml", ".atom", ".json"}
    assert all(page in d.expected for d in found)


def test_a_chain_of_archive_pages_that_breaks_is_told(published: Newsroom) -> None:
    archives = sorted(
        path for path in published.files() if path.startswith("archives/") and path.endswith("-1.xml")
    )
    assert archives
    edit(published, "index.html", lambda text: text + "\n")  # without manifests
    (published.output / archives[0]).unlink()
    (told,) = [d for d in only(verdict(published), field="links") if archives[0] in d.expected]
    assert told.format == "rss"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("feed.xml", b"<rss><channel>"),
        ("feed.json", b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}'),
        ("feed.jsonld", b'{"@context": "https://schema.org", "@graph": ['),
        ("events.ics", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n"),
        (
            "sitemap.xml",
            b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>',
        ),
    ],
)
def test_a_file_that_its_judge_refuses_is_told(tmp_path: Path, path: str, content: bytes) -> None:
    (tmp_path / path).write_bytes(content)
    found = verify_folder(tmp_path)
    assert [d.field for d in found.differences][:1] == ["syntax"]
    assert found.differences[0].path == path


# -- what other software wrote

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Other News</title><link>https://other.example/</link><description>Elsewhere</description>
<atom:link href="https://other.example/rss.xml" rel="self" type="application/rss+xml"/>
<item><title>Ferry runs</title><link>https://other.example/ferry.html</link>
<guid isPermaLink="false">tag:other.example,2025:1</guid><dc:creator><![CDATA[Jo March]]></dc:creator>
<pubDate>Tue, 02 Sep 2025 08:00:00 +0000</pubDate><description><![CDATA[It runs.]]></description>
<content:encoded><![CDATA[<p>It runs again.</p>]]></content:encoded></item>
</channel></rss>
"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Other News",
    "feed_url": "https://other.example/feed.json",
    "items": [
        {
            "id": "tag:other.example,2025:1",
            "url": "https://other.example/ferry.html",
            "title": "Ferry runs",
            "content_html": "<p>It runs again.</p>",
            "date_published": "2025-09-02T10:00:00+02:00",
            "authors": [{"name": "Jo March"}],
        }
    ],
}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "rss.xml").write_text(RSS, "utf-8")
    (tmp_path / "feed.json").write_text(json.dumps(JSON_FEED), "utf-8")
    (tmp_path / "ferry.html").write_text("<!doctype html><title>Ferry runs</title><p>It runs again.", "utf-8")
    (tmp_path / "theme.css").write_text("p { color: red }", "utf-8")
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return cli.run(["verify", *arguments], out, err), out.getvalue(), err.getvalue()


def test_a_folder_of_other_software_can_be_verified(other: Path) -> None:
    found = verify_folder(other)
    assert found.differences == []
    assert found.files == {"rss": 1, "jsonfeed": 1, "page": 1}


def test_its_disagreements_and_missing_pages_are_told(other: Path) -> None:
    (other / "ferry.html").unlink()
    (other / "rss.xml").write_text(
        RSS.replace("Ferry runs", "Ferry stops").replace("08:00:00", "09:00:00"), "utf-8"
    )
    code, out, err = run(str(other))
    assert code == 1
    assert "should be Ferry runs (so feed.json)" in out
    assert "but is    Ferry stops" in out
    assert "rss: title of tag:other.example,2025:1" in out
    assert "should be a file at https://other.example/ferry.html" in out
    assert "4 differences" in err
    code, out, _ = run("--json", str(other))
    told = json.loads(out)
    assert code == 1
    assert {d["field"] for d in told["differences"]} == {"title", "published", "links"}
    assert told["files"] == {"rss": 1, "jsonfeed": 1}


def test_the_exit_code_tells_clean_from_different_from_wrong_use(other: Path, tmp_path: Path) -> None:
    assert run(str(other))[0] == 0
    code, _, err = run(str(tmp_path / "nowhere"))
    assert code == 2
    assert "is not a folder" in err
    (tmp_path / "empty").mkdir()
    assert run(str(tmp_path / "empty"))[0] == 1
    assert "feedpub verify feeds" in run("--help")[1]


def test_a_newsroom_with_a_history_is_as_clean_as_a_new_one(published: Newsroom) -> None:
    (published.articles / "3.md").unlink()
    published.write("4.md", ARTICLE.format(4).replace("author:", "slug: elsewhere\nauthor:"))
    published.write("5.md", ARTICLE.format(5).replace("author:", "expires: 2025-09-04\nauthor:"))
    published.publish(now=NOW + timedelta(days=2))
    assert not verdict(published).differences
    listed = [json.loads(path.read_bytes())["files"] for path in published.output.rglob("manifest.json")]
    assert sum("status" in file for files in listed for file in files.values()) >= 3


def test_pages_on_the_same_host_that_others_write_are_left_alone(published: Newsroom) -> None:
    own = "title: Our own page\ncanonical_url: https://news.example/blog/own\ndate: 2025-08-20"
    published.write("own.md", f"---\n{own}\n---\nThe text of a page that stands elsewhere.\n")
    published.publish(now=NOW + timedelta(days=1))
    assert not verdict(published).differences
