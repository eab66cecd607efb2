"""The pages docs/csv-format.md and docs/rules.md, written from the code: `python -m onboarding.reference docs`.

A test holds the pages against this, so that a limit that changes here changes there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from onboarding.categories import DEFAULT_CATEGORIES
from onboarding.codes import REFUSALS, ROW_ERRORS, WARNINGS
from onboarding.columns import column_facts, sample_row
from onboarding.examples import EXAMPLES
from onboarding.formulas import inert
from onboarding.model import COLUMNS
from onboarding.parse import MAX_BYTES, MAX_ROWS
from onboarding.quotes import printable
from onboarding.reading.header import DECIMAL_COMMA, FIX_COLUMNS, synonyms
from onboarding.report import HEADER
from onboarding.rules import CLEAR, REQUIRED, REQUIRED_TO_CHANGE, RULES, Check, errors_of

NEW_LINE = "\n"
BAR = "\\|"

OPTIONS = (
    ("mode", "--mode", "create", "Every row is a new product (the default)"),
    ("mode", "--mode", "update", "Every row changes the product with its vendor_product_id; none is created"),
    ("mode", "--mode", "upsert", "A row changes the product if it is there, and creates it if it is not"),
    ("on-error", "--on-error", "reject_rows", "Invalid rows stay out, the others enter (the default)"),
    ("on-error", "--on-error", "reject_file", "All rows enter, or none"),
    ("force", "--force", "true", "Taken in though the same content was uploaded within 24 hours"),
)


def csv_format() -> str:
    """The page on files: what may be in them, what is asked for with them, what comes back."""
    facts = column_facts()
    sample = sample_row(DEFAULT_CATEGORIES)
    return f"""# The file

One product a row, up to {MAX_BYTES // 1024 // 1024} MB and {MAX_ROWS:,} rows a file. CSV in UTF-8, UTF-16 or
Windows-1252, with comma, semicolon, tab or bar between the values, or an Excel workbook (`.xlsx`), of which the first
sheet that has these columns is read. Text that is not Unicode is read as Windows-1252 only where its letters are
evidence of a Western European language; otherwise the file is rejected, and no letter is guessed. White space
around a value is not part of it. `onboarding template` writes a file
to start from, `onboarding validate` says what would become of yours.

## Columns

In any order. A column that is none of these is left alone, and a warning names it. Values are text as they stand:
leading zeros stay.

{
        _table(
            ("Column", "Required", "Takes", "Example", "Meaning"),
            ((f.name, "yes" if f.required else "no", f.takes, f"`{f.example}`", f.meaning) for f in facts),
        )
    }

The header line may name them in any case and with spaces (`Product Name`), or as other systems do:

{_table(("Column", "Also known as"), ((name, ", ".join(synonyms()[name])) for name in COLUMNS))}

## What you can ask for

In the object's metadata (`aws s3 cp --metadata mode=update,on-error=reject_file`), or as options of
`onboarding upload`.

{_table(("Metadata", "Option", "Value", "Meaning"), OPTIONS)}

A new product needs {_and(REQUIRED)}. A row that changes a product needs {_and(REQUIRED_TO_CHANGE)} and what is to
change: a blank value keeps what is there, `{CLEAR}` empties an optional column. Of two rows of one file about one
product, the first counts. A SKU that the file itself sets free stays taken until its upload is finished.

The same content for the same purpose within 24 hours is recognised, and not taken in twice, unless the earlier upload
was refused, undone, or not finished by our fault.

## What comes back

One mail with the figures, the most frequent errors, and links to two files:

- The **report**, one line for each error: `{",".join(HEADER)}`.
- The **fix file**: your rejected rows with all your columns, unchanged, after `{",".join(FIX_COLUMNS)}`. Mend the
  values and upload it as it is: these columns are left out by their names. Where your numbers have a
  decimal comma, `{DECIMAL_COMMA}` names their columns; go on writing a comma there.

A value that a spreadsheet would run as a formula has an apostrophe before it in both files (`{inert("=A1")}`); numbers
do not (`-10.00`). When the fix file is uploaded, the apostrophe is taken away.

## Sample

```csv
{",".join(COLUMNS)}
{",".join(f'"{sample[name]}"' if "," in sample[name] else sample[name] for name in COLUMNS)}
```

## Why a whole file is refused

{_table(("Code", "Meaning"), REFUSALS.items())}

## Warnings

They change no data.

{_table(("Code", "Meaning"), WARNINGS.items())}
"""


def rules() -> str:
    """The page on rules: each with the errors that it makes of examples."""
    width = [e for example in EXAMPLES if example.row.surplus_fields for e in errors_of(example.row, example.facts)]
    return f"""# The rules

Every row is held against every rule, and every error is reported: code, column, message, the rejected value, what was
expected and, where there is one, a hint. The messages here are what the examples came to.

{"".join(_section(number, name, check) for number, (name, check) in enumerate(RULES, 1))}## Of the row as a whole

{_table(("Code", "Meaning"), ROW_ERRORS.items())}

{"".join(f"- {error.message}.{NEW_LINE}" for error in width)}"""


def _section(number: int, name: str, check: Check) -> str:
    errors = [error for example in EXAMPLES for error in check(example.row, example.facts)]
    lines = {
        (e.error_type, e.field, f"`{_short(e.value)}`" if e.value else "", e.message, e.expected, e.hint)
        for e in errors
    }
    table = _table(("Code", "Column", "Example", "Message", "Expected", "Hint"), sorted(lines))
    return f"## {number}. {name[0].upper()}{name[1:]}\n\n{table}\n\n"


def pages() -> dict[str, str]:
    """Each page by its name in docs/."""
    return {"csv-format.md": csv_format(), "rules.md": rules()}


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(value.replace('|', BAR) for value in line)} |" for line in lines)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _short(value: str) -> str:
    shown = printable(value)
    return shown if len(shown) <= 30 else f"{shown[:30]}…"


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
