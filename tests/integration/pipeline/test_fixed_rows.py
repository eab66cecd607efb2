"""Fixed rows of a corrected upload: counted when a correcting upload is finished, cancelled, undone or resumed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onboarding.domain.corrections import CorrectionCounts
from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.pipeline.undo import undo_upload
from onboarding.storage import corrections
from onboarding.storage.database import Database
from tests.faults.lambda_runtime import Call, Crash, InjectionPoint, Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Delivery
from tests.integration.pipeline.test_corrections import Corrections
from tests.integration.pipeline.test_mapped_uploads import VENDOR, Content
from tests.support.postgres_fixtures import ACTOR, fetch, open_database
from tests.support.running_pipeline import csv_of, product

DERIVED_COUNTS = """
select u.upload_id, u.fixed_records, (
    select count(*) from rejected_rows r where r.upload_id = u.upload_id and r.state = 'fixed'
) from upload_history u order by 1
"""


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "fixed_rows") as installed:
        yield installed


@pytest.fixture(scope="module")
def database(runtime: Runtime) -> Iterator[Database]:
    opened = open_database(runtime.database_url)
    yield opened
    opened.close()


@pytest.fixture
def vendor(runtime: Runtime, database: Database) -> Iterator[Corrections]:
    corrections_of_vendor = Corrections(runtime, database)
    yield corrections_of_vendor
    for upload_id, fixed_records, fixed_rows in fetch(database, DERIVED_COUNTS):
        assert fixed_records == fixed_rows, upload_id


def upload_original(vendor: Corrections) -> Upload:
    return vendor.upload(csv_of([product("1"), product("2", price="x"), product("3", price="y"), product("4", sku="")]))


def fix_of(upload: Upload, *prices: str) -> bytes:
    """Return a fix file of the rows 2, 3 … with these prices."""
    lines = [
        {"_upload": upload.upload_id, "_row": str(n + 1), "_errors": ""} | product(str(n), price=price)
        for n, price in enumerate(prices, 2)
    ]
    return csv_of(lines, lines[0])


def open_fix(vendor: Corrections, upload: Upload, *prices: str) -> str:
    """Put a fix file and ingest it; return the id of its upload, whose rows are not validated yet."""
    content = Content(VENDOR, [], data=fix_of(upload, *prices), options=Options())
    upload_id = vendor.simulation.put(f"uploads/{VENDOR}/fix.csv", content)
    vendor.simulation.handle(vendor.simulation.pending.pop(0))
    assert vendor.get(upload_id).status is UploadStatus.PROCESSING
    return upload_id


def email_of(vendor: Corrections, upload_id: str) -> str:
    [text] = [
        mail["text"] for mail in vendor.simulation.runtime.aws.emails if f"Upload ID: {upload_id}\n" in mail["text"]
    ]
    return str(text)


def test_email_of_fix_says_how_many_rows_are_fixed(vendor: Corrections) -> None:
    parent = upload_original(vendor)
    first = vendor.upload(fix_of(parent, "2", "z"), key=f"uploads/{VENDOR}/fix.csv")
    assert (first.parent_upload_id, first.parent_file_name) == (parent.upload_id, "file.csv")
    sentence = "This upload corrects file.csv: of its 3 rejected rows 1 is fixed and 2 are open."
    assert sentence in email_of(vendor, first.upload_id)
    assert "corrects" not in email_of(vendor, parent.upload_id)
    assert vendor.database.run(lambda c: corrections.list_fixed_rows(c, first.upload_id)) == [2]


def test_row_that_two_uploads_fix_is_counted_once(vendor: Corrections) -> None:
    parent = upload_original(vendor)
    for name in ("a", "b"):
        fix = fix_of(parent, "2").replace(b"SKU-2", f"SKU-{name}".encode()).replace(b"PROD-2", b"PROD-" + name.encode())
        assert vendor.upload(fix, key=f"uploads/{VENDOR}/{name}.csv").valid_records == 1
    assert vendor.get(parent.upload_id).fixed_records == 1


def test_undo_of_fix_opens_its_rows_again(vendor: Corrections) -> None:
    parent = upload_original(vendor)
    first = vendor.upload(fix_of(parent, "2", "3"), key=f"uploads/{VENDOR}/fix.csv")
    assert vendor.count(parent) == CorrectionCounts(open=1, fixed=2)
    undo_upload(vendor.database, first.upload_id, ACTOR)
    assert vendor.count(parent) == CorrectionCounts(open=3)
    assert vendor.get(parent.upload_id).fixed_records == 0
    assert vendor.database.run(lambda c: corrections.list_fixed_rows(c, first.upload_id)) == []
    second = vendor.upload(fix_of(parent, "4"), key=f"uploads/{VENDOR}/again.csv")
    assert (second.valid_records, vendor.get(parent.upload_id).fixed_records) == (1, 1)


def test_cancel_of_fix_opens_its_rows_again(vendor: Corrections) -> None:
    parent = upload_original(vendor)
    fix_id = open_fix(vendor, parent, "2", "3")
    assert vendor.count(parent) == CorrectionCounts(open=1, importing=2)
    vendor.simulation.pending.insert(0, Delivery("cancel", {"upload_id": fix_id, "vendor_id": VENDOR}))
    vendor.simulation.deliver_all()
    assert vendor.get(fix_id).status is UploadStatus.FAILED
    assert vendor.count(parent) == CorrectionCounts(open=3)
    assert "none of its 3 rejected rows is fixed" in email_of(vendor, fix_id)


def test_redelivered_event_of_fix_keeps_its_links(vendor: Corrections) -> None:
    parent = upload_original(vendor)
    fix_id = open_fix(vendor, parent, "2", "3")
    [ingestion] = [delivery for delivery in vendor.simulation.handled[-1:] if delivery.function == "csv_parser"]
    vendor.simulation.handle(ingestion.copy())
    vendor.simulation.deliver_all()
    vendor.simulation.handle(ingestion.copy())
    vendor.simulation.deliver_all()
    assert vendor.count(parent) == CorrectionCounts(open=1, fixed=2)
    assert fetch(vendor.database, "select count(*) from row_corrections where upload_id = %s", fix_id) == [(2,)]


def test_resumed_fix_keeps_its_links(vendor: Corrections) -> None:
    parent = upload_original(vendor)
    content = Content(VENDOR, [], data=fix_of(parent, "2", "3"), options=Options())
    fix_id = vendor.simulation.put(f"uploads/{VENDOR}/fix.csv", content)

    def end_before_staging(_: Call, point: InjectionPoint) -> None:
        if point == "at ingest.history_opened":
            raise Crash

    vendor.simulation.handle(vendor.simulation.pending.pop(0), end_before_staging)
    assert vendor.count(parent) == CorrectionCounts(open=1, importing=2)
    vendor.simulation.lose_state()
    vendor.simulation.recover()
    assert vendor.get(fix_id).valid_records == 2
    assert vendor.count(parent) == CorrectionCounts(open=1, fixed=2)
    assert "of its 3 rejected rows 2 are fixed and 1 is open." in email_of(vendor, fix_id)
