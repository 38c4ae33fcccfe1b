"""The API's description in OpenAPI 3.1, made of the table of parameters and the published JSON Schemas.

The schemas are those of `schemas/` word for word; only their references are those of one document.
https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from feedpub import __version__, resources
from feedpub.config import Config
from feedpub.serving.api import lists, parameters, problems

_ENDING = ".schema.json"
_JSON_LD = "application/ld+json"
MAX_ID_LENGTH = 2000
"""Characters in an id that is looked for."""

_CONTEXT = {"const": "https://schema.org"}
_PROBLEM = {
    "description": "What is wrong, and what to do about it (RFC 9457).",
    "type": "object",
    "required": ["title", "status", "detail", "remedy"],
    "properties": {
        "title": {"description": "The words of the status.", "type": "string"},
        "status": {"description": "The HTTP status.", "type": "integer"},
        "detail": {"description": "What is wrong.", "type": "string"},
        "remedy": {"description": "What to do.", "type": "string"},
        "parameter": {"description": "The parameter that it is about.", "type": "string"},
        "known": {"description": "The parameters that there are.", "type": "array", "items": {"type": "string"}},
    },
}  # fmt: skip


def document(config: Config) -> dict[str, Any]:
    """The whole document as JSON; the same for the same configuration."""
    site = config.site
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{site.title}: API for services",
            "version": __version__,
            "description": "What is published, for programs: articles and events by time, section, names, places and words, "
            "and all changes by number. It only reads; there is nothing to register.",
        },
        "servers": [{"url": site.url.rstrip("/")}],
        "paths": {
            "/api": _path("entry", "What there is to ask", _json(_JSON_LD, _entry())),
            lists.ARTICLES.path: _list(lists.ARTICLES, "listArticles", "Articles, newest first"),
            f"{lists.ARTICLES.path}/{{id}}": _record("getArticle", "An article with the events that it reports"),
            lists.EVENTS.path: _list(lists.EVENTS, "listEvents", "Events, by their beginning"),
            f"{lists.EVENTS.path}/{{id}}": _record("getEvent", "An event"),
            "/api/changes": _path(
                "listChanges",
                "What was added, modified and deleted, one JSON value a line; the same lines as in the files below changes/",
                {"application/x-ndjson": {"schema": {"type": "string"}}},
                parameters.CHANGES,
            ),
            "/api/openapi.json": _path(
                "getOpenApi", "This document", _json("application/json", {"type": "object", "required": ["openapi"]})
            ),
        },
        "components": {"schemas": {"problem": _PROBLEM, **_schemas()}, "responses": _refusals()},
    }  # fmt: skip


def _path(
    operation: str, summary: str, content: Mapping[str, Any], known: Iterable[parameters.Parameter] = (),
    *, more: Mapping[str, Any] | None = None, given: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    headers = {
        "ETag": {"description": "For If-None-Match.", "schema": {"type": "string"}},
        "Cache-Control": {"description": "How long it is fresh.", "schema": {"type": "string"}},
    }
    if any(parameter.name in ("cursor", "limit") for parameter in known):
        headers["Link"] = {
            "description": "The next page (rel=next), if there is one.",
            "schema": {"type": "string"},
        }
    responses = {
        "200": {"description": "The answer.", "headers": headers, "content": content},
        "304": {"description": "It is as the client has it (If-None-Match)."},
        **{code: {"$ref": f"#/components/responses/{code}"} for code in ("400", "414", "503")},
        **(more or {}),
    }
    described = [*given, *map(_parameter, known)]
    operation_object = {"operationId": operation, "summary": summary, "responses": responses}
    return {"get": {**operation_object, **({"parameters": described} if described else {})}}


def _list(listing: lists.Listing, operation: str, summary: str) -> dict[str, Any]:
    return _path(operation, summary, _json(_JSON_LD, _reference("datafeed")), listing.known)


def _record(operation: str, summary: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["@context", "@graph"],
        "properties": {
            "@context": _CONTEXT,
            "@graph": {"type": "array", "minItems": 1, "items": _reference("record")},
        },
    }
    identifier = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The record's @id, percent-encoded.",
        "schema": {"type": "string", "minLength": 1},
    }
    more = {code: {"$ref": f"#/components/responses/{code}"} for code in ("301", "404", "410")}
    return _path(operation, summary, _json(_JSON_LD, schema), more=more, given=[identifier])


def _parameter(parameter: parameters.Parameter) -> dict[str, Any]:
    schema = dict(parameter.schema)
    if parameter.many:
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": parameters.MAX_VALUES}
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": schema,
    }
    if parameter.many:
        described |= {"style": "form", "explode": True}
    if parameter.example is not None:
        described["example"] = [parameter.example] if parameter.many else parameter.example
    return described


def _json(media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": schema}}


def _entry() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["@context", "@type", "@id", "name", "documentation"],
        "properties": {"@context": _CONTEXT, "@type": {"const": "WebAPI"}},
    }


def _refusals() -> dict[str, Any]:
    told = {
        "400": "The question cannot be meant so.",
        "404": "There is no such record.",
        "410": "It was withdrawn.",
        "414": "The address is too long.",
        "503": "Nothing is published yet, or the index is being made: ask again after Retry-After seconds.",
    }
    problem = _json(problems.MEDIA_TYPE, _reference("problem"))
    refusals: dict[str, Any] = {
        code: {"description": text, "content": problem} for code, text in told.items()
    }
    retry = {"description": "Seconds to wait.", "schema": {"type": "string"}}
    refusals["503"]["headers"] = {"Retry-After": retry}
    refusals["301"] = {
        "description": "The same thing is known by another id now.",
        "headers": {"Location": {"description": "Where it is.", "schema": {"type": "string"}}},
    }
    return refusals


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> dict[str, Any]:
    """The schemas that records and lists are described by, and all that these refer to."""
    found: dict[str, Any] = {}
    waiting = ["datafeed", "record"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            schema = copy.deepcopy(dict(resources.schema_document(name)))
            for key in ("$schema", "$id"):
                schema.pop(key, None)
            waiting += sorted(_tie(schema, name))
            found[name] = schema
    return dict(sorted(found.items()))


def _tie(value: Any, name: str) -> set[str]:
    """Have the references within the schema `name` point into this document; returns the schemas they name."""
    named: set[str] = set()
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            file, _, pointer = target.partition("#")
            other = file.removesuffix(_ENDING) if file else name
            value["$ref"] = f"#/components/schemas/{other}{pointer}"
            named.add(other)
        for inner in value.values():
            named |= _tie(inner, name)
    elif isinstance(value, list):
        for inner in value:
            named |= _tie(inner, name)
    return named
