"""What is published, over HTTP: only what the manifests list, as each client can take it.

It shares nothing with the publisher but the files: it may start before the first refresh, and
keeps serving while another process publishes. For those who have no web server of their own;
the output is plain files that any other serves as well.

A request is answered from one generation (`feedpub.published`). From which of a file's
representations is decided by negotiation (Accept, Accept-Encoding), then by conditions and ranges.
What such an answer is made of is kept until the next generation; nothing of it is the client's own.

HTTP semantics: https://www.rfc-editor.org/rfc/rfc9110, caching: https://www.rfc-editor.org/rfc/rfc9111.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from feedpub.published import BusyError, Generation, Output, PublishedFile, UnsettledError
from feedpub.serving import conditions, headers, negotiation, representation
from feedpub.serving.addresses import inside, location
from feedpub.serving.links import SCHEMAS
from feedpub.serving.representation import Representation, Shelf

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CHUNK_BYTES = 256_000
PATIENCE_SECONDS = 2.0
"""How long a request waits for a generation to be complete."""

_METHODS = ("GET", "HEAD")
_NOT_FOUND = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Not found</title>'
    b'<meta name="viewport" content="width=device-width, initial-scale=1">'
    b"<style>:root{color-scheme:light dark}body{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;"
    b"margin:15vh auto;padding:0 1rem;background:#fdfcf8;color:#1d1b18}a{color:inherit}"
    b"@media(prefers-color-scheme:dark){body{background:#161513;color:#ebe7df}}</style>"
    b'<main><h1>Not found</h1><p>There is nothing at this address. <a href="/">To the front page</a></p></main></html>\n'
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `body`, or bytes `first` to `last` (exclusive) of `file`, which must be closed.

    `kind` is what was asked for, for statistics. `generation` is what it was made from, or None
    if it must not be given twice.
    """

    status: int
    headers: headers.Headers
    body: bytes = b""
    file: PublishedFile | None = None
    first: int = 0
    last: int = 0
    kind: str = "other"
    generation: Generation | None = None

    @property
    def size(self) -> int:
        """Bytes of content."""
        return len(self.body) if self.file is None else self.last - self.first


