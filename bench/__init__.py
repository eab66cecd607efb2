"""Benchmarks of the pipeline, each stage beside a floor: the same work in the plainest way on the same machine.

`python -m bench` runs every part and prints one table. The tests assert none of the figures.

1. `validation`: product-validator's batches beside `sql_floor`, one COPY and one set-based statement for the same work.
2. `catalog_growth`: the same batches with 0, 10,000 and a million products in the catalog.
3. `parsing`: csv-parser from the file's bytes to staged items: processor time and memory.
4. `error_report`: error-processor with 10,000 errors: time and memory.
5. `cold_start`: the import of each function beside the imports of boto3 and psycopg.
6. `end_to_end`: from the object in the bucket to the e-mail, beside `bare_handlers`, which only make the AWS calls.
7. `catalog`: search, change feed and exports at a million products, and the cost of the feed for the validator.

`files` generates vendors' files and events, `harness` runs a handler on a real PostgreSQL with AWS stubs, `measure`
collects figures, `table` prints them.
"""
