"""Commands without a local stack: output, exit codes and error messages."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from onboarding import __version__
from onboarding.cli import uploads, watchdog
from onboarding.cli.errors import CommandError, explain
from onboarding.cli.main import main
from onboarding.cli.output import replace_control_characters
from onboarding.cli.target import RunAction, connect
from onboarding.cli.upload_client import ObjectStatus, Submission, UploadOutcome, wait_for_outcomes
from onboarding.config import NotSet
from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.resource_names import UPLOAD_BUCKET
from onboarding.lambda_handlers.admin_queries import upload_as_json, upload_from_json
from onboarding.local.endpoints import LOCK, Endpoints, read_endpoints, write_endpoints
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.pipeline.recovery import RecoveryAction
from tests.support.postgres_fixtures import make_upload

Captured = pytest.CaptureFixture[str]

KEYS = ["upload_id", "status", "total_records", "valid_records", "error_records", "report_key", "seconds"]
SOURCE = S3ObjectVersion("bucket", "uploads/VEND001/products.csv", "v1")
SUBMISSION = Submission(SOURCE, datetime(2024, 12, 21, 10, 30, 45, tzinfo=UTC), 0.0)


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a working directory without a stack and an environment without AWS."""
    monkeypatch.chdir(tmp_path)
    for name in ("ONBOARDING_STATE", "S3_BUCKET_NAME", "RDS_SECRET_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "products.csv").write_text("sku\n")


@pytest.fixture
def start_fake_stack() -> Iterator[Callable[[Path], Endpoints]]:
    """Return a function that marks a state directory as used by a running stack."""
    with ExitStack() as locks:

        def start(state: Path) -> Endpoints:
            lock = locks.enter_context((state / LOCK).open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write(str(os.getpid()))
            lock.flush()
            write_endpoints(state, endpoints := fake_endpoints(state))
            return endpoints

        yield start


def fake_endpoints(state: Path, port: int = 9) -> Endpoints:
    """Return endpoints at which nothing listens."""
    url = f"http://127.0.0.1:{port}"
    return Endpoints(
        state=str(state.resolve()),
        aws_endpoint_url=url,
        aws_region="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        bucket="the-bucket",
        table="UploadRecords",
        error_queue_url=f"{url}/queue",
        topic_arn="arn:aws:sns:us-east-1:000000000000:topic",
        email_claims_table="product-onboarding-email-claims",
        secret_name="secret",
        database_url=f"postgresql://127.0.0.1:{port}/db",
        inbox_dir=str(state / "inbox"),
        link_base_url=url,
        portal_url=url,
        log_dir="logs",
        pid=os.getpid(),
    )


def read_error(code: int, capsys: Captured) -> str:
    """Return the message on stderr of a failed command, which prints nothing else and no traceback."""
    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert "Traceback" not in captured.err
    return captured.err


UPLOAD = ("upload", "products.csv", "--vendor", "VEND001")
COMMANDS_OF_A_STACK = [
    UPLOAD,
    (*UPLOAD, "--wait", "--json"),
    ("uploads", "list"),
    ("uploads", "show", "UPLOAD_1"),
    ("report", "UPLOAD_1"),
    ("mappings", "list", "--vendor", "VEND001"),
    ("inbox",),
    ("inbox", "show", "1"),
]


@pytest.mark.parametrize("command", COMMANDS_OF_A_STACK, ids=" ".join)
def test_command_without_stack_prints_how_to_start_one(command: Sequence[str], capsys: Captured) -> None:
    assert "No local stack runs on .onboarding. Start one with: onboarding local up" in read_error(
        main(command), capsys
    )


@pytest.mark.parametrize("command", COMMANDS_OF_A_STACK, ids=" ".join)
def test_command_named_state_without_stack_does_not_use_aws(
    command: Sequence[str], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", "bucket")
    monkeypatch.setenv("RDS_SECRET_NAME", "secret")
    sentence = "No local stack runs on other. Start one with: onboarding local up --state other"
    assert sentence in read_error(main([*command, "--state", "other"]), capsys)
    monkeypatch.setenv("ONBOARDING_STATE", "other")
    assert sentence in read_error(main(command), capsys)


def test_command_killed_stack_is_not_used(tmp_path: Path, capsys: Captured) -> None:
    # Its process ID may belong to another process, here to this one.
    write_endpoints(tmp_path, fake_endpoints(tmp_path))
    for _ in range(2):
        assert "No local stack runs" in read_error(main(["uploads", "list", "--state", str(tmp_path)]), capsys)
        (tmp_path / LOCK).touch()


def test_command_copied_state_directory_is_not_used(
    tmp_path: Path, capsys: Captured, start_fake_stack: Callable[[Path], Endpoints]
) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.mkdir()
    endpoints = start_fake_stack(original)
    shutil.copytree(original, copy)
    assert read_endpoints(original) == endpoints
    assert read_endpoints(copy) is None
    # Also while a stack starts on the copy.
    start_fake_stack(copy)
    shutil.copy(original / "endpoints.json", copy)
    assert "No local stack runs" in read_error(main(["uploads", "list", "--state", str(copy)]), capsys)


def test_command_endpoints_of_another_version_are_rejected(
    tmp_path: Path, capsys: Captured, start_fake_stack: Callable[[Path], Endpoints]
) -> None:
    start_fake_stack(tmp_path)
    for content in ("{}", "[]", "nonsense", ""):
        (tmp_path / "endpoints.json").write_text(content)
        sentence = read_error(main(["uploads", "list", "--state", str(tmp_path)]), capsys)
        assert f"{tmp_path / 'endpoints.json'} was not written by this version" in sentence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.csv", "--vendor", "VEND001"), "missing.csv: No such file"),
        (("folder.csv", "--vendor", "VEND001"), "folder.csv: Is a directory"),
        (("products.pdf", "--vendor", "VEND001"), "must end in .csv, .tsv, .txt or .xlsx"),
        (("products.csv", "--vendor", "VEND001/x"), "'VEND001/x' cannot be a vendor ID"),
        (("products.csv", "--vendor", ""), "'' cannot be a vendor ID"),
        (("products.csv", "--vendor", ".."), "'..' cannot be a vendor ID"),
        (("products.csv", "--vendor", "."), "'.' cannot be a vendor ID"),
        (("products.csv", "--vendor", "VEND\x07"), "cannot be a vendor ID"),
        (("products\udcff.csv", "--vendor", "VEND001"), "the name is not UTF-8"),
        *(
            ((f"products{character}.csv", "--vendor", "VEND001"), "the name has a control character; rename the file")
            for character in ("\x07", "\x1b", "\n", "\r", "\t", "\x7f", "\x9b", "\ufffe", "\uffff")
        ),
    ],
)
def test_upload_invalid_arguments_send_nothing(
    arguments: Sequence[str],
    message: str,
    tmp_path: Path,
    capsys: Captured,
    start_fake_stack: Callable[[Path], Endpoints],
) -> None:
    (tmp_path / "folder.csv").mkdir()
    start_fake_stack(tmp_path)
    assert message in read_error(main(["upload", *arguments, "--state", str(tmp_path)]), capsys)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("upload",), "onboarding upload --help"),
        (("upload", "products.csv"), "--vendor"),
        (
            ("uploads", "list", "--status", "lost"),
            "'--status': 'lost' is not one of 'processing', 'completed', 'partial', 'failed'",
        ),
        (("uploads", "list", "--since", "yesterday"), "'--since': 'yesterday' does not match"),
        (("uploads", "list", "--limit", "0"), "'--limit': enter a number greater than or equal to 1."),
        (("inbox", "show", "one"), "'N': enter a whole number."),
        (("local", "up", "--port", "65536"), "65535"),
    ],
)
def test_command_invalid_arguments_exit_with_1(command: Sequence[str], message: str, capsys: Captured) -> None:
    # 2 and 3 are results of uploads, which a script must not confuse with invalid arguments.
    assert message in read_error(main(command), capsys)


