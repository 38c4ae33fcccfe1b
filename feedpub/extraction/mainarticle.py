"""Which of several articles that a page describes is its own, and which of the others are lost thereby."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from feedpub import urls
from feedpub.extraction import values
from feedpub.extraction.values import Node, Reading
from feedpub.models import Problem

_MOST_NAMED = 5


def choose(
    candidates: Sequence[Node], here: AbstractSet[str], shown: str, reading: Reading
) -> tuple[Node, list[Node]]:
    """The page's own article, and the others that are not the same one told again.

    Args:
        candidates: one node at least, in the order of the page.
        here: the page's addresses in canonical form; the article that states one of them is its own.
        shown: the titles that the page gives itself for sharing; else the article with that headline.
        reading: base address, other nodes to resolve references with.
    """
    addressed = (node for node in candidates if not here.isdisjoint(_addresses(node, reading)))
    titled = (node for node in candidates if _is_titled(node, shown.casefold()))
    chosen = next(chain(addressed, titled), candidates[0]) if len(candidates) > 1 else candidates[0]
    names = _names(chosen)
    return chosen, [node for node in candidates if node is not chosen and names.isdisjoint(_names(node))]


def states_text(node: Node) -> bool:
    """Whether a node says what its article says, not only what it is called."""
    return any(values.items(node.get(key)) for key in ("articleBody", "text"))


def left_out(others: Iterable[Node], reading: Reading) -> Iterable[Problem]:
    """Advice that names the articles that can be read nowhere else; teasers of other pages are none."""
    lost = [node for node in others if states_text(node) or not _addresses(node, reading)]
    titles = [f"“{headline[:80]}”" for node in lost if (headline := values.text(node.get("headline")))]
    if titles:
        more = f" and {len(titles) - _MOST_NAMED} more" if len(titles) > _MOST_NAMED else ""
        yield Problem(
            "several-articles",
            f"The page describes other articles than its own: {', '.join(titles[:_MOST_NAMED])}{more}; "
            "they were left out.",
            "Give each article a page of its own.",
            severity="advice",
        )


def _addresses(node: Node, reading: Reading) -> set[str]:
    stated = (values.url(node.get(key), reading) for key in ("url", "mainEntityOfPage", "@id"))
    return {urls.canonical(url) for url in stated if url}


def _is_titled(node: Node, shown: str) -> bool:
    headline = values.text(node.get("headline"))
    return headline is not None and headline.casefold() in shown


def _names(node: Node) -> set[str]:
    stated = (node.get("@id"), values.text(node.get("headline")))
    return {name.casefold() for name in stated if isinstance(name, str)}
