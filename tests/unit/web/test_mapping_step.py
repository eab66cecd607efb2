"""The step that matches columns and categories: what it asks, and what it suggests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import (
    FileHeader,
    FillDown,
    HeaderMapping,
    HeaderSource,
    MappingDocument,
    SavedMapping,
    UsedValue,
)
from onboarding.domain.models import FileRejection, Mode, RowError
from onboarding.domain.product_schema import REQUIRED
from onboarding.domain.value_mapping import UnmappedValue
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.mapping_proposals import MappingProposal, ProposalSource
from onboarding.web.portal.mapping_step import MappingStep, build_mapping_step

BOTH = ("vendor_product_id", "sku")


def header(name: str, *columns: str, source: HeaderSource = HeaderSource.UNKNOWN) -> FileHeader:
    return FileHeader(name, columns, source, ("1.234,50 €", "2", "3", "4"))


def own(*names: str) -> list[FileHeader]:
    """Return headers with the names of our columns."""
    return [header(name, name, source=HeaderSource.NAME) for name in names]


SAP_HEADERS = [header(name) for name in ("MATNR", "MAKTX", "MATKL", "EKPRI", "LGBST", "ERNAM")]
SAP = MappingDocument(
    {
        "matnr": HeaderMapping(BOTH),
        "MAKTX": HeaderMapping(("product_name",)),
        "MATKL": HeaderMapping(("category",)),
        "EKPRI": HeaderMapping(("price",), MappedNumberFormat(",", ".", "€")),
    },
    {"stock_quantity": "5"},
    FillDown("MATNR", ("MAKTX", "Other")),
    first_address=("ERNAM", "Other"),
)


def proposal(source: ProposalSource, document: MappingDocument, name: str = "SAP", **values: Any) -> MappingProposal:
    return MappingProposal(source, name, document, **values)


def dry_run(headers: Sequence[FileHeader], missing: Sequence[str] = (), **values: Any) -> DryRun:
    rejection = FileRejection(RejectionCode.MISSING_COLUMNS, "columns are missing") if missing else None
    return DryRun(rejection, [], {}, {}, headers=headers, missing_columns=missing, **values)


def find_step(result: DryRun, document: MappingDocument | None = None, **values: Any) -> MappingStep | None:
    choices: dict[str, Any] = {"mode": Mode.CREATE, "category_names": ["Books"], "mapping_names": [], "file_name": ""}
    return build_mapping_step(result, document=document, **(choices | values))


def build_step(result: DryRun, document: MappingDocument | None = None, **values: Any) -> MappingStep:
    step = find_step(result, document, **values)
    assert step is not None
    return step


def targets(step: MappingStep) -> dict[str, str]:
    return {item.name: item.target for item in step.headers}


def test_step_for_a_known_file_is_none() -> None:
    assert find_step(dry_run(own(*REQUIRED))) is None
    assert find_step(dry_run([])) is None


def test_step_with_extra_headers_only_is_optional() -> None:
    step = build_step(dry_run([*own(*REQUIRED), *(header(f"x{n}") for n in range(12))]))
    assert not step.is_required
    assert (step.ignored_headers, len(step.extra_headers), len(step.open_headers)) == (12, 12, 0)


def test_step_without_proposals_asks_for_every_missing_column() -> None:
    step = build_step(dry_run(SAP_HEADERS, REQUIRED))
    assert step.is_required
    assert step.missing_labels == ["Vendor product ID", "Product name", "Category", "SKU", "Price", "Stock quantity"]
    assert [item.name for item in step.open_headers] == [item.name for item in SAP_HEADERS]
    assert [(column.name, column.choice) for column in step.columns if column.choice] == [
        ("category", "category"),
        ("price", "number"),
        ("stock_quantity", "number"),
    ]


def test_step_in_mode_update_requires_the_id_only() -> None:
    step = build_step(dry_run(SAP_HEADERS, ["vendor_product_id"]), mode=Mode.UPDATE)
    assert step.missing_labels == ["Vendor product ID"]


def test_step_with_a_preset_suggests_its_targets() -> None:
    preset = proposal(ProposalSource.PRESET, SAP, reasons={"MAKTX": "the short text of SAP"})
    step = build_step(dry_run(SAP_HEADERS, REQUIRED, proposals=[preset]))
    assert targets(step) == {
        "MATNR": "vendor_product_id sku",
        "MAKTX": "product_name",
        "MATKL": "category",
        "EKPRI": "price",
        "LGBST": "",
        "ERNAM": "",
    }
    reasons = {item.name: item.reason for item in step.open_headers}
    assert reasons["MAKTX"] == "the short text of SAP"
    assert reasons["MATKL"] == "As in the preset 'SAP'"
    assert not reasons["LGBST"]
    assert step.missing_labels == []
    assert next(column.constant for column in step.columns if column.name == "stock_quantity") == "5"
    [price] = [item for item in step.headers if item.name == "EKPRI"]
    assert price.number_example == "1.234,50 € → 1234.50"
    assert json.loads(price.number_format)["remove"] == "€"
    assert price.samples == ("1.234,50 €", "2", "3")
    # The header 'Other' is not in the file.
    assert json.loads(step.other_parts) == {
        "fill_down": {"group_header": "MATNR", "headers": ["MAKTX"]},
        "first_address": ["ERNAM"],
    }
    assert len(step.notes) == 2


def test_step_with_several_proposals_shows_the_best_one() -> None:
    similar = MappingDocument({"LGBST": HeaderMapping(("stock_quantity",)), "ERNAM": HeaderMapping(("price",))})
    proposals = [proposal(ProposalSource.SIMILARITY, similar, ""), proposal(ProposalSource.PRESET, SAP)]
    step = build_step(dry_run(SAP_HEADERS, REQUIRED, proposals=proposals))
    assert (targets(step)["LGBST"], targets(step)["EKPRI"]) == ("stock_quantity", "")


@pytest.mark.parametrize(("field", "expected"), [("price", True), ("sku", False)])
def test_step_with_a_number_format_is_required_if_it_may_fix_errors(field: str, expected: bool) -> None:
    german = MappingDocument({"price": HeaderMapping(("price",), MappedNumberFormat(",", ".", "EUR"))})
    result = replace(
        dry_run(own(*REQUIRED), proposals=[proposal(ProposalSource.SIMILARITY, german, "")]),
        errors={1: [RowError("INVALID_PRICE", field, "wrong")]},
    )
    assert build_step(result).is_required is expected


def test_step_with_one_article_number_suggests_it_for_both_columns() -> None:
    known = [header("Artikelnummer", "vendor_product_id", source=HeaderSource.SYNONYM), *own(*REQUIRED[1:3])]
    both = proposal(ProposalSource.SIMILARITY, MappingDocument({"Artikelnummer": HeaderMapping(BOTH)}), "")
    step = build_step(dry_run(known, ["sku"], proposals=[both]))
    [article_number] = [item for item in step.open_headers if item.is_suggested]
    assert (article_number.current, article_number.target) == ("vendor_product_id", "vendor_product_id sku")


def test_step_with_a_suggestion_for_a_known_column_releases_its_header() -> None:
    known = [header("Name", "product_name", source=HeaderSource.SYNONYM), header("Titel")]
    title = proposal(ProposalSource.PRESET, MappingDocument({"Titel": HeaderMapping(("product_name",))}))
    assert targets(build_step(dry_run(known, ["sku"], proposals=[title]))) == {"Titel": "product_name", "Name": ""}


def test_step_with_an_almost_equal_mapping_names_the_differences() -> None:
    almost = proposal(ProposalSource.MAPPING, SAP, new_headers=["ERNAM"], missing_headers=["Other", "Last"])
    step = build_step(dry_run(SAP_HEADERS, proposals=[almost]), mapping_names=["SAP", "sap 2"])
    assert step.is_required
    assert step.differences == (
        "Compared with your mapping 'SAP', this file has 'ERNAM' in addition and lacks 'Other', 'Last'."
    )
    assert step.name == "SAP 3"


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [("prices.csv", "prices"), ("None.csv", "None 2"), ("", "My files"), ("a" * 300, "a" * 96)],
)
def test_step_without_named_proposal_is_named_after_the_file(file_name: str, expected: str) -> None:
    assert build_step(dry_run(SAP_HEADERS, REQUIRED), file_name=file_name).name == expected


def test_step_after_confirmation_shows_the_confirmed_choices_only() -> None:
    confirmed = [replace(item, columns=("brand",), source=HeaderSource.MAPPING) for item in SAP_HEADERS[:1]]
    document = MappingDocument({"MATNR": HeaderMapping(("brand",))}, {"price": "3"})
    result = dry_run(confirmed, proposals=[proposal(ProposalSource.PRESET, SAP)])
    step = build_step(result, document)
    assert (step.is_required, step.is_confirmed, targets(step)) == (False, True, {"MATNR": "brand"})
    assert next(column.constant for column in step.columns if column.name == "price") == "3"


def test_step_with_unmapped_values_lists_those_with_most_rows_first() -> None:
    values = [UnmappedValue("category", "Men", 10, "Men's Clothing"), UnmappedValue("category", "Misc", 40)]
    result = dry_run(own(*REQUIRED), unmapped_values=values)
    step = build_step(result)
    assert step.is_required
    assert [(value.vendor_value, value.target, value.is_suggested) for value in step.values] == [
        ("Misc", "", False),
        ("Men", "Men's Clothing", True),
    ]


def test_step_whose_values_were_shown_keeps_the_confirmed_ones_and_is_optional() -> None:
    result = dry_run(
        own(*REQUIRED),
        unmapped_values=[UnmappedValue("category", "Misc", 40)],
        used_values=[UsedValue("category", "Men", "Books", 9), UsedValue("category", "Other", "Books", 1)],
    )
    document = MappingDocument(values={"category": {"MEN": "Books"}})
    step = build_step(result, document, values_shown=True)
    assert not step.is_required
    assert [(value.vendor_value, value.target) for value in step.values] == [("Misc", ""), ("Men", "Books")]


def test_step_with_two_headers_for_one_column_asks_for_them() -> None:
    headers = [header(name, "price", source=HeaderSource.SYNONYM) for name in ("Preis", "Price")]
    rejection = FileRejection(RejectionCode.DUPLICATE_COLUMNS, "twice")
    step = build_step(DryRun(rejection, [], {}, {}, headers=headers))
    assert step.is_required
    assert [item.name for item in step.open_headers] == ["Preis", "Price"]


def test_step_with_a_stored_mapping_keeps_its_name_and_format() -> None:
    headers = [replace(SAP_HEADERS[3], columns=("price",), source=HeaderSource.MAPPING), header("New")]
    saved = SavedMapping("M1", 2, SAP, "SAP")
    step = build_step(dry_run(headers, ["sku"], mapping=saved), mapping_names=["SAP"])
    assert (step.name, step.has_mapping) == ("SAP", True)
    assert next(item for item in step.headers if item.name == "EKPRI").number_example == "1.234,50 € → 1234.50"
