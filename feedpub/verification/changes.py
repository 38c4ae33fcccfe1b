"""The numbered changes, line by line, and the small files that say how many there are and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from feedpub.verification.differences import ITEMS, ORDER, Difference, Place, compared
from feedpub.verification.statements import loaded
from feedpub.verification.texts import instant

FORMAT, INDEX = "changes", "index"
_KINDS = ("added", "modified", "deleted")
_NAMES = {"sequence": int, "at": str, "change": str, "id": str, "type": str}
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_NUMBERS = ("count", "size", "files", "sequence")


@dataclass(frozen=True, slots=True)
class Change:
    """What one line should say. `at` is aware; `url` is not told of the deleted."""

    sequence: int
    at: datetime
    kind: Literal["added", "modified", "deleted"]
    id: str
    type: str
    url: str


def differences(path: str, content: bytes, changes: Sequence[Change]) -> tuple[Difference, ...]:
    """All differences between a file of changes and the changes that it should tell, in order."""
    place = Place(path, FORMAT)
    try:
        lines = lines_of(content)
    except ValueError as error:
        return place.refused(error)
    found = list(invalid(place, lines))
    if len(lines) != len(changes):
        found.append(place.differs(ITEMS, len(changes), len(lines)))
    for change, line in zip(changes, lines, strict=False):
        wanted = {
            "sequence": change.sequence,
            "updated": instant(change.at.isoformat()),
            "change": change.kind,
            "id": change.id,
            "type": change.type,
            "url": None if change.kind == "deleted" else change.url,
        }
        found += compared(place, change.id, wanted, {**line, "updated": instant(str(line.get("at")))})
    return tuple(found)


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines.

    Raises:
        ValueError: a line is something else, or the last one does not end.
    """
    if content and not content.endswith(b"\n"):
        raise ValueError("the last line does not end")
    found = [loaded(line) for line in content.split(b"\n")[:-1]]
    if not all(isinstance(line, dict) for line in found):
        raise ValueError("a line is no object")
    return found


def invalid(place: Place, lines: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    """What no file of changes may say, whatever has changed."""
    first: Any = lines[0].get("sequence") if lines else 1
    for number, line in enumerate(lines):
        identifier = str(line.get("id"))
        for name, type_ in _NAMES.items():
            if not isinstance(line.get(name), type_) or isinstance(line.get(name), bool):
                yield place.differs("syntax", f"a {name}", line.get(name), identifier)
                return
        if line["sequence"] != first + number:
            yield place.differs(
                ORDER, f"sequence {first + number}", f"sequence {line['sequence']}", identifier
            )
        if line["change"] not in _KINDS:
            yield place.differs("change", ", ".join(_KINDS), line["change"], identifier)
        if not _RFC_3339.fullmatch(line["at"]) or not isinstance(instant(line["at"]), datetime):
            yield place.differs("updated", "a time of RFC 3339 with its offset", line["at"], identifier)
        if (line["change"] == "deleted") != (line.get("url") is None):
            yield place.differs("url", "an address, and none of the deleted", line.get("url"), identifier)


def index_differences(path: str, content: bytes, said: Mapping[str, Any]) -> tuple[Difference, ...]:
    """All differences between an index (`dump.json`, `changes.json`) and what it should say."""
    place = Place(path, INDEX)
    try:
        document = loaded(content)
        addresses_of(document)
    except ValueError as error:
        return place.refused(error)
    extra = dict.fromkeys(document.keys() - said.keys())
    return tuple(compared(place, None, {**said, **extra}, document))


def is_index(document: Any) -> bool:
    """Whether a JSON document is such an index."""
    return isinstance(document, dict) and {"template", *_NUMBERS} <= document.keys()


def addresses_of(document: Any) -> list[str]:
    """The addresses of all files that an index tells of.

    Raises:
        ValueError: its numbers or its template are none.
    """
    if not is_index(document):
        raise ValueError(f"no object with {', '.join(_NUMBERS)} and template")
    numbers = [document[name] for name in _NUMBERS]
    if not all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers
    ):
        raise ValueError(f"{', '.join(_NUMBERS)} are not all whole numbers")
    count, size, files, _ = numbers
    if size == 0 or files != -(-count // size):
        raise ValueError(f"{count:,} lines, {size:,} to a file, are not {files:,} files")
    template = document["template"]
    if not isinstance(template, str) or "{number}" not in template:
        raise ValueError("the template has no {number}")
    return [
        template.replace("{group}", str((number - 1) // 100)).replace("{number}", str(number))
        for number in range(1, files + 1)
    ]
