"""The API for services: what is published, by time, section, names, places and words, and all changes by number.

It reads store and search index, never writes them, and knows nothing of refreshing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from feedpub.config import Config


def api_app(config: Config) -> ASGIApp:
    """An ASGI application for `/api` and all paths below it (`feedpub.serving.api.app.api_app`)."""
    from feedpub.serving.api import app

    return app.api_app(config)
