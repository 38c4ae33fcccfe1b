"""What reading a document depends on besides the document itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from feedpub.config import Config, Defaults, SourceConfig


@dataclass(frozen=True, slots=True)
class ExtractSettings:
    """The part of the configuration that decides how a document is read.

    `timezone` (IANA) is given to times without a zone. `fields` maps our field names to JMESPath
    expressions for JSON exports. `dayfirst` settles dates like 03/04/2025; None leaves them unread.
    `syntaxes` are those of structured data in pages to be read besides the usual: "rdfa", "microformat".
    """

    timezone: str = "UTC"
    site_url: str = "http://localhost:8080/"
    defaults: Defaults = field(default_factory=Defaults)
    fields: Mapping[str, str] = field(default_factory=dict)
    dayfirst: bool | None = None
    syntaxes: tuple[str, ...] = ()
    max_chars: int = 5_000_000

    @classmethod
    def of(cls, config: Config, source: SourceConfig) -> ExtractSettings:
        """The settings for one source of a newsroom."""
        return cls(
            timezone=config.site.timezone,
            site_url=config.site.url,
            defaults=source.defaults,
            fields=source.fields,
            dayfirst=source.options.get("dayfirst"),
            syntaxes=tuple(source.options.get("syntaxes", ())),
        )
