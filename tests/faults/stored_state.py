"""Snapshots of all stored state, and the reset of the state before a run."""

from __future__ import annotations

import re
from typing import Any

from tests.faults.lambda_runtime import Runtime
from tests.faults.simulation import Simulation

PRESERVED_TABLES = ("vendors", "product_categories", "schema_migrations", "product_search_position")
VOLATILE_COLUMNS = {
    "created_at",
    "processed_at",
    "expires_at",
    "sent_at",
    "lease_until",
    "resume_attempts",
    "resume_starts",
    "renotifications",
    "timestamp",
    "product_id",
    "previous_values",
}
"""Names whose values differ between equal runs, besides times and serial numbers."""

_REFERENCED_TABLES = ("upload_history", "mapping_versions", "mappings")
"""Tables with rows that others refer to, each before those that it refers to itself."""

EVENTS = "product_events"
"""The change feed. Equal runs have other transactions; the mirror of the catalog is compared instead."""

State = dict[str, Any]


def tables(runtime: Runtime) -> list[str]:
    """Return the tables that an upload can write to."""
    query = "select tablename from pg_tables where schemaname = 'public' and not tablename = any(%s) order by 1"
    return [name for (name,) in runtime.fetch(query, (list(PRESERVED_TABLES),))]


def empty(runtime: Runtime) -> None:
    """Reset the database to the state after the migrations, and AWS to a new double."""
    # Deleting is several times faster than truncating while the tables are small.
    order = sorted(
        tables(runtime), key=lambda name: _REFERENCED_TABLES.index(name) if name in _REFERENCED_TABLES else -1
    )
    # Deleting products adds events.
    order.append(EVENTS)
    deletes = "; ".join(f"delete from {name}" for name in order)  # noqa: S608 - the database's own names
    # The server may still execute a statement of a crashed client: the lock waits until it has ended.
    runtime.fetch(f"lock table upload_history in access exclusive mode; {deletes}")
    runtime.reset()


def state_of(simulation: Simulation) -> State:
    """Return every table, item, object and e-mail, without the values that differ between equal runs."""
    runtime, aws = simulation.runtime, simulation.runtime.aws
    emails = sorted(
        (email["subject"], tuple(email["to"]), re.sub(r"/reports/\S+", "/reports/...", email["text"]))
        for email in aws.emails
    )
    return {
        **{name: _rows(runtime, name) for name in tables(runtime) if name != EVENTS},
        "UploadRecords": {"/".join(key): _plain(item) for key, item in aws.tables["UploadRecords"].items()},
        "product-onboarding-email-claims": {
            "/".join(key): "sent_at" in item for key, item in aws.tables["product-onboarding-email-claims"].items()
        },
        "objects": {key: versions[-1].content for key, versions in aws.objects.items()},
        "emails": emails if not simulation.email_windows else sorted(set(emails)),
        "messages": sorted({_message_content(body) for body in aws.sent}),
        "filtered_out": sorted({str(event) for event in aws.filtered_out}),
    }


def _message_content(body: dict[str, Any]) -> tuple[str, int, str, str]:
    """Return the content of a queue message; its row number is 0 for a message about an upload."""
    event = body.get("error_type", body.get("event"))
    return body["upload_id"], body.get("row_number", 0), str(event), body.get("error_message", "")


def _rows(runtime: Runtime, name: str) -> list[str]:
    """Return the rows without times and serial numbers; the errors of a row keep their order."""
    query = """
        select column_name, is_identity = 'YES', data_type like 'timestamp%%'
        from information_schema.columns where table_name = %s and table_schema = 'public'
    """
    columns = runtime.fetch(query, (name,))
    serial = [column for column, is_serial, _ in columns if is_serial]
    dropped = [column for column, is_serial, is_time in columns if is_serial or is_time or column in VOLATILE_COLUMNS]
    names = [column for column, _, _ in columns]
    order = ", ".join([*(name for name in ("upload_id", "row_number") if name in names), *serial, "1"])
    rows = runtime.fetch(f"select (to_jsonb(t) - %s::text[])::text from {name} t order by {order}", (dropped,))  # noqa: S608
    return [row for (row,) in rows]


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in VOLATILE_COLUMNS}


def differences(expected: State, actual: State) -> list[str]:
    """Describe the differences between two states."""
    values = {name: (expected.get(name), actual.get(name)) for name in sorted(expected.keys() | actual.keys())}
    return [
        f"{name}: expected {_short(state, other_state)}, actual {_short(other_state, state)}"
        for name, (state, other_state) in values.items()
        if state != other_state
    ]


def _short(state: Any, other_state: Any) -> str:
    if isinstance(state, dict) and isinstance(other_state, dict):
        return str({key: value for key, value in state.items() if other_state.get(key) != value})[:500]
    if isinstance(state, list) and isinstance(other_state, list):
        return str([value for value in state if value not in other_state] or f"{len(state)} entries")[:500]
    return str(state)[:200]
