"""How `feedpub explain` looks: the record fact by fact, each with where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from feedpub.cli import present
from feedpub.cli.terminal import Terminal, clean
from feedpub.locating import line_of

if TYPE_CHECKING:
    from feedpub.checking import Explanation
    from feedpub.models import Origin, Record

_LONG = 70
_WORDS = {
    "metadata": "metadata",
    "markup": "markup",
    "rule": "rule",
    "path": "path",
    "configuration": "feedpub.toml",
}


def explanation(explanation: Explanation, terminal: Terminal) -> str:
    """The records of one document, what is published of it, and its problems."""
    lines = [terminal.paint("bold", clean(f"{explanation.source}: {explanation.place}"))]
    for record in explanation.records:
        lines += ["", *_record(record, explanation.document_text, terminal)]
    lines += ["", *_published(explanation.published, explanation.reason)]
    if explanation.problems:
        lines.append("")
        lines += [present.problem(problem, explanation.place, terminal) for problem in explanation.problems]
    return "\n".join(lines)


def _record(record: Record, text: str, terminal: Terminal) -> Iterator[str]:
    yield terminal.paint("bold", f"{clean(record.type)}  {clean(record.id)}")
    facts = [
        fact
        for key, value in record.data.items()
        if key not in ("@id", "@type")
        for fact in _facts(key, value, f"/{_escaped(key)}", record.origins, None)
    ]
    names = max((len(name) for name, _, _ in facts), default=0)
    limit = None if terminal.verbosity else _LONG
    shown = [(name, _shown(value, limit), value, origin) for name, value, origin in facts]
    values = min(max((len(value) for _, value, _, _ in shown), default=0), _LONG + 2)
    for name, words, value, origin in shown:
        line = f"  {name.ljust(names)}  {words.ljust(values)}"
        source = terminal.paint("dim", f"  ← {_where(origin, value, text)}") if origin else ""
        yield f"{line}{source}".rstrip()


def _facts(
    name: str, value: Any, pointer: str, origins: Mapping[str, Origin], above: Origin | None
) -> Iterator[tuple[str, Any, Origin | None]]:
    """A value as one fact, or taken apart where its parts come from different places."""
    origin = origins.get(pointer, above)
    inner = any(known.startswith(f"{pointer}/") for known in origins)
    if inner and isinstance(value, Mapping):
        for key, part in value.items():
            if key not in ("@id", "@type"):
                yield from _facts(f"{name}.{key}", part, f"{pointer}/{_escaped(key)}", origins, origin)
    elif inner and isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _facts(f"{name}[{number}]", part, f"{pointer}/{number}", origins, origin)
    else:
        yield clean(name), value, origin


def _where(origin: Origin, value: Any, text: str) -> str:
    line = line_of(origin, text)
    place = f" at line {line}" if line else ""
    if origin.kind == "text":
        told = f"the text{place} ({clean(origin.name)})"
    elif origin.quote is not None and origin.text is not None:
        told = f"{_WORDS[origin.kind]} {clean(origin.name)}, from the text{place}"
    else:
        told = f"{_WORDS[origin.kind]} {clean(origin.name)}{place}"
    if origin.quote is None or (
        isinstance(value, str) and _loose(value) in _loose(origin.quote)[: len(value) + 2]
    ):
        return told
    return f"{told}: {_shown(origin.quote, _LONG)}"


def _shown(value: Any, limit: int | None) -> str:
    """A value in one line; a long text is cut, with its length."""
    if isinstance(value, str):
        whole = " ".join(clean(value).split())
        if limit is not None and len(whole) > limit:
            size = f" ({len(value):,} characters)" if len(value) > 4 * limit else ""
            return f"“{whole[: limit - len(size) - 1].rstrip()}…”{size}"
        return f"“{whole}”"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item, limit) for item in value)
    if isinstance(value, Mapping):
        name = next(
            (value[key] for key in ("name", "headline", "text", "url", "@id") if value.get(key)), None
        )
        kind = value.get("@type")
        words = (
            _shown(name, limit) if name is not None else clean(json.dumps(value, ensure_ascii=False))[:limit]
        )
        return f"{clean(str(kind))} {words}" if kind else words
    return json.dumps(value)


def _published(published: Mapping[str, Any] | None, reason: str | None) -> Iterator[str]:
    because = f": {clean(reason)}" if reason else ""
    if not published:
        yield f"Not published{because}."
        return
    if published.get("withdrawn_at"):
        yield f"Not published any more{because}."
    elif reason:
        yield f"Published, but {clean(reason)}."
    else:
        yield "Published:"
    width = max(map(len, published))
    for key, value in published.items():
        if value is not None:
            yield f"  {clean(key).ljust(width)}  {clean(str(value))}"


def _loose(text: str) -> str:
    return " ".join(text.split()).casefold()


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
