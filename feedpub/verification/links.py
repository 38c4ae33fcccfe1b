"""Where a page leads, and which of these addresses lie in the folder that it was published in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

_RELATIONS = frozenset({"alternate", "canonical", "icon", "next", "prev", "stylesheet"})
"""Links to files; others name hosts to connect to, services, and what a page is about."""
_ROOT = "https://folder.invalid/"
_PROGRAMS = frozenset({".asp", ".aspx", ".cgi", ".jsp", ".php"})


def references_of(tree: Any, *, own: bool) -> Iterator[str]:
    """What a page's links, anchors and pictures name, as it stands there.

    Of our `own` pages only what we made: they lead to each other by relative addresses, while absolute ones
    are those that an article's author wrote.
    """
    base = tree.find(".//head/base")
    root = base.get("href", "") if base is not None else ""
    for element in tree.iter("a", "link", "img"):
        reference = element.get("src" if element.tag == "img" else "href", "").strip()
        if element.tag == "link" and not _RELATIONS & set(element.get("rel", "").lower().split()):
            continue
        if own and element.tag == "a" and not reference.startswith("."):
            continue
        if reference and not reference.startswith("#"):
            yield _joined(root, reference) if root else reference


def resolved(path: str, reference: str) -> str | None:
    """A reference in the file at `path`: an absolute address, "/…" from the host's root, or else a path in the folder.

    None for what can be no file: another scheme, or no address at all.
    """
    reference = reference.partition("#")[0].strip()
    try:
        parts = urlsplit(reference)
    except ValueError:
        return None
    if parts.scheme:
        return reference if parts.scheme.lower() in ("http", "https") else None
    if not reference or parts.netloc or reference.startswith("/"):
        return reference if reference and not parts.netloc else None
    return _joined(f"{_ROOT}{quote(path)}", reference).removeprefix(_ROOT)


def within(reference: str, bases: Iterable[str]) -> str | None:
    """What `resolved` gave, relative to the folder, which stands at one of `bases`; None where it lies elsewhere."""
    if reference.startswith("/"):
        whole = [_joined(base, reference) for base in bases]
    elif "://" in reference:
        whole = [reference]
    else:
        return reference
    return next((url[len(base) :] for url in whole for base in bases if url.startswith(base)), None)


def may_be_made(reference: str) -> bool:
    """Whether a server may answer there although the folder of another software has no such file."""
    path, question, _ = reference.partition("?")
    name = PurePosixPath(path)
    return bool(question) or not path or name.suffix in _PROGRAMS or ("/" not in path and not name.suffix)


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference
