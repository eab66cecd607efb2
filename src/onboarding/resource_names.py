"""Names of the AWS resources of one deployment.

The contract names some of them. All others begin with the product's name, so that none meets one of another
application in the account. A deployment beside the first one has a prefix (such as `staging-`) before every name.
"""

from __future__ import annotations

PRODUCT = "product-onboarding"

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
        "ecommerce-product-uploads",
    }
)
"""Names that the contract fixes; that of the bucket is followed by the account's number."""

PREFIX_PATTERN = r"([a-z][a-z0-9]{0,11}-)?"
"""A deployment's prefix: up to 12 small letters and digits, and a hyphen; empty for the first deployment."""


def resource_name(name: str, prefix: str = "") -> str:
    """Return the full name of a resource, such as `staging-product-onboarding-api` for `api`."""
    return f"{prefix}{name}" if name in CONTRACT_NAMES else f"{prefix}{PRODUCT}-{name}"
