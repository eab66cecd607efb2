"""Handler of the function `admin`: operator commands that need the database, dispatched by the name of an action.

On AWS the database cannot be reached from outside the VPC, so the CLI calls this function. On one machine it calls
`run_action` directly.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from onboarding.domain.mappings import InvalidMapping
from onboarding.lambda_handlers import admin_catalog, admin_mappings, admin_queries
from onboarding.lambda_handlers.telemetry import logger
from onboarding.pipeline import undo
from onboarding.runtime import AppContext, get_context
from onboarding.storage import categories, operators, vendors
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection, Database
from onboarding.storage.database_roles import set_logins
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.exports import TooManyExports
from onboarding.storage.migrate import migrate as run_migrations
from onboarding.storage.product_feed import try_to_refresh_search

DEFAULT_ACTOR = Actor("command")
"""Actor of a command that does not name its operator; CloudTrail records the AWS principal."""

Response = dict[str, Any]


class AdminError(Exception):
    """The action cannot be performed; the message states the reason."""


def handler(event: dict[str, Any], _: object) -> Response:
    """Perform `{"action": …, "arguments": {…}, "actor": …}`; return its response, or `{"error": reason}`."""
    name: str = event["action"]
    arguments: dict[str, Any] = event.get("arguments", {})
    ids: dict[str, Any] = {
        key: arguments[key] for key in ("vendor_id", "category_name", "upload_id") if key in arguments
    }
    logger.info("admin action", extra={"action": name, **ids})
    ctx = get_context()
    try:
        response = run_action(ctx.database, name, arguments, Actor(event.get("actor", DEFAULT_ACTOR.name)))
    except AdminError as error:
        return {"error": str(error)}
    if name == "migrate":
        _set_logins(ctx)
    return response


def _set_logins(ctx: AppContext) -> None:
    """Set the logins of the other functions: a migration may add a role, and a snapshot may have other passwords."""
    credentials = ctx.secret(ctx.settings.database_secret)
    server = {name: credentials[name] for name in ("host", "port", "dbname")}
    set_logins(ctx.database, ctx.secretsmanager, server, ctx.settings.name_prefix)


def run_action(database: Database, name: str, arguments: Mapping[str, Any], actor: Actor = DEFAULT_ACTOR) -> Response:
    """Perform an action and return its response. Raises AdminError if it is unknown or cannot be performed."""
    action = ACTIONS.get(name)
    if action is None:
        raise AdminError(f"There is no action {name}")
    parameters = inspect.signature(action).parameters
    if unknown := arguments.keys() - parameters.keys():
        raise AdminError(f"{name} has no argument {', '.join(sorted(unknown))}; the deployment has another version")

    def perform(connection: Connection | None) -> Response:
        values = {**arguments, "actor": actor, "database": database, "connection": connection}
        return action(**{parameter: values[parameter] for parameter in parameters if parameter in values})

    try:
        return database.run(perform) if "connection" in parameters else perform(None)
    except (AlreadyExists, InvalidInput, InvalidMapping, NotFound, TooManyExports, undo.NotUndoable) as error:
        raise AdminError(str(error)) from error


def migrate(database: Database) -> Response:
    """Update the database schema; `ran` lists the migrations that ran."""
    return {"ran": run_migrations(database.connection())}


def add_vendor(
    connection: Connection, actor: Actor, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> Response:
    """Add a vendor. A repeated call changes nothing; `is_new` is then false, and `status` the vendor's current one."""
    try:
        vendors.add_vendor(connection, actor, vendor_id=vendor_id, vendor_name=vendor_name, email=email, phone=phone)
    except AlreadyExists as error:
        status = vendors.get_status_of_same_vendor(
            connection, vendor_id=vendor_id, vendor_name=vendor_name, email=email, phone=phone
        )
        if status is None:
            raise AdminError(f"{error} To update it: onboarding vendors update {vendor_id}") from error
        return {"vendor_id": vendor_id, "status": status, "is_new": False}
    return {"vendor_id": vendor_id, "status": "active", "is_new": True}


