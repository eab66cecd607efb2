"""Files with headers that only a mapping resolves, their mappings, and changes of these mappings."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TypeVar

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FillDown, HeaderMapping, MappingDocument, SavedMapping
from onboarding.storage import mappings, value_mappings
from onboarding.storage.database import Connection, open_connection
from onboarding.storage.errors import NotFound
from tests.faults.lambda_runtime import Runtime
from tests.faults.patches import apply_patches
from tests.support.postgres_fixtures import ACTOR

COLUMNS = ("product_name", "vendor_product_id", "sku", "category", "subcategory", "description", "price", "image_url")
"""Columns that a family of headers feeds, besides the stock; each header is the family's name and a number."""

CATEGORIES = ("Gear", "gear ", "Gadgetry", "Electronics")
"""Categories of mapped files: the vendor's own in two spellings, another one of the vendor, and an active category."""

TARGETS = ("Computer Accessories", "Electronics", "Home & Garden")

Result = TypeVar("Result")


def name_header(family: str, column: str) -> str:
    """Return the header of a column in a family."""
    return f"{family}-{COLUMNS.index(column)}" if column in COLUMNS else f"{family}-{column[:2]}"


def list_headers(family: str) -> list[str]:
    return [name_header(family, column) for column in ("group", *COLUMNS, "stock_quantity", "remark")]


def write_mapped_file(family: str, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return a file with the headers of a family.

    Two rows form a group: the second one has no subcategory of its own. Prices have a decimal comma and a currency. A
    row without a product, which only fill_down leaves out, follows the first group. Values under the last header are
    ignored.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(list_headers(family))
    for index, row in enumerate(rows):
        group = f"{family} {index // 2}"
        price = f"{row['price'].replace('.', ',')} EUR"
        cells = {**row, "price": price, "subcategory": row["subcategory"] if index % 2 == 0 else ""}
        writer.writerow([group, *(cells[column] for column in COLUMNS), cells["stock_quantity"], "="])
        if index == min(1, len(rows) - 1):
            picture = {"image_url": "https://images.example.com/other.jpg"}
            writer.writerow([group, *(picture.get(column, "") for column in COLUMNS), "", ""])
    return text.getvalue().encode()


def build_document(family: str, version: int, values: Mapping[str, str] | None = None) -> MappingDocument:
    """Return a version of a family's mapping: each has its own brand.

    Every second one swaps two columns, and has one header less, which is a warning about the file.
    """
    swapped = {"product_name": "description", "description": "product_name"} if version % 2 == 0 else {}
    targets = {name_header(family, column): HeaderMapping((swapped.get(column, column),)) for column in COLUMNS}
    targets[name_header(family, "price")] = HeaderMapping(("price",), MappedNumberFormat(",", ".", "EUR"))
    targets[name_header(family, "stock_quantity")] = HeaderMapping(("stock_quantity",))
    if not swapped:
        targets[name_header(family, "remark")] = HeaderMapping(())
    return MappingDocument(
        targets,
        {"brand": f"Version {version}"},
        FillDown(name_header(family, "group"), (name_header(family, "subcategory"),)),
        {"category": values} if values else {},
    )


class VendorMappings:
    """The mappings of the vendors in a run, and changes of them while uploads are processed.

    The ids of mappings are numbered, so that equal runs are equal, and changes leave no audit entries, whose order
    depends on the faults.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._created = 0
        self._versions: dict[str, int] = {}
        self.by_family: dict[tuple[str, str], SavedMapping] = {}

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Run work in a transaction of its own, in which no fault is injected."""
        with self._runtime.outside_of_calls(), open_connection(self._runtime.database_url) as connection:
            with connection.transaction():
                result = work(connection)
                connection.execute("delete from audit_log where action like 'mapping%' or action like 'value_map%'")
            return result

    def remember(self, vendor_id: str, family: str) -> SavedMapping:
        """Store the first version of a family's mapping, if it is new, and value mappings of the vendor."""
        if (vendor_id, family) not in self.by_family:
            self.by_family[vendor_id, family] = self._save(
                vendor_id, build_document(family, 1), name=f"Map {family}", headers=list_headers(family)
            )
            self.map_value(vendor_id, "Gear", TARGETS[0])
        return self.by_family[vendor_id, family]

    def create_unnamed(self, vendor_id: str, family: str) -> SavedMapping:
        """Store a mapping for one upload, which translates values as well."""
        return self._save(vendor_id, build_document(family, 1, {"Gadgetry": TARGETS[1]}))

    def _save(self, vendor_id: str, document: MappingDocument, **options: Any) -> SavedMapping:
        self._created += 1
        numbered = SimpleNamespace(token_hex=lambda _: f"{self._created:012x}")
        with apply_patches([(mappings, "secrets", numbered)]):
            return self.run(lambda c: mappings.save_mapping(c, ACTOR, vendor_id, document, **options))

    def add_version(self, vendor_id: str, family: str) -> None:
        """Store a new version of a family's mapping, unless it was deleted."""
        mapping = self.by_family[vendor_id, family]
        version = self._versions[mapping.mapping_id] = self._versions.get(mapping.mapping_id, 1) + 1
        document = build_document(family, version)
        with suppress(NotFound):
            self.run(lambda c: mappings.update_mapping(c, ACTOR, vendor_id, mapping.mapping_id, document=document))

    def delete(self, vendor_id: str, family: str) -> None:
        """Delete a family's mapping, unless it was deleted."""
        mapping = self.by_family[vendor_id, family]
        with suppress(NotFound):
            self.run(lambda c: mappings.delete_mapping(c, ACTOR, vendor_id, mapping.mapping_id))

    def map_value(self, vendor_id: str, value: str, target: str) -> None:
        self.run(lambda c: value_mappings.set_value_mappings(c, ACTOR, vendor_id, "category", {value: target}))

    def delete_values(self, vendor_id: str) -> None:
        """Delete the value mappings of a vendor."""
        self.run(lambda c: c.execute("delete from value_mappings where vendor_id = %s", (vendor_id,)))
