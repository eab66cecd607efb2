"""Upload options in the metadata of an S3 object."""

from __future__ import annotations

import itertools

import pytest

from onboarding.domain.models import FileRejection, Mode, OnError
from onboarding.domain.upload_options import Options, parse_upload_options


@pytest.mark.parametrize("options", [Options(*values) for values in itertools.product(Mode, OnError, (True, False))])
def test_parse_upload_options_metadata_of_options_returns_equal_options(options: Options) -> None:
    assert parse_upload_options(options.metadata()) == options


def test_parse_upload_options_empty_metadata_returns_defaults() -> None:
    assert parse_upload_options({}) == Options(Mode.CREATE, OnError.REJECT_ROWS, force=False)
    assert Options().metadata() == {}


def test_parse_upload_options_ignores_case_white_space_and_other_metadata() -> None:
    metadata = {
        "Mode": " UPDATE ",
        "on-error": "Reject_File",
        "FORCE": "True",
        "s3cmd-attrs": "uid:0",
        "mode-of-travel": "x",
    }
    assert parse_upload_options(metadata) == Options(Mode.UPDATE, OnError.REJECT_FILE, force=True)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"mode": "replace"}, "The upload's mode is 'replace'; it must be create or update or upsert"),
        ({"mode": ""}, "The upload's mode is ''; it must be create or update or upsert"),
        ({"on-error": "stop"}, "The upload's on-error is 'stop'; it must be reject_rows or reject_file"),
        ({"force": "yes"}, "The upload's force is 'yes'; it must be true or false"),
    ],
)
def test_parse_upload_options_unknown_value_is_rejected_with_the_choices(metadata: dict[str, str], reason: str) -> None:
    assert parse_upload_options(metadata) == FileRejection("INVALID_OPTION", reason)
