"""The API as an ASGI application: which path is answered by what, and what all answers have in common.

It only reads, and anybody may ask: CORS is open, and there are no cookies. HTTP semantics:
https://www.rfc-editor.org/rfc/rfc9110, problems: https://www.rfc-editor.org/rfc/rfc9457.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from feedpub import __version__, records
from feedpub.config import Config
from feedpub.formats import jsonld, ndjson
from feedpub.formats.graph import CONTEXT
from feedpub.serving.api import lists, openapi, parameters, problems, published
from feedpub.serving.api.problems import Refusal
from feedpub.serving.headers import SECURITY, data_policy
from feedpub.store.reading import NotReadableError, StoreReader, changes

log = logging.getLogger("feedpub.serving")

MAX_QUERY_BYTES = 60_000
_JSON_LD = "application/ld+json"
_KINDS = {lists.ARTICLES.path: "article", lists.EVENTS.path: "event"}
_COMMON = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After",
    "Content-Security-Policy": data_policy(_JSON_LD),
    **SECURITY,
}
_IN_SEGMENT = ":@!$&'()*+,;="
_METHODS = "GET, HEAD, OPTIONS"


def api_app(config: Config) -> Api:
    """An ASGI application for `/api` and all paths below it.

    It opens the store of `config` anew for each question, and only to read: there may be none yet, and
    it may be made anew at any time. Paths are taken as they are in the request, without a root path.
    """
    return Api(config)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of which only the tag is known; `body` makes the rest."""

    media_type: str
    etag: str
    body: Callable[[], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """The ASGI application itself; by no router, which would answer odd paths in its own way."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._store = StoreReader(config.state)
        self._max_age = max(0, min((source.every_seconds for source in config.sources), default=300))
        # What the answers say besides records, so that they are new when the configuration is.
        said = repr((__version__, config.site)).encode()
        self._frame = hashlib.sha256(said).hexdigest()[:16]
        self._openapi = orjson.dumps(openapi.document(config), option=orjson.OPT_APPEND_NEWLINE)
        self._entry = orjson.dumps(_entry(config), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; there is nothing to do when the server starts and ends."""
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            response = self._preflight()
        elif request.method not in ("GET", "HEAD"):
            response = self._refused(
                Refusal(
                    HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method[:20]} is not answered here: the API only reads.",
                    f"Use one of {_METHODS}.", headers={"Allow": _METHODS},
                )
            )  # fmt: skip
        else:
            response = await run_in_threadpool(self._respond, request)
        await response(scope, receive, send)

    # -- HTTP

    def _respond(self, request: Request) -> Response:
        try:
            return self._read(request)
        except Refusal as refusal:
            return self._refused(refusal, head=request.method == "HEAD")
        except NotReadableError as error:
            return self._refused(problems.not_yet(str(error)), head=request.method == "HEAD")
        except Exception:
            log.exception("api failed  path=%s", request.scope["path"][:200])
            return self._refused(
                Refusal(
                    HTTPStatus.INTERNAL_SERVER_ERROR, "The answer could not be made.",
                    "Ask again later; the newsroom finds the reason in the server's log.",
                ),
                head=request.method == "HEAD",
            )  # fmt: skip

    def _read(self, request: Request) -> Response:
        query = request.scope["query_string"]
        if len(query) > MAX_QUERY_BYTES:
            raise Refusal(
                HTTPStatus.REQUEST_URI_TOO_LONG, f"The query has {len(query):,} bytes.",
                f"Ask for less at once: {MAX_QUERY_BYTES:,} bytes are the most.",
            )  # fmt: skip
        path = request.scope["path"]
        listing = next((one for one in (lists.ARTICLES, lists.EVENTS) if one.path == path), None)
        if listing is not None or path == "/api/changes" or path.startswith(tuple(f"{p}/" for p in _KINDS)):
            with self._store.reading() as store:
                if listing is not None:
                    answer = self._list(lists.ask(listing, query, self._config, store), store)
                elif path == "/api/changes":
                    answer = self._changes(parameters.read(query, parameters.CHANGES), store)
                else:
                    answer = self._record(path, query, store)
                return self._send(request, answer)
        parameters.read(query, ())
        return self._send(request, self._fixed(path))

    def _send(self, request: Request, answer: _Answer) -> Response:
        etag = f'"{answer.etag}"'
        headers = {
            "ETag": etag,
            "Cache-Control": f"public, max-age={self._max_age}",
            **_COMMON,
            **answer.headers,
        }
        if _has_it(request, etag):
            return Response(status_code=304, headers=headers)
        content = answer.body()
        response = Response(content, 200, headers)
        response.headers["Content-Type"] = answer.media_type
        if request.method == "HEAD":
            response.body = b""
        return response

    def _refused(self, refusal: Refusal, *, head: bool = False) -> Response:
        again = refusal.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.MOVED_PERMANENTLY)
        caching = f"public, max-age={min(60, self._max_age)}" if again else "no-store"
        content = orjson.dumps(refusal.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        headers = {"Cache-Control": caching, **_COMMON, **refusal.headers}
        response = Response(content, int(refusal.status), headers, media_type=problems.MEDIA_TYPE)
        if head:
            response.body = b""
        return response

    def _preflight(self) -> Response:
        """To browsers that ask before they ask (https://fetch.spec.whatwg.org/#cors-preflight-request)."""
        allowed = {
            "Allow": _METHODS,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": "If-None-Match",
            "Access-Control-Max-Age": "86400",
        }
        return Response(status_code=204, headers={**_COMMON, **allowed})

    # -- answers

    def _fixed(self, path: str) -> _Answer:
        if path in ("/api", "/api/"):
            links = {"Link": '</api/openapi.json>; rel="service-desc"; type="application/json"'}
            return _Answer(_JSON_LD, _digest(self._entry), lambda: self._entry, links)
        if path == "/api/openapi.json":
            return _Answer("application/json", _digest(self._openapi), lambda: self._openapi)
        raise Refusal(
            HTTPStatus.NOT_FOUND,
            "There is nothing at this address.",
            "/api/openapi.json tells what there is.",
        )

    def _list(self, page: lists.Page, store: Any) -> _Answer:
        links = {"Link": f'<?{page.next_query}>; rel="next"'} if page.next_query is not None else {}
        make = partial(lists.body, page, self._config, store)
        etag = _digest(f"{page.etag} {self._frame}".encode())
        return _Answer(_JSON_LD, etag, lambda: b"".join(make()), links)

    def _record(self, path: str, query: bytes, store: Any) -> _Answer:
        parameters.read(query, ())
        prefix = next(prefix for prefix in _KINDS if path.startswith(f"{prefix}/"))
        identifier = path.removeprefix(f"{prefix}/")
        found = published.versions(store, [identifier]) if len(identifier) <= openapi.MAX_ID_LENGTH else []
        if not found or found[0].row.kind != _KINDS[prefix]:
            raise self._missing(store, identifier, prefix)
        etag = _digest(f"{found[0].digest} {self._frame}".encode())

        def body() -> bytes:
            (entry,) = published.entries(store, found, with_events=True)
            return jsonld.record_document(entry.data, *entry.events)

        return _Answer(_JSON_LD, etag, body)

    def _missing(self, store: Any, identifier: str, prefix: str) -> Refusal:
        target = published.moved_to(store, identifier)
        if target is not None:
            location = f"{prefix}/{quote(target, safe=_IN_SEGMENT)}"
            return Refusal(
                HTTPStatus.MOVED_PERMANENTLY, f"It is known by another id now: {target}", f"Ask for {location}",
                headers={"Location": location},
            )  # fmt: skip
        kind, withdrawn_at = published.state(store, identifier) or (None, None)
        if kind == _KINDS[prefix] and withdrawn_at is not None:
            at = datetime.fromtimestamp(withdrawn_at, UTC).isoformat()
            return Refusal(HTTPStatus.GONE, f"It was withdrawn at {at}.", "Drop what you hold of it.")
        other = next((path for path, known in _KINDS.items() if known == kind), None)
        remedy = f"It is an {kind}: ask for {other}/{quote(identifier, safe=_IN_SEGMENT)}" if other and other != prefix else (
            f"Take ids from {prefix}, percent-encoded."
        )  # fmt: skip
        return Refusal(HTTPStatus.NOT_FOUND, f"There is no {_KINDS[prefix]} with this id.", remedy)

    def _changes(self, meant: Mapping[str, Any], store: Any) -> _Answer:
        since, limit = meant["since"], meant["limit"]
        rows = store.execute(changes(since + 1, limit + 1)).all()
        lines = b"".join(self._line(row) for row in rows[:limit])
        more = len(rows) > limit
        links = {"Link": f'<?since={rows[limit - 1].sequence}&limit={limit}>; rel="next"'} if more else {}
        return _Answer("application/x-ndjson", _digest(lines), lambda: lines, links)

    def _line(self, row: Any) -> bytes:
        url = f"{self._config.site.url}{row.stem}.jsonld"
        return ndjson.change_line(
            sequence=row.sequence, at=datetime.fromtimestamp(row.at, UTC), change=row.change,
            record_id=row.record_id, type_=row.type, url=url,
        )  # fmt: skip


def _entry(config: Config) -> dict[str, Any]:
    """What there is to ask, as schema.org's WebAPI: https://schema.org/WebAPI."""
    site = config.site
    found = {
        "@context": CONTEXT,
        "@type": "WebAPI",
        "@id": f"{site.url}api",
        "url": f"{site.url}api",
        "name": f"{site.title}: API for services",
        "documentation": f"{site.url}api/openapi.json",
        "provider": records.agent_node(site.publisher, site.key) if site.publisher else None,
        "license": site.license,
        "potentialAction": [
            {
                "@type": "SearchAction",
                "name": listing.title,
                "target": {
                    "@type": "EntryPoint",
                    "contentType": _JSON_LD,
                    "urlTemplate": f"{site.url.rstrip('/')}{listing.path}{{?{_names(listing)}}}",
                },
            }
            for listing in (lists.ARTICLES, lists.EVENTS)
        ],
    }
    return {key: value for key, value in found.items() if value is not None}


def _names(listing: lists.Listing) -> str:
    """The parameters as RFC 6570 (section 3.2.8) names them."""
    return ",".join(f"{parameter.name}{'*' * parameter.many}" for parameter in listing.known)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _has_it(request: Request, etag: str) -> bool:
    """Whether the client has this version (RFC 9110, 13.1.2)."""
    return any(
        value.strip() == "*" or etag in re.findall(r'"[^"]*"', value)
        for value in request.headers.getlist("if-none-match")
    )
