-- name: count_products_of_filter
-- Count the products that match the conditions, up to `max_rows`.
select count(*)
from find_products(
    %(vendor_id)s::text, to_tsquery('simple', %(words)s), %(category)s::text, %(status)s::text, %(upload_id)s::text,
    null, null, %(max_rows)s
)

-- name: count_own_products_of_filter
-- Count the products of the vendor that match the conditions, up to `max_rows`.
select count(*)
from find_own_products(
    to_tsquery('simple', %(words)s), %(category)s::text, %(status)s::text, %(upload_id)s::text, null, %(max_rows)s
)

-- name: lock_product
-- Lock a product and return its vendor, status and time of the last change.
select vendor_id, vendor_product_id, status, updated_at from products where product_id = %(product_id)s for update

-- name: insert_product_block
-- Insert the block of a product.
insert into product_blocks (
    product_id, vendor_id, reason, previous_status, previous_updated_at, blocked_at, blocked_by
)
values (
    %(product_id)s, %(vendor_id)s, %(reason)s, %(previous_status)s, %(previous_updated_at)s, %(blocked_at)s,
    %(blocked_by)s
)

-- name: set_product_status
-- Set the status of a product, and the time of its change or an earlier one; return it.
update products
set status = %(status)s, updated_at = coalesce(%(updated_at)s, clock_timestamp())
where product_id = %(product_id)s
returning updated_at

-- name: end_product_block
-- End the block of a product and return the former state of the product. `is_undone`: the upload that wrote this state
-- was undone during the block, and its undo skipped the product.
update product_blocks b
set ended_at = clock_timestamp(), ended_by = %(ended_by)s
where product_id = %(product_id)s and ended_at is null
returning
    previous_status, previous_updated_at, blocked_at,
    exists (
        select
        from (
            select p.upload_id
            from products p
            where p.product_id = b.product_id and p.created_at = b.previous_updated_at
            union all
            select c.upload_id
            from product_changes c
            where c.product_id = b.product_id and c.change_type = 'updated' and c.changed_at = b.previous_updated_at
        ) written
        join upload_history u on u.upload_id = written.upload_id
        where u.undone_at is not null
    ) as is_undone

-- name: list_product_uploads
-- List the row that created a product and those that changed it, with their uploads. `new_values` is null for the row
-- that created it and for changes by an earlier version. An undo that skipped the product did not revert the row.
-- Upload sessions of an earlier version have no actor: only vendors opened them.
select
    w.event_type, w.at, w.row_number, w.previous_values, w.new_values,
    u.upload_id, u.file_name, u.total_records as upload_rows,
    coalesce(s.created_by, 'vendor:' || s.vendor_id) as actor,
    case when k.upload_id is null then u.undone_at end as undone_at,
    undo.actor as undone_by
from (
    select 'created' as event_type, created_at as at, upload_id, row_number, null::jsonb as previous_values,
        null::jsonb as new_values
    from products
    where product_id = %(product_id)s
    union all
    select 'updated', changed_at, upload_id, row_number, previous_values, new_values
    from product_changes
    where product_id = %(product_id)s and change_type = 'updated'
) w
join upload_history u on u.upload_id = w.upload_id
left join upload_sessions s on s.s3_key = u.s3_key
left join undo_skipped k on k.upload_id = w.upload_id and k.row_number = w.row_number
left join lateral (
    select actor from audit_log a
    where u.undone_at is not null and a.vendor_id = u.vendor_id and a.action = 'upload_undone'
      and a.subject = u.upload_id
    limit 1
) undo on true
order by w.at

-- name: list_product_blocks
-- List the blocks of a product.
select reason, blocked_at, blocked_by, ended_at, ended_by
from product_blocks
where product_id = %(product_id)s
order by blocked_at
