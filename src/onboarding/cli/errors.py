"""Explanations of foreseeable errors for the user of a command."""

from __future__ import annotations

import psycopg
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from onboarding.config import NotSet
from onboarding.local.processes import LocalError
from onboarding.storage.migrate import MigrationError

_START = "start a local stack: onboarding local up"


class CommandError(Exception):
    """The command cannot run; the message gives the reason and the next step."""


def explain(error: Exception) -> str | None:
    """Return a message about a foreseeable error, or None for a fault in the code."""
    match error:
        case CommandError() | LocalError() | MigrationError() | NotSet():
            return str(error)
        case NoCredentialsError() | PartialCredentialsError():
            return f"No AWS credentials were found. Set them up as the AWS CLI needs them, or {_START}"
        case NoRegionError():
            return f"No AWS region is set. Set AWS_REGION, or {_START}"
        case ClientError():
            details = error.response.get("Error", {})
            return f"AWS rejected {error.operation_name}: {details.get('Code')}: {details.get('Message')}"
        case BotoCoreError():
            return f"AWS cannot be reached: {error}"
        case GetParameterError() | TransformParameterError():
            # Powertools wraps the error of boto3, which is more specific.
            cause = explain(error.__context__) if isinstance(error.__context__, Exception) else None
            return f"The secret with the database's credentials cannot be read. {cause or _get_first_line(error)}"
        case psycopg.OperationalError():
            return f"The database cannot be reached: {_get_first_line(error)}"
        case psycopg.Error():
            return f"The database rejected the command: {_get_first_line(error)}"
        case OSError():
            reason = error.strerror or str(error)
            return f"{error.filename}: {reason}" if error.filename else reason
    return None


def _get_first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
