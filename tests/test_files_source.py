"""The folder as a source: what is new, changed, gone, and what is left alone."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedpub.config import SourceConfig
from feedpub.errors import ConfigError, SourceError
from feedpub.sources import Change, Changed, Gone, Listing, Seen, Touched, Unreadable, containers
from feedpub.sources.files import FilesSource
from feedpub.sources.walk import Walk, pattern
from tests.isolation import in_child, obey_permissions

NOW = datetime(2025, 9, 3, tzinfo=UTC)
OLD = 1_756_800_000_123_456_789


def needs_permissions(test: Callable[[Folder], None]) -> Callable[[Folder], None]:
    """Run the test in a child that obeys permissions even as root."""

    @functools.wraps(test)
    def obeying(folder: Folder) -> None:
        in_child(lambda: obey_permissions() or test(folder))

    return obeying


class Store:
    """A state kept in a dictionary, as a store would keep it."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    def listed(self) -> Iterator[Seen]:
        return iter(sorted((s for s in self.seen.values() if s.container is None), key=lambda s: s.place))

    def find(self, place: str) -> Seen | None:
        return self.seen.get(place)

    def items(self, container: str) -> Iterator[Seen]:
        return iter(
            sorted((s for s in self.seen.values() if s.container == container), key=lambda s: s.place)
        )

    def take(self, changes: Iterator[Change]) -> list[Change]:
        taken: list[Change] = []
        for change in changes:
            taken.append(change)
            if isinstance(change, Changed):
                place = change.document.place
                self.seen[place] = Seen(place, change.stamp, change.digest, change.container)
            elif isinstance(change, Touched):
                self.seen[change.place] = Seen(change.place, change.stamp, change.digest)
            elif isinstance(change, Unreadable):
                self.seen[change.place] = Seen(change.place, change.stamp, "", change.container)
            elif isinstance(change, Gone):
                for item in list(self.items(change.place)):
                    del self.seen[item.place]
                self.seen.pop(change.place, None)
        return taken


