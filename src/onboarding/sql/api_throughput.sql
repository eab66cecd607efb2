-- Uploads that were finished in each stretch of time up to now, those without any among them.
with stretch as (
    select now() - n * %(width)s::interval as begins, now() - (n - 1) * %(width)s::interval as ends
    from generate_series(1, %(stretches)s) as n
)
select
    begins, count(u.upload_id), coalesce(sum(u.total_records), 0), coalesce(sum(u.valid_records), 0),
    coalesce(sum(u.error_records), 0)
from stretch
left join upload_history u on u.processing_completed_at >= begins and u.processing_completed_at < ends
group by begins
order by begins
