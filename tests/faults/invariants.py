"""The laws that hold once everything has come to rest, whatever befell on the way."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from onboarding.aws.staging_table import NOT_ROWS_PREFIX
from onboarding.domain import models
from onboarding.domain.product_schema import CHANGEABLE
from onboarding.files.models import FileDetails
from tests.faults import stored_state
from tests.faults.aws_in_memory import Aws
from tests.faults.simulation import Delivery, LawBroken, World
from tests.faults.upload_files import UNIQUE, File

FILE_REJECTED = "FILE_REJECTED"
OUTDATED = "OUTDATED_ROW"
NOT_PROCESSED, CANCELLED = "NOT_PROCESSED", "CANCELLED"
"""The errors of rows that the watchdog gave up, or their vendor; nothing else is known of such rows."""

Table = list[dict[str, Any]]


def broken(law: str, *facts: object) -> LawBroken:
    return LawBroken(" | ".join([law, *map(str, facts)]))


def table(world: World, name: str, order: str) -> Table:
    rows = world.runtime.ask(f"select to_jsonb(t) from {name} t order by {order}")  # noqa: S608 - our own names
    return [row for (row,) in rows]


class Outcome:
    """Everything that the database knows, by upload.

    `products` are those that a row made, changed or found as it wants them (None: it was taken back since); `last` is
    the upload that wrote to each last, as far as no undo makes that hard to say.
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
        made = [{**product, "change_type": "created"} for product in products]
        for row in [*made, *changes]:
            if row["row_number"] in self.products[row["upload_id"]]:
                raise broken("each row has one outcome", row)
            self.products[row["upload_id"]][row["row_number"]] = by_id.get(row["product_id"])
            if row["product_id"] not in by_id and not self.undone:
                raise broken("only an undo takes products away", row)
            self.kinds[row["upload_id"]][row["change_type"]] += 1
            if row["change_type"] == "updated":
                self.last[row["product_id"]] = row["upload_id"]
                for column in row["set_columns"]:
                    self.writers.setdefault((row["product_id"], column), []).append(row["upload_id"])
        for row in [*made, *changes]:
            if row["upload_id"] in self.undone:
                self.last.pop(row["product_id"], None)
        for error in errors:
            self.errors[error["upload_id"]][error["row_number"]].append(error)
        released = {change["released_sku"] for change in changes}
        self.holder: dict[str, set[Any]] = {"sku": {p["sku"] for p in products} | released}
        self.holder["vendor_product_id"] = {(p["vendor_id"], p["vendor_product_id"]) for p in products}
        self.taken_back: dict[str, set[Any]] = {}
        """By undone upload, what its file names: products that it created have left no trace."""

    def is_outdated(self, upload_id: str, file: File, vendor_product_id: str) -> bool:
        """Whether an upload of a later file made, changed or confirmed this product, which this file may change."""
        uploaded_at = self.history[upload_id]["upload_timestamp"]
        identity = (file.vendor_id, vendor_product_id)
        later = {name for name, row in self.history.items() if row["upload_timestamp"] > uploaded_at}
        return file.mode is not models.Mode.CREATE and any(
            identity in self.taken_back.get(name, ())
            or any(
                product is None or (product["vendor_id"], product["vendor_product_id"]) == identity
                for product in self.products[name].values()
            )
            for name in later
        )

    def check_order(self) -> None:
        """Raise LawBroken for a column of a product that an upload set after a later one had."""
        if self.undone:
            return
        for name, writers in self.writers.items():
            times = [self.history[upload_id]["upload_timestamp"] for upload_id in writers]
            if times != sorted(times):
                raise broken("a later upload's changes are never overwritten by an earlier one", *name, writers)

    def is_taken(self, column: str, vendor_id: str, value: str) -> bool:
        return (value if column == "sku" else (vendor_id, value)) in self.holder[column]


def outcome_of(read: Callable[[str, str], Table]) -> Outcome:
    """All of it; `read` gives a table's rows in the order of a column."""
    return Outcome(
        read("upload_history", "upload_id"),
        read("products", "product_id"),
        read("product_changes", "changed_at"),
        read("validation_errors", "error_id"),
    )


