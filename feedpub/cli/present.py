"""How results look to people: reports, quarantine, status.

What comes from articles is cleaned before it reaches the terminal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedpub.cli.terminal import Terminal, clean, plain

if TYPE_CHECKING:
    from feedpub.config import Config
    from feedpub.init import Begun
    from feedpub.models import Problem
    from feedpub.reports import Held, Report, SourceReport
    from feedpub.store import Status

SHOWN = 10
"""How many held documents a report lists."""
_PROBLEMS_SHOWN = 3


def counted(number: int, noun: str) -> str:
    """ "1 article", "2 articles"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def report(report: Report, config: Config, terminal: Terminal, *, cwd: Path) -> str:
    """What one refresh did: read, published, held back, remarks, and what to open next."""
    lines = [*_read(report, terminal), "", *_published(report, config, terminal, cwd)]
    if report.held:
        lines += ["", terminal.paint("bold", f"Held back: {counted(len(report.held), 'document')}")]
        for document in report.held[:SHOWN]:
            lines.append(_indented(held(document, terminal, every=False)))
        if len(report.held) > SHOWN:
            lines.append(f"  … and {len(report.held) - SHOWN:,} more: feedpub quarantine")
    if report.advice:
        lines += ["", f"{counted(len(report.advice), 'piece')} of advice on what was read:"]
        shown = report.advice if terminal.verbosity else report.advice[:_PROBLEMS_SHOWN]
        lines += [_indented(problem(advice, advice.place or "", terminal)) for advice in shown]
        if len(shown) < len(report.advice):
            lines.append(
                f"  … and {len(report.advice) - len(shown):,} more: feedpub publish -v, feedpub check PATH"
            )
    notices = list(dict.fromkeys((*config.notices, *report.notices)))
    if notices:
        lines += ["", *(f"Note: {clean(notice)}" for notice in notices)]
    if report.retry_at is not None:
        lines.append(
            f"Hubs are to be told again at {_time(report.retry_at)}: publish again then, or run feedpub daemon."
        )
    if report.next_due_at is not None:
        lines += [
            "",
            f"Something is due at {_time(report.next_due_at)}: publish again then, or run feedpub daemon.",
        ]
    return "\n".join([*lines, "", *_next(config, cwd)])


def _read(report: Report, terminal: Terminal) -> Iterator[str]:
    seconds = (report.finished_at - report.started_at).total_seconds()
    documents = sum(map(_documents, report.sources))
    sources = counted(len(report.sources), "source")
    yield terminal.paint("bold", f"Read {counted(documents, 'document')} from {sources} in {seconds:.1f} s")
    width = max((len(source.name) for source in report.sources), default=0)
    for source in report.sources:
        yield f"  {source.name.ljust(width)}  {_counts(source, terminal)}"
        yield from _remarks(source, terminal)
    for failure in report.failures:
        yield terminal.paint("red", f"  failed: {clean(failure)}")


def _remarks(source: SourceReport, terminal: Terminal) -> Iterator[str]:
    """What its reader noticed: names that are no text, links that were not followed, folders that are closed."""
    notices = list(dict.fromkeys(source.notices))
    shown = notices if terminal.verbosity else notices[:SHOWN]
    for notice in shown:
        yield terminal.paint("" if source.complete else "yellow", f"    Note: {clean(notice)}")
    if len(shown) < len(notices):
        yield f"    … and {len(notices) - len(shown):,} more: feedpub publish -v"


def _documents(source: SourceReport) -> int:
    return source.new + source.modified + source.unmodified + source.waiting + source.quarantined


def _counts(source: SourceReport, terminal: Terminal) -> str:
    if source.failure:
        failed = terminal.paint("red", f"failed: {clean(source.failure)}")
        return f"{failed} What was published from it stays."
    parts = [
        (source.new, "new", "green"),
        (source.modified, "changed", "green"),
        (source.unmodified, "unchanged", ""),
        (source.removed, "removed", "yellow"),
        (source.waiting, "waiting", ""),
        (source.quarantined, "held back", "yellow"),
    ]
    shown = [
        terminal.paint(style, f"{number:,} {word}") if style else f"{number:,} {word}"
        for number, word, style in parts
        if number
    ]
    return ", ".join(shown) or "nothing"


def _published(report: Report, config: Config, terminal: Terminal, cwd: Path) -> Iterator[str]:
    output = near(Path(report.output or config.publish.output), cwd)
    what = f"{counted(report.articles, 'article')} and {counted(report.events, 'event')}"
    files = f"{counted(len(report.written), 'file')} written"
    if report.deleted:
        files += f", {len(report.deleted):,} deleted"
    changed = files if report.written or report.deleted else "nothing changed, no file written"
    yield f"{terminal.paint('bold', f'Published in {output}: {what}')} ({changed})"
    for feed in config.feeds:
        folder = f"{feed.path}/" if feed.path else ""
        yield "  " + "  ".join(f"{folder}{name}" for name in _filenames(feed.formats, config))
    for facet in config.publish.feeds_by:
        yield f"  {facet}s/…/  (one feed for each {facet})"


def _filenames(names: Sequence[str], config: Config) -> list[str]:
    from feedpub import plugins

    return [plugins.format(name, config.site).filename for name in names]


