"""Uploads with mappings, through all functions: they equal their dry run, and their fix files come back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import MappingDocument, SavedMapping
from onboarding.domain.models import Mode, OnError, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.files.formula_escaping import unescape_formula
from onboarding.pipeline.dry_run import dry_run
from onboarding.storage import mappings, uploads, validation_errors
from onboarding.storage.database import Database
from onboarding.storage.mappings import AppliedMapping, get_applied_mapping
from onboarding.storage.products import to_storable_text
from tests.faults import stored_state
from tests.faults.lambda_runtime import Runtime
from tests.faults.mapped_files import CATEGORIES, TARGETS, build_document, write_mapped_file
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Simulation
from tests.faults.upload_files import File
from tests.support.postgres_fixtures import ACTOR, open_database
from tests.support.running_pipeline import csv_of, product

VENDOR = "VEND001"


@dataclass(frozen=True)
class Content(File):
    """A file of any content and options."""

    data: bytes = b""
    options: Options = Options()  # noqa: RUF009 - frozen

    @property
    def content(self) -> bytes:
        return self.data

    @property
    def metadata(self) -> dict[str, str]:
        return self.options.metadata()


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "mapped_uploads") as installed:
        yield installed


@pytest.fixture(scope="module")
def database(runtime: Runtime) -> Iterator[Database]:
    opened = open_database(runtime.database_url)
    yield opened
    opened.close()


@pytest.fixture
def simulation(runtime: Runtime) -> Simulation:
    stored_state.empty(runtime)
    return Simulation(runtime)


def upload(simulation: Simulation, data: bytes, options: Options | None = None, name: str = "file") -> str:
    """Upload a file and process all of its events; return the id of the upload."""
    upload_id = simulation.put(
        f"uploads/{VENDOR}/{name}.csv", Content(VENDOR, [], data=data, options=options or Options())
    )
    simulation.deliver_all()
    assert simulation.errors == []
    return upload_id


def get_result(database: Database, upload_id: str) -> tuple[UploadStatus, str | None, dict[int, Any], dict[int, str]]:
    """Return the status, the code of a rejected file, the errors of each row, and the outcomes of the valid rows."""
    history = database.run(lambda c: uploads.get_upload(c, upload_id))
    assert history is not None
    errors: dict[int, list[tuple[str, ...]]] = {}
    for line in database.run(lambda c: list(validation_errors.stream_report_rows(c, upload_id))):
        errors.setdefault(line.row_number, []).append(astuple(line.error))
    outcomes = database.run(
        lambda c: c.execute(
            "select row_number, 'created' from products where upload_id = %(id)s "
            "union all select row_number, change_type from product_changes where upload_id = %(id)s",
            {"id": upload_id},
        ).fetchall()
    )
    return history.status, history.failure_code, errors, dict(outcomes)


def get_mapping(database: Database, upload_id: str) -> AppliedMapping:
    applied = database.run(lambda c: get_applied_mapping(c, upload_id))
    assert applied is not None
    return applied


# Dry run

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "vendor_product_id": st.sampled_from(["P-1", "P-2", "P-3", "P-4", ""]),
            "sku": st.sampled_from(["S-1", "S-2", "S-3", "S-4", ""]),
            "product_name": st.sampled_from(["Mouse", "Mouse", "(clear)", ""]),
            "category": st.sampled_from([*CATEGORIES, "GEAR", "Gadgetry", "Gear\t", ""]),
            "subcategory": st.sampled_from(["Mice", ""]),
            "price": st.sampled_from(["19.99", "5", "1.234.50", "0.00", "a", "1.5.7", "-"]),
        }
    ),
    min_size=1,
    max_size=7,
)
OPTIONS = st.tuples(st.sampled_from(Mode), st.sampled_from(OnError))
KINDS = st.sampled_from(["remembered", "named", "reference", "document", "deleted", "deleted name", "none"])
VALUES = st.dictionaries(st.sampled_from(["Gear", "Gadgetry", "Electronics"]), st.sampled_from(TARGETS))


def test_dry_run_with_any_mapping_equals_upload(runtime: Runtime, database: Database) -> None:
    @settings(deadline=None, max_examples=50)
    @given(ROWS, OPTIONS, KINDS, st.tuples(VALUES, VALUES), st.integers(1, 5))
    def check(
        rows: list[dict[str, str]],
        mode_and_on_error: tuple[Mode, OnError],
        kind: str,
        values: tuple[dict[str, str], dict[str, str]],
        batch: int,
    ) -> None:
        remembered_values, own_values = values
        stored_state.empty(runtime)
        simulation = Simulation(runtime, batch=batch)
        existing = [product(str(n), vendor_product_id=f"P-{n}", sku=f"S-{n}") for n in (1, 2)]
        upload(simulation, csv_of(existing), name="catalog")
        for value, target in remembered_values.items():
            simulation.mappings.map_value(VENDOR, value, target)
        content = write_mapped_file("FA", [product(str(n)) | row for n, row in enumerate(rows)])
        document = build_document("FA", 1, own_values)
        saved, option = save(simulation, document, kind)
        options = Options(*mode_and_on_error, mapping=option)
        dry = (
            dry_run(database.run, content, VENDOR, Options(*mode_and_on_error), document=document)
            if kind == "document"
            else dry_run(database.run, content, VENDOR, options)
        )
        upload_id = upload(simulation, content, options)
        status, rejection, errors, outcomes = get_result(database, upload_id)
        assert (dry.status, dry.rejection and dry.rejection.code) == (status, rejection)
        assert {n: [tuple(map(to_storable_text, astuple(e))) for e in es] for n, es in dry.errors.items()} == errors
        assert dry.outcomes == outcomes
        applied = get_mapping(database, upload_id)
        assert list(dry.used_values) == list(applied.used_values)
        assert set(dry.missing_columns) == set(applied.missing_columns)
        if kind != "document":
            assert dry.mapping == applied.mapping
            assert (applied.mapping is not None) == (kind in {"remembered", "named", "reference"})
        else:
            assert applied.mapping == saved

    check()


def save(simulation: Simulation, document: MappingDocument, kind: str) -> tuple[SavedMapping, str | None]:
    """Store a mapping in a way; return it and the option with which a file is uploaded."""
    if kind == "document":
        saved = simulation.mappings.run(lambda c: mappings.save_mapping(c, ACTOR, VENDOR, document))
        return saved, saved.reference
    remembered = simulation.mappings.remember(VENDOR, "FA")
    saved = simulation.mappings.run(
        lambda c: mappings.update_mapping(c, ACTOR, VENDOR, remembered.mapping_id, document=document)
    )
    if kind.startswith("deleted"):
        simulation.mappings.delete(VENDOR, "FA")
    options = {"named": saved.name, "deleted name": saved.name, "reference": saved.reference, "none": "none"}
    return saved, options.get(kind)


# Fix files

HEADERS = ("Handle", "Title", "Vendor", "Type", "Variant SKU", "Price", "Stock", "Image Src")
LINES = (
    ("shirt", "Shirt", "ACME", "Tops", "S-1", "1.234,50 EUR", "5", "https://images.example.com/1.jpg"),
    ("shirt", "", "", "", "S-2", "gratis", "6", ""),
    ("shirt", "", "", "", "", "", "", "https://images.example.com/2.jpg"),
    ("shirt", "", "", "", "S-3", "0,00 EUR", "-1", ""),
    ("hat", "Hat", "ACME", "Hats", "H-1", "3,5", "1", ""),
    ("cap", "Cap", "ACME", "Hats", "C-1", "12,00 €", "2", ""),
)
DOCUMENT = parse_document(
    {
        "columns": {
            "Variant SKU": {"columns": ["vendor_product_id", "sku"]},
            "Title": {"columns": ["product_name"]},
            "Type": {"columns": ["category"]},
            "Vendor": {"columns": ["brand"]},
            "Price": {
                "columns": ["price"],
                "number_format": {"decimal_sign": ",", "thousands_separator": ".", "remove": "EUR"},
            },
            "Stock": {"columns": ["stock_quantity"]},
        },
        "constants": {"unit": "piece"},
        "fill_down": {"group_header": "Handle", "headers": ["Title", "Vendor", "Type"]},
    }
)
CORRECTIONS = {
    3: {"Price": "9,90 EUR"},
    5: {"Price": "1.000,00", "Stock": "1"},
    6: {"Type": "Clothing"},
    7: {"Price": "12,00", "Type": "Clothing"},
}
"""Corrections of the wrong cells, by the row of the file in a spreadsheet."""


def write_csv(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(lines)
    return text.getvalue().encode()


def write_workbook(lines: Sequence[Sequence[str]]) -> bytes:
    """Return a workbook with numbers in numeric cells, which it shows with the decimals of the cells."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for line in lines:
        sheet.append([int(text) if text.lstrip("-").isdecimal() else 3.5 if text == "3,5" else text for text in line])
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def read_fix_file(simulation: Simulation, database: Database, upload_id: str) -> list[list[str]]:
    """Return the lines of an upload's fix file in CSV."""
    history = database.run(lambda c: uploads.get_upload(c, upload_id))
    assert history is not None
    assert history.fix_file_s3_key is not None
    key = history.fix_file_s3_key.replace(".xlsx", ".csv")
    text = simulation.runtime.aws.objects[key][-1].content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=text.removeprefix("_upload")[0]))


