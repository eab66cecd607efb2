"""Reserved concurrency of the pipeline's functions, within the account's limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from onboarding.cloudformation.stacks import MakeClient
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.findings import Finding
from onboarding.deploy.plan import Plan

UNRESERVED = 100
"""The concurrency that Lambda requires to stay unreserved in an account."""

DIVISIBLE = "CsvParserConcurrency"
"""The only reservation that is useful if it is smaller: S3's events wait in Lambda's queue for hours, and nothing else
limits how many csv-parsers connect to the database. The stream limits validators; a small API refuses requests."""

PARALLELIZATION = "StreamParallelization"

QUOTA = (
    "Ask for a quota of 1,000 before many vendors upload at once (Service Quotas, AWS Lambda, Concurrent executions, "
    "L-B99A9384), and run the command again when it is granted"
)


def reservations(plan: Plan) -> dict[str, int]:
    """Return the concurrency that each parameter of the pipeline's template reserves, the most important first."""
    template = load_template("pipeline", plan.pipeline_parameters)
    reserved = {}
    for function in template.resources_of_type("AWS::Lambda::Function").values():
        match function.get("ReservedConcurrentExecutions"):
            case {"Fn::If": [_, {"Ref": str(parameter)}, _]}:
                reserved[parameter] = int(template.parameter_value(parameter))
    return reserved


def concurrency_parameters(client: MakeClient, plan: Plan) -> dict[str, str]:
    """Return the pipeline's parameters that reduce its reservations to the account's limit; none if they fit.

    Parameters of the plan keep their values. The rest is distributed to the others in the order in which an upload
    reaches their functions. If nothing can be reserved, one validator per shard leaves room for the other functions.
    """
    return _distribute(plan, reservations(plan), _reservable(client, plan))


def _distribute(plan: Plan, reserved: Mapping[str, int], reservable: int) -> dict[str, str]:
    if sum(reserved.values()) <= reservable:
        return {}
    left = reservable - sum(value for name, value in reserved.items() if name in plan.pipeline_parameters)
    result = {}
    for name, value in reserved.items():
        if name in plan.pipeline_parameters:
            continue
        reservation = min(value, max(left, 0)) if value <= left or name == DIVISIBLE else 0
        left -= reservation
        result[name] = str(reservation)
    if reservable == 0 and PARALLELIZATION not in plan.pipeline_parameters:
        result[PARALLELIZATION] = "1"
    return result


def check_concurrency(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield the consequences for the pipeline if the account's limit is too low for all reservations."""
    reserved = reservations(plan)
    reservable = _reservable(client, plan)
    named = {name: value for name, value in reserved.items() if name in plan.pipeline_parameters}
    if sum(named.values()) > reservable:
        values = ", ".join(f"{name}={value}" for name, value in named.items())
        yield Finding(
            f"The account can reserve {reservable} concurrent executions of functions, fewer than {values}. {QUOTA}, "
            "or set smaller values.",
            blocks=True,
        )
    elif sum(reserved.values()) > reservable:
        changed = _distribute(plan, reserved, reservable)
        if reservable == 0:
            limit = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
            fewer = ", with one product-validator per shard of the stream" if PARALLELIZATION in changed else ""
            yield Finding(
                f"Lambda runs at most {limit} functions at once in this account, and none of them can be reserved for "
                f"the pipeline: {UNRESERVED} must stay unreserved. The deployment works{fewer}, but many files at "
                "once can use up the limit. Then files wait until a function is available, no file is lost, and the "
                f"API and the portal respond to some requests with an error. {QUOTA}."
            )
        else:
            values = ", ".join(f"{name}={changed.get(name, value)}" for name, value in reserved.items())
            yield Finding(
                f"The account can reserve {reservable} concurrent executions of functions, and the pipeline needs "
                f"{sum(reserved.values())}. It gets {values}; 0 is no reservation and no limit: such a function "
                "shares the unreserved concurrency with all others, and many at once can use up the database's "
                f"connections. {QUOTA}."
            )


def _reservable(client: MakeClient, plan: Plan) -> int:
    """Return the concurrency that the account can reserve for the pipeline, including its current reservations."""
    lambdas = client("lambda")
    spare: int = lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] - UNRESERVED
    template = plan.template("pipeline")
    for function in template.resources_of_type("AWS::Lambda::Function").values():
        try:
            response = lambdas.get_function_concurrency(FunctionName=template.evaluate(function["FunctionName"]))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            spare += response.get("ReservedConcurrentExecutions", 0)
    return max(spare, 0)
