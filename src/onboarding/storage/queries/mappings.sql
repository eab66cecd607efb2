-- name: lock_mappings_of_vendor
-- Lock the mappings and value mappings of a vendor (null: those for all vendors) until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('mappings ' || coalesce(%(vendor_id)s::text, ''), 2))

-- name: insert_mapping
-- Insert a mapping, unless the vendor has another one with its name or for its headers.
insert into mappings (mapping_id, vendor_id, name, header_fingerprint)
values (%(mapping_id)s, %(vendor_id)s, %(name)s, %(header_fingerprint)s)
on conflict do nothing

-- name: insert_mapping_version
-- Insert the next version of a mapping and return its number.
insert into mapping_versions (mapping_id, version, vendor_id, document, created_by)
select m.mapping_id,
    coalesce((select max(v.version) from mapping_versions v where v.mapping_id = m.mapping_id), 0) + 1,
    m.vendor_id, %(document)s::json, %(created_by)s
from mappings m
where m.mapping_id = %(mapping_id)s
returning version

-- name: list_mappings
-- List the current version of the mappings of a vendor, or of the presets if it is null, by name.
-- Every other condition is optional.
select m.mapping_id, v.version, m.name, m.header_fingerprint, v.document, v.created_by, v.created_at as updated_at
from mappings m
join lateral (
    select * from mapping_versions versions where versions.mapping_id = m.mapping_id order by version desc limit 1
) v on true
where m.vendor_id is not distinct from %(vendor_id)s::text
  and m.name is not null
  and m.archived_at is null
  and (%(mapping_id)s::text is null or m.mapping_id = %(mapping_id)s)
  and (%(name)s::text is null or lower(m.name) = lower(%(name)s))
order by lower(m.name)

-- name: get_mapping_version
-- Return a version of a mapping of a vendor, or of a preset if it is null; also of one that was deleted or has no name.
select m.mapping_id, v.version, m.name, m.header_fingerprint, v.document, v.created_by, v.created_at as updated_at
from mappings m
join mapping_versions v using (mapping_id)
where m.mapping_id = %(mapping_id)s
  and m.vendor_id is not distinct from %(vendor_id)s::text
  and v.version = %(version)s

-- name: rename_mapping
-- Set the name of a mapping.
update mappings set name = %(name)s where mapping_id = %(mapping_id)s

-- name: archive_mapping
-- Delete a mapping; its versions stay, since uploads refer to them.
update mappings set archived_at = now() where mapping_id = %(mapping_id)s and archived_at is null

-- name: upsert_value_mappings
-- Insert or replace value mappings of a vendor, or those for all vendors if it is null. Return for each whether it
-- replaced one.
insert into value_mappings as existing (vendor_id, column_name, value_key, vendor_value, target, created_by)
select %(vendor_id)s, %(column_name)s, value_key, vendor_value, target, %(created_by)s
from unnest(%(keys)s::text[], %(values)s::text[], %(targets)s::text[]) as mapped (value_key, vendor_value, target)
on conflict (coalesce(vendor_id, ''), column_name, value_key) do update
set vendor_value = excluded.vendor_value, target = excluded.target, created_by = excluded.created_by, updated_at = now()
-- A new row has no `xmax`; one that was updated has the transaction that locked it.
returning xmax <> 0 as is_replaced

-- name: count_value_mappings
-- Count the value mappings of a vendor, or those for all vendors if it is null.
select count(*) from value_mappings where vendor_id is not distinct from %(vendor_id)s::text

-- name: list_value_mappings
-- List a page of the value mappings of a vendor, or of those for all vendors if it is null, by column and value.
-- `is_active`: whether the target is an active category.
select v.value_mapping_id, v.column_name as "column", v.value_key, v.vendor_value, v.target, v.created_by, v.updated_at,
    exists (select from product_categories c where c.category_name = v.target and c.is_active) as is_active
from value_mappings v
where v.vendor_id is not distinct from %(vendor_id)s::text
  and (%(after)s::text is null or (v.column_name, v.value_key) > (%(after_column)s::text, %(after)s))
order by v.column_name, v.value_key
limit %(limit)s

-- name: delete_value_mapping
-- Delete a value mapping of a vendor, or one for all vendors if it is null.
delete from value_mappings
where value_mapping_id = %(value_mapping_id)s and vendor_id is not distinct from %(vendor_id)s::text
returning column_name, vendor_value, target

-- name: load_value_mappings
-- List the value mappings of a vendor after those for all vendors.
select vendor_id is null as is_shared, column_name, value_key, target
from value_mappings
where vendor_id = %(vendor_id)s or vendor_id is null
order by vendor_id nulls first

-- name: list_inactive_targets
-- List those of these names that are not active categories.
select target
from unnest(%(targets)s::text[]) as mapped (target)
where not exists (select from product_categories c where c.category_name = mapped.target and c.is_active)

-- name: get_applied_mapping
-- Return the mapping that an upload used, if any, its used value mappings, and its missing columns.
select u.used_values, u.missing_columns, m.mapping_id, v.version, m.name, m.header_fingerprint, v.document
from upload_history u
left join mapping_versions v on v.mapping_id = u.mapping_id and v.version = u.mapping_version
left join mappings m on m.mapping_id = v.mapping_id
where u.upload_id = %(upload_id)s

-- name: count_recent_mappings_without_name
-- Count the mappings of a vendor without a name of the last 24 hours.
select count(*)
from mappings
where vendor_id = %(vendor_id)s and name is null and created_at > now() - interval '24 hours'
