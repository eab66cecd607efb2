-- Status and history of products --------------------------------------------------------------------------------------

-- `active`: on sale. `inactive`: taken off sale by the vendor. `blocked`: by the marketplace.
alter table products
    add constraint products_status_known check (status in ('active', 'inactive', 'blocked')) not valid;

-- The new values of the columns that the row changed. Changes of an earlier version have none.
alter table product_changes add column new_values jsonb;

-- The actor that requested the upload: files that were put into the bucket have no upload session. `edit`: the file has
-- changes that were entered in the portal or sent to the API.
alter table upload_sessions
    add column created_by text,
    add column purpose varchar(20) not null default 'file',
    add constraint upload_sessions_purpose_known check (purpose in ('file', 'edit')) not valid;

-- Blocks of products by the marketplace, also those that have ended.
create table product_blocks (
    block_id            bigint       generated always as identity constraint product_blocks_pk primary key,
    product_id          bigint       not null,
    vendor_id           varchar(50)  not null constraint product_blocks_vendor_fk references vendors,
    reason              varchar(500) not null,
    -- The product before the block. `blocked_at` is its `updated_at` since: if it is still the same when the block
    -- ends, the former one is restored, so that the upload before the block can be undone.
    previous_status     varchar(20)  not null,
    previous_updated_at timestamptz  not null,
    blocked_at          timestamptz  not null,
    blocked_by          text         not null,
    ended_at            timestamptz,
    ended_by            text,
    constraint product_blocks_end_complete check ((ended_at is null) = (ended_by is null))
);

create unique index product_blocks_current on product_blocks (product_id) where ended_at is null;
create index product_blocks_product on product_blocks (product_id);

-- Change feed ---------------------------------------------------------------------------------------------------------

-- Changes of products, in the order in which readers see them: by transaction. They see only transactions that are older
-- than every running one, so that they miss none that commits late. The values are those of the products when they are
-- read. One row for up to 200 products: a row for each of them would make inserts slower by a tenth.
create table product_events (
    transaction_id xid8     not null default pg_current_xact_id(),
    event_id       bigint   generated always as identity,
    product_ids    bigint[] not null,
    constraint product_events_pk primary key (transaction_id, event_id)
);

-- A trigger, so that no way of changing a product is missed.
create function insert_product_events() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into product_events (product_ids)
    select array_agg(product_id)
    from (select product_id, row_number() over () as number from changed_products) changed
    group by (number - 1) / 200;
    return null;
end
$$;

create trigger products_insert_events after insert on products
    referencing new table as changed_products for each statement execute function insert_product_events();
create trigger products_update_events after update on products
    referencing new table as changed_products for each statement execute function insert_product_events();
create trigger products_delete_events after delete on products
    referencing old table as changed_products for each statement execute function insert_product_events();

-- Exports -------------------------------------------------------------------------------------------------------------

-- Files of products. Without a vendor: an operator's, of one vendor or all.
create table exports (
    export_id        varchar(40)  constraint exports_pk primary key,
    vendor_id        varchar(50)  constraint exports_vendor_fk references vendors,
    format           varchar(10)  not null,
    filters          jsonb        not null,
    status           varchar(20)  not null default 'waiting',
    created_by       text         not null,
    created_at       timestamptz  not null default now(),
    idempotency_key  varchar(255),
    last_progress_at timestamptz  not null default now(),
    completed_at     timestamptz,
    -- How often it was started. Only the last start may write.
    attempts         integer      not null default 0,
    total_rows       integer      not null,
    written_rows     integer      not null default 0,
    size_bytes       bigint,
    s3_key           varchar(500),
    constraint exports_idempotency_key unique (created_by, idempotency_key),
    constraint exports_format_known check (format in ('csv', 'xlsx')),
    constraint exports_status_known check (status in ('waiting', 'running', 'completed', 'failed')),
    constraint exports_completed_has_file
        check ((status = 'completed') = (s3_key is not null) and (s3_key is null) = (size_bytes is null)),
    constraint exports_ended_has_time check ((status in ('completed', 'failed')) = (completed_at is not null))
);

create index exports_vendor on exports (vendor_id, created_at desc);
create index exports_pending on exports (last_progress_at) where completed_at is null;

-- API keys of the marketplace -----------------------------------------------------------------------------------------

