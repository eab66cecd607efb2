"""Calls that take the functions `api` and `webhook` through everything that they do, and how each of them ends."""

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
from tests.infra.function_scenarios import VENDOR, answer, new_result, outcome, reported, staged, two_rows, variables_of
from tests.support.api_clients import OPERATOR, forget_requests, new_key, post_form, signed_in
from tests.support.http_server import serve
from tests.support.running_pipeline import Pipeline

ADDRESS = "contact@techgear.com"
"""The vendor's, in the sample data."""


# -- api ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks the function `api`, by the headers that say who."""

    run: Pipeline
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, content: Any = None) -> tuple[str, Any]:
        """The status, and what is answered; for a function that fails, how."""
        said = {"host": urlsplit(self.run.endpoints.portal_url).netloc, "content-type": "application/json"}
        event = request(method, path, {**said, **self.headers}, None if content is None else json.dumps(content))
        end, found = answer(self.run, "api", event)
        return (str(found["statusCode"]), found) if end == "well" else (end, None)

    def status(self, method: str, path: str, content: Any = None) -> str:
        return self.ask(method, path, content)[0]


def request(method: str, path: str, headers: Mapping[str, str], body: str | None) -> dict[str, Any]:
    """The HTTP API's event about a request."""
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
def vendor(run: Pipeline) -> Caller:
    with closing(signed_in(run, ADDRESS)) as client:
        return Caller(run, {"authorization": f"Bearer {new_key(client)['key']}"})


@cache
def operator(run: Pipeline) -> Caller:
    with closing(signed_in(run, OPERATOR)) as client:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return Caller(run, {"cookie": cookies, "x-csrf-token": client.headers["X-CSRF-Token"]})


def api_calls(run: Pipeline) -> Generator[str]:
    yield from sign_in(run)
    yield from upload_by_session(run)
    yield vendor(run).status("POST", f"/v1/uploads/{staged(run)[0]}/cancel")
    yield from webhook_kept(run)
    yield operator(run).status("POST", f"/v1/operator/uploads/{staged(run)[0]}/resume")
    yield from failures_tried_again(run)


def sign_in(run: Pipeline) -> Generator[str]:
    forget_requests(run)
    yield Caller(run, {}).status("POST", "/v1/sign-in", {"email": ADDRESS})


def upload_by_session(run: Pipeline) -> Generator[str]:
    status, found = vendor(run).ask("POST", "/v1/upload-sessions", {"file_name": "products.csv"})
    yield status
    if found is None:
        return
    upload_session = json.loads(found["body"])
    # The form and the address carry the role's rights.
    yield str(post_form(upload_session, two_rows()).status_code)
    yield vendor(run).status("GET", f"/v1/upload-sessions/{upload_session['upload_session_id']}")
    status, found = vendor(run).ask("GET", f"/v1/uploads/{reported(run)}/report")
    yield status
    yield str(httpx.get(found["headers"]["location"], trust_env=False).status_code)


def webhook_kept(run: Pipeline) -> Generator[str]:
    yield vendor(run).status("PUT", "/v1/webhook", {"url": "http://127.0.0.1:9/"})
    yield vendor(run).status("GET", "/v1/webhook/deliveries")
    yield vendor(run).status("POST", "/v1/webhook/test")
    yield vendor(run).status("DELETE", "/v1/webhook")


def failures_tried_again(run: Pipeline) -> Generator[str]:
    yield operator(run).status("GET", "/v1/operator/failures")
    yield operator(run).status("GET", "/v1/operator/failures/mailer-failures")
    run.sqs.purge_queue(QueueUrl=run.sqs.get_queue_url(QueueName=resource_name("mailer-failures"))["QueueUrl"])
    yield operator(run).status("POST", "/v1/operator/failures/mailer-failures/redrive")


# -- webhook -----------------------------------------------------------------------------------------------------------


def webhook_calls(run: Pipeline) -> Generator[str]:
    table = variables_of(run, "webhook")["WEBHOOKS_TABLE"]
    entry = {"vendor_id": {"S": VENDOR}, "entry": {"S": "address"}}
    with vendors_server() as url:
        item = {**entry, "url": {"S": url}, "secret": {"S": "not one"}}
        run.dynamodb.put_item(TableName=table, Item=item)
        yield outcome(run, "webhook", new_result())
    run.dynamodb.delete_item(TableName=table, Key=entry)


@contextmanager
def vendors_server() -> Generator[str]:
    """A vendor's own server, which takes whatever it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody needs to know of each request."""

    with serve(Handler) as url:
        yield f"{url}/"
