"""Commands on the catalog: list, show, history, export."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.e2e.cli.conftest import Run
from tests.support.running_pipeline import Pipeline, csv_of, product


@pytest.fixture(scope="module")
def upload_id(pipeline: Pipeline) -> str:
    """Return the id of an upload of two products of the vendor CLIPRODUCTS, of which a later one changed the first."""
    pipeline.vendor("CLIPRODUCTS")
    rows = [product("cat-1", product_name="Catalogued mouse", price="10.00"), product("cat-2")]
    upload = pipeline.run("CLIPRODUCTS", "catalog.csv", csv_of(rows))
    change = {"vendor_product_id": rows[0]["vendor_product_id"], "price": "12.50"}
    pipeline.run("CLIPRODUCTS", "prices.csv", csv_of([change], list(change)), mode="update")
    return upload.upload_id


def list_products(run: Run, *arguments: str) -> list[dict[str, Any]]:
    code, out, err = run("products", "list", *arguments, "--json")
    assert code == 0, err
    return list(json.loads(out)["products"])


def test_products_list_filters(run: Run, upload_id: str) -> None:
    names = [item["vendor_product_id"] for item in list_products(run, "--vendor", "CLIPRODUCTS")]
    assert names == ["PROD-cat-1", "PROD-cat-2"]
    [found] = list_products(run, "--search", "catalogued mou", "--vendor", "CLIPRODUCTS")
    assert (found["price"], found["status"], found["upload_id"]) == ("12.50", "active", upload_id)
    assert len(list_products(run, "--upload", upload_id)) == 2
    assert len(list_products(run, "--vendor", "CLIPRODUCTS", "--limit", "1")) == 1
    assert list_products(run, "--vendor", "CLIPRODUCTS", "--status", "inactive") == []
    code, out, _ = run("products", "list", "--vendor", "CLIPRODUCTS", "--search", "mouse")
    assert (code, str(found["product_id"]) in out, "Catalogued mouse" in out) == (0, True, True)
    assert run("products", "list", "--vendor", "CLIPRODUCTS", "--search", "nothing")[1] == "No product matches.\n"


def test_products_show_and_history(run: Run, upload_id: str) -> None:
    [found] = list_products(run, "--search", "catalogued", "--vendor", "CLIPRODUCTS")
    product_id = str(found["product_id"])
    code, out, _ = run("products", "show", product_id)
    assert code == 0
    for text in ("CLIPRODUCTS Vendor CLIPRODUCTS", "Catalogued mouse", "12.50", f"{upload_id}, row 2"):
        assert text in out
    assert json.loads(run("products", "show", product_id, "--json")[1]) == found
    events = json.loads(run("products", "history", product_id, "--json")[1])["events"]
    assert [event["event_type"] for event in events] == ["updated", "created"]
    assert events[0]["changes"] == [{"column": "price", "old": "10.00", "new": "12.50"}]
    assert [(event["row_number"], event["spreadsheet_row"]) for event in events] == [(1, 2), (1, 2)]
    code, out, _ = run("products", "history", product_id)
    for text in ("price: 10.00 → 12.50", "file in the bucket"):
        assert text in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vendor", "NOBODY"], "There is no vendor NOBODY"),
        (["--upload", "UPLOAD_0"], "There is no upload UPLOAD_0"),
        (["--search", "x" * 201], "--search: enter at most 200 characters"),
    ],
    ids=["vendor", "upload", "search"],
)
def test_products_invalid_filter_is_an_error(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    for command in (["list"], ["export", str(tmp_path / "export.csv")]):
        code, _, err = run("products", *command, *arguments)
        assert (code, err.strip()) == (1, message)


@pytest.mark.parametrize("command", ["show", "history"])
def test_products_unknown_product_is_an_error(run: Run, command: str) -> None:
    code, _, err = run("products", command, "999999999")
    assert (code, err) == (1, "There is no product 999999999\n")


@pytest.mark.usefixtures("upload_id")
def test_products_export_csv_uploaded_unchanged_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    code, out, err = run("products", "export", str(file), "--vendor", "CLIPRODUCTS")
    assert (code, out) == (0, f"Wrote 2 products to {file}.\n"), err
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    assert [row["price"] for row in rows] == ["12.50", "19.99"]
    code, out, _ = run("validate", str(file), "--vendor", "CLIPRODUCTS", "--mode", "update", "--json")
    result = json.loads(out)
    assert (code, result["unchanged_records"], result["updated_records"]) == (0, 2, 0)


@pytest.mark.usefixtures("upload_id")
def test_products_export_workbook_of_a_search(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "export.xlsx"
    code, out, _ = run("products", "export", str(file), "--search", "catalogued", "--json")
    assert (code, json.loads(out)["total_rows"]) == (0, 1)
    _, row = load_workbook(file)["Products"].iter_rows(values_only=True)
    # Without --vendor the products may be those of several vendors.
    assert row[:2] == ("CLIPRODUCTS", "PROD-cat-1")


def test_products_export_other_file_name_is_an_error(run: Run, tmp_path: Path) -> None:
    code, _, err = run("products", "export", str(tmp_path / "export.pdf"))
    assert (code, "must end in .csv or .xlsx" in err) == (1, True)
