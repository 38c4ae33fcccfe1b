"""`feedpub quarantine`: what was held back, why, and what to do."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config
    from feedpub.reports import Held


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "quarantine",
        "List what was held back, why, and what to do; show one with all its problems; have it tried again.",
        "feedpub quarantine\nfeedpub quarantine show budget.md\nfeedpub quarantine retry",
        run,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    parser.set_defaults(action="list", place=None)
    place = "a held document, as the list names it"
    options.command(actions, "list", "List what is held back.", "feedpub quarantine list", None)
    show = options.command(
        actions,
        "show",
        "Show one held document with all its problems.",
        "feedpub quarantine show budget.md",
        None,
    )
    show.add_argument("place", metavar="PLACE", help=place)
    retry = options.command(
        actions,
        "retry",
        "Have held documents read again by the next refresh.",
        "feedpub quarantine retry budget.md",
        None,
    )
    retry.add_argument("place", nargs="?", metavar="PLACE", help=f"{place}; all if left out")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """List, show or retry; the JSON has "held" (documents with their problems), or "retried" (a number)."""
    action, place = arguments.action, arguments.place
    config, _ = options.newsroom(arguments)
    held = _held(config)
    if place is not None:
        held = _chosen(held, place, config)
    if action == "retry":
        return _retry(config, held, place, terminal)
    if terminal.as_json:
        terminal.json({"held": held})
        return options.DONE
    from feedpub.cli import present

    if not held:
        terminal.data("Nothing is held back.")
    every = action == "show" or bool(arguments.verbose)
    for document in held:
        terminal.data(present.held(document, terminal, every=every))
    return options.DONE


def _held(config: Config) -> list[Held]:
    if not options.has_store(config):
        return []
    from feedpub.store import open_store

    with open_store(config) as store:
        return store.held()


def _retry(config: Config, held: list[Held], place: str | None, terminal: Terminal) -> int:
    from feedpub.cli import present

    count = 0
    if held:
        from feedpub.store import open_store

        with open_store(config) as store:
            names = sorted({document.place for document in held})
            count = store.retry() if place is None else sum(store.retry(name) for name in names)
    if terminal.as_json:
        terminal.json({"retried": count})
    elif count:
        terminal.data(
            f"{present.counted(count, 'document')} will be read again by the next `feedpub publish`."
        )
    else:
        terminal.data("Nothing is held back.")
    return options.DONE


def _chosen(held: list[Held], wanted: str, config: Config) -> list[Held]:
    """The held documents called `wanted`: a place, "source:place", or the path of a file."""
    from feedpub.errors import ConfigError

    roots = {source.name: source.path for source in config.sources}
    # Not resolve(): a held file may itself be a link.
    path = os.path.abspath(wanted)  # noqa: PTH100

    def names(document: Held) -> set[str]:
        root = roots.get(document.source)
        file = {str(root / document.place.partition("#")[0])} if root else set()
        return {document.place, f"{document.source}:{document.place}", *file}

    found = [document for document in held if {wanted, path} & names(document)]
    if not found:
        from difflib import get_close_matches

        near = get_close_matches(wanted, [document.place for document in held], n=1)
        hint = f"Did you mean {near[0]}?" if near else "`feedpub quarantine` lists what is."
        raise ConfigError(f"{wanted} is not held back. {hint}")
    return found
