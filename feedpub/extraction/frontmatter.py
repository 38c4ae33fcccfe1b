"""The metadata block at the top of a Markdown file: YAML, TOML, JSON, or Pelican's plain lines.

Values are read as they are written: dates, numbers and "no" stay text, since what YAML 1.1 makes of
them (`12:30` → 750, `no` → false, `2025-02-30` → an error) is rarely what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedpub.extraction import values
from feedpub.extraction.metadata import Item
from feedpub.models import Problem

_MAX_CHARS = 200_000
_MAX_NODES = 20_000
_MAX_DEPTH = 20
_MANY_MARKS = 200
_NESTING = re.compile(r"[\[{]|[-?][ \t\n]")
_FENCES = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_TOML_PLACE = re.compile(r"\(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The items, and the offset in the text at which the body begins."""

    items: tuple[Item, ...] = ()
    body_start: int = 0
    problems: tuple[Problem, ...] = ()


class _RefusedError(Exception):
    """Carries the problem out of the depth of a reader."""

    def __init__(self, message: str, line: int | None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def split(text: str) -> FrontMatter:
    """The front matter of `text`; an empty one if there is none."""
    start = 0
    while start < len(text) and text[start] in "\n \t" and start < 100:
        start += 1
    fence = text[start : start + 3]
    try:
        if fence in _FENCES and text[start + 3 : start + 200].partition("\n")[0].strip() == "":
            return _fenced(text, start, fence)
        if text[start : start + 1] == "{":
            return _json(text, start)
    except _RefusedError as refusal:
        problem = Problem(
            rule="front-matter",
            message=f"The front matter cannot be read: {refusal}",
            remedy=_remedy(str(refusal)),
            line=refusal.line,
            column=refusal.column,
        )
        return FrontMatter(problems=(problem,))
    return FrontMatter()


def _remedy(message: str) -> str:
    if "character that cannot start any token" in message or "tab" in message:
        return "Indent with spaces instead of tabs, and put values that begin with @ or % into quotes."
    if "mapping values are not allowed" in message:
        return "Put a value that holds a colon into quotes."
    if "never closed" in message:
        return "Write the same marks on a line of their own where the front matter ends."
    if "longer than" in message or "nested too deep" in message or "too often" in message:
        return "Keep short facts there, such as title, date and author, and put the text below it."
    return "Mend that line; a value with a colon, a quote or a bracket in it needs quotes around it."


def _fenced(text: str, start: int, fence: str) -> FrontMatter:
    begin = text.find("\n", start) + 1
    if begin == 0:
        return FrontMatter()
    end = _FENCES[fence].search(text, begin)
    line = text.count("\n", 0, begin)
    if end is None:
        if fence == "---" and not re.match(r"[\w\"'-]+[ \t]*:", text[begin : begin + 100]):
            return FrontMatter()  # a rule drawn across the page, not front matter
        raise _RefusedError(f"it begins with {fence} and is never closed", line)
    if end.start() - begin > _MAX_CHARS:
        raise _RefusedError(f"it is longer than {_MAX_CHARS:,} characters", line)
    block = text[begin : end.start()]
    reader = _yaml if fence == "---" else _toml
    items = reader(block, line, begin)
    if items is None:
        return FrontMatter()
    body = end.end() + 1 if text[end.end() : end.end() + 1] == "\n" else end.end()
    return FrontMatter(tuple(items), body)


def _yaml(block: str, line: int, offset: int) -> list[Item] | None:
    import yaml

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # PyYAML composes by recursion in C: nesting that is deep enough ends the whole process.
        if len(_NESTING.findall(block)) > _MANY_MARKS:
            _check_depth(yaml, loader_class, block, line)
        loader = loader_class(block)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        message = getattr(error, "problem", None) or str(error)
        at = (line + mark.line + 1, mark.column + 1) if mark is not None else (line + 1, None)
        raise _RefusedError(str(message), *at) from error
    except (RecursionError, ValueError) as error:
        raise _RefusedError(
            "it is nested too deep or holds characters that YAML does not allow", line + 1
        ) from error
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        if "\n" in block.strip() or not isinstance(root, yaml.ScalarNode):
            if isinstance(root, yaml.ScalarNode):
                return None  # prose between two rules
            raise _RefusedError("it is a list, not “key: value” lines", line + 1)
        return None
    reader = _Nodes(line, block, offset)
    return reader.items(root)


def _check_depth(yaml: Any, loader_class: Any, block: str, line: int) -> None:
    depth = 0
    for event in yaml.parse(block, Loader=loader_class):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise _RefusedError("it is nested too deep", line + event.start_mark.line + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Nodes:
    """Turns YAML nodes into values, each alias counted as often as it is used."""

    def __init__(self, line: int, block: str, offset: int) -> None:
        import yaml

        self.yaml = yaml
        self.line = line
        self.block = block
        self.offset = offset
        self.count = 0

    def items(self, root: Any) -> list[Item]:
        found: list[Item] = []
        seen: dict[str, int] = {}
        for key_node, value_node in root.value:
            key = self.key(key_node)
            if key == "<<":
                continue
            at = self.line + key_node.start_mark.line + 1
            if key in seen:
                raise _RefusedError(
                    f"“{key}” is given twice, first in line {seen[key]}", at, key_node.start_mark.column + 1
                )
            seen[key] = at
            mark = value_node.start_mark
            start: int | None = None
            length = 0
            if isinstance(value_node, self.yaml.ScalarNode):
                # Only where the file holds the value verbatim, not escaped or folded, can it be quoted.
                length = len(value_node.value)
                within = mark.index + (1 if value_node.style in ("'", '"') else 0)
                if length and self.block.startswith(value_node.value, within):
                    start = self.offset + within
            found.append(
                Item(
                    key,
                    self.value(value_node, 0),
                    self.line + mark.line + 1,
                    mark.column + 1,
                    start,
                    start + length if start is not None else None,
                )
            )
        return found

    def key(self, node: Any) -> str:
        if not isinstance(node, self.yaml.ScalarNode):
            mark = node.start_mark
            raise _RefusedError("a key is not plain text", self.line + mark.line + 1, mark.column + 1)
        return str(node.value)

    def value(self, node: Any, depth: int) -> object:
        self.count += 1
        mark = node.start_mark
        if self.count > _MAX_NODES or depth > _MAX_DEPTH:
            raise _RefusedError(
                "it is nested too deep or repeats itself too often", self.line + mark.line + 1
            )
        if isinstance(node, self.yaml.ScalarNode):
            text = str(node.value)
            if node.style is None or node.style == "":
                return None if text in _NULLS else _BOOLS.get(text, text)
            return text
        if isinstance(node, self.yaml.SequenceNode):
            return [self.value(child, depth + 1) for child in node.value]
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key in found:
                where = key_node.start_mark
                raise _RefusedError(f"“{key}” is given twice", self.line + where.line + 1, where.column + 1)
            found[key] = self.value(value_node, depth + 1)
        return found


def _toml(block: str, line: int, offset: int) -> list[Item]:
    import tomllib

    try:
        data = tomllib.loads(block, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        at = (line + int(place[1]), int(place[2])) if place and place[1] else (line + 1, None)
        message = str(error).partition(" (at ")[0]
        if "date" in message.lower():
            message = "a date is not a real one, such as 2025-02-30"
        raise _RefusedError(message, *at) from error
    except (RecursionError, ValueError) as error:
        raise _RefusedError("it is nested too deep", line + 1) from error
    taxonomies = data.pop("taxonomies", None)  # Zola keeps tags there
    if isinstance(taxonomies, dict):
        data = {**taxonomies, **data}
    return [_located(key, value, _in_toml(key), block, (offset, line)) for key, value in data.items()]


def _in_toml(key: str) -> str:
    return rf"^[ \t]*\[*[\"']?{re.escape(key)}[\"']?\]*[ \t]*(?:=[ \t]*|$)"


def _in_json(key: str) -> str:
    return rf"[{{,]\s*\"{re.escape(key)}\"\s*:\s*"


def _located(key: str, value: object, pattern: str, block: str, base: tuple[int, int]) -> Item:
    offset, line = base
    match = re.search(pattern, block, re.MULTILINE)
    if match is None:
        return Item(key, value, line + 1)
    at = line + block.count("\n", 0, match.end()) + 1
    column = match.end() - (block.rfind("\n", 0, match.end()) + 1) + 1
    if isinstance(value, str) and value:
        quoted = block.startswith(('"', "'"), match.end())
        start = match.end() + (1 if quoted else 0)
        if block.startswith(value, start):
            return Item(key, value, at, column, offset + start, offset + start + len(value))
    return Item(key, value, at, column)


def _json(text: str, start: int) -> FrontMatter:
    import json

    if not re.match(r"\{\s*\"", text[start : start + 200]):
        return FrontMatter()  # text that begins with a brace, or a Liquid tag

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise _RefusedError(f"“{key}” is given twice", line)
            found[key] = value
        return found

    line = text.count("\n", 0, start) + 1
    try:
        data, end = json.JSONDecoder(object_pairs_hook=unique, parse_float=str).raw_decode(
            text[: start + _MAX_CHARS], start
        )
    except json.JSONDecodeError as error:
        raise _RefusedError(error.msg, error.lineno, error.colno) from error
    except (RecursionError, ValueError) as error:
        raise _RefusedError("it is nested too deep", line) from error
    if not isinstance(data, Mapping) or text[end : end + 1] not in ("", "\n"):
        return FrontMatter()
    block = text[start:end]
    data = values.whole(data, block)
    items = [_located(key, value, _in_json(key), block, (start, line - 1)) for key, value in data.items()]
    return FrontMatter(tuple(items), end)
