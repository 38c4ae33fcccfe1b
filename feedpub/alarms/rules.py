"""What is wrong with a newsroom: `check`, a pure function of what there is to see.

Each kind of alarm is one function from the observation; its sentence is for the operator. Of several
things that are wrong with one source only the worst is told, since the others follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Literal

from feedpub.config import Alarms, Config
from feedpub.observation import Day, FeedView, Observation, SourceView
from feedpub.standing import counted, span

Kind = Literal[
    "source-never", "source-failing", "source-stale", "source-incomplete", "source-quiet", "source-shrinking",
    "feed-still", "output-failing", "output-damaged", "quarantine-growing", "disk-filling", "daemon-down", "daemon-late",
    "configuration", "watching", "store",
]  # fmt: skip

WEEK = 7
WEEKS = 8
"""How many weeks before the last one say what a source usually brings."""
LEAST_WEEKLY = 5
"""Documents in a usual week; of a source that brings fewer, a thin week says nothing."""
LEAST_LOST = 5
LATE = timedelta(minutes=5)
"""A refresh later than this (or than its own interval, if that is longer) is told."""
FEW_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong now. `key` is the same as long as it is the same thing; `remedy` says what to do."""

    key: str
    kind: Kind
    subject: str
    message: str
    remedy: str


def check(config: Config, seen: Observation) -> list[Alarm]:
    """Everything that is wrong, the gravest first; empty if all is well."""
    found = [alarm for rule in _RULES for alarm in rule(config.alarms, seen)]
    return sorted(found, key=lambda alarm: _GRAVEST_FIRST.index(alarm.kind))


def _alarm(kind: Kind, subject: str, message: str, remedy: str) -> Alarm:
    return Alarm(f"{kind}:{subject}", kind, subject, message, remedy)


# The machine


