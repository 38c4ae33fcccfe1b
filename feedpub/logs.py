"""What stands in a line of the log: an event's name, and fields that people and programs can read."""

from __future__ import annotations

import json


def told(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}"


def fields(**values: object) -> str:
    """`key=value` after the event's name, for people and for log collectors."""
    return " ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)
