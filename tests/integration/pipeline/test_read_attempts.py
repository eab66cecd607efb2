"""Files that crash their parsers: each has an outcome, a reason and a mail, and delays no other file."""

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
from tests.faults.aws_in_memory import refused
from tests.faults.enumeration import new_simulation
from tests.faults.fault_plans import inject_fault
from tests.faults.lambda_runtime import ENVIRONMENT, Call, Crash, Failpoint, Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Control, Simulation, no_fault
from tests.faults.upload_files import file_of
from tests.support.hostile_parser_child import hostile_child

READING = "at intake.read_attempt_begun"
KEY = "uploads/VEND001/deadly.csv"


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "read_attempts") as installed:
        yield installed


@pytest.fixture
def simulation(runtime: Runtime) -> Simulation:
    return new_simulation(runtime)


class Falls:
    """A control: this fault falls each time at this failpoint, however often it is reached."""

    def __init__(self, failpoint: Failpoint, fault: str = "crash") -> None:
        self.failpoint = failpoint
        self.fault = fault

    def __call__(self, call: Call, failpoint: Failpoint) -> str | None:
        return inject_fault(call, failpoint, self.fault) if failpoint == self.failpoint else None


def put(simulation: Simulation, key: str, content: bytes) -> S3ObjectVersion:
    """An object that no event has announced."""
    return S3ObjectVersion(ENVIRONMENT["S3_BUCKET_NAME"], key, simulation.runtime.aws.put(key, content, {}))


def parse(simulation: Simulation, source: S3ObjectVersion, control: Control = no_fault) -> None:
    described = {"key": quote_plus(source.key), "versionId": source.version_id}
    event = {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": described}}]}
    simulation.runtime.run(Call("csv_parser", event, control))


def die(simulation: Simulation, source: S3ObjectVersion, times: int) -> None:
    """Reading ends the function, each time it is tried."""
    for _ in range(times):
        with pytest.raises(Crash):
            parse(simulation, source, Falls(READING))


def watch(simulation: Simulation, event: dict[str, Any] | None = None, control: Control = no_fault) -> None:
    simulation.runtime.run(Call("watchdog", event or {}, control))


def history(simulation: Simulation) -> dict[str, tuple[Any, ...]]:
    """Status, code and counts of each upload by its key; only of those whose vendor was notified."""
    query = (
        "select s3_key, status, failure_code, valid_records, error_records from upload_history "
        "where notified_at is not null"
    )
    return {key: tuple(rest) for key, *rest in simulation.runtime.ask(query)}


def attempts(simulation: Simulation) -> list[int]:
    return [count for (count,) in simulation.runtime.ask("select attempts from read_attempts")]


def age(simulation: Simulation) -> None:
    """The attempts were made longer ago than any function runs."""
    simulation.runtime.ask("update read_attempts set started_at = started_at - interval '1 hour'")


def content_of(*names: str) -> bytes:
    return file_of("VEND001", names).content


def test_file_that_ends_three_functions_is_rejected_without_another_attempt(simulation: Simulation) -> None:
    source = put(simulation, KEY, content_of("killer"))
    die(simulation, source, 3)
    assert attempts(simulation) == [3]
    age(simulation)
    watch(simulation)
    assert attempts(simulation) == [3], "it was not read again"
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("failed", "READING_FAILED", 0, 0)}
    [mail] = simulation.runtime.aws.mails
    assert "The file could not be read: 3 attempts" in mail["text"]


def test_file_that_ended_two_functions_is_read_again(simulation: Simulation) -> None:
    source = put(simulation, KEY, content_of("survivor"))
    die(simulation, source, 2)
    parse(simulation, source)
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("completed", None, 1, 0)}
    assert attempts(simulation) == []


def test_attempts_that_may_still_run_do_not_count(simulation: Simulation) -> None:
    """One event may come several times at once."""
    source = put(simulation, KEY, content_of("many-events"))
    die(simulation, source, 3)
    parse(simulation, source)
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("completed", None, 1, 0)}


@pytest.mark.parametrize(
    ("failpoint", "fault"),
    [
        ("before s3.get_object", "unreachable"),
        ("before s3.get_object", "crash"),
        ("before sql.get_vendor_status", "connection cut"),
        ("before sql.insert_upload", "exception"),
        ("before sql.insert_upload", "crash"),
        ("at intake.history_opened", "crash"),
        ("before sqs.send_message_batch", "unreachable"),
    ],
)
def test_fault_before_or_after_reading_is_not_counted(simulation: Simulation, failpoint: Failpoint, fault: str) -> None:
    source = put(simulation, KEY, content_of("no-death"))
    for _ in range(5):
        try:
            parse(simulation, source, Falls(failpoint, fault))
        except (Exception, Crash):  # noqa: BLE001 - the fault, however it shows
            age(simulation)
        assert attempts(simulation) == []
    parse(simulation, source)
    simulation.deliver_all()
    assert history(simulation)[KEY][0] == "completed"


