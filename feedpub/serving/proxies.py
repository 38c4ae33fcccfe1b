"""Who asks, and how: as a proxy in front of the server says it, where that proxy is trusted.

X-Forwarded-For and X-Forwarded-Proto are written by whoever sends the request. They count only
when the connection comes from one of `[server] trusted_proxies`, and of the list of addresses only
what the trusted ones have added to it (RFC 7239, 8.1).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The addresses and networks ("10.0.0.0/8") of the proxies that are believed."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
        self.trusts = lru_cache(1000)(self._trusts)

    def _trusts(self, host: str) -> bool:
        """Whether this address is a trusted proxy's."""
        address = _address(host)
        return address is not None and any(address in network for network in self._networks)

    def seen_through(self, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request as it reached the outermost trusted proxy: its `client` and `scheme`."""
        peer = scope.get("client")
        if not self._networks or peer is None or not self.trusts(peer[0]):
            return scope
        changed: MutableMapping[str, Any] = dict(scope)
        scheme = self.scheme(scope)
        if scheme is not None:
            changed["scheme"] = scheme
        client = self._client(_values(scope, b"x-forwarded-for"))
        if client is not None:
            changed["client"] = (client, 0)
        return changed

    def is_secure(self, scope: Mapping[str, Any]) -> bool:
        """Whether the client came through TLS."""
        if scope.get("scheme") == "https":
            return True
        peer = scope.get("client")
        if not self._networks or peer is None or not self.trusts(peer[0]):
            return False
        return self.scheme(scope) == "https"

    @staticmethod
    def scheme(scope: Mapping[str, Any]) -> str | None:
        """What X-Forwarded-Proto says, of several the last: what the nearest proxy has added."""
        values = _values(scope, b"x-forwarded-proto")
        return values[-1].lower() if values and values[-1].lower() in ("http", "https") else None

    def _client(self, hosts: list[str]) -> str | None:
        """The last address that is no trusted proxy's; the first if all are."""
        for host in reversed(hosts):
            address = _address(host)
            if address is None:
                return None
            if not self.trusts(str(address)):
                return str(address)
        return str(_address(hosts[0])) if hosts else None


def _values(scope: Mapping[str, Any], wanted: bytes) -> list[str]:
    return [
        part.strip()
        for name, value in scope["headers"]
        if name == wanted
        for part in value.decode("latin-1").split(",")
    ]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, with or without a port; IPv4 within IPv6 as the former."""
    text = host.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
