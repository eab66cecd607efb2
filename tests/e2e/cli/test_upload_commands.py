"""Commands before and after an upload: validate, template, modes, fix file, undo."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from onboarding.cli.main import main
from tests.e2e.cli.conftest import Run
from tests.support.running_pipeline import Pipeline, csv_of, product

Captured = pytest.CaptureFixture[str]


def write_file(folder: Path, name: str, *rows: dict[str, str]) -> Path:
    path = folder / name
    path.write_bytes(csv_of(rows))
    return path


@pytest.mark.parametrize("name", ["a.xls", "a.pdf", "csv"])
def test_validate_wrong_file_name_is_rejected_like_upload(run: Run, tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path, name, product("cli-name"))
    _, _, expected = run("upload", str(path), "--vendor", "VEND001")
    code, out, err = run("validate", str(path), "--vendor", "VEND001", "--offline")
    assert (code, out, err) == (1, "", expected)
    assert "must end in .csv, .tsv, .txt or .xlsx" in err


def test_validate_matches_the_upload(run: Run, pipeline: Pipeline, tmp_path: Path) -> None:
    rows = [product("cli-v1"), product("cli-v2", category="Gardn"), product("cli-v3", price="0", sku="SKU-cli-v1")]
    path = write_file(tmp_path, "validate.csv", *rows)
    path.write_bytes(path.read_bytes().replace(b"PROD-cli-v2", b"\nPROD-cli-v2"))
    code, out, _ = run("validate", str(path), "--vendor", "VEND001", "--json")
    dry_run = json.loads(out)
    assert code == 2
    assert {(line["row_number"], line["spreadsheet_row"]) for line in dry_run["errors"]} == {(2, 4), (3, 5)}
    assert (dry_run["status"], dry_run["offline"], dry_run["rejection"]) == ("partial", False, None)
    assert (dry_run["total_records"], dry_run["valid_records"], dry_run["error_records"]) == (3, 1, 2)
    assert dry_run["created_records"] == 1

    code, out, _ = run("upload", str(path), "--vendor", "VEND001", "--wait", "--json")
    assert code == 2
    upload_id = json.loads(out)["upload_id"]
    errors = [(line["row_number"], line["error_type"], line["message"]) for line in dry_run["errors"]]
    assert errors == pipeline.errors(upload_id)
    code, out, _ = run("validate", str(path), "--vendor", "VEND001", "--json")
    assert (code, json.loads(out)["rejection"]["code"]) == (3, "ALREADY_UPLOADED")
    code, out, _ = run("upload", str(path), "--vendor", "VEND001", "--wait", "--force")
    assert (code, "3 were rejected" in out) == (2, True)


def test_validate_text_lists_errors_and_groups(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "person.csv", *(product(f"person-{n}", category="Elektronics") for n in range(60)))
    code, out, _ = run("validate", str(path), "--vendor", "VEND002")
    assert code == 2
    assert "0 of 60 rows are valid, 60 are invalid.\n" in out
    assert "What to fix, the most frequent first:\n- 60 rows: category 'Elektronics', did you mean" in out
    assert out.endswith("\nand 10 more errors. All: --json\n")
    code, out, _ = run("validate", str(path), "--vendor", "VEND009")
    assert (code, out) == (3, "Would be rejected: The vendor 'VEND009' is not known (UNKNOWN_VENDOR)\n")


def test_validate_without_pipeline_is_offline(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("S3_BUCKET_NAME", "ONBOARDING_STATE"):
        monkeypatch.delenv(name, raising=False)
    path = write_file(tmp_path, "offline.csv", product("1"))
    assert main(["validate", str(path), "--vendor", "VEND001"]) == 0
    captured = capsys.readouterr()
    assert "1 of 1 row is valid, 0 are invalid.\n" in captured.out
    assert "Without the catalog" in captured.err
    assert main(["validate", str(path), "--vendor", "VEND001", "--offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["offline"] is True
    assert main(["validate", str(path), "--vendor", "VEND001", "--state", str(tmp_path)]) == 1
    assert main(["validate", str(tmp_path / "none.csv"), "--vendor", "VEND001"]) == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_template_has_only_the_sample_row_error(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"template.{kind}"
    options = ["--xlsx"] if kind == "xlsx" else []
    assert run("template", *options, "-o", str(path))[0] == 0
    code, out, _ = run("validate", str(path), "--vendor", "VEND003", "--json")
    result = json.loads(out)
    assert (code, result["created_records"], result["error_records"]) == (2, 0, 1)
    if kind == "xlsx":
        names = [cell.value for cell in load_workbook(path)["_Categories"]["A"]]
        assert "Electronics" in names
        assert names == sorted(names)


def test_template_existing_file_is_not_overwritten(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONBOARDING_STATE", raising=False)
    monkeypatch.delenv("S3_BUCKET_NAME", raising=False)
    assert main(["template"]) == 0
    before = (tmp_path / "product-template.csv").read_bytes()
    (tmp_path / "product-template.csv").write_bytes(b"mine")
    assert main(["template"]) == 1
    assert "already exists" in capsys.readouterr().err
    assert (tmp_path / "product-template.csv").read_bytes() == b"mine" != before


def test_report_fix_show_update_and_undo(run: Run, tmp_path: Path) -> None:
    rows = [product(f"cli-u{n}") for n in range(3)]
    rows[1]["price"] = "$5.00"
    path = write_file(tmp_path, "create.csv", *rows)
    upload_id = json.loads(run("upload", str(path), "--vendor", "VEND003", "--wait", "--json")[1])["upload_id"]
    code, out, _ = run("uploads", "show", upload_id)
    assert code == 0
    assert "Row 3: price '$5.00', did you mean 5.00?" in out
    assert f"Fix file:    errors/VEND003/{upload_id}_fix.csv" in out
    assert "Format:      CSV, UTF-8" in out
    code, out, _ = run("report", "--fix", upload_id)
    header, line = csv.reader(io.StringIO(out.removeprefix("\ufeff"), newline=""))
    assert dict(zip(header, line, strict=True))["_row"] == "3"
    workbook = tmp_path / "fix.xlsx"
    assert run("report", "--fix", "--format", "xlsx", upload_id, "-o", str(workbook))[0] == 0
    assert workbook.read_bytes().startswith(b"PK")
    assert run("report", "--format", "xlsx", upload_id)[0] == 1

    update_file = write_file(tmp_path, "update.csv", {"vendor_product_id": "PROD-cli-u0", "brand": "Other"})
    code, out, _ = run("upload", str(update_file), "--vendor", "VEND003", "--mode", "update", "--wait", "--json")
    assert code == 0
    updated = json.loads(out)["upload_id"]
    code, out, _ = run("uploads", "show", updated)
    assert "(0 created, 1 updated, 0 unchanged)" in out
    assert "Mode:        update\n" in out

    code, out, _ = run("uploads", "undo", upload_id)
    assert code == 0
    assert "Undone: 1 product removed, 0 restored, 1 skipped." in out
    assert f"It was changed since by the upload {updated}" in out
    code, out, _ = run("uploads", "undo", upload_id)
    assert f"{upload_id} was undone before, at 20" in out
    code, out, _ = run("uploads", "undo", upload_id, "--json")
    result = json.loads(out)
    assert (result["removed"], [item["row_number"] for item in result["skipped"]]) == (1, [1])
    assert "Undone:" in run("uploads", "show", upload_id)[1]
    code, _, err = run("uploads", "undo", "UPLOAD_9")
    assert (code, "There is no upload UPLOAD_9" in err) == (1, True)


def test_upload_of_fix_file_names_the_rows_that_it_fixes(run: Run, tmp_path: Path) -> None:
    rows = [product(f"cli-f{n}", price="x" if n else "1") for n in range(4)]
    path = write_file(tmp_path, "spring.csv", *rows)
    upload_id = json.loads(run("upload", str(path), "--vendor", "VEND003", "--wait", "--json")[1])["upload_id"]
    lines = [
        {"_upload": upload_id, "_row": str(n + 2), "_errors": ""} | product(f"cli-f{n}", price=price)
        for n, price in ((1, "2"), (2, "y"), (3, "3"))
    ]
    fix_path = tmp_path / "fix.csv"
    fix_path.write_bytes(csv_of(lines, lines[0]))
    code, out, _ = run("upload", str(fix_path), "--vendor", "VEND003", "--wait")
    assert code == 2
    assert "This upload corrects spring.csv: of its 3 rejected rows 2 are fixed and 1 is open." in out
    assert f"It fixed rows 3 and 5 of {upload_id}." in out
    assert "Errors:      3 (2 fixed, 1 open)\n" in run("uploads", "show", upload_id)[1]
    latest = json.loads(run("uploads", "list", "--vendor", "VEND003", "--json")[1])["uploads"]
    [fix] = [upload for upload in latest if upload["parent_upload_id"] == upload_id]
    assert (fix["file_name"], fix["parent_file_name"]) == ("fix.csv", "spring.csv")
    assert f"Corrects:    spring.csv ({upload_id})" in run("uploads", "show", fix["upload_id"])[1]


def test_upload_unknown_mode_lists_the_modes(run: Run, tmp_path: Path) -> None:
    code, _, err = run("upload", str(tmp_path / "products.csv"), "--vendor", "VEND001", "--mode", "replace")
    assert (code, err.splitlines()[0]) == (
        1,
        "Invalid value for '--mode': 'replace' is not one of 'create', 'update', 'upsert'.",
    )
