"""Monthly bill, line by line, from list prices and measured usage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

HOURS = 730
GIB = 2**30

FULL_PROCESSOR = 1769
"""MB of memory for which Lambda provides one processor; smaller functions get a proportional share."""

MEMORY = {
    "csv-parser": 512,
    "product-validator": 512,
    "error-processor": 256,
    "mailer": 256,
    "report-link": 256,
    "api": 1024,
    "webhook": 256,
    "watchdog": 512,
}
"""MB of memory of each function; tests/infra/test_cost.py compares them with the template."""

REQUESTS = 40
"""Requests to the API for an upload. An assumption: a person who signs in to the portal, uploads a file, follows the
upload and reads the result sends about as many; a program with an upload session sends five."""

# Fixed resources; tests/infra/test_cost.py compares their numbers with the templates.
SECRETS = 4
ALARM_METRICS = 23
CUSTOM_METRICS = 10
INTERFACE_ENDPOINTS = 4
IMAGE_GB = 0.2
IMAGES_KEPT = 3
REPOSITORIES = 4

# Lambda polls a queue with at least five pollers, which wait twenty seconds for messages.
IDLE_RECEIVES = 5 * HOURS * 3600 / 20
WATCHDOG_CALLS = HOURS * 12
STAGED_DAYS = 14
MESSAGES_SIZE = 10_000
"""Bytes of a batch of ten messages."""
LAMBDA_LOG_BYTES = 700
"""Bytes that Lambda logs about each call."""
ACCESS_LOG_BYTES = 250
"""Bytes that the API logs about each request."""
STORED_MONTHS = 12
"""Months of vendors' files in the bill's storage; files are never deleted automatically."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Choices of a deployment, and its uploads in a month."""

    uploads: int = 1_000
    rows: int = 1_000
    outbound: str = "ipv6"
    multi_az: bool = False
    instance_class: str = "db.t4g.micro"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill: the service, a description, and USD with and without AWS's free tier."""

    service: str
    what: str
    usd: float
    without_free: float


def seconds(function: str, milliseconds: float, cpu_milliseconds: float) -> float:
    """Return the duration on AWS of a call that was measured locally: its CPU time depends on the function's memory."""
    waiting = max(0.0, milliseconds - cpu_milliseconds)
    return (waiting + cpu_milliseconds * max(1.0, FULL_PROCESSOR / MEMORY[function])) / 1000


@cache
def prices() -> dict[str, Any]:
    return _data("prices.json")


@cache
def usage() -> dict[str, Any]:
    return _data("usage.json")


def _data(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("onboarding.deploy.cost").joinpath(name).read_text(encoding="utf-8"))
    return loaded


def total(lines: list[Line]) -> float:
    return sum(line.usd for line in lines)


def bill(choice: Choice) -> list[Line]:
    """Return the lines of a month's bill."""
    lines: list[Line] = []

    def add(service: str, what: str, price: str, amount: float, free: str | None = None) -> None:
        unit_price = prices()[price]
        free_amount = prices()["free"][free] if free else 0
        lines.append(Line(service, what, unit_price * max(0.0, amount - free_amount), unit_price * amount))

    month = _Month(choice)
    _add_compute(add, month)
    _add_storage(add, month)
    _add_messages(add, month)
    _add_monitoring(add, month)
    lines += _database_lines(choice) + _network_lines(choice, month)
    return lines


