"""Recovery: stalled uploads are resumed or ended, and failed events redriven."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NoReturn

import pytest

from onboarding.aws import dead_letter_queues, error_queue, staging_table
from onboarding.cli.target import make_local_runner
from onboarding.cli.upload_client import EXIT_FAILED, Submission, wait_for_outcomes
from onboarding.domain.models import RowError, UploadStatus
from onboarding.domain.resource_names import resource_name
from onboarding.notifications import email
from onboarding.pipeline import cancel, recovery
from onboarding.pipeline.ingest import IngestResult, S3ObjectVersion, ingest_object
from onboarding.runtime import AppContext
from tests.integration.pipeline.test_function_roles import without_statement
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

NO_PATIENCE = timedelta(0)


class ProcessEnded(Exception):
    """Simulated end of a process."""


def open_without_staging(
    ctx: AppContext, pipeline: Pipeline, name: str, rows: int, patch: pytest.MonkeyPatch
) -> S3ObjectVersion:
    """Put a file without an S3 event, and open its upload without staging its rows."""
    content = csv_of(product(f"watchdog-{name}-{n}") for n in range(rows))
    with pipeline.without_bucket_notifications():
        source = pipeline.put_key(f"uploads/VEND001/{name}.csv", content)

    def fail(*_: object) -> NoReturn:
        raise ProcessEnded

    with patch.context() as failing:
        failing.setattr(staging_table, "stage_rows", fail)
        with pytest.raises(ProcessEnded):
            ingest_object(ctx, source)
    return source


def test_recovery_stalled_upload_is_resumed(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_without_staging(ctx, pipeline, "stalled", 30, monkeypatch)
    upload_id = pipeline.upload_id(source)
    assert upload_id not in [action.upload_id for action in recovery.resume_stalled_uploads(ctx)], (
        "it is not stalled yet"
    )
    actions = list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
    assert (upload_id, "resumed") in [(action.upload_id, action.outcome) for action in actions]
    upload = pipeline.finished(upload_id)
    assert (upload.status, upload.valid_records) == (UploadStatus.COMPLETED, 30)


def test_recovery_upload_without_object_is_ended(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_without_staging(ctx, pipeline, "deleted", 3, monkeypatch)
    upload_id = pipeline.upload_id(source)
    pipeline.s3.delete_object(Bucket=source.bucket, Key=source.key, VersionId=source.version_id)
    actions = list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
    assert (upload_id, "ended") in [(action.upload_id, action.outcome) for action in actions]
    upload = pipeline.finished(upload_id)
    assert (upload.status, upload.total_records, upload.error_records) == (UploadStatus.FAILED, 3, 3)
    assert {error_type for _, error_type, _ in pipeline.errors(upload_id)} == {"NOT_PROCESSED"}
    assert len(pipeline.report(upload).splitlines()) == 4


def test_recovery_upload_resumed_without_progress_is_ended(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_without_staging(ctx, pipeline, "no-progress", 2, monkeypatch)
    upload_id = pipeline.upload_id(source)
    for _ in range(recovery.MAX_RESUMES):
        with monkeypatch.context() as patch:
            patch.setattr(staging_table, "stage_rows", lambda *_: None)
            list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
    actions = list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
    assert (upload_id, "ended") in [(action.upload_id, action.outcome) for action in actions]
    assert pipeline.finished(upload_id).error_records == 2
    assert "our fault" in pipeline.errors(upload_id)[0][2]
    written_at = pipeline.s3.head_object(Bucket=source.bucket, Key=source.key, VersionId=source.version_id)[
        "LastModified"
    ]
    [outcome] = wait_for_outcomes(make_local_runner(ctx), [Submission(source, written_at, 0)], 0, lambda *_: None)
    assert (outcome.unprocessed, outcome.exit_code) == (2, EXIT_FAILED)


def test_recovery_wait_doubles_with_each_attempt(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that were staged again may wait behind other rows for longer than `patience`."""
    upload_id = pipeline.upload_id(open_without_staging(ctx, pipeline, "doubling", 2, monkeypatch))

    def is_resumed_after(minutes: int) -> bool:
        """Return whether the watchdog resumes the upload when more minutes have passed; its rows are lost again."""
        move_back = """
            update upload_history set
                last_progress_at = last_progress_at - make_interval(mins => %s),
                resume_started_at = resume_started_at - make_interval(mins => %s)
            where upload_id = %s
        """
        pipeline.connection.execute(move_back, (minutes, minutes, upload_id))
        with monkeypatch.context() as patch:
            patch.setattr(staging_table, "stage_rows", lambda *_: None)
            return upload_id in [action.upload_id for action in recovery.resume_stalled_uploads(ctx)]

    assert [is_resumed_after(minutes) for minutes in (4, 2, 6, 6, 11, 11)] == [False, True, False, True, False, True]
    list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
    pipeline.finished(upload_id)


