"""What the OpenAPI document promises is what the API does: schemathesis asks, and finds nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from feedpub import resources
from feedpub.serving.api.app import api_app
from feedpub.serving.api.openapi import document
from feedpub.serving.api.parameters import ARTICLES, CHANGES, EVENTS
from tests import newswire
from tests.conftest import Newsroom, empty

REFUSALS = [400, 404, 405, 414]
"""Answers to a question that the document does not allow; the tool's own list lacks 414."""


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    found = empty(tmp_path_factory.mktemp("contract") / "newsroom")
    newswire.publish(found)
    return found


def findings(newsroom: Newsroom, *, examples: int, seed: int = 1) -> tuple[list[str], int]:
    """What schemathesis finds wrong in all its phases with all its checks, and how many questions it asked."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        }
    )
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", api_app(newsroom.config), config=config)
    found: list[str] = []
    asked = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.value}")
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.ScenarioFinished):
            asked += len(event.recorder.cases)
            found += _failures(event.recorder)
    return found, asked


def _failures(recorder: Any) -> Iterator[str]:
    for identifier, checks in recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE:
                case = recorder.cases[identifier].value
                said = check.failure_info.failure.message
                yield f"{check.name}: {case.method} {case.formatted_path!r} {case.query!r}: {said}"


def test_schemathesis_finds_nothing(newsroom: Newsroom) -> None:
    found, asked = findings(newsroom, examples=3)
    assert not found
    assert asked > 500


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_schemathesis_finds_nothing_in_thousands_of_questions(newsroom: Newsroom, seed: int) -> None:
    found, asked = findings(newsroom, examples=1000, seed=seed)
    assert not found
    assert asked > 3000


def test_the_judge_sees_a_wrong_answer(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedpub.formats.datafeed._feed", lambda *_: {"@type": "DataFeed"})
    found, _ = findings(newsroom, examples=1)
    assert any("response_schema_conformance" in line and "/api/articles" in line for line in found)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_holds_the_published_schemas_and_needs_nothing_else(newsroom: Newsroom) -> None:
    described = document(newsroom.config)
    for reference in references(described):
        target: Any = described
        assert reference.startswith("#/")
        for part in reference[2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
    schemas = described["components"]["schemas"]
    assert {"datafeed", "record", "newsarticle", "event", "common"} <= schemas.keys()
    for name, schema in schemas.items():
        if name != "problem":
            # Word for word, but for where the references point and what names the file.
            text = re.sub(r'"#/components/schemas/([a-z]+)', r'"\1.schema.json#', json.dumps(schema))
            text = text.replace(f'"{name}.schema.json#/', '"#/').replace('.schema.json#"', '.schema.json"')
            file = {
                key: value
                for key, value in resources.schema_document(name).items()
                if key[0] != "$" or key == "$defs"
            }
            assert json.loads(text) == file


def test_every_parameter_is_described_with_its_limits(newsroom: Newsroom) -> None:
    paths = document(newsroom.config)["paths"]
    for path, known in (("/api/articles", ARTICLES), ("/api/events", EVENTS), ("/api/changes", CHANGES)):
        described = {parameter["name"]: parameter for parameter in paths[path]["get"]["parameters"]}
        assert list(described) == [parameter.name for parameter in known]
        assert all(parameter["description"] for parameter in described.values())
    limit = {p["name"]: p for p in paths["/api/articles"]["get"]["parameters"]}["limit"]["schema"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 100, "default": 25}
