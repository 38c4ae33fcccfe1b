"""The files of some records, rendered and staged: what a worker does, knowing nothing of the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedpub.config import Site
from feedpub.formats import jsonld, page
from feedpub.models import Alternate, Entry
from feedpub.staging import File, Known, Staged, stage

HTML = "text/html"
RECORD = "application/ld+json"


@dataclass(frozen=True, slots=True)
class Job:
    """Some records whose files are to be made.

    `stems` are the paths of their files without the ending, by id; `redirects` old such paths with
    the id that each leads to. `known` is what stands at these paths now, and `first` the number of
    the first of the names that are reserved for them in the staging folder.
    """

    entries: Sequence[Entry]
    stems: Mapping[str, str]
    redirects: Sequence[tuple[str, str]]
    known: Mapping[str, Known]
    first: int


def possible_paths(stems: Mapping[str, str], redirects: Sequence[tuple[str, str]]) -> list[str]:
    """Every path that the files of these records may have."""
    own = [f"{stem}{ending}" for stem in stems.values() for ending in (".html", ".jsonld")]
    return own + [f"{path}.html" for path, _ in redirects]


def render(
    job: Job, *, site: Site, alternates: Sequence[Alternate], output: Path, folder: Path
) -> list[Staged]:
    """Render the files of one job and stage those whose bytes are not published already.

    Raises:
        PublishError: the staging folder cannot be written.
    """
    return stage(_files(job, site, alternates), job.known, output=output, folder=folder, first=job.first)


def _files(job: Job, site: Site, alternates: Sequence[Alternate]) -> Iterator[File]:
    for entry in job.entries:
        if entry.withdrawn_at is not None:
            path = f"{job.stems[entry.id]}.html"
            if entry.page_path:
                content = page.render_withdrawn(site=site, at=entry.withdrawn_at, path=path)
                yield File(path, content, HTML, status=410)
            continue
        if entry.page_path is not None:
            content = page.render_article(entry, site=site, alternates=alternates)
            yield File(entry.page_path, content, HTML)
        yield File(entry.record_path, jsonld.record_document(entry.data, *entry.events), RECORD)
    targets = {entry.id: entry.url for entry in job.entries}
    for path, identifier in job.redirects:
        if identifier in targets:
            target = targets[identifier]
            content = page.render_redirect(site=site, target_url=target, path=path)
            yield File(f"{path}.html", content, HTML, status=301, redirect=target)
