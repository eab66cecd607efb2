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
    compute_fingerprint,
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
    choices: dict[str, Any] = {"mode": Mode.CREATE, "category_names": ["Books"], "fingerprints": {}, "file_name": ""}
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
        ("category", "list"),
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
    step = build_step(dry_run(SAP_HEADERS, proposals=[almost]), fingerprints={"SAP": "other", "sap 2": "other"})
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


def test_step_with_unmapped_values_suggests_similar_categories() -> None:
    values = [UnmappedValue("category", "Misc", 40), UnmappedValue("category", "Men", 10, "Men's Clothing")]
    result = dry_run(own(*REQUIRED), unmapped_values=values)
    step = build_step(result)
    assert step.is_required
    assert [(value.vendor_value, value.target, bool(value.reason)) for value in step.values] == [
        ("Misc", "", False),
        ("Men", "Men's Clothing", True),
    ]


def test_step_with_unmapped_statuses_suggests_those_of_the_preset() -> None:
    values = [
        UnmappedValue("category", "Misc", 2),
        UnmappedValue("status", "Draft", 5),
        UnmappedValue("status", "?", 1),
    ]
    document = MappingDocument({"Stock": HeaderMapping(())}, values={"status": {"draft": "inactive", "0": "inactive"}})
    result = dry_run(
        [*own(*REQUIRED, "status"), header("Stock")],
        unmapped_values=values,
        proposals=[proposal(ProposalSource.PRESET, document, "Shop")],
    )
    step = build_step(result)
    assert step.is_required
    assert {
        column: [(value.vendor_value, value.target, value.reason) for value in values]
        for column, values in step.values_by_column.items()
    } == {
        "category": [("Misc", "", "")],
        "status": [("Draft", "inactive", "As in the preset 'Shop'"), ("?", "", "")],
    }
    assert step.choices == {"category": ["Books"], "status": ("active", "inactive")}
    assert json.loads(step.other_parts) == {"values": {"status": {"draft": "inactive", "0": "inactive"}}}
    assert step.notes == ["Values of Status are translated: 'draft' → inactive, '0' → inactive."]


def test_step_confirmed_status_is_not_that_of_a_category_with_the_same_value() -> None:
    result = dry_run(
        own(*REQUIRED, "status"),
        unmapped_values=[UnmappedValue("category", "0", 4)],
        used_values=[UsedValue("status", "0", "inactive", 9)],
    )
    step = build_step(result, MappingDocument(values={"status": {"0": "inactive"}}), declined_values=1)
    assert [(value.column, value.vendor_value, value.target) for value in step.values] == [
        ("status", "0", "inactive"),
        ("category", "0", ""),
    ]


def test_step_whose_values_were_shown_keeps_the_confirmed_ones_and_is_optional() -> None:
    result = dry_run(
        own(*REQUIRED),
        unmapped_values=[UnmappedValue("category", "Misc", 40)],
        used_values=[UsedValue("category", "Men", "Books", 9), UsedValue("category", "Other", "Books", 1)],
    )
    document = MappingDocument(values={"category": {"MEN": "Books"}})
    step = build_step(result, document, declined_values=1)
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
    step = build_step(dry_run(headers, ["sku"], mapping=saved))
    assert (step.name, step.remembered_name, step.has_mapping) == ("SAP", "", True)
    assert next(item for item in step.headers if item.name == "EKPRI").number_example == "1.234,50 € → 1234.50"


@pytest.mark.parametrize("document", [None, SAP], ids=["before", "after"])
def test_step_for_headers_that_are_remembered_has_the_name_of_their_mapping(document: MappingDocument | None) -> None:
    fingerprints = {"Other": "other", "Weekly": compute_fingerprint([item.name.lower() for item in SAP_HEADERS])}
    preset = proposal(ProposalSource.PRESET, SAP)
    step = build_step(dry_run(SAP_HEADERS, REQUIRED, proposals=[preset]), document, fingerprints=fingerprints)
    assert (step.name, step.remembered_name) == ("Weekly", "Weekly")


def test_step_with_many_values_shows_those_that_were_not_seen() -> None:
    unmapped = [UnmappedValue("category", f"C{n}", 1000 - n, "Books") for n in range(450)]
    result = dry_run(own(*REQUIRED), unmapped_values=unmapped, unmapped_value_count=600)
    step = build_step(result)
    assert (step.values[0].vendor_value, len(step.values), step.more_values) == ("C0", 200, 400)
    # The vendor has chosen a category for 150 of them, and none for the others.
    used = [UsedValue("category", f"C{n}", "Books", 1000 - n) for n in range(150)]
    document = MappingDocument(values={"category": {value.vendor_value: "Books" for value in used}})
    result = replace(result, unmapped_values=unmapped[150:], unmapped_value_count=450, used_values=used)
    step = build_step(result, document, declined_values=50)
    assert step.is_required
    assert (step.values[0].vendor_value, len(step.values), step.more_values) == ("C200", 200, 200)
    # All are seen: those without a category keep none, although there is a suggestion.
    result = replace(result, unmapped_values=unmapped[150:200], unmapped_value_count=50)
    step = build_step(result, document, declined_values=50)
    assert not step.is_required
    assert [(value.vendor_value, value.target) for value in step.values[149:151]] == [("C149", "Books"), ("C150", "")]
    assert step.more_values == 0


def test_step_with_headers_of_the_same_name_imports_none_of_them() -> None:
    headers = [*own("sku", "price"), header("PRICE ", "price", source=HeaderSource.NAME), header("x"), header("X")]
    similar = proposal(ProposalSource.SIMILARITY, MappingDocument({"x": HeaderMapping(("brand",))}), "")
    rejection = FileRejection(RejectionCode.DUPLICATE_COLUMNS, "twice")
    step = build_step(DryRun(rejection, [], {}, {}, headers=headers, proposals=[similar]), mode=Mode.UPDATE)
    repeated = [(item.name, item.current, item.target) for item in step.headers if item.is_repeated]
    assert repeated == [("price", "price", ""), ("price", "price", ""), ("x", "", ""), ("x", "", "")]
    assert [item.name for item in step.open_headers][:2] == ["price", "price"]


def test_step_header_longer_than_the_limit_is_cut() -> None:
    step = build_step(dry_run([header("a" * 100 + "…"), header("b" * 100)], REQUIRED))
    assert [item.is_cut for item in step.headers] == [True, False]
