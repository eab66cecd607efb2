"""Monthly bill, calculated from list prices and measured usage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

HOURS = 730
GIB = 2**30

MEMORY_PER_PROCESSOR = 1769
"""MB of memory for which Lambda provides one processor; smaller functions get a proportional share."""

MEMORY = {
    "csv-parser": 512,
    "product-validator": 512,
    "error-processor": 256,
    "mailer": 256,
    "report-link": 256,
    "api": 1024,
    "webhook": 256,
    "exporter": 1024,
    "watchdog": 512,
}
"""MB of memory of each function; tests/infra/test_cost.py compares them with the template."""

REQUESTS_PER_UPLOAD = 40
"""Assumed requests to the API for an upload: about those of a user who signs in to the portal, uploads a file, follows
the upload and reads the result. A program with an upload session sends five."""

EXPORTS_PER_UPLOAD = 0.1
"""Assumed exports of 10,000 products for an upload."""

EXPORT_GB = 0.001
"""Size of such a workbook."""

# Fixed resources; tests/infra/test_cost.py compares their numbers with the templates.
SECRETS = 4
ALARM_METRICS = 22
CUSTOM_METRICS = 10
INTERFACE_ENDPOINTS = 4
IMAGE_GB = 0.2
RETAINED_IMAGES = 3
REPOSITORIES = 4

# Lambda polls a queue with at least five pollers, which wait twenty seconds for messages.
IDLE_RECEIVES = 5 * HOURS * 3600 / 20
WATCHDOG_CALLS = HOURS * 12
STAGED_DAYS = 14
MESSAGE_BATCH_BYTES = 10_000
"""Bytes of a batch of ten messages."""
LAMBDA_LOG_BYTES = 700
"""Bytes that Lambda logs about each call."""
ACCESS_LOG_BYTES = 250
"""Bytes that the API logs about each request."""
STORED_MONTHS = 12
"""Months of vendors' files in the stored data; files never expire."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Choices of a deployment, the number of its uploads in a month, and their rows."""

    uploads: int = 1_000
    rows: int = 1_000
    outbound: str = "ipv6"
    multi_az: bool = False
    instance_class: str = "db.t4g.micro"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of the bill: the service, a description, and USD with and without AWS's free tier."""

    service: str
    item: str
    usd: float
    without_free: float


def estimate_seconds(function: str, milliseconds: float, cpu_milliseconds: float) -> float:
    """Return the duration on AWS, in seconds, of a call that was measured locally, in milliseconds.

    The CPU time of a call depends on the function's memory; the waiting time does not.
    """
    waiting = max(0.0, milliseconds - cpu_milliseconds)
    return (waiting + cpu_milliseconds * max(1.0, MEMORY_PER_PROCESSOR / MEMORY[function])) / 1000


@cache
def load_prices() -> dict[str, Any]:
    """Return the list prices in USD."""
    return _load_json("prices.json")


@cache
def load_usage() -> dict[str, Any]:
    """Return the measured usage of an upload and of its rows."""
    return _load_json("usage.json")


def _load_json(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("onboarding.deploy.cost").joinpath(name).read_text(encoding="utf-8"))
    return loaded


def sum_usd(lines: list[BillLine]) -> float:
    """Return the total of a bill in USD."""
    return sum(line.usd for line in lines)


def calculate_bill(choice: Choice) -> list[BillLine]:
    """Return the lines of a month's bill."""
    lines: list[BillLine] = []

    def add(service: str, item: str, price: str, amount: float, free: str | None = None) -> None:
        unit_price = load_prices()[price]
        free_amount = load_prices()["free"][free] if free else 0
        lines.append(BillLine(service, item, unit_price * max(0.0, amount - free_amount), unit_price * amount))

    month = _MonthlyUsage(choice)
    _add_compute(add, month)
    _add_storage(add, month)
    _add_messages(add, month)
    _add_monitoring(add, month)
    lines += _database_lines(choice) + _network_lines(choice, month)
    return lines


class _MonthlyUsage:
    """Usage of a month, calculated from the measured usage of an upload and of a row."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def scale(self, measured: Mapping[str, float]) -> float:
        """Return the month's amount of a measured amount per upload and per row."""
        return self._choice.uploads * (measured["per_upload"] + self._choice.rows * measured["per_row"])

    def requests(self, *names: str) -> float:
        """Return the number of requests with these operations, such as `dynamodb.GetItem`."""
        return sum(self.scale(load_usage()["requests"][name]) for name in names if name in load_usage()["requests"])

    def calls(self) -> dict[str, float]:
        """Return the number of calls of each function."""
        measured_calls = {name: self.scale(measured) for name, measured in load_usage()["calls"].items()}
        return {
            **measured_calls,
            "report-link": self.uploads,
            "api": REQUESTS_PER_UPLOAD * self.uploads,
            "exporter": EXPORTS_PER_UPLOAD * self.uploads,
            "watchdog": WATCHDOG_CALLS,
        }

    def gb_seconds(self) -> float:
        total = 0.0
        for name, calls in self.calls().items():
            if single_call := load_usage()["one_call"].get(name):
                duration = calls * estimate_seconds(name, single_call["milliseconds"], single_call["cpu_milliseconds"])
            else:
                elapsed, cpu = (self.scale(load_usage()[kind][name]) for kind in ("milliseconds", "cpu_milliseconds"))
                duration = estimate_seconds(name, elapsed, cpu)
            total += duration * MEMORY[name] / 1024
        return total

    @property
    def uploads(self) -> int:
        return self._choice.uploads

    @property
    def file_gb(self) -> float:
        return self.scale(load_usage()["file_bytes"]) / GIB


