"""Compressed twins beside feeds and indexes: the same bytes, named in the manifest, gone with their file."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub import twins
from feedpub.verification.folder import verify_folder
from tests import test_crash
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom

LATER = NOW + timedelta(days=1)


@pytest.fixture
def compressing(newsroom: Newsroom) -> Newsroom:
    """A newsroom with one article, its twins switched on as they are by default."""
    newsroom.configure(publish=replace(newsroom.config.publish, compress=True))
    newsroom.write("a.md", markdown("Article A", "Text of A. " * 100, section="Town"))
    return newsroom


def packed(newsroom: Newsroom) -> set[str]:
    return {path for path in newsroom.files() if path.endswith((".gz", ".br"))}


def listed(newsroom: Newsroom) -> dict[str, Any]:
    return json.loads(newsroom.read("manifest.json"))["files"]


@given(st.binary(max_size=3000), st.sampled_from(sorted(twins.ENDINGS)))
def test_any_bytes_come_back_and_become_the_same_twin_again(content: bytes, coding: str) -> None:
    made = twins.compress(content, coding)
    assert twins.compress(content, coding) == made
    assert twins.expand(made, coding) == content
    assert {"br": brotli.decompress, "gzip": gzip.decompress}[coding](made) == content


def test_neither_a_time_nor_a_name_is_in_a_gzip_twin() -> None:
    made = twins.compress(b"text " * 500, "gzip")
    flags, time = made[3], made[4:8]  # RFC 1952, 2.3
    assert (flags, time) == (0, bytes(4))


@pytest.mark.tool("gzip")
def test_gzip_itself_reads_a_twin(compressing: Newsroom) -> None:
    compressing.publish()
    shown = subprocess.run(
        ["gzip", "-dc", compressing.output / "feed.xml.gz"], capture_output=True, check=True
    )
    assert shown.stdout == compressing.read("feed.xml")


@pytest.mark.parametrize(
    ("path", "media_type", "size", "expected"),
    [
        ("feed.xml", "application/rss+xml", 5000, True),
        ("feed.json", "application/feed+json", 5000, True),
        ("sections/town/feed.atom", "application/atom+xml", 5000, True),
        ("index.html", "text/html; charset=utf-8", 5000, True),
        ("archives/0/feed-1.xml", "application/rss+xml", 5000, True),
        ("dump/0/records-1.ndjson", "application/x-ndjson", 5000, True),
        ("sitemap.xml", "application/xml", 5000, True),
        ("events.ics", "text/calendar", 5000, True),
        ("feed.xml", "application/rss+xml", 500, False),
        ("articles/2025/09/bridge.html", "text/html", 5000, False),
        ("events/2025/09/fair.jsonld", "application/ld+json", 5000, False),
        ("media/ab12.svg", "image/svg+xml", 5000, False),
        ("logo.png", "image/png", 5000, False),
        ("manifest.json", "application/json", 5000, False),
        ("dump/0/manifest.json", "application/json", 5000, False),
    ],
)
def test_which_files_have_twins(path: str, media_type: str, size: int, expected: bool) -> None:
    assert twins.has_twins(path, media_type, size) is expected


def test_each_twin_holds_the_bytes_of_its_file_and_stands_in_its_entry(compressing: Newsroom) -> None:
    compressing.publish()
    found = packed(compressing)
    assert {"feed.xml.gz", "feed.xml.br", "feed.atom.gz", "index.html.br"} <= found
    assert not [path for path in found if path.startswith(("articles/", "events/", "media/"))]
    for path in found:
        main, coding = path[:-3], {".gz": "gzip", ".br": "br"}[path[-3:]]
        content = compressing.read(path)
        back = gzip.decompress(content) if coding == "gzip" else brotli.decompress(content)
        assert back == compressing.read(main)
        assert len(content) < len(back)
    feed = listed(compressing)["feed.xml"]["encodings"]
    assert {coding: twin["size"] for coding, twin in feed.items()} == {
        "br": len(compressing.read("feed.xml.br")), "gzip": len(compressing.read("feed.xml.gz")),
    }  # fmt: skip
    assert not [path for path in listed(compressing) if path.endswith((".gz", ".br"))]
    assert not verify_folder(compressing.output).differences


def test_a_report_counts_files_and_not_their_twins(compressing: Newsroom) -> None:
    report = compressing.publish()
    assert "feed.xml" in report.written
    assert not [path for path in report.written if path.endswith((".gz", ".br"))]


def test_nothing_is_written_where_nothing_changed(compressing: Newsroom) -> None:
    compressing.publish()
    before = {path: (compressing.output / path).stat().st_mtime_ns for path in compressing.files()}
    compressing.publish(now=NOW + timedelta(minutes=1))
    assert before == {path: (compressing.output / path).stat().st_mtime_ns for path in compressing.files()}


def test_a_changed_feed_has_new_twins_and_one_that_is_gone_has_none(compressing: Newsroom) -> None:
    compressing.configure(publish=replace(compressing.config.publish, feeds_by=("section",)))
    compressing.publish()
    old = compressing.read("feed.xml.br")
    assert "sections/town/feed.xml.gz" in packed(compressing)
    compressing.write("a.md", markdown("Article A", "Text of A, changed. " * 100, section="Harbour"))
    compressing.configure(publish=replace(compressing.config.publish, feeds_by=()))
    compressing.publish(now=LATER)
    assert brotli.decompress(compressing.read("feed.xml.br")) == compressing.read("feed.xml")
    assert compressing.read("feed.xml.br") != old
    assert not [path for path in packed(compressing) if path.startswith("sections/")]
    assert all(path[:-3] in compressing.files() for path in packed(compressing))


def test_a_file_that_becomes_small_loses_its_twins(compressing: Newsroom) -> None:
    compressing.write("concert.md", CONCERT + "They play until it is dark. " * 50)
    compressing.publish()
    assert "events.jsonld.gz" in packed(compressing)
    assert len(compressing.read("events.jsonld")) >= 1024
    (compressing.articles / "concert.md").unlink()
    compressing.configure(feeds=(replace(compressing.config.feeds[0], tombstones=False),))
    compressing.publish(now=LATER, yes=True)
    assert len(compressing.read("events.jsonld")) < 1024
    assert not {"events.jsonld.gz", "events.jsonld.br"} & packed(compressing)
    assert "encodings" not in listed(compressing)["events.jsonld"]


def test_switching_twins_off_and_on_again_changes_nothing_else(compressing: Newsroom) -> None:
    compressing.publish()
    whole = compressing.files()
    publish = compressing.config.publish
    compressing.configure(publish=replace(publish, compress=False))
    compressing.publish(now=LATER)
    assert not packed(compressing)
    assert "encodings" not in json.dumps(listed(compressing))
    compressing.configure(publish=publish)
    compressing.publish(now=LATER)
    assert compressing.files().keys() == whole.keys()
    same = {path for path in whole if not path.endswith("manifest.json")}
    assert {path: compressing.read(path) for path in same} == {path: whole[path] for path in same}


def test_a_store_begun_anew_takes_over_the_twins_that_stand_there(compressing: Newsroom) -> None:
    compressing.publish()
    whole = compressing.files()
    compressing.publish(rebuild=True)
    assert compressing.files() == whole


def test_verify_finds_twins_that_are_missing_damaged_or_of_other_bytes(compressing: Newsroom) -> None:
    compressing.publish()
    (compressing.output / "feed.xml.gz").unlink()
    (compressing.output / "feed.atom.br").write_bytes(b"no brotli")
    other = gzip.compress(b"other")
    (compressing.output / "feed.json.gz").write_bytes(other)
    found = {(d.path, d.field) for d in verify_folder(compressing.output).differences}
    assert found == {
        ("feed.xml.gz", "items"),
        ("feed.atom.br", "hash"),
        ("feed.atom.br", "syntax"),
        ("feed.json.gz", "hash"),
        ("feed.json.gz", "text"),
    }


def test_a_crash_leaves_twins_whole_and_the_next_run_completes_them(
    compressing: Newsroom, tmp_path: Any
) -> None:
    compressing.publish()
    old = compressing.files()
    compressing.write("b.md", markdown("Article B", "Text of B. " * 100))
    start = tmp_path / "start"
    shutil.copytree(compressing.root, start)
    compressing.publish(now=LATER)
    new = compressing.files()
    assert re.search(r"feed\.xml\.br", " ".join(path for path in new if new[path] != old.get(path)))
    call, survived = 0, False
    while not survived:
        call += 11
        shutil.rmtree(compressing.root)
        shutil.copytree(start, compressing.root)
        survived = test_crash._publish_and_die(compressing, call)
        for path, content in compressing.files().items():
            assert content in (old.get(path), new.get(path)), f"{path} is neither the old nor the new file"
        compressing.publish(now=LATER)
        assert compressing.files() == new, f"killed at call {call}"
    assert call > 50
