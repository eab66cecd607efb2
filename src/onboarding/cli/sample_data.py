"""`onboarding sample`: files for the three sample vendors, good products and a known number of deliberate errors."""

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
Spoil = Callable[[random.Random, Cells, Cells], None]
"""Makes a good row bad; the second cells are those of an earlier row."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that was written: whose it is, how many rows it has, and how many of these have errors."""

    vendor_id: str
    path: Path
    rows: int
    bad_rows: int


def sample_command(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write them.")] = Path("samples"),
    rows: Annotated[int, typer.Option(min=1, help="Products in each file.")] = 100,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of rows with errors, from 0 to 1.")] = 0.08,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = SEED,
    run: Annotated[
        str, typer.Option(help="A word that goes into names, ids and SKUs: a further sample, all of it new.")
    ] = "",
) -> None:
    """Write a sample file for each of three vendors, with deliberate errors of every kind."""
    if run and not (run.isascii() and run.replace("-", "").isalnum() and len(run) <= 20):
        raise CommandError("--run takes up to 20 letters, digits and hyphens")
    written = write_samples(directory, rows, error_rate, seed, run)
    for sample in written:
        say(f"{sample.path}: {sample.rows:,} rows, {sample.bad_rows:,} of them with errors")
    say(f"Upload one with: onboarding upload {written[0].path} --vendor {written[0].vendor_id} --wait")


def bad_rows_of(rows: int, error_rate: float) -> int:
    """How many of so many rows a sample spoils."""
    return round(rows * error_rate)


def write_samples(directory: Path, rows: int, error_rate: float, seed: int = SEED, run: str = "") -> list[Sample]:
    """Write one file for each sample vendor into `directory`, which is made if need be.

    The same arguments give the same files. Another `run` gives other ids and SKUs, so that its rows are no duplicates.
    """
    directory.mkdir(parents=True, exist_ok=True)
    samples = []
    for vendor_id in BRANDS:
        path = directory / (f"{vendor_id}-{run}.csv" if run else f"{vendor_id}.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(sample_rows(vendor_id, rows, error_rate, seed, run))
        samples.append(Sample(vendor_id, path, rows, bad_rows_of(rows, error_rate)))
    return samples


def sample_rows(vendor_id: str, rows: int, error_rate: float, seed: int = SEED, run: str = "") -> list[Cells]:
    """The rows of a vendor's file. Errors take turns: with eight bad rows or more, each kind is among them."""
    rng = random.Random(f"{seed} {vendor_id}")  # noqa: S311 - samples are to be reproducible
    bad = bad_rows_of(rows, error_rate)
    # The first row is good as long as any is, so that there is one that a later row can repeat.
    spoiled = set(rng.sample(range(2, rows + 1), min(bad, rows - 1)))
    if bad == rows:
        spoiled.add(1)
    written: list[Cells] = []
    good: list[Cells] = []
    turn = 0
    for number in range(1, rows + 1):
        cells = _good(rng, vendor_id, number, max(4, len(str(rows))), run)
        if number in spoiled:
            SPOILS[turn % len(SPOILS)](rng, cells, rng.choice(good or written[:1] or [cells]))
            turn += 1
        else:
            good.append(cells)
        written.append(cells)
    return written


def _good(rng: random.Random, vendor_id: str, number: int, digits: int, run: str) -> Cells:
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
    # Vendors leave out what they need not give.
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
    wanted = MAX_LENGTHS[column] + rng.randint(1, 30)
    phrase = f"{cells[column] or 'Our best seller'}; "
    cells[column] = (phrase * (wanted // len(phrase) + 1))[: wanted - 1] + "."


def _unknown_category(rng: random.Random, cells: Cells, _: Cells) -> None:
    cells["category"] = rng.choice(("Gadgets", "Computer Acessories", "Misc", "Home and Garden"))


def _repeated_sku(_: random.Random, cells: Cells, earlier: Cells) -> None:
    cells["sku"] = earlier["sku"]


def _repeated_id(_: random.Random, cells: Cells, earlier: Cells) -> None:
    cells["vendor_product_id"] = earlier["vendor_product_id"]


def _several(_: random.Random, cells: Cells, __: Cells) -> None:
    cells.update(price="-1.00", stock_quantity="-1", category="Unknown")


SPOILS: tuple[Spoil, ...] = (
    _wrong_price,  # first, because it leaves the ids alone: in a file of bad rows only, later ones repeat them
    _missing_fields,
    _wrong_stock,
    _too_long,
    _unknown_category,
    _repeated_sku,
    _repeated_id,
    _several,
)
