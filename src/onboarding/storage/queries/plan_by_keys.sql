-- For this transaction: every table by its keys, whatever its size seems to be, and plans that are kept. A kept plan that
-- reads a table while it is small would go on reading it as it grows; and to plan each check of a foreign key anew, as
-- connections of ours do otherwise, costs a third of an insert.
select
    set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'auto', true)
