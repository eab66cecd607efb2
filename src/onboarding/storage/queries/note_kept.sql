-- What undo_created and undo_updated left, and why: every product of theirs that is not as it was before the upload.
insert into undo_kept (upload_id, row_number, vendor_product_id, reason)
select
    %(upload_id)s, left_over.row_number, left_over.vendor_product_id,
    case
        when left_over.is_gone then 'It is no longer in the catalog'
        when left_over.is_as_we_left_it then 'Another product has its former SKU now'
        when later.upload_id is not null then 'It was changed since by the upload ' || later.upload_id
        else 'It was changed since'
    end
from (
    select
        p.row_number, p.product_id, p.vendor_product_id, p.updated_at, false as is_gone, false as is_as_we_left_it
    from products p
    where p.upload_id = %(upload_id)s
    union all
    select
        c.row_number, c.product_id, c.before ->> 'vendor_product_id', p.updated_at, p.product_id is null,
        coalesce(p.updated_at = c.changed_at, false)
    from product_changes c
    left join products p on p.product_id = c.product_id
    where c.upload_id = %(upload_id)s and c.kind = 'updated'
      and p.updated_at is distinct from (c.before ->> 'updated_at')::timestamptz
) as left_over
left join product_changes later
    on later.product_id = left_over.product_id and later.changed_at = left_over.updated_at
