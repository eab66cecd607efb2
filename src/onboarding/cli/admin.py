"""Administration commands: `onboarding vendors`, `onboarding categories` and `onboarding operators`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, print_json, print_line, print_table
from onboarding.cli.target import connect_admin

vendors = typer.Typer(no_args_is_help=True, help="Vendors, whose files are accepted.")
operators = typer.Typer(no_args_is_help=True, help="Operators, who can sign in and see every vendor.")
categories = typer.Typer(no_args_is_help=True, help="Categories that products may have.")

VendorId = Annotated[str, typer.Argument(metavar="VENDOR_ID", help="Vendor ID, such as VEND001.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The operator's e-mail address.")]
CategoryName = Annotated[str, typer.Argument(metavar="CATEGORY", help="Name of the category.")]

_NAME = typer.Option(help="Name, up to 200 characters.")
_VENDOR_EMAIL = typer.Option(help="E-mail address for sign-in and notifications.")
_PHONE = typer.Option(help="Telephone number, up to 20 characters.")
_ROLE = typer.Option(help="`viewer` reads, `admin` also changes.")


@vendors.command("add")
def add_vendor(
    vendor_id: VendorId,
    name: Annotated[str, _NAME],
    email: Annotated[str, _VENDOR_EMAIL],
    phone: Annotated[str | None, _PHONE] = None,
    state: State = None,
) -> None:
    """Add a vendor."""
    vendor = _run_action(state, "add_vendor", vendor_id=vendor_id, vendor_name=name, email=email, phone=phone)
    if vendor["is_new"]:
        print_line(f"{vendor_id} was added.")
    elif vendor["status"] == "active":
        print_line(f"{vendor_id} already exists and is active.")
    else:
        print_line(f"{vendor_id} already exists and is suspended. To end that: onboarding vendors activate {vendor_id}")


@vendors.command("update")
def update_vendor(
    vendor_id: VendorId,
    name: Annotated[str | None, _NAME] = None,
    email: Annotated[str | None, _VENDOR_EMAIL] = None,
    phone: Annotated[str | None, _PHONE] = None,
    state: State = None,
) -> None:
    """Update a vendor. A new e-mail address signs the vendor out everywhere."""
    _require_option({"--name": name, "--email": email, "--phone": phone})
    _run_action(state, "update_vendor", vendor_id=vendor_id, vendor_name=name, email=email, phone=phone)
    print_line(f"{vendor_id} is updated.")


@vendors.command("suspend")
def suspend_vendor(vendor_id: VendorId, state: State = None) -> None:
    """Suspend a vendor: its new files are rejected."""
    _run_action(state, "update_vendor", vendor_id=vendor_id, status="suspended")
    print_line(f"{vendor_id} is suspended: its files are rejected.")


@vendors.command("activate")
def activate_vendor(vendor_id: VendorId, state: State = None) -> None:
    """End a vendor's suspension."""
    _run_action(state, "update_vendor", vendor_id=vendor_id, status="active")
    print_line(f"{vendor_id} is active.")


@vendors.command("list")
def list_vendors(as_json: Json = False, state: State = None) -> None:
    """List the vendors."""
    columns = {
        "vendor_id": Column("Vendor"),
        "vendor_name": Column("Name", wraps=True),
        "email": Column("E-mail", wraps=True),
        "status": Column("Status"),
        "uploads": Column("Uploads", "right"),
    }
    _print_records("vendors", columns, state, as_json=as_json)


@categories.command("add")
def add_category(
    category: CategoryName,
    description: Annotated[str | None, typer.Option(help="Description, up to 1,000 characters.")] = None,
    state: State = None,
) -> None:
    """Add a category."""
    _run_action(state, "add_category", category_name=category, description=description)
    print_line(f"The category {category} was added.")


@categories.command("enable")
def enable_category(category: CategoryName, state: State = None) -> None:
    """Enable a disabled category."""
    _run_action(state, "enable_category", category_name=category)
    print_line(f"The category {category} is enabled.")


@categories.command("disable")
def disable_category(category: CategoryName, state: State = None) -> None:
    """Disable a category: new rows with it are rejected, existing products keep it."""
    _run_action(state, "disable_category", category_name=category)
    print_line(f"The category {category} is disabled.")


@categories.command("list")
def list_categories(as_json: Json = False, state: State = None) -> None:
    """List the categories."""
    columns = {
        "category_name": Column("Category"),
        "is_active": Column("Active"),
        "description": Column("Description", wraps=True),
    }
    _print_records("categories", columns, state, as_json=as_json)


@operators.command("add")
def add_operator(
    email: Email,
    name: Annotated[str, _NAME],
    role: Annotated[str, _ROLE] = "viewer",
    state: State = None,
) -> None:
    """Add an operator."""
    _run_action(state, "add_operator", email=email, name=name, role=role)
    print_line(f"{email} can sign in to the portal.")


@operators.command("update")
def update_operator(
    email: Email,
    name: Annotated[str | None, _NAME] = None,
    role: Annotated[str | None, _ROLE] = None,
    state: State = None,
) -> None:
    """Update the name or role of an operator."""
    _require_option({"--name": name, "--role": role})
    _run_action(state, "update_operator", email=email, name=name, role=role)
    print_line(f"{email} is updated.")


@operators.command("suspend")
def suspend_operator(email: Email, state: State = None) -> None:
    """Suspend an operator: sessions and sign-in links end."""
    _run_action(state, "update_operator", email=email, status="suspended")
    print_line(f"{email} is suspended.")


@operators.command("activate")
def activate_operator(email: Email, state: State = None) -> None:
    """End an operator's suspension."""
    _run_action(state, "update_operator", email=email, status="active")
    print_line(f"{email} can sign in to the portal.")


@operators.command("list")
def list_operators(as_json: Json = False, state: State = None) -> None:
    """List the operators."""
    columns = {
        "email": Column("E-mail", wraps=True),
        "name": Column("Name", wraps=True),
        "role": Column("Role"),
        "status": Column("Status"),
    }
    _print_records("operators", columns, state, as_json=as_json)


def _require_option(values: Mapping[str, str | None]) -> None:
    """Raise CommandError, which names the options, if all are missing."""
    if all(value is None for value in values.values()):
        raise CommandError(f"Nothing to update. Add one of the options {', '.join(values)}")


def _print_records(kind: str, columns: Mapping[str, Column], state: Path | None, *, as_json: bool) -> None:
    """Print all vendors, categories or operators (`kind`); `columns` are by field name."""
    result = _run_action(state, f"list_{kind}")
    if as_json:
        print_json(result)
        return
    rows = [[_format_value(record[name]) for name in columns] for record in result[kind]]
    print_table(list(columns.values()), rows)


def _format_value(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _run_action(state: Path | None, action: str, **arguments: object) -> dict[str, Any]:
    """Return the result of an action on the database of the pipeline."""
    with connect_admin(state) as (_, run_action):
        return run_action(action, **arguments)
