"""The example `catalog_mirror` against the local stack, with its program as another process."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from examples.catalog_mirror import mirror
from onboarding.storage.catalog import block_product, unblock_product
from onboarding.storage.product_feed import delete_replaced_events
from tests.support.catalog_comparison import PRODUCTS_AS_TEXT, list_differences
from tests.support.postgres_fixtures import ACTOR
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


@pytest.fixture(scope="module")
def key(operator: httpx.Client) -> str:
    return str(operator.post("/v1/operator/keys", json={"name": "mirror"}).json()["key"])


@contextmanager
def running_mirror(pipeline: Pipeline, key: str, path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program; it is killed at the end of the block."""
    environment = {**os.environ, "ONBOARDING_KEY": key, "no_proxy": "*"}
    arguments = [sys.executable, str(mirror.__file__), pipeline.endpoints.portal_url, str(path), *options]
    with subprocess.Popen(
        arguments, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def count_products(path: Path) -> int:
    """Return the number of products in a mirror, 0 before it exists."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=30)) as database:
        try:
            [count] = database.execute("select count(*) from products").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(count)


def find_differences(pipeline: Pipeline, path: Path) -> list[str]:
    with closing(mirror.open_mirror(str(path))) as database:
        return list_differences(database, pipeline.connection.execute(PRODUCTS_AS_TEXT).fetchall())


def test_mirror_of_uploads_updates_undos_and_blocks_has_the_state_of_the_catalog(
    pipeline: Pipeline, operator: httpx.Client, key: str, tmp_path: Path
) -> None:
    for vendor_id in ("VENDA", "VENDB"):
        pipeline.vendor(vendor_id)
    path = tmp_path / "catalog.db"
    rows = [product(f"mirror-{n}") for n in range(40)]
    with running_mirror(pipeline, key, path, "--every", "0.01"):
        first = pipeline.run("VENDA", "mirror.csv", csv_of(rows))
        wait_until(lambda: count_products(path) >= 40, "the mirror to have the products")
    # It was killed at any moment; the next process continues.
    with running_mirror(pipeline, key, path, "--every", "0.01"):
        changed = [{**row, "price": "5.00", "brand": "(clear)"} for row in rows[:20]]
        second = pipeline.run("VENDA", "mirror-2.csv", csv_of(changed), mode="update")
        assert second.updated_records == 20
        third = pipeline.run("VENDB", "mirror-3.csv", csv_of(product(f"mirror-b{n}") for n in range(5)))
        ids = [item["product_id"] for item in pipeline.products(first.upload_id)]
        for product_id in ids[:6]:
            with pipeline.connection.transaction():
                block_product(pipeline.connection, ACTOR, product_id, "Not allowed")
        for product_id in ids[:3]:
            with pipeline.connection.transaction():
                unblock_product(pipeline.connection, ACTOR, product_id)
        with pipeline.connection.transaction():
            delete_replaced_events(pipeline.connection)
        for upload in (second, third):
            assert operator.post(f"/v1/uploads/{upload.upload_id}/undo").status_code == 200
        wait_until(lambda: not find_differences(pipeline, path), "the mirror to have the state of the catalog")
    # A mirror that begins now has the same state.
    late = tmp_path / "late.db"
    with running_mirror(pipeline, key, late) as process:
        assert process.wait(60) == 0
    assert find_differences(pipeline, late) == []
    with running_mirror(pipeline, key, late) as process:
        assert (process.wait(60), process.stdout and process.stdout.read()) == (0, "0 changes\n")


def test_mirror_without_a_valid_key_or_server_fails_and_keeps_its_state(
    pipeline: Pipeline, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "catalog.db"
    with running_mirror(pipeline, "onb_wrong", path) as process:
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (1, "not synchronized: HTTP Error 401: Unauthorized\n")
    assert count_products(path) == 0


def test_mirror_with_a_position_of_a_lost_database_begins_again(pipeline: Pipeline, key: str, tmp_path: Path) -> None:
    pipeline.vendor("VENDA")
    pipeline.run("VENDA", "mirror-lost.csv", csv_of([product("mirror-lost")]))
    path = tmp_path / "catalog.db"
    with closing(mirror.open_mirror(str(path))) as database, database:
        database.execute("insert into products values (0, 'VENDA', '{}')")
        database.execute("insert into position values (1, ?)", (f"{2**62}-1",))
    with running_mirror(pipeline, key, path) as process:
        assert process.wait(60) == 0
    wait_until(lambda: not find_differences(pipeline, path), "the mirror to have the state of the catalog")


def test_write_page_that_fails_changes_neither_products_nor_position() -> None:
    with closing(mirror.open_mirror(":memory:")) as database:
        item = {"product_id": 1, "is_removed": False, "product": {"vendor_id": "VENDA"}}
        mirror.write_page(database, {"items": [item], "next": "1-1", "has_more": False})
        with pytest.raises(KeyError):
            mirror.write_page(database, {"items": [{**item, "is_removed": True}], "has_more": False})
        assert database.execute("select product_id, product from products").fetchall() == [
            (1, '{"vendor_id": "VENDA"}')
        ]
        assert database.execute("select next from position").fetchall() == [("1-1",)]
