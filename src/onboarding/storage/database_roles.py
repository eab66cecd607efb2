"""Logins of the functions to PostgreSQL: a role for each group of functions, and the secret with its password."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from psycopg import sql

from onboarding.config import LOGIN_FIELDS
from onboarding.domain.resource_names import resource_name
from onboarding.storage.database import Connection, Database

LOGINS: Mapping[str, str] = {
    "/rds/pipeline": "onboarding_pipeline",
    "/rds/api": "onboarding_api",
    "/link-keys": "onboarding_report_link",
}
"""The role that the functions which read a secret log in as, by the secret's short name (see `resource_name`).

report-link needs its link keys anyway, so its login stands in the same secret: another one would cost 0.40 USD a month.
"""


def set_logins(database: Database, secretsmanager: Any, server: Mapping[str, Any], prefix: str) -> None:
    """Give each role the password in its secret, and complete the secret with all that it takes to connect to `server`.

    `server` holds host, port and dbname. A secret without a password gets one. Safe to repeat. The role comes first, so
    that a secret never names a password that the role does not have. A secret that does not exist yet is left out: the
    pipeline's stack makes that of the link keys, after the database's. `prefix` is the deployment's.
    """
    for short_name, role in LOGINS.items():
        name = resource_name(short_name, prefix)
        secret = _secret(secretsmanager, name)
        if secret is None:
            continue
        password = secret.get("password") or secrets.token_urlsafe(32)
        login = {**server, "username": role, "password": password}
        assert login.keys() == LOGIN_FIELDS, "a link key is an entry of any other name"  # noqa: S101
        database.run(partial(_set_password, role=role, password=password))
        if secret != {**secret, **login}:
            secretsmanager.put_secret_value(SecretId=name, SecretString=json.dumps({**secret, **login}))


def _secret(secretsmanager: Any, name: str) -> dict[str, Any] | None:
    try:
        secret: dict[str, Any] = json.loads(secretsmanager.get_secret_value(SecretId=name)["SecretString"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return secret


def _set_password(connection: Connection, role: str, password: str) -> None:
    # As a hash: the server may log a statement.
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), hashed.decode()))
