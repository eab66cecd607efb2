"""The database and everything else emptied before a run, and all of it read afterwards, to be compared."""

from __future__ import annotations

import re
from typing import Any

from tests.faults.lambda_runtime import Runtime
from tests.faults.simulation import World

KEPT = ("vendors", "product_categories", "schema_migrations")
PASSING = {
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
"""What differs from run to run without a meaning, beside times and identity columns."""

State = dict[str, Any]


def tables(runtime: Runtime) -> list[str]:
    """Every table that an upload can write to."""
    query = "select tablename from pg_tables where schemaname = 'public' and not tablename = any(%s) order by 1"
    return [name for (name,) in runtime.ask(query, (list(KEPT),))]


def empty(runtime: Runtime) -> None:
    """Back to what the migrations left, on a new AWS."""
    # One statement; deleting is several times quicker than truncating while the tables are small.
    order = sorted(tables(runtime), key=lambda name: name == "upload_history")
    deletes = "; ".join(f"delete from {name}" for name in order)  # noqa: S608 - the database's own names
    # What a dead client had sent the server may still be at work on: the lock waits for its end.
    runtime.ask(f"lock table upload_history in access exclusive mode; {deletes}")
    runtime.reset()


def state_of(world: World) -> State:
    """Every table, item, object and mail, without what differs from run to run."""
    runtime, aws = world.runtime, world.runtime.aws
    mails = sorted(
        (mail["subject"], tuple(mail["to"]), re.sub(r"/reports/\S+", "/reports/...", mail["text"]))
        for mail in aws.mails
    )
    return {
        **{name: _rows(runtime, name) for name in tables(runtime)},
        "UploadRecords": {"/".join(key): _plain(item) for key, item in aws.tables["UploadRecords"].items()},
        "product-onboarding-mail-claims": {
            "/".join(key): "sent_at" in item for key, item in aws.tables["product-onboarding-mail-claims"].items()
        },
        "objects": {key: versions[-1].content for key, versions in aws.objects.items()},
        "mails": mails if not world.mail_windows else sorted(set(mails)),
        "messages": sorted({_said(body) for body in aws.sent}),
        "unheard": sorted({str(event) for event in aws.unheard}),
    }


def _said(body: dict[str, Any]) -> tuple[str, int, str, str]:
    """What a message to the queue says: of a row, or (row 0) of an upload."""
    what = body.get("error_type", body.get("event"))
    return body["upload_id"], body.get("row_number", 0), str(what), body.get("error_message", "")


def _rows(runtime: Runtime, name: str) -> list[str]:
    """The rows without times and identity columns; errors of a row stay in their order."""
    query = """
        select column_name, is_identity = 'YES', data_type like 'timestamp%%'
        from information_schema.columns where table_name = %s and table_schema = 'public'
    """
    columns = runtime.ask(query, (name,))
    identity = [column for column, is_identity, _ in columns if is_identity]
    dropped = [column for column, is_identity, is_time in columns if is_identity or is_time or column in PASSING]
    names = [column for column, _, _ in columns]
    order = ", ".join([*(name for name in ("upload_id", "row_number") if name in names), *identity, "1"])
    found = runtime.ask(f"select (to_jsonb(t) - %s::text[])::text from {name} t order by {order}", (dropped,))  # noqa: S608
    return [row for (row,) in found]


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in PASSING}


def differences(expected: State, found: State) -> list[str]:
    """Where two states differ, in words."""
    changed = {name: (expected.get(name), found.get(name)) for name in sorted(expected.keys() | found.keys())}
    return [
        f"{name}: expected {_short(one, other)}, found {_short(other, one)}"
        for name, (one, other) in changed.items()
        if one != other
    ]


def _short(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        return str({key: value for key, value in one.items() if other.get(key) != value})[:500]
    if isinstance(one, list) and isinstance(other, list):
        return str([value for value in one if value not in other] or f"{len(one)} entries")[:500]
    return str(one)[:200]
