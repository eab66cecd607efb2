"""Headers that have the name of our column `status`: in exports of other systems, it often has other values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from onboarding.domain.column_types import ProductStatus
from onboarding.domain.existing_product_rules import INVALID_STATUS
from onboarding.domain.mappings import normalize_key
from onboarding.domain.models import FileRejection
from onboarding.domain.product_changes import VERSION
from onboarding.files.header import ERRORS, Header
from onboarding.files.header_names import unwrap_text_formula
from onboarding.files.header_parser import describe_rejection, reject_duplicate_columns

STATUS = "status"


def check_status_header(header: Header, lines: Sequence[Sequence[str]]) -> Header | FileRejection:
    """Return the header without the column of names that are `status` for another system.

    They are read as our column unless none of their values, in these lines below the header, is one of our statuses or
    one that the mapping translates. A mapping that has the name, a column without values and that of our own export are
    always followed. If several names remain, the rejection of the file is returned.
    """
    if STATUS not in header.columns or VERSION in header.columns or _is_known_to_be_status(header, lines):
        return header
    translations = header.mapping.document.values.get(STATUS, {}) if header.mapping is not None else {}
    known_values = {*ProductStatus, *map(normalize_key, translations)}
    columns = [
        None if column == STATUS and target is None and _is_foreign(index, lines, known_values) else column
        for index, (column, target) in enumerate(zip_longest(header.columns, header.targets))
    ]
    header = replace(header, columns=columns)
    rejection = reject_duplicate_columns(header.names, columns)
    return header if rejection is None else describe_rejection(rejection, header)


def _is_foreign(index: int, lines: Sequence[Sequence[str]], known_values: set[str]) -> bool:
    has_values = False
    for line in lines:
        value = unwrap_text_formula(line[index].strip()) if index < len(line) else ""
        if value:
            has_values = True
            if normalize_key(value) in known_values:
                return False
    return has_values


def _is_known_to_be_status(header: Header, lines: Sequence[Sequence[str]]) -> bool:
    """Return whether a fix file, which has only some rows of the upload, says that the upload was read so."""
    if not header.fix_file:
        return False
    index = header.names.index(ERRORS)
    return any(INVALID_STATUS in line[index] for line in lines if index < len(line))
