"""The switch from one published set to the next: clients see the one or the other, and never half of both."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from feedpub import serving
from feedpub.published import Output, UnsettledError
from feedpub.serving import site
from tests.articles import markdown
from tests.conftest import NOW, Newsroom
from tests.test_server import PAGE, Published, ask

OLD, NEW = b"<rss>old</rss>", b"<rss>new</rss>"


@pytest.fixture
def output(tmp_path: Path) -> Published:
    made = Published(tmp_path / "feeds")
    made.put("feed.xml", OLD, "application/rss+xml")
    made.put("feed.json", b'{"old": 1}', "application/feed+json")
    made.put("articles/2025/09/a.html", PAGE, "text/html")
    made.manifest()
    return made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a publisher that was stopped."""
    monkeypatch.setattr(site, "PATIENCE_SECONDS", 0.05)


def test_until_the_manifest_is_there_the_old_bytes_are_served_from_memory(output: Published) -> None:
    app = serving.build_app(output.root)
    app.site.warm()
    output.put("feed.xml", NEW, "application/rss+xml")  # in place, and not yet published
    output.put("feed.json", b'{"new": 1}', "application/feed+json")
    assert (ask(app, "/feed.xml").body, ask(app, "/feed.json").body) == (OLD, b'{"old": 1}')
    output.manifest()
    assert (ask(app, "/feed.xml").body, ask(app, "/feed.json").body) == (NEW, b'{"new": 1}')


def test_a_new_file_is_answered_only_once_its_manifest_is_there(output: Published) -> None:
    app = serving.build_app(output.root)
    assert ask(app, "/feed.xml").status == 200
    output.put("articles/2025/09/b.html", PAGE, "text/html")
    assert ask(app, "/articles/2025/09/b.html").status == 404
    output.manifest()
    assert ask(app, "/articles/2025/09/b.html").status == 200


def test_a_folders_manifest_without_the_one_that_lists_it_publishes_nothing(output: Published) -> None:
    app = serving.build_app(output.root)
    assert ask(app, "/articles/2025/09/a.html").status == 200
    root = (output.root / "manifest.json").read_bytes()
    output.put("articles/2025/09/b.html", PAGE, "text/html")
    output.manifest()
    output.place("manifest.json", root)  # the publisher was stopped before its last file
    assert ask(app, "/articles/2025/09/b.html").status == 404
    assert ask(app, "/articles/2025/09/a.html").status == 200


@pytest.mark.usefixtures("hasty")
def test_what_was_replaced_and_is_in_nobodys_memory_has_to_wait(output: Published) -> None:
    app = serving.build_app(output.root)
    assert ask(app, "/feed.json").status == 200
    changed = PAGE.replace(b"page", b"site")
    output.put("articles/2025/09/a.html", changed, "text/html")
    answer = ask(app, "/articles/2025/09/a.html")
    assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
    assert int(answer.headers["retry-after"]) > 0
    output.manifest()
    assert ask(app, "/articles/2025/09/a.html").body == changed


def test_who_asks_in_between_gets_the_new_set_as_soon_as_it_is_whole(output: Published) -> None:
    app = serving.build_app(output.root)
    assert ask(app, "/feed.json").status == 200
    changed = PAGE.replace(b"page", b"site")
    output.put("articles/2025/09/a.html", changed, "text/html")

    async def both() -> Any:
        scope = {"type": "http", "method": "GET", "path": "/articles/2025/09/a.html", "headers": []}
        waiting = asyncio.create_task(app.site.reply(scope))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        output.manifest()
        return await waiting

    assert asyncio.run(both()).body == changed


def test_a_large_file_that_was_replaced_is_told_by_its_hash(output: Published) -> None:
    big = os.urandom(1_500_000)
    digest = hashlib.sha256(big).hexdigest()
    output.place("feed.xml", big)
    reader = Output(output.root)
    file = reader.read("feed.xml", digest)
    assert file is not None
    output.place("feed.xml", big[::-1])
    with pytest.raises(UnsettledError):
        reader.read("feed.xml", digest)
    # Whoever had begun to read it has the old bytes to the end.
    assert b"".join(file.chunk(offset, 500_000) for offset in (0, 500_000, 1_000_000)) == big
    assert file.chunk(1_500_000, 500_000) == b""
    file.close()


@pytest.mark.usefixtures("hasty")
def test_a_publisher_stopped_anywhere_leaves_one_set_or_the_other(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from feedpub import publication

    newsroom.configure(publish=replace(newsroom.config.publish, compress=True))
    for name in "ab":
        newsroom.write(f"{name}.md", markdown(f"Article {name}", f"Text of {name}. " * 50, section="Town"))
    newsroom.publish()
    app = serving.build_app(newsroom.output, site_url="https://news.example/")
    app.site.warm()
    rename, left = os.rename, 0

    class Stopped(BaseException):
        """As if the process had been killed."""

    def stopping(*arguments: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped
        rename(*arguments, **named)

    def paths() -> list[str]:
        return ["feed.xml", "feed.atom", "feed.json", "index.html", "sitemap.xml", "manifest.json"]

    def served() -> dict[str, bytes]:
        answers = {path: ask(app, f"/{path}") for path in paths()}
        assert {answer.status for answer in answers.values()} == {200}
        return {path: answer.body for path, answer in answers.items()}

    old = served()
    newsroom.write("c.md", markdown("Article c", "Text of c. " * 50))
    steps, new = 0, None
    while new is None:
        left = steps
        monkeypatch.setattr(publication.os, "rename", stopping)
        try:
            newsroom.publish(now=NOW.replace(hour=9))
        except Stopped:
            assert served() == old, f"after {steps} files"
        else:
            new = served()
        steps += 1
    assert new != old
    assert steps > 10
    assert b"Article c" in new["feed.xml"]
