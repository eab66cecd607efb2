"""Reference pages list exactly what exists: commands, variables, tables, attributes, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from onboarding.aws import staging_table
from onboarding.cloudformation.templates import load_template
from onboarding.domain.models import Row, RowError
from onboarding.notifications import email, webhook
from onboarding.runtime import AppContext
from onboarding.web.api import webhooks
from onboarding.web.database import DatabasePool
from tests.support.doc_pages import DOCS, rows, section
from tests.support.postgres_fixtures import VALID_CELLS
from tests.support.template_names import short_name

DATA = DOCS / "data.md"
TEMPLATES = [load_template(name, {}, "000000000000", "us-east-1") for name in ("pipeline", "database", "operations")]


def resources(kind: str) -> Iterator[dict[str, Any]]:
    for template in TEMPLATES:
        yield from template.resources_of_type(kind).values()


def test_function_environment_variables_are_documented() -> None:
    variables = {
        name for function in resources("AWS::Lambda::Function") for name in function["Environment"]["Variables"]
    }
    assert {name for name, _ in rows(section(DOCS / "configuration.md", "## Functions"))} == variables


def codes(cell: str) -> set[str]:
    """Return the inline code of a cell whose outermost backticks may be missing."""
    return set(re.findall(r"`([\w-]+)`", f"`{cell}`"))


def test_every_table_of_the_database_is_listed_with_columns_that_it_has(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        ).fetchall()
    tables = rows(section(DATA, "## PostgreSQL").split("\n### ")[0])
    assert {table for table, *_ in tables} == {table for table, _ in columns}
    # A name before a colon is a column; others may be values.
    named = {(table, name) for table, text in tables for name in re.findall(r"`(\w+)`:", text)}
    named |= {("upload_history", name) for row in rows(section(DATA, "### upload_history")) for name in codes(row[0])}
    assert named <= set(columns)


class RecordingClient:
    """Fake of the table's client that records the names of written attributes."""

    exceptions = SimpleNamespace(ClientError=Exception, ConditionalCheckFailedException=KeyError)

    def __init__(self) -> None:
        self.attributes: set[str] = set()

    def batch_write_item(self, RequestItems: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        for [request] in (list(requests) for requests in RequestItems.values()):
            self.attributes |= set(request["PutRequest"]["Item"])
        return {}

    def put_item(self, **call: Any) -> None:
        self.attributes |= set(call["Item"])

    def update_item(self, **call: Any) -> None:
        self.attributes |= set(re.findall(r"set (\w+)", call["UpdateExpression"]))


def context(client: RecordingClient) -> AppContext:
    names = SimpleNamespace(
        table="T", email_claims_table="T", webhook_deliveries_table="T", email_sender="us@example.com"
    )
    ses = SimpleNamespace(send_email=lambda **_: None, exceptions=RecordingClient.exceptions)
    return cast("AppContext", SimpleNamespace(dynamodb=client, settings=names, ses=ses))


def written_to(table: str) -> set[str]:
    """Return the attributes that the code writes to a table's items."""
    client = RecordingClient()
    match table:
        case "UploadRecords":
            cells, options = {**VALID_CELLS, "price": "10.00"}, ({"sku": 2}, 1, {"brand": 200}, ("price",), 2)
            row = Row(
                "U",
                "V",
                1,
                cells,
                *options,
                ("price",),
                {"sku": "dates"},
                many_categories=True,
                original={"unit": "Stk"},
            )
            error = RowError("INVALID_PRICE", "price", "Price must be at least 0.01")
            staging_table.write_outcomes(context(client), [(staging_table.to_item(row), [error])])
        case "email-claims":
            result = email.UploadResult("U", "V", "Vendor", "v@example.com", "f.csv", "completed", 1, 1, 0, None, None)
            email.send_result_email(context(client), result)
        case "webhooks":
            app = SimpleNamespace(ctx=context(client), settings=SimpleNamespace(webhooks_table="T"))
            webhooks.publish(cast("DatabasePool", app), "V", url="https://v", secret="s")
        case "webhook-deliveries":
            delivery: dict[str, Any] = {"event": "test", "subject": "U", "url": "https://v", "status": 200, "error": ""}
            webhook._record(context(client), "V", **delivery, milliseconds=1)
    return client.attributes


TABLES = {short_name(table["TableName"]) for table in resources("AWS::DynamoDB::Table")}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_attribute_of_an_item_is_listed(table: str) -> None:
    page = rows(section(DATA, "## DynamoDB"))
    listed = {name for row in page if row[0] == table for name in codes(row[1])}
    if table == "UploadRecords":
        listed |= {name for name, _ in page} - TABLES
    assert listed - {"VendorIndex"} == written_to(table)


def test_every_table_and_secret_is_listed() -> None:
    assert {row[0] for row in rows(section(DATA, "## DynamoDB"))} >= TABLES
    secrets = {row[0] for row in rows(section(DATA, "## Secrets"))}
    assert secrets == {TEMPLATES[0].evaluate(secret["Name"]) for secret in resources("AWS::SecretsManager::Secret")}
