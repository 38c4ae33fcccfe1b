"""What is wrong with a feedpub.toml, and on which line: every mistake in words, with the right way beside it.

`schemas/config.schema.json` is the one list of keys and values. This module walks it for the
keywords that it uses; jsonschema would take longer to load than a refresh takes to run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from feedpub.config import Config, SourceConfig
from feedpub.resources import schema_document
from feedpub.vocabulary import ARTICLE_TYPES, EVENT_TYPES

Key = tuple[str, ...]
Schema = Mapping[str, Any]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_KEY = r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'"""
_KEYS = rf"(?:{_KEY})(?:[ \t]*\.[ \t]*(?:{_KEY}))*"
_HEADER = re.compile(rf"[ \t]*\[\[?[ \t]*({_KEYS})[ \t]*\]")
_PAIR = re.compile(rf"[ \t]*({_KEYS})[ \t]*=")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
# People write the language's name where its tag is meant.
_LANGUAGES: Mapping[str, str] = {
    "arabic": "ar", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs",
    "danish": "da", "deutsch": "de", "dutch": "nl", "english": "en", "español": "es", "estonian": "et",
    "finnish": "fi", "français": "fr", "french": "fr", "german": "de", "greek": "el", "hebrew": "he",
    "hindi": "hi", "hungarian": "hu", "irish": "ga", "italian": "it", "italiano": "it", "japanese": "ja",
    "korean": "ko", "latvian": "lv", "lithuanian": "lt", "nederlands": "nl", "norwegian": "no", "persian": "fa",
    "polish": "pl", "português": "pt", "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr",
    "slovak": "sk", "slovenian": "sl", "spanish": "es", "swahili": "sw", "swedish": "sv", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that feedpub.toml cannot mean. `path` is the key at fault, part by part."""

    path: Key
    message: str


def mistakes(table: Mapping[str, Any]) -> tuple[Mistake, ...]:
    """Every mistake in a parsed feedpub.toml, as the schema has it; empty if it can be used.

    Contradictions between keys and names that only this machine knows are not looked for.
    """
    schema = schema_document("config")
    found = tuple(_walk(table, schema, schema, ()))
    return found or tuple(_verdict(table, schema))


def dotted(path: Iterable[str]) -> str:
    """The key as one writes it in TOML: `feeds."world/asia".title`."""
    return ".".join(
        part if _BARE_KEY.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in path
    )


def line_of(text: str, path: Key) -> int | None:
    """The line (from 1) on which a key stands, or the table that it would stand in; None if not found.

    A good guess, not a parse: text inside a multi-line string that looks like a key may mislead it.
    """
    best: tuple[int, int] | None = None
    table: Key = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        pair = None if header else _PAIR.match(line)
        if header:
            here = table = _parts(header.group(1))
        elif pair:
            here = (*table, *_parts(pair.group(1)))
        else:
            continue
        here = here[: len(path)]
        depth = len(here) if here == path[: len(here)] else 0
        if depth and (best is None or depth > best[0]):
            best = depth, number
    return best[1] if best else None


def _parts(keys: str) -> Key:
    parts = re.findall(_KEY, keys)
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in parts)


def contradictions(config: Config) -> Iterator[Mistake]:
    """Folders that would have the private published, or the published read as articles again."""
    output, state = config.publish.output, config.state
    if inside(state, output) or inside(output, state):
        yield Mistake(
            ("publish", "output"),
            f"the output {output} and the store {state} must be apart: what is in the output is public",
        )
    seen: dict[Path, str] = {}
    for source in config.sources:
        if source.path is None:
            if source.watch:
                message = "only a folder can be watched, and this source has no path; its `every` will do"
                yield Mistake(("sources", source.name, "watch"), message)
            continue
        key = ("sources", source.name, "path")
        real = source.path.resolve()
        if real in seen:
            yield Mistake(key, f"the source {seen[real]} has the same one; every article would appear twice")
        seen[real] = source.name
        if inside(source.path, output):
            yield Mistake(key, f"{source.path} lies inside the output {output}; keep them apart")
        for folder, what in ((output, "the output"), (state, "the store")):
            if inside(folder, source.path) and not _left_alone(folder, source):
                pattern = f"{folder.resolve().relative_to(real).as_posix()}/**"
                yield Mistake(
                    key,
                    f"{what} {folder} lies inside it, and would be read as articles; "
                    f"move it, or add exclude = [{_toml(pattern)}] under [{dotted(key[:2])}]",
                )


def filters(config: Config) -> Iterator[Mistake]:
    """Filters of feeds that no article could ever meet: types, sources and languages that there are not."""
    sources = [source.name for source in config.sources]
    for feed in config.feeds:
        key = ("feeds", feed.path, "where")
        for value in feed.where.type:
            if not _is_one_of(value, ARTICLE_TYPES):
                yield Mistake((*key, "type"), _no_article_type(value))
        for value in feed.where.source:
            if not _is_one_of(value, sources):
                hint = _meant(_near(value, sources)) or f"the sources are: {', '.join(sources)}"
                yield Mistake((*key, "source"), f"there is no source {_shown(value)}; {hint}")
        for value in feed.where.language:
            if not _matches(schema_document("config")["$defs"]["language"], value):
                yield Mistake((*key, "language"), _no_language(value))


def _is_one_of(value: str, known: Iterable[str]) -> bool:
    return value.lower() in {name.lower() for name in known}


def _no_article_type(value: str) -> str:
    if _is_one_of(value, EVENT_TYPES):
        return (
            f"{_shown(value)} is a type of event, but a feed's filter chooses articles. The events that they "
            'report stand in the feed\'s calendar and event list: add formats = ["icalendar", "events"]'
        )
    known = sorted(ARTICLE_TYPES)
    hint = _meant(_near(value, known)) or f"the types are: {', '.join(known)}"
    return f"{_shown(value)} is no type that articles have; {hint}"


def _no_language(value: str) -> str:
    tag = value.strip().replace("_", "-")
    right = tag if _matches(schema_document("config")["$defs"]["language"], tag) else None
    right = right or _LANGUAGES.get(_near(value, _LANGUAGES, cutoff=0.8) or "")
    hint = _meant(right) or 'for example "en" or "pt-BR"'
    return f"{_shown(value)} is not a language tag (BCP 47); {hint}"


def _meant(near: str | None) -> str | None:
    return f"did you mean {_toml(near)}?" if near else None


def expressions(config: Config) -> Iterator[Mistake]:
    """Field mappings that are not JMESPath (https://jmespath.org/specification.html)."""
    for source in config.sources:
        for field, expression in source.fields.items():
            reason = _not_jmespath(expression)
            if reason:
                yield Mistake(
                    ("sources", source.name, "fields", field),
                    f"{_shown(expression)} is not a JMESPath expression ({reason}); "
                    'for a plain key write its name, for one within another "outer.inner"',
                )


def proxies(config: Config) -> Iterator[Mistake]:
    """Trusted proxies that are no addresses: a name could be made to mean anybody."""
    import ipaddress

    for value in config.server.trusted_proxies:
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            yield Mistake(
                ("server", "trusted_proxies"),
                f'{_shown(value)} is not an IP address or network; for example "127.0.0.1" or "10.0.0.0/8"',
            )


def _not_jmespath(expression: str) -> str | None:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(expression)
    except (JMESPathError, ValueError, TypeError, AttributeError, RecursionError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0].rstrip(": ")
    return None


def inside(inner: Path, outer: Path) -> bool:
    """Whether `inner` is `outer` or lies in it, links followed."""
    return inner.resolve().is_relative_to(outer.resolve())


def _left_alone(folder: Path, source: SourceConfig) -> bool:
    """Whether a source does not look into `folder`: hidden, or excluded as a whole."""
    assert source.path is not None
    parts = folder.resolve().relative_to(source.path.resolve()).parts
    if any(part.startswith(".") for part in parts):
        return True
    heads = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    for pattern in source.exclude:
        whole = re.sub(r"(/\*{1,2})?/?$", "", pattern.removeprefix("./").lstrip("/"))
        tail = whole.removeprefix("**/")
        anywhere = [*heads, *parts] if tail != whole else heads
        if any(fnmatchcase(head, tail) for head in anywhere):
            return True
    return False


def _verdict(table: Mapping[str, Any], schema: Schema) -> Iterator[Mistake]:
    """What jsonschema-rs says, which has the last word on what the walk lets pass."""
    import jsonschema_rs

    for error in jsonschema_rs.Draft202012Validator(dict(schema)).iter_errors(dict(table)):
        yield Mistake(tuple(map(str, error.instance_path)), error.message)


def _walk(value: Any, schema: Schema, root: Schema, path: Key) -> Iterator[Mistake]:
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **schema}
    if not _is(value, schema.get("type")):
        yield Mistake(path, f"{_shown(value)} is not {_expected(schema)}")
        return
    if "const" in schema and value != schema["const"]:
        yield Mistake(path, f"{_shown(value)} is not {_toml(schema['const'])}")
    if isinstance(value, str):
        yield from _text(value, schema, path)
    elif isinstance(value, dict):
        yield from _table(value, schema, root, path)
    elif isinstance(value, list):
        yield from _list(value, schema, root, path)
    elif isinstance(value, int | float) and not _in_range(value, schema):
        yield Mistake(path, f"{_shown(value)} is not {_expected(schema)}")


def _in_range(value: float, schema: Schema) -> bool:
    # nan is neither too small nor too large; it is refused because it is not between the limits.
    low: float = schema.get("minimum", float("-inf"))
    high: float = schema.get("maximum", float("inf"))
    return low <= value <= high


def _is(value: object, wanted: str | list[str] | None) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, list):
        return any(_is(value, one) for one in wanted)
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _TYPES[wanted])


