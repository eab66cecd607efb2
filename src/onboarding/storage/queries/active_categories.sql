-- The active categories among these; all active ones if any of these is not, to suggest one of them.
select category_name
from product_categories
where is_active
  and (
    category_name = any(%(names)s::text[])
    or exists (
        select from unnest(%(names)s::text[]) as wanted (category_name)
        where not exists (
            select from product_categories known
            where known.category_name = wanted.category_name and known.is_active
        )
    )
  )
