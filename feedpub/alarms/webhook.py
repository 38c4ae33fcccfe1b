"""Messages to a webhook: JSON by POST, signed with HMAC-SHA256 where a secret is set."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime

import orjson

from feedpub import __version__
from feedpub.alarms import wording
from feedpub.alarms.memory import Message
from feedpub.config import Config
from feedpub.errors import DeliveryError

TIMEOUT_SECONDS = 10.0
SIGNATURE = "X-Feedpub-Signature"


def send(config: Config, messages: Sequence[Message], now: datetime) -> None:
    """Post all of them as one; done when the answer's status is 2xx.

    Raises:
        DeliveryError: it was not taken. Its text never holds the address, which may be a secret itself.
    """
    import httpx

    assert config.alarms.webhook is not None
    body = orjson.dumps(wording.payload(config, messages, now))
    headers = {"Content-Type": "application/json", "User-Agent": f"feedpub/{__version__}"}
    secret = os.environ.get(config.alarms.webhook_secret_env, "")
    if secret:
        headers[SIGNATURE] = f"sha256={signature(secret, body)}"
    try:
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
            # The answer's body is not read: it may be endless.
            client.stream("POST", config.alarms.webhook, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        reason = f"{type(error).__name__}: {error}".replace(config.alarms.webhook, "the address")
        raise DeliveryError(f"the webhook cannot be reached ({reason})") from error
    if not 200 <= status < 300:
        raise DeliveryError(f"the webhook answered with status {status}")


def signature(secret: str, body: bytes) -> str:
    """The HMAC-SHA256 of a body in hexadecimal digits (RFC 2104), with the secret in UTF-8 as its key."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