AddLine = Callable[..., None]
"""Function that adds a line to the bill: service, description, name of the price, amount, name of the free amount."""


def _add_compute(add: AddLine, month: _MonthlyUsage) -> None:
    calls, gb_seconds = sum(month.calls().values()), month.gb_seconds()
    add("Lambda", f"{calls:,.0f} calls", "lambda_requests", calls, "lambda_requests")
    add("Lambda", f"{gb_seconds:,.0f} GB-seconds (arm64)", "lambda_gb_seconds", gb_seconds, "lambda_gb_seconds")
    requests = (REQUESTS_PER_UPLOAD + 1) * month.uploads
    add("API Gateway", f"{requests:,} requests", "api_requests", requests)
    stored = IMAGE_GB * RETAINED_IMAGES * REPOSITORIES
    add("ECR", f"{stored:.1f} GB of images", "ecr_gb", stored)


def _add_storage(add: AddLine, month: _MonthlyUsage) -> None:
    writes = month.scale(load_usage()["write_units"])
    staged = month.file_gb * 3 * STAGED_DAYS / 30
    add("DynamoDB", f"{writes:,.0f} write units", "dynamodb_writes", writes)
    add("DynamoDB", "reads", "dynamodb_reads", month.requests("dynamodb.GetItem"))
    add("DynamoDB", f"{staged:.2f} GB staged", "dynamodb_gb", staged, "dynamodb_gb")
    add("DynamoDB", "backups", "dynamodb_backup_gb", staged)
    exports = EXPORTS_PER_UPLOAD * month.uploads
    add("S3", "writes", "s3_puts", month.requests("s3.PUT") + month.uploads + exports)
    # Each link in an e-mail is opened once, and each export downloaded once.
    add("S3", "reads", "s3_gets", month.requests("s3.GET") + month.uploads + exports)
    # Exports are deleted after a week.
    stored = month.file_gb * STORED_MONTHS + exports * EXPORT_GB * 7 / 30
    add("S3", f"{stored:.1f} GB, a year of files", "s3_gb", stored)
    add("Secrets Manager", f"{SECRETS} secrets", "secrets", SECRETS)
    add("Secrets Manager", "calls", "secret_calls", HOURS * 6)


def _add_messages(add: AddLine, month: _MonthlyUsage) -> None:
    sent = month.requests("sqs.SendMessage", "sqs.SendMessageBatch", "sqs.ChangeMessageVisibility")
    # Messages are received and deleted in batches of ten.
    requests = sent * 3 + IDLE_RECEIVES
    add("SQS", f"{requests:,.0f} requests", "sqs_requests", requests, "sqs_requests")
    add("SNS", "publishes", "sns_publishes", month.requests("sns.Publish"), "sns_publishes")
    add("SES", f"{month.uploads:,} e-mails", "ses_emails", month.requests("ses.SendEmail"))
    add("KMS", "keys of the topic and the tables", "kms_requests", HOURS * 24, "kms_requests")


def _add_monitoring(add: AddLine, month: _MonthlyUsage) -> None:
    calls = sum(month.calls().values())
    logs = (
        month.scale(load_usage()["log_bytes"])
        + calls * LAMBDA_LOG_BYTES
        + REQUESTS_PER_UPLOAD * month.uploads * ACCESS_LOG_BYTES
    ) / GIB
    add("CloudWatch", f"{logs:.2f} GB of logs", "logs_gb", logs, "logs_gb")
    add("CloudWatch", f"{CUSTOM_METRICS} metrics", "metrics", CUSTOM_METRICS, "metrics")
    add("CloudWatch", f"alarms on {ALARM_METRICS} metrics", "alarms", ALARM_METRICS, "alarms")
    add("CloudWatch", "one dashboard", "dashboards", 1, "dashboards")


def _database_lines(choice: Choice) -> list[BillLine]:
    rds_hours = load_prices()["rds_hours"]
    if choice.instance_class not in rds_hours:
        raise LookupError(f"no price is known for {choice.instance_class}, only for {', '.join(rds_hours)}")
    copies = 2 if choice.multi_az else 1
    zones = "two zones" if choice.multi_az else "one zone"
    hours = rds_hours[choice.instance_class] * HOURS * copies
    storage = load_prices()["rds_gb"] * 20 * copies
    return [
        BillLine("RDS", f"{choice.instance_class}, {zones}", hours, hours),
        BillLine("RDS", "20 GB of storage, with backups", storage, storage),
    ]


def _network_lines(choice: Choice, month: _MonthlyUsage) -> list[BillLine]:
    # Messages to SQS are most of the traffic; S3 and DynamoDB have free endpoints.
    gb = month.requests("sqs.SendMessageBatch") * MESSAGE_BATCH_BYTES / GIB
    match choice.outbound:
        case "nat":
            usd = HOURS * (load_prices()["nat_hours"] + load_prices()["ipv4_hours"]) + gb * load_prices()["nat_gb"]
            item = "a NAT gateway and its address"
        case "endpoints":
            usd = HOURS * load_prices()["endpoint_hours"] * INTERFACE_ENDPOINTS * 2 + gb * load_prices()["endpoint_gb"]
            item = f"{INTERFACE_ENDPOINTS} interface endpoints in two zones"
        case _:
            usd, item = 0.0, "an egress-only gateway"
    return [BillLine("VPC", item, usd, usd)]


def compare_choices(base: Choice) -> list[tuple[str, float]]:
    """Return the monthly cost in USD of each choice, with the uploads and rows of `base`."""
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
        (name, sum_usd(calculate_bill(Choice(uploads=base.uploads, rows=base.rows, **changed))))
        for name, changed in variants.items()
    ]
