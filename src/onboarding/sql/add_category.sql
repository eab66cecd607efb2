insert into product_categories (category_name, description)
values (%(category_name)s, %(description)s)
on conflict (category_name) do update
set is_active = true, description = coalesce(excluded.description, product_categories.description)
