"""Small bar charts of the last four weeks as numbers for a template: one bar a day, in whole SVG units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from feedpub.observation import Day

DAYS = 28
STEP, BAR = 10, 8
"""From one bar to the next, and the width of each."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's column, with the class that gives its colour. The origin is at the top left."""

    x: int
    y: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is `width` by `height`; `failed` and `idle` are the x of days with failures and without refreshes.

    `label` says in words what it shows, for those who do not see it.
    """

    title: str
    label: str
    peak: str
    first: date
    last: date
    height: int
    bars: tuple[Bar, ...]
    failed: tuple[int, ...]
    idle: tuple[int, ...]
    width: int = DAYS * STEP

    @property
    def paths(self) -> dict[str, str]:
        """The bars of each kind as one SVG path: a page with a thousand sources has a thousand charts."""
        drawn: dict[str, str] = {}
        for bar in self.bars:
            part = f"M{bar.x} {bar.y:g}h{BAR}v{bar.height:g}h-{BAR}z"
            drawn[bar.kind] = drawn.get(bar.kind, "") + part
        return drawn

    @property
    def failed_path(self) -> str:
        """A small cross below each day with a failure."""
        return "".join(f"M{x + 1} {self.height + 4}l5 5m0-5l-5 5" for x in self.failed)

    @property
    def idle_path(self) -> str:
        """A dot on each day without a refresh: lines of no length, which their round ends make dots."""
        return "".join(f"M{x + 4} {self.height - 3}h0" for x in self.idle)


Part = tuple[str, Callable[[Day], float]]
NEWS: tuple[Part, ...] = (("new", lambda day: day.new), ("modified", lambda day: day.modified))


def chart(
    days: Sequence[Day], today: date, title: str, parts: Sequence[Part], *, height: int, unit: str = ""
) -> Chart:
    """One column a day for the four weeks until `today`, of `parts` on top of each other."""
    by_date = {day.on: day for day in days}
    dates = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    columns = [by_date.get(on) for on in dates]
    sums = [sum(value(day) for _, value in parts) if day else 0.0 for day in columns]
    peak = max(sums)
    bars = []
    for place, day in enumerate(columns):
        top = float(height)
        for kind, value in parts if day and peak else ():
            tall = round(value(day) / peak * height, 1) if day else 0.0
            top -= tall
            if tall:
                bars.append(Bar(place * STEP, round(top, 1), tall, kind))
    failed = tuple(place * STEP for place, day in enumerate(columns) if day and (day.failed or day.stopped))
    return Chart(
        title,
        _label(title, sums, unit, failed=len(failed)),
        _shown(peak, unit),
        dates[0],
        dates[-1],
        height,
        tuple(bars),
        failed,
        tuple(place * STEP for place, day in enumerate(columns) if day is None),
    )


def _label(title: str, sums: Sequence[float], unit: str, *, failed: int) -> str:
    last, before = sum(sums[-7:]) / 7, sum(sums[:-7]) / (len(sums) - 7)
    said = f"{title}: on average {_shown(last, unit)} a day in the last 7 days, {_shown(before, unit)} in the 3 weeks before"
    if failed:
        said += f"; refreshes failed on {failed} of {len(sums)} days"
    return said


def _shown(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
    return f"{text} {unit}".rstrip()
