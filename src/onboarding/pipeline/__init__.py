"""Use cases of the pipeline, one module each: ingest, validate, finalize, recovery, cancel, undo, dry run.

`upload_parsing` is shared by ingestion and dry run; `parser_process` and `parser_child` parse files in a child process.
"""
