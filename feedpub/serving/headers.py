"""The headers that go with a published file: its type, what a browser may do with it, how long it keeps."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from feedpub.published import MANIFEST

Headers = list[tuple[bytes, bytes]]

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
HSTS = ("Strict-Transport-Security", "max-age=31536000")
"""Sent to those who came through TLS, and to nobody else (RFC 6797, 7.2)."""

SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Content-Location, Content-Range, Accept-Ranges",
}
"""On data: any page may read it (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

PREFLIGHT = {
    "Allow": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Accept, If-None-Match, If-Modified-Since, If-Match, If-Range, Range, "
    "If-Unmodified-Since, Cache-Control, Pragma",
    "Access-Control-Max-Age": "86400",
}

FIXED_SECONDS = 31_536_000

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".jsonld": "application/ld+json",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
_WITH_CHARSET = re.compile(r"(?:text/[a-z0-9.+-]+|application/(?:[a-z0-9.-]+\+)?xml)")
_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]+(?:; ?[a-z]+=[A-Za-z0-9.-]+)*")
_STYLE = re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_FRAME = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def media_type(path: str, entry: Mapping[str, Any]) -> str:
    """The Content-Type of a file: as the manifest states it, with the charset where that has one."""
    known = _TYPES.get(os.path.splitext(path)[1].lower())  # noqa: PTH122 - a key, not a path of this machine
    stated = entry.get("type")
    if not isinstance(stated, str) or not _TYPE.fullmatch(stated):
        return known or "application/octet-stream"
    return f"{stated}; charset=utf-8" if _WITH_CHARSET.fullmatch(stated) else stated


def page_policy(page: bytes) -> str:
    """The Content-Security-Policy of a page: its own style sheets, pictures, and nothing else.

    Style sheets inside the page are allowed by their hash (https://www.w3.org/TR/CSP3/#hash-source).
    """
    styles = {base64.b64encode(hashlib.sha256(style).digest()).decode() for style in _STYLE.findall(page)}
    allowed = " ".join(f"'sha256-{digest}'" for digest in sorted(styles)) or "'none'"
    return f"default-src 'none'; img-src 'self' https: http: data:; style-src {allowed}; {_FRAME}"


def data_policy(kind: str) -> str:
    """The policy of what is no page: it does nothing at all where a browser shows it."""
    # A picture's own styles are part of the picture; it cannot run anything in a sandbox.
    styles = "style-src 'unsafe-inline'; " if kind.startswith("image/svg") else ""
    return f"default-src 'none'; {styles}sandbox; {_FRAME}"


def is_fixed(path: str) -> bool:
    """Whether what stands there never changes: names in media/ are made of the content's hash."""
    return path.startswith("media/") and not path.endswith(f"/{MANIFEST}")


def caching(seconds: int, now: int, *, fixed: bool = False) -> dict[str, str]:
    """How long an answer may be kept, told in both ways that readers go by."""
    seconds = FIXED_SECONDS if fixed else seconds
    return {
        "Cache-Control": f"public, max-age={seconds}{', immutable' if fixed else ''}",
        "Expires": date(now + seconds),
    }


@lru_cache(8)
def encoded_caching(seconds: int, now: int, fixed: bool) -> Headers:
    """The same for ASGI; it is the same for a whole second, so don't change it."""
    return encoded(caching(seconds, now, fixed=fixed))


def reference(target: str) -> str:
    """An address or relative reference with nothing in it that a header cannot hold."""
    return quote(target, safe=":/?#[]@!$&'()*+,;=%-._~")


@lru_cache(64)
def date(seconds: int) -> str:
    """An HTTP date (RFC 9110, 5.6.7)."""
    return email.utils.formatdate(seconds, usegmt=True)


def encoded(headers: Mapping[str, str]) -> Headers:
    """As ASGI has them: bytes, names in lower case."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
