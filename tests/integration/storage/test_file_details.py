"""Storage of file details and warnings."""

from __future__ import annotations

import pytest

from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.models import FileDetails
from onboarding.files.parser import parse
from onboarding.storage import file_details
from onboarding.storage.database import Database
from tests.support.postgres_fixtures import fetch, open_upload

DETAILS = FileDetails("csv", 2, {"Qty": "stock_quantity"}, ["Colour"], "UTF-8", "comma", "LF", None, ["price"])
WARNINGS = [
    FileWarning("UNKNOWN_COLUMN", "The column 'Colour' is not in the product schema", column="Colour"),
    FileWarning("LOST_ZEROS", "Perhaps\0", 3, "sku"),
    FileWarning("DOUBLE_ENCODED", "Café"),
]


@pytest.fixture(name="database")
def database_with_an_upload(database: Database) -> Database:
    open_upload(database, "U1", 3)
    return database


def test_file_details_are_stored_and_read(database: Database) -> None:
    assert database.run(lambda c: file_details.get_file_details(c, "U1")) is None
    assert database.run(lambda c: file_details.list_warnings(c, "U1")) == []
    database.run(lambda c: file_details.save_file_details(c, "U1", DETAILS, WARNINGS))
    assert database.run(lambda c: file_details.get_file_details(c, "U1")) == DETAILS
    first, second, third = database.run(lambda c: file_details.list_warnings(c, "U1"))
    assert (first, third) == (WARNINGS[0], WARNINGS[2])
    assert second == FileWarning("LOST_ZEROS", "Perhaps\ufffd", 3, "sku")


def test_file_details_stored_again_are_unchanged(database: Database) -> None:
    database.run(lambda c: file_details.save_file_details(c, "U1", DETAILS, WARNINGS))
    database.run(lambda c: file_details.save_file_details(c, "U1", FileDetails("xlsx", 1, {}), WARNINGS))
    assert database.run(lambda c: file_details.get_file_details(c, "U1")) == DETAILS
    assert fetch(database, "select count(*) from upload_warnings") == [(3,)]


def test_file_details_characters_that_postgresql_rejects_are_replaced(database: Database) -> None:
    content = b"vendor_product_id,product_name,category,sku,price,stock_quantity,no\0te\nP-1,Mug,Kitchen,S-1,1,5,blue\n"
    parsed = parse(content, "U1", "VEND001")
    assert not isinstance(parsed, FileRejection)
    database.run(lambda c: file_details.save_file_details(c, "U1", parsed.file_details, parsed.warnings))
    assert database.run(lambda c: file_details.get_file_details(c, "U1")) == parsed.file_details
    assert database.run(lambda c: file_details.list_warnings(c, "U1")) == parsed.warnings
