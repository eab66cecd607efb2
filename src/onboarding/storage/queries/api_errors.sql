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
  and (
    %(like)s::bigint is null
    -- The same group as `error_groups` makes.
    or exists (
        select from validation_errors alike
        where alike.error_id = %(like)s and alike.upload_id = %(upload_id)s
          and (alike.error_type, alike.error_field) = (validation_errors.error_type, validation_errors.error_field)
          and coalesce(alike.rejected_value, '') = coalesce(validation_errors.rejected_value, '')
          and (coalesce(alike.rejected_value, '') <> '' or alike.error_message = validation_errors.error_message)
    )
  )
order by row_number, error_id
limit %(limit)s
