"""Figures about the API for Prometheus: how long its answers take, by route, and how much waits."""

import time

from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from illustrious_studio.services.studio import Studio

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """One registry an app, so that two apps in one process do not share figures."""

    def __init__(self, studio: Studio) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "illustrious_request_seconds",
            "Time from a request to the end of its answer.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        queue = Gauge("illustrious_queue_length", "Pictures that wait or are being drawn.", registry=self.registry)
        queue.set_function(lambda: len(studio.jobs.active()))


class MeasureRequests:
    """ASGI layer that fills the histogram. Routes, not paths, are the label: ids would make it grow without end."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 499

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, note)
        finally:
            self._metrics.requests.labels(_known(scope["method"]), _route(scope), str(status)).observe(
                time.perf_counter() - started
            )


def _route(scope: Scope) -> str:
    """The route that answered; one of a mounted app has the mount's path before its own."""
    route = scope.get("route")
    return "none" if route is None else f"{scope.get('root_path', '')}{route.path}"


def _known(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