def correct(lines: list[list[str]], corrections: Mapping[int, Mapping[str, str]]) -> bytes:
    """Return a fix file with corrected cells, by spreadsheet row and header."""
    header, *rows = lines
    for row in rows:
        for name, text in corrections.get(int(row[1]), {}).items():
            row[header.index(name)] = text
    return write_csv([header, *rows])


@pytest.mark.parametrize("write", [write_csv, write_workbook])
@pytest.mark.parametrize("on_error", OnError)
@pytest.mark.parametrize("kind", ["remembered", "new version", "deleted", "unnamed"])
def test_fix_file_of_mapped_upload_comes_back_without_errors(
    simulation: Simulation, database: Database, write: Any, on_error: OnError, kind: str
) -> None:
    simulation.mappings.map_value(VENDOR, "Tops", "Clothing")
    is_named = kind != "unnamed"
    saved = simulation.mappings.run(
        lambda c: mappings.save_mapping(
            c, ACTOR, VENDOR, DOCUMENT, name="Shop" if is_named else None, headers=HEADERS if is_named else ()
        )
    )
    options = Options(on_error=on_error, mapping=None if is_named else saved.reference)
    upload_id = upload(simulation, write([HEADERS, *LINES]), options)
    if kind == "new version":
        document = parse_document({"columns": {"Title": {"columns": ["description"]}}})
        simulation.mappings.run(
            lambda c: mappings.update_mapping(c, ACTOR, VENDOR, saved.mapping_id, document=document)
        )
    elif kind == "deleted":
        simulation.mappings.run(lambda c: mappings.delete_mapping(c, ACTOR, VENDOR, saved.mapping_id))
    fix_lines = read_fix_file(simulation, database, upload_id)
    rejected = [int(line[1]) for line in fix_lines[1:]]
    assert rejected == ([3, 5, 6, 7] if on_error is OnError.REJECT_ROWS else [2, 3, 5, 6, 7])
    fixed = upload(simulation, correct(fix_lines, CORRECTIONS), name="fixed")
    assert get_result(database, fixed)[1:3] == (None, {})
    applied = get_mapping(database, fixed).mapping
    assert applied is not None
    assert applied.reference == saved.reference
    stored = database.run(
        lambda c: c.execute(
            "select sku, product_name, category, brand, unit, price::text, stock_quantity from products order by sku"
        ).fetchall()
    )
    assert stored == [
        ("C-1", "Cap", "Clothing", "ACME", "piece", "12.00", 2),
        ("H-1", "Hat", "Clothing", "ACME", "piece", "3.50", 1),
        ("S-1", "Shirt", "Clothing", "ACME", "piece", "1234.50", 5),
        ("S-2", "Shirt", "Clothing", "ACME", "piece", "9.90", 6),
        ("S-3", "Shirt", "Clothing", "ACME", "piece", "1000.00", 1),
    ]


