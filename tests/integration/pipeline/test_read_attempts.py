"""Read attempts: a file that crashes its parsers is rejected with an e-mail, and delays no other file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError

from onboarding.aws import staging_table
from onboarding.domain.models import Row
from onboarding.pipeline.ingest import S3ObjectVersion
from tests.faults.aws_in_memory import make_client_error
from tests.faults.enumeration import new_simulation
from tests.faults.fault_plans import inject_fault
from tests.faults.lambda_runtime import ENVIRONMENT, Call, Crash, InjectionPoint, Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Control, Simulation, no_fault
from tests.faults.upload_files import file_of
from tests.support.hostile_parser_child import hostile_child

PARSING = "at ingest.read_attempt_started"
KEY = "uploads/VEND001/crashing.csv"


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "read_attempts") as installed:
        yield installed


@pytest.fixture
def simulation(runtime: Runtime) -> Simulation:
    return new_simulation(runtime)


class RepeatedFault:
    """Control that injects a fault each time an injection point is reached."""

    def __init__(self, point: InjectionPoint, fault: str = "crash") -> None:
        self.point = point
        self.fault = fault

    def __call__(self, call: Call, point: InjectionPoint) -> str | None:
        return inject_fault(call, point, self.fault) if point == self.point else None


def put(simulation: Simulation, key: str, content: bytes) -> S3ObjectVersion:
    """Put an object without an event."""
    return S3ObjectVersion(ENVIRONMENT["S3_BUCKET_NAME"], key, simulation.runtime.aws.put(key, content, {}))


def call_parser(simulation: Simulation, source: S3ObjectVersion, control: Control = no_fault) -> None:
    s3_object = {"key": quote_plus(source.key), "versionId": source.version_id}
    event = {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": s3_object}}]}
    simulation.runtime.run(Call("csv_parser", event, control))


def crash_parser(simulation: Simulation, source: S3ObjectVersion, times: int) -> None:
    """Call csv-parser with a crash during parsing."""
    for _ in range(times):
        with pytest.raises(Crash):
            call_parser(simulation, source, RepeatedFault(PARSING))


def call_watchdog(simulation: Simulation, event: dict[str, Any] | None = None, control: Control = no_fault) -> None:
    simulation.runtime.run(Call("watchdog", event or {}, control))


def read_history(simulation: Simulation) -> dict[str, tuple[Any, ...]]:
    """Return the status, failure code and counts of each notified upload, by object key."""
    query = (
        "select s3_key, status, failure_code, valid_records, error_records from upload_history "
        "where notified_at is not null"
    )
    return {key: tuple(values) for key, *values in simulation.runtime.fetch(query)}


def list_attempts(simulation: Simulation) -> list[int]:
    return [count for (count,) in simulation.runtime.fetch("select attempts from read_attempts")]


def age_attempts(simulation: Simulation) -> None:
    """Make the attempts older than the time limit of any function."""
    simulation.runtime.fetch("update read_attempts set started_at = started_at - interval '1 hour'")


def content_of(*names: str) -> bytes:
    return file_of("VEND001", names).content


def test_ingest_file_that_crashed_three_times_is_rejected_without_parsing(simulation: Simulation) -> None:
    source = put(simulation, KEY, content_of("killer"))
    crash_parser(simulation, source, 3)
    assert list_attempts(simulation) == [3]
    age_attempts(simulation)
    call_watchdog(simulation)
    assert list_attempts(simulation) == [3], "it was not read again"
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("failed", "READING_FAILED", 0, 0)}
    [email] = simulation.runtime.aws.emails
    assert "The file could not be read: 3 attempts" in email["text"]


def test_ingest_file_that_crashed_twice_is_parsed_again(simulation: Simulation) -> None:
    source = put(simulation, KEY, content_of("survivor"))
    crash_parser(simulation, source, 2)
    call_parser(simulation, source)
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("completed", None, 1, 0)}
    assert list_attempts(simulation) == []


def test_ingest_attempts_that_may_still_run_are_not_counted(simulation: Simulation) -> None:
    """One event may be delivered several times at once."""
    source = put(simulation, KEY, content_of("many-events"))
    crash_parser(simulation, source, 3)
    call_parser(simulation, source)
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("completed", None, 1, 0)}


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ("before s3.get_object", "unreachable"),
        ("before s3.get_object", "crash"),
        ("before sql.get_vendor_status", "connection cut"),
        ("before sql.insert_upload", "exception"),
        ("before sql.insert_upload", "crash"),
        ("at ingest.history_opened", "crash"),
        ("before sqs.send_message_batch", "unreachable"),
    ],
)
def test_ingest_fault_before_or_after_parsing_is_not_counted(
    simulation: Simulation, point: InjectionPoint, fault: str
) -> None:
    source = put(simulation, KEY, content_of("no-crash"))
    for _ in range(5):
        try:
            call_parser(simulation, source, RepeatedFault(point, fault))
        except (Exception, Crash):  # noqa: BLE001 - any exception of the fault
            age_attempts(simulation)
        assert list_attempts(simulation) == []
    call_parser(simulation, source)
    simulation.deliver_all()
    assert read_history(simulation)[KEY][0] == "completed"


def test_watchdog_opened_upload_that_cannot_be_parsed_again_keeps_its_outcomes(simulation: Simulation) -> None:
    names = ("row-1", "row-2", "row-3")
    source = put(simulation, KEY, content_of(*names))
    with pytest.raises(Crash):
        call_parser(simulation, source, RepeatedFault("at ingest.history_opened"))
    upload_id = simulation.runtime.fetch("select upload_id from upload_history")[0][0]
    validate_first_row(simulation, upload_id, names)
    for _ in range(3):
        with pytest.raises(Crash):
            call_watchdog(simulation, control=RepeatedFault(PARSING))
        pass_time(simulation)
    call_watchdog(simulation)
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("partial", None, 1, 2)}
    errors = simulation.runtime.fetch("select error_type, error_message from validation_errors")
    assert {kind for kind, _ in errors} == {"NOT_PROCESSED"}
    assert "could not be read again" in errors[0][1]


def test_watchdog_opened_upload_with_unreadable_object_is_ended(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(simulation, KEY, content_of("locked-1", "locked-2"))
    with pytest.raises(Crash):
        call_parser(simulation, source, RepeatedFault("at ingest.history_opened"))
    make_unreadable(simulation, monkeypatch, "KMS.DisabledException", "the key is disabled")
    pass_time(simulation)
    call_watchdog(simulation)
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("failed", None, 0, 2)}


def pass_time(simulation: Simulation) -> None:
    """Make attempts and uploads so old that the next run of the watchdog resumes them."""
    age_attempts(simulation)
    earlier = (
        "update upload_history set resume_started_at = resume_started_at - interval '1 hour', "
        "last_progress_at = last_progress_at - interval '3 hours'"
    )
    simulation.runtime.fetch(earlier)


def validate_first_row(simulation: Simulation, upload_id: str, names: tuple[str, ...]) -> None:
    cells = file_of("VEND001", names).rows[0]
    item = staging_table.to_item(Row(upload_id, "VEND001", 1, {name: text for name, text in cells.items() if text}))
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": item}}
    simulation.runtime.run(Call("product_validator", {"Records": [record]}, no_fault))


def test_sweep_after_a_crash_continues_after_the_object(simulation: Simulation) -> None:
    sources = [put(simulation, f"uploads/VEND00{n}/sweep.csv", content_of(f"sweep-{n}")) for n in (1, 2, 3)]
    with pytest.raises(Crash):
        call_watchdog(simulation, {"sweep": True}, RepeatedFault(PARSING))
    assert simulation.runtime.fetch("select s3_key from sweep_cursor") == [(sources[0].key,)]
    call_watchdog(simulation, {"sweep": True})
    simulation.deliver_all()
    assert read_history(simulation).keys() == {sources[1].key, sources[2].key}
    # The usual run of the watchdog ingests the object.
    call_watchdog(simulation)
    simulation.deliver_all()
    assert read_history(simulation)[sources[0].key] == ("completed", None, 1, 0)


def test_sweep_with_failing_list_raises_a_group_with_a_note(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start of the local stack reports each exception of the group and continues."""

    def list_object_versions(**_: Any) -> Any:
        raise make_client_error("s3", "ListObjectVersions", "InternalError")

    monkeypatch.setattr(simulation.runtime.aws, "s3_list_object_versions", list_object_versions)
    with pytest.raises(ExceptionGroup) as faults:
        call_watchdog(simulation, {"sweep": True})
    [fault] = faults.value.exceptions
    assert fault.__notes__ == ["the list of objects and uploads"]