def test_upload_that_was_opened_keeps_its_rows_when_reading_again_fails(simulation: Simulation) -> None:
    names = ("judged-1", "judged-2", "judged-3")
    source = put(simulation, KEY, content_of(*names))
    with pytest.raises(Crash):
        parse(simulation, source, Falls("at intake.history_opened"))
    upload_id = simulation.runtime.ask("select upload_id from upload_history")[0][0]
    judge_first_row(simulation, upload_id, names)
    for _ in range(3):
        with pytest.raises(Crash):
            watch(simulation, control=Falls(READING))
        again(simulation)
    watch(simulation)
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("partial", None, 1, 2)}
    errors = simulation.runtime.ask("select error_type, error_message from validation_errors")
    assert {kind for kind, _ in errors} == {"NOT_PROCESSED"}
    assert "could not be read again" in errors[0][1]


def test_upload_that_was_opened_ends_when_its_object_can_no_longer_be_read(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(simulation, KEY, content_of("locked-1", "locked-2"))
    with pytest.raises(Crash):
        parse(simulation, source, Falls("at intake.history_opened"))
    cannot_be_read(simulation, monkeypatch, "KMS.DisabledException", "the key is disabled")
    again(simulation)
    watch(simulation)
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("failed", None, 0, 2)}


def again(simulation: Simulation) -> None:
    """Time passes until the next run of the watchdog."""
    age(simulation)
    earlier = (
        "update upload_history set resume_started_at = resume_started_at - interval '1 hour', "
        "last_progress_at = last_progress_at - interval '3 hours'"
    )
    simulation.runtime.ask(earlier)


def judge_first_row(simulation: Simulation, upload_id: str, names: tuple[str, ...]) -> None:
    cells = file_of("VEND001", names).rows[0]
    item = staging_table.to_item(Row(upload_id, "VEND001", 1, {name: text for name, text in cells.items() if text}))
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": item}}
    simulation.runtime.run(Call("product_validator", {"Records": [record]}, no_fault))


def test_sweep_goes_on_behind_an_object_that_ends_it(simulation: Simulation) -> None:
    sources = [put(simulation, f"uploads/VEND00{n}/sweep.csv", content_of(f"sweep-{n}")) for n in (1, 2, 3)]
    with pytest.raises(Crash):
        watch(simulation, {"sweep": True}, Falls(READING))
    assert simulation.runtime.ask("select s3_key from sweep_cursor") == [(sources[0].key,)]
    watch(simulation, {"sweep": True})
    simulation.deliver_all()
    assert history(simulation).keys() == {sources[1].key, sources[2].key}
    # The next run has the object again, and so has the watchdog's usual one.
    watch(simulation)
    simulation.deliver_all()
    assert history(simulation)[sources[0].key] == ("completed", None, 1, 0)


