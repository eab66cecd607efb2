"""People who use the API: they sign in by the mail in the inbox, make keys, and upload."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx

from onboarding.domain.models import Upload
from onboarding.local.delivered_emails import read_emails
from onboarding.local.web_server import SAMPLE_OPERATOR
from tests.support.running_pipeline import Pipeline, wait_until

OPERATOR = SAMPLE_OPERATOR


def browser(pipeline: Pipeline, **headers: str) -> httpx.Client:
    """Somebody at the portal's address, not signed in."""
    return httpx.Client(base_url=pipeline.endpoints.portal_url, headers=headers, timeout=30, trust_env=False)


def links(pipeline: Pipeline, email: str) -> list[str]:
    """The sign-in tokens mailed to an address, in order."""
    return [
        token
        for mail in read_emails(Path(pipeline.endpoints.inbox_dir))
        if email in mail.recipients
        for token in re.findall(r"/sign-in/(\S+)", mail.text)
    ]


def forget_requests(pipeline: Pipeline) -> None:
    """Tests sign in more often than people may."""
    pipeline.connection.execute("delete from sign_in_requests")


def new_link(pipeline: Pipeline, email: str) -> str:
    """Ask for a link and take it from the inbox."""
    forget_requests(pipeline)
    before = len(links(pipeline, email))
    with browser(pipeline) as client:
        assert client.post("/v1/sign-in", json={"email": email}).status_code == 202
    return wait_until(lambda: links(pipeline, email)[before:], f"the sign-in mail to {email}")[0]


def signed_in(pipeline: Pipeline, email: str) -> httpx.Client:
    """A browser with a session, whose scripts send what they must."""
    client = browser(pipeline)
    answer = client.post("/v1/session", json={"token": new_link(pipeline, email)})
    assert answer.status_code == 201, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return client


def new_key(client: httpx.Client, *scopes: str) -> dict[str, Any]:
    """A key made in a session."""
    wanted = {"name": "for a test", "scopes": list(scopes) or ["uploads:read", "uploads:write", "admin"]}
    answer = client.post("/v1/keys", json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def with_key(pipeline: Pipeline, key: str) -> httpx.Client:
    """A program with a key."""
    return browser(pipeline, Authorization=f"Bearer {key}")


def post_form(upload_session: dict[str, Any], content: bytes, **fields: str) -> httpx.Response:
    """Put a file where an upload session says; `fields` replace what the form has."""
    form = upload_session["form"]
    data = {**form["fields"], **fields}
    return httpx.post(form["url"], data=data, files={"file": ("file.csv", content)}, trust_env=False)


def upload(
    client: httpx.Client, pipeline: Pipeline, content: bytes, name: str = "products.csv", **options: Any
) -> Upload:
    """A whole upload by upload session, to its end."""
    upload_session = client.post("/v1/upload-sessions", json={"file_name": name, **options}).json()
    assert post_form(upload_session, content).status_code == 201

    def opened() -> str | None:
        shown = client.get(upload_session["status_url"]).json()
        return shown["upload"]["upload_id"] if shown["upload"] else None

    return pipeline.finished(wait_until(opened, "the upload of the session"))
