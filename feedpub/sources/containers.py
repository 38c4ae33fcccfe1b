"""Files that hold several articles: a JSON array, `{"items": […]}`, an `@graph`, or JSON lines.

Each item becomes a document of its own under a key that stays the same while the item does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO
from urllib.parse import quote

import orjson

from feedpub.errors import ConfigError
from feedpub.models import Problem

_IDS = ("@id", "id", "guid", "uuid", "slug", "url")
_BOM = b"\xef\xbb\xbf"
_MAX_KEY = 200
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0%#\u2028\u2029\ud800-\udfff]")
_MAX_REFERRED = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its key within the file, the line it begins in (0: unknown), its JSON or what is wrong."""

    key: str
    line: int
    data: bytes = b""
    problem: Problem | None = None


def split(data: bytes, fields: Mapping[str, str]) -> list[Item] | Problem | None:
    """The items of a JSON file.

    Args:
        data: the file.
        fields: may name the list (`items`) and the id of an item (`id`) by JMESPath expressions.

    Returns:
        None if the file holds one document; a problem if it is not JSON.

    Raises:
        ConfigError: an expression is not JMESPath.
    """
    from feedpub.extraction import encoding

    source = data.removeprefix(_BOM)
    try:
        value = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        decoded = encoding.decode(data)
        if decoded.encoding in (None, "utf-8"):
            return next((p for p in decoded.problems if p.severity == "error"), None) or _broken(error)
        source = decoded.text.encode()
        try:
            value = orjson.loads(source)
        except orjson.JSONDecodeError as later:
            return _broken(later)
    if expression := fields.get("items"):
        found = search(expression, value, "items")
        if not isinstance(found, list):
            return Problem(
                "json-items",
                f"`fields.items` ({expression}) finds no list in it.",
                "Correct the expression in feedpub.toml, or leave the file out with `exclude`.",
            )
        return _items(found, None, fields)
    if isinstance(value, list):
        return _items(value, _lines(source, source.index(b"["), len(value)), fields)
    if not isinstance(value, dict):
        return None
    graph = value.get("@graph")
    if isinstance(graph, list):
        parts = _split_graph(graph, value.get("@context"))
        return None if parts is None else _items(parts, None, fields)
    listed = value.get("items")
    if isinstance(listed, list) and "@type" not in value and all(isinstance(item, dict) for item in listed):
        if any(name in value for name in ("headline", "articleBody", "body")):
            return None
        at = re.search(rb'"items"\s*:\s*\[', source)
        return _items(listed, _lines(source, at.end() - 1, len(listed)) if at else None, fields)
    return None


def lines(file: BinaryIO, max_bytes: int, fields: Mapping[str, str]) -> Iterator[Item]:
    """The items of a JSON lines file (https://jsonlines.org/), streamed; a broken line costs only itself.

    Raises:
        ConfigError: an expression is not JMESPath.
        OSError: the file cannot be read.
    """
    number = 0
    while row := file.readline(max_bytes + 1):
        number += 1
        if len(row) > max_bytes and not row.endswith(b"\n"):
            while row and not row.endswith(b"\n"):
                row = file.readline(1 << 20)
            yield Item(f"L{number}", number, problem=too_large(None, max_bytes, number))
            continue
        row = row.removeprefix(_BOM).strip() if number == 1 else row.strip()
        if not row:
            continue
        try:
            value = orjson.loads(row)
        except orjson.JSONDecodeError as error:
            yield Item(f"L{number}", number, problem=_broken(error, number))
            continue
        if isinstance(value, dict):
            yield Item(key_of(value, fields), number, row)
        else:
            yield Item(f"L{number}", number, problem=_no_object(number))


def key_of(item: Mapping[str, Any], fields: Mapping[str, str]) -> str:
    """What tells the item from the others in its file: its own id, else a hash of its title and date.

    Raises:
        ConfigError: `fields["id"]` is not JMESPath.
    """
    if expression := fields.get("id"):
        found = _word(search(expression, item, "id"))
        if found:
            return _safe(found)
    graph = item.get("@graph")
    main = graph[0] if isinstance(graph, list) and graph and isinstance(graph[0], dict) else item
    for name in _IDS:
        found = _word(main.get(name))
        if found:
            return _safe(found)
    told = [next((main[n] for n in names if main.get(n)), None) for names in _TOLD_APART]
    return hashlib.sha256(_dumped(told if told[0] else main)).hexdigest()[:12]


_TOLD_APART = (
    ("headline", "title", "name"),
    ("datePublished", "date", "published", "published_at", "pubDate"),
)


def search(expression: str, value: object, field: str) -> object:
    """What a JMESPath expression finds; None where it does not fit the value.

    Raises:
        ConfigError: it is not JMESPath (https://jmespath.org/specification.html).
    """
    from jmespath.exceptions import JMESPathError

    try:
        return _compiled(expression, field).search(value)
    except JMESPathError:
        return None