def check(world: World) -> None:
    """Raises LawBroken for the first law that does not hold."""
    outcome = outcome_of(partial(table, world))
    known = {upload_id for upload_id, file in world.uploads.items() if file.known}
    if outcome.history.keys() != known:
        raise broken("every file of a vendor is in the history", known ^ outcome.history.keys())
    for upload_id in outcome.undone:
        file = world.uploads[upload_id]
        if not file.undone:
            raise broken("nobody's upload is undone unasked", upload_id)
        # Whom they turned away while they were there was right to be.
        outcome.holder["sku"] |= {row["sku"] for row in file.rows}
        outcome.taken_back[upload_id] = {(file.vendor_id, row["vendor_product_id"]) for row in file.rows}
        outcome.holder["vendor_product_id"] |= {(file.vendor_id, row["vendor_product_id"]) for row in file.rows}
        check_undone(world, outcome, upload_id)
    outcome.check_order()
    if world.deadlocks_escaped:
        raise broken("no deadlock escapes", world.errors)
    if world.premature:
        raise broken("nobody is told before it is true", world.premature[0])
    for name, times in world.runtime.aws.published.items():
        # Of an object that no vendor owns the key is said, which each of its versions has.
        due = len(world.runtime.aws.objects.get(name, [name]))
        if times - due > world.runtime.aws.unmarked[name]:
            raise broken("one notification for each upload, but for the window", name, times)
    for upload_id in known:
        check_upload(outcome, upload_id, world.uploads[upload_id])
        check_told(world, outcome, upload_id)
    owned = tuple(f"errors/{world.uploads[name].vendor_id}/{name}_" for name in known if outcome.errors[name])
    stray = [key for key in world.runtime.aws.objects if key.startswith("errors/") and not key.startswith(owned)]
    if stray:
        raise broken("reports belong to uploads", stray)
    doubled = len(world.runtime.aws.mails) - len(known)
    if doubled > world.mail_windows:
        raise broken("one mail for each upload, but for the window", f"{doubled} more mails", world.mail_windows)
    kept = [key for key in world.runtime.aws.objects if key.startswith(NOT_ROWS_PREFIX)]
    if len(kept) != len(world.garbage):
        raise broken("every item that is no row is kept by itself", len(kept), len(world.garbage))
    if world.waiting or world.runtime.aws.queue or world.runtime.aws.stream:
        raise broken("nothing is left over", world.waiting)


def check_equal(law: str, expected: stored_state.State, found: stored_state.State) -> None:
    if different := stored_state.differences(expected, found):
        raise broken(law, *different)


def check_deadlocks(world: World) -> None:
    """Sorted inserts and a lock for each vendor leave none to be retried.

    But a batch with several kinds of uploads is sorted within each kind alone, and an undo not at all: these may meet
    one, and try again in place.
    """
    mixed = any(file.whole or file.undone or file.mode is not models.Mode.CREATE for file in world.uploads.values())
    if world.runtime.deadlocks and not mixed:
        raise broken("no deadlock arises between files of new products", world.runtime.deadlocks)


def check_upload(outcome: Outcome, upload_id: str, file: File) -> None:  # noqa: PLR0912 - a law each
    """One upload's history, products and errors."""
    row = outcome.history[upload_id]
    products, errors = outcome.products[upload_id], outcome.errors[upload_id]
    valid, error, total = row["valid_records"], row["error_records"], row["total_records"]
    if row["status"] == "processing":
        raise broken("no upload stays under way", upload_id)
    if file.refused:
        if (row["status"], row["failure_code"], total, len(products), len(errors)) != ("failed", file.refused, 0, 0, 0):
            raise broken("a refused file leaves its reason alone", row)
        return
    if not total == len(file.rows) == valid + error:
        raise broken("rows read = valid + error", upload_id, f"{len(file.rows)} read, {total} = {valid} + {error}")
    if upload_id in outcome.undone:
        products = dict.fromkeys(set(range(1, total + 1)) - errors.keys())
    if (len(products), len(errors)) != (valid, error):
        raise broken(
            "counts are what the tables hold", upload_id, f"{len(products)} = {valid}, {len(errors)} = {error}"
        )
    if products.keys() & errors.keys() or products.keys() | errors.keys() != set(range(1, total + 1)):
        raise broken("each row has one outcome", upload_id, sorted(products), sorted(errors))
    kinds = {kind: row[f"{kind}_records"] for kind in models.Outcome if row[f"{kind}_records"]}
    if kinds != outcome.kinds[upload_id] and upload_id not in outcome.undone:
        raise broken("what was done to products is counted", upload_id, kinds, outcome.kinds[upload_id])
    expected = "completed" if not error else "partial" if valid else "failed"
    if row["status"] != expected:
        raise broken("the status says what the counts say", upload_id, row["status"], expected)
    if file.whole and valid and error:
        raise broken("a file that is to enter as a whole does, or does not", upload_id, valid, error)
    for number, cells in enumerate(file.rows, 1):
        if number in products:
            if (entered := products[number]) is not None:
                is_last = outcome.last.get(entered["product_id"]) == upload_id
                check_product(file, number, cells, entered, is_last=is_last)
        else:
            check_errors(outcome, upload_id, file, number, cells)


