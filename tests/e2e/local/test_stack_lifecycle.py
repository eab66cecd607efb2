"""Tests of start, stop, restart and failures of the local stack."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from onboarding.cloudformation.templates import Template, read_template
from onboarding.config import LOGIN_FIELDS
from onboarding.domain.resource_names import resource_name
from onboarding.local import postgres, template_deployment
from onboarding.local.endpoints import Endpoints, read_endpoints
from onboarding.local.postgres import Postgres
from onboarding.local.processes import LocalError
from onboarding.local.stack import LocalStack
from tests.support.local_processes import list_processes, make_state, wait_until

KEY = "errors/VEND001/report.csv"


@pytest.fixture(scope="module")
def shared_state() -> Iterator[Path]:
    """Yield a state directory for the tests that leave it usable, since a restart is faster than a first start."""
    directory = make_state()
    yield directory
    shutil.rmtree(directory)


def list_versions(endpoints: Endpoints) -> list[str]:
    response = endpoints.client("s3").list_object_versions(Bucket=endpoints.bucket, Prefix=KEY)
    return [version["VersionId"] for version in response["Versions"]]


def get_link_keys(endpoints: Endpoints) -> dict[str, str]:
    """Return the keys that sign links, without the login in the same secret, which changes at each start."""
    text = endpoints.client("secretsmanager").get_secret_value(SecretId=resource_name("/link-keys"))["SecretString"]
    return {name: value for name, value in json.loads(text).items() if name not in LOGIN_FIELDS}


def test_restart_keeps_files_uploads_and_emails(state: Path) -> None:
    with LocalStack(state) as local_stack:
        first = local_stack.endpoints
        for body in (b"old", b"new"):
            first.client("s3").put_object(Bucket=first.bucket, Key=KEY, Body=body, ContentType="text/csv")
        expected = list_versions(first), get_link_keys(first)
        with psycopg.connect(first.database_url) as connection:
            connection.execute("update vendors set phone = '0123' where vendor_id = 'VEND001'")
    assert list_processes(state) == {}
    assert read_endpoints(state) is None

    with LocalStack(state) as local_stack:
        second = local_stack.endpoints
        assert second.aws_endpoint_url == first.aws_endpoint_url
        assert second.database_url == first.database_url
        assert (list_versions(second), get_link_keys(second)) == expected
        s3 = second.client("s3")
        response = s3.get_object(Bucket=second.bucket, Key=KEY)
        assert (response["Body"].read(), response["ContentType"]) == (b"new", "text/csv")
        # The restart also restores the bucket's configuration.
        assert s3.get_bucket_versioning(Bucket=second.bucket)["Status"] == "Enabled"
        notifications = s3.get_bucket_notification_configuration(Bucket=second.bucket)["LambdaFunctionConfigurations"]
        assert notifications
        assert all(item["LambdaFunctionArn"].endswith(":function:csv-parser") for item in notifications)
        with psycopg.connect(second.database_url) as connection:
            query = "select phone from vendors where vendor_id = 'VEND001'"
            assert connection.execute(query).fetchone() == ("0123",)


def test_start_copied_state_does_not_change_the_original(state: Path) -> None:
    copy = make_state() / "copy"
    with LocalStack(state) as original:
        subprocess.run(["cp", "--archive", state, copy], check=True)
        server = next(pid for pid, command in list_processes(state).items() if "bin/postgres -D" in command)
        assert read_endpoints(copy) is None
        with LocalStack(copy) as copied:
            assert original.find_failure() is None
            assert any(pid == server for pid in list_processes(state))
            endpoints = {"original": read_endpoints(state), "copy": read_endpoints(copy)}
            assert endpoints == {"original": original.endpoints, "copy": copied.endpoints}
            for name in ("aws_endpoint_url", "database_url", "portal_url", "inbox_dir"):
                assert getattr(original.endpoints, name) != getattr(copied.endpoints, name)
        with psycopg.connect(original.endpoints.database_url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    assert list_processes(copy) == {}
    shutil.rmtree(copy.parent)


def start_process(state: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "onboarding.local", "--state", str(state)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def start_stack(state: Path) -> subprocess.Popen[str]:
    process = start_process(state)
    wait_until(lambda: read_endpoints(state) or process.poll() is not None, "the local stack to start")
    endpoints = read_endpoints(state)
    assert endpoints is not None, process.communicate()[0]
    assert endpoints.pid == process.pid
    return process


def start_worker(state: Path) -> None:
    """Start the worker process of a function."""
    endpoints = read_endpoints(state)
    assert endpoints is not None
    endpoints.client("lambda").invoke(
        FunctionName=resource_name("report-link"), Payload=b'{"pathParameters": {"token": "x"}}'
    )
    assert any("_worker.py" in command for command in list_processes(state).values())


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGTERM] * 3])
def test_signal_stops_all_processes(shared_state: Path, numbers: list[signal.Signals]) -> None:
    process = start_stack(shared_state)
    start_worker(shared_state)
    for number in numbers:
        process.send_signal(number)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert list_processes(shared_state) == {}
    assert not (shared_state / "endpoints.json").exists()


@pytest.mark.parametrize("created_path", ["postgres.unfinished", "postgres/postmaster.pid", "s3/000000000000"])
def test_signal_during_start_stops_all_processes(state: Path, created_path: str) -> None:
    process = start_process(state)
    wait_until((state / created_path).exists, created_path)
    process.terminate()
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert list_processes(state) == {}
    assert not (state / "endpoints.json").exists()


def test_killed_parent_stops_all_processes(shared_state: Path) -> None:
    process = start_stack(shared_state)
    start_worker(shared_state)
    assert any("bin/postgres" in command for command in list_processes(shared_state).values())
    process.kill()
    process.communicate()
    wait_until(lambda: list_processes(shared_state) == {}, "all processes to end")
    # The file that the killed process could not remove is ignored.
    assert (shared_state / "endpoints.json").exists()
    assert read_endpoints(shared_state) is None
    process = start_stack(shared_state)
    process.terminate()
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("victim", "name"),
    [
        ("-m onboarding.local.emulator_process", "the AWS emulator"),
        ("bin/postgres", "PostgreSQL"),
        ("-m onboarding.local.web_server", "the web server"),
    ],
)
def test_killed_child_is_reported_and_stops_the_others(shared_state: Path, victim: str, name: str) -> None:
    process = start_stack(shared_state)
    start_worker(shared_state)
    [pid] = [pid for pid, command in list_processes(shared_state).items() if victim in command]
    os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == 1
    assert f"{name} ended (exit code -9)" in output
    wait_until(lambda: list_processes(shared_state) == {}, "the workers to end")


def test_postgres_start_after_a_crash_succeeds(state: Path) -> None:
    server = Postgres(state, 0)
    server.data.mkdir()
    # The pid file of a crashed server; its process ID now belongs to another process, this test.
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    server._stop_leftover(lambda: None)
    assert not (server.data / "postmaster.pid").exists()


def test_postgres_changes_as_root_are_printed(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, private = state / "closed", state / "closed" / "private"
    for directory in (closed, private):
        directory.mkdir(mode=0o700)
    state.chmod(0o701)
    for _ in range(2):
        postgres._make_reachable(private / "postgres", silent=private)
    assert [stat.S_IMODE(directory.stat().st_mode) for directory in (closed, private)] == [0o701, 0o701]
    assert capsys.readouterr().err.splitlines() == [
        f"PostgreSQL does not run as root: let its user pass through {closed} (chmod o+x)."
    ]

    commands: list[list[str]] = []

    def getpwnam(name: str) -> pwd.struct_passwd:
        if not commands:
            raise KeyError(name)
        return pwd.getpwuid(os.getuid())

    monkeypatch.setattr("onboarding.local.postgres.pwd.getpwnam", getpwnam)
    monkeypatch.setattr("onboarding.local.postgres.subprocess.run", lambda command, **_: commands.append(command))
    for _ in range(2):
        postgres._ensure_system_user()
    assert [command[0] for command in commands] == ["useradd"]
    [line] = capsys.readouterr().err.splitlines()
    assert "created the system user pgserver" in line


def test_start_template_that_fails_to_deploy_reports_the_reason(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = read_template("pipeline").replace(
        "StreamViewType: NEW_IMAGE", "StreamViewType: NEW_IMAGE, StreamEnabled: false"
    )
    assert text != read_template("pipeline")
    monkeypatch.setattr(template_deployment, "load_template", lambda _, *values: Template(text, *values))
    with pytest.raises(LocalError, match=r"ProductValidatorRole: .*StreamArn"):
        LocalStack(state).start()
    assert list_processes(state) == {}
