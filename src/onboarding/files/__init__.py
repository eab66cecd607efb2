"""Product files: bytes to rows, and rows to reports, fix files and templates. Pure: no I/O.

Reading a file, in the order of the steps that `parser` calls:

1. `file_types` detects the type of a file by its first bytes: workbook, text, or unsupported.
2. Text: `encoding` detects the encoding (`code_pages`, `double_encoding`), `delimiter` the delimiter, and `csv_reader`
   splits the text into lines of values; `stray_quotes` rejects quotes that would merge rows.
   Workbooks: `xlsx_workbook` opens the archive within `xlsx_limits` and selects the sheet; `xlsx_sheet` reads its cells
   (`xlsx_cells`, `xlsx_ranges`); `xlsx_reader` finds the table; `xlsx_values` converts cells to text by their number
   formats (`number_formats`, `date_formats`, `currencies`, `numeric_cells`).
3. `header` finds the header line, and `header_names` matches its names to our columns; `headers.toml` lists synonyms.
   `status_header` decides by the values whether a name is our column `status`.
   `presets` has mappings for the exports of known systems, which are proposed and not applied.
4. `skipped_lines` finds lines that are not products (`line_classifier`, `skipped_line_words`), `row_widths` rows whose
   values may be in wrong columns, and `shopify` additional rows of Shopify exports.
5. `decimal_commas` detects columns with decimal commas.
6. `column_checks` and `lost_characters` compare the values of whole columns.

Writing: `error_report`, `fix_file`, `fix_workbook` and `product_template`; `formula_escaping` prevents that a
spreadsheet runs a value.

`models` has the types that the steps exchange. Input with two possible meanings is rejected, or is an error of its row.
"""
