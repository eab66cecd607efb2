"""Database roles: each group of functions has only the privileges that it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from onboarding.config import LOGIN_FIELDS
from onboarding.domain.resource_names import resource_name
from onboarding.notifications.report_links import LinkInvalid, sign_report_link, verify_report_link
from onboarding.storage.database import Connection, Database, open_connection
from onboarding.storage.database_roles import LOGINS, set_logins
from onboarding.storage.queries import query
from tests.support.postgres_fixtures import fetch, open_upload
from tests.support.running_pipeline import Pipeline, csv_of, product

ROLES = ("onboarding_pipeline", "onboarding_api", "onboarding_operator", "onboarding_vendor", "onboarding_report_link")

PRIVILEGES: dict[str, dict[str, str]] = {
    "onboarding_pipeline": {
        "exports": "delete select update*",
        "held_rows": "delete insert select",
        "mapping_versions": "select",
        "mappings": "select",
        "marketplace_webhook": "select*",
        "product_categories": "select",
        "product_changes": "insert select",
        "product_events": "delete select update",
        "products": "insert select update",
        "quarantined_objects": "insert select",
        "read_attempts": "delete insert select update",
        "row_corrections": "insert select",
        "sweep_cursor": "delete insert select update",
        "upload_history": "insert select update",
        "upload_sessions": "select*",
        "upload_warnings": "insert select",
        "validation_errors": "insert select",
        "value_mappings": "select",
        "vendors": "select",
    },
    "onboarding_api": {
        "audit_log": "insert",
        "api_keys": "select update*",
        "operators": "select",
        "sessions": "delete insert select update*",
        "sign_in_links": "delete insert select update*",
        "sign_in_requests": "delete insert select",
        "vendors": "select*",
    },
    "onboarding_operator": {
        "audit_log": "insert select",
        "api_keys": "insert select* update*",
        "corrections": "select",
        "exports": "insert* select update*",
        "held_rows": "select",
        "mapping_versions": "insert select",
        "mappings": "insert select update*",
        "marketplace_webhook": "delete insert select update",
        "report_link_clicks": "select",
        "product_blocks": "insert select update*",
        "product_categories": "insert select update",
        "product_changes": "select",
        "product_events": "select",
        "product_search": "select",
        "products": "delete select update",
        "quarantined_objects": "select",
        "rejected_rows": "select",
        "revoked_report_links": "insert select",
        "row_corrections": "select",
        "sessions": "select* update*",
        "sign_in_links": "select* update*",
        "undo_skipped": "delete insert select",
        "upload_history": "select update",
        "upload_sessions": "insert select",
        "upload_warnings": "select",
        "validation_errors": "insert select",
        "value_mappings": "delete insert select update*",
        "vendors": "insert select update",
        "webhooks": "select",
    },
    "onboarding_vendor": {
        "audit_log": "insert select",
        "api_keys": "insert select* update*",
        "corrections": "delete insert select update*",
        "dry_runs": "delete insert select update*",
        "exports": "insert* select",
        "mapping_versions": "insert select",
        "mappings": "insert select update*",
        "report_link_clicks": "select",
        "product_blocks": "select",
        "product_categories": "select",
        "product_changes": "select",
        "products": "select",
        "rejected_rows": "select",
        "revoked_report_links": "insert select",
        "row_corrections": "select",
        "undo_skipped": "select",
        "upload_history": "select",
        "upload_sessions": "insert select update*",
        "upload_warnings": "select",
        "validation_errors": "select",
        "value_mappings": "delete insert select update*",
        "vendors": "select",
        "webhooks": "delete insert select update",
    },
    "onboarding_report_link": {"report_link_clicks": "insert", "revoked_report_links": "select*"},
}
"""Privileges of each role for each table; `*` means only some columns."""


class Secrets:
    """Double of Secrets Manager."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {
            "product-onboarding/rds/pipeline": {"password": "p" * 40},
            "product-onboarding/rds/api": {"password": "a" * 40},
            "product-onboarding/link-keys": {"current": "k" * 64, "former": "f" * 64},
        }
        self.puts = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        if SecretId not in self.values:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": json.dumps(self.values[SecretId])}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803 - boto3's names
        self.puts += 1
        self.values[SecretId] = json.loads(SecretString)


