-- no transaction
-- Products that were taken off sale: few of many. Uploads continue meanwhile. An index of an interrupted run is invalid.
drop index concurrently if exists products_off_sale;

create index concurrently products_off_sale on products (vendor_id, vendor_product_id) where status <> 'active';
