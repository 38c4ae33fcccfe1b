"""The templates of our pages, filled in: with their words, their style sheet and the policy for it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedpub.formats import wording
from feedpub.formats.properties import without_controls

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Style:
    """A page's style sheet and the policy that allows it and nothing else."""

    text: Markup
    policy: str


@lru_cache(256)
def labels(language: str | None, site_language: str | None) -> Mapping[str, Any]:
    """The phrases for a page in `language`, with `attributes` that mark them where they are in another."""
    words = wording.known(language, site_language)
    foreign = words != wording.primary(language)
    return {**wording.PHRASES[words], "attributes": language_of(words) if foreign else ""}


@lru_cache(256)
def language_of(language: str | None) -> Markup:
    """The `lang` and `dir` attributes for a BCP 47 tag with a leading blank, or nothing."""
    from markupsafe import Markup

    direction = wording.direction(language)
    return Markup(' lang="{}" dir="{}"').format(language, direction) if direction else Markup()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals["language_of"] = language_of
    return environment


@cache
def _style(names: tuple[str, ...]) -> Style:
    from markupsafe import Markup

    folder = Path(__file__).parent / "templates"
    text = "".join((folder / name).read_text("utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src http: https: data: file:; "
        "base-uri 'none'; form-action 'none'"
    )
    return Style(Markup(text), policy)  # noqa: S704 - our own file


def rendered(template: str, styles: tuple[str, ...], **values: Any) -> bytes:
    """A page in UTF-8: `template` with `styles`, both names of files in the folder of templates."""
    text = _environment().get_template(template).render(style=_style(styles), **values)
    return without_controls(text.encode("utf-8", "replace"))
