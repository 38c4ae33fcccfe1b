"""docs/api.md shows what the API really answers on the example newsroom."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from feedpub import config, pipeline
from feedpub.serving.api import api_app
from feedpub.serving.api.parameters import ARTICLES, EVENTS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\$ (curl .*)\n((?:.+\n)*?)```$", PAGE, re.MULTILINE)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _nodes(key: str, *shown: str) -> Callable[[str], str]:
    def show(body: str) -> str:
        nodes = [node for node in json.loads(body)["@graph"] if node.get(key)]
        return "".join("  ".join(node[name] for name in shown) + "\n" for node in nodes)

    return show


def _lines(body: str) -> str:
    lines = map(json.loads, body.splitlines())
    return "".join(
        json.dumps([line["sequence"], line["change"], line["type"]], separators=(",", ":")) + "\n"
        for line in lines
    )


JQ: dict[str, Callable[[str], str]] = {
    # What each jq program of the page means, by a person's reading of it.
    r'.["@graph"][] | select(.headline) | "\(.datePublished)  \(.headline)"': _nodes("headline", "datePublished", "headline"),
    r'.["@graph"][] | select(.startDate) | "\(.startDate)  \(.name)"': _nodes("startDate", "startDate", "name"),
    '.["@graph"][0].hasPart["@id"]': lambda body: json.loads(body)["@graph"][0]["hasPart"]["@id"] + "\n",
    "[.sequence, .change, .type]": _lines,
    "": lambda body: body,
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("example")
    newsroom = config.load(ROOT / "examples" / "newsroom" / "feedpub.toml")
    newsroom = replace(
        newsroom, state=root / "state", publish=replace(newsroom.publish, output=root / "feeds")
    )
    pipeline.publish(newsroom, now=NOW)
    return api_app(newsroom)


@pytest.mark.parametrize(("command", "answer"), EXAMPLES, ids=[command[8:70] for command, _ in EXAMPLES])
def test_an_example_answers_as_shown(app: Any, command: str, answer: str) -> None:
    curl, _, jq = command.partition(" | jq ")
    url = shlex.split(curl)[-1]
    program = shlex.split(jq)[-1] if jq else ""

    async def ask() -> str:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get(url)).text

    assert JQ[program](asyncio.run(ask())) == answer


def test_there_are_examples_of_every_kind() -> None:
    shown = " ".join(command for command, _ in EXAMPLES)
    assert all(path in shown for path in ("/api/articles?", "/api/events?", "/api/changes?"))


def test_the_page_names_every_parameter() -> None:
    named = set(re.findall(r"`([a-z]+)`", PAGE))
    assert {parameter.name for parameter in (*ARTICLES, *EVENTS)} <= named