class PublishedSite:
    """The ASGI application that answers with published files.

    Args:
        output: the folder that `feedpub publish` writes; it may still be empty.
        max_age_seconds: how long clients may keep an answer without asking again.
        site_url: the site's public address with a final "/"; None if it is not known.
        hubs: WebSub hubs that feeds name.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        output: Path,
        max_age_seconds: int,
        site_url: str | None = None,
        hubs: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.output = Output(output)
        self.clock = clock
        self._site_url = site_url
        self._max_age = max(0, max_age_seconds)
        self._maker = representation.Maker(self.output, site_url, tuple(hubs))
        self._shelf: Shelf | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await deliver(await self.reply(scope), receive, send)

    def at_once(self, scope: Mapping[str, Any]) -> Reply | None:
        """The answer to a request if it takes no time worth mentioning, else None."""
        try:
            return self._answer(scope, patient=False)
        except (BusyError, UnsettledError):
            return None

    async def reply(self, scope: Mapping[str, Any]) -> Reply:
        """The answer to a request; while a generation is being put into place, after that is done."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        found = self.at_once(scope)
        while found is None:
            try:
                found = await loop.run_in_executor(None, self._patiently, scope)
            except UnsettledError:
                if loop.time() > until:
                    return _retry("being published, ask again in a few seconds\n", 5)
                await asyncio.sleep(0.02)
        return found

    def _patiently(self, scope: Mapping[str, Any]) -> Reply:
        return self._answer(scope, patient=True)

    def warm(self) -> None:
        """Have in memory what the newest generation lists at its root, as far as there is room.

        These are the files that the next one replaces: so they can be served until it is complete.
        """
        try:
            generation = self.output.generation()
            self._maker.warm(generation)
        except LookupError:
            return

    # -- from a request to the representation that it means

    def _answer(self, scope: Mapping[str, Any], *, patient: bool) -> Reply:
        reply = self._decide(scope, scope["method"], patient=patient)
        return replace(reply, body=b"") if reply.body and scope["method"] == "HEAD" else reply

    def _decide(self, scope: Mapping[str, Any], method: str, *, patient: bool) -> Reply:
        if method == "OPTIONS":
            return Reply(204, headers.encoded({**headers.SECURITY, **headers.PREFLIGHT}))
        if method not in _METHODS:
            return _refused()
        asked = _headers(scope)
        path = inside(scope["path"])
        if path is None:
            return self._not_found()
        try:
            shelf = self._current()
        except LookupError:
            return _retry("nothing published yet\n", 10)
        entry = self.output.entry(shelf.generation, path)
        if entry is None:
            described = self._maker.schema(path.removeprefix(SCHEMAS)) if path.startswith(SCHEMAS) else None
            if described is None:
                return self._gone_with_page(shelf, path, scope["path"]) or self._not_found()
            return self._send(method, asked, described, shelf, patient=patient)
        if isinstance(entry.get("redirect"), str):
            return self._redirect(entry["redirect"], scope["path"])
        chosen = self._chosen(shelf, path, entry, asked, patient=patient)
        if chosen is None:
            return self._not_found()
        return self._send(method, asked, chosen, shelf, patient=patient)

    def _current(self) -> Shelf:
        generation = self.output.generation()
        shelf = self._shelf
        if shelf is None or shelf.generation is not generation:
            shelf = self._shelf = Shelf(generation)
        return shelf

    def _chosen(
        self, shelf: Shelf, path: str, entry: Mapping[str, Any], asked: Mapping[str, str], *, patient: bool
    ) -> Representation | None:
        forms = self._maker.forms(shelf.generation, path, entry)
        of = path
        if len(forms) > 1:
            of = forms[negotiation.media_type(asked.get("accept"), tuple(forms))]
        for coding in (*negotiation.encodings(asked.get("accept-encoding")), None):
            made = shelf.get((path, of, coding))
            if made is None:
                made = self._maker.make(shelf, path, of, coding, patient=patient)
            if made is not None:
                return made
        return None

    # -- from a representation to the answer

    def _send(
        self, method: str, asked: Mapping[str, str], chosen: Representation, shelf: Shelf, *, patient: bool
    ) -> Reply:
        now = self.clock()
        said = [*chosen.stable, *headers.encoded_caching(self._max_age, int(now), chosen.fixed)]
        modified = None
        if now - chosen.modified >= 2:
            # A file that may still change within the same second has no date to rely on (RFC 9110, 8.8.2.2).
            modified = int(chosen.modified)
            said.append((b"last-modified", headers.date(modified).encode()))
        first, last, status = 0, chosen.size, chosen.status
        if status == 200:
            verdict = conditions.verdict(asked, chosen.etag, modified)
            if verdict == "unchanged":
                return Reply(304, said, kind=chosen.kind, generation=shelf.generation)
            if verdict == "failed":
                return _plain(412, "It has changed.\n", {"ETag": chosen.etag})
            wanted = None
            if method == "GET" and "range" in asked:
                wanted = conditions.part(asked, chosen.etag, modified, chosen.size)
            if wanted == "unsatisfiable":
                return _plain(416, "There are no such bytes.\n", {"Content-Range": f"bytes */{chosen.size}"})
            if wanted is not None:
                (first, last), status = wanted, 206
                said.append((b"content-range", f"bytes {first}-{last - 1}/{chosen.size}".encode()))
        said += chosen.content
        said.append((b"content-length", str(last - first).encode()))
        if method == "HEAD":
            return Reply(status, said, kind=chosen.kind, generation=shelf.generation)
        if chosen.body is not None:
            body = chosen.body if status != 206 else chosen.body[first:last]
            return Reply(status, said, body, kind=chosen.kind, generation=shelf.generation)
        file = self.output.read(*chosen.source, shelf.generation, patient=patient)
        if file is None:
            return self._not_found()
        return Reply(status, said, b"", file, first, last, chosen.kind)

    def _redirect(self, target: str, path: str) -> Reply:
        where = location(target, self._site_url, path)
        if where is None:
            return self._not_found()
        caching = headers.caching(self._max_age, int(self.clock()))
        return _plain(
            301, "", {"Location": where, "Access-Control-Allow-Origin": "*", **caching}, kind="page"
        )

    def _gone_with_page(self, shelf: Shelf, path: str, asked: str) -> Reply | None:
        """For the record or calendar of an article or event that was withdrawn or has moved: the manifest names its page."""
        stem, _, ending = path.rpartition(".")
        page = self.output.entry(shelf.generation, f"{stem}.html") if ending in ("jsonld", "ics") else None
        if page is None:
            return None
        target = page.get("redirect")
        if isinstance(target, str) and target.endswith(".html"):
            return self._redirect(f"{target.removesuffix('html')}{ending}", asked)
        if page.get("status") != 410:
            return None
        caching = headers.caching(self._max_age, int(self.clock()))
        return _plain(
            410, "It was withdrawn.\n", {"Access-Control-Allow-Origin": "*", **caching}, kind="record"
        )

    def _not_found(self) -> Reply:
        said = headers.encoded(
            {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Length": str(len(_NOT_FOUND)),
                "Cache-Control": f"public, max-age={min(60, self._max_age)}",
                "Content-Security-Policy": _NOT_FOUND_POLICY,
                "Access-Control-Allow-Origin": "*",
                **headers.SECURITY,
            }
        )
        return Reply(404, said, _NOT_FOUND, kind="missing")


_NOT_FOUND_POLICY = headers.page_policy(_NOT_FOUND)


async def deliver(reply: Reply, receive: Receive, send: Send) -> None:
    """Send an answer over ASGI; a large file in parts, until the client goes away."""
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    if reply.file is None:
        await send({"type": "http.response.body", "body": reply.body})
        return
    loop = asyncio.get_running_loop()
    gone = loop.create_task(_until_gone(receive))
    try:
        offset = reply.first
        while offset < reply.last and not gone.done():
            length = min(CHUNK_BYTES, reply.last - offset)
            chunk = await loop.run_in_executor(None, reply.file.chunk, offset, length)
            offset += len(chunk)
            if not chunk:
                break  # cut off by somebody; the connection is closed for the missing bytes
            await send({"type": "http.response.body", "body": chunk, "more_body": offset < reply.last})
    finally:
        gone.cancel()
        reply.file.close()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a request that an answer depends on; those sent more than once joined as a list (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = _CONSIDERED.get(raw)
        if name is not None:
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


_CONSIDERED = {
    name.encode(): name
    for name in (
        *("accept", "accept-encoding", "range", "if-range", "if-match", "if-none-match"),
        *("if-modified-since", "if-unmodified-since"),
    )
}


def _plain(status: int, text: str, said: Mapping[str, str], *, kind: str = "other") -> Reply:
    content = text.encode()
    known = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(content)),
        **headers.SECURITY,
        **said,
    }
    return Reply(status, headers.encoded(known), content, kind=kind)


def _retry(text: str, seconds: int) -> Reply:
    return _plain(503, text, {"Retry-After": str(seconds), "Cache-Control": "no-store"})


def _refused() -> Reply:
    allowed = headers.PREFLIGHT["Allow"]
    # A body may follow, which nobody reads.
    return _plain(
        405, "Only GET and HEAD are answered here.\n", {"Allow": allowed, "Connection": "close"}
    )  # fmt: skip
