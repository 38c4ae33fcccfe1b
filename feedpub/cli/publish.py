"""`feedpub publish`: one refresh, and its report."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config
    from feedpub.reports import Report


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "publish",
        "Read what changed, validate it and bring the feeds up to date.",
        "feedpub publish articles",
        run,
        exit_codes=options.EXIT_CODES.replace(
            "0  done", "0  done (with --strict: and nothing held back or out of reach)"
        ),
    )
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="a newsroom, or a folder of articles; else the current folder",
    )
    parser.add_argument("--output", metavar="DIR", help="publish there instead of publish.output")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with 1 if anything is held back or a part of a source cannot be read",
    )
    parser.add_argument(
        "--yes",
        action="store_true",
        help="let many articles vanish at once (the accident guard), or take over another newsroom's folder",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="compare every published file with what was written, and write damaged and missing ones anew",
    )
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="make a damaged or lost store anew from the articles and the ledger",
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Publish; the JSON is the run's summary with what is in quarantine.

    Keys: those of `feedpub.pipeline.summary`, "failed", and "quarantine": a list of held documents.
    """
    from pathlib import Path

    config, only = options.newsroom(arguments, arguments.folder)
    from feedpub import config_file, pipeline

    if arguments.output is not None:
        config = config_file.with_output(config, Path(arguments.output))
    if arguments.verbose:
        terminal.log("DEBUG" if arguments.verbose > 1 else "INFO")
    config_file.remember(config)
    with terminal.progress() as progress:
        report = pipeline.publish(
            config, yes=arguments.yes, rebuild=arguments.rebuild, repair=arguments.repair, only=only,
            progress=progress,
        )  # fmt: skip
    if terminal.as_json:
        terminal.json({**pipeline.summary(report), "failed": report.failed, "quarantine": report.held})
    else:
        from feedpub.cli import present

        terminal.data(present.report(report, config, terminal, cwd=Path.cwd()))
        if arguments.verbose and not terminal.quiet:
            _advise(config, report, terminal)
    failures = [f"{source.name}: {source.failure}" for source in report.sources if source.failure]
    unseen = [
        f"{source.name}: {n}" for source in report.sources if not source.complete for n in source.notices
    ]
    if terminal.quiet or terminal.as_json:
        from feedpub.cli.terminal import clean

        for failure in (*failures, *unseen, *report.failures):
            terminal.message(clean(f"feedpub: {failure}"))
    if report.failed or (arguments.strict and (report.held or not report.complete)):
        return options.FAILED
    return options.DONE


def _advise(config: Config, report: Report, terminal: Terminal) -> None:
    """Say what consumers would miss in the records that were written."""
    from feedpub import checking
    from feedpub.cli.advice import Advice

    advice = Advice()
    for place, found in checking.advice_on(config, report.written):
        advice.add(place, found)
    lines = list(advice.lines(terminal))
    if lines:
        terminal.data("\n".join(["", *lines]))
