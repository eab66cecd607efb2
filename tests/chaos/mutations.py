"""Planted bugs. Each must break a law: what no mutation can break is not being watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from onboarding import catalog, judge, ledger, notify, staging
from onboarding import finish as finishing
from onboarding.handlers import error_processor
from onboarding.judge import Judgement
from onboarding.sql import statement
from tests.chaos.aws import Aws
from tests.chaos.clients import Client
from tests.chaos.enumeration import Enumeration, run_case
from tests.chaos.patches import patched
from tests.chaos.runtime import ChaosConnection, Runtime
from tests.chaos.schedules import is_free, run_schedule

Changes = list[tuple[Any, str, Any]]
Make = Callable[[Runtime], Changes]


@dataclass(frozen=True)
class Mutation:
    """A bug: its name, and what it changes.

    `hunted_by` are texts of the enumeration's cases that are tried first; a `free` one shows only at full speed.
    """

    name: str
    make: Make
    hunted_by: Sequence[str] = ()
    free: bool = False


@dataclass(frozen=True)
class Caught:
    mutation: str
    by: str | None
    law: str | None


def _edited(**edits: tuple[str, str]) -> Callable[[str], str]:
    """The statements with a piece of some replaced; a piece that is not there is a mutation that no longer bites."""

    def edited(name: str) -> str:
        text = statement(name)
        if name not in edits:
            return text
        old, new = edits[name]
        assert old in text, f"{name}.sql has no '{old}'"
        return text.replace(old, new)

    return edited


def _statements(runtime: Runtime, **edits: tuple[str, str]) -> Changes:
    edited = _edited(**edits)
    # An edited statement is the same place still.
    runtime.statements |= {edited(name): f"sql.{name}" for name in edits}
    return [(module, "statement", edited) for module in (catalog, ledger)]


NO_LOCK = {"lock_vendors": ("pg_advisory_xact_lock(hashtextextended(vendor_id, 0))", "hashtextextended(vendor_id, 0)")}


def no_vendor_lock(runtime: Runtime) -> Changes:
    return _statements(runtime, **NO_LOCK)


def unsorted_insert(runtime: Runtime) -> Changes:
    return _statements(runtime, insert_products=('order by (p ->> 8) collate "C"', "order by random()"))


def judged_rows_forgotten(_: Runtime) -> Changes:
    def judged_rows(*arguments: Any) -> Any:
        states, judged = real(*arguments)
        return states, type(judged)()

    real = ledger.judged_rows
    return [(ledger, "judged_rows", judged_rows)]


def counted_per_delivery(_: Runtime) -> Changes:
    seen: set[Any] = set()

    def decide(ctx: Any, rows: Sequence[Any]) -> Judgement:
        keys = {catalog.key_of(row) for row in rows}
        again = [upload_id for upload_id, _ in keys & seen]
        seen.update(keys)
        judgement = real(ctx, rows)
        query = """
            update upload_history set valid_records = valid_records + 1, created_records = created_records + 1
            where status = 'processing' and upload_id = any(%s)
        """
        ctx.database.run(lambda connection: connection.execute(query, (again,)))
        return judgement

    real = judge.decide
    return [(judge, "decide", decide)]


def no_transaction(_: Runtime) -> Changes:
    def transaction(self: ChaosConnection, *_: Any) -> Any:
        return nullcontext()

    return [(ChaosConnection, "transaction", transaction)]


def completion_sent_only_first(_: Runtime) -> Changes:
    seen: set[str] = set()

    def decide(ctx: Any, rows: Sequence[Any]) -> Judgement:
        judgement = real(ctx, rows)
        finished = [upload_id for upload_id in judgement.finished if upload_id not in seen]
        seen.update(finished)
        object.__setattr__(judgement, "finished", finished)
        return judgement

    real = judge.decide
    return [(judge, "decide", decide)]


def statuses_before_commit(_: Runtime) -> Changes:
    def decide(ctx: Any, rows: Sequence[Any]) -> Judgement:
        staging.write_outcomes(ctx, [(staging.item_of(row), []) for row in rows])
        return real(ctx, rows)

    real = judge.decide
    return [(judge, "decide", decide)]


def marked_before_published(runtime: Runtime) -> Changes:
    def upload_to_notify(connection: Any, upload_id: str) -> Any:
        query = """
            update upload_history set notified_at = now()
            where status <> 'processing' and notified_at is null and upload_id = %s returning 1
        """
        return ledger.upload(connection, upload_id) if runtime.ask(query, (upload_id,)) else None

    return [(ledger, "upload_to_notify", upload_to_notify)]


def mail_without_claim(_: Runtime) -> Changes:
    def put_item(self: Aws, *, ConditionExpression: str, **parameters: Any) -> Any:  # noqa: N803
        return real(self, **{k: v for k, v in parameters.items() if k != "ExpressionAttributeValues"})

    real = Aws.dynamodb_put_item
    return [(Aws, "dynamodb_put_item", put_item)]


def partial_answers_ignored(_: Runtime) -> Changes:
    def left_out(place: str, parameters: dict[str, Any]) -> dict[str, Any]:
        real(place, parameters)
        return {}

    real = Client._left_out
    return [(Client, "_left_out", staticmethod(left_out))]


def resume_stages_nothing(_: Runtime) -> Changes:
    seen: set[str] = set()

    def stage(ctx: Any, rows: Iterable[Any]) -> None:
        some = list(rows)
        names = {row.upload_id for row in some}
        if names <= seen:
            return
        seen.update(names)
        real(ctx, some)

    real = staging.stage
    return [(staging, "stage", stage)]


def failed_report_acknowledged(_: Runtime) -> Changes:
    def finish(*arguments: Any) -> Any:
        try:
            return real(*arguments)
        except Exception:  # noqa: BLE001 - the bug
            return None

    real = finishing.finish
    return [(error_processor, "finish", finish)]


def few_errors_told(_: Runtime) -> Changes:
    def send_row_errors(ctx: Any, invalid: Sequence[Any]) -> None:
        real(ctx, invalid[:5])

    real = notify.send_row_errors
    return [(notify, "send_row_errors", send_row_errors)]


MUTATIONS = (
    Mutation("counts move with each delivery", counted_per_delivery, ["product_validator/at judge.committed"]),
    Mutation("each statement commits by itself", no_transaction, ["product_validator/after sql.insert_products"]),
    Mutation("the completion message goes out only first", completion_sent_only_first, ["at judge.errors_sent"]),
    Mutation("no lock for a vendor", no_vendor_lock, ["sql.insert_products/1/duplicate"]),
    Mutation("products enter unsorted", unsorted_insert, free=True),
    Mutation("rows judged before are judged again", judged_rows_forgotten, ["product_validator/at judge.committed"]),
    Mutation("statuses before the commit", statuses_before_commit),
    Mutation("marked as notified before it is published", marked_before_published, ["at finish.published"]),
    Mutation("mail without a claim", mail_without_claim, ["mailer/at mail.marked/1/duplicate"]),
    Mutation("half-taken batches count as taken", partial_answers_ignored, ["partial"]),
    Mutation("a resumed upload stages nothing", resume_stages_nothing, ["csv_parser/at staging.chunk_written"]),
    Mutation("a failed report is acknowledged", failed_report_acknowledged, ["error_processor/before sns.publish"]),
    Mutation(
        "not every invalid row gets its message", few_errors_told, ["product_validator/at judge.committed/1/crash"]
    ),
)


def hunt(runtime: Runtime, mutation: Mutation, enumeration: Enumeration, seeds: Iterable[int]) -> Caught:
    """Plant a bug and look for it, first where it should show, then at random."""
    cases = [case for case in enumeration.cases if any(text in str(case) for text in mutation.hunted_by)]
    with patched(mutation.make(runtime)):
        for case in cases:
            result = run_case(runtime, case, enumeration.expected[case.scenario])
            if result.broken:
                return Caught(mutation.name, f"--case '{case}'", result.broken)
        for seed in (seed for seed in seeds if is_free(seed) or not mutation.free):
            ended = run_schedule(runtime, seed)
            if ended.broken:
                return Caught(mutation.name, f"--seed {seed}", ended.broken)
    return Caught(mutation.name, None, None)
