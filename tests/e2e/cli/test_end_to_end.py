"""Commands on the running pipeline."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from onboarding.cli.main import main
from onboarding.files.error_report import HEADER
from tests.e2e.cli.conftest import Run
from tests.support.running_pipeline import Pipeline, csv_of, product

Captured = pytest.CaptureFixture[str]


def upload(run: Run, file: Path, vendor_id: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run("upload", str(file), "--vendor", vendor_id, "--wait", "--json")
    result: dict[str, Any] = json.loads(out)
    return code, result


@pytest.fixture
def valid_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "good [bold] +ü.csv"
    path.write_bytes(csv_of(product(f"{request.node.name}-{n}") for n in range(3)))
    return path


def test_upload_sample_exits_with_2_and_counts_agree(run: Run, pipeline: Pipeline, tmp_path: Path) -> None:
    assert main(["sample", str(tmp_path), "--run", "cli"]) == 0
    run("uploads", "list")
    code, result = upload(run, tmp_path / "VEND001-cli.csv", "VEND001")
    assert code == 2
    assert (result["status"], result["total_records"], result["valid_records"], result["error_records"]) == (
        "partial",
        100,
        92,
        8,
    )
    assert result["report_key"] == f"errors/VEND001/{result['upload_id']}_errors.csv"
    assert 0 < result["seconds"] < 60
    stored_upload = pipeline.upload(result["upload_id"])
    assert stored_upload is not None
    assert (stored_upload.valid_records, stored_upload.error_records) == (92, 8)

    code, out, _ = run("uploads", "show", result["upload_id"], "--json")
    described = json.loads(out)
    assert code == 0
    assert {key: described[key] for key in result if key != "seconds"} == {
        key: value for key, value in result.items() if key != "seconds"
    }
    assert len(described["error_types"]) == 7

    code, report, _ = run("report", result["upload_id"])
    lines = list(csv.reader(io.StringIO(report.removeprefix("\ufeff"), newline="")))
    assert (code, tuple(lines[0])) == (0, HEADER)
    assert len({line[0] for line in lines[1:]}) == 8
    report_path = tmp_path / "report.csv"
    assert run("report", result["upload_id"], "-o", str(report_path))[:2] == (0, "")
    assert report_path.read_bytes().decode() == report


def test_upload_valid_file_exits_with_0(run: Run, valid_file: Path) -> None:
    code, out, err = run("upload", str(valid_file), "--vendor", "VEND002", "--wait")
    assert code == 0
    assert "3 of 3 rows are in the catalog, 0 were rejected." in out
    assert "good [bold] +ü.csv" in err
    assert "3/3 rows" in err
    upload_id = next(line for line in out.splitlines() if line.startswith("Upload ID: ")).split()[-1]
    assert "every row is valid" in run("report", upload_id)[2]


def test_upload_rejected_file_exits_with_3(run: Run, tmp_path: Path) -> None:
    empty_file = tmp_path / "empty.csv"
    empty_file.touch()
    code, result = upload(run, empty_file, "VEND002")
    assert (code, result["status"], result["total_records"], result["report_key"]) == (3, "failed", 0, None)
    code, _, err = run("report", result["upload_id"])
    assert code == 1
    assert "the file was rejected" in err
    code, _, err = run("upload", str(empty_file), "--vendor", "NOBODY", "--wait", "--json")
    assert code == 1
    assert "The vendor 'NOBODY' is not known. See: onboarding vendors list" in err


def test_upload_without_wait_prints_upload_id(run: Run, pipeline: Pipeline, valid_file: Path) -> None:
    code, out, _ = run("upload", str(valid_file), "--vendor", "VEND003", "--json")
    assert code == 0
    assert pipeline.finished(json.loads(out)["upload_id"]).valid_records == 3


def test_uploads_list_filters_by_vendor_status_and_time(run: Run, pipeline: Pipeline, valid_file: Path) -> None:
    pipeline.vendor("VEND-LIST")
    first, second = (upload(run, valid_file, "VEND-LIST")[1]["upload_id"] for _ in range(2))

    def list_ids(*options: str) -> list[str]:
        code, out, _ = run("uploads", "list", "--vendor", "VEND-LIST", "--json", *options)
        assert code == 0
        return [upload["upload_id"] for upload in json.loads(out)["uploads"]]

    assert set(list_ids()) == {first, second}
    assert list_ids("--limit", "1") == list_ids()[:1]
    assert list_ids("--status", "completed") == [first]
    assert list_ids("--status", "failed") == [second]
    assert list_ids("--since", "2100-01-01") == list_ids("--until", "2000-01-01T00:00:00") == []
    code, out, _ = run("uploads", "list", "--vendor", "VEND-LIST")
    assert code == 0
    # The ID is not shortened, and the name, which looks like markup, is unchanged.
    assert first in out
    assert second in out
    assert "good [bold] +ü.csv" in out


def test_inbox_show_prints_email(run: Run, pipeline: Pipeline, valid_file: Path) -> None:
    address = pipeline.vendor("VEND-EMAIL")
    upload_id = upload(run, valid_file, "VEND-EMAIL")[1]["upload_id"]
    pipeline.email(upload_id)
    code, out, _ = run("inbox", "--json")
    [email] = [email for email in json.loads(out)["emails"] if upload_id in email["text"]]
    assert (code, email["to"]) == (0, [address])
    assert address in run("inbox")[1]
    out = run("inbox", "show", str(email["number"]))[1]
    assert f"To: {address}\nSubject: Product Upload Complete - good [bold] +ü.csv (100.0% Success)\n" in out
    assert f"Upload ID: {upload_id}\n" in out
    assert "There is no e-mail 9999" in run("inbox", "show", "9999")[2]


@pytest.mark.parametrize("command", [("uploads", "show"), ("report",)])
def test_uploads_show_unknown_upload_prints_sentence(run: Run, command: tuple[str, ...]) -> None:
    code, out, err = run(*command, "UPLOAD_NONE")
    assert (code, out) == (1, "")
    assert "There is no upload UPLOAD_NONE" in err


def test_upload_timeout_exits_with_1(run: Run, valid_file: Path) -> None:
    code, out, err = run("upload", str(valid_file), "--vendor", "VEND001", "--wait", "--json", "--timeout", "0")
    assert (code, out) == (1, "")
    assert "onboarding uploads show UPLOAD_" in err or "is not ingested yet" in err


def test_demo_prints_every_result(capsys: Captured) -> None:
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    for text in ("E-mails (3)", "contact@techgear.com", "sales@stylewear.com", "info@homeess.com", "(92.0% Success)"):
        assert text in out
    assert ",".join(HEADER) in out
    assert "Catalog (276 products)" in out
    assert "Every figure is correct." in out
    assert "\x1b[" not in out
