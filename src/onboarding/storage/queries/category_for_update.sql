select category_id, description, is_active
from product_categories
where category_name = %(category_name)s or category_id = %(category_id)s
for update
