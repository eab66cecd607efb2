"""Names of the AWS resources of one deployment.

The contract names some of them. All others begin with the product's name, so that none meets one of another
application in the account. A deployment beside the first one has a prefix (such as `staging-`) before every name.
"""

from __future__ import annotations

import re

PRODUCT = "product-onboarding"

UPLOAD_BUCKET = "ecommerce-product-uploads"
"""The contract's name of the bucket, which the account's number follows."""

CONTRACT_NAMES = frozenset(
    {
        "csv-parser",
        "product-validator",
        "error-processor",
        "csv-parser-lambda",
        "product-validator-lambda",
        "error-processor-lambda",
        "UploadRecords",
        "product-validation-errors",
        "product-validation-errors-dlq",
        "product-upload-notifications",
        "ecommerce/rds/credentials",
        "ecommerce-db",
        UPLOAD_BUCKET,
    }
)
"""Names that the contract fixes."""

PREFIX_PATTERN = r"([a-z][a-z0-9]{0,11}-)?"
"""A deployment's prefix: up to 12 small letters and digits, and a hyphen; empty for the first deployment.

It ends at its only hyphen, so no two prefixes give the same name.
"""


def resource_name(name: str, prefix: str = "") -> str:
    """Return the full name of a resource, such as `staging-product-onboarding-api` for `api`.

    A name that begins with a slash is below the product's: `product-onboarding/link-keys` for `/link-keys`.
    """
    if name in CONTRACT_NAMES:
        return f"{prefix}{name}"
    return f"{prefix}{PRODUCT}{name}" if name.startswith("/") else f"{prefix}{PRODUCT}-{name}"


def prefix_of_bucket(bucket: str) -> str:
    """Return the prefix of the deployment with this bucket for uploads. Raises ValueError for any other bucket."""
    match = re.fullmatch(rf"{PREFIX_PATTERN}{UPLOAD_BUCKET}-[0-9]{{12}}", bucket)
    if match is None:
        raise ValueError(f"{bucket} is no bucket of a deployment: those are named [PREFIX-]{UPLOAD_BUCKET}-ACCOUNT")
    return match[1] or ""
