-- Forget what an undo left, but for these rows.
delete from undo_kept where upload_id = %(upload_id)s and row_number <> all(%(rows)s::int[])
