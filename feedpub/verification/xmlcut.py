"""A feed in XML, taken apart by expat: the ids of its items, and a smaller feed with only some of them.

Heavier parsers then read what changed and the frame around it, but no item that was read before.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

_ATOM = "http://www.w3.org/2005/Atom"
_TOMBSTONE = "http://purl.org/atompub/tombstones/1.0 deleted-entry"
_ITEMS = frozenset({"item", f"{_ATOM} entry", _TOMBSTONE})
_IDS = frozenset({"guid", f"{_ATOM} id"})


@dataclass(frozen=True, slots=True)
class Cut:
    """`ids` are those of all items in order, tombstones included; `spans` the bytes that each takes up."""

    content: bytes
    ids: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def only(self, wanted: Container[str]) -> bytes:
        """The same document without the items that are not `wanted`."""
        parts, position = [], 0
        for identifier, (start, end) in zip(self.ids, self.spans, strict=True):
            if identifier not in wanted:
                parts.append(self.content[position:start])
                position = end
        return b"".join([*parts, self.content[position:]])


def cut(content: bytes) -> Cut:
    """The items of an RSS or Atom document in UTF-8.

    Raises:
        ValueError: it is not well-formed, is in another encoding, or has a document type.
    """
    from xml.parsers import expat

    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    reader.parser = parser
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.XmlDeclHandler = reader.declaration
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"not well-formed XML: {error}") from error
    spans = [(start, _end(content, start, end)) for start, end in reader.spans]
    return Cut(content, tuple(reader.ids), tuple(spans))


_TAG = re.compile(rb"""<([^\s/>]+)(?:[^>"']|"[^"]*"|'[^']*')*>""")


def _end(content: bytes, start: int, end: int) -> int:
    """Where an element is over, of which expat told that it ends at `end`: there its end tag begins.

    Of an element without one, versions of expat tell the beginning or the end of its only tag.
    """
    tag = _TAG.match(content, start)
    if tag is None:
        raise ValueError(f"no tag begins at byte {start}")
    if content.startswith(b"</" + tag[1], end):
        return content.index(b">", end) + 1
    return tag.end()


@dataclass(slots=True)
class _Reader:
    parser: Any = None
    ids: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    depth: int = 0
    inside: int = 0
    begun: int = 0
    text: list[str] | None = None

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
            raise ValueError(f"the document is in {encoding}; byte positions are counted in UTF-8")

    def doctype(self, *_: object) -> None:
        raise ValueError("the document has a document type, with which entities could be defined")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if not self.inside and name in _ITEMS and self.depth in (2, 3):
            self.inside = self.depth
            self.begun = self.parser.CurrentByteIndex
            self.ids.append(attributes.get("ref", "").strip() if name == _TOMBSTONE else "")
        elif self.inside and self.depth == self.inside + 1 and name in _IDS:
            self.text = []
            self.parser.CharacterDataHandler = self.text.append

    def end(self, name: str) -> None:
        if self.text is not None and name in _IDS:
            self.ids[-1] = "".join(self.text).strip()
            self.text = None
            self.parser.CharacterDataHandler = None
        if self.depth == self.inside:
            self.inside = 0
            self.spans.append((self.begun, self.parser.CurrentByteIndex))
        self.depth -= 1
