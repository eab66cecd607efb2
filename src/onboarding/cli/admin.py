"""`onboarding vendors`, `onboarding categories` and `onboarding operators`, against either place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import asking

vendors = typer.Typer(no_args_is_help=True, help="Whose files are taken in.")
operators = typer.Typer(no_args_is_help=True, help="Who may sign in to see every vendor.")
categories = typer.Typer(no_args_is_help=True, help="The categories that rows are held against.")

VendorId = Annotated[str, typer.Argument(metavar="VENDOR_ID")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
CategoryName = Annotated[str, typer.Argument(metavar="CATEGORY")]


@vendors.command("add")
def add_vendor(
    vendor_id: VendorId,
    name: Annotated[str, typer.Option(help="The vendor's name.")],
    email: Annotated[str, typer.Option(help="Where its mails go.")],
    phone: Annotated[str | None, typer.Option(help="Its telephone number.")] = None,
    state: State = None,
) -> None:
    """Add a vendor."""
    added = _do(state, "add_vendor", vendor_id=vendor_id, vendor_name=name, email=email, phone=phone)
    if added["status"] == "active":
        say(f"{vendor_id} may upload.")
    else:
        say(f"{vendor_id} is there already, and suspended. To end that: onboarding vendors activate {vendor_id}")


@vendors.command("change")
def change_vendor(
    vendor_id: VendorId,
    name: Annotated[str | None, typer.Option(help="The vendor's new name.")] = None,
    email: Annotated[str | None, typer.Option(help="Where its mails go from now on.")] = None,
    phone: Annotated[str | None, typer.Option(help="Its new telephone number.")] = None,
    state: State = None,
) -> None:
    """Change a vendor; what is left out stays. A new e-mail address signs the vendor out everywhere."""
    _do(state, "change_vendor", vendor_id=vendor_id, vendor_name=name, email=email, phone=phone)
    say(f"{vendor_id} is changed.")


@vendors.command("suspend")
def suspend_vendor(vendor_id: VendorId, state: State = None) -> None:
    """Refuse a vendor's files from now on."""
    _do(state, "change_vendor", vendor_id=vendor_id, status="suspended")
    say(f"{vendor_id} is suspended: its files are refused.")


@vendors.command("activate")
def activate_vendor(vendor_id: VendorId, state: State = None) -> None:
    """End a vendor's suspension."""
    _do(state, "change_vendor", vendor_id=vendor_id, status="active")
    say(f"{vendor_id} may upload.")


@vendors.command("list")
def list_vendors(as_json: Json = False, state: State = None) -> None:
    """List the vendors."""
    columns = {
        "vendor_id": Column("Vendor"),
        "vendor_name": Column("Name", folds=True),
        "email": Column("E-mail", folds=True),
        "status": Column("Status"),
        "uploads": Column("Uploads", "right"),
    }
    _list("vendors", columns, state, as_json=as_json)


@categories.command("add")
def add_category(
    category: CategoryName,
    description: Annotated[str | None, typer.Option(help="What belongs there.")] = None,
    state: State = None,
) -> None:
    """Add a category."""
    _do(state, "add_category", category_name=category, description=description)
    say(f"Rows may have the category {category}.")


@categories.command("enable")
def enable_category(category: CategoryName, state: State = None) -> None:
    """Accept rows with a disabled category again."""
    _do(state, "enable_category", category_name=category)
    say(f"Rows may have the category {category}.")


@categories.command("disable")
def disable_category(category: CategoryName, state: State = None) -> None:
    """Reject new rows with a category; products that have it keep it."""
    _do(state, "disable_category", category_name=category)
    say(f"New rows with the category {category} are rejected.")


@categories.command("list")
def list_categories(as_json: Json = False, state: State = None) -> None:
    """List the categories."""
    columns = {
        "category_name": Column("Category"),
        "is_active": Column("Active"),
        "description": Column("Description", folds=True),
    }
    _list("categories", columns, state, as_json=as_json)


@operators.command("add")
def add_operator(
    email: Email,
    name: Annotated[str, typer.Option(help="The operator's name.")],
    role: Annotated[str, typer.Option(help="viewer, or admin, who changes things.")] = "viewer",
    state: State = None,
) -> None:
    """Let somebody sign in as an operator."""
    _do(state, "add_operator", email=email, name=name, role=role)
    say(f"{email} may sign in to the portal.")


@operators.command("change")
def change_operator(
    email: Email,
    name: Annotated[str | None, typer.Option(help="The operator's new name.")] = None,
    role: Annotated[str | None, typer.Option(help="viewer, or admin, who changes things.")] = None,
    state: State = None,
) -> None:
    """Change an operator's name or role; what is left out stays."""
    _do(state, "change_operator", email=email, name=name, role=role)
    say(f"{email} is changed.")


@operators.command("suspend")
def suspend_operator(email: Email, state: State = None) -> None:
    """End an operator's sessions and sign-in links, and begin no more."""
    _do(state, "change_operator", email=email, status="suspended")
    say(f"{email} is suspended.")


@operators.command("activate")
def activate_operator(email: Email, state: State = None) -> None:
    """Let a suspended operator sign in again."""
    _do(state, "change_operator", email=email, status="active")
    say(f"{email} may sign in to the portal.")


@operators.command("list")
def list_operators(as_json: Json = False, state: State = None) -> None:
    """List the operators."""
    columns = {
        "email": Column("E-mail", folds=True),
        "name": Column("Name", folds=True),
        "role": Column("Role"),
        "status": Column("Status"),
    }
    _list("operators", columns, state, as_json=as_json)


def _list(what: str, columns: Mapping[str, Column], state: Path | None, *, as_json: bool) -> None:
    """Show all there are, each field in its column."""
    answer = _do(state, f"list_{what}")
    if as_json:
        say_json(answer)
        return
    rows = [[_shown(found[name]) for name in columns] for found in answer[what]]
    console().print(table(list(columns.values()), rows))


def _shown(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _do(state: Path | None, action: str, **arguments: object) -> dict[str, Any]:
    """Carry out an action: here if the local stack runs, by the function `admin` on AWS."""
    with asking(state) as (_, ask):
        return ask(action, **arguments)
