"""A line that is nothing but a date, with or without a word such as "Published" before it."""

from __future__ import annotations

import re

from feedpub import dates
from feedpub.models import When

_WORDY_DATE = re.compile(
    r"(?:(?P<key>date|datum|fecha|data|(?:first )?published|posted|(?:last )?(?:updated|modified)"
    r"|veröffentlicht|aktualisiert|publié|mis à jour"
    r"|publicado|actualizado|pubblicato|aggiornato)(?: on| am| le| el| il)?[: ]+)?(?P<date>[^\n]{6,60})\Z",
    re.IGNORECASE,
)
_UPDATED = ("updated", "modified", "aktualisiert", "jour", "actualizado", "aggiornato")


def date_line(
    text: str, *, dayfirst: bool | None, bare: bool = True, months: bool = False
) -> tuple[str, When] | None:
    """("published" or "modified", the date) of a line that names a day, or None.

    Without `bare`, a line without such a word is none; with `months`, one that names a month is, too.
    """
    match = _WORDY_DATE.match(text)
    if match is None or not (bare or match["key"]) or not any(c.isdigit() for c in text):
        return None
    when = dates.parse(match["date"], dayfirst=dayfirst)
    if when is None or when.precision == "year" or (when.precision == "month" and not months):
        return None
    return ("modified" if (match["key"] or "").lower().endswith(_UPDATED) else "published"), when
