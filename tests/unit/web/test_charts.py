"""Charts: a scale that fits and reads well, bars that add up, and nothing where there is nothing to show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.web.api.operations import ThroughputBucket
from onboarding.web.portal import charts

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def moments(*rows: tuple[int, int], apart: timedelta = timedelta(minutes=30)) -> list[ThroughputBucket]:
    return [
        ThroughputBucket(at=START + n * apart, uploads=1, rows=good + bad, valid_rows=good, error_rows=bad)
        for n, (good, bad) in enumerate(rows)
    ]


@given(st.floats(min_value=0.001, max_value=1e9))
def test_a_scale_has_room_and_wastes_little(most: float) -> None:
    top = charts._top(most)
    assert most <= top <= max(2, 2 * most)
    assert top % 2 == 0, "its half stands beside it too"


@pytest.mark.parametrize(("most", "top"), [(1, 2), (3, 4), (10, 10), (11, 20), (99, 100), (2130, 3000), (4001, 5000)])
def test_a_scale_ends_with_a_round_number(most: float, top: int) -> None:
    assert charts._top(most) == top


def test_bars_stand_on_each_other_and_tell_what_they_are() -> None:
    drawn = charts.throughput(moments((60, 20), (0, 0), (80, 0)))
    bars = re.findall(r'class="(bar-\w+)" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn)
    assert bars == [("bar-good", "30.00", "90.00"), ("bar-bad", "0.00", "30.00"), ("bar-good", "0.00", "120.00")]
    assert "60 accepted, 20 rejected" in drawn
    assert "<span>80</span><span>40</span><span>0</span>" in drawn
    assert 'datetime="2026-01-31T12:00:00Z" data-short="time">12:00 UTC<' in drawn


def test_long_spans_are_told_in_days() -> None:
    drawn = charts.error_rate(moments((9, 1), (8, 2), apart=timedelta(days=3)))
    assert "<span>20 %</span><span>10 %</span><span>0 %</span>" in drawn
    assert 'data-short="day">31 Jan<' in drawn


def test_nothing_is_drawn_of_nothing() -> None:
    assert charts.throughput(moments((0, 0))) == charts.error_rate(moments((5, 0))) == ""
