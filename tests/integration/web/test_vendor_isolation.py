"""Vendor B tries everything to see or touch what is vendor A's: every route, every store. Nothing may come of it.

The routes are asked of the app itself, and the tables of the database, so what is added later is tried too.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
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
from onboarding.web.app import PAGES
from onboarding.web.tokens import generate_secret, hash_secret
from tests.support.api_clients import browser, links, new_key, new_link, post_form, upload, with_key
from tests.support.isolation_attempts import (
    FORMS,
    INJECTIONS,
    Attempts,
    Belongings,
    addresses,
    app_of,
    fingerprint,
    routes_of,
    sent,
)
from tests.support.running_pipeline import Pipeline, csv_of, product

PUBLIC = {
    "/v1/sign-in",
    "/v1/session",
    "/v1/openapi.json",
    "/sign-in",
    "/sign-in/{token}",
    "/static/{digest}/{name}",
}
"""What answers to nobody in particular. A test below holds every other route shut."""

OPERATORS = re.compile(r"/(v1/)?operator(/|$)")
"""What is for operators alone."""

ENDING = {"/v1/sessions", "/sign-out/everywhere"}
"""What ends B's own sessions, which are still needed."""

WORD = "Zephyrhills"
"""Stands in vendor A's data alone."""


@pytest.fixture(scope="module")
def attempts() -> Attempts:
    return Attempts()


@pytest.fixture(scope="module")
def theirs(pipeline: Pipeline, vendor_a: httpx.Client) -> Belongings:
    """What A has."""
    rows = [product(f"{WORD}-1", product_name=f"{WORD} one"), product(f"{WORD}-2", price="-1", brand=WORD)]
    done = upload(vendor_a, pipeline, csv_of(rows), f"{WORD}.csv")
    upload_session = vendor_a.post("/v1/upload-sessions", json={"file_name": f"{WORD}.csv"}).json()
    made = new_key(vendor_a)
    vendor_a.put("/v1/webhook", json={"url": f"https://{WORD}.example/hook"})
    link = new_link(pipeline, "venda@vendors.example")
    with browser(pipeline) as client:  # used, and so to be replayed
        assert client.post("/v1/session", json={"token": link}).status_code == 201
    words = (
        WORD,
        done.upload_id,
        upload_session["upload_session_id"],
        made["key_id"],
        "VENDA",
        "venda@vendors.example",
    )
    return Belongings(done.upload_id, upload_session["upload_session_id"], made["key_id"], link, words)


@pytest.fixture(scope="module")
def own_upload(pipeline: Pipeline, vendor_b: httpx.Client) -> str:
    return upload(vendor_b, pipeline, csv_of([product("b-own"), product("b-bad", price="x")])).upload_id


@pytest.fixture(scope="module")
def routes(pipeline: Pipeline) -> list[tuple[str, str]]:
    return routes_of(app_of(pipeline))


@dataclass(frozen=True)
class Attack:
    """Who attacks with what, and whom."""

    pipeline: Pipeline
    routes: list[tuple[str, str]]
    theirs: Belongings
    own_upload: str
    attempts: Attempts


@pytest.fixture(scope="module")
def attack(
    pipeline: Pipeline, routes: list[tuple[str, str]], theirs: Belongings, own_upload: str, attempts: Attempts
) -> Attack:
    return Attack(pipeline, routes, theirs, own_upload, attempts)


@pytest.fixture(scope="module")
def program_b(pipeline: Pipeline, vendor_b: httpx.Client) -> Iterator[httpx.Client]:
    """A program with a key of B that may do all that a key may."""
    with closing(with_key(pipeline, new_key(vendor_b)["key"])) as client:
        yield client


def test_attempts_cover_every_route(routes: list[tuple[str, str]], pipeline: Pipeline) -> None:
    with browser(pipeline) as client:
        described = client.get("/v1/openapi.json").json()["paths"]
    told = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert told <= set(routes)
    assert len(told) > 40
    # The pages are no part of the description, and are walked all the same.
    pages = set(routes) - told
    assert {("GET", "/"), ("GET", "/sign-in/{token}"), ("POST", "/keys/{key_id}/revoke")} < pages
    # A form that is sent without its fields is refused for that alone, and proves nothing.
    forms = [route for router in PAGES for route in router.routes if isinstance(route, APIRoute)]
    assert {f"POST {route.path}" for route in forms if route.dependant.body_params} == set(FORMS)