def _next(config: Config, cwd: Path) -> Iterator[str]:
    from feedpub.heartbeat import heartbeat

    host = config.server.host
    host = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104 - only compared
    page = near(config.publish.output / "index.html", cwd)
    yield f"Next: open {page} in a browser,"
    daemon = heartbeat(config.state)
    if daemon.word == "running":
        yield f"      A daemon is at work ({daemon.owner}): it publishes by itself what changes."
    else:
        yield f"      or run `feedpub serve` and open http://{host}:{config.server.port}/"
    yield "      `feedpub explain ARTICLE` shows where each fact comes from."


def held(document: Held, terminal: Terminal, *, every: bool) -> str:
    """One document in quarantine with its problems: all, or the first ones."""
    title = f" “{clean(document.headline)}”" if document.headline else ""
    lines = [terminal.paint("yellow", clean(f"{document.source}: {document.place}")) + title]
    if every:
        lines.append(f"  held back since {_time(document.since)}")
    if document.published_id:
        lines.append("  Its last good version stays published.")
    shown = document.problems if every else document.problems[:_PROBLEMS_SHOWN]
    for found in shown:
        lines.append(_indented(_told(found)))
    if len(shown) < len(document.problems):
        more = len(document.problems) - len(shown)
        lines.append(f"  … and {more:,} more: feedpub quarantine show {clean(document.place)}")
    return "\n".join(lines)


def problem(found: Problem, place: str, terminal: Terminal) -> str:
    """One problem as editors understand it: `place:line:column: error: …`, the remedy below."""
    where = ":".join(str(part) for part in (clean(found.place or place), found.line, found.column) if part)
    style = "red" if found.severity == "error" else "yellow"
    lines = [f"{where}: {terminal.paint(style, found.severity)}: {_message(found)} [{found.rule}]"]
    if found.remedy:
        lines.append(f"  → {clean(found.remedy)}")
    return "\n".join(lines)


def _told(found: Problem) -> str:
    where = f"line {found.line}: " if found.line else ""
    remedy = f"\n  → {clean(found.remedy)}" if found.remedy else ""
    return f"{where}{_message(found)} [{found.rule}]{remedy}"


def _message(found: Problem) -> str:
    message = clean(found.message)
    return f"{clean(found.pointer)}: {message}" if found.pointer else message


def status(status: Status, config: Config, terminal: Terminal, *, cwd: Path) -> str:
    """What is published, when, and from where."""
    what = f"{counted(status.articles, 'article')} and {counted(status.events, 'event')}"
    lines = [terminal.paint("bold", f"Published in {near(Path(status.output), cwd)}: {what}")]
    lines.append(f"  {counted(status.files, 'file')}, under {config.site.url}")
    if status.withdrawn:
        lines.append(f"  {counted(status.withdrawn, 'record')} withdrawn")
    last = status.last_run
    if last:
        lines.append(f"Last refresh: {last.get('finished_at', 'unknown')}")
    if status.sources:
        lines += ["", terminal.paint("bold", "Sources"), *_table(map(_source_row, status.sources))]
    if status.feeds:
        lines += ["", terminal.paint("bold", "Feeds"), *_table(map(_feed_row, status.feeds))]
    if status.held:
        lines += [
            "",
            terminal.paint("yellow", f"{counted(status.held, 'document')} held back: feedpub quarantine"),
        ]
    return "\n".join(lines)


def _source_row(source: Mapping[str, Any]) -> tuple[str, ...]:
    failure = source.get("failure")
    state = f"failed at {source.get('last_failure_at')}: {clean(str(failure))}" if failure else ""
    read = f"read {source['last_success_at']}" if source.get("last_success_at") else "never read"
    return str(source.get("name")), counted(source.get("documents") or 0, "document"), read, state


def _feed_row(feed: Mapping[str, Any]) -> tuple[str, ...]:
    path = str(feed.get("path") or "(main feed)")
    entries = feed.get("entries") or 0
    written = "1 entry" if entries == 1 else f"{entries:,} entries"
    return (
        path,
        str(feed.get("format") or feed.get("title") or ""),
        written,
        str(feed.get("updated_at") or ""),
    )


def begun(begun: Begun, cwd: Path) -> str:
    """What `init` wrote, and what to do next."""
    lines = [f"Wrote {near(begun.config, cwd)} for “{clean(begun.title)}”."]
    guessed = [f"time zone {begun.timezone}"]
    guessed.append(f"language {begun.language}" if begun.language else "no language (the system names none)")
    lines.append(f"  Taken from the system: {', '.join(guessed)}. Correct it there if it is wrong.")
    if begun.key_kept:
        lines.append("  Articles were published here before: they keep their ids.")
    folder = begun.config.parent
    step = "" if folder == cwd else f"`cd {near(folder, cwd)}` and "
    lines += ["", f"Next: put articles into {near(begun.articles, cwd)}, then {step}`feedpub publish`."]
    return "\n".join(lines)


def near(path: Path, cwd: Path) -> str:
    """`path` as one would type it in `cwd`: relative if it lies below."""
    return clean(os.path.relpath(path, cwd) if path.is_relative_to(cwd) else str(path))


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    listed = [tuple(map(clean, row)) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*listed, strict=True)]
    for row in listed:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _time(moment: datetime) -> str:
    return str(plain(moment))