def test_fix_file_of_upload_without_mappings_is_read_without_them(simulation: Simulation, database: Database) -> None:
    content = csv_of([product("1", price="free")])
    columns = {"description": ["product_name"], "product_name": ["description"]}
    document = parse_document({"columns": {header: {"columns": targets} for header, targets in columns.items()}})
    simulation.mappings.run(
        lambda c: mappings.save_mapping(c, ACTOR, VENDOR, document, name="Swapped", headers=list(product("1")))
    )
    simulation.mappings.map_value(VENDOR, "Computer Accessories", "Electronics")
    upload_id = upload(simulation, content, Options(mapping="none"))
    fix_lines = read_fix_file(simulation, database, upload_id)
    assert fix_lines[0][4] == "_mapping"
    fixed = upload(simulation, correct(fix_lines, {2: {"price": "1.50"}}), name="fixed")
    assert get_mapping(database, fixed) == AppliedMapping(None, [], {})
    query = "select product_name, description, category from products"
    [stored] = database.run(lambda c: c.execute(query).fetchall())
    assert stored == ("Wireless Mouse - Model 1", "Ergonomic wireless mouse", "Computer Accessories")


def test_report_and_fix_file_of_mapped_upload_show_the_vendors_values(
    simulation: Simulation, database: Database
) -> None:
    simulation.mappings.map_value(VENDOR, "Tops", "Clothing")
    saved = simulation.mappings.run(lambda c: mappings.save_mapping(c, ACTOR, VENDOR, DOCUMENT))
    upload_id = upload(simulation, write_csv([HEADERS, *LINES]), Options(mapping=saved.reference))
    header, *lines = read_fix_file(simulation, database, upload_id)
    assert header == ["_upload", "_row", "_errors", "_hint", "_mapping", *HEADERS]
    assert {line[4] for line in lines} == {saved.reference}
    # Filled cells are complete, since the first row of the group is not in the fix file; all others are unchanged.
    assert [list(map(unescape_formula, line[5:])) for line in lines] == [
        ["shirt", "Shirt", "ACME", "Tops", "S-2", "gratis", "6", ""],
        ["shirt", "Shirt", "ACME", "Tops", "S-3", "0,00 EUR", "-1", ""],
        list(LINES[4]),
        list(LINES[5]),
    ]
    history = database.run(lambda c: uploads.get_upload(c, upload_id))
    assert history is not None
    assert history.error_file_s3_key is not None
    report = simulation.runtime.aws.objects[history.error_file_s3_key][-1].content.decode("utf-8-sig")
    prices = {line["SKU"]: unescape_formula(line["Price"]) for line in csv.DictReader(io.StringIO(report, newline=""))}
    assert prices == {"S-2": "gratis", "S-3": "0,00 EUR", "H-1": "3,5", "C-1": "12,00 €"}
    errors = database.run(
        lambda c: c.execute(
            "select original_data ->> 'category', rejected_value from validation_errors "
            "where error_field in ('category', 'price') order by row_number, error_id"
        ).fetchall()
    )
    assert errors == [("Tops", "gratis"), ("Tops", "0,00 EUR"), ("Hats", "Hats"), ("Hats", "12,00 €"), ("Hats", "Hats")]


