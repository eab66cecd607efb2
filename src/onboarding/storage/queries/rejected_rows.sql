select distinct row_number from validation_errors where upload_id = %(upload_id)s
