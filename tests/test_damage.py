"""What becomes of an output that is not what was last written there: edited, damaged, restored, another's."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import feedparser
import httpx
import pytest

from feedpub import pipeline, published
from feedpub.config import Config, load
from feedpub.errors import PublishError
from feedpub.reports import Report
from feedpub.serving import site
from feedpub.serving.app import build_app, services
from feedpub.serving.operator import routes
from feedpub.serving.telemetry import Telemetry
from tests.articles import markdown
from tests.conftest import NOW

CONFIG = """
[site]
url = "https://news.example/"
title = "The Example"
key = "3f0b6f62-4c86-4d9a-9a3e-6f9f1e3c1d11"
[publish]
output = "feeds"
feeds_by = ["section"]
[sources.wire]
path = "wire"
"""


class Newsroom:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.output = root / "feeds"
        (root / "wire").mkdir()
        for number in range(3):
            self.write(number)
        (root / "feedpub.toml").write_text(CONFIG, "utf-8")

    def write(self, number: int) -> None:
        text = markdown(f"Article {number}")
        (self.root / "wire" / f"{number}.md").write_text(text, "utf-8")

    @property
    def config(self) -> Config:
        return load(self.root / "feedpub.toml")

    def publish(self, *, output: str = "feeds", yes: bool = False, repair: bool = False) -> Report:
        config = self.config
        config = replace(config, publish=replace(config.publish, output=self.root / output))
        return pipeline.publish(config, now=NOW, yes=yes, repair=repair)

    def files(self, output: str = "feeds") -> dict[str, bytes]:
        root = self.root / output
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def page(self) -> Path:
        return next(self.output.glob("articles/*/*/*.html"))


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    made = Newsroom(tmp_path)
    made.publish()
    return made


@pytest.mark.parametrize(
    "path",
    ["feed.xml", "feed.json", "index.html", "sitemap.xml", "manifest.json", "feed.xml.gz", "feed.atom.br"],
)
@pytest.mark.parametrize("how", ["edited", "truncated", "deleted"])
def test_what_stands_at_the_root_is_mended_by_the_next_refresh(
    newsroom: Newsroom, path: str, how: str
) -> None:
    before = newsroom.files()
    file = newsroom.output / path
    if how == "edited":
        file.write_bytes(file.read_bytes()[:-3] + b"xyz")
    elif how == "truncated":
        file.write_bytes(file.read_bytes()[:10])
    else:
        file.unlink()
    report = newsroom.publish()
    assert newsroom.files() == before
    assert report.failures == ()
    assert newsroom.publish().written == ()


def test_only_what_is_damaged_is_written_again(newsroom: Newsroom) -> None:
    (newsroom.output / "feed.xml").write_bytes(b"<rss/>")
    assert [path for path in newsroom.publish().written if path != "manifest.json"] == ["feed.xml"]


def test_a_file_that_was_only_touched_is_left_alone(newsroom: Newsroom) -> None:
    content = (newsroom.output / "feed.xml").read_bytes()
    (newsroom.output / "feed.xml").write_bytes(content)
    assert newsroom.publish().written == ()


def test_a_damaged_page_of_the_archive_is_mended_by_repair(newsroom: Newsroom) -> None:
    before = newsroom.files()
    page = newsroom.page()
    page.write_bytes(b"rubbish")
    record = next(newsroom.output.glob("articles/*/*/*.jsonld"))
    record.unlink()
    newsroom.publish(repair=True)
    assert newsroom.files() == before
    assert newsroom.publish(repair=True).written == ()


def test_a_set_that_was_left_and_comes_back_holds_nothing_old(newsroom: Newsroom) -> None:
    """publish.output leads elsewhere for a while, and one article is withdrawn meanwhile."""
    newsroom.publish(output="elsewhere")
    (newsroom.root / "wire" / "0.md").unlink()
    newsroom.write(3)
    newsroom.publish(output="elsewhere")
    newsroom.publish()
    assert newsroom.files() == newsroom.files("elsewhere")
    titles = [entry.title for entry in feedparser.parse(newsroom.files()["feed.xml"]).entries]
    assert "Article 3" in titles
    assert "Article 0" not in titles


def test_a_restored_backup_is_brought_up_to_date(newsroom: Newsroom, tmp_path: Path) -> None:
    shutil.copytree(newsroom.output, tmp_path / "backup")
    newsroom.write(3)
    newsroom.publish()
    expected = newsroom.files()
    shutil.rmtree(newsroom.output)
    shutil.copytree(tmp_path / "backup", newsroom.output)
    newsroom.publish()
    assert newsroom.files() == expected


HOSTILE = [
    {"folders": None, "files": {}},
    {"folders": ["articles"], "files": []},
    {"folders": {"../..": {}, "/etc": {}, "articles\0": {}}, "files": {"x": None, "y": 7, "z": {"hash": 3, "size": 1}}},
    {"files": {"a.txt": {"hash": "0" * 64, "size": 1, "type": "text/plain", "encodings": ["br"], "modified": "soon"}}},
    {"files": {name: {"hash": "0" * 64, "size": 1, "type": "text/plain"} for name in
               ("../precious.txt", "/etc/passwd", "n\0ull", "x" * 5000, "articles", "away/precious.txt")}},
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_a_list_that_somebody_edited_breaks_nothing_and_leads_nowhere(
    newsroom: Newsroom, tmp_path: Path, said: dict[str, object]
) -> None:
    before = newsroom.files()
    manifest = newsroom.output / "manifest.json"
    key = json.loads(manifest.read_text("utf-8"))["newsroom"]
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = [tmp_path / "precious.txt", outside / "precious.txt"]
    for path in precious:
        path.write_text("keep me")
    (newsroom.output / "away").symlink_to(outside)
    manifest.write_text(json.dumps({"newsroom": key, **said}), "utf-8")
    newsroom.publish()
    (newsroom.output / "away").unlink()
    assert newsroom.files() == before
    assert [path.read_text() for path in precious] == ["keep me", "keep me"]


def test_another_newsrooms_output_is_not_overwritten(newsroom: Newsroom) -> None:
    before = newsroom.files()
    other = newsroom.root / "other"
    other.mkdir()
    (other / "wire").mkdir()
    (other / "wire" / "a.md").write_text(markdown("Elsewhere"), "utf-8")
    text = CONFIG.replace("3f0b6f62", "4f0b6f62").replace('"feeds"', '"../feeds"')
    (other / "feedpub.toml").write_text(text, "utf-8")
    with pytest.raises(PublishError, match=r"of another newsroom.*--yes"):
        pipeline.publish(load(other / "feedpub.toml"))
    assert newsroom.files() == before
    pipeline.publish(load(other / "feedpub.toml"), yes=True)
    manifest = json.loads((newsroom.output / "manifest.json").read_text("utf-8"))
    assert manifest["newsroom"].startswith("4f0b6f62")
    titles = [entry.title for entry in feedparser.parse(newsroom.files()["feed.xml"]).entries]
    assert titles == ["Elsewhere"]


def test_a_set_without_a_key_is_taken_over(newsroom: Newsroom) -> None:
    """It was published before `feedpub init` gave the newsroom a key of its own."""
    manifest = newsroom.output / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    del content["newsroom"]
    manifest.write_text(json.dumps(content), "utf-8")
    newsroom.publish()
    assert "newsroom" in json.loads(manifest.read_text("utf-8"))


# The server


@pytest.fixture
def served(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setattr(site, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(published, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(routes, "KEPT_SECONDS", -1.0)
    return Served(newsroom)


class Served:
    """The newsroom's server as clients and its operator see it."""

    def __init__(self, newsroom: Newsroom) -> None:
        self.config = newsroom.config
        telemetry = Telemetry()
        self.app = build_app(
            newsroom.output, mounted=services(self.config, telemetry), telemetry=telemetry
        )  # fmt: skip

    def get(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/") as client:
                return await client.get(path, headers={"Accept-Encoding": "identity"})

        return asyncio.run(asked())

    def alarms(self) -> list[str]:
        return [alarm["kind"] for alarm in self.get("/status.json").json()["alarms"]]


@pytest.mark.parametrize(("content", "status"), [(b"rubbish", 503), (None, 404)])
def test_a_damaged_page_raises_an_alarm_until_it_is_mended(
    newsroom: Newsroom, served: Served, content: bytes | None, status: int
) -> None:
    page = newsroom.page()
    path = f"/{page.relative_to(newsroom.output)}"
    page.unlink()
    if content is not None:
        page.write_bytes(content)
    assert "output-damaged" not in served.alarms()
    assert served.get(path).status_code == status
    assert "output-damaged" in served.alarms()
    # One page among many: the server is not to be taken out of service for it.
    assert served.get("/health/ready").status_code == 200
    newsroom.publish(repair=True)
    assert served.get(path).status_code == 200
    assert "output-damaged" not in served.alarms()


def test_a_damaged_feed_makes_the_server_unready(newsroom: Newsroom, served: Served) -> None:
    (newsroom.output / "feed.xml").write_bytes(b"rubbish")
    assert served.get("/health/ready").status_code == 200
    assert served.get("/feed.xml").status_code == 503
    unready = served.get("/health/ready")
    assert unready.status_code == 503
    assert unready.json()["reasons"] == ["1 of the published files are not what was written"]
    newsroom.publish()
    assert served.get("/health/ready").status_code == 200
    assert served.get("/feed.xml").status_code == 200


def test_a_set_that_is_just_being_put_into_place_is_no_damage(newsroom: Newsroom, served: Served) -> None:
    """What is not listed any more, or is again what was written, is forgotten."""
    page = newsroom.page()
    path = f"/{page.relative_to(newsroom.output)}"
    content = page.read_bytes()
    page.write_bytes(b"rubbish")
    served.get(path)
    page.write_bytes(content)
    assert "output-damaged" not in served.alarms()
    page.unlink()
    served.get(path)
    shutil.rmtree(newsroom.root / "wire")
    (newsroom.root / "wire").mkdir()
    newsroom.write(7)
    newsroom.publish(yes=True)
    assert "output-damaged" not in served.alarms()