@pytest.mark.parametrize("correction", ["cell", "value mapping"])
def test_fix_file_after_the_target_of_a_value_mapping_was_disabled_comes_back_without_errors(
    simulation: Simulation, database: Database, correction: str
) -> None:
    simulation.mappings.map_value(VENDOR, "Tops", "Clothing")
    saved = simulation.mappings.run(
        lambda c: mappings.save_mapping(c, ACTOR, VENDOR, DOCUMENT, name="Shop", headers=HEADERS)
    )
    activate(database, "Clothing", is_active=False)
    try:
        upload_id = upload(simulation, write_csv([HEADERS, LINES[0]]))
        [[(_, _, message, value, *_)]] = get_result(database, upload_id)[2].values()
        assert message.startswith("Invalid category: Tops, which your mapping translates to 'Clothing'")
        assert value == "Tops"
        fix_lines = read_fix_file(simulation, database, upload_id)
        if correction == "value mapping":
            simulation.mappings.map_value(VENDOR, "Tops", "Electronics")
        fixed = correct(fix_lines, {2: {"Type": "Electronics"}} if correction == "cell" else {})
        fixed_id = upload(simulation, fixed, name="fixed")
        assert get_result(database, fixed_id)[:3] == (UploadStatus.COMPLETED, None, {})
        assert get_mapping(database, fixed_id).mapping == saved
    finally:
        activate(database, "Clothing", is_active=True)


def activate(database: Database, category: str, *, is_active: bool) -> None:
    statement = "update product_categories set is_active = %s where category_name = %s"
    database.run(lambda c: c.execute(statement, (is_active, category)))
