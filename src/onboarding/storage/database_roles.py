"""Logins of the functions to PostgreSQL: the role of each group of functions, and the secret with its password."""

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
"""The role of each secret, by the secret's short name (see `resource_name`): its readers log in with this role.

The login of report-link is in the secret with its link keys: a further secret would cost 0.40 USD a month.
"""


OPERATOR_ROLE = "onboarding_operator"
"""The role that sees the rows of all vendors."""


def set_logins(database: Database, secretsmanager: Any, server: Mapping[str, Any], prefix: str) -> None:
    """Set the password of each role to that in its secret, and add the connection parameters to the secret.

    `server` has host, port and dbname; `prefix` is that of the deployment. A secret without a password gets a random
    one. The role is changed first, so that a secret never has a password that its role does not have. Secrets that do
    not exist yet are skipped: the link keys are part of the pipeline's stack, which is created after the database.
    A second call changes nothing.
    """
    for short_name, role in LOGINS.items():
        name = resource_name(short_name, prefix)
        secret = _get_secret(secretsmanager, name)
        if secret is None:
            continue
        password = secret.get("password") or secrets.token_urlsafe(32)
        login = {**server, "username": role, "password": password}
        assert login.keys() == LOGIN_FIELDS, "entries with other names are link keys"  # noqa: S101
        database.run(partial(_set_password, role=role, password=password))
        if secret != {**secret, **login}:
            secretsmanager.put_secret_value(SecretId=name, SecretString=json.dumps({**secret, **login}))


def _get_secret(secretsmanager: Any, name: str) -> dict[str, Any] | None:
    try:
        secret: dict[str, Any] = json.loads(secretsmanager.get_secret_value(SecretId=name)["SecretString"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return secret


def _set_password(connection: Connection, role: str, password: str) -> None:
    # As a hash, since the server may log statements.
    password_hash = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), password_hash.decode()))
