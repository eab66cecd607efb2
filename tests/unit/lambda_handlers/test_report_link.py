"""Handler of report-link without its database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onboarding.lambda_handlers import report_link
from onboarding.notifications.report_links import sign_report_link
from onboarding.storage.database import DATABASE_UNAVAILABLE

KEYS = {"current": "k" * 64}


@pytest.mark.parametrize("fault", DATABASE_UNAVAILABLE)
def test_report_link_database_unavailable_returns_503(fault: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise fault("connection to server at 10.0.1.7 failed")

    ctx: Any = SimpleNamespace(
        settings=SimpleNamespace(link_secret="keys"),
        secret=lambda _: KEYS,
        database=SimpleNamespace(run=fail),
    )
    monkeypatch.setattr(report_link, "get_context", lambda: ctx)
    token = sign_report_link("errors/VEND001/UPLOAD_1_errors.csv", KEYS)
    response = report_link.handler({"pathParameters": {"token": token}}, None)
    assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "60")
    assert "Follow the link again" in response["body"]
