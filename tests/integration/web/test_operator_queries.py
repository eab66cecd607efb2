"""Queries of the operator pages with ten thousand vendors: each uses an index and reads only the rows that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from onboarding.pipeline.recovery import PATIENCE
from onboarding.storage.database import Connection, open_connection
from onboarding.storage.migrate import migrate
from onboarding.storage.queries import query
from onboarding.web.api.operations import LATEST_ERRORS
from tests.support.postgres_fixtures import create_database

SEED = """
insert into vendors (vendor_id, vendor_name, email)
select 'V' || lpad(n::text, 5, '0'), 'Vendor ' || n, 'v' || n || '@many.example' from generate_series(1, 10000) n;

insert into upload_history (
    upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, total_records, valid_records,
    created_records, error_records, status, upload_timestamp, processing_started_at, processing_completed_at,
    last_progress_at, notified_at
)
select 'U' || n, 'V' || lpad((1 + n % 10000)::text, 5, '0'), 'f.csv', 'uploads/x/' || n, 'v', 1, 10, 10 - n % 5,
    10 - n % 5, n % 5, 'partial', t, t, t, t, t
from (select n, now() - n * interval '85 days' / 20000 as t from generate_series(1, 20000) n) x;

insert into validation_errors (
    upload_id, vendor_id, row_number, error_type, error_field, error_message, original_data, created_at
)
select upload_id, vendor_id, r, 'INVALID_PRICE', 'price', 'x', '{}', processing_completed_at
from upload_history, generate_series(1, error_records) r;

analyze;
"""


@pytest.fixture(scope="module")
def marketplace(database_url: str) -> Iterator[Connection]:
    with open_connection(create_database(database_url, "many_vendors")) as connection:
        migrate(connection)
        connection.execute(SEED)
        yield connection


PAGE: dict[str, Any] = {"vendor_id": None, "search": None, "after": None, "limit": 51}


@pytest.mark.parametrize(
    ("name", "parameters", "indexes"),
    [
        ("list_vendors_with_quality", PAGE, {"vendors_pk"}),
        ("list_vendors_with_quality", PAGE | {"after": "V05000"}, {"vendors_pk"}),
        ("list_vendors_with_quality", PAGE | {"search": "v777@"}, {"vendors_pk"}),
        ("list_top_errors", {"days": 1, "max_errors": LATEST_ERRORS}, {"validation_errors_time"}),
        ("list_top_errors", {"days": 90, "max_errors": 1000}, {"validation_errors_time"}),
        ("list_upload_throughput", {"width": timedelta(minutes=30), "intervals": 48}, {"upload_history_completed"}),
        ("get_upload_overview", {"patience": PATIENCE}, {"upload_history_time", "upload_history_status"}),
    ],
)
def test_query_with_many_vendors_uses_indexes(
    marketplace: Connection, name: str, parameters: dict[str, Any], indexes: set[str]
) -> None:
    [(plan,)] = marketplace.execute(f"explain (format json) {query(name)}", parameters).fetchall()
    plan_nodes = list(nodes(plan[0]["Plan"]))
    assert indexes <= {node.get("Index Name") for node in plan_nodes}
    # Only a search for a part of a name may scan the vendors.
    scanned = {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}
    assert scanned <= ({"vendors"} if parameters.get("search") else set()) | {"quarantined_objects", "products"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a query plan and all nodes below it."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_throughput_counts_every_upload_once(marketplace: Connection) -> None:
    width = timedelta(hours=36)
    rows = marketplace.execute(query("list_upload_throughput"), {"width": width, "intervals": 20}).fetchall()
    assert [later[0] - earlier[0] for earlier, later in pairwise(rows)] == [width] * 19
    [expected] = marketplace.execute(
        "select count(*), sum(total_records), sum(valid_records), sum(error_records) from upload_history "
        "where processing_completed_at >= now() - interval '30 days'"
    ).fetchall()
    # The time differs between the two queries, by much less than the interval between two uploads.
    assert [abs(sum(row[n] for row in rows) - expected[n - 1]) <= 10 for n in range(1, 5)] == [True] * 4
    assert min(row[1] for row in rows) > 0


def test_top_errors_are_sorted_by_frequency(marketplace: Connection) -> None:
    parameters = {"days": 90, "max_errors": 1000}
    [(_, column, errors, uploads, vendors)] = marketplace.execute(query("list_top_errors"), parameters).fetchall()
    assert (column, errors) == ("price", 1000)
    assert uploads == vendors
    assert 1000 / 4 <= uploads <= 1000


def test_vendor_quality_lists_the_lowest_first(marketplace: Connection) -> None:
    rows = marketplace.execute(query("list_vendor_quality"), {"limit": 3}).fetchall()
    assert [row[4] for row in rows] == [60, 60, 60]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
