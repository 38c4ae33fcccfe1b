"""What is published, over HTTP: only what the manifests list, with types, ETags and 304.

It shares nothing with the publisher but the files: it may start before the first refresh, and
keeps serving while another process publishes. For those who have no web server of their own;
the output is plain files that any other serves as well.

HTTP semantics: https://www.rfc-editor.org/rfc/rfc9110, caching: https://www.rfc-editor.org/rfc/rfc9111.
"""

from __future__ import annotations

import email.utils
import logging
import os
import posixpath
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from feedpub.published import MANIFEST, Output, PublishedFile

log = logging.getLogger("feedpub.server")

GRACE_SECONDS = 7
CHUNK_BYTES = 256_000

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".jsonld": "application/ld+json",
    ".json": "application/json",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
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

_PAGE_POLICY = (
    "default-src 'none'; img-src 'self' https: http: data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_OTHER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
_NOT_FOUND = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not found</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<style>:root{color-scheme:light dark}body{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;"
    "margin:15vh auto;padding:0 1rem;background:#fdfcf8;color:#1d1b18}a{color:inherit}"
    "@media(prefers-color-scheme:dark){body{background:#161513;color:#ebe7df}}</style>"
    '<main><h1>Not found</h1><p>There is nothing at this address. <a href="/">To the front page</a></p></main></html>\n'
)


class PublishedSite:
    """The ASGI application that answers with published files, below Starlette's own layers."""

    def __init__(
        self,
        output: Path,
        max_age_seconds: int,
        site_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._output = Output(output)
        self._site_url = site_url
        self._max_age = max(0, max_age_seconds)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _plain(405, "Only GET and HEAD are answered here.\n", {"Allow": "GET, HEAD"})
        path = _inside(request.scope["path"])
        if path is None:
            return self._not_found()
        try:
            entry = self._output.entry(path)
            if entry is None:
                return self._not_found()
            if isinstance(entry.get("redirect"), str):
                return self._redirect(entry["redirect"], request.scope["path"])
            file = await self._read(path)
            if file is not None and entry.get("hash") not in (None, file.digest):
                # Published since the manifest was read: what it says of this file may have changed too.
                entry = self._output.entry(path)
        except LookupError:
            return _plain(503, "nothing published yet\n", {"Retry-After": "10", "Cache-Control": "no-store"})
        if file is None:
            return self._not_found()
        if entry is None:
            file.close()
            return self._not_found()
        return self._send(request, path, entry, file)

    async def _read(self, path: str) -> PublishedFile | None:
        if self._output.is_large(path):
            return await run_in_threadpool(self._output.read, path)
        return self._output.read(path)

    def _send(self, request: Request, path: str, entry: Mapping[str, Any], file: PublishedFile) -> Response:
        etag = f'"{file.digest[:32]}"'
        headers = {"ETag": etag, **self._caching(path), **_SECURITY}
        modified = int(file.modified)
        if self._clock() - file.modified >= 2:
            # A file that may still change within the same second has no date to rely on (RFC 9110, 8.8.2.2).
            headers["Last-Modified"] = email.utils.formatdate(modified, usegmt=True)
        status = 410 if entry.get("status") == 410 else 200
        if status == 200 and _unchanged(request, etag, modified if "Last-Modified" in headers else None):
            file.close()
            return Response(status_code=304, headers=headers)
        media_type = _media_type(path, entry)
        headers["Content-Type"] = media_type
        headers["Content-Length"] = str(file.size)
        page = media_type.startswith("text/html")
        headers["Content-Security-Policy"] = _PAGE_POLICY if page else _OTHER_POLICY
        if request.method == "HEAD":
            file.close()
            return _Sized(b"", status_code=status, headers=headers)
        if file.body is not None:
            return _Sized(file.body, status_code=status, headers=headers)
        return StreamingResponse(_chunks(file), status_code=status, headers=headers)

    def _caching(self, path: str) -> dict[str, str]:
        # Names in media/ are made of the content's hash: what stands there never changes.
        fixed = path.startswith("media/") and not path.endswith(f"/{MANIFEST}")
        seconds = 31_536_000 if fixed else self._max_age
        return {
            "Cache-Control": f"public, max-age={seconds}{', immutable' if fixed else ''}",
            "Expires": email.utils.formatdate(self._clock() + seconds, usegmt=True),
        }

    def _redirect(self, target: str, path: str) -> Response:
        location = _beside(target, self._site_url, path) or _location(target)
        if location is None:
            return self._not_found()
        return _plain(301, "", {"Location": location, **self._caching("")})

    def _not_found(self) -> Response:
        headers = {"Cache-Control": f"public, max-age={min(60, self._max_age)}", **_SECURITY}
        headers["Content-Security-Policy"] = _PAGE_POLICY
        return Response(_NOT_FOUND, 404, headers, media_type="text/html; charset=utf-8")


class _Sized(Response):
    """A response with just the headers given: to HEAD, the Content-Length of what GET gets."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ]


def _inside(path: str) -> str | None:
    """The manifest's key for a request's (decoded) path, or None for what can never be published."""
    if not path.startswith("/") or "\\" in path or not path.isprintable() or len(path) > 2000:
        return None
    key = path[1:]
    if not key or key.endswith("/"):
        key += "index.html"
    if any(part == "" or part.startswith(".") for part in key.split("/")):
        return None
    return key


def _media_type(path: str, entry: Mapping[str, Any]) -> str:
    known = _TYPES.get(os.path.splitext(path)[1].lower())  # noqa: PTH122 - a key, not a path of this machine
    stated = entry.get("type")
    if not isinstance(stated, str) or not _TYPE.fullmatch(stated):
        return known or "application/octet-stream"
    if _WITH_CHARSET.fullmatch(stated):
        return f"{stated}; charset=utf-8"
    return stated


def _beside(target: str, site_url: str | None, path: str) -> str | None:
    """The way from a request's path to one of our own pages (RFC 9110, 10.2.2: a reference may be relative).

    None for any other address. Not a path from "/": a proxy may serve the output in a folder.
    """
    if site_url is None or not target.startswith(site_url) or re.search("[?#]", target):
        return None
    key = _inside("/" + unquote(target.removeprefix(site_url)))
    return quote(posixpath.relpath(f"/{key}", posixpath.dirname(path))) if key is not None else None


def _location(target: str) -> str | None:
    """A Location for a manifest's `redirect`: an http(s) address, or a path in the output."""
    if target.lower().startswith(("http://", "https://")):
        return quote(target, safe=":/?#[]@!$&'()*+,;=%-._~")
    key = _inside("/" + target.lstrip("/"))
    return "/" + quote(key) if key is not None else None


def _unchanged(request: Request, etag: str, modified: int | None) -> bool:
    """Whether the client has these bytes already (RFC 9110, 13.2.2: If-None-Match goes first)."""
    wanted = request.headers.getlist("if-none-match")
    if wanted:
        return any(_names(value, etag) for value in wanted)
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified <= email.utils.parsedate_to_datetime(since).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False


def _names(value: str, etag: str) -> bool:
    return value.strip() == "*" or etag in re.findall(r'(?:W/)?("[^"]*")', value)


def _plain(status: int, text: str, headers: Mapping[str, str]) -> Response:
    return Response(text, status, {**_SECURITY, **headers}, media_type="text/plain; charset=utf-8")


async def _chunks(file: PublishedFile) -> AsyncIterator[bytes]:
    try:
        offset = 0
        while chunk := await run_in_threadpool(file.chunk, offset, CHUNK_BYTES):
            offset += len(chunk)
            yield chunk
    finally:
        file.close()
