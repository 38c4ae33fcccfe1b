"""What an answer says where there is nothing to give: what is wrong, and what to do (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"

RETRY_SECONDS = 10
"""How long to wait where something is only not there yet."""


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the program
    """An answer other than what was asked for; `headers` and `more` members go into it."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        remedy: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.headers = dict(headers or {})
        self.more = more

    def document(self) -> dict[str, Any]:
        """The problem as JSON. Its type is "about:blank", so its title is the status's own words."""
        return {
            "title": self.status.phrase, "status": int(self.status), "detail": self.detail, "remedy": self.remedy,
            **self.more,
        }  # fmt: skip


def wrong_parameter(name: str, detail: str, remedy: str, **more: Any) -> Refusal:
    """400: a parameter cannot be meant so."""
    return Refusal(HTTPStatus.BAD_REQUEST, f"{name}: {detail}", remedy, parameter=name, **more)


def not_yet(detail: str) -> Refusal:
    """503: what is needed for the answer is not there yet."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE, detail,
        f"Ask again in {RETRY_SECONDS} seconds. If it stays so, the newsroom has to run `feedpub publish`, with the "
        "version of feedpub that serves.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )  # fmt: skip