def check_undone(world: World, outcome: Outcome, upload_id: str) -> None:
    """What an upload made is gone, but for what it is said of why it stays."""
    kept = world.runtime.ask("select row_number from undo_skipped where upload_id = %s", (upload_id,))
    row = outcome.history[upload_id]
    left = {
        number
        for number, product in outcome.products[upload_id].items()
        if product is not None and product["upload_id"] == upload_id
    } - {number for (number,) in kept}
    if left:
        raise broken("an undone upload's products are gone, or it is said why not", upload_id, left)
    if row["undo_removed"] + row["undo_restored"] + len(kept) != row["created_records"] + row["updated_records"]:
        raise broken("an undo counts what it took back and what it left", row, kept)


def check_product(
    file: File, number: int, cells: Mapping[str, str], product: Mapping[str, Any], *, is_last: bool
) -> None:
    """A row that entered had the right to; what it wrote is there unless another row has written since."""
    columns = ("vendor_product_id", "sku", "product_name", "category") if is_last else ("vendor_product_id",)
    wrong = [name for name in columns if cells[name] not in ("", product[name])]
    if file.faults.get(number) or wrong or product["vendor_id"] != file.vendor_id:
        raise broken("only rows that pass enter, as they were written", number, file.faults.get(number), wrong)
    if any(file.earlier(column, number) for column in UNIQUE.values()):
        raise broken("the first row of a file wins", number, cells)


def check_errors(outcome: Outcome, upload_id: str, file: File, number: int, cells: Mapping[str, str]) -> None:
    """A row that did not enter is told why, and all of it is true."""
    others = outcome.errors[upload_id]
    errors = others[number]
    types = Counter(error["error_type"] for error in errors)
    if file.ends and types == {file.ends: 1}:
        return
    if file.whole and types == {FILE_REJECTED: 1}:
        types.clear()
        if all(error["error_type"] == FILE_REJECTED for found in others.values() for error in found):
            raise broken("a rejected file has a row to blame", number)
    elif not types:
        raise broken("a row without an outcome is told why", number)
    own = set(types) - set(UNIQUE) - {OUTDATED}
    if OUTDATED in types and not outcome.is_outdated(upload_id, file, cells["vendor_product_id"]):
        raise broken("an outdated row has a later upload that set its product", upload_id, number)
    if own != set(file.faults.get(number, ())) or max(types.values(), default=0) > 1:
        raise broken("each broken rule is reported once", number, types, file.faults.get(number))
    for error_type, column in UNIQUE.items():
        repeated = file.earlier(column, number)
        if repeated and error_type not in types:
            raise broken("the first row of a file wins", number, types)
        if error_type in types and not repeated and not outcome.is_taken(column, file.vendor_id, cells[column]):
            raise broken("a loser has a winner", number, error_type, cells[column])


