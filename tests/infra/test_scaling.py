"""Tests of the queueing model: the contract's times, finished uploads, and the template's settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.cloudformation.templates import load_template
from tools.scaling.model import COLD, DEFAULT, GROWN, LOADS, ONE, Load, simulate


@pytest.mark.parametrize(("rows", "limit"), [(1_000, 180), (10_000, 300)])
def test_simulate_one_file_is_done_in_the_required_time(rows: int, limit: float) -> None:
    assert simulate(Load("", (0.0,), rows, 1), COLD).end < limit


def test_simulate_thousand_rows_take_ten_seconds_with_cold_starts() -> None:
    assert simulate(ONE, COLD).end <= 10
    assert simulate(ONE, DEFAULT).end <= 6


def test_simulate_hundred_files_at_once_are_all_done() -> None:
    outcome = simulate(LOADS[2], DEFAULT)
    assert len(outcome.seconds) == 100
    assert max(outcome.busy.values()) <= 1.0


def test_simulate_burst_is_faster_with_parallel_batches_and_partitions() -> None:
    ends = [simulate(LOADS[2], setting).end for setting in (replace(DEFAULT, parallelization=1), DEFAULT, GROWN)]
    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 3


def test_default_setting_equals_the_template() -> None:
    template = load_template("pipeline", {}, "0" * 12, "us-east-1")
    expected = {
        "CsvParserConcurrency": DEFAULT.parsers,
        "ProductValidatorConcurrency": DEFAULT.validators,
        "ErrorProcessorConcurrency": DEFAULT.processors,
        "StreamParallelization": DEFAULT.parallelization,
        "StreamBatchSize": DEFAULT.batch,
    }
    assert {name: int(template.parameter_value(name)) for name in expected} == expected
