"""`feedpub withdraw`: take an article down whatever its source holds, or take that back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal
    from feedpub.config import Config
    from feedpub.withdrawal import Outcome, Withdrawn


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "withdraw",
        "Take articles down at once, whatever their sources hold; they stay down until that is taken back.",
        "feedpub withdraw articles/bridge.md --reason 'names a minor'\n"
        "feedpub withdraw https://news.example/articles/2025/09/bridge-opens-1c2a4e6b.html --purge\n"
        "feedpub withdraw --list\n"
        "feedpub withdraw --undo articles/bridge.md",
        run,
    )
    parser.add_argument(
        "articles",
        nargs="*",
        metavar="ARTICLE",
        help="its file, its place in a source, its id, or the address of its page",
    )
    parser.add_argument(
        "--reason", metavar="TEXT", help="why, as --list and `feedpub explain` show it; it is never published"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--purge",
        action="store_true",
        help="let nothing of its content remain: archive pages, dump, store and ledger are written anew",
    )
    what.add_argument("--undo", action="store_true", help="have the next `feedpub publish` publish it again")
    what.add_argument("--list", action="store_true", dest="listed", help="list what has been withdrawn so")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Withdraw, take back or list.

    The JSON has "withdrawn" (articles, as `feedpub.withdrawal.Withdrawn`), with --undo "restored" instead; after a
    withdrawal also "written" and "deleted" (numbers of files), and "remains": what is left of their content, and why.
    """
    from feedpub.errors import ConfigError

    config, _ = options.newsroom(arguments)
    if arguments.listed:
        return _list(config, arguments.articles, terminal)
    if not arguments.articles:
        raise ConfigError("Name the articles, or give --list to see what has been withdrawn.")
    if not options.has_store(config):
        raise ConfigError("Nothing has been published here yet: run `feedpub publish`.")
    from feedpub import withdrawal
    from feedpub.cli.terminal import clean

    if arguments.undo:
        restored = withdrawal.take_back(config, arguments.articles)
        if terminal.as_json:
            terminal.json({"restored": restored})
        for article in restored if not terminal.as_json else ():
            terminal.data(
                f"The next `feedpub publish` publishes {_name(article)} again, if its source still holds it."
            )
        return options.DONE
    outcome = withdrawal.withdraw(config, arguments.articles, reason=arguments.reason, purge=arguments.purge)
    if terminal.as_json:
        counts = {"written": len(outcome.report.written), "deleted": len(outcome.report.deleted)}
        terminal.json({"withdrawn": outcome.withdrawn, **counts, "remains": outcome.remains})
    else:
        terminal.data("\n".join(_told(outcome)))
    for failure in outcome.report.failures:
        terminal.message(clean(f"feedpub: {failure}"))
    return options.FAILED if outcome.report.failed else options.DONE


def _list(config: Config, articles: list[str], terminal: Terminal) -> int:
    from feedpub.errors import ConfigError

    if articles:
        raise ConfigError("--list takes no articles: it shows all that have been withdrawn.")
    found: list[Withdrawn] = []
    if options.has_store(config):
        from feedpub import withdrawal

        found = withdrawal.withdrawn(config)
    if terminal.as_json:
        terminal.json({"withdrawn": found})
        return options.DONE
    if not found:
        terminal.data("No article has been withdrawn by a person.")
    for article in found:
        terminal.data("\n".join(_listed(article)))
    return options.DONE


def _listed(article: Withdrawn) -> Iterator[str]:
    from feedpub.cli.terminal import clean

    how = "purged" if article.purged else "withdrawn"
    yield f"{clean(article.source)}: {clean(article.place)}  {how} on {article.at.date()}"
    yield f"  {clean(article.url)}"
    yield f"  {clean(article.id)}"
    if article.reason:
        yield f"  Reason: {clean(article.reason)}"


def _told(outcome: Outcome) -> Iterator[str]:
    from feedpub.cli import present
    from feedpub.cli.terminal import clean

    for article in outcome.withdrawn:
        yield f"{'Purged' if article.purged else 'Withdrawn'}: {_name(article)}"
        yield f"  {clean(article.url)}"
        if article.file is not None and not article.purged:
            yield "  Its source still holds it. It stays down until `feedpub withdraw --undo`."
    written, deleted = len(outcome.report.written), len(outcome.report.deleted)
    yield f"{present.counted(written, 'file')} written, {deleted:,} deleted."
    if outcome.remains:
        yield ""
        yield "What remains of it, and why:"
        yield from (f"- {clean(line)}" for line in outcome.remains)
    yield from (f"Note: {clean(notice)}" for notice in dict.fromkeys(outcome.report.notices))


def _name(article: Withdrawn) -> str:
    from feedpub.cli.terminal import clean

    headline = f"“{clean(article.headline)}” " if article.headline else ""
    return f"{headline}({clean(article.source)}: {clean(article.place)})"
