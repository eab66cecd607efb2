"""Finalization of a complete upload."""

from __future__ import annotations

import json

from bench.error_report import measure_peak_memory
from onboarding.files.parser import MAX_ROWS
from onboarding.storage.database import Database
from tests.faults.runtime_pool import runtime_on
from tests.integration.pipeline.test_corrections import Corrections
from tests.support.postgres_fixtures import open_database, open_upload
from tests.support.running_pipeline import csv_of, product

FUNCTION_MEMORY = 256
"""Memory of error-processor in MB, as in the template."""


def test_finalize_full_file_with_many_errors_fits_into_memory(database: Database, database_url: str) -> None:
    row = product("long", product_name="x" * 750)
    open_upload(database, "UPLOAD_1", MAX_ROWS)
    database.run(
        lambda connection: connection.execute(
            """
            insert into validation_errors (
                upload_id, vendor_id, row_number, error_type, error_field, error_message, original_data
            )
            select 'UPLOAD_1', 'VEND001', row_number, 'INVALID_PRICE', 'field ' || error, repeat('why ', 10), %s::jsonb
            from generate_series(1, %s) as row_number, generate_series(1, 6) as error
            """,
            (json.dumps(row), MAX_ROWS),
        )
    )
    finished = (
        "update upload_history set status = 'failed', error_records = total_records, processing_completed_at = now()"
    )
    database.run(lambda connection: connection.execute(finished))
    peak = measure_peak_memory(database_url, "UPLOAD_1", csv_of([row] * MAX_ROWS))
    # The rest is for the Lambda runtime.
    assert peak < 0.75 * FUNCTION_MEMORY


def test_finalize_upload_that_cannot_become_searchable_notifies_the_vendor(database_url: str) -> None:
    with runtime_on(database_url, "finalize") as runtime:
        database = open_database(runtime.database_url)
        vendor = Corrections(runtime, database)
        runtime.fetch("alter function refresh_product_search rename to later")
        try:
            upload = vendor.upload(csv_of([product("not-searchable")]))
        finally:
            runtime.fetch("alter function later rename to refresh_product_search")
            database.close()
    assert upload.notified_at is not None
