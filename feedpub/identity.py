"""Which id an article or an event has: given once, and then kept whatever else changes.

An article's id is the input's own where that is an absolute IRI, else a UUID of version 5 made of
the newsroom's key, the source's name and the document's place when it was first seen. A document
that moved with the same content keeps its id. An event is recognised by its own id, by the article
that reports it, or by its name, day and place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from sqlalchemy import Row, select

from feedpub.eventkeys import SOMEWHERE, event_keys, generated_ids, given_id
from feedpub.models import Article, EventMention, When
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.urls import is_absolute_iri, named_uuid, short_hash, slugify

Holds = Callable[[str, str, str | None], bool]
"""Whether a source (by name) still has the document at a place, with that digest unless it is None."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same about a record. Times are whole seconds since 1970.

    `stem` is the path of its files without the ending, relative to the output. `content` is the
    digest of what it says, `document` that of the bytes it was read from. `previous_stem` is set
    when its page moves now; `new` says that subscribers have not seen it, or not since it was
    withdrawn.
    """

    id: str
    kind: str
    source: str
    place: str
    stem: str
    slug: str | None
    first_seen_at: int
    changed_at: int | None
    content: str
    document: str
    withdrawn_at: int | None = None
    restored_at: int | None = None
    revision: int = 0
    new: bool = False
    previous_stem: str | None = None


def _given(article: Article) -> str | None:
    return article.id if article.id and is_absolute_iri(article.id) else None


def article_stem(identifier: str, article: Article) -> str:
    """articles/YYYY/MM/<slug>-<8 hex>, or articles/undated/… ."""
    return (
        f"articles/{_folder(article.published)}/{_name(article.slug or article.headline or '', identifier)}"
    )


def event_stem(identifier: str, name: str, start: When | None) -> str:
    """events/YYYY/MM/<slug>-<8 hex>, or events/undated/… ."""
    return f"events/{_folder(start)}/{_name(name, identifier)}"


def _folder(when: When | None) -> str:
    if when is None:
        return "undated"
    return when.value[:4] if when.precision == "year" else f"{when.value[:4]}/{when.value[5:7]}"


def _name(text: str, identifier: str) -> str:
    return f"{slugify(text)}-{short_hash(identifier)}"


class Identities:
    """Gives ids to what one source holds. `load` looks a batch up; the rest decides."""

    def __init__(self, transaction: Transaction, *, key: str, source: str, now: int, holds: Holds) -> None:
        self._tx = transaction
        self._key = key
        self._source = source
        self._now = now
        self._holds = holds
        self._by_id: dict[str, Identity] = {}
        self._looked_up: set[str] = set()
        self._by_digest: dict[str, list[Identity]] = {}
        self._by_place: dict[str, Identity] = {}
        self._events: dict[str, str] = {}
        self._aliases: dict[str, str] = {}

    def load(
        self,
        *,
        places: Iterable[str],
        known: Iterable[str],
        given: Iterable[str],
        digests: Iterable[str],
        event_keys: Iterable[str],
    ) -> None:
        """Look up what the next decisions depend on: ids, digests of documents, keys of events."""
        tx, identity = self._tx, schema.identity
        tx.flush()
        given, places = list(given), list(places)
        self._aliases = {row.id: row.target for row in tx.rows(schema.alias, "id", given)}
        self._events = {row.key: row.id for row in tx.rows(schema.event_key, "key", event_keys)}
        generated = [named_uuid(self._key, self._source, place) for place in places]
        wanted = {*known, *given, *generated, *self._aliases.values(), *self._events.values()}
        self._by_id = {row.id: _identity(row) for row in tx.rows(identity, "id", wanted)}
        self._looked_up = wanted
        # Without a store, only the ledger knows which article stood at a place.
        self._by_place = {
            row.place: _identity(row)
            for row in tx.rows(
                identity, "place", places, identity.c.source == self._source, identity.c.kind == "article"
            )
        }
        self._by_digest = {}
        for row in tx.rows(identity, "document", digests):
            self._by_digest.setdefault(row.document, []).append(_identity(row))

    # -- articles

    def of_article(
        self, place: str, digest: str, article: Article, known_id: str | None, *, content: str,
        moved_id: str | None = None,
    ) -> Identity:  # fmt: skip
        """The identity of the article at `place`; `known_id` is the one that this place had before.

        `digest` is that of the document's bytes, `content` that of what the article says. `moved_id`
        is that of an article known to have come here from another place.
        """
        identity = self._recognised_article(place, digest, article, known_id, moved_id)
        if identity is not None:
            return self._kept(identity, place, digest, content, article)
        identifier = _given(article) or self._new_id(place)
        return self._give(
            Identity(
                id=identifier, kind="article", source=self._source, place=place,
                stem=article_stem(identifier, article), slug=article.slug,
                first_seen_at=self._now, changed_at=None, content=content, document=digest, new=True,
            )
        )  # fmt: skip

    def recognised(self, place: str, digest: str, article: Article, known_id: str | None) -> str | None:
        """The id that `of_article` would find given already, or None; nothing is noted."""
        identity = self._recognised_article(place, digest, article, known_id, None)
        return identity.id if identity is not None else None

    def follow(self, identifier: str, place: str, digest: str) -> None:
        """Note that the document of an article that is not published stands at `place` now."""
        identity = self._find(identifier)
        if identity is None:
            return
        changes = {**self._move(identity, place), "document": digest}
        self._by_id[identity.id] = replace(identity, **changes)
        self._put(self._by_id[identity.id])

    def _recognised_article(
        self, place: str, digest: str, article: Article, known_id: str | None, moved_id: str | None
    ) -> Identity | None:
        given = _given(article)
        identity = self._known(known_id, place, given)
        if identity is None or identity.document != digest:
            identity = self._moved(place, digest, given) or identity
        if identity is None and moved_id is not None:
            identity = self._find(moved_id)
        # Else it was withdrawn, or its document is elsewhere now.
        return identity or self._find(given or self._new_id(place))

    def _known(self, known_id: str | None, place: str, given: str | None) -> Identity | None:
        identity = self._by_id.get(known_id) if known_id else self._by_place.get(place)
        if identity is None or given == identity.id:
            return identity
        if (identity.source, identity.place) != (self._source, place):
            return None  # it has moved on with its document
        if given is None:
            return identity
        # Another article now stands at this place, if the old one had an id of its own as well.
        return identity if self._is_generated(identity) else None

    def _is_generated(self, identity: Identity) -> bool:
        return identity.id.startswith("urn:uuid:") and identity.id[23:24] == "5"

    def _moved(self, place: str, digest: str, given: str | None) -> Identity | None:
        if given is not None:
            return None
        here = (self._source, place)
        for found in self._by_digest.get(digest, ()):
            candidate = self._by_id.get(found.id, found)
            there = (candidate.source, candidate.place)
            if candidate.kind == "article" and there != here and not self._holds(*there, digest):
                return candidate
        return None

    def _new_id(self, place: str) -> str:
        identifier = named_uuid(self._key, self._source, place)
        number = 1
        # The place's own id may have moved on with an earlier document.
        while (taken := self._find(identifier)) and taken.place != place:
            number += 1
            identifier = named_uuid(self._key, self._source, place, str(number))
        return identifier

    def _find(self, identifier: str) -> Identity | None:
        identifier = self._aliases.get(identifier, identifier)
        if identifier not in self._by_id and identifier not in self._looked_up:
            self._tx.flush()
            for row in self._tx.rows(schema.identity, "id", [identifier]):
                self._by_id[identifier] = _identity(row)
        return self._by_id.get(identifier)

    def _kept(self, identity: Identity, place: str, digest: str, content: str, article: Article) -> Identity:
        changes = self._move(identity, place)
        revision = identity.revision
        if identity.withdrawn_at is not None:
            # Readers who were told that it is gone must see it as newer than that.
            revision += 1
            changes |= {
                "withdrawn_at": None, "restored_at": self._now, "changed_at": self._now, "revision": revision,
            }  # fmt: skip
            self._tx.log(op="restored", id=identity.id, at=self._now, revision=revision)
        # A record may also change because feedpub or its configuration did: that is no news.
        if digest != identity.document:
            changes["document"] = digest
            if content != identity.content:
                revision += 1
                changes |= {"content": content, "changed_at": self._now, "revision": revision}
                self._tx.log(
                    op="changed", id=identity.id, at=self._now, content=content, document=digest,
                    revision=revision,
                )  # fmt: skip
        moved = None
        if article.slug and article.slug != identity.slug:
            stem = f"{identity.stem.rpartition('/')[0]}/{_name(article.slug, identity.id)}"
            if stem != identity.stem:
                moved = identity.stem
                self._tx.put(schema.redirect, {"path": moved, "id": identity.id})
                self._tx.delete(schema.redirect, "path", [stem])  # it may have been there before
            self._tx.log(op="path", id=identity.id, stem=stem, slug=article.slug, old=identity.stem)
            changes |= {"stem": stem, "slug": article.slug}
        restored = identity.withdrawn_at is not None
        identity = replace(identity, previous_stem=moved, new=restored, **changes)
        if changes:
            self._put(identity)
        self._by_id[identity.id] = identity
        return identity

    def _move(self, identity: Identity, place: str) -> dict[str, Any]:
        """Note where its document stands now; returns what that changes about the identity."""
        if (identity.source, identity.place) == (self._source, place):
            return {}
        if identity.source != self._source:
            # That source may not be configured any more: nobody else would forget the document.
            document = schema.document
            self._tx.delete(document, "place", [identity.place], document.c.source == identity.source)
        self._tx.log(op="moved", id=identity.id, source=self._source, place=place)
        return {"source": self._source, "place": place}

    def _give(self, identity: Identity) -> Identity:
        self._put(identity)
        self._tx.log(
            op="id", id=identity.id, kind=identity.kind, source=identity.source, place=identity.place,
            stem=identity.stem, slug=identity.slug, at=identity.first_seen_at,
            content=identity.content, document=identity.document,
        )  # fmt: skip
        self._by_id[identity.id] = identity
        return identity

    def _put(self, identity: Identity) -> None:
        self._tx.put(schema.identity, {name: getattr(identity, name) for name in _COLUMNS})

    def is_new(self, identifier: str) -> bool:
        """Whether this id was given since the last `load`."""
        return identifier in self._by_id and self._by_id[identifier].new

    def ids(self) -> Iterable[str]:
        """Every id that the last `load` found given already."""
        return self._by_id

    # -- events

    def of_events(
        self, events: Sequence[EventMention], reporter: str, place: str, *, own: bool
    ) -> list[Identity]:
        """The identities of all events that `reporter` (an article's id, or a document) reports, in order.

        `own` says that the document at `place` is itself these events.
        """
        generated = generated_ids(events, reporter, self._key)
        if own and len(events) == 1:
            generated = [named_uuid(self._key, self._source, place)]
        keys = event_keys(events, reporter)
        return [self._of_event(*one, place) for one in zip(events, keys, generated, strict=True)]

    def _of_event(self, mention: EventMention, keys: list[str], generated: str, place: str) -> Identity:
        given = given_id(mention)
        identity = next(filter(None, (self._recognised(key, keys) for key in keys)), None)
        if given and identity and identity.id != given and not self._is_generated(identity):
            identity = None
        if identity is None:
            identifier = given or generated
            identity = self._find(identifier) or self._give(
                Identity(
                    id=identifier, kind="event", source=self._source, place=place,
                    stem=event_stem(identifier, mention.name, mention.start), slug=None,
                    first_seen_at=self._now, changed_at=None, content="", document="", new=True,
                )
            )  # fmt: skip
        for key in keys:
            if key not in self._events:
                self._events[key] = identity.id
                self._tx.put(schema.event_key, {"key": key, "id": identity.id})
                self._tx.log(op="key", key=key, id=identity.id)
        return identity

    def _recognised(self, key: str, keys: list[str]) -> Identity | None:
        identifier = self._events.get(key)
        if identifier is None:
            return None
        strict = f"{key}{SOMEWHERE}"
        if strict in {other[: len(strict)] for other in keys}:
            # The other report may have named no place, or another one.
            query = select(schema.event_key.c.key).where(
                schema.event_key.c.id == identifier,
                schema.event_key.c.key.startswith(strict, autoescape=True),
            )
            stored = self._tx.connection.execute(query).scalars()
            # Keys of this batch are not written yet.
            own = (k for k, of in self._events.items() if of == identifier and k.startswith(strict))
            if any(other not in keys for other in chain(stored, own)):
                return None
        return self._find(identifier)


_COLUMNS = ("id", "kind", "source", "place", "stem", "slug", "first_seen_at", "changed_at", "content",
            "document", "withdrawn_at", "restored_at", "revision")  # fmt: skip


def _identity(row: Row[Any]) -> Identity:
    return Identity(**{name: getattr(row, name) for name in _COLUMNS})


def identities(transaction: Transaction, ids: Sequence[str]) -> dict[str, Identity]:
    """The identities with these ids."""
    return {row.id: _identity(row) for row in transaction.rows(schema.identity, "id", ids)}
