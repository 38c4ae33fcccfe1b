"""Health, metrics and status page of a server: who may see them, and what they say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import html5lib
import httpx
import pytest
from hypothesis import given
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from feedpub import daemonstate, observing
from feedpub.alarms.rules import Alarm, Kind
from feedpub.config import Config, Publish, Server, SourceConfig
from feedpub.daemon.lock import OnlyOne
from feedpub.daemonstate import DaemonState, JobState
from feedpub.models import Problem
from feedpub.observation import DaemonView, Observation
from feedpub.reports import Held
from feedpub.serving.operator import metrics, operator_app, page
from feedpub.serving.operator.charts import NEWS, chart
from feedpub.serving.operator.traffic import taken
from feedpub.serving.telemetry import Telemetry
from tests.articles import markdown
from tests.conftest import ROOT, Newsroom
from tests.judges.samples import TEXT
from tests.observed import NOW, back, days, feed, observation, source

HOUR = timedelta(hours=1)
HTML = "{http://www.w3.org/1999/xhtml}"
TOKEN = "a-long-token-of-many-characters"


def ask(
    app: Any, path: str, *, peer: str = "127.0.0.1", host: str = "localhost:8080", **headers: str
) -> httpx.Response:
    """One request from `peer`, which asks for `host`."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(peer, 50_000))
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            return await client.get(path, headers={"Host": host, **sent})

    return asyncio.run(asked())


def app_of(newsroom: Newsroom, telemetry: Telemetry | None = None) -> Any:
    return operator_app(newsroom.config, telemetry or Telemetry())


# Health


def test_live_says_that_the_process_answers_and_nothing_else(newsroom: Newsroom) -> None:
    for peer in ("127.0.0.1", "203.0.113.9"):
        answer = ask(app_of(newsroom), "/health/live", peer=peer, host="news.example")
        assert (answer.status_code, answer.json()) == (200, {"status": "live"})
        assert answer.headers["cache-control"] == "no-store"


def test_ready_turns_from_503_to_200_when_something_is_published(newsroom: Newsroom) -> None:
    before = ask(app_of(newsroom), "/health/ready", peer="203.0.113.9")
    assert before.status_code == 503
    assert before.json() == {
        "status": "unready", "reasons": ["nothing has been published yet"], "daemon": "never",
    }  # fmt: skip
    newsroom.write("one.md", markdown())
    newsroom.publish()
    after = ask(app_of(newsroom), "/health/ready", peer="203.0.113.9")
    assert (after.status_code, after.json()) == (200, {"status": "ready", "reasons": [], "daemon": "never"})