def test_sweep_ignores_folder_markers_and_rejects_other_file_types(simulation: Simulation) -> None:
    put(simulation, "uploads/VEND001/", b"")
    put(simulation, "uploads/VEND001/spring/", b"")
    put(simulation, "uploads/VEND001/photo.JPG", b"\xff\xd8\xff")
    call_watchdog(simulation, {"sweep": True})
    simulation.deliver_all()
    assert read_history(simulation) == {"uploads/VEND001/photo.JPG": ("failed", "UNKNOWN_FILE_TYPE", 0, 0)}


def test_watchdog_object_deleted_after_an_attempt_deletes_its_attempts(simulation: Simulation) -> None:
    crash_parser(simulation, put(simulation, KEY, content_of("removed")), 1)
    del simulation.runtime.aws.objects[KEY]
    call_watchdog(simulation)
    assert list_attempts(simulation) == []


@pytest.mark.parametrize("order", [b"loop", b"memory", b"killed"])
def test_ingest_file_over_a_limit_is_rejected_at_the_first_attempt(simulation: Simulation, order: bytes) -> None:
    with hostile_child(CPU_SECONDS=1):
        call_parser(simulation, put(simulation, KEY, order))
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("failed", "TOO_COMPLEX", 0, 0)}
    [email] = simulation.runtime.aws.emails
    assert "takes too much time or memory" in email["text"]
    assert list_attempts(simulation) == []


