"""The text of a feedpub.toml, and where in it something stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedpub.config_check import Mistake, dotted, line_of
from feedpub.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ConfigText:
    """The text of a feedpub.toml, to say where in it something stands."""

    path: Path | None
    text: str

    def parsed(self) -> dict[str, Any]:
        """Its tables.

        Raises:
            ConfigError: it is not TOML.
        """
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            what = re.sub(r" \(at .*\)$", "", str(error))
            line, column = place.groups() if place else (len(self.text.splitlines()), None)
            where = f", line {line}" + (f", column {column}" if column else "")
            raise ConfigError(
                f"{self.path}{where}: this is not TOML: {what}. Texts stand in quotes, tables in [brackets].",
                path=str(self.path),
            ) from error
        except RecursionError as error:
            raise ConfigError(
                f"{self.path}: too many brackets inside each other", path=str(self.path)
            ) from error

    def hold(self, found: Iterable[Mistake]) -> None:
        """Raise what was found, if anything was."""
        listed = tuple(found)
        if listed:
            raise self.error(listed)

    def error(self, found: Iterable[Mistake]) -> ConfigError:
        """All mistakes in one error, by their lines."""
        lines = []
        first = None
        for mistake in found:
            first = first or mistake.path
            line = line_of(self.text, mistake.path)
            lines.append((line, f"{dotted(mistake.path)}: {mistake.message}"))
        lines.sort(key=lambda pair: pair[0] or 0)
        key = dotted(first or ()) or None
        if len(lines) == 1:
            line, message = lines[0]
            where = str(self.path or "feedpub") + (f", line {line}" if line else "")
            return ConfigError(f"{where}: {message}", path=str(self.path) if self.path else None, key=key)
        rows = "".join(f"\n  {f'line {line}: ' if line else ''}{message}" for line, message in lines)
        return ConfigError(f"{self.path}: {len(lines)} mistakes:{rows}", path=str(self.path), key=key)

    def fail(self, *path: str, message: str) -> ConfigError:
        """The error for what stands at `path`."""
        return self.error((Mistake(path, message),))


def read_text(path: Path) -> str:
    """The text of the file at `path`.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no file {path}. Run `feedpub init` to write one.", path=str(path)
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}: the configuration cannot be read.", path=str(path)
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}, line {line}: not UTF-8. Save the file as UTF-8.", path=str(path)
        ) from error
