"""Every error that feedpub raises on purpose.

    FeedpubError
    ├── ConfigError        feedpub.toml is missing, unreadable or says something that cannot be meant
    ├── SourceError        a source could not be listed or read as a whole
    ├── StoreError         the store or the ledger cannot be used
    │   ├── StoreCorruptError   ... because its content is damaged
    │   └── StoreVersionError   ... because another version of feedpub wrote it
    ├── LockedError        another publisher is at work on the same output
    ├── PublishError       the output could not be written
    ├── ServerError        the server could not start
    └── DeliveryError      a message could not be delivered to people or services

Invalid articles are not errors: they are `feedpub.models.Problem` values in the report.
An error's message says what failed, on what, and what to try; its attributes name the subject.
"""

from __future__ import annotations

from typing import Any


class FeedpubError(Exception):
    """The root of the tree: catch this to catch everything that feedpub raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors also come from other processes, and most take more than a message.
        return _copy, (type(self), self.args, self.__dict__)


def _copy(kind: type[FeedpubError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> FeedpubError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class ConfigError(FeedpubError):
    """`feedpub.toml` cannot be used. `key` is the dotted key at fault, or None."""

    def __init__(self, message: str, *, path: str | None = None, key: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.key = key


class SourceError(FeedpubError):
    """A source as a whole could not be read; what was published from it stays published."""

    def __init__(self, message: str, *, source: str) -> None:
        super().__init__(message)
        self.source = source


class StoreError(FeedpubError):
    """The store or the ledger at `path` cannot be used."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class StoreCorruptError(StoreError):
    """The store at `path` is damaged; `feedpub publish --rebuild` makes it anew from inputs and ledger."""


class StoreVersionError(StoreError):
    """Another version of feedpub wrote the store at `path`; `newer` says whether that version is newer."""

    def __init__(self, message: str, *, path: str, newer: bool) -> None:
        super().__init__(message, path=path)
        self.newer = newer


class LockedError(FeedpubError):
    """Another publisher holds the lock on `path`; `owner` says which, as far as is known."""

    def __init__(self, message: str, *, path: str, owner: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.owner = owner


class PublishError(FeedpubError):
    """The output at `path` could not be written; what was published before stays as it was.

    `sources` are the names of those sources that are the reason; empty where none is.
    """

    def __init__(self, message: str, *, path: str, sources: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.path = path
        self.sources = sources


class ServerError(FeedpubError):
    """The server could not start on `address`."""

    def __init__(self, message: str, *, address: str) -> None:
        super().__init__(message)
        self.address = address


class DeliveryError(FeedpubError):
    """A message was not taken by whom it was for; it may be tried again."""
