"""`feedpub explain`: the record of an article, and where each fact in it comes from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "explain",
        "Show the record of an article, and where each fact in it comes from.",
        "feedpub explain articles/budget.md",
        run,
    )
    parser.add_argument(
        "article", metavar="ARTICLE", help="its file, its id, or the address it is published at"
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Explain; the JSON has the keys of `feedpub.checking.Explanation`, but not the document's text.

    These are place, source, state, reason, published, problems, and records with their origins by pointer.
    """
    config = _config(arguments)
    from feedpub import checking
    from feedpub.cli import facts

    explanation = checking.explain(config, arguments.article)
    if terminal.as_json:
        terminal.json(
            {
                "place": explanation.place,
                "source": explanation.source,
                "state": explanation.state,
                "reason": explanation.reason,
                "published": explanation.published,
                "problems": explanation.problems,
                "records": explanation.records,
            }
        )
    else:
        terminal.data(facts.explanation(explanation, terminal))
    refused = any(problem.severity == "error" for problem in explanation.problems)
    return options.FAILED if refused else options.DONE


def _config(arguments: argparse.Namespace) -> Any:
    from pathlib import Path

    from feedpub import config_file
    from feedpub.errors import ConfigError

    try:
        return options.newsroom(arguments)[0]
    except ConfigError:
        article = Path(arguments.article)
        if arguments.config or Path(config_file.FILE_NAME).is_file() or not article.is_file():
            raise
        # No newsroom yet: a single file can still be explained.
        return config_file.default(article.resolve().parent)
