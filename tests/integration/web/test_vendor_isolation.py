"""Vendor isolation: vendor B cannot read or change data of vendor A, on any route and in any store.

The tests list the routes of the application and the tables of the database, and so cover new ones too.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute
from itsdangerous import TimestampSigner

from onboarding.domain.product_schema import TEXT_COLUMNS
from onboarding.domain.resource_names import resource_name
from onboarding.notifications.report_links import DAYS_VALID, sign_report_link
from onboarding.storage.api_keys import SCOPES
from onboarding.storage.queries import query
from onboarding.web.app import PAGE_ROUTERS
from onboarding.web.pagination import encode_cursor
from onboarding.web.tokens import generate_secret, hash_secret
from tests.support.api_clients import (
    browser,
    key_client,
    new_key,
    post_form,
    request_sign_in_token,
    sign_in_tokens,
    upload,
)
from tests.support.isolation_attempts import (
    FORMS,
    INJECTIONS,
    Attempts,
    VendorData,
    create_test_app,
    data_digest,
    list_routes,
    path_variants,
    send_to_route,
)
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

PUBLIC = {
    "/v1/sign-in",
    "/v1/session",
    "/v1/openapi.json",
    "/sign-in",
    "/sign-in/{token}",
    "/static/{digest}/{name}",
}
"""Routes without authentication; a test checks that all others require it."""

OPERATORS = re.compile(r"/(v1/)?operator(/|$)")
"""Paths for operators only."""

CATALOG_ROUTES = {
    ("GET", "/v1/operator/product-changes"),
    ("GET", "/v1/products"),
    ("GET", "/v1/products/count"),
    ("GET", "/v1/products/{product_id}"),
    ("GET", "/v1/products/{product_id}/history"),
}
"""The routes for keys of the marketplace."""

SIGN_OUT_PATHS = {"/v1/sessions", "/sign-out/everywhere"}
"""Routes that end the sessions of vendor B, which later tests need."""

WORD = "Zephyrhills"
"""A word that occurs only in the data of vendor A."""


def make_fix_file(upload_id: str, rows: Sequence[Mapping[str, str]], line: int) -> bytes:
    """Return a fix file for an upload; `line` is the spreadsheet row of the first row."""
    fix_rows = [{**row, "_upload": upload_id, "_row": str(line + n), "_errors": ""} for n, row in enumerate(rows)]
    return csv_of(fix_rows, fix_rows[0])


@pytest.fixture(scope="module")
def attempts() -> Attempts:
    return Attempts()


@pytest.fixture(scope="module")
def data_a(pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client) -> VendorData:
    """Create data of vendor A, and data for all vendors, which none of them may change."""
    rows = [product(f"{WORD}-1", product_name=f"{WORD} one"), product(f"{WORD}-2", price="-1", brand=WORD)]
    finished = upload(vendor_a, pipeline, csv_of(rows), f"{WORD}.csv")
    # The second row has a draft, and an upload that corrects it.
    edits = [{"row_number": 2, "cells": {"description": f"{WORD} draft"}}]
    assert vendor_a.put(f"/v1/uploads/{finished.upload_id}/corrections", json={"rows": edits}).json()["rows"]
    assert upload(
        vendor_a, pipeline, make_fix_file(finished.upload_id, rows[1:], 3), f"{WORD}-fix.csv"
    ).parent_upload_id
    upload_session = vendor_a.post("/v1/upload-sessions", json={"file_name": f"{WORD}.csv"}).json()
    key = new_key(vendor_a)
    document = {"columns": {f"{WORD} header": {"columns": ["brand"]}}}
    fields = {"name": f"{WORD} mapping", "headers": [f"{WORD} header"], "document": document}
    mapping = vendor_a.post("/v1/mappings", json=fields).json()
    values = {"column": "category", "values": {f"{WORD} value": "Clothing"}}
    [value_mapping] = vendor_a.put("/v1/value-mappings", json=values).json()["items"]
    operator.post("/v1/operator/mapping-presets", json={"name": "Preset", "document": {}})
    operator.put("/v1/operator/category-aliases", json={"column": "category", "values": {"Alias": "Clothing"}})
    vendor_a.put("/v1/webhook", json={"url": f"https://{WORD}.example/hook"})
    export_id = vendor_a.post("/v1/exports", json={"format": "csv"}).json()["export_id"]
    wait_until(lambda: vendor_a.get(f"/v1/exports/{export_id}").json()["completed_at"], "the export")
    token = request_sign_in_token(pipeline, "venda@vendors.example")
    with browser(pipeline) as client:  # A used link, to replay it.
        assert client.post("/v1/session", json={"token": token}).status_code == 201
    words = (
        WORD,
        finished.upload_id,
        upload_session["upload_session_id"],
        key["key_id"],
        mapping["mapping_id"],
        export_id,
        "VENDA",
        "venda@vendors.example",
    )
    return VendorData(
        upload_id=finished.upload_id,
        upload_session_id=upload_session["upload_session_id"],
        key_id=key["key_id"],
        mapping_id=mapping["mapping_id"],
        value_mapping_id=value_mapping["value_mapping_id"],
        product_id=pipeline.products(finished.upload_id)[0]["product_id"],
        export_id=export_id,
        token=token,
        words=words,
    )


@pytest.fixture(scope="module")
def own_upload(pipeline: Pipeline, vendor_b: httpx.Client) -> str:
    return upload(vendor_b, pipeline, csv_of([product("b-own"), product("b-bad", price="x")])).upload_id


@pytest.fixture(scope="module")
def routes(pipeline: Pipeline) -> list[tuple[str, str]]:
    return list_routes(create_test_app(pipeline))


@dataclass(frozen=True)
class Attack:
    """The parties and data of an attack."""

    pipeline: Pipeline
    routes: list[tuple[str, str]]
    data_a: VendorData
    own_upload: str
    attempts: Attempts


@pytest.fixture(scope="module")
def attack(
    pipeline: Pipeline, routes: list[tuple[str, str]], data_a: VendorData, own_upload: str, attempts: Attempts
) -> Attack:
    return Attack(pipeline, routes, data_a, own_upload, attempts)


@pytest.fixture(scope="module")
def program_b(pipeline: Pipeline, vendor_b: httpx.Client) -> Iterator[httpx.Client]:
    """Yield a client with a key of vendor B that has all scopes."""
    with closing(key_client(pipeline, new_key(vendor_b)["key"])) as client:
        yield client


def test_attempts_cover_every_route(routes: list[tuple[str, str]], pipeline: Pipeline) -> None:
    with browser(pipeline) as client:
        described = client.get("/v1/openapi.json").json()["paths"]
    operations = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert operations <= set(routes)
    assert len(operations) > 40
    # Pages are not in the API description.
    pages = set(routes) - operations
    assert {("GET", "/"), ("GET", "/sign-in/{token}"), ("POST", "/keys/{key_id}/revoke")} < pages
    # A form without its fields is invalid, so that the attempt would prove nothing.
    forms = [route for router in PAGE_ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert {f"POST {route.path}" for route in forms if route.dependant.body_params} == set(FORMS)


@pytest.mark.parametrize("credentials", ["session", "key"])
def test_every_route_with_ids_of_another_vendor_is_not_found(
    attack: Attack, vendor_b: httpx.Client, program_b: httpx.Client, credentials: str
) -> None:
    pipeline, attempts, data_a = attack.pipeline, attack.attempts, attack.data_a
    client = vendor_b if credentials == "session" else program_b
    before = data_digest(pipeline, "VENDA")
    for method, path in attack.routes:
        if path.startswith("/sign-out") or (method, path) in {("DELETE", "/v1/session"), ("DELETE", "/v1/sessions")}:
            continue  # Later requests need the session of B.
        for address in path_variants(path, data_a, attack.own_upload):
            response = send_to_route(client, method, path, address)
            assert response.status_code < 500, f"{method} {address}: {response.text}"
            by_id = "{" in path and path not in PUBLIC and response.status_code < 400
            reached = OPERATORS.match(path) is not None and response.status_code < 400
            leaked = data_a.appears_in(response, f"{address} {response.request.content.decode()}")
            attempts.count(
                f"{credentials}: {method} {address} -> {response.status_code}", succeeded=by_id or reached or leaked
            )
            if "{" in path and "/../" not in address and "%2F" not in address:
                assert response.status_code in {404, 405, 410, 422}, f"{method} {address}: {response.status_code}"
    attempts.count("data of A was changed", succeeded=data_digest(pipeline, "VENDA") != before)
    assert attempts.successes == []


def scope_of(method: str, path: str) -> str:
    """Return the scope that a route requires according to docs/api.md."""
    if re.match(r"/(v1/)?(keys|webhook)(/|$)", path) or path in SIGN_OUT_PATHS:
        return "admin"
    is_read = method == "GET" or path in {"/v1/dry-runs", "/preview", "/v1/exports", "/exports"}
    return "uploads:read" if is_read else "uploads:write"


@pytest.mark.parametrize("scope", SCOPES)
def test_api_key_without_the_scope_is_forbidden_on_every_route(
    attack: Attack, vendor_b: httpx.Client, scope: str
) -> None:
    with key_client(attack.pipeline, new_key(vendor_b, scope)["key"]) as client:
        for method, path in attack.routes:
            if path in PUBLIC or path == "/sign-out" or (scope == "admin" and path in SIGN_OUT_PATHS):
                continue
            address = next(path_variants(path, attack.data_a, attack.own_upload))
            response = send_to_route(client, method, path, address)
            description = f"a key for {scope}: {method} {address} -> {response.status_code}"
            if OPERATORS.match(path):
                assert response.status_code == 404, description
            elif scope_of(method, path) != scope:
                attack.attempts.count(description, succeeded=response.status_code != 403)
                assert response.status_code == 403, description
            elif (
                path not in {"/v1/keys", "/keys"} or method != "POST"
            ):  # The new key would have scopes that this key lacks.
                assert response.status_code not in {401, 403}, description


def test_every_route_with_a_key_of_the_marketplace_is_not_found_except_those_of_the_catalog(
    attack: Attack, operator: httpx.Client
) -> None:
    key = operator.post("/v1/operator/keys", json={"name": "isolation"}).json()["key"]
    before = data_digest(attack.pipeline, "VENDA")
    with key_client(attack.pipeline, key) as client:
        for method, path in attack.routes:
            if path in PUBLIC and (method, path) != ("GET", "/v1/session"):
                continue
            address = next(path_variants(path, attack.data_a, attack.own_upload))
            response = send_to_route(client, method, path, address)
            description = f"a key of the marketplace: {method} {address} -> {response.status_code}"
            if (method, path) in CATALOG_ROUTES:
                assert response.status_code not in {401, 403}, description
            else:
                attack.attempts.count(description, succeeded=response.status_code != 404)
                assert response.status_code == 404, description
    assert data_digest(attack.pipeline, "VENDA") == before


@pytest.mark.parametrize(
    ("vendor_id", "scopes"),
    [(None, ["uploads:read"]), (None, ["catalog:read", "admin"]), ("VENDA", ["catalog:read"]), (None, [])],
)
def test_key_of_the_marketplace_with_other_scopes_is_not_stored(
    pipeline: Pipeline, vendor_id: str | None, scopes: list[str]
) -> None:
    statement = """
        insert into api_keys (key_id, vendor_id, name, key_sha256, scopes, created_by, expires_at)
        values ('evil', %s, 'Evil', 'evil', %s, 'evil', now() + interval '1 hour')
    """
    with pytest.raises(psycopg.errors.CheckViolation):
        pipeline.connection.execute(statement, (vendor_id, scopes))


def is_unauthenticated(response: httpx.Response) -> bool:
    """Return whether a response is an error or a redirect to the sign-in page."""
    return response.status_code in {401, 422} or (
        response.status_code == 303 and response.headers["location"] == "/sign-in"
    )


def test_every_route_without_valid_credentials_is_unauthenticated(
    attack: Attack, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    pipeline, attempts, data_a = attack.pipeline, attack.attempts, attack.data_a
    session = vendor_a.cookies["onboarding_session"]
    revoked, expired = new_key(vendor_a), new_key(vendor_a)
    assert vendor_a.delete(f"/v1/keys/{revoked['key_id']}").status_code == 204
    pipeline.connection.execute("update api_keys set expires_at = now() where key_id = %s", (expired["key_id"],))
    expired_secret = generate_secret()
    pipeline.connection.execute(
        "insert into sessions (session_sha256, vendor_id, expires_at, ended_at) "
        "values (%s, 'VENDA', now() + interval '1 hour', now())",
        (hash_secret(expired_secret),),
    )
    digest = pipeline.connection.execute("select encode(session_sha256, 'hex') from sessions limit 1").fetchone()
    requests = {
        "no credentials": {},
        "a revoked key": {"Authorization": f"Bearer {revoked['key']}"},
        "an expired key": {"Authorization": f"Bearer {expired['key']}"},
        "a key's id with another secret": {"Authorization": f"Bearer onb_{data_a.key_id}_{generate_secret()}"},
        "a session as a key": {"Authorization": f"Bearer {session}"},
        "a key as a session": {"Cookie": f"onboarding_session={new_key(vendor_a)['key']}"},
        "a session that has ended": {"Cookie": f"onboarding_session={expired_secret}"},
        "a session with one changed letter": {
            "Cookie": f"onboarding_session={session[:-1]}{'A' if session[-1] != 'A' else 'B'}"
        },
        "a session's hash": {"Cookie": f"onboarding_session={digest and digest[0]}"},
        "the vendor's name": {"Cookie": "onboarding_session=VENDA", "X-Vendor-Id": "VENDA"},
    }
    before = data_digest(pipeline, "VENDA")
    for description, headers in requests.items():
        with browser(pipeline, **headers) as client:
            for method, path in attack.routes:
                if path in PUBLIC and (method, path) != ("GET", "/v1/session"):
                    continue
                address = next(path_variants(path, data_a, attack.own_upload))
                response = send_to_route(client, method, path, address)
                attempts.count(
                    f"{description}: {method} {address} -> {response.status_code}",
                    succeeded=not is_unauthenticated(response) or data_a.appears_in(response, address),
                )
                assert is_unauthenticated(response), f"{description}: {method} {address}: {response.status_code}"
    # With the session of A but without its CSRF token, requests cannot change data.
    with browser(pipeline, Cookie=f"onboarding_session={session}") as client:
        for token in ("", vendor_b.headers["X-CSRF-Token"]):
            response = client.post("/v1/upload-sessions", json={"file_name": "x.csv"}, headers={"X-CSRF-Token": token})
            attempts.count(f"A's cookie with B's token -> {response.status_code}", succeeded=response.status_code < 400)
    attempts.count("data of A was changed", succeeded=data_digest(pipeline, "VENDA") != before)
    assert attempts.successes == []


def test_injected_text_in_parameters_is_treated_as_text(
    vendor_b: httpx.Client, own_upload: str, data_a: VendorData, attempts: Attempts
) -> None:
    for text in INJECTIONS:
        responses = [
            vendor_b.get("/v1/uploads", params={"vendor_id": text}),
            vendor_b.get("/v1/uploads", params={"status": text}),
            vendor_b.get("/v1/uploads", params={"cursor": text}),
            vendor_b.get("/v1/products", params={"search": text}),
            vendor_b.get("/v1/products", params={"category": text, "upload_id": text}),
            vendor_b.get(f"/v1/uploads/{own_upload}/errors", params={"error_type": text}),
            vendor_b.get(f"/v1/uploads/{own_upload}/errors", params={"column": text}),
            vendor_b.get(f"/v1/uploads/{own_upload}/errors", params={"value": text}),
            vendor_b.post(
                "/v1/upload-sessions", json={"file_name": f"{text}.csv"}, headers={"Idempotency-Key": "x" + text[:1]}
            ),
            vendor_b.post("/v1/keys", json={"name": text}),
            vendor_b.post("/v1/sign-in", json={"email": f"{text}@x.example"}),
        ]
        for response in responses:
            assert response.status_code < 500, response.text
            assert response.headers["content-type"] in {"application/json", "application/problem+json"}
            attempts.count(f"{response.request.method} {response.url}", succeeded=data_a.appears_in(response, text))


def test_product_of_another_vendor_is_neither_found_nor_changed(
    attack: Attack, vendor_b: httpx.Client, program_b: httpx.Client
) -> None:
    pipeline, data_a, attempts = attack.pipeline, attack.data_a, attack.attempts
    before = data_digest(pipeline, "VENDA")
    own_id = pipeline.products(attack.own_upload)[0]["product_id"]
    ids = [data_a.product_id, own_id]
    for client in (vendor_b, program_b):
        for params in (
            {"search": WORD},
            {"search": f"{WORD} one"},
            {"search": "vendor VENDA"},
            {"search": " VENDA"},
            {"search": f"SKU-{WORD}-1", "vendor_id": "VENDA"},
            {"upload_id": data_a.upload_id},
            {"upload_id": data_a.upload_id, "vendor_id": "VENDB"},
            {"cursor": encode_cursor("VENDA", "")},
        ):
            response = client.get("/v1/products", params={**params, "limit": 200})
            is_leaked = any(item["vendor_id"] != "VENDB" for item in response.json()["items"])
            attempts.count(f"products with {params}", succeeded=is_leaked)
            if "cursor" not in params:
                count = client.get("/v1/products/count", params=params).json()["count"]
                attempts.count(f"number of products with {params}", succeeded=count > 0)
                page = client.get("/products", params=params)
                attempts.count(f"page of products with {params}", succeeded=data_a.appears_in(page, str(params)))
        for body in ({"product_ids": ids, "status": "inactive"}, {"product_ids": ids[:1], "status": "active"}):
            response = client.post("/v1/products/status", json=body)
            attempts.count(f"status of {body}", succeeded=response.status_code != 404)
            form = {"product_id": [str(name) for name in body["product_ids"]], "status": body["status"]}
            response = client.post("/products/status", data=form)
            attempts.count(f"status of {form}", succeeded=response.status_code != 404)
        for method in ("POST", "DELETE"):
            response = client.request(method, f"/v1/operator/products/{own_id}/block", json={"reason": "Evil"})
            attempts.count(f"{method} block of an own product", succeeded=response.status_code != 404)
    attempts.count("data of A was changed", succeeded=data_digest(pipeline, "VENDA") != before)
    assert attempts.successes == []


def test_mapping_of_another_vendor_is_not_applied(
    attack: Attack, vendor_b: httpx.Client, data_a: VendorData, attempts: Attempts
) -> None:
    names = (data_a.mapping_id, f"{data_a.mapping_id}/1", f"{WORD} mapping", f"{WORD.upper()} MAPPING")
    for number, mapping in enumerate(names):
        responses = [
            vendor_b.post("/v1/upload-sessions", json={"file_name": "b.csv", "mapping": mapping}),
            vendor_b.post("/v1/dry-runs", params={"mapping": mapping}, content=csv_of([product("mapped")])),
        ]
        for response in responses:
            attempts.count(f"mapping {mapping} -> {response.status_code}", succeeded=response.status_code != 422)
            assert response.json()["detail"].startswith(f"There is no mapping '{mapping}'.")
        finished = attack.pipeline.run("VENDB", f"{number}.csv", csv_of([product(f"mapped-{number}")]), mapping=mapping)
        attempts.count(f"mapping {mapping} in the bucket", succeeded=finished.failure_code != "INVALID_OPTION")
    # The headers of a mapping of A do not select it either.
    content = csv_of([{f"{WORD} header": "x"}], [f"{WORD} header"])
    dry_run = vendor_b.post("/v1/dry-runs", content=content).json()
    attempts.count("mapping by its headers", succeeded=dry_run["mapping"] is not None)
    presets = vendor_b.get("/v1/mapping-presets")
    attempts.count("presets", succeeded=data_a.appears_in(presets, ""))
    assert attempts.successes == []


def test_bucket_objects_of_another_vendor_are_unreachable(attack: Attack, vendor_b: httpx.Client) -> None:
    pipeline, attempts, data_a = attack.pipeline, attack.attempts, attack.data_a
    upload_a, upload_session = (
        pipeline.upload(data_a.upload_id),
        vendor_b.post("/v1/upload-sessions", json={"file_name": "b.csv"}).json(),
    )
    assert upload_a is not None
    assert upload_a.error_file_s3_key is not None
    before = data_digest(pipeline, "VENDA")
    own_key = upload_session["form"]["fields"]["key"]
    for key in (
        "uploads/VENDA/stolen.csv",
        "uploads/VENDB/../VENDA/stolen.csv",
        "uploads/VENDB%2F..%2FVENDA/stolen.csv",
        f"{own_key}/../../../VENDA/stolen.csv",
        "uploads//VENDA/stolen.csv",
        upload_a.s3_key,
        upload_a.error_file_s3_key,
        "errors/VENDB/x.csv",
    ):
        response = post_form(upload_session, b"x", key=key)
        attempts.count(f"form with key {key} -> {response.status_code}", succeeded=response.status_code < 400)
    signed = vendor_b.get(f"/v1/uploads/{attack.own_upload}/report").headers["location"]
    parts = urlsplit(signed)
    own_report = re.search(r"errors/VENDB/[^?]*", signed)
    assert own_report is not None
    for key in (
        upload_a.error_file_s3_key,
        f"errors/VENDB/../VENDA/{upload_a.upload_id}_errors.csv",
        f"errors/VENDB%2F..%2FVENDA/{upload_a.upload_id}_errors.csv",
        upload_a.s3_key,
    ):
        for address in (
            signed.replace(own_report[0], key),
            f"{parts.scheme}://{parts.netloc}/{pipeline.endpoints.bucket}/{key}",
        ):
            response = httpx.get(address, trust_env=False)
            attempts.count(f"GET {address} -> {response.status_code}", succeeded=response.status_code < 400)
        response = httpx.put(signed.replace(own_report[0], key), content=b"x", trust_env=False)
        attempts.count(f"PUT {key} -> {response.status_code}", succeeded=response.status_code < 400)
    attempts.count("data of A was changed", succeeded=data_digest(pipeline, "VENDA") != before)
    assert attempts.successes == []


def test_row_level_security_hides_rows_of_another_vendor(
    pipeline: Pipeline, data_a: VendorData, own_upload: str, attempts: Attempts
) -> None:
    tables = pipeline.connection.execute(
        "select t.table_name, bool_or(c.column_name = 'vendor_id'), bool_or(c.column_name = 'upload_id') "
        "from information_schema.tables t join information_schema.columns c using (table_schema, table_name) "
        "where t.table_schema = 'public' and t.table_type in ('BASE TABLE', 'VIEW') group by 1 order by 1"
    ).fetchall()
    assert len(tables) > 15
    before = data_digest(pipeline, "VENDA")

    def count_rows(text: str) -> int:
        """Return how many rows a statement reaches as vendor B; 0 if it is not permitted."""
        try:
            with pipeline.connection.transaction(force_rollback=True):
                pipeline.connection.execute(query("restrict_to_vendor"), {"vendor_id": "VENDB"})
                rows = pipeline.connection.execute(text).rowcount
                return 1 if rows < 0 else int(rows)  # the statement concerns no rows and succeeded
        except psycopg.Error:
            return 0

    for table, has_vendor, has_upload in tables:
        condition = (
            "vendor_id = 'VENDA'" if has_vendor else f"upload_id = '{data_a.upload_id}'" if has_upload else "true"
        )
        if table == "product_categories":
            continue  # all vendors may read it; writes are tested below
        for text in (
            f"select 1 from {table} where {condition}",  # noqa: S608 - names of our own tables
            f"select count(*) from {table} where {condition} having count(*) > 0",  # noqa: S608
            f"delete from {table} where {condition}",  # noqa: S608
            f"select * from {table} where {condition} for update",  # noqa: S608
            f"insert into {table} select * from {table} where {condition}",  # noqa: S608
        ):
            attempts.count(text, succeeded=count_rows(text) > 0)
        if has_vendor:
            attempts.count(
                f"move rows of {table} to A",
                succeeded=count_rows(f"update {table} set vendor_id = 'VENDA'") > 0,  # noqa: S608
            )
    insert_draft = "insert into corrections values ('{}', 999, '{}', '{{}}', 1, 'x')"
    assert count_rows(insert_draft.format(own_upload, "VENDB")) == 1
    writes = (
        "update product_categories set is_active = false",
        "insert into product_categories (category_name) values ('Evil')",
        "update vendors set status = 'active'",
        "update upload_history set status = 'completed' where vendor_id = 'VENDB'",
        "insert into vendors (vendor_id, vendor_name, email) values ('VENDB2', 'x', 'x')",
        "select key_sha256 from api_keys",
        "insert into webhooks (vendor_id, url, secret) values ('VENDA', 'https://evil.example', 'x')",
        "insert into revoked_report_links (s3_key, vendor_id, revoked_by) values ('x', 'VENDA', 'x')",
        "update mappings set name = 'Evil' where vendor_id is null",
        "insert into mappings (mapping_id, name) values ('MEVIL', 'Evil')",
        "insert into mapping_versions select mapping_id, 2, null, '{}', 'x' from mappings where vendor_id is null",
        "update mapping_versions set document = '{}'",
        "update value_mappings set target = 'Evil' where vendor_id is null",
        "delete from value_mappings where vendor_id is null",
        "insert into value_mappings values (default, null, 'category', 'evil', 'Evil', 'Clothing', 'x')",
        insert_draft.format(data_a.upload_id, "VENDA"),
        insert_draft.format(data_a.upload_id, "VENDB"),
        f"update corrections set upload_id = '{data_a.upload_id}'",  # noqa: S608
        f"insert into row_corrections values ('{own_upload}', 1, '{data_a.upload_id}', 2)",  # noqa: S608
        "create table evil ()",
        "copy products to '/tmp/stolen.csv'",
    )
    for text in writes:
        attempts.count(text, succeeded=count_rows(text) > 0)
    # Without a vendor id, the role sees no rows.
    with pipeline.connection.transaction(force_rollback=True):
        pipeline.connection.execute("set local role onboarding_vendor")
        row = pipeline.connection.execute("select count(*) from products").fetchone()
    attempts.count("no vendor id", succeeded=row != (0,))
    attempts.count("data of A was changed", succeeded=data_digest(pipeline, "VENDA") != before)
    assert attempts.successes == []


def test_fix_file_that_names_an_upload_of_another_vendor_corrects_nothing(
    pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client, data_a: VendorData, attempts: Attempts
) -> None:
    before = vendor_a.get(f"/v1/uploads/{data_a.upload_id}/corrections/summary").json()
    uploads = [
        upload(vendor_b, pipeline, make_fix_file(upload_id, [product(name), product(f"{name}-2", price="x")], 2))
        for name, upload_id in (("named", data_a.upload_id), ("unknown", "UPLOAD_20260101_000000_00000000"))
    ]
    addresses = [f"/v1/uploads/{item.upload_id}{part}" for item in uploads for part in ("", "/errors", "/file-details")]
    texts = [vendor_b.get(address).text for address in addresses]
    for item in uploads:
        assert (item.valid_records, item.error_records, item.parent_upload_id) == (1, 1, None)
    warnings = [vendor_b.get(address).json().get("warnings") for address in addresses]
    attempts.count("a fix file reveals whether an upload exists", succeeded=warnings[:3] != warnings[3:])
    attempts.count(
        "a fix file reveals data of an upload", succeeded=any(WORD in text or "VENDA" in text for text in texts)
    )
    links = pipeline.connection.execute(
        "select from row_corrections where upload_id = any(%s)", ([item.upload_id for item in uploads],)
    ).fetchall()
    attempts.count("a fix file links rows", succeeded=links != [])
    after = vendor_a.get(f"/v1/uploads/{data_a.upload_id}/corrections/summary").json()
    attempts.count("a fix file changes the corrections of A", succeeded=after != before)
    assert attempts.successes == []


def _sign_expired_link(pipeline: Pipeline, report_key: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a report link that expired a second ago."""
    configured = pipeline.lambdas.get_function_configuration(FunctionName=resource_name("mailer"))["Environment"][
        "Variables"
    ]
    secrets = pipeline.endpoints.client("secretsmanager")
    keys = json.loads(secrets.get_secret_value(SecretId=configured["LINK_SECRET_NAME"])["SecretString"])
    signed_at = int(time.time()) - DAYS_VALID * 86_400 - 1
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: signed_at)
        return sign_report_link(report_key, keys)


