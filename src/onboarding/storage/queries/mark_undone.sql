update upload_history
set undone_at = now(), undo_removed = %(removed)s, undo_restored = %(restored)s
where upload_id = %(upload_id)s
returning undone_at
