"""A vendor's file, whatever it is, to lines of values under our columns. Knows nothing of AWS or the database.

The way of the bytes, module by module; `onboarding.parse` leads them along it:

1. `kinds` tells a workbook from text, and both from what is no table.
2. `decode` finds the encoding of text, `delimited` the delimiter, and cuts it into lines; `xlsx` reads workbooks, with
   each number as the workbook shows it (`shown`), once their parts are known to be harmless (`parts`).
3. `header` finds the header line and the columns it names; `headers.toml` has the names that others give them.
4. `decimals` finds the columns whose numbers are written with a comma.

All of it is told in the words of `found`. What can be read in two ways is refused, or is an error of its row: never a
guess.
"""
