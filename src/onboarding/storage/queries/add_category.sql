insert into product_categories (category_name, description)
values (%(category_name)s, %(description)s)
on conflict do nothing
returning category_id
