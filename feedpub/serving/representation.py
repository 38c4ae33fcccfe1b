"""The representations of a published file: each form and coding with the headers that never change.

A strong entity tag belongs to one sequence of bytes (RFC 9110, 8.8.3.3): that of a file is made of
its hash, that of a compressed twin of the twin's, and what is compressed here adds the compressor.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from feedpub.published import SMALL_BYTES, BusyError, Generation, Output, PublishedFile, UnsettledError
from feedpub.serving import headers, links
from feedpub.serving.encoding import QUICK_BYTES, Encoded, mark
from feedpub.twins import ENDINGS, SMALLEST, is_textual

SHELF_BYTES = 64_000_000
SHELF_ITEMS = 10_000
WARM_BYTES = 32_000_000
"""How much of a new generation is read before anybody asks for it."""
_STYLED_BYTES = 200_000
"""Where in a large page its style sheets are looked for."""

Key = tuple[str, str, str | None]
"""The path asked for, the path of the form, and the coding."""


@dataclass(frozen=True, slots=True)
class Representation:
    """One sequence of bytes with what is always said of it.

    `stable` are headers of every answer, `content` those of answers that carry it. `body` is None
    where it is large: then `source` are the path and hash of the file to read.
    """

    status: int
    etag: str
    modified: float
    size: int
    kind: str
    fixed: bool
    stable: headers.Headers
    content: headers.Headers
    body: bytes | None
    source: tuple[str, str | None]


@dataclass(slots=True)
class Shelf:
    """The representations of one generation, within bounds."""

    generation: Generation
    _made: dict[Key, Representation] = field(default_factory=dict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Key) -> Representation | None:
        """What was made already."""
        return self._made.get(key)

    def put(self, key: Key, made: Representation) -> Representation:
        """Keep it; when there is no more room, begin anew."""
        with self._lock:
            size = len(made.body or b"")
            if self._bytes + size > SHELF_BYTES or len(self._made) >= SHELF_ITEMS:
                self._made.clear()
                self._bytes = 0
            self._made[key] = made
            self._bytes += size
        return made


class Maker:
    """Makes representations. May be used by several threads."""

    def __init__(self, output: Output, site_url: str | None, hubs: tuple[str, ...]) -> None:
        self._output = output
        self._site_url = site_url
        self._hubs = hubs
        self._encoded = Encoded()
        self._policies: dict[str, str] = {}

    def forms(self, generation: Generation, path: str, entry: Mapping[str, Any]) -> Mapping[str, str]:
        """Media type → path of the forms in which an article or event is there, its page first.

        Only what is asked for at the page's own address is negotiated.

        Raises:
            UnsettledError: another generation is about to be complete.
        """
        if (
            not path.startswith(("articles/", "events/"))
            or not path.endswith(".html")
            or _status(entry) != 200
        ):
            return {"text/html": path}
        listed = self._output.listed(generation, path.rpartition("/")[0])
        stem = path.removesuffix(".html")
        found = {"text/html": path}
        for ending, kind in ((".jsonld", "application/ld+json"), (".ics", "text/calendar")):
            if f"{stem}{ending}" in listed:
                found[kind] = f"{stem}{ending}"
        return found

    def make(
        self, shelf: Shelf, path: str, of: str, coding: str | None, *, patient: bool
    ) -> Representation | None:
        """The representation of `path` in the form that stands at `of`; None if there is none such.

        Raises:
            BusyError: not `patient`, and it takes a while.
            UnsettledError: another generation is about to be complete.
        """
        generation = shelf.generation
        entry = self._output.entry(generation, of)
        if entry is None:
            return None
        kind = headers.media_type(of, entry)
        twin = _twin(entry, coding)
        file = self._read(of, entry, generation, twin, coding, patient=patient)
        if file is None:
            return None
        tag, body = file.digest[:32], file.body
        if coding is not None and twin is None:
            if body is None or len(body) < SMALLEST or not is_textual(kind):
                return None
            if not patient and len(body) > QUICK_BYTES and self._encoded.get(file.digest, coding) is None:
                raise BusyError(of)
            tag, body = f"{tag}{mark(coding)}", self._encoded.make(file.digest, body, coding)
        stable = {"ETag": f'"{tag}"', **self._varying(path, of, generation, entry, kind)}
        if kind.startswith("text/html"):
            policy = self._page_policy(of, entry, file if twin is None else None, generation, patient=patient)
        else:
            stable |= headers.SHARED
            policy = headers.data_policy(kind)
        content = {"Content-Type": kind, "Content-Security-Policy": policy, **headers.SECURITY}
        if coding is not None:
            content["Content-Encoding"] = coding
        if _status(entry) == 200:
            content["Accept-Ranges"] = "bytes"
        named = links.links(
            of, lambda folder: self._output.listed(generation, folder), self._site_url, self._hubs
        )
        if named:
            content["Link"] = named
        made = Representation(
            _status(entry), f'"{tag}"', file.modified, len(body) if body is not None else file.size,
            links.kind_of(of), headers.is_fixed(of), headers.encoded(stable), headers.encoded(content), body,
            (of + ENDINGS[coding] if coding and twin else of, twin or _hash(entry)),
        )  # fmt: skip
        file.close()
        return shelf.put((path, of, coding), made)

    def schema(self, name: str) -> Representation | None:
        """One of the schemas that come with feedpub, as "record.schema.json"; None if there is no such."""
        return _schema(name) if name.endswith(_SCHEMA) and len(name) < 100 else None

    def warm(self, generation: Generation) -> None:
        """Read what the generation lists at its root, as far as `WARM_BYTES` go."""
        room = WARM_BYTES
        # The main feed and the front page before those of single sections.
        for path in sorted(generation.files, key=lambda path: path.count("/")):
            entry = generation.files[path]
            size = entry.get("size") if isinstance(entry, dict) else None
            if not isinstance(size, int) or size > min(room, SMALL_BYTES):
                continue
            try:
                for coding in (None, *ENDINGS):
                    wanted = _hash(entry) if coding is None else _twin(entry, coding)
                    if wanted is None or self._output.is_kept(wanted):
                        continue
                    file = self._output.read(path + (ENDINGS[coding] if coding else ""), wanted)
                    room -= file.size if file is not None else 0
            except UnsettledError:
                continue

    def _read(
        self, of: str, entry: Mapping[str, Any], generation: Generation, twin: str | None, coding: str | None,
        *, patient: bool,
    ) -> PublishedFile | None:  # fmt: skip
        if twin is not None and coding is not None:
            return self._output.read(of + ENDINGS[coding], twin, generation, patient=patient)
        return self._output.read(of, _hash(entry), generation, patient=patient)

    def _varying(
        self, path: str, of: str, generation: Generation, entry: Mapping[str, Any], kind: str
    ) -> dict[str, str]:
        """What tells caches, and clients, which representation of several this is (RFC 9110, 12.5.5)."""
        own = self._output.entry(generation, path)
        negotiated = own is not None and len(self.forms(generation, path, own)) > 1
        compressed = is_textual(kind) and _size(entry) >= SMALLEST
        vary = ", ".join(
            name for name, does in (("Accept", negotiated), ("Accept-Encoding", compressed)) if does
        )  # fmt: skip
        found = {"Vary": vary} if vary else {}
        if of != path:
            found["Content-Location"] = headers.reference(of.rpartition("/")[2])
        return found

    def _page_policy(
        self, of: str, entry: Mapping[str, Any], file: PublishedFile | None, generation: Generation,
        *, patient: bool,
    ) -> str:  # fmt: skip
        """Computed once for each content."""
        digest = file.digest if file is not None else str(_hash(entry))
        known = self._policies.get(digest)
        if known is None:
            page = file or self._output.read(of, _hash(entry), generation, patient=patient)
            known = headers.page_policy(page.chunk(0, _STYLED_BYTES) if page is not None else b"")
            if len(self._policies) >= SHELF_ITEMS:
                self._policies.clear()
            self._policies[digest] = known
        return known


_SCHEMA = ".schema.json"


@lru_cache(100)
def _schema(name: str) -> Representation | None:
    import hashlib

    from feedpub.resources import schema_names, schema_path

    stem = name.removesuffix(_SCHEMA)
    if stem not in schema_names():
        return None
    body = schema_path(stem).read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    content = {"Content-Type": "application/schema+json", "Accept-Ranges": "bytes", **headers.SECURITY}
    content["Content-Security-Policy"] = headers.data_policy("application/schema+json")
    stable = headers.encoded({"ETag": tag, **headers.SHARED})
    return Representation(
        200, tag, 0.0, len(body), "schema", False, stable, headers.encoded(content), body, (name, None)
    )  # fmt: skip


def _status(entry: Mapping[str, Any]) -> int:
    return 410 if entry.get("status") == 410 else 200


def _hash(entry: Mapping[str, Any]) -> str | None:
    found = entry.get("hash")
    return found if isinstance(found, str) else None


def _size(entry: Mapping[str, Any]) -> int:
    found = entry.get("size")
    return found if isinstance(found, int) else SMALLEST


def _twin(entry: Mapping[str, Any], coding: str | None) -> str | None:
    """The hash of the compressed twin that the manifest names."""
    listed = entry.get("encodings")
    found = listed.get(coding) if isinstance(listed, dict) and coding is not None else None
    return _hash(found) if isinstance(found, dict) else None
