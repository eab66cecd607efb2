"""HTTP clients of the API: sign-in by the e-mailed link, API keys, uploads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from onboarding.domain.models import Upload
from onboarding.local.delivered_emails import read_emails
from onboarding.local.web_server import SAMPLE_OPERATOR
from tests.support.running_pipeline import Pipeline, wait_until

OPERATOR = SAMPLE_OPERATOR


def browser(pipeline: Pipeline, **headers: str) -> httpx.Client:
    """Return a client of the portal without credentials."""
    return httpx.Client(base_url=pipeline.endpoints.portal_url, headers=headers, timeout=30, trust_env=False)


def sign_in_tokens(pipeline: Pipeline, address: str) -> list[str]:
    """Return the sign-in tokens that were e-mailed to an address, oldest first."""
    return [
        token
        for email in read_emails(Path(pipeline.endpoints.inbox_dir))
        if address in email.recipients
        for token in re.findall(r"/sign-in/(\S+)", email.text)
    ]


def forget_requests(pipeline: Pipeline) -> None:
    """Delete all sign-in requests, because tests sign in more often than the limits permit."""
    pipeline.connection.execute("delete from sign_in_requests")


def forget_mappings(pipeline: Pipeline) -> None:
    """Archive all mappings and delete all value mappings, because they apply to files of other tests."""
    pipeline.connection.execute("update mappings set archived_at = now() where archived_at is null")
    pipeline.connection.execute("delete from value_mappings")


def request_sign_in_token(pipeline: Pipeline, email: str) -> str:
    """Request a sign-in link; return its token from the e-mail."""
    forget_requests(pipeline)
    before = len(sign_in_tokens(pipeline, email))
    with browser(pipeline) as client:
        assert client.post("/v1/sign-in", json={"email": email}).status_code == 202
    return wait_until(lambda: sign_in_tokens(pipeline, email)[before:], f"the sign-in e-mail to {email}")[0]


def signed_in(pipeline: Pipeline, email: str) -> httpx.Client:
    """Return a client with a session and its CSRF token."""
    client = browser(pipeline)
    response = client.post("/v1/session", json={"token": request_sign_in_token(pipeline, email)})
    assert response.status_code == 201, response.text
    client.headers["X-CSRF-Token"] = response.json()["csrf_token"]
    return client


def new_key(client: httpx.Client, *scopes: str) -> dict[str, Any]:
    """Create an API key with these scopes, or with all; return the response."""
    body = {"name": "for a test", "scopes": list(scopes) or ["uploads:read", "uploads:write", "admin"]}
    response = client.post("/v1/keys", json=body)
    assert response.status_code == 201, response.text
    key: dict[str, Any] = response.json()
    return key


def key_client(pipeline: Pipeline, key: str) -> httpx.Client:
    """Return a client with an API key."""
    return browser(pipeline, Authorization=f"Bearer {key}")


def post_form(upload_session: dict[str, Any], content: bytes, **fields: str) -> httpx.Response:
    """Post a file with the form of an upload session; `fields` replace fields of the form."""
    form = upload_session["form"]
    data = {**form["fields"], **fields}
    return httpx.post(form["url"], data=data, files={"file": ("file.csv", content)}, trust_env=False)


def upload(
    client: httpx.Client, pipeline: Pipeline, content: bytes, name: str = "products.csv", **options: Any
) -> Upload:
    """Upload a file with an upload session; return the finished upload."""
    upload_session = client.post("/v1/upload-sessions", json={"file_name": name, **options}).json()
    assert post_form(upload_session, content).status_code == 201
    return finish_session(client, pipeline, upload_session)


def finish_session(client: httpx.Client, pipeline: Pipeline, upload_session: Mapping[str, Any]) -> Upload:
    """Wait for the upload of a session; return it when it is finished."""

    def get_upload_id() -> str | None:
        body = client.get(upload_session["status_url"]).json()
        return body["upload"]["upload_id"] if body["upload"] else None

    return pipeline.finished(wait_until(get_upload_id, "the upload of the session"))
