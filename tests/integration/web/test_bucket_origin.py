"""Host of the bucket in upload forms and links, by network and region, and the Content-Security-Policy."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from onboarding.config import Settings
from onboarding.deploy.plan import Plan
from onboarding.runtime import AppContext
from onboarding.web.app import create_app
from onboarding.web.portal.static_files import static_url
from tests.support.isolation_attempts import send_to_app

BUCKET = "ecommerce-product-uploads-123456789012"
PORTAL = "https://portal.techmart.example"


def create_context(monkeypatch: pytest.MonkeyPatch, region: str, **environment: str) -> AppContext:
    """Return the context of the function `api` in a region."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, **keys, **environment}.items():
        monkeypatch.setenv(name, value)
    return AppContext(Settings({"S3_BUCKET_NAME": BUCKET, "PORTAL_URL": PORTAL}))


@pytest.mark.parametrize("outbound", ["ipv6", "nat", "endpoints"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "af-south-1"])
def test_presigned_urls_on_aws_match_the_content_security_policy(
    monkeypatch: pytest.MonkeyPatch, region: str, outbound: str
) -> None:
    dual_stack = Plan(outbound=outbound).dual_stack
    ctx = create_context(monkeypatch, region, AWS_USE_DUALSTACK_ENDPOINT=dual_stack)
    form = ctx.s3.generate_presigned_post(BUCKET, "uploads/VEND001/a.csv")["url"]
    link = ctx.s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "errors/VEND001/a.csv"})
    # us-east-1 has the global host name.
    regional = "s3.amazonaws.com" if region == "us-east-1" else f"s3.{region}.amazonaws.com"
    host = f"{BUCKET}.{f's3.dualstack.{region}.amazonaws.com' if dual_stack == 'true' else regional}"
    assert [urlsplit(url).hostname for url in (form, link)] == [host, host]
    with httpx.Client(base_url=PORTAL) as client:
        response = send_to_app(create_app(ctx), client, "GET", static_url("app.js"))
    policy = response.headers["Content-Security-Policy"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives["connect-src"] == directives["form-action"] == f"'self' https://{host}"


def test_static_file_is_served_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of the API that serves only files opens no database connection."""
    ctx = create_context(monkeypatch, "us-east-1")
    with httpx.Client(base_url=PORTAL) as client:
        response = send_to_app(create_app(ctx), client, "GET", static_url("app.css"))
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "database" not in ctx.__dict__


def test_presigned_urls_on_one_machine_have_the_bucket_in_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = create_context(monkeypatch, "us-east-1", AWS_ENDPOINT_URL="http://127.0.0.1:4566")
    assert ctx.s3.generate_presigned_post(BUCKET, "uploads/")["url"] == f"http://127.0.0.1:4566/{BUCKET}"