def test_sweep_whose_list_fails_raises_a_group_that_says_so(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start of the local stack reports each fault of the group and goes on."""

    def list_object_versions(**_: Any) -> Any:
        raise refused("s3", "ListObjectVersions", "InternalError")

    monkeypatch.setattr(simulation.runtime.aws, "s3_list_object_versions", list_object_versions)
    with pytest.raises(ExceptionGroup) as faults:
        watch(simulation, {"sweep": True})
    [fault] = faults.value.exceptions
    assert fault.__notes__ == ["the list of objects and uploads"]


def test_sweep_ignores_folder_markers_and_answers_other_names(simulation: Simulation) -> None:
    put(simulation, "uploads/VEND001/", b"")
    put(simulation, "uploads/VEND001/spring/", b"")
    put(simulation, "uploads/VEND001/photo.JPG", b"\xff\xd8\xff")
    watch(simulation, {"sweep": True})
    simulation.deliver_all()
    assert history(simulation) == {"uploads/VEND001/photo.JPG": ("failed", "UNKNOWN_FILE_TYPE", 0, 0)}


def test_object_that_was_removed_after_an_attempt_is_forgotten(simulation: Simulation) -> None:
    die(simulation, put(simulation, KEY, content_of("removed")), 1)
    del simulation.runtime.aws.objects[KEY]
    watch(simulation)
    assert attempts(simulation) == []


@pytest.mark.parametrize("order", [b"loop", b"memory", b"killed"])
def test_file_over_a_limit_is_rejected_at_once_with_a_mail(simulation: Simulation, order: bytes) -> None:
    with hostile_child(CPU_SECONDS=1):
        parse(simulation, put(simulation, KEY, order))
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("failed", "TOO_COMPLEX", 0, 0)}
    [mail] = simulation.runtime.aws.mails
    assert "takes too much time or memory" in mail["text"]
    assert attempts(simulation) == []


def test_fault_of_the_reading_code_is_retried_and_ends_with_a_mail(simulation: Simulation) -> None:
    source = put(simulation, KEY, b"fault")
    with hostile_child():
        for _ in range(3):
            with pytest.raises(Exception, match="a bug in the parser"):
                parse(simulation, source)
        age(simulation)
        watch(simulation)
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("failed", "READING_FAILED", 0, 0)}


def test_finish_of_a_file_that_cannot_be_read_again_has_a_report_and_no_fix_file(simulation: Simulation) -> None:
    file = file_of("VEND001", ["unread-1", "unread-2"], {1: 0})
    simulation.put(KEY, file)
    simulation.handle(simulation.pending.pop(0))
    simulation.collect()
    simulation.handle(simulation.pending.pop(0))
    stored = simulation.runtime.aws.objects[KEY][-1]
    stored.content = b"memory"
    with hostile_child():
        simulation.deliver_all()
    [(report, fix_file)] = simulation.runtime.ask("select error_file_s3_key, fix_file_s3_key from upload_history")
    assert (report is not None, fix_file) == (True, None)
    assert history(simulation) == {KEY: ("partial", None, 1, 1)}


def test_no_transaction_is_open_while_a_file_is_read(simulation: Simulation, tmp_path: Path) -> None:
    """The database ends a transaction in which nothing occurs for a minute."""
    file = file_of("VEND001", ["idle-1", "idle-2"], {1: 0})
    simulation.put(KEY, file)
    simulation.handle(simulation.pending.pop(0))
    simulation.collect()
    simulation.handle(simulation.pending.pop(0))
    go = tmp_path / "go"
    simulation.runtime.aws.objects[KEY][-1].content = b"wait:%b" % os.fsencode(go)
    reading = threading.Event()

    def control(_: Call, failpoint: Failpoint) -> None:
        if failpoint == "at finish.read_attempt_begun":
            reading.set()

    with hostile_child():
        simulation.collect()
        finishing = threading.Thread(target=simulation.deliver_all, args=(control,))
        finishing.start()
        try:
            assert reading.wait(60)
            query = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
            assert simulation.runtime.ask(query) == [(0,)]
        finally:
            go.touch()
            finishing.join()
    assert history(simulation) == {KEY: ("partial", None, 1, 1)}


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
def test_object_that_can_never_be_read_is_answered(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, code: str, message: str, reason: str, *, described: bool
) -> None:
    source = put(simulation, KEY, b"content")
    cannot_be_read(simulation, monkeypatch, code, message, described=described)
    parse(simulation, source)
    simulation.deliver_all()
    if described:
        assert history(simulation) == {KEY: ("failed", "UNREADABLE_OBJECT", 0, 0)}
        assert reason in simulation.runtime.aws.mails[0]["text"]
    else:
        [(noted,)] = simulation.runtime.ask("select reason from quarantined_objects")
        assert reason in noted


@pytest.mark.parametrize("encryption", ["aws:kms", "aws:kms:dsse"])
def test_object_denied_without_a_reason_is_answered_if_its_key_is_the_cause(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, encryption: str
) -> None:
    source = put(simulation, KEY, b"content")
    cannot_be_read(simulation, monkeypatch, "AccessDenied", "Access Denied", ServerSideEncryption=encryption)
    parse(simulation, source)
    simulation.deliver_all()
    assert history(simulation) == {KEY: ("failed", "UNREADABLE_OBJECT", 0, 0)}
    assert "encrypted with a key" in simulation.runtime.aws.mails[0]["text"]


@pytest.mark.parametrize("described", [True, False])
def test_object_that_a_missing_permission_hides_is_not_answered(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, *, described: bool
) -> None:
    source = put(simulation, KEY, b"content")
    cannot_be_read(
        simulation, monkeypatch, "AccessDenied", "Access Denied", described=described, ServerSideEncryption="AES256"
    )
    with pytest.raises(ClientError, match="GetObject"):
        parse(simulation, source)


def cannot_be_read(
    simulation: Simulation,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    message: str,
    *,
    described: bool = True,
    **header: str,
) -> None:
    """Have S3 answer with this error for the object, and describe it, with a further header, or not."""
    aws = simulation.runtime.aws
    stored = aws.objects[KEY][-1]

    def get_object(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")

    def head_object(**_: Any) -> Any:
        if not described:
            raise refused("s3", "HeadObject", "403")
        return {"ContentLength": 7, "LastModified": stored.last_modified, "Metadata": {}, **header}

    monkeypatch.setattr(aws, "s3_get_object", get_object)
    monkeypatch.setattr(aws, "s3_head_object", head_object, raising=False)