@pytest.fixture
def secrets(database: Database, database_url: str) -> Secrets:
    server = conninfo_to_dict(database_url)
    secrets = Secrets()
    set_logins(database, secrets, {name: server[name] for name in ("host", "port", "dbname")}, "")
    return secrets


@pytest.fixture
def logins(secrets: Secrets) -> Iterator[dict[str, Connection]]:
    """Yield a connection for each role that logs in, with the parameters in its secret."""
    connections = {}
    for name, role in LOGINS.items():
        secret = secrets.values[resource_name(name)]
        assert secret["username"] == role
        parameters = {field: secret[field] for field in LOGIN_FIELDS - {"username"}}
        connections[role] = open_connection(user=secret["username"], **parameters)
    yield connections
    for connection in connections.values():
        connection.close()


def get_privileges(database: Database, role: str) -> dict[str, str]:
    """Return the privileges of a role for each table; `*` means only some columns."""
    rows = fetch(
        database,
        "select c.relname, p.name, has_table_privilege(r.oid, c.oid, p.name), "
        "p.name <> 'DELETE' and p.name <> 'TRUNCATE' and has_any_column_privilege(r.oid, c.oid, p.name) "
        "from pg_class c cross join pg_roles r cross join "
        "unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as p (name) "
        "where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and r.rolname = %s "
        "order by 1, 2",
        role,
    )
    privileges: dict[str, list[str]] = {}
    for table, privilege, on_table, on_columns in rows:
        if on_table or on_columns:
            privileges.setdefault(table, []).append(privilege.lower() + ("" if on_table else "*"))
    return {table: " ".join(names) for table, names in privileges.items()}


@pytest.mark.parametrize("role", ROLES)
def test_role_privileges_are_those_listed(database: Database, role: str) -> None:
    assert get_privileges(database, role) == PRIVILEGES[role]


def test_roles_own_no_tables_and_do_not_bypass_row_level_security(database: Database) -> None:
    rows = fetch(
        database,
        "select rolname, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication, rolcanlogin, "
        "exists (select from pg_class c where c.relowner = r.oid) from pg_roles r where rolname = any(%s) order by 1",
        list(ROLES),
    )
    assert rows == [(role, False, role in LOGINS.values(), False) for role in sorted(ROLES)]


def test_roles_only_the_api_may_set_another_role(database: Database) -> None:
    rows = fetch(
        database,
        "select m.rolname, g.rolname, a.inherit_option, a.admin_option from pg_auth_members a "
        "join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.roleid "
        "where m.rolname = any(%s) order by 1, 2",
        list(ROLES),
    )
    assert rows == [
        ("onboarding_api", "onboarding_operator", False, False),
        ("onboarding_api", "onboarding_vendor", False, False),
    ]


