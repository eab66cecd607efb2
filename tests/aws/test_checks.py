"""What an account can reserve for the pipeline's functions, and what it is told if that is too little."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from onboarding.deploy import checks
from onboarding.deploy.plan import DeployError, Plan, template_text
from onboarding.local.template import Template

TEMPLATE = Template(template_text("pipeline"), {}, "0" * 12, "us-east-1")
WANTED = checks.reservations(Plan())
ALL = sum(WANTED.values())


def account(unreserved: int, **reserved: int) -> Any:
    """An account with that much left unreserved, and what functions of ours have reserved already."""
    client = MagicMock()

    def concurrency_of(FunctionName: str) -> dict[str, int]:  # noqa: N803
        if FunctionName not in reserved:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFunctionConcurrency")
        return {"ReservedConcurrentExecutions": reserved[FunctionName]} if reserved[FunctionName] else {}

    limit = {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": unreserved}
    client("lambda").get_account_settings.return_value = {"AccountLimit": limit}
    client("lambda").get_function_concurrency.side_effect = concurrency_of
    return client


def findings(client: Any, **parameters: str) -> list[checks.Finding]:
    return list(checks._lambda(client, Plan(pipeline_parameters=parameters)))


def test_every_reservation_of_the_template_counts() -> None:
    functions = TEMPLATE.of_type("AWS::Lambda::Function").items()
    reserving = [name for name, properties in functions if "ReservedConcurrentExecutions" in properties]
    assert set(WANTED) == {f"{name}Concurrency" for name in reserving}
    assert {"CsvParserConcurrency", "ProductValidatorConcurrency", "ApiConcurrency"} <= set(WANTED)
    assert all(value == int(TEMPLATE.parameter(name)) for name, value in WANTED.items())
    assert checks.reservations(Plan(pipeline_parameters={"ApiConcurrency": "40"})) == WANTED | {"ApiConcurrency": 40}
    with pytest.raises(DeployError, match="ApiConcurrency is a whole number"):
        checks.reservations(Plan(pipeline_parameters={"ApiConcurrency": "many"}))


@pytest.mark.parametrize(
    ("unreserved", "ours", "fits"),
    [
        (1_000, {}, True),
        (checks.UNRESERVED + ALL, {}, True),
        # Others of the account have reserved the rest.
        (checks.UNRESERVED + ALL - 1, {}, False),
        (10, {}, False),
        # What ours have is theirs already.
        (checks.UNRESERVED, {"csv-parser": ALL}, True),
        (checks.UNRESERVED, {"csv-parser": ALL - 1, "product-onboarding-api": 0}, False),
    ],
)
def test_an_account_that_can_spare_too_little_reserves_none(unreserved: int, ours: dict[str, int], fits: bool) -> None:
    client = account(unreserved, **ours)
    assert checks.concurrency(client, Plan()) == ({} if fits else dict.fromkeys(WANTED, "0"))
    assert [finding.blocks for finding in findings(client)] == ([] if fits else [False])


def test_what_is_asked_for_by_name_is_reserved_or_refused() -> None:
    client = account(checks.UNRESERVED + 16)
    plan = Plan(pipeline_parameters={"ProductValidatorConcurrency": "16"})
    assert checks.concurrency(client, plan) == {n: "0" for n in WANTED if n != "ProductValidatorConcurrency"}
    assert [finding.blocks for finding in findings(client, ProductValidatorConcurrency="16")] == [False]
    [finding] = findings(client, ProductValidatorConcurrency="17")
    assert finding.blocks
    assert "ProductValidatorConcurrency=17" in finding.text
