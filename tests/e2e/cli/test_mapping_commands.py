"""Commands and options for mappings, with their effect on uploads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cli.conftest import Run
from tests.support.api_clients import forget_mappings
from tests.support.running_pipeline import Pipeline

VENDOR = ("--vendor", "VEND002")
COLUMNS = ("--map", "MATNR=vendor_product_id,sku", "--map", "EKPRI=price", "--map", "Notes=")
MEN = ("--map-value", "category:Menswear=Men's Clothing")
HEADER = "MATNR,product_name,category,EKPRI,stock_quantity,Notes"


@pytest.fixture(autouse=True)
def _forget_mappings(pipeline: Pipeline) -> Iterator[None]:
    """Forget the mappings of other tests before each test and its own after it."""
    forget_mappings(pipeline)
    yield
    forget_mappings(pipeline)


def write_file(folder: Path, name: str, *, category: str = "Menswear", header: str = HEADER) -> Path:
    """Write a file with one product, whose headers are those of an ERP system."""
    path = folder / f"{name}.csv"
    path.write_text(f"{header}\n{name},Linen Shirt {name},{category},29.90,8,sold out\n", encoding="utf-8")
    return path


def run_json(run: Run, *command: str, code: int = 0) -> dict[str, Any]:
    """Return the JSON object that a command prints; it must exit with `code`."""
    actual_code, out, err = run(*command, "--json")
    assert actual_code == code, err
    return dict(json.loads(out))


def test_upload_map_applies_to_one_upload(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "cli-map-1")
    preview = run_json(run, "validate", str(path), *VENDOR, code=3)
    assert preview["missing_columns"] == ["vendor_product_id", "sku", "price"]
    preview = run_json(run, "validate", str(path), *VENDOR, *COLUMNS, *MEN)
    assert [value["vendor_value"] for value in preview["used_values"]] == ["Menswear"]

    upload_id = run_json(run, "upload", str(path), *VENDOR, *COLUMNS, *MEN, "--wait")["upload_id"]
    used_mapping = run_json(run, "uploads", "show", upload_id)["mapping"]
    reference = f"{used_mapping['mapping_id']}/1"
    description = f"Mapping:     {reference} (for one upload): 'Menswear' → Men's Clothing, 1 row\n"
    assert description in run("uploads", "show", upload_id)[1]
    assert (used_mapping["name"], used_mapping["document"]["columns"]["Notes"]) == (None, {"columns": []})
    assert run("mappings", "list", *VENDOR) == (0, "VEND002 has no mappings.\n", "")
    path = write_file(tmp_path, "cli-map-2")
    assert run_json(run, "validate", str(path), *VENDOR, code=3)["rejection"]["code"] == "MISSING_COLUMNS"
    code, out, _ = run("validate", str(path), *VENDOR, "--mapping", reference)
    assert (code, f"Mapping {reference} (for one upload): 'Menswear' → Men's Clothing" in out) == (0, True)


def test_upload_save_mapping_applies_to_later_files(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "cli-save-1")
    save = ("--save-mapping", "SAP")
    assert run("upload", str(path), *VENDOR, *COLUMNS, *MEN, *save, "--wait")[0] == 0
    [mapping] = run_json(run, "mappings", "list", *VENDOR)["mappings"]
    assert (mapping["name"], mapping["version"], mapping["headers"]) == ("SAP", 1, 3)
    [value] = run_json(run, "mappings", "values", "list", *VENDOR)["value_mappings"]
    assert (value["vendor_value"], value["target"], value["is_active"]) == ("Menswear", "Men's Clothing", True)

    path = write_file(tmp_path, "cli-save-2")
    code, out, _ = run("validate", str(path), *VENDOR)
    assert (code, "Mapping 'SAP' (version 1): 'Menswear' → Men's Clothing, 1 row.\n" in out) == (0, True)
    for choice in ("SAP", mapping["mapping_id"]):
        assert run("validate", str(path), *VENDOR, "--mapping", choice)[0] == 0
    assert run("validate", str(path), *VENDOR, "--mapping", "none")[0] == 3
    upload_id = run_json(run, "upload", str(path), *VENDOR, "--wait")["upload_id"]
    assert "Mapping:     'SAP' (version 1)" in run("uploads", "show", upload_id)[1]


def test_upload_map_completes_the_remembered_mapping(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "cli-base", category="Herren")
    assert run("upload", str(path), *VENDOR, *COLUMNS, "--save-mapping", "SAP", "--wait")[0] == 2
    change = ("--map", "Notes=brand", "--map-value", "category:Herren=Men's Clothing")
    assert run("validate", str(path), *VENDOR, *change, "--force")[0] == 0
    assert run("upload", str(path), *VENDOR, *change, "--save-mapping", "SAP 2", "--force", "--wait")[0] == 0
    mapping = run_json(run, "mappings", "show", "sap 2", *VENDOR)
    assert (mapping["version"], mapping["document"]["columns"]) == (
        2,
        {
            "MATNR": {"columns": ["vendor_product_id", "sku"]},
            "EKPRI": {"columns": ["price"]},
            "Notes": {"columns": ["brand"]},
        },
    )


@pytest.mark.parametrize("command", ["validate", "upload"])
def test_map_without_mappings_is_an_error(run: Run, tmp_path: Path, command: str) -> None:
    path = write_file(tmp_path, "cli-none")
    code, _, error = run(command, str(path), *VENDOR, *COLUMNS, "--mapping", "NONE")
    assert (code, "--mapping none switches mappings off" in error) == (1, True)


def test_upload_map_value_completes_the_mapping_of_a_fix_file(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "cli-fix", category="Herren")
    upload_id = run_json(run, "upload", str(path), *VENDOR, *COLUMNS, "--wait", code=2)["upload_id"]
    fix_file = tmp_path / "fix.csv"
    assert run("report", "--fix", upload_id, "-o", str(fix_file))[0] == 0
    value = ("--map-value", "category:Herren=Men's Clothing")
    assert run("validate", str(fix_file), *VENDOR, *value)[0] == 0
    assert run("upload", str(fix_file), *VENDOR, *value, "--wait")[0] == 0


def test_upload_map_title_above_the_header_is_no_header(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "title.csv"
    lines = ("Export 2026,,,,", "A,B,C,D,E", "cli-title,Linen Shirt,Books,29.90,8")
    path.write_text("\n".join(lines), encoding="utf-8")
    columns = ("A=vendor_product_id,sku", "B=product_name", "C=category", "D=price", "E=stock_quantity")
    options = [word for column in columns for word in ("--map", column)]
    code, out, err = run("validate", str(path), *VENDOR, *options)
    assert (code, "header in line 2" in out) == (0, True), out + err


def test_mappings_set_show_and_delete(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "cli-set")
    document = {
        "columns": {
            "MATNR": {"columns": ["vendor_product_id", "sku"]},
            "EKPRI": {"columns": ["price"], "number_format": {"decimal_sign": ",", "remove": "EUR"}},
            "Notes": {"columns": []},
        },
        "constants": {"brand": "Acme"},
        "fill_down": {"group_header": "Parent", "headers": ["Title"], "key_header": "MATNR"},
        "first_address": ["Pictures"],
        "values": {"category": {"Menswear": "Men's Clothing"}},
    }
    json_file = tmp_path / "document.json"
    json_file.write_text(json.dumps(document), encoding="utf-8")
    command = ("mappings", "set", "SAP", *VENDOR, "--file", str(json_file), "--headers-of", str(path))
    code, out, _ = run(*command)
    assert (code, "version 1) applies to files with exactly these 6 headers: MATNR, product_name" in out) == (0, True)
    document["constants"] = {"brand": "Other"}
    json_file.write_text(json.dumps(document), encoding="utf-8")
    assert "version 2)" in run(*command)[1]

    code, out, _ = run("mappings", "show", "SAP", *VENDOR)
    rows = [line.split() for line in out.splitlines()]
    assert ["MATNR", "vendor_product_id,", "sku"] in rows
    assert ["EKPRI", "price", "decimal", "sign", "',',", "remove", "'EUR'"] in rows
    assert ["Notes", "(ignored)"] in rows
    assert out.split("Constant: ")[1].splitlines() == [
        "brand = Other",
        "Filled down by Parent: Title",
        "Key of a group: MATNR",
        "First address of several: Pictures",
    ]
    assert run_json(run, "mappings", "values", "list", *VENDOR)["value_mappings"][0]["vendor_value"] == "Menswear"
    [line] = run("mappings", "list", *VENDOR)[1].splitlines()[2:]
    assert line.split()[0] == "SAP"

    mapping_id = run_json(run, "mappings", "show", "SAP", *VENDOR)["mapping_id"]
    assert run("mappings", "delete", mapping_id, *VENDOR) == (0, f"Mapping 'SAP' ({mapping_id}) was deleted.\n", "")
    code, _, err = run("mappings", "show", "SAP", *VENDOR)
    assert (code, "VEND002 has no mapping 'SAP'. See: onboarding mappings list --vendor VEND002" in err) == (1, True)

    json_file.write_text('{"columns": {"EKPR": {"columns": ["price"]}}}', encoding="utf-8")
    code, _, err = run(*command)
    assert (code, "has no header 'EKPR'. Its headers are: MATNR, product_name" in err) == (1, True)


@pytest.mark.parametrize("scope", [VENDOR, ("--all-vendors",)], ids=" ".join)
def test_mappings_values_set_list_and_delete(run: Run, pipeline: Pipeline, scope: tuple[str, ...]) -> None:
    values = ("category:Menswear=Men's Clothing", "category:Buch=Books")
    [(last_entry,)] = pipeline.connection.execute("select coalesce(max(entry_id), 0) from audit_log").fetchall()
    code, out, _ = run("mappings", "values", "set", *values, *scope)
    assert (code, out.splitlines()) == (
        0,
        ["The category 'Menswear' is mapped to 'Men's Clothing'.", "The category 'Buch' is mapped to 'Books'."],
    )
    rows = [line.split() for line in run("mappings", "values", "list", *scope)[1].splitlines()]
    assert rows[2:] == [["category", "Buch", "Books", "yes"], ["category", "Menswear", "Men's", "Clothing", "yes"]]
    other_scope = ("--all-vendors",) if scope == VENDOR else VENDOR
    assert run("mappings", "values", "list", *other_scope) == (0, "No values are mapped.\n", "")
    code, out, _ = run("mappings", "values", "delete", "category:buch", *scope)
    assert (code, out) == (0, "The category 'Buch' is not mapped to 'Books' any more.\n")
    [value] = run_json(run, "mappings", "values", "list", *scope)["value_mappings"]
    assert value["vendor_value"] == "Menswear"
    actors = pipeline.connection.execute(
        "select distinct actor from audit_log where entry_id > %s and action like 'value_mapp%%'",
        (last_entry,),
    ).fetchall()
    assert [actor.split(":")[0] for (actor,) in actors] == ["command"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("mappings", "list", "--vendor", "NOBODY"), "The vendor 'NOBODY' is not known. See: onboarding vendors list"),
        (("mappings", "delete", "SAP", *VENDOR), "VEND002 has no mapping 'SAP'"),
        (("mappings", "values", "list"), "Add one of the options --vendor, --all-vendors"),
        (("mappings", "values", "list", *VENDOR, "--all-vendors"), "Add one of the options"),
        (("mappings", "values", "set", "category:Men=Nothing", *VENDOR), "'Nothing' is not an active category"),
        (("mappings", "values", "delete", "category:Men", *VENDOR), "The category 'Men' is not mapped"),
        (("upload", "{file}", *VENDOR, "--map", "EKPR=price"), "has no header 'EKPR'. Its headers are: MATNR"),
        (("validate", "{file}", *VENDOR, "--map", "EKPR=price"), "has no header 'EKPR'. Its headers are: MATNR"),
        (("upload", "{file}", *VENDOR, *MEN, "--save-mapping", "A"), "--save-mapping needs --map"),
        (("upload", "{file}", *VENDOR, *COLUMNS, "--mapping", "Other"), "VEND002 has no mapping 'Other'"),
        (("upload", "{file}", *VENDOR, *COLUMNS, "--save-mapping", "none"), "is not 'none'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mappings_invalid_input_prints_reason(run: Run, tmp_path: Path, command: tuple[str, ...], reason: str) -> None:
    path = write_file(tmp_path, "cli-invalid")
    code, out, err = run(*(str(path) if word == "{file}" else word for word in command))
    assert (code, out) == (1, "")
    assert reason in err
    assert "Traceback" not in err


def test_mappings_set_invalid_json_prints_reason(run: Run, tmp_path: Path) -> None:
    path = write_file(tmp_path, "cli-json")
    for text, reason in (("{", "not valid JSON"), ('{"rows": {}}', "The mapping has the unknown field 'rows'")):
        (tmp_path / "document.json").write_text(text, encoding="utf-8")
        files = ("--file", str(tmp_path / "document.json"), "--headers-of", str(path))
        code, _, err = run("mappings", "set", "SAP", *VENDOR, *files)
        assert (code, reason in err) == (1, True)
