"""The files of some records, rendered and staged: what a worker does, knowing nothing of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedpub import plugins
from feedpub.config import Site
from feedpub.formats import eventpage, icalendar, jsonld, page
from feedpub.models import Alternate, Channel, Entry
from feedpub.staging import File, Known, Staged, stage

HTML = "text/html"
RECORD = "application/ld+json"


@dataclass(frozen=True, slots=True)
class Job:
    """Some records whose files are to be made.

    `stems` are the paths of their files without the ending, by id, and of the events that they report; `redirects` old such paths with
    the id that each leads to. `known` is what stands at these paths now, and `first` the number of
    the first of the names that are reserved for them in the staging folder.
    """

    entries: Sequence[Entry]
    stems: Mapping[str, str]
    redirects: Sequence[tuple[str, str]]
    known: Mapping[str, Known]
    first: int


@dataclass(frozen=True, slots=True)
class ArchiveJob:
    """One archive page of one feed, in several formats. `known` and `first` are as in `Job`."""

    entries: Sequence[Entry]
    channel: Channel
    formats: tuple[str, ...]
    tombstones: bool
    known: Mapping[str, Known]
    first: int


def render_archive_page(job: ArchiveJob, *, site: Site, output: Path, folder: Path) -> list[Staged]:
    """Render one archive page in its formats and stage it.

    Raises:
        PublishError: the staging folder cannot be written.
    """
    return stage(_archive_files(job, site), job.known, output=output, folder=folder, first=job.first)


def _archive_files(job: ArchiveJob, site: Site) -> Iterator[File]:
    for name in job.formats:
        format_ = plugins.format(name, site)
        tombstones = job.tombstones and format_.tombstones
        shown = [entry for entry in job.entries if tombstones or entry.withdrawn_at is None]
        content = b"".join(format_.assemble(job.channel, [format_.render(entry) for entry in shown]))
        yield File(job.channel.path_of(format_.filename, job.channel.page), content, format_.media_type)


def possible_paths(
    entries: Iterable[Entry], stems: Mapping[str, str], redirects: Sequence[tuple[str, str]]
) -> list[str]:
    """Every path that the files of these records may have."""
    own = [f"{stems[entry.id]}{ending}" for entry in entries for ending in (".html", ".jsonld", ".ics")]
    return own + [f"{path}.html" for path, _ in redirects]


def render(
    job: Job,
    *,
    site: Site,
    alternates: Sequence[Alternate],
    section_pages: Mapping[str, str],
    output: Path,
    folder: Path,
) -> list[Staged]:
    """Render the files of one job and stage those whose bytes are not published already.

    Raises:
        PublishError: the staging folder cannot be written.
    """
    frame = _Frame(site, alternates, section_pages)
    return stage(_files(job, frame), job.known, output=output, folder=folder, first=job.first)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the pages of all records have in common."""

    site: Site
    alternates: Sequence[Alternate]
    section_pages: Mapping[str, str]


def _files(job: Job, frame: _Frame) -> Iterator[File]:
    site = frame.site
    for entry in job.entries:
        if entry.withdrawn_at is not None:
            path = f"{job.stems[entry.id]}.html"
            if entry.page_path:
                content = page.render_withdrawn(
                    site=site, at=entry.withdrawn_at, path=path, event=entry.is_event
                )
                yield File(path, content, HTML, status=410)
            if entry.is_event:
                yield from _calendar_file(entry, site)
        elif entry.is_event:
            yield from _event_files(entry, frame)
        else:
            yield from _article_files(entry, job, frame)
    by_id = {entry.id: entry for entry in job.entries}
    for path, identifier in job.redirects:
        entry = by_id[identifier]
        if entry.withdrawn_at is not None:
            content = page.render_withdrawn(site=site, at=entry.withdrawn_at, path=f"{path}.html")
            yield File(f"{path}.html", content, HTML, status=410)
        else:
            content = page.render_redirect(site=site, target_url=entry.url, path=path)
            yield File(f"{path}.html", content, HTML, status=301, redirect=entry.url)


def _article_files(entry: Entry, job: Job, frame: _Frame) -> Iterator[File]:
    if entry.page_path is not None:
        pages = {event["@id"]: f"{job.stems[event['@id']]}.html" for event in entry.events}
        content = page.render_article(
            entry, site=frame.site, alternates=frame.alternates, event_pages=pages,
            section_pages=frame.section_pages,
        )  # fmt: skip
        yield File(entry.page_path, content, HTML)
    yield File(entry.record_path, jsonld.record_document(entry.data, *entry.events), RECORD)


def _event_files(entry: Entry, frame: _Frame) -> Iterator[File]:
    if entry.page_path is not None:
        content = eventpage.render_event(entry, site=frame.site, alternates=frame.alternates)
        yield File(entry.page_path, content, HTML)
    yield File(entry.record_path, jsonld.record_document(entry.data), RECORD)
    yield from _calendar_file(entry, frame.site)


def _calendar_file(entry: Entry, site: Site) -> Iterator[File]:
    """The event alone as a calendar, cancelled if it is withdrawn; none if its day is not known."""
    if icalendar.fits(entry.data):
        path = entry.record_path.removesuffix(".jsonld") + ".ics"
        yield File(path, icalendar.event_document(entry, site), icalendar.CalendarFormat.media_type)
