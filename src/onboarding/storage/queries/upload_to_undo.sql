select status, undone_at, undo_removed, undo_restored
from upload_history
where upload_id = %(upload_id)s
for update
