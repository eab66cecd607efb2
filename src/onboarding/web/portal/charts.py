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

DAY_SECONDS = 86_400

Bar = tuple[float, float, str]
"""The lower and upper end of a bar in the unit of the chart, and its CSS class."""


def progress_bar(valid: int, error: int, total: int, fixed: int = 0) -> Markup:
    """Return the rows of an upload as one bar: accepted, rejected and remaining. A script may update its parts.

    Rejected rows that are fixed since look like accepted ones.
    """
    accepted, rejected = 100 * (valid + fixed) / max(total, 1), 100 * (error - fixed) / max(total, 1)
    label = f"{valid:,} of {total:,} rows accepted, {error:,} rejected" + (f", {fixed:,} fixed since" if fixed else "")
    return Markup(
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="bar-remaining" width="100" height="4"/><rect class="bar-accepted" width="{:.3f}" height="4"/>'
        '<rect class="bar-rejected" x="{:.3f}" width="{:.3f}" height="4"/></svg>'
    ).format(label, accepted, accepted, rejected)


def throughput_chart(buckets: Sequence[ThroughputBucket]) -> Markup:
    """Return the accepted rows of each bucket below the rejected ones; empty without rows."""
    accepted, rejected = sum(b.valid_rows for b in buckets), sum(b.error_rows for b in buckets)
    if not accepted + rejected:
        return Markup()
    columns = [
        [(0, b.valid_rows, "bar-accepted"), (b.valid_rows, b.valid_rows + b.error_rows, "bar-rejected")]
        for b in buckets
    ]
    tooltips = [f"{b.valid_rows:,} accepted, {b.error_rows:,} rejected" for b in buckets]
    label = f"Rows over time: {accepted:,} accepted and {rejected:,} rejected in total"
    return _chart(buckets, columns, tooltips, "", label)


def error_rate_chart(buckets: Sequence[ThroughputBucket]) -> Markup:
    """Return the percentage of rejected rows of each bucket, without uploads that correct others.

    It is empty without rejected rows.
    """
    rates = [_error_rate(bucket) for bucket in buckets]
    highest = max(rates, default=0)
    if not highest:
        return Markup()
    columns = [[(0.0, rate, "bar-rejected")] for rate in rates]
    tooltips = [f"{rate:.1f} % rejected" for rate in rates]
    return _chart(buckets, columns, tooltips, " %", f"Share of rejected rows over time, up to {highest:.1f} percent")


def _error_rate(bucket: ThroughputBucket) -> float:
    return 100 * bucket.original_error_rows / bucket.original_rows if bucket.original_rows else 0.0


def _axis_maximum(highest: float) -> int:
    """Return the upper end of the value axis for the highest value: a round number whose half is round too."""
    if highest <= 10:
        return max(2, 2 * math.ceil(highest / 2))
    power: int = 10 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= highest)


def _chart(
    buckets: Sequence[ThroughputBucket],
    columns: Sequence[Sequence[Bar]],
    tooltips: Sequence[str],
    unit: str,
    label: str,
) -> Markup:
    """Return a chart. The labels of its axes are beside the SVG, which is stretched and would distort them."""
    maximum = _axis_maximum(max(upper for bars in columns for _, upper, _ in bars))
    column_width = WIDTH / len(columns)
    rectangles = [
        Markup(
            '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}">'
            '<title data-time="{}">{}</title></rect>'
        ).format(
            css_class,
            n * column_width + column_width * GAP / 2,
            HEIGHT * (1 - upper / maximum),
            column_width * (1 - GAP),
            HEIGHT * (upper - lower) / maximum,
            _iso(buckets[n].at),
            tooltips[n],
        )
        for n, bars in enumerate(columns)
        for lower, upper, css_class in bars
        if upper > lower
    ]
    grid = [
        Markup('<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, y, y)
        for y in (0.5, HEIGHT / 2, HEIGHT - 0.5)
    ]
    values = [Markup("<span>{}{}</span>").format(f"{value:,}", unit) for value in (maximum, maximum // 2, 0)]
    time_format = "time" if buckets[-1].at.timestamp() - buckets[0].at.timestamp() < 2 * DAY_SECONDS else "day"
    times = [_time_label(buckets[n].at, time_format) for n in (0, len(buckets) // 2)]
    return Markup(
        '<div class="plot"><div class="value-axis" aria-hidden="true">{}</div>'
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
        '<div class="time-axis" aria-hidden="true">{}<span>now</span></div></div>'
    ).format(
        Markup().join(values),
        WIDTH,
        HEIGHT,
        label,
        Markup().join(grid),
        Markup().join(rectangles),
        Markup().join(times),
    )


def _time_label(time: datetime, time_format: str) -> Markup:
    utc = time.astimezone(UTC)
    text = f"{utc:%H:%M} UTC" if time_format == "time" else f"{utc:%d %b}"
    return Markup('<time datetime="{}" data-format="{}">{}</time>').format(_iso(time), time_format, text)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
