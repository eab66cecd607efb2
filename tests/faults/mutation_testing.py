"""Mutation tests: each mutant must violate an invariant, which shows that the invariant is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.faults import mutants
from tests.faults.enumeration import Case, Enumeration, Result, run_case
from tests.faults.lambda_runtime import Runtime
from tests.faults.mutants import MutantFactory
from tests.faults.patches import apply_patches
from tests.faults.schedules import ScheduleResult, is_unsynchronized, run_seed


@dataclass(frozen=True)
class Mutant:
    """A deliberate bug, and the invariants (or texts of database errors) that it violates.

    `likely_cases` select the enumeration cases that run first, by parts of their names. A `free` mutant can only be
    detected in unsynchronized schedules.
    """

    name: str
    make: MutantFactory
    invariants: Sequence[str]
    likely_cases: Sequence[str] = ()
    free: bool = False


@dataclass(frozen=True)
class MutantResult:
    """How a mutant was detected: by which run, and which invariant it violated.

    `detected_by` is None if it was not detected; `violation` is then any other error.
    """

    mutant: str
    detected_by: str | None
    violation: str | None


MIRRORED = "the mirror of the change feed has the exact state of the catalog"

MUTANTS = (
    Mutant(
        "counts increase with each delivery",
        mutants.counted_per_delivery,
        ['violates check constraint "upload_history_'],
        ["product_validator/at validate.committed"],
    ),
    Mutant(
        "each statement commits by itself",
        mutants.no_transaction,
        ["every upload finishes"],
        ["product_validator/after sql.insert_products"],
    ),
    Mutant(
        "the completion message is sent only at the first attempt",
        mutants.completion_sent_only_first,
        ["every finished upload is notified"],
        ["at validate.errors_sent"],
    ),
    Mutant(
        "an earlier upload overwrites a later one",
        mutants.upload_order_ignored,
        ["an earlier upload never overwrites changes of a later one"],
    ),
    Mutant(
        "no lock for a vendor",
        mutants.no_vendor_lock,
        ["rows without an outcome in finished uploads"],
    ),
    Mutant(
        "products are inserted unsorted",
        mutants.unsorted_insert,
        ["no deadlock arises between files of new products"],
        free=True,
    ),
    Mutant(
        "validated rows are validated again",
        mutants.recorded_rows_ignored,
        ["rows without an outcome in finished uploads"],
        ["product_validator/at validate.committed"],
    ),
    Mutant(
        "statuses are written before the commit",
        mutants.statuses_before_commit,
        ["no effect precedes its commit"],
        ["product_validator/before commit/1/crash"],
    ),
    Mutant(
        "an upload is marked as notified before the publication",
        mutants.marked_before_published,
        ["a report exists if and only if rows failed"],
        ["error_processor/at finalize.published/2/crash"],
    ),
    Mutant(
        "a result is published by two at the same time",
        mutants.result_published_by_two,
        ["one notification for each upload, except in the retry window"],
        ["at finalize.published/1/duplicate"],
    ),
    Mutant(
        "an e-mail is sent without a claim",
        mutants.email_without_claim,
        ["one e-mail for each upload, except in the retry window"],
        ["mailer/at email.marked/1/duplicate"],
    ),
    Mutant(
        "an e-mail goes to another vendor",
        mutants.email_to_another_vendor,
        ["the e-mail goes only to its vendor"],
        ["error_processor/at finalize.published"],
    ),
    Mutant(
        "partly accepted batches count as accepted",
        mutants.partial_responses_ignored,
        ["every upload finishes", "items have the status of their outcome", "each invalid row has its message"],
        ["partial"],
    ),
    Mutant(
        "a resumed upload stages nothing",
        mutants.resume_stages_nothing,
        ["every upload finishes"],
        ["csv_parser/at staging.rows_written"],
    ),
    Mutant(
        "a failed report is acknowledged",
        mutants.failed_report_acknowledged,
        ["every finished upload is notified"],
        ["error_processor/before sns.publish"],
    ),
    Mutant(
        "not every invalid row gets its message",
        mutants.row_errors_dropped,
        ["each invalid row has its message"],
        ["product_validator/at validate.committed/1/crash"],
    ),
    Mutant(
        "messages are sent about valid rows",
        mutants.valid_rows_reported,
        ["no effect precedes its commit"],
        ["product_validator/at validate.committed/1/crash"],
    ),
    Mutant(
        "row messages are sent before the commit",
        mutants.row_errors_sent_before_commit,
        ["no effect precedes its commit"],
        ["product_validator/before commit/1/crash"],
    ),
    Mutant(
        "the completion message is sent before the commit",
        mutants.completion_before_commit,
        ["no effect precedes its commit"],
        ["product_validator/before commit/1/crash"],
    ),
    Mutant(
        "messages about held rows are sent by every batch",
        mutants.held_rows_sent_by_each_batch,
        ["a late duplicate sends messages only about its own rows"],
    ),
    Mutant(
        "messages about held rows are sent only at the first attempt",
        mutants.held_rows_sent_once,
        ["items have the status of their outcome", "each invalid row has its message"],
        ["all or nothing/product_validator/at validate.committed"],
    ),
    Mutant(
        "a repeated event reads the file with the current mapping",
        mutants.stored_mapping_ignored,
        ["items are staged with the mappings of their upload", "as they were written"],
        ["mapped files/csv_parser/at ingest.history_opened"],
    ),
    Mutant(
        "a repeated event reads the file without the value mappings of its upload",
        mutants.used_values_ignored,
        ["items are staged with the mappings of their upload", "each broken rule is reported once"],
        ["mapped files/csv_parser/at ingest.history_opened"],
    ),
    Mutant(
        "a call that did not open the upload stages the rows of its own mapping",
        mutants.late_call_stages_its_own_rows,
        ["items are staged with the mappings of their upload", "as they were written"],
        ["mapped files/csv_parser/before sql.list_mappings/1/duplicate"],
    ),
    Mutant(
        "the fix file has the rows as they are without the mapping",
        mutants.fix_file_without_mapping,
        ["a fix file has every rejected row", "the fix file has the vendor's own values"],
        ["mapped files/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "errors have the mapped values",
        mutants.mapped_values_in_errors,
        ["errors have the vendor's own values"],
        ["mapped files/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "held rows lose the vendor's own values",
        mutants.held_rows_without_own_values,
        ["errors have the vendor's own values"],
        ["mapped files/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "held rows lose the notation of their file",
        mutants.held_rows_without_notation,
        ["items are staged with the mappings of their upload"],
        ["mapped files/csv_parser/before dynamodb.batch_write_item/1/reordered"],
    ),
    Mutant(
        "links of a fix file are written after its upload is opened",
        mutants.links_written_after_the_upload_is_opened,
        ["an upload has the links of its fix file, once"],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "a fix file corrects rows of other vendors",
        mutants.fix_file_corrects_uploads_of_all_vendors,
        ["a link names a rejected row of an upload of the same vendor"],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "the lines of a fix file are taken for row numbers",
        mutants.lines_taken_for_row_numbers,
        [
            "an upload has the links of its fix file, once",
            "a link names a rejected row of an upload of the same vendor",
        ],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "the fix file of a fix file corrects only its parent",
        mutants.fix_of_a_fix_corrects_only_its_parent,
        ["an upload has the links of its fix file, once"],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "a fix file corrects accepted rows as well",
        mutants.accepted_rows_corrected_as_well,
        [
            "a link names a rejected row of an upload of the same vendor",
            "an upload has the links of its fix file, once",
        ],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "the change feed is read before earlier transactions end",
        mutants.feed_before_the_end_of_earlier_transactions,
        [MIRRORED],
        ["all file kinds/product_validator/before commit"],
    ),
    Mutant(
        "the change feed is in the order of a sequence",
        mutants.feed_by_a_sequence,
        [MIRRORED],
        ["all file kinds/product_validator/before commit"],
    ),
    Mutant(
        "a removal of a product is no event",
        mutants.removals_without_events,
        [MIRRORED],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
    Mutant(
        "a change of a product is no event",
        mutants.changes_without_events,
        [MIRRORED],
        ["product changes/product_validator/at validate.committed/1/crash"],
    ),
    Mutant(
        "the search index is refreshed only when an upload is finished",
        mutants.search_index_without_the_watchdog,
        ["the watchdog brings the search index up to date"],
        ["corrections/csv_parser/at ingest.history_opened/1/crash"],
    ),
)


def find_violation(runtime: Runtime, mutant: Mutant, enumeration: Enumeration, seeds: Iterable[int]) -> MutantResult:
    """Run with the mutant, first its likely cases, then random schedules, until an expected invariant is violated."""
    cases = [case for case in enumeration.cases if any(text in str(case) for text in mutant.likely_cases)]
    otherwise = None
    with apply_patches(mutant.make(runtime)):
        for by, result in _runs(runtime, mutant, enumeration, cases, seeds):
            if result.is_violation and any(invariant in f"{result.violation}" for invariant in mutant.invariants):
                return MutantResult(mutant.name, by, result.violation)
            otherwise = otherwise or result.violation
    return MutantResult(mutant.name, None, otherwise)


def _runs(
    runtime: Runtime, mutant: Mutant, enumeration: Enumeration, cases: Iterable[Case], seeds: Iterable[int]
) -> Iterator[tuple[str, Result | ScheduleResult]]:
    for case in cases:
        yield f"--case '{case}'", run_case(runtime, case, enumeration.expected[case.scenario])
    for seed in seeds:
        if is_unsynchronized(seed) or not mutant.free:
            yield f"--seed {seed}", run_seed(runtime, seed)
