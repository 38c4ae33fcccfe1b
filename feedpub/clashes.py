"""Two articles with one id or one address: which article has them already."""

from __future__ import annotations

from collections.abc import Iterable

from feedpub.identity import Holds
from feedpub.models import Article, Problem
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.urls import canonical


class Clashes:
    """What ids and addresses are taken, seen from one source. Call `load` with all of a batch, first."""

    def __init__(self, transaction: Transaction, source: str, holds: Holds) -> None:
        self._tx = transaction
        self._source = source
        self._holds = holds
        self._by_url: dict[str, str] = {}
        self._elsewhere: set[str] = set()
        self._by_id: dict[str, tuple[str, str]] = {}
        self._places: dict[str, str] = {}

    def load(self, articles: Iterable[Article]) -> None:
        """Look up who has the ids and addresses that these articles state."""
        articles = list(articles)
        addresses = {canonical(article.url) for article in articles if article.url}
        record, identity = schema.record, schema.identity
        found = list(self._tx.rows(record, "url_key", addresses, record.c.withdrawn_at.is_(None)))
        self._by_url = {row.url_key: row.id for row in found}
        self._elsewhere = {row.url_key for row in found if row.source != self._source}
        given = [article.id for article in articles if article.id]
        live = self._tx.rows(identity, "id", given, identity.c.withdrawn_at.is_(None))
        self._by_id = {row.id: (row.source, row.place) for row in live}

    def at(self, url: str) -> str | None:
        """The id of the published article with this address, or None."""
        return self._by_url.get(url)

    def is_here(self, url: str) -> bool:
        """Whether an article of this very source has the address."""
        return url in self._by_url and url not in self._elsewhere

    def claim(
        self, article: Article, place: str, known: str | None, moved_here: str | None
    ) -> tuple[Problem, ...]:
        """Note that the article at `place` has its id and address; or what is wrong: another one has.

        `known` is the id of what this place had before, `moved_here` that of what came here from another place.
        """
        here = (self._source, place)
        if article.id and article.id in self._by_id and self._by_id[article.id] != here:
            other = self._by_id[article.id]
            if article.id != known and self._holds(*other, None):
                return (_clash("duplicate-id", "id", article.id, ":".join(other), place),)
        if article.id:
            self._by_id[article.id] = here
        if article.url:
            key = canonical(article.url)
            other_id = self._by_url.get(key)
            if other_id is not None and other_id not in (known, article.id, place, moved_here):
                return (_clash("duplicate-url", "address", article.url, self.place_of(other_id), place),)
            self._by_url[key] = known or article.id or place
            self._places[self._by_url[key]] = f"{self._source}:{place}"
        return ()

    def place_of(self, identifier: str) -> str:
        """Where an article's document stands, as "source:place"."""
        if identifier in self._places:
            return self._places[identifier]
        self._tx.flush()
        for row in self._tx.rows(schema.identity, "id", [identifier]):
            return f"{row.source}:{row.place}"
        return identifier


def _clash(rule: str, what: str, value: str, other: str, place: str) -> Problem:
    return Problem(
        rule,
        f"The {what} {value!r} belongs to another article already: {other}.",
        f"Give this article {'an' if what[0] in 'aeio' else 'a'} {what} of its own, or delete one of the two.",
        place=place,
        value=value,
    )
