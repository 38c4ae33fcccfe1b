"""A whole set of files into the output, each file whole at every instant, and only what changed.

    stage (outside the served tree, same file system) → sync → journal in the store → rename one by
    one in the order of dependence → deletions → journal cleared

A crash before the journal is committed leaves the old set and some staged files, which the next
run sweeps; a crash after it leaves a journal, which the next run completes before anything else.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from feedpub import outputlock
from feedpub.errors import LockedError
from feedpub.manifests import folder_hashes, has_own_manifest, listed_files
from feedpub.published import MANIFEST, hash_of
from feedpub.staging import SHARD, File, Known, Staged, stage, stage_twins, staged_name, told
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.twins import ENDINGS, has_twins, main_of, may_have_twins

_TWINS = "twins"
"""Key of whether what is published has compressed twins."""


@contextlib.contextmanager
def locked(state: Path, output: Path) -> Iterator[None]:
    """Be the only publisher that uses this state and writes this output.

    The kernel lets go of both locks when the process ends, however it ends.

    Raises:
        LockedError: another publisher is at work with this state, or one of another newsroom holds the output.
        PublishError: the folders cannot be made.
    """
    for folder in (state, output):
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
    path = state / "lock"
    with contextlib.ExitStack() as stack:
        with told(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        stack.callback(os.close, handle)
        _lock(handle, path)
        # The same output may be named by another newsroom, with a state folder of its own.
        with told(output):
            folder_handle = os.open(output, os.O_RDONLY)
        stack.callback(os.close, folder_handle)
        outputlock.take(folder_handle, output, state)
        with told(path):
            os.truncate(handle, 0)
            os.pwrite(handle, json.dumps(_owner()).encode(), 0)
        yield


def _owner() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        who = None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            held = json.loads(path.read_text("utf-8"))
            who = f"process {held['pid']} on {held['host']}, since {held['since']}"
        raise LockedError(
            f"{path}: another feedpub is publishing ({who or 'which one is unknown'}). "
            "Wait until it has finished, or stop it.",
            path=str(path),
            owner=who,
        ) from error


class Staging:
    """The files of one refresh before they are published.

    Files are compared with what is published already (by hash); the same bytes are not staged.
    """

    def __init__(self, transaction: Transaction, output: Path, state: Path, now: int) -> None:
        self._transaction = transaction
        self._output = output
        self._now = now
        self._sequence = 0
        self._folders: set[str] = set()
        self._mains: dict[str, str] = {}
        self._journaled = 0
        self.folder = _staging_folder(output, state)
        self.written: list[str] = []
        self.deleted: list[str] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self._journaled

    def put_many(self, files: Iterable[File], *, refuses: Callable[[File], bool] = lambda _: False) -> None:
        """Stage whole files. `refuses` says of one whose bytes are new whether it must not be published."""
        chunk = list(files)
        known = self.known(file.path for file in chunk)
        first = self.reserve(len(chunk))
        self.note(stage(chunk, known, output=self._output, folder=self.folder, first=first, refuses=refuses))

    def known(self, paths: Iterable[str]) -> dict[str, Known]:
        """What stands at these paths."""
        rows = self._transaction.by_key(schema.file, "path", paths)
        return {path: Known(row.hash, row.status, row.redirect) for path, row in rows.items()}

    def stands(self, path: str) -> bool:
        """Whether what was last written there is there."""
        return path in self.known([path]) and (self._output / path).exists()

    def reserve(self, count: int) -> int:
        """The first of `count` numbers whose `staged_name` can be written."""
        first = self._sequence
        self._sequence += count
        shards = range(-(-first // SHARD), -(-self._sequence // SHARD))
        with told(self.folder):
            for shard in shards:
                (self.folder / str(shard)).mkdir(parents=True, exist_ok=True)
        return first

    def put(
        self,
        path: str,
        chunks: Iterable[bytes],
        media_type: str,
        *,
        refuses: Callable[[bytes], bool] | None = None,
    ) -> bool:
        """Stage one file from a stream of chunks; memory does not grow with its size.

        `refuses` is shown the whole file if its bytes are new, and says whether it must not be
        published. Returns whether the file is published with these bytes now.
        """
        digest = hashlib.sha256()
        size = 0
        name = staged_name(self.reserve(1))
        with told(self._output / path), open(self.folder / name, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        known = self.known([path]).get(path)
        if known == Known(digest.hexdigest()) and (self._output / path).exists():
            os.unlink(self.folder / name)
        elif refuses is not None and refuses((self.folder / name).read_bytes()):
            os.unlink(self.folder / name)
            return False
        else:
            self.note([Staged(path, name, digest.hexdigest(), size, media_type)])
        return True

    def delete_many(self, paths: Iterable[str]) -> None:
        """Have files deleted with their twins, after everything else is in place. Unknown paths are left alone."""
        known = list(self._transaction.by_key(schema.file, "path", paths))
        self.deleted += known
        self._delete([*known, *self._twins_of(known)])

    def _delete(self, paths: Sequence[str]) -> None:
        self._transaction.delete(schema.file, "path", paths)
        for path in paths:
            self._mains.pop(path, None)
            self._journal(path, None, None)
            folder = str(PurePosixPath(path).parent)
            self._folders.add("" if folder == "." else folder)

    def twins(self, wanted: bool) -> None:
        """Stage the compressed twins of what is staged; with `wanted` false there are none.

        Where that was otherwise until now, the twins of everything published are made or deleted.
        """
        self._transaction.flush()
        said = "yes" if wanted else "no"
        if self._transaction.get_meta(_TWINS) != said:
            self._transaction.set_meta(_TWINS, said)
            listed = self._transaction.connection.execute(select(schema.file)).all()
            known = {row.path for row in listed}
            if not wanted:
                self._delete([path for path in known if (main_of(path) or ("",))[0] in known])
            for row in listed:
                whole = all(row.path + ending in known for ending in ENDINGS.values())
                if has_twins(row.path, row.type, row.size) and not whole:
                    self._mains.setdefault(row.path, f"{self._output}/{row.path}")
        if not wanted:
            return
        # What is too small by now has none any more.
        written = [path for path in self.written if may_have_twins(path) and path not in self._mains]
        self._delete(self._twins_of(written))
        mains = {path: source for path, source in self._mains.items() if os.path.exists(source)}
        if not mains:
            return
        staged = stage_twins(mains, folder=self.folder, first=self.reserve(len(mains) * len(ENDINGS)))
        for file in staged:
            self._note(file)

    def _twins_of(self, paths: Iterable[str]) -> list[str]:
        twins = [path + ending for path in paths for ending in ENDINGS.values()]
        return list(self._transaction.by_key(schema.file, "path", twins)) if twins else []

    def delete_unknown(self, paths: Iterable[str]) -> None:
        """Have files deleted of which the store knows nothing."""
        self._delete(sorted(paths))

    def relist(self, paths: Iterable[str]) -> None:
        """Have the manifests that list these files staged, whatever becomes of the files."""
        self._folders.update(path.rpartition("/")[0] for path in paths)

    def manifests(self, version: str, key: str) -> None:
        """Stage the manifests of the folders that changed, and the one that lists them."""
        if not (self.written or self.deleted or self._folders):
            return
        self._transaction.flush()
        folders = {folder for folder in self._folders if has_own_manifest(folder)}
        for folder in sorted(folders):
            listed = listed_files(self._transaction.connection, folder)
            path = f"{folder}/{MANIFEST}"
            if listed:
                content = orjson.dumps(
                    {"files": listed}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
                )
                self.put_many([File(path, content, "application/json")])
            else:
                self.delete_many([path])
        self._transaction.flush()
        content = orjson.dumps(
            {
                "feedpub": version,
                "newsroom": key,
                "files": listed_files(self._transaction.connection, None),
                "folders": folder_hashes(self._transaction.connection),
            },
            option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
        )
        self.put_many([File(MANIFEST, content, "application/json")])

    def sync(self) -> None:
        """Make the staged files durable."""
        self._transaction.flush()
        if self._sequence:
            with told(self.folder):
                sync_file_system(self.folder)

    def sweep(self) -> None:
        """Remove what an earlier crash left, or what this run has staged and will not publish."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def note(self, staged: Iterable[Staged]) -> None:
        """Have staged files published."""
        for file in staged:
            self._note(file)
            self.written.append(file.path)
            if has_twins(file.path, file.media_type, file.size):
                self._mains[file.path] = f"{self.folder}/{file.staged}"

    def _note(self, file: Staged) -> None:
        folder = str(PurePosixPath(file.path).parent)
        folder = "" if folder == "." else folder
        self._journal(file.path, file.staged, file.hash)
        self._transaction.put(
            schema.file,
            {
                "path": file.path, "folder": folder, "hash": file.hash, "type": file.media_type,
                "size": file.size, "modified_at": self._now, "status": file.status,
                "redirect": file.redirect,
            },
        )  # fmt: skip
        self._folders.add(folder)

    def _journal(self, path: str, staged: str | None, digest: str | None) -> None:
        number = self._journaled
        self._journaled += 1
        # Deletions come last, whenever they were asked for.
        sequence = number if staged else number + 1_000_000_000
        self._transaction.put(
            schema.journal, {"sequence": sequence, "path": path, "staged": staged, "hash": digest}
        )


