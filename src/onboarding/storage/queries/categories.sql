-- name: insert_category
-- Insert a category, unless its name exists.
insert into product_categories (category_name, description)
values (%(category_name)s, %(description)s)
on conflict do nothing
returning category_id

-- name: update_category
-- Update the columns of a category whose parameters are not null.
update product_categories
set description = coalesce(%(description)s, description), is_active = coalesce(%(is_active)s, is_active)
where category_id = %(category_id)s

-- name: lock_category
-- Lock and return a category, given by its name or its id.
select category_id, category_name
from product_categories
where category_name = %(category_name)s or category_id = %(category_id)s
for update

-- name: list_categories
-- List all categories.
select category_name, is_active, description from product_categories order by category_name

-- name: list_categories_with_counts
-- List all categories, or the category with this id, each with its number of products.
select c.category_id, c.category_name, c.description, c.is_active,
    (select count(*) from products p where p.category = c.category_name) as products
from product_categories c
where %(category_id)s::bigint is null or c.category_id = %(category_id)s
order by c.category_name

-- name: list_active_categories
-- List the names of the active categories.
select category_name from product_categories where is_active order by category_name

-- name: list_category_candidates
-- List the active categories among these names; if a name is not active, all active categories, for suggestions.
select category_name
from product_categories
where is_active
  and (
    category_name = any(%(names)s::text[])
    or exists (
        select from unnest(%(names)s::text[]) as requested (category_name)
        where not exists (
            select from product_categories active
            where active.category_name = requested.category_name and active.is_active
        )
    )
  )
