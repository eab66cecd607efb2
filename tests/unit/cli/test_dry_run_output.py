"""Output of `onboarding validate`, from dry runs that are built by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from onboarding.cli.dry_run_output import print_dry_run
from onboarding.domain.catalog import ValueChange
from onboarding.domain.mappings import (
    FileHeader,
    HeaderMapping,
    HeaderSource,
    MappingDocument,
    SavedMapping,
    UsedValue,
)
from onboarding.domain.models import FileRejection, Outcome, Row, RowError
from onboarding.domain.upload_changes import ProductChange
from onboarding.domain.value_mapping import UnmappedValue
from onboarding.files.models import FileDetails
from onboarding.lambda_handlers.admin_queries import dry_run_as_json
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.mapping_proposals import MappingProposal, ProposalSource
from onboarding.pipeline.upload_mappings import INLINE_ID
from onboarding.storage.held_rows import build_file_rejected_error

Captured = pytest.CaptureFixture[str]

HEADERS = [
    FileHeader("MATNR", (), HeaderSource.UNKNOWN, ("4711", "4712")),
    FileHeader("sku", ("sku",), HeaderSource.NAME, ("A-1",)),
    FileHeader("EKPRI", (), HeaderSource.UNKNOWN, ("19,90",)),
]
PROPOSAL = MappingProposal(
    ProposalSource.SIMILARITY,
    "similar names",
    MappingDocument({"ekpri": HeaderMapping(("price",)), "SKU": HeaderMapping(("vendor_product_id",))}),
    reasons={"ekpri": "The values are prices"},
    new_headers=("MATNR",),
)
REJECTED = DryRun(
    FileRejection("MISSING_COLUMNS", "The file lacks columns"),
    [],
    {},
    {},
    headers=HEADERS,
    missing_columns=("vendor_product_id", "price", "category"),
    proposals=[PROPOSAL],
)
DETAILS = FileDetails("csv", 1, {"sku": "sku"})


def print_result(result: DryRun, capsys: Captured) -> str:
    """Return the output for a dry run that was transferred as JSON."""
    print_dry_run(json.loads(json.dumps(dry_run_as_json(result))))
    return capsys.readouterr().out


def test_print_dry_run_missing_columns_lists_closest_headers_and_options(capsys: Captured) -> None:
    _, _, header, _, *rows, _, advice = print_result(REJECTED, capsys).splitlines()
    assert header.split("  ")[0] == "Our column"
    assert [row.split() for row in rows] == [
        ["vendor_product_id", "sku", "A-1"],
        ["price", "EKPRI", "19,90"],
        ["category"],
    ]
    # The option also names the column that the header feeds already.
    options = '--map "sku=sku,vendor_product_id" --map "EKPRI=price"'
    assert advice == f"To go on, add those of these options that are right: {options}"


def test_print_dry_run_missing_columns_without_proposals_prints_example(capsys: Captured) -> None:
    advice = print_result(replace(REJECTED, proposals=[]), capsys).splitlines()[-1]
    assert advice == 'To go on, name the header of each column: --map "HEADER=vendor_product_id"'


def make_run(unmapped_values: list[UnmappedValue], errors: dict[int, list[RowError]]) -> DryRun:
    rows = [Row("DRY_RUN", "VEND001", number, {}) for number in errors]
    return DryRun(None, rows, errors, {}, DETAILS, unmapped_values=unmapped_values)


def test_print_dry_run_unmapped_values_lists_them_with_options(capsys: Captured) -> None:
    unmapped_values = [
        UnmappedValue("category", "Men", 400, "Men's Clothing"),
        UnmappedValue("category", "$ale", 1, "Books"),
        UnmappedValue("category", "Zzz", 1),
    ]
    lines = print_result(make_run(unmapped_values, {}), capsys).splitlines()
    assert [line.split() for line in lines[-5:-2]] == [
        ["category", "Men", "400", "Men's", "Clothing"],
        ["category", "$ale", "1", "Books"],
        ["category", "Zzz", "1"],
    ]
    assert lines[-1] == (
        "To map them, add those of these options that are right: "
        "--map-value \"category:Men=Men's Clothing\" --map-value 'category:$ale=Books'"
    )


def test_print_dry_run_unmapped_values_without_suggestion_prints_example(capsys: Captured) -> None:
    lines = print_result(make_run([UnmappedValue("category", "Zzz", 1)], {}), capsys).splitlines()
    assert lines[-1] == 'To map them: --map-value "category:Zzz=TARGET". See: onboarding categories list'


def test_print_dry_run_unmapped_status_prints_its_targets(capsys: Captured) -> None:
    lines = print_result(make_run([UnmappedValue("status", "Draft", 1)], {}), capsys).splitlines()
    assert lines[-1] == 'To map them: --map-value "status:Draft=TARGET". TARGET is active or inactive'


def test_print_dry_run_groups_precede_errors(capsys: Captured) -> None:
    error = RowError("INVALID_CATEGORY", "category", "Invalid category: Men", "Men", hint="Did you mean 'Men's'?")
    lines = print_result(make_run([], {1: [error], 2: [error]}), capsys).splitlines()
    group = lines.index("- 2 rows: category 'Men', did you mean 'Men's'?")
    assert lines[group - 1] == "What to fix, the most frequent first:"
    assert [line.split()[0] for line in lines[-2:]] == ["2", "3"]
    lines = print_result(make_run([], {1: [error]}), capsys).splitlines()
    assert "What to fix, the most frequent first:" not in lines


def test_print_dry_run_names_valid_rows_of_a_rejected_file_once(capsys: Captured) -> None:
    errors = {number: [build_file_rejected_error(1)] for number in range(1, 25)}
    invalid = RowError("INVALID_PRICE", "price", "Price must be a number", "free", "a number")
    output = print_result(make_run([], {**errors, 25: [invalid]}), capsys)
    assert "\n- Row 26: price 'free', expected a number\n- 24 valid rows are not imported because" in output
    assert "The row is valid" not in output
    assert output.splitlines()[-1].split()[:2] == ["26", "INVALID_PRICE"]


def test_print_dry_run_mapping_is_named_with_effect(capsys: Captured) -> None:
    used_values = [UsedValue("category", "Men", "Men's Clothing", 400)]
    mapping = SavedMapping("M1", 2, MappingDocument(), "SAP", "0" * 64)
    run = replace(make_run([], {}), mapping=mapping, used_values=used_values)
    assert "\nMapping 'SAP' (version 2): 'Men' → Men's Clothing, 400 rows.\n" in print_result(run, capsys)
    for mapping_of_options in (None, SavedMapping(INLINE_ID, 0, MappingDocument())):
        output = print_result(replace(run, mapping=mapping_of_options), capsys)
        assert "\nMapped values: 'Men' → Men's Clothing, 400 rows.\n" in output


def test_dry_run_as_json_has_headers_mapping_and_proposals() -> None:
    mapping = SavedMapping("M1", 2, MappingDocument({"MATNR": HeaderMapping(("sku",))}), "SAP", "0" * 64)
    result = json.loads(json.dumps(dry_run_as_json(replace(REJECTED, mapping=mapping))))
    assert result["headers"][0] == {"name": "MATNR", "columns": [], "source": "unknown", "samples": ["4711", "4712"]}
    assert result["missing_columns"] == ["vendor_product_id", "price", "category"]
    assert result["mapping"] == {
        "mapping_id": "M1",
        "version": 2,
        "name": "SAP",
        "header_fingerprint": "0" * 64,
        "document": {"columns": {"MATNR": {"columns": ["sku"]}}},
    }
    assert result["proposals"] == [
        {
            "source": "similarity",
            "name": "similar names",
            "document": {"columns": {"ekpri": {"columns": ["price"]}, "SKU": {"columns": ["vendor_product_id"]}}},
            "reasons": {"ekpri": "The values are prices"},
            "missing_headers": [],
            "new_headers": ["MATNR"],
        }
    ]


def test_print_dry_run_changes_are_listed_with_price_moves(capsys: Captured) -> None:
    changes = [
        ProductChange(2, Outcome.UPDATED, 7, "P-2", "Mouse", [ValueChange("price", "10.00", "1250.00")]),
        ProductChange(
            1,
            Outcome.UPDATED,
            6,
            "P-1",
            "Mouse",
            [ValueChange("brand", "Acme", None), ValueChange("description", None, "a\nb" * 100)],
        ),
    ]
    rows = [Row("U", "VEND001", n, {}) for n in (1, 2)]
    result = DryRun(None, rows, {}, {1: Outcome.UPDATED, 2: Outcome.UPDATED}, DETAILS, changes=changes)
    output = print_result(result, capsys)
    assert "Changes, the largest of prices first:" in output
    assert output.index("Price: 10.00 → 1,250.00 (price +12,400 %)") < output.index("Brand: Acme → blank; Description:")
    assert print_result(replace(result, changes=()), capsys).count("Changes") == 0
    many = [replace(changes[0], row_number=n) for n in range(1, 31)]
    assert "and 10 more changed products." in print_result(replace(result, changes=many), capsys)


def test_print_dry_run_of_the_previous_version_of_admin_has_no_changes(capsys: Captured) -> None:
    result = dry_run_as_json(DryRun(None, [Row("U", "VEND001", 1, {})], {}, {1: Outcome.UPDATED}, DETAILS))
    del result["changes"], result["changed_products"]
    print_dry_run(result)
    assert "1 of 1 row is valid" in capsys.readouterr().out