def test_version_option_prints_version(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"onboarding {__version__}\n"


@pytest.mark.parametrize(
    "command", [(), ("local",), ("uploads",), ("inbox",), ("upload",), ("mappings", "values"), ("demo",)]
)
def test_command_help_is_printed(command: Sequence[str], capsys: Captured) -> None:
    assert main([*command, "--help"]) == 0
    assert "Usage: onboarding" in capsys.readouterr().out


def replace_pipeline(outcome: UploadOutcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `upload --wait` return this outcome without a pipeline."""

    @contextmanager
    def no_pipeline(*_: object) -> Iterator[tuple[None, RunAction]]:
        yield None, lambda *_, **__: {"status": "active"}

    monkeypatch.setattr(uploads, "connect_admin", no_pipeline)
    monkeypatch.setattr(uploads, "submit_file", lambda *_: outcome.submission)
    monkeypatch.setattr(uploads, "wait_for_outcomes", lambda *_: [outcome])


def make_outcome(
    upload: Upload | None, quarantined: str | None = None, unprocessed: int = 0, correction: Sequence[str] = ()
) -> UploadOutcome:
    return UploadOutcome(SUBMISSION, upload, quarantined, 1.234, unprocessed, correction)


ALL_VALID = make_upload(status=UploadStatus.COMPLETED, valid_records=100, error_records=0)
SOME_FAILED = make_upload(error_file_s3_key="errors/VEND001/report.csv")
NONE_VALID = make_upload(status=UploadStatus.FAILED, valid_records=0, error_records=100)
REJECTED = make_upload(
    status=UploadStatus.FAILED,
    total_records=0,
    valid_records=0,
    error_records=0,
    failure_code="EMPTY_FILE",
    failure_reason="The file is empty",
)


@pytest.mark.parametrize(
    ("outcome", "code", "message"),
    [
        (make_outcome(ALL_VALID), 0, "100 of 100 rows are in the catalog, 0 were rejected."),
        (make_outcome(SOME_FAILED), 2, "92 of 100 rows are in the catalog, 8 were rejected."),
        (make_outcome(NONE_VALID), 2, "0 of 100 rows are in the catalog, 100 were rejected."),
        (make_outcome(ALL_VALID, correction=["It fixed row 5 of U."]), 0, "rejected.\nIt fixed row 5 of U.\n"),
        (make_outcome(REJECTED, correction=["This upload corrects a.csv."]), 3, "This upload corrects a.csv."),
        (make_outcome(SOME_FAILED, unprocessed=3), 1, "3 rows could not be processed, by our fault"),
        (make_outcome(NONE_VALID, unprocessed=100), 1, "100 rows could not be processed, by our fault"),
        (make_outcome(REJECTED), 3, "Rejected: The file is empty (EMPTY_FILE)"),
        (make_outcome(None, "The vendor 'X' is not known"), 3, "Rejected: The vendor 'X' is not known."),
    ],
    ids=[
        "all valid",
        "some rejected",
        "none valid",
        "correcting",
        "rejected fix",
        "some unprocessed",
        "all unprocessed",
        "rejected",
        "quarantined",
    ],
)
def test_upload_wait_outcome_sets_exit_code_and_message(
    outcome: UploadOutcome, code: int, message: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_pipeline(outcome, monkeypatch)
    assert main([*UPLOAD, "--wait"]) == code
    assert message in capsys.readouterr().out
    assert main([*UPLOAD, "--wait", "--json"]) == code
    captured = capsys.readouterr()
    assert list(json.loads(captured.out)) == KEYS
    assert captured.out.count("\n") == 1
    assert message in captured.err


def test_upload_json_has_the_counts(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_pipeline(make_outcome(SOME_FAILED), monkeypatch)
    main([*UPLOAD, "--wait", "--json"])
    assert json.loads(capsys.readouterr().out) == {
        "upload_id": SOME_FAILED.upload_id,
        "status": "partial",
        "total_records": 100,
        "valid_records": 92,
        "error_records": 8,
        "report_key": "errors/VEND001/report.csv",
        "seconds": 1.23,
    }


def test_upload_json_quarantined_file_has_no_upload_id(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_pipeline(make_outcome(None, "unknown vendor"), monkeypatch)
    main([*UPLOAD, "--wait", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (result["upload_id"], result["status"], result["total_records"]) == (None, "quarantined", None)


def test_upload_json_without_wait_has_the_same_keys(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_pipeline(make_outcome(SOME_FAILED), monkeypatch)
    assert main([*UPLOAD, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result) == KEYS
    assert (result["upload_id"], result["status"]) == (SUBMISSION.upload_id, "processing")


class Pipeline:
    """Fake pipeline that returns one state of an upload after another, then the last one."""

    def __init__(self, *states: ObjectStatus) -> None:
        self.states = list(states)

    def run_action(self, action: str, *, objects: Sequence[Mapping[str, object]]) -> dict[str, object]:
        assert action == "get_object_states"
        assert [item["s3_key"] for item in objects] == [SOURCE.key]
        upload, quarantined, unprocessed, correction = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        status = {
            "upload": upload and upload_as_json(upload),
            "quarantined": quarantined,
            "unprocessed": unprocessed,
            **({"correction": correction} if correction else {}),
        }
        # As from a function on AWS.
        return dict(json.loads(json.dumps({"objects": [status]})))

    def wait(self, timeout: float) -> tuple[UploadOutcome, list[Upload | None]]:
        """Return the outcome, and the upload of each poll."""
        polled: list[Upload | None] = []
        [outcome] = wait_for_outcomes(
            self.run_action, [SUBMISSION], timeout, lambda _, upload: polled.append(upload), pause=0
        )
        return outcome, polled


def test_wait_for_outcomes_finished_upload_waits_for_notification() -> None:
    finished = make_upload()
    notified = make_upload(notified_at=datetime.now(UTC))
    outcome, polled = Pipeline((None, None, 0, ()), (finished, None, 0, ()), (notified, None, 0, ["It fixed"])).wait(5)
    assert (outcome.upload, outcome.correction, polled) == (notified, ["It fixed"], [None, finished, notified])


def test_wait_for_outcomes_quarantined_file_returns_at_once() -> None:
    outcome, _ = Pipeline((None, "The vendor is not known", 0, ())).wait(0)
    assert (outcome.upload, outcome.quarantined, outcome.exit_code) == (None, "The vendor is not known", 3)


@pytest.mark.parametrize(
    ("upload", "state"),
    [
        (None, "is not ingested yet"),
        (make_upload(status=UploadStatus.PROCESSING), "has 100 of 100 rows done"),
        (make_upload(), "is partial, but its notification has not been sent"),
    ],
)
def test_wait_for_outcomes_timeout_names_the_upload(upload: Upload | None, state: str) -> None:
    with pytest.raises(CommandError) as caught:
        Pipeline((upload, None, 0, ())).wait(0)
    assert state in str(caught.value)
    assert (upload.upload_id if upload else SUBMISSION.upload_id) in str(caught.value)


def test_connect_local_stack_replaces_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_fake_stack: Callable[[Path], Endpoints]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-a-user")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere.example")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    before = dict(os.environ)
    endpoints = start_fake_stack(tmp_path)
    with connect(tmp_path) as ctx:
        assert ctx.s3.meta.endpoint_url == endpoints.aws_endpoint_url
        assert ctx.settings.bucket == "the-bucket"
        assert {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "https_proxy", "PGHOSTADDR"}.isdisjoint(os.environ)
    assert dict(os.environ) == before


BUCKET_ON_AWS = f"staging-{UPLOAD_BUCKET}-123456789012"


def test_connect_aws_uses_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", BUCKET_ON_AWS)
    monkeypatch.setenv("RDS_SECRET_NAME", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with connect(None) as ctx:
        assert (ctx.settings.bucket, ctx.s3.meta.region_name) == (BUCKET_ON_AWS, "eu-central-1")
        assert ctx.settings.resource_name("admin") == "staging-product-onboarding-admin"


@pytest.mark.parametrize("command", [UPLOAD, ("uploads", "list"), ("failures", "list")], ids=" ".join)
def test_connect_aws_other_bucket_is_rejected(
    command: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", "product-uploads")
    assert "S3_BUCKET_NAME: product-uploads is not the bucket of a deployment" in read_error(main(command), capsys)


def test_connect_local_stack_takes_precedence_over_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_fake_stack: Callable[[Path], Endpoints]
) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", BUCKET_ON_AWS)
    (tmp_path / ".onboarding").mkdir()
    start_fake_stack(tmp_path / ".onboarding")
    with connect(None) as ctx:
        assert ctx.settings.bucket == "the-bucket"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NoCredentialsError(), "No AWS credentials were found"),
        (NoRegionError(), "No AWS region is set"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), "http://127.0.0.1:9"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"),
            "AWS rejected PutObject: AccessDenied: no",
        ),
        (
            psycopg.OperationalError("connection refused\nsecond line"),
            "The database cannot be reached: connection refused",
        ),
        (psycopg.errors.UndefinedTable("no such table"), "The database rejected the command: no such table"),
        (PermissionError(13, "Permission denied", "file.csv"), "file.csv: Permission denied"),
        (NotSet("the environment variable X is not set"), "the environment variable X is not set"),
    ],
)
def test_explain_foreseeable_error_returns_sentence(error: Exception, message: str) -> None:
    sentence = explain(error)
    assert sentence is not None
    assert message in sentence
    assert "second line" not in sentence


def test_explain_other_error_returns_none() -> None:
    assert explain(KeyError("x")) is None
    assert explain(RuntimeError("x")) is None


def test_command_unreachable_stack_prints_sentence(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, start_fake_stack: Callable[[Path], Endpoints]
) -> None:
    start_fake_stack(tmp_path)
    # No waits between attempts.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    message = read_error(main([*UPLOAD, "--state", str(tmp_path)]), capsys)
    assert "AWS cannot be reached: Could not connect to the endpoint URL" in message
    message = read_error(main(["uploads", "list", "--state", str(tmp_path)]), capsys)
    assert "The secret with the database's credentials cannot be read" in message


def test_local_up_without_extra_prints_what_to_install(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onboarding.local.stack", None)
    assert main(["local", "up"]) == 1
    assert "pip install 'product-onboarding[local]'" in capsys.readouterr().err


def test_replace_control_characters_control_characters_are_replaced() -> None:
    assert replace_control_characters("\x1b[31mred\x07\r\x9b") == "\ufffd[31mred\ufffd\ufffd\ufffd"
    assert replace_control_characters("Løv\tline\n") == "Løv\tline\n"


def test_endpoints_file_has_all_fields() -> None:
    names = "aws_endpoint_url aws_region aws_access_key_id aws_secret_access_key bucket table error_queue_url topic_arn"
    assert asdict(fake_endpoints(Path())).keys() >= {*names.split(), "secret_name", "database_url", "inbox_dir"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["cost", "--uploads", "3"], ["sample", "--help"]])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "| true", "2>&1 | true"])
def test_main_closed_stream_gives_no_traceback(arguments: Sequence[str], closed: str, tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    program = "import sys; from onboarding.cli.main import main; sys.exit(main())"
    command = f"'{sys.executable}' -c '{program}' {' '.join(arguments)} 2>'{log}' {closed}"
    subprocess.run(["bash", "-c", command], check=False, stdout=subprocess.DEVNULL)
    assert "Traceback" not in log.read_text()
    assert "Exception ignored" not in log.read_text()


def test_inbox_show_accepts_json_before_and_after(
    tmp_path: Path, capsys: Captured, start_fake_stack: Callable[[Path], Endpoints]
) -> None:
    start_fake_stack(tmp_path)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "1.eml").write_bytes(b"Subject: Hello\r\nDate: Sat, 21 Dec 2024 10:30:45 +0000\r\n\r\ntext")
    (tmp_path / "inbox" / "2.eml").touch()
    emails = []
    for arguments in (["--json", "show", "1"], ["show", "1", "--json"], ["--json", "show", "--json", "1"]):
        assert main(["inbox", "--state", str(tmp_path), *arguments]) == 0
        emails.append(json.loads(capsys.readouterr().out))
    assert emails == [emails[0]] * 3
    assert (emails[0]["number"], emails[0]["subject"]) == (1, "Hello")
    assert main(["inbox", "--state", str(tmp_path), "show", "1"]) == 0
    assert "Subject: Hello" in capsys.readouterr().out
    assert main(["inbox", "--state", str(tmp_path), "--json"]) == 0
    assert [email["subject"] for email in json.loads(capsys.readouterr().out)["emails"]] == [
        "Hello",
        "Unreadable e-mail",
    ]
    assert main(["inbox", "--state", str(tmp_path), "show", "2"]) == 0
    assert "cannot be read as an e-mail" in capsys.readouterr().out


def test_watchdog_run_errors_are_printed_and_exit_with_1(
    tmp_path: Path, capsys: Captured, start_fake_stack: Callable[[Path], Endpoints], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_fake_stack(tmp_path)

    def resume(*_: object, **__: object) -> Iterator[RecoveryAction]:
        yield RecoveryAction("UPLOAD_1", "VEND001", "key", "resumed")
        error = ClientError({"Error": {"Code": "SlowDown", "Message": "later"}}, "GetObject")
        error.add_note("upload UPLOAD_2")
        raise ExceptionGroup("1 of 2 could not be resumed", [error])

    monkeypatch.setattr(watchdog, "resume_stalled_uploads", resume)
    monkeypatch.setattr(
        watchdog,
        "ingest_missed_objects",
        lambda *_, **__: iter([RecoveryAction("UPLOAD_3", "VEND001", "key", "ingested")]),
    )
    assert main(["watchdog", "run", "--sweep", "--state", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["resumed: UPLOAD_1", "ingested: UPLOAD_3", "2 resumed, 1 failed."]
    assert (
        captured.err == "failed: upload UPLOAD_2 (AWS rejected GetObject: SlowDown: later); the next run tries again\n"
    )


def test_upload_table_with_fixes_has_their_numbers(capsys: Captured) -> None:
    fix = make_upload(file_name="fix.csv", parent_upload_id="UPLOAD_1", parent_file_name="spring.csv")
    uploads.print_upload_table([fix, make_upload(fixed_records=7)])
    table = capsys.readouterr().out
    assert "Fixed" in table
    assert ["8", "7"] in [line.split()[-2:] for line in table.splitlines()]
    assert "(corrects" in table


def test_upload_table_from_previous_version_has_no_column_of_fixes(capsys: Captured) -> None:
    columns = upload_as_json(make_upload())
    older = {name: columns[name] for name in columns.keys() - {"fixed_records", "parent_upload_id", "parent_file_name"}}
    uploads.print_upload_table([upload_from_json(older)])
    table = capsys.readouterr().out
    assert "92" in table
    assert "Fixed" not in table
    assert "None" not in table
