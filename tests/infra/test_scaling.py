"""The queueing model: what it says of the contract's figures, that it loses nothing, that it is about our template."""

from __future__ import annotations

import pytest

from onboarding.deploy.plan import template_text
from onboarding.local.template import Template
from tools.scaling.model import COLD, DEFAULT, GROWN, LOADS, ONE, ONE_LANE, Load, simulate


@pytest.mark.parametrize(("rows", "limit"), [(1_000, 180), (10_000, 300)])
def test_one_file_is_through_in_the_required_time(rows: int, limit: float) -> None:
    assert simulate(Load("", (0.0,), rows, 1), COLD).end < limit


def test_a_thousand_rows_take_ten_seconds_from_the_object_to_the_mail_even_if_nothing_is_warm() -> None:
    assert simulate(ONE, COLD).end <= 10
    assert simulate(ONE, DEFAULT).end <= 6


def test_a_hundred_at_once_all_arrive() -> None:
    found = simulate(LOADS[2], DEFAULT)
    assert len(found.seconds) == 100
    assert max(found.busy.values()) <= 1.0


def test_more_lanes_and_more_partitions_help_a_burst() -> None:
    ends = [simulate(LOADS[2], setting).end for setting in (ONE_LANE, DEFAULT, GROWN)]
    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 3


def test_the_model_is_about_the_template() -> None:
    template = Template(template_text("pipeline"), {}, "0" * 12, "us-east-1")
    turned = {
        "CsvParserConcurrency": DEFAULT.parsers,
        "ProductValidatorConcurrency": DEFAULT.validators,
        "ErrorProcessorConcurrency": DEFAULT.processors,
        "StreamParallelization": DEFAULT.parallelization,
        "StreamBatchSize": DEFAULT.batch,
    }
    assert {name: int(template.parameter(name)) for name in turned} == turned
