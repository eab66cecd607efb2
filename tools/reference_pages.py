"""The pages docs/csv-format.md and docs/rules.md, written from the code: `python -m tools.reference_pages docs`.

A test holds the pages against this, so that a limit that changes here changes there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from onboarding.aws.objects import ENDINGS
from onboarding.domain.error_codes import Code, RejectionCode, RowErrorCode, WarningCode
from onboarding.domain.placeholders import SAMPLE
from onboarding.domain.placeholders import WORDS as PLACEHOLDER_WORDS
from onboarding.domain.product_schema import (
    COLUMNS,
    DEFAULT_CATEGORIES,
    IDENTIFIERS,
    NUMBER_COLUMNS,
    PRODUCT_SCHEMA,
    REQUIRED,
    REQUIRED_TO_CHANGE,
    sample_row,
)
from onboarding.domain.text import printable
from onboarding.domain.validation import CLEAR, RULES, Check, validate_row
from onboarding.files.column_checks import MOST_CATEGORIES
from onboarding.files.error_report import HEADER
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.header import DECIMAL_COMMA, FIX_COLUMNS, LINES_SEARCHED
from onboarding.files.header_names import synonyms
from onboarding.files.parser import MAX_BYTES, MAX_ROWS
from onboarding.pipeline.parser_process import CPU_SECONDS, MEMORY_MB
from tools.rule_examples import EXAMPLES

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
    sample = sample_row(DEFAULT_CATEGORIES)
    return f"""# The file

