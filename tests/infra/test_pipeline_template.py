"""Tests of the rules for infra/pipeline.yaml: failure destinations, permissions, names, functions and stores."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from fastapi.routing import APIRoute

from onboarding.cloudformation.templates import TemplateLoader, parse_template
from onboarding.domain.exports import FILE_AGE
from onboarding.domain.resource_names import resource_name
from onboarding.files.parser import MAX_BYTES
from onboarding.storage.database_roles import LOGINS
from onboarding.storage.upload_sessions import PREFIX
from onboarding.web.api import sign_in as api_sign_in
from onboarding.web.portal import sign_in
from onboarding.web.sessions import PER_IP
from tests.support.paths import ROOT
from tests.support.template_names import short_name

Node: TypeAlias = dict[str, Any]

TEMPLATE = ROOT / "infra" / "pipeline.yaml"


TEXT = TEMPLATE.read_text(encoding="utf-8")
DOCUMENT: Node = parse_template(TEXT)
RESOURCES: Node = DOCUMENT["Resources"]


def of_type(*types: str) -> list[str]:
    return [name for name, resource in RESOURCES.items() if resource["Type"] in types]


def properties(name: str) -> Node:
    result: Node = RESOURCES[name].get("Properties", {})
    return result


def target(value: Any) -> str:
    """Return the logical ID that a `!Ref` or a `!GetAtt` refers to."""
    assert isinstance(value, dict), value
    name = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    assert isinstance(name, str)
    return name


def branches(value: Any) -> list[Any]:
    """Return every possible value of a property: both sides of each `!If`."""
    if isinstance(value, dict) and "Fn::If" in value:
        _, yes, no = value["Fn::If"]
        return branches(yes) + branches(no)
    return [] if value == {"Ref": "AWS::NoValue"} else [value]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


FUNCTIONS = of_type("AWS::Lambda::Function")
ROLES = of_type("AWS::IAM::Role")
MAPPINGS = of_type("AWS::Lambda::EventSourceMapping")
QUEUES = of_type("AWS::SQS::Queue")
BUCKETS = of_type("AWS::S3::Bucket")
TABLES = of_type("AWS::DynamoDB::Table")
TOPICS = of_type("AWS::SNS::Topic")
SECRETS = of_type("AWS::SecretsManager::Secret")
ALARMS = of_type("AWS::CloudWatch::Alarm")
BY_FUNCTION_NAME = {short_name(properties(name)["FunctionName"]): name for name in FUNCTIONS}


def statements(name: str) -> list[Node]:
    """Return all statements of a role or a managed policy, from both sides of each condition."""
    documents = [properties(name)["PolicyDocument"]] if "PolicyDocument" in properties(name) else []
    documents += [policy["PolicyDocument"] for policy in properties(name).get("Policies", [])]
    return [branch for document in documents for item in document["Statement"] for branch in branches(item)]


STATEMENTS = [
    pytest.param(name, statement, id=f"{name}-{statement['Sid']}")
    for name in [*ROLES, *of_type("AWS::IAM::ManagedPolicy")]
    for statement in statements(name)
]

# Statements that cannot name a resource, and the reasons.
WITHOUT_NAMED_RESOURCE = {
    ("VpcAccess", "ManageInterfaces"): "EC2 describes no single resource, Lambda refuses a delete of named ones",
    ("VpcAccess", "DenyToFunctionCode"): "a denial of the same calls",
    ("ProductValidatorRole", "FindStream"): "IAM has no resource type for ListStreams",
    ("MailerRole", "SendEmail"): "policies on the local stack cannot name the identity; on AWS it is named",
}


# -- Failure destinations of triggers ----------------------------------------------------------------------------------


def find_failure_queue(destination: str) -> str:
    """Return the queue of a failure destination: the queue itself, or the target of a bucket's events."""
    if destination in QUEUES:
        return destination
    assert destination in BUCKETS
    events = properties(destination)["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert events == {"EventBridgeEnabled": True}
    rules = [
        properties(rule)
        for rule in of_type("AWS::Events::Rule")
        if "EventPattern" in properties(rule)
        and {"Ref": destination} in properties(rule)["EventPattern"]["detail"]["bucket"]["name"]
    ]
    assert len(rules) == 1
    return target(rules[0]["Targets"][0]["Arn"])


def list_failure_destinations() -> list[str]:
    destinations = [
        target(properties(name)["DestinationConfig"]["OnFailure"]["Destination"])
        for name in [*MAPPINGS, *of_type("AWS::Lambda::EventInvokeConfig")]
        if "DestinationConfig" in properties(name)
    ]
    destinations += [
        target(properties(name)["RedrivePolicy"]["deadLetterTargetArn"])
        for name in [*QUEUES, *of_type("AWS::SNS::Subscription")]
        if "RedrivePolicy" in properties(name)
    ]
    return sorted(set(destinations))


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_event_source_mappings_have_a_failure_destination(mapping: str) -> None:
    source = target(properties(mapping)["EventSourceArn"])
    if source in QUEUES:
        redrive = properties(source)["RedrivePolicy"]
        assert target(redrive["deadLetterTargetArn"]) in QUEUES
        assert redrive["maxReceiveCount"] == 3
    else:
        assert target(properties(mapping)["DestinationConfig"]["OnFailure"]["Destination"]) in BUCKETS


def list_asynchronous_functions() -> list[str]:
    """Return the functions that AWS services invoke, and those that the API invokes for work that must not be lost."""
    callers = {"s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"}
    permissions = [properties(name) for name in of_type("AWS::Lambda::Permission")]
    # The daily call contains no data that could be lost.
    daily = {"Fn::GetAtt": ["DailyCall", "Arn"]}
    asynchronous = [item for item in permissions if item["Principal"] in callers and item["SourceArn"] != daily]
    return sorted({target(item["FunctionName"]) for item in asynchronous} | {"Exporter"})


def test_asynchronous_functions_are_the_expected_ones() -> None:
    assert list_asynchronous_functions() == ["CsvParser", "Exporter", "Mailer", "Watchdog", "Webhook"]


@pytest.mark.parametrize("function", list_asynchronous_functions())
def test_asynchronous_functions_have_a_failure_destination(function: str) -> None:
    configs = [
        properties(name)
        for name in of_type("AWS::Lambda::EventInvokeConfig")
        if properties(name)["FunctionName"] == {"Ref": function}
    ]
    assert len(configs) == 1
    queue = target(configs[0]["DestinationConfig"]["OnFailure"]["Destination"])
    assert queue in QUEUES
    role = target(properties(function)["Role"])
    assert any(
        statement["Action"] == "sqs:SendMessage" and target(statement["Resource"]) == queue
        for statement in statements(role)
    )


LAMBDA_SUBSCRIPTIONS = [name for name in of_type("AWS::SNS::Subscription") if properties(name)["Protocol"] == "lambda"]


@pytest.mark.parametrize("subscription", LAMBDA_SUBSCRIPTIONS)
def test_lambda_subscriptions_have_a_dead_letter_queue(subscription: str) -> None:
    assert target(properties(subscription)["RedrivePolicy"]["deadLetterTargetArn"]) in QUEUES


def test_failure_destinations_are_the_expected_ones() -> None:
    assert list_failure_destinations() == [
        "CsvParserFailures",
        "ErrorDlq",
        "ExporterFailures",
        "MailerFailures",
        "StreamFailures",
        "WatchdogFailures",
        "WebhookFailures",
    ]


@pytest.mark.parametrize("destination", list_failure_destinations())
def test_failure_destinations_have_an_alarm(destination: str) -> None:
    queue = find_failure_queue(destination)
    dimensions = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    alarms = [properties(name) for name in ALARMS if properties(name).get("Dimensions") == dimensions]
    assert len(alarms) == 1
    alarm = alarms[0]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert properties(queue)["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if queue != "ErrorQueue"])
def test_queues_other_than_the_error_queue_are_failure_destinations(queue: str) -> None:
    assert queue in {find_failure_queue(destination) for destination in list_failure_destinations()}


@pytest.mark.parametrize("alarm", ALARMS)
def test_alarms_notify_the_operators(alarm: str) -> None:
    topics = [target(action) for action in properties(alarm)["AlarmActions"]]
    assert topics == ["AlarmTopic"]
    assert properties("OperatorAlarms")["TopicArn"] == {"Ref": "AlarmTopic"}
    assert properties(alarm)["TreatMissingData"] == "notBreaching"


# Within minutes, an event of these functions that fails with all retries is in their failure queue, which has an alarm.
WITHOUT_RATE_ALARM = {"Exporter", "Mailer", "Watchdog", "Webhook"}


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name not in WITHOUT_RATE_ALARM])
def test_functions_have_an_error_rate_alarm_at_ten_percent(function: str) -> None:
    alarm = properties(f"{function}ErrorRateAlarm")
    if function == "Api":
        # It reports failures as HTTP responses, which Lambda counts as successful calls.
        expected = ("AWS/ApiGateway", "5xx", [{"Name": "ApiId", "Value": {"Ref": "ReportApi"}}])
    else:
        expected = ("AWS/Lambda", "Errors", [{"Name": "FunctionName", "Value": {"Ref": function}}])
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == expected
    # Each call counts as 0 or 1: their average is the rate.
    assert alarm["Statistic"] == "Average"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0.1)