def test_ready_says_when_published_files_are_missing_or_the_manifest_is_damaged(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    (newsroom.output / "feed.xml").unlink()
    answer = ask(app_of(newsroom), "/health/ready")
    assert answer.status_code == 503
    (reason,) = answer.json()["reasons"]
    assert re.fullmatch(r"1 of \d+ published files are missing", reason)
    for damage in (b"", b"{", b"[]", b'{"files": 3}', b"[" * 100_000):
        (newsroom.output / "manifest.json").write_bytes(damage)
        answer = ask(app_of(newsroom), "/health/ready")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["the list of what is published cannot be read"]


def test_the_server_notices_a_daemon_that_is_gone_and_serves_on(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    with OnlyOne(newsroom.config.state, newsroom.config.publish.output):
        assert ask(app_of(newsroom), "/health/ready").json()["daemon"] == "running"
        lock = (newsroom.config.state / "daemon.lock").read_bytes()
    (newsroom.config.state / "daemon.lock").write_bytes(lock)  # as one that was killed leaves it
    answer = ask(app_of(newsroom), "/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "live": {"status": "live"},
        "ready": {"status": "ready", "reasons": [], "daemon": "gone"},
    }


# Access


INSIDE = ("/metrics", "/status", "/status.json")


@pytest.mark.parametrize("path", INSIDE)
@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("127.0.0.1", "localhost:8080", {}, 200),
        ("127.9.9.9", "127.0.0.1:8080", {}, 200),
        ("::1", "[::1]:8080", {}, 200),
        ("::ffff:127.0.0.1", "localhost", {}, 200),
        ("203.0.113.9", "localhost:8080", {}, 403),
        ("203.0.113.9", "localhost", {"X_Forwarded_For": "127.0.0.1"}, 403),
        ("127.0.0.1", "localhost", {"X_Forwarded_For": "203.0.113.9"}, 403),  # a proxy on this machine
        ("127.0.0.1", "localhost", {"X_Real_IP": "203.0.113.9"}, 403),
        ("127.0.0.1", "localhost", {"Forwarded": "for=203.0.113.9"}, 403),
        ("127.0.0.1", "127.0.0.1:8080", {"X_Forwarded_Port": "443"}, 403),
        ("127.0.0.1", "127.0.0.1:8080", {"Via": "1.1 proxy"}, 403),
        ("127.0.0.1", "evil.example:8080", {}, 403),  # DNS rebinding
        ("127.0.0.1", "127.0.0.1.evil.example", {}, 403),
        ("127.0.0.1", "localhost", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("203.0.113.9", "localhost", {"Authorization": f"Bearer {TOKEN}"}, 403),
        ("unknown", "localhost", {}, 403),
    ],
)
def test_without_a_token_only_this_machine_may_look(  # noqa: PLR0917
    newsroom: Newsroom, path: str, peer: str, host: str, headers: dict[str, str], status: int
) -> None:
    answer = ask(app_of(newsroom), path, peer=peer, host=host, **headers)
    assert answer.status_code == status
    if status == 403:
        assert "FEEDPUB_STATUS_TOKEN" in answer.text
        assert "Authorization: Bearer" in answer.text
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("path", INSIDE)
def test_behind_a_proxy_nobody_may_look_without_a_token(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """A proxy on the same machine that passes on no word of itself looks like a program here."""
    newsroom.configure(server=Server(trusted_proxies=("127.0.0.1",), status_token_env="NEWS_TOKEN"))
    app = app_of(newsroom)
    assert ask(app, path).status_code == 403
    assert "behind a proxy they need a token in NEWS_TOKEN" in caplog.text


def test_what_comes_in_http_1_0_may_have_been_passed_on(newsroom: Newsroom) -> None:
    app = app_of(newsroom)

    async def as_of_old(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "http_version": "1.0"}, receive, send)

    assert ask(as_of_old, "/status").status_code == 403
    assert ask(app, "/status").status_code == 200


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize("path", INSIDE)
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        (basic(f"anybody:{TOKEN}"), 200),
        (basic(f":{TOKEN}"), 200),
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (TOKEN, 401),
        (basic(TOKEN), 401),
        ("Basic ???", 401),
        ("Basic", 401),
        (f"Digest {TOKEN}", 401),
        ("Bearer \xff\xfe", 401),
    ],
)
@pytest.mark.parametrize("peer", ["203.0.113.9", "127.0.0.1"])
def test_with_a_token_everybody_needs_it(  # noqa: PLR0917
    newsroom: Newsroom,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    authorization: str | None,
    status: int,
    peer: str,
) -> None:
    monkeypatch.setenv("FEEDPUB_STATUS_TOKEN", TOKEN)
    app = app_of(newsroom)
    monkeypatch.delenv("FEEDPUB_STATUS_TOKEN")
    headers = {} if authorization is None else {"Authorization": authorization}
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = ask(app, path, peer=peer, host="news.example", **raw)  # type: ignore[arg-type]
    assert answer.status_code == status
    if status == 401:
        assert "Authorization: Bearer" in answer.text
        assert TOKEN not in answer.text
        assert answer.headers["www-authenticate"] == 'Basic realm="feedpub", charset="UTF-8"'


