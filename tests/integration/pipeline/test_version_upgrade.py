"""Two successive versions side by side: the previous one on the current schema, and both in one deployment.

`tests/previous_version` names the commit of the version that is in production. Its source comes from the history. The
file is empty while no earlier version has the first migration of this one.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from onboarding.domain.corrections import CorrectionCounts
from onboarding.domain.models import Upload
from onboarding.domain.resource_names import resource_name
from onboarding.local.postgres import find_installation
from onboarding.local.processes import make_child_environment
from onboarding.local.stack import LocalStack
from onboarding.storage import corrections
from onboarding.storage.database import open_connection
from onboarding.storage.migrate import Migration, load_migrations, migrate
from tests.support.api_clients import new_key, signed_in
from tests.support.http_scenarios import ApiClient
from tests.support.paths import ROOT
from tests.support.postgres_fixtures import create_database
from tests.support.running_pipeline import Pipeline, csv_of, product

COMMIT = (ROOT / "tests/previous_version").read_text(encoding="utf-8").strip()

PREVIOUS, CURRENT = "previous", "current"
FUNCTIONS = ("csv-parser", "product-validator", "error-processor", "mailer", "watchdog", "api", "report-link")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folder of each version's package."""
    if not COMMIT:
        pytest.skip("tests/previous_version is empty: no earlier version has the first migration of this one")
    if not (ROOT / ".git").exists():
        pytest.skip("the previous version needs the git history")
    shallow = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False
    )
    archive = subprocess.run(["git", "-C", ROOT, "archive", COMMIT, "src"], capture_output=True, check=False)
    if archive.returncode and shallow.stdout.strip() == "true":
        pytest.skip(f"run `git fetch --unshallow` to get the previous version {COMMIT}")
    assert archive.returncode == 0, archive.stderr.decode()
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return {PREVIOUS: folder / "src", CURRENT: ROOT / "src"}