def _text(value: str, schema: Schema, path: Key) -> Iterator[Mistake]:
    if "enum" in schema and value not in schema["enum"]:
        yield Mistake(path, f"{_shown(value)} is not {_expected(schema, near=_near(value, schema['enum']))}")
        return
    fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    if not fits or not _matches(schema, value) or ("not" in schema and _matches(schema["not"], value)):
        yield Mistake(path, f"{_shown(value)} is not {_expected(schema)}")


def _matches(schema: Schema, value: str) -> bool:
    # `$` is the very end, as in other languages; in Python it would let "a\n" pass.
    pattern = re.sub(r"\$$", r"\\Z", schema.get("pattern", ""))
    return re.search(pattern, value) is not None


def _list(value: list[Any], schema: Schema, root: Mapping[str, Any], path: Key) -> Iterator[Mistake]:
    if len(value) < schema.get("minItems", 0):
        yield Mistake(path, f"the list is empty; {_expected(schema)} is needed")
    for place, item in enumerate(value):
        if schema.get("uniqueItems") and item in value[:place]:
            yield Mistake(path, f"{_shown(item)} stands in it twice")
        for mistake in _walk(item, schema.get("items", {}), root, path):
            yield Mistake(path, mistake.message)


def _table(value: dict[str, Any], schema: Schema, root: Mapping[str, Any], path: Key) -> Iterator[Mistake]:
    if "if" in schema and not any(_walk(value, schema["if"], root, path)):
        schema = {**schema, **schema["then"]}
    known = schema.get("properties", {})
    names = schema.get("propertyNames", {})
    for key in schema.get("required", ()):
        if key not in value:
            example = _toml(known[key].get("examples", [""])[0])
            yield Mistake((*path, key), f"is missing; for example {key} = {example}")
    for key, inner in value.items():
        here = (*path, key)
        other = schema.get("additionalProperties", {})
        if key in known:
            yield from _walk(inner, known[key], root, here)
        elif other is False or key not in names.get("enum", value):
            yield Mistake(here, _unknown(key, names.get("enum", known), root, path))
        else:
            wrong = list(_walk(key, names, root, here))
            yield from (Mistake(here, f"as a name, {mistake.message}") for mistake in wrong)
            yield from _walk(inner, other, root, here)


