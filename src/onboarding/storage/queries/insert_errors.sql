insert into validation_errors (
    upload_id, vendor_id, row_number, vendor_product_id, error_type, error_field, error_message, original_data,
    rejected_value, expected, hint
)
select
    e ->> 0, e ->> 1, (e ->> 2)::integer, e ->> 3, e ->> 4, e ->> 5, e ->> 6, e -> 7,
    nullif(e ->> 8, ''), e ->> 9, e ->> 10
from jsonb_array_elements(%(errors)s::jsonb) with ordinality as given (e, place)
order by place
on conflict on constraint validation_errors_once do nothing
