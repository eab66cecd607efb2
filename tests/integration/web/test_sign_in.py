"""Sign-in links, sessions and API keys: single use, expiry, limits, scopes."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from onboarding.aws.dead_letter_queues import count_failures_in, peek_failures
from onboarding.domain.resource_names import resource_name
from onboarding.notifications.sign_in_email import SignInEmail
from onboarding.runtime import AppContext
from onboarding.web.api.sign_in import MINIMUM_SECONDS
from onboarding.web.sessions import LINK_AGE, PAUSE, PER_ADDRESS, PER_IP
from onboarding.web.tokens import hash_secret
from tests.support.api_clients import (
    browser,
    forget_requests,
    key_client,
    new_key,
    request_sign_in_token,
    sign_in_tokens,
    signed_in,
)
from tests.support.isolation_attempts import create_test_app, running_app, send_to_app
from tests.support.running_pipeline import Pipeline, wait_until


def test_sign_in_link_works_once(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN1")
    token = request_sign_in_token(pipeline, email)
    with browser(pipeline) as client:
        for _ in range(3):  # e-mail scanners open the link
            page = client.get(f"/sign-in/{token}")
            assert page.status_code == 200
        assert f'method="post" action="/sign-in/{token}"' in page.text
        response = client.post(f"/sign-in/{token}")
        assert (response.status_code, response.headers["location"]) == (303, "/")
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie, "plain HTTP on this machine"
        assert client.get("/v1/session").json()["vendor_id"] == "SIGNIN1"
        assert client.post(f"/sign-in/{token}").status_code == 410
        assert client.get(f"/sign-in/{token}").status_code == 410
    row = pipeline.connection.execute(
        "select count(*) from sign_in_links where link_sha256 = %s", (hash_secret(token),)
    )
    assert row.fetchone() == (1,), "the hash of the link is stored"


def test_expired_sign_in_link_is_rejected(pipeline: Pipeline) -> None:
    token = request_sign_in_token(pipeline, pipeline.vendor("SIGNIN2"))
    pipeline.connection.execute(
        "update sign_in_links set expires_at = now() - interval '1 second' where link_sha256 = %s",
        (hash_secret(token),),
    )
    with browser(pipeline) as client:
        assert client.post("/v1/session", json={"token": token}).status_code == 410


def test_sign_in_with_unknown_address_gets_the_same_response(pipeline: Pipeline) -> None:
    known_email = pipeline.vendor("SIGNIN3")
    responses = set()
    with browser(pipeline) as client:
        for email in (known_email, "nobody@nowhere.example"):
            forget_requests(pipeline)
            response = client.post("/v1/sign-in", json={"email": email})
            responses.add((response.status_code, response.content, str(sorted(response.headers))))
            assert response.elapsed.total_seconds() >= MINIMUM_SECONDS, "the duration does not depend on the address"
    assert len(responses) == 1
    wait_until(lambda: len(sign_in_tokens(pipeline, known_email)) == 1, "the e-mail to the known address")
    assert sign_in_tokens(pipeline, "nobody@nowhere.example") == []


def test_sign_in_calls_the_mailer_for_every_address(pipeline: Pipeline) -> None:
    """Neither the duration nor an error of the e-mail service depends on the address."""
    calls: list[dict[str, Any]] = []
    known_email = pipeline.vendor("SIGNIN7")
    with running_app(pipeline) as app, browser(pipeline) as client:
        app.state.pool.ctx.__dict__["lambdas"] = SimpleNamespace(invoke=lambda **call: calls.append(call))
        for email in (known_email, "nobody@nowhere.example"):
            forget_requests(pipeline)
            response = send_to_app(app, client, "POST", "/v1/sign-in", json={"email": email})
            assert response.status_code == 202
    assert [(call["FunctionName"], call["InvocationType"]) for call in calls] == [
        ("product-onboarding-mailer", "Event")
    ] * 2
    emails = [SignInEmail(**json.loads(call["Payload"])["sign_in"]) for call in calls]
    assert [len(email.links) for email in emails] == [1, 0]


@pytest.mark.parametrize("email", ["", "nobody@nowhere.example"], ids=["known", "unknown"])
def test_sign_in_that_cannot_call_the_mailer_is_a_server_error(pipeline: Pipeline, email: str) -> None:
    """The alarm `api-error-rate` counts it. The response does not depend on the address."""

    def invoke(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")

    email = email or pipeline.vendor("SIGNIN11")
    forget_requests(pipeline)
    with running_app(pipeline) as app, browser(pipeline) as client:
        app.state.pool.ctx.__dict__["lambdas"] = SimpleNamespace(invoke=invoke)
        assert send_to_app(app, client, "POST", "/v1/sign-in", json={"email": email}).status_code == 500


def test_rejected_sign_in_email_is_moved_to_the_failure_queue(ctx: AppContext, pipeline: Pipeline) -> None:
    """Its alarm is `mailer-failures-not-empty`."""
    email = pipeline.vendor("SIGNIN12")
    forget_requests(pipeline)
    url = pipeline.sqs.get_queue_url(QueueName=resource_name("mailer-failures"))["QueueUrl"]
    pipeline.sqs.purge_queue(QueueUrl=url)
    inbox = Path(pipeline.endpoints.inbox_dir)
    moved = inbox.rename(inbox.with_name("inbox-moved"))
    try:
        with browser(pipeline) as client:
            assert request_link(client, email).status_code == 202
        wait_until(lambda: count_failures_in(ctx, "mailer-failures"), "every attempt to send the e-mail to fail")
        [failure] = peek_failures(ctx, "mailer-failures")
    finally:
        moved.rename(inbox)
        pipeline.sqs.purge_queue(QueueUrl=url)
    assert failure.subject == f"the sign-in e-mail to {email}"
    assert "The inbox did not accept the e-mail" in failure.error


def request_link(client: httpx.Client, email: str) -> httpx.Response:
    return client.post("/v1/sign-in", json={"email": email})


def count_links(pipeline: Pipeline, vendor_id: str) -> int:
    query = "select count(*) from sign_in_links where vendor_id = %s"
    [(count,)] = pipeline.connection.execute(query, (vendor_id,)).fetchall()
    return int(count)


def test_sign_in_requests_for_one_address_are_limited(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN4")
    forget_requests(pipeline)
    with browser(pipeline) as client:
        for _ in range(PER_ADDRESS + 2):
            assert request_link(client, email.upper()).status_code == 202
        assert count_links(pipeline, "SIGNIN4") == PER_ADDRESS
        pipeline.connection.execute(
            "insert into sign_in_requests (subject) select 'ip:127.0.0.1' from generate_series(1, %s)", (PER_IP,)
        )
        rejected = request_link(client, "another@vendors.example")
        assert (rejected.status_code, rejected.headers["retry-after"]) == (429, "3600")
    forget_requests(pipeline)


def test_owner_has_a_valid_link_after_others_reach_the_limit(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN8")
    forget_requests(pipeline)
    with browser(pipeline) as client:
        for _ in range(PER_ADDRESS + 1):
            request_link(client, email)
        assert count_links(pipeline, "SIGNIN8") == PER_ADDRESS
        # After a pause another link is sent, although the hourly limit is reached.
        pipeline.connection.execute(
            "update sign_in_requests set at = at - %s where subject = %s", (PAUSE, f"address:{email}")
        )
        request_link(client, email)
        request_link(client, email)
        assert count_links(pipeline, "SIGNIN8") == PER_ADDRESS + 1
    # The newest link is therefore always valid.
    assert PAUSE < LINK_AGE
    forget_requests(pipeline)


def test_sign_in_limits_apply_to_concurrent_requests(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN9")
    forget_requests(pipeline)
    with browser(pipeline) as client, ThreadPoolExecutor(40) as pool:
        statuses = Counter(
            response.status_code for response in pool.map(lambda _: request_link(client, email), range(40))
        )
    assert statuses == {202: PER_IP, 429: 40 - PER_IP}
    assert count_links(pipeline, "SIGNIN9") == PER_ADDRESS
    forget_requests(pipeline)


def test_session_after_sign_out_is_invalid(pipeline: Pipeline) -> None:
    with closing(signed_in(pipeline, pipeline.vendor("SIGNIN5"))) as client:
        cookie = client.cookies["onboarding_session"]
        assert client.delete("/v1/session").status_code == 204
        with browser(pipeline, Cookie=f"onboarding_session={cookie}") as attacker:
            assert attacker.get("/v1/session").status_code == 401


def test_sign_out_everywhere_ends_every_session(pipeline: Pipeline) -> None:
    email = pipeline.vendor("ROAMING")
    with closing(signed_in(pipeline, email)) as first, closing(signed_in(pipeline, email)) as second:
        key = new_key(first)
        assert first.delete("/v1/sessions").status_code == 204
        assert {client.get("/v1/session").status_code for client in (first, second)} == {401}
        with key_client(pipeline, key["key"]) as program:
            assert program.get("/v1/session").status_code == 200
    with closing(signed_in(pipeline, email)) as new_session:
        assert new_session.get("/v1/session").status_code == 200


def test_request_from_another_site_is_rejected(vendor_a: httpx.Client) -> None:
    def post(**headers: str) -> int:
        return vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv"}, headers=headers).status_code

    assert post() == 201
    assert post(Origin=str(vendor_a.base_url).rstrip("/")) == 201
    assert post(Origin="https://evil.example") == 403
    assert post(Origin="null") == 403
    assert post(**{"X-CSRF-Token": ""}) == 403
    assert post(**{"X-CSRF-Token": "0" * 64}) == 403
    form = {"csrf_token": vendor_a.headers["X-CSRF-Token"]}
    forged = vendor_a.post("/v1/dry-runs", files={"file": b"x"}, headers={"X-CSRF-Token": ""})
    assert forged.status_code == 403
    valid = vendor_a.post("/v1/dry-runs", files={"file": b"x"}, data=form, headers={"X-CSRF-Token": ""})
    assert valid.status_code == 200
    assert (
        vendor_a.post("/v1/sign-in", json={"email": "a@b.c"}, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )


def test_api_key_is_limited_to_its_scopes(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    key = new_key(vendor_a, "uploads:read")
    assert key["key"].startswith(f"onb_{key['key_id']}_")
    with key_client(pipeline, key["key"]) as program:
        assert program.get("/v1/uploads").status_code == 200
        rejected = program.post("/v1/upload-sessions", json={"file_name": "x.csv"})
        assert (rejected.status_code, rejected.json()["type"]) == (403, "/problems/forbidden")
        assert program.get("/v1/keys").status_code == 403
        items = {item["key_id"]: item for item in vendor_a.get("/v1/keys").json()["items"]}
        assert items[key["key_id"]]["last_used_at"] is not None
        assert "key" not in items[key["key_id"]]
        assert vendor_a.delete(f"/v1/keys/{key['key_id']}").status_code == 204
        assert program.get("/v1/uploads").status_code == 401
    row = pipeline.connection.execute("select key_sha256 from api_keys where key_id = %s", (key["key_id"],))
    assert row.fetchone() == (hash_secret(key["key"]),)


def test_api_key_cannot_create_a_key_with_more_scopes(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    key = new_key(vendor_a, "admin", "uploads:read")
    with key_client(pipeline, key["key"]) as program:
        rejected = program.post("/v1/keys", json={"name": "more", "scopes": ["uploads:read", "uploads:write"]})
        assert (rejected.status_code, rejected.json()["type"]) == (403, "/problems/forbidden")
        response = program.post("/v1/keys", json={"name": "same", "scopes": ["admin", "uploads:read"]})
        assert response.status_code == 201
    items = [item["name"] for item in vendor_a.get("/v1/keys").json()["items"]]
    assert ("more" in items, "same" in items) == (False, True)


def test_create_key_repeated_with_idempotency_key_conflicts(vendor_a: httpx.Client, vendor_b: httpx.Client) -> None:
    headers = {"Idempotency-Key": "key-4711"}
    key = vendor_a.post("/v1/keys", json={"name": "once"}, headers=headers).json()
    repeated = vendor_a.post("/v1/keys", json={"name": "once"}, headers=headers)
    assert (repeated.status_code, repeated.json()["type"]) == (409, "/problems/conflict")
    assert key["key_id"] in repeated.json()["detail"]
    assert key["key"] not in repeated.text
    items = [item["key_id"] for item in vendor_a.get("/v1/keys").json()["items"]]
    assert items.count(key["key_id"]) == 1
    other_response = vendor_b.post("/v1/keys", json={"name": "once"}, headers=headers)
    assert (other_response.status_code, other_response.json()["key_id"] == key["key_id"]) == (201, False)


def test_expired_api_key_is_rejected(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    key = new_key(vendor_a)
    pipeline.connection.execute(
        "update api_keys set expires_at = now() - interval '1 second' where key_id = %s", (key["key_id"],)
    )
    with key_client(pipeline, key["key"]) as program:
        response = program.get("/v1/uploads")
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer onb_x_y", "Bearer \u00e9", "bearer " + "x" * 5000],
)
def test_invalid_api_key_with_a_valid_session_is_rejected(vendor_a: httpx.Client, authorization: str) -> None:
    headers = {b"Authorization": authorization.encode("latin-1")}
    assert vendor_a.get("/v1/uploads", headers=headers).status_code == 401


def test_suspended_vendor_may_only_read(pipeline: Pipeline, operator: httpx.Client) -> None:
    with closing(signed_in(pipeline, pipeline.vendor("SIGNIN6"))) as client:
        key = new_key(client)
        changed = operator.patch("/v1/operator/vendors/SIGNIN6", json={"status": "suspended"})
        assert changed.json()["status"] == "suspended"
        with key_client(pipeline, key["key"]) as program:
            for sender in (client, program):
                assert sender.get("/v1/uploads").status_code == 200
                rejected = sender.post("/v1/upload-sessions", json={"file_name": "x.csv"})
                assert (rejected.status_code, rejected.json()["type"]) == (403, "/problems/account-suspended")


def test_request_for_another_host_is_rejected(pipeline: Pipeline) -> None:
    with browser(pipeline, Host="evil.example") as client:
        assert client.get("/v1/openapi.json").status_code == 400


def test_every_response_has_security_headers(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    app = create_test_app(pipeline)
    monkeypatch.setattr(app.state.pool, "run", fail)
    with browser(pipeline) as client:
        responses = [client.get(path) for path in ("/v1/openapi.json", "/v1/uploads", "/nowhere", "/sign-in/x")]
        # Server errors, as a page and as a problem document.
        responses += [send_to_app(app, client, "GET", path) for path in ("/sign-in/x", "/v1/operator/overview")]
        responses += [send_to_app(app, client, "GET", "/v1/uploads", headers={"Authorization": "Bearer onb_x"})]
        assert [response.status_code for response in responses] == [200, 401, 404, 410, 500, 401, 500]
        for response in responses:
            headers = response.headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe-inline" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-store"


def test_log_contains_no_secrets(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    key = new_key(vendor_a)
    token = request_sign_in_token(pipeline, "venda@vendors.example")
    with browser(pipeline) as client:
        client.get(f"/sign-in/{token}")
        client.get("/v1/session", headers={"Authorization": f"Bearer {key['key']}"})
    text = (Path(pipeline.endpoints.log_dir) / "portal.log").read_text()
    assert '"route":"/sign-in/{token}"' in text
    assert '"actor":"key:' in text
    for secret in (key["key"], token, vendor_a.cookies["onboarding_session"], vendor_a.headers["X-CSRF-Token"]):
        assert secret not in text
