"""The walk through a folder: every file an article may be in, in code-point order of its path."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

MEDIA_TYPES = {
    "txt": "text/plain",
    "text": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "text/html",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "ndjson": "application/x-ndjson",
}
"""What a file is, by the end of its name."""

_UNFINISHED = ("~", ".tmp", ".part", ".swp", ".swx", ".crdownload", ".bak")
# They belong to articles or to the machine; to count them as left out would only be noise.
_BESIDE_TEXT = """
jpg jpeg png gif webp avif svg bmp ico tif tiff heic mp3 mp4 m4a mov webm css js map woff woff2 toml
"""
_BESIDE = frozenset(_BESIDE_TEXT.split())
_MACHINE = frozenset(("Thumbs.db", "desktop.ini", "Icon\r"))
_MANIFEST = "manifest.json"


class Walk:
    """One walk, on which `notices`, `closed` and `met` fill.

    `closed` are the folders that could not be read, with a final "/". `met` counts files of every
    kind: a folder without any may be one that is not mounted.
    """

    def __init__(
        self,
        root: str,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        follow_outside: bool = False,
    ) -> None:
        self.root = root
        self.notices: list[str] = []
        self.closed: list[str] = []
        self.met = 0
        self._real_root = os.path.realpath(root)
        self._include = pattern(tuple(include))
        self._exclude = pattern(tuple(exclude))
        self._follow_outside = follow_outside
        self._left_out: Counter[str] = Counter()
        self._linked: set[tuple[int, int]] = set()

    def files(self) -> Iterator[tuple[str, str, str]]:
        """Place, path and media type of each file.

        Raises:
            OSError: the root itself cannot be read.
        """
        names, links = self._scan(self.root)
        stack = [("", iter(names), links, _identity(self.root))]
        while stack:
            prefix, iterator, links, _ = stack[-1]
            for name in iterator:
                place = prefix + name
                if not name.endswith("/"):
                    media_type = self._kind(place, name)
                    if media_type is not None and (name not in links or self._follow_file(place)):
                        yield place, f"{self.root}/{place}", media_type
                    continue
                identity = self._enter(place, name in links, [frame[3] for frame in stack])
                if identity is None:
                    continue
                try:
                    below, below_links = self._scan(f"{self.root}/{place[:-1]}")
                except OSError as error:
                    self._close(place, error)
                    continue
                stack.append((place, iter(below), below_links, identity))
                break
            else:
                stack.pop()
        if self._left_out:
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self._left_out.items())[:12])
            self.notices.append(f"Files of kinds that are not read were left out: {kinds}.")

    def is_closed(self, place: str) -> bool:
        """Whether `place` lies in a folder that could not be read."""
        return bool(self.closed) and place.startswith(tuple(self.closed))

    def _close(self, place: str, error: OSError) -> None:
        self.closed.append(place)
        self.notices.append(
            f"The folder {place} could not be read ({error.strerror}); what is in it stays as it was."
        )

    def _scan(self, path: str) -> tuple[list[str], frozenset[str]]:
        """Names in a folder, sorted, folders with "/" behind, and which of them are links."""
        names: list[str] = []
        links: list[str] = []
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == "." or name.endswith(_UNFINISHED) or name.startswith("~$"):
                    continue
                if name[0] == "#" and name[-1] == "#":  # an editor's unsaved copy
                    continue
                if not name.isascii() and not _is_utf8(name):
                    raw = os.fsencode(f"{path}/{name}")
                    self.notices.append(
                        f"A file's name is not UTF-8, so it was left out: {raw!r}. Rename it."
                    )
                    continue
                if _is_folder(entry):
                    key = f"{name}/"
                else:
                    key = name
                    self.met += 1
                if entry.is_symlink():
                    links.append(key)
                names.append(key)
        if _MANIFEST in names and _is_output(f"{path}/{_MANIFEST}"):
            self.notices.append(f"The folder {path} holds published feeds and was left out.")
            return [], frozenset()
        names.sort()
        return names, frozenset(links)

    def _kind(self, place: str, name: str) -> str | None:
        suffix = name.rpartition(".")[2].lower() if "." in name else ""
        media_type = MEDIA_TYPES.get(suffix)
        if self._include is not None:
            if not self._include.match(place):
                return None
            media_type = media_type or "text/plain"
        elif media_type is None:
            if suffix not in _BESIDE and name not in _MACHINE:
                self._left_out[f".{suffix[:10]}" if suffix else "without an ending"] += 1
            return None
        return None if self._exclude is not None and self._exclude.match(place) else media_type

    def _enter(self, place: str, linked: bool, open_folders: list[tuple[int, int]]) -> tuple[int, int] | None:
        """The folder's device and inode, or None if it is not to be entered."""
        if self._exclude is not None and (self._exclude.match(place) or self._exclude.match(place[:-1])):
            return None
        path = f"{self.root}/{place[:-1]}"
        try:
            identity = _identity(path)
        except OSError as error:
            self._close(place, error)
            return None
        if not linked:
            return identity
        if identity in open_folders or identity in self._linked:
            self.notices.append(f"The link {place} leads to a folder that is read already; it was left out.")
            return None
        if not self._follows(path, place):
            return None
        self._linked.add(identity)
        return identity

    def _follow_file(self, place: str) -> bool:
        return self._follows(f"{self.root}/{place}", place)

    def _follows(self, path: str, place: str) -> bool:
        """Whether a link is followed: not out of the source unless allowed, nor to what is read anyway."""
        target = os.path.realpath(path)
        if not target.startswith(f"{self._real_root}/"):
            if not self._follow_outside:
                self.notices.append(f"The link {place} leads out of the source's folder; it was left out.")
            return self._follow_outside
        inside = target[len(self._real_root) + 1 :]
        return any(part.startswith(".") for part in inside.split("/"))


@lru_cache(maxsize=64)
def pattern(globs: tuple[str, ...]) -> re.Pattern[str] | None:
    """One expression for paths that match one of the globs; None for no globs.

    As in .gitignore: `*` and `?` stay within a folder, `**` crosses folders, a glob with "/" begins
    at the root, one without matches at any depth, and one that ends with "/" means all below.
    """
    return re.compile("|".join(f"(?:{_translated(glob)})\\Z" for glob in globs), re.DOTALL) if globs else None


def _translated(glob: str) -> str:
    anchored = "/" in glob.rstrip("/")
    glob = glob.removeprefix("./").lstrip("/")
    if glob.endswith("/"):
        glob += "**"
    parts: list[str] = [] if anchored else ["(?:.*/)?"]
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif glob.startswith("**", at):
            parts.append(".*")
            at += 2
        elif glob[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif glob[at] == "?":
            parts.append("[^/]")
            at += 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            inner = glob[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"[{'^/' + inner[1:] if inner[0] in '!^' else inner}]")
            at = end + 1
        else:
            parts.append(re.escape(glob[at]))
            at += 1
    return "".join(parts)


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_output(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return b'"feedpub"' in file.read(200)
    except OSError:
        return False
