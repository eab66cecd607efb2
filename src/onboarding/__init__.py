"""Product onboarding: a vendor's CSV becomes products in the catalog, or a report that says what to fix.

The way of a row, module by module:

1. `intake` takes in an object that S3 announced: whose it is, what is asked for (`options`), whether the file can be
   read (`parse`).
2. `staging` puts its rows into the table `UploadRecords`, whose stream carries them on.
3. `judge` holds batches of rows against the rules (`rules`, `validate`).
4. `catalog` writes the good ones to `products`; `ledger` writes the others to `validation_errors` and counts both.
5. `notify` sends what happened to the queue; the message that an upload is complete goes last.
6. `finish` writes the error report (`report`) and the fix file (`fix_file`), and publishes the result with a summary
   (`summary`), once for each upload.
7. `mail` tells the vendor, with a link (`link`) to the report.
"""

__version__ = "0.1.0"
