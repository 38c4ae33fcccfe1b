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
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from feedpub.config import SourceConfig
from feedpub.errors import SourceError
from feedpub.models import Document, Problem
from feedpub.sources import Change, Changed, Gone, Listing, Seen, State, Touched, Unreadable

MEDIA_TYPES = {
    ".txt": "text/plain", ".text": "text/plain", ".md": "text/markdown", ".markdown": "text/markdown",
    ".html": "text/html", ".htm": "text/html", ".xhtml": "text/html", ".json": "application/json",
    ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson",
}  # fmt: skip
_UNFINISHED = (".tmp", ".part", ".swp", ".swx", ".crdownload", ".bak", "~")
_RACY_SECONDS = 2.0
_SETTLE_SECONDS = 0.2
_KEYS = ("@id", "id", "guid", "uuid", "slug", "url")


class FilesSource:
    """The source `files`: everything that can be read below `config.path`."""

    def __init__(self, config: SourceConfig) -> None:
        if config.path is None:
            raise SourceError(f"sources.{config.name}: give the folder of the articles as path", source=config.name)
        self._config = config
        self._root = str(config.path)
        self._include = [_pattern(glob) for glob in config.include]
        self._exclude = [_pattern(glob) for glob in config.exclude]

    def has(self, place: str) -> bool:
        """Whether the file of this place is still there."""
        return os.path.isfile(f"{self._root}/{place}") or (
            "#" in place and os.path.isfile(f"{self._root}/{place.partition('#')[0]}")
        )

    def changes(self, state: State, now: datetime) -> Iterator[Change]:
        """What changed since the state was noted, ending with a `Listing`.

        Raises:
            SourceError: the folder is missing or cannot be read.
        """
        if not os.path.isdir(self._root):
            raise SourceError(
                f"sources.{self._config.name}: {self._root}: there is no such folder. Nothing was withdrawn. "
                "Make it, mount it, or change path in feedpub.toml.",
                source=self._config.name,
            )
        notices: list[str] = []
        closed: list[str] = []
        unmodified = found = 0
        known = state.listed()
        seen = next(known, None)
        missing: list[Gone] = []
        for place, entry in self._walk(notices, closed):
            found += 1
            while seen is not None and seen.place < place:
                if not _below(seen.place, closed):
                    missing.append(Gone(seen.place))
                seen = next(known, None)
                if found > 1:
                    yield from missing
                    missing.clear()
            if seen is not None and seen.place == place:
                before, seen = seen, next(known, None)
            else:
                before = None
            count = 0
            for change in self._file(place, entry, before, state, notices):
                if isinstance(change, int):
                    count += change
                else:
                    yield change
            unmodified += count
        rest = [seen, *known] if seen is not None else []
        if not found and (rest or missing):
            notices.append(f"{self._root} is empty; nothing was withdrawn. Is it not mounted?")
            yield Listing(False, unmodified, tuple(notices))
            return
        yield from missing
        for gone in rest:
            if not _below(gone.place, closed):
                yield Gone(gone.place)
        yield Listing(not closed, unmodified, tuple(notices))

    # -- the walk

    def _walk(self, notices: list[str], closed: list[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        root = os.path.realpath(self._root)
        stack: list[tuple[str, Iterator[tuple[str, os.DirEntry[str]]], tuple[int, int]]] = []
        opened: set[tuple[int, int]] = set()

        def enter(prefix: str) -> None:
            path = f"{self._root}/{prefix}" if prefix else self._root
            try:
                status = os.stat(path)
                key = (status.st_dev, status.st_ino)
                if key in opened:
                    notices.append(f"{path}: a link leads back to a folder that is being read; it was left out.")
                    return
                with os.scandir(path) as entries:
                    listed = [(self._name(e), e) for e in entries if not _passed_over(e.name)]
            except OSError as error:
                if not prefix:
                    raise SourceError(
                        f"sources.{self._config.name}: {path}: {error.strerror}. Nothing was withdrawn.",
                        source=self._config.name,
                    ) from error
                closed.append(prefix)
                notices.append(f"{path}: {error.strerror}: the folder was not read; what is in it stays as it was.")
                return
            opened.add(key)
            listed.sort(key=lambda pair: pair[0])
            stack.append((prefix, iter(listed), key))

        enter("")
        while stack:
            prefix, iterator, key = stack[-1]
            for name, entry in iterator:
                place = prefix + name
                if not place.isprintable() and _unencodable(place):
                    notices.append(f"{self._root}: a file name that is not UTF-8 was left out: {place!a}. Rename it.")
                    continue
                if entry.is_symlink() and not os.path.realpath(entry.path).startswith(f"{root}/"):
                    notices.append(f"{entry.path}: a link that leads out of the source was left out.")
                    continue
                if name.endswith("/"):
                    enter(place)
                    break
                if self._wanted(place):
                    yield place, entry
            else:
                stack.pop()
                opened.discard(key)

    @staticmethod
    def _name(entry: os.DirEntry[str]) -> str:
        try:
            return f"{entry.name}/" if entry.is_dir() else entry.name
        except OSError:
            return entry.name

    def _wanted(self, place: str) -> bool:
        if self._include:
            if not any(pattern.fullmatch(place) for pattern in self._include):
                return False
        elif _media_type(place) is None:
            return False
        return not any(pattern.fullmatch(place) for pattern in self._exclude)

    # -- one file

    def _file(
        self, place: str, entry: os.DirEntry[str], before: Seen | None, state: State, notices: list[str]
    ) -> Iterator[Change | int]:
        try:
            status = entry.stat()
        except OSError as error:
            yield Unreadable(place, "", _unreadable(place, error))
            return
        stamp = _stamp(status)
        if before is not None and before.stamp == stamp:
            yield 1
            return
        if not stat.S_ISREG(status.st_mode):
            return
        media_type = _media_type(place) or "text/plain"
        if media_type == "application/x-ndjson":
            yield from self._lines(place, entry.path, stamp, state)
            return
        if status.st_size > self._config.max_bytes:
            yield Unreadable(place, stamp, _too_large(place, status.st_size, self._config.max_bytes))
            return
        try:
            data, stamp = _read(entry.path, status)
        except OSError as error:
            yield Unreadable(place, "", _unreadable(place, error))
            return
        if stamp is None:
            notices.append(f"{entry.path}: it is being written; it was left alone until the next refresh.")
            if before is not None:
                yield 1
            return
        digest = hashlib.sha256(data).hexdigest()
        if media_type == "application/json":
            items = _several(data, self._config)
            if items is not None:
                yield from self._items(place, stamp, digest, ((1, item) for item in items), state, whole=True)
                return
        if before is not None and before.digest == digest:
            yield Touched(place, stamp, digest)
            return
        document = Document(
            self._config.name, place, data, media_type, base_path=os.path.dirname(entry.path) or self._root
        )
        yield Changed(document, stamp, digest)

    def _lines(self, place: str, path: str, stamp: str, state: State) -> Iterator[Change | int]:
        limit = self._config.max_bytes
        digest = hashlib.sha256()
        broken: list[Change] = []

        def rows() -> Iterator[tuple[int, Any]]:
            number = 0
            with open(path, "rb") as file:
                while line := file.readline(limit + 1):
                    number += 1
                    digest.update(line)
                    long = len(line) > limit
                    while long and line and not line.endswith(b"\n"):
                        line = file.readline(limit + 1)
                        digest.update(line)
                    text = line.strip().removeprefix(b"\xef\xbb\xbf")
                    if long:
                        problem = _too_large(f"{place}#L{number}", limit + 1, limit)
                        broken.append(Unreadable(f"{place}#L{number}", "", problem, place))
                    elif text:
                        try:
                            yield number, orjson.loads(text)
                        except orjson.JSONDecodeError as error:
                            problem = Problem(
                                "json-broken", f"Line {number} is not JSON: {error}.",
                                "Mend the line, or write the export again.", line=number, place=f"{place}#L{number}",
                            )  # fmt: skip
                            broken.append(Unreadable(f"{place}#L{number}", "", problem, place))

        try:
            yield from self._items(place, stamp, "", rows(), state, whole=broken)
        except OSError as error:
            yield Unreadable(place, "", _unreadable(place, error))
            return
        yield Touched(place, stamp, digest.hexdigest())

    def _items(
        self, place: str, stamp: str, digest: str, rows: Any, state: State, *, whole: bool | list[Change]
    ) -> Iterator[Change | int]:
        """The items of one container; what is no longer in it is gone, if all of it could be read."""
        present: set[str] = set()
        if digest:
            yield Touched(place, stamp, digest)
        for line, item in rows:
            data = orjson.dumps(item)
            key = _key(item, self._config)
            inside = f"{place}#{key}"
            number = 1
            while inside in present:
                number += 1
                inside = f"{place}#{key}~{number}"
            present.add(inside)
            if number > 1:
                problem = Problem(
                    "duplicate-id", f"Another item of {place} has the id {key!r} already.",
                    "Give each item an id of its own.", place=inside, value=key,
                )  # fmt: skip
                yield Unreadable(inside, "", problem, place)
                continue
            mark = hashlib.sha256(data).hexdigest()
            seen = state.find(inside)
            if seen is not None and seen.digest == mark:
                yield Touched(inside, mark[:16], mark)
                continue
            base = os.path.dirname(f"{self._root}/{place}")
            document = Document(self._config.name, inside, data, "application/json", line=line, base_path=base)
            yield Changed(document, mark[:16], mark, container=place)
        if isinstance(whole, list):
            yield from whole
            present.update(change.place for change in whole if isinstance(change, Unreadable))
            if whole:
                return
        for old in list(state.items(place)):
            if old.place not in present:
                yield Gone(old.place)


def _passed_over(name: str) -> bool:
    return name.startswith((".", "#")) or name.endswith(_UNFINISHED)


def _unencodable(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _below(place: str, closed: list[str]) -> bool:
    return any(place.startswith(prefix) for prefix in closed)


def _media_type(place: str) -> str | None:
    return MEDIA_TYPES.get(os.path.splitext(place)[1].lower())


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def _read(path: str, status: os.stat_result) -> tuple[bytes, str | None]:
    """The bytes and the stamp to remember; None instead of a stamp if the file is being written."""
    age = time.time() - status.st_mtime
    if 0 <= age < _SETTLE_SECONDS:
        time.sleep(_SETTLE_SECONDS - age)
        status = os.stat(path)
    with open(path, "rb") as file:
        data = file.read()
    after = os.stat(path)
    if _stamp(after) != _stamp(status) or len(data) != after.st_size:
        return data, None
    # A second write could hide within the granularity of the file's time: look again next time.
    racy = abs(time.time() - after.st_mtime) < _RACY_SECONDS
    return data, f"{_stamp(after)}:racy" if racy else _stamp(after)


def _several(data: bytes, config: SourceConfig) -> list[Any] | None:
    """The items of a JSON file that holds several articles; None if it is one article or no JSON."""
    try:
        value = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    if "items" in config.fields:
        import jmespath

        found = jmespath.search(config.fields["items"], value)
        return found if isinstance(found, list) else None
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and "@type" not in value:
        inner = value.get("items")
        if isinstance(inner, list) and "headline" not in value and "title" not in value:
            return inner
    return None


def _key(item: Any, config: SourceConfig) -> str:
    value: Any = None
    if isinstance(item, dict):
        if "id" in config.fields:
            import jmespath

            value = jmespath.search(config.fields["id"], item)
        if value is None:
            value = next((item[name] for name in _KEYS if item.get(name)), None)
        if value is None:
            said = [item.get(name) for name in ("headline", "title", "name", "date", "datePublished")]
            value = hashlib.sha256(orjson.dumps(said)).hexdigest()[:12]
    else:
        value = hashlib.sha256(orjson.dumps(item)).hexdigest()[:12]
    return re.sub(r"[\x00-\x20\x7f]+", "-", str(value))[:200]


def _unreadable(place: str, error: OSError) -> Problem:
    return Problem(
        "unreadable", f"The file cannot be read: {error.strerror}.",
        "Give feedpub permission to read it, or exclude it in feedpub.toml.", place=place,
    )  # fmt: skip


def _too_large(place: str, size: int, limit: int) -> Problem:
    return Problem(
        "too-large", f"It has {size:,} bytes; the limit is {limit:,}.",
        "Split it, or raise max_size of the source in feedpub.toml.", place=place,
    )  # fmt: skip


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob like those of .gitignore: `*` within a folder, `**` across folders, anchored if it has a "/"."""
    parts: list[str] = []
    position = 0
    while position < len(glob):
        if glob.startswith("**/", position):
            parts.append("(?:.*/)?")
            position += 3
        elif glob.startswith("**", position):
            parts.append(".*")
            position += 2
        elif glob[position] == "*":
            parts.append("[^/]*")
            position += 1
        elif glob[position] == "?":
            parts.append("[^/]")
            position += 1
        elif glob[position] == "[" and (end := glob.find("]", position + 2)) > 0:
            inner = glob[position + 1 : end].replace("\\", "\\\\")
            parts.append(f"[{'^' + inner[1:] if inner.startswith('!') else inner}]")
            position = end + 1
        else:
            parts.append(re.escape(glob[position]))
            position += 1
    text = "".join(parts)
    return re.compile(text if "/" in glob.rstrip("/") else f"(?:.*/)?{text}", re.DOTALL)

