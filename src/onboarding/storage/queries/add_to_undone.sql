-- An undo took back more than it could at its own time.
update upload_history
set undo_removed = undo_removed + %(removed)s, undo_restored = undo_restored + %(restored)s
where upload_id = %(upload_id)s