@pytest.mark.parametrize("function", sorted(WITHOUT_RATE_ALARM))
def test_functions_without_error_rate_alarm_fail_events_within_minutes(function: str) -> None:
    [retries] = [
        properties(name)
        for name in of_type("AWS::Lambda::EventInvokeConfig")
        if properties(name)["FunctionName"] == {"Ref": function}
    ]
    # Lambda retries after one minute, and again after two more.
    assert retries["MaximumRetryAttempts"] <= 2
    assert f"{target(retries['DestinationConfig']['OnFailure']['Destination'])}Alarm" in ALARMS


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if properties(name)["Timeout"] == 300])
def test_functions_of_five_minutes_have_a_duration_alarm(function: str) -> None:
    alarm = properties(f"{function}DurationAlarm")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function}}]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("Duration", "Maximum")
    assert 240_000 <= alarm["Threshold"] < 300_000


# -- Least privilege ---------------------------------------------------------------------------------------------------


def test_functions_have_separate_roles() -> None:
    roles = [target(properties(function)["Role"]) for function in FUNCTIONS]
    assert sorted(roles) == sorted(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_assumed_only_by_lambda(role: str) -> None:
    assert [item["Principal"] for item in properties(role)["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": "lambda.amazonaws.com"}
    ]


@pytest.mark.parametrize(("name", "statement"), STATEMENTS)
def test_role_statements_name_their_actions(name: str, statement: Node) -> None:
    for action in as_list(statement["Action"]):
        verb = action.split(":")[1]
        # AWS has one action for single and batch calls; the local stack needs the wildcard for batch calls.
        assert "*" not in verb or action in {"sqs:SendMessage*", "sqs:ChangeMessageVisibility*"}, (
            f"{name} allows {action}"
        )
    assert "NotAction" not in statement


def list_resource_texts(statement: Node) -> list[str]:
    """Return the texts of a statement's resources; a `!GetAtt` or `!Ref` names exactly one and has an empty text."""
    texts = []
    for resource in [branch for item in as_list(statement["Resource"]) for branch in branches(item)]:
        text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
        texts.append(text[0] if isinstance(text, list) else text)
    return texts


@pytest.mark.parametrize(("name", "statement"), STATEMENTS)
def test_role_statements_name_their_resources(name: str, statement: Node) -> None:
    assert "NotResource" not in statement
    texts = list_resource_texts(statement)
    if (name, statement["Sid"]) in WITHOUT_NAMED_RESOURCE:
        return
    for text in texts:
        # A wildcard may replace the last part of a key, never a name.
        assert "*" not in text.removesuffix("/*"), f"{name} reaches {text}"


def test_roles_with_bucket_access_are_the_expected_ones() -> None:
    """The error processor reads uploads for the fix file, writes both files of the errors, and has no other access."""
    permissions = {
        (statement["Sid"], action, text.rsplit("/", 2)[-2] if "/" in text else "")
        for statement in statements("ErrorProcessorRole")
        for action in as_list(statement["Action"])
        for text in list_resource_texts(statement)
        if action.startswith("s3:")
    }
    assert permissions == {
        ("ReadUploads", "s3:GetObjectVersion", "uploads"),
        ("ListToDetectMissingObjects", "s3:ListBucket", ""),
        ("WriteReports", "s3:PutObject", "errors"),
    }


def test_unrestricted_statements_are_the_listed_exceptions() -> None:
    unrestricted = {
        (name, statement["Sid"])
        for name in [*ROLES, *of_type("AWS::IAM::ManagedPolicy")]
        for statement in statements(name)
        if "*" in list_resource_texts(statement)
    }
    assert unrestricted == set(WITHOUT_NAMED_RESOURCE)


SENDER = "uploads@shop.techmart.example"


def is_sending_allowed(resource: str, sender: str) -> bool:
    """Return whether AWS allows `mailer` to send from an address, for one of the resources that SES checks."""
    policy_statements = properties("MailerRole")["Policies"][0]["PolicyDocument"]["Statement"]
    [(condition, local, aws)] = [item["Fn::If"] for item in policy_statements if "Fn::If" in item]
    assert (condition, local["Resource"]) == ("Local", "*")
    assert (aws["Effect"], aws["Action"]) == ("Allow", "ses:SendEmail")
    assert aws["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "EmailSender"}}}
    prefix = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
    patterns = [text.removeprefix(prefix) for text in list_resource_texts(aws)]
    return sender == SENDER and any(fnmatchcase(resource, pattern) for pattern in patterns)


@pytest.mark.parametrize(
    "resource",
    [
        f"identity/{SENDER}",
        "identity/shop.techmart.example",
        "identity/techmart.example",
        "identity/first@vendor.example",
        "configuration-set/my-first-configuration-set",
    ],
    ids=["sender", "domain", "parent-domain", "recipient-in-the-sandbox", "default-configuration-set"],
)
def test_mailer_role_sends_only_from_the_sender(resource: str) -> None:
    assert is_sending_allowed(resource, SENDER)
    assert not is_sending_allowed(resource, "ceo@shop.techmart.example")
    assert not is_sending_allowed("template/another", SENDER)


def test_mailer_role_is_the_only_one_that_sends_email() -> None:
    assert [role for role in ROLES if any("ses:" in str(item["Action"]) for item in statements(role))] == ["MailerRole"]


def test_roles_list_the_bucket_only_with_a_prefix() -> None:
    for name in ROLES:
        for statement in statements(name):
            uploads = "ecommerce-product-uploads" in str(statement["Resource"])
            if uploads and "s3:ListBucket" in as_list(statement["Action"]):
                assert statement["Condition"] == {"StringLike": {"s3:prefix": "uploads/*"}}, name


def test_webhook_role_writes_no_address() -> None:
    writes = {
        target(statement["Resource"])
        for statement in statements("WebhookRole")
        if {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"} & set(as_list(statement["Action"]))
    }
    assert writes == {"WebhookDeliveries"}


def test_topic_policy_grants_no_publishing() -> None:
    policies = [properties(name) for name in of_type("AWS::SNS::TopicPolicy")]
    assert sorted(target(topic) for policy in policies for topic in policy["Topics"]) == sorted(TOPICS)
    for policy in policies:
        for statement in [branch for item in policy["PolicyDocument"]["Statement"] for branch in branches(item)]:
            assert statement["Action"] == "sns:Publish"
            assert statement["Effect"] == "Deny" or statement["Principal"] != "*"


# -- Names and figures of SPEC 2 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "key", "expected"),
    [
        ("UploadBucket", "BucketName", {"Fn::Sub": "${NamePrefix}ecommerce-product-uploads-${AWS::AccountId}"}),
        ("UploadRecords", "TableName", {"Fn::Sub": "${NamePrefix}UploadRecords"}),
        ("ErrorQueue", "QueueName", {"Fn::Sub": "${NamePrefix}product-validation-errors"}),
        ("ErrorQueue", "MessageRetentionPeriod", 4 * 24 * 3600),
        ("ErrorDlq", "QueueName", {"Fn::Sub": "${NamePrefix}product-validation-errors-dlq"}),
        ("ErrorDlq", "MessageRetentionPeriod", 14 * 24 * 3600),
        ("NotificationTopic", "TopicName", {"Fn::Sub": "${NamePrefix}product-upload-notifications"}),
        ("DatabaseSecret", "Name", {"Fn::Sub": "${NamePrefix}ecommerce/rds/credentials"}),
    ],
)
def test_resource_names_are_those_of_the_contract(resource: str, key: str, expected: Any) -> None:
    assert properties(resource)[key] == expected


@pytest.mark.parametrize(
    ("function", "memory", "timeout"),
    [
        ("csv-parser", 512, 300),
        ("product-validator", 512, 300),
        ("error-processor", 256, 300),
        ("mailer", 256, 30),
        ("report-link", 256, 30),
        ("api", 1024, 29),
        ("webhook", 256, 30),
        ("exporter", 1024, 240),
    ],
)
def test_function_sizes_are_those_of_the_contract(function: str, memory: int, timeout: int) -> None:
    settings = properties(BY_FUNCTION_NAME[function])
    assert (settings["MemorySize"], settings["Timeout"]) == (memory, timeout)
    assert settings["Architectures"] == ["arm64"]


def test_staging_table_is_that_of_the_contract() -> None:
    table = properties("UploadRecords")
    types = {item["AttributeName"]: item["AttributeType"] for item in table["AttributeDefinitions"]}
    assert types == {"upload_id": "S", "record_id": "S", "vendor_id": "S"}
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
        ("upload_id", "HASH"),
        ("record_id", "RANGE"),
    ]
    index = table["GlobalSecondaryIndexes"][0]
    assert (index["IndexName"], index["Projection"]) == ("VendorIndex", {"ProjectionType": "ALL"})
    assert index["KeySchema"] == [{"AttributeName": "vendor_id", "KeyType": "HASH"}]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_on_demand_with_expiry(table: str) -> None:
    assert properties(table)["BillingMode"] == "PAY_PER_REQUEST"
    assert properties(table)["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_database_secret_has_the_fields_of_the_contract() -> None:
    template = properties("DatabaseSecret")["SecretString"]["Fn::Sub"]
    defaults = {name: str(item.get("Default", "")) for name, item in DOCUMENT["Parameters"].items()}
    for name, value in defaults.items():
        template = template.replace(f"${{{name}}}", value)
    secret = json.loads(template)
    assert set(secret) == {"username", "password", "host", "port", "dbname"}
    assert (secret["port"], secret["dbname"]) == (5432, "ecommerce_platform")
    assert DOCUMENT["Parameters"]["DatabasePassword"]["NoEcho"] is True
    assert not DOCUMENT["Parameters"]["DatabasePassword"]["Default"]


COMMON_VARIABLES = {"LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}
DATABASE_VARIABLES = {"RDS_SECRET_NAME", "DATABASE_SSLMODE", "AWS_USE_DUALSTACK_ENDPOINT"}


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (
            "csv-parser",
            DATABASE_VARIABLES | {"DYNAMODB_TABLE", "SQS_ERROR_QUEUE_URL", "S3_BUCKET_NAME", "SNS_TOPIC_ARN"},
        ),
        ("product-validator", DATABASE_VARIABLES | {"DYNAMODB_TABLE", "SQS_ERROR_QUEUE_URL", "FAILURES_BUCKET_NAME"}),
        ("error-processor", DATABASE_VARIABLES | {"SQS_ERROR_QUEUE_URL", "S3_BUCKET_NAME", "SNS_TOPIC_ARN"}),
        ("mailer", {"EMAIL_CLAIMS_TABLE", "EMAIL_SENDER", "LINK_SECRET_NAME", "LINK_BASE_URL"}),
        (
            "watchdog",
            DATABASE_VARIABLES
            | {"DYNAMODB_TABLE", "SQS_ERROR_QUEUE_URL", "S3_BUCKET_NAME", "SNS_TOPIC_ARN", "EMAIL_CLAIMS_TABLE"},
        ),
        ("report-link", DATABASE_VARIABLES | {"S3_BUCKET_NAME", "LINK_SECRET_NAME"}),
        (
            "api",
            DATABASE_VARIABLES
            | {"SQS_ERROR_QUEUE_URL", "S3_BUCKET_NAME", "PORTAL_URL", "LONGEST_WAIT", "DRY_RUN_BYTES"}
            | {"WEBHOOKS_TABLE", "WEBHOOK_DELIVERIES_TABLE", "WEBHOOKS_MAY_BE_PRIVATE"},
        ),
        ("webhook", {"WEBHOOKS_TABLE", "WEBHOOK_DELIVERIES_TABLE", "WEBHOOKS_MAY_BE_PRIVATE"}),
        ("exporter", DATABASE_VARIABLES | {"S3_BUCKET_NAME"}),
    ],
)
def test_function_environment_has_only_what_it_reads(function: str, names: set[str]) -> None:
    variables = properties(BY_FUNCTION_NAME[function])["Environment"]["Variables"]
    assert set(variables) == names | COMMON_VARIABLES
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "EcommerceProductOnboarding"
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Fn::Sub": f"${{NamePrefix}}{function}"}
    if "LINK_SECRET_NAME" in names:
        assert variables["LINK_SECRET_NAME"] == properties("LinkSecret")["Name"]


SECRET_OF = {
    **dict.fromkeys(("csv-parser", "product-validator", "error-processor", "watchdog"), "PipelineSecret"),
    "api": "ApiSecret",
    "exporter": "ApiSecret",
    "report-link": "LinkSecret",
}
"""The secret with a function's login to the database."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_reads_only_the_login_of_its_group(function: str) -> None:
    name = short_name(properties(function)["FunctionName"])
    variables = properties(function)["Environment"]["Variables"]
    expected = properties(SECRET_OF[name])["Name"] if name in SECRET_OF else None
    assert variables.get("RDS_SECRET_NAME") == expected
    role = target(properties(function)["Role"])
    readable = {
        target(resource)
        for statement in statements(role)
        if "secretsmanager:GetSecretValue" in as_list(statement["Action"])
        for resource in branches(statement["Resource"])
        if "Fn::GetAtt" in resource
    }
    link_secrets = {"LinkSecret"} if "LINK_SECRET_NAME" in variables else set()
    assert readable == ({SECRET_OF[name]} if name in SECRET_OF else set()) | link_secrets


def test_login_secrets_equal_the_database_roles() -> None:
    names = {properties(secret)["Name"]["Fn::Sub"] for secret in SECRET_OF.values()}
    assert names == {resource_name(login, "${NamePrefix}") for login in LOGINS}


# -- Functions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_are_images_on_aws_and_zips_locally(function: str) -> None:
    settings = properties(function)
    name = short_name(settings["FunctionName"])
    handler = f"onboarding.lambda_handlers.{name.replace('-', '_')}.handler"
    no_value = {"Ref": "AWS::NoValue"}
    assert settings["PackageType"] == {"Ref": "Packaging"}
    assert settings["Code"]["Fn::If"] == [
        "Zip",
        {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
        {"ImageUri": {"Ref": f"{function}ImageUri"}},
    ]
    assert settings["Handler"]["Fn::If"] == ["Zip", handler, no_value]
    assert settings["ImageConfig"]["Fn::If"] == ["Zip", no_value, {"Command": [handler]}]
    condition, runtime, image_runtime = settings["Runtime"]["Fn::If"]
    assert (condition, image_runtime) == ("Zip", no_value)
    assert runtime.startswith("python3.")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_log_to_their_group_for_thirty_days(function: str) -> None:
    settings = properties(function)
    group = target(settings["LoggingConfig"]["LogGroup"])
    name = {"Fn::Sub": f"/aws/lambda/{settings['FunctionName']['Fn::Sub']}"}
    assert properties(group) == {"LogGroupName": name, "RetentionInDays": 30}
    writes = [item for item in statements(target(settings["Role"])) if item["Sid"] == "WriteLogs"]
    assert [target(item["Resource"]) for item in writes] == [group]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_without_database_are_outside_the_vpc(function: str) -> None:
    uses_database = "RDS_SECRET_NAME" in properties(function)["Environment"]["Variables"]
    role = properties(target(properties(function)["Role"]))
    assert ("VpcConfig" in properties(function)) == uses_database
    assert ("ManagedPolicyArns" in role) == uses_database
    if uses_database:
        assert properties(function)["VpcConfig"]["Fn::If"][0] == "InVpc"
        assert role["ManagedPolicyArns"]["Fn::If"] == ["InVpc", [{"Ref": "VpcAccess"}], {"Ref": "AWS::NoValue"}]


# -- Triggers ----------------------------------------------------------------------------------------------------------


def test_bucket_notification_for_any_file_name_starts_the_parser() -> None:
    [notification] = properties("UploadBucket")["NotificationConfiguration"]["LambdaConfigurations"]
    assert notification["Event"] == "s3:ObjectCreated:*"
    assert target(notification["Function"]) == "CsvParser"
    assert notification["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": PREFIX}]


def matches_filter(pattern: Any, event: Any) -> bool:
    """Return whether an event matches a filter of Lambda: lists contain accepted values, mappings nested filters."""
    if isinstance(pattern, list):
        return event in pattern
    return isinstance(event, dict) and all(
        key in event and matches_filter(rule, event[key]) for key, rule in pattern.items()
    )


@pytest.mark.parametrize(
    ("event", "image", "expected"),
    [
        ("INSERT", {"status": {"S": "pending_validation"}}, True),
        ("INSERT", {"status": {"S": "validated"}}, False),
        ("INSERT", {}, False),
        ("MODIFY", {"status": {"S": "pending_validation"}}, True),
        ("MODIFY", {"status": {"S": "error"}}, False),
        ("REMOVE", None, False),
    ],
)
def test_stream_filter_passes_only_pending_rows(event: str, image: Node | None, *, expected: bool) -> None:
    [pattern] = properties("ProductValidatorFromTable")["FilterCriteria"]["Filters"]
    record = {"eventName": event, "dynamodb": {"Keys": {}} if image is None else {"NewImage": image}}
    assert matches_filter(json.loads(pattern["Pattern"]), record) is expected


def test_stream_mapping_keeps_failed_batches() -> None:
    mapping = properties("ProductValidatorFromTable")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 3
    assert mapping["MaximumRecordAgeInSeconds"] < 24 * 3600, "the stream deletes records after a day"
    assert "FunctionResponseTypes" not in mapping, "a batch is one transaction"
    assert mapping["BatchSize"] == {"Ref": "StreamBatchSize"}
    assert DOCUMENT["Parameters"]["StreamBatchSize"]["Default"] == 100


def test_error_queue_visibility_covers_six_timeouts_and_the_window() -> None:
    mapping = properties("ErrorProcessorFromQueue")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    function = properties(target(mapping["FunctionName"]))
    assert properties("ErrorQueue")["VisibilityTimeout"] == {"Ref": "ErrorQueueVisibility"}
    minimum = 6 * function["Timeout"] + mapping["MaximumBatchingWindowInSeconds"]
    assert DOCUMENT["Parameters"]["ErrorQueueVisibility"]["Default"] >= minimum


@pytest.mark.parametrize("function", ["Mailer", "Webhook"])
def test_subscription_of_a_function_passes_only_finished_uploads(function: str) -> None:
    subscription = properties(f"{function}FromTopic")
    assert target(subscription["Endpoint"]) == function
    assert subscription["FilterPolicyScope"] == "MessageAttributes"
    assert subscription["FilterPolicy"] == {"status": ["completed", "partial", "failed"]}


def test_routes_are_the_expected_ones_and_log_no_token() -> None:
    routes = {
        item["RouteKey"]: target(properties(item["Target"]["Fn::Sub"].split("{")[1].rstrip("}"))["IntegrationUri"])
        for item in map(properties, of_type("AWS::ApiGatewayV2::Route"))
    }
    assert routes == {
        "GET /reports/{token}": "ReportLink",
        "POST /v1/sign-in": "Api",
        "POST /sign-in": "Api",
        "$default": "Api",
    }
    for name in of_type("AWS::ApiGatewayV2::Integration"):
        assert properties(name)["PayloadFormatVersion"] == "2.0"
    log_format = properties("ReportApiStage")["AccessLogSettings"]["Format"]
    # The log contains the route key, since paths and queries contain tokens.
    assert set(json.loads(log_format)) == {"time", "request", "ip", "route", "status", "milliseconds"}
    assert "$context.path" not in log_format


def test_routes_are_throttled() -> None:
    stage = properties("ReportApiStage")
    limits = {"default": stage["DefaultRouteSettings"], **stage["RouteSettings"]}
    assert all(limit["ThrottlingBurstLimit"] and limit["ThrottlingRateLimit"] for limit in limits.values())
    # The routes of the API and the portal that send sign-in e-mails.
    sign_in_routes = {
        "POST " + route.path
        for route in (*api_sign_in.router.routes, *sign_in.router.routes)
        if isinstance(route, APIRoute) and route.path.endswith("/sign-in") and "POST" in (route.methods or ())
    }
    assert len(sign_in_routes) == 2
    for route in sign_in_routes:
        assert limits[route]["ThrottlingRateLimit"] < limits["$default"]["ThrottlingRateLimit"]
        assert limits[route] == limits["POST /v1/sign-in"]
    # Settings refer to routes that exist, and are created after them.
    routes = {properties(name)["RouteKey"] for name in of_type("AWS::ApiGatewayV2::Route")}
    assert set(stage["RouteSettings"]) <= routes
    dependencies = {properties(name)["RouteKey"] for name in RESOURCES["ReportApiStage"]["DependsOn"]}
    assert set(stage["RouteSettings"]) <= dependencies


def test_sign_in_route_throttle_leaves_containers_for_others() -> None:
    limits = properties("ReportApiStage")["RouteSettings"]
    requests_a_second = sum(limits[route]["ThrottlingRateLimit"] for route in limits if route.endswith("/sign-in"))
    # Each request takes a little longer than its minimum response time.
    occupied = requests_a_second * 1.5 * api_sign_in.MINIMUM_SECONDS
    assert occupied < DOCUMENT["Parameters"]["ApiConcurrency"]["Default"]
    # Requests of other networks succeed after one network has used up its limit at once.
    assert limits["POST /sign-in"]["ThrottlingBurstLimit"] > PER_IP


def test_api_concurrency_covers_two_first_visits() -> None:
    portal = Path(sign_in.__file__).parent
    base = (portal / "templates" / "base.html").read_text()

    def list_static_files(text: str) -> set[str]:
        """Return the files that a page or script loads, with the scripts that these import."""
        names = set(re.findall(r"""static\('([^']+)'\)|from "\./([^"]+)";""", text))
        files = {first or second for first, second in names}
        return files.union(*(list_static_files((portal / "static" / name).read_text()) for name in files))

    pages = {path.name: list_static_files(base + path.read_text()) for path in (portal / "templates").iterdir()}
    assert {"upload-form.js", "api-client.js"} < pages["home.html"]
    assert DOCUMENT["Parameters"]["ApiConcurrency"]["Default"] >= 2 * max(map(len, pages.values()))


