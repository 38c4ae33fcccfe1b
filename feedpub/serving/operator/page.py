"""The status page: what was seen, in words and small charts, as one HTML page without scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from feedpub.alarms.rules import Alarm, megabytes
from feedpub.formats.properties import without_controls
from feedpub.observation import Day, FeedView, Observation, SourceView
from feedpub.reports import Held
from feedpub.serving.operator.charts import NEWS, Chart, chart
from feedpub.serving.operator.traffic import Traffic
from feedpub.standing import counted, span

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TALL, SMALL = 64, 56
"""Heights of charts, in pixels."""
HELD_LISTED = 50
PROBLEMS_LISTED = 5
RUNS_LISTED = 15

WORDS = {
    "fresh": "Fresh",
    "quiet": "Quiet",
    "stale": "Stale",
    "incomplete": "Read in part",
    "failing": "Failing",
    "never": "Never read",
    "unknown": "Unknown",
}
"""What the page calls each standing. Icon and colour go with the word and never stand for it."""
_DAEMON = {
    "running": "The daemon runs.",
    "stopped": "The daemon was stopped.",
    "gone": "The daemon ended without having been stopped.",
    "never": "No daemon has ever run here.",
}


def rendered(
    seen: Observation, alarms: Sequence[Alarm], traffic: Traffic, timezone: str
) -> tuple[bytes, str]:
    """The page in UTF-8, and the Content-Security-Policy that lets it have its style sheet and nothing else."""
    style = _style()
    text = (
        _environment()
        .get_template("status.html")
        .render(
            style=style.text,
            seen=seen,
            alarms=alarms,
            times=_Times(seen.now, timezone),
            words=WORDS,
            daemon=_daemon(seen),
            facts=_facts(seen, traffic),
            sources=[_source(source, seen) for source in seen.sources],
            feeds=[_feed(feed) for feed in seen.feeds],
            held=[_held(document) for document in seen.held[:HELD_LISTED]],
            held_more=seen.held_count - len(seen.held[:HELD_LISTED]),
            runs=[_run(run) for run in seen.runs[:RUNS_LISTED]],
            charts=_charts(seen),
        )
    )
    return without_controls(text.encode("utf-8", "replace")), style.policy


class _Times:
    """Moments as the page shows them: how long ago, and when in the newsroom's own zone."""

    def __init__(self, now: datetime, timezone: str) -> None:
        self.now = now
        self.timezone = timezone
        self._zone = ZoneInfo(timezone)

    def near(self, moment: datetime) -> str:
        """ "3 minutes ago", "in 3 minutes"."""
        seconds = (self.now - moment).total_seconds()
        if abs(seconds) < 1:
            return "now"
        return f"{span(self.now - moment)} ago" if seconds > 0 else f"in {span(moment - self.now)}"

    def shown(self, moment: datetime) -> str:
        """ "3 Sep, 08:00"; with its year if that is another."""
        local = moment.astimezone(self._zone)
        year = "" if local.year == self.now.astimezone(self._zone).year else f" {local.year}"
        return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def _daemon(seen: Observation) -> str:
    return _DAEMON[seen.daemon.word]


def _facts(seen: Observation, traffic: Traffic) -> list[tuple[str, str]]:
    facts = [
        ("Articles", f"{seen.articles:,}"),
        ("Events", f"{seen.events:,}"),
        ("Held back", f"{seen.held_count:,}"),
        ("Published files", f"{seen.files:,} ({megabytes(seen.output_bytes)})"),
    ]
    if seen.disk is not None:
        facts.append(("Free on disk", megabytes(seen.disk.free_bytes)))
    answers = sum(traffic.answers.values())
    if answers:
        facts.append(("Answers since the server started", f"{answers:,}"))
    errors = sum(number for (_, status), number in traffic.answers.items() if status >= 500)
    if errors:
        facts.append(("Errors of the server", f"{errors:,}"))
    return facts


@dataclass(frozen=True, slots=True)
class _SourceRow:
    view: SourceView
    changed: str
    next_at: datetime | None
    next_note: str
    chart: Chart


