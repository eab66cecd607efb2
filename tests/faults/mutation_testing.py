"""Planted bugs. Each must break a law: what no mutation can break is not being watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.faults import mutants
from tests.faults.enumeration import Case, Enumeration, Result, run_case
from tests.faults.lambda_runtime import Runtime
from tests.faults.mutants import Make
from tests.faults.patches import patched
from tests.faults.schedules import Ended, is_free, run_seed


@dataclass(frozen=True)
class Mutation:
    """A bug: its name, what it changes, and the laws that it breaks (or what the product itself raises that holds one).

    `hunted_by` are texts of the enumeration's cases that are tried first; a `free` one shows only at full speed.
    """

    name: str
    make: Make
    laws: Sequence[str]
    hunted_by: Sequence[str] = ()
    free: bool = False


@dataclass(frozen=True)
class Caught:
    """How a mutation was caught: by what, and which law it broke. `by` is None if it was not; `law` then says what else
    went wrong."""

    mutation: str
    by: str | None
    law: str | None


MUTATIONS = (
    Mutation(
        "counts move with each delivery",
        mutants.counted_per_delivery,
        ['violates check constraint "upload_history_'],
        ["product_validator/at judge.committed"],
    ),
    Mutation(
        "each statement commits by itself",
        mutants.no_transaction,
        ["no upload stays under way"],
        ["product_validator/after sql.insert_products"],
    ),
    Mutation(
        "the completion message goes out only first",
        mutants.completion_sent_only_first,
        ["every finished upload is notified"],
        ["at judge.errors_sent"],
    ),
    Mutation(
        "an earlier upload overwrites a later one",
        mutants.uploads_in_no_order,
        ["a later upload's changes are never overwritten by an earlier one"],
    ),
    Mutation(
        "no lock for a vendor",
        mutants.no_vendor_lock,
        ["rows without an outcome in finished uploads"],
    ),
    Mutation(
        "products enter unsorted",
        mutants.unsorted_insert,
        ["no deadlock arises between files of new products"],
        free=True,
    ),
    Mutation(
        "rows judged before are judged again",
        mutants.judged_rows_forgotten,
        ["rows without an outcome in finished uploads"],
        ["product_validator/at judge.committed"],
    ),
    Mutation(
        "statuses before the commit",
        mutants.statuses_before_commit,
        ["nobody is told before it is true"],
        ["product_validator/before commit/1/crash"],
    ),
    Mutation(
        "marked as notified before it is published",
        mutants.marked_before_published,
        ["a report if and only if rows failed"],
        ["error_processor/at finish.published/2/crash"],
    ),
    Mutation(
        "a result is published by two at once",
        mutants.result_published_by_two,
        ["one notification for each upload, but for the window"],
        ["at finish.published/1/duplicate"],
    ),
    Mutation(
        "mail without a claim",
        mutants.mail_without_claim,
        ["one mail for each upload, but for the window"],
        ["mailer/at mail.marked/1/duplicate"],
    ),
    Mutation(
        "a mail goes to another vendor",
        mutants.mail_to_another_vendor,
        ["the mail goes to its vendor alone"],
        ["error_processor/at finish.published"],
    ),
    Mutation(
        "half-taken batches count as taken",
        mutants.partial_answers_ignored,
        ["no upload stays under way", "items have the status of their outcome", "each invalid row has its message"],
        ["partial"],
    ),
    Mutation(
        "a resumed upload stages nothing",
        mutants.resume_stages_nothing,
        ["no upload stays under way"],
        ["csv_parser/at staging.chunk_written"],
    ),
    Mutation(
        "a failed report is acknowledged",
        mutants.failed_report_acknowledged,
        ["every finished upload is notified"],
        ["error_processor/before sns.publish"],
    ),
    Mutation(
        "not every invalid row gets its message",
        mutants.few_errors_told,
        ["each invalid row has its message"],
        ["product_validator/at judge.committed/1/crash"],
    ),
    Mutation(
        "rows that are not invalid are told of",
        mutants.valid_rows_told_of,
        ["nobody is told before it is true"],
        ["product_validator/at judge.committed/1/crash"],
    ),
    Mutation(
        "rows are told of before the commit",
        mutants.told_before_commit,
        ["nobody is told before it is true"],
        ["product_validator/before commit/1/crash"],
    ),
    Mutation(
        "an end is told of before the commit",
        mutants.completion_before_commit,
        ["nobody is told before it is true"],
        ["product_validator/before commit/1/crash"],
    ),
    Mutation(
        "held rows are told of by every batch",
        mutants.held_rows_told_of_by_every_batch,
        ["what comes late tells of its own rows alone"],
    ),
    Mutation(
        "held rows are told of at the first attempt alone",
        mutants.held_rows_told_of_once,
        ["items have the status of their outcome", "each invalid row has its message"],
        ["as a whole/product_validator/at judge.committed"],
    ),
)


def hunt(runtime: Runtime, mutation: Mutation, enumeration: Enumeration, seeds: Iterable[int]) -> Caught:
    """Plant a bug and look for it, first where it should show, then at random. What else goes wrong does not count."""
    cases = [case for case in enumeration.cases if any(text in str(case) for text in mutation.hunted_by)]
    otherwise = None
    with patched(mutation.make(runtime)):
        for by, result in _runs(runtime, mutation, enumeration, cases, seeds):
            if result.is_law and any(law in f"{result.broken}" for law in mutation.laws):
                return Caught(mutation.name, by, result.broken)
            otherwise = otherwise or result.broken
    return Caught(mutation.name, None, otherwise)


def _runs(
    runtime: Runtime, mutation: Mutation, enumeration: Enumeration, cases: Iterable[Case], seeds: Iterable[int]
) -> Iterator[tuple[str, Result | Ended]]:
    for case in cases:
        yield f"--case '{case}'", run_case(runtime, case, enumeration.expected[case.scenario])
    for seed in seeds:
        if is_free(seed) or not mutation.free:
            yield f"--seed {seed}", run_seed(runtime, seed)