def test_ingest_exception_in_the_parser_is_retried_and_rejects_the_file(simulation: Simulation) -> None:
    source = put(simulation, KEY, b"fault")
    with hostile_child():
        for _ in range(3):
            with pytest.raises(Exception, match="a bug in the parser"):
                call_parser(simulation, source)
        age_attempts(simulation)
        call_watchdog(simulation)
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("failed", "READING_FAILED", 0, 0)}


def test_finalize_file_that_cannot_be_parsed_again_has_report_without_fix_file(simulation: Simulation) -> None:
    file = file_of("VEND001", ["unread-1", "unread-2"], {1: 0})
    simulation.put(KEY, file)
    simulation.handle(simulation.pending.pop(0))
    simulation.collect()
    simulation.handle(simulation.pending.pop(0))
    stored_object = simulation.runtime.aws.objects[KEY][-1]
    stored_object.content = b"memory"
    with hostile_child():
        simulation.deliver_all()
    [(report, fix_file)] = simulation.runtime.fetch("select error_file_s3_key, fix_file_s3_key from upload_history")
    assert (report is not None, fix_file) == (True, None)
    assert read_history(simulation) == {KEY: ("partial", None, 1, 1)}


def test_finalize_during_parsing_has_no_open_transaction(simulation: Simulation, tmp_path: Path) -> None:
    """The database ends a transaction that is idle for a minute."""
    file = file_of("VEND001", ["idle-1", "idle-2"], {1: 0})
    simulation.put(KEY, file)
    simulation.handle(simulation.pending.pop(0))
    simulation.collect()
    simulation.handle(simulation.pending.pop(0))
    go = tmp_path / "go"
    simulation.runtime.aws.objects[KEY][-1].content = b"wait:%b" % os.fsencode(go)
    reading = threading.Event()

    def control(_: Call, point: InjectionPoint) -> None:
        if point == "at finalize.read_attempt_started":
            reading.set()

    with hostile_child():
        simulation.collect()
        finishing = threading.Thread(target=simulation.deliver_all, args=(control,))
        finishing.start()
        try:
            assert reading.wait(60)
            query = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
            assert simulation.runtime.fetch(query) == [(0,)]
        finally:
            go.touch()
            finishing.join()
    assert read_history(simulation) == {KEY: ("partial", None, 1, 1)}


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("InvalidObjectState", "The operation is not valid for the object's storage class", "archive storage class"),
        ("AccessDenied", "User: x is not authorized to perform: kms:Decrypt on this resource", "encrypted with a key"),
        ("KMS.DisabledException", "the key is disabled", "encrypted with a key"),
        ("InvalidRequest", "The object was stored using a form of Server Side Encryption.", "SSE-C"),
    ],
)
@pytest.mark.parametrize("described", [True, False])
def test_ingest_permanently_unreadable_object_is_rejected_or_quarantined(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, code: str, message: str, reason: str, *, described: bool
) -> None:
    source = put(simulation, KEY, b"content")
    make_unreadable(simulation, monkeypatch, code, message, described=described)
    call_parser(simulation, source)
    simulation.deliver_all()
    if described:
        assert read_history(simulation) == {KEY: ("failed", "UNREADABLE_OBJECT", 0, 0)}
        assert reason in simulation.runtime.aws.emails[0]["text"]
    else:
        [(quarantine_reason,)] = simulation.runtime.fetch("select reason from quarantined_objects")
        assert reason in quarantine_reason


@pytest.mark.parametrize("encryption", ["aws:kms", "aws:kms:dsse"])
def test_ingest_access_denied_for_foreign_key_is_rejected(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, encryption: str
) -> None:
    source = put(simulation, KEY, b"content")
    make_unreadable(simulation, monkeypatch, "AccessDenied", "Access Denied", ServerSideEncryption=encryption)
    call_parser(simulation, source)
    simulation.deliver_all()
    assert read_history(simulation) == {KEY: ("failed", "UNREADABLE_OBJECT", 0, 0)}
    assert "encrypted with a key" in simulation.runtime.aws.emails[0]["text"]


@pytest.mark.parametrize("described", [True, False])
def test_ingest_access_denied_without_permission_raises(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, *, described: bool
) -> None:
    source = put(simulation, KEY, b"content")
    make_unreadable(
        simulation, monkeypatch, "AccessDenied", "Access Denied", described=described, ServerSideEncryption="AES256"
    )
    with pytest.raises(ClientError, match="GetObject"):
        call_parser(simulation, source)


def make_unreadable(
    simulation: Simulation,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    message: str,
    *,
    described: bool = True,
    **header: str,
) -> None:
    """Let GetObject fail with this error. HeadObject succeeds, with further headers, if `described`."""
    aws = simulation.runtime.aws
    stored_object = aws.objects[KEY][-1]

    def get_object(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")

    def head_object(**_: Any) -> Any:
        if not described:
            raise make_client_error("s3", "HeadObject", "403")
        return {"ContentLength": 7, "LastModified": stored_object.last_modified, "Metadata": {}, **header}

    monkeypatch.setattr(aws, "s3_get_object", get_object)
    monkeypatch.setattr(aws, "s3_head_object", head_object, raising=False)
