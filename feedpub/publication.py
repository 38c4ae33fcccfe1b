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
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, text

from feedpub.errors import LockedError
from feedpub.staging import SHARD, File, Known, Staged, stage, staged_name, told
from feedpub.store import schema
from feedpub.store.transaction import Transaction

MANIFEST = "manifest.json"


@contextlib.contextmanager
def locked(state: Path, output: Path) -> Iterator[None]:
    """Be the only publisher that uses this state and writes this output.

    The kernel lets go of both locks when the process ends, however it ends.

    Raises:
        LockedError: another publisher is at work.
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
        _lock(handle, path, owner=path)
        # The same output may be named by another newsroom, with a state folder of its own.
        with told(output):
            folder_handle = os.open(output, os.O_RDONLY)
        stack.callback(os.close, folder_handle)
        _lock(folder_handle, output, owner=None)
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


def _lock(handle: int, path: Path, *, owner: Path | None) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        who = None
        if owner is not None:
            with contextlib.suppress(OSError, ValueError):
                held = json.loads(owner.read_text("utf-8"))
                who = f"process {held['pid']} on {held['host']}, since {held['since']}"
        raise LockedError(
            f"{path}: another feedpub is publishing ({who or 'of another newsroom with the same output'}). "
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
        self.folder = _staging_folder(output, state)
        self.written: list[str] = []
        self.deleted: list[str] = []

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
        """Have files deleted, after everything else is in place. Unknown paths are left alone."""
        known = list(self._transaction.by_key(schema.file, "path", paths))
        self._transaction.delete(schema.file, "path", known)
        for path in known:
            self._journal(path, None, None)
            self._folders.add(str(PurePosixPath(path).parent))
            self.deleted.append(path)

    def manifests(self, version: str, key: str) -> None:
        """Stage the manifests of the folders that changed, and the one that lists them."""
        if not (self.written or self.deleted or self._folders):
            return
        self._transaction.flush()
        folders = {folder for folder in self._folders if _has_own_manifest(folder)}
        for folder in sorted(folders):
            listed = _files(self._transaction.connection, folder)
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
                "files": _files(self._transaction.connection, None),
                "folders": _folder_hashes(self._transaction.connection),
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
            self.written.append(file.path)

    def _journal(self, path: str, staged: str | None, digest: str | None) -> None:
        number = len(self.written) + len(self.deleted)
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
                    whole = whole and _hash(Path(target)) == row.hash
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


def recall(transaction: Transaction, output: Path) -> int:
    """Learn from the manifests in `output` what stands there: for a store begun anew.

    Only files whose bytes match their manifest are taken over; returns how many.
    """
    count = 0
    try:
        root = orjson.loads((output / MANIFEST).read_bytes())
        manifests = [("", root), *((folder, None) for folder in root.get("folders", {}))]
    except (OSError, orjson.JSONDecodeError, AttributeError):
        return 0
    for folder, content in manifests:
        path = f"{folder}/{MANIFEST}" if folder else MANIFEST
        try:
            raw = (output / path).read_bytes()
            files = (content or orjson.loads(raw))["files"]
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            continue
        own = {path: {"hash": hashlib.sha256(raw).hexdigest(), "type": "application/json", "size": len(raw)}}
        for name, known in {**files, **(own if folder else {})}.items():
            if not _inside(name) or _hash(output / name) != known["hash"]:
                continue
            parent = str(PurePosixPath(name).parent)
            transaction.put(
                schema.file,
                {
                    "path": name,
                    "folder": "" if parent == "." else parent,
                    "hash": known["hash"],
                    "type": known["type"],
                    "size": known["size"],
                    "modified_at": _seconds(known.get("modified")),
                    "status": known.get("status"),
                    "redirect": known.get("redirect"),
                },
            )
            count += 1
    transaction.flush()
    return count


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts


def _seconds(value: str | None) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(value).timestamp()) if value else 0


_SHARDED = ("archives", "articles", "changes", "dump", "events", "media")
"""Folders that grow with the archive: each below them has a manifest of its own."""


def _has_own_manifest(folder: str) -> bool:
    return folder.partition("/")[0] in _SHARDED


def _elsewhere() -> ColumnElement[bool]:
    """In no sharded folder; as ranges, so that the archive's rows are not looked at ("0" follows "/")."""
    folder = schema.file.c.folder
    ranges = []
    begin = folder >= ""
    for top in _SHARDED:
        ranges += [and_(begin, folder < top), and_(folder > top, folder < f"{top}/")]
        begin = folder >= f"{top}0"
    return or_(*ranges, begin)


def _files(connection: Connection, folder: str | None) -> dict[str, dict[str, Any]]:
    """What a manifest lists: one folder's files, or (None) all that stand in no such folder."""
    file = schema.file
    # Sorted here: asked to do it, SQLite goes through every path instead of the folders' ranges.
    query = select(file).where(_elsewhere() if folder is None else file.c.folder == folder)
    listed = {}
    for row in sorted(connection.execute(query), key=attrgetter("path")):
        if row.path.endswith(MANIFEST):
            continue
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.modified_at))
        listed[row.path] = {"hash": row.hash, "type": row.type, "size": row.size, "modified": moment}
        if row.status:
            listed[row.path]["status"] = row.status
        if row.redirect:
            listed[row.path]["redirect"] = row.redirect
    return listed


def _folder_hashes(connection: Connection) -> dict[str, dict[str, str]]:
    file = schema.file
    query = select(file.c.folder, file.c.hash).where(text(schema.IS_MANIFEST), file.c.folder != "")
    return {row.folder: {"hash": row.hash} for row in connection.execute(query.order_by(file.c.folder))}


def _hash(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


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
