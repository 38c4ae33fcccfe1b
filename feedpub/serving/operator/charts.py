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
