"""Charts: axis maximum, stacked bars, time labels, and no chart without rows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.web.api.operations import ThroughputBucket
from onboarding.web.portal import charts

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def create_buckets(*rows: tuple[int, int], interval: timedelta = timedelta(minutes=30)) -> list[ThroughputBucket]:
    return [
        ThroughputBucket(
            at=START + n * interval,
            uploads=1,
            rows=accepted + rejected,
            valid_rows=accepted,
            error_rows=rejected,
            original_rows=accepted + rejected,
            original_error_rows=rejected,
        )
        for n, (accepted, rejected) in enumerate(rows)
    ]


@given(st.floats(min_value=0.001, max_value=1e9))
def test_axis_maximum_is_even_and_at_most_twice_the_value(value: float) -> None:
    maximum = charts._axis_maximum(value)
    assert value <= maximum <= max(2, 2 * value)
    assert maximum % 2 == 0, "its half is a label too"


@pytest.mark.parametrize(
    ("value", "maximum"), [(1, 2), (3, 4), (10, 10), (11, 20), (99, 100), (2130, 3000), (4001, 5000)]
)
def test_axis_maximum_is_the_next_round_number(value: float, maximum: int) -> None:
    assert charts._axis_maximum(value) == maximum


def test_throughput_stacks_accepted_and_rejected_rows() -> None:
    svg = charts.throughput_chart(create_buckets((60, 20), (0, 0), (80, 0)))
    bars = re.findall(r'class="(bar-\w+)" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', svg)
    assert bars == [
        ("bar-accepted", "30.00", "90.00"),
        ("bar-rejected", "0.00", "30.00"),
        ("bar-accepted", "0.00", "120.00"),
    ]
    assert "60 accepted, 20 rejected" in svg
    assert "<span>80</span><span>40</span><span>0</span>" in svg
    assert 'datetime="2026-01-31T12:00:00Z" data-format="time">12:00 UTC<' in svg


def test_error_rate_over_several_days_labels_days() -> None:
    svg = charts.error_rate_chart(create_buckets((9, 1), (8, 2), interval=timedelta(days=3)))
    assert "<span>20 %</span><span>10 %</span><span>0 %</span>" in svg
    assert 'data-format="day">31 Jan<' in svg


def test_error_rate_is_of_original_uploads() -> None:
    [bucket] = create_buckets((8, 2))
    corrected = bucket.model_copy(update={"original_rows": 4, "original_error_rows": 2})
    assert "Share of rejected rows over time, up to 50.0 percent" in charts.error_rate_chart([corrected])


def test_charts_without_rows_are_empty() -> None:
    assert charts.throughput_chart(create_buckets((0, 0))) == charts.error_rate_chart(create_buckets((5, 0))) == ""