def _unknown(key: str, known: Collection[str], root: Schema, path: Key) -> str:
    elsewhere = [name for name, section in root["properties"].items() if key in section.get("properties", {})]
    if elsewhere and len(path) < 2 and not _near(key, known, cutoff=0.8):
        name = elsewhere[0]
        return f"there is no such key here; did you mean {name}.{key}, under [{name}]?"
    near = _near(key, known)
    if near:
        return f"there is no such key; did you mean {dotted((*path, near))}?"
    if not known:
        return "there is no such key; nothing can be set here yet"
    return f"there is no such key; here one can set: {', '.join(sorted(known))}"


def _near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    from difflib import get_close_matches

    words = {one.replace("_", "-").lower(): one for one in known}
    close = get_close_matches(word[:100].replace("_", "-").lower(), words, n=1, cutoff=cutoff)
    return words[close[0]] if close else None


def _expected(schema: Schema, near: str | None = None) -> str:
    title: str = schema.get("title", "a table")
    if near:
        return f"{title}; did you mean {_toml(near)}?"
    examples = schema.get("examples")
    return f"{title}; for example {_toml(examples[0])}" if examples else title


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str | bool | int | float):
        text = _toml(value)
        return text if len(text) <= 80 else text[:79] + "…"
    return f"{value} (a date, without quotes)"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
