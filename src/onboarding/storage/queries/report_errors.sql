-- The errors of an upload, each with the cells of its row that the report shows.
select
    row_number, error_type, error_field, error_message, coalesce(rejected_value, ''), expected, hint,
    original_data ->> 'vendor_product_id', original_data ->> 'sku', original_data ->> 'product_name',
    original_data ->> 'price', original_data ->> 'stock_quantity'
from validation_errors
where upload_id = %(upload_id)s
order by row_number, error_id
