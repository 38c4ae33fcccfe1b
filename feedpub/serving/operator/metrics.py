"""The numbers for Prometheus: https://prometheus.io/docs/practices/naming/

Their labels are names from the configuration, words of ours and HTTP statuses: their number is bounded by
the configuration, whatever is published or asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from feedpub import __version__
from feedpub.alarms.rules import Alarm, Kind
from feedpub.observation import Day, Observation
from feedpub.serving.operator.traffic import Traffic
from feedpub.serving.telemetry import Closed
from feedpub.standing import Rhythm, Word

DAY_SECONDS = 86_400


def exposed(
    seen: Observation, alarms: Sequence[Alarm], traffic: Traffic, *, ready: bool, accept: str = ""
) -> tuple[bytes, str]:
    """Everything in the text format of Prometheus, or OpenMetrics if `accept` asks for it; and its media type."""
    registry = CollectorRegistry()
    registry.register(_Newsroom(seen, alarms, traffic, ready=ready))
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Newsroom(Collector):
    def __init__(self, seen: Observation, alarms: Sequence[Alarm], traffic: Traffic, *, ready: bool) -> None:
        self._seen = seen
        self._alarms = alarms
        self._traffic = traffic
        self._ready = ready

    def collect(self) -> Iterable[Metric]:
        """Every family, each once."""
        seen = self._seen
        yield InfoMetricFamily("feedpub_build", "The version of feedpub.", {"version": __version__})
        yield from _state(seen, ready=self._ready)
        kinds = Counter(alarm.kind for alarm in self._alarms)
        yield _gauges(
            "feedpub_alarms", "What is wrong now, by kind.", ["kind"],
            (((kind,), kinds[kind]) for kind in get_args(Kind)),
        )  # fmt: skip
        if seen.store == "ready":
            yield from _published(seen)
            yield from _refreshes(seen.ever)
            yield from _source_history(seen)
        yield from _sources(seen)
        yield from _feeds(seen)
        yield from _http(self._traffic)


def _state(seen: Observation, *, ready: bool) -> Iterator[Metric]:
    yield GaugeMetricFamily("feedpub_ready", "Whether a published set is there and whole.", ready)
    yield GaugeMetricFamily("feedpub_store_ready", "Whether the store can be read.", seen.store == "ready")
    yield GaugeMetricFamily("feedpub_daemon_up", "Whether the daemon runs.", seen.daemon.word == "running")
    if seen.disk is not None:
        text = "Free bytes where output or store lie, the least of them."
        yield GaugeMetricFamily("feedpub_disk_free_bytes", text, seen.disk.free_bytes)
        yield GaugeMetricFamily("feedpub_disk_size_bytes", "Size of that file system.", seen.disk.total_bytes)


def _published(seen: Observation) -> Iterator[Metric]:
    for name, text, value in (
        ("articles", "Published articles.", seen.articles),
        ("events", "Published events.", seen.events),
        ("withdrawn_records", "Articles and events that were published once and withdrawn.", seen.withdrawn),
        ("held_documents", "Documents in quarantine.", seen.held_count),
        ("output_files", "Published files.", seen.files),
        ("output_bytes", "Size of the published files.", seen.output_bytes),
    ):
        yield GaugeMetricFamily(f"feedpub_{name}", text, value)


def _refreshes(ever: Day) -> Iterator[Metric]:
    refreshes = CounterMetricFamily("feedpub_refreshes", "Refreshes by outcome.", labels=["outcome"])
    refreshes.add_metric(["succeeded"], ever.succeeded)
    refreshes.add_metric(["failed"], ever.failed)
    yield refreshes
    yield SummaryMetricFamily(
        "feedpub_refresh_duration_seconds",
        "How long refreshes took.",
        count_value=ever.succeeded + ever.failed,
        sum_value=ever.seconds,
    )


def _source_history(seen: Observation) -> Iterator[Metric]:
    refreshes = CounterMetricFamily(
        "feedpub_source_refreshes", "Refreshes of a source by outcome.", labels=["source", "outcome"]
    )
    changes = CounterMetricFamily(
        "feedpub_source_document_changes",
        "Documents of a source by what became of them.",
        labels=["source", "change"],
    )
    durations = SummaryMetricFamily(
        "feedpub_source_refresh_duration_seconds", "How long reading a source took.", labels=["source"]
    )
    for source in seen.sources:
        ever = source.ever
        for outcome in ("succeeded", "failed", "stopped"):
            refreshes.add_metric([source.name, outcome], getattr(ever, outcome))
        for change in ("new", "modified", "removed"):
            changes.add_metric([source.name, change], getattr(ever, change))
        durations.add_metric([source.name], ever.succeeded + ever.failed + ever.stopped, ever.seconds)
    yield from (refreshes, changes, durations)
    for name, text, attribute in (
        ("documents", "Published documents of a source.", "documents"),
        ("held_documents", "Documents of a source in quarantine.", "held"),
    ):
        values = (((source.name,), getattr(source, attribute)) for source in seen.sources)
        yield _gauges(f"feedpub_source_{name}", text, ["source"], values)


def _sources(seen: Observation) -> Iterator[Metric]:
    """What is known of a source now; a source of which it is not known has no line."""

    def of(name: str, text: str, *values: float | None) -> Metric:
        pairs = zip(((source.name,) for source in seen.sources), values, strict=True)
        return _gauges(f"feedpub_source_{name}", text, ["source"], pairs)

    now, sources = seen.now, seen.sources
    yield of(
        "age_seconds",
        "Since a source was last read with success.",
        *(_age(s.last_success_at, now) for s in sources),
    )
    yield of(
        "news_age_seconds",
        "Since a source last brought or lost anything.",
        *(_age(s.changed_at, now) for s in sources),
    )
    yield of(
        "expected_news_interval_seconds",
        "How often a source usually brings something, in whole days.",
        *(_usual(s.standing.rhythm) for s in sources),
    )
    yield of("interval_seconds", "The timer of a source.", *(s.interval_seconds for s in sources))
    yield of("lag_seconds", "How late the refresh of a source is.", *(s.lag_seconds for s in sources))
    yield of(
        "consecutive_failures", "Failures of a source since its last success.", *(s.failures for s in sources)
    )
    yield of(
        "last_refresh_duration_seconds", "How long the last refresh of a source took.",
        *(s.last_seconds for s in sources),
    )  # fmt: skip
    words = (
        ((source.name, word), source.standing.word == word) for source in sources for word in get_args(Word)
    )
    yield _gauges(
        "feedpub_source_standing", "1 for the word that is true of a source.", ["source", "standing"], words
    )


def _feeds(seen: Observation) -> Iterator[Metric]:
    names = [(feed.path,) for feed in seen.feeds]

    def of(name: str, text: str, *values: float | None) -> Metric:
        return _gauges(f"feedpub_feed_{name}", text, ["feed"], zip(names, values, strict=True))

    yield of("entries", "Entries of a feed.", *(feed.entries for feed in seen.feeds))
    yield of(
        "age_seconds", "Since a feed last changed.", *(_age(feed.changed_at, seen.now) for feed in seen.feeds)
    )
    yield of(
        "expected_change_interval_seconds",
        "How often something new usually comes into a feed, in whole days.",
        *(_usual(feed.standing.rhythm) if feed.standing else None for feed in seen.feeds),
    )


def _http(traffic: Traffic) -> Iterator[Metric]:
    answers = CounterMetricFamily(
        "feedpub_http_responses", "Answers by what was asked for, and status.", labels=["kind", "status"]
    )
    for (kind, status), number in sorted(traffic.answers.items()):
        answers.add_metric([kind, str(status)], number)
    yield answers
    closed = CounterMetricFamily(
        "feedpub_http_closed_connections", "Connections closed although the client waited.", labels=["reason"]
    )
    for why in get_args(Closed):
        closed.add_metric([why], traffic.closings.get(why, 0))
    yield closed
    yield CounterMetricFamily("feedpub_http_sent_bytes", "Bytes of bodies sent.", traffic.sent_bytes)
    buckets = [
        ("+Inf" if upper == float("inf") else repr(upper), number) for upper, number in traffic.durations
    ]
    yield HistogramMetricFamily(
        "feedpub_http_response_duration_seconds",
        "How long answers took.",
        buckets=buckets,
        sum_value=traffic.seconds,
    )


def _gauges(name: str, text: str, labels: list[str], values: Iterable[tuple[tuple[str, ...], Any]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label, value in values:
        if value is not None:
            family.add_metric(list(label), value)
    return family


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, (now - moment).total_seconds())


def _usual(rhythm: Rhythm | None) -> int | None:
    return None if rhythm is None else rhythm.usual * DAY_SECONDS
