select error_type, error_field, count(*), count(distinct upload_id), count(distinct vendor_id)
from validation_errors
where created_at > now() - %(days)s * interval '1 day'
group by error_type, error_field
order by count(*) desc, error_type, error_field
limit 20
