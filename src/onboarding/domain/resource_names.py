"""Names of the AWS resources of one deployment.

The contract specifies some of them. All others begin with the product's name, so that they do not collide with names of
other applications in the account. A deployment beside the first one has a prefix (such as `staging-`) for all names.
"""

from __future__ import annotations

import re
from enum import StrEnum

PRODUCT = "product-onboarding"

UPLOAD_BUCKET = "ecommerce-product-uploads"
"""The contract's name of the bucket, without the account number that follows it."""


class Function(StrEnum):
    """Short names of the Lambda functions (see `resource_name`)."""

    CSV_PARSER = "csv-parser"
    PRODUCT_VALIDATOR = "product-validator"
    ERROR_PROCESSOR = "error-processor"
    MAILER = "mailer"
    WEBHOOK = "webhook"
    REPORT_LINK = "report-link"
    API = "api"
    EXPORTER = "exporter"
    WATCHDOG = "watchdog"
    ADMIN = "admin"


class Queue(StrEnum):
    """Short names of the SQS queues (see `resource_name`)."""

    ERRORS = "product-validation-errors"
    ERRORS_DLQ = "product-validation-errors-dlq"
    CSV_PARSER_FAILURES = "csv-parser-failures"
    PRODUCT_VALIDATOR_FAILURES = "product-validator-failures"
    MAILER_FAILURES = "mailer-failures"
    WEBHOOK_FAILURES = "webhook-failures"
    EXPORTER_FAILURES = "exporter-failures"
    WATCHDOG_FAILURES = "watchdog-failures"


CONTRACT_NAMES = frozenset(
    {
        Function.CSV_PARSER,
        Function.PRODUCT_VALIDATOR,
        Function.ERROR_PROCESSOR,
        "csv-parser-lambda",
        "product-validator-lambda",
        "error-processor-lambda",
        "UploadRecords",
        Queue.ERRORS,
        Queue.ERRORS_DLQ,
        "product-upload-notifications",
        "ecommerce/rds/credentials",
        "ecommerce-db",
        UPLOAD_BUCKET,
    }
)
"""Names that the contract specifies."""

PREFIX_PATTERN = r"([a-z][a-z0-9]{0,11}-)?"
"""The prefix of a deployment: up to 12 lowercase letters and digits, then a hyphen; empty for the first deployment.

It ends at its only hyphen, so two prefixes never result in the same name.
"""


def resource_name(name: str, prefix: str = "") -> str:
    """Return the full name of a resource, such as `staging-product-onboarding-api` for `api`.

    A name that begins with a slash is appended without a hyphen: `product-onboarding/link-keys` for `/link-keys`.
    """
    if name in CONTRACT_NAMES:
        return f"{prefix}{name}"
    return f"{prefix}{PRODUCT}{name}" if name.startswith("/") else f"{prefix}{PRODUCT}-{name}"


def prefix_of_bucket(bucket: str) -> str:
    """Return the name prefix of the deployment with this upload bucket. Raises ValueError for any other bucket."""
    match = re.fullmatch(rf"{PREFIX_PATTERN}{UPLOAD_BUCKET}-[0-9]{{12}}", bucket)
    if match is None:
        raise ValueError(f"{bucket} is not the bucket of a deployment; its name is [PREFIX-]{UPLOAD_BUCKET}-ACCOUNT")
    return match[1] or ""
