"""Folders that are watched (`watch = true`): a saved article is published as soon as its file is whole.

Each has a thread of its own, in which nothing happens but waiting: what it notices are the names of
sources, for the timer. The source's `every` goes on besides, for what no notification tells of.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from feedpub.config import SourceConfig
from feedpub.logs import fields, told

log = logging.getLogger("feedpub.daemon")

DEBOUNCE_MS = 600
"""Changes that go on for longer than this are passed on all the same."""
STEP_MS = 150
"""How long nothing may have changed before a change is passed on; the thread looks as often."""
LOOK_SECONDS = 5
"""How often a watched folder is looked for, and one that has vanished."""

_MOUNTS = Path("/proc/self/mountinfo")
_SILENT = ("nfs", "cifs", "smb", "9p", "fuse.", "afs", "ceph", "glusterfs", "lustre", "vboxsf", "prl_fs")
_UNFINISHED = ("~", ".tmp", ".part", ".swp", ".swx", ".crdownload", ".bak")


class Watching:
    """Watches the folders of those sources that ask for it.

    Args:
        wake: called when something has changed, or a notice has.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._watches: dict[str, _Watch] = {}
        self._but: tuple[str, ...] = ()

    def configure(self, sources: Iterable[SourceConfig], *, but: Iterable[Path] = ()) -> None:
        """Watch these sources and no others; a watch that stays the same goes on.

        Args:
            sources: those that may be watched.
            but: folders in which nothing matters, such as the output.
        """
        self._but = tuple(f"{folder}/" for folder in but)
        wanted = {one.name: one.path for one in sources if one.watch and one.path is not None}
        for name, watch in list(self._watches.items()):
            if wanted.get(name) != watch.path:
                self._watches.pop(name).stop()
        for name, path in wanted.items():
            if name not in self._watches:
                self._watches[name] = _Watch(name, path, self._noticed, self._is_left_alone)

    def take(self) -> set[str]:
        """The names of the sources that changed since this was last asked."""
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed & self._watches.keys()

    def notices(self) -> dict[str, str]:
        """Source → what is wrong: folders that are not watched, though they should be."""
        return {name: watch.notice for name, watch in self._watches.items() if watch.notice}

    def close(self) -> None:
        """End all threads; does not wait for them."""
        self.configure(())

    def _is_left_alone(self, path: str) -> bool:
        return path.startswith(self._but)

    def _noticed(self, name: str, *, changed: bool) -> None:
        if changed:
            with self._lock:
                self._changed.add(name)
        self._wake()


class _Watch:
    """One watched folder (or file, by its folder)."""

    def __init__(
        self, name: str, path: Path, noticed: Callable[..., None], is_left_alone: Callable[[str], bool]
    ) -> None:
        self.name = name
        self.path = path
        self.notice: str | None = None
        self._noticed = noticed
        self._is_left_alone = is_left_alone
        self._stop = threading.Event()
        threading.Thread(target=self._run, name=f"feedpub-watch-{name}", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        was_there = True
        while not self._stop.is_set():
            identity = _identity(self.path)
            if identity is None:
                self._say(f"{self.path} is not there, so it is not watched")
                was_there = False
                self._stop.wait(LOOK_SECONDS)
                continue
            silent = silent_file_system(self.path)
            self._say(
                f"{self.path} is on a file system ({silent}) that does not tell of what other machines change"
                if silent else None
            )  # fmt: skip
            if not was_there:
                self._noticed(self.name, changed=True)
            was_there = True
            try:
                self._follow(identity)
            except Exception as error:  # too many watches, no permission, a file system that cannot
                self._say(f"{self.path} cannot be watched ({told(error)})")
                self._stop.wait(LOOK_SECONDS)

    def _follow(self, identity: tuple[int, int]) -> None:
        """Watch until the folder is another one, or gone."""
        from watchfiles import watch

        folder = self.path if self.path.is_dir() else self.path.parent
        for changes in watch(
            folder, watch_filter=self._matters, debounce=DEBOUNCE_MS, step=STEP_MS, stop_event=self._stop,
            rust_timeout=LOOK_SECONDS * 1000, yield_on_timeout=True, recursive=folder == self.path,
            ignore_permission_denied=True, raise_interrupt=False,
        ):  # fmt: skip
            if changes:
                log.debug("files changed  %s", fields(source=self.name, files=len(changes)))
                self._noticed(self.name, changed=True)
            if _identity(self.path) != identity:
                return

    def _matters(self, _: object, path: str) -> bool:
        """Whether a changed file may be an article, and not an editor's own."""
        if self._is_left_alone(path) or (path != str(self.path) and self.path.is_file()):
            return False
        relative = path[len(str(self.path)) :].strip("/")
        parts = relative.split("/") if relative else []
        name = parts[-1] if parts else ""
        hidden = any(part.startswith(".") for part in parts)
        return not (hidden or name.endswith(_UNFINISHED) or name.startswith(("~$", "#")) or name == "4913")

    def _say(self, notice: str | None) -> None:
        said = f"{notice}; the source {self.name!r} is read by its timer only." if notice else None
        if said != self.notice:
            self.notice = said
            (log.warning if said else log.info)(
                "watching  %s", fields(source=self.name, notice=said or "all")
            )
            self._noticed(self.name, changed=False)


def _identity(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino if path.is_dir() else 0
    return None


def silent_file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system that `path` is on, if it may not tell of changes; None if it does (proc(5))."""
    real = str(path.resolve())
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in mounts.read_text("utf-8", "surrogateescape").splitlines():
            left, _, right = line.partition(" - ")
            fields_ = left.split(" ")
            if len(fields_) < 5 or not right:
                continue
            point = fields_[4].replace("\\040", " ")
            inside = real == point or real.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, kind = point, right.split(" ")[0]
    return kind if kind.startswith(_SILENT) else None
