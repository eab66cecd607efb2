"""What a running function holds: its settings, its AWS clients, its database. Each is made on first use, once."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config

from onboarding.aws.dynamodb_wire import send_as_written
from onboarding.config import Settings
from onboarding.storage.database import Database

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

SECRET_AGE = 3600
"""Seconds that a secret is kept before it is asked for again."""

PARALLEL_CALLS = 8
"""Calls to one service under way at once, where a step has many to make."""


FOR_A_CALL = Config(read_timeout=910, tcp_keepalive=True, retries={"total_max_attempts": 1})
"""For a client that calls functions: waits as long as one may take; a retry of its own would be a second call."""


class AppContext:
    """One per process. Steps take it as their first argument."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._session = boto3.session.Session()
        # Retries are botocore's: "standard" backs off on throttling and on lost connections.
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 5},
            max_pool_connections=PARALLEL_CALLS,
            connect_timeout=5,
            read_timeout=30,
            # Validation costs more than the request itself. The tests validate every request (tests/every_process).
            parameter_validation=False,
        )

    @cached_property
    def s3(self) -> S3Client:
        # Signed addresses name the regional host: by default botocore signs for the global one, which redirects while a
        # bucket is new and does not serve the newer regions. An endpoint that is an IP address, as the local one, keeps
        # the bucket in the path.
        signing = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
        return self._session.client("s3", config=self._config.merge(signing))

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        client = self._session.client("dynamodb", config=self._config)
        send_as_written(client)
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", config=self._config)

    @cached_property
    def lambdas(self) -> LambdaClient:
        return self._session.client("lambda", config=self._config.merge(FOR_A_CALL))

    @cached_property
    def sns(self) -> SNSClient:
        return self._session.client("sns", config=self._config)

    @cached_property
    def ses(self) -> SESClient:
        return self._session.client("ses", config=self._config)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return self._session.client("secretsmanager", config=self._config)

    @cached_property
    def _secrets(self) -> SecretsProvider:
        # In our session: one of its own would read what botocore knows of AWS once more.
        return SecretsProvider(boto3_client=self.secretsmanager)

    def secret(self, name: str, *, fresh: bool = False) -> dict[str, Any]:
        """A JSON secret by its name, at most an hour old, or asked for anew."""
        value = self._secrets.get(name, max_age=SECRET_AGE, transform="json", force_fetch=fresh)
        return cast("dict[str, Any]", value)

    @cached_property
    def database(self) -> Database:
        def credentials(*, fresh: bool = False) -> dict[str, Any]:
            secret = self.secret(self.settings.database_secret, fresh=fresh)
            return {
                "host": secret["host"],
                "port": secret["port"],
                "dbname": secret["dbname"],
                "user": secret["username"],
                "password": secret["password"],
                "sslmode": self.settings.database_sslmode,
            }

        return Database(credentials)

    def start_function(self, name: str, event: Mapping[str, object]) -> None:
        """Have a function of this deployment, by its short name, handle an event; do not wait for it."""
        function, payload = self.settings.resource_name(name), json.dumps(event).encode()
        self.lambdas.invoke(FunctionName=function, InvocationType="Event", Payload=payload)

    def close(self) -> None:
        """Let the database go; a process that ends does so by itself."""
        if "database" in self.__dict__:
            self.database.close()


@cache
def get_context() -> AppContext:
    """This process's context, from its environment."""
    # A call makes values by the hundred thousand and holds them all till its end: to look for cycles among them after
    # each few hundred costs a fifth of the parser's time, and there are none.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    return AppContext(Settings.from_environment())
