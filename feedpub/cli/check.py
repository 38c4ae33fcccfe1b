"""`feedpub check`: what publishing would say about some files, with nothing written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config

_STATES = {"ok": "valid", "draft": "draft", "waiting": "waiting", "expired": "expired", "held": "held back"}


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "check",
        "Say what is wrong with articles, without writing anything; the exit code is for CI.",
        "feedpub check articles/budget.md",
        run,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="an article, or a folder of articles")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Check; the JSON has "counts" and "documents": place, source, state, problems, advice, records (id, type)."""
    from pathlib import Path

    from feedpub.cli import present
    from feedpub.cli.advice import Advice
    from feedpub.cli.terminal import clean

    config = _config(arguments)
    from feedpub import checking

    if arguments.verbose > 1:
        terminal.log("DEBUG")
    counts = dict.fromkeys(_STATES, 0)
    documents: list[dict[str, Any]] = []
    advice = Advice()
    with terminal.progress() as progress:
        for found in checking.check(config, [Path(path) for path in arguments.paths]):
            progress(1)
            counts[found.state] += 1
            if terminal.as_json:
                documents.append(
                    {
                        "place": found.place,
                        "source": found.source,
                        "state": found.state,
                        "problems": found.problems,
                        "advice": found.advice,
                        "records": [{"id": record.id, "type": record.type} for record in found.records],
                    }
                )
                continue
            advice.add(found.place, found.advice)
            if arguments.verbose and not found.problems:
                terminal.data(f"{clean(found.place)}: {_STATES[found.state]}")
            for problem in found.problems:
                terminal.data(present.problem(problem, found.place, terminal))
    if terminal.as_json:
        terminal.json({"documents": documents, "counts": counts})
    else:
        for line in advice.lines(terminal):
            terminal.data(line)
        total = sum(counts.values())
        listed = ", ".join(f"{number} {_STATES[state]}" for state, number in counts.items() if number)
        terminal.remark(f"{present.counted(total, 'document')}{': ' if listed else ''}{listed}")
    return options.FAILED if counts["held"] else options.DONE


def _config(arguments: argparse.Namespace) -> Config:
    """The newsroom, or plain defaults: an article can be checked anywhere."""
    from pathlib import Path

    from feedpub import config_file
    from feedpub.config import Config, Publish

    cwd = Path.cwd()
    if arguments.config or (cwd / config_file.FILE_NAME).is_file():
        return options.newsroom(arguments)[0]
    for path in arguments.paths:
        above = next((p for p in (cwd / path).parents if (p / config_file.FILE_NAME).is_file()), None)
        if above is not None:
            return config_file.load(above / config_file.FILE_NAME)
    return Config(root=cwd, publish=Publish(output=cwd / "feeds"), state=cwd / config_file.STATE_NAME)
