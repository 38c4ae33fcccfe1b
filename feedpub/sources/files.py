"""Articles in a folder: one a file, or several in a JSON or JSON lines file.

The walk meets files in code-point order of their paths and is merged with what the store knows in
the same order, so that memory does not grow with the number of files.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from feedpub.config import SourceConfig
from feedpub.errors import SourceError
from feedpub.models import Document, Problem
from feedpub.sources import Change, Changed, Gone, Listing, Seen, State, Touched, Unreadable, containers
from feedpub.sources.walk import Walk

_SETTLE_NS = 200_000_000
_MAX_WAIT_NS = 2_000_000_000
_READING = ":reading"
_COUNT = re.compile(r":n=([0-9]+)")
_CHUNK = 1 << 20
_REMEMBERED = 50_000


class _BusyError(Exception):
    """The file changes while it is read."""


class FilesSource:
    """The source `files`: everything below `config.path` that can be read (SEAM 1).

    A file is known by its stamp "size:mtime:inode", then by the SHA-256 of its bytes. Behind the stamp
    stand ":n=3" for a container of 3 items, and ":racy" where a later write could have the same time,
    so that the next refresh reads it again.
    """

    def __init__(
        self,
        config: SourceConfig,
        *,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if config.path is None:
            raise SourceError(
                f"sources.{config.name}: there is no `path`. Name the folder of the articles.",
                source=config.name,
            )
        self._config = config
        self._root = str(config.path)
        self._clock = clock
        self._sleep = sleep
        self._waited = 0
        self._walk = Walk(self._root)
        self._present: dict[str, set[int]] = {}
        self._state: State | None = None

    def holds(self, place: str, digest: str | None) -> bool:
        """Whether the file of `place` is there, with that digest if one is given.

        Of an item: whether its file is as it was, or was just read and has it.
        """
        if ".." in place.split("/") or place.startswith("/"):
            return False
        if Path(self._root, place).is_file():
            return digest is None or _digest(Path(self._root, place), self._config.max_bytes) in (
                None,
                digest,
            )
        at = place.find("#")
        while at > 0:
            if Path(self._root, place[:at]).is_file():
                items = self._present.get(place[:at])
                return self._is_as_before(place[:at]) if items is None else hash(place) in items
            at = place.find("#", at + 1)
        return False

    def _is_as_before(self, container: str) -> bool:
        seen = self._state.find(container) if self._state else None
        try:
            return seen is None or seen.stamp.startswith(_stamp(Path(self._root, container).stat()))
        except OSError:
            return True

    def changes(self, state: State, now: datetime) -> Iterator[Change]:
        """What changed since `state`, ending with one `Listing`.

        Files that are being written wait for the next refresh; what cannot be read is not gone.

        Raises:
            SourceError: the folder is missing or cannot be read.
            ConfigError: an expression in `fields` is not JMESPath.
        """
        config = self._config
        if not Path(self._root).is_dir():
            raise SourceError(
                f"sources.{config.name}: there is no folder {self._root}; nothing was withdrawn. "
                "Make or mount it, or correct `path` in feedpub.toml.",
                source=config.name,
            )
        walk = self._walk = Walk(
            self._root,
            include=config.include,
            exclude=config.exclude,
            follow_outside=bool(config.options.get("follow_outside", False)),
        )
        self._waited = 0
        self._present = {}
        self._state = state
        try:
            yield from self._merged(walk, state)
        except OSError as error:  # of the root itself: what lies below is dealt with file by file
            raise SourceError(
                f"sources.{config.name}: {self._root} cannot be read ({error.strerror}). "
                "Nothing was withdrawn. Give feedpub the right to read it.",
                source=config.name,
            ) from error

    def _merged(self, walk: Walk, state: State) -> Iterator[Change]:
        known = iter(state.listed())
        seen = next(known, None)
        unmodified = 0
        over = f":over={self._config.max_bytes}"
        for place, path, media_type in walk.files():
            while seen is not None and seen.place < place:
                if not walk.is_closed(seen.place):
                    yield Gone(seen.place)
                seen = next(known, None)
            before = None
            if seen is not None and seen.place == place:
                before, seen = seen, next(known, None)
            try:
                status = os.stat(path)  # noqa: PTH116 - Path.stat takes twice as long
            except OSError as error:
                if isinstance(error, FileNotFoundError):
                    walk.notices.append(f"{place} vanished while the folder was read.")
                else:
                    yield _unreadable(place, "", error)
                continue
            stamp = _stamp(status)
            if before is not None and before.stamp.startswith(stamp):
                rest = before.stamp[len(stamp) :]
                if not rest:
                    unmodified += 1
                    continue
                if rest == over:
                    continue
                count = _COUNT.fullmatch(rest)
                if count is not None:
                    unmodified += int(count[1])
                    continue
            if not stat.S_ISREG(status.st_mode):
                continue
            for change in self._file(place, path, media_type, before, state):
                if isinstance(change, int):
                    unmodified += change
                else:
                    yield change
        if not walk.met and seen is not None:
            notice = f"{self._root} is empty, so nothing was withdrawn. Is it mounted?"
            yield Listing(False, 0, (*walk.notices, notice), empty=True)
            return
        while seen is not None:
            if not walk.is_closed(seen.place):
                yield Gone(seen.place)
            seen = next(known, None)
        yield Listing(not walk.closed, unmodified, tuple(walk.notices))

    def _file(
        self, place: str, path: str, media_type: str, before: Seen | None, state: State
    ) -> Iterator[Change | int]:
        """The changes from one file, and as a number how many documents in it are as before."""
        try:
            # Not blocking: a pipe in the file's place must not hold up everything.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                stamp = self._settled(file)
                if media_type == "application/x-ndjson":
                    yield from self._lines(place, file, stamp, before, state)
                    return
                size = int(stamp.partition(":")[0])
                limit = self._config.max_bytes
                if size > limit:
                    yield Unreadable(place, f"{stamp}:over={limit}", containers.too_large(size, limit))
                    return
                data = file.read(limit + 1)
                mark = self._unchanged(file, stamp)
        except _BusyError:
            self._walk.notices.append(f"{place} is being written; it waits for the next refresh.")
            return
        except FileNotFoundError:
            self._walk.notices.append(f"{place} vanished while the folder was read.")
            return
        except OSError as error:
            yield _unreadable(place, stamp_of(path), error)
            return
        digest = hashlib.sha256(data).hexdigest()
        same = before is not None and before.digest == digest
        if media_type == "application/json" and data.strip():
            yield from self._json(place, data, (mark, digest), before, state)
        elif same:
            yield Touched(place, mark, digest)
        else:
            yield Changed(self._document(place, data, media_type), mark, digest)

    def _json(
        self, place: str, data: bytes, marks: tuple[str, str], before: Seen | None, state: State
    ) -> Iterator[Change | int]:
        mark, digest = marks
        same = before is not None and before.digest == digest
        count = _COUNT.search(before.stamp) if before is not None else None
        if same and count is not None and before is not None and _READING not in before.stamp:
            yield Touched(place, _with_count(mark, int(count[1])), digest)
            yield int(count[1])
            return
        found = containers.split(data, self._config.fields)
        if isinstance(found, Problem):
            yield Unreadable(place, mark, found)
        elif found is not None:
            if before is not None and count is None and next(iter(state.items(place)), None) is None:
                yield Gone(place)  # it was one article before
            yield from self._items(place, found, marks, state)
        elif same:
            yield Touched(place, mark, digest)
        else:
            if before is not None:
                yield from [Gone(item.place) for item in state.items(place)]  # it was a container before
            yield Changed(self._document(place, data, "application/json"), mark, digest)

    def _lines(
        self, place: str, file: BinaryIO, stamp: str, before: Seen | None, state: State
    ) -> Iterator[Change | int]:
        # Two passes: the first, at the speed of the disk, often shows that nothing changed at all.
        hashed = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
        mark, digest = self._unchanged(file, stamp), hashed.hexdigest()
        count = _COUNT.search(before.stamp) if before is not None else None
        if before is not None and before.digest == digest and count and _READING not in before.stamp:
            yield Touched(place, _with_count(mark, int(count[1])), digest)
            yield int(count[1])
            return
        file.seek(0)
        items = containers.lines(file, self._config.max_bytes, self._config.fields)
        yield from self._items(
            place, items, (mark, digest), state, still_whole=lambda: self._unchanged(file, stamp)
        )

    def _items(
        self,
        place: str,
        items: Iterable[containers.Item],
        marks: tuple[str, str],
        state: State,
        still_whole: Callable[[], str] | None = None,
    ) -> Iterator[Change | int]:
        mark, digest = marks
        # Should the refresh end in the middle, this mark makes the next one read the file again.
        yield Touched(place, mark + _READING, digest)
        present: set[int] = set()  # hashes, since a file may hold millions of items
        good = 0
        whole = True
        for item in items:
            inside = f"{place}#{item.key}"
            if item.problem is not None:
                whole = False
                yield Unreadable(inside, digest[:16], item.problem, place)
                present.add(hash(inside))
                continue
            number = 1
            while hash(inside) in present:
                number += 1
                inside = f"{place}#{item.key}~{number}"
            present.add(hash(inside))
            if number > 1:
                problem = containers.duplicate(item.key, item.line, f"{place}#{item.key}")
                yield Unreadable(inside, digest[:16], problem, place)
                continue
            good += 1
            own = hashlib.sha256(item.data).hexdigest()
            seen = state.find(inside)
            if seen is not None and seen.digest == own:
                yield 1
                continue
            document = self._document(inside, item.data, "application/json", item.line or 1, container=place)
            yield Changed(document, own[:16], own, place)
        if len(present) <= _REMEMBERED:
            self._present[place] = present
        if still_whole is not None:
            still_whole()
        if whole:
            # A broken item may be any of those that are missing, so then none of them is known to be gone.
            yield from [Gone(old.place) for old in state.items(place) if hash(old.place) not in present]
        yield Touched(place, _with_count(mark, good), digest)

    def _document(
        self, place: str, data: bytes, media_type: str, line: int = 1, *, container: str | None = None
    ) -> Document:
        folder = (container or place).rpartition("/")[0]
        base = f"{self._root}/{folder}" if folder else self._root
        return Document(self._config.name, place, data, media_type, line, base_path=base)

    def _settled(self, file: BinaryIO) -> str:
        """The file's stamp, once it is old enough not to be half written."""
        status = os.fstat(file.fileno())
        age = self._clock() - status.st_mtime_ns
        if 0 <= age < _SETTLE_NS:
            if self._waited >= _MAX_WAIT_NS:
                raise _BusyError
            self._waited += _SETTLE_NS - age
            self._sleep((_SETTLE_NS - age) / 1e9)
            later = os.fstat(file.fileno())
            if (later.st_size, later.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
                raise _BusyError
        return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"

    def _unchanged(self, file: BinaryIO, stamp: str) -> str:
        """The stamp to remember; raises `_BusyError` if the file has changed since it was `stamp`."""
        status = os.fstat(file.fileno())
        if f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}" != stamp:
            raise _BusyError
        # Whole seconds mean a file system that counts no finer (FAT: two); others count in clock ticks.
        grain = 2_000_000_000 if status.st_mtime_ns % 1_000_000_000 == 0 else 20_000_000
        age = self._clock() - status.st_mtime_ns
        return f"{stamp}:racy" if age < grain else stamp


def stamp_of(path: str) -> str:
    """A stamp that never equals a later one: what could not be read is tried again each time."""
    try:
        return f"{Path(path).stat().st_mtime_ns}:unreadable"
    except OSError:
        return "unreadable"


def _with_count(mark: str, count: int) -> str:
    racy = ":racy" if mark.endswith(":racy") else ""
    return f"{mark.removesuffix(':racy')}:n={count}{racy}"


def _unreadable(place: str, stamp: str, error: OSError) -> Unreadable:
    problem = Problem(
        "unreadable",
        f"The file cannot be read: {error.strerror}.",
        "Give feedpub the right to read it, or leave it out with `exclude`.",
    )
    return Unreadable(place, stamp, problem)


def _digest(path: Path, limit: int) -> str | None:
    """The digest of a file, or None if it cannot be told."""
    try:
        if path.stat().st_size > limit:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"
