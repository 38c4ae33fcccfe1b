"""The two streams that a command writes to, and how: data or messages, colour, JSON, a progress bar."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from feedpub.logs import Format

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
# Control characters could move the cursor or rename the window; the marks of writing direction
# could make a line read as another one (https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str, *, keep_lines: bool = False) -> str:
    """`text` from outside, fit for a terminal: control characters become spaces or `\\x1b`."""

    def shown(match: re.Match[str]) -> str:
        char = match.group()
        if char in "\n\t\r":
            return char if keep_lines and char != "\r" else " "
        return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"

    return _CONTROL.sub(shown, text)


class Terminal:
    """Where a command's data and messages go."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        as_json: bool = False,
        verbosity: int = 0,
        quiet: bool = False,
        log_format: Format = "people",
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.as_json = as_json
        self.verbosity = verbosity
        self.quiet = quiet
        self._log_format = log_format

    def data(self, text: str) -> None:
        """What the command was asked for. Nothing with --quiet."""
        if not self.quiet:
            self.stdout.write(f"{text}\n")

    def json(self, value: object) -> None:
        """What the command was asked for, with --json: one JSON value, indented. Also with --quiet."""
        import json

        # Only UTF-8 can carry every character as it is.
        utf8 = (getattr(self.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
        self.stdout.write(json.dumps(plain(value), ensure_ascii=not utf8, indent=2) + "\n")

    def message(self, text: str) -> None:
        """A remark that must be seen, even with --quiet."""
        self._say(text, "ERROR")

    def remark(self, text: str) -> None:
        """A remark that --quiet suppresses."""
        if not self.quiet:
            self._say(text, "INFO")

    def _say(self, text: str, level: str) -> None:
        if self._log_format == "json":
            from feedpub import logs

            text = logs.line(level, "message", text=text)
        self.stderr.write(f"{text}\n")
        self.stderr.flush()

    def paint(self, style: str, text: str) -> str:
        """`text` in a colour or weight, if stdout is a terminal that wants it (https://no-color.org)."""
        wanted = self.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if wanted and style and text else text

    def progress(self, unit: str = "document") -> Progress:
        """A progress bar, shown only on a terminal and only if the work takes longer than a second."""
        return Progress(self.stderr, unit, shown=self.stderr.isatty() and not self.quiet)

    def log(self, level: str, log_format: Format = "people") -> None:
        """Show what the library logs from `level` on ("INFO"), on stderr."""
        from feedpub import logs

        self._log_format = log_format
        logs.show(self.stderr, level, log_format)


class Progress:
    """Counts work; a context manager that can be called with the number of items just done."""

    def __init__(
        self, stream: TextIO, unit: str, *, shown: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._unit = unit
        self._shown = shown
        self._clock = clock
        self._started = clock()
        self._bar: Any = None
        self.done = 0

    def __call__(self, count: int) -> None:
        """Note that `count` more items are done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._shown and self._clock() - self._started > 1:
            from tqdm import tqdm

            self._bar = tqdm(initial=self.done, unit=f" {self._unit}s", file=self._stream, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def plain(value: Any) -> Any:
    """A value of ours as JSON: a dataclass by its fields' names, times as RFC 3339 in UTC."""
    import dataclasses
    from datetime import UTC, datetime
    from pathlib import PurePath

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, PurePath):
        return str(value)
    return value
