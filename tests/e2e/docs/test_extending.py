"""Changes that docs/extending.md describes, applied to a copy of the sources."""

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

MAX_FILES_OF_A_COLUMN = 5


class Checkout:
    """Copy of the sources to which the changes of the page are applied."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        for name in ("src", "infra", "docs", "tests", "tools"):
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", path)

    def apply_changes(self, heading: str) -> list[str]:
        """Apply the diffs under a heading and return the names of the changed files."""
        text = section(PAGE, heading)
        diff = "".join(fence.text for fence in fences(PAGE) if fence.language == "diff" and fence.text in text)
        assert diff
        # Without the ceiling, Git finds the repository above and applies the diff there.
        ceiling = {"GIT_CEILING_DIRECTORIES": str(self.path.parent)}
        result = self._run("git", "apply", "-", text=diff, **ceiling)
        assert result.returncode == 0, result.stderr
        return re.findall(r"^\+\+\+ b/(.+)$", diff, re.MULTILINE)

    def run_python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run(sys.executable, *arguments, PYTHONPATH=str(self.path / "src"))

    def run_tests(self, *arguments: str) -> str:
        """Run tests of the copy and return their output."""
        result = self.run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

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


def test_add_a_rule_is_applied_by_dry_run_and_listed_on_the_page(checkout: Checkout) -> None:
    [file] = re.findall(r"^printf '(.+)' > try\.csv$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    (checkout.path / "try.csv").write_text(file.replace("\\n", "\n"))
    dry_run = ("-c", COMMAND, "validate", "try.csv", "--vendor", "VEND001", "--offline", "--json")
    assert checkout.run_python(*dry_run).returncode == 0

    checkout.apply_changes("## Add a rule")
    result = checkout.run_python(*dry_run)
    assert result.returncode == 2, result.stderr
    [error] = json.loads(result.stdout)["errors"]
    assert (error["error_type"], error["field"], error["value"]) == ("NOT_A_NAME", "subcategory", "42")
    assert checkout.run_python("-m", "tools.reference_pages", "docs").returncode == 0
    assert "| NOT_A_NAME | subcategory | `42` |" in (checkout.path / "docs" / "rules.md").read_text(encoding="utf-8")
    output = checkout.run_tests(
        "tests/unit/domain/test_validation.py",
        "tests/e2e/docs/test_generated_pages.py",
        "-k",
        "subcategory or rule or defect",
    )
    assert " passed" in output


def test_add_a_column_changes_few_files_and_is_stored_updated_and_undone(checkout: Checkout) -> None:
    changed = checkout.apply_changes("## Add a column")
    assert len(set(changed)) <= MAX_FILES_OF_A_COLUMN
    template = checkout.run_python("-c", COMMAND, "template", "-o", "template.csv")
    assert template.returncode == 0, template.stderr
    assert (checkout.path / "template.csv").read_text(encoding="utf-8-sig").splitlines()[0].endswith(",ean")
    checkout.run_tests(
        "tests/integration/pipeline/test_product_columns.py",
        "tests/integration/storage/test_schema.py",
        "tests/unit/domain",
        "tests/unit/files/test_header_names.py",
        "tests/unit/files/test_product_template.py",
    )


def test_add_a_channel_of_sns_is_subscribed_only_with_its_parameter(checkout: Checkout) -> None:
    checkout.apply_changes("## Add a notification channel")
    checkout.run_tests("tests/infra/test_pipeline_template.py")
    text = (checkout.path / "infra" / "pipeline.yaml").read_text(encoding="utf-8")
    for phone in ("", "+15550100"):
        template = Template(text, {"OperatorPhone": phone}, "000000000000", "us-east-1")
        assert template.is_created("OperatorTexts") == bool(phone)
    subscription = template.resources_of_type("AWS::SNS::Subscription")["OperatorTexts"]
    assert (subscription["Protocol"], template.evaluate(subscription["Endpoint"])) == ("sms", "+15550100")


def test_add_a_channel_of_your_own_lists_the_resources_of_webhook() -> None:
    table = section(PAGE, "### A channel of your own")
    listed = {name for row in rows(table) for name in re.findall(r"\bWebhook[A-Z]\w+\b", row[1])}
    resources = {name for name in RESOURCES if name.startswith("Webhook")}
    assert listed - {"WebhookImageUri"} == resources - {"Webhook", "Webhooks", "WebhookDeliveries"}
