"""The manifests: what is published, listed for whoever mirrors, serves or checks it, and read back.

The folders that grow with the archive have one of their own each, so that a refresh writes those
of the folders that it changes and the one at the root, which lists all others by their hashes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, or_, select, text

from feedpub.config import DEFAULT_KEY
from feedpub.errors import PublishError
from feedpub.published import MANIFEST, hash_of
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.twins import ENDINGS, MEDIA_TYPES, main_of


def recall(transaction: Transaction, output: Path, key: str) -> int:
    """Learn from the manifests in `output` what stands there: for a store begun anew.

    Only files whose bytes match their manifest are taken over, and nothing of another newsroom than that
    of `key`; returns how many.
    """
    count = 0
    if is_foreign(output, key):
        return 0
    for name, known in listed_in(output):
        if hash_of(output / name) != known["hash"]:
            continue
        parent = str(PurePosixPath(name).parent)
        transaction.put(
            schema.file,
            {
                "path": name,
                "folder": "" if parent == "." else parent,
                "hash": known["hash"],
                "type": known.get("type", ""),
                "size": known["size"],
                "modified_at": _seconds(known.get("modified")),
                "status": known.get("status"),
                "redirect": known.get("redirect"),
            },
        )
        count += 1
    transaction.flush()
    return count


def listed_in(output: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the manifests that stand in `output` list, themselves and twins included: path, and what is said of it.

    Anybody may have written them: what is not as we write it, or leads out of the output, is passed over.
    """
    folders = _read(output / MANIFEST).get("folders")
    for folder in ("", *(folders if isinstance(folders, dict) else ())):
        path = f"{folder}/{MANIFEST}" if folder else MANIFEST
        if not _inside(path):
            continue
        content = _read(output / path)
        if not isinstance(content.get("files"), dict):
            continue
        files = {name: known for name, known in content["files"].items() if _is_entry(known)}
        size = (output / path).stat().st_size
        own = {"hash": hash_of(output / path), "type": "application/json", "size": size}
        for name, known in {**files, **_twins_in(files), path: own}.items():
            if _inside(name) and _is_entry(known):
                yield name, known


def newsroom_of(output: Path) -> str | None:
    """The key of the newsroom whose set stands in `output`; None where that cannot be told."""
    found = _read(output / MANIFEST).get("newsroom")
    return found if isinstance(found, str) else None


def is_foreign(output: Path, key: str) -> bool:
    """Whether the set in `output` is of another newsroom than that of `key`; one without a key is anybody's."""
    return newsroom_of(output) not in (None, DEFAULT_KEY, key)


def check_newsroom(output: Path, key: str, *, yes: bool) -> None:
    """Raises PublishError for another newsroom's output, unless it is to be taken over (`yes`)."""
    if is_foreign(output, key) and not yes:
        raise PublishError(
            f"{output}: what is published there is of another newsroom (its site.key is {newsroom_of(output)}), and "
            "two would overwrite each other's feeds. Give each a folder of its own (publish.output); if this one is "
            "to take the other's place for good, publish once with --yes.",
            path=str(output),
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_entry(value: object) -> bool:
    """Whether it says of a file what manifests say."""
    if not isinstance(value, dict) or not isinstance(value.get("size"), int):
        return False
    return isinstance(value.get("hash"), str) and isinstance(value.get("type", ""), str)


def _twins_in(files: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The twins that a manifest names, as files of their own."""
    return {
        f"{path}{ENDINGS[coding]}": {**twin, "type": MEDIA_TYPES[coding], "modified": said.get("modified")}
        for path, said in files.items()
        for coding, twin in _mapping(said.get("encodings")).items()
        if coding in ENDINGS and isinstance(twin, dict)
    }


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and path.isprintable()


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(value: str | None) -> int:
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(value or "").timestamp())
    except (ValueError, TypeError, OverflowError):
        return 0


_SHARDED = ("archives", "articles", "changes", "dump", "events", "media")
"""Folders that grow with the archive: each below them has a manifest of its own."""


def has_own_manifest(folder: str) -> bool:
    """Whether a folder's files are listed in the folder itself."""
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


def listed_files(connection: Connection, folder: str | None) -> dict[str, dict[str, Any]]:
    """What a manifest lists: one folder's files, or (None) all that stand in no such folder."""
    file = schema.file
    # Sorted here: asked to do it, SQLite goes through every path instead of the folders' ranges.
    query = select(file).where(_elsewhere() if folder is None else file.c.folder == folder)
    listed: dict[str, dict[str, Any]] = {}
    for row in sorted(connection.execute(query), key=attrgetter("path")):
        if row.path.endswith(MANIFEST):
            continue
        main = main_of(row.path)
        if main is not None and main[0] in listed:
            twin = {"hash": row.hash, "size": row.size}
            listed[main[0]].setdefault("encodings", {})[main[1]] = twin
            continue
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.modified_at))
        listed[row.path] = {"hash": row.hash, "type": row.type, "size": row.size, "modified": moment}
        if row.status:
            listed[row.path]["status"] = row.status
        if row.redirect:
            listed[row.path]["redirect"] = row.redirect
    return listed


def at_root(connection: Connection) -> Iterator[tuple[str, str]]:
    """Path and hash of every file that no folder's own manifest lists, and of these manifests."""
    file = schema.file
    root = and_(_elsewhere(), file.c.path != MANIFEST)
    for where in (root, and_(text(schema.IS_MANIFEST), file.c.folder != "")):
        for row in connection.execute(select(file.c.path, file.c.hash).where(where)):
            yield row.path, row.hash


def folder_hashes(connection: Connection) -> dict[str, dict[str, str]]:
    """Folder → the hash of its own manifest."""
    file = schema.file
    query = select(file.c.folder, file.c.hash).where(text(schema.IS_MANIFEST), file.c.folder != "")
    return {row.folder: {"hash": row.hash} for row in connection.execute(query.order_by(file.c.folder))}
