-- The constraints of the migration before. The tables can be used meanwhile.
alter table products validate constraint products_status_known;
alter table upload_sessions validate constraint upload_sessions_purpose_known;
alter table api_keys validate constraint api_keys_scopes_known;

-- Products that existed before the change feed. Those that change meanwhile have two events, which is harmless.
insert into product_events (product_ids)
select array_agg(product_id)
from (select product_id, row_number() over (order by product_id) as number from products) existing
group by (number - 1) / 200;
