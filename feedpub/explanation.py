"""Why a document was refused, for people: each schema error as a Problem in plain English.

Imported only for what was refused: jsonschema takes longer to load than most refreshes to run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from feedpub.errors import FeedpubError
from feedpub.models import Problem
from feedpub.resources import schema_document, schema_names

_MAX_DEPTH = 64
_MAX_PROBLEMS = 1000

Formats = Mapping[str, Callable[[str], bool]]

_KINDS = {
    "object": "a group of properties",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}

_PYTHON_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "boolean"),
    (str, "string"),
    (dict, "object"),
    ((list, tuple), "array"),
    ((int, float), "number"),
)

_REMEDIES = {
    "headline": "Give the article a title, for example a line “title: …” at its top.",
    "articleBody": "Give the article its text; an article without text cannot be published.",
    "url": "Give an absolute address that begins with https:// or http://.",
    "@id": "Give an absolute identifier such as https://… or urn:uuid:…, or leave it out to get one.",
    "@type": "Use one of the types that feedpub publishes, such as NewsArticle or Event.",
    "name": "Give its name.",
    "datePublished": "Write the date as 2025-09-02, or with a time as 2025-09-02T15:00:00+05:00.",
    "inLanguage": "Write the language as a BCP 47 tag such as en, ur or pt-BR.",
    "image": "Give the picture's absolute address, or put the file beside the article.",
}
_DATES = [
    "dateModified",
    "dateCreated",
    "dateDeleted",
    "expires",
    "startDate",
    "endDate",
    "doorTime",
    "previousStartDate",
    "validFrom",
]
_REMEDIES |= dict.fromkeys(_DATES, _REMEDIES["datePublished"])


def explain(name: str, data: Any, compiled: Any, formats: Formats) -> tuple[Problem, ...]:
    """Every problem of `data`, which `compiled` (the schema `name` in jsonschema-rs) has refused.

    Never empty: if jsonschema finds nothing wrong or is not installed, jsonschema-rs's own words
    stand in its place, so that nothing refused slips through.
    """
    unfit = tuple(_not_json(data))
    if any(problem.rule == "too-deep" for problem in unfit):
        return unfit
    found: dict[tuple[str | None, str], Problem] = {(p.pointer, p.message): p for p in unfit}
    for error in _errors(name, data, formats):
        for problem in _problems(error):
            found.setdefault((problem.pointer, problem.message), problem)
        if len(found) > _MAX_PROBLEMS:
            rest = f"There are more than {_MAX_PROBLEMS} problems; the rest is not listed."
            extra = Problem(rule="too-many", message=rest, remedy="Correct these first.")
            return (*tuple(found.values())[:_MAX_PROBLEMS], extra)
    if not found:
        return tuple(_by_the_other(data, compiled))
    return tuple(sorted(found.values(), key=lambda problem: problem.pointer or ""))


def explain_advice(name: str, data: Any, compiled: Any, formats: Formats) -> tuple[Problem, ...]:
    """What the consumer of the profile `name` loses, rule by rule in the order of the profile."""
    rules = schema_document(name)["allOf"]
    found: dict[tuple[str, str | None], Problem] = {}
    for error in _errors(name, data, formats):
        path = list(error.absolute_schema_path)
        rule = rules[path[1]] if len(path) > 1 and path[0] == "allOf" else {}
        for problem in _problems(error):
            advice = Problem(
                rule=f"{name.removeprefix('profiles/')}:{_code(rule.get('title', problem.rule))}",
                message=rule.get("description", problem.message),
                remedy=_advice_remedy(problem, rule.get("title")),
                severity="advice",
                pointer=problem.pointer,
                value=problem.value,
            )
            found.setdefault((advice.rule, advice.pointer), advice)
    if not found:
        return tuple(
            Problem(**{**_fields(problem), "severity": "advice"}) for problem in _by_the_other(data, compiled)
        )
    return tuple(found.values())


def _advice_remedy(problem: Problem, title: str | None) -> str:
    key = (problem.pointer or "").rpartition("/")[2]
    if problem.rule == "schema:required":
        return f"Add {key} if it is known; never make it up."
    return f"What is asked for: {title}." if title else problem.message


def _fields(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in problem.__slots__}


def _code(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title).lower().split())


@cache
def _registry() -> Any:
    """All schemas that come along, and nothing else: an unknown `$ref` raises, it is never fetched."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    documents = [dict(schema_document(name)) for name in schema_names()]
    return Registry().with_resources(
        (document["$id"], DRAFT202012.create_resource(document)) for document in documents
    )


