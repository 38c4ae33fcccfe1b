"""What an operator asks a server: does it answer, is there something to serve, what is wrong.

/health/live  /health/ready  /health   for everybody, without any detail
/metrics  /status  /status.json        for this machine, or with the token
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from feedpub.config import Config
    from feedpub.serving.telemetry import Telemetry


def operator_app(config: Config, telemetry: Telemetry) -> ASGIApp:
    """The ASGI application for these paths; it answers 404 to all others.

    The token is taken once, from the environment variable that `[server] status_token_env` names.
    Asking writes nothing, and the store is opened only to read.
    """
    from feedpub.serving.operator import routes
    from feedpub.serving.operator.access import Access

    variable = config.server.status_token_env
    behind_proxy = bool(config.server.trusted_proxies)
    access = Access(os.environ.get(variable, ""), variable=variable, behind_proxy=behind_proxy)
    return routes.build(config, telemetry, access)
