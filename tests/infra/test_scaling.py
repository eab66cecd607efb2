"""The queueing model: what it says of the contract's figures, that it loses nothing, that it is about our template."""

from __future__ import annotations

import pytest

from onboarding.cloudformation.templates import load_template
from tools.scaling.model import COLD, DEFAULT, GROWN, LOADS, ONE, ONE_LANE, Load, simulate


@pytest.mark.parametrize(("rows", "limit"), [(1_000, 180), (10_000, 300)])
def test_scaling_one_file_meets_the_required_time(rows: int, limit: float) -> None:
    assert simulate(Load("", (0.0,), rows, 1), COLD).end < limit


def test_scaling_cold_thousand_rows_take_ten_seconds() -> None:
    assert simulate(ONE, COLD).end <= 10
    assert simulate(ONE, DEFAULT).end <= 6


def test_scaling_hundred_concurrent_uploads_all_complete() -> None:
    found = simulate(LOADS[2], DEFAULT)
    assert len(found.seconds) == 100
    assert max(found.busy.values()) <= 1.0


def test_scaling_more_concurrency_and_partitions_speed_up_a_burst() -> None:
    ends = [simulate(LOADS[2], setting).end for setting in (ONE_LANE, DEFAULT, GROWN)]
    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 3


def test_scaling_model_matches_the_template() -> None:
    template = load_template("pipeline", {}, "0" * 12, "us-east-1")
    turned = {
        "CsvParserConcurrency": DEFAULT.parsers,
        "ProductValidatorConcurrency": DEFAULT.validators,
        "ErrorProcessorConcurrency": DEFAULT.processors,
        "StreamParallelization": DEFAULT.parallelization,
        "StreamBatchSize": DEFAULT.batch,
    }
    assert {name: int(template.parameter_value(name)) for name in turned} == turned
