-- The errors of an upload by type, field and value (without a value, by message), the most frequent first; and how many
-- such groups there are. `api_errors` finds the errors of one group by its first: both must separate them alike.
select
    error_type, error_field, coalesce(rejected_value, ''), min(error_message), min(expected), min(hint),
    count(*), min(row_number), min(error_id), count(*) over ()
from validation_errors
where upload_id = %(upload_id)s
group by error_type, error_field, rejected_value, case when coalesce(rejected_value, '') = '' then error_message end
order by count(*) desc, min(row_number), min(error_id)
limit %(limit)s
