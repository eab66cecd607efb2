"""Pure rules and models: no AWS, no database, no I/O."""
