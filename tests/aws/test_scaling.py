"""The queueing model: what it says of the contract's figures, and that it loses nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.scaling.model import DEFAULT, LOADS, Load, simulate


@pytest.mark.parametrize(("rows", "limit"), [(1_000, 180), (10_000, 300)])
def test_one_file_is_through_in_the_required_time(rows: int, limit: float) -> None:
    assert simulate(Load("", (0.0,), rows, 1), DEFAULT).end < limit


def test_a_hundred_at_once_all_arrive() -> None:
    found = simulate(LOADS[2], DEFAULT)
    assert len(found.seconds) == 100
    assert max(found.busy.values()) <= 1.0


def test_more_lanes_help_a_burst() -> None:
    wider = replace(DEFAULT, parallelization=4)
    assert simulate(LOADS[2], wider).end < simulate(LOADS[2], DEFAULT).end
