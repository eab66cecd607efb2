select category_name, is_active, description from product_categories order by category_name