@cache
def _validator(name: str, formats: tuple[tuple[str, Callable[[str], bool]], ...]) -> Any:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.validators import extend

    checker = FormatChecker(formats=())
    for key, check in formats:
        checker.checks(key)(lambda value, check=check: not isinstance(value, str) or check(value))
    # Without a working checker every format passes in silence.
    probe = Draft202012Validator({"format": "date"}, format_checker=checker)
    if probe.is_valid("2025-02-30") or not probe.is_valid("2024-02-29"):
        raise FeedpubError("jsonschema does not check formats: install jsonschema again")
    # jsonschema-rs takes a tuple as the array that it becomes in JSON; so does this.
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "array", lambda _, item: isinstance(item, list | tuple)
    )
    return extend(Draft202012Validator, type_checker=types)(
        dict(schema_document(name)), registry=_registry(), format_checker=checker
    )


def _errors(name: str, data: Any, formats: Formats) -> Iterator[Any]:
    try:
        validator = _validator(name, tuple(formats.items()))
    except ImportError:
        return
    for error in validator.iter_errors(data):
        yield from _leaves(error)


def _leaves(error: Any) -> Iterator[Any]:
    """The errors that mean something: of `anyOf` and `oneOf` those of the branch that came furthest."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        yield error
        return
    branches: dict[Any, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    best = max(
        branches.values(),
        key=lambda errors: (
            max(len(inner.path) for inner in errors),
            all(inner.validator not in ("type", "const", "enum") for inner in errors),
            -len(errors),
        ),
    )
    for inner in best:
        yield from _leaves(inner)


def _pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + _safe(str(part)).replace("~", "~0").replace("/", "~1") for part in path)


def _safe(text: str) -> str:
    """`text` in a form that can be written to any terminal or file."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _label(path: list[str | int]) -> str:
    """The path in words: "author 1: name"."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f" {part + 1}"
        else:
            words += f": {_safe(part)}" if words else _safe(part)
    return words.strip() or "The document"


def _short(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(_safe(str(key)[:20]) for key in list(value)[:5])
            + ("…}" if len(value) > 5 else "}")
        )
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = repr(value[:100] if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:79] + "…"


def _remedy(path: list[str | int], otherwise: str) -> str:
    names = [part for part in path if isinstance(part, str)]
    return _REMEDIES.get(names[-1], otherwise) if names else otherwise


def _kind(value: object) -> str:
    for types, kind in _PYTHON_KINDS:
        if isinstance(value, types):
            return _KINDS[kind]
    return "nothing" if value is None else "something that is not JSON"


def _nearest(wrong: object, known: Iterable[object]) -> str:
    words = [str(word) for word in known]
    close = get_close_matches(str(wrong)[:100], words, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def _problems(error: Any) -> Iterator[Problem]:
    """One schema error as Problems: one for each property that is missing or unknown."""
    path, keyword, wanted, value, schema = (
        list(error.absolute_path),
        error.validator,
        error.validator_value,
        error.instance,
        error.schema if isinstance(error.schema, dict) else {},
    )
    rule = f"schema:{keyword}"
    label, title = _label(path), schema.get("title")

    def problem(
        message: str, remedy: str = "", at: list[str | int] | None = None, shown: object = value
    ) -> Problem:
        place = path if at is None else at
        return Problem(
            rule=rule,
            message=message,
            remedy=remedy or _remedy(place, "Correct it in the article, or leave it out."),
            pointer=_pointer(place),
            value=_short(shown),
        )

    match keyword:
        case "required" | "dependentRequired":
            if keyword == "required":
                missing = [key for key in wanted if key not in value]
            else:
                missing = [
                    key for had, keys in wanted.items() if had in value for key in keys if key not in value
                ]
            for key in missing:
                what = f"{label} has no {key}" if path else f"There is no {key}"
                need = (
                    f": {title} is needed"
                    if title and "properties" not in schema and "allOf" not in schema
                    else ""
                )
                remedy = _remedy([*path, key], f"Add {key}.")
                yield problem(f"{what}{need}.", remedy, [*path, key], value)
        case "unevaluatedProperties" | "additionalProperties":
            known = schema.get("properties", {})
            for key in value if isinstance(value, dict) else ():
                if key in known:
                    continue
                if isinstance(wanted, dict) and wanted:
                    continue
                where = f" in {label}" if path else ""
                yield problem(
                    f"{key!r} is not a property that feedpub knows{where}.{_nearest(key, known)}",
                    "Correct its name, or leave it out.",
                    [*path, key],
                    value[key],
                )
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            stated = _short(value) if isinstance(value, int | float) else _kind(value)
            yield problem(f"{label} is {stated}; {' or '.join(_KINDS[kind] for kind in kinds)} is expected.")
        case "enum":
            yield problem(
                f"{label} is {_short(value)}, which is not among the values allowed.{_nearest(value, wanted)}"
            )
        case "const":
            yield problem(f"{label} is {_short(value)}; it must be {_short(wanted)}.")
        case "pattern" | "format":
            if isinstance(value, str) and not value.strip():
                yield problem(f"{label} is empty.")
            else:
                yield problem(f"{label} is {_short(value)}, which is not {title or f'of the form {wanted}'}.")
        case "not":
            what = (
                wanted.get("title", "something that may not be there")
                if isinstance(wanted, dict)
                else "anything"
            )
            yield problem(f"{label} holds {what}, which is not allowed.", "Take it out.")
        case "minLength" | "minItems" | "minProperties":
            state = "is empty" if not value else f"is too short ({len(value)}; at least {wanted})"
            yield problem(f"{label} {state}.")
        case "maxLength" | "maxItems":
            yield problem(f"{label} is too long ({len(value)}; at most {wanted}).")
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            limit = "at least" if "inimum" in keyword else "at most"
            yield problem(f"{label} is {_short(value)}; {limit} {wanted} is allowed.")
        case "uniqueItems":
            yield problem(f"{label} holds the same thing twice.", "Take out the repetition.")
        case _:
            yield problem(f"{label}: {error.message[:200]}")


def _by_the_other(data: Any, compiled: Any) -> Iterator[Problem]:
    """jsonschema-rs's own account."""
    for error in compiled.iter_errors(data):
        path = list(error.instance_path)
        keyword = next(
            (part for part in reversed(list(error.schema_path)) if isinstance(part, str)), "schema"
        )
        yield Problem(
            rule=f"schema:{keyword}",
            message=f"{_label(path)}: {str(error.message)[:200]}",
            remedy=_remedy(path, "Correct it in the article, or leave it out."),
            pointer=_pointer(path),
        )


