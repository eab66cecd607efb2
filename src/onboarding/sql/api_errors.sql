-- A page of an upload's errors by row; every condition but the upload is optional.
select
    error_id, row_number, vendor_product_id, error_type, error_field, error_message, rejected_value, expected, hint,
    original_data
from validation_errors
where upload_id = %(upload_id)s
  and (row_number, error_id) > (%(after_row)s, %(after_id)s)
  and (%(error_type)s::text is null or error_type = %(error_type)s)
  and (%(column)s::text is null or %(column)s = any(string_to_array(error_field, ', ')))
  and (%(value)s::text is null or coalesce(rejected_value, '') = %(value)s)
order by row_number, error_id
limit %(limit)s
