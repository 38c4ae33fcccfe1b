"""Whether there is a published set that is whole enough to be served; in words that give nothing away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from feedpub.published import MANIFEST
from feedpub.twins import main_of

LOOKED_AT = 2000
"""How many files of a set are looked for."""
_PAGE = "index.html"


def reasons(output: Path, damaged: Sequence[str] = ()) -> tuple[str, ...]:
    """Why the output cannot be served, in the order of discovery; empty if it can.

    `damaged` are paths of files that could not be answered with: one article among many is no reason, a feed is.
    """
    try:
        content = json.loads((output / MANIFEST).read_bytes())
        files: dict[str, Any] = dict(content["files"])
    except FileNotFoundError:
        return ("nothing has been published yet",)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ("the list of what is published cannot be read",)
    if not files:
        return ("nothing has been published yet",)
    expected = [
        path for path, entry in files.items() if isinstance(entry, dict) and not entry.get("redirect")
    ]
    # The front page and the feeds of the newsroom come before those of sections and archives.
    expected.sort(key=lambda path: (path != _PAGE, path.count("/"), path))
    missing = sum(not _is_file(output / path) for path in expected[:LOOKED_AT])
    if missing:
        return (f"{missing} of {min(len(expected), LOOKED_AT)} published files are missing",)
    wrong = len(files.keys() & {(main_of(path) or (path,))[0] for path in damaged})
    return (f"{wrong} of the published files are not what was written",) if wrong else ()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
