"""Scenarios that use all permissions of the functions `api` and `webhook`; each yields the results of its calls."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import httpx

from onboarding.domain.resource_names import resource_name
from tests.infra.function_scenarios import (
    SUCCESS,
    VENDOR,
    get_environment,
    invoke,
    invoke_for_outcome,
    make_file,
    make_result_event,
    report_upload,
    stage_upload,
)
from tests.support.api_clients import OPERATOR, forget_requests, new_key, post_form, signed_in
from tests.support.http_server import serve
from tests.support.running_pipeline import Pipeline, wait_until

VENDOR_EMAIL = "contact@techgear.com"
"""Address of VEND001 in the sample data."""


# -- api ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Client that calls the function `api` with headers that authenticate it."""

    run: Pipeline
    headers: Mapping[str, str]

    def request(self, method: str, path: str, content: Any = None) -> tuple[str, Any]:
        """Return the status and the response; for a function that fails, its error and None."""
        headers = {"host": urlsplit(self.run.endpoints.portal_url).netloc, "content-type": "application/json"}
        body = None if content is None else json.dumps(content)
        outcome, response = invoke(self.run, "api", make_http_event(method, path, {**headers, **self.headers}, body))
        return (str(response["statusCode"]), response) if outcome == SUCCESS else (outcome, None)

    def status(self, method: str, path: str, content: Any = None) -> str:
        return self.request(method, path, content)[0]


def make_http_event(method: str, path: str, headers: Mapping[str, str], body: str | None) -> dict[str, Any]:
    """Return the HTTP API's event for a request."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "test"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": dict(headers),
        "requestContext": {"http": http, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }


@cache
def vendor_client(run: Pipeline) -> ApiClient:
    with closing(signed_in(run, VENDOR_EMAIL)) as client:
        return ApiClient(run, {"authorization": f"Bearer {new_key(client)['key']}"})


@cache
def operator_client(run: Pipeline) -> ApiClient:
    with closing(signed_in(run, OPERATOR)) as client:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return ApiClient(run, {"cookie": cookies, "x-csrf-token": client.headers["X-CSRF-Token"]})


def call_api(run: Pipeline) -> Generator[str]:
    yield from request_sign_in(run)
    yield from upload_by_session(run)
    yield from submit_corrections(run)
    yield vendor_client(run).status("POST", f"/v1/uploads/{stage_upload(run)[0]}/cancel")
    yield from manage_webhook(run)
    yield operator_client(run).status("POST", f"/v1/operator/uploads/{stage_upload(run)[0]}/resume")
    yield from redrive_failures(run)
    yield from export_products(run)


def request_sign_in(run: Pipeline) -> Generator[str]:
    forget_requests(run)
    yield ApiClient(run, {}).status("POST", "/v1/sign-in", {"email": VENDOR_EMAIL})


def upload_by_session(run: Pipeline) -> Generator[str]:
    status, response = vendor_client(run).request("POST", "/v1/upload-sessions", {"file_name": "products.csv"})
    yield status
    if response is None:
        return
    upload_session = json.loads(response["body"])
    # The pre-signed form and the pre-signed URL have the permissions of the role.
    yield str(post_form(upload_session, make_file()).status_code)
    yield vendor_client(run).status("GET", f"/v1/upload-sessions/{upload_session['upload_session_id']}")
    status, response = vendor_client(run).request("GET", f"/v1/uploads/{report_upload(run)}/report")
    yield status
    yield str(httpx.get(response["headers"]["location"], trust_env=False).status_code)


def submit_corrections(run: Pipeline) -> Generator[str]:
    address = f"/v1/uploads/{report_upload(run)}/corrections"
    edits = [{"row_number": 2, "cells": {"price": "1"}}]
    yield vendor_client(run).status("PUT", address, {"rows": edits})
    yield vendor_client(run).status("POST", f"{address}/submit")


def manage_webhook(run: Pipeline) -> Generator[str]:
    yield vendor_client(run).status("PUT", "/v1/webhook", {"url": "http://127.0.0.1:9/"})
    yield vendor_client(run).status("GET", "/v1/webhook/deliveries")
    yield vendor_client(run).status("POST", "/v1/webhook/test")
    yield vendor_client(run).status("DELETE", "/v1/webhook")


def redrive_failures(run: Pipeline) -> Generator[str]:
    yield operator_client(run).status("GET", "/v1/operator/failures")
    yield operator_client(run).status("GET", "/v1/operator/failures/mailer-failures")
    run.sqs.purge_queue(QueueUrl=run.sqs.get_queue_url(QueueName=resource_name("mailer-failures"))["QueueUrl"])
    yield operator_client(run).status("POST", "/v1/operator/failures/mailer-failures/redrive")


def export_products(run: Pipeline) -> Generator[str]:
    run.connection.execute("truncate exports")
    status, response = vendor_client(run).request("POST", "/v1/exports", {"format": "csv"})
    yield status
    if response is None:
        return
    export_id = json.loads(response["body"])["export_id"]
    invoke_for_outcome(run, "exporter", {"export_id": export_id})
    # The function may be running already.
    wait_until(lambda: json.loads(get_body(run, export_id))["status"] == "completed", "the export")
    status, response = vendor_client(run).request("GET", f"/v1/exports/{export_id}/file")
    yield status
    # The pre-signed URL has the permissions of the role.
    yield str(httpx.get(response["headers"]["location"], trust_env=False).status_code)


def get_body(run: Pipeline, export_id: str) -> str:
    return str(vendor_client(run).request("GET", f"/v1/exports/{export_id}")[1]["body"])


# -- webhook -----------------------------------------------------------------------------------------------------------


def call_webhook(run: Pipeline) -> Generator[str]:
    table = get_environment(run, "webhook")["WEBHOOKS_TABLE"]
    entry = {"vendor_id": {"S": VENDOR}, "entry": {"S": "address"}}
    with webhook_server() as url:
        item = {**entry, "url": {"S": url}, "secret": {"S": "not a key"}}
        run.dynamodb.put_item(TableName=table, Item=item)
        yield invoke_for_outcome(run, "webhook", make_result_event())
    run.dynamodb.delete_item(TableName=table, Key=entry)


@contextmanager
def webhook_server() -> Generator[str]:
    """Yield the URL of a vendor's server that accepts every webhook."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log no requests."""

    with serve(Handler) as url:
        yield f"{url}/"
