"""The output as its manifests tell it: one whole set of files at a time.

A publisher puts files into place one by one, and its root manifest when all are there. A
*generation* is what one root manifest lists, each file and each folder's own manifest by the hash
of its bytes; only bytes with that hash are handed out, so that files of two generations never mix:

- Bytes once read are kept in memory by their hash, within bounds, and outlive their file.
- Where the file has other bytes already and the old ones are not in memory, `UnsettledError` is
  raised: another generation is about to be complete. If its publisher was stopped, that lasts
  until the next one has run.

Reading needs no lock against the publisher: files are replaced by renaming, so what is open stays
whole. Whatever no manifest lists is not published, wherever it lies.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from feedpub.logs import fields
from feedpub.twins import main_of

log = logging.getLogger("feedpub.published")

MANIFEST = "manifest.json"
SMALL_BYTES = 1_000_000
"""Files up to this size are kept in memory once asked for; larger ones are read in parts."""
QUICK_BYTES = 64_000
"""Files up to this size are read and hashed in less time than it takes to hand the work over."""
CACHE_BYTES = 64_000_000
CACHED_FILES = 10_000
CACHED_FOLDERS = 200
MAX_MANIFEST_BYTES = 200_000_000
SETTLED_SECONDS = 60.0
"""A file that is not what its manifest says for longer than this is damaged; no set takes so long to be put into place."""
MOST_TROUBLED = 1000

Stamp = tuple[int, int, int, int]
"""What changes when a file is replaced: times of content and inode in nanoseconds, size, inode."""


class UnsettledError(Exception):
    """A file on disk belongs to a generation that is not complete yet: ask again soon."""


class BusyError(Exception):
    """The answer takes longer than one may wait; ask again with `patient`, in a thread."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What one root manifest lists. `raw` are its bytes and `digest` their SHA-256."""

    stamp: Stamp
    raw: bytes
    digest: str
    files: Mapping[str, Any]
    folders: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """The bytes of one file. `body` is None where it is large: then it is read by `chunk`."""

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
        self._manifest = f"{root}/{MANIFEST}"
        self._lock = threading.Lock()
        self._generation: Generation | None = None
        self._broken: Stamp | None = None
        self._folders: OrderedDict[str, tuple[str, bytes, Mapping[str, Any]]] = OrderedDict()
        self._files: OrderedDict[str, PublishedFile] = OrderedDict()
        self._cached_bytes = 0
        self._hashes: OrderedDict[str, tuple[Stamp, str]] = OrderedDict()
        self._troubled: dict[str, float] = {}

    def stamp(self) -> Stamp | None:
        """What changes with every generation; None where nothing is published. One call of the system."""
        try:
            return _stamp(os.stat(self._manifest, follow_symlinks=False))  # noqa: PTH116 - asked for with each request
        except OSError:
            return None

    def generation(self) -> Generation:
        """The newest complete one; the one before while its manifest cannot be read.

        Raises:
            LookupError: nothing has been published yet.
        """
        stamp = self.stamp()
        known = self._generation
        if known is not None and stamp is not None and stamp in (known.stamp, self._broken):
            return known
        with self._lock:
            return self._load()

    def entry(self, generation: Generation, path: str) -> Mapping[str, Any] | None:
        """What the manifests say about `path`, or None if it is not published.

        Raises:
            UnsettledError: another generation is about to be complete.
        """
        if path == MANIFEST:
            return {"type": "application/json", "hash": generation.digest}
        found = _mapping(generation.files.get(path))
        if found:
            return found
        folder, _, name = path.rpartition("/")
        if folder not in generation.folders:
            return None
        digest, _, listed = self._folder(generation, folder)
        if name == MANIFEST:
            return {"type": "application/json", "hash": digest}
        return _mapping(listed.get(path)) or None

    def listed(self, generation: Generation, folder: str) -> Mapping[str, Any]:
        """What stands in the folder of a generation ("" for the root): path → what its manifest says.

        Raises:
            UnsettledError: another generation is about to be complete.
        """
        if folder in generation.folders:
            return self._folder(generation, folder)[2]
        return generation.files

    def read(
        self, path: str, wanted: str | None, generation: Generation | None = None, *, patient: bool = True
    ) -> PublishedFile | None:
        """The file at `path` with the hash `wanted` (None for any), or None if there is none there.

        Does not ask whether it is published. `generation` is what serves its own manifests.

        Raises:
            UnsettledError: it has another hash.
            BusyError: not `patient`, and it must be read and is not small.
        """
        kept = self._kept(path, wanted, generation)
        if kept is not None:
            return kept
        handle = self._open(path)
        if handle is None:
            if wanted is not None:
                self._trouble(path)
            return None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            return None
        file = io.FileIO(handle)  # closed at the latest when nobody holds it any more
        if not patient and status.st_size > QUICK_BYTES:
            raise BusyError(path)
        if status.st_size > SMALL_BYTES:
            found = PublishedFile(
                self._hash(path, file, status), status.st_size, status.st_mtime, None, file
            )  # fmt: skip
        else:
            body = file.read(status.st_size)
            file.close()
            found = PublishedFile(hashlib.sha256(body).hexdigest(), len(body), status.st_mtime, body)
            self._keep(found)
        if wanted is not None and wanted != found.digest:
            found.close()
            self._trouble(path)
            raise UnsettledError(path)
        return found

    def damaged(self) -> list[str]:
        """Paths of files that were asked for, and have not been what their manifest says for more than a minute."""
        before = time.monotonic() - SETTLED_SECONDS
        with self._lock:
            troubled = sorted(path for path, since in self._troubled.items() if since <= before)
        return [path for path in troubled if not self._is_mended(path)]

    def _trouble(self, path: str) -> None:
        with self._lock:
            if len(self._troubled) < MOST_TROUBLED:
                self._troubled.setdefault(path, time.monotonic())

    def _is_mended(self, path: str) -> bool:
        """Whether it is again what its manifest says, or is listed no more: then it is troubled no longer."""
        try:
            generation = self.generation()
            main, coding = main_of(path) or (path, "")
            entry = self.entry(generation, main)
            said = _mapping(_mapping((entry or {}).get("encodings")).get(coding)) if coding else entry
            if said and hash_of(self._root / path) != said.get("hash"):
                return False
        except UnsettledError:
            return False
        except LookupError:
            pass
        with self._lock:
            self._troubled.pop(path, None)
        return True

    def is_kept(self, digest: str | None) -> bool:
        """Whether the bytes with this hash are in memory."""
        return digest in self._files

    def _kept(self, path: str, wanted: str | None, generation: Generation | None) -> PublishedFile | None:
        if wanted is None:
            return None
        with self._lock:
            kept = self._files.get(wanted)
            if kept is not None:
                self._files.move_to_end(wanted)
                return kept
            if not path.endswith(MANIFEST) or generation is None:
                return None
            raw = generation.raw if path == MANIFEST else b""
            folder = self._folders.get(path.removesuffix(f"/{MANIFEST}"))
            if folder is not None and folder[0] == wanted:
                raw = folder[1]
        modified = generation.stamp[0] / 1e9
        return PublishedFile(wanted, len(raw), modified, raw) if raw else None

    def _load(self) -> Generation:
        handle = self._open(MANIFEST)
        if handle is None:
            self._generation = None
            raise LookupError("no manifest")
        known = self._generation
        with io.FileIO(handle) as file:
            status = os.fstat(handle)
            stamp = _stamp(status)
            if known is not None and stamp in (known.stamp, self._broken):
                return known
            try:
                if status.st_size > MAX_MANIFEST_BYTES:
                    raise ValueError("it is too large")
                raw = file.read(status.st_size)
                content = orjson.loads(raw)
                if not isinstance(content, dict):
                    raise ValueError("it is not an object")
            except (OSError, ValueError, RecursionError) as error:
                # What it said before it broke still stands; complained of once, not at each request.
                if stamp != self._broken:
                    log.error("manifest unreadable  %s", fields(path=MANIFEST, error=error))
                self._broken = stamp
                if known is None:
                    raise LookupError("no manifest") from error
                return known
        self._generation = Generation(
            stamp,
            raw,
            hashlib.sha256(raw).hexdigest(),
            _mapping(content.get("files")),
            _mapping(content.get("folders")),
        )
        return self._generation

    def _folder(self, generation: Generation, folder: str) -> tuple[str, bytes, Mapping[str, Any]]:
        wanted = _mapping(generation.folders[folder]).get("hash")
        with self._lock:
            known = self._folders.get(folder)
            if known is not None and known[0] == wanted:
                self._folders.move_to_end(folder)
                return known
        path = f"{folder}/{MANIFEST}"
        handle = self._open(path)
        if handle is None:
            self._trouble(path)
            return "", b"", {}
        with io.FileIO(handle) as file:
            raw = file.readall() or b""
        digest = hashlib.sha256(raw).hexdigest()
        if isinstance(wanted, str) and wanted != digest:
            self._trouble(path)
            raise UnsettledError(path)
        try:
            content = _mapping(_mapping(orjson.loads(raw)).get("files"))
        except ValueError as error:
            log.error("manifest unreadable  %s", fields(path=path, error=error))
            content = {}
        with self._lock:
            self._folders[folder] = (digest, raw, content)
            self._folders.move_to_end(folder)
            while len(self._folders) > CACHED_FOLDERS:
                self._folders.popitem(last=False)
        return digest, raw, content

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
                log.error("file unreadable  %s", fields(path=path, error=error.strerror))
            return None
        finally:
            for handle in opened:
                os.close(handle)

    def _keep(self, file: PublishedFile) -> None:
        with self._lock:
            if self._files.pop(file.digest, None) is None:
                self._cached_bytes += file.size
            self._files[file.digest] = file
            while self._cached_bytes > CACHE_BYTES or len(self._files) > CACHED_FILES:
                _, dropped = self._files.popitem(last=False)
                self._cached_bytes -= dropped.size

    def _hash(self, path: str, file: io.FileIO, status: os.stat_result) -> str:
        stamp = _stamp(status)
        with self._lock:
            known = self._hashes.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        with self._lock:
            self._hashes[path] = (stamp, digest)
            while len(self._hashes) > CACHED_FILES:
                self._hashes.popitem(last=False)
        return digest


_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}


def hash_of(path: Path) -> str | None:
    """The SHA-256 of a file's bytes; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
