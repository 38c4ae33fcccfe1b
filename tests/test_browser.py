"""The pages in a real browser, light and dark, on a desktop and on a phone: readable by everybody, and silent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from feedpub import withdrawal
from tests.served import EXAMPLE_TIME, Served, example_newsroom, served
from tests.test_daemon import free_port

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = pytest.mark.tool("chromium")

SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
PAGES = ("front page", "article", "event", "section", "withdrawn", "missing", "status")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def addresses(site: Served) -> dict[str, str]:
    """One address of each kind of page: the first that the front page leads to, and an article that was withdrawn."""
    front = (site.output / "index.html").read_text()

    def linked(kind: str) -> list[str]:
        found = [site.url + path for path in re.findall(rf'href="\./({kind}/[^"]+\.html)"', front)]
        assert found, kind
        return found

    article, *_, withdrawn = linked("articles")
    withdrawal.withdraw(site.config, [withdrawn], now=EXAMPLE_TIME)
    found = (
        site.url,
        article,
        linked("events")[0],
        linked("sections")[0],
        withdrawn,
        f"{site.url}not/there.html",
        f"{site.url}status",
    )
    return dict(zip(PAGES, found, strict=True))


@pytest.mark.parametrize("look", [f"{size}-{scheme}" for size in SIZES for scheme in ("light", "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_violation_no_error_and_asks_nobody_else(
    site: Served, browser: Any, addresses: dict[str, str], name: str, look: str
) -> None:
    size, scheme = look.split("-")
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(addresses[name])
    status = {"withdrawn": 410, "missing": 404}.get(name, 200)
    assert answer.status == status
    results = axe.Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert [error for error in errors if status == 200 or str(status) not in error] == []
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {
        urlsplit(site.url).netloc
    }
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "the page scrolls sideways"
    if folder := os.environ.get("FEEDPUB_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name.replace(' ', '-')}-{look}.png", full_page=True)
    context.close()


def test_every_way_to_subscribe_on_the_front_page_leads_to_a_feed(site: Served, browser: Any) -> None:
    page = browser.new_page()
    page.goto(site.url)
    links = page.eval_on_selector_all(
        "link[rel=alternate]", "links => links.map(link => [link.type, link.href])"
    )
    shown = page.eval_on_selector_all("a", "links => links.map(link => link.href)")
    assert len(links) > 6
    for media_type, address in links:
        answer = page.request.get(address)
        assert answer.status == 200
        assert answer.headers["content-type"].partition(";")[0] == media_type.partition(";")[0], address
    for ending in ("feed.xml", "feed.atom", "feed.json", "feed.jsonld", "events.ics", "feeds.opml"):
        assert site.url + ending in shown
    page.close()


def test_up_shows_pages_and_what_its_daemon_is_about(browser: Any, tmp_path: Path) -> None:
    port = free_port()
    config = example_newsroom(tmp_path, f"http://127.0.0.1:{port}/")
    assert config.path is not None
    text = config.path.read_text("utf-8")
    config.path.write_text(re.sub(r"(?m)^# url = .*$", f'url = "{config.site.url}"', text), "utf-8")
    command = [sys.executable, "-m", "feedpub", "up", "--port", str(port)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=config.root, stderr=log, stdout=log) as up,
    ):
        try:
            until_it_serves(f"{config.site.url}health/ready", up)
            page = browser.new_page()
            for address in (config.site.url, f"{config.site.url}status"):
                answer = page.goto(address)
                assert answer.status == 200
                results = axe.Axe().run(page)
                assert results.violations_count == 0, results.generate_report()
            shown = page.inner_text("body")
            assert "No daemon" not in shown
            for source in config.sources:
                assert source.name in shown
            page.goto(config.site.url)
            page.click("main article a >> nth=0")
            assert page.inner_text("h1")
            page.close()
        finally:
            up.terminate()
            assert up.wait(30) == 0


def until_it_serves(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None
        try:
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end
        time.sleep(0.1)