def _source(source: SourceView, seen: Observation) -> _SourceRow:
    if source.running_since is not None:
        note = f"running for {span(seen.now - source.running_since)}"
    elif source.lag_seconds and source.lag_seconds >= 60:
        note = "late"
    else:
        note = ""
    return _SourceRow(
        source,
        _changed(source),
        source.next_at if seen.daemon.word == "running" else None,
        note,
        chart(
            source.days, seen.now.date(), f"New and changed documents of {source.name}", NEWS, height=SMALL
        ),
    )


def _changed(source: SourceView) -> str:
    """What came, changed and went on the last day on which anything did."""
    moved = [day for day in source.days if day.news or day.removed]
    return _counts(moved[-1]) if moved else ""


def _counts(day: Day) -> str:
    parts = ((day.new, "new"), (day.modified, "changed"), (day.removed, "removed"))
    return ", ".join(f"{number:,} {word}" for number, word in parts if number)


@dataclass(frozen=True, slots=True)
class _FeedRow:
    view: FeedView
    formats: str
    word: str
    text: str


def _feed(feed: FeedView) -> _FeedRow:
    standing = feed.standing
    if standing is None:
        return _FeedRow(feed, ", ".join(feed.formats), "unknown", "when articles came into it is not known")
    return _FeedRow(feed, ", ".join(feed.formats), standing.word, standing.text)


@dataclass(frozen=True, slots=True)
class _HeldRow:
    document: Held
    problems: tuple[tuple[str, str], ...]
    more: int


def _held(document: Held) -> _HeldRow:
    shown = tuple(
        (
            (f"line {problem.line}: " if problem.line else "")
            + (f"{problem.pointer}: " if problem.pointer else "")
            + problem.message,
            problem.remedy,
        )
        for problem in document.problems[:PROBLEMS_LISTED]
    )
    return _HeldRow(document, shown, max(0, len(document.problems) - PROBLEMS_LISTED))


@dataclass(frozen=True, slots=True)
class _RunRow:
    at: datetime | None
    seconds: str
    sources: str
    changed: str
    written: str
    failures: tuple[str, ...]


def _run(run: dict[str, Any]) -> _RunRow:
    """A refresh as its report tells it. Reports of other versions may lack something."""
    begun, ended = _moment(run.get("started_at")), _moment(run.get("finished_at"))
    sources = [source for source in run.get("sources") or () if isinstance(source, dict)]

    def total(name: str) -> int:
        return sum(int(source.get(name) or 0) for source in sources)

    day = Day(datetime.min.date(), new=total("new"), modified=total("modified"), removed=total("removed"))
    failures = [f"{source.get('name')}: {source['failure']}" for source in sources if source.get("failure")]
    written, deleted = int(run.get("written") or 0), int(run.get("deleted") or 0)
    return _RunRow(
        begun,
        span(ended - begun) if begun and ended else "",
        ", ".join(str(source.get("name")) for source in sources[:5]) + (", …" if len(sources) > 5 else ""),
        _counts(day) or "nothing",
        f"{counted(written, 'file')} written" + (f", {deleted:,} deleted" if deleted else ""),
        tuple(failures + [str(failure) for failure in run.get("failures") or ()]),
    )


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _charts(seen: Observation) -> list[Chart]:
    today = seen.now.date()
    return [
        chart(seen.days, today, "New and changed documents", NEWS, height=TALL),
        chart(seen.days, today, "Removed documents", (("removed", lambda day: day.removed),), height=TALL),
        chart(seen.days, today, "Held back at the end of the day", (("held", lambda day: day.held or 0),), height=TALL),
        chart(
            seen.days, today, "Longest refresh", (("seconds", lambda day: day.longest),), height=TALL, unit="s"
        ),
    ]  # fmt: skip


# The template


@dataclass(frozen=True, slots=True)
class _Style:
    text: Markup
    policy: str


@cache
def _style() -> _Style:
    from markupsafe import Markup

    text = (Path(__file__).parent / "templates" / "status.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return _Style(Markup(text), policy)  # noqa: S704 - our own file


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
