"""Generator of docs/csv-format.md, docs/mappings.md and docs/rules.md: `python -m tools.reference_pages docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jinja2 import StrictUndefined, Template

from onboarding.aws.objects import ENDINGS
from onboarding.domain.error_codes import Code, RejectionCode, RowErrorCode, WarningCode
from onboarding.domain.mapped_numbers import DECIMAL_SIGNS, FACTORS, MAX_REMOVED_TEXT, THOUSANDS_SEPARATORS
from onboarding.domain.mappings import (
    MAX_HEADER_LENGTH,
    MAX_HEADERS,
    MAX_VALUE_LENGTH,
    MAX_VALUES,
    VALUE_COLUMNS,
)
from onboarding.domain.placeholders import PLACEHOLDER_WORDS, SAMPLE
from onboarding.domain.product_changes import CLEAR
from onboarding.domain.product_schema import (
    IDENTIFIERS,
    NUMBER_COLUMNS,
    PRODUCT_SCHEMA,
    REQUIRED,
    REQUIRED_TO_CHANGE,
)
from onboarding.domain.text import printable
from onboarding.domain.validation import RULES, Check
from onboarding.files.column_checks import MAX_SUGGESTED_CATEGORIES
from onboarding.files.error_report import HEADER
from onboarding.files.fix_workbook import MAX_COMMENTS
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.header import DECIMAL_COMMA, FIX_COLUMNS, MAPPING_REFERENCE
from onboarding.files.header_search import LINES_SEARCHED
from onboarding.files.parser import MAX_BYTES, MAX_ROWS
from onboarding.files.presets import Preset, list_presets
from onboarding.pipeline.parser_process import CPU_SECONDS, MEMORY_MB
from onboarding.storage.mappings import MAX_MAPPINGS, NAME_LENGTH
from onboarding.storage.value_mappings import MAX_VALUE_MAPPINGS
from tools.rule_examples import EXAMPLES

BAR = "\\|"

OPTIONS = (
    ("mode", "create", "Every row is a new product (the default)"),
    ("mode", "update", "Every row changes the product with its vendor_product_id"),
    ("mode", "upsert", "A row changes an existing product, or creates it"),
    ("on-error", "reject_rows", "Invalid rows are rejected, the others are accepted (the default)"),
    ("on-error", "reject_file", "One invalid row rejects all rows"),
    ("force", "true", "Accept content that was uploaded within 24 hours"),
    ("mapping", "name or ID", "Use this mapping, not the one remembered for the headers; `none`: no mapping"),
)


NUMBER_FORMAT = (
    ("decimal_sign", DECIMAL_SIGNS, "point"),
    ("thousands_separator", THOUSANDS_SEPARATORS, "none"),
    ("factor", FACTORS, "1; for grams 0.001, for cents 0.01"),
)


def csv_format() -> str:
    """Return the page on the file format."""
    return _page(
        "csv-format",
        max_megabytes=MAX_BYTES // 1024 // 1024,
        max_rows=f"{MAX_ROWS:,}",
        endings=ENDINGS,
        cpu_seconds=CPU_SECONDS,
        memory_mb=MEMORY_MB,
        columns=_table(
            ("Column", "Required", "Takes", "Example", "Meaning"),
            (
                (c.name, "yes" if c.name in REQUIRED else "no", c.limits, f"`{c.example}`", c.description)
                for c in PRODUCT_SCHEMA.values()
            ),
        ),
        lines_searched=LINES_SEARCHED,
        placeholders=" ".join(f"`{word}`" for word in PLACEHOLDER_WORDS),
        numbers=_and(tuple(NUMBER_COLUMNS)),
        identifiers=_and(IDENTIFIERS),
        most_categories=MAX_SUGGESTED_CATEGORIES,
        sample_columns=_and(tuple(SAMPLE)),
        options=_table(("Option", "Value", "Meaning"), OPTIONS),
        required_to_change=_and(REQUIRED_TO_CHANGE),
        clear=CLEAR,
        fix_columns=",".join(FIX_COLUMNS),
        most_comments=f"{MAX_COMMENTS:,}",
        decimal_comma=DECIMAL_COMMA,
        mapping_reference=MAPPING_REFERENCE,
        report_header=",".join(HEADER),
        formula=escape_formula("=A1"),
    )


def mappings() -> str:
    """Return the page on mappings."""
    removed_text = f"a currency or unit beside the number: up to {MAX_REMOVED_TEXT} characters, no digits"
    return _page(
        "mappings",
        value_columns=_and(VALUE_COLUMNS),
        number_format=_table(
            ("Field", "Values", "Default"),
            (
                *((f"`{name}`", _list_choices(choices), default) for name, choices, default in NUMBER_FORMAT),
                ("`remove`", removed_text, "none"),
            ),
        ),
        limits=_table(
            ("Item", "Maximum"),
            (
                ("mappings of a vendor; published presets", f"{MAX_MAPPINGS:,} each"),
                ("value mappings of a vendor; category aliases", f"{MAX_VALUE_MAPPINGS:,} each"),
                ("headers of a document", f"{MAX_HEADERS:,}, of {MAX_HEADER_LENGTH - 1} characters"),
                ("values of a document", f"{MAX_VALUES:,}, of {MAX_VALUE_LENGTH} characters"),
                ("name", f"{NAME_LENGTH} characters, without `/`; unique for the vendor"),
            ),
        ),
        presets=_table(
            ("System", "Required columns not fed", "Optional columns fed"), map(_describe_preset, list_presets())
        ),
    )


def _describe_preset(preset: Preset) -> Sequence[str]:
    fed_columns = {column for preset_header in preset.headers for column in preset_header.target.columns}
    unfed_columns = [column for column in REQUIRED if column not in fed_columns]
    optional_columns = [column for column in PRODUCT_SCHEMA if column in fed_columns and column not in REQUIRED]
    return preset.name, ", ".join(unfed_columns) or "none", ", ".join(optional_columns)


def _list_choices(choices: Iterable[str]) -> str:
    return ", ".join({"": "none", " ": "space"}.get(choice, f"`{choice}`") for choice in choices)


def rules() -> str:
    """Return the page on rules and codes; its messages are those of the rules."""
    examples = [line for number, (name, check) in enumerate(RULES, 1) for line in _examples(f"{number}. {name}", check)]
    return _page(
        "rules",
        rules=_table(("Rule", "Code", "Column", "Example", "Message"), examples),
        row_errors=_codes(code for code in RowErrorCode if code not in {line[1] for line in examples}),
        file_errors=_codes(RejectionCode),
        warnings=_codes(WarningCode),
    )


def _examples(rule: str, check: Check) -> Iterator[Sequence[str]]:
    """Yield the first example of each code of a rule; only the first line names the rule."""
    errors = [error for example in EXAMPLES for error in check(example.row, example.facts)]
    for code in dict.fromkeys(error.error_type for error in errors):
        error = next(error for error in errors if error.error_type == code)
        value = f"`{_short(error.value)}`" if error.value else ""
        yield rule, error.error_type, error.field, value, error.message
        rule = ""


def pages() -> dict[str, str]:
    """Return each page by its name in docs/."""
    return {"csv-format.md": csv_format(), "mappings.md": mappings(), "rules.md": rules()}


def _page(name: str, **values: object) -> str:
    """Fill in the template of a page."""
    text = Path(__file__).with_name(f"{name}.md.jinja").read_text(encoding="utf-8")
    return str(Template(text, undefined=StrictUndefined, keep_trailing_newline=True).render(values))


def _codes(codes: Iterable[Code]) -> str:
    return _table(("Code", "Meaning"), ((code, code.description) for code in codes))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(value.replace('|', BAR) for value in line)} |" for line in lines)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _short(value: str) -> str:
    text = printable(value)
    return text if len(text) <= 30 else f"{text[:30]}…"


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
