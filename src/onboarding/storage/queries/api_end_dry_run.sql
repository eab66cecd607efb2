update dry_runs set ended_at = clock_timestamp() where dry_run_id = %(dry_run_id)s
