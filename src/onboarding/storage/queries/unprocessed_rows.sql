-- How many rows of an upload were ended without having been judged: by no fault of theirs.
select count(*) from validation_errors where upload_id = %(upload_id)s and error_type = 'NOT_PROCESSED'