def check_told(world: World, outcome: Outcome, upload_id: str) -> None:
    """The items, the messages, the report and the mail of one upload."""
    aws = world.runtime.aws
    row, errors = outcome.history[upload_id], outcome.errors[upload_id]
    if row["notified_at"] is None:
        raise broken("every finished upload is notified", upload_id)
    if (row["error_file_s3_key"] is not None) != bool(errors):
        raise broken("a report if and only if rows failed", upload_id, row["error_file_s3_key"])
    if errors:
        check_report(aws.objects[row["error_file_s3_key"]][-1].content, errors)
    if row["fix_file_s3_key"]:
        check_fix_file(aws.objects[row["fix_file_s3_key"]][-1].content, errors, FileDetails(**row["file_details"]))
    mails = [mail for mail in aws.mails if f"Upload ID: {upload_id}\n" in mail["text"]]
    if not mails:
        raise broken("no mail is missing", upload_id)
    [(email,)] = world.runtime.ask("select email from vendors where vendor_id = %s", (row["vendor_id"],))
    for mail in mails:
        check_mail(mail, row, email)
    if world.forgetful:
        return
    told = {(body["upload_id"], body.get("row_number")) for body in aws.sent}
    given_up = _given_up(errors)
    untold = [number for number in errors if (upload_id, number) not in told and number not in given_up]
    if untold:
        raise broken("each invalid row has its message", upload_id, untold)
    check_items(aws, outcome, upload_id)


def _given_up(errors: Mapping[int, Table]) -> set[int]:
    """The rows of an ended upload that were not judged, or were held then: of them nothing is said but at the end."""
    ended = {number for number, found in errors.items() if found[0]["error_type"] in {NOT_PROCESSED, CANCELLED}}
    held = {number for number, found in errors.items() if found[0]["error_type"] == FILE_REJECTED}
    return ended | held if ended else set()


def rows_in(deliveries: Sequence[Delivery]) -> set[tuple[str, int]]:
    """The rows that the batches of the stream among these hold."""
    found = set()
    for delivery in deliveries:
        if delivery.function == "product_validator":
            for record in delivery.event["Records"]:
                item = record["dynamodb"]["NewImage"]
                found.add((item["upload_id"]["S"], int(item["row_number"]["N"])))
    return found


def check_items(aws: Aws, outcome: Outcome, upload_id: str) -> None:
    products, errors = outcome.products[upload_id], outcome.errors[upload_id]
    items = {
        int(item["row_number"]["N"]): item["status"]["S"]
        for (name, _), item in aws.tables["UploadRecords"].items()
        if name == upload_id
    }
    given_up = _given_up(errors)
    valid = products.keys() if upload_id not in outcome.undone else items.keys() - errors.keys()
    right = dict.fromkeys(valid, "validated") | dict.fromkeys(errors, "error")
    wrong = {n: items.get(n) for n in right if n not in given_up and items.get(n) != right[n]}
    if wrong or items.keys() - right.keys():
        raise broken("items have the status of their outcome", upload_id, wrong, items.keys() - right.keys())


def check_report(content: bytes, errors: Mapping[int, Table]) -> None:
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    found = [(int(line["Row Number"]), line["Error Type"]) for line in lines]
    expected = [(number, error["error_type"]) for number in sorted(errors) for error in errors[number]]
    if found != expected:
        raise broken("the report has every error", found, expected)


def check_fix_file(content: bytes, errors: Mapping[int, Table], detected: FileDetails) -> None:
    text = content.decode("utf-8-sig")
    # It has the separator of the vendor's own file; what stands behind the first name says which.
    separator = text.removeprefix("_row")[0]
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    numbers = [int(number) for number, *_ in lines[1:]]
    expected = [detected.line_of(number) for number in sorted(errors)]
    if numbers != expected:
        raise broken("the fix file has every rejected row", numbers, expected)


def check_mail(mail: Mapping[str, Any], row: Mapping[str, Any], email: str) -> None:
    if mail["to"] != [email]:
        raise broken("the mail goes to its vendor alone", mail["to"], row["vendor_id"])
    figures = [
        int(found) for found in re.findall(r"^(?:Total|Valid|Invalid) records: (\d+)", mail["text"], re.MULTILINE)
    ]
    if figures != [row["total_records"], row["valid_records"], row["error_records"]]:
        raise broken("the mail says what the history says", figures, row["upload_id"])
    if f"Status: {row['status'].upper()}\n" not in mail["text"] or ("/reports/" in mail["text"]) != bool(
        row["error_records"]
    ):
        raise broken("the mail says what the history says", mail["text"])
