-- Uploads that were finished in each stretch of time up to now, those without any among them.
with finished as (
    select
        ceil(extract(epoch from now() - processing_completed_at) / extract(epoch from %(width)s::interval)) as n,
        count(*) as uploads, sum(total_records) as total, sum(valid_records) as valid, sum(error_records) as error
    from upload_history
    where processing_completed_at >= now() - %(stretches)s * %(width)s::interval and processing_completed_at < now()
    group by 1
)
select
    now() - n * %(width)s::interval as begins, coalesce(uploads, 0), coalesce(total, 0), coalesce(valid, 0),
    coalesce(error, 0)
from generate_series(1, %(stretches)s) as n
left join finished using (n)
order by begins
