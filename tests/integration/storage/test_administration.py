"""Rules for vendors, operators, categories and API keys, as API, portal, CLI and the function `admin` apply them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from onboarding.lambda_handlers.admin import AdminError, run_action
from onboarding.storage import api_keys, categories, operators, vendors
from onboarding.storage.database import Connection, Database
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from tests.support.postgres_fixtures import ACTOR, fetch

UNKNOWN: Any = "unknown"

VENDOR: dict[str, Any] = {"vendor_id": "ACCOUNT1", "vendor_name": "One", "email": "one@vendors.example"}
KEY: dict[str, Any] = {
    "key_id": "key1",
    "vendor_id": "VEND001",
    "name": "Export",
    "key_hash": b"h" * 32,
    "scopes": ["uploads:read"],
    "days": 1,
}


@pytest.fixture(autouse=True)
def _remove_accounts(database: Database) -> Iterator[None]:
    yield
    for statement in (
        "delete from api_keys where key_id = 'key1'",
        "delete from operators where email = 'a@b.example'",
        "delete from product_categories where category_name = 'Kayaks'",
        "delete from vendors where vendor_id = 'ACCOUNT1'",
    ):
        fetch(database, f"{statement} returning 1")


def list_actions(database: Database) -> Sequence[Any]:
    return fetch(database, "select actor, action, subject from audit_log order by entry_id")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: vendors.add_vendor(c, ACTOR, **{**VENDOR, "vendor_id": "a/b"}), "cannot be a vendor's id"),
        (lambda c: vendors.add_vendor(c, ACTOR, **{**VENDOR, "vendor_name": " "}), "1 to 200 characters"),
        (lambda c: vendors.add_vendor(c, ACTOR, **{**VENDOR, "email": "nobody"}), "is not a valid e-mail address"),
        (lambda c: vendors.update_vendor(c, ACTOR, "VEND001", status=UNKNOWN), "active or suspended"),
        (lambda c: vendors.update_vendor(c, ACTOR, "VEND001", phone="1" * 21), "up to 20 characters"),
        (lambda c: operators.add_operator(c, ACTOR, email="a@b.example", name="A", role=UNKNOWN), "viewer or an admin"),
        (lambda c: operators.update_operator(c, ACTOR, "a@b.example", status=UNKNOWN), "active or suspended"),
        (lambda c: categories.add_category(c, ACTOR, "a\nb"), "no control characters"),
        (lambda c: api_keys.add_api_key(c, ACTOR, **{**KEY, "scopes": []}), "one or more of the scopes"),
        (lambda c: api_keys.add_api_key(c, ACTOR, **{**KEY, "scopes": ["root"]}), "one or more of the scopes"),
        (lambda c: api_keys.add_api_key(c, ACTOR, **{**KEY, "days": 366}), "1 to 365 days"),
        (lambda c: api_keys.add_api_key(c, ACTOR, **{**KEY, "name": ""}), "1 to 100 characters"),
    ],
)
def test_change_invalid_value_is_rejected_and_not_recorded(
    database: Database, change: Callable[[Connection], object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        database.run(change)
    assert list_actions(database) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda c: vendors.update_vendor(c, ACTOR, "NOBODY", status="active"),
        lambda c: vendors.sign_out_vendor(c, ACTOR, "NOBODY"),
        lambda c: operators.update_operator(c, ACTOR, "nobody@b.example", status="active"),
        lambda c: categories.update_category(c, ACTOR, "Nothing", is_active=True),
        lambda c: api_keys.revoke_api_key(c, ACTOR, vendor_id="VEND001", key_id="none"),
    ],
)
def test_change_unknown_object_raises_not_found(database: Database, change: Callable[[Connection], object]) -> None:
    with pytest.raises(NotFound):
        database.run(change)
    assert list_actions(database) == []


def test_add_existing_object_raises_already_exists(database: Database) -> None:
    changes: list[Callable[[Connection], object]] = [
        lambda c: vendors.add_vendor(c, ACTOR, **VENDOR),
        lambda c: operators.add_operator(c, ACTOR, email="a@b.example", name="A"),
        lambda c: categories.add_category(c, ACTOR, "Kayaks"),
        lambda c: api_keys.add_api_key(c, ACTOR, **KEY),
    ]
    for change in changes:
        database.run(change)
    recorded = list_actions(database)
    assert [action for _, action, _ in recorded] == [
        "vendor_created",
        "operator_created",
        "category_created",
        "key_created",
    ]
    for change in changes:
        with pytest.raises(AlreadyExists):
            database.run(change)
    assert list_actions(database) == recorded


def test_record_action_of_a_failed_change_is_rolled_back(database: Database) -> None:
    def work(connection: Connection) -> None:
        vendors.add_vendor(connection, ACTOR, **VENDOR)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.run(work)
    assert list_actions(database) == []
    assert fetch(database, "select count(*) from vendors where vendor_id = 'ACCOUNT1'") == [(0,)]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("drop_vendor", {}, "There is no action drop_vendor"),
        ("list_vendors", {"colour": "red"}, "list_vendors has no argument colour"),
        ("undo_upload", {"upload_id": "UPLOAD_9"}, "There is no upload UPLOAD_9"),
        ("update_vendor", {"vendor_id": "NOBODY"}, "There is no vendor NOBODY"),
    ],
)
def test_run_action_that_cannot_be_performed_raises(
    database: Database, name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AdminError, match=message):
        run_action(database, name, arguments)
