"""The paths, and what is asked for each: the answers of `operator_app`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feedpub import alarms
from feedpub.alarms.rules import Alarm
from feedpub.config import Config
from feedpub.heartbeat import heartbeat
from feedpub.observation import Observation
from feedpub.serving.operator.access import HEADERS, NO_CONTENT, Access, refused
from feedpub.serving.operator.readiness import reasons
from feedpub.serving.operator.traffic import Traffic, taken
from feedpub.serving.telemetry import Telemetry

KEPT_SECONDS = 2.0
"""What was seen is shown again for so long: many who ask at once cost no more than one."""

T = TypeVar("T")
Answer = Callable[[Request], Awaitable[Response]]


def build(config: Config, telemetry: Telemetry, access: Access) -> Starlette:
    """The application."""
    health = _Health(config, telemetry)
    inside = _Inside(config, telemetry, health)

    def guarded(answer: Answer) -> Answer:
        async def answered(request: Request) -> Response:
            return access.refusal(request) or await answer(request)

        return answered

    app = Starlette(
        routes=[
            Route("/health/live", health.live),
            Route("/health/ready", health.ready),
            Route("/health", health.both),
            Route("/metrics", guarded(inside.metrics)),
            Route("/status", guarded(inside.page)),
            Route("/status.json", guarded(inside.data)),
        ],
        exception_handlers={HTTPException: _none},
    )
    # It would send whoever asks for "/status/" to the host that the request names, whosever that is.
    app.router.redirect_slashes = False
    return app


async def _none(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(error.status_code, error.detail, error.headers)


class _Kept(Generic[T]):
    """A value that is made anew when it is older than two seconds. Used by several threads."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """The value."""
        with self._lock:
            now = time.monotonic()
            if self._kept is None or now - self._kept[0] > KEPT_SECONDS:
                self._kept = (now, self._make())
            return self._kept[1]


class _Health:
    """For whoever asks whether to send requests here. Nothing in it tells what is inside."""

    def __init__(self, config: Config, telemetry: Telemetry) -> None:
        self._config = config
        self._telemetry = telemetry
        self.readiness = _Kept(self._looked)

    def _looked(self) -> dict[str, Any]:
        found = reasons(self._config.publish.output, self._telemetry.damaged())
        return {
            "status": "unready" if found else "ready",
            "reasons": list(found),
            "daemon": heartbeat(self._config.state).word,
        }

    async def live(self, request: Request) -> Response:
        """The process answers."""
        return _json({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """There is something to serve; 503 with the reasons if not. A daemon that is gone is told, and serving goes on."""
        found = await run_in_threadpool(self.readiness.get)
        return _json(found, 503 if found["reasons"] else 200)

    async def both(self, request: Request) -> Response:
        """Both in one."""
        found = await run_in_threadpool(self.readiness.get)
        return _json({"live": {"status": "live"}, "ready": found}, 503 if found["reasons"] else 200)


class _Inside:
    """For the operator."""

    def __init__(self, config: Config, telemetry: Telemetry, health: _Health) -> None:
        self._config = config
        self._telemetry = telemetry
        self._health = health
        self._seen = _Kept(self._looked)

    def _looked(self) -> tuple[Observation, list[Alarm]]:
        from feedpub import observing

        seen = observing.observe(self._config, datetime.now(UTC), self._telemetry.damaged())
        return seen, alarms.check(self._config, seen)

    async def metrics(self, request: Request) -> Response:
        """All numbers, for Prometheus."""
        accept = request.headers.get("accept", "")
        body, media_type = await run_in_threadpool(self._metrics, taken(self._telemetry), accept)
        return Response(body, 200, {**HEADERS, "Content-Security-Policy": NO_CONTENT}, media_type=media_type)

    def _metrics(self, traffic: Traffic, accept: str) -> tuple[bytes, str]:
        from feedpub.serving.operator import metrics

        seen, found = self._seen.get()
        ready = not self._health.readiness.get()["reasons"]
        return metrics.exposed(seen, found, traffic, ready=ready, accept=accept)

    async def page(self, request: Request) -> Response:
        """The status page."""
        body, policy = await run_in_threadpool(self._page, taken(self._telemetry))
        headers = {**HEADERS, "Content-Security-Policy": policy}
        return Response(body, 200, headers, media_type="text/html; charset=utf-8")

    def _page(self, traffic: Traffic) -> tuple[bytes, str]:
        from feedpub.serving.operator import page

        seen, found = self._seen.get()
        return page.rendered(seen, found, traffic, self._config.site.timezone)

    async def data(self, request: Request) -> Response:
        """The same for programs."""
        seen, found = await run_in_threadpool(self._seen.get)
        return _json({"alarms": [asdict(alarm) for alarm in found], **asdict(seen)})


def _json(value: object, status: int = 200) -> Response:
    body = json.dumps(value, default=_plain, indent=1) + "\n"
    headers = {**HEADERS, "Content-Security-Policy": NO_CONTENT}
    return Response(body, status, headers, media_type="application/json")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