def _not_json(data: Any) -> Iterator[Problem]:
    """What is no JSON (RFC 8259): NaN, infinity, lone surrogates, other types; and what is too deep."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(data, ())]
    while stack:
        value, path = stack.pop()
        if len(path) > _MAX_DEPTH:
            yield Problem(
                rule="too-deep",
                message=f"The record is nested more than {_MAX_DEPTH} levels deep.",
                remedy="Correct the article: no record is built like that.",
                pointer=_pointer(path[:3]),
            )
            return
        what = None
        if isinstance(value, dict):
            stack.extend((inner, (*path, str(key))) for key, inner in value.items())
            if not all(isinstance(key, str) for key in value):
                what = "has a key that is not text"
            elif any(_is_broken(key) for key in value):
                what = "has a key with half a character (a lone surrogate)"
        elif isinstance(value, list | tuple):
            stack.extend((inner, (*path, index)) for index, inner in enumerate(value))
        elif isinstance(value, str):
            what = "holds half a character (a lone surrogate)" if _is_broken(value) else None
        elif isinstance(value, float):
            what = None if math.isfinite(value) else "is not a finite number"
        elif value is not None and not isinstance(value, int):
            what = f"is a {type(value).__name__}, which JSON does not know"
        if what:
            yield Problem(
                rule="not-json",
                message=f"{_label(list(path))} {what}.",
                remedy="Correct it in the article, or leave it out.",
                pointer=_pointer(path),
                value=ascii(value)[:80] if not isinstance(value, dict | list | tuple) else None,
            )


def _is_broken(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
