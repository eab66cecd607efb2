"""What a running local engine offers."""

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
from onboarding.local.delivered_emails import Mail, read_mails
from onboarding.local.endpoints import engine_client, read_endpoints
from onboarding.local.postgres import installed
from onboarding.local.processes import LocalError
from onboarding.local.stack import LocalEngine
from tests.support.local_processes import eventually, new_state, processes_of

# As the kernel's tables write them.
LOOPBACK = "0100007F"
LISTEN = "0A"


@pytest.fixture
def local(engine: LocalEngine) -> LocalEngine:
    """The engine that all tests share, under the name that reads well here."""
    return engine


def test_endpoints_are_announced_to_their_owner_alone(local: LocalEngine) -> None:
    path = local.state / "endpoints.json"
    values = json.loads(path.read_text())
    promised = (
        "aws_endpoint_url aws_region aws_access_key_id aws_secret_access_key bucket table error_queue_url topic_arn "
        "secret_name database_url inbox_dir link_base_url portal_url pid"
    )
    assert set(promised.split()) <= set(values)
    assert values["bucket"] == "ecommerce-product-uploads-000000000000"
    assert values["table"] == "UploadRecords"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_endpoints(local.state) == local.endpoints


def test_nothing_listens_beyond_this_machine(local: LocalEngine) -> None:
    sockets = set()
    for process in [os.getpid(), *processes_of(local.state)]:
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
    # The engine, PostgreSQL and the inbox, at least.
    assert len(addresses) >= 3
    assert set(addresses) == {LOOPBACK}


def test_psql_connects_by_the_url(local: LocalEngine) -> None:
    psql = [
        str(installed() / "bin" / "psql"),
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        local.endpoints.database_url,
    ]
    query = "select vendor_name, rolsuper from vendors, pg_roles where vendor_id = 'VEND001' and rolname = current_user"
    done = subprocess.run([*psql, "--command", query], capture_output=True, text=True, check=True)
    assert done.stdout == "TechGear|f\n"


def test_the_database_wants_the_password(local: LocalEngine) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(local.endpoints.database_url, password="guessed")


def test_tables_get_the_expiry_of_the_template(local: LocalEngine) -> None:
    dynamodb = local.endpoints.client("dynamodb")
    for table in (local.endpoints.table, "product-onboarding-mail-claims"):
        expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_the_link_base_leads_to_the_report_link(local: LocalEngine) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as answer:
        urllib.request.urlopen(f"{local.endpoints.link_base_url}/reports/never-ours")  # noqa: S310
    assert b"This link is not valid" in answer.value.read()
    answer.value.close()


def test_unknown_keys_are_refused(local: LocalEngine) -> None:
    found = local.endpoints
    stranger = engine_client("s3", found.aws_endpoint_url, found.aws_region, "AKIAIOSFODNN7EXAMPLE", "secret")
    with pytest.raises(ClientError, match=r"InvalidAccessKeyId|AccessDenied"):
        stranger.list_objects_v2(Bucket=found.bucket)


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
def test_emulator_answers_no_page_but_the_portals(local: LocalEngine, headers: dict[str, str], status: int) -> None:
    """The request that made a role and a function from any page: its key is in the query, so no preflight is needed."""
    query = "Action=ListRoles&X-Amz-Credential=test%2F20241221%2Fus-east-1%2Fiam%2Faws4_request&X-Amz-Signature=0"
    url = (
        f"{local.endpoints.aws_endpoint_url}/?{query}"
        if status != 200
        else f"{local.endpoints.aws_endpoint_url}/_ministack/health"
    )
    answer = httpx.post(url, headers=headers, trust_env=False) if status != 200 else httpx.get(url, trust_env=False)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_emulator_lets_the_portal_post_to_the_bucket_alone(local: LocalEngine) -> None:
    found = local.endpoints
    asks = {"Origin": found.portal_url, "Access-Control-Request-Method": "POST"}
    bucket = httpx.options(f"{found.aws_endpoint_url}/{found.bucket}", headers=asks, trust_env=False)
    assert bucket.headers["access-control-allow-origin"] == found.portal_url
    functions = httpx.options(f"{found.aws_endpoint_url}/2015-03-31/functions", headers=asks, trust_env=False)
    assert "access-control-allow-origin" not in functions.headers


def test_mail_arrives_in_the_inbox(local: LocalEngine) -> None:
    mailer = local.endpoints.client("lambda").get_function_configuration(FunctionName=resource_name("mailer"))
    sender = mailer["Environment"]["Variables"]["MAIL_SENDER"]
    ses = local.endpoints.client("ses")

    def arrived() -> list[Mail]:
        mails = read_mails(Path(local.endpoints.inbox_dir))
        return [mail for mail in mails if "greeted@example.com" in mail.recipients]

    def send(number: int) -> None:
        ses.send_email(
            Source=sender,
            Destination={"ToAddresses": ["greeted@example.com"], "BccAddresses": ["hidden@example.com"]},
            Message={"Subject": {"Data": f"Grüße {number}"}, "Body": {"Text": {"Data": "Tür\n.\nFrom here"}}},
        )

    send(1)
    eventually(lambda: len(arrived()) == 1, "the first mail")
    send(2)
    eventually(lambda: len(arrived()) == 2, "the second mail")
    first, second = arrived()
    assert (first.subject, second.subject) == ("Grüße 1", "Grüße 2")
    assert first.sender == sender
    assert first.recipients == ("greeted@example.com", "hidden@example.com")
    assert first.text == "Tür\n.\nFrom here"
    assert first.date <= second.date
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600


def test_only_the_verified_sender_may_send(local: LocalEngine) -> None:
    with pytest.raises(ClientError, match="not verified"):
        local.endpoints.client("ses").send_email(
            Source="stranger@example.com",
            Destination={"ToAddresses": ["contact@techgear.com"]},
            Message={"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}},
        )


def test_a_state_directory_is_for_one(local: LocalEngine) -> None:
    with pytest.raises(LocalError, match=rf"\(process {os.getpid()}\) already runs on {local.state}"):
        LocalEngine(local.state).start()
    assert read_endpoints(local.state) == local.endpoints


def test_a_taken_port_is_named(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} on 127.0.0.1 is taken"):
            LocalEngine(state, port).start()
    assert processes_of(state) == {}


def test_two_run_side_by_side(local: LocalEngine) -> None:
    directory = new_state()
    with LocalEngine(directory) as other:
        mine, theirs = local.endpoints, other.endpoints
        assert mine.aws_endpoint_url != theirs.aws_endpoint_url
        theirs.client("s3").put_object(Bucket=theirs.bucket, Key="theirs", Body=b"theirs")
        assert mine.client("s3").list_objects_v2(Bucket=mine.bucket, Prefix="theirs")["KeyCount"] == 0
        with psycopg.connect(theirs.database_url) as there, psycopg.connect(mine.database_url) as here:
            there.execute("create table only_there ()")
            there.commit()
            assert here.execute("select to_regclass('only_there')").fetchone() == (None,)
    assert processes_of(directory) == {}
    assert local.failure() is None
    shutil.rmtree(directory)