def test_forged_or_replayed_links_are_rejected(
    pipeline: Pipeline,
    vendor_a: httpx.Client,
    data_a: VendorData,
    attempts: Attempts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = f"{pipeline.endpoints.link_base_url}/reports"
    match = re.search(r"/reports/(\S+)", pipeline.email(data_a.upload_id).text)
    assert match is not None
    valid_token = match[1]

    def is_accepted(token: str) -> bool:
        response = httpx.get(f"{base}/{token}", trust_env=False, timeout=30)
        return response.status_code in {200, 302}

    assert is_accepted(valid_token)
    key = f"errors/VENDA/{data_a.upload_id}_errors.csv"
    payload, signature = valid_token.split(".", 1)
    for token in (
        sign_report_link(key, {"current": "x" * 64}),
        _sign_expired_link(pipeline, key, monkeypatch),
        f"{payload}.{signature[:-3]}AAA",
        f"{payload}x.{signature}",
        payload,
        f"{payload}..",
        key,
        f"..%2F{valid_token}",
        f"{valid_token}%00",
        "",
    ):
        attempts.count(f"report link {token}", succeeded=is_accepted(token))
    with browser(pipeline) as client:
        for token in (data_a.token, data_a.token[:-1], sign_in_tokens(pipeline, "venda@vendors.example")[0], "x" * 43):
            for response in (client.post("/v1/session", json={"token": token}), client.post(f"/sign-in/{token}")):
                attempts.count(f"sign-in link {token} -> {response.status_code}", succeeded=response.status_code < 400)
                assert "set-cookie" not in response.headers
    assert vendor_a.delete(f"/v1/uploads/{data_a.upload_id}/links").status_code == 204
    attempts.count("a revoked report link", succeeded=is_accepted(valid_token))
    links = vendor_a.get(f"/v1/uploads/{data_a.upload_id}/links").json()
    assert links["revoked_at"] is not None
    assert [click["outcome"] for click in links["clicks"]] == ["revoked", "expired", "followed"]


def test_duplicate_sku_error_reveals_nothing_of_the_other_product(
    pipeline: Pipeline, vendor_b: httpx.Client, data_a: VendorData, attempts: Attempts
) -> None:
    content = csv_of([product("clash", sku=f"SKU-{WORD}-1")])
    finished = upload(vendor_b, pipeline, content, "clash.csv")
    for path in ("errors", "summary"):
        response = vendor_b.get(f"/v1/uploads/{finished.upload_id}/{path}")
        attempts.count(f"{path} of a duplicate", succeeded="VENDA" in response.text or f"{WORD} one" in response.text)
    dry_run = vendor_b.post("/v1/dry-runs", content=csv_of([product("clash2", sku=f"SKU-{WORD}-1")]))
    attempts.count("dry run of a duplicate", succeeded="VENDA" in dry_run.text or f"{WORD} one" in dry_run.text)
    email = pipeline.email(finished.upload_id).text
    attempts.count("e-mail of a duplicate", succeeded="VENDA" in email or f"{WORD} one" in email)


TEXTS = tuple(TEXT_COLUMNS)


def test_formulas_and_markup_in_every_column_stay_text(
    pipeline: Pipeline, vendor_b: httpx.Client, attempts: Attempts
) -> None:
    for number, evil in enumerate(("=1+1", "+1", "@SUM(A1)", "-2+3", "\t=1", "<img src=x onerror=alert(1)>")):
        rows = [product(f"evil-{number}-{column}", price="-1", **{column: evil}) for column in TEXTS]
        finished = upload(vendor_b, pipeline, csv_of(rows), f"{evil.strip()}.csv")
        for kind in ("report", "fix-file"):
            location = vendor_b.get(f"/v1/uploads/{finished.upload_id}/{kind}").headers["location"]
            fetched = httpx.get(location, trust_env=False)
            assert fetched.headers["content-disposition"].startswith("attachment")
            for row in csv.reader(io.StringIO(fetched.content.decode("utf-8-sig"))):
                for cell in row:
                    is_formula = re.match(r"[=@\t\r]|[+-](?![0-9]+(\.[0-9]+)?$)", cell) is not None
                    attempts.count(f"{kind}: {cell!r}", succeeded=is_formula)
        response = vendor_b.get(f"/v1/uploads/{finished.upload_id}/errors")
        attempts.count(f"errors with {evil}", succeeded="html" in response.headers["content-type"])
        for page in ("/", "/uploads", f"/uploads/{finished.upload_id}", f"/uploads/{finished.upload_id}/corrections"):
            response = vendor_b.get(page)
            assert response.status_code == 200, page
            attempts.count(f"{page} with {evil}", succeeded="<img src=x" in response.text)


def test_attempts_on_another_vendor_all_fail(attempts: Attempts, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nisolation: {attempts.total} attempts, {len(attempts.successes)} successes")
    assert attempts.total > 1000
    assert attempts.successes == []
