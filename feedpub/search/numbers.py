"""The number of a record in the index, which is also its place in the order: by kind, time, then a tie-break.

Everything in the index is kept in the order of these numbers, so that each question reads only as
far as its answer goes, and a position in a list is one number. Bits from above: 1 for the kind, 36
for the time, 18 of the id's hash, 8 to tell versions of a record apart.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Kind = Literal["article", "event"]

_TIME_BITS, _TIE_BITS = 36, 26
_ZERO = 1 << (_TIME_BITS - 1)
_UNDATED = (1 << _TIME_BITS) - 2
_HASH_BITS, _VERSION_BITS = 18, 8

LOWEST: dict[Kind, int] = {"article": 0, "event": 1 << (_TIME_BITS + _TIE_BITS)}
"""The least number of each kind."""
BEYOND: dict[Kind, int] = {"article": LOWEST["event"], "event": (1 << (_TIME_BITS + _TIE_BITS + 1)) - 1}
"""The number behind the last of each kind; SQLite has none that is greater than that of events."""


def at_time(kind: Kind, at: int | None) -> int:
    """The least number of this kind at or after `at`, in whole seconds since 1970; None stands behind all times."""
    time = _UNDATED if at is None else min(max(at + _ZERO, 0), _UNDATED - 1)
    return LOWEST[kind] + (time << _TIE_BITS)


def first(kind: Kind, at: int | None, identifier: str) -> int:
    """The number for the first version of a record; another that has it takes the next that is free."""
    digest = int.from_bytes(hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()[:4])
    return at_time(kind, at) + (digest >> (32 - _HASH_BITS) << _VERSION_BITS)
