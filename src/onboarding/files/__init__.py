"""A vendor's file, whatever it is, to lines of values under our columns. Knows nothing of AWS or the database.

The way of the bytes, module by module; `onboarding.files.parser` leads them along it:

1. `kinds` tells a workbook from text, and both from what is no table.
2. `decode` finds the encoding of text, `separators` the delimiter, and `delimited` cuts it into lines, unless
   `stray_quotes` finds that a quote has swallowed some; `xlsx` reads workbooks: `xlsx_parts` unpacks within limits,
   `xlsx_book` and `xlsx_sheet` read, `xlsx_values` gives each cell the text that its column asks for, by its number
   format (`number_formats`, `date_formats`, `currencies`).
3. `header` finds the header line, `names` the columns that its names mean; `headers.toml` has those that others use.
4. `skipped_lines` finds the lines below it that are no products, `widths` the rows whose values may stand under the
   wrong columns, `shopify` the rows of that system's exports that need words of their own.
5. `decimals` finds the columns whose numbers are written with a comma.

All of it is told in the words of `found`. What can be read in two ways is refused, or is an error of its row: never a
guess.
"""
