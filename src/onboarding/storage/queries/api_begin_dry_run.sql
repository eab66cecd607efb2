with forgotten as (
    delete from dry_runs where vendor_id = %(vendor_id)s and started_at < now() - interval '1 day'
)
insert into dry_runs (vendor_id) values (%(vendor_id)s) returning dry_run_id