@pytest.mark.parametrize("who", ["session", "key"])
def test_every_route_with_ids_of_another_vendor_is_not_found(
    attack: Attack, vendor_b: httpx.Client, program_b: httpx.Client, who: str
) -> None:
    pipeline, attempts, theirs = attack.pipeline, attack.attempts, attack.theirs
    client = vendor_b if who == "session" else program_b
    before = fingerprint(pipeline, "VENDA")
    for method, path in attack.routes:
        if path.startswith("/sign-out") or (method, path) in {("DELETE", "/v1/session"), ("DELETE", "/v1/sessions")}:
            continue  # B's own, which is still needed
        for address in addresses(path, theirs, attack.own_upload):
            answer = sent(client, method, path, address)
            assert answer.status_code < 500, f"{method} {address}: {answer.text}"
            guessed = "{" in path and path not in PUBLIC and answer.status_code < 400
            reached = OPERATORS.match(path) is not None and answer.status_code < 400
            told = theirs.seen_in(answer, f"{address} {answer.request.content.decode()}")
            attempts.count(f"{who}: {method} {address} -> {answer.status_code}", succeeded=guessed or reached or told)
            if "{" in path and "/../" not in address and "%2F" not in address:
                assert answer.status_code in {404, 405, 410, 422}, f"{method} {address}: {answer.status_code}"
    attempts.count("something of A's was changed", succeeded=fingerprint(pipeline, "VENDA") != before)
    assert attempts.successes == []


def scope_of(method: str, path: str) -> str:
    """What a key needs for an address, as docs/api.md says it: to look, to change, or for the account itself."""
    if re.match(r"/(v1/)?(keys|webhook)(/|$)", path) or path in ENDING:
        return "admin"
    return "uploads:read" if method == "GET" or path in {"/v1/dry-runs", "/preview"} else "uploads:write"


@pytest.mark.parametrize("scope", SCOPES)
def test_api_key_without_the_scope_is_forbidden_on_every_route(
    attack: Attack, vendor_b: httpx.Client, scope: str
) -> None:
    with with_key(attack.pipeline, new_key(vendor_b, scope)["key"]) as client:
        for method, path in attack.routes:
            if path in PUBLIC or path == "/sign-out" or (scope == "admin" and path in ENDING):
                continue
            address = next(addresses(path, attack.theirs, attack.own_upload))
            answer = sent(client, method, path, address)
            what = f"a key for {scope}: {method} {address} -> {answer.status_code}"
            if OPERATORS.match(path):
                assert answer.status_code == 404, what
            elif scope_of(method, path) != scope:
                attack.attempts.count(what, succeeded=answer.status_code != 403)
                assert answer.status_code == 403, what
            elif path not in {"/v1/keys", "/keys"} or method != "POST":  # whose scopes this key does not have itself
                assert answer.status_code not in {401, 403}, what


def turned_away(answer: httpx.Response) -> bool:
    """Refused, or led to the sign-in as people are."""
    return answer.status_code in {401, 422} or (answer.status_code == 303 and answer.headers["location"] == "/sign-in")


