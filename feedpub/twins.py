"""Compressed twins: the same bytes as gzip (RFC 1952) and brotli (RFC 7932), beside the file itself.

`feed.xml.gz` and `feed.xml.br` are what nginx's `gzip_static` and `brotli_static` look for. The
same bytes always give the same twin: no time and no name is written into it. A file has them if
it is text of some size and stands in no folder of single articles, events or pictures: those are
many, and each is asked for seldom.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

ENDINGS: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
"""Content coding (RFC 9110, 8.4.1) → ending of the twin's name."""

MEDIA_TYPES: Mapping[str, str] = {"br": "application/brotli", "gzip": "application/gzip"}

LEVELS: Mapping[str, int] = {"br": 5, "gzip": 4}
"""Feeds of the benchmark's articles, megabytes a second and times smaller: br 4 84 × 3.83, br 5 47 × 4.07,
br 6 39 × 4.16, br 9 11 × 4.44; gzip 4 76 × 3.76, gzip 6 25 × 3.98, gzip 9 22 × 3.99."""

SMALLEST = 1024
"""Bytes; what is smaller fits into one packet anyway."""

_SINGLE = ("articles", "events", "media")
_TEXTUAL = ("application/json", "application/xml", "application/x-ndjson", "application/ndjson")


def has_twins(path: str, media_type: str, size: int) -> bool:
    """Whether a published file has compressed twins."""
    return size >= SMALLEST and may_have_twins(path) and is_textual(media_type)


def may_have_twins(path: str) -> bool:
    """Whether a file that stands there has compressed twins if it is text of some size."""
    return path.partition("/")[0] not in _SINGLE and path.rpartition("/")[2] != "manifest.json"


def is_textual(media_type: str) -> bool:
    """Whether files of this type become smaller by compression."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXTUAL or kind.endswith(("+json", "+xml"))


def main_of(path: str) -> tuple[str, str] | None:
    """The path of the file whose twin stands at `path`, and the coding; None if it is no twin's name."""
    for encoding, ending in ENDINGS.items():
        if path.endswith(ending):
            return path.removesuffix(ending), encoding
    return None


def compress(body: bytes, encoding: str, level: int | None = None) -> bytes:
    """`body` in a content coding; the same bytes each time."""
    if encoding == "br":
        import brotli

        made: bytes = brotli.compress(body, quality=LEVELS["br"] if level is None else level)
        return made
    # The header of zlib's own gzip wrapper has no time and no name.
    packer = zlib.compressobj(LEVELS["gzip"] if level is None else level, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def expand(body: bytes, encoding: str) -> bytes:
    """The bytes themselves.

    Raises:
        ValueError: these are not compressed bytes of that coding.
    """
    import brotli

    try:
        if encoding == "br":
            found: bytes = brotli.decompress(body)
            return found
        return zlib.decompress(body, 31)
    except (brotli.error, zlib.error) as error:
        raise ValueError(str(error)) from error
