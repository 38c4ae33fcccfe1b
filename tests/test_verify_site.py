"""`feedpub verify` on the files of a site: where pages, lists and indexes lead, and whether they agree."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from feedpub.config import Config, Publish, Site, SourceConfig
from feedpub.verification import Difference
from feedpub.verification.folder import verify_folder
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom

SECTION = "sections/transport/index.html"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    root = tmp_path_factory.mktemp("newsroom")
    (root / "articles").mkdir()
    config = Config(
        root=root,
        site=Site(title="Test News", url="https://news.example/"),
        sources=(SourceConfig(name="articles", path=root / "articles"),),
        publish=Publish(output=root / "feeds", feeds_by=("section",)),
        state=root / ".feedpub",
    )
    newsroom = Newsroom(root, config)
    linked = (
        "See [our page about us](https://news.example/about) and ![a map](https://news.example/maps/a.png)."
    )
    newsroom.write("bridge.md", markdown("Bridge & ferry", linked, section="Transport"))
    newsroom.write("quay.md", markdown("Quay", "Text of the quay.", section="Harbour"))
    newsroom.write("gone.md", markdown("Gone", "Text of what goes.", section="Harbour"))
    newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    (newsroom.articles / "gone.md").unlink()
    newsroom.write("quay.md", markdown("Quay", "Text of the quay.", section="Harbour", slug="elsewhere"))
    report = newsroom.publish(now=NOW + timedelta(days=1), yes=True)
    assert not report.failed
    return newsroom


@pytest.fixture
def published(built: Newsroom, tmp_path: Path) -> Newsroom:
    """Two articles in two sections, an event, and what was withdrawn or has moved."""
    output = tmp_path / "feeds"
    shutil.copytree(built.output, output)
    return Newsroom(tmp_path, replace(built.config, publish=replace(built.config.publish, output=output)))


def found(folder: Path, field: str = "links") -> list[Difference]:
    return [one for one in verify_folder(folder).differences if one.field == field]


def without_manifest(newsroom: Newsroom) -> None:
    for manifest in newsroom.output.rglob("manifest.json"):
        manifest.unlink()


def lose(newsroom: Newsroom, path: str) -> None:
    """Have a file gone of which the manifest does not know either."""
    (newsroom.output / path).unlink()
    for manifest in newsroom.output.rglob("manifest.json"):
        said = json.loads(manifest.read_bytes())
        said["files"].pop(path, None)
        manifest.write_text(json.dumps(said), "utf-8")


def edit(newsroom: Newsroom, path: str, change: Callable[[str], str]) -> None:
    """Change a file of a folder that has its manifest still: what is ours is read as ours."""
    file = newsroom.output / path
    before = file.read_text("utf-8")
    after = change(before)
    assert after != before
    file.write_text(after, "utf-8")


def test_every_kind_of_file_is_read_and_none_differs(published: Newsroom) -> None:
    verdict = verify_folder(published.output)
    assert verdict.differences == []
    wanted = {"front page": 1, "opml": 1, "robots": 1, "changes": 1, "index": 2, "notice": 1, "redirect": 1}
    assert {name: verdict.files.get(name) for name in wanted} == wanted
    assert verdict.files["listing"] == 2
    without_manifest(published)
    assert verify_folder(published.output).differences == []


@pytest.mark.parametrize(
    ("gone", "told_in"),
    [
        (SECTION, {"front page", "opml", "page"}),
        ("sections/transport/feed.xml", {"front page", "opml", "listing"}),
        ("sitemap.xml", {"robots"}),
        ("dump/0/records-1.ndjson", {"index"}),
        ("changes/0/changes-1.ndjson", {"index"}),
    ],
)
def test_a_file_that_is_named_and_not_there_is_told(
    published: Newsroom, gone: str, told_in: set[str]
) -> None:
    lose(published, gone)
    told = [one for one in found(published.output) if one.expected.endswith(gone)]
    assert told
    assert {one.format for one in told} <= told_in
    without_manifest(published)
    assert [one for one in found(published.output) if one.expected.endswith(gone)]


def test_a_record_that_the_changes_lead_to_and_is_not_there_is_told(published: Newsroom) -> None:
    (record,) = (
        path for path in published.files() if path.startswith("events/") and path.endswith(".jsonld")
    )
    lose(published, record)
    assert "changes" in {one.format for one in found(published.output)}


def test_changes_with_a_gap_are_told(published: Newsroom) -> None:
    edit(published, "changes/0/changes-1.ndjson", lambda text: text.partition("\n")[2])
    (told,) = found(published.output, "order")
    assert (told.expected, told.found) == ("sequence 1", "sequence 2")


def test_a_list_that_calls_an_article_otherwise_is_told(published: Newsroom) -> None:
    for path in (SECTION, "index.html"):
        edit(published, path, lambda text: text.replace("Bridge &amp; ferry", "Bridge &amp;amp; ferry"))
    told = found(published.output, "title")
    assert {(one.path, one.found) for one in told} == {
        (SECTION, "Bridge &amp; ferry"),
        ("index.html", "Bridge &amp; ferry"),
    }
    assert all(one.expected.startswith("Bridge & ferry (so ") and one.record_id for one in told)


def test_a_list_of_feeds_that_lacks_one_or_has_one_twice_is_told(published: Newsroom) -> None:
    edit(published, "feeds.opml", lambda text: text.replace("sections/transport/feed.xml", "feed.xml"))
    told = found(published.output, "items")
    assert {one.format for one in told} == {"opml"}
    assert {one.found for one in told} == {"several items", "nothing"}


@pytest.mark.parametrize(
    ("path", "old", "new", "field"),
    [
        ("robots.txt", "Disallow:", "Disallow: /sections/", "links"),
        ("feeds.opml", ' text="Quay', "", "syntax"),
        ("feeds.opml", 'version="2.0"', "", "syntax"),
        ("changes/0/changes-1.ndjson", '"added"', '"new"', "change"),
        ("changes.json", '"files": 1', '"files": 3', "syntax"),
    ],
)
def test_a_file_that_breaks_the_rules_of_its_kind_is_told(
    published: Newsroom, path: str, old: str, new: str, field: str
) -> None:
    if old not in published.read(path).decode():
        old = ' text="Test News'
    edit(published, path, lambda text: text.replace(old, new, 1))
    assert path in {one.path for one in found(published.output, field)}


# -- what other software wrote

FEED = """<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>O</title>
<link>https://other.example/blog/</link><description>D</description>
<atom:link href="https://other.example/blog/feed.xml" rel="self"/></channel></rss>"""
ELSEWHERE = """<!doctype html><head><link rel="pingback" href="/blog/rpc.html"><link rel="icon" href="data:,"></head>
<a href="https://elsewhere.example/a.html">a</a> <a href="mailto:x@other.example">b</a> <a href="#top">c</a> <a>d</a>
<a href="/about.html">host</a> <a href="https://other.example/x.html">host</a> <a href="/blog/">home</a>
<a href="search.html?q=1">program</a> <a href="login.php">program</a> <a href="about">made</a> <a href="tags/a/">made</a>
<a href="http://[::1">broken</a> <a href="//cdn.example/x.html">d</a> <a href="posts/one">without ending</a>
<a href="posts/one.html?page=2#x">e</a> <img src="data:image/gif;base64,R0"> <a href="javascript:void(0)">f</a>"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    (tmp_path / "feed.xml").write_text(FEED, "utf-8")
    (tmp_path / "page.html").write_text(ELSEWHERE, "utf-8")
    (tmp_path / "posts" / "one.html").write_text(
        '<a href="../page.html">up</a> <a href="./">list</a>', "utf-8"
    )
    (tmp_path / "posts" / "index.html").write_text(
        '<base href="/blog/"><a href="page.html">page</a>', "utf-8"
    )
    return tmp_path


