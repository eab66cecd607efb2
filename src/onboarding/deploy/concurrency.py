"""Reserved concurrency of the pipeline's functions, within what the account can reserve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from onboarding.deploy.findings import Finding
from onboarding.deploy.plan import MakeClient, Plan, template_text
from onboarding.local.template import Template

UNRESERVED = 100
"""What Lambda insists on leaving to all other functions of an account."""

SHARED_OUT = "CsvParserConcurrency"
"""The one reservation that is useful in part: S3's events wait in Lambda's queue for hours, and nothing else bounds how
many csv-parsers connect to the database. The stream bounds validators; an API with little room refuses visitors."""

PARALLELIZATION = "StreamParallelization"

QUOTA = (
    "Ask for a quota of 1,000 before many vendors upload at once (Service Quotas, AWS Lambda, Concurrent executions, "
    "L-B99A9384), and run the command again when it is granted"
)


def reservations(plan: Plan) -> dict[str, int]:
    """Return the concurrency that each parameter of the pipeline's template reserves, the most important one first."""
    template = Template(template_text("pipeline"), plan.pipeline_parameters, "", "")
    found = {}
    for function in template.of_type("AWS::Lambda::Function").values():
        match function.get("ReservedConcurrentExecutions"):
            case {"Fn::If": [_, {"Ref": str(parameter)}, _]}:
                found[parameter] = int(template.parameter(parameter))
    return found


def parameters(client: MakeClient, plan: Plan) -> dict[str, str]:
    """Return the pipeline's parameters for an account that cannot reserve all of it; none if it can.

    Parameters that the plan names keep their values. The others get what is left in the order in which an upload meets
    their functions. Where nothing can be reserved, one validator per shard leaves room for the other functions.
    """
    return _shared_out(plan, reservations(plan), _reservable(client, plan))


def _shared_out(plan: Plan, reserved: Mapping[str, int], reservable: int) -> dict[str, str]:
    if sum(reserved.values()) <= reservable:
        return {}
    left = reservable - sum(value for name, value in reserved.items() if name in plan.pipeline_parameters)
    result = {}
    for name, value in reserved.items():
        if name in plan.pipeline_parameters:
            continue
        fits = min(value, max(left, 0)) if value <= left or name == SHARED_OUT else 0
        left -= fits
        result[name] = str(fits)
    if reservable == 0 and PARALLELIZATION not in plan.pipeline_parameters:
        result[PARALLELIZATION] = "1"
    return result


def findings(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield what the account's limit means for the pipeline, if it is too low for all reservations."""
    reserved = reservations(plan)
    reservable = _reservable(client, plan)
    named = {name: value for name, value in reserved.items() if name in plan.pipeline_parameters}
    if sum(named.values()) > reservable:
        values = ", ".join(f"{name}={value}" for name, value in named.items())
        yield Finding(
            f"The account can reserve {reservable} concurrent executions of functions, fewer than {values}. {QUOTA}, "
            "or name smaller values.",
            blocks=True,
        )
    elif sum(reserved.values()) > reservable:
        changed = _shared_out(plan, reserved, reservable)
        if reservable == 0:
            limit = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
            fewer = ", with one product-validator per shard of the stream" if PARALLELIZATION in changed else ""
            yield Finding(
                f"Lambda runs at most {limit} functions at once in this account, and none of them can be reserved for "
                f"the pipeline: {UNRESERVED} have to stay unreserved. The deployment works{fewer}, but many files at "
                "once can use up the limit. Then files wait until a function is free, none is lost, and the API and "
                f"the portal answer some requests with an error. {QUOTA}."
            )
        else:
            values = ", ".join(f"{name}={changed.get(name, value)}" for name, value in reserved.items())
            yield Finding(
                f"The account can reserve {reservable} concurrent executions of functions, and the pipeline asks for "
                f"{sum(reserved.values())}. It gets {values}; 0 is no reservation and no limit: such a function "
                "shares what is unreserved with all others, and many at once can use up the database's connections. "
                f"{QUOTA}."
            )


def _reservable(client: MakeClient, plan: Plan) -> int:
    """Return the concurrency that the account can reserve for the pipeline, including what the pipeline has."""
    lambdas = client("lambda")
    spare: int = lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] - UNRESERVED
    template = Template(template_text("pipeline"), {"NamePrefix": plan.name_prefix}, "", "")
    for function in template.of_type("AWS::Lambda::Function").values():
        try:
            answer = lambdas.get_function_concurrency(FunctionName=template.value(function["FunctionName"]))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            spare += answer.get("ReservedConcurrentExecutions", 0)
    return max(spare, 0)
