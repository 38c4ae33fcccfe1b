"""What a JSON-LD processor (PyLD) understands of a document, without a network.

Two contexts stand in for https://schema.org: a hand-cut one with the terms that feedpub writes,
and, beside checkouts that have it, the whole one as published.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pyld import jsonld

ROOT = Path(__file__).resolve().parents[2]
OWN_CONTEXT = ROOT / "tests" / "data" / "schemaorg-context.jsonld"
WHOLE_CONTEXT = ROOT.parent / "shared" / "vocabulary" / "schemaorgcontext.jsonld"
SCHEMA = "http://schema.org/"


def contexts() -> list[Path]:
    """The contexts that are here: always our own, and the whole one where it is."""
    return [path for path in (OWN_CONTEXT, WHOLE_CONTEXT) if path.is_file()]


def terms(context: Path = OWN_CONTEXT) -> set[str]:
    """The terms that a context defines one by one."""
    return {term for term in json.loads(context.read_bytes())["@context"] if not term.startswith("@")}


def keys(value: Any) -> set[str]:
    """Every key of a JSON value, at any depth, but JSON-LD's own."""
    if isinstance(value, Mapping):
        own = {key for key in value if not key.startswith("@")}
        return own.union(*(keys(inner) for inner in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(keys(inner) for inner in value))
    return set()


def expand(document: bytes | Mapping[str, Any], context: Path = OWN_CONTEXT) -> list[dict[str, Any]]:
    """The document expanded: full addresses for terms, every value an object."""
    return jsonld.expand(_parsed(document), _options(context))


def statements(
    documents: Iterable[bytes | Mapping[str, Any]], context: Path = OWN_CONTEXT, without: Iterable[str] = ()
) -> list[str]:
    """All that documents say together, as canonical N-Quads, sorted, but for nodes of the types `without`."""
    types = {SCHEMA + name for name in without}
    nodes: list[dict[str, Any]] = []
    for document in documents:
        expanded = expand(document, context)
        nodes += [node for node in expanded if not types.intersection(node.get("@type", ()))]
    normal = jsonld.normalize(
        nodes, {**_options(context), "algorithm": "URDNA2015", "format": "application/n-quads"}
    )
    return sorted(line for line in normal.splitlines() if line)


def _parsed(document: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    return json.loads(document) if isinstance(document, bytes) else document


def _options(context: Path) -> dict[str, Any]:
    known = json.loads(context.read_bytes())

    def load(url: str, options: Any = None) -> dict[str, Any]:
        if url.rstrip("/") != "https://schema.org":
            raise AssertionError(f"the document asks for {url}")
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": known,
        }

    return {"documentLoader": load}
