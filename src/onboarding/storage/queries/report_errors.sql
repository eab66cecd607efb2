-- The errors of an upload, each with the values of its row that the report shows, in the order of their columns.
select
    row_number, error_type, error_field, error_message, coalesce(rejected_value, ''), expected, hint,
    array(
        select original_data ->> name
        from unnest(%(columns)s::text[]) with ordinality as shown (name, place)
        order by place
    )
from validation_errors
where upload_id = %(upload_id)s
order by row_number, error_id
