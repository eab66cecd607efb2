"""The pipeline on a moto server, with its functions in this process.

moto stores the objects, items, messages and secrets, and sends the events of S3, SNS and direct calls. Without Docker
it runs no code, it passes single messages to a function, and it does not retry. So this module receives its calls of
functions, and polls the stream and the queue as Lambda does.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import unquote_plus

import boto3
import httpx
import psycopg
import pytest
from moto.awslambda.models import LambdaFunction
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from onboarding.cloudformation.templates import Template, load_template
from onboarding.config import Settings
from onboarding.lambda_handlers import api
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.runtime import AppContext
from tests.faults.dynamodb_expressions import matches_pattern
from tests.support.postgres_fixtures import input_shape

REGION = "us-east-1"
SENDER = "uploads@techmart.example"
HOST = "portal.techmart.example"
Event = dict[str, Any]

TEMPLATE = load_template("pipeline", {}, DEFAULT_ACCOUNT_ID, REGION)


@dataclass(frozen=True)
class Function:
    """A function of the templates: its name on AWS, its module, and the secret with its login to PostgreSQL."""

    name: str
    module: ModuleType
    secret: str

    @classmethod
    def of(cls, template: Template, properties: Event) -> Function:
        _, handler, _ = properties["Handler"]["Fn::If"]
        secret = properties["Environment"]["Variables"].get("RDS_SECRET_NAME", "")
        module = import_module(handler.rpartition(".")[0])
        return cls(template.evaluate(properties["FunctionName"]), module, template.evaluate(secret))


def _functions() -> dict[str, Function]:
    templates = (TEMPLATE, load_template("database", {}, DEFAULT_ACCOUNT_ID, REGION))
    functions = [
        Function.of(template, properties)
        for template in templates
        for properties in template.resources_of_type("AWS::Lambda::Function").values()
    ]
    return {function.module.__name__.rpartition(".")[2].replace("_", "-"): function for function in functions}


FUNCTIONS = _functions()
"""By short name."""


@cache
def _session() -> Any:
    return boto3.session.Session("key", "secret", region_name=REGION)


def get_resource_name(resource_type: str, logical_id: str, key: str) -> str:
    """Return the name of a resource in the template."""
    return TEMPLATE.evaluate(TEMPLATE.resources_of_type(resource_type)[logical_id][key])


@dataclass
class MotoAccount:
    """An account on a moto server with the resources of the pipeline's template."""

    database_url: str
    events: deque[tuple[str, Event]] = field(default_factory=deque)
    """Pending asynchronous calls: the name of the function and its event."""

    def __post_init__(self) -> None:
        self.s3, self.dynamodb, self.sqs, self.lambdas = map(self.client, ("s3", "dynamodb", "sqs", "lambda"))
        self._streams = self.client("dynamodbstreams")
        self.bucket = get_resource_name("AWS::S3::Bucket", "UploadBucket", "BucketName")
        self.failures_bucket = get_resource_name("AWS::S3::Bucket", "StreamFailures", "BucketName")
        self.table = get_resource_name("AWS::DynamoDB::Table", "UploadRecords", "TableName")
        self._create_tables()
        self._create_queues()
        self._create_secrets()
        self._create_functions()
        self._create_buckets()
        self.client("ses").verify_email_identity(EmailAddress=SENDER)
        stream = self.dynamodb.describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        [shard] = self._streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        self._iterator = self._streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def client(self, service: str) -> Any:
        # The address of the server is in the environment.
        return _session().client(service)

    # -- Resources -----------------------------------------------------------------------------------------------------

    def _create_tables(self) -> None:
        for properties in TEMPLATE.resources_of_type("AWS::DynamoDB::Table").values():
            members = input_shape("dynamodb", "CreateTable").members
            request = {name: value for name, value in properties.items() if name in members}
            if "StreamSpecification" in request:
                request["StreamSpecification"] = {"StreamEnabled": True, **request["StreamSpecification"]}
            name = request["TableName"] = TEMPLATE.evaluate(request["TableName"])
            request["SSESpecification"] = {"Enabled": properties["SSESpecification"]["SSEEnabled"]}
            self.dynamodb.create_table(**request)
            if lifetime := properties.get("TimeToLiveSpecification"):
                self.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=lifetime)

    def _create_queues(self) -> None:
        self.queue_urls: dict[str, str] = {}
        for logical_id, properties in TEMPLATE.resources_of_type("AWS::SQS::Queue").items():
            attributes = {
                name: "true" if value is True else TEMPLATE.evaluate(value if isinstance(value, dict) else str(value))
                for name, value in properties.items()
                if name not in {"QueueName", "RedrivePolicy"}
            }
            name = TEMPLATE.evaluate(properties["QueueName"])
            self.queue_urls[logical_id] = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.queue_url = self.queue_urls["ErrorQueue"]
        response = self.sqs.get_queue_attributes(QueueUrl=self.queue_urls["ErrorDlq"], AttributeNames=["QueueArn"])
        policy = TEMPLATE.resources_of_type("AWS::SQS::Queue")["ErrorQueue"]["RedrivePolicy"]
        redrive = json.dumps({**policy, "deadLetterTargetArn": response["Attributes"]["QueueArn"]})
        self.sqs.set_queue_attributes(QueueUrl=self.queue_url, Attributes={"RedrivePolicy": redrive})

    def _create_secrets(self) -> None:
        secrets = self.client("secretsmanager")
        login = psycopg.conninfo.conninfo_to_dict(self.database_url)
        owner = {
            "username": login["user"],
            "password": login["password"],
            "host": login["host"],
            "port": int(str(login["port"])),
            "dbname": login["dbname"],
        }
        for name in sorted({function.secret for function in FUNCTIONS.values()} - {""}):
            key = {"current": "a key that signs links"} if name == FUNCTIONS["report-link"].secret else {}
            text = json.dumps(owner if name == FUNCTIONS["admin"].secret else key)
            secrets.create_secret(Name=name, SecretString=text)

    def _create_functions(self) -> None:
        role = self.client("iam").create_role(RoleName="functions", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("function.py", "")
        arns = {
            name: self.lambdas.create_function(
                FunctionName=function.name,
                Runtime="python3.13",
                Role=role,
                Handler="function.handler",
                Code={"ZipFile": code.getvalue()},
            )["FunctionArn"]
            for name, function in FUNCTIONS.items()
        }
        sns = self.client("sns")
        topic = TEMPLATE.resources_of_type("AWS::SNS::Topic")["NotificationTopic"]
        self.topic = sns.create_topic(
            Name=TEMPLATE.evaluate(topic["TopicName"]), Attributes={"KmsMasterKeyId": topic["KmsMasterKeyId"]}
        )["TopicArn"]
        subscriptions = TEMPLATE.resources_of_type("AWS::SNS::Subscription")
        for function, subscription in (("mailer", "MailerFromTopic"), ("webhook", "WebhookFromTopic")):
            properties = subscriptions[subscription]
            sns.subscribe(
                TopicArn=self.topic,
                Protocol=properties["Protocol"],
                Endpoint=arns[function],
                Attributes={
                    "FilterPolicyScope": properties["FilterPolicyScope"],
                    "FilterPolicy": json.dumps(properties["FilterPolicy"]),
                },
            )
        self._parser_arn = arns["csv-parser"]

    def _create_buckets(self) -> None:
        for bucket in (self.bucket, self.failures_bucket):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        [configuration] = TEMPLATE.resources_of_type("AWS::S3::Bucket")["UploadBucket"]["NotificationConfiguration"][
            "LambdaConfigurations"
        ]
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={
                "LambdaFunctionConfigurations": [
                    {
                        "LambdaFunctionArn": self._parser_arn,
                        "Events": [configuration["Event"]],
                        "Filter": {"Key": {"FilterRules": configuration["Filter"]["S3Key"]["Rules"]}},
                    }
                ]
            },
        )

    # -- Functions -----------------------------------------------------------------------------------------------------

    def environment(self, function: str) -> dict[str, str]:
        tables = TEMPLATE.resources_of_type("AWS::DynamoDB::Table")
        return {
            "RDS_SECRET_NAME": FUNCTIONS[function].secret,
            "DATABASE_SSLMODE": "prefer",
            "S3_BUCKET_NAME": self.bucket,
            "FAILURES_BUCKET_NAME": self.failures_bucket,
            "DYNAMODB_TABLE": self.table,
            "SQS_ERROR_QUEUE_URL": self.queue_url,
            "SNS_TOPIC_ARN": self.topic,
            "LINK_SECRET_NAME": FUNCTIONS["report-link"].secret,
            "LINK_BASE_URL": f"https://{HOST}",
            "PORTAL_URL": f"https://{HOST}",
            "EMAIL_SENDER": SENDER,
            "EMAIL_CLAIMS_TABLE": TEMPLATE.evaluate(tables["EmailClaims"]["TableName"]),
            "WEBHOOKS_TABLE": TEMPLATE.evaluate(tables["Webhooks"]["TableName"]),
            "WEBHOOK_DELIVERIES_TABLE": TEMPLATE.evaluate(tables["WebhookDeliveries"]["TableName"]),
            "WEBHOOKS_MAY_BE_PRIVATE": "true",
            "LONGEST_WAIT": "0",
        }

    def call(self, function: str, event: Event) -> Any:
        """Run a function with an event and return its result, both converted through JSON."""
        handler = FUNCTIONS[function].module.handler
        # The adapter of the API uses the thread's event loop; without one it would create a loop and leave it open.
        with asyncio.Runner():
            return json.loads(json.dumps(handler(json.loads(json.dumps(event, default=str)), None)))

    def run(self) -> None:
        """Run functions until no asynchronous call, stream record or message in the queue is pending."""
        while True:
            if self.events:
                self.call(*self.events.popleft())
            elif records := self._stream_records():
                self.call("product-validator", {"Records": records})
            elif messages := self._messages():
                self._process(messages)
            else:
                return

    def _stream_records(self) -> list[Event]:
        response = self._streams.get_records(ShardIterator=self._iterator, Limit=100)
        self._iterator = response["NextShardIterator"]
        mapping = TEMPLATE.resources_of_type("AWS::Lambda::EventSourceMapping")["ProductValidatorFromTable"]
        patterns = [json.loads(filter_["Pattern"]) for filter_ in mapping["FilterCriteria"]["Filters"]]
        return [
            record for record in response["Records"] if any(matches_pattern(pattern, record) for pattern in patterns)
        ]

    def _messages(self) -> list[Any]:
        response = self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        return list(response.get("Messages", []))

    def _process(self, messages: list[Any]) -> None:
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            for message in messages
        ]
        result = self.call("error-processor", {"Records": records})
        failed_ids = {failure["itemIdentifier"] for failure in result["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed_ids:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])

    def invoke(self, function: str, body: str, headers: Mapping[str, str], response_headers: dict[str, str]) -> bytes:
        """Replace the invocation of a function by moto: S3 and SNS send no headers, other callers those of the API."""
        event = json.loads(body)
        lower_case = {name.lower(): value for name, value in headers.items()}
        if not headers or lower_case.get("x-amz-invocation-type") == "Event":
            for record in event.get("Records", []):
                if "s3" in record:
                    self._add_version(record["s3"])
            self.events.append((function, event))
            return b""
        try:
            return json.dumps(self.call(function, event)).encode()
        except Exception as error:  # noqa: BLE001 - Lambda reports every error of a function
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()

    def _add_version(self, entity: Event) -> None:
        """Add the version id, which events of S3 have and those of moto do not."""
        bucket, key = entity["bucket"]["name"], unquote_plus(entity["object"]["key"])
        entity["object"]["versionId"] = self.s3.head_object(Bucket=bucket, Key=key)["VersionId"]

    # -- For tests -----------------------------------------------------------------------------------------------------

    def put(self, key: str, content: bytes, **metadata: str) -> str:
        """Store a file as a vendor does, and return the id of its upload."""
        version = self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, Metadata=metadata)["VersionId"]
        head = self.s3.head_object(Bucket=self.bucket, Key=key, VersionId=version)
        return S3ObjectVersion(self.bucket, key, version).upload_id(head["LastModified"])

    def content(self, key: str | None) -> str:
        return str(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode("utf-8-sig"))

    @property
    def emails(self) -> list[Any]:
        """Return the e-mails that SES accepted, oldest first."""
        return list(ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages)

    def count_messages(self, url: str) -> int:
        """Return the number of visible and hidden messages in a queue."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(map(int, attributes.values()))


@contextmanager
def moto_account(url: str, database_url: str) -> Iterator[MotoAccount]:
    """Yield an account with all functions on the moto server at `url`, which is reset first."""
    httpx.post(f"{url}/moto-api/reset", trust_env=False).raise_for_status()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "POWERTOOLS_METRICS_NAMESPACE": "EcommerceProductOnboarding",
        }.items():
            patch.setenv(name, value)
        account = MotoAccount(database_url)

        short_names = {function.name: name for name, function in FUNCTIONS.items()}

        def invoke(function: LambdaFunction, body: str, headers: Any, response_headers: dict[str, str]) -> bytes:
            return account.invoke(short_names[function.function_name], body, headers, response_headers)

        patch.setattr(LambdaFunction, "invoke", invoke)
        for name, function in FUNCTIONS.items():
            ctx = stack.enter_context(closing(AppContext(Settings(account.environment(name)))))
            patch.setattr(function.module, "get_context", lambda ctx=ctx: ctx)
        api._get_adapter.cache_clear()
        stack.callback(api._get_adapter.cache_clear)
        account.call("admin", {"action": "migrate"})
        yield account
