"""Use cases of the pipeline, one module each, in the order of the flow: ingest, validate, finalize, recover, undo."""
