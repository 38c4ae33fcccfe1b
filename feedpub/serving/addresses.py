"""Addresses as clients ask for them, and paths in the output: which is which, and which can be none."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote, unquote

from feedpub.serving.headers import reference

LONGEST = 2000
"""Characters of a path; no published file has a longer one."""


def inside(path: str) -> str | None:
    """The manifest's key for a request's (decoded) path, or None for what can never be published."""
    if not path.startswith("/") or "\\" in path or not path.isprintable() or len(path) > LONGEST:
        return None
    key = path[1:]
    if not key or key.endswith("/"):
        key += "index.html"
    if key[0] in "./" or "//" in key or "/." in key or key.endswith("/"):
        return None
    return key


def location(target: str, site_url: str | None, path: str) -> str | None:
    """Where a request for `path` is sent whose page moved to `target`, or None for what is no address.

    A page of our own is named relative to the request (RFC 9110, 10.2.2) and not as a path from "/",
    since a proxy may serve the output in a folder.
    """
    return _beside(target, site_url, path) or _absolute(target)


def _beside(target: str, site_url: str | None, path: str) -> str | None:
    if site_url is None or not target.startswith(site_url) or re.search("[?#]", target):
        return None
    key = inside("/" + unquote(target.removeprefix(site_url)))
    return quote(posixpath.relpath(f"/{key}", posixpath.dirname(path))) if key is not None else None


def _absolute(target: str) -> str | None:
    if target.lower().startswith(("http://", "https://")):
        return reference(target)
    key = inside("/" + target.lstrip("/"))
    return "/" + quote(key) if key is not None else None