-- A key without a vendor belongs to a system of the marketplace and reads the catalog of all vendors, nothing else.
alter table api_keys
    alter column vendor_id drop not null,
    drop constraint api_keys_scopes_known,
    add constraint api_keys_scopes_known check (
        cardinality(scopes) > 0
        and scopes <@ array['uploads:read', 'uploads:write', 'admin', 'catalog:read']
        and (vendor_id is null) = ('catalog:read' = any(scopes))
        and (vendor_id is not null or cardinality(scopes) = 1)
    ) not valid;

-- The webhook of the marketplace. The function that sends webhooks reads a copy, as of the vendors' ones.
create table marketplace_webhook (
    singleton  boolean       not null default true constraint marketplace_webhook_pk primary key,
    url        varchar(2000) not null,
    secret     text          not null,
    created_at timestamptz   not null default now(),
    updated_at timestamptz   not null default now(),
    constraint marketplace_webhook_one_row check (singleton)
);

-- Search --------------------------------------------------------------------------------------------------------------

-- The words by which products are searched. Not an index of `products`, which would make inserts slower by a fifth: it
-- follows the change feed, when an upload is finished.
create table product_search (
    product_id bigint   constraint product_search_pk primary key,
    words      tsvector not null
);

create index product_search_words on product_search using gin (words);

-- The event up to which the words are current.
create table product_search_position (
    singleton      boolean not null default true constraint product_search_position_pk primary key,
    transaction_id xid8    not null,
    event_id       bigint  not null,
    constraint product_search_position_one_row check (singleton)
);

insert into product_search_position (transaction_id, event_id) values ('0', 0);

-- Return a text as it is searched: without accents, with spaces for punctuation. A search is changed in the same way
-- (`build_word_query`). A trade mark would become letters of the word before it.
create function search_text(value text) returns text language sql immutable parallel safe
return translate(
    replace(replace(
        regexp_replace(normalize(replace(value, '™', ' '), NFKD), U&'[\0300-\036F]', '', 'g'),
        'ß', 'ss'), 'ẞ', 'ss'),
    'øØłŁđĐı' || $$-_./\@:+#&'"()[]{}<>=,;|*!?%~^`$$
        || U&'\2010\2013\2014\2018\2019\201C\201D\201E\00AB\00BB\00B7\2022\00D7\00AE\00A9\00B0',
    'oOlLdDi' || repeat(' ', 47)
);

-- Return the words of a product with their positions, and one for its vendor, with a space, which no search contains.
-- `simple`: words in lower case, of any language. Punctuation separates words: `CA-VEND001-0001` is found by `0001`.
create function product_words(vendor_id text, product_name text, sku text, vendor_product_id text) returns tsvector
    language sql immutable parallel safe
return to_tsvector('simple', search_text(product_name || ' ' || sku || ' ' || vendor_product_id))
    || array_to_tsvector(array[' ' || vendor_id]);

-- Update the words of the products of up to `max_events` events; return the number of events. Concurrent calls take
-- turns, so that none writes older words over newer ones.
create function refresh_product_search(max_events integer) returns integer
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    reached product_search_position;
    events record;
begin
    select * into reached from product_search_position for update;
    with next as (
        select transaction_id, event_id, product_ids
        from product_events
        where (transaction_id, event_id) > (reached.transaction_id, reached.event_id)
          and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        order by transaction_id, event_id
        limit max_events
    )
    select
        count(*)::integer as number,
        (array_agg(transaction_id order by transaction_id desc, event_id desc))[1] as transaction_id,
        (array_agg(event_id order by transaction_id desc, event_id desc))[1] as event_id,
        array(select distinct unnest(product_ids) from next) as product_ids
    into events
    from next;
    if events.number = 0 then
        return 0;
    end if;
    -- In another statement, and so in a later snapshot than the events: it has the values after them.
    insert into product_search (product_id, words)
    select product_id, product_words(vendor_id, product_name, sku, vendor_product_id)
    from products
    where product_id = any(events.product_ids)
    on conflict (product_id) do update set words = excluded.words where product_search.words <> excluded.words;
    delete from product_search s
    where s.product_id = any(events.product_ids)
      and not exists (select from products p where p.product_id = s.product_id);
    update product_search_position set transaction_id = events.transaction_id, event_id = events.event_id;
    return events.number;
end
$$;

-- Return the ids of up to `max_rows` products that follow a position in the order of vendors and their ids. A condition
-- that is null matches all. `of_upload`: the upload created the product or changed it.
create function find_products(
    of_vendor text, words tsquery, of_category text, of_status text, of_upload text,
    after_vendor text, after_product text, max_rows integer
) returns setof bigint language plpgsql stable
-- A plan for each call: it depends on the conditions that are null, and on the words.
set plan_cache_mode = force_custom_plan as $$
declare
    matching_ids bigint[];
