"""Names of resources as templates write them."""

from __future__ import annotations

from typing import Any

from onboarding.domain.resource_names import PRODUCT

PREFIX = "${NamePrefix}"


def short_name(written: Any) -> str:
    """Return the name that people use for a resource of a template: `api` for `${NamePrefix}product-onboarding-api`."""
    text: str = written["Fn::Sub"]
    assert text.startswith(PREFIX), text
    return text.removeprefix(PREFIX).removeprefix(f"{PRODUCT}-")
