"""Product onboarding: imports vendors' product files into the catalog of a marketplace.

Each row of a file is accepted into the catalog or rejected with an error that says how to fix it. The path of a file:

1. S3 invokes `lambda_handlers.csv_parser`: `pipeline.ingest` parses the file (`files`) and stages its rows
   (`aws.staging_table`).
2. The table's stream invokes `lambda_handlers.product_validator`: `pipeline.validate` applies the rules
   (`domain.validation`) and records all outcomes of a batch in one transaction (`storage`).
3. The error queue invokes `lambda_handlers.error_processor`: `pipeline.finalize` writes the error report and the fix
   file, and publishes the result (`notifications`).
4. `lambda_handlers.watchdog` resumes what stalled (`pipeline.recovery`).

`web` has the REST API and the portal, `cli` the command `onboarding`. `local` runs everything on one machine, `deploy`
on AWS.

Imports go down five layers: `cli`, `local` and `deploy`; `lambda_handlers` and `web`; `pipeline`; `storage`, `aws`,
`notifications` and `files`, with `runtime`, `config` and `failpoints`; `domain`.
"""

__version__ = "0.1.0"
