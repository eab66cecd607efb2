"""Domain model: product schema, validation rules and error codes, without I/O, AWS or database."""
