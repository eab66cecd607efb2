"""Links by mail, sessions, keys: what opens a door opens it once, for long enough, and for nobody else."""

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
from tests.support.api_clients import browser, forget_requests, links, new_key, new_link, signed_in, with_key
from tests.support.isolation_attempts import answer_of, app_of, working_app
from tests.support.running_pipeline import Pipeline, wait_until


def test_sign_in_link_works_once(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN1")
    token = new_link(pipeline, email)
    with browser(pipeline) as client:
        for _ in range(3):  # a mail scanner looks at it
            page = client.get(f"/sign-in/{token}")
            assert page.status_code == 200
        assert f'method="post" action="/sign-in/{token}"' in page.text
        answer = client.post(f"/sign-in/{token}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie, "plain HTTP on this machine"
        assert client.get("/v1/session").json()["vendor_id"] == "SIGNIN1"
        assert client.post(f"/sign-in/{token}").status_code == 410
        assert client.get(f"/sign-in/{token}").status_code == 410
    kept = pipeline.connection.execute(
        "select count(*) from sign_in_links where link_sha256 = %s", (hash_secret(token),)
    )
    assert kept.fetchone() == (1,), "as its hash alone"


def test_expired_sign_in_link_is_rejected(pipeline: Pipeline) -> None:
    token = new_link(pipeline, pipeline.vendor("SIGNIN2"))
    pipeline.connection.execute(
        "update sign_in_links set expires_at = now() - interval '1 second' where link_sha256 = %s",
        (hash_secret(token),),
    )
    with browser(pipeline) as client:
        assert client.post("/v1/session", json={"token": token}).status_code == 410


def test_sign_in_with_unknown_address_gets_the_same_response(pipeline: Pipeline) -> None:
    known = pipeline.vendor("SIGNIN3")
    answers = set()
    with browser(pipeline) as client:
        for email in (known, "nobody@nowhere.example"):
            forget_requests(pipeline)
            answer = client.post("/v1/sign-in", json={"email": email})
            answers.add((answer.status_code, answer.content, str(sorted(answer.headers))))
            assert answer.elapsed.total_seconds() >= MINIMUM_SECONDS, "as long as a known address takes"
    assert len(answers) == 1
    wait_until(lambda: len(links(pipeline, known)) == 1, "the mail to the known address")
    assert links(pipeline, "nobody@nowhere.example") == []


def test_sign_in_calls_the_mailer_for_every_address_alike(pipeline: Pipeline) -> None:
    """The mail service's time and its faults tell nothing of an address."""
    called: list[dict[str, Any]] = []
    known = pipeline.vendor("SIGNIN7")
    with working_app(pipeline) as app, browser(pipeline) as client:
        app.state.pool.ctx.__dict__["lambdas"] = SimpleNamespace(invoke=lambda **call: called.append(call))
        for email in (known, "nobody@nowhere.example"):
            forget_requests(pipeline)
            answer = answer_of(app, client, "POST", "/v1/sign-in", json={"email": email})
            assert answer.status_code == 202
    assert [(call["FunctionName"], call["InvocationType"]) for call in called] == [
        ("product-onboarding-mailer", "Event")
    ] * 2
    mails = [SignInEmail(**json.loads(call["Payload"])["sign_in"]) for call in called]
    assert [len(mail.links) for mail in mails] == [1, 0]


@pytest.mark.parametrize("email", ["", "nobody@nowhere.example"], ids=["known", "unknown"])
def test_sign_in_that_cannot_call_the_mailer_is_a_server_error(pipeline: Pipeline, email: str) -> None:
    """The alarm `api-error-rate` counts it. The response does not depend on the address."""

    def invoke(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")

    email = email or pipeline.vendor("SIGNIN11")
    forget_requests(pipeline)
    with working_app(pipeline) as app, browser(pipeline) as client:
        app.state.pool.ctx.__dict__["lambdas"] = SimpleNamespace(invoke=invoke)
        assert answer_of(app, client, "POST", "/v1/sign-in", json={"email": email}).status_code == 500


def test_sign_in_mail_that_is_refused_ends_in_the_failure_queue(ctx: AppContext, pipeline: Pipeline) -> None:
    """Its alarm is `mailer-failures-not-empty`."""
    email = pipeline.vendor("SIGNIN12")
    forget_requests(pipeline)
    url = pipeline.sqs.get_queue_url(QueueName=resource_name("mailer-failures"))["QueueUrl"]
    pipeline.sqs.purge_queue(QueueUrl=url)
    inbox = Path(pipeline.endpoints.inbox_dir)
    away = inbox.rename(inbox.with_name("inbox-away"))
    try:
        with browser(pipeline) as client:
            assert ask(client, email).status_code == 202
        wait_until(lambda: count_failures_in(ctx, "mailer-failures"), "every attempt to send the mail to fail")
        [failure] = peek_failures(ctx, "mailer-failures")
    finally:
        away.rename(inbox)
        pipeline.sqs.purge_queue(QueueUrl=url)
    assert failure.about == f"the sign-in mail to {email}"
    assert "The inbox did not accept the e-mail" in failure.error


def ask(client: httpx.Client, email: str) -> httpx.Response:
    return client.post("/v1/sign-in", json={"email": email})


def links_made(pipeline: Pipeline, vendor_id: str) -> int:
    query = "select count(*) from sign_in_links where vendor_id = %s"
    [(count,)] = pipeline.connection.execute(query, (vendor_id,)).fetchall()
    return int(count)


def test_sign_in_requests_for_one_address_are_limited(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN4")
    forget_requests(pipeline)
    with browser(pipeline) as client:
        for _ in range(PER_ADDRESS + 2):
            assert ask(client, email.upper()).status_code == 202
        assert links_made(pipeline, "SIGNIN4") == PER_ADDRESS
        pipeline.connection.execute(
            "insert into sign_in_requests (subject) select 'ip:127.0.0.1' from generate_series(1, %s)", (PER_IP,)
        )
        refused = ask(client, "another@vendors.example")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    forget_requests(pipeline)


def test_sign_in_limit_used_up_by_others_leaves_the_owner_a_link_that_works(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN8")
    forget_requests(pipeline)
    with browser(pipeline) as client:
        for _ in range(PER_ADDRESS + 1):
            ask(client, email)
        assert links_made(pipeline, "SIGNIN8") == PER_ADDRESS
        # A pause later another link is mailed, although the limit of the hour is reached.
        pipeline.connection.execute(
            "update sign_in_requests set at = at - %s where subject = %s", (PAUSE, f"address:{email}")
        )
        ask(client, email)
        ask(client, email)
        assert links_made(pipeline, "SIGNIN8") == PER_ADDRESS + 1
    # So the newest link is never older than it lives.
    assert PAUSE < LINK_AGE
    forget_requests(pipeline)


def test_sign_in_limits_hold_for_requests_at_the_same_time(pipeline: Pipeline) -> None:
    email = pipeline.vendor("SIGNIN9")
    forget_requests(pipeline)
    with browser(pipeline) as client, ThreadPoolExecutor(40) as pool:
        statuses = Counter(answer.status_code for answer in pool.map(lambda _: ask(client, email), range(40)))
    assert statuses == {202: PER_IP, 429: 40 - PER_IP}
    assert links_made(pipeline, "SIGNIN9") == PER_ADDRESS
    forget_requests(pipeline)


def test_session_after_sign_out_is_invalid(pipeline: Pipeline) -> None:
    with closing(signed_in(pipeline, pipeline.vendor("SIGNIN5"))) as client:
        cookie = client.cookies["onboarding_session"]
        assert client.delete("/v1/session").status_code == 204
        with browser(pipeline, Cookie=f"onboarding_session={cookie}") as thief:
            assert thief.get("/v1/session").status_code == 401


def test_sign_out_everywhere_ends_every_session(pipeline: Pipeline) -> None:
    email = pipeline.vendor("ROAMING")
    with closing(signed_in(pipeline, email)) as here, closing(signed_in(pipeline, email)) as there:
        made = new_key(here)
        assert here.delete("/v1/sessions").status_code == 204
        assert {client.get("/v1/session").status_code for client in (here, there)} == {401}
        with with_key(pipeline, made["key"]) as program:
            assert program.get("/v1/session").status_code == 200
    with closing(signed_in(pipeline, email)) as again:
        assert again.get("/v1/session").status_code == 200


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
    meant = vendor_a.post("/v1/dry-runs", files={"file": b"x"}, data=form, headers={"X-CSRF-Token": ""})
    assert meant.status_code == 200
    assert (
        vendor_a.post("/v1/sign-in", json={"email": "a@b.c"}, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )


def test_api_key_is_limited_to_its_scopes(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    made = new_key(vendor_a, "uploads:read")
    assert made["key"].startswith(f"onb_{made['key_id']}_")
    with with_key(pipeline, made["key"]) as program:
        assert program.get("/v1/uploads").status_code == 200
        refused = program.post("/v1/upload-sessions", json={"file_name": "x.csv"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
        assert program.get("/v1/keys").status_code == 403
        listed = {key["key_id"]: key for key in vendor_a.get("/v1/keys").json()["items"]}
        assert listed[made["key_id"]]["last_used_at"] is not None
        assert "key" not in listed[made["key_id"]]
        assert vendor_a.delete(f"/v1/keys/{made['key_id']}").status_code == 204
        assert program.get("/v1/uploads").status_code == 401
    kept = pipeline.connection.execute("select key_sha256 from api_keys where key_id = %s", (made["key_id"],))
    assert kept.fetchone() == (hash_secret(made["key"]),)


def test_api_key_cannot_create_a_key_with_more_scopes(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    made = new_key(vendor_a, "admin", "uploads:read")
    with with_key(pipeline, made["key"]) as program:
        refused = program.post("/v1/keys", json={"name": "more", "scopes": ["uploads:read", "uploads:write"]})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
        same = program.post("/v1/keys", json={"name": "same", "scopes": ["admin", "uploads:read"]})
        assert same.status_code == 201
    listed = [key["name"] for key in vendor_a.get("/v1/keys").json()["items"]]
    assert ("more" in listed, "same" in listed) == (False, True)


def test_create_key_repeated_with_idempotency_key_conflicts(vendor_a: httpx.Client, vendor_b: httpx.Client) -> None:
    once = {"Idempotency-Key": "key-4711"}
    made = vendor_a.post("/v1/keys", json={"name": "once"}, headers=once).json()
    again = vendor_a.post("/v1/keys", json={"name": "once"}, headers=once)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    assert made["key_id"] in again.json()["detail"]
    assert made["key"] not in again.text
    listed = [key["key_id"] for key in vendor_a.get("/v1/keys").json()["items"]]
    assert listed.count(made["key_id"]) == 1
    other = vendor_b.post("/v1/keys", json={"name": "once"}, headers=once)
    assert (other.status_code, other.json()["key_id"] == made["key_id"]) == (201, False)


def test_expired_api_key_is_rejected(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    made = new_key(vendor_a)
    pipeline.connection.execute(
        "update api_keys set expires_at = now() - interval '1 second' where key_id = %s", (made["key_id"],)
    )
    with with_key(pipeline, made["key"]) as program:
        answer = program.get("/v1/uploads")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer onb_x_y", "Bearer \u00e9", "bearer " + "x" * 5000],
)
def test_invalid_api_key_with_a_valid_session_is_rejected(vendor_a: httpx.Client, authorization: str) -> None:
    headers = {b"Authorization": authorization.encode("latin-1")}
    assert vendor_a.get("/v1/uploads", headers=headers).status_code == 401


def test_suspended_vendor_may_only_read(pipeline: Pipeline, operator: httpx.Client) -> None:
    with closing(signed_in(pipeline, pipeline.vendor("SIGNIN6"))) as client:
        made = new_key(client)
        changed = operator.patch("/v1/operator/vendors/SIGNIN6", json={"status": "suspended"})
        assert changed.json()["status"] == "suspended"
        with with_key(pipeline, made["key"]) as program:
            for someone in (client, program):
                assert someone.get("/v1/uploads").status_code == 200
                refused = someone.post("/v1/upload-sessions", json={"file_name": "x.csv"})
                assert (refused.status_code, refused.json()["type"]) == (403, "/problems/account-suspended")


def test_request_for_another_host_is_rejected(pipeline: Pipeline) -> None:
    with browser(pipeline, Host="evil.example") as client:
        assert client.get("/v1/openapi.json").status_code == 400


def test_every_response_has_security_headers(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError

    app = app_of(pipeline)
    monkeypatch.setattr(app.state.pool, "run", fails)
    with browser(pipeline) as client:
        answers = [client.get(path) for path in ("/v1/openapi.json", "/v1/uploads", "/nowhere", "/sign-in/x")]
        # What went wrong with us, told to a program and to a reader.
        answers += [answer_of(app, client, "GET", path) for path in ("/sign-in/x", "/v1/operator/overview")]
        answers += [answer_of(app, client, "GET", "/v1/uploads", headers={"Authorization": "Bearer onb_x"})]
        assert [answer.status_code for answer in answers] == [200, 401, 404, 410, 500, 401, 500]
        for answer in answers:
            headers = answer.headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe-inline" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-store"


def test_log_contains_no_secrets(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    made = new_key(vendor_a)
    token = new_link(pipeline, "venda@vendors.example")
    with browser(pipeline) as client:
        client.get(f"/sign-in/{token}")
        client.get("/v1/session", headers={"Authorization": f"Bearer {made['key']}"})
    text = (Path(pipeline.endpoints.log_dir) / "portal.log").read_text()
    assert '"route":"/sign-in/{token}"' in text
    assert '"actor":"key:' in text
    for secret in (made["key"], token, vendor_a.cookies["onboarding_session"], vendor_a.headers["X-CSRF-Token"]):
        assert secret not in text