def test_recovery_late_rows_are_not_ended(ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is validated after the stalled upload is listed and before it is ended."""
    upload_id = pipeline.upload_id(open_without_staging(ctx, pipeline, "late-rows", 2, monkeypatch))
    listed = pipeline.upload(upload_id)
    assert listed is not None
    pipeline.connection.execute("update upload_history set last_progress_at = now() where upload_id = %s", (upload_id,))
    error = RowError("NOT_PROCESSED", "row", "not processed")
    assert cancel.end_upload(ctx, upload_id, "VEND001", error, last_progress_at=listed.last_progress_at) == 0
    upload = pipeline.upload(upload_id)
    assert upload is not None
    assert (upload.status, pipeline.errors(upload_id)) == (UploadStatus.PROCESSING, [])
    assert cancel.end_upload(ctx, upload_id, "VEND001", error, last_progress_at=upload.last_progress_at) == 2
    pipeline.finished(upload_id)


def test_recovery_internal_error_ends_no_upload_for_a_day(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it delay the others."""
    failing = open_without_staging(ctx, pipeline, "failing", 2, monkeypatch)
    other_source = open_without_staging(ctx, pipeline, "other", 2, monkeypatch)
    unnotified = pipeline.run("VEND002", "unnotified-other.csv", csv_of([product("unnotified-other")])).upload_id
    pipeline.connection.execute("update upload_history set notified_at = null where upload_id = %s", (unnotified,))

    def ingest_except_one(ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta) -> IngestResult:
        if source == failing:
            raise ProcessEnded
        return ingest_object(ctx, source, patience=patience)

    def resume_with_failure() -> None:
        with monkeypatch.context() as patch:
            patch.setattr("onboarding.pipeline.ingest.ingest_object", ingest_except_one)
            with pytest.raises(ExceptionGroup, match="could not be resumed"):
                list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))

    for _ in range(recovery.MAX_RESUMES + 1):
        resume_with_failure()
    assert pipeline.finished(pipeline.upload_id(other_source)).status is UploadStatus.COMPLETED
    pipeline.finished(unnotified)
    assert pipeline.errors(pipeline.upload_id(failing)) == []
    attempts = "update upload_history set resume_starts = %s where upload_id = %s"
    pipeline.connection.execute(attempts, (recovery.MAX_RESUME_ATTEMPTS - 1, pipeline.upload_id(failing)))
    resume_with_failure()
    list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
    assert {kind for _, kind, _ in pipeline.errors(pipeline.upload_id(failing))} == {"NOT_PROCESSED"}


def test_recovery_upload_of_vendor_suspended_later_is_completed(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_without_staging(ctx, pipeline, "suspended-later", 2, monkeypatch)
    pipeline.connection.execute("update vendors set status = 'suspended' where vendor_id = 'VEND001'")
    try:
        list(recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE))
        assert pipeline.finished(pipeline.upload_id(source)).valid_records == 2
    finally:
        pipeline.connection.execute("update vendors set status = 'active' where vendor_id = 'VEND001'")


def test_recovery_finished_upload_without_notification_is_notified(ctx: AppContext, pipeline: Pipeline) -> None:
    upload = pipeline.run("VEND002", "unnotified.csv", csv_of([product("unnotified")]))
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,)
    )
    assert recovery.RecoveryAction(upload.upload_id, "VEND002", None, "renotified") in list(
        recovery.resume_stalled_uploads(ctx, patience=NO_PATIENCE)
    )
    pipeline.finished(upload.upload_id)
    # A later upload uses the same queue and topic: a second e-mail of the first upload would arrive before its e-mail.
    pipeline.run("VEND002", "later.csv", csv_of([product("later")]))
    assert len(pipeline.emails(upload.upload_id)) == 1


def set_notification_age(pipeline: Pipeline, upload_id: str, minutes: int) -> None:
    """Set the age of an upload's notification; the others become too old for their e-mails to be checked."""
    pipeline.connection.execute(
        "update upload_history set notified_at = now() - case when upload_id = %s then make_interval(mins => %s) "
        "else interval '2 days' end, processing_completed_at = processing_completed_at - interval '1 day' "
        "where notified_at is not null",
        (upload_id, minutes),
    )


