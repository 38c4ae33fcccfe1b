"""What a client has already, and which part it wants: conditional and range requests.

RFC 9110, 13 (conditions and their order of precedence) and 14 (ranges, single ones: a request for
several gets the whole, which 14.2 allows).
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

Verdict = Literal["send", "unchanged", "failed"]

_TAG = re.compile(r'(W/)?("[^"]*")')
_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)[ \t]*", re.ASCII | re.IGNORECASE)


def verdict(headers: Mapping[str, str], etag: str, modified: int | None) -> Verdict:
    """Whether to send it, or to answer 304 ("unchanged") or 412 ("failed").

    Args:
        headers: of the request, names in lower case.
        etag: the strong entity tag of the representation that would be sent.
        modified: when it changed, in seconds since 1970; None where that is not certain.
    """
    wanted = headers.get("if-match")
    if wanted is not None:
        if not _names(wanted, etag, strong=True):
            return "failed"
    elif modified is not None and "if-unmodified-since" in headers:
        since = _seconds(headers["if-unmodified-since"])
        if since is not None and modified > since:
            return "failed"
    known = headers.get("if-none-match")
    if known is not None:
        return "unchanged" if _names(known, etag) else "send"
    if modified is not None and "if-modified-since" in headers:
        since = _seconds(headers["if-modified-since"])
        if since is not None and modified <= since:
            return "unchanged"
    return "send"


def part(
    headers: Mapping[str, str], etag: str, modified: int | None, size: int
) -> tuple[int, int] | Literal["unsatisfiable"] | None:
    """The first byte asked for and the one after the last; None for the whole."""
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or not any(found.groups()):
        return None
    condition = headers.get("if-range")
    if condition is not None and not _is_same(condition, etag, modified):
        return None
    first, last = (int(text[:18]) if text else None for text in found.groups())
    if first is None:
        assert last is not None
        return (max(0, size - last), size) if last and size else "unsatisfiable"
    if last is not None and last < first:
        return None
    if first >= size:
        return "unsatisfiable"
    return (first, size if last is None else min(size, last + 1))


def _is_same(condition: str, etag: str, modified: int | None) -> bool:
    """If-Range: a strong tag or the exact date (13.1.5)."""
    if '"' in condition:
        return condition.strip() == etag
    return modified is not None and _seconds(condition) == modified


def _names(value: str, etag: str, *, strong: bool = False) -> bool:
    if value == etag:
        return True
    if value.strip() == "*":
        return True
    return any(tag == etag and not (strong and weak) for weak, tag in _TAG.findall(value))


@lru_cache(1000)
def _seconds(date: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