class Folder:
    """A folder of articles with its store; files are old unless a test says otherwise."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store()
        self.tick = 0
        root.mkdir(exist_ok=True)

    def write(self, name: str, content: str | bytes = "text", *, age: bool = True) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if age:
            self.tick += 1_000_001
            os.utime(path, ns=(OLD + self.tick, OLD + self.tick))
        return path

    def source(self, **config: Any) -> FilesSource:
        return FilesSource(SourceConfig("s", path=self.root, **config))

    def refresh(self, **config: Any) -> list[Change]:
        return self.store.take(self.source(**config).changes(self.store, NOW))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "articles")


def changed(changes: list[Change]) -> list[str]:
    return [c.document.place for c in changes if isinstance(c, Changed)]


def gone(changes: list[Change]) -> list[str]:
    return [c.place for c in changes if isinstance(c, Gone)]


def unreadable(changes: list[Change]) -> dict[str, str]:
    return {c.place: c.problem.rule for c in changes if isinstance(c, Unreadable)}


def listing(changes: list[Change]) -> Listing:
    assert isinstance(changes[-1], Listing)
    assert sum(isinstance(c, Listing) for c in changes) == 1
    return changes[-1]


def test_first_refresh_finds_every_file_in_order_of_its_path(folder: Folder) -> None:
    names = ["b.md", "a/z.txt", "a.txt", "a-b.html", "a/b/c.json", "ä.text", "a0.markdown", "a/b.xhtml"]
    for name in names:
        folder.write(name, '{"title": "x"}' if name.endswith("json") else "text")
    found = folder.refresh()
    assert changed(found) == sorted(names)
    assert listing(found) == Listing(True, 0)


def test_document_carries_what_is_known_of_its_file(folder: Folder) -> None:
    folder.write("a/b.md", "# Größe")
    (found, _) = folder.refresh()
    assert isinstance(found, Changed)
    document = found.document
    assert (document.source, document.place, document.media_type) == ("s", "a/b.md", "text/markdown")
    assert document.data == "# Größe".encode()
    assert document.base_path == str(folder.root / "a")
    assert found.digest == hashlib.sha256(document.data).hexdigest()


def test_second_refresh_finds_nothing(folder: Folder) -> None:
    for name in ("a.txt", "b/c.md", "d.jsonl"):
        folder.write(name, '{"id": 1}\n{"id": 2}\n' if name.endswith("l") else "x")
    folder.refresh()
    assert folder.refresh() == [Listing(True, 4)]


def test_changed_file_is_reported_and_no_other(folder: Folder) -> None:
    folder.write("a.txt", "one")
    folder.write("b.txt", "two")
    folder.refresh()
    folder.write("b.txt", "three")
    found = folder.refresh()
    assert changed(found) == ["b.txt"]
    assert listing(found).unmodified == 1


def test_same_content_with_another_time_is_only_touched(folder: Folder) -> None:
    folder.write("a.txt", "one")
    folder.refresh()
    folder.write("a.txt", "one")
    found = folder.refresh()
    assert [type(c) for c in found] == [Touched, Listing]
    assert folder.refresh() == [Listing(True, 1)]


def test_deleted_file_is_gone(folder: Folder) -> None:
    for name in ("a.txt", "b.txt", "c/d.txt", "z.txt"):
        folder.write(name)
    folder.refresh()
    for name in ("a.txt", "c/d.txt", "z.txt"):
        (folder.root / name).unlink()
    found = folder.refresh()
    assert gone(found) == ["a.txt", "c/d.txt", "z.txt"]
    assert listing(found).complete


def test_empty_folder_withdraws_nothing_and_asks_whether_it_is_mounted(folder: Folder) -> None:
    folder.write("a/b.txt")
    folder.refresh()
    (folder.root / "a/b.txt").unlink()
    found = folder.refresh()
    assert gone(found) == []
    assert not listing(found).complete
    assert "mounted" in listing(found).notices[0]
    assert list(folder.store.seen) == ["a/b.txt"]


def test_missing_folder_is_an_error_of_the_source(tmp_path: Path) -> None:
    source = FilesSource(SourceConfig("wire", path=tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="nowhere") as caught:
        list(source.changes(Store(), NOW))
    assert caught.value.source == "wire"
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(SourceError):
        list(FilesSource(SourceConfig("wire", path=tmp_path / "file.txt")).changes(Store(), NOW))
    with pytest.raises(SourceError, match="path"):
        FilesSource(SourceConfig("wire"))


def test_hidden_and_unfinished_files_are_left_alone(folder: Folder) -> None:
    for name in (
        ".hidden.txt", ".git/a.txt", "a.txt~", "a.txt.tmp", "a.part", "a.txt.swp", "a.crdownload",
        "a.txt.bak", "#a.txt#", "~$a.txt", "photo.jpg", "Thumbs.db",
    ):  # fmt: skip
        folder.write(name)
    folder.write("#metoo.txt")
    found = folder.refresh()
    assert changed(found) == ["#metoo.txt"]
    assert listing(found).notices == ()


def test_other_kinds_are_counted_in_a_notice(folder: Folder) -> None:
    for name in ("a.pdf", "b.pdf", "c.docx", "LICENSE", "d.txt"):
        folder.write(name)
    found = folder.refresh()
    assert changed(found) == ["d.txt"]
    (notice,) = listing(found).notices
    assert ".pdf 2" in notice
    assert ".docx 1" in notice
    assert "without an ending 1" in notice


def test_include_and_exclude_choose(folder: Folder) -> None:
    for name in ("a.txt", "news/b.txt", "news/old/c.txt", "news/README.md", "news/d.wire"):
        folder.write(name)
    assert changed(folder.refresh(include=("news/**",), exclude=("README*", "old/"))) == [
        "news/b.txt",
        "news/d.wire",
    ]


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "x/y/a.txt", True),
        ("/*.txt", "x/a.txt", False),
        ("x/*.txt", "x/a.txt", True),
        ("x/*.txt", "x/y/a.txt", False),
        ("x/**/a.txt", "x/a.txt", True),
        ("x/**/a.txt", "x/y/z/a.txt", True),
        ("**/a.txt", "a.txt", True),
        ("old/", "x/old/a.txt", True),
        ("x/", "x/a/b.txt", True),
        ("a?.txt", "ab.txt", True),
        ("a?.txt", "a/.txt", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("a.txt", "aXtxt", False),
        ("a.txt", "a.txt\n", False),
    ],
)
def test_globs_mean_what_they_mean_in_gitignore(glob: str, path: str, matches: bool) -> None:
    expression = pattern((glob,))
    assert expression is not None
    assert bool(expression.match(path)) is matches


def test_published_output_below_the_folder_is_not_read_as_input(folder: Folder) -> None:
    folder.write("feeds/manifest.json", '{"feedpub": "0.1.0", "files": {}}')
    folder.write("feeds/articles/a.html")
    folder.write("other/manifest.json", '{"name": "x"}')
    found = folder.refresh()
    assert changed(found) == ["other/manifest.json"]
    assert "published feeds" in listing(found).notices[0]


@needs_permissions
def test_unreadable_file_is_reported_kept_and_tried_again(folder: Folder) -> None:
    path = folder.write("a.txt")
    folder.write("b.txt")
    folder.refresh()
    folder.write("a.txt", "changed")
    path.chmod(0)
    found = folder.refresh()
    assert unreadable(found) == {"a.txt": "unreadable"}
    assert gone(found) == []
    path.chmod(0o644)
    assert changed(folder.refresh()) == ["a.txt"]


@needs_permissions
def test_unreadable_folder_keeps_what_is_known_below_it(folder: Folder) -> None:
    for name in ("a/b.txt", "a/c/d.txt", "e.txt", "f.txt"):
        folder.write(name)
    folder.refresh()
    (folder.root / "f.txt").unlink()
    (folder.root / "a").chmod(0)
    try:
        found = folder.refresh()
    finally:
        (folder.root / "a").chmod(0o755)
    assert gone(found) == ["f.txt"]
    assert not listing(found).complete
    assert "a/" in listing(found).notices[0]


def test_file_that_cannot_be_opened_is_reported_and_not_gone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.txt")
    folder.refresh()
    folder.write("a.txt", "changed")
    opened = os.open

    def failing(path: str, flags: int) -> int:
        if path.endswith("a.txt"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    with monkeypatch.context() as patched:
        patched.setattr("feedpub.sources.files.os.open", failing)
        for _ in range(2):
            found = folder.refresh()
            assert (unreadable(found), gone(found)) == ({"a.txt": "unreadable"}, [])
            assert listing(found).complete
    assert changed(folder.refresh()) == ["a.txt"]


def test_folder_that_cannot_be_listed_keeps_what_is_known_below_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/b.txt", "e.txt", "f.txt"):
        folder.write(name)
    folder.refresh()
    (folder.root / "f.txt").unlink()
    scan = Walk._scan

    def failing(self: Walk, path: str) -> Any:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scan(self, path)

    monkeypatch.setattr(Walk, "_scan", failing)
    found = folder.refresh()
    assert gone(found) == ["f.txt"]
    assert not listing(found).complete


def test_large_file_is_refused_unread_and_only_once(folder: Folder) -> None:
    with folder.write("a.txt").open("r+b") as file:
        file.truncate(100_000_001)
    os.utime(folder.root / "a.txt", ns=(OLD, OLD))
    begin = time.perf_counter()
    found = folder.refresh()
    assert time.perf_counter() - begin < 0.5
    assert unreadable(found) == {"a.txt": "too-large"}
    assert unreadable(folder.refresh()) == {}
    assert unreadable(folder.refresh(max_bytes=5)) == {"a.txt": "too-large"}


def test_link_back_to_a_folder_is_no_endless_loop(folder: Folder) -> None:
    folder.write("a/b.txt")
    (folder.root / "a/loop").symlink_to(folder.root)
    (folder.root / "a/self").symlink_to(folder.root / "a")
    (folder.root / "itself.txt").symlink_to("itself.txt")
    found = folder.refresh()
    assert changed(found) == ["a/b.txt"]
    assert sum("read already" in notice for notice in listing(found).notices) == 2


def test_links_out_of_the_folder_are_followed_only_when_asked_for(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("secret")
    os.utime(outside / "a.txt", ns=(OLD, OLD))
    folder.write("own.txt")
    (folder.root / "link").symlink_to(outside)
    (folder.root / "link.txt").symlink_to(outside / "a.txt")
    found = folder.refresh()
    assert changed(found) == ["own.txt"]
    assert sum("out of the source" in notice for notice in listing(found).notices) == 2
    followed = folder.refresh(options={"follow_outside": True})
    assert changed(followed) == ["link.txt", "link/a.txt"]


def test_link_to_what_is_read_anyway_is_not_read_twice(folder: Folder) -> None:
    folder.write("2025/a.txt")
    folder.write("..data/b.txt")
    (folder.root / "latest.txt").symlink_to("2025/a.txt")
    (folder.root / "b.txt").symlink_to("..data/b.txt")
    assert changed(folder.refresh()) == ["2025/a.txt", "b.txt"]


def test_name_that_is_not_utf_8_is_left_out_with_a_notice(folder: Folder) -> None:
    path = os.fsencode(folder.root) + b"/caf\xe9.txt"
    try:
        with open(path, "w") as file:
            file.write("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    folder.write("a.txt")
    found = folder.refresh()
    assert changed(found) == ["a.txt"]
    assert "UTF-8" in listing(found).notices[0]


def test_pipe_does_not_hold_up_the_refresh(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe.txt")
    folder.write("a.txt")
    assert changed(folder.refresh()) == ["a.txt"]


class Clock:
    """Nanoseconds since the epoch; sleeping moves them on and may do something on the way."""

    def __init__(self, at: int, meanwhile: Any = None) -> None:
        self.at = at
        self.slept = 0.0
        self.meanwhile = meanwhile

    def __call__(self) -> int:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.at += round(seconds * 1e9)
        if self.meanwhile:
            self.meanwhile()


def test_young_file_is_looked_at_again_before_it_is_taken(folder: Folder) -> None:
    path = folder.write("a.txt", "all of it")
    clock = Clock(path.stat().st_mtime_ns + 50_000_000)
    source = FilesSource(SourceConfig("s", path=folder.root), clock=clock, sleep=clock.sleep)
    assert changed(folder.store.take(source.changes(folder.store, NOW))) == ["a.txt"]
    assert clock.slept == pytest.approx(0.15)


def test_file_that_is_being_written_waits_and_is_not_gone(folder: Folder) -> None:
    path = folder.write("a.txt", "whole")
    folder.refresh()
    folder.write("a.txt", "hal")
    clock = Clock(path.stat().st_mtime_ns, lambda: folder.write("a.txt", "half writ"))
    source = FilesSource(SourceConfig("s", path=folder.root), clock=clock, sleep=clock.sleep)
    found = folder.store.take(source.changes(folder.store, NOW))
    assert changed(found) == []
    assert gone(found) == []
    assert "being written" in listing(found).notices[0]
    assert changed(folder.refresh()) == ["a.txt"]


def test_second_write_within_the_same_tick_is_found(folder: Folder) -> None:
    path = folder.write("a.txt", "one")
    second = OLD // 1_000_000_000 * 1_000_000_000
    os.utime(path, ns=(second, second))
    clock = Clock(second + 1_000_000_000)
    source = FilesSource(SourceConfig("s", path=folder.root), clock=clock, sleep=clock.sleep)
    folder.store.take(source.changes(folder.store, NOW))
    assert folder.store.seen["a.txt"].stamp.endswith(":racy")
    path.write_text("two")
    os.utime(path, ns=(second, second))
    assert changed(folder.refresh()) == ["a.txt"]
    assert not folder.store.seen["a.txt"].stamp.endswith(":racy")


def test_holds_tells_whether_the_document_is_still_there(folder: Folder) -> None:
    folder.write("a/b.txt", "One text")
    folder.write("a#b.txt")
    folder.write("c.json", '[{"id": "x"}, {"id": "y"}]')
    source = folder.source()
    assert source.holds("a/b.txt", None)
    assert source.holds("a/b.txt", hashlib.sha256(b"One text").hexdigest())
    assert not source.holds("a/b.txt", hashlib.sha256(b"Another text").hexdigest())
    assert source.holds("a#b.txt", None)
    assert source.holds("c.json#x", "any digest: the file as a whole is looked at")
    assert not source.holds("a/c.txt", None)
    assert not source.holds("d.json#x", None)
    assert not source.holds("../articles/a/b.txt", None)
    assert not source.holds(str(folder.root / "a/b.txt"), None)
    folder.store.take(source.changes(folder.store, NOW))
    assert source.holds("c.json#x", None)
    assert not source.holds("c.json#z", None)


# -- several articles in one file


def test_json_object_is_one_document(folder: Folder) -> None:
    folder.write("a.json", '{"headline": "x", "items": [1, 2]}')
    folder.write("b.json", '{"@graph": [{"@type": "NewsArticle"}, {"@type": "Event"}]}')
    found = folder.refresh()
    assert changed(found) == ["a.json", "b.json"]
    assert all(c.container is None for c in found if isinstance(c, Changed))


@pytest.mark.parametrize(
    "text",
    [
        '[\n{"id": "x", "n": 1},\n\n{"id": "y"}\n]',
        '{"version": "1",\n "items": [{"id": "x", "n": 1},\n\n{"id": "y"}]}',
    ],
)
def test_items_of_an_array_are_documents_with_their_lines(folder: Folder, text: str) -> None:
    folder.write("a.json", text)
    found = folder.refresh()
    documents = [c for c in found if isinstance(c, Changed)]
    assert [(c.document.place, c.container, c.document.line) for c in documents] == [
        ("a.json#x", "a.json", 2),
        ("a.json#y", "a.json", 4),
    ]
    assert json.loads(documents[0].document.data) == {"id": "x", "n": 1}
    assert documents[0].document.media_type == "application/json"
    assert isinstance(found[0], Touched)


def test_only_the_changed_item_is_reported(folder: Folder) -> None:
    folder.write("a.json", '[{"id": "x"}, {"id": "y"}, {"id": "z"}]')
    folder.refresh()
    assert folder.refresh() == [Listing(True, 3)]
    folder.write("a.json", '[ {"id": "x"}, {"id": "y", "t": 1} ]')
    found = folder.refresh()
    assert changed(found) == ["a.json#y"]
    assert gone(found) == ["a.json#z"]
    assert listing(found) == Listing(True, 1)


def test_deleted_container_takes_its_items_along(folder: Folder) -> None:
    folder.write("a.json", '[{"id": "x"}]')
    folder.write("b.txt")
    folder.refresh()
    (folder.root / "a.json").unlink()
    assert gone(folder.refresh()) == ["a.json"]
    assert list(folder.store.seen) == ["b.txt"]


def test_json_lines_are_read_line_by_line_and_a_broken_one_costs_itself(folder: Folder) -> None:
    folder.write("a.jsonl", b'\xef\xbb\xbf{"id": "x"}\n\n{"id": broken\r\n["no object"]\n{"id": "y"}')
    found = folder.refresh()
    assert changed(found) == ["a.jsonl#x", "a.jsonl#y"]
    assert unreadable(found) == {"a.jsonl#L3": "json-broken", "a.jsonl#L4": "json-item"}
    (broken, *_) = [c for c in found if isinstance(c, Unreadable)]
    assert (broken.problem.line, broken.problem.column, broken.container) == (3, 8, "a.jsonl")
    assert [c.document.line for c in found if isinstance(c, Changed)] == [1, 5]


def test_item_missing_beside_a_broken_line_is_not_gone(folder: Folder) -> None:
    folder.write("a.jsonl", '{"id": "x"}\n{"id": "y"}\n')
    folder.refresh()
    folder.write("a.jsonl", '{"id": "x"}\n{"id": "y"\n')
    assert gone(folder.refresh()) == []
    folder.write("a.jsonl", '{"id": "x"}\n')
    assert gone(folder.refresh()) == ["a.jsonl#L2", "a.jsonl#y"]


def test_limit_holds_for_each_line_of_json_lines(folder: Folder) -> None:
    rows = [json.dumps({"id": n, "text": "x" * 60}) for n in range(200)]
    rows[7] = json.dumps({"id": 7, "text": "x" * 5000})
    folder.write("a.jsonl", "\n".join(rows))
    found = folder.refresh(max_bytes=1000)
    assert len(changed(found)) == 199
    assert unreadable(found) == {"a.jsonl#L8": "too-large"}


def test_broken_json_file_is_reported_with_its_line_and_loses_nothing(folder: Folder) -> None:
    folder.write("a.json", '[{"id": "x"}]')
    folder.refresh()
    folder.write("a.json", '[{"id": "x"},\n{"id": ]')
    found = folder.refresh()
    (broken,) = [c for c in found if isinstance(c, Unreadable)]
    assert (broken.place, broken.problem.rule, broken.problem.line) == ("a.json", "json-broken", 2)
    assert gone(found) == []
    assert "a.json#x" in folder.store.seen


def test_same_id_twice_in_one_file_holds_the_later_one(folder: Folder) -> None:
    folder.write("a.json", '[{"id": "x", "n": 1}, {"id": "x", "n": 2}, {"id": "x", "n": 3}]')
    found = folder.refresh()
    assert changed(found) == ["a.json#x"]
    assert unreadable(found) == {"a.json#x~2": "duplicate-id", "a.json#x~3": "duplicate-id"}


def test_fields_name_the_list_and_the_id(folder: Folder) -> None:
    folder.write("a.json", '{"data": {"posts": [{"meta": {"nr": 7}}, {"meta": {"nr": 8}}]}}')
    fields = {"items": "data.posts", "id": "meta.nr"}
    assert changed(folder.refresh(fields=fields)) == ["a.json#7", "a.json#8"]


def test_list_that_the_fields_do_not_find_is_a_problem(folder: Folder) -> None:
    folder.write("a.json", '{"data": {}}')
    assert unreadable(folder.refresh(fields={"items": "data.posts"})) == {"a.json": "json-items"}


def test_expression_that_is_not_jmespath_is_an_error_of_the_configuration(folder: Folder) -> None:
    folder.write("a.json", "[{}]")
    with pytest.raises(ConfigError, match="JMESPath"):
        folder.refresh(fields={"id": "a[["})


def test_graph_with_several_articles_is_taken_apart_with_what_they_refer_to(folder: Folder) -> None:
    graph = [
        {"@type": "NewsArticle", "@id": "urn:a", "author": {"@id": "urn:p"}, "about": [{"@id": "urn:e"}]},
        {"@type": ["Article", "OpinionNewsArticle"], "@id": "urn:b", "isBasedOn": {"@id": "urn:a"}},
        {"@type": "Person", "@id": "urn:p", "worksFor": {"@id": "urn:o"}},
        {"@type": "Organization", "@id": "urn:o"},
        {"@type": "Event", "@id": "urn:e"},
        {"@type": "MusicEvent", "@id": "urn:f"},
    ]
    folder.write("a.json", json.dumps({"@context": "https://schema.org", "@graph": graph}))
    found = [c.document for c in folder.refresh() if isinstance(c, Changed)]
    assert [d.place for d in found] == ["a.json#urn:a", "a.json#urn:b", "a.json#urn:f"]
    first = json.loads(found[0].data)
    assert first["@context"] == "https://schema.org"
    assert [node["@id"] for node in first["@graph"]] == ["urn:a", "urn:p", "urn:o", "urn:e"]
    assert json.loads(found[1].data)["@id"] == "urn:b"


def test_article_file_that_becomes_a_list_and_back_leaves_nothing_behind(folder: Folder) -> None:
    folder.write("a.json", '{"headline": "x"}')
    folder.refresh()
    folder.write("a.json", '[{"id": "x"}]')
    found = folder.refresh()
    assert (gone(found), changed(found)) == (["a.json"], ["a.json#x"])
    folder.write("a.json", '{"headline": "x"}')
    found = folder.refresh()
    assert (gone(found), changed(found)) == (["a.json#x"], ["a.json"])


def test_refresh_that_ends_in_the_middle_of_a_file_is_made_good(folder: Folder) -> None:
    folder.write("a.jsonl", "".join(f'{{"id": {n}}}\n' for n in range(10)))
    changes = folder.source().changes(folder.store, NOW)
    folder.store.take(iter([next(changes) for _ in range(4)]))
    assert len(changed(folder.refresh())) == 7
    assert folder.refresh() == [Listing(True, 10)]


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"@id": "https://example.org/a b", "id": 1}, "https://example.org/a%20b"),
        ({"id": 0, "guid": "g"}, "0"),
        ({"id": "", "slug": "my/slug"}, "my/slug"),
        ({"guid": {"rendered": "https://example.org/?p=1"}}, "https://example.org/?p=1"),
        ({"id": "100%#\n"}, "100%25%23"),
        ({"id": True, "url": "u"}, "u"),
    ],
)
def test_key_is_the_items_own_id_made_safe(item: dict[str, Any], key: str) -> None:
    assert containers.key_of(item, {}) == key


def test_key_without_an_id_depends_on_title_and_date_alone() -> None:
    one = containers.key_of({"title": "T", "date": "2025-09-02", "text": "a"}, {})
    assert one == containers.key_of({"text": "b", "date": "2025-09-02", "title": "T"}, {})
    assert one != containers.key_of({"title": "T", "date": "2025-09-03"}, {})
    assert len(one) == 12
    assert len(containers.key_of({"id": "x" * 5000}, {})) == 200


def test_utf_16_json_is_read(folder: Folder) -> None:
    folder.write("a.json", '[{"id": "ä"}]'.encode("utf-16"))
    assert changed(folder.refresh()) == ["a.json#ä"]


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"{}," * 10 + b"]", b"\xff\x00[", b"NaN"]
)
def test_hostile_json_is_refused(folder: Folder, data: bytes) -> None:
    folder.write("a.json", data)
    assert list(unreadable(folder.refresh())) == ["a.json"]


NAMES = st.sampled_from(["id", "@id", "items", "@graph", "@type", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
@example([{"@graph": []}, {"@graph": [None]}])
def test_any_json_is_split_or_refused(value: Any) -> None:
    found = containers.split(json.dumps(value).encode(), {})
    if isinstance(found, list):
        assert all(bool(item.data) != bool(item.problem) and 0 < len(item.key) <= 200 for item in found)


@given(st.binary(max_size=80))
def test_any_bytes_are_split_or_refused(data: bytes) -> None:
    found = containers.split(data, {})
    assert found is None or isinstance(found, list) or found.severity == "error"


def test_many_unchanged_files_cost_little_each(folder: Folder) -> None:
    for number in range(2000):
        folder.write(f"{number % 20}/{number}.txt")
    folder.refresh()
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        assert folder.refresh() == [Listing(True, 2000)]
        times.append((time.perf_counter() - begin) / 2000)
    # About 5 µs; the bound only catches a file that is read or a store that is asked for each.
    assert min(times) < 60e-6
