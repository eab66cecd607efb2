select code, message, row_number, column_name from upload_warnings where upload_id = %(upload_id)s order by number
