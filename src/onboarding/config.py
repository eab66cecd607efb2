"""What the environment tells a function. Read once, on first use; a missing name fails with that name."""

from __future__ import annotations

import os
from dataclasses import dataclass

from onboarding.domain.resource_names import prefix_of_bucket, resource_name

LOGIN_FIELDS = frozenset({"username", "password", "host", "port", "dbname"})
"""What a secret holds for a login to the database."""


class NotSet(Exception):
    """An environment variable that is needed and not set; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment variables, read when asked for: a function needs only the ones that its steps use."""

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
        """libpq's sslmode. Unless told otherwise nobody is told the password whose certificate was not checked, against
        the authorities that the image brings along; the local server, which has no TLS, is reached with `prefer`."""
        return self.environment.get("DATABASE_SSLMODE", "verify-full")

    @property
    def queue_url(self) -> str:
        return self._required("SQS_ERROR_QUEUE_URL")

    @property
    def bucket(self) -> str:
        return self._required("S3_BUCKET_NAME")

    @property
    def name_prefix(self) -> str:
        """What this deployment's names begin with, by the name of its bucket; raises ValueError for another bucket."""
        return prefix_of_bucket(self.bucket)

    def resource_name(self, name: str) -> str:
        """Return the full name of one of this deployment's resources."""
        return resource_name(name, self.name_prefix)

    @property
    def failures_bucket(self) -> str:
        """The bucket of batches, and of single items, that product-validator could not process."""
        return self._required("FAILURES_BUCKET_NAME")

    @property
    def topic(self) -> str:
        return self._required("SNS_TOPIC_ARN")

    @property
    def mail_claims_table(self) -> str:
        return self._required("MAIL_CLAIMS_TABLE")

    @property
    def mail_sender(self) -> str:
        return self._required("MAIL_SENDER")

    @property
    def link_secret(self) -> str:
        return self._required("LINK_SECRET_NAME")

    @property
    def link_base_url(self) -> str:
        return self._required("LINK_BASE_URL")

    @property
    def portal_url(self) -> str:
        """Where people reach the portal and programs the API, without a slash at the end."""
        return self._required("PORTAL_URL").rstrip("/")

    @property
    def webhooks_table(self) -> str:
        return self._required("WEBHOOKS_TABLE")

    @property
    def webhook_deliveries_table(self) -> str:
        return self._required("WEBHOOK_DELIVERIES_TABLE")

    @property
    def webhooks_may_be_private(self) -> bool:
        """Whether a webhook may lead to plain HTTP and to addresses of this machine or network; never on AWS."""
        return self.environment.get("WEBHOOKS_MAY_BE_PRIVATE", "false") == "true"

    @property
    def dry_run_bytes(self) -> int:
        """How large a file a dry run takes. On AWS less than an upload: what passes the HTTP API is bounded."""
        return int(self.environment.get("DRY_RUN_BYTES", "10485760"))

    @property
    def longest_wait(self) -> float:
        """Seconds for which a request may wait for something to move."""
        return float(self.environment.get("LONGEST_WAIT", "20"))
