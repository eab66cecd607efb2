"""The host of the bucket's forms and links, in every network and region, and the pages' policy for content."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from onboarding.config import Settings
from onboarding.deploy.plan import Plan
from onboarding.runtime import AppContext
from onboarding.web.app import create_app
from onboarding.web.portal.static_files import address
from tests.support.isolation_attempts import answer_of

BUCKET = "ecommerce-product-uploads-123456789012"
PORTAL = "https://portal.techmart.example"


def context_in(monkeypatch: pytest.MonkeyPatch, region: str, **environment: str) -> AppContext:
    """Return the context of the function `api` in a region."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, **keys, **environment}.items():
        monkeypatch.setenv(name, value)
    return AppContext(Settings({"S3_BUCKET_NAME": BUCKET, "PORTAL_URL": PORTAL}))


@pytest.mark.parametrize("outbound", ["ipv6", "nat", "endpoints"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "af-south-1"])
def test_signed_addresses_name_the_region_and_are_what_the_policy_allows(
    monkeypatch: pytest.MonkeyPatch, region: str, outbound: str
) -> None:
    dual_stack = Plan(outbound=outbound).dual_stack
    ctx = context_in(monkeypatch, region, AWS_USE_DUALSTACK_ENDPOINT=dual_stack)
    form = ctx.s3.generate_presigned_post(BUCKET, "uploads/VEND001/a.csv")["url"]
    link = ctx.s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "errors/VEND001/a.csv"})
    # The global host is that of us-east-1.
    regional = "s3.amazonaws.com" if region == "us-east-1" else f"s3.{region}.amazonaws.com"
    host = f"{BUCKET}.{f's3.dualstack.{region}.amazonaws.com' if dual_stack == 'true' else regional}"
    assert [urlsplit(url).hostname for url in (form, link)] == [host, host]
    with httpx.Client(base_url=PORTAL) as client:
        response = answer_of(create_app(ctx), client, "GET", address("app.js"))
    policy = response.headers["Content-Security-Policy"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives["connect-src"] == directives["form-action"] == f"'self' https://{host}"


def test_static_file_is_served_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each container of the API may hold one connection; those that serve only files hold none."""
    ctx = context_in(monkeypatch, "us-east-1")
    with httpx.Client(base_url=PORTAL) as client:
        response = answer_of(create_app(ctx), client, "GET", address("app.css"))
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "database" not in ctx.__dict__


def test_signed_addresses_on_one_machine_have_the_bucket_in_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = context_in(monkeypatch, "us-east-1", AWS_ENDPOINT_URL="http://127.0.0.1:4566")
    assert ctx.s3.generate_presigned_post(BUCKET, "uploads/")["url"] == f"http://127.0.0.1:4566/{BUCKET}"
