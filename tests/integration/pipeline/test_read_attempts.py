"""A file that ends its readers has an outcome, a reason and a mail; it stops neither the watchdog nor other files."""

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
from tests.faults.enumeration import fresh
from tests.faults.fault_plans import befall
from tests.faults.lambda_runtime import ENVIRONMENT, Call, Crash, Place, Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Control, World, undisturbed
from tests.faults.upload_files import file_of
from tests.support.hostile_parser_child import hostile_child

READING = "at intake.read_attempt_begun"
KEY = "uploads/VEND001/deadly.csv"


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "read_attempts") as installed:
        yield installed


@pytest.fixture
def world(runtime: Runtime) -> World:
    return fresh(runtime)


class Falls:
    """A control: this fault falls each time at this place, however often it is reached."""

    def __init__(self, place: Place, fault: str = "crash") -> None:
        self.place = place
        self.fault = fault

    def __call__(self, call: Call, place: Place) -> str | None:
        return befall(call, place, self.fault) if place == self.place else None


def put(world: World, key: str, content: bytes) -> S3ObjectVersion:
    """An object that no event has announced."""
    return S3ObjectVersion(ENVIRONMENT["S3_BUCKET_NAME"], key, world.runtime.aws.put(key, content, {}))


def parse(world: World, source: S3ObjectVersion, control: Control = undisturbed) -> None:
    described = {"key": quote_plus(source.key), "versionId": source.version_id}
    event = {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": described}}]}
    world.runtime.run(Call("csv_parser", event, control))


def die(world: World, source: S3ObjectVersion, times: int) -> None:
    """Reading ends the function, each time it is tried."""
    for _ in range(times):
        with pytest.raises(Crash):
            parse(world, source, Falls(READING))


def watch(world: World, event: dict[str, Any] | None = None, control: Control = undisturbed) -> None:
    world.runtime.run(Call("watchdog", event or {}, control))


def history(world: World) -> dict[str, tuple[Any, ...]]:
    """Status, code and counts of each upload by its key; only of those whose vendor was notified."""
    query = (
        "select s3_key, status, failure_code, valid_records, error_records from upload_history "
        "where notified_at is not null"
    )
    return {key: tuple(rest) for key, *rest in world.runtime.ask(query)}


def attempts(world: World) -> list[int]:
    return [count for (count,) in world.runtime.ask("select attempts from read_attempts")]


def age(world: World) -> None:
    """The attempts were made longer ago than any function runs."""
    world.runtime.ask("update read_attempts set started_at = started_at - interval '1 hour'")


def content_of(*names: str) -> bytes:
    return file_of("VEND001", names).content


def test_file_that_ends_three_functions_is_rejected_without_another_attempt(world: World) -> None:
    source = put(world, KEY, content_of("killer"))
    die(world, source, 3)
    assert attempts(world) == [3]
    age(world)
    watch(world)
    assert attempts(world) == [3], "it was not read again"
    world.quiet()
    assert history(world) == {KEY: ("failed", "READING_FAILED", 0, 0)}
    [mail] = world.runtime.aws.mails
    assert "The file could not be read: 3 attempts" in mail["text"]


def test_file_that_ended_two_functions_is_read_again(world: World) -> None:
    source = put(world, KEY, content_of("survivor"))
    die(world, source, 2)
    parse(world, source)
    world.quiet()
    assert history(world) == {KEY: ("completed", None, 1, 0)}
    assert attempts(world) == []


def test_attempts_that_may_still_run_do_not_count(world: World) -> None:
    """One event may come several times at once."""
    source = put(world, KEY, content_of("many-events"))
    die(world, source, 3)
    parse(world, source)
    world.quiet()
    assert history(world) == {KEY: ("completed", None, 1, 0)}


@pytest.mark.parametrize(
    ("place", "fault"),
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
def test_fault_before_or_after_reading_is_not_counted(world: World, place: Place, fault: str) -> None:
    source = put(world, KEY, content_of("no-death"))
    for _ in range(5):
        try:
            parse(world, source, Falls(place, fault))
        except (Exception, Crash):  # noqa: BLE001 - the fault, however it shows
            age(world)
        assert attempts(world) == []
    parse(world, source)
    world.quiet()
    assert history(world)[KEY][0] == "completed"


def test_upload_that_was_opened_keeps_its_rows_when_reading_again_fails(world: World) -> None:
    names = ("judged-1", "judged-2", "judged-3")
    source = put(world, KEY, content_of(*names))
    with pytest.raises(Crash):
        parse(world, source, Falls("at intake.history_opened"))
    upload_id = world.runtime.ask("select upload_id from upload_history")[0][0]
    judge_first_row(world, upload_id, names)
    for _ in range(3):
        with pytest.raises(Crash):
            watch(world, control=Falls(READING))
        again(world)
    watch(world)
    world.quiet()
    assert history(world) == {KEY: ("partial", None, 1, 2)}
    errors = world.runtime.ask("select error_type, error_message from validation_errors")
    assert {kind for kind, _ in errors} == {"NOT_PROCESSED"}
    assert "could not be read again" in errors[0][1]


def test_upload_that_was_opened_ends_when_its_object_can_no_longer_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(world, KEY, content_of("locked-1", "locked-2"))
    with pytest.raises(Crash):
        parse(world, source, Falls("at intake.history_opened"))
    cannot_be_read(world, monkeypatch, "KMS.DisabledException", "the key is disabled")
    again(world)
    watch(world)
    world.quiet()
    assert history(world) == {KEY: ("failed", None, 0, 2)}


def again(world: World) -> None:
    """Time passes until the next run of the watchdog."""
    age(world)
    earlier = (
        "update upload_history set resume_started_at = resume_started_at - interval '1 hour', "
        "last_progress_at = last_progress_at - interval '3 hours'"
    )
    world.runtime.ask(earlier)


def judge_first_row(world: World, upload_id: str, names: tuple[str, ...]) -> None:
    cells = file_of("VEND001", names).rows[0]
    item = staging_table.to_item(Row(upload_id, "VEND001", 1, {name: text for name, text in cells.items() if text}))
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": item}}
    world.runtime.run(Call("product_validator", {"Records": [record]}, undisturbed))


def test_sweep_goes_on_behind_an_object_that_ends_it(world: World) -> None:
    sources = [put(world, f"uploads/VEND00{n}/sweep.csv", content_of(f"sweep-{n}")) for n in (1, 2, 3)]
    with pytest.raises(Crash):
        watch(world, {"sweep": True}, Falls(READING))
    assert world.runtime.ask("select s3_key from sweep_cursor") == [(sources[0].key,)]
    watch(world, {"sweep": True})
    world.quiet()
    assert history(world).keys() == {sources[1].key, sources[2].key}
    # The next run has the object again, and so has the watchdog's usual one.
    watch(world)
    world.quiet()
    assert history(world)[sources[0].key] == ("completed", None, 1, 0)


def test_sweep_whose_list_fails_raises_a_group_that_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start of the local stack reports each fault of the group and goes on."""

    def list_object_versions(**_: Any) -> Any:
        raise refused("s3", "ListObjectVersions", "InternalError")

    monkeypatch.setattr(world.runtime.aws, "s3_list_object_versions", list_object_versions)
    with pytest.raises(ExceptionGroup) as faults:
        watch(world, {"sweep": True})
    [fault] = faults.value.exceptions
    assert fault.__notes__ == ["the list of objects and uploads"]


def test_sweep_ignores_folder_markers_and_answers_other_names(world: World) -> None:
    put(world, "uploads/VEND001/", b"")
    put(world, "uploads/VEND001/spring/", b"")
    put(world, "uploads/VEND001/photo.JPG", b"\xff\xd8\xff")
    watch(world, {"sweep": True})
    world.quiet()
    assert history(world) == {"uploads/VEND001/photo.JPG": ("failed", "UNKNOWN_FILE_TYPE", 0, 0)}


def test_object_that_was_removed_after_an_attempt_is_forgotten(world: World) -> None:
    die(world, put(world, KEY, content_of("removed")), 1)
    del world.runtime.aws.objects[KEY]
    watch(world)
    assert attempts(world) == []


@pytest.mark.parametrize("order", [b"loop", b"memory", b"killed"])
def test_file_over_a_limit_is_rejected_at_once_with_a_mail(world: World, order: bytes) -> None:
    with hostile_child(CPU_SECONDS=1):
        parse(world, put(world, KEY, order))
    world.quiet()
    assert history(world) == {KEY: ("failed", "TOO_COMPLEX", 0, 0)}
    [mail] = world.runtime.aws.mails
    assert "takes too much time or memory" in mail["text"]
    assert attempts(world) == []


def test_fault_of_the_reading_code_is_retried_and_ends_with_a_mail(world: World) -> None:
    source = put(world, KEY, b"fault")
    with hostile_child():
        for _ in range(3):
            with pytest.raises(Exception, match="a bug of ours"):
                parse(world, source)
        age(world)
        watch(world)
    world.quiet()
    assert history(world) == {KEY: ("failed", "READING_FAILED", 0, 0)}


def test_finish_of_a_file_that_cannot_be_read_again_has_a_report_and_no_fix_file(world: World) -> None:
    file = file_of("VEND001", ["unread-1", "unread-2"], {1: 0})
    world.put(KEY, file)
    world.handle(world.waiting.pop(0))
    world.collect()
    world.handle(world.waiting.pop(0))
    stored = world.runtime.aws.objects[KEY][-1]
    stored.content = b"memory"
    with hostile_child():
        world.quiet()
    [(report, fix_file)] = world.runtime.ask("select error_file_s3_key, fix_file_s3_key from upload_history")
    assert (report is not None, fix_file) == (True, None)
    assert history(world) == {KEY: ("partial", None, 1, 1)}


def test_no_transaction_is_open_while_a_file_is_read(world: World, tmp_path: Path) -> None:
    """The database ends a transaction in which nothing happens for a minute."""
    file = file_of("VEND001", ["idle-1", "idle-2"], {1: 0})
    world.put(KEY, file)
    world.handle(world.waiting.pop(0))
    world.collect()
    world.handle(world.waiting.pop(0))
    go = tmp_path / "go"
    world.runtime.aws.objects[KEY][-1].content = b"wait:%b" % os.fsencode(go)
    reading = threading.Event()

    def control(_: Call, place: Place) -> None:
        if place == "at finish.read_attempt_begun":
            reading.set()

    with hostile_child():
        world.collect()
        finishing = threading.Thread(target=world.quiet, args=(control,))
        finishing.start()
        try:
            assert reading.wait(60)
            query = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
            assert world.runtime.ask(query) == [(0,)]
        finally:
            go.touch()
            finishing.join()
    assert history(world) == {KEY: ("partial", None, 1, 1)}


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
    world: World, monkeypatch: pytest.MonkeyPatch, code: str, message: str, reason: str, *, described: bool
) -> None:
    source = put(world, KEY, b"content")
    cannot_be_read(world, monkeypatch, code, message, described=described)
    parse(world, source)
    world.quiet()
    if described:
        assert history(world) == {KEY: ("failed", "UNREADABLE_OBJECT", 0, 0)}
        assert reason in world.runtime.aws.mails[0]["text"]
    else:
        [(noted,)] = world.runtime.ask("select reason from quarantined_objects")
        assert reason in noted


@pytest.mark.parametrize("encryption", ["aws:kms", "aws:kms:dsse"])
def test_object_denied_without_a_reason_is_answered_if_its_key_is_the_cause(
    world: World, monkeypatch: pytest.MonkeyPatch, encryption: str
) -> None:
    source = put(world, KEY, b"content")
    cannot_be_read(world, monkeypatch, "AccessDenied", "Access Denied", ServerSideEncryption=encryption)
    parse(world, source)
    world.quiet()
    assert history(world) == {KEY: ("failed", "UNREADABLE_OBJECT", 0, 0)}
    assert "encrypted with a key" in world.runtime.aws.mails[0]["text"]


@pytest.mark.parametrize("described", [True, False])
def test_object_that_a_missing_permission_hides_is_not_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, *, described: bool
) -> None:
    source = put(world, KEY, b"content")
    cannot_be_read(
        world, monkeypatch, "AccessDenied", "Access Denied", described=described, ServerSideEncryption="AES256"
    )
    with pytest.raises(ClientError, match="GetObject"):
        parse(world, source)


def cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, code: str, message: str, *, described: bool = True, **header: str
) -> None:
    """Have S3 answer with this error for the object, and describe it, with a further header, or not."""
    aws = world.runtime.aws
    stored = aws.objects[KEY][-1]

    def get_object(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")

    def head_object(**_: Any) -> Any:
        if not described:
            raise refused("s3", "HeadObject", "403")
        return {"ContentLength": 7, "LastModified": stored.last_modified, "Metadata": {}, **header}

    monkeypatch.setattr(aws, "s3_get_object", get_object)
    monkeypatch.setattr(aws, "s3_head_object", head_object, raising=False)
