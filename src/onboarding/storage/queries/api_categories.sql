select c.category_id, c.category_name, c.description, c.is_active,
    (select count(*) from products p where p.category = c.category_name)
from product_categories c
where %(category_id)s::integer is null or c.category_id = %(category_id)s
order by c.category_name
