"""Domain model: product schema, validation rules, error codes. Pure: no I/O, no AWS, no database."""