def test_recovery_upload_without_email_is_notified_again(ctx: AppContext, pipeline: Pipeline) -> None:
    inbox = Path(pipeline.endpoints.inbox_dir)
    moved = inbox.rename(inbox.with_name("inbox-away"))
    queue = ctx.sqs.get_queue_url(QueueName=resource_name("mailer-failures"))["QueueUrl"]
    ctx.sqs.purge_queue(QueueUrl=queue)
    try:
        upload_id = pipeline.put("VEND002", "without-email.csv", csv_of([product("without-email")]))
        wait_until(
            lambda: dead_letter_queues.count_failures(ctx)["mailer-failures"],
            "every attempt to send the e-mail to fail",
        )
        [failure] = dead_letter_queues.peek_failures(ctx, "mailer-failures")
    finally:
        moved.rename(inbox)
        ctx.sqs.purge_queue(QueueUrl=queue)
    assert failure.subject == upload_id
    assert "The inbox did not accept the e-mail" in str(failure.error)
    assert pipeline.emails(upload_id) == []

    set_notification_age(pipeline, upload_id, minutes=4)
    assert upload_id not in [action.upload_id for action in recovery.resume_stalled_uploads(ctx)], (
        "mailer may still retry"
    )
    set_notification_age(pipeline, upload_id, minutes=6)
    assert (upload_id, "renotified") in [
        (action.upload_id, action.outcome) for action in recovery.resume_stalled_uploads(ctx)
    ]
    pipeline.finished(upload_id)
    wait_until(lambda: email.list_unsent(ctx, [upload_id]) == [], "the claim to be marked")
    set_notification_age(pipeline, upload_id, minutes=60)
    assert upload_id not in [action.upload_id for action in recovery.resume_stalled_uploads(ctx)]
    assert len(pipeline.emails(upload_id)) == 1


def test_recovery_upload_with_rejected_email_is_renotified_with_doubling_delay(
    ctx: AppContext, pipeline: Pipeline
) -> None:
    upload = pipeline.run("VEND002", "rejected-email.csv", csv_of([product("rejected-email")]))
    key = {"upload_id": {"S": upload.upload_id}}
    delays = []
    for renotifications in range(8):
        ctx.dynamodb.delete_item(TableName=ctx.settings.email_claims_table, Key=key)
        for minutes in (5, 10, 20, 40, 80, 160, 320, 640):
            set_notification_age(pipeline, upload.upload_id, minutes)
            pipeline.connection.execute(
                "update upload_history set renotifications = %s where upload_id = %s",
                (renotifications, upload.upload_id),
            )
            if upload.upload_id in recovery.list_recently_notified(ctx, recovery.EMAIL_PATIENCE):
                delays.append(minutes)
                break
    assert delays == [5, 10, 20, 40, 80, 160]