def test_api_timeout_is_below_that_of_the_gateway() -> None:
    assert properties("Api")["Timeout"] < 30, "the HTTP API times out after 30 seconds"
    longest = properties("Api")["Environment"]["Variables"]["LONGEST_WAIT"]["Fn::If"]
    assert longest == ["Local", "20", "0"], "a request that waits occupies a container on AWS"


def test_dry_run_limit_on_aws_fits_into_a_call() -> None:
    limit = properties("Api")["Environment"]["Variables"]["DRY_RUN_BYTES"]["Fn::If"]
    assert (limit[0], int(limit[1])) == ("Local", MAX_BYTES)
    in_base64 = 4 * (int(limit[2]) + 2) // 3
    assert in_base64 + 256 * 1024 < 6 * 1024 * 1024, "the form and the event of a call add to the size"


def test_webhook_private_networks_are_allowed_only_locally() -> None:
    for function in ("Api", "Webhook"):
        value = properties(function)["Environment"]["Variables"]["WEBHOOKS_MAY_BE_PRIVATE"]
        assert value == {"Fn::If": ["Local", "true", "false"]}


# -- Stores ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_encrypted_and_private(bucket: str) -> None:
    settings = properties(bucket)
    [rule] = settings["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert settings["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }


PORTAL, PUBLIC = "https://portal.techmart.example", "https://links.techmart.example"


