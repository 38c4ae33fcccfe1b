"""Who may see what goes on inside: whoever has the token, or while there is none, this machine.

Where a token is set everybody needs it, since behind a proxy on the same machine all requests come from there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

log = logging.getLogger("feedpub.serving")

SHORT = 16
"""A token of fewer characters can be guessed."""
PASSED_ON = ("forwarded", "via", "x-forwarded", "x-real-ip")
"""How header fields begin of a request that a proxy has passed on: its peer's address says nothing of who asks."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
"""On every answer to an operator."""
NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of what is no page."""


class Access:
    """The rule.

    Args:
        token: what everybody must show; empty if there is none.
        variable: the environment variable that it came from, to be named to those who are refused.
        behind_proxy: whether requests are known to come through a proxy: then none is this machine's own.
    """

    def __init__(
        self, token: str, *, variable: str = "FEEDPUB_STATUS_TOKEN", behind_proxy: bool = False
    ) -> None:
        self._digest = _digest(token.encode("utf-8", "surrogateescape")) if token else None
        self._behind_proxy = behind_proxy
        self._remedy = (
            f"Not allowed. Start the server with a token in the environment variable {variable}, and send it as "
            "Authorization: Bearer, or as the password of Basic."
        )
        if behind_proxy and not token:
            log.warning("/status and /metrics are closed: behind a proxy they need a token in %s", variable)
        if token and len(token) < SHORT:
            log.warning(
                "the token for /status and /metrics has fewer than %d characters: take a longer one", SHORT
            )

    def refusal(self, request: Request) -> Response | None:
        """The answer to one who may not see it; None to one who may."""
        if self._digest is None:
            return None if not self._behind_proxy and _is_local(request) else refused(403, self._remedy)
        given = _given(request.headers.get("authorization", ""))
        if given is not None and hmac.compare_digest(_digest(given), self._digest):
            return None
        said = "Not allowed without the token: send it as Authorization: Bearer, or as the password of Basic."
        return refused(401, said, {"WWW-Authenticate": 'Basic realm="feedpub", charset="UTF-8"'})


def refused(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that only says why there is none."""
    said = {**HEADERS, "Content-Security-Policy": NO_CONTENT, **(headers or {})}
    return PlainTextResponse(f"{text}\n", status, said)


def _digest(token: bytes) -> bytes:
    # Of equal length, so that comparing takes as long whatever is given.
    return hashlib.sha256(token).digest()


def _given(authorization: str) -> bytes | None:
    """The token of a Bearer field (RFC 6750, 2.1), or the password of a Basic one (RFC 7617), whoever the user."""
    scheme, _, rest = authorization.partition(" ")
    # Header fields come as Latin-1; what was sent are these bytes.
    value = rest.strip().encode("latin-1", "replace")
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() == "basic":
        try:
            _, colon, password = base64.b64decode(value, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return None
        return password if colon else None
    return None


def _is_local(request: Request) -> bool:
    """Whether a program on this machine asks by itself: by the peer's address, which no header can change.

    A page from elsewhere that a browser here shows may reach us under a name of its own (DNS rebinding), so the
    name that is asked for must be this machine's too.
    """
    # nginx passes on in HTTP/1.0 unless it is told otherwise; nobody who asks by himself has for long.
    if request.client is None or request.scope.get("http_version") == "1.0":
        return False
    if any(name.startswith(PASSED_ON) for name in request.headers):
        return False
    return _is_loopback(request.client.host) and _is_loopback(_host(request.headers.get("host", "")))


def _host(field: str) -> str:
    """The host of a Host field (RFC 9110, 7.2), without port and brackets."""
    host = field.rpartition(":")[0] if ":" in field.rpartition("]")[2] else field
    return host.removeprefix("[").removesuffix("]")


def _is_loopback(host: str) -> bool:
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
