"""Names of product files."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.aws.objects import check_file_name, is_folder_marker
from onboarding.cli.errors import CommandError
from onboarding.cli.upload_client import require_valid_name


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".Csv", ".tsv", ".TSV", ".txt", ".TXT", ".xlsx", ".XLSX", ".XlSx"])
def test_check_file_name_product_file_is_accepted(suffix: str) -> None:
    assert check_file_name(f"Spring collection{suffix}") is None
    require_valid_name(Path(f"Spring collection{suffix}"))


@pytest.mark.parametrize(
    "name", ["a.pdf", "a.xls", "a.xlsm", "a.csv.zip", "csv", "a.csv ", "", "a.csv\n.exe", ".DS_Store"]
)
def test_check_file_name_other_file_is_rejected_on_one_line(name: str) -> None:
    rejection = check_file_name(name)
    assert rejection is not None
    assert rejection.code == "UNKNOWN_FILE_TYPE"
    assert len(rejection.reason.splitlines()) == 1
    with pytest.raises(CommandError):
        require_valid_name(Path(name))


@pytest.mark.parametrize(
    ("key", "size", "expected"),
    [
        ("uploads/", 0, True),
        ("uploads/VEND001/spring/", 0, True),
        ("uploads/VEND001/spring/", 1, False),
        ("uploads/VEND001/a.csv", 0, False),
    ],
)
def test_is_folder_marker_requires_a_trailing_slash_and_no_content(key: str, size: int, *, expected: bool) -> None:
    assert is_folder_marker(key, size) == expected
