"""What an attacker tries, and the count of what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import Mount, Route

from onboarding.config import Settings
from onboarding.domain.resource_names import resource_name
from onboarding.runtime import AppContext
from onboarding.web.app import create_app
from tests.support.postgres_fixtures import open_database
from tests.support.running_pipeline import Pipeline

INJECTIONS = (
    "' or '1'='1",
    "'; reset role; select * from products; --",
    '"><script>alert(1)</script>',
    "=cmd|'/C calc'!A0",
)


@dataclass
class Attempts:
    """Every attempt is counted; one that got something or changed something is a success, and a failure of ours."""

    made: int = 0
    successes: list[str] = field(default_factory=list)

    def count(self, what: str, *, succeeded: bool) -> None:
        self.made += 1
        if succeeded:
            self.successes.append(what)


@dataclass(frozen=True)
class Belongings:
    """What vendor A has that nobody else may see: ids to guess, and words that stand in its data alone."""

    upload_id: str
    upload_session_id: str
    key_id: str
    link: str
    words: tuple[str, ...]

    def seen_in(self, answer: httpx.Response, sent: str) -> bool:
        """Whether an answer tells something of A's that was not in the question."""
        text = answer.text + json.dumps(dict(answer.headers))
        return any(word in text and word not in sent for word in self.words)


def app_of(pipeline: Pipeline, **environment: str) -> FastAPI:
    """The app as it is served, to ask it for its routes, or to have something in it fail or be set differently."""
    settings = Settings(pipeline.endpoints.environment() | {"PORTAL_URL": pipeline.endpoints.portal_url} | environment)
    ctx = AppContext(settings)
    ctx.__dict__["s3"] = pipeline.s3
    return create_app(ctx)


@contextmanager
def working_app(pipeline: Pipeline, **environment: str) -> Iterator[FastAPI]:
    """The same with a way to the engine's database and functions."""
    app = app_of(pipeline, **environment)
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


def answer_of(app: FastAPI, client: httpx.Client, method: str, path: str, **content: Any) -> httpx.Response:
    """What an app of this process answers to whoever sits at `client`."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        asking = httpx.AsyncClient(
            transport=transport, base_url=client.base_url, headers=client.headers, cookies=client.cookies
        )
        async with asking:
            return await asking.request(method, path, **content)

    # In a thread of its own: where a browser is at work, this one has a loop already.
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(lambda: asyncio.run(ask())).result()


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the app answers, pages among them; none can be forgotten."""
    found: list[tuple[str, str]] = []

    def walk(routes: Any) -> None:
        for route in routes:
            if isinstance(route, Route):
                found.extend((method, route.path) for method in sorted((route.methods or set()) - {"HEAD"}))
            elif isinstance(route, Mount):
                found.append(("GET", f"{route.path}/{{path}}"))
            else:
                # FastAPI keeps a router that was included as it is.
                walk(route.original_router.routes)

    walk(app.routes)
    return found


def addresses(path: str, theirs: Belongings, own_upload: str) -> Iterator[str]:
    """A route with A's things for its parameters: plain, and dressed up to pass as somebody else's."""
    values = {
        "{upload_id}": theirs.upload_id,
        "{upload_session_id}": theirs.upload_session_id,
        "{key_id}": theirs.key_id,
        "{vendor_id}": "VENDA",
        "{category_id}": "1",
        "{queue}": "csv-parser-failures",
        "{digest}": "x",
        "{name}": "x",
        "{token}": theirs.link,
    }
    plain = path
    for name, value in values.items():
        plain = plain.replace(name, value)
    yield plain
    if plain == path:
        yield f"{path}?vendor_id=VENDA"
        yield f"{path}?vendor_id=VENDA&vendor_id=VENDB"
        return
    for name, value in values.items():
        if name in path:
            for dressed in (
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
                yield path.replace(name, dressed)


BODIES: dict[str, Any] = {
    "POST /v1/upload-sessions": {"file_name": "../VENDA/stolen.csv"},
    "POST /v1/keys": {"name": "mine", "scopes": ["uploads:read"], "vendor_id": "VENDA"},
    "POST /v1/sign-in": {"email": "nobody@nowhere.example"},
    "POST /v1/operator/vendors": {"vendor_id": "EVIL", "vendor_name": "Evil", "email": "evil@evil.example"},
    "POST /v1/operator/categories": {"category_name": "Evil"},
    "PATCH /v1/operator/vendors/{vendor_id}": {"status": "suspended"},
    "PATCH /v1/operator/categories/{category_id}": {"is_active": False},
    "PUT /v1/webhook": {"url": "https://evil.example/hook", "vendor_id": "VENDA"},
}


FORMS: dict[str, dict[str, str | list[str]]] = {
    "POST /keys": {"name": "mine", "scopes": ["uploads:read"], "days": "30", "vendor_id": "VENDA"},
    "POST /webhook": {"url": "https://evil.example/hook", "vendor_id": "VENDA"},
    "POST /operator/vendors": {"vendor_id": "EVIL", "vendor_name": "Evil", "email": "evil@evil.example"},
    "POST /operator/vendors/{vendor_id}": {"vendor_name": "Evil", "email": "evil@evil.example"},
    "POST /operator/vendors/{vendor_id}/status": {"status": "suspended"},
    "POST /operator/categories": {"category_name": "Evil"},
    "POST /operator/categories/{category_id}": {"is_active": "false"},
}
"""The same for pages. Every form of the portal that says more than where it is sent is here: a test holds it so."""


def sent(client: httpx.Client, method: str, path: str, address: str) -> httpx.Response:
    """Ask an address of a route, with what the route takes."""
    route = f"{method} {path}"
    return client.request(method, address, json=BODIES.get(route), data=FORMS.get(route))


def fingerprint(pipeline: Pipeline, vendor_id: str) -> str:
    """Everything that the stores hold of a vendor, as one hash: it must be the same after an attack."""
    digest = hashlib.sha256()
    tables = pipeline.connection.execute(
        "select table_name from information_schema.columns "
        "where table_schema = 'public' and column_name = 'vendor_id' order by table_name"
    ).fetchall()
    for (table,) in tables:
        # The use of a key is stamped on it: that is no change of hers.
        query = f"select to_jsonb(t) - 'last_used_at' from {table} t where vendor_id = %s order by 1"  # noqa: S608
        digest.update(str(pipeline.connection.execute(query, (vendor_id,)).fetchall()).encode())
    listed = pipeline.s3.list_object_versions(Bucket=pipeline.endpoints.bucket)
    for version in listed.get("Versions", []):
        if f"/{vendor_id}/" in version["Key"]:
            digest.update(f"{version['Key']} {version['VersionId']} {version['ETag']}".encode())
    told = pipeline.dynamodb.query(
        TableName=resource_name("webhooks"),
        KeyConditionExpression="vendor_id = :vendor",
        ExpressionAttributeValues={":vendor": {"S": vendor_id}},
    )
    digest.update(str(told["Items"]).encode())
    return digest.hexdigest()
