"""A published folder, checked from its files alone: each by its judges, and all against each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from feedpub.validation import validate_document
from feedpub.verification.differences import Difference, Place
from feedpub.verification.links import may_be_made, resolved, within
from feedpub.verification.readings import Reading, read

MANIFEST = "manifest.json"
_LARGEST_DAY = timedelta(hours=14)
_SHORT = 80
_MADE = (".html", ".jsonld", ".ics")
"""Endings of files that stand in a folder of ours for nothing but records and lists."""


@dataclass(slots=True)
class Verdict:
    """What `verify_folder` found: files that were read, by format, distinct records, and differences."""

    files: dict[str, int] = field(default_factory=dict)
    records: int = 0
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """The first file that told a field of a record."""

    value: Any
    path: str


def verify_folder(folder: Path, progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Everything that is wrong with a published folder, whoever wrote it.

    Args:
        folder: where it lies. With a manifest, the files that it lists are read and held against
            their hashes; without one, all files whose ending is that of a feed, record or page.
        progress: called with the number of files just read.

    Raises:
        OSError: the folder cannot be read.
    """
    check = _Check(folder)
    check.run(progress)
    return check.verdict


class _Check:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = False
        self._paths: set[str] = set()
        self._known: dict[tuple[str, str, str], _Known] = {}
        self._leads: list[tuple[Reading, str | None, str]] = []
        self._documents: list[Reading] = []
        self._references: dict[str, Place] = {}
        self._lists: list[Reading] = []
        self._changes: dict[str, tuple[int, str | None, Place]] = {}
        self._sequences: list[tuple[int, int, Place]] = []
        self.verdict = Verdict()

    def run(self, progress: Callable[[int], None]) -> None:
        listed = self._listed()
        self._paths = set(listed)
        records: set[str] = set()
        for path, expected in listed.items():
            progress(1)
            try:
                content = (self._folder / path).read_bytes()
            except FileNotFoundError:
                self._found(Place(path, "manifest").differs("items", "a file", None))
                continue
            if expected and hashlib.sha256(content).hexdigest() != expected:
                found = hashlib.sha256(content).hexdigest()
                self._found(Place(path, "manifest").differs("hash", expected, found))
            reading = read(path, content, own=self._own)
            if reading is None:
                continue
            self.verdict.files[reading.format] = self.verdict.files.get(reading.format, 0) + 1
            self.verdict.differences += reading.differences
            self._agree(reading)
            records |= {identifier for identifier, _ in reading.items if not identifier.startswith("uid:")}
            self._leads += [(reading, identifier, url) for identifier, url in reading.addresses]
            self._note(reading)
        self.verdict.records = len(records)
        bases = sorted({base for reading in self._documents if (base := _base(reading)) is not None})
        self._walk()
        self._lead(bases)
        self._refer(bases)
        self._list(bases)
        self._follow(bases)

    def _note(self, reading: Reading) -> None:
        """Keep what can be judged only when all files were read."""
        if reading.self_url:
            self._documents.append(reading)
        for reference in reading.links:
            found = resolved(reading.path, reference)
            if found is not None:
                self._references.setdefault(found, reading.place)
        if reading.listed or reading.feeds is not None:
            self._lists.append(reading)
        for sequence, identifier, url in reading.changes:
            if sequence >= self._changes.get(identifier, (0,))[0]:
                self._changes[identifier] = (sequence, url, reading.place)
        if reading.changes:
            self._sequences.append((reading.changes[0][0], reading.changes[-1][0], reading.place))

    def _listed(self) -> dict[str, str | None]:
        """Path → hash, of all files to read, in order."""
        root = self._manifest(MANIFEST)
        if root is None:
            paths = sorted(path for path in self._folder.rglob("*") if path.is_file())
            return {path.relative_to(self._folder).as_posix(): None for path in paths}
        self._own = "feedpub" in root
        files = dict(root["files"])
        for name in root.get("folders", {}):
            inner = self._manifest(f"{name}/{MANIFEST}")
            if inner is None:
                self._found(Place(f"{name}/{MANIFEST}", "manifest").differs("items", "a manifest", None))
            else:
                files |= inner["files"]
        known = {path: said for path, said in sorted(files.items()) if _is_inside(path)}
        return {path: said.get("hash") if isinstance(said, dict) else None for path, said in known.items()}

    def _manifest(self, path: str) -> dict[str, Any] | None:
        try:
            found = json.loads((self._folder / path).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
            return None
        for problem in validate_document("manifest", found):
            self._found(
                Place(path, "manifest").differs(
                    "syntax", f"{problem.pointer} to keep the schema", problem.message
                )
            )
        return found

    def _found(self, difference: Difference) -> None:
        self.verdict.differences.append(difference)

    # -- one record in several files

    def _agree(self, reading: Reading) -> None:
        """Compare what the file tells of each record with what other files told of it.

        An archive page is held against its own other forms only, since records are corrected in
        the subscription document.
        """
        group = str(PurePosixPath(reading.path).with_suffix("")) if reading.is_archive else ""
        for identifier, fields in reading.items:
            about = f"uid:{fields['uid']}" if "uid" in fields else identifier
            for name, value in fields.items():
                if name == "uid" or value is None or value in ("", ()):
                    continue
                told = _shortened(value) if name == "text" else value
                known = self._known.setdefault((group, about, name), _Known(told, reading.path))
                if not _same(name, known.value, told, fields):
                    self._found(
                        reading.place.differs(name, f"{known.value} (so {known.path})", str(told), identifier)
                    )

    # -- where files lead

    def _walk(self) -> None:
        """Follow every feed through its older pages: none is missing, none leads back.

        An item may stand in several, where it was corrected or came back: the newest counts (RFC 5005).
        """
        by_url = {reading.self_url: reading for reading in self._documents}
        older_urls = {reading.older_url for reading in self._documents}
        for first in self._documents:
            if first.self_url in older_urls:
                continue
            page, visited = first, {first.self_url}
            while page.older_url:
                if page.older_url in visited:
                    self._found(page.place.differs("links", "pages that end", f"{page.older_url} again"))
                    break
                visited.add(page.older_url)
                older = by_url.get(page.older_url)
                if older is None:
                    self._found(page.place.differs("links", f"a page at {page.older_url}", None))
                    break
                page = older

    def _lead(self, bases: Sequence[str]) -> None:
        """Every address inside the folder leads to a file in it."""
        for reading, identifier, url in self._leads:
            inner = within(url, bases) if "://" in url else None
            if inner is None or self._is_file(inner) or not self._is_ours(inner):
                continue
            # A full archive page stays as it is when an article is withdrawn, and its pictures go.
            if not (reading.path.startswith("archives/") and inner.startswith("media/")):
                self._found(reading.place.differs("links", f"a file at {url}", None, identifier))

    def _refer(self, bases: Sequence[str]) -> None:
        """What pages and lists of feeds name stands there; each is told once, however many lead to it."""
        for reference, place in self._references.items():
            inner = within(reference, bases)
            if inner is None or self._is_file(inner):
                continue
            # Our own pages lead to each other even where the whole folder of the other is missing.
            made = self._own and inner == reference and inner.endswith(_MADE)
            if not made and not self._is_ours(inner):
                continue
            if self._own or not (may_be_made(inner) or self._is_file(f"{inner}.html")):
                self._found(place.differs("links", f"a file at {reference}", None))

    def _list(self, bases: Sequence[str]) -> None:
        """Lists call articles as these call themselves; in ours each feed stands once."""
        ids = {
            known.value: identifier
            for (group, identifier, name), known in (self._known.items() if self._lists else ())
            if name == "url" and not group
        }
        for reading in self._lists:
            for reference, title in reading.listed:
                inner = within(resolved(reading.path, reference) or "/", bases)
                urls = [reference, *(f"{base}{inner}" for base in bases if inner)]
                identifier = next((ids[url] for url in urls if url in ids), None)
                known = self._known.get(("", identifier or "", "title"))
                if known is not None and known.value != title and title not in urls:
                    told = f"{known.value} (so {known.path})"
                    self._found(reading.place.differs("title", told, title, identifier))
            if self._own and reading.feeds is not None:
                for url in self._subscribed() - set(reading.feeds):
                    self._found(reading.place.differs("items", f"the feed {url}", None))

    def _subscribed(self) -> set[str]:
        """The addresses of the feeds to subscribe to: of those in one place the RSS, or else the Atom."""
        found: dict[str, str] = {}
        for reading in self._documents:
            if reading.format in ("rss", "atom") and not reading.is_archive and reading.self_url:
                folder = reading.self_url.rpartition("/")[0]
                if reading.format == "rss" or folder not in found:
                    found[folder] = reading.self_url
        return set(found.values())

    def _follow(self, bases: Sequence[str]) -> None:
        """Who carries out all changes, from the first number to the last, finds every record at its address."""
        before = 0
        for first, last, place in sorted(self._sequences, key=lambda part: part[:2]):
            if first != before + 1:
                self._found(place.differs("order", f"sequence {before + 1}", f"sequence {first}"))
            before = last
        for identifier, (_, url, place) in self._changes.items():
            inner = within(url, bases) if url and "://" in url else None
            if inner is not None and not self._is_file(inner):
                self._found(place.differs("links", f"a file at {url}", None, identifier))

    def _is_ours(self, reference: str) -> bool:
        """Whether an address lies where this folder has files: other pages may stand on the same host."""
        top, slash, _ = unquote(urlsplit(f"/{reference}").path)[1:].partition("/")
        return not slash or (_is_inside(top) and (self._folder / top).is_dir())

    def _is_file(self, reference: str) -> bool:
        path = unquote(urlsplit(f"/{reference}").path)[1:]
        candidates = [f"{path}index.html"] if path.endswith("/") or not path else [path, f"{path}/index.html"]
        return any(
            one in self._paths or (_is_inside(one) and (self._folder / one).is_file()) for one in candidates
        )


def _base(reading: Reading) -> str | None:
    """The address of the folder, told from where a document says that it stands."""
    url = reading.self_url or ""
    return url[: -len(reading.path)] if url.endswith(f"/{reading.path}") else None


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts


@dataclass(frozen=True, slots=True)
class _Text:
    """A text, by a hash of all but its white space, which markup has elsewhere than plain text."""

    digest: str
    start: str = field(compare=False)

    def __str__(self) -> str:
        return self.start


def _shortened(text: str) -> _Text:
    digest = hashlib.sha256("".join(text.split()).encode()).hexdigest()
    more = f"… ({len(text):,} characters, {digest[:12]})" if len(text) > _SHORT else ""
    return _Text(digest, text[:_SHORT] + more)


def _same(name: str, one: Any, other: Any, fields: Mapping[str, Any]) -> bool:
    if one == other:
        return True
    if name == "published":
        return _same_time(one, other)
    # Atom requires a title, so that an article without one has its address for it.
    return name == "title" and fields.get("url") in (one, other)


def _same_time(one: Any, other: Any) -> bool:
    """Whether an instant and a less exact date can mean the same: a day begins at other times elsewhere."""
    if isinstance(one, datetime) and isinstance(other, str):
        one, other = other, one
    if not isinstance(one, str) or not isinstance(other, datetime):
        return (
            isinstance(one, str)
            and isinstance(other, str)
            and (one.startswith(other) or other.startswith(one))
        )
    try:
        day = date.fromisoformat(one[:10])
    except ValueError:
        return False
    begin = datetime(day.year, day.month, day.day, tzinfo=other.tzinfo)
    return begin - _LARGEST_DAY <= other <= begin + timedelta(days=1) + _LARGEST_DAY


def by_file(differences: list[Difference]) -> Iterator[tuple[str, list[Difference]]]:
    """The differences of each file, in the order of paths."""
    found: dict[str, list[Difference]] = {}
    for difference in differences:
        found.setdefault(difference.path, []).append(difference)
    yield from sorted(found.items())
