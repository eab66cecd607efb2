"""Lambda handlers: each translates its event into one use case, and writes log lines and metrics."""
