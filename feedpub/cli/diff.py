"""`feedpub diff`: what subscribers would see if everything were published now."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.diff import Diff, FeedDiff, Item

_EXIT_CODES = """exit codes:
  0  done
  1  a source cannot be read, or the accident guard would stop it
  2  the arguments or feedpub.toml cannot be used"""

_SHOWN = 10
_KINDS = (("new", "+ new     ", "green"), ("updated", "~ updated ", ""), ("gone", "- gone    ", "yellow"))


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "diff",
        "Show what subscribers would see if everything were published now, without writing anything.",
        "feedpub diff\nfeedpub diff articles --json",
        run,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="a newsroom, or a folder of articles; else the current folder",
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Compare; the JSON has the keys of `feedpub.diff.Diff` and "failed"."""
    config, only = options.newsroom(arguments, arguments.folder)
    from feedpub.diff import diff

    if arguments.verbose > 1:
        terminal.log("DEBUG")
    with terminal.progress() as progress:
        found = diff(config, only=only, progress=progress)
    if terminal.as_json:
        terminal.json(
            {"feeds": found.feeds, "sources": found.sources, "notices": found.notices, "failed": found.failed}
        )
    else:
        terminal.data("\n".join(_told(found, terminal)))
    if terminal.quiet or terminal.as_json:
        from feedpub.cli.terminal import clean

        for source in found.sources:
            if source.failure:
                terminal.message(clean(f"feedpub: {source.name}: {source.failure}"))
    return options.FAILED if found.failed else options.DONE


def _told(found: Diff, terminal: Terminal) -> Iterator[str]:
    from feedpub.cli.terminal import clean

    if not found.feeds:
        yield "Subscribers would see no change."
    for number, group in enumerate(_grouped(found.feeds)):
        if number:
            yield ""
        yield from _feed(group, terminal)
    for source in found.sources:
        if source.failure:
            verb = "stopped" if source.stopped else "failed"
            yield ""
            yield f"{terminal.paint('red', f'{clean(source.name)} {verb}:')} {clean(source.failure)}"
        elif source.quarantined:
            yield ""
            yield f"{clean(source.name)}: {source.quarantined:,} held back. `feedpub check` says why."
    notices = list(dict.fromkeys(found.notices))
    if notices:
        yield ""
    yield from (f"Note: {clean(notice)}" for notice in notices)


def _grouped(feeds: tuple[FeedDiff, ...]) -> list[list[FeedDiff]]:
    """Documents of one feed in which the same changes stand together."""
    groups: dict[Any, list[FeedDiff]] = {}
    for feed in feeds:
        groups.setdefault((feed.path, feed.new, feed.updated, feed.gone), []).append(feed)
    return list(groups.values())


def _feed(group: list[FeedDiff], terminal: Terminal) -> Iterator[str]:
    from feedpub.cli.terminal import clean

    feed = group[0]
    files = ", ".join(one.file for one in group)
    yield f"{terminal.paint('bold', clean(feed.title))}  ({clean(files)})"
    for kind, mark, style in _KINDS:
        items: tuple[Item, ...] = getattr(feed, kind)
        shown = items if terminal.verbosity else items[:_SHOWN]
        for item in shown:
            stopped = terminal.paint("red", "  [stopped by the accident guard]") if item.stopped else ""
            yield f"  {terminal.paint(style, mark)}“{clean(item.headline)}”{stopped}"
        if len(shown) < len(items):
            yield f"    … and {len(items) - len(shown):,} more {kind}: feedpub diff -v"
