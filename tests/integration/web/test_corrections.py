"""Corrections over the API: read, edit, check, fill, discard and submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from onboarding.domain.models import Upload
from tests.support.api_clients import key_client, new_key, upload
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def address(parent: Upload, part: str = "") -> str:
    return f"/v1/uploads/{parent.upload_id}/corrections{part}"


def list_rows(client: httpx.Client, parent: Upload, **params: Any) -> list[dict[str, Any]]:
    response = client.get(address(parent), params=params)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def save(client: httpx.Client, parent: Upload, *rows: tuple[int, Mapping[str, str], int]) -> dict[str, Any]:
    fields = [{"row_number": number, "cells": cells, "revision": revision} for number, cells, revision in rows]
    response = client.put(address(parent), json={"rows": fields})
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def finish(client: httpx.Client, pipeline: Pipeline, submission: Mapping[str, Any]) -> Upload:
    """Wait for the upload of a submission and return it."""

    def get_upload_id() -> str | None:
        body = client.get(submission["status_url"]).json()
        return body["upload"]["upload_id"] if body["upload"] else None

    return pipeline.finished(wait_until(get_upload_id, "the upload of the submission"))


@pytest.fixture
def parent(pipeline: Pipeline, vendor_a: httpx.Client, request: pytest.FixtureRequest) -> Upload:
    """Return an upload with one accepted row and rejected rows 2 to 5."""
    name = request.node.name
    rows = [
        product(f"{name}-1"),
        product(f"{name}-2", price="12..5"),
        product(f"{name}-3", category="Men"),
        product(f"{name}-4", category="Men"),
        product(f"{name}-5", price="x", stock_quantity="y"),
    ]
    return upload(vendor_a, pipeline, csv_of(rows), f"{name}.csv")


def test_list_shows_stored_errors_without_a_draft_and_checked_errors_with_one(
    vendor_a: httpx.Client, parent: Upload
) -> None:
    first, *_, last = list_rows(vendor_a, parent)
    assert (first["row_number"], first["spreadsheet_row"], first["state"], first["revision"]) == (2, 3, "open", 0)
    assert first["cells"]["price"] == "12..5"
    assert [error["column"] for error in first["errors"]] == ["price"]
    assert {error["column"] for error in last["errors"]} == {"price", "stock_quantity"}
    saved = save(vendor_a, parent, (5, {"price": "2.50"}, 0))
    [revision] = [row["revision"] for row in saved["rows"]]
    assert revision > 0
    [row] = list_rows(vendor_a, parent, cursor=vendor_a.get(address(parent), params={"limit": 3}).json()["next"])
    assert row["edited_cells"] == {"price": "2.50"}
    assert row["updated_by"] == "vendor:VENDA"
    assert row["errors"] == saved["rows"][0]["errors"]
    assert [error["column"] for error in row["errors"]] == ["stock_quantity"]


def test_list_of_a_group_or_state_has_its_rows_only(vendor_a: httpx.Client, parent: Upload) -> None:
    groups = vendor_a.get(f"/v1/uploads/{parent.upload_id}/summary").json()["groups"]
    [group] = [group for group in groups if group["column"] == "category"]
    assert [row["row_number"] for row in list_rows(vendor_a, parent, group=group["id"])] == [3, 4]
    assert list_rows(vendor_a, parent, state="fixed") == []
    assert list_rows(vendor_a, parent, group=2**62) == []


def test_check_returns_errors_and_saves_nothing(vendor_a: httpx.Client, parent: Upload) -> None:
    rows = [{"row_number": 2, "cells": {"price": "1e"}}, {"row_number": 5, "cells": {"price": "1"}}]
    checked = vendor_a.post(address(parent, "/check"), json={"rows": rows}).json()
    assert [[error["column"] for error in row["errors"]] for row in checked["rows"]] == [["price"], ["stock_quantity"]]
    assert {row["revision"] for row in list_rows(vendor_a, parent)} == {0}


def test_second_client_with_an_older_revision_gets_the_current_draft_and_overwrites_nothing(
    pipeline: Pipeline, vendor_a: httpx.Client, parent: Upload
) -> None:
    first = save(vendor_a, parent, (2, {"price": "10"}, 0))["rows"][0]["revision"]
    with key_client(pipeline, new_key(vendor_a)["key"]) as program:
        result = save(program, parent, (2, {"price": "20"}, 0), (5, {"price": "1", "stock_quantity": "2"}, 0))
        assert [row["row_number"] for row in result["rows"]] == [5]
        [conflict] = result["conflicts"]
        assert (conflict["edited_cells"], conflict["revision"]) == ({"price": "10"}, first)
        assert list_rows(program, parent)[0]["edited_cells"] == {"price": "10"}
        # The same edit again, such as after a lost response, is no conflict; with the new revision it replaces.
        assert save(program, parent, (2, {"price": "10"}, 0))["conflicts"] == []
        assert save(program, parent, (2, {"price": "20"}, first))["rows"][0]["revision"] not in {0, first}
    assert save(vendor_a, parent, (2, {"price": "11"}, first))["conflicts"][0]["edited_cells"] == {"price": "20"}


def test_client_with_the_revision_of_a_discarded_draft_overwrites_no_later_one(
    vendor_a: httpx.Client, parent: Upload
) -> None:
    first = save(vendor_a, parent, (2, {"price": "10"}, 0))["rows"][0]["revision"]
    vendor_a.delete(address(parent))
    save(vendor_a, parent, (2, {"price": "20"}, 0))
    assert save(vendor_a, parent, (2, {"price": "11"}, first))["conflicts"][0]["edited_cells"] == {"price": "20"}


def test_fill_with_suggestions_or_one_value_sets_the_rows_of_the_group(vendor_a: httpx.Client, parent: Upload) -> None:
    groups = vendor_a.get(f"/v1/uploads/{parent.upload_id}/summary").json()["groups"]
    [group] = [group for group in groups if group["column"] == "category"]
    fields = {"group": group["id"], "column": "category"}
    assert vendor_a.post(address(parent, "/fill"), json={**fields, "value": "Books"}).json()["rows"] == 2
    assert [row["edited_cells"] for row in list_rows(vendor_a, parent)][1:3] == [{"category": "Books"}] * 2
    assert vendor_a.post(address(parent, "/fill"), json=fields).json()["rows"] == 2
    [third, fourth] = list_rows(vendor_a, parent, group=group["id"])
    assert third["edited_cells"] == fourth["edited_cells"] == {"category": "Men's Clothing"}
    assert third["errors"] == []
    # A repeated request changes nothing.
    assert vendor_a.post(address(parent, "/fill"), json=fields).json()["rows"] == 2
    assert list_rows(vendor_a, parent, group=group["id"]) == [third, fourth]
    # The value in the file replaces the draft as well.
    assert vendor_a.post(address(parent, "/fill"), json={**fields, "value": "Men"}).json()["rows"] == 2
    assert list_rows(vendor_a, parent)[1]["edited_cells"] == {}


def test_fill_with_remember_stores_a_value_mapping(vendor_a: httpx.Client, parent: Upload) -> None:
    groups = vendor_a.get(f"/v1/uploads/{parent.upload_id}/summary").json()["groups"]
    ids = {group["column"]: group["id"] for group in groups}
    fields = {"group": ids["category"], "column": "category", "value": "Men's Clothing", "remember": True}
    assert vendor_a.post(address(parent, "/fill"), json=fields).json()["rows"] == 2
    mappings = vendor_a.get("/v1/value-mappings").json()["items"]
    [mapping] = [item for item in mappings if item["vendor_value"] == "Men"]
    assert mapping["target"] == "Men's Clothing"
    vendor_a.delete(f"/v1/value-mappings/{mapping['value_mapping_id']}")
    for invalid in ({"column": "brand"}, {"value": "No category"}, {"group": ids["price"], "column": "price"}):
        assert vendor_a.post(address(parent, "/fill"), json={**fields, **invalid}).status_code == 422
    assert vendor_a.post(address(parent, "/fill"), json={**fields, "group": 2**62}).status_code == 404


def test_fill_with_remember_for_a_group_with_several_values_is_rejected(
    pipeline: Pipeline, vendor_a: httpx.Client
) -> None:
    rows = [product(f"several-{n}", category=category) for n, category in enumerate(("Qwx", "Zvk"))]
    parent = upload(vendor_a, pipeline, csv_of(rows))
    [group] = vendor_a.get(f"/v1/uploads/{parent.upload_id}/summary").json()["groups"]
    fields = {"group": group["id"], "column": "category", "value": "Books"}
    assert vendor_a.post(address(parent, "/fill"), json={**fields, "remember": True}).status_code == 422
    assert [row["revision"] for row in list_rows(vendor_a, parent)] == [0, 0]
    assert vendor_a.post(address(parent, "/fill"), json=fields).json()["rows"] == 2


def test_submit_imports_the_ready_rows_once(pipeline: Pipeline, vendor_a: httpx.Client, parent: Upload) -> None:
    assert vendor_a.post(address(parent, "/submit")).status_code == 409
    save(vendor_a, parent, (2, {"price": "12.50"}, 0), (5, {"price": "1"}, 0))
    summary = vendor_a.get(address(parent, "/summary")).json()
    assert (summary["open"], summary["drafts"], summary["ready"], summary["is_submittable"]) == (4, 2, 1, True)
    version = vendor_a.get(f"/v1/uploads/{parent.upload_id}").json()["version"]
    response = vendor_a.post(address(parent, "/submit"))
    assert response.status_code == 202, response.text
    submission = response.json()
    assert (submission["rows"], submission["is_new"]) == (1, True)
    child = finish(vendor_a, pipeline, submission)
    assert (child.valid_records, child.parent_upload_id) == (1, parent.upload_id)
    shown = vendor_a.get(f"/v1/uploads/{parent.upload_id}").json()
    assert (shown["fixed_records"], shown["open_records"], shown["parent_upload_id"]) == (1, 3, None)
    assert shown["version"] != version
    assert vendor_a.get(f"/v1/uploads/{child.upload_id}").json()["parent_upload_id"] == parent.upload_id
    summary = vendor_a.get(address(parent, "/summary")).json()
    assert (summary["open"], summary["fixed"], summary["ready"], summary["is_submittable"]) == (3, 1, 0, False)
    [correcting] = summary["uploads"]
    assert (correcting["upload_id"], correcting["rows"], correcting["accepted"]) == (child.upload_id, 1, 1)
    assert vendor_a.post(address(parent, "/submit")).status_code == 409
    [closed] = save(vendor_a, parent, (2, {"price": "9"}, 1))["closed"]
    assert (closed["state"], closed["correcting_upload_id"]) == ("fixed", child.upload_id)


def test_discard_deletes_drafts_of_some_rows_or_of_all(vendor_a: httpx.Client, parent: Upload) -> None:
    save(vendor_a, parent, (2, {"price": "1"}, 0), (3, {"brand": "b"}, 0), (4, {"brand": "b"}, 0))
    assert vendor_a.delete(address(parent), params={"row_number": [2, 3]}).status_code == 200
    assert [row["revision"] > 0 for row in list_rows(vendor_a, parent)] == [False, False, True, False]
    assert vendor_a.delete(address(parent)).status_code == 200
    assert vendor_a.get(address(parent, "/summary")).json()["drafts"] == 0


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([], 422),
        ([{"row_number": 2, "cells": {"no_column": "1"}}], 422),
        ([{"row_number": 2, "cells": {"price": "1" * 10_001}}], 422),
        ([{"row_number": n, "cells": {}} for n in range(1, 202)], 422),
        ([{"row_number": 2, "cells": {}}, {"row_number": 2, "cells": {}}], 422),
        ([{"row_number": 1, "cells": {}}], 404),
        ([{"row_number": 2, "cells": {"price": "1\x002"}}], 422),
        ([{"row_number": 2, "cells": {"price": "1\x012"}}], 200),
    ],
)
def test_request_beyond_a_limit_or_for_no_rejected_row_is_rejected(
    vendor_a: httpx.Client, parent: Upload, rows: list[dict[str, Any]], status: int
) -> None:
    assert vendor_a.put(address(parent), json={"rows": rows}).status_code == status
    assert vendor_a.post(address(parent, "/check"), json={"rows": rows}).status_code == status


def test_suspended_vendor_and_operator_read_only(
    pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, parent: Upload
) -> None:
    save(vendor_a, parent, (2, {"price": "1"}, 0))
    body = {"rows": [{"row_number": 2, "cells": {}}]}
    pipeline.vendor("VENDA", "suspended")
    try:
        for client, status in ((vendor_a, 403), (operator, 404)):
            assert list_rows(client, parent)[0]["edited_cells"] == {"price": "1"}
            assert client.get(address(parent, "/summary")).json()["ready"] == 1
            assert client.put(address(parent), json=body).status_code == status
            assert client.post(address(parent, "/check"), json=body).status_code == status
            assert client.post(address(parent, "/fill"), json={"group": 1, "column": "price"}).status_code == status
            assert client.delete(address(parent)).status_code == status
            assert client.post(address(parent, "/submit")).status_code == status
    finally:
        pipeline.vendor("VENDA")
    assert list_rows(vendor_a, parent)[0]["edited_cells"] == {"price": "1"}


def test_changes_of_many_drafts_and_submissions_are_in_the_audit_log(
    pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, parent: Upload
) -> None:
    [group] = [
        group["id"]
        for group in vendor_a.get(f"/v1/uploads/{parent.upload_id}/summary").json()["groups"]
        if group["column"] == "category"
    ]
    vendor_a.post(address(parent, "/fill"), json={"group": group, "column": "category", "value": "Books"})
    vendor_a.delete(address(parent), params={"row_number": 4})
    finish(vendor_a, pipeline, vendor_a.post(address(parent, "/submit")).json())
    entries = operator.get("/v1/operator/audit-log", params={"vendor_id": "VENDA", "limit": 100}).json()["items"]
    recorded = [(entry["action"], entry["detail"]) for entry in entries if entry["subject"] == parent.upload_id]
    assert recorded == [
        ("corrections_submitted", {"rows": 1}),
        ("corrections_discarded", {"rows": 1}),
        ("corrections_filled", {"rows": 2, "column": "category"}),
    ]
    page = operator.get("/operator/audit-log", params={"vendor_id": "VENDA"}, headers={"Accept": "text/html"}).text
    assert "Corrections submitted" in page