@pytest.mark.parametrize(
    ("parameters", "origin"),
    [
        ({"PortalOrigin": PORTAL, "PublicUrl": PUBLIC}, PORTAL),
        ({"PublicUrl": PUBLIC}, PUBLIC),
        ({}, {"Fn::GetAtt": ["ReportApi", "ApiEndpoint"]}),
    ],
    ids=["portal", "domain", "neither"],
)
def test_bucket_cors_allows_only_the_portal(parameters: dict[str, str], origin: object) -> None:
    configuration: Node = properties("UploadBucket")["CorsConfiguration"]
    [rule] = configuration["CorsRules"]
    conditions = {"HasPortal": "PortalOrigin" in parameters, "HasPublicUrl": "PublicUrl" in parameters}

    def evaluate(value: Any) -> Any:
        match value:
            case {"Fn::If": [condition, yes, no]}:
                return evaluate(yes if conditions[condition] else no)
            case {"Ref": name}:
                return parameters[name]
        return value

    assert [evaluate(allowed) for allowed in rule["AllowedOrigins"]] == [origin]
    # POST is the method of the form that the portal signs; browsers neither put nor delete objects.
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "POST"}
    for name, parameter in (("HasPortal", "PortalOrigin"), ("HasPublicUrl", "PublicUrl")):
        assert DOCUMENT["Conditions"][name] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


