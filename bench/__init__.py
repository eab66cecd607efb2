"""Measures the pipeline stage by stage, each beside a floor: the same work done in the plainest way, on this machine.

`python -m bench` runs every part and prints one table; nothing here is asserted in the tests.

1. `judging`: product-validator's batches beside `floor`, one COPY and one set-based statement for the same job.
2. `growth`: the same batches with none, then 10,000, then a million products in the catalog.
3. `reading`: csv-parser from the file's bytes to staged items, beside what botocore spends on the same calls; memory.
4. `calls`: what one file asks of AWS, in calls and in DynamoDB's write units.
5. `reporting`: error-processor with 10,000 errors.
6. `cold`: import and first invocation of each function, beside the bare imports.
7. `whole`: from the file in the bucket to the mail, beside `bare`, handlers that only make the calls.

`data` makes the files, `stand` what a handler runs in here, `measure` keeps the figures, `table` prints them;
`processes` says who spent the processor's time.
"""
