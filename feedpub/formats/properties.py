"""What formats read from a record: its properties as plain strings, whatever shape they have there.

A property of a schema.org record may be absent, one value or several; a person may be a node or
a bare name. And one thing that every text output needs: no characters that XML and HTML forbid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from feedpub.models import JSON

# XML 1.0 section 2.2 allows none of these, not even escaped; lxml raises on them.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
_C1 = re.compile(rb"\xc2[\x80-\x9f]")


def listed(value: object) -> list[Any]:
    """A property's values in order: none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def strings(value: object) -> list[str]:
    """The distinct, non-blank strings among a property's values, in order."""
    return list(dict.fromkeys(text for text in listed(value) if isinstance(text, str) and text.strip()))


def first(value: object) -> str:
    """The first non-blank string among a property's values, or ""."""
    return next((text for text in listed(value) if isinstance(text, str) and text.strip()), "")


def nodes(value: object) -> list[Mapping[str, Any]]:
    """The nodes among a property's values, in order."""
    return [node for node in listed(value) if isinstance(node, Mapping)]


def names(value: object) -> list[str]:
    """The distinct names of a property's nodes, in order; a bare string is a name."""
    return strings([node.get("name") if isinstance(node, Mapping) else node for node in listed(value)])


def headline(data: JSON) -> str:
    """What a record is called: an article's headline, an event's name, or ""."""
    return first(data.get("headline")) or first(data.get("name"))


def without_illegal(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def readable(text: str) -> str:
    """`text` without all that `without_illegal` and `without_controls` take out."""
    plain = without_controls(text.encode("utf-8", "ignore")).decode()
    return without_illegal(plain) if "\ufffe" in plain or "\uffff" in plain else plain


def without_controls(encoded: bytes) -> bytes:
    """UTF-8 without control characters other than tab, line feed and carriage return.

    The C1 controls are legal in XML and HTML, but readers take them for Windows-1252.
    """
    encoded = encoded.translate(None, _CONTROLS)
    return _C1.sub(b"", encoded) if b"\xc2" in encoded else encoded