@pytest.mark.parametrize("parameter", ["PublicUrl", "PortalOrigin"])
@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("", True),
        ("https://portal.techmart.example", True),
        ("http://127.0.0.1:4566", True),
        ("https://portal.techmart.example/", False),
        ("https://portal.techmart.example/shop", False),
        ("https://portal.techmart.example?shop=1", False),
        ("https://user@portal.techmart.example", False),
        ("portal.techmart.example", False),
        ("https://", False),
    ],
)
def test_portal_address_is_an_origin(parameter: str, value: str, *, allowed: bool) -> None:
    """Browsers compare the bucket's CORS origin with theirs, which has no slash at its end."""
    pattern = DOCUMENT["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is allowed


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_on_aws_deny_plain_http(bucket: str) -> None:
    names = [name for name in of_type("AWS::S3::BucketPolicy") if properties(name)["Bucket"] == {"Ref": bucket}]
    assert len(names) == 1
    assert RESOURCES[names[0]]["Condition"] == "OnAws"
    [statement] = properties(names[0])["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_encrypted(table: str) -> None:
    assert properties(table)["SSESpecification"] == {"SSEEnabled": True}


@pytest.mark.parametrize("queue", QUEUES)
def test_queues_are_encrypted(queue: str) -> None:
    assert properties(queue)["SqsManagedSseEnabled"] is True


# CloudWatch cannot publish to a topic under the account's SNS key; an alarm's text names no vendor.
@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic != "AlarmTopic"])
def test_topics_are_encrypted(topic: str) -> None:
    assert properties(topic)["KmsMasterKeyId"] == "alias/aws/sns"


