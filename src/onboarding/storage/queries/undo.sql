-- name: lock_upload_to_undo
-- Lock an upload and return its status, and the time and counts of its undo.
select status, undone_at, undo_removed, undo_restored
from upload_history
where upload_id = %(upload_id)s
for update

-- name: mark_upload_undone
-- Set the time of the undo and its counts.
update upload_history
set undone_at = now(), undo_removed = %(removed)s, undo_restored = %(restored)s
where upload_id = %(upload_id)s
returning undone_at

-- name: add_undo_counts
-- Add to the counts of an undo the products that it could remove and restore only after the undo of another upload.
update upload_history
set undo_removed = undo_removed + %(removed)s, undo_restored = undo_restored + %(restored)s
where upload_id = %(upload_id)s

-- name: list_undone_uploads_with_skipped
-- List the vendor's undone uploads whose undo skipped products, newest first.
select u.upload_id
from upload_history u
where u.vendor_id = %(vendor_id)s and u.undone_at is not null and u.upload_id <> %(upload_id)s
  and exists (select from undo_skipped k where k.upload_id = u.upload_id)
order by u.upload_timestamp desc, u.upload_id desc

-- name: insert_undo_skipped
-- Insert the products that an undo skipped, each with the reason. They differ from their state before the upload.
insert into undo_skipped (upload_id, row_number, vendor_product_id, reason)
select
    %(upload_id)s, skipped.row_number, skipped.vendor_product_id,
    case
        when skipped.is_missing then 'It is no longer in the catalog'
        when skipped.is_unchanged_since then 'Another product has its former SKU now'
        when b.product_id is not null then 'The marketplace has blocked it'
        when later.upload_id is not null then 'It was changed since by the upload ' || later.upload_id
        else 'It was changed since'
    end
from (
    select
        p.row_number, p.product_id, p.vendor_product_id, p.updated_at, false as is_missing, false as is_unchanged_since
    from products p
    where p.upload_id = %(upload_id)s
    union all
    select
        c.row_number, c.product_id, c.previous_values ->> 'vendor_product_id', p.updated_at, p.product_id is null,
        coalesce(p.updated_at = c.changed_at, false)
    from product_changes c
    left join products p on p.product_id = c.product_id
    where c.upload_id = %(upload_id)s and c.change_type = 'updated'
      and p.updated_at is distinct from (c.previous_values ->> 'updated_at')::timestamptz
) as skipped
left join product_changes later
    on later.product_id = skipped.product_id and later.changed_at = skipped.updated_at
left join product_blocks b on b.product_id = skipped.product_id and b.ended_at is null

-- name: delete_undo_skipped
-- Delete the skipped products of an undo, except those of these rows.
delete from undo_skipped where upload_id = %(upload_id)s and row_number <> all(%(rows)s::int[])

-- name: list_undo_skipped
-- List the products that the undo of an upload skipped.
select row_number, vendor_product_id, reason
from undo_skipped
where upload_id = %(upload_id)s
order by row_number
