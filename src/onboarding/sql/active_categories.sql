select category_name
from product_categories
where is_active and category_name = any(%(names)s::text[])
