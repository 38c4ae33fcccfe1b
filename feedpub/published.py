"""The output as its manifests tell it: what is published, and each file with the hash of just its bytes.

Reading needs no lock against the publisher: files are replaced by renaming, so what is open stays
whole. Whatever no manifest lists is not published, wherever it lies.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger("feedpub.published")

MANIFEST = "manifest.json"
SMALL_BYTES = 1_000_000
"""Files up to this size are kept in memory once asked for; larger ones are read in parts."""
CACHE_BYTES = 64_000_000
CACHED_FILES = 10_000
CACHED_MANIFESTS = 200
MAX_MANIFEST_BYTES = 200_000_000

_Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file as it is on disk now. `body` is None where it is large: then it is read by `chunk`."""

    digest: str
    size: int
    modified: float
    body: bytes | None
    open: io.FileIO | None = None

    def chunk(self, offset: int, length: int) -> bytes:
        """Some of the bytes; empty at the end, which is where the hash was taken."""
        if self.open is None:
            return (self.body or b"")[offset : offset + length]
        return os.pread(self.open.fileno(), max(0, min(length, self.size - offset)), offset)

    def close(self) -> None:
        """Let go of a large file."""
        if self.open is not None:
            self.open.close()


class Output:
    """One output folder. May be used by several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._manifests: OrderedDict[str, tuple[_Stamp, dict[str, Any] | None]] = OrderedDict()
        self._files: OrderedDict[str, tuple[_Stamp, str, bytes | None]] = OrderedDict()
        self._cached_bytes = 0

    def entry(self, path: str) -> Mapping[str, Any] | None:
        """What the manifests say about `path`, or None if it is not published.

        Raises:
            LookupError: nothing has been published yet.
        """
        root = self._manifest(MANIFEST)
        if root is None:
            raise LookupError("no manifest")
        if path == MANIFEST:
            return {"type": "application/json"}
        found = _mapping(_mapping(root.get("files")).get(path))
        if found:
            return found
        folder, _, name = path.rpartition("/")
        if folder not in _mapping(root.get("folders")):
            return None
        if name == MANIFEST:
            return {"type": "application/json"}
        listed = self._manifest(f"{folder}/{MANIFEST}") or {}
        return _mapping(_mapping(listed.get("files")).get(path)) or None

    def read(self, path: str) -> PublishedFile | None:
        """The file at `path`, or None if there is none. Does not ask whether it is published."""
        handle = self._open(path)
        if handle is None:
            return None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            return None
        file = io.FileIO(handle)  # closed at the latest when nobody holds it any more
        stamp = _stamp(status)
        with self._lock:
            known = self._files.get(path)
            if known is not None and known[0] == stamp:
                self._files.move_to_end(path)
                digest, body = known[1], known[2]
            else:
                known = None
        if known is None:
            body = _read(handle, status.st_size) if status.st_size <= SMALL_BYTES else None
            digest = hashlib.sha256(body).hexdigest() if body is not None else _hash(file)
            self._keep(path, stamp, digest, body)
        if body is None:
            return PublishedFile(digest, status.st_size, status.st_mtime, None, file)
        file.close()
        return PublishedFile(digest, len(body), status.st_mtime, body)

    def is_large(self, path: str) -> bool:
        """Whether reading `path` may take so long that others should not wait for it."""
        try:
            return (self._root / path).lstat().st_size > SMALL_BYTES
        except (OSError, ValueError):
            return False

    def _manifest(self, path: str) -> dict[str, Any] | None:
        handle = self._open(path)
        if handle is None:
            with self._lock:
                self._manifests.pop(path, None)
            return None
        content: dict[str, Any] | None
        try:
            status = os.fstat(handle)
            stamp = _stamp(status)
            with self._lock:
                known = self._manifests.get(path)
                if known is not None and known[0] == stamp:
                    self._manifests.move_to_end(path)
                    return known[1]
            try:
                content = _manifest_content(handle, status.st_size)
            except (OSError, ValueError, RecursionError) as error:
                # What it said before it broke still stands; complained of once, not at each request.
                log.error('manifest unreadable  path=%s error="%s"', path, error)
                content = known[1] if known is not None else None
        finally:
            os.close(handle)
        with self._lock:
            self._manifests[path] = (stamp, content)
            self._manifests.move_to_end(path)
            while len(self._manifests) > CACHED_MANIFESTS:
                self._manifests.popitem(last=False)
        return content

    def _open(self, path: str) -> int | None:
        """Open a file below the root, following no symbolic link on the way, so that nothing leads out."""
        *folders, name = path.split("/")
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        opened: list[int] = []
        try:
            # The root itself may be a link: that is how the newsroom named its output.
            opened.append(os.open(self._root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY))
            for folder in folders:
                opened.append(os.open(folder, flags | os.O_DIRECTORY, dir_fd=opened[-1]))
            # Without O_NONBLOCK a named pipe would hold the reader up for ever.
            return os.open(name, flags | os.O_NONBLOCK, dir_fd=opened[-1])
        except OSError as error:
            if error.errno not in _ABSENT:
                log.error('file unreadable  path=%s error="%s"', path, error.strerror)
            return None
        finally:
            for handle in opened:
                os.close(handle)

    def _keep(self, path: str, stamp: _Stamp, digest: str, body: bytes | None) -> None:
        with self._lock:
            old = self._files.pop(path, None)
            self._cached_bytes += len(body or b"") - (len(old[2] or b"") if old else 0)
            self._files[path] = (stamp, digest, body)
            while self._cached_bytes > CACHE_BYTES or len(self._files) > CACHED_FILES:
                _, (_, _, dropped) = self._files.popitem(last=False)
                self._cached_bytes -= len(dropped or b"")


_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}


def _stamp(status: os.stat_result) -> _Stamp:
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _manifest_content(handle: int, size: int) -> dict[str, Any]:
    if size > MAX_MANIFEST_BYTES:
        raise ValueError("it is too large")
    content = json.loads(_read(handle, size))
    if not isinstance(content, dict):
        raise ValueError("it is not an object")
    return content


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _read(handle: int, size: int) -> bytes:
    with open(handle, "rb", closefd=False) as file:
        return file.read(size)


def _hash(file: io.FileIO) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()
