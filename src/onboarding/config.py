"""Settings from environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass

from onboarding.domain.resource_names import prefix_of_bucket, resource_name

LOGIN_FIELDS = frozenset({"username", "password", "host", "port", "dbname"})
"""Fields of a secret with a database login."""


class NotSet(Exception):
    """A required environment variable is not set; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a process. A missing variable raises NotSet on access, because no function needs all of them."""

    environment: dict[str, str]

    @classmethod
    def from_environment(cls) -> Settings:
        return cls(dict(os.environ))

    def _required(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise NotSet(f"the environment variable {name} is not set")
        return value

    @property
    def table(self) -> str:
        return self._required("DYNAMODB_TABLE")

    @property
    def database_secret(self) -> str:
        return self._required("RDS_SECRET_NAME")

    @property
    def database_sslmode(self) -> str:
        """Return the sslmode of libpq.

        By default the server's certificate is verified before the password is sent; the local server has no TLS and
        needs `prefer`.
        """
        return self.environment.get("DATABASE_SSLMODE", "verify-full")

    @property
    def queue_url(self) -> str:
        return self._required("SQS_ERROR_QUEUE_URL")

    @property
    def bucket(self) -> str:
        return self._required("S3_BUCKET_NAME")

    @property
    def name_prefix(self) -> str:
        """Return the prefix of this deployment's resource names, taken from its bucket name.

        Raises ValueError if the bucket is not named by the convention.
        """
        return prefix_of_bucket(self.bucket)

    def resource_name(self, name: str) -> str:
        """Return the full name of one of this deployment's resources."""
        return resource_name(name, self.name_prefix)

    @property
    def failures_bucket(self) -> str:
        """Return the bucket of the batches and items that product-validator could not process."""
        return self._required("FAILURES_BUCKET_NAME")

    @property
    def topic(self) -> str:
        return self._required("SNS_TOPIC_ARN")

    @property
    def email_claims_table(self) -> str:
        return self._required("EMAIL_CLAIMS_TABLE")

    @property
    def email_sender(self) -> str:
        return self._required("EMAIL_SENDER")

    @property
    def link_secret(self) -> str:
        return self._required("LINK_SECRET_NAME")

    @property
    def link_base_url(self) -> str:
        return self._required("LINK_BASE_URL")

    @property
    def portal_url(self) -> str:
        """Return the base URL of portal and API, without a slash at the end."""
        return self._required("PORTAL_URL").rstrip("/")

    @property
    def webhooks_table(self) -> str:
        return self._required("WEBHOOKS_TABLE")

    @property
    def webhook_deliveries_table(self) -> str:
        return self._required("WEBHOOK_DELIVERIES_TABLE")

    @property
    def webhooks_may_be_private(self) -> bool:
        """Return whether webhook URLs may use plain HTTP and private addresses; never on AWS."""
        return self.environment.get("WEBHOOKS_MAY_BE_PRIVATE", "false") == "true"

    @property
    def dry_run_bytes(self) -> int:
        """Return the maximum size of a dry-run file in bytes, limited on AWS by the payload size of the HTTP API."""
        return int(self.environment.get("DRY_RUN_BYTES", "10485760"))

    @property
    def longest_wait(self) -> float:
        """Return the maximum number of seconds that a request may wait for a change."""
        return float(self.environment.get("LONGEST_WAIT", "20"))
