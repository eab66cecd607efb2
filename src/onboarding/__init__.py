"""Product onboarding: a vendor's file becomes products in the catalog, or a report that says what to fix.

The way of a row, module by module. Each step is what one function of `handlers` does:

1. `intake` takes in an object that S3 announced (`objects`): whose it is, what is asked for (`options`), whether the
   file can be read (`parse`, by way of `reading`), what only whole columns show (`column_checks`, `identifiers`,
   `numbers`), which letters it lost before (`lost_letters`), and what was detected (`readings`). `ledger` opens its
   upload. Files are parsed in a child process with limits (`parser_process`, `parser_child`), after the attempt has
   been counted (`reading_attempts`).
2. `staging` puts its rows into the table `UploadRecords` (`wire`), whose stream carries them on.
3. `judge` holds batches of rows against the `rules` (`ranges`, `excel`, `placeholders`, `image_urls`, `categories`,
   `hints`, `change_rules`), in one transaction; `validation_context` has what rules know of the catalog. `dates`,
   `faults` and `spreadsheet_words` know what spreadsheets write into cells.
4. `catalog` writes the good ones to `products`, or what they change there (`changes`); `hold` keeps those of files that
   enter as a whole; `ledger` writes the others to `validation_errors` and counts both.
5. `notify` sends what happened to the queue; the message that an upload is complete goes last.
6. `finish` writes the error `report` and the `fix_file`, and publishes the result with a `summary`, once for each
   upload.
7. `mail` tells the vendor, with a `link` to the report.

Beside it: `watchdog` drives on what stopped, `failures` has what every retry failed on, `dry_run` says what would
become of a file, `undo` takes an upload back, `template` is a file to start from. `storage` has the rules and
statements for vendors, operators, categories and API keys (with `email_address`), and writes the audit log in the same
transaction; `notifications` delivers webhooks; `sign_in_mail` has the e-mail with sign-in links.

On top of it: `api` and `portal` over HTTP, `cli` at a terminal; `local` runs all of it on one machine, `deploy` on AWS,
and `cost` says for how much.

Under it: `domain` has pure helpers, `model` has the nouns, `sql` every statement, `database` the connection, `roles`
the functions' logins to it, `context` the clients, `config` the environment, `resource_names` what AWS calls each
resource, `points` the moments that the fault tests know. `columns`, `codes`, `examples`, `quotes` and `formulas` hold
what answers and pages say, and `reference` writes the pages.
"""

__version__ = "0.1.0"
