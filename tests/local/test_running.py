"""What a running local engine offers."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from botocore.exceptions import ClientError

from onboarding.local.endpoints import engine_client, read_endpoints
from onboarding.local.mails import read_mails
from onboarding.local.postgres import installed
from onboarding.local.processes import LocalError
from onboarding.local.up import LocalEngine

from .conftest import eventually, new_state, processes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "0100007F"
LISTEN = "0A"


def test_endpoints_are_announced_to_their_owner_alone(local: LocalEngine) -> None:
    path = local.state / "endpoints.json"
    values = json.loads(path.read_text())
    promised = (
        "aws_endpoint_url aws_region aws_access_key_id aws_secret_access_key bucket table error_queue_url topic_arn "
        "secret_name database_url inbox_dir link_base_url pid"
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
            target = os.readlink(descriptor)
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
    psql = [installed() / "bin" / "psql", "--no-psqlrc", "--tuples-only", "--no-align", local.endpoints.database_url]
    query = "select count(*), bool_or(rolsuper) from vendors, pg_roles where rolname = current_user"
    done = subprocess.run([*psql, "--command", query], capture_output=True, text=True, check=True)
    assert done.stdout == "3|f\n"


def test_the_database_wants_the_password(local: LocalEngine) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(local.endpoints.database_url, password="guessed")


def test_tables_get_the_expiry_of_the_template(local: LocalEngine) -> None:
    dynamodb = local.endpoints.client("dynamodb")
    for table in (local.endpoints.table, "MailClaims"):
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
    with pytest.raises(ClientError, match="InvalidAccessKeyId|AccessDenied"):
        stranger.list_objects_v2(Bucket=found.bucket)


@pytest.fixture
def sender(local: LocalEngine) -> Iterator[str]:
    address = local.endpoints.client("lambda").get_function_configuration(FunctionName="mailer")
    return address["Environment"]["Variables"]["MAIL_SENDER"]


def test_mail_arrives_in_the_inbox(local: LocalEngine, sender: str) -> None:
    ses = local.endpoints.client("ses")
    inbox = Path(local.endpoints.inbox_dir)
    for number in (1, 2):
        ses.send_email(
            Source=sender,
            Destination={"ToAddresses": ["contact@techgear.com"], "BccAddresses": ["hidden@techgear.com"]},
            Message={
                "Subject": {"Data": f"Grüße {number}"},
                "Body": {"Text": {"Data": "Tür\n.\nFrom here"}},
            },
        )
        eventually(lambda expected=number: len(read_mails(inbox)) == expected, "the mail")
    first, second = read_mails(inbox)
    assert (first.subject, second.subject) == ("Grüße 1", "Grüße 2")
    assert first.sender == sender
    assert first.recipients == ("contact@techgear.com", "hidden@techgear.com")
    assert first.text == "Tür\n.\nFrom here"
    assert first.date < second.date
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
        mine.client("s3").put_object(Bucket=mine.bucket, Key="mine", Body=b"mine")
        assert "Contents" not in theirs.client("s3").list_objects_v2(Bucket=theirs.bucket)
        with psycopg.connect(mine.database_url) as here, psycopg.connect(theirs.database_url) as there:
            here.execute("create table only_here ()")
            here.commit()
            assert there.execute("select to_regclass('only_here')").fetchone() == (None,)
    assert processes_of(directory) == {}
    assert local.failure() is None
