"""What a refresh has to say besides its figures: remarks for the report, in words."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from sqlalchemy import func, select

from feedpub.config import Config
from feedpub.store import schema
from feedpub.store.transaction import Transaction
from feedpub.verification import Difference


def unconfigured(transaction: Transaction, config: Config) -> Iterator[str]:
    """Sources whose articles stay although they are no longer configured."""
    names = [source.name for source in config.sources]
    document = schema.document
    query = (
        select(document.c.source, func.count().label("n"))
        .where(document.c.source.not_in(names), document.c.state == "published")
        .group_by(document.c.source)
    )
    for row in transaction.connection.execute(query):
        yield (
            f"The source {row.source!r} is no longer configured; its {row.n} articles stay published. "
            "To withdraw them, configure it again with an empty folder and publish with --yes."
        )


def not_in_calendars(left_out: Mapping[str, int]) -> Iterator[str]:
    """Events that a calendar which was written cannot hold, by its path."""
    for path, number in left_out.items():
        events = "1 event stands" if number == 1 else f"{number:,} events stand"
        yield f"{events} not in {path}, since a calendar needs the day of an event; the other formats have them."


def waiting(number: int) -> Iterator[str]:
    """How many records wait for files that were refused."""
    if number:
        wait = "1 article or event waits" if number == 1 else f"{number:,} articles and events wait"
        yield f"{wait} for files that were not published, and till then stands in no feed, list or sitemap."


def not_published(differences: Iterable[Difference], missing: Container[str]) -> Iterator[str]:
    """A line for each file that a parser read otherwise than its record says, with the first few fields."""
    by_path: dict[str, list[Difference]] = {}
    for difference in differences:
        by_path.setdefault(difference.path, []).append(difference)
    for path, found in by_path.items():
        said = "; ".join(
            f"{one.format}: {one.field}{f' of {one.record_id}' if one.record_id else ''} is {one.found}, "
            f"should be {one.expected}"
            for one in found[:3]
        )
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        stays = "and what it belongs to waits" if path in missing else "its last good version stays"
        yield (
            f"{path} was not published, {stays}: {said}{more}. This is a fault of feedpub "
            "or of a plugin: please report it. It is tried again at each refresh."
        )
