"""`onboarding sample`: files of the three sample vendors, with a known number of deliberate errors."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.output import say
from onboarding.cli.sample_products import BRANDS, SampleProduct, articles_of
from onboarding.domain.product_schema import COLUMNS, MAX_LENGTHS, REQUIRED

SEED = 2024

Cells = dict[str, str]
Mutation = Callable[[random.Random, Cells, Cells], None]
"""Makes a valid row invalid; the second cells are those of an earlier row."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample file: its vendor, path, number of rows, and number of rows with errors."""

    vendor_id: str
    path: Path
    rows: int
    bad_rows: int


def sample_command(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Directory of the files.")] = Path("samples"),
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
    written = write_samples(directory, rows, error_rate, seed, run)
    for sample in written:
        say(f"{sample.path}: {sample.rows:,} rows, {sample.bad_rows:,} of them with errors")
    say(f"Upload one with: onboarding upload {written[0].path} --vendor {written[0].vendor_id} --wait")


def count_invalid_rows(rows: int, error_rate: float) -> int:
    """Return the number of rows with errors in a sample."""
    return round(rows * error_rate)


def write_samples(directory: Path, rows: int, error_rate: float, seed: int = SEED, run: str = "") -> list[Sample]:
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
            writer.writerows(sample_rows(vendor_id, rows, error_rate, seed, run))
        samples.append(Sample(vendor_id, path, rows, count_invalid_rows(rows, error_rate)))
    return samples


def sample_rows(vendor_id: str, rows: int, error_rate: float, seed: int = SEED, run: str = "") -> list[Cells]:
    """Return the rows of a vendor's file. Kinds of errors alternate: eight invalid rows have every kind."""
    rng = random.Random(f"{seed} {vendor_id}")  # noqa: S311 - samples are to be reproducible
    invalid_count = count_invalid_rows(rows, error_rate)
    # The first row is valid if any is, so that a later row can repeat it.
    invalid = set(rng.sample(range(2, rows + 1), min(invalid_count, rows - 1)))
    if invalid_count == rows:
        invalid.add(1)
    written: list[Cells] = []
    valid: list[Cells] = []
    turn = 0
    for number in range(1, rows + 1):
        cells = _valid_row(rng, vendor_id, number, max(4, len(str(rows))), run)
        if number in invalid:
            MUTATIONS[turn % len(MUTATIONS)](rng, cells, rng.choice(valid or written[:1] or [cells]))
            turn += 1
        else:
            valid.append(cells)
        written.append(cells)
    return written


def _valid_row(rng: random.Random, vendor_id: str, number: int, digits: int, run: str) -> Cells:
    article = rng.choice(articles_of(vendor_id))
    price = rng.randrange(article.price[0], article.price[1] + 1, 50)
    middle = f"{run}-" if run else ""
    filled = dict.fromkeys(COLUMNS, "") | {
        "vendor_product_id": f"PROD{middle}{number:0{digits}}",
        "product_name": f"{article.name} - Model {rng.randint(100, 999)}",
        "category": article.category,
        "subcategory": article.subcategory,
        "description": article.description,
        "sku": f"{article.code}-{vendor_id}-{middle}{number:0{digits}}",
        "brand": rng.choice(BRANDS[vendor_id]),
        "price": _amount(price),
        "compare_at_price": _amount(price * 5 // 4) if rng.random() < 0.3 else "",
        "stock_quantity": "0" if rng.random() < 0.05 else str(rng.randint(1, 500)),
        "unit": article.unit,
        "weight_kg": f"{rng.randint(*article.weight) / 1000:.3f}",
        "dimensions_cm": article.dimensions,
        "image_url": _image(article, number),
    }
    # Vendors often leave optional columns blank.
    for column in ("subcategory", "description", "brand", "weight_kg", "dimensions_cm", "image_url"):
        if rng.random() < 0.05:
            filled[column] = ""
    return filled


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _image(article: SampleProduct, number: int) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in article.name.casefold()).split()
    return f"https://images.example.com/{'-'.join(words)}-{number}.jpg"


def _wrong_price(rng: random.Random, cells: Cells, _: Cells) -> None:
    cells["price"] = rng.choice(("0.00", "-10.00", "1000000.00", "$19.99", "19.999", "free"))


def _missing_fields(rng: random.Random, cells: Cells, _: Cells) -> None:
    for column in rng.sample(REQUIRED, rng.randint(1, 2)):
        cells[column] = ""


def _wrong_stock(rng: random.Random, cells: Cells, _: Cells) -> None:
    cells["stock_quantity"] = rng.choice(("-5", "2.5", "1000001", "plenty"))


def _too_long(rng: random.Random, cells: Cells, _: Cells) -> None:
    column = rng.choice(("product_name", "description", "brand", "subcategory"))
    length = MAX_LENGTHS[column] + rng.randint(1, 30)
    phrase = f"{cells[column] or 'Our best seller'}; "
    cells[column] = (phrase * (length // len(phrase) + 1))[: length - 1] + "."


def _unknown_category(rng: random.Random, cells: Cells, _: Cells) -> None:
    cells["category"] = rng.choice(("Gadgets", "Computer Acessories", "Misc", "Home and Garden"))


def _repeated_sku(_: random.Random, cells: Cells, earlier: Cells) -> None:
    cells["sku"] = earlier["sku"]


def _repeated_id(_: random.Random, cells: Cells, earlier: Cells) -> None:
    cells["vendor_product_id"] = earlier["vendor_product_id"]


def _several(_: random.Random, cells: Cells, __: Cells) -> None:
    cells.update(price="-1.00", stock_quantity="-1", category="Unknown")


MUTATIONS: tuple[Mutation, ...] = (
    _wrong_price,  # first, because it keeps the IDs, which later rows repeat in a file without valid rows
    _missing_fields,
    _wrong_stock,
    _too_long,
    _unknown_category,
    _repeated_sku,
    _repeated_id,
    _several,
)
