"""`onboarding vendors`, `onboarding categories` and `onboarding operators`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import connect_admin

vendors = typer.Typer(no_args_is_help=True, help="Vendors, whose files are accepted.")
operators = typer.Typer(no_args_is_help=True, help="Operators, who can sign in and see every vendor.")
categories = typer.Typer(no_args_is_help=True, help="Categories that products may have.")

VendorId = Annotated[str, typer.Argument(metavar="VENDOR_ID")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
CategoryName = Annotated[str, typer.Argument(metavar="CATEGORY")]


@vendors.command("add")
def add_vendor(
    vendor_id: VendorId,
    name: Annotated[str, typer.Option()],
    email: Annotated[str, typer.Option()],
    phone: Annotated[str | None, typer.Option()] = None,
    state: State = None,
) -> None:
    """Add a vendor."""
    added = _run(state, "add_vendor", vendor_id=vendor_id, vendor_name=name, email=email, phone=phone)
    if added["status"] == "active":
        say(f"{vendor_id} is active.")
    else:
        say(f"{vendor_id} already exists and is suspended. To end that: onboarding vendors activate {vendor_id}")


@vendors.command("change")
def change_vendor(
    vendor_id: VendorId,
    name: Annotated[str | None, typer.Option()] = None,
    email: Annotated[str | None, typer.Option()] = None,
    phone: Annotated[str | None, typer.Option()] = None,
    state: State = None,
) -> None:
    """Change a vendor. A new e-mail address signs the vendor out everywhere."""
    _run(state, "change_vendor", vendor_id=vendor_id, vendor_name=name, email=email, phone=phone)
    say(f"{vendor_id} is changed.")


@vendors.command("suspend")
def suspend_vendor(vendor_id: VendorId, state: State = None) -> None:
    """Suspend a vendor: its new files are rejected."""
    _run(state, "change_vendor", vendor_id=vendor_id, status="suspended")
    say(f"{vendor_id} is suspended: its files are rejected.")


@vendors.command("activate")
def activate_vendor(vendor_id: VendorId, state: State = None) -> None:
    """End a vendor's suspension."""
    _run(state, "change_vendor", vendor_id=vendor_id, status="active")
    say(f"{vendor_id} is active.")


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
    description: Annotated[str | None, typer.Option()] = None,
    state: State = None,
) -> None:
    """Add a category."""
    _run(state, "add_category", category_name=category, description=description)
    say(f"The category {category} is active.")


@categories.command("enable")
def enable_category(category: CategoryName, state: State = None) -> None:
    """Enable a disabled category."""
    _run(state, "enable_category", category_name=category)
    say(f"The category {category} is active.")


@categories.command("disable")
def disable_category(category: CategoryName, state: State = None) -> None:
    """Disable a category: new rows with it are rejected, existing products keep it."""
    _run(state, "disable_category", category_name=category)
    say(f"The category {category} is disabled.")


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
    name: Annotated[str, typer.Option()],
    role: Annotated[str, typer.Option(help="`viewer` reads, `admin` also changes.")] = "viewer",
    state: State = None,
) -> None:
    """Add an operator."""
    _run(state, "add_operator", email=email, name=name, role=role)
    say(f"{email} can sign in to the portal.")


@operators.command("change")
def change_operator(
    email: Email,
    name: Annotated[str | None, typer.Option()] = None,
    role: Annotated[str | None, typer.Option(help="`viewer` reads, `admin` also changes.")] = None,
    state: State = None,
) -> None:
    """Change the name or role of an operator."""
    _run(state, "change_operator", email=email, name=name, role=role)
    say(f"{email} is changed.")


@operators.command("suspend")
def suspend_operator(email: Email, state: State = None) -> None:
    """Suspend an operator: sessions and sign-in links end."""
    _run(state, "change_operator", email=email, status="suspended")
    say(f"{email} is suspended.")


@operators.command("activate")
def activate_operator(email: Email, state: State = None) -> None:
    """End an operator's suspension."""
    _run(state, "change_operator", email=email, status="active")
    say(f"{email} can sign in to the portal.")


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


def _list(kind: str, columns: Mapping[str, Column], state: Path | None, *, as_json: bool) -> None:
    """Print all records of a kind, each field in its column."""
    result = _run(state, f"list_{kind}")
    if as_json:
        say_json(result)
        return
    rows = [[_format(record[name]) for name in columns] for record in result[kind]]
    console().print(table(list(columns.values()), rows))


def _format(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _run(state: Path | None, action: str, **arguments: object) -> dict[str, Any]:
    """Run an action on the database of the pipeline."""
    with connect_admin(state) as (_, run_action):
        return run_action(action, **arguments)
