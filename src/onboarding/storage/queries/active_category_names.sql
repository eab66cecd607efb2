select category_name from product_categories where is_active order by category_name
