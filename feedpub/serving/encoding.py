"""Files as clients take them: with their published twin's bytes, or compressed here and kept.

Twins stand beside feeds, indexes and archives; single pages and records have none, because there
are so many of them. They are compressed when they are first asked for, at a level that costs less
than reading a page takes, and the newest asked for are kept within a bound.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache

from feedpub.twins import ENDINGS, compress

CACHE_BYTES = 32_000_000
LEVELS = {"br": 4, "gzip": 4}
"""Of what is compressed while a client waits."""
QUICK_BYTES = 64_000
"""Bytes that are compressed in less time than it takes to hand the work over."""

__all__ = ["CACHE_BYTES", "ENDINGS", "LEVELS", "QUICK_BYTES", "Encoded", "mark"]


class Encoded:
    """Compressed bytes by the hash of what they were made of. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self.bytes = 0

    def get(self, digest: str, encoding: str) -> bytes | None:
        """What was kept of it."""
        with self._lock:
            found = self._kept.get((digest, encoding))
            if found is not None:
                self._kept.move_to_end((digest, encoding))
            return found

    def make(self, digest: str, body: bytes, encoding: str) -> bytes:
        """`body`, whose hash is `digest`, compressed."""
        found = self.get(digest, encoding)
        if found is not None:
            return found
        made = compress(body, encoding, LEVELS[encoding])
        with self._lock:
            if self._kept.pop((digest, encoding), None) is None:
                self.bytes += len(made)
            self._kept[digest, encoding] = made
            while self.bytes > CACHE_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self.bytes -= len(dropped)
        return made


@cache
def mark(encoding: str) -> str:
    """What tells the strong entity tag of bytes compressed here from that of the bytes themselves.

    It names the compressor, whose next version may make other bytes of the same (RFC 9110, 8.8.1).
    """
    import brotli

    version = brotli.__version__ if encoding == "br" else _zlib()
    return f"-{encoding}{LEVELS[encoding]}-{version}"


def _zlib() -> str:
    import zlib

    return zlib.ZLIB_RUNTIME_VERSION
