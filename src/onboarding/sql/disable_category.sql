-- Products that have the category keep it; new rows with it are rejected.
update product_categories set is_active = false where category_name = %(category_name)s returning category_name
