"""`onboarding sample`: files for the three sample vendors with a fixed number of deliberate errors."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.output import format_count, print_line
from onboarding.cli.sample_products import BRANDS, SampleProduct, load_sample_products
from onboarding.domain.product_schema import COLUMNS, MAX_LENGTHS, REQUIRED

SEED = 2024

SampleRow = dict[str, str]
"""Text of each column."""

Mutation = Callable[[random.Random, SampleRow, SampleRow], None]
"""Makes the first row invalid; the second row is an earlier one."""


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A sample file; `rows` and `invalid_rows` are numbers."""

    vendor_id: str
    path: Path
    rows: int
    invalid_rows: int


def sample_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of the files.")] = Path("samples"),
    rows: Annotated[int, typer.Option(min=1, help="Rows in each file.")] = 100,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of rows with errors.")] = 0.08,
    seed: Annotated[int, typer.Option(help="Seed; the same seed writes the same files.")] = SEED,
    run: Annotated[
        str, typer.Option(help="Word in file names, IDs and SKUs, so that no row repeats another sample.")
    ] = "",
) -> None:
    """Write a sample file for each of three vendors, with deliberate errors."""
    if run and not (run.isascii() and run.replace("-", "").isalnum() and len(run) <= 20):
        raise CommandError("--run must have up to 20 letters, digits and hyphens")
    samples = write_samples(directory, rows, error_rate, seed, run)
    for sample in samples:
        print_line(f"{sample.path}: {format_count(sample.rows, 'row')}, {sample.invalid_rows:,} of them with errors")
    print_line(f"Upload one with: onboarding upload {samples[0].path} --vendor {samples[0].vendor_id} --wait")


def count_invalid_rows(rows: int, error_rate: float) -> int:
    """Return the number of rows with errors in a sample."""
    return round(rows * error_rate)


def write_samples(directory: Path, rows: int, error_rate: float, seed: int = SEED, run: str = "") -> list[SampleFile]:
    """Write one file for each sample vendor into `directory`, which is created if it is missing.

    The same arguments write the same files. Another `run` gives other IDs and SKUs, so that its rows are no duplicates.
    """
    directory.mkdir(parents=True, exist_ok=True)
    samples = []
    for vendor_id in BRANDS:
        path = directory / (f"{vendor_id}-{run}.csv" if run else f"{vendor_id}.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(make_sample_rows(vendor_id, rows, error_rate, seed, run))
        samples.append(SampleFile(vendor_id, path, rows, count_invalid_rows(rows, error_rate)))
    return samples


def make_sample_rows(vendor_id: str, rows: int, error_rate: float, seed: int = SEED, run: str = "") -> list[SampleRow]:
    """Return the rows of a vendor's file. The mutations take turns, so eight invalid rows have every kind of error."""
    rng = random.Random(f"{seed} {vendor_id}")  # noqa: S311 - samples are to be reproducible
    invalid_count = count_invalid_rows(rows, error_rate)
    # The first row is valid if any is, so that a later row can repeat it.
    invalid_numbers = set(rng.sample(range(2, rows + 1), min(invalid_count, rows - 1)))
    if invalid_count == rows:
        invalid_numbers.add(1)
    result: list[SampleRow] = []
    valid_rows: list[SampleRow] = []
    mutations = itertools.cycle(MUTATIONS)
    for number in range(1, rows + 1):
        row = _make_valid_row(rng, vendor_id, number, max(4, len(str(rows))), run)
        if number in invalid_numbers:
            earlier = rng.choice(valid_rows or result[:1] or [row])
            next(mutations)(rng, row, earlier)
        else:
            valid_rows.append(row)
        result.append(row)
    return result


def _make_valid_row(rng: random.Random, vendor_id: str, number: int, digits: int, run: str) -> SampleRow:
    product = rng.choice(load_sample_products(vendor_id))
    price = rng.randrange(product.price[0], product.price[1] + 1, 50)
    infix = f"{run}-" if run else ""
    row = dict.fromkeys(COLUMNS, "") | {
        "vendor_product_id": f"PROD{infix}{number:0{digits}}",
        "product_name": f"{product.name} - Model {rng.randint(100, 999)}",
        "category": product.category,
        "subcategory": product.subcategory,
        "description": product.description,
        "sku": f"{product.code}-{vendor_id}-{infix}{number:0{digits}}",
        "brand": rng.choice(BRANDS[vendor_id]),
        "price": _format_cents(price),
        "compare_at_price": _format_cents(price * 5 // 4) if rng.random() < 0.3 else "",
        "stock_quantity": "0" if rng.random() < 0.05 else str(rng.randint(1, 500)),
        "unit": product.unit,
        "weight_kg": f"{rng.randint(*product.weight) / 1000:.3f}",
        "dimensions_cm": product.dimensions,
        "image_url": _make_image_url(product, number),
        "status": "active",
    }
    # Vendors often leave optional columns blank.
    for column in ("subcategory", "description", "brand", "weight_kg", "dimensions_cm", "image_url"):
        if rng.random() < 0.05:
            row[column] = ""
    return row


def _format_cents(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _make_image_url(product: SampleProduct, number: int) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in product.name.casefold()).split()
    return f"https://images.example.com/{'-'.join(words)}-{number}.jpg"


def _set_invalid_price(rng: random.Random, row: SampleRow, _: SampleRow) -> None:
    row["price"] = rng.choice(("0.00", "-10.00", "1000000.00", "$19.99", "19.999", "free"))


def _clear_required_fields(rng: random.Random, row: SampleRow, _: SampleRow) -> None:
    for column in rng.sample(REQUIRED, rng.randint(1, 2)):
        row[column] = ""


def _set_invalid_stock(rng: random.Random, row: SampleRow, _: SampleRow) -> None:
    row["stock_quantity"] = rng.choice(("-5", "2.5", "1000001", "plenty"))


def _set_long_text(rng: random.Random, row: SampleRow, _: SampleRow) -> None:
    column = rng.choice(("product_name", "description", "brand", "subcategory"))
    length = MAX_LENGTHS[column] + rng.randint(1, 30)
    phrase = f"{row[column] or 'Our best seller'}; "
    row[column] = (phrase * (length // len(phrase) + 1))[: length - 1] + "."


def _set_unknown_category(rng: random.Random, row: SampleRow, _: SampleRow) -> None:
    row["category"] = rng.choice(("Gadgets", "Computer Acessories", "Misc", "Home and Garden"))


def _repeat_sku(_: random.Random, row: SampleRow, earlier: SampleRow) -> None:
    row["sku"] = earlier["sku"]


def _repeat_id(_: random.Random, row: SampleRow, earlier: SampleRow) -> None:
    row["vendor_product_id"] = earlier["vendor_product_id"]


def _set_several_errors(_: random.Random, row: SampleRow, __: SampleRow) -> None:
    row.update(price="-1.00", stock_quantity="-1", category="Unknown")


MUTATIONS: tuple[Mutation, ...] = (
    _set_invalid_price,  # first: in a file without valid rows, later rows repeat the IDs of this row
    _clear_required_fields,
    _set_invalid_stock,
    _set_long_text,
    _set_unknown_category,
    _repeat_sku,
    _repeat_id,
    _set_several_errors,
)
