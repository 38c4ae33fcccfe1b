"""feedpub publishes articles as validated feeds of schema.org records.

    Source ─ Document ─ extract ─ Article ─ build ─ Record ─ validate ─ store ─ Entry ─ format ─ files

`publish(load("feedpub.toml"))` does all of it; `extract`, `build_records`, `validate` and `render`
are its pure steps. Names are imported when they are first used, so that `import feedpub` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Article": "models", "Channel": "models", "Document": "models", "Entry": "models",
    "EventMention": "models", "Extraction": "models", "Problem": "models", "Record": "models",
    "Report": "reports", "When": "models",
    "Config": "config", "Site": "config", "load": "config",
    "ConfigError": "errors", "FeedpubError": "errors", "LockedError": "errors", "PublishError": "errors",
    "SourceError": "errors", "StoreCorruptError": "errors", "StoreError": "errors",
    "ExtractSettings": "extraction", "extract": "extraction",
    "build_records": "library", "render": "library",
    "publish": "pipeline",
    "advise": "validation", "validate": "validation",
}  # fmt: skip

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the names stand in _HOMES, once

if TYPE_CHECKING:
    from feedpub.config import Config, Site, load
    from feedpub.errors import (
        ConfigError,
        FeedpubError,
        LockedError,
        PublishError,
        SourceError,
        StoreCorruptError,
        StoreError,
    )
    from feedpub.extraction import ExtractSettings, extract
    from feedpub.library import build_records, render
    from feedpub.models import (
        Article,
        Channel,
        Document,
        Entry,
        EventMention,
        Extraction,
        Problem,
        Record,
        When,
    )
    from feedpub.pipeline import publish
    from feedpub.reports import Report
    from feedpub.validation import advise, validate


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'feedpub' has no attribute {name!r}")
    return getattr(importlib.import_module(f"feedpub.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
