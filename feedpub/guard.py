"""The accident guard: what an editor can hardly have meant stops a source before subscribers see it.

Three accidents: many articles vanish (a folder is moved, a disk not mounted); many old ones are
dated now (an export or a checkout stamped everything anew); many get other ids (an export made new
ones), so that subscribers would see each of them as gone and as new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import bindparam, select

from feedpub.config import Publish, SourceConfig
from feedpub.digests import normalised
from feedpub.errors import SourceError
from feedpub.store import schema
from feedpub.store.transaction import Transaction

_DAY = 86_400
_CHUNK = 500


class GuardError(SourceError):
    """More would change at once than an editor is likely to have meant."""


class Guard:
    """Watches one refresh of one source.

    Args:
        transaction: where the records stand.
        publish: how much may pass (`guard`, `guard_floor`).
        source: the source.
        at: the moment of the refresh, in whole seconds since 1970.
        before: how many articles of the source were published.
        yes: let everything pass.
    """

    def __init__(
        self, transaction: Transaction, publish: Publish, source: SourceConfig, at: int, *, before: int,
        yes: bool,
    ) -> None:  # fmt: skip
        self._tx = transaction
        self._source = source
        self._at = at
        self._before = before
        self._yes = yes
        self._limit = max(publish.guard_floor, int(publish.guard * before))
        self._dates: dict[str, int] = {}
        self._redated = 0
        self._came: set[str] = set()

    # -- what is seen

    def load(self, ids: Iterable[str]) -> None:
        """Look up when the published articles with these ids were published, as they said so far."""
        record = schema.record
        wanted = list(ids)
        query = select(record.c.id, record.c.published_at).where(
            record.c.id.in_(bindparam("wanted", expanding=True)), record.c.withdrawn_at.is_(None),
            record.c.published_at < self._at - _DAY,
        )  # fmt: skip
        self._dates = {}
        for start in range(0, len(wanted), _CHUNK):
            rows = self._tx.connection.execute(query, {"wanted": wanted[start : start + _CHUNK]})
            self._dates |= {row.id: row.published_at for row in rows}

    def dated(self, identifier: str, published_at: datetime | None) -> None:
        """An article says that it was published at that moment."""
        if identifier in self._dates and published_at is not None:
            self._redated += abs(published_at.timestamp() - self._at) <= _DAY

    def came(self, headline: str | None, text_keys: Iterable[str]) -> None:
        """An article came in that nobody has seen, or not since it was withdrawn."""
        if self._before:
            self._came.update(text_keys)
            self._came.update(filter(None, [normalised(headline or "")]))

    # -- what is said

    def check_dates(self) -> None:
        """Look at the dates of what was read.

        Raises:
            GuardError: too many old articles say now that they were published within a day of this refresh.
        """
        if self._redated > self._limit and not self._yes:
            raise self._error(
                f"{self._redated} of {self._before} articles of the source {self._source.name!r} were older so far and now "
                "say that they were published within a day of this refresh, more than the accident guard lets pass "
                f"({self._limit}): something has dated them anew, such as an export or a checkout. Nothing of this source "
                "was changed. If the dates are right, run `feedpub publish --yes`."
            )

    def check_losses(self, gone: Sequence[str], displaced: Sequence[str], others: int) -> None:
        """Look at what would vanish.

        Args:
            gone: the ids of articles whose documents are no more.
            displaced: the ids of those at whose place another article stands now.
            others: how many more are withdrawn: drafts, expired ones, those that only the ledger knows.

        Raises:
            GuardError: these are too many, or too many of them come back under other ids.
        """
        vanishing = len(gone) + len(displaced) + others
        if self._yes or vanishing <= self._limit:
            return
        again = self._coming_again([*gone, *displaced])
        if again > self._limit:
            raise self._error(
                f"{again} of {self._before} articles of the source {self._source.name!r} would get other ids: they vanish, and "
                "articles with the same headline or text are new. Subscribers would see them all a second time, and that is "
                f"more than the accident guard lets pass ({self._limit}). Nothing of this source was changed. Give them their "
                "old ids or names again; if that is what you want, run `feedpub publish --yes`."
            )
        if self._source.keep_deleted:
            vanishing = len(displaced)
        if vanishing > self._limit:
            raise self._error(
                f"{vanishing} of {self._before} articles of the source {self._source.name!r} would vanish, more than the "
                f"accident guard lets pass ({self._limit}). Nothing of this source was changed. If that is what you want, "
                "run `feedpub publish --yes`; to keep deleted articles published for ever, set keep_deleted = true."
            )

    def _coming_again(self, ids: Sequence[str]) -> int:
        """How many of these articles have the headline or the text of one that came in."""
        if not self._came:
            return 0
        texts = self._tx.rows(schema.text_key, "record_id", ids)
        found = {row.record_id for row in texts if row.key in self._came}
        for row in self._tx.rows(schema.record, "id", ids):
            if normalised(orjson.loads(row.data).get("headline", "")) in self._came:
                found.add(row.id)
        return len(found)

    def _error(self, message: str) -> GuardError:
        return GuardError(message, source=self._source.name)
