"""Name → source or format: built-in ones by dotted name, others through entry points."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from feedpub import formats, sources
from feedpub.config import Config, Site, SourceConfig
from feedpub.errors import ConfigError


def source(config: SourceConfig) -> sources.Source:
    """The source that `config` describes.

    Raises:
        ConfigError: no plugin offers this kind.
    """
    found = _load("feedpub.sources", sources.BUILT_IN, config.kind, f"sources.{config.name}.kind")
    made: sources.Source = found(config)
    return made


def sources_of(config: Config) -> dict[str, sources.Source]:
    """Every source of a newsroom, by its name.

    Raises:
        ConfigError: no plugin offers a kind.
    """
    return {one.name: source(one) for one in config.sources}


def holder(opened: Mapping[str, sources.Source]) -> Callable[[str, str, str | None], bool]:
    """Whether the source of a name holds the document at a place, with that digest unless it is None."""
    return lambda name, place, digest: name in opened and opened[name].holds(place, digest)


def format(name: str, site: Site) -> formats.Format:  # noqa: A001 - the field's word for it
    """The format called `name`, for one site.

    Raises:
        ConfigError: no plugin offers this name.
    """
    made: formats.Format = _load("feedpub.formats", formats.BUILT_IN, name, "formats")(site)
    return made


def _load(group: str, built_in: Mapping[str, str], name: str, key: str) -> Any:
    if name in built_in:
        module, _, attribute = built_in[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    from importlib.metadata import entry_points

    for point in entry_points(group=group):
        if point.name == name:
            return point.load()
    near = difflib.get_close_matches(name, built_in, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(built_in))}."
    raise ConfigError(f"{key}: there is no {name!r}; {hint}", key=key)
