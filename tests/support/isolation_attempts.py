"""Attempts to read or change data of another vendor, and their count."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from starlette.routing import Mount, Route

from onboarding.config import Settings
from onboarding.domain.resource_names import resource_name
from onboarding.runtime import AppContext
from onboarding.web.app import create_app
from tests.support.postgres_fixtures import open_database
from tests.support.running_pipeline import Pipeline

Result = TypeVar("Result")

INJECTIONS = (
    "' or '1'='1",
    "'; reset role; select * from products; --",
    '"><script>alert(1)</script>',
    "=cmd|'/C calc'!A0",
)


@dataclass
class Attempts:
    """Counter of attempts. One that reads or changes data of another vendor is a success; the tests require none."""

    total: int = 0
    successes: list[str] = field(default_factory=list)

    def count(self, description: str, *, succeeded: bool) -> None:
        self.total += 1
        if succeeded:
            self.successes.append(description)


@dataclass(frozen=True)
class VendorData:
    """Data of vendor A that other vendors must not see: ids to guess, and words that occur only in its data."""

    upload_id: str
    upload_session_id: str
    key_id: str
    mapping_id: str
    value_mapping_id: int
    product_id: int
    export_id: str
    token: str
    words: tuple[str, ...]

    def appears_in(self, response: httpx.Response, request: str) -> bool:
        """Return whether a response contains such a word that the request did not contain."""
        text = response.text + json.dumps(dict(response.headers))
        return any(word in text and word not in request for word in self.words)


def create_test_app(pipeline: Pipeline, **environment: str) -> FastAPI:
    """Return the application of this process, whose parts a test can replace, without database and functions."""
    settings = Settings(pipeline.endpoints.environment() | {"PORTAL_URL": pipeline.endpoints.portal_url} | environment)
    ctx = AppContext(settings)
    ctx.__dict__["s3"] = pipeline.s3
    return create_app(ctx)


@contextmanager
def running_app(pipeline: Pipeline, **environment: str) -> Iterator[FastAPI]:
    """Yield the application of this process with the database and functions of the local stack."""
    app = create_test_app(pipeline, **environment)
    ctx: AppContext = app.state.pool.ctx
    ctx.__dict__.update(
        database=open_database(pipeline.endpoints.database_url),
        lambdas=pipeline.lambdas,
        sqs=pipeline.sqs,
        dynamodb=pipeline.dynamodb,
    )
    try:
        yield app
    finally:
        app.state.pool.close()


def send_to_app(app: FastAPI, client: httpx.Client, method: str, path: str, **content: Any) -> httpx.Response:
    """Send a request to an application of this process, with the headers and cookies of `client`."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async_client = httpx.AsyncClient(
            transport=transport, base_url=client.base_url, headers=client.headers, cookies=client.cookies
        )
        async with async_client:
            return await async_client.request(method, path, **content)

    return run_async(send())


