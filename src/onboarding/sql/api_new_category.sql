insert into product_categories (category_name, description)
values (%(category_name)s, %(description)s)
returning category_id
