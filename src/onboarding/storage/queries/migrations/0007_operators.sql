-- What operators look at stays quick with many vendors: what was finished, and what went wrong, in a stretch of time.
create index upload_history_completed on upload_history (processing_completed_at);
create index validation_errors_time on validation_errors (created_at);
