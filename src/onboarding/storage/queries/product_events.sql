-- name: list_product_events
-- List the events after a position, in the order of transactions, until they have `limit` products; at least one.
-- Only transactions that are older than every running one: those that commit later have a later position.
select transaction_id::text, event_id, product_ids
from (
    select next.*, sum(cardinality(product_ids)) over (rows unbounded preceding) as products
    from (
        select e.transaction_id, e.event_id, e.product_ids
        from product_events e
        where (e.transaction_id, e.event_id) > (%(transaction_id)s::xid8, %(event_id)s)
          and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        order by e.transaction_id, e.event_id
        limit %(limit)s
    ) next
) counted
where products - cardinality(product_ids) < %(limit)s
order by products

-- name: is_feed_position_known
-- Return whether a position may have been read from this database: its transaction has started.
select %(transaction_id)s::xid8 < pg_snapshot_xmax(pg_current_snapshot())

-- name: find_position_to_notify
-- Return the newest event if the marketplace has a webhook. Readers may not see it yet.
select transaction_id::text, event_id
from product_events
where exists (select created_at from marketplace_webhook)
order by product_events.transaction_id desc, event_id desc
limit 1

-- name: refresh_product_search
-- Update the words of the products of up to `max_events` events, and return the number of events.
select refresh_product_search(%(max_events)s)

-- name: delete_replaced_product_events
-- Remove the products that have a later event from all events, and delete the events without products.
-- Readers of any earlier position read the later event.
with latest as (
    select distinct on (product_id) product_id, transaction_id, event_id
    from product_events
    cross join unnest(product_ids) as product_id
    order by product_id, transaction_id desc, event_id desc
),
remaining as materialized (
    select transaction_id, event_id, array_agg(product_id) as product_ids
    from latest
    group by transaction_id, event_id
),
shortened as (
    update product_events e
    set product_ids = r.product_ids
    from remaining r
    where e.transaction_id = r.transaction_id and e.event_id = r.event_id
      and cardinality(e.product_ids) > cardinality(r.product_ids)
)
delete from product_events e
where not exists (
    select from remaining r where r.transaction_id = e.transaction_id and r.event_id = e.event_id
)
