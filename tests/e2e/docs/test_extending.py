"""The changes that docs/extending.md walks through, made to a copy of the sources: each does what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from onboarding.cloudformation.templates import Template
from tests.infra.test_pipeline_template import RESOURCES
from tests.support.doc_pages import DOCS, ROOT, fences, rows, section

PAGE = DOCS / "extending.md"

COMMAND = "import sys; from onboarding.cli.main import main; sys.exit(main(sys.argv[1:]))"


# No test that is there knows the new column's name.
OF_THE_COLUMN = """
from onboarding.domain.models import Mode
from onboarding.pipeline.undo import undo
from tests.support.postgres_fixtures import ACTOR, fetch, judged, open_upload, seeded
from tests.integration.pipeline.test_upload_modes import CHANGED, change_row, create_products


def test_it_is_created_changed_and_taken_back(database_url):
    with seeded(database_url) as database:
        def ean():
            [[value]] = fetch(database, "select ean from products")
            return value

        create_products(database, 1, ean="042")
        assert ean() == "042"
        open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
        judged(database, change_row("1", ean="4006381333931"))
        assert ean() == "4006381333931"
        undo(database, CHANGED, ACTOR)
        assert ean() == "042"
"""


class Checkout:
    """A copy of the sources, on which the page's changes are made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        for name in ("src", "infra", "docs", "tests", "tools"):
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", path)

    def change(self, heading: str) -> None:
        """Make the changes that stand under a heading."""
        under = section(PAGE, heading)
        diffs = [fence.text for fence in fences(PAGE) if fence.language == "diff" and fence.text in under]
        assert diffs
        # Git looks for a repository above otherwise, and finds the paths there.
        ceiling = {"GIT_CEILING_DIRECTORIES": str(self.path.parent)}
        done = self._run("git", "apply", "-", text="".join(diffs), **ceiling)
        assert done.returncode == 0, done.stderr

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run(sys.executable, *arguments, PYTHONPATH=str(self.path / "src"))

    def test(self, *arguments: str) -> str:
        """Run tests of the copy; what they print."""
        done = self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _run(self, *command: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env={**os.environ, **environment},
            input=text,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_add_a_rule_dry_run_and_page_have_it(checkout: Checkout) -> None:
    [file] = re.findall(r"^printf '(.+)' > try\.csv$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    (checkout.path / "try.csv").write_text(file.replace("\\n", "\n"))
    ask = ("-c", COMMAND, "validate", "try.csv", "--vendor", "VEND001", "--offline", "--json")
    assert checkout.python(*ask).returncode == 0

    checkout.change("## Add a rule")
    answer = checkout.python(*ask)
    assert answer.returncode == 2, answer.stderr
    [error] = json.loads(answer.stdout)["errors"]
    assert (error["error_type"], error["field"], error["value"]) == ("NOT_A_NAME", "brand", "42")
    assert checkout.python("-m", "tools.reference_pages", "docs").returncode == 0
    assert "| NOT_A_NAME | brand | `42` |" in (checkout.path / "docs" / "rules.md").read_text(encoding="utf-8")
    ran = checkout.test(
        "tests/unit/domain/test_validation.py", "tests/e2e/docs/test_generated_pages.py", "-k", "names or rule or page"
    )
    assert " passed" in ran


def test_add_a_column_is_stored_changed_and_undone(checkout: Checkout) -> None:
    checkout.change("## Add a column")
    template = checkout.python("-c", COMMAND, "template", "-o", "template.csv")
    assert template.returncode == 0, template.stderr
    assert (checkout.path / "template.csv").read_text(encoding="utf-8-sig").splitlines()[0].endswith(",ean")
    (checkout.path / "tests" / "test_ean.py").write_text(OF_THE_COLUMN)
    checkout.test(
        "tests/test_ean.py",
        "tests/integration/storage/test_schema.py::test_insert_products_stores_every_column_as_it_was_written",
        "tests/integration/storage/test_schema.py::test_products_table_agrees_with_the_product_schema",
        "tests/unit/files/test_parser.py::test_parse_sample_row_of_the_contract_is_valid",
        "tests/unit/files/test_parser_equivalent_files.py::test_parse_plain_file_returns_its_rows",
    )


def test_the_channel_is_subscribed_where_somebody_wants_it(checkout: Checkout) -> None:
    checkout.change("## Add a notification channel")
    checkout.test("tests/infra/test_pipeline_template.py")
    text = (checkout.path / "infra" / "pipeline.yaml").read_text(encoding="utf-8")
    for phone in ("", "+15550100"):
        template = Template(text, {"OperatorPhone": phone}, "000000000000", "us-east-1")
        assert template.is_created("OperatorTexts") == bool(phone)
    subscription = template.resources_of_type("AWS::SNS::Subscription")["OperatorTexts"]
    assert (subscription["Protocol"], template.evaluate(subscription["Endpoint"])) == ("sms", "+15550100")


def test_the_function_to_copy_is_as_the_page_says() -> None:
    table = section(PAGE, "### One of your own")
    named = {name for row in rows(table) for name in re.findall(r"\bWebhook[A-Z]\w+\b", row[2])}
    of_webhook = {
        name
        for name in RESOURCES
        if name.startswith("Webhook") and name not in {"Webhook", "Webhooks", "WebhookDeliveries"}
    }
    assert named - {"WebhookImageUri"} == of_webhook
