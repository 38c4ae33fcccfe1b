"""What stands in a line of the log: an event's name, and fields that people and programs can read.

For people: `2025-09-03T08:00:00Z INFO refresh finished  sources=agency new=2`. As JSON: one object a line
with time, level, logger, event, fields and, where there is one, exception.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from feedpub.errors import ConfigError

Format = Literal["people", "json"]
VARIABLE = "FEEDPUB_LOG_FORMAT"
"""The environment variable that goes before `[log] format`."""


class Fields(str):
    """`key=value` pairs as text; `values` has them as they were given."""

    __slots__ = ("values",)
    values: Mapping[str, object]


def told(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}"


def fields(**values: object) -> Fields:
    """`key=value` after the event's name, for people and for log collectors."""
    text = Fields(" ".join(f"{name}={_value(value)}" for name, value in values.items()))
    text.values = values
    return text


def chosen(option: str | None, environment: Mapping[str, str], configured: Format) -> Format:
    """The format of the log: the option's, else the environment's, else that of the configuration.

    Raises:
        ConfigError: the environment's is none.
    """
    wanted = option or environment.get(VARIABLE) or configured
    if wanted not in ("people", "json"):
        raise ConfigError(
            f"{VARIABLE}: {wanted!r} is no format of the log; set it to people or json.", key=VARIABLE
        )
    return "json" if wanted == "json" else "people"


def show(stream: TextIO, level: str, log_format: Format = "people") -> None:
    """Write what feedpub and the web server log from `level` on ("INFO") to `stream`, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if log_format == "json" else PeopleFormatter())
    if log_format == "json":  # what Python warns of would be lines of text among the objects
        logging.captureWarnings(True)
    for name, least in (("feedpub", level), ("uvicorn", "WARNING"), ("py.warnings", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(least)


def line(level: str, event: str, **values: object) -> str:
    """A line of the log as JSON, for what is not logged but must stand there; without its end."""
    record = logging.LogRecord("feedpub", logging.getLevelName(level), "", 0, "%s", (event,), None)
    record.fields = values
    return JsonFormatter().format(record)


def portable(record: logging.LogRecord) -> None:
    """Make a record one that another process can read and still has its fields as they were given."""
    record.fields = json.loads(json.dumps(_given(record.args), default=str))
    record.msg, record.args = record.getMessage(), None


class PeopleFormatter(logging.Formatter):
    """A line that is read from left to right: when, how bad, what."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime


class JsonFormatter(logging.Formatter):
    """One JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for `record`."""
        event, _, rest = record.getMessage().partition("  ")
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "event": event,
            "fields": {**_parsed(rest), **_given(record.args), **getattr(record, "fields", {})},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # ASCII only: no line separator of Unicode may cut the line in two, and a lone surrogate can be written.
        return json.dumps(line, default=str)


def _given(arguments: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for argument in arguments if isinstance(arguments, tuple) else (arguments,):
        if isinstance(argument, Fields):
            found |= argument.values
    return found


_PAIR = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')


def _parsed(text: str) -> dict[str, object]:
    """The fields of a line whose writer has put them into the text."""
    found: dict[str, object] = {}
    for name, value in _PAIR.findall(text):
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _value(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    if plain:
        return text
    # Line separators and marks of direction are no control characters to JSON; to a reader of the log they are.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in quoted)
