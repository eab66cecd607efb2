"""Exports of the catalog, uploaded through all functions: unchanged, changed, stale, corrected and repeated."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.models import Mode, OnError, Outcome, Upload
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.upload_changes import ProductChange
from onboarding.domain.upload_options import Options
from onboarding.pipeline.dry_run import dry_run
from onboarding.pipeline.undo import undo_upload
from onboarding.storage import catalog
from onboarding.storage.database import Database
from onboarding.storage.upload_changes import list_upload_changes
from tests.faults import stored_state
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Simulation
from tests.integration.pipeline.test_corrections import Corrections
from tests.integration.pipeline.test_mapped_uploads import VENDOR, get_result, read_fix_file
from tests.support.exported_products import (
    CELLS,
    assert_nothing_changes,
    export_csv,
    export_workbook,
    list_products_of_all_texts,
    make_products,
)
from tests.support.postgres_fixtures import ACTOR, open_database
from tests.support.running_pipeline import csv_of, product

SOFFICE = shutil.which("soffice")
UPDATE = Options(Mode.UPDATE)
EXPORTS = pytest.mark.parametrize("export", [export_csv, export_workbook])


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "export_uploads") as installed:
        yield installed


@pytest.fixture(scope="module")
def database(runtime: Runtime) -> Iterator[Database]:
    opened = open_database(runtime.database_url)
    yield opened
    opened.close()


class Vendor(Corrections):
    """A vendor who uploads exports of the catalog."""

    def upload_rows(self, *rows: Mapping[str, str], mode: Mode = Mode.CREATE, name: str = "rows") -> Upload:
        columns = [column for column in (*COLUMNS, VERSION) if any(column in row for row in rows)]
        return self.upload(csv_of(rows, columns), Options(mode, force=True), f"uploads/{VENDOR}/{name}.csv")

    def export(self) -> list[CatalogProduct]:
        ids = [product_id for (product_id,) in self.fetch("select product_id from products")]
        return self.database.run(lambda c: catalog.get_products(c, ids))

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.run(lambda c: c.execute(query).fetchall())

    def result(self, upload: Upload) -> tuple[dict[int, list[str]], dict[int, str]]:
        """Return the error types and the outcomes of the rows of an upload."""
        _, _, errors, outcomes = get_result(self.database, upload.upload_id)
        return {number: [error[0] for error in row_errors] for number, row_errors in errors.items()}, outcomes

    def changes(self, upload: Upload) -> list[ProductChange]:
        return self.database.run(lambda c: list_upload_changes(c, upload.upload_id, limit=100))


@pytest.fixture
def vendor(runtime: Runtime, database: Database) -> Vendor:
    return Vendor(runtime, database)


def edit_csv(content: bytes, edits: Mapping[int, Mapping[str, str]]) -> bytes:
    """Return a CSV export with other cells, by row number and column."""
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    for number, cells in edits.items():
        rows[number - 1] |= cells
    return csv_of(rows, (*COLUMNS, VERSION))


def edit_workbook(content: bytes, edits: Mapping[int, Mapping[str, str | int]]) -> bytes:
    """Return a workbook with other cells, by row number and column."""
    book = load_workbook(io.BytesIO(content))
    for number, cells in edits.items():
        for column, value in cells.items():
            book["Products"].cell(number + 1, (*COLUMNS, VERSION).index(column) + 1).value = value
    edited = io.BytesIO()
    book.save(edited)
    return edited.getvalue()


# Unchanged exports


def test_export_of_any_catalog_uploaded_unchanged_gives_only_unchanged(runtime: Runtime, database: Database) -> None:
    @settings(deadline=None, max_examples=25)
    @given(st.lists(CELLS, min_size=1, max_size=8), st.integers(1, 4))
    def check(rows: list[dict[str, str]], batch: int) -> None:
        accepted = [{c: str(v) for c, v in item.values.items() if v is not None} for item in make_products(rows)]
        if not accepted:
            return
        vendor = Vendor(runtime, database)
        names = {row["category"] for row in accepted}
        database.run(
            lambda c: c.execute(
                "insert into product_categories (category_name) select unnest(%s::text[]) on conflict do nothing",
                (sorted(names),),
            )
        )
        vendor.upload_rows(*accepted)
        products = vendor.export()
        before = vendor.fetch("select * from products order by product_id")
        vendor.simulation = Simulation(runtime, batch=batch)
        for name, content in (("csv", export_csv(products)), ("xlsx", export_workbook(products))):
            upload = vendor.upload(content, UPDATE, f"uploads/{VENDOR}/export.{name}")
            errors, outcomes = vendor.result(upload)
            is_writable = name == "csv" or not any("_x0041_x0041_" in str(row) for row in accepted)
            assert not errors or not is_writable, errors
            assert set(outcomes.values()) <= {"unchanged"}
            assert len(outcomes) + len(errors) == len(products)
        assert vendor.fetch("select * from products order by product_id") == before

    check()


def test_export_with_mappings_of_the_vendor_is_read_without_them(vendor: Vendor) -> None:
    vendor.upload_rows(product("1", category="Electronics"), product("2"))
    vendor.simulation.mappings.map_value(VENDOR, "Electronics", "Clothing")
    upload = vendor.upload(export_csv(vendor.export()), UPDATE)
    assert vendor.result(upload) == ({}, {1: "unchanged", 2: "unchanged"})


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice: apt-get install libreoffice-calc")
def test_workbook_export_saved_by_libreoffice_changes_nothing(tmp_path: Path) -> None:
    products = list_products_of_all_texts()
    file = tmp_path / "export.xlsx"
    file.write_bytes(export_workbook(products))
    assert SOFFICE is not None
    subprocess.run(
        [
            SOFFICE,
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            *("--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "saved"), str(file)),
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )
    assert_nothing_changes((tmp_path / "saved" / "export.xlsx").read_bytes(), products)


# Changed exports


@EXPORTS
def test_export_with_changed_prices_changes_only_these(
    vendor: Vendor, export: Callable[[Sequence[CatalogProduct]], bytes]
) -> None:
    vendor.upload_rows(*(product(str(number), category="Garden") for number in range(1, 8)))
    vendor.fetch("update product_categories set is_active = false where category_name = 'Garden' returning 1")
    try:
        content = export(vendor.export())
        if content.startswith(b"PK"):
            content = edit_workbook(content, {2: {"price": 25}, 5: {"price": "1,5"}, 6: {"brand": "(clear)"}})
        else:
            content = edit_csv(content, {2: {"price": "25"}, 5: {"price": "1.5"}, 6: {"brand": "(clear)"}})
        preview = dry_run(vendor.database.run, content, VENDOR, UPDATE)
        upload = vendor.upload(content, UPDATE)
    finally:
        vendor.fetch("update product_categories set is_active = true where category_name = 'Garden' returning 1")
    errors, outcomes = vendor.result(upload)
    assert errors == {}
    assert {number for number, outcome in outcomes.items() if outcome == "updated"} == {2, 5, 6}
    changes = [change for change in vendor.changes(upload) if change.change_type is Outcome.UPDATED]
    assert [[(item.column, item.old, item.new) for item in change.changes] for change in changes] == [
        [("price", "19.99", "25.00")],
        [("price", "19.99", "1.50")],
        [("brand", "TechGear", None)],
    ]
    assert (preview.unmapped_values, preview.proposals) == ([], ())
    assert [change.row_number for change in preview.changes] == [5, 2, 6]
    assert sorted(preview.changes, key=lambda change: change.row_number) == changes
    # An export sets only what was changed in it.
    assert vendor.fetch(
        f"select row_number, set_columns from product_changes where upload_id = '{upload.upload_id}' order by 1"  # noqa: S608
    ) == [(n, ["brand"] if n == 6 else ["price"] if n in {2, 5} else []) for n in range(1, 8)]


CHANGES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "price": st.sampled_from(["19.99", "25", "0.01", "999999.99", "free"]),
            "compare_at_price": st.sampled_from(["30", "(clear)"]),
            "brand": st.sampled_from(["TechGear", "Acme", "(clear)", "N/A"]),
            "description": st.sampled_from(["a\nb", "Ergonomic wireless mouse", "(clear)"]),
            "stock_quantity": st.sampled_from(["0", "150"]),
            "weight_kg": st.sampled_from(["1.234", "0.250", "(clear)"]),
            "status": st.sampled_from(["active", "inactive"]),
            "sku": st.sampled_from(["S-8", "S-9", "SKU-1"]),
        },
    ),
    min_size=1,
    max_size=4,
)


def test_dry_run_changes_equal_those_of_the_upload(runtime: Runtime, database: Database) -> None:
    @settings(deadline=None, max_examples=40)
    @given(CHANGES, st.sampled_from([Mode.UPDATE, Mode.UPSERT]), st.booleans(), st.integers(1, 4))
    def check(changes: list[dict[str, str]], mode: Mode, has_versions: bool, batch: int) -> None:
        vendor = Vendor(runtime, database)
        vendor.upload_rows(product("1"), product("2"), product("3"))
        versions = {str(item.values["vendor_product_id"]): item.version for item in vendor.export()}
        rows = [
            {
                "vendor_product_id": f"PROD-{number}",
                **cells,
                **({VERSION: versions.get(f"PROD-{number}", "")} if has_versions else {}),
            }
            for number, cells in enumerate(changes, 1)
        ]
        columns = sorted({column for row in rows for column in row})
        content = csv_of(rows, columns)
        preview = dry_run(database.run, content, VENDOR, Options(mode, force=True))
        vendor.simulation = Simulation(runtime, batch=batch)
        upload = vendor.upload(content, Options(mode, force=True))
        updated = [change for change in vendor.changes(upload) if change.change_type is Outcome.UPDATED]
        assert sorted(preview.changes, key=lambda change: change.row_number) == updated
        moves = [abs(change.price_move or Decimal(0)) for change in preview.changes]
        assert moves == sorted(moves, reverse=True)

    check()


# Stale rows


def test_row_whose_product_changed_since_is_stale_unless_it_changes_nothing(vendor: Vendor) -> None:
    vendor.upload_rows(product("1"), product("2"), product("3"))
    content = export_csv(vendor.export())
    vendor.upload_rows(
        {"vendor_product_id": "PROD-1", "price": "5"},
        {"vendor_product_id": "PROD-2", "brand": "Acme"},
        mode=Mode.UPDATE,
    )
    content = edit_csv(content, {2: {"brand": "Acme"}, 3: {"price": "7"}})
    upload = vendor.upload(content, UPDATE)
    errors, outcomes = vendor.result(upload)
    assert errors == {1: ["STALE_ROW"]}
    assert outcomes == {2: "unchanged", 3: "updated"}
    [message] = vendor.fetch("select error_message from validation_errors")
    assert message == ("Stale row: the product PROD-1 has changed since it was exported; it has price 5.00 now",)


def test_stale_row_overwrites_the_product_when_its_version_is_cleared_in_the_table(vendor: Vendor) -> None:
    vendor.upload_rows(product("1"), product("2"))
    content = edit_csv(export_csv(vendor.export()), {1: {"brand": "Mine"}, 2: {"price": "free", "brand": "New"}})
    vendor.upload_rows({"vendor_product_id": "PROD-1", "price": "5", "brand": "Theirs"}, mode=Mode.UPDATE)
    upload = vendor.upload(content, UPDATE)
    assert vendor.result(upload)[0] == {1: ["STALE_ROW"], 2: ["INVALID_PRICE"]}
    vendor.edit(upload, {1: {"stock_quantity": "1"}, 2: {"price": "8"}})
    assert vendor.check(upload)[1][0].startswith("Stale row: the product PROD-1 has changed since it was exported")
    vendor.edit(upload, {1: {VERSION: ""}, 2: {"price": "8"}})
    assert vendor.check(upload) == {1: [], 2: []}
    # The second row keeps its version: it is stale once its product has changed.
    vendor.upload_rows({"vendor_product_id": "PROD-2", "stock_quantity": "3"}, mode=Mode.UPDATE)
    assert vendor.check(upload)[1] == []
    assert vendor.check(upload)[2][0].endswith("it has brand 'TechGear', price 19.99, stock_quantity 3 now")
    fixed = vendor.submit(upload)
    assert vendor.result(fixed) == ({}, {1: "updated"})
    query = "select vendor_product_id, price::text, brand, stock_quantity from products order by 1"
    assert vendor.fetch(query) == [("PROD-1", "19.99", "Mine", 150), ("PROD-2", "19.99", "TechGear", 3)]


def test_rows_of_an_export_come_back_in_its_fix_file(vendor: Vendor) -> None:
    vendor.upload_rows(product("1"), product("2"), product("3", brand="+49 30 1234"))
    edits = {1: {"brand": "Mine"}, 2: {"price": "free"}, 3: {"price": "free"}}
    content = edit_csv(export_csv(vendor.export()), edits)
    vendor.upload_rows({"vendor_product_id": "PROD-1", "price": "5"}, mode=Mode.UPDATE)
    upload = vendor.upload(content, UPDATE)
    lines = read_fix_file(vendor.simulation, vendor.database, upload.upload_id)
    header, *rows = lines
    assert [row[1] for row in rows] == ["2", "3", "4"]
    version, price = header.index(VERSION), header.index("price")
    rows[0][version] = ""
    rows[1][price] = rows[2][price] = "8"
    vendor.upload_rows({"vendor_product_id": "PROD-3", "stock_quantity": "3"}, mode=Mode.UPDATE)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    fixed = vendor.upload(text.getvalue().encode(), UPDATE, f"uploads/{VENDOR}/fixed.csv")
    assert vendor.result(fixed) == ({3: ["STALE_ROW"]}, {1: "updated", 2: "updated"})
    query = "select price::text, brand from products order by vendor_product_id"
    assert vendor.fetch(query) == [("19.99", "Mine"), ("8.00", "TechGear"), ("19.99", "+49 30 1234")]


# Deliveries


@pytest.mark.parametrize("on_error", OnError)
def test_repeated_deliveries_of_an_export_never_make_its_own_rows_stale(vendor: Vendor, on_error: OnError) -> None:
    vendor.upload_rows(*(product(str(number)) for number in range(1, 7)))
    content = edit_csv(export_csv(vendor.export()), {n: {"price": f"{n}.50"} for n in range(1, 6)})
    vendor.simulation.batch = 2
    upload = vendor.upload(content, Options(Mode.UPDATE, on_error))
    expected: tuple[dict[int, list[str]], dict[int, str]] = (
        {},
        {**dict.fromkeys(range(1, 6), "updated"), 6: "unchanged"},
    )
    assert vendor.result(upload) == expected
    before = stored_state.state_of(vendor.simulation)
    vendor.simulation.pending = [delivery.copy() for delivery in vendor.simulation.handled]
    vendor.simulation.deliver_all()
    assert vendor.simulation.errors == []
    assert vendor.result(upload) == expected
    after = stored_state.state_of(vendor.simulation)
    assert {name: after[name] for name in ("products", "product_changes", "upload_history", "emails")} == {
        name: before[name] for name in ("products", "product_changes", "upload_history", "emails")
    }


def test_undo_of_an_export_restores_the_products(vendor: Vendor) -> None:
    vendor.upload_rows(product("1"), product("2", brand="(clear)"))
    before = vendor.fetch("select * from products order by product_id")
    assert vendor.export()[1].values["brand"] == "(clear)"
    upload = vendor.upload(edit_csv(export_csv(vendor.export()), {2: {"price": "1"}}), UPDATE)
    assert vendor.result(upload)[1] == {1: "unchanged", 2: "updated"}
    assert undo_upload(vendor.database, upload.upload_id, ACTOR).restored == 1
    assert vendor.fetch("select * from products order by product_id") == before


def test_changes_of_an_upload_of_an_earlier_version_have_the_columns_that_were_set(vendor: Vendor) -> None:
    vendor.upload_rows(product("1"))
    upload = vendor.upload_rows({"vendor_product_id": "PROD-1", "price": "5", "unit": "box"}, mode=Mode.UPDATE)
    vendor.fetch("update product_changes set new_values = null returning 1")
    [change] = vendor.changes(upload)
    assert (change.changes, list(change.set_columns)) == ((), ["price", "unit"])