def run_python(source: Path, program: str, request: str, environment: Mapping[str, str]) -> Any:
    """Run a program with a version's package and return the JSON of its last line."""
    variables = {**make_child_environment(), **environment, "PYTHONPATH": str(source)}
    result = subprocess.run(
        [sys.executable, "-c", program], input=request, env=variables, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def dump(url: str) -> str:
    """Return a database as SQL."""
    program = find_installation() / "bin" / "pg_dump"
    result = subprocess.run(
        [program, "--no-owner", "--inserts", "--no-comments", url], capture_output=True, text=True, check=True
    )
    # The commands of psql differ between two dumps.
    return "\n".join(line for line in result.stdout.splitlines() if not line.startswith("\\"))


# Migrations


CHECKSUMS = """
import json
from onboarding.storage.migrate import load_migrations
print(json.dumps([migration.checksum for migration in load_migrations()]))
"""


def test_migrations_of_the_previous_version_are_unchanged_and_come_first(sources: Mapping[str, Path]) -> None:
    earlier = run_python(sources[PREVIOUS], CHECKSUMS, "", {})
    assert earlier == [migration.checksum for migration in load_migrations()][: len(earlier)]


MIGRATE = """
import json
from onboarding.storage.database import open_connection
from onboarding.storage.migrate import migrate
with open_connection(input()) as connection:
    print(json.dumps(migrate(connection)))
"""


@pytest.mark.parametrize("version", [PREVIOUS, CURRENT])
def test_migrate_schema_of_a_later_version_is_unchanged(
    database_url: str, sources: Mapping[str, Path], version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Migration(9001, "later", "alter table products add column later text")
    url = create_database(database_url, f"later_than_{version}")
    with monkeypatch.context() as patch, open_connection(url) as connection:
        patch.setattr("onboarding.storage.migrate.load_migrations", lambda: [*load_migrations(), later])
        assert "9001_later.sql" in migrate(connection)
    before = dump(url)
    assert run_python(sources[version], MIGRATE, url, {}) == []
    assert dump(url) == before


# Handlers


class Deployment:
    """A local stack whose functions each run one of the two versions."""

    def __init__(self, pipeline: Pipeline, sources: Mapping[str, Path]) -> None:
        self.pipeline = pipeline
        self._sources = sources
        self._admin = CURRENT

    def deploy(self, versions: Mapping[str, str]) -> None:
        """Give each function its version, and have the version of `admin` migrate the database."""
        lambdas = self.pipeline.lambdas
        for function in FUNCTIONS:
            variables = lambdas.get_function_configuration(FunctionName=resource_name(function))["Environment"][
                "Variables"
            ]
            variables["PYTHONPATH"] = str(self._sources[versions[function]])
            lambdas.update_function_configuration(
                FunctionName=resource_name(function), Environment={"Variables": variables}
            )
        self._admin = versions["admin"]
        assert self.admin("migrate") == {"ran": []}

    def admin(self, action: str, **arguments: object) -> Any:
        """Call the handler of the function `admin`, which the local stack does not have."""
        program = (
            "import json; from onboarding.lambda_handlers.admin import handler; "
            "print(json.dumps(handler(json.loads(input()), None)))"
        )
        event = json.dumps({"action": action, "arguments": arguments})
        return run_python(self._sources[self._admin], program, event, self.pipeline.endpoints.environment())

    def call(self, function: str, event: Mapping[str, object]) -> Any:
        response = self.pipeline.lambdas.invoke(
            FunctionName=resource_name(function), Payload=json.dumps(event).encode()
        )
        body = json.loads(response["Payload"].read())
        assert "FunctionError" not in response, body
        return body


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, sources: Mapping[str, Path]) -> Iterator[Deployment]:
    with (
        LocalStack(tmp_path_factory.mktemp("versions")) as local_stack,
        Pipeline(local_stack.endpoints) as pipeline,
    ):
        yield Deployment(pipeline, sources)


def outcome(pipeline: Pipeline, upload: Upload) -> tuple[object, ...]:
    """Status and counts of a finished upload, errors and items by row, prices of created products, e-mails."""
    rows = range(1, (upload.total_records or 0) + 1)
    return (
        upload.status.value,
        (upload.total_records, upload.valid_records, upload.error_records),
        {row: error_type for row, error_type, _ in pipeline.errors(upload.upload_id)},
        [pipeline.validated_item(upload.upload_id, row)["status"]["S"] for row in rows],
        [str(product_row["price"]) for product_row in pipeline.products(upload.upload_id)],
        len(pipeline.emails(upload.upload_id)),
    )


NAMES = (*FUNCTIONS, "admin")
VERSIONS = {
    "previous": dict.fromkeys(NAMES, PREVIOUS),
    "mixed": dict(zip(NAMES, cycle((CURRENT, PREVIOUS)))),
    "mixed the other way": dict(zip(NAMES, cycle((PREVIOUS, CURRENT)))),
}


def test_function_of_a_deployment_runs_the_version_that_it_has(
    deployment: Deployment, sources: Mapping[str, Path]
) -> None:
    (sources[PREVIOUS] / "which.py").write_text(
        "import onboarding\n\n\ndef handler(*_):\n    return onboarding.__file__\n"
    )
    lambdas = deployment.pipeline.lambdas
    handler = lambdas.get_function_configuration(FunctionName=resource_name("watchdog"))["Handler"]
    deployment.deploy(VERSIONS["previous"])
    lambdas.update_function_configuration(FunctionName=resource_name("watchdog"), Handler="which.handler")
    try:
        assert deployment.call("watchdog", {}) == str(sources[PREVIOUS] / "onboarding/__init__.py")
    finally:
        lambdas.update_function_configuration(FunctionName=resource_name("watchdog"), Handler=handler)


@pytest.mark.parametrize("versions", VERSIONS)
def test_uploads_in_a_deployment_of_two_versions_have_the_outcomes_of_one(
    deployment: Deployment, versions: str
) -> None:
    deployment.deploy(VERSIONS[versions])
    pipeline, tag = deployment.pipeline, f"v{list(VERSIONS).index(versions)}"
    vendor = f"UPGRADE-{tag}"
    email = pipeline.vendor(vendor)

    def row(name: str, **cells: str) -> dict[str, str]:
        return product(f"{tag}-{name}", **cells)

    # One file of each kind.
    rows = [row("1"), row("2", price="0.00"), row("3", category="Gadgets"), row("4"), row("5", sku=f"SKU-{tag}-1")]
    created = pipeline.run(vendor, "created.csv", csv_of(rows))
    errors = {2: "INVALID_PRICE", 3: "INVALID_CATEGORY", 5: "DUPLICATE_SKU"}
    items = ["validated", "error", "error", "validated", "error"]
    assert outcome(pipeline, created) == ("partial", (5, 2, 3), errors, items, ["19.99", "19.99"], 1)

    all_or_nothing = pipeline.run(vendor, "whole.csv", csv_of([row("6"), row("7")]), on_error="reject_file")
    assert outcome(pipeline, all_or_nothing) == ("completed", (2, 2, 0), {}, ["validated"] * 2, ["19.99", "19.99"], 1)

    rejected_file = pipeline.run(
        vendor, "not-whole.csv", csv_of([row("8"), row("9", price="")]), on_error="reject_file"
    )
    errors = {1: "FILE_REJECTED", 2: "MISSING_REQUIRED_FIELDS"}
    assert outcome(pipeline, rejected_file) == ("failed", (2, 0, 2), errors, ["error"] * 2, [], 1)

    changed = pipeline.run(vendor, "changed.csv", csv_of([row("1", price="5.00"), row("4"), row("10")]), mode="upsert")
    assert outcome(pipeline, changed) == ("completed", (3, 3, 0), {}, ["validated"] * 3, ["19.99"], 1)

    rejected = pipeline.run(vendor, "rejected.csv", csv_of([row("11")], ["sku", "price"]))
    assert outcome(pipeline, rejected) == ("failed", (0, 0, 0), {}, [], [], 1)

    # The watchdog: an object without an S3 event, and a finished upload without a notification.
    with pipeline.without_bucket_notifications():
        source = pipeline.put_key(f"uploads/{vendor}/without_event.csv", csv_of([row("12")]))
    deployment.call("watchdog", {"sweep": True, "patience": 0})
    without_event = pipeline.finished(pipeline.upload_id(source))
    assert outcome(pipeline, without_event) == ("completed", (1, 1, 0), {}, ["validated"], ["19.99"], 1)
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (all_or_nothing.upload_id,)
    )
    deployment.call("watchdog", {"patience": 0})
    assert len(pipeline.emails(pipeline.finished(all_or_nothing.upload_id).upload_id)) == 1

    # The link in the e-mail.
    match = re.search(r"http\S+/reports/\S+", pipeline.email(created.upload_id).text)
    assert match is not None
    report = httpx.get(match[0], follow_redirects=True, trust_env=False).text
    assert [line.split(",")[0] for line in report.splitlines()[1:]] == ["2", "3", "5"]

    # The API and undo.
    with closing(signed_in(pipeline, email)) as client:
        caller = ApiClient(pipeline, {"authorization": f"Bearer {new_key(client)['key']}"})
    status, listed = caller.request("GET", "/v1/uploads")
    assert (status, len(json.loads(listed["body"])["items"])) == ("200", 6)
    assert deployment.admin("undo_upload", upload_id=changed.upload_id)["restored"] == 1
    status, undone = caller.request("POST", f"/v1/uploads/{created.upload_id}/undo")
    assert (status, json.loads(undone["body"])["removed"]) == ("200", 2)