def update_vendor(
    connection: Connection,
    actor: Actor,
    *,
    vendor_id: str,
    vendor_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    status: vendors.VendorStatus | None = None,
) -> Response:
    """Update a vendor's name, e-mail address, phone number or status."""
    vendors.update_vendor(
        connection, actor, vendor_id, vendor_name=vendor_name, email=email, phone=phone, status=status
    )
    return {"vendor_id": vendor_id}


def list_vendors(connection: Connection) -> Response:
    """List the vendors."""
    return {"vendors": vendors.list_vendors(connection)}


def add_category(
    connection: Connection, actor: Actor, *, category_name: str, description: str | None = None
) -> Response:
    """Add a category."""
    try:
        categories.add_category(connection, actor, category_name, description)
    except AlreadyExists as error:
        raise AdminError(
            f"{error} If it is disabled: onboarding categories enable {shlex.quote(category_name)}"
        ) from error
    return {"category_name": category_name}


def enable_category(connection: Connection, actor: Actor, *, category_name: str) -> Response:
    """Enable a disabled category."""
    categories.update_category(connection, actor, category_name, is_active=True)
    return {"category_name": category_name}


def disable_category(connection: Connection, actor: Actor, *, category_name: str) -> Response:
    """Disable a category: new rows cannot use it."""
    categories.update_category(connection, actor, category_name, is_active=False)
    return {"category_name": category_name}


def list_categories(connection: Connection) -> Response:
    """List the categories."""
    return {"categories": categories.list_categories(connection)}


def add_operator(
    connection: Connection, actor: Actor, *, email: str, name: str, role: operators.Role = "viewer"
) -> Response:
    """Add an operator who signs in to the portal: a `viewer` reads, an `admin` also makes changes."""
    try:
        operators.add_operator(connection, actor, email=email, name=name, role=role)
    except AlreadyExists as error:
        raise AdminError(f"{error} To update it: onboarding operators update {email}") from error
    return {"email": email, "role": role}


def update_operator(
    connection: Connection,
    actor: Actor,
    *,
    email: str,
    name: str | None = None,
    role: operators.Role | None = None,
    status: operators.OperatorStatus | None = None,
) -> Response:
    """Update an operator's name, role or status."""
    operators.update_operator(connection, actor, email, name=name, role=role, status=status)
    return {"email": email}


def list_operators(connection: Connection) -> Response:
    """List the operators."""
    return {"operators": operators.list_operators(connection)}


def undo_upload(database: Database, actor: Actor, *, upload_id: str) -> Response:
    """Remove the products that an upload created, and restore those that it updated."""
    try:
        result = undo.undo_upload(database, upload_id, actor)
    except LookupError as error:
        raise AdminError(str(error)) from error
    try_to_refresh_search(database)
    return {
        "undone_at": result.undone_at.isoformat(),
        "removed": result.removed,
        "restored": result.restored,
        "skipped": [asdict(product) for product in result.skipped],
        "is_repeated": result.is_repeated,
    }


ACTIONS: dict[str, Callable[..., Response]] = {
    action.__name__: action
    for action in (
        migrate,
        add_vendor,
        update_vendor,
        list_vendors,
        add_category,
        enable_category,
        disable_category,
        list_categories,
        add_operator,
        update_operator,
        list_operators,
        undo_upload,
        admin_mappings.save_mapping,
        admin_mappings.list_mappings,
        admin_mappings.show_mapping,
        admin_mappings.delete_mapping,
        admin_mappings.list_value_mappings,
        admin_mappings.set_value_mappings,
        admin_mappings.delete_value_mapping,
        admin_catalog.list_products,
        admin_catalog.show_product,
        admin_catalog.list_product_history,
        admin_catalog.create_export,
        admin_catalog.show_export,
        admin_queries.show_upload,
        admin_queries.list_uploads,
        admin_queries.describe_upload,
        admin_queries.get_object_states,
        admin_queries.get_vendor_status,
        admin_queries.list_active_categories,
        admin_queries.validate_file,
    )
}
"""Actions by name. An action with a `connection` runs in one transaction; one with a `database` opens its own."""
