"""The data files that come along: one locator, whether feedpub is installed or run from a checkout.

A wheel carries the schemas inside the package (`feedpub/schemas`); a checkout, an unpacked source
distribution and an editable installation have them beside it (`schemas/`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from feedpub.errors import FeedpubError

_SUFFIX = ".schema.json"


@cache
def schema_folder() -> Traversable:
    """The folder that holds the schemas.

    Raises:
        FeedpubError: the installation is incomplete.
    """
    packaged = files("feedpub") / "schemas"
    if (packaged / f"common{_SUFFIX}").is_file():
        return packaged
    beside = Path(__file__).resolve().parent.parent / "schemas"
    if (beside / f"common{_SUFFIX}").is_file():
        return beside
    raise FeedpubError(f"the schemas are missing from {packaged} and {beside}: install feedpub again")


def schema_names() -> tuple[str, ...]:
    """The names of all schemas in order: "agent", …, "profiles/google-article"."""
    folder = schema_folder()
    plain = [entry.name for entry in folder.iterdir()]
    profiles = [f"profiles/{entry.name}" for entry in (folder / "profiles").iterdir()]
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in plain + profiles if name.endswith(_SUFFIX)))


def schema_path(name: str) -> Traversable:
    """The file of the schema `name`, such as "newsarticle" or "profiles/google-event".

    What comes back can be read with `read_bytes()` and `read_text("utf-8")`, wherever it lies.

    Raises:
        FeedpubError: there is no such schema.
    """
    if name not in schema_names():
        raise FeedpubError(f"there is no schema {name!r}; there are: {', '.join(schema_names())}")
    path = schema_folder()
    *parents, last = name.split("/")
    for part in (*parents, last + _SUFFIX):
        path = path / part
    return path


def xsd_path(name: str) -> Traversable:
    """The XML Schema `name`: "sitemap", "siteindex" or "sitemap-news". Each lies beside those it includes.

    Raises:
        FeedpubError: there is no such schema.
    """
    folder = schema_folder() / "xsd"
    known = sorted(
        entry.name.removesuffix(".xsd") for entry in folder.iterdir() if entry.name.endswith(".xsd")
    )
    if name not in known:
        raise FeedpubError(f"there is no XML schema {name!r}; there are: {', '.join(known)}")
    return folder / f"{name}.xsd"


@cache
def schema_document(name: str) -> MappingProxyType[str, Any]:
    """The schema `name` as JSON; read once, so don't change what is in it."""
    return MappingProxyType(json.loads(schema_path(name).read_bytes()))
