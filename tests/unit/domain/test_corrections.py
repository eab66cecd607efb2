"""Corrections: the sentence about a corrected upload."""

from __future__ import annotations

import pytest

from onboarding.domain.corrections import describe_correction
from tests.support.postgres_fixtures import make_upload


@pytest.mark.parametrize(
    ("rejected", "fixed", "sentence"),
    [
        (1, 0, "its rejected row is open"),
        (1, 1, "its rejected row is fixed"),
        (2, 1, "of its 2 rejected rows 1 is fixed and 1 is open"),
        (23, 21, "of its 23 rejected rows 21 are fixed and 2 are open"),
        (23, 0, "none of its 23 rejected rows is fixed"),
        (1_200, 1_200, "all of its 1,200 rejected rows are fixed"),
    ],
)
def test_describe_correction_counts_fixed_and_open_rows(rejected: int, fixed: int, sentence: str) -> None:
    parent = make_upload(file_name="spring.csv", error_records=rejected, fixed_records=fixed)
    assert describe_correction(parent) == f"This upload corrects spring.csv: {sentence}."
