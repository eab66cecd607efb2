"""Names of product files."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.aws.objects import check_file_name, is_folder_marker
from onboarding.cli.errors import CommandError
from onboarding.cli.upload_client import require_valid_name


@pytest.mark.parametrize("ending", [".csv", ".CSV", ".Csv", ".tsv", ".TSV", ".txt", ".TXT", ".xlsx", ".XLSX", ".XlSx"])
def test_wrong_name_of_a_product_file_is_none(ending: str) -> None:
    assert check_file_name(f"Spring collection{ending}") is None
    require_valid_name(Path(f"Spring collection{ending}"))


@pytest.mark.parametrize(
    "name", ["a.pdf", "a.xls", "a.xlsm", "a.csv.zip", "csv", "a.csv ", "", "a.csv\n.exe", ".DS_Store"]
)
def test_wrong_name_of_another_file_is_a_refusal_on_one_line(name: str) -> None:
    refusal = check_file_name(name)
    assert refusal is not None
    assert refusal.code == "UNKNOWN_FILE_TYPE"
    assert len(refusal.reason.splitlines()) == 1
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
def test_is_folder_marker_is_an_empty_object_whose_key_ends_in_a_slash(key: str, size: int, *, expected: bool) -> None:
    assert is_folder_marker(key, size) == expected
