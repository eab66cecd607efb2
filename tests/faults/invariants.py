"""Invariants that hold after all deliveries, whichever faults occurred."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from openpyxl import load_workbook

from onboarding.aws.staging_table import UNPROCESSABLE_PREFIX
from onboarding.domain import models
from onboarding.domain.product_schema import CHANGEABLE
from onboarding.files.models import FileDetails
from tests.faults import correction_invariants, mapping_invariants, stored_state
from tests.faults.aws_in_memory import Aws
from tests.faults.simulation import Delivery, Simulation, violation
from tests.faults.upload_files import UNIQUE, File

FILE_REJECTED = "FILE_REJECTED"
OUTDATED = "OUTDATED_ROW"
NOT_PROCESSED, CANCELLED = "NOT_PROCESSED", "CANCELLED"
"""Errors of the rows that the watchdog ended or the vendor cancelled; these rows have no other outcome."""

TEXTS = ("vendor_product_id", "sku", "product_name", "category", "subcategory", "description", "brand")

Table = list[dict[str, Any]]


def table(simulation: Simulation, name: str, order: str) -> Table:
    """Return the rows of a database table."""
    rows = simulation.runtime.fetch(f"select to_jsonb(t) from {name} t order by {order}")  # noqa: S608 - our own names
    return [row for (row,) in rows]


class Outcome:
    """The contents of the database by upload.

    `products`: by upload and row number, the product that a row created, updated or confirmed, or None if an undo
    removed it. `last`: the last upload that wrote to each product, for products without an undone upload.
    """

    def __init__(self, history: Table, products: Table, changes: Table, errors: Table) -> None:
        self.history = {row["upload_id"]: row for row in history}
        self.undone = {row["upload_id"] for row in history if row["undone_at"]}
        self.products: dict[str, dict[int, dict[str, Any] | None]] = defaultdict(dict)
        self.kinds: dict[str, Counter[str]] = defaultdict(Counter)
        self.errors: dict[str, dict[int, Table]] = defaultdict(lambda: defaultdict(list))
        self.last = {product["product_id"]: product["upload_id"] for product in products}
        self.writers = {(p["product_id"], column): [p["upload_id"]] for p in products for column in CHANGEABLE}
        by_id = {product["product_id"]: product for product in products}
        created = [{**product, "change_type": "created"} for product in products]
        for row in [*created, *changes]:
            if row["row_number"] in self.products[row["upload_id"]]:
                raise violation("each row has one outcome", row)
            self.products[row["upload_id"]][row["row_number"]] = by_id.get(row["product_id"])
            if row["product_id"] not in by_id and not self.undone:
                raise violation("only an undo removes products", row)
            self.kinds[row["upload_id"]][row["change_type"]] += 1
            if row["change_type"] == "updated":
                self.last[row["product_id"]] = row["upload_id"]
                for column in row["set_columns"]:
                    self.writers.setdefault((row["product_id"], column), []).append(row["upload_id"])
        for row in [*created, *changes]:
            if row["upload_id"] in self.undone:
                self.last.pop(row["product_id"], None)
        for error in errors:
            self.errors[error["upload_id"]][error["row_number"]].append(error)
        released = {change["released_sku"] for change in changes}
        self.holder: dict[str, set[Any]] = {"sku": {p["sku"] for p in products} | released}
        self.holder["vendor_product_id"] = {(p["vendor_id"], p["vendor_product_id"]) for p in products}
        self.undone_identities: dict[str, set[Any]] = {}
        """Vendor and product ids in the file of each undone upload: the products that it created no longer exist."""

    def is_outdated(self, upload_id: str, file: File, vendor_product_id: str) -> bool:
        """Return whether a later upload created, updated or confirmed this product, which this file may change."""
        uploaded_at = self.history[upload_id]["upload_timestamp"]
        identity = (file.vendor_id, vendor_product_id)
        later_uploads = {name for name, row in self.history.items() if row["upload_timestamp"] > uploaded_at}
        return file.mode is not models.Mode.CREATE and any(
            identity in self.undone_identities.get(name, ())
            or any(
                product is None or (product["vendor_id"], product["vendor_product_id"]) == identity
                for product in self.products[name].values()
            )
            for name in later_uploads
        )

    def check_order(self) -> None:
        """Raise InvariantViolated if an earlier upload set a column of a product after a later one."""
        if self.undone:
            return
        for name, writers in self.writers.items():
            times = [self.history[upload_id]["upload_timestamp"] for upload_id in writers]
            if times != sorted(times):
                raise violation("an earlier upload never overwrites changes of a later one", *name, writers)

    def is_taken(self, column: str, vendor_id: str, value: str) -> bool:
        return (value if column == "sku" else (vendor_id, value)) in self.holder[column]


def outcome_of(read: Callable[[str, str], Table]) -> Outcome:
    """Return the outcome; `read` returns the rows of a table in the order of a column."""
    return Outcome(
        read("upload_history", "upload_id"),
        read("products", "product_id"),
        read("product_changes", "changed_at"),
        read("validation_errors", "error_id"),
    )


def check(simulation: Simulation) -> None:
    """Raise InvariantViolated for the first invariant that does not hold."""
    outcome = outcome_of(partial(table, simulation))
    known_ids = {upload_id for upload_id, file in simulation.uploads.items() if file.known}
    if outcome.history.keys() != known_ids:
        raise violation("every file of a vendor is in the history", known_ids ^ outcome.history.keys())
    resolved = {name: mapping_invariants.resolve(simulation, outcome.history[name]) for name in sorted(known_ids)}
    files = {upload_id: file.file for upload_id, file in resolved.items()}
    for upload_id in outcome.undone:
        file = files[upload_id]
        if not file.undone:
            raise violation("an upload is undone only on request", upload_id)
        # Rows that the undone products rejected were rejected correctly.
        outcome.holder["sku"] |= {row["sku"] for row in file.rows}
        outcome.undone_identities[upload_id] = {(file.vendor_id, row["vendor_product_id"]) for row in file.rows}
        outcome.holder["vendor_product_id"] |= {(file.vendor_id, row["vendor_product_id"]) for row in file.rows}
        check_undone(simulation, outcome, upload_id)
    outcome.check_order()
    if simulation.deadlocks_escaped:
        raise violation("no deadlock escapes", simulation.errors)
    if simulation.early_effects:
        raise violation("no effect precedes its commit", simulation.early_effects[0])
    for name, times in simulation.runtime.aws.published.items():
        # A notification about an object without a vendor names the key, which all its versions share.
        expected = len(simulation.runtime.aws.objects.get(name, [name]))
        if times - expected > simulation.runtime.aws.unmarked[name]:
            raise violation("one notification for each upload, except in the retry window", name, times)
    for upload_id in known_ids:
        check_upload(outcome, upload_id, files[upload_id])
        check_notifications(simulation, outcome, upload_id)
        mapping_invariants.check_stored_rows(simulation, resolved[upload_id], outcome.errors[upload_id])
    correction_invariants.check_corrections(
        simulation, {name: simulation.uploads[name] for name in known_ids}, outcome.history, outcome.errors
    )
    report_prefixes = tuple(
        f"errors/{simulation.uploads[name].vendor_id}/{name}_" for name in known_ids if outcome.errors[name]
    )
    stray_reports = [
        key
        for key in simulation.runtime.aws.objects
        if key.startswith("errors/") and not key.startswith(report_prefixes)
    ]
    if stray_reports:
        raise violation("reports belong to uploads", stray_reports)
    duplicates = len(simulation.runtime.aws.emails) - len(known_ids)
    if duplicates > simulation.email_windows:
        raise violation(
            "one e-mail for each upload, except in the retry window",
            f"{duplicates} more e-mails",
            simulation.email_windows,
        )
    stored_keys = [key for key in simulation.runtime.aws.objects if key.startswith(UNPROCESSABLE_PREFIX)]
    if len(stored_keys) != len(simulation.malformed_items):
        raise violation("every malformed item is stored", len(stored_keys), len(simulation.malformed_items))
    if simulation.pending or simulation.runtime.aws.queue or simulation.runtime.aws.stream:
        raise violation("no delivery remains", simulation.pending)
    check_mirror(simulation)
    check_search_index(simulation)


def check_mirror(simulation: Simulation) -> None:
    """Check that a system which reads the change feed has all products as they are."""
    if differences := simulation.mirror.list_differences():
        raise violation("the mirror of the change feed has the exact state of the catalog", *differences[:5])


def check_search_index(simulation: Simulation) -> None:
    """Check the words of the products that have no event after the position of the search index."""
    query = """
        with later as (
            select distinct unnest(e.product_ids) as product_id
            from product_events e, product_search_position p
            where (e.transaction_id, e.event_id) > (p.transaction_id, p.event_id)
        )
        select product_id, s.words::text
        from products p full join product_search s using (product_id)
        where product_id not in (select product_id from later)
          and s.words is distinct from product_words(p.vendor_id, p.product_name, p.sku, p.vendor_product_id)
    """
    if differences := simulation.runtime.fetch(query):
        raise violation("the search index has the words of the products as they are", *differences[:5])


def check_equal(invariant: str, expected: stored_state.State, actual: stored_state.State) -> None:
    """Raise InvariantViolated if two states differ."""
    if differences := stored_state.differences(expected, actual):
        raise violation(invariant, *differences)


def check_deadlocks(simulation: Simulation) -> None:
    """Raise InvariantViolated for a deadlock between files of new products.

    Sorted inserts and a lock for each vendor prevent them. A batch with several kinds of uploads is sorted only within
    each kind, and an undo is not sorted: these may deadlock and are retried.
    """
    mixed = any(
        file.all_or_nothing or file.undone or file.mode is not models.Mode.CREATE
        for file in simulation.uploads.values()
    )
    if simulation.runtime.deadlocks and not mixed:
        raise violation("no deadlock arises between files of new products", simulation.runtime.deadlocks)


def check_upload(outcome: Outcome, upload_id: str, file: File) -> None:  # noqa: PLR0912 - one branch for each invariant
    """Check the history, products and errors of one upload."""
    row = outcome.history[upload_id]
    products, errors = outcome.products[upload_id], outcome.errors[upload_id]
    valid, error, total = row["valid_records"], row["error_records"], row["total_records"]
    if row["status"] == "processing":
        raise violation("every upload finishes", upload_id)
    if file.rejection_code:
        if (row["status"], row["failure_code"], total, len(products), len(errors)) != (
            "failed",
            file.rejection_code,
            0,
            0,
            0,
        ):
            raise violation("a rejected file stores only its reason", row)
        return
    if not total == len(file.rows) == valid + error:
        raise violation("rows read = valid + error", upload_id, f"{len(file.rows)} read, {total} = {valid} + {error}")
    if upload_id in outcome.undone:
        products = dict.fromkeys(set(range(1, total + 1)) - errors.keys())
    if (len(products), len(errors)) != (valid, error):
        raise violation(
            "counts equal the rows in the tables", upload_id, f"{len(products)} = {valid}, {len(errors)} = {error}"
        )
    if products.keys() & errors.keys() or products.keys() | errors.keys() != set(range(1, total + 1)):
        raise violation("each row has one outcome", upload_id, sorted(products), sorted(errors))
    kinds = {kind: row[f"{kind}_records"] for kind in models.Outcome if row[f"{kind}_records"]}
    if kinds != outcome.kinds[upload_id] and upload_id not in outcome.undone:
        raise violation("outcomes of products are counted", upload_id, kinds, outcome.kinds[upload_id])
    expected = "completed" if not error else "partial" if valid else "failed"
    if row["status"] != expected:
        raise violation("the status follows from the counts", upload_id, row["status"], expected)
    if file.all_or_nothing and valid and error:
        raise violation("an all-or-nothing file is accepted or rejected as a whole", upload_id, valid, error)
    for number, cells in enumerate(file.rows, 1):
        if number in products:
            if (product := products[number]) is not None:
                is_last = outcome.last.get(product["product_id"]) == upload_id
                check_product(file, number, cells, product, is_last=is_last)
        else:
            check_errors(outcome, upload_id, file, number, cells)


def check_undone(simulation: Simulation, outcome: Outcome, upload_id: str) -> None:
    """Check that the products of an undone upload are removed or recorded as skipped."""
    skipped = simulation.runtime.fetch("select row_number from undo_skipped where upload_id = %s", (upload_id,))
    row = outcome.history[upload_id]
    remaining = {
        number
        for number, product in outcome.products[upload_id].items()
        if product is not None and product["upload_id"] == upload_id
    } - {number for (number,) in skipped}
    if remaining:
        raise violation("the products of an undone upload are removed, or recorded as skipped", upload_id, remaining)
    if row["undo_removed"] + row["undo_restored"] + len(skipped) != row["created_records"] + row["updated_records"]:
        raise violation("an undo counts what it reverted and what it skipped", row, skipped)


def check_product(
    file: File, number: int, cells: Mapping[str, str], product: Mapping[str, Any], *, is_last: bool
) -> None:
    """Check that an accepted row is valid and that its values are stored unless a later row replaced them."""
    columns = TEXTS if is_last else TEXTS[:1]
    wrong_columns = [name for name in columns if cells[name] not in ("", product[name])]
    if file.faults.get(number) or wrong_columns or product["vendor_id"] != file.vendor_id:
        raise violation(
            "only valid rows are accepted, as they were written", number, file.faults.get(number), wrong_columns
        )
    if any(file.has_earlier_row(column, number) for column in UNIQUE.values()):
        raise violation("the first row of a file wins", number, cells)


def check_errors(outcome: Outcome, upload_id: str, file: File, number: int, cells: Mapping[str, str]) -> None:
    """Check that a rejected row has exactly the errors that apply to it."""
    errors_by_row = outcome.errors[upload_id]
    errors = errors_by_row[number]
    types = Counter(error["error_type"] for error in errors)
    if file.end_error and types == {file.end_error: 1}:
        return
    if file.all_or_nothing and types == {FILE_REJECTED: 1}:
        types.clear()
        if all(error["error_type"] == FILE_REJECTED for row_errors in errors_by_row.values() for error in row_errors):
            raise violation("a rejected file has an invalid row", number)
    elif not types:
        raise violation("every rejected row has an error", number)
    row_types = set(types) - set(UNIQUE) - {OUTDATED}
    if OUTDATED in types and not outcome.is_outdated(upload_id, file, cells["vendor_product_id"]):
        raise violation("an outdated row has a later upload that set its product", upload_id, number)
    if row_types != set(file.faults.get(number, ())) or max(types.values(), default=0) > 1:
        raise violation("each broken rule is reported once", number, types, file.faults.get(number))
    for error_type, column in UNIQUE.items():
        repeated = file.has_earlier_row(column, number)
        if repeated and error_type not in types:
            raise violation("the first row of a file wins", number, types)
        if error_type in types and not repeated and not outcome.is_taken(column, file.vendor_id, cells[column]):
            raise violation("a duplicate has an accepted row", number, error_type, cells[column])


def check_notifications(simulation: Simulation, outcome: Outcome, upload_id: str) -> None:
    """Check the items, messages, report and e-mail of one upload."""
    aws = simulation.runtime.aws
    row, errors = outcome.history[upload_id], outcome.errors[upload_id]
    if row["notified_at"] is None:
        raise violation("every finished upload is notified", upload_id)
    if (row["error_file_s3_key"] is not None) != bool(errors):
        raise violation("a report exists if and only if rows failed", upload_id, row["error_file_s3_key"])
    if errors:
        check_report(aws.objects[row["error_file_s3_key"]][-1].content, errors)
    if row["fix_file_s3_key"]:
        check_fix_files(row, errors, lambda key: aws.objects[key][-1].content)
    emails = [email for email in aws.emails if f"Upload ID: {upload_id}\n" in email["text"]]
    if not emails:
        raise violation("every upload has an e-mail", upload_id)
    [(address,)] = simulation.runtime.fetch("select email from vendors where vendor_id = %s", (row["vendor_id"],))
    for email in emails:
        check_email(email, row, address)
    if simulation.state_lost:
        return
    sent = {(body["upload_id"], body.get("row_number")) for body in aws.sent}
    ended_rows = _list_ended_rows(errors)
    without_message = [number for number in errors if (upload_id, number) not in sent and number not in ended_rows]
    if without_message:
        raise violation("each invalid row has its message", upload_id, without_message)
    check_items(aws, outcome, upload_id)


def _list_ended_rows(errors: Mapping[int, Table]) -> set[int]:
    """Return the rows of an ended upload that were not validated or were held: no messages are sent about them."""
    types = {number: row_errors[0]["error_type"] for number, row_errors in errors.items()}
    ended_rows = {number for number, error_type in types.items() if error_type in {NOT_PROCESSED, CANCELLED}}
    held_rows = {number for number, error_type in types.items() if error_type == FILE_REJECTED}
    return ended_rows | held_rows if ended_rows else set()


def rows_in(deliveries: Sequence[Delivery]) -> set[tuple[str, int]]:
    """Return the upload id and number of each row in the stream batches of the deliveries."""
    rows = set()
    for delivery in deliveries:
        if delivery.function == "product_validator":
            for record in delivery.event["Records"]:
                item = record["dynamodb"]["NewImage"]
                rows.add((item["upload_id"]["S"], int(item["row_number"]["N"])))
    return rows


def check_items(aws: Aws, outcome: Outcome, upload_id: str) -> None:
    """Check that each staged item has the status of its row's outcome."""
    products, errors = outcome.products[upload_id], outcome.errors[upload_id]
    items = {
        int(item["row_number"]["N"]): item["status"]["S"]
        for (name, _), item in aws.tables["UploadRecords"].items()
        if name == upload_id
    }
    ended_rows = _list_ended_rows(errors)
    valid = products.keys() if upload_id not in outcome.undone else items.keys() - errors.keys()
    expected = dict.fromkeys(valid, "validated") | dict.fromkeys(errors, "error")
    wrong_statuses = {n: items.get(n) for n in expected if n not in ended_rows and items.get(n) != expected[n]}
    if wrong_statuses or items.keys() - expected.keys():
        raise violation(
            "items have the status of their outcome", upload_id, wrong_statuses, items.keys() - expected.keys()
        )


