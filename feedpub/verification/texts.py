"""Texts as they are compared: without what documents cannot hold, and with single blanks.

Written apart from what formats use for the same, so that a mistake there is no mistake here.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

_TAG = re.compile(r"<[A-Za-z/!?]")
# Unicode's categories Cc (but tab and line ends) and Cs, and two that are no characters.
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def cleaned(text: str) -> str:
    """`text` without controls, surrogates, U+FFFE and U+FFFF, which XML cannot hold or readers misread."""
    return _UNSAYABLE.sub("", text)


def folded(text: str | None) -> str:
    """`text`, cleaned, every run of white space one blank, none at its ends; "" for None."""
    return " ".join(cleaned(text).split()) if text else ""


def cleaned_values(value: Any) -> Any:
    """A JSON value with all its texts cleaned."""
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        return {key: cleaned_values(inner) for key, inner in value.items()}
    return [cleaned_values(inner) for inner in value] if isinstance(value, list | tuple) else value


def text_of(markup: str) -> str:
    """What somebody reads who is shown this piece of HTML, folded."""
    if not _TAG.search(markup):
        return folded(html.unescape(markup))
    from lxml import html as lxml_html

    document = lxml_html.document_fromstring(f"<!doctype html><body><div>{cleaned(markup)}</div>")
    return folded(str(document.text_content()))


def utc(moment: datetime | None) -> datetime | None:
    """An aware time in UTC and whole seconds, or None."""
    return None if moment is None else moment.astimezone(UTC).replace(microsecond=0)


def instant(text: str | None) -> datetime | str | None:
    """What an RFC 3339 time stands for, in UTC; the text itself if it is none; None for none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return utc(found) if found.tzinfo is not None else text
