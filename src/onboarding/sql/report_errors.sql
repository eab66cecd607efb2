select
    row_number, error_type, error_field, error_message, coalesce(rejected_value, ''), expected, hint, original_data
from validation_errors
where upload_id = %(upload_id)s
order by row_number, error_id
