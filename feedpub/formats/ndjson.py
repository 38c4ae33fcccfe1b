"""Lines for programs that follow a newsroom: the dump of all records, and the changes since.

A follower takes the dump once: one record a line, each a JSON-LD document by itself. It notes the
sequence number at which the dump was made, then reads the changes in the order of `sequence` and
carries out those with a higher number:

- `added` and `modified`: fetch `url` and put that record in place of whatever it holds under `id`.
  Both mean the same to a follower, so a change that is carried out twice does no harm, and the
  record may already be newer than the line. If the address answers 404 or 410, a `deleted` follows,
  or a `modified` with the address at which the record stands now.
- `deleted`: drop the record with this `id`; there is no address any more.

The last number carried out is all that it has to remember. Lines of what it does not take (by
`type`) are passed over. Changes are only ever appended, so that the last page is the one to poll.

https://github.com/ndjson/ndjson-spec: UTF-8, and a line feed behind each JSON value and nowhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from feedpub.dates import rfc3339
from feedpub.formats.graph import CONTEXT
from feedpub.models import JSON

# JSON escapes the other characters at which some readers break lines (Python's str.splitlines),
# but these three may stand in a string as they are.
_BREAKS = (("\x85", b"\\u0085"), ("\u2028", b"\\u2028"), ("\u2029", b"\\u2029"))


def record_line(record: JSON) -> bytes:
    """The whole record of an article or event in one line: nested JSON-LD with its context.

    The events that an article reports are references in it; they have lines of their own.
    """
    return _line({"@context": CONTEXT, **record})


def change_line(
    *,
    sequence: int,
    at: datetime,
    change: Literal["added", "modified", "deleted"],
    record_id: str,
    type_: str,
    url: str | None,
) -> bytes:
    """One change in one line: `sequence`, `at`, `change`, `id`, `type`, `url`, in this order.

    Args:
        sequence: counts the changes of the newsroom upwards.
        at: when it was published; written in UTC, in whole seconds.
        change: what happened to the record.
        record_id: its `@id`.
        type_: its schema.org type, for those that follow only some.
        url: the address of its `.jsonld`; left out if None, and where the record was deleted.

    Raises:
        ValueError: `at` has no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no zone")
    line = {
        "sequence": sequence,
        "at": rfc3339(at.astimezone(UTC)),
        "change": change,
        "id": record_id,
        "type": type_,
    }
    if url is not None and change != "deleted":
        line["url"] = url
    return _line(line)


def _line(value: dict[str, Any]) -> bytes:
    line = orjson.dumps(value, default=dict, option=orjson.OPT_APPEND_NEWLINE)
    for character, escaped in _BREAKS:
        line = line.replace(character.encode(), escaped)
    return line
