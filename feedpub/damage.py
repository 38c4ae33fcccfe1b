"""Whether the output is still what the store last wrote there, and what of it is not.

A person edits a file, a backup is restored, `publish.output` leads back to an older set, a disk fails:
the store would take all of it for published. What stands at the root of the manifests (feeds, front page,
sitemaps, each folder's list) is looked at before every refresh, by time and size first and by hash where
these have changed. Files of the archive are looked at only when the whole output is compared, since a
refresh must not cost what exists; the server notices one that it cannot give.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson
from sqlalchemy import select

from feedpub.manifests import at_root, listed_in, newsroom_of
from feedpub.publication import Staging
from feedpub.published import MANIFEST, hash_of
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.twins import main_of

_LOOKED = "looked"
"""Key of path → time of change (ns), size and inode of those files at the root that had the right bytes."""


def is_another_set(transaction: Transaction, output: Path) -> bool:
    """Whether the output is gone, or its list of files is not the one that the store wrote last."""
    file = schema.file
    known = transaction.connection.execute(select(file.c.hash).where(file.c.path == MANIFEST)).scalar()
    standing = hash_of(output / MANIFEST)
    return standing is None or standing != known


def forget_all(transaction: Transaction, output: Path, staging: Staging, key: str) -> None:
    """Forget every file whose bytes are not those that were written, so that it is written again.

    What the output's own manifests list and the store does not know is deleted, if it is of the newsroom `key`.
    """
    file = schema.file
    rows = transaction.connection.execute(select(file.c.path, file.c.hash))
    known = {row.path: row.hash for row in rows}
    if newsroom_of(output) == key:
        listed = (path for path, _ in listed_in(output) if path not in known)
        staging.delete_unknown(path for path in listed if _is_own_file(output, path))
    damaged = {path for path, digest in known.items() if hash_of(output / path) != digest}
    _forget(transaction, damaged, staging)
    staging.relist([MANIFEST])


def forget_some(transaction: Transaction, output: Path, staging: Staging) -> list[str]:
    """The same for what stands at the root; returns the paths of such files, which must be made anew."""
    before = orjson.loads(transaction.get_meta(_LOOKED) or b"{}")
    looked, damaged = {}, set()
    for path, digest in at_root(transaction.connection):
        stamp = _stamp(output / path)
        if stamp is not None and (before.get(path) == stamp or hash_of(output / path) == digest):
            looked[path] = stamp
        else:
            damaged.add(path)
    if looked != before:
        transaction.set_meta(_LOOKED, orjson.dumps(looked, option=orjson.OPT_SORT_KEYS).decode())
    _forget(transaction, damaged, staging)
    return sorted(damaged)


def forget_looks(transaction: Transaction) -> None:
    """Forget the names of what was looked at, which may say what was purged."""
    transaction.set_meta(_LOOKED, "{}")


def _forget(transaction: Transaction, damaged: set[str], staging: Staging) -> None:
    # A twin is made with its file only.
    mains = {main[0] for path in damaged if (main := main_of(path)) is not None}
    transaction.delete(schema.file, "path", sorted(damaged | mains))
    transaction.flush()
    staging.relist(damaged)


def _is_own_file(output: Path, path: str) -> bool:
    """Whether a file stands there, and in the output: a list that somebody edited must not lead out of it by a link."""
    target = f"{output}/{path}"
    if not os.path.isfile(target):  # noqa: PTH113 - it raises for no path
        return False
    here = f"{os.path.realpath(output)}/{path}".rpartition("/")[0]
    return os.path.realpath(target.rpartition("/")[0]) == here


def _stamp(path: Path) -> list[int] | None:
    try:
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - many of them
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino]