def check_report(content: bytes, errors: Mapping[int, Table]) -> None:
    """Check that an error report has one line for each error, sorted by row."""
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    reported = [(int(line["Row Number"]), line["Error Type"]) for line in lines]
    expected = [(number, error["error_type"]) for number in sorted(errors) for error in errors[number]]
    if reported != expected:
        raise violation("the report has every error", reported, expected)


def check_fix_files(row: Mapping[str, Any], errors: Mapping[int, Table], read_object: Callable[[str], bytes]) -> None:
    """Check that both fix files of an upload have its rejected rows, by their line numbers in the vendor's file."""
    detected, key = FileDetails(**row["file_details"]), row["fix_file_s3_key"].rpartition(".")[0]
    expected = [(row["upload_id"], str(detected.line_of(number))) for number in sorted(errors)]
    text = read_object(f"{key}.csv").decode("utf-8-sig")
    # The fix file uses the delimiter of the vendor's file: the character after the first name.
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=text.removeprefix("_upload")[0]))
    workbook = load_workbook(io.BytesIO(read_object(f"{key}.xlsx")), read_only=True)
    cells = workbook["Products"].iter_rows(min_row=2, max_col=2, values_only=True)
    for rows in ([(reference, number) for reference, number, *_ in lines[1:]], list(cells)):
        if rows != expected:
            raise violation("a fix file has every rejected row of its upload", rows, expected)


def check_email(email: Mapping[str, Any], row: Mapping[str, Any], address: str) -> None:
    """Check the recipient, figures, status and links of an e-mail."""
    if email["to"] != [address]:
        raise violation("the e-mail goes only to its vendor", email["to"], row["vendor_id"])
    figures = [
        int(figure) for figure in re.findall(r"^(?:Total|Valid|Invalid) records: (\d+)", email["text"], re.MULTILINE)
    ]
    if figures != [row["total_records"], row["valid_records"], row["error_records"]]:
        raise violation("the e-mail agrees with the upload history", figures, row["upload_id"])
    if f"Status: {row['status'].upper()}\n" not in email["text"] or ("/reports/" in email["text"]) != bool(
        row["error_records"]
    ):
        raise violation("the e-mail agrees with the upload history", email["text"])
