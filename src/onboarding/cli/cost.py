"""`onboarding cost`: estimates the monthly bill."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.deploy.cost.bill import Choice, Line, bill, choices, prices, total, usage

Network = Literal["ipv6", "nat", "endpoints"]


def cost(
    *,
    uploads: Annotated[int, typer.Option(min=0, help="Uploads a month.")] = 1_000,
    rows: Annotated[int, typer.Option(min=0, max=10_000, help="Rows of each upload.")] = 1_000,
    network: Annotated[Network, typer.Option(help="The route of functions to the AWS APIs.")] = "ipv6",
    multi_az: Annotated[bool, typer.Option("--multi-az", help="A standby of the database.")] = False,
    instance_class: Annotated[str, typer.Option(help="The database's size.")] = "db.t4g.micro",
    as_json: Json = False,
) -> None:
    """Estimate the cost of a month on AWS, from list prices and measured usage."""
    choice = Choice(uploads, rows, network, multi_az, instance_class)
    try:
        lines = bill(choice)
    except LookupError as error:
        raise CommandError(str(error.args[0])) from error
    if as_json:
        listed = [{"service": line.service, "what": line.what, "usd": round(line.usd, 4)} for line in lines]
        say_json({"usd": round(total(lines), 2), "prices_as_of": prices()["as_of"], "lines": listed})
        return
    say(f"{uploads:,} uploads of {rows:,} rows a month, prices of {prices()['as_of']} in {prices()['region']}, USD")
    say()
    console().print(_bill_table(lines))
    say()
    say("Cost of each choice:")
    table_rows = [(name, f"{usd:.2f}") for name, usd in choices(choice)]
    console().print(table((Column("Choice"), Column("USD a month", "right")), table_rows))
    say()
    say(f"Usage measured with {usage()['measured']}.")
    say(str(prices()["note"]))


def _bill_table(lines: list[Line]) -> object:
    rows = [(line.service, line.what, f"{line.usd:.2f}", f"{line.without_free:.2f}") for line in lines]
    rows.append(("Total", "", f"{total(lines):.2f}", f"{sum(line.without_free for line in lines):.2f}"))
    columns = (Column("Service"), Column("What"), Column("USD", "right"), Column("without free tier", "right"))
    return table(columns, rows)
