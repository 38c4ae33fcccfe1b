"""What consumers of the records would miss, as people read it: each piece of advice once, with where it applies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedpub.cli.present import counted
from feedpub.cli.terminal import Terminal, clean

if TYPE_CHECKING:
    from feedpub.models import Problem


class Advice:
    """Collects advice document by document, and keeps no more of it than is shown."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[Problem, dict[str, None]]] = {}

    def add(self, place: str, advice: tuple[Problem, ...]) -> None:
        """Take in the advice on the document at `place`, or on one of its records."""
        for problem in advice:
            _, places = self._rules.setdefault(problem.rule, (problem, {}))
            places[place] = None

    def lines(self, terminal: Terminal) -> Iterator[str]:
        """One line for each piece of advice, by profile; with -v also what to do, and all the documents."""
        if not self._rules:
            return
        hint = "" if terminal.verbosity else " (-v: where, and what to do)"
        yield f"What search engines and other readers would miss; nothing is held back for it{hint}:"
        for rule, (problem, places) in sorted(self._rules.items()):
            # The description of a rule ends with the address where its consumer asks for it.
            told, _, source = problem.message.rpartition(" https://")
            yield f"  {counted(len(places), 'document')}: {clean(told or problem.message)} [{rule}]"
            if terminal.verbosity:
                yield f"    → {clean(problem.remedy)}{f' https://{source}' if told else ''}"
                yield f"    in {clean(', '.join(places))}"