def complete(connection: Connection, output: Path, state: Path) -> bool:
    """Carry out the journal: rename what is staged into place, then delete what must go.

    Safe to repeat: what is done already is passed over. Returns False if a staged file is missing
    and its target is not what was staged: then everything must be staged anew.

    Raises:
        PublishError: a file could not be put into place; the journal is kept for the next run.
    """
    journal = schema.journal
    folder = _staging_folder(output, state)
    made: set[str] = set()
    whole = True
    after = -1
    query = select(journal).order_by(journal.c.sequence).limit(5000)
    while rows := connection.execute(query.where(journal.c.sequence > after)).all():
        for row in rows:
            target = f"{output}/{row.path}"
            with told(Path(target)):
                if row.staged is None:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(target)
                    continue
                parent = target.rpartition("/")[0]
                if parent not in made:
                    os.makedirs(parent, exist_ok=True)
                    made.add(parent)
                try:
                    os.rename(f"{folder}/{row.staged}", target)
                except FileNotFoundError:
                    whole = whole and hash_of(Path(target)) == row.hash
        after = rows[-1].sequence
    if after >= 0:
        with told(output):
            sync_file_system(output)
        _remove_empty_folders(connection, output)
        connection.execute(delete(journal))
        shutil.rmtree(folder, ignore_errors=True)
    return whole


def _remove_empty_folders(connection: Connection, output: Path) -> None:
    query = select(schema.journal.c.path).where(schema.journal.c.staged.is_(None))
    for path in connection.execute(query).scalars():
        folder = (output / path).parent
        while folder != output:
            try:
                folder.rmdir()
            except FileNotFoundError:  # it went with another of its files
                pass
            except OSError:  # not empty
                break
            folder = folder.parent


def _staging_folder(output: Path, state: Path) -> Path:
    """Within the state, or beside the output where the state is on another file system."""
    if state.stat().st_dev == output.stat().st_dev:
        return state / "staging"
    return output.parent / f".{output.name}.staging"


def sync_file_system(path: Path) -> None:
    """Make everything written to the file system that holds `path` durable, in one call where there is one."""
    handle = os.open(path, os.O_RDONLY)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(handle)