def test_the_token_may_stand_in_a_variable_of_another_name_and_is_never_logged(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.configure(server=Server(status_token_env="NEWS_TOKEN"))
    monkeypatch.setenv("NEWS_TOKEN", "pässwort")
    app = app_of(newsroom)
    assert ask(app, "/metrics", Authorization="Bearer pässwort".encode()).status_code == 200  # type: ignore[arg-type]
    assert ask(app, "/metrics?token=p%C3%A4sswort").status_code == 401
    assert "fewer than 16 characters" in caplog.text
    assert "pässwort" not in caplog.text


def test_many_who_ask_at_once_cost_no_more_than_one(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    real = observing.observe
    monkeypatch.setattr(observing, "observe", lambda *given: looks.append(given) or real(*given))
    app = app_of(newsroom)

    async def crowd() -> set[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answers = await asyncio.gather(*(client.get(path) for path in INSIDE * 10))
        return {answer.status_code for answer in answers}

    assert asyncio.run(crowd()) == {200}
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/statusx", 404),
        ("GET", "/health/x", 404),
        ("GET", "/status/", 404),
        ("GET", "/health/live/", 404),
        ("POST", "/status", 405),
    ],
)
def test_other_paths_and_methods_are_not_answered_nor_sent_elsewhere(
    newsroom: Newsroom, method: str, path: str, status: int
) -> None:
    app = app_of(newsroom)

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            return await client.request(method, path, headers={"Host": "evil.example"})

    answer = asyncio.run(asked())
    assert answer.status_code == status
    assert "location" not in answer.headers
    assert "evil" not in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert ("allow" in answer.headers) == (status == 405)


def test_who_may_not_look_gets_the_same_headers(newsroom: Newsroom) -> None:
    answer = ask(app_of(newsroom), "/status", peer="203.0.113.9")
    assert answer.status_code == 403
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"


# Metrics


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def exposed(seen: Observation, telemetry: Telemetry | None = None, alarms: tuple[Alarm, ...] = ()) -> str:
    return metrics.exposed(seen, alarms, taken(telemetry or Telemetry()), ready=True)[0].decode()


def test_metrics_say_what_a_newsroom_did(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.write(
        "bad.md", "---\ntitle: Bridge\ndate: 2025-02-30\n---\n\nThe bridge opened on Tuesday at last.\n"
    )
    newsroom.publish()
    newsroom.publish(now=NOW + HOUR)
    telemetry = Telemetry()
    telemetry.count("feed", 200, 900, 0.0004)
    telemetry.count("feed", 304, 0, 9.0)
    answer = ask(app_of(newsroom, telemetry), "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = samples(answer.text)
    for name, labels, value in (
        ("feedpub_ready", {}, 1),
        ("feedpub_store_ready", {}, 1),
        ("feedpub_daemon_up", {}, 0),
        ("feedpub_articles", {}, 1),
        ("feedpub_held_documents", {}, 1),
        ("feedpub_refreshes_total", {"outcome": "succeeded"}, 2),
        ("feedpub_refreshes_total", {"outcome": "failed"}, 0),
        ("feedpub_refresh_duration_seconds_count", {}, 2),
        ("feedpub_source_refreshes_total", {"source": "articles", "outcome": "succeeded"}, 2),
        ("feedpub_source_document_changes_total", {"source": "articles", "change": "new"}, 1),
        ("feedpub_source_documents", {"source": "articles"}, 1),
        ("feedpub_source_held_documents", {"source": "articles"}, 1),
        ("feedpub_source_interval_seconds", {"source": "articles"}, 300),
        ("feedpub_feed_entries", {"feed": ""}, 1),
        ("feedpub_http_responses_total", {"kind": "feed", "status": "304"}, 1),
        ("feedpub_http_sent_bytes_total", {}, 900),
        ("feedpub_http_response_duration_seconds_bucket", {"le": "0.0005"}, 1),
        ("feedpub_http_response_duration_seconds_bucket", {"le": "2.5"}, 1),
        ("feedpub_http_response_duration_seconds_bucket", {"le": "+Inf"}, 2),
        ("feedpub_http_response_duration_seconds_count", {}, 2),
    ):
        assert found[name, tuple(sorted(labels.items()))] == value, name
    assert found["feedpub_refresh_duration_seconds_sum", ()] > 0
    assert found["process_resident_memory_bytes", ()] > 1_000_000


def test_ages_lag_and_what_is_expected_are_in_seconds_and_days_are_whole_ones() -> None:
    steady = source("agency", days(*[3] * 20), lag_seconds=42.0, failures=2, changed_at=NOW - HOUR)
    seen = observation(
        steady, source("new", last_success_at=None), feeds=(feed("", [back(day) for day in range(9)]),)
    )
    found = samples(exposed(seen))
    agency = (("source", "agency"),)
    assert found["feedpub_source_age_seconds", agency] == 120
    assert found["feedpub_source_news_age_seconds", agency] == 3600
    assert found["feedpub_source_expected_news_interval_seconds", agency] == 86_400
    assert found["feedpub_source_lag_seconds", agency] == 42
    assert found["feedpub_source_consecutive_failures", agency] == 2
    assert found["feedpub_feed_age_seconds", (("feed", ""),)] == 3600
    assert found["feedpub_feed_expected_change_interval_seconds", (("feed", ""),)] == 86_400
    # What is not known has no value, instead of a wrong one.
    assert ("feedpub_source_age_seconds", (("source", "new"),)) not in found
    assert found["feedpub_source_standing", (("source", "new"), ("standing", "never"))] == 1
    assert found["feedpub_source_standing", (("source", "new"), ("standing", "quiet"))] == 0
    assert found["feedpub_daemon_up", ()] == 1


def test_alarms_are_counted_by_kind_and_a_kind_without_any_is_zero() -> None:
    alarm = Alarm("source-stale:agency", "source-stale", "agency", "It is stale.", "")
    found = samples(exposed(observation(), alarms=(alarm,)))
    assert found["feedpub_alarms", (("kind", "source-stale"),)] == 1
    assert found["feedpub_alarms", (("kind", "disk-filling"),)] == 0


def test_a_store_that_cannot_be_read_has_no_numbers_instead_of_zeros() -> None:
    found = samples(exposed(observation(source(), store="newer", store_text="newer")))
    assert found["feedpub_store_ready", ()] == 0
    assert ("feedpub_articles", ()) not in found


def test_every_metric_has_its_help_and_type_once_and_a_name_after_the_conventions() -> None:
    text = exposed(observation(source("agency", days(1, 2)), feeds=(feed(),)))
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    for family in families:
        assert family.documentation
        assert family.type in ("gauge", "counter", "summary", "histogram")
        if family.name.startswith("feedpub_"):
            assert re.fullmatch(r"feedpub_[a-z_]+", family.name)
            assert not re.search(r"_(ms|minutes|hours|days|kb|mb|total)$", family.name)
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total")


def test_labels_are_bounded_by_the_configuration() -> None:
    telemetry = Telemetry()
    for kind in ("feed", "page"):
        for status in (200, 304, 404):
            telemetry.count(kind, status, 1, 0.1)
    one = exposed(observation(source("a", days(*[5] * 80))), telemetry)
    two = exposed(observation(source("a", days(*[5] * 80)), source("b", days(*[5] * 80))), telemetry)
    # A second source has at most 32 lines more, however long its history.
    assert 0 < len(samples(two)) - len(samples(one)) <= 32


def test_openmetrics_is_spoken_to_who_asks_for_it(newsroom: Newsroom) -> None:
    answer = ask(app_of(newsroom), "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {"feedpub_ready", "feedpub_daemon_up"} <= {family.name for family in openmetrics(answer.text)}


def test_connections_that_were_closed_are_counted_by_reason() -> None:
    telemetry = Telemetry()
    for _ in range(3):
        telemetry.closed("full")
    found = samples(exposed(observation(), telemetry))
    name = "feedpub_http_closed_connections_total"
    assert {labels: value for (known, labels), value in found.items() if known == name} == {
        (("reason", "full"),): 3,
        (("reason", "stalled"),): 0,
        (("reason", "ending"),): 0,
    }


def test_the_documentation_names_metrics_and_alarms_that_there_are() -> None:
    told = (ROOT / "docs" / "operating.md").read_text("utf-8")
    telemetry = Telemetry()
    telemetry.count("feed", 200, 1, 0.1)
    text = exposed(
        observation(source("agency", days(*[1] * 9)), feeds=(feed("", [back(day) for day in range(9)]),)),
        telemetry,
    )
    known = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    known |= {family.name for family in text_string_to_metric_families(text)}
    named = set(re.findall(r"feedpub_[a-z_]*[a-z]", told))
    assert len(named) > 15
    assert named <= known
    listed = re.findall(r"^\| `([a-z-]+)` \|", told, re.MULTILINE)
    assert set(listed) == set(get_args(Kind))
    described = re.findall(r"^\| ([A-Z][a-z ]+) \| ", told, re.MULTILINE)
    assert set(page.WORDS.values()) <= set(described)


# The status page


def rendered(seen: Observation, alarms: tuple[Alarm, ...] = (), timezone: str = "UTC") -> str:
    return page.rendered(seen, alarms, taken(Telemetry()), timezone)[0].decode()


def parsed(text: str) -> Any:
    return html5lib.HTMLParser(strict=True).parse(text)


def words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def rows(tree: Any, section: str) -> dict[str, list[str]]:
    """The rows of a section's table: the text of the row's header → its cells."""
    found = {}
    for part in tree.iter(f"{HTML}section"):
        if part.get("aria-labelledby") == section:
            for row in part.iter(f"{HTML}tr"):
                head, *cells = list(row)
                found[words(head)] = [words(cell) for cell in cells]
    return found


def test_each_source_is_told_with_its_state_last_success_change_and_next_run() -> None:
    steady = source("agency", days(*[0] * 9, 5, 5, 7), documents=1234, changed_at=NOW - HOUR)
    failing = source(
        "cms",
        days(1, 1),
        failure="not mounted",
        failures=3,
        last_success_at=NOW - 5 * HOUR,
        changed_at=NOW - 30 * HOUR,
    )
    found = rows(parsed(rendered(observation(steady, failing), timezone="Europe/Berlin")), "sources")
    assert found["agency 1,234 published"][:4] == [
        "Fresh something new today; too new to say what is usual",
        "2 minutes ago 3 Sep, 09:58",
        "1 hour ago 3 Sep, 09:00 7 new",
        "in 3 minutes 3 Sep, 10:03",
    ]
    assert found["cms 100 published"][:3] == [
        "Failing failing; last read 5 hours ago: not mounted 3 failures in a row",
        "5 hours ago 3 Sep, 05:00",
        "30 hours ago 2 Sep, 04:00 1 new",
    ]


@pytest.mark.parametrize(
    ("changes", "history", "word"),
    [
        ({}, days(*[1] * 20), "Fresh"),
        ({}, days(*[1] * 20, 0, 0, 0), "Quiet"),
        ({"last_success_at": NOW - HOUR}, days(*[1] * 20), "Stale"),
        ({"incomplete": "empty"}, days(*[1] * 20), "Read in part"),
        ({"failure": "gone"}, days(*[1] * 20), "Failing"),
        ({"last_success_at": None}, (), "Never read"),
    ],
)
def test_each_standing_has_a_word_a_class_and_an_icon_of_its_own(
    changes: dict[str, Any], history: Any, word: str
) -> None:
    seen = observation(source("agency", history, **changes))
    state = next(
        span
        for span in parsed(rendered(seen)).iter(f"{HTML}span")
        if (span.get("class") or "").startswith("state")
    )
    assert words(state) == word
    icons = {
        other: re.search(r"<svg.*?</svg>", _state(other), re.DOTALL).group()  # type: ignore[union-attr]
        for other in ("fresh", "quiet", "stale", "incomplete", "failing", "never", "unknown")
    }
    assert len(set(icons.values())) == 7
    kind = str(state.get("class")).removeprefix("state is-")
    assert page.WORDS[kind] == word
    assert f".is-{kind}" in (Path(page.__file__).parent / "templates" / "status.css").read_text()


def _state(word: str) -> str:
    view = source("agency")
    text = rendered(observation(replace(view, standing=replace(view.standing, word=word))))  # type: ignore[arg-type]
    found = re.search(r'<span class="state is-.*?</span>', text, re.DOTALL)
    assert found is not None
    return found.group()


def test_what_is_wrong_stands_first_and_counts_in_the_title() -> None:
    alarm = Alarm("disk-filling:disk", "disk-filling", "disk", "The disk is filling.", "Make room.")
    tree = parsed(rendered(observation(), (alarm, replace(alarm, key="x"))))
    assert words(next(tree.iter(f"{HTML}title"))) == "(2) Status of Test News"
    text = words(tree)
    assert "2 things are wrong. The disk is filling. Make room." in text
    assert "Nothing is wrong." not in text
    assert "Nothing is wrong." in words(parsed(rendered(observation())))


def test_quarantine_and_refreshes_are_told_with_reasons_and_remedies() -> None:
    held = Held(
        "agency", "2025/bridge.md",
        (Problem("date.invalid", "30 February is no day", "Correct the date.", line=3),),
        NOW - timedelta(days=3), published_id="urn:x", headline="Bridge opens",
    )  # fmt: skip
    run = {
        "started_at": "2025-09-03T07:55:00Z", "finished_at": "2025-09-03T07:55:02Z", "written": 14, "deleted": 1,
        "sources": [{"name": "agency", "new": 2, "modified": 1}, {"name": "cms", "failure": "not mounted"}],
        "failures": ["feed.xml was not published"],
    }  # fmt: skip
    tree = parsed(rendered(observation(held=(held,), held_count=51, runs=(run,))))
    text = words(tree)
    assert (
        "agency: 2025/bridge.md Bridge opens Since 3 days ago. Its last good version stays published." in text
    )
    assert "line 3: 30 February is no day Correct the date." in text
    assert "… and 50 more: feedpub quarantine lists all." in text
    assert rows(tree, "refreshes")["5 minutes ago 3 Sep, 07:55"] == [
        "2 seconds",
        "agency, cms",
        "2 new, 1 changed failed: cms: not mounted failed: feed.xml was not published",
        "14 files written, 1 deleted",
    ]


def test_reports_of_other_versions_do_not_break_the_page() -> None:
    odd: Any = (
        {},
        {"started_at": 7, "sources": [None, {}], "written": None},
        {"sources": None, "failures": None},
    )
    assert "<h2" in rendered(observation(runs=odd))


def test_a_newsroom_without_a_store_or_with_another_ones_can_be_looked_at(newsroom: Newsroom) -> None:
    text = ask(app_of(newsroom), "/status").text
    assert "Nothing has been published here yet." in words(parsed(text))
    assert "Nothing is wrong." not in text


HOSTILE = "<script>alert(1)</script>\"'&--><img src=x onerror=alert(2)>\u202e\x00\x1b[31m{{ 7 * 7 }}"


def hostile() -> Observation:
    held = Held(
        HOSTILE, HOSTILE, (Problem(HOSTILE, HOSTILE, HOSTILE, pointer=HOSTILE),), NOW, headline=HOSTILE
    )
    run = {"started_at": HOSTILE, "sources": [{"name": HOSTILE, "failure": HOSTILE}], "failures": [HOSTILE]}
    return observation(
        source(HOSTILE, days(1, 2), failure=HOSTILE),
        source("b", days(1, 2), incomplete=HOSTILE),
        title=HOSTILE, held=(held,), held_count=1, runs=(run,), feeds=(feed(HOSTILE, title=HOSTILE),),
        daemon=DaemonView("running", NOW, NOW, notice=HOSTILE), store_text=HOSTILE,
    )  # fmt: skip


def test_hostile_names_stay_text() -> None:
    alarm = Alarm(HOSTILE, "store", HOSTILE, HOSTILE, HOSTILE)
    text = rendered(hostile(), (alarm,))
    tree = parsed(text)
    elements = {element.tag.removeprefix(HTML) for element in tree.iter() if isinstance(element.tag, str)}
    assert not elements & {"script", "img", "iframe", "object", "form", "input"}
    assert not [
        name for element in tree.iter() for name in element.attrib if name.startswith("on") or name == "style"
    ]
    assert "{{ 7 * 7 }}" in text
    assert not {"\x00", "\x1b"} & set(text)
    # Each text from outside is kept by itself, so that marks of direction do not reach beyond it.
    for element in tree.iter():
        own = (element.text or "", *((child.tail or "") for child in element))
        if any("\u202e" in part for part in own):
            assert element.tag.removeprefix(HTML) in ("bdi", "title"), element.tag


@given(TEXT)
def test_any_text_in_it_gives_a_whole_page(text: str) -> None:
    seen = observation(
        source("a", days(1, 2), failure=text),
        title=text,
        held=(Held("a", text, (Problem("x", text),), NOW),),
        held_count=1,
    )
    parsed(rendered(seen))


def test_the_policy_allows_the_style_sheet_of_the_page_and_nothing_else(newsroom: Newsroom) -> None:
    answer = ask(app_of(newsroom), "/status")
    policy = answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_the_page_has_landmarks_a_language_and_headed_tables() -> None:
    tree = parsed(rendered(hostile()))
    assert tree.get("lang") == "en"
    for name in ("header", "main", "nav", "footer"):
        assert len(list(tree.iter(f"{HTML}{name}"))) == 1
    identifiers = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    for element in tree.iter():
        target = element.get("href") or ""
        assert not target.startswith("#") or target[1:] in identifiers
    for table in tree.iter(f"{HTML}table"):
        head, *body = table.iter(f"{HTML}tr")
        assert {cell.get("scope") for cell in head} == {"col"}
        labels = [words(cell) for cell in head]
        for row in body:
            assert row[0].get("scope") == "row"
            # On a phone each cell bears its column's name.
            assert [cell.get("data-label") for cell in row[1:]] == labels[1:]
    for image in tree.iter("{http://www.w3.org/2000/svg}svg"):
        assert image.get("aria-hidden") == "true" or (image.get("role") == "img" and image.get("aria-label"))


def test_the_same_can_be_had_as_json(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    daemonstate.write(
        newsroom.config.state, DaemonState(1, "h", NOW, NOW, (JobState("articles", "5m", NOW),))
    )
    answer = ask(app_of(newsroom), "/status.json")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert (found["articles"], found["store"]) == (1, "ready")
    assert found["sources"][0]["next_at"] == "2025-09-03T08:00:00+00:00"
    assert {alarm["kind"] for alarm in found["alarms"]} >= {"daemon-down"}


def test_a_name_that_is_no_text_can_be_shown_as_json(tmp_path: Path) -> None:
    odd = tmp_path / "caf\udce9"
    config = Config(
        root=tmp_path, sources=(SourceConfig("a", path=odd),), publish=Publish(output=odd), state=tmp_path
    )
    answer = ask(operator_app(config, Telemetry()), "/status.json")
    assert json.loads(answer.text)["output"] == str(odd)


# Charts


def test_a_chart_has_a_column_a_day_as_high_as_its_share_of_the_highest() -> None:
    history = days(4, 0, 8)
    found = chart(history, NOW.date(), "News", NEWS, height=40)
    assert [(bar.x, bar.y, bar.height, bar.kind) for bar in found.bars] == [
        (250, 20.0, 20.0, "new"),
        (270, 0.0, 40.0, "new"),
    ]
    assert found.idle == tuple(range(0, 250, 10))
    assert (found.first, found.last, found.peak) == (back(27), back(0), "8")


def test_bars_of_one_kind_are_one_path() -> None:
    found = chart(days(4, 0, 8), NOW.date(), "News", NEWS, height=40)
    assert found.paths == {"new": "M250 20h8v20h-8zM270 0h8v40h-8z"}


def test_what_changed_stands_on_what_is_new_and_days_with_failures_are_marked() -> None:
    (today,) = days(6)
    found = chart([replace(today, modified=2, failed=1)], NOW.date(), "News", NEWS, height=40)
    assert [(bar.y, bar.height, bar.kind) for bar in found.bars] == [
        (10.0, 30.0, "new"),
        (0.0, 10.0, "modified"),
    ]
    assert found.failed == (270,)


def test_a_chart_says_in_words_what_it_shows() -> None:
    found = chart(days(*[2] * 21, *[5] * 7), NOW.date(), "News", NEWS, height=40)
    assert found.label == "News: on average 5 a day in the last 7 days, 2 in the 3 weeks before"
    assert chart((), NOW.date(), "News", NEWS, height=40).bars == ()