def test_rows_that_the_previous_version_rejected_are_corrected_by_file(deployment: Deployment) -> None:
    pipeline, vendor = deployment.pipeline, "UPGRADE-FIXES"
    pipeline.vendor(vendor)
    deployment.deploy(VERSIONS["previous"])
    rows = [product("by-file-1", price="x"), product("by-file-2", price="y")]
    rejected = pipeline.run(vendor, "rejected.csv", csv_of(rows))

    def fix(*numbers: int) -> bytes:
        fields = [{"_upload": rejected.upload_id, "_row": str(n + 1), **rows[n - 1], "price": "5.00"} for n in numbers]
        return csv_of(fields, ["_upload", "_row", "_errors", *rows[0]])

    # The previous version reads a fix file of the current one, and does not link it.
    assert pipeline.run(vendor, "fix-1.csv", fix(1)).valid_records == 1
    deployment.deploy(dict.fromkeys(NAMES, CURRENT))
    stored = corrections.list_rejected_rows(pipeline.connection, rejected.upload_id)
    assert [(row.row_number, row.is_editable, row.state) for row in stored] == [(1, False, "open"), (2, False, "open")]
    child = pipeline.run(vendor, "fix-2.csv", fix(2))
    assert (child.valid_records, child.parent_upload_id) == (1, rejected.upload_id)
    assert corrections.count_rejected_rows(pipeline.connection, rejected.upload_id) == CorrectionCounts(
        open=1, fixed=1, not_editable=1
    )
