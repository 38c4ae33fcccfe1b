"""What records state, as sets that can be compared: node → property → values.

`stated` reads plain JSON, as a person would. `understood` asks a JSON-LD processor (rdflib) what the
same document means as linked data; both must come to the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from feedpub.verification.context import CONTEXT, NAMES, SCHEMA

Statements = dict[str, dict[str, set[Any]]]
"""`@id` → property ("headline", "@type") → values. A node without an `@id` is the set of its own statements."""

_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


def loaded(content: bytes) -> Any:
    """JSON in UTF-8 in which no object has a key twice.

    Raises:
        ValueError: it is something else.
    """
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_no_key_twice)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def graph_of(document: Any) -> list[dict[str, Any]]:
    """The nodes of a JSON-LD document in schema.org's context.

    Raises:
        ValueError: it has another context, or its nodes are not in one graph.
    """
    if not isinstance(document, dict) or document.get("@context") not in NAMES:
        raise ValueError("no JSON-LD document with https://schema.org as its context")
    nodes = document.get("@graph", [{key: v for key, v in document.items() if key != "@context"}])
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise ValueError("the graph is not a list of nodes")
    return nodes


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """The records of NDJSON, one a line, each with schema.org's context.

    Raises:
        ValueError: a line is something else, or the last one does not end.
    """
    if content and not content.endswith(b"\n"):
        raise ValueError("the last line does not end")
    return [graph_of(loaded(line))[0] for line in content.split(b"\n")[:-1]]


def stated(records: Iterable[Mapping[str, Any]]) -> Statements:
    """What these records and the nodes in them state."""
    found: Statements = {}
    for record in records:
        _collect(record, found)
    return found


def understood(nodes: list[dict[str, Any]]) -> Statements:
    """What a JSON-LD processor makes of these nodes.

    Raises:
        ValueError: it makes nothing of them.
    """
    document = json.dumps({"@graph": nodes})
    # A page and the file beside it hold the same nodes: they are processed once. A feed is read but once.
    return _remembered(document) if len(document) < _LARGE else _understood(document)


_LARGE = 50_000


@lru_cache(8)
def _remembered(document: str) -> Statements:
    return _understood(document)


def _understood(document: str) -> Statements:
    from rdflib import URIRef
    from rdflib.plugins.parsers.jsonld import Parser

    triples = _Triples()
    try:
        Parser().parse(json.loads(document), _context(), triples)  # type: ignore[arg-type] # enough of one
        found: Statements = {}
        for subject, properties in triples.by_subject.items():
            if isinstance(subject, URIRef):
                node = found.setdefault(str(subject), {})
                for predicate, value in properties:
                    node.setdefault(predicate, set()).add(_value(triples, predicate, value))
    except Exception as error:
        raise ValueError(f"a JSON-LD processor cannot read it: {error!r}") from error
    return found


class _Triples:
    """As much of an rdflib graph as its parser needs: the indices of a real one cost more than parsing."""

    context_aware = False

    def __init__(self) -> None:
        self.by_subject: dict[Any, list[tuple[str, Any]]] = {}

    def add(self, triple: tuple[Any, Any, Any]) -> None:
        # Predicates become plain texts: rdflib's own kind never equals one.
        subject, predicate, value = triple
        self.by_subject.setdefault(subject, []).append((_name(str(predicate)), value))

    def bind(self, prefix: str | None, namespace: str) -> None:
        pass


def canonical(value: Any) -> Any:
    """One value of a property as it stands in Statements; None for one that says nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | Mapping):
        if isinstance(value.get("@id"), str):
            return value["@id"]
        pairs = ((key, canonical(one)) for key, inner in value.items() for one in each(inner))
        return frozenset(pair for pair in pairs if pair[1] is not None)
    if isinstance(value, bool):
        return ("truth", value)
    return ("number", float(value)) if isinstance(value, int | float) else value


def each(value: Any) -> list[Any]:
    """The values of a property, none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _collect(value: Any, found: Statements) -> None:
    if isinstance(value, list | tuple):
        for inner in value:
            _collect(inner, found)
    elif isinstance(value, dict | Mapping):
        identifier = value.get("@id")
        if isinstance(identifier, str) and len(value) > 1:
            node = found.setdefault(identifier, {})
            for key, inner in value.items():
                if key != "@id":
                    values = {canonical(one) for one in each(inner)} - {None}
                    if values:
                        node.setdefault(key, set()).update(values)
        for inner in value.values():
            if not isinstance(inner, str):
                _collect(inner, found)


@cache
def _context() -> Any:
    from rdflib.plugins.shared.jsonld.context import Context

    return Context(CONTEXT)


def _name(iri: str) -> str:
    return "@type" if iri == _TYPE else iri.removeprefix(SCHEMA)


def _value(triples: _Triples, predicate: str, value: Any) -> Any:
    from rdflib import BNode, Literal

    if isinstance(value, BNode):
        properties = triples.by_subject.get(value, ())
        return frozenset((name, _value(triples, name, inner)) for name, inner in properties)
    if isinstance(value, Literal):
        plain = value.value
        return canonical(plain) if isinstance(plain, bool | int | float) else str(value)
    return _name(str(value)) if predicate == "@type" else str(value)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
