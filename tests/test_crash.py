"""A crash at any instant: every published file whole, and the next run completes the set."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest

from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom

_CALLS = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.listdir",
    "shutil.rmtree",
}
_count = 0
_fatal = 0


def _hook(event: str, _: Any) -> None:
    """Counts what the process asks of the file system, and dies at the call that was chosen."""
    global _count
    if _fatal and (event in _CALLS or event.startswith("sqlite3")):
        _count += 1
        if _count == _fatal:
            os._exit(9)


def _trace_sql(statement: str) -> None:
    """SQLite's own writes happen inside statements: each is an instant of its own."""
    _hook("sqlite3.statement", statement)


def _publish_and_die(newsroom: Newsroom, call: int) -> bool:
    """Publish in a child that is killed at its `call`-th request; True if it got to the end."""
    global _fatal, _count
    pid = os.fork()
    if pid == 0:
        try:
            from sqlalchemy import event
            from sqlalchemy.engine import Engine

            event.listen(Engine, "connect", lambda connection, _: connection.set_trace_callback(_trace_sql))
            sys.addaudithook(_hook)
            _fatal, _count = call, 0
            newsroom.publish(now=NOW + timedelta(days=1))
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9), "the child failed by itself"
    return code == 0


def _all_whole(newsroom: Newsroom, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Every file has the bytes of the old or of the new set, and nothing points to what is not there."""
    present = newsroom.files()
    for path, content in present.items():
        assert content in (old.get(path), new.get(path)), f"{path} is neither the old nor the new file"
    for link in re.findall(rb"https://news\.example/([^\"<> ]+)", present.get("feed.xml", b"")):
        path = link.decode()
        assert not path.startswith("articles/") or path in present, f"feed.xml points to {path}"
    if "feed.xml" in present:
        assert feedparser.parse(present["feed.xml"]).bozo == 0
    if "manifest.json" in present:
        json.loads(present["manifest.json"])


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.long), 7])
def test_killed_at_every_call_in_turn(newsroom: Newsroom, tmp_path: Path, step: int) -> None:
    """With a step, at every n-th call."""
    newsroom.write("a.md", markdown("Article A", section="Town"))
    newsroom.write("b.md", markdown("Article B", "Text of B.", section="Town"))
    newsroom.publish()
    old = newsroom.files()
    newsroom.write("a.md", markdown("Article A, changed", section="Harbour"))
    (newsroom.articles / "b.md").unlink()
    newsroom.write("c.md", markdown("Article C", "Text of C."))
    newsroom.write("concert.md", CONCERT)
    start = tmp_path / "start"
    shutil.copytree(newsroom.root, start, symlinks=True)

    def reset() -> None:
        shutil.rmtree(newsroom.root)
        shutil.copytree(start, newsroom.root, symlinks=True)

    newsroom.publish(now=NOW + timedelta(days=1))
    new = newsroom.files()
    assert new != old

    survived = False
    call = 1 - step
    while not survived:
        call += step
        reset()
        survived = _publish_and_die(newsroom, call)
        _all_whole(newsroom, old, new)
        # The same moment: the result must be what it would have been without the crash.
        newsroom.publish(now=NOW + timedelta(days=1))
        assert newsroom.files() == new, f"killed at call {call}"
        assert not (newsroom.config.state / "staging").exists()
    assert call > 50, "a refresh makes many calls; if it made few, they were not seen"
