"""Each function's cold start: its import and its first invocation, in a fresh process, on the running local stack.

Beside it stand the bare imports of boto3 and psycopg, which nobody who uses both gets around.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import data
from bench.measure import Report
from onboarding.domain.models import Upload
from onboarding.domain.resource_names import resource_name
from onboarding.local.endpoints import Endpoints
from onboarding.local.stack import LocalStack
from onboarding.notifications.email import UploadResult
from onboarding.notifications.report_links import sign_report_link
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.storage import uploads
from onboarding.storage.database import open_connection
from onboarding.storage.queries import query
from onboarding.web.tokens import generate_secret, hash_secret

PART = "cold start"
MOST = 2.0

BARE = """
import time
started = time.perf_counter()
import boto3
import psycopg
imported = time.perf_counter()
"""

FUNCTION = """
import importlib
import json
import sys
import time
event = json.load(sys.stdin)
started = time.perf_counter()
handler = importlib.import_module(sys.argv[1]).handler
imported = time.perf_counter()
answer = handler(event, None)
invoked = time.perf_counter()
assert not isinstance(answer, dict) or (answer.get("statusCode", 200) < 400 and "refused" not in answer), answer
"""

TELL = "print(f'\\n{imported - started} {%s}')\n"


def measure(report: Report, *, quick: bool) -> None:
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, LocalStack(Path(directory)) as engine:
        endpoints = engine.endpoints
        upload = _first_upload(endpoints)
        bare: dict[str, list[float]] = {}
        imports: dict[str, list[float]] = {}
        invocations: dict[str, list[float]] = {}
        for number in range(rounds):
            for function, event in _events(endpoints, upload, number).items():
                # Beside each function: what disturbs the machine for a second disturbs both.
                bare.setdefault(function, []).append(_run(BARE + TELL % "0", [], dict(os.environ), None)[0])
                script = FUNCTION + TELL % "invoked - imported"
                module = f"onboarding.lambda_handlers.{function.replace('-', '_')}"
                imported, invoked = _run(script, [module], _environment(endpoints, function), event)
                imports.setdefault(function, []).append(imported)
                invocations.setdefault(function, []).append(invoked)
    report.add(PART, "boto3 and psycopg, bare imports", "ms", list(chain.from_iterable(bare.values())))
    for function, took in imports.items():
        report.add(PART, f"{function}, import", "ms", took)
        report.add(PART, f"{function}, first invocation", "ms", invocations[function])
        both = [first + second for first, second in zip(took, invocations[function], strict=True)]
        report.ratio(PART, f"{function}, both / bare imports", both, bare[function], MOST)


def _run(script: str, arguments: list[str], environment: dict[str, str], event: Any) -> tuple[float, float]:
    """What the script says at its end, in milliseconds."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, input=json.dumps(event), stdout=subprocess.PIPE, text=True, env=environment, check=True
    )
    first, second = done.stdout.splitlines()[-1].split()
    return float(first) * 1000, float(second) * 1000


def _environment(endpoints: Endpoints, function: str) -> dict[str, str]:
    """What the function finds in its environment, with the engine's root in place of its role."""
    variables: dict[str, str] = {}
    # Of another template, for which one machine has no use; it needs the secret alone.
    if function != "admin":
        name = resource_name(function)
        configuration = endpoints.client("lambda").get_function_configuration(FunctionName=name)
        variables = configuration["Environment"]["Variables"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG") if name in os.environ}
    return {**kept, **endpoints.environment(), **variables}


def _put(endpoints: Endpoints, file_name: str, content: bytes) -> S3ObjectVersion:
    key = f"uploads/{data.VENDOR}/{file_name}"
    answer = endpoints.client("s3").put_object(Bucket=endpoints.bucket, Key=key, Body=content)
    return S3ObjectVersion(endpoints.bucket, key, answer["VersionId"])


def _first_upload(endpoints: Endpoints) -> Upload:
    """An upload that went all the way."""
    _put(endpoints, "cold.csv", data.csv_file(100, "cold"))
    with open_connection(endpoints.database_url) as connection:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = uploads.list_uploads(connection, limit=1)
            if found and found[0].notified_at:
                return found[0]
            time.sleep(0.05)
    raise TimeoutError("the first upload did not finish")


def _events(endpoints: Endpoints, upload: Upload, number: int) -> dict[str, Any]:
    """An event for each function that makes it use all of its clients."""
    # In capitals, so that the bucket does not announce it.
    source = _put(endpoints, f"cold-{number}.CSV", data.csv_file(10, f"cold{number}"))
    with open_connection(endpoints.database_url) as connection:
        connection.execute("update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,))
        key = {"key_id": f"cold-{number}", "vendor_id": data.VENDOR, "name": "cold", "scopes": ["uploads:read"]}
        secret = generate_secret()
        used = {"key": hash_secret(secret), "created_by": "bench", "days": 1}
        connection.execute(query("insert_api_key"), {**key, **used})
    keys = json.loads(
        endpoints.client("secretsmanager").get_secret_value(SecretId=resource_name("/link-keys"))["SecretString"]
    )
    result = {field.name: getattr(upload, field.name, None) for field in fields(UploadResult)}
    message = json.dumps({**result, "upload_id": f"COLD-{number}"}, default=str)
    rows = data.rows_of(data.csv_file(100, "cold"), upload.upload_id)
    return {
        "csv-parser": data.s3_event(source.bucket, source.key, source.version_id),
        "product-validator": data.stream_events(rows, 100)[0],
        "error-processor": data.queue_event(
            json.dumps({"event": "upload_finished", "upload_id": upload.upload_id, "vendor_id": upload.vendor_id})
        ),
        "mailer": {"Records": [{"Sns": {"Message": message}}]},
        "report-link": {"pathParameters": {"token": sign_report_link(upload.error_file_s3_key or "", keys)}},
        "watchdog": {},
        "webhook": {"Records": [{"Sns": {"Message": message}}]},
        "api": data.http_event("/v1/uploads", urlsplit(endpoints.portal_url).netloc, secret),
        "admin": {"action": "list_vendors"},
    }
