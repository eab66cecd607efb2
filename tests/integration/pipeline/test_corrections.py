"""Corrections of rejected rows, through all functions: they enter the catalog, and fix the rows of their parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from onboarding.domain.corrections import CorrectionCounts, CorrectionEdit, CorrectionState
from onboarding.domain.models import OnError, Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.pipeline.correction_submission import NotReady, submit_corrections
from onboarding.pipeline.corrections import check_rows, load_correction_context
from onboarding.runtime import AppContext
from onboarding.storage import corrections, uploads
from onboarding.storage.database import Database
from tests.faults import stored_state
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Simulation
from tests.integration.pipeline.test_mapped_uploads import VENDOR, Content
from tests.support.postgres_fixtures import ACTOR, open_database
from tests.support.running_pipeline import csv_of, product


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "corrections") as installed:
        yield installed


@pytest.fixture(scope="module")
def database(runtime: Runtime) -> Iterator[Database]:
    opened = open_database(runtime.database_url)
    yield opened
    opened.close()


class Corrections:
    """A vendor who uploads a file and corrects its rejected rows."""

    def __init__(self, runtime: Runtime, database: Database) -> None:
        stored_state.empty(runtime)
        self.simulation = Simulation(runtime)
        self.database = database

    def upload(self, data: bytes, options: Options | None = None, key: str = f"uploads/{VENDOR}/file.csv") -> Upload:
        upload_id = self.simulation.put(key, Content(VENDOR, [], data=data, options=options or Options()))
        self.simulation.deliver_all()
        assert self.simulation.errors == []
        return self.get(upload_id)

    def get(self, upload_id: str) -> Upload:
        upload = self.database.run(lambda c: uploads.get_upload(c, upload_id))
        assert upload is not None
        return upload

    def edit(self, upload: Upload, cells: Mapping[int, Mapping[str, str]]) -> None:
        edits = [CorrectionEdit(row_number, row_cells) for row_number, row_cells in cells.items()]
        self.database.run(lambda c: corrections.save_drafts(c, ACTOR, VENDOR, upload.upload_id, edits))

    def check(self, upload: Upload) -> dict[int, list[str]]:
        context = self.database.run(lambda c: load_correction_context(c, upload))
        rows = self.database.run(lambda c: corrections.list_rejected_rows(c, upload.upload_id))
        errors = check_rows(self.database.run, context, rows)
        return {row_number: [error.message for error in row_errors] for row_number, row_errors in errors.items()}

    def submit(self, upload: Upload) -> Upload:
        """Submit the corrections, process the file, and return its upload."""
        objects: list[dict[str, Any]] = []
        s3 = SimpleNamespace(put_object=lambda **params: objects.append(params))
        ctx = cast("AppContext", SimpleNamespace(s3=s3, settings=SimpleNamespace(bucket="bucket")))
        run = self.database.run
        submit_corrections(ctx, ACTOR, upload, run_as_vendor=run, run_unrestricted=run)
        [params] = objects
        options = Options(upload.mode, upload.on_error, force=True, mapping="none")
        assert params["Metadata"] == options.metadata()
        return self.upload(params["Body"], options, params["Key"])

    def count(self, upload: Upload) -> CorrectionCounts:
        return self.database.run(lambda c: corrections.count_rejected_rows(c, upload.upload_id))


@pytest.fixture
def vendor(runtime: Runtime, database: Database) -> Corrections:
    return Corrections(runtime, database)


def test_submitted_corrections_enter_the_catalog_and_fix_their_parent(vendor: Corrections) -> None:
    rows = [
        product("1"),
        product("2", price="12..5"),
        product("3", category="Men", weight_kg="x"),
        product("4", sku=""),
    ]
    parent = vendor.upload(csv_of(rows))
    assert (parent.error_records, parent.fixed_records) == (3, 0)
    vendor.edit(
        parent, {2: {"price": "12.50"}, 3: {"category": "Men's Clothing", "weight_kg": "0.5"}, 4: {"price": "1"}}
    )
    assert vendor.check(parent) == {2: [], 3: [], 4: ["Missing required fields: sku"]}
    child = vendor.submit(parent)
    assert (child.status, child.valid_records, child.parent_upload_id) == (
        UploadStatus.COMPLETED,
        2,
        parent.upload_id,
    )
    assert child.file_name == "file \u2013 fixes.csv"
    assert vendor.get(parent.upload_id).fixed_records == 2
    assert vendor.count(parent) == CorrectionCounts(open=1, fixed=2, drafts=1)


def test_number_with_decimal_comma_is_read_like_the_file(vendor: Corrections) -> None:
    rows = [product("1", price="1,50"), product("2", price="1.234", compare_at_price="19,95"), product("3", price="x")]
    parent = vendor.upload(csv_of(rows))
    context = vendor.database.run(lambda c: load_correction_context(c, parent))
    shown = vendor.database.run(lambda c: corrections.list_rejected_rows(c, parent.upload_id))
    assert [context.notation.show_value(row, "price") for row in shown] == ["1.234", "x"]
    assert context.notation.show_value(shown[0], "compare_at_price") == "19,95"
    vendor.edit(parent, {2: {}, 3: {"price": "1.234"}})
    assert all("two ways" in messages[0] for messages in vendor.check(parent).values())
    vendor.edit(parent, {2: {"price": "1.234,00"}, 3: {"price": "7,5"}})
    assert vendor.submit(parent).valid_records == 2
    query = "select vendor_product_id, price::text, compare_at_price::text from products order by 1"
    prices = vendor.database.run(lambda c: c.execute(query).fetchall())
    assert prices == [("PROD-1", "1.50", None), ("PROD-2", "1234.00", "19.95"), ("PROD-3", "7.50", None)]


def test_all_or_nothing_file_is_submitted_when_all_rows_are_ready(vendor: Corrections) -> None:
    options = Options(on_error=OnError.REJECT_FILE)
    parent = vendor.upload(csv_of([product("1"), product("2", price="x"), product("3", price="y")]), options)
    vendor.edit(parent, {2: {"price": "2"}})
    with pytest.raises(NotReady, match="1 row has errors"):
        vendor.submit(parent)
    vendor.edit(parent, {3: {"price": "3"}})
    assert vendor.submit(parent).valid_records == 3
    assert vendor.count(parent) == CorrectionCounts(fixed=3)


def test_row_that_is_rejected_again_is_fixed_by_the_fix_of_its_fix(vendor: Corrections) -> None:
    parent = vendor.upload(csv_of([product("1", price="x"), product("2", price="y")]))
    lines = b"_upload,_row,_errors,vendor_product_id,product_name,category,sku,price,stock_quantity\n"
    fix = lines + f"{parent.upload_id},3,,P2,N,Books,S2,2,1\n{parent.upload_id},2,,P1,N,Books,S1,z,1\n".encode()
    child = vendor.upload(fix, key=f"uploads/{VENDOR}/fix.csv")
    assert vendor.count(parent) == CorrectionCounts(fixed=1, rejected_again=1)
    again = vendor.database.run(
        lambda c: corrections.list_rejected_rows(c, parent.upload_id, state=CorrectionState.REJECTED_AGAIN)
    )
    assert [(row.row_number, row.correcting_upload_id) for row in again] == [(1, child.upload_id)]
    vendor.edit(child, {2: {"price": "3"}})
    assert vendor.submit(child).valid_records == 1
    assert vendor.count(parent) == CorrectionCounts(fixed=2)
    assert vendor.get(child.upload_id).fixed_records == 1


def test_corrections_that_exceed_a_file_are_submitted_in_parts(
    vendor: Corrections, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [product(str(n), price="x", description="d" * 500) for n in range(1, 8)]
    parent = vendor.upload(csv_of(rows))
    whole = vendor.upload(
        csv_of([{**row, "sku": f"W{row['sku']}"} for row in rows]), Options(on_error=OnError.REJECT_FILE)
    )
    for upload in (parent, whole):
        vendor.edit(upload, {n: {"price": "1"} for n in range(1, 8)})
    monkeypatch.setattr("onboarding.pipeline.correction_submission.MAX_BYTES", 3_500)
    with pytest.raises(NotReady, match="fix file"):
        vendor.submit(whole)
    assert [vendor.submit(parent).valid_records for _ in range(2)] == [3, 4]
