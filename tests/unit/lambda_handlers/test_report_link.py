"""The function of report links without its database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onboarding.lambda_handlers import report_link
from onboarding.notifications.report_links import sign_report_link
from onboarding.storage.database import DATABASE_UNAVAILABLE

KEYS = {"current": "k" * 64}


@pytest.mark.parametrize("fault", DATABASE_UNAVAILABLE)
def test_report_link_database_away_asks_to_follow_the_link_again(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise fault("connection to server at 10.0.1.7 failed")

    ctx: Any = SimpleNamespace(
        settings=SimpleNamespace(link_secret="keys"),
        secret=lambda _: KEYS,
        database=SimpleNamespace(run=fails),
    )
    monkeypatch.setattr(report_link, "get_context", lambda: ctx)
    token = sign_report_link("errors/VEND001/UPLOAD_1_errors.csv", KEYS)
    answer = report_link.handler({"pathParameters": {"token": token}}, None)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "60")
    assert "Follow the link again" in answer["body"]