begin
    if numnode(words) = 0 then
        -- Only symbols, which are no words of any product.
        return;
    end if;
    if of_vendor is not null then
        words := words && format('%L', ' ' || of_vendor)::tsquery;
    end if;
    if words is not null then
        -- The planner does not know how rare words are. Few products have them: only these are sorted. Many: products
        -- are read in their order until enough have them.
        matching_ids := array(select s.product_id from product_search s where s.words @@ find_products.words limit 5001);
    end if;
    return query
    select p.product_id
    from products p
    where (of_vendor is null or p.vendor_id = of_vendor)
      and (
        find_products.words is null
        or case
            when cardinality(matching_ids) <= 5000 then p.product_id = any(matching_ids)
            else (select s.words @@ find_products.words from product_search s where s.product_id = p.product_id)
        end
      )
      and (of_category is null or p.category = of_category)
      and (of_status is null or p.status = of_status)
      and (
        of_upload is null
        or p.product_id = any(array(
            select created.product_id from products created where created.upload_id = of_upload
            union all
            select c.product_id from product_changes c where c.upload_id = of_upload and c.change_type = 'updated'
        ))
      )
      and (after_vendor is null or (p.vendor_id, p.vendor_product_id) > (after_vendor, after_product))
    order by p.vendor_id, p.vendor_product_id
    limit max_rows;
end
$$;

-- The same for the vendor of the transaction. With its owner's rights, because an index for a condition that may leak
-- values cannot be used below row-level security: each product of the vendor would be read.
create function find_own_products(
    words tsquery, of_category text, of_status text, of_upload text, after_product text, max_rows integer
) returns setof bigint language sql stable security definer set search_path = public, pg_temp
begin atomic
    select *
    from find_products(
        current_vendor(), words, of_category, of_status, of_upload,
        case when after_product is not null then current_vendor() end, after_product, max_rows
    )
    where current_vendor() is not null;
end;

revoke execute on function find_products, find_own_products, refresh_product_search from public;
grant execute on function find_products to onboarding_operator;
grant execute on function find_own_products to onboarding_vendor;

-- Row-level security --------------------------------------------------------------------------------------------------

alter table product_blocks enable row level security;
alter table exports enable row level security;
alter table product_events enable row level security;
alter table product_search enable row level security;

create policy product_blocks_of_vendor on product_blocks for select to onboarding_vendor
    using (vendor_id = current_vendor());
create policy exports_of_vendor on exports to onboarding_vendor
    using (vendor_id = current_vendor()) with check (vendor_id = current_vendor());

do $$
declare
    name text;
begin
    foreach name in array array['product_blocks', 'exports', 'product_events', 'product_search'] loop
        execute format(
            'create policy %I on %I '
            'to onboarding_pipeline, onboarding_operator, onboarding_api, onboarding_report_link '
            'using (true) with check (true)',
            name || '_unrestricted', name
        );
    end loop;
end
$$;

grant select on product_blocks, exports to onboarding_vendor, onboarding_operator;
grant insert (export_id, vendor_id, format, filters, created_by, idempotency_key, total_rows)
    on exports to onboarding_vendor, onboarding_operator;
-- By the function `exporter`.
grant update (status, last_progress_at, completed_at, attempts, total_rows, written_rows, size_bytes, s3_key)
    on exports to onboarding_operator;
grant insert on product_blocks to onboarding_operator;
grant update (ended_at, ended_by) on product_blocks to onboarding_operator;
grant select on product_events, product_search to onboarding_operator;
grant execute on function refresh_product_search to onboarding_pipeline, onboarding_operator;
grant select, insert, update, delete on marketplace_webhook to onboarding_operator;
-- Whether there is one.
grant select (created_at) on marketplace_webhook to onboarding_pipeline;
-- To restart exports, and to delete events that a later one of the same product replaces.
grant select on exports, product_events to onboarding_pipeline;
grant update (status, last_progress_at, completed_at) on exports to onboarding_pipeline;
grant delete on exports to onboarding_pipeline;
grant update, delete on product_events to onboarding_pipeline;
-- Who requested an upload, and for what.
grant select (created_by, purpose) on upload_sessions to onboarding_pipeline;
grant select on upload_sessions to onboarding_operator;
grant insert on upload_sessions, api_keys to onboarding_operator;
