"""Charts as SVG. Colours come from the style sheet by class; the SVG has no inline styles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from onboarding.web.api.operations import ThroughputBucket

WIDTH, HEIGHT = 480, 120
GAP = 0.25
"""The share of a bar's width that stays empty."""

Bar = tuple[float, float, str]
"""The lower and upper end of a bar in the unit of the chart, and its CSS class."""


def bar(valid: int, error: int, total: int) -> Markup:
    """Return the rows of an upload as one bar: accepted, rejected and waiting. A script may update its parts."""
    whole = max(total, 1)
    good, bad = 100 * valid / whole, 100 * error / whole
    label = f"{valid:,} of {total:,} rows accepted, {error:,} rejected"
    return Markup(
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="bar-remaining" width="100" height="4"/><rect class="bar-accepted" width="{:.3f}" height="4"/>'
        '<rect class="bar-rejected" x="{:.3f}" width="{:.3f}" height="4"/></svg>'
    ).format(label, good, good, bad)


def throughput(buckets: Sequence[ThroughputBucket]) -> Markup:
    """Return rows by interval, accepted below rejected ones; empty without rows."""
    accepted, rejected = sum(m.valid_rows for m in buckets), sum(m.error_rows for m in buckets)
    if not accepted + rejected:
        return Markup()
    columns = [
        [(0, m.valid_rows, "bar-accepted"), (m.valid_rows, m.valid_rows + m.error_rows, "bar-rejected")]
        for m in buckets
    ]
    tips = [f"{m.valid_rows:,} accepted, {m.error_rows:,} rejected" for m in buckets]
    return _chart(
        buckets, columns, tips, "", f"Rows over time: {accepted:,} accepted and {rejected:,} rejected in total"
    )


def error_rate(buckets: Sequence[ThroughputBucket]) -> Markup:
    """Return the percentage of rejected rows by interval; empty without rejected rows."""
    rates = [_rate(m) for m in buckets]
    highest = max(rates, default=0)
    if not highest:
        return Markup()
    columns = [[(0.0, rate, "bar-rejected")] for rate in rates]
    tips = [f"{rate:.1f} % rejected" for rate in rates]
    return _chart(buckets, columns, tips, " %", f"Share of rejected rows over time, up to {highest:.1f} percent")


def _rate(m: ThroughputBucket) -> float:
    rows = m.valid_rows + m.error_rows
    return 100 * m.error_rows / rows if rows else 0.0


def _top(most: float) -> int:
    """Return the upper end of a scale for `most`: a round number whose half is round too."""
    if most <= 10:
        return max(2, 2 * math.ceil(most / 2))
    power: int = 10 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= most)


def _chart(
    buckets: Sequence[ThroughputBucket], columns: Sequence[Sequence[Bar]], tips: Sequence[str], unit: str, label: str
) -> Markup:
    """Return a chart with scale and times as text beside the SVG, which is stretched and would distort them."""
    top = _top(max(upper for bars in columns for _, upper, _ in bars))
    room = WIDTH / len(columns)
    drawn = [
        Markup(
            '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}">'
            '<title data-time="{}">{}</title></rect>'
        ).format(
            kind,
            n * room + room * GAP / 2,
            HEIGHT * (1 - upper / top),
            room * (1 - GAP),
            HEIGHT * (upper - lower) / top,
            _iso(buckets[n].at),
            tips[n],
        )
        for n, bars in enumerate(columns)
        for lower, upper, kind in bars
        if upper > lower
    ]
    grid = [
        Markup('<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, y, y)
        for y in (0.5, HEIGHT / 2, HEIGHT - 0.5)
    ]
    scale = [Markup("<span>{}{}</span>").format(f"{value:,}", unit) for value in (top, top // 2, 0)]
    short = "time" if buckets[-1].at.timestamp() - buckets[0].at.timestamp() < 2 * 86_400 else "day"
    times = [_tick(buckets[n].at, short) for n in (0, len(buckets) // 2)]
    return Markup(
        '<div class="plot"><div class="value-axis" aria-hidden="true">{}</div>'
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
        '<div class="time-axis" aria-hidden="true">{}<span>now</span></div></div>'
    ).format(
        Markup().join(scale), WIDTH, HEIGHT, label, Markup().join(grid), Markup().join(drawn), Markup().join(times)
    )


def _tick(at: datetime, short: str) -> Markup:
    utc = at.astimezone(UTC)
    text = f"{utc:%H:%M} UTC" if short == "time" else f"{utc:%d %b}"
    return Markup('<time datetime="{}" data-format="{}">{}</time>').format(_iso(at), short, text)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