@pytest.mark.parametrize(
    ("role", "query"),
    [
        ("onboarding_report_link", "select * from products"),
        ("onboarding_report_link", "select * from vendors"),
        ("onboarding_report_link", "select revoked_by from revoked_report_links"),
        ("onboarding_report_link", "select * from report_link_clicks"),
        ("onboarding_report_link", "set role onboarding_operator"),
        ("onboarding_report_link", "delete from revoked_report_links"),
        ("onboarding_api", "select * from products"),
        ("onboarding_api", "select * from upload_history"),
        ("onboarding_api", "select * from product_events"),
        ("onboarding_api", "insert into api_keys (name) values ('mine')"),
        ("onboarding_api", "select phone from vendors"),
        ("onboarding_api", "delete from audit_log"),
        ("onboarding_api", "set role onboarding_pipeline"),
        ("onboarding_api", "insert into operators (email, name, role) values ('a@b.example', 'A', 'admin')"),
        ("onboarding_pipeline", "select * from api_keys"),
        ("onboarding_pipeline", "select * from sessions"),
        ("onboarding_pipeline", "select secret from marketplace_webhook"),
        ("onboarding_pipeline", "insert into product_events (product_ids) values ('{1}')"),
        ("onboarding_pipeline", "update vendors set email = 'a@b.example'"),
        ("onboarding_pipeline", "delete from products"),
        ("onboarding_pipeline", "set role onboarding_operator"),
        *((role, "create table public.mine (a integer)") for role in LOGINS.values()),
        *((role, "truncate report_link_clicks") for role in LOGINS.values()),
    ],
)
def test_login_query_without_privilege_is_rejected(logins: dict[str, Connection], role: str, query: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        logins[role].execute(sql.SQL(query))


def test_api_login_restricted_to_a_vendor_sees_only_its_rows(database: Database, logins: dict[str, Connection]) -> None:
    for vendor in ("VEND001", "VEND002"):
        open_upload(database, f"UPLOAD_OF_{vendor}", 1, vendor_id=vendor)
    connection = logins["onboarding_api"]
    with connection.transaction():
        connection.execute(query("restrict_to_vendor"), {"vendor_id": "VEND001"})
        assert connection.execute("select upload_id from upload_history").fetchall() == [("UPLOAD_OF_VEND001",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("set local row_security = off; select upload_id from upload_history")
    with connection.transaction():
        connection.execute(query("set_role"), {"role": "onboarding_operator"})
        assert len(connection.execute("select upload_id from upload_history").fetchall()) == 2


def test_report_link_login_reads_revocations_and_inserts_clicks(logins: dict[str, Connection]) -> None:
    connection = logins["onboarding_report_link"]
    with connection.transaction(force_rollback=True):
        params = {"s3_key": "errors/VEND001/U_errors.csv"}
        assert connection.execute(query("is_report_link_revoked"), params).fetchone() == (False,)
        click = {**params, "vendor_id": "VEND001", "outcome": "followed", "ip": "", "user_agent": ""}
        connection.execute(query("insert_report_link_click"), click)


def test_set_logins_repeated_changes_nothing(database: Database, secrets: Secrets) -> None:
    server = {name: secrets.values["product-onboarding/rds/api"][name] for name in ("host", "port", "dbname")}
    before, puts = json.dumps(secrets.values), secrets.puts
    set_logins(database, secrets, server, "")
    assert (json.dumps(secrets.values), secrets.puts) == (before, puts)


def test_set_logins_before_the_pipeline_stack_exists_completes_the_other_secrets(
    database: Database, database_url: str
) -> None:
    server = conninfo_to_dict(database_url)
    secrets = Secrets()
    del secrets.values["product-onboarding/link-keys"]
    set_logins(database, secrets, {name: server[name] for name in ("host", "port", "dbname")}, "")
    assert {name: secret["username"] for name, secret in secrets.values.items()} == {
        "product-onboarding/rds/pipeline": "onboarding_pipeline",
        "product-onboarding/rds/api": "onboarding_api",
    }


def test_set_logins_keeps_the_link_keys(secrets: Secrets) -> None:
    keys = secrets.values["product-onboarding/link-keys"]
    assert (keys["current"], keys["former"]) == ("k" * 64, "f" * 64)
    # No entry of the login is a link key.
    forged = sign_report_link("errors/VEND001/U_errors.csv", {"current": keys["password"]})
    with pytest.raises(LinkInvalid):
        verify_report_link(forged, keys)
    assert (
        verify_report_link(sign_report_link("errors/VEND001/U_errors.csv", keys), keys) == "errors/VEND001/U_errors.csv"
    )


def test_functions_of_the_local_stack_log_in_as_their_roles(pipeline: Pipeline) -> None:
    pipeline.run("VEND001", "roles.csv", csv_of([product("database-roles"), product("database-roles-2", price="x")]))
    rows = pipeline.connection.execute(
        "select distinct usename from pg_stat_activity where datname = current_database()"
    )
    names = {name for (name,) in rows}
    assert "onboarding_pipeline" in names


def test_functions_with_the_rights_of_their_owner_search_temporary_objects_last(database: Database) -> None:
    query = "select proconfig from pg_proc where prosecdef and pronamespace = 'public'::regnamespace"
    settings = [config for (config,) in fetch(database, query)]
    assert len(settings) >= 3
    assert settings == [["search_path=public, pg_temp"]] * len(settings)
