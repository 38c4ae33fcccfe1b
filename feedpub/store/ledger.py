"""The ledger: one JSON object a line for what inputs cannot give back, appended and never changed.

The exception is `feedpub withdraw --purge`, which has it written anew from the store.

    {"op": "id", "id", "kind", "source", "place", "stem", "slug", "at", "content", "document"}
    {"op": "changed", "id", "at", "content", "document", "revision"}      it changed in that refresh
    {"op": "content", "id", "content"}                        what an event said when first published
    {"op": "moved", "id", "source", "place"}                  its document stands elsewhere now
    {"op": "path", "id", "stem", "slug", "old"}               its page moved; the old path redirects
    {"op": "withdrawn", "id", "at", "tombstone", "revision"}  tombstone: the row that feeds still need
    {"op": "restored", "id", "at", "revision"}
    {"op": "key", "key", "id"}                                how one event is told from another
    {"op": "alias", "id", "target"}
    {"op": "snapshot", "id", "document", "record", "facets"}  published although its input is bad or gone
    {"op": "text", "id", "keys"}                              the article that has a text, to recognise copies
    {"op": "paging", "path", "size"}                          entries on an archive page of that feed, for ever
    {"op": "joined", "path", "first", "ids"}                  came into a feed, from that position on
    {"op": "left", "path", "at", "ids"}                       belong to that feed no more; at: null, they do again
    {"op": "changes", "first", "at", "changes"}               what the changes feed says: [change, id, digest]
    {"op": "decided", "id", "at", "reason", "purged"}         a person withdrew it; what its source holds does not count
    {"op": "undecided", "id"}                                 and took that back
    {"op": "commit", "run"}                                   everything above it happened

Times are whole seconds since 1970. Lines behind the last commit never happened: a crash left them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from feedpub.errors import StoreError

Line = dict[str, Any]
_COMMIT = b'{"op":"commit"'


class Ledger:
    """The ledger file at `path`, open for appending.

    Raises:
        StoreError: the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("ab")
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}: cannot open the ledger", path=str(path)) from error
        self.offset = self._file.tell()

    def append(self, line: Line) -> None:
        """Add one line; it counts only once `commit` has returned."""
        self._write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def commit(self, run: int) -> int:
        """Make all appended lines durable; returns the offset behind them."""
        self._write(orjson.dumps({"op": "commit", "run": run}, option=orjson.OPT_APPEND_NEWLINE))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._error(error) from error
        return self.offset

    def cut(self, offset: int) -> None:
        """Take back every line behind `offset`."""
        if offset >= self.offset:
            return
        try:
            self._file.flush()
            self._file.truncate(offset)
        except OSError as error:
            raise self._error(error) from error
        self.offset = offset

    def close(self) -> None:
        """Close the file; lines that were not committed are cut off at the next start."""
        self._file.close()

    def committed(self, start: int) -> tuple[Iterator[Line], int]:
        """The lines from `start` to the last commit, and the offset behind that commit.

        Raises:
            StoreError: a committed line is not JSON.
        """
        end = self._last_commit(start)
        return self._lines(start, end), end

    def uncommitted(self, end: int) -> tuple[int, int | None]:
        """How many lines stand behind `end`, the last perhaps cut off, and the latest time in them.

        The time is in whole seconds since 1970, or None if none can be read.
        """
        count, latest = 0, None
        with self.path.open("rb") as file:
            file.seek(end)
            for line in file:
                if _COMMIT.startswith(line[: len(_COMMIT)]):  # what is left of a commit is no loss of its own
                    continue
                count += 1
                with contextlib.suppress(orjson.JSONDecodeError):
                    at = dict(orjson.loads(line)).get("at")
                    latest = max(latest or at, at) if isinstance(at, int) else latest
        return count, latest

    def _last_commit(self, start: int) -> int:
        end = position = start
        with self.path.open("rb") as file:
            file.seek(start)
            for line in file:
                position += len(line)
                if line.startswith(_COMMIT) and line.endswith(b"}\n"):
                    end = position
        return end

    def _lines(self, start: int, end: int) -> Iterator[Line]:
        position = start
        with self.path.open("rb") as file:
            file.seek(start)
            for line in file:
                if position >= end:
                    return
                position += len(line)
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise StoreError(
                        f"{self.path}: the line that ends at byte {position} is damaged ({error}). Restore the "
                        "file from a backup, or delete that line: the id in it will be given anew.",
                        path=str(self.path),
                    ) from error
                if isinstance(value, dict):
                    yield value

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line)
        except OSError as error:
            raise self._error(error) from error
        self.offset += len(line)

    def _error(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self.path}: {error.strerror}: nothing was published. Make room or give permission, then run again.",
            path=str(self.path),
        )


class Unwritten(Ledger):
    """A ledger that forgets what it is told: for what is only rehearsed."""

    def __init__(self) -> None:
        self.offset = 0

    def cut(self, offset: int) -> None:
        """Take back every line behind `offset`."""
        self.offset = offset

    def close(self) -> None:
        """Nothing need be closed."""

    def _write(self, line: bytes) -> None:
        self.offset += len(line)
