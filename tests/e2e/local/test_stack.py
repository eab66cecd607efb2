"""Tests of a running local stack: its files, ports, database, emulator and inbox."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import httpx
import psycopg
import pytest
from botocore.exceptions import ClientError

from onboarding.domain.resource_names import resource_name
from onboarding.local.delivered_emails import Email, read_emails
from onboarding.local.endpoints import emulator_client, read_endpoints
from onboarding.local.postgres import find_installation
from onboarding.local.processes import LocalError
from onboarding.local.stack import LocalStack
from tests.support.local_processes import list_processes, make_state, wait_until

# Values in the kernel's tables of TCP sockets.
LOOPBACK = "0100007F"
LISTEN = "0A"


@pytest.fixture
def stack(local_stack: LocalStack) -> LocalStack:
    """Return the local stack that all tests share."""
    return local_stack


def test_endpoints_file_is_readable_only_by_its_owner(stack: LocalStack) -> None:
    path = stack.state / "endpoints.json"
    values = json.loads(path.read_text())
    documented = (
        "aws_endpoint_url aws_region aws_access_key_id aws_secret_access_key bucket table error_queue_url topic_arn "
        "secret_name database_url inbox_dir link_base_url portal_url pid"
    )
    assert set(documented.split()) <= set(values)
    assert values["bucket"] == "ecommerce-product-uploads-000000000000"
    assert values["table"] == "UploadRecords"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_endpoints(stack.state) == stack.endpoints


def test_servers_listen_only_on_the_loopback_address(stack: LocalStack) -> None:
    sockets = set()
    for process in [os.getpid(), *list_processes(stack.state)]:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):  # it was closed meanwhile
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    sockets.add(target[8:-1])
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and fields[9] in sockets:
                addresses.append(fields[1].split(":")[0])
    # At least the emulator, PostgreSQL and the inbox.
    assert len(addresses) >= 3
    assert set(addresses) == {LOOPBACK}


def test_database_url_works_with_psql(stack: LocalStack) -> None:
    psql = [
        str(find_installation() / "bin" / "psql"),
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        stack.endpoints.database_url,
    ]
    query = "select vendor_name, rolsuper from vendors, pg_roles where vendor_id = 'VEND001' and rolname = current_user"
    completed = subprocess.run([*psql, "--command", query], capture_output=True, text=True, check=True)
    assert completed.stdout == "TechGear|f\n"


def test_database_wrong_password_is_rejected(stack: LocalStack) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stack.endpoints.database_url, password="guessed")


def test_tables_have_the_time_to_live_of_the_template(stack: LocalStack) -> None:
    dynamodb = stack.endpoints.client("dynamodb")
    for table in (stack.endpoints.table, "product-onboarding-email-claims"):
        expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_link_base_url_reaches_report_link(stack: LocalStack) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        urllib.request.urlopen(f"{stack.endpoints.link_base_url}/reports/invalid-token")  # noqa: S310
    assert b"This link is not valid" in error.value.read()
    error.value.close()


def test_emulator_unknown_access_key_is_rejected(stack: LocalStack) -> None:
    endpoints = stack.endpoints
    client = emulator_client("s3", endpoints.aws_endpoint_url, endpoints.aws_region, "AKIAIOSFODNN7EXAMPLE", "secret")
    with pytest.raises(ClientError, match=r"InvalidAccessKeyId|AccessDenied"):
        client.list_objects_v2(Bucket=endpoints.bucket)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_emulator_request_from_another_site_is_forbidden(
    stack: LocalStack, headers: dict[str, str], status: int
) -> None:
    """The key of the request is in its query, so browsers send it from any page without a preflight."""
    query = "Action=ListRoles&X-Amz-Credential=test%2F20241221%2Fus-east-1%2Fiam%2Faws4_request&X-Amz-Signature=0"
    url = (
        f"{stack.endpoints.aws_endpoint_url}/?{query}"
        if status != 200
        else f"{stack.endpoints.aws_endpoint_url}/_ministack/health"
    )
    response = httpx.post(url, headers=headers, trust_env=False) if status != 200 else httpx.get(url, trust_env=False)
    assert response.status_code == status
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_emulator_portal_page_can_only_post_to_the_bucket(stack: LocalStack) -> None:
    endpoints = stack.endpoints
    preflight = {"Origin": endpoints.portal_url, "Access-Control-Request-Method": "POST"}
    bucket = httpx.options(f"{endpoints.aws_endpoint_url}/{endpoints.bucket}", headers=preflight, trust_env=False)
    assert bucket.headers["access-control-allow-origin"] == endpoints.portal_url
    functions = httpx.options(f"{endpoints.aws_endpoint_url}/2015-03-31/functions", headers=preflight, trust_env=False)
    assert "access-control-allow-origin" not in functions.headers


def test_inbox_receives_email(stack: LocalStack) -> None:
    mailer = stack.endpoints.client("lambda").get_function_configuration(FunctionName=resource_name("mailer"))
    sender = mailer["Environment"]["Variables"]["EMAIL_SENDER"]
    ses = stack.endpoints.client("ses")

    def list_delivered() -> list[Email]:
        emails = read_emails(Path(stack.endpoints.inbox_dir))
        return [email for email in emails if "greeted@example.com" in email.recipients]

    def send(number: int) -> None:
        ses.send_email(
            Source=sender,
            Destination={"ToAddresses": ["greeted@example.com"], "BccAddresses": ["hidden@example.com"]},
            Message={"Subject": {"Data": f"Grüße {number}"}, "Body": {"Text": {"Data": "Tür\n.\nFrom here"}}},
        )

    send(1)
    wait_until(lambda: len(list_delivered()) == 1, "the first e-mail")
    send(2)
    wait_until(lambda: len(list_delivered()) == 2, "the second e-mail")
    first, second = list_delivered()
    assert (first.subject, second.subject) == ("Grüße 1", "Grüße 2")
    assert first.sender == sender
    assert first.recipients == ("greeted@example.com", "hidden@example.com")
    assert first.text == "Tür\n.\nFrom here"
    assert first.date <= second.date
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600


def test_send_email_unverified_sender_is_rejected(stack: LocalStack) -> None:
    with pytest.raises(ClientError, match="not verified"):
        stack.endpoints.client("ses").send_email(
            Source="stranger@example.com",
            Destination={"ToAddresses": ["contact@techgear.com"]},
            Message={"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}},
        )


def test_start_used_state_directory_raises(stack: LocalStack) -> None:
    with pytest.raises(LocalError, match=rf"\(process {os.getpid()}\) already runs on {stack.state}"):
        LocalStack(stack.state).start()
    assert read_endpoints(stack.state) == stack.endpoints


def test_start_used_port_is_reported(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} on 127.0.0.1 is in use"):
            LocalStack(state, port).start()
    assert list_processes(state) == {}


def test_start_two_local_stacks_run_in_parallel(stack: LocalStack) -> None:
    directory = make_state()
    with LocalStack(directory) as other_stack:
        first, second = stack.endpoints, other_stack.endpoints
        assert first.aws_endpoint_url != second.aws_endpoint_url
        second.client("s3").put_object(Bucket=second.bucket, Key="second", Body=b"second")
        assert first.client("s3").list_objects_v2(Bucket=first.bucket, Prefix="second")["KeyCount"] == 0
        with (
            psycopg.connect(second.database_url) as second_connection,
            psycopg.connect(first.database_url) as first_connection,
        ):
            second_connection.execute("create table only_in_second ()")
            second_connection.commit()
            assert first_connection.execute("select to_regclass('only_in_second')").fetchone() == (None,)
    assert list_processes(directory) == {}
    assert stack.find_failure() is None
    shutil.rmtree(directory)
