"""Changes of a source in batches that fit into memory, and what their documents hold, read by any process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from feedpub.config import Site
from feedpub.extraction import ExtractSettings
from feedpub.models import Problem
from feedpub.preparation import Prepared, prepare
from feedpub.sources import Change, Changed
from feedpub.workers import WorkerDiedError, Workers

BATCH = 100
"""Documents looked up and written together; it bounds memory, as does the number of their bytes."""
_BATCH_BYTES = 4_000_000


_BROKE_THE_READER = Problem(
    "reader-crashed",
    "The program that reads documents broke down over this one.",
    "Look whether it is what its name says and not far too large; save it anew from the program it comes from.",
)


def batches(changes: Iterator[Change]) -> Iterator[list[Change]]:
    """Changes in batches that fit into memory, whatever the size of their documents."""
    batch: list[Change] = []
    size = 0
    for change in changes:
        batch.append(change)
        size += len(change.document.data) if isinstance(change, Changed) else 0
        if len(batch) >= BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def read(batch: Sequence[Change], *, settings: ExtractSettings, site: Site) -> dict[str, Prepared]:
    """What the documents of a batch hold, by place."""
    documents = (change.document for change in batch if isinstance(change, Changed))
    return prepare(documents, settings=settings, site=site)


def read_one_by_one(
    batch: Sequence[Change], workers: Workers, *, settings: ExtractSettings, site: Site
) -> dict[str, Prepared]:
    """The same of a batch in which one document has broken the process that read it."""
    ready = partial(read, settings=settings, site=site)
    found: dict[str, Prepared] = {}
    for change in batch:
        if isinstance(change, Changed):
            try:
                found |= workers.call(ready, [change])
            except WorkerDiedError:
                found[change.document.place] = Prepared(refused=(_BROKE_THE_READER,))
    return found


def row_of(place: str, stamp: str, digest: str, container: str | None) -> dict[str, Any]:
    """What the store keeps of where a document was seen."""
    return {"place": place, "stamp": stamp, "digest": digest, "container": container}


def row_of_change(change: Changed) -> dict[str, Any]:
    """The same of a document that was read."""
    return row_of(change.document.place, change.stamp, change.digest, change.container)
