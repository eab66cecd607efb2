update product_categories
set description = coalesce(%(description)s, description), is_active = coalesce(%(is_active)s, is_active)
where category_id = %(category_id)s
