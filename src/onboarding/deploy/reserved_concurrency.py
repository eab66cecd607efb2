"""Reserved concurrency of the pipeline's functions within the account's limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from onboarding.cloudformation.stack_runner import MakeClient
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.check_findings import Finding
from onboarding.deploy.plan import Plan

MIN_UNRESERVED = 100
"""The concurrency that Lambda requires to stay unreserved in an account."""

DIVISIBLE_PARAMETER = "CsvParserConcurrency"
"""The only reservation that can be reduced. S3's events wait in Lambda's queue for hours, and nothing else limits the
number of csv-parsers that connect to the database. The stream limits validators; a small API rejects requests."""

PARALLELIZATION_PARAMETER = "StreamParallelization"

QUOTA_ADVICE = (
    "Ask for a quota of 1,000 before many vendors upload at once (Service Quotas, AWS Lambda, Concurrent executions, "
    "L-B99A9384), and run the command again when it is granted"
)


def list_reservations(plan: Plan) -> dict[str, int]:
    """Return the reserved concurrency by parameter of the pipeline's template, in the order of an upload."""
    template = load_template("pipeline", plan.pipeline_parameters)
    reserved = {}
    for function in template.resources_of_type("AWS::Lambda::Function").values():
        match function.get("ReservedConcurrentExecutions"):
            case {"Fn::If": [_, {"Ref": str(parameter)}, _]}:
                reserved[parameter] = int(template.parameter_value(parameter))
    return reserved


def reduce_reservations(client: MakeClient, plan: Plan) -> dict[str, str]:
    """Return the pipeline's parameters that reduce its reservations to the account's limit; none if they fit.

    Parameters of the plan keep their values. The remaining concurrency is distributed to the other functions in the
    order of an upload. If nothing can be reserved, one validator per shard leaves executions for the other functions.
    """
    return _distribute(plan, list_reservations(plan), _get_reservable_concurrency(client, plan))


def _distribute(plan: Plan, reserved: Mapping[str, int], reservable: int) -> dict[str, str]:
    if sum(reserved.values()) <= reservable:
        return {}
    remaining = reservable - sum(value for name, value in reserved.items() if name in plan.pipeline_parameters)
    result = {}
    for name, value in reserved.items():
        if name in plan.pipeline_parameters:
            continue
        reservation = min(value, max(remaining, 0)) if value <= remaining or name == DIVISIBLE_PARAMETER else 0
        remaining -= reservation
        result[name] = str(reservation)
    if reservable == 0 and PARALLELIZATION_PARAMETER not in plan.pipeline_parameters:
        result[PARALLELIZATION_PARAMETER] = "1"
    return result


def check_concurrency(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield a finding if the account's limit is too low for all reservations."""
    reserved = list_reservations(plan)
    reservable = _get_reservable_concurrency(client, plan)
    chosen = {name: value for name, value in reserved.items() if name in plan.pipeline_parameters}
    if sum(chosen.values()) > reservable:
        values = ", ".join(f"{name}={value}" for name, value in chosen.items())
        yield Finding(
            f"The account can reserve {reservable} concurrent executions of functions, fewer than {values}. "
            f"{QUOTA_ADVICE}, or set smaller values.",
            blocks=True,
        )
    elif sum(reserved.values()) > reservable:
        reduced = _distribute(plan, reserved, reservable)
        if reservable == 0:
            limit = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
            fewer = (
                ", with one product-validator per shard of the stream" if PARALLELIZATION_PARAMETER in reduced else ""
            )
            yield Finding(
                f"Lambda runs at most {limit} functions at once in this account, and none of them can be reserved for "
                f"the pipeline: {MIN_UNRESERVED} must stay unreserved. The deployment works{fewer}, but many files at "
                "once can use up the limit. Then files wait until a function is available, no file is lost, and the "
                f"API and the portal respond to some requests with an error. {QUOTA_ADVICE}."
            )
        else:
            values = ", ".join(f"{name}={reduced.get(name, value)}" for name, value in reserved.items())
            yield Finding(
                f"The account can reserve {reservable} concurrent executions of functions, and the pipeline needs "
                f"{sum(reserved.values())}. It gets {values}; 0 is no reservation and no limit: such a function "
                "shares the unreserved concurrency with all others, and many at once can use up the database's "
                f"connections. {QUOTA_ADVICE}."
            )


def _get_reservable_concurrency(client: MakeClient, plan: Plan) -> int:
    """Return the concurrency that the account can reserve for the pipeline, including its current reservations."""
    lambdas = client("lambda")
    reservable: int = lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] - MIN_UNRESERVED
    template = plan.template("pipeline")
    for function in template.resources_of_type("AWS::Lambda::Function").values():
        try:
            response = lambdas.get_function_concurrency(FunctionName=template.evaluate(function["FunctionName"]))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            reservable += response.get("ReservedConcurrentExecutions", 0)
    return max(reservable, 0)