def test_addresses_that_need_be_no_file_of_another_software_are_left_alone(other: Path) -> None:
    assert verify_folder(other).differences == []


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="../posts/two.html">x</a>',
        '<a href="/blog/posts/two.html">x</a>',
        '<a href="https://other.example/blog/posts/two.html#part">x</a>',
        '<img src="two.png">',
        '<head><link rel="stylesheet" href="../theme.css"></head><p>x',
        '<head><base href="https://other.example/blog/posts/"></head><a href="two.html">x</a>',
    ],
)
def test_a_dead_link_of_another_software_is_told_once(other: Path, markup: str) -> None:
    for name in ("three.html", "four.html"):
        (other / "posts" / name).write_text(f"<!doctype html>{markup}", "utf-8")
    (told,) = found(other)
    assert told.path == "posts/four.html"
    assert told.format == "page"


def test_lists_of_feeds_and_robots_of_another_software_are_followed(other: Path) -> None:
    outline = '<outline text="O" type="rss" xmlUrl="https://other.example/blog/{}" htmlUrl="https://other.example/"/>'
    opml = f'<opml version="1.1"><head/><body>{outline}{outline}</body></opml>'
    (other / "feeds.opml").write_text(opml.format("feed.xml", "lost.xml"), "utf-8")
    (other / "robots.txt").write_text(
        "User-agent: *\nDisallow: /posts/\nSitemap: https://other.example/blog/map.xml\n", "utf-8"
    )
    assert {(one.format, one.expected) for one in verify_folder(other).differences} == {
        ("opml", "a file at https://other.example/blog/lost.xml"),
        ("robots", "a file at https://other.example/blog/map.xml"),
    }
