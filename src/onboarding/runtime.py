"""Application context of a process: settings, AWS clients and database, each created once on first use."""

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

SECRET_MAX_AGE = 3600
"""How long a secret is cached, in seconds."""

PARALLEL_CALLS = 8
"""Maximum number of concurrent calls to one service."""

INVOKE_CONFIG = Config(read_timeout=910, tcp_keepalive=True, retries={"total_max_attempts": 1})
"""Configuration of a client that invokes functions: it waits as long as a function may run, and does not retry, because
a retry would be a second invocation."""


class AppContext:
    """Settings, AWS clients and database of a process; the first argument of the use cases."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._session = boto3.session.Session()
        # The retry mode "standard" of botocore backs off on throttling and on lost connections.
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 5},
            max_pool_connections=PARALLEL_CALLS,
            connect_timeout=5,
            read_timeout=30,
            # Validation costs more than the request itself. The tests validate every request instead
            # (tests/support/every_process).
            parameter_validation=False,
        )

    @cached_property
    def s3(self) -> S3Client:
        # Pre-signed URLs need the regional host: by default botocore signs for the global host, which redirects while a
        # bucket is new and does not serve the newer regions. With an IP address as its endpoint, as in the local stack,
        # botocore puts the bucket into the path.
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
        return self._session.client("lambda", config=self._config.merge(INVOKE_CONFIG))

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
        # With our client: a session of its own would load botocore's service models a second time.
        return SecretsProvider(boto3_client=self.secretsmanager)

    def secret(self, name: str, *, fresh: bool = False) -> dict[str, Any]:
        """Return a JSON secret by its name. It is cached for an hour, unless `fresh` requests its current value."""
        value = self._secrets.get(name, max_age=SECRET_MAX_AGE, transform="json", force_fetch=fresh)
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
        """Invoke a function of this deployment asynchronously, by its short name such as `mailer`."""
        function, payload = self.settings.resource_name(name), json.dumps(event).encode()
        self.lambdas.invoke(FunctionName=function, InvocationType="Event", Payload=payload)

    def close(self) -> None:
        """Close the database connection, if it was opened."""
        if "database" in self.__dict__:
            self.database.close()


@cache
def get_context() -> AppContext:
    """Return the context of this process, configured by its environment."""
    # A call creates hundreds of thousands of objects, keeps them until its end, and creates no reference cycles. With
    # the default thresholds the garbage collector would take a fifth of the parser's time.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    return AppContext(Settings.from_environment())
