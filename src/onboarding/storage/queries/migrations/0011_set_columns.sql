-- The columns that a row set, also those that it found with its value: an earlier upload may still set the others.
-- Null for rows of versions before this one: all of them.
alter table product_changes add column set_columns text[];
