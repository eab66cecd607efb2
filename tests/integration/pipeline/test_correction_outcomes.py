"""The check of corrections agrees with their outcome: an upload of the ready rows accepts them all, and no others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import pytest

from onboarding.domain.models import Mode, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.pipeline.correction_submission import NotReady
from onboarding.pipeline.corrections import check_rows, list_ready_rows, load_correction_context
from onboarding.storage import corrections
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.integration.pipeline.test_corrections import Corrections
from tests.integration.pipeline.test_mapped_uploads import VENDOR
from tests.support.postgres_fixtures import open_database
from tests.support.running_pipeline import csv_of, product


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "correction_outcomes") as installed:
        yield installed


FAULTS = [{"price": "x"}, {"category": "Men"}, {"sku": ""}, {"stock_quantity": "1.5"}, {"product_name": "a\x1bb"}]
NAMES = ["Lamp", "=1+1", "'=1", '"x", y', "a\nb;c,d|e", "Total", "#1", "x" * 300, "e\u0301", "\u202ex"]
PRICES = ["5", "12.50", "1.500", "1,5", "0", "nan", "1234.5"]


def make_edits(rng: random.Random, number: int) -> dict[str, str]:
    """Return edits of all columns that may be wrong; some are wrong again, or taken by products and other rows."""

    def choose(*texts: str) -> str:
        return texts[0] if rng.random() < 0.8 else rng.choice(texts)

    edits = {
        "price": choose("12.50", *PRICES),
        "category": choose("Books", "Men"),
        "sku": choose(f"NEW-{number}", "NEW-1", "SKU-taken", ""),
        "stock_quantity": choose("7", "x"),
        "product_name": rng.choice(NAMES) if rng.random() < 0.5 else "Lamp",
        "vendor_product_id": choose(f"PROD-{number}", "PROD-taken", "PROD-1"),
    }
    return {column: text for column, text in edits.items() if rng.random() < 0.95}


@pytest.mark.parametrize("mode", Mode)
def test_rows_that_are_ready_are_accepted_and_no_others(runtime: Runtime, mode: Mode) -> None:
    database = open_database(runtime.database_url)
    ready_count = other_count = 0
    for seed in range(6):
        rng = random.Random(seed)  # noqa: S311
        vendor = Corrections(runtime, database)
        existing = ("1", "3") if mode is Mode.CREATE else ("1", "2", "3", "4", "5", "6", "7", "8")
        vendor.upload(csv_of([product("taken"), *(product(name, sku=f"OWN-{name}") for name in existing)]))
        rows = [product(str(n), **rng.choice(FAULTS)) for n in range(1, 11)]
        parent = vendor.upload(csv_of(rows), Options(mode), key=f"uploads/{VENDOR}/parent.csv")
        context = database.run(partial(load_correction_context, upload=parent))
        stored = database.run(partial(corrections.list_rejected_rows, upload_id=parent.upload_id))
        vendor.edit(parent, {row.row_number: make_edits(rng, row.row_number) for row in stored})
        stored = database.run(partial(corrections.list_rejected_rows, upload_id=parent.upload_id))
        ready_rows = list_ready_rows(stored, check_rows(database.run, context, stored))
        ready = [row.row_number for row in ready_rows]
        ready_count, other_count = ready_count + len(ready), other_count + len(stored) - len(ready)
        if not ready:
            with pytest.raises(NotReady):
                vendor.submit(parent)
            continue
        child = vendor.submit(parent)
        assert (child.status, child.valid_records) == (UploadStatus.COMPLETED, len(ready)), seed
        after = database.run(partial(corrections.list_rejected_rows, upload_id=parent.upload_id))
        assert [row.row_number for row in after if row.state == "fixed"] == ready
        assert {row.state for row in after if row.row_number not in ready} <= {"open"}
    database.close()
    assert min(ready_count, other_count) > 5
