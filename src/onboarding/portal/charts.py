"""Charts as SVG, drawn on the server. Colours come from the style by class; no style stands in the drawing."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from onboarding.api.operations import Moment

WIDTH, HEIGHT = 480, 120
GAP = 0.25
"""The part of a bar's room that stays free."""

Bar = tuple[float, float, str, str]
"""The lower and the upper end of a bar in parts of the height, its class, and what a pointer on it tells."""


def bar(valid: int, error: int, total: int) -> Markup:
    """The rows of an upload as one bar: accepted, rejected, and what is left. A script may move its parts."""
    whole = max(total, 1)
    good, bad = 100 * valid / whole, 100 * error / whole
    label = f"{valid:,} of {total:,} rows accepted, {error:,} rejected"
    return Markup(
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="bar-rest" width="100" height="4"/><rect class="bar-good" width="{:.3f}" height="4"/>'
        '<rect class="bar-bad" x="{:.3f}" width="{:.3f}" height="4"/></svg>'
    ).format(label, good, good, bad)


def throughput(moments: Sequence[Moment]) -> Markup:
    """Rows by stretch of time: accepted below, rejected on top."""
    most = max((m.valid_rows + m.error_rows for m in moments), default=0) or 1
    columns: list[list[Bar]] = []
    for m in moments:
        tip = f"{m.at:%d %b %H:%M} UTC: {m.valid_rows:,} accepted, {m.error_rows:,} rejected"
        good = m.valid_rows / most
        columns.append([(0, good, "bar-good", tip), (good, good + m.error_rows / most, "bar-bad", tip)])
    accepted, rejected = sum(m.valid_rows for m in moments), sum(m.error_rows for m in moments)
    return _drawn(columns, f"Rows over time: {accepted:,} accepted and {rejected:,} rejected in all")


def error_rate(moments: Sequence[Moment]) -> Markup:
    """The share of rejected rows by stretch of time; the full height is the highest, see `highest_rate`."""
    highest = highest_rate(moments) or 1
    columns: list[list[Bar]] = []
    for m in moments:
        rate = _rate(m)
        tip = f"{m.at:%d %b %H:%M} UTC: {rate:.1f} % rejected"
        columns.append([(0, rate / highest, "bar-bad", tip)])
    return _drawn(columns, f"Share of rejected rows over time, {highest_rate(moments):.1f} percent at most")


def highest_rate(moments: Sequence[Moment]) -> float:
    return max((_rate(m) for m in moments), default=0.0)


def _rate(m: Moment) -> float:
    rows = m.valid_rows + m.error_rows
    return 100 * m.error_rows / rows if rows else 0.0


def _drawn(columns: Sequence[Sequence[Bar]], label: str) -> Markup:
    room = WIDTH / max(len(columns), 1)
    drawn = [
        Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>').format(
            kind, n * room + room * GAP / 2, HEIGHT * (1 - upper), room * (1 - GAP), HEIGHT * (upper - lower), tip
        )
        for n, bars in enumerate(columns)
        for lower, upper, kind, tip in bars
        if upper > lower
    ]
    grid = [
        Markup('<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, y, y)
        for y in (0.5, HEIGHT / 2, HEIGHT - 0.5)
    ]
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
    ).format(WIDTH, HEIGHT, label, Markup("").join(grid), Markup("").join(drawn))
