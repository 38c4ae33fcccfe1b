"""Packages that others import and hardly anybody calls: loaded when they are first used."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Late(ModuleType):
    """Stands in for a package until somebody asks for something in it.

    The standard library's LazyLoader does not do: an import statement asks for `__spec__`, and that
    loads the package.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def load_late(name: str) -> None:
    """Have the package `name` loaded at its first use, for whoever imports it from now on."""
    if name not in sys.modules:
        sys.modules[name] = _Late(name)
