"""What the pages list is what there is: variables, metrics, tables and columns, commands. Neither more nor less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from onboarding.aws import staging_table
from onboarding.deploy.plan import template_text
from onboarding.domain.models import Row, RowError
from onboarding.local.template import Template
from onboarding.notifications import email
from onboarding.notifications import webhook as deliver
from onboarding.runtime import AppContext
from onboarding.web.api import webhooks
from onboarding.web.database import DatabasePool
from tests.support.doc_pages import DOCS, ROOT, rows, section
from tests.support.postgres_fixtures import GOOD_CELLS
from tests.support.template_names import short_name
from tools.cli_page import cli_page

CONFIGURATION, DATA, METRICS = DOCS / "configuration.md", DOCS / "data.md", DOCS / "metrics.md"
TEMPLATES = [
    Template(template_text(name), {}, "000000000000", "us-east-1") for name in ("pipeline", "database", "operations")
]


def listed(cell: str) -> list[str]:
    """The names in a cell such as `a`, `b`."""
    return [name.strip().strip("`") for name in cell.split(",")]


def resources(kind: str) -> Iterator[dict[str, Any]]:
    for template in TEMPLATES:
        yield from template.of_type(kind).values()


def test_the_command_line_is_what_the_commands_say() -> None:
    """Write it anew with: make reference"""
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == cli_page()


# -- Environment variables ---------------------------------------------------------------------------------------------

READ = re.compile(
    r"""(?:environ(?:ment)?(?:\.get\(|\[)|_required\(|envvar=)"([A-Z0-9_]+)"(?!\] =)|"([A-Z0-9_]+)" in os\.environ"""
)


def variables_read_in(*folders: str) -> set[str]:
    """The variables that the code asks for by name, but for one that every program has."""
    texts = (path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return {name for text in texts for found in READ.findall(text) for name in found if name} - {"PATH"}


def test_every_variable_of_a_function_is_listed_with_the_functions_that_get_it() -> None:
    given: dict[str, set[str]] = {}
    for function in resources("AWS::Lambda::Function"):
        for name in function["Environment"]["Variables"]:
            given.setdefault(name, set()).add(short_name(function["FunctionName"]))
    table = [row for row in rows(section(CONFIGURATION, "## Functions")) if len(row) == 3]
    assert {name: set(listed(functions)) for name, functions, _ in table} == given


def test_every_other_variable_is_listed() -> None:
    image = re.findall(r"^(?:ENV|   ) +([A-Z0-9_]+)=", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    ours = {name for row in rows(CONFIGURATION.read_text(encoding="utf-8")) for name in listed(row[0])}
    assert ours == given_to_functions() | set(image) | variables_read_in("src", "tests", "bench", "tools")
    commands = {name for row in rows(section(CONFIGURATION, "## Commands")) for name in listed(row[0])}
    tests = {name for row in rows(section(CONFIGURATION, "## Tests")) for name in listed(row[0])}
    assert commands | given_to_functions() | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"} >= variables_read_in("src")
    assert commands <= variables_read_in("src")
    assert tests <= variables_read_in("tests")


def given_to_functions() -> set[str]:
    return {name for function in resources("AWS::Lambda::Function") for name in function["Environment"]["Variables"]}


# -- Metrics -----------------------------------------------------------------------------------------------------------


def test_every_metric_is_listed_with_the_function_that_writes_it() -> None:
    written = {
        (metric, path.stem.replace("_", "-"))
        for path in (ROOT / "src" / "onboarding" / "handlers").glob("*.py")
        for metric in re.findall(r"""(?:measured\(|count\(metrics, )"(\w+)\"""", path.read_text(encoding="utf-8"))
    }
    table = rows(METRICS.read_text(encoding="utf-8"))
    assert {(metric, function) for metric, function, _, _ in table} == written
    assert {metric for metric, _, unit, _ in table if unit == "milliseconds"} == {
        metric for metric, _ in written if metric.endswith("Time")
    }


# -- Tables ------------------------------------------------------------------------------------------------------------


def names_under(part: str) -> dict[str, list[str]]:
    """The tables under a heading, each with the names in the first cells of its rows."""
    found = re.findall(r"^### ([\w-]+)\n(.*?)(?=^### |\Z)", section(DATA, part), re.MULTILINE | re.DOTALL)
    return {table: [name for row in rows(text) for name in listed(row[0])] for table, text in found}


def test_every_table_and_column_of_the_database_is_listed(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        ).fetchall()
    described = names_under("## PostgreSQL")
    assert {(table, column) for table, names in described.items() for column in names} == set(columns)
    assert all(len(names) == len(set(names)) for names in described.values())


class Kept:
    """Stands in for the table's client, and keeps what is written."""

    exceptions = SimpleNamespace(ClientError=Exception, ConditionalCheckFailedException=KeyError)

    def __init__(self) -> None:
        self.attributes: set[str] = set()

    def batch_write_item(self, RequestItems: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:  # noqa: N803 - AWS's
        for [request] in (list(requests) for requests in RequestItems.values()):
            self.attributes |= set(request["PutRequest"]["Item"])
        return {}

    def put_item(self, **call: Any) -> None:
        self.attributes |= set(call["Item"])

    def update_item(self, **call: Any) -> None:
        self.attributes |= set(re.findall(r"set (\w+)", call["UpdateExpression"]))


def context(kept: Kept) -> AppContext:
    names = SimpleNamespace(
        table="T", mail_claims_table="T", webhook_deliveries_table="T", mail_sender="us@example.com"
    )
    ses = SimpleNamespace(send_email=lambda **_: None, exceptions=Kept.exceptions)
    return cast("AppContext", SimpleNamespace(dynamodb=kept, settings=names, ses=ses))


def written_to(table: str) -> set[str]:
    """The attributes that the code gives to a table's items."""
    kept = Kept()
    match table:
        case "UploadRecords":
            cells, of_the_file = {**GOOD_CELLS, "price": "10.00"}, ({"sku": 2}, 1, {"brand": 200}, ("price",), 2)
            full = Row("U", "V", 1, cells, *of_the_file, ("price",), {"sku": "dates"}, many_categories=True)
            error = RowError("INVALID_PRICE", "price", "Price must be at least 0.01")
            staging_table.write_outcomes(context(kept), [(staging_table.to_item(full), [error])])
        case "mail-claims":
            result = email.UploadResult("U", "V", "Vendor", "v@example.com", "f.csv", "completed", 1, 1, 0, None, None)
            email.send_result_email(context(kept), result)
        case "webhooks":
            app = SimpleNamespace(ctx=context(kept), settings=SimpleNamespace(webhooks_table="T"))
            webhooks.publish(cast("DatabasePool", app), "V", url="https://v", secret="s")
        case "webhook-deliveries":
            told: dict[str, Any] = {"event": "test", "subject": "U", "url": "https://v", "status": 200, "error": ""}
            deliver._record(context(kept), "V", **told, milliseconds=1)
    return kept.attributes


@pytest.mark.parametrize("table", sorted(short_name(table["TableName"]) for table in resources("AWS::DynamoDB::Table")))
def test_every_attribute_of_an_item_is_listed(table: str) -> None:
    assert set(names_under("## DynamoDB")[table]) == written_to(table)


def test_no_other_table_is_listed_and_the_secrets_are() -> None:
    assert names_under("## DynamoDB").keys() == {short_name(t["TableName"]) for t in resources("AWS::DynamoDB::Table")}
    secrets = {name for row in rows(section(DATA, "## Secrets")) for name in listed(row[0])}
    assert secrets == {TEMPLATES[0].value(secret["Name"]) for secret in resources("AWS::SecretsManager::Secret")}


def test_the_package_says_what_each_of_its_modules_is_for() -> None:
    package = ROOT / "src" / "onboarding"
    guide = (package / "__init__.py").read_text(encoding="utf-8")
    tables = {*names_under("## PostgreSQL"), *names_under("## DynamoDB")}
    modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(re.findall(r"`(\w+)`", guide)) - tables == modules - {"__init__"}