def test_every_route_without_valid_credentials_is_unauthenticated(
    attack: Attack, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    pipeline, attempts, theirs = attack.pipeline, attack.attempts, attack.theirs
    session = vendor_a.cookies["onboarding_session"]
    revoked, expired = new_key(vendor_a), new_key(vendor_a)
    assert vendor_a.delete(f"/v1/keys/{revoked['key_id']}").status_code == 204
    pipeline.connection.execute("update api_keys set expires_at = now() where key_id = %s", (expired["key_id"],))
    ended = generate_secret()
    pipeline.connection.execute(
        "insert into sessions (session_sha256, vendor_id, expires_at, ended_at) "
        "values (%s, 'VENDA', now() + interval '1 hour', now())",
        (hash_secret(ended),),
    )
    digest = pipeline.connection.execute("select encode(session_sha256, 'hex') from sessions limit 1").fetchone()
    forged = {
        "nothing": {},
        "a revoked key": {"Authorization": f"Bearer {revoked['key']}"},
        "an expired key": {"Authorization": f"Bearer {expired['key']}"},
        "a key's id with another secret": {"Authorization": f"Bearer onb_{theirs.key_id}_{generate_secret()}"},
        "a session as a key": {"Authorization": f"Bearer {session}"},
        "a key as a session": {"Cookie": f"onboarding_session={new_key(vendor_a)['key']}"},
        "a session that has ended": {"Cookie": f"onboarding_session={ended}"},
        "a session but for one letter": {
            "Cookie": f"onboarding_session={session[:-1]}{'A' if session[-1] != 'A' else 'B'}"
        },
        "a session's hash": {"Cookie": f"onboarding_session={digest and digest[0]}"},
        "the vendor's name": {"Cookie": "onboarding_session=VENDA", "X-Vendor-Id": "VENDA"},
    }
    before = fingerprint(pipeline, "VENDA")
    for what, headers in forged.items():
        with browser(pipeline, **headers) as client:
            for method, path in attack.routes:
                if path in PUBLIC and (method, path) != ("GET", "/v1/session"):
                    continue
                address = next(addresses(path, theirs, attack.own_upload))
                answer = sent(client, method, path, address)
                attempts.count(
                    f"{what}: {method} {address} -> {answer.status_code}",
                    succeeded=not turned_away(answer) or theirs.seen_in(answer, address),
                )
                assert turned_away(answer), f"{what}: {method} {address}: {answer.status_code}"
    # A's session in B's hands is good; without A's page it changes nothing all the same.
    with browser(pipeline, Cookie=f"onboarding_session={session}") as client:
        for token in ("", vendor_b.headers["X-CSRF-Token"]):
            answer = client.post("/v1/upload-sessions", json={"file_name": "x.csv"}, headers={"X-CSRF-Token": token})
            attempts.count(f"A's cookie with B's token -> {answer.status_code}", succeeded=answer.status_code < 400)
    attempts.count("something of A's was changed", succeeded=fingerprint(pipeline, "VENDA") != before)
    assert attempts.successes == []


def test_injected_text_in_parameters_is_treated_as_text(
    vendor_b: httpx.Client, own_upload: str, theirs: Belongings, attempts: Attempts
) -> None:
    for text in INJECTIONS:
        answers = [
            vendor_b.get("/v1/uploads", params={"vendor_id": text}),
            vendor_b.get("/v1/uploads", params={"status": text}),
            vendor_b.get("/v1/uploads", params={"cursor": text}),
            vendor_b.get(f"/v1/uploads/{own_upload}/errors", params={"error_type": text}),
            vendor_b.get(f"/v1/uploads/{own_upload}/errors", params={"column": text}),
            vendor_b.get(f"/v1/uploads/{own_upload}/errors", params={"value": text}),
            vendor_b.post(
                "/v1/upload-sessions", json={"file_name": f"{text}.csv"}, headers={"Idempotency-Key": "x" + text[:1]}
            ),
            vendor_b.post("/v1/keys", json={"name": text}),
            vendor_b.post("/v1/sign-in", json={"email": f"{text}@x.example"}),
        ]
        for answer in answers:
            assert answer.status_code < 500, answer.text
            assert answer.headers["content-type"] in {"application/json", "application/problem+json"}
            attempts.count(f"{answer.request.method} {answer.url}", succeeded=theirs.seen_in(answer, text))


def test_bucket_objects_of_another_vendor_are_unreachable(attack: Attack, vendor_b: httpx.Client) -> None:
    pipeline, attempts, theirs = attack.pipeline, attack.attempts, attack.theirs
    their_upload, upload_session = (
        pipeline.upload(theirs.upload_id),
        vendor_b.post("/v1/upload-sessions", json={"file_name": "b.csv"}).json(),
    )
    assert their_upload is not None
    assert their_upload.error_file_s3_key is not None
    before = fingerprint(pipeline, "VENDA")
    own_key = upload_session["form"]["fields"]["key"]
    for key in (
        "uploads/VENDA/stolen.csv",
        "uploads/VENDB/../VENDA/stolen.csv",
        "uploads/VENDB%2F..%2FVENDA/stolen.csv",
        f"{own_key}/../../../VENDA/stolen.csv",
        "uploads//VENDA/stolen.csv",
        their_upload.s3_key,
        their_upload.error_file_s3_key,
        "errors/VENDB/x.csv",
    ):
        answer = post_form(upload_session, b"x", key=key)
        attempts.count(f"form with key {key} -> {answer.status_code}", succeeded=answer.status_code < 400)
    signed = vendor_b.get(f"/v1/uploads/{attack.own_upload}/report").headers["location"]
    parts = urlsplit(signed)
    own_report = re.search(r"errors/VENDB/[^?]*", signed)
    assert own_report is not None
    for key in (
        their_upload.error_file_s3_key,
        f"errors/VENDB/../VENDA/{their_upload.upload_id}_errors.csv",
        f"errors/VENDB%2F..%2FVENDA/{their_upload.upload_id}_errors.csv",
        their_upload.s3_key,
    ):
        for address in (
            signed.replace(own_report[0], key),
            f"{parts.scheme}://{parts.netloc}/{pipeline.endpoints.bucket}/{key}",
        ):
            answer = httpx.get(address, trust_env=False)
            attempts.count(f"GET {address} -> {answer.status_code}", succeeded=answer.status_code < 400)
        answer = httpx.put(signed.replace(own_report[0], key), content=b"x", trust_env=False)
        attempts.count(f"PUT {key} -> {answer.status_code}", succeeded=answer.status_code < 400)
    attempts.count("something of A's was changed", succeeded=fingerprint(pipeline, "VENDA") != before)
    assert attempts.successes == []


def test_row_level_security_hides_rows_of_another_vendor(
    pipeline: Pipeline, theirs: Belongings, attempts: Attempts
) -> None:
    tables = pipeline.connection.execute(
        "select t.table_name, bool_or(c.column_name = 'vendor_id'), bool_or(c.column_name = 'upload_id') "
        "from information_schema.tables t join information_schema.columns c using (table_schema, table_name) "
        "where t.table_schema = 'public' and t.table_type = 'BASE TABLE' group by 1 order by 1"
    ).fetchall()
    assert len(tables) > 15
    before = fingerprint(pipeline, "VENDA")

    def tried(text: str) -> int:
        """Return how many rows a statement reaches as vendor B; 0 if it is not permitted."""
        try:
            with pipeline.connection.transaction(force_rollback=True):
                pipeline.connection.execute(query("restrict_to_vendor"), {"vendor_id": "VENDB"})
                rows = pipeline.connection.execute(text).rowcount
                return 1 if rows < 0 else int(rows)  # what is no question of rows was done
        except psycopg.Error:
            return 0

    for table, has_vendor, has_upload in tables:
        condition = (
            "vendor_id = 'VENDA'" if has_vendor else f"upload_id = '{theirs.upload_id}'" if has_upload else "true"
        )
        if table == "product_categories":
            continue  # the same for all, to read; nothing to write
        for text in (
            f"select 1 from {table} where {condition}",  # noqa: S608 - names of our own tables
            f"select count(*) from {table} where {condition} having count(*) > 0",  # noqa: S608
            f"delete from {table} where {condition}",  # noqa: S608
            f"select * from {table} where {condition} for update",  # noqa: S608
            f"insert into {table} select * from {table} where {condition}",  # noqa: S608
        ):
            attempts.count(text, succeeded=tried(text) > 0)
        if has_vendor:
            attempts.count(
                f"give {table} to A",
                succeeded=tried(f"update {table} set vendor_id = 'VENDA'") > 0,  # noqa: S608
            )
    writes = (
        "update product_categories set is_active = false",
        "insert into product_categories (category_name) values ('Evil')",
        "update vendors set status = 'active'",
        "update upload_history set status = 'completed' where vendor_id = 'VENDB'",
        "insert into vendors (vendor_id, vendor_name, email) values ('VENDB2', 'x', 'x')",
        "select key_sha256 from api_keys",
        "insert into webhooks (vendor_id, url, secret) values ('VENDA', 'https://evil.example', 'x')",
        "insert into revoked_report_links (s3_key, vendor_id, revoked_by) values ('x', 'VENDA', 'x')",
        "create table evil ()",
        "copy products to '/tmp/stolen.csv'",
    )
    for text in writes:
        attempts.count(text, succeeded=tried(text) > 0)
    # Whoever forgets to say which vendor it is sees nothing, not everything.
    with pipeline.connection.transaction(force_rollback=True):
        pipeline.connection.execute("set local role onboarding_vendor")
        found = pipeline.connection.execute("select count(*) from products").fetchone()
    attempts.count("no vendor named", succeeded=found != (0,))
    attempts.count("something of A's was changed", succeeded=fingerprint(pipeline, "VENDA") != before)
    assert attempts.successes == []


def _too_old(pipeline: Pipeline, report_key: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A link that was ours until a second ago."""
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
    theirs: Belongings,
    attempts: Attempts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = f"{pipeline.endpoints.link_base_url}/reports"
    found = re.search(r"/reports/(\S+)", pipeline.mail(theirs.upload_id).text)
    assert found is not None
    good = found[1]

    def leads_to(token: str) -> bool:
        answer = httpx.get(f"{base}/{token}", trust_env=False, timeout=30)
        return answer.status_code in {200, 302}

    assert leads_to(good)
    key = f"errors/VENDA/{theirs.upload_id}_errors.csv"
    payload, rest = good.split(".", 1)
    for token in (
        sign_report_link(key, {"current": "x" * 64}),
        _too_old(pipeline, key, monkeypatch),
        f"{payload}.{rest[:-3]}AAA",
        f"{payload}x.{rest}",
        payload,
        f"{payload}..",
        key,
        f"..%2F{good}",
        f"{good}%00",
        "",
    ):
        attempts.count(f"report link {token}", succeeded=leads_to(token))
    with browser(pipeline) as client:
        for token in (theirs.link, theirs.link[:-1], links(pipeline, "venda@vendors.example")[0], "x" * 43):
            for answer in (client.post("/v1/session", json={"token": token}), client.post(f"/sign-in/{token}")):
                attempts.count(f"sign-in link {token} -> {answer.status_code}", succeeded=answer.status_code < 400)
                assert "set-cookie" not in answer.headers
    assert vendor_a.delete(f"/v1/uploads/{theirs.upload_id}/links").status_code == 204
    attempts.count("a revoked report link", succeeded=leads_to(good))
    shown = vendor_a.get(f"/v1/uploads/{theirs.upload_id}/links").json()
    assert shown["revoked_at"] is not None
    assert [use["outcome"] for use in shown["uses"]] == ["revoked", "expired", "followed"]


def test_duplicate_sku_error_reveals_nothing_of_the_other_product(
    pipeline: Pipeline, vendor_b: httpx.Client, theirs: Belongings, attempts: Attempts
) -> None:
    content = csv_of([product("clash", sku=f"SKU-{WORD}-1")])
    done = upload(vendor_b, pipeline, content, "clash.csv")
    for path in ("errors", "summary"):
        answer = vendor_b.get(f"/v1/uploads/{done.upload_id}/{path}")
        attempts.count(f"{path} of a duplicate", succeeded="VENDA" in answer.text or f"{WORD} one" in answer.text)
    dry = vendor_b.post("/v1/dry-runs", content=csv_of([product("clash2", sku=f"SKU-{WORD}-1")]))
    attempts.count("dry run of a duplicate", succeeded="VENDA" in dry.text or f"{WORD} one" in dry.text)
    mail = pipeline.mail(done.upload_id).text
    attempts.count("mail of a duplicate", succeeded="VENDA" in mail or f"{WORD} one" in mail)


TEXTS = tuple(TEXT_COLUMNS)


def test_formulas_and_markup_in_every_column_stay_text(
    pipeline: Pipeline, vendor_b: httpx.Client, attempts: Attempts
) -> None:
    for number, evil in enumerate(("=1+1", "+1", "@SUM(A1)", "-2+3", "\t=1", "<img src=x onerror=alert(1)>")):
        rows = [product(f"evil-{number}-{column}", price="-1", **{column: evil}) for column in TEXTS]
        done = upload(vendor_b, pipeline, csv_of(rows), f"{evil.strip()}.csv")
        for kind in ("report", "fix-file"):
            location = vendor_b.get(f"/v1/uploads/{done.upload_id}/{kind}").headers["location"]
            fetched = httpx.get(location, trust_env=False)
            assert fetched.headers["content-disposition"].startswith("attachment")
            for row in csv.reader(io.StringIO(fetched.content.decode("utf-8-sig"))):
                for cell in row:
                    runs = re.match(r"[=@\t\r]|[+-](?![0-9]+(\.[0-9]+)?$)", cell) is not None
                    attempts.count(f"{kind}: {cell!r}", succeeded=runs)
        answer = vendor_b.get(f"/v1/uploads/{done.upload_id}/errors")
        attempts.count(f"errors with {evil}", succeeded="html" in answer.headers["content-type"])
        for page in ("/", "/uploads", f"/uploads/{done.upload_id}", f"/uploads/{done.upload_id}/errors"):
            answer = vendor_b.get(page)
            assert answer.status_code == 200, page
            attempts.count(f"{page} with {evil}", succeeded="<img src=x" in answer.text)


def test_attempts_changed_nothing_of_the_other_vendor(attempts: Attempts, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nisolation: {attempts.made} attempts, {len(attempts.successes)} successes")
    assert attempts.made > 1000
    assert attempts.successes == []