def _store(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    if seen.store in ("newer", "unusable"):
        yield _alarm("store", "store", seen.store_text or "The store cannot be read.", "Do as it says.")


def _daemon(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    daemon = seen.daemon
    if daemon.word == "running":
        late = [source for source in seen.sources if _is_late(source)]
        if late:
            worst = max(late, key=lambda source: source.lag_seconds or 0)
            behind = span(timedelta(seconds=worst.lag_seconds or 0))
            yield _alarm(
                "daemon-late",
                "daemon",
                f"The daemon runs, but {counted(len(late), 'source')} should have been read by now: {worst.name} is "
                f"{behind} late.",
                "See its log for what it waits for; restart it if it hangs.",
            )
    elif daemon.updated_at is not None and seen.now - daemon.updated_at > LATE:
        how = "was stopped" if daemon.word == "stopped" else "ended without having been stopped"
        yield _alarm(
            "daemon-down",
            "daemon",
            f"No daemon runs: the last one {how}; it was last heard of {span(seen.now - daemon.updated_at)} ago.",
            "Start `feedpub daemon` again, and see its log for why it ended.",
        )


def _configuration(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    if seen.daemon.notice:
        yield _alarm(
            "configuration",
            "feedpub.toml",
            seen.daemon.notice,
            "Correct the file: the daemon notices by itself.",
        )


def _watching(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    for name, said in seen.daemon.unwatched.items():
        yield _alarm(
            "watching",
            name,
            said,
            "Mend that, or give the source a shorter `every` and set `watch = false`.",
        )


def _is_late(source: SourceView) -> bool:
    limit = max(LATE.total_seconds(), source.interval_seconds)
    return source.running_since is None and source.lag_seconds is not None and source.lag_seconds > limit


def _disk(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    disk = seen.disk
    if disk is None:
        return
    if disk.free_bytes < rules.free_bytes:
        said = f"{megabytes(disk.free_bytes)} of {megabytes(disk.total_bytes)} are free"
    elif disk.free_files is not None and disk.free_files < FEW_FILES:
        said = f"there is room for {disk.free_files:,} more files"
    else:
        return
    yield _alarm(
        "disk-filling",
        "disk",
        f"The disk is filling: {said} at {disk.path}.",
        "Make room before nothing can be published any more.",
    )


# The sources


def _sources(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    for source in seen.sources:
        alarm = _unread(rules, seen, source) or _dwindling(rules, seen, source)
        if alarm is not None:
            yield alarm


def _unread(rules: Alarms, seen: Observation, source: SourceView) -> Alarm | None:
    """A source that cannot be read, or not as a whole."""
    name, word, said = source.name, source.standing.word, source.standing.text
    remedy = "Make it readable again. What was published from it stays."
    if word == "never" and seen.runs:
        return _alarm("source-never", name, _sentence(f"The source {name} has {said}"), remedy)
    # One failure may be a disturbance of a moment; where no daemon counts, each stands for itself.
    if word == "failing" and (source.failures >= rules.failures or seen.daemon.word != "running"):
        return _alarm("source-failing", name, _sentence(f"The source {name} is {said}"), remedy)
    # Without a daemon, and while nothing can be published, all are stale: that is one alarm, and its own.
    if word == "stale" and seen.daemon.word in ("running", "never") and not seen.daemon.blocked:
        return _alarm(
            "source-stale", name, _sentence(f"The source {name} was {said}"), "See whether the daemon runs."
        )
    if word == "incomplete":
        return _alarm("source-incomplete", name, _sentence(f"The source {name} could be {said}"), remedy)
    return None


def _dwindling(rules: Alarms, seen: Observation, source: SourceView) -> Alarm | None:
    """A source that can be read, and brings less than it should."""
    remedy = "See whether what fills it still works, and whether it still looks in the right place."
    if source.standing.word not in ("fresh", "quiet"):
        return None
    lost = _lost(rules, source, seen.now.date()) if rules.shrink else None
    if lost:
        return _alarm("source-shrinking", source.name, f"The source {source.name} {lost}.", remedy)
    if source.standing.word == "quiet":
        return _alarm(
            "source-quiet", source.name, f"The source {source.name} is {source.standing.text}.", remedy
        )
    thin = _thin(rules, source, seen.now.date())
    if thin:
        return _alarm("source-shrinking", source.name, f"The source {source.name} {thin}.", remedy)
    return None


def _lost(rules: Alarms, source: SourceView, today: date) -> str | None:
    days = [day for day in source.days if 0 <= (today - day.on).days < WEEK]
    lost = sum(day.removed for day in days) - sum(day.new for day in days)
    before = source.documents + lost
    if lost < LEAST_LOST or lost <= rules.shrink * before:
        return None
    return f"lost {lost:,} of {before:,} documents within 7 days"


def _thin(rules: Alarms, source: SourceView, today: date) -> str | None:
    """Little news in the last seven days against the median of the weeks before, today left out as it is not over."""
    weeks = [0] * (WEEKS + 1)
    for day in source.days:
        back = (today - day.on).days - 1
        if 0 <= back < WEEK * len(weeks):
            weeks[back // WEEK] += day.news
    known = (today - source.days[0].on).days // WEEK - 1 if source.days else 0
    earlier = weeks[1 : 1 + min(WEEKS, known)]
    if len(earlier) < 4:
        return None
    usual = median(earlier)
    if usual < LEAST_WEEKLY or weeks[0] >= rules.shrink * usual:
        return None
    return f"brought {counted(weeks[0], 'new or changed document')} in 7 days, usually {usual:,.0f}"


# What is made of them


def _feeds(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    by_name = {source.name: source for source in seen.sources}
    for feed in seen.feeds:
        standing = feed.standing
        if standing is None or standing.word != "quiet" or standing.quiet_days is None:
            continue
        news = _brought(feed, by_name, seen.now.date(), standing.quiet_days)
        if news:
            yield _alarm(
                "feed-still",
                feed.path or "main feed",
                f"The feed {feed.title} is {standing.text}, although its sources brought {counted(news, 'document')} "
                "meanwhile.",
                "See whether its filter still fits what the articles state, and whether articles carry old dates.",
            )


def _brought(feed: FeedView, sources: dict[str, SourceView], today: date, quiet_days: int) -> int:
    """How many documents came from a feed's sources on the days after its last."""
    return sum(
        day.new for name in feed.sources for day in sources[name].days if (today - day.on).days < quiet_days
    )


def _output(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    failures = seen.output_failures
    remedy = "The last good versions stay up. See `feedpub status` and the log."
    if seen.daemon.blocked:
        yield _alarm(
            "output-failing",
            "output",
            f"The last refresh could publish nothing: {seen.daemon.blocked}",
            remedy,
        )
    elif failures:
        yield _alarm(
            "output-failing",
            "output",
            f"The last refresh could not publish {counted(len(failures), 'file')}: {failures[0]}",
            remedy,
        )


def _damaged(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    if seen.damaged:
        are = "is" if len(seen.damaged) == 1 else "are"
        yield _alarm(
            "output-damaged",
            "output",
            f"{counted(len(seen.damaged), 'published file')} {are} missing or not what was written: {seen.damaged[0]}",
            "Run `feedpub publish --repair`, and find out who changes the output; nobody but feedpub should.",
        )


def _quarantine(rules: Alarms, seen: Observation) -> Iterator[Alarm]:
    today = seen.now.date()
    before = [
        day.held
        for day in seen.days
        if 0 < (today - day.on).days <= WEEK and day.held is not None and _ran(day)
    ]
    grown = seen.held_count - min(before, default=0)
    if seen.store == "ready" and grown >= rules.held:
        yield _alarm(
            "quarantine-growing",
            "quarantine",
            f"The quarantine is growing: {counted(seen.held_count, 'document')} held back, {grown:,} more than 7 days ago.",
            "`feedpub quarantine` says why, and what to do.",
        )


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def _ran(day: Day) -> bool:
    return bool(day.succeeded or day.failed)


def megabytes(size: int) -> str:
    """A size for people: "512 MB", "3.2 GB"."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


_RULES: tuple[Callable[[Alarms, Observation], Iterator[Alarm]], ...] = (
    _store, _daemon, _configuration, _watching, _disk, _sources, _feeds, _output, _damaged, _quarantine,
)  # fmt: skip
_GRAVEST_FIRST: tuple[Kind, ...] = (
    "store", "daemon-down", "disk-filling", "output-damaged", "output-failing", "configuration", "daemon-late",
    "source-never", "source-failing", "source-stale", "source-incomplete", "watching",
    "source-shrinking", "source-quiet", "feed-still", "quarantine-growing",
)  # fmt: skip
