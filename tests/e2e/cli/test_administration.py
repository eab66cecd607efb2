"""Commands for vendors, categories and operators, with their effect on uploads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from onboarding.domain.models import UploadStatus
from tests.e2e.cli.conftest import Run
from tests.support.running_pipeline import Pipeline, csv_of, product


@pytest.fixture(autouse=True)
def _delete_categories(pipeline: Pipeline) -> Iterator[None]:
    """Delete the categories of a test, because others list categories."""
    yield
    pipeline.connection.execute("delete from product_categories where category_name like 'Test %'")


def get_record(run: Run, kind: str, **fields: object) -> dict[str, Any]:
    """Return the only vendor, category or operator with these fields."""
    code, out, _ = run(kind, "list", "--json")
    assert code == 0
    [record] = [record for record in json.loads(out)[kind] if fields.items() <= record.items()]
    return dict(record)


def test_vendors_added_vendor_uploads_until_suspended(run: Run, pipeline: Pipeline) -> None:
    add_command = ("vendors", "add", "CLI-1", "--name", "First Name", "--email", "first@vendors.example")
    assert run(*add_command) == (0, "CLI-1 was added.\n", "")
    assert run(*add_command) == (0, "CLI-1 already exists and is active.\n", "")
    assert get_record(run, "vendors", vendor_id="CLI-1") == {
        "vendor_id": "CLI-1",
        "vendor_name": "First Name",
        "email": "first@vendors.example",
        "status": "active",
        "uploads": 0,
    }
    assert pipeline.run("CLI-1", "a.csv", csv_of([product("cli-vendor")])).status is UploadStatus.COMPLETED

    assert run("vendors", "suspend", "CLI-1")[0] == 0
    rejected = pipeline.run("CLI-1", "b.csv", csv_of([product("cli-vendor-2")]))
    assert (rejected.status, rejected.total_records) == (UploadStatus.FAILED, 0)

    other_arguments = ("vendors", "add", "CLI-1", "--name", "Second Name", "--email", "second@vendors.example")
    code, _, err = run(*other_arguments)
    assert (code, "onboarding vendors update CLI-1" in err) == (1, True)
    assert "onboarding vendors activate CLI-1" in run(*add_command)[1]
    changes = ("--name", "Second Name", "--email", "second@vendors.example", "--phone", "+49 30 1234567")
    assert run("vendors", "update", "CLI-1", *changes) == (0, "CLI-1 is updated.\n", "")
    assert run("vendors", "activate", "CLI-1") == (0, "CLI-1 is active.\n", "")
    vendor = get_record(run, "vendors", vendor_id="CLI-1")
    assert (vendor["vendor_name"], vendor["status"], vendor["uploads"]) == ("Second Name", "active", 2)
    row = next(line for line in run("vendors", "list")[1].splitlines() if line.startswith("CLI-1"))
    assert row.split()[-2:] == ["active", "2"]


def test_categories_added_category_is_accepted_until_disabled(run: Run, pipeline: Pipeline) -> None:
    def upload(name: str) -> UploadStatus:
        return pipeline.run("VEND001", f"{name}.csv", csv_of([product(name, category="Test Kayaks")])).status

    assert upload("cli-category-1") is UploadStatus.FAILED
    message = "The category Test Kayaks was added.\n"
    assert run("categories", "add", "Test Kayaks", "--description", "For lakes") == (0, message, "")
    assert upload("cli-category-2") is UploadStatus.COMPLETED
    assert run("categories", "disable", "Test Kayaks")[0] == 0
    assert get_record(run, "categories", category_name="Test Kayaks") == {
        "category_name": "Test Kayaks",
        "is_active": False,
        "description": "For lakes",
    }
    assert upload("cli-category-3") is UploadStatus.FAILED
    [line] = [line for line in run("categories", "list")[1].splitlines() if line.startswith("Test Kayaks")]
    assert line.split() == ["Test", "Kayaks", "no", "For", "lakes"]
    code, _, err = run("categories", "add", "Test Kayaks")
    assert (code, "If it is disabled: onboarding categories enable 'Test Kayaks'\n" in err) == (1, True)
    message = "The category Test Kayaks is enabled.\n"
    assert run("categories", "enable", "Test Kayaks") == (0, message, "")
    assert get_record(run, "categories", category_name="Test Kayaks", is_active=True)["description"] == "For lakes"


def test_operators_add_update_and_suspend(run: Run) -> None:
    email = "cli@techmart.example"
    assert run("operators", "add", email, "--name", "Someone")[:2] == (0, f"{email} can sign in to the portal.\n")
    assert get_record(run, "operators", email=email) == {
        "email": email,
        "name": "Someone",
        "role": "viewer",
        "status": "active",
    }
    code, _, err = run("operators", "add", email, "--name", "Someone", "--role", "admin")
    assert (code, f"onboarding operators update {email}" in err) == (1, True)
    assert run("operators", "update", email, "--role", "admin")[0] == 0
    assert get_record(run, "operators", email=email)["role"] == "admin"
    assert run("operators", "suspend", email)[:2] == (0, f"{email} is suspended.\n")
    [line] = [line for line in run("operators", "list")[1].splitlines() if line.startswith(email)]
    assert line.split() == [email, "Someone", "admin", "suspended"]
    assert run("operators", "activate", email)[:2] == (0, f"{email} can sign in to the portal.\n")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("vendors", "suspend", "NOBODY"), "There is no vendor NOBODY"),
        (("vendors", "add", "a/b", "--name", "A", "--email", "a@b.example"), "'a/b' cannot be a vendor's id"),
        (("vendors", "add", "AB", "--name", " ", "--email", "a@b.example"), "The vendor's name has 1 to 200"),
        (("vendors", "add", "AB", "--name", "A", "--email", "nobody"), "'nobody' is not a valid e-mail address"),
        (("vendors", "add", "AB", "--name", "A", "--email", "a@b.example", "--phone", "1" * 21), "up to 20 characters"),
        (("categories", "disable", "Test Nothing"), "There is no category Test Nothing"),
        (("categories", "add", " "), "A category's name has 1 to 100 characters"),
        (("vendors", "update", "VEND001"), "Add one of the options --name, --email, --phone"),
        (("operators", "update", "a@b.example"), "Add one of the options --name, --role"),
        (("operators", "suspend", "no@b.example"), "There is no operator no@b.example"),
        (("operators", "add", "a@b.example", "--name", "A", "--role", "king"), "An operator is a viewer or an admin"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_administration_invalid_input_prints_reason(run: Run, command: tuple[str, ...], reason: str) -> None:
    code, out, err = run(*command)
    assert (code, out) == (1, "")
    assert reason in err
    assert "Traceback" not in err
