"""Detection of lines below the header that are not products, such as repeated headers, comments, totals and notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.header import Header
from onboarding.files.line_classifier import LineClassifier, LineKind, is_commented
from onboarding.files.models import MAX_NAMED, first_of, lines_named, one_line
from onboarding.files.skipped_line_words import COMMENT_SIGNS

_ROWS_EXAMINED = 100
_COMMENT_CHARACTERS = frozenset(sign[0] for sign in COMMENT_SIGNS)


@dataclass(frozen=True, slots=True)
class SkippedLines:
    """Indexes of the lines that are not products, and the warnings that name them."""

    indexes: frozenset[int] = frozenset()
    warnings: list[FileWarning] = field(default_factory=list)


def find_skipped_lines(
    lines: Sequence[Sequence[str]], numbers: Sequence[int], header_index: int, header: Header
) -> SkippedLines | FileRejection:
    """Return the lines below the header (at index `header_index`) that are not products, or the rejection of the file.

    The file is rejected if products are above the header, or if it has a second header. In a fix file and
    in an export all lines are products.
    """
    key_index = next((header.columns.index(c) for c in ("sku", "vendor_product_id") if c in header.columns), None)
    if header.fix_file or header.is_export or key_index is None:
        return SkippedLines()
    classifier = LineClassifier(
        header,
        [
            row
            for row in lines[header_index + 1 : header_index + 1 + _ROWS_EXAMINED]
            if "".join(row[key_index : key_index + 1])
        ],
    )
    products_above = [numbers[i] for i in range(header_index) if classifier.is_product(lines[i])]
    if products_above:
        reason = (
            f"The header is in line {numbers[header_index]}, and {lines_named(products_above).lower()} above it "
            f"{'look' if len(products_above) > 1 else 'looks'} like products; move the header to the first line"
        )
        return FileRejection(RejectionCode.ROWS_ABOVE_HEADER, reason)
    kinds: dict[int, LineKind] = {}
    start = header_index + 1
    while start < len(lines) and (
        kind := classifier.classify_header(lines[start], directly_below=True)
        or classifier.classify_instruction(lines[start])
    ):
        kinds[start] = kind
        start += 1
    end = len(lines)
    while end > start and (kind := classifier.classify_last(lines[end - 1])):
        kinds[end - 1] = kind
        end -= 1
    numbered_indexes = classifier.find_numbered_in_advance(lines, range(start, end))
    kinds |= dict.fromkeys(numbered_indexes, LineKind.NOT_A_PRODUCT)
    end -= len(numbered_indexes)
    comment_indexes = []
    for i in _find_candidates(lines, range(start, end), key_index, classifier.names):
        line = lines[i]
        if kind := classifier.classify_header(line) or classifier.classify_any(line):
            kinds[i] = kind
            # A repeated header follows the title of a new page.
            while kind is LineKind.HEADER and (i := i - 1) >= start and classifier.is_note(lines[i]):
                kinds[i] = LineKind.NOT_A_PRODUCT
        elif is_commented(line):
            comment_indexes.append(i)
    second_headers = [i for i, kind in kinds.items() if kind is LineKind.SECOND_HEADER]
    if second_headers:
        reason = (
            f"{lines_named([numbers[i] for i in sorted(second_headers)])} "
            f"{'are' if len(second_headers) > 1 else 'is'} another header, with other columns than the first one; "
            "upload each table as a separate file"
        )
        return FileRejection(RejectionCode.SECOND_HEADER, reason)
    has_comments = any(map(is_commented, lines[:header_index])) or any(
        classifier.is_note(lines[i]) for i in comment_indexes
    )
    if has_comments:
        kinds |= dict.fromkeys(comment_indexes, LineKind.COMMENT)
    warnings = [*_list_warnings(lines, numbers, kinds)]
    if comment_indexes and not has_comments and len(comment_indexes) * 2 < end - start:
        warnings.append(_warn_about_comments([numbers[i] for i in comment_indexes]))
    return SkippedLines(frozenset(kinds), warnings)


def _find_candidates(
    lines: Sequence[Sequence[str]], indexes: range, key_index: int, names: frozenset[str]
) -> list[int]:
    """Return the lines that may not be products, by a fast check of one identifier: nearly all lines are products."""
    return [
        i
        for i in indexes
        if len(line := lines[i]) <= key_index
        or not (cell := line[key_index].strip())
        or cell[0] in "-=+"
        or line[0][:1] in _COMMENT_CHARACTERS
        or cell.casefold() in names
    ]


def _list_warnings(
    lines: Sequence[Sequence[str]], numbers: Sequence[int], kinds: dict[int, LineKind]
) -> Iterator[FileWarning]:
    by_kind: dict[LineKind, list[int]] = {}
    for i in sorted(kinds):
        by_kind.setdefault(kinds[i], []).append(i)
    for kind, indexes in by_kind.items():
        line_names, plural = lines_named([numbers[i] for i in indexes]), len(indexes) > 1
        if kind is LineKind.HEADER:
            verb = "repeat or explain" if plural else "repeats or explains"
            result = "they were not read as products" if plural else "it was not read as a product"
            yield FileWarning(WarningCode.REPEATED_HEADER, f"{line_names} {verb} the header; {result}")
            continue
        texts = (next(filter(None, map(str.strip, lines[i])), "") for i in indexes)
        examples = first_of([f"'{one_line(text)}'" for text in dict.fromkeys(islice(texts, 10 * MAX_NAMED))])
        if kind is LineKind.COMMENT:
            message = (
                f"{line_names} {'begin' if plural else 'begins'} like a comment and "
                f"{'were' if plural else 'was'} not read"
            )
            yield FileWarning(WarningCode.COMMENTED_LINES, f"{message}: {examples}")
        else:
            message = (
                f"{line_names} {'have' if plural else 'has'} no product and {'were' if plural else 'was'} not read"
            )
            yield FileWarning(WarningCode.NOT_PRODUCTS, f"{message}: {examples}")


def _warn_about_comments(numbers: Sequence[int]) -> FileWarning:
    plural = len(numbers) > 1
    message = (
        f"{lines_named(numbers)} {'begin like comments' if plural else 'begins like a comment'} and "
        f"{'were' if plural else 'was'} read as {'products' if plural else 'a product'}. Delete the "
        "lines that are commented out"
    )
    return FileWarning(WarningCode.LOOKS_COMMENTED, message)
