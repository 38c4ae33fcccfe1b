"""The files of some records, rendered and staged: what a worker does, knowing nothing of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from feedpub import plugins, verification
from feedpub.config import Site
from feedpub.formats import eventpage, icalendar, jsonld, page
from feedpub.models import Alternate, Channel, Entry
from feedpub.staging import File, Known, Staged, stage
from feedpub.verification import Difference

HTML = "text/html"
RECORD = "application/ld+json"
ENDINGS = (".html", ".jsonld", ".ics")
"""Of the files of one record."""
_Judge = Callable[[bytes], tuple[Difference, ...]]


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


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a worker has staged, and how the files differ from the records that it has not."""

    staged: list[Staged]
    differences: tuple[Difference, ...] = ()


class _Proof:
    """Has each file read back before it is staged, by the judge that came with it."""

    def __init__(self, *, verify: bool) -> None:
        self._verify = verify
        self._judges: dict[str, _Judge] = {}
        self.differences: list[Difference] = []

    def file(self, judge: _Judge, file: File) -> File:
        self._judges[file.path] = judge
        return file

    def refuses(self, file: File) -> bool:
        judge = self._judges.get(file.path) if self._verify else None
        found = judge(file.content) if judge else ()
        self.differences += found
        return bool(found)


def render_archive_page(job: ArchiveJob, *, site: Site, verify: bool, output: Path, folder: Path) -> Rendered:
    """Render one archive page in its formats, read it back and stage it.

    Raises:
        PublishError: the staging folder cannot be written.
    """
    proof = _Proof(verify=verify)
    staged = stage(
        _archive_files(job, site, proof), job.known, output=output, folder=folder, first=job.first,
        refuses=proof.refuses,
    )  # fmt: skip
    return Rendered(staged, tuple(proof.differences))


def _archive_files(job: ArchiveJob, site: Site, proof: _Proof) -> Iterator[File]:
    for name in job.formats:
        format_ = plugins.format(name, site)
        tombstones = job.tombstones and format_.tombstones
        shown = [entry for entry in job.entries if tombstones or entry.withdrawn_at is None]
        content = b"".join(format_.assemble(job.channel, [format_.render(entry) for entry in shown]))
        judge = partial(_judge_feed, name, job.channel, shown, site)
        path = job.channel.path_of(format_.filename, job.channel.page)
        yield proof.file(judge, File(path, content, format_.media_type))


def _judge_feed(
    name: str, channel: Channel, entries: Sequence[Entry], site: Site, content: bytes
) -> tuple[Difference, ...]:
    return verification.verify_feed(name, content, channel, entries, site)


def possible_paths(
    entries: Iterable[Entry], stems: Mapping[str, str], redirects: Sequence[tuple[str, str]]
) -> list[str]:
    """Every path that the files of these records may have."""
    own = [f"{stems[entry.id]}{ending}" for entry in entries for ending in ENDINGS]
    return own + [f"{path}.html" for path, _ in redirects]


def render(
    job: Job,
    *,
    site: Site,
    alternates: Sequence[Alternate],
    section_pages: Mapping[str, str],
    verify: bool,
    output: Path,
    folder: Path,
) -> Rendered:
    """Render the files of one job, read them back, and stage those whose bytes are not published already.

    Raises:
        PublishError: the staging folder cannot be written.
    """
    proof = _Proof(verify=verify)
    frame = _Frame(site, alternates, section_pages, proof)
    staged = stage(
        _files(job, frame), job.known, output=output, folder=folder, first=job.first, refuses=proof.refuses
    )
    return Rendered(staged, tuple(proof.differences))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the pages of all records have in common."""

    site: Site
    alternates: Sequence[Alternate]
    section_pages: Mapping[str, str]
    proof: _Proof


def _files(job: Job, frame: _Frame) -> Iterator[File]:
    for entry in job.entries:
        if entry.withdrawn_at is not None:
            if entry.page_path:
                yield _notice(entry, entry.withdrawn_at, f"{job.stems[entry.id]}.html", frame)
            if entry.is_event:
                yield from _calendar_file(entry, frame)
        elif entry.is_event:
            yield from _event_files(entry, frame)
        else:
            yield from _article_files(entry, job, frame)
    by_id = {entry.id: entry for entry in job.entries}
    for stem, identifier in job.redirects:
        entry, path = by_id[identifier], f"{stem}.html"
        if entry.withdrawn_at is not None:
            yield _notice(entry, entry.withdrawn_at, path, frame)
        else:
            content = page.render_redirect(site=frame.site, target_url=entry.url, path=path)
            judge = partial(_judge_redirect, path, entry, frame.site)
            yield frame.proof.file(judge, File(path, content, HTML, status=301, redirect=entry.url))


def _notice(entry: Entry, at: datetime, path: str, frame: _Frame) -> File:
    content = page.render_withdrawn(site=frame.site, at=at, path=path, event=entry.is_event)
    judge = partial(_judge_withdrawn, path, entry, frame.site)
    return frame.proof.file(judge, File(path, content, HTML, status=410))


def _judge_withdrawn(path: str, entry: Entry, site: Site, content: bytes) -> tuple[Difference, ...]:
    return verification.verify_withdrawn(path, content, entry, site)


def _judge_redirect(path: str, entry: Entry, site: Site, content: bytes) -> tuple[Difference, ...]:
    return verification.verify_redirect(path, content, entry, site)


def _article_files(entry: Entry, job: Job, frame: _Frame) -> Iterator[File]:
    if entry.page_path is not None:
        pages = {event["@id"]: f"{job.stems[event['@id']]}.html" for event in entry.events}
        content = page.render_article(
            entry, site=frame.site, alternates=frame.alternates, event_pages=pages,
            section_pages=frame.section_pages,
        )  # fmt: skip
        judge = partial(verification.verify_page, entry=entry, site=frame.site)
        yield frame.proof.file(judge, File(entry.page_path, content, HTML))
    yield _record_file(entry, frame)


def _record_file(entry: Entry, frame: _Frame) -> File:
    content = jsonld.record_document(entry.data, *entry.events)
    judge = partial(verification.verify_record, entry=entry)
    return frame.proof.file(judge, File(entry.record_path, content, RECORD))


def _event_files(entry: Entry, frame: _Frame) -> Iterator[File]:
    if entry.page_path is not None:
        content = eventpage.render_event(entry, site=frame.site, alternates=frame.alternates)
        judge = partial(verification.verify_event_page, entry=entry, site=frame.site)
        yield frame.proof.file(judge, File(entry.page_path, content, HTML))
    yield _record_file(entry, frame)
    yield from _calendar_file(entry, frame)


def _calendar_file(entry: Entry, frame: _Frame) -> Iterator[File]:
    """The event alone as a calendar, cancelled if it is withdrawn; none if its day is not known."""
    if icalendar.fits(entry.data):
        path = entry.record_path.removesuffix(".jsonld") + ".ics"
        content = icalendar.event_document(entry, frame.site)
        judge = partial(verification.verify_calendar_file, entry=entry, site=frame.site)
        yield frame.proof.file(judge, File(path, content, icalendar.CalendarFormat.media_type))
