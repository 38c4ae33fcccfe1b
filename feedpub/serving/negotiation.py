"""Which of several representations a client prefers: Accept and Accept-Encoding with their weights.

RFC 9110, 12.4.2 (weights), 12.5.1 (Accept), 12.5.3 (Accept-Encoding). Headers are at most a few
hundred different texts, so that what was made of them is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

ENCODINGS = ("br", "gzip")
"""What is offered beside the bytes themselves, the better first."""


@lru_cache(1000)
def encodings(accept_encoding: str | None) -> tuple[str, ...]:
    """The offered encodings that a client takes, the preferred first; those after "identity" are left out.

    The bytes themselves ("identity", not named here) are the answer where the tuple is empty, also
    for a client that refuses them: nothing else may be there to give.
    """
    weights = _weights(accept_encoding or "")
    any_other = weights.get("*", 0.0)
    identity = weights.get("identity", weights.get("*", 0.001))
    offered = [(weights.get(name, any_other), name) for name in ENCODINGS]
    # gzip has been called x-gzip.
    offered = [(weights.get("x-gzip", q) if name == "gzip" else q, name) for q, name in offered]
    wanted = [(q, name) for q, name in offered if q > 0 and q >= identity]
    return tuple(name for _, name in sorted(wanted, key=lambda pair: -pair[0]))


@lru_cache(1000)
def media_type(accept: str | None, offered: Sequence[str]) -> str:
    """The offered media type (without parameters) that a client prefers; the first where it takes none.

    Of several with the same weight the one offered first.
    """
    if accept is None:
        return offered[0]
    weights = _weights(accept)
    best = max(offered, key=lambda name: _weight(name, weights))
    return best if _weight(best, weights) > 0 else offered[0]


def _weight(name: str, weights: dict[str, float]) -> float:
    """What the most specific of a header's ranges says of a type."""
    for known in (name, f"{name.partition('/')[0]}/*", "*/*"):
        if known in weights:
            return weights[known]
    return 0.0


def _weights(header: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name:
            weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
            # A range with other parameters (a profile) is met by the type without them.
            found[name] = max(found.get(name, 0.0), _number(weight))
    return found


def _number(text: str) -> float:
    """A weight from 0 to 1; what is none counts as 0."""
    whole, _, fraction = text.strip().partition(".")
    if whole not in ("0", "1") or not (fraction + "0").isascii() or not (fraction + "0").isdigit():
        return 0.0
    number = float(f"{whole}.{fraction or 0}")
    return number if number <= 1 else 0.0