def test_recovery_failed_notification_does_not_delay_others(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [pipeline.run("VEND002", f"unsent-{n}.csv", csv_of([product(f"unsent-{n}")])).upload_id for n in range(3)]
    sent: list[str] = []
    monkeypatch.setattr(
        error_queue, "send_completions", lambda _, uploads: sent.extend(upload_id for upload_id, _ in uploads)
    )

    def run(*, minutes: int) -> set[str]:
        """Return the uploads that a run after more minutes notifies; the notifications are lost."""
        move_back = """
            update upload_history set notified_at = null, renotified_at = renotified_at - make_interval(mins => %s),
                processing_completed_at = processing_completed_at - make_interval(mins => %s)
            where upload_id = any(%s)
        """
        pipeline.connection.execute(move_back, (minutes, minutes, uploads))
        sent.clear()
        list(recovery.resume_stalled_uploads(ctx, limit=2))
        return set(sent)

    try:
        first, last = set(uploads[:2]), set(uploads[2:])
        assert [run(minutes=n) for n in (4, 2, 0, 0)] == [set(), first, last, set()]
        assert [run(minutes=n) for n in (6, 5, 0, 0)] == [set(), first, last, set()], "the delay is twice as long"
    finally:
        pipeline.connection.execute(
            "update upload_history set notified_at = now() where upload_id = any(%s)", (uploads,)
        )


def put_without_event(pipeline: Pipeline, *names: str) -> list[str]:
    """Put files without S3 events; return the ids of their uploads."""
    with pipeline.without_bucket_notifications():
        return [pipeline.put("VEND003", f"{name}.csv", csv_of([product(name)])) for name in names]


def test_sweep_continues_where_the_last_one_stopped(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = put_without_event(pipeline, *(f"sweep-{n}" for n in range(5)))
    monkeypatch.setattr(recovery, "SWEEP_PAGE", 2)
    pipeline.connection.execute("delete from sweep_cursor")
    starts: list[tuple[str, str]] = []

    def list_objects(ctx: AppContext, before: datetime, start: tuple[str, str] | None) -> Any:
        starts.extend([start] if start else [])
        return original(ctx, before, start)

    original = recovery._list_objects
    monkeypatch.setattr(recovery, "_list_objects", list_objects)
    ingested: list[str | None] = []
    while len(ingested) < len(uploads) or pipeline.connection.execute("select from sweep_cursor").fetchone():
        ingested += [
            action.upload_id for action in recovery.ingest_missed_objects(ctx, patience=NO_PATIENCE, seconds=0)
        ]
    assert sorted(map(str, ingested)) == sorted(uploads)
    # S3 lists keys in order, and the versions of a key by age: a position never comes back.
    keys = [key for key, _ in starts]
    assert keys == sorted(keys)
    positions = [position for position, _ in groupby(starts)]
    assert len(positions) == len(set(positions)) > 1


def test_sweep_skips_file_that_cannot_be_ingested(
    ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = put_without_event(pipeline, "sweep-failing", "sweep-other")

    def ingest_except_one(ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta) -> IngestResult:
        if "failing" in source.key:
            raise ProcessEnded
        return ingest_object(ctx, source, patience=patience)

    with monkeypatch.context() as patch:
        patch.setattr("onboarding.pipeline.ingest.ingest_object", ingest_except_one)
        with pytest.raises(ExceptionGroup):
            list(recovery.ingest_missed_objects(ctx, patience=NO_PATIENCE))
    assert pipeline.finished(uploads[1]).valid_records == 1
    assert [action.upload_id for action in recovery.ingest_missed_objects(ctx, patience=NO_PATIENCE)] == uploads[:1]
    pipeline.finished(uploads[0])


def test_sweep_ingests_object_without_event(ctx: AppContext, pipeline: Pipeline) -> None:
    [upload_id] = put_without_event(pipeline, "without-event")
    assert pipeline.upload(upload_id) is None
    assert upload_id in [action.upload_id for action in recovery.ingest_missed_objects(ctx, patience=NO_PATIENCE)]
    assert pipeline.finished(upload_id).valid_records == 1
    assert list(recovery.ingest_missed_objects(ctx, patience=NO_PATIENCE)) == []


def test_watchdog_sweep_deletes_replaced_events_of_the_change_feed(pipeline: Pipeline) -> None:
    rows = [product("replaced-1"), product("replaced-2")]
    upload = pipeline.run("VEND001", "replaced.csv", csv_of(rows))
    pipeline.run("VEND001", "replaced-2.csv", csv_of([{**rows[0], "price": "5"}]), mode="update")
    query = """
        select count(*) from products p join product_events e on p.product_id = any(e.product_ids)
        where p.upload_id = %s group by p.product_id order by p.product_id
    """
    assert pipeline.connection.execute(query, (upload.upload_id,)).fetchall() == [(2,), (1,)]
    payload = json.dumps({"sweep": True}).encode()
    response = pipeline.lambdas.invoke(FunctionName=resource_name("watchdog"), Payload=payload)
    assert "FunctionError" not in response
    assert pipeline.connection.execute(query, (upload.upload_id,)).fetchall() == [(1,), (1,)]


@pytest.mark.parametrize("event", [{}, {"sweep": True}])
def test_watchdog_with_its_own_role_has_all_permissions(pipeline: Pipeline, event: dict[str, bool]) -> None:
    response = pipeline.lambdas.invoke(FunctionName=resource_name("watchdog"), Payload=json.dumps(event).encode())
    assert "FunctionError" not in response, response["Payload"].read()


def test_redrive_permanently_failed_event_is_processed(ctx: AppContext, pipeline: Pipeline) -> None:
    key = "uploads/VEND001/denied.csv"
    with pipeline.without_schedules(), without_statement(pipeline, "csv-parser", "ReadUploads"):
        source = pipeline.put_key(key, csv_of([product("denied")]))
        wait_until(
            lambda: dead_letter_queues.count_failures(ctx)["csv-parser-failures"],
            "the event to reach the failure queue",
        )
        [failure] = dead_letter_queues.peek_failures(ctx, "csv-parser-failures")
        assert failure.subject == key
        assert "AccessDenied" in failure.error
        [redriven] = dead_letter_queues.redrive(ctx, "csv-parser-failures")
        assert redriven.error is not None
        assert dead_letter_queues.count_failures(ctx)["csv-parser-failures"] == 1, (
            "an event that fails again stays in the queue"
        )
    url = ctx.sqs.get_queue_url(QueueName=resource_name("csv-parser-failures"))["QueueUrl"]
    # Another operator's redrive would have to wait until the first one's message is visible again.
    ctx.sqs.purge_queue(QueueUrl=url)
    assert pipeline.upload(pipeline.upload_id(source)) is None
    failed_event = {"requestPayload": {"Records": [{"s3": record_of(source)}]}, "responsePayload": {}}
    ctx.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(failed_event))
    assert [redriven.error for redriven in dead_letter_queues.redrive(ctx, "csv-parser-failures")] == [None]
    assert pipeline.finished(pipeline.upload_id(source)).valid_records == 1
    assert dead_letter_queues.count_failures(ctx)["csv-parser-failures"] == 0


def record_of(source: S3ObjectVersion) -> dict[str, dict[str, str]]:
    return {"bucket": {"name": source.bucket}, "object": {"key": source.key, "versionId": source.version_id}}


def test_redrive_failed_stream_batch_is_processed(ctx: AppContext, pipeline: Pipeline) -> None:
    upload = pipeline.run("VEND001", "failed-batch.csv", csv_of([product("failed-batch")]))
    image = pipeline.item(upload.upload_id, 1) | {"status": {"S": "pending_validation"}}
    records = {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": image}}]}
    bucket = f"product-onboarding-failures-{pipeline.endpoints.bucket.rsplit('-', 1)[-1]}"
    pipeline.s3.put_object(Bucket=bucket, Key="aws/lambda/batch", Body=json.dumps({"payload": json.dumps(records)}))
    event = {"source": "aws.s3", "detail": {"bucket": {"name": bucket}, "object": {"key": "aws/lambda/batch"}}}
    url = ctx.sqs.get_queue_url(QueueName=resource_name("product-validator-failures"))["QueueUrl"]
    ctx.sqs.purge_queue(QueueUrl=url)
    ctx.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    assert [r.error for r in dead_letter_queues.redrive(ctx, "product-validator-failures")] == [None]
    assert pipeline.upload(upload.upload_id) == upload


def test_redrive_failing_event_does_not_delay_others(ctx: AppContext, pipeline: Pipeline) -> None:
    queue = "mailer-failures"
    url = ctx.sqs.get_queue_url(QueueName=resource_name(queue))["QueueUrl"]
    ctx.sqs.purge_queue(QueueUrl=url)
    upload = pipeline.run("VEND001", "redriven.csv", csv_of([product("redriven")]))
    notification = {"Records": [{"Sns": {"Message": json.dumps({"upload_id": upload.upload_id})}}]}
    missing_event = {"source": "aws.s3", "detail": {"bucket": {"name": "nowhere"}, "object": {"key": "missing"}}}
    for body in ("no JSON", "[]", json.dumps(missing_event), json.dumps({"requestPayload": notification})):
        ctx.sqs.send_message(QueueUrl=url, MessageBody=body)
    try:
        listed = {failure.subject for failure in dead_letter_queues.peek_failures(ctx, queue)}
        assert listed == {"no JSON", "[]", "missing", upload.upload_id}
        errors = {redriven.subject: redriven.error or "" for redriven in dead_letter_queues.redrive(ctx, queue)}
        assert errors.keys() == listed
        assert all(errors.values())
        assert "NoSuchBucket" in errors["missing"]
        assert dead_letter_queues.count_failures(ctx)[queue] == len(errors)
    finally:
        ctx.sqs.purge_queue(QueueUrl=url)


def test_redrive_dead_letter_message_returns_to_its_queue(ctx: AppContext, pipeline: Pipeline) -> None:
    upload = pipeline.run("VEND003", "dead.csv", csv_of([product("dead")]))
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,)
    )
    url = ctx.sqs.get_queue_url(QueueName="product-validation-errors-dlq")["QueueUrl"]
    ctx.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"upload_id": upload.upload_id}))
    [redriven] = dead_letter_queues.redrive(ctx, "product-validation-errors-dlq")
    assert (redriven.subject, redriven.error) == (upload.upload_id, None)
    assert pipeline.finished(upload.upload_id).notified_at is not None
