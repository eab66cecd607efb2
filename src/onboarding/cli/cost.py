"""`onboarding cost`: estimate of the monthly bill."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json
from onboarding.cli.output import Column, print_json, print_line, print_table
from onboarding.deploy.cost.bill import (
    BillLine,
    Choice,
    calculate_bill,
    compare_choices,
    load_prices,
    load_usage,
    sum_usd,
)

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
        lines = calculate_bill(choice)
    except LookupError as error:
        raise CommandError(str(error.args[0])) from error
    if as_json:
        items = [{"service": line.service, "item": line.item, "usd": round(line.usd, 4)} for line in lines]
        print_json({"usd": round(sum_usd(lines), 2), "prices_as_of": load_prices()["as_of"], "lines": items})
        return
    prices = load_prices()
    print_line(f"{uploads:,} uploads of {rows:,} rows a month, prices of {prices['as_of']} in {prices['region']}, USD")
    print_line()
    _print_bill(lines)
    print_line()
    print_line("Cost of each choice:")
    costs = [(name, f"{usd:.2f}") for name, usd in compare_choices(choice)]
    print_table((Column("Choice"), Column("USD a month", "right")), costs)
    print_line()
    print_line(f"Usage measured with {load_usage()['measured']}.")
    print_line(str(load_prices()["note"]))


def _print_bill(lines: list[BillLine]) -> None:
    rows = [(line.service, line.item, f"{line.usd:.2f}", f"{line.without_free:.2f}") for line in lines]
    rows.append(("Total", "", f"{sum_usd(lines):.2f}", f"{sum(line.without_free for line in lines):.2f}"))
    columns = (Column("Service"), Column("Item"), Column("USD", "right"), Column("without free tier", "right"))
    print_table(columns, rows)