One product a row, up to {MAX_BYTES // 1024 // 1024} MB and {MAX_ROWS:,} rows a file. CSV in UTF-8, UTF-16 or
Windows-1252, with comma, semicolon, tab or bar between the values, or an Excel workbook (`.xlsx`). Text that is not
Unicode is read as Windows-1252 only where its letters are evidence of a Western European language; otherwise the file
is rejected, and no letter is guessed. White space around a value is not part of it. `onboarding template` writes a file
to start from, `onboarding validate` says what would become of yours.

The name of the file must end in {ENDINGS}, in small letters or capitals; how the file is read depends on its content
alone. A file with another name is rejected with a reason and a mail; an empty object whose key ends in `/`, as the S3
console makes one for a folder, is ignored. Reading a file may take {CPU_SECONDS} seconds of processor time and
{MEMORY_MB} MB of memory: a file of products needs less than half of either, one that needs more is rejected.

## Columns

In any order. A column that is none of these is left alone, and a warning names it. Values are text as they stand:
leading zeros stay.

{
        _table(
            ("Column", "Required", "Takes", "Example", "Meaning"),
            (
                (c.name, "yes" if c.name in REQUIRED else "no", c.limits, f"`{c.example}`", c.description)
                for c in PRODUCT_SCHEMA.values()
            ),
        )
    }

The header line may name them in any case and with spaces (`Product Name`), or as other systems do:

{_table(("Column", "Also known as"), ((name, ", ".join(synonyms()[name])) for name in COLUMNS))}

- Our own name for a column comes before every other: beside `product_name`, a column `Title` is not read. Two other
  names for one column are rejected.
- A price column may state its currency (`Price (EUR)`, `Preis in €`), the stock that it counts pieces (`Stock (pcs)`).
  Weights are read in kilograms and dimensions in centimetres only: `Weight (g)` is another column. Two currencies are
  rejected.
- A sign such as `#`, `%`, `$` or `?` changes what a name means: `Stock #` and `Price %` are other columns.
- A name that means something else in another language (`Nombre` is French for a number) is known only beside another
  name of its own language.
- `standard_price` beside `list_price`, `sales_price` or `cost` is rejected: some systems call the cost by that name.

## Lines and values

- The header is the line among the first {LINES_SEARCHED} that names most columns. Lines above it are not read, unless
  they look like products: then the file is rejected. So is one with a second header that names other columns.
- Lines without any value are not rows. Neither are lines that repeat the header or say how to fill it in, rulers
  (`-----`), totals, lines with nothing but zeros, and at the end of the file notes such as `(2 rows)`, sums, defaults
  and errors that were dragged down, and three or more lines with nothing but an identifier. A warning names each line
  that was not read. Every line of a fix file is a row.
- A line that begins with `#`, `//`, `--`, `;` or `%` is a comment if the file has a line that is nothing but a
  comment. In other files it is a row, with a warning.
- A row may end before the header does, as Excel leaves out blank values, if it has all required columns; a warning
  names it. Any other row with more or fewer values than the header is an error, unless the surplus values are blank.
- A column without a name is a column that is not read if at least two rows, and nine of ten, have a value in it.
  Otherwise a value in it is an error of its row: a comma inside another value brought it there. The same holds for
  names that programs give to such columns (`Unnamed: 7`, `...7`, `__EMPTY`).
- Where commas separate the values, a row is an error as well if an unquoted decimal comma (`12,5`) has shifted its
  values. Other rows show it, which have a value too many in the same place; or a weight of 0 before a number in a
  column of text; or several rows with different numbers in a column of text in which no other row has one.
- A value in quotes may have several lines. If lines of it look like rows of the table, a quote was opened in one row
  and closed in another, and the file is rejected. Blanks around quotes are not part of a value.
- Where the header's name stands in `="…"`, so do the values of its column, and they are read without.

## Decimal commas

Numbers are read with a decimal point. A column in which numbers have a decimal comma that can be nothing else
(`19,99`), and none has a decimal point, is read with decimal commas. `1,234` can be either: it is read with a decimal
comma if other numbers of its column or of another column have one, and no column has decimal points. In a
text file with decimal commas, `1.234` is an error unless its own column has a number that can only have a decimal
point. Nothing else is changed.

## Workbooks

The visible sheet with the products is read. A sheet whose name begins with `_` is skipped, unless no other has
products. If two sheets have products, the file is refused, and the answer names them: put all products into one, or
hide the others.

- **Numbers** ({
        _and(tuple(NUMBER_COLUMNS))
    }): the cell's value counts, with the 15 digits that Excel keeps, not what its number
  format shows. Stock 2.5 shown as 3 is an error; a price of 19.99 shown as 20 is 19.99, with a warning. A unit or a
  percent sign that the format adds is an error (`250 g`), except `kg` in weight_kg. Text such as `24,90` among numeric
  cells is read with a decimal comma, as in a CSV file.
- **Currencies**: symbols, codes and words of one currency (`€`, `EUR`, `kr`, `zł`) that the number format of a price
  adds are left out. More than one currency in the prices of a file: the file is refused.
- **Identifiers** ({_and(IDENTIFIERS)}): as the sheet shows them, so leading zeros of a format such as `00000` count.
  Decimals and commas that only the format adds do not (`12345.00` is `12345`). Digits that the format hides count.
- **Texts**: as the sheet shows them.
- **Dates**: an error in a number column or an identifier, since a spreadsheet made a date of it; in a text column the
  date as the sheet shows it, with a warning.
- **Merged cells**: each row of a merged range gets the value of the range, with a warning; identifiers are then
  duplicates. Of a range across columns the first column gets the value.
- **Hidden rows and columns**, also those of a filter, are read like the others, with a warning.
- **Hyperlinks**: in image_url the address of a hyperlink or of a `HYPERLINK` or `IMAGE` formula counts, not the words
  that the sheet shows for it. Other formulas count with the result that the workbook has stored.

## How values are read

{_values()}
## What you can ask for

In the object's metadata (`aws s3 cp --metadata mode=update,on-error=reject_file`), or as options of
`onboarding upload`.

{_table(("Metadata", "Option", "Value", "Meaning"), OPTIONS)}

A new product needs {_and(REQUIRED)}. A row that changes a product needs {_and(REQUIRED_TO_CHANGE)} and what is to
change: a blank value keeps what is there, `{CLEAR}` empties an optional column. Of two rows of one file about one
product, the first counts. A SKU that the file itself sets free stays taken for its own rows until its upload is
finished; another vendor may take it at once.

The same content for the same purpose within 24 hours is recognised, and not taken in twice, unless nothing of the
earlier upload was accepted, or it was undone, or not finished by our fault.

## What comes back

One mail with the figures, the most frequent errors, and links to two files:

- The **report**, one line for each error: `{",".join(HEADER)}`.
  `Row Number` counts product rows: the first one below the header is 1.
- The **fix file**: your rejected rows with all your columns, unchanged, after `{",".join(FIX_COLUMNS)}`. Mend the
  values and upload it as it is: these columns are left out by their names. Where your numbers have a
  decimal comma, `{DECIMAL_COMMA}` names their columns; go on writing a comma there.

`_row`, the mail, and every message number rows as a spreadsheet does, where the header usually is row 1.

A value that a spreadsheet would run as a formula has an apostrophe before it in both files (`{
        escape_formula("=A1")
    }`); numbers
do not (`-10.00`). Of a value that begins with an apostrophe itself, that one is doubled. When the fix file is uploaded,
one apostrophe is taken away from each such value: leave the doubled ones as they are.

## Sample

```csv
{",".join(COLUMNS)}
{",".join(f'"{sample[name]}"' if "," in sample[name] else sample[name] for name in COLUMNS)}
```

## Why a whole file is refused

{_codes(RejectionCode)}

## Warnings

The rows are accepted. A warning names ten rows at most.

{_codes(WarningCode)}
"""


def _values() -> str:
    """What may be written in a value, and what counts as what: one rule for each."""
    words = " ".join(f"`{word}`" for word in PLACEHOLDER_WORDS)
    return f"""- **Numbers** are ASCII digits, with `-` before and a decimal sign between them where needed. Zeros at
  either end do not matter: `24.000000` is the price 24.00, and `10.0` pieces are 10. A value in another spelling
  (`1 234,50`, `$5`, `.99`, `19,-`, `+5`) is an error with the plain number as a hint. The hint has a decimal comma
  where the column has one. A point that may stand before decimals or between thousands (`5.000` pieces) is an error,
  unless another number of the column shows that its points stand before decimals (`7.0`).
- **Placeholders** count as blank, in capitals, in small letters, or with a capital first:
  {words}. In {_and(REQUIRED)}
  a placeholder is the error `PLACEHOLDER_VALUE`; in any other column the value is left out, and a warning names the
  rows. If the row changes a product, the product keeps what it has.
- **Identifiers** ({_and(IDENTIFIERS)}) are compared and stored in Unicode's composed form (NFC): `É` is one character,
  however it was written. Otherwise every character counts, and case too. Invisible characters in them are errors. A
  warning names identifiers of one file that differ only in case or in characters that look alike, those that can be
  read as ASCII or mix scripts in a word though they have letters of another script (a Cyrillic `A`) or other dashes,
  those that hold several separated by commas, semicolons or bars, and long codes of which most end in zeros.
- **Damage by spreadsheets**: shortened numbers (`4.00638E+12`; `1E5` has no sign and no decimals, and is an
  identifier), dates in the languages of Excel's users, truth values, formulas and their errors are errors in
  identifiers. So are numbers in a column where every number, two or more, has the same zeros behind a decimal sign
  (`12345.0`), numbers in a column where every number of more than three digits, two or more, has commas between
  thousands (`12,345`), and dates with a two-digit year up to 2039 (`01.03.24`) in a column where every value of that
  form is such a date. What may be a date or a code (`24-03-01`, `set-24`) is an error in a column that has other
  dates, else a warning. Dates in dimensions_cm are errors, dates in other texts are warnings.
- **Texts** are stored as they are written. Control characters, characters that turn the direction of the text after
  them, private use and annotations (U+FFF9 to U+FFFB), and U+FFFE and U+FFFF are errors.
- **Images**: one address with `http://` or `https://` and a host that the Internet may know: no `localhost`, no name
  without a dot or within a network (`.local`), no private number, no user name, no HTML notation (`&amp;`). Whether
  there is an image is not checked.
- **Categories** are suggested word by word, without regard to case, accents, plural and order, if all words agree but
  for mistakes in writing (one letter of a word of five, two of one of nine, not the first), or if all words of one are
  among those of the other; and only if no other category fits as well. The first {MOST_CATEGORIES} different
  categories of a file get a suggestion.
- **The sample row** of the template is an error as long as its {_and(tuple(SAMPLE))} are unchanged.
"""


def rules() -> str:
    """The page on rules: each with the errors that it makes of examples."""
    sections = "".join(_section(number, name, check) for number, (name, check) in enumerate(RULES, 1))
    width = [e for example in EXAMPLES if example.row.surplus_fields for e in validate_row(example.row, example.facts)]
    return f"""# The rules

Every row is held against every rule, and every error is reported: code, column, message, the rejected value, what was
expected and, where there is one, a hint. The messages here are what the examples came to. What counts as a number, a
placeholder, an identifier or an address says [the page on the file](csv-format.md#how-values-are-read).

{sections}## Rows with a wrong number of values

{"".join(f"- {error.message}.{NEW_LINE}" for error in width)}
## All codes

{_codes(RowErrorCode)}
"""


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


def _codes(codes: Iterable[Code]) -> str:
    return _table(("Code", "Title", "Meaning"), ((code, code.label, code.description) for code in codes))


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