class _Month:
    """Usage of a month, from the measured usage of one upload."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def of(self, measured: Mapping[str, float]) -> float:
        return self._choice.uploads * (measured["per_upload"] + self._choice.rows * measured["per_row"])

    def requests(self, *names: str) -> float:
        return sum(self.of(usage()["requests"][name]) for name in names if name in usage()["requests"])

    def calls(self) -> dict[str, float]:
        """Return the number of calls of each function."""
        measured_calls = {name: self.of(measured) for name, measured in usage()["calls"].items()}
        return {
            **measured_calls,
            "report-link": self.uploads,
            "api": REQUESTS * self.uploads,
            "watchdog": WATCHDOG_CALLS,
        }

    def gb_seconds(self) -> float:
        total = 0.0
        for name, calls in self.calls().items():
            if alone := usage()["one_call"].get(name):
                duration = calls * seconds(name, alone["milliseconds"], alone["cpu_milliseconds"])
            else:
                wall, cpu = (self.of(usage()[kind][name]) for kind in ("milliseconds", "cpu_milliseconds"))
                duration = seconds(name, wall, cpu)
            total += duration * MEMORY[name] / 1024
        return total

    @property
    def uploads(self) -> int:
        return self._choice.uploads

    @property
    def file_gb(self) -> float:
        return self.of(usage()["file_bytes"]) / GIB


Add = Callable[..., None]


def _add_compute(add: Add, month: _Month) -> None:
    calls, gb_seconds = sum(month.calls().values()), month.gb_seconds()
    add("Lambda", f"{calls:,.0f} calls", "lambda_requests", calls, "lambda_requests")
    add("Lambda", f"{gb_seconds:,.0f} GB-seconds (arm64)", "lambda_gb_seconds", gb_seconds, "lambda_gb_seconds")
    requests = (REQUESTS + 1) * month.uploads
    add("API Gateway", f"{requests:,} requests", "api_requests", requests)
    stored = IMAGE_GB * IMAGES_KEPT * REPOSITORIES
    add("ECR", f"{stored:.1f} GB of images", "ecr_gb", stored)


def _add_storage(add: Add, month: _Month) -> None:
    writes = month.of(usage()["write_units"])
    staged = month.file_gb * 3 * STAGED_DAYS / 30
    add("DynamoDB", f"{writes:,.0f} write units", "dynamodb_writes", writes)
    add("DynamoDB", "reads", "dynamodb_reads", month.requests("dynamodb.GetItem"))
    add("DynamoDB", f"{staged:.2f} GB staged", "dynamodb_gb", staged, "dynamodb_gb")
    add("DynamoDB", "backups", "dynamodb_backup_gb", staged)
    add("S3", "writes", "s3_puts", month.requests("s3.PUT") + month.uploads)
    # Each link in an e-mail is opened once.
    add("S3", "reads", "s3_gets", month.requests("s3.GET") + month.uploads)
    stored = month.file_gb * STORED_MONTHS
    add("S3", f"{stored:.1f} GB, a year of files", "s3_gb", stored)
    add("Secrets Manager", f"{SECRETS} secrets", "secrets", SECRETS)
    add("Secrets Manager", "calls", "secret_calls", HOURS * 6)


def _add_messages(add: Add, month: _Month) -> None:
    sent = month.requests("sqs.SendMessage", "sqs.SendMessageBatch", "sqs.ChangeMessageVisibility")
    # Messages are received and deleted in batches of ten.
    requests = sent * 3 + IDLE_RECEIVES
    add("SQS", f"{requests:,.0f} requests", "sqs_requests", requests, "sqs_requests")
    add("SNS", "publishes", "sns_publishes", month.requests("sns.Publish"), "sns_publishes")
    add("SES", f"{month.uploads:,} e-mails", "ses_mails", month.requests("ses.SendEmail"))
    add("KMS", "keys of the topic and the tables", "kms_requests", HOURS * 24, "kms_requests")


def _add_monitoring(add: Add, month: _Month) -> None:
    calls = sum(month.calls().values())
    logs = (
        month.of(usage()["log_bytes"]) + calls * LAMBDA_LOG_BYTES + REQUESTS * month.uploads * ACCESS_LOG_BYTES
    ) / GIB
    add("CloudWatch", f"{logs:.2f} GB of logs", "logs_gb", logs, "logs_gb")
    add("CloudWatch", f"{CUSTOM_METRICS} metrics", "metrics", CUSTOM_METRICS, "metrics")
    add("CloudWatch", f"alarms on {ALARM_METRICS} metrics", "alarms", ALARM_METRICS, "alarms")
    add("CloudWatch", "one dashboard", "dashboards", 1, "dashboards")


def _database_lines(choice: Choice) -> list[Line]:
    rds_hours = prices()["rds_hours"]
    if choice.instance_class not in rds_hours:
        raise LookupError(f"no price is known for {choice.instance_class}, only for {', '.join(rds_hours)}")
    copies = 2 if choice.multi_az else 1
    zones = "two zones" if choice.multi_az else "one zone"
    hours = rds_hours[choice.instance_class] * HOURS * copies
    storage = prices()["rds_gb"] * 20 * copies
    return [
        Line("RDS", f"{choice.instance_class}, {zones}", hours, hours),
        Line("RDS", "20 GB of storage, with backups", storage, storage),
    ]


def _network_lines(choice: Choice, month: _Month) -> list[Line]:
    # Messages to SQS are most of the traffic; S3 and DynamoDB have free endpoints.
    gb = month.requests("sqs.SendMessageBatch") * MESSAGES_SIZE / GIB
    match choice.outbound:
        case "nat":
            usd = HOURS * (prices()["nat_hours"] + prices()["ipv4_hours"]) + gb * prices()["nat_gb"]
            what = "a NAT gateway and its address"
        case "endpoints":
            usd = HOURS * prices()["endpoint_hours"] * INTERFACE_ENDPOINTS * 2 + gb * prices()["endpoint_gb"]
            what = f"{INTERFACE_ENDPOINTS} interface endpoints in two zones"
        case _:
            usd, what = 0.0, "an egress-only gateway"
    return [Line("VPC", what, usd, usd)]


def choices(base: Choice) -> list[tuple[str, float]]:
    """Return the monthly cost of each choice, with the uploads and rows of `base`."""
    variants: dict[str, dict[str, Any]] = {
        "the default": {},
        "with a standby (--multi-az)": {"multi_az": True},
        "db.t4g.small": {"instance_class": "db.t4g.small"},
        "db.t4g.small with a standby": {"instance_class": "db.t4g.small", "multi_az": True},
        "--network nat": {"outbound": "nat"},
        "--network endpoints": {"outbound": "endpoints"},
        "--network nat, with a standby": {"outbound": "nat", "multi_az": True},
    }
    return [
        (name, total(bill(Choice(uploads=base.uploads, rows=base.rows, **changed))))
        for name, changed in variants.items()
    ]
