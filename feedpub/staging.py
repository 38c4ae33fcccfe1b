"""Files before they are published: written beside the output, unless the same bytes stand there already."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from feedpub import twins
from feedpub.errors import PublishError

SHARD = 1000
"""Staged files in one folder."""


@dataclass(frozen=True, slots=True)
class Known:
    """What stands at a path: the SHA-256 of its bytes, its HTTP status and target if it has any."""

    hash: str
    status: int | None = None
    redirect: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file to be published: `path` relative to the output; `status` and `redirect` for a server."""

    path: str
    content: bytes
    media_type: str
    status: int | None = None
    redirect: str | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that stands at `staged`, relative to the staging folder, and is to go to `path`."""

    path: str
    staged: str
    hash: str
    size: int
    media_type: str
    status: int | None = None
    redirect: str | None = None


def staged_name(number: int) -> str:
    """The path of a staged file, relative to the staging folder."""
    return f"{number // SHARD}/{number}"


def stage(
    files: Iterable[File],
    known: Mapping[str, Known],
    *,
    output: Path,
    folder: Path,
    first: int,
    refuses: Callable[[File], bool] = lambda _: False,
) -> list[Staged]:
    """Write those files that do not stand in `output` already, and tell which.

    Args:
        files: what to publish.
        known: what is published, by path.
        output: the published folder.
        folder: the staging folder; `staged_name` of each number from `first` can be written in it.
        first: the first of as many numbers as there are files.
        refuses: says of a file that would be written that it must not be: what stands there stays.

    Raises:
        PublishError: a file could not be written.
    """
    staged = []
    number = first
    for file in files:
        digest = hashlib.sha256(file.content).hexdigest()
        before = known.get(file.path)
        if before == Known(digest, file.status, file.redirect) and (output / file.path).exists():
            continue
        if refuses(file):
            continue
        name = staged_name(number)
        number += 1
        with told(output / file.path), open(f"{folder}/{name}", "wb", buffering=0) as target:
            target.write(file.content)
        staged.append(
            Staged(
                file.path, name, digest, len(file.content), file.media_type, file.status, file.redirect
            )
        )  # fmt: skip
    return staged


def stage_twins(mains: Mapping[str, str], *, folder: Path, first: int) -> list[Staged]:
    """Write the compressed twins of files, and tell which.

    The compressors let go of Python's lock, so that threads use every processor.

    Args:
        mains: path → where the file's bytes stand now.
        folder: the staging folder; `staged_name` of as many numbers from `first` as there are twins
            (one for each coding) can be written in it.
        first: the first of these numbers.

    Raises:
        PublishError: a file could not be read or written.
    """
    jobs = [(path, source, coding) for path, source in mains.items() for coding in twins.ENDINGS]
    work = partial(_stage_twin, folder)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="feedpub-twins") as pool:
        return list(pool.map(work, jobs, (staged_name(first + number) for number in range(len(jobs)))))


def _stage_twin(folder: Path, job: Sequence[str], name: str) -> Staged:
    main, source, coding = job
    path = main + twins.ENDINGS[coding]
    with told(Path(path)):
        with open(source, "rb") as file:
            content = twins.compress(file.read(), coding)
        with open(f"{folder}/{name}", "wb", buffering=0) as target:
            target.write(content)
    digest = hashlib.sha256(content).hexdigest()
    return Staged(path, name, digest, len(content), twins.MEDIA_TYPES[coding])


_REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "raise the quota or make room",
    errno.EROFS: "the file system is read-only: mount it for writing, or name another folder as publish.output",
    errno.EACCES: "give yourself permission to write there",
    errno.EPERM: "give yourself permission to write there",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away",
    errno.EISDIR: "a folder stands where a file is needed: move it away",
}


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `PublishError` that says what to do."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "look at the disk and the folder's permissions")
        # Of a renaming, the second is the name that was to be given: the one that people know.
        where = error.filename2 or error.filename or path
        raise PublishError(
            f"{where}: {error.strerror}. What was published before stays up; {remedy}, then run again.",
            path=str(path),
        ) from error