@pytest.mark.parametrize("store", [*BUCKETS, *TABLES, *SECRETS])
def test_stores_outlive_the_stack(store: str) -> None:
    assert RESOURCES[store]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[store]["UpdateReplacePolicy"] == "Retain"


def test_bucket_history_is_retained_for_the_audit() -> None:
    bucket = properties("UploadBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    expiring = {rule.get("Prefix", ""): rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert set(expiring) == {"errors/", "exports/"}, "uploaded files never expire"
    assert expiring["errors/"] >= 90
    assert expiring["exports/"] == FILE_AGE.days
    noncurrent = {
        rule.get("Prefix", ""): rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    }
    assert noncurrent == {"": 90, "exports/": 1}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    # For all prefixes: delete markers without versions would stay in every listing.
    assert [rule.get("Prefix", "") for rule in rules if rule.get("ExpiredObjectDeleteMarker")] == [""]


# -- The text itself ---------------------------------------------------------------------------------------------------


def test_template_has_no_anchors() -> None:
    events = yaml.parse(TEXT, Loader=TemplateLoader)
    assert not [event for event in events if getattr(event, "anchor", None)], "the local stack does not support anchors"


@pytest.mark.parametrize(
    "output",
    [
        "Bucket",
        "Table",
        "StreamArn",
        "StreamMappingId",
        "QueueUrl",
        "QueueArn",
        "DlqUrl",
        "TopicArn",
        "EmailClaimsTable",
        "DatabaseSecretName",
        "LinkSecretName",
        "ApiId",
        "ApiEndpoint",
        "CsvParserFailuresUrl",
        "ProductValidatorFailuresUrl",
        "MailerFailuresUrl",
        "WebhookFailuresUrl",
        "ExporterFailuresUrl",
        "WebhooksTable",
    ],
)
def test_outputs_have_what_the_local_stack_reads(output: str) -> None:
    assert "Value" in DOCUMENT["Outputs"][output]