def too_large(size: int | None, limit: int, line: int | None = None) -> Problem:
    """The problem with a file, or a line of JSON lines, above the limit."""
    what = "The file" if line is None else f"Line {line}"
    has = f"has {size:,} bytes" if size is not None else "is too long"
    return Problem(
        "too-large",
        f"{what} {has}; the limit is {limit:,} bytes.",
        "Split it, or raise `max_size` of this source in feedpub.toml.",
        line=line,
    )


def duplicate(key: str, line: int, first: str) -> Problem:
    """The problem with an item whose key an earlier one in the same file has."""
    return Problem(
        "duplicate-id",
        f"Another item of the same file, {first}, has the id “{key[:80]}” already; the first one counts.",
        "Give each item an id of its own.",
        line=line or None,
        value=repr(key[:80]),
    )


@lru_cache(maxsize=64)
def _compiled(expression: str, field: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        raise ConfigError(
            f"fields.{field}: {expression!r} is not a JMESPath expression: {error}", key=f"fields.{field}"
        ) from error


def _items(values: list[Any], at: list[int] | None, fields: Mapping[str, str]) -> list[Item]:
    found: list[Item] = []
    for number, value in enumerate(values):
        line = at[number] if at else 0
        if isinstance(value, dict):
            found.append(Item(key_of(value, fields), line, _dumped(value)))
        else:
            found.append(Item(str(number + 1), line, problem=_no_object(line or None)))
    return found


def _dumped(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        import json

        return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def _word(value: object) -> str:
    if isinstance(value, Mapping):
        # WordPress and XML exports wrap their guid.
        value = next((value[k] for k in ("rendered", "@value", "#text", "$t") if value.get(k)), None)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _safe(key: str) -> str:
    key = _UNSAFE.sub(lambda match: quote(match[0], errors="replace"), key)
    if len(key) <= _MAX_KEY:
        return key
    return f"{key[: _MAX_KEY - 13]}~{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _types(node: object) -> tuple[str, ...]:
    stated = node.get("@type") if isinstance(node, dict) else None
    words = stated if isinstance(stated, list) else [stated]
    return tuple(word.rsplit("/", 1)[-1] for word in words if isinstance(word, str))


def _is_article(node: object) -> bool:
    return any(name.endswith("Article") or name == "BlogPosting" for name in _types(node))


def _split_graph(graph: list[Any], context: object) -> list[dict[str, Any]] | None:
    """A small graph for each article: itself, then the nodes it refers to; None for fewer than two."""
    articles = [node for node in graph if _is_article(node)]
    if len(articles) < 2:
        return None
    nodes = {
        node["@id"]: node for node in graph if isinstance(node, dict) and isinstance(node.get("@id"), str)
    }
    used: set[str] = set()
    parts: list[dict[str, Any]] = []
    events = [node for node in graph if any(name.endswith("Event") for name in _types(node))]
    for main in (*articles, *events):
        if not _is_article(main) and main.get("@id") in used:
            continue
        referred = _referred(main, nodes)
        used.update(referred)
        part: dict[str, Any] = {} if context is None else {"@context": context}
        parts.append(
            {**part, "@graph": [main, *(nodes[name] for name in referred)]} if referred else {**part, **main}
        )
    return parts


def _referred(main: dict[str, Any], nodes: Mapping[str, dict[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    stack: list[Any] = [main]
    while stack and len(found) < _MAX_REFERRED:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            name = value.get("@id")
            if isinstance(name, str) and name in nodes and name != main.get("@id") and name not in found:
                if _is_article(nodes[name]):
                    continue
                found[name] = None
                stack.append(nodes[name])
            stack.extend(child for child in reversed(list(value.values())) if isinstance(child, dict | list))
    return list(found)


def _lines(source: bytes, start: int, count: int) -> list[int] | None:
    """The line in which each element of the array at `start` begins, or None if that cannot be told."""
    import json

    decoder = json.JSONDecoder()
    text = source.decode("utf-8", "replace")
    at = len(source[:start].decode("utf-8", "replace")) + 1
    found: list[int] = []
    line, counted = 1, 0
    gap = re.compile(r"[\s,]*")
    try:
        for _ in range(count):
            match = gap.match(text, at)
            at = match.end() if match else at
            line += text.count("\n", counted, at)
            counted = at
            found.append(line)
            _, at = decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return found


def _broken(error: orjson.JSONDecodeError, line: int | None = None) -> Problem:
    at = line if line is not None else error.lineno
    return Problem(
        "json-broken",
        f"This is not JSON: {error.msg} (line {at}, column {error.colno}).",
        "Mend that line, or write the export anew.",
        line=at,
        column=error.colno,
    )


def _no_object(line: int | None) -> Problem:
    return Problem(
        "json-item",
        "This item is no JSON object.",
        "Write each article as an object in braces.",
        line=line,
    )
