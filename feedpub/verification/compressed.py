"""Compressed twins, read back: each must hold just the bytes of its file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from feedpub.twins import ENDINGS, expand
from feedpub.verification.differences import Difference, Place


def verify_twins(folder: Path, path: str, content: bytes, encodings: object) -> Iterator[Difference]:
    """What is wrong with the twins that a manifest names.

    Args:
        folder: the published folder.
        path: of the file, whose twins stand beside it.
        content: the file's own bytes.
        encodings: what the manifest says of the twins: content coding → hash and size.
    """
    named: Mapping[str, Any] = encodings if isinstance(encodings, dict) else {}
    for coding, said in named.items():
        if coding not in ENDINGS or not isinstance(said, dict):
            continue  # the manifest's schema has told of that
        place = Place(path + ENDINGS[coding], "manifest")
        try:
            packed = (folder / place.path).read_bytes()
        except FileNotFoundError:
            yield place.differs("items", "a file", None)
            continue
        if (digest := hashlib.sha256(packed).hexdigest()) != said.get("hash"):
            yield place.differs("hash", said.get("hash"), digest)
        try:
            same = expand(packed, coding) == content
        except ValueError as error:
            yield from place.refused(error)
            continue
        if not same:
            yield place.differs("text", f"the bytes of {path}", "other bytes")
