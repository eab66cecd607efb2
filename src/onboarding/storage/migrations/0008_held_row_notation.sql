-- What the file of a held row says about its notation and its categories, for the item and the errors of the row.
alter table held_rows
    add column decimal_comma text[] not null default '{}',
    add column number_factors jsonb not null default '{}',
    add column many_categories boolean not null default false;