def run_async(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a coroutine, run in another thread: Playwright runs an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def list_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and path of every route of the application, pages included."""
    pairs: list[tuple[str, str]] = []

    def walk(routes: Any) -> None:
        for route in routes:
            if isinstance(route, Route):
                pairs.extend((method, route.path) for method in sorted((route.methods or set()) - {"HEAD"}))
            elif isinstance(route, Mount):
                pairs.append(("GET", f"{route.path}/{{path}}"))
            else:
                # FastAPI lists an included router as one route.
                walk(route.original_router.routes)

    walk(app.routes)
    return pairs


def path_variants(path: str, data: VendorData, own_upload: str) -> Iterator[str]:
    """Yield paths of a route with ids of vendor A: plain, and encoded in ways that could bypass a check."""
    values = {
        "{upload_id}": data.upload_id,
        "{upload_session_id}": data.upload_session_id,
        "{key_id}": data.key_id,
        "{vendor_id}": "VENDA",
        "{category_id}": "1",
        "{mapping_id}": data.mapping_id,
        "{value_mapping_id}": str(data.value_mapping_id),
        "{product_id}": str(data.product_id),
        "{export_id}": data.export_id,
        "{queue}": "csv-parser-failures",
        "{digest}": "x",
        "{name}": "x",
        "{token}": data.token,
    }
    filled_path = path
    for name, value in values.items():
        filled_path = filled_path.replace(name, value)
    yield filled_path
    if filled_path == path:
        yield f"{path}?vendor_id=VENDA"
        yield f"{path}?vendor_id=VENDA&vendor_id=VENDB"
        return
    for name, value in values.items():
        if name in path:
            for variant in (
                f"{own_upload}/../{value}",
                f"{own_upload}%2F..%2F{value}",
                f"..%2F..%2Fv1%2Fuploads%2F{value}",
                f"%2e%2e/{value}",
                f"{value}%00",
                f"{value}%20",
                f"%0a{value}",
                value.lower(),
                f"{value};{own_upload}",
                f"{value}%27%20or%20%271%27=%271",
            ):
                yield path.replace(name, variant)


EVIL_VALUES = {"column": "category", "values": {"Evil": "Clothing"}}

EVIL_EDITS = {"rows": [{"row_number": 2, "cells": {"price": "1"}}]}

BODIES: dict[str, Any] = {
    "PUT /v1/uploads/{upload_id}/corrections": EVIL_EDITS,
    "POST /v1/uploads/{upload_id}/corrections/check": EVIL_EDITS,
    "POST /v1/uploads/{upload_id}/corrections/fill": {"group": 1, "column": "price", "value": "1"},
    "PATCH /v1/products/{product_id}": {"values": {"price": "0.01"}},
    "POST /v1/products/status": {"product_ids": [1], "status": "inactive"},
    "POST /v1/operator/products/{product_id}/block": {"reason": "Evil"},
    "POST /v1/upload-sessions": {"file_name": "../VENDA/stolen.csv"},
    "POST /v1/exports": {"format": "csv", "vendor_id": "VENDA"},
    "POST /v1/keys": {"name": "mine", "scopes": ["uploads:read"], "vendor_id": "VENDA"},
    "POST /v1/sign-in": {"email": "nobody@nowhere.example"},
    "POST /v1/operator/vendors": {"vendor_id": "EVIL", "vendor_name": "Evil", "email": "evil@evil.example"},
    "POST /v1/operator/categories": {"category_name": "Evil"},
    "POST /v1/operator/keys": {"name": "Evil"},
    "PUT /v1/operator/webhook": {"url": "https://evil.example/hook"},
    "PATCH /v1/operator/vendors/{vendor_id}": {"status": "suspended"},
    "PATCH /v1/operator/categories/{category_id}": {"is_active": False},
    "PUT /v1/webhook": {"url": "https://evil.example/hook", "vendor_id": "VENDA"},
    "POST /v1/mappings": {"name": "Evil", "headers": ["Evil"], "document": {}, "vendor_id": "VENDA"},
    "PATCH /v1/mappings/{mapping_id}": {"name": "Evil", "document": {"constants": {"brand": "Evil"}}},
    "PUT /v1/value-mappings": {**EVIL_VALUES, "vendor_id": "VENDA"},
    "POST /v1/operator/vendors/{vendor_id}/mappings": {"name": "Evil", "headers": ["Evil"], "document": {}},
    "PATCH /v1/operator/vendors/{vendor_id}/mappings/{mapping_id}": {"name": "Evil"},
    "PUT /v1/operator/vendors/{vendor_id}/value-mappings": EVIL_VALUES,
    "POST /v1/operator/mapping-presets": {"name": "Evil", "document": {}},
    "PATCH /v1/operator/mapping-presets/{mapping_id}": {"name": "Evil"},
    "PUT /v1/operator/category-aliases": EVIL_VALUES,
}


EVIL_FORM: dict[str, str | list[str]] = {"vendor_value": "Evil", "target": "Clothing"}
EVIL_DOCUMENT = '{"columns": {"Evil": {"columns": ["brand"]}}}'

FORMS: dict[str, dict[str, str | list[str]]] = {
    "POST /keys": {"name": "mine", "scopes": ["uploads:read"], "days": "30", "vendor_id": "VENDA"},
    "POST /webhook": {"url": "https://evil.example/hook", "vendor_id": "VENDA"},
    "POST /products/status": {"product_id": ["1"], "status": "inactive"},
    "POST /products/{product_id}/status": {"status": "inactive"},
    "POST /products/{product_id}/undo": {"upload_id": "UPLOAD_1"},
    "POST /operator/products/{product_id}/block": {"reason": "Evil"},
    "POST /exports": {"format": "csv", "vendor_id": "VENDA"},
    "POST /categories": {**EVIL_FORM, "vendor_id": "VENDA"},
    "POST /operator/vendors": {"vendor_id": "EVIL", "vendor_name": "Evil", "email": "evil@evil.example"},
    "POST /operator/vendors/{vendor_id}": {"vendor_name": "Evil", "email": "evil@evil.example"},
    "POST /operator/vendors/{vendor_id}/status": {"status": "suspended"},
    "POST /operator/categories": {"category_name": "Evil"},
    "POST /operator/keys": {"name": "Evil", "days": "30"},
    "POST /operator/webhook": {"url": "https://evil.example/hook"},
    "POST /operator/categories/{category_id}": {"is_active": "false"},
    "POST /operator/categories/aliases": EVIL_FORM,
    "POST /operator/vendors/{vendor_id}/value-mappings": EVIL_FORM,
    "POST /operator/vendors/{vendor_id}/mappings/{mapping_id}/publish": {"preset_name": "Evil"},
    "POST /operator/presets": {"name": "Evil", "document": EVIL_DOCUMENT},
    "POST /operator/presets/{mapping_id}/document": {"version": "1", "document": EVIL_DOCUMENT},
}
"""Fields of the portal's forms, by route. A test checks that every form with fields is listed."""


def send_to_route(client: httpx.Client, method: str, path: str, url: str) -> httpx.Response:
    """Send a request to a path of a route, with the body or form that the route requires."""
    route = f"{method} {path}"
    return client.request(method, url, json=BODIES.get(route), data=FORMS.get(route))


def data_digest(pipeline: Pipeline, vendor_id: str) -> str:
    """Return a hash of all stored data of a vendor, which attempts must not change."""
    digest = hashlib.sha256()
    tables = pipeline.connection.execute(
        "select table_name from information_schema.columns "
        "where table_schema = 'public' and column_name = 'vendor_id' order by table_name"
    ).fetchall()
    for (table,) in tables:
        # Each use of an API key sets `last_used_at`.
        query = f"select to_jsonb(t) - 'last_used_at' from {table} t where vendor_id = %s order by 1"  # noqa: S608
        digest.update(str(pipeline.connection.execute(query, (vendor_id,)).fetchall()).encode())
    versions = pipeline.s3.list_object_versions(Bucket=pipeline.endpoints.bucket)
    for version in versions.get("Versions", []):
        if f"/{vendor_id}/" in version["Key"]:
            digest.update(f"{version['Key']} {version['VersionId']} {version['ETag']}".encode())
    result = pipeline.dynamodb.query(
        TableName=resource_name("webhooks"),
        KeyConditionExpression="vendor_id = :vendor",
        ExpressionAttributeValues={":vendor": {"S": vendor_id}},
    )
    digest.update(str(result["Items"]).encode())
    return digest.hexdigest()
