-- Vendors and categories ----------------------------------------------------------------------------------------------

create table vendors (
    vendor_id   varchar(50)  constraint vendors_pk primary key,
    vendor_name varchar(200) not null,
    email       varchar(255) not null,
    phone       varchar(20),
    status      varchar(20)  not null default 'active',
    created_at  timestamptz  not null default now(),
    constraint vendors_status_known check (status in ('active', 'suspended'))
);

create index vendors_email on vendors (lower(email));

create table product_categories (
    category_id   bigint       generated always as identity constraint product_categories_pk primary key,
    category_name varchar(100) not null constraint product_categories_name_key unique,
    description   text,
    is_active     boolean      not null default true,
    created_at    timestamptz  not null default now()
);

-- Uploads -------------------------------------------------------------------------------------------------------------

create table upload_history (
    upload_id               varchar(50)  constraint upload_history_pk primary key,
    vendor_id               varchar(50)  not null constraint upload_history_vendor_fk references vendors,
    file_name               varchar(255) not null,
    s3_key                  text         not null,
    s3_version_id           text         not null,
    file_size_bytes         bigint       not null,
    content_sha256          char(64),
    mode                    varchar(20)  not null default 'create',
    on_error                varchar(20)  not null default 'reject_rows',
    total_records           integer      not null,
    valid_records           integer      not null default 0,
    error_records           integer      not null default 0,
    created_records         integer      not null default 0,
    updated_records         integer      not null default 0,
    unchanged_records       integer      not null default 0,
    -- Valid rows that wait for the rest of their file. They count as valid or invalid once all rows are validated.
    held_records            integer      not null default 0,
    status                  varchar(20)  not null default 'processing',
    failure_code            varchar(50),
    failure_reason          text,
    file_details            jsonb,
    error_file_s3_key       varchar(500),
    fix_file_s3_key         varchar(500),
    upload_timestamp        timestamptz  not null,
    processing_started_at   timestamptz  not null default now(),
    processing_completed_at timestamptz,
    last_progress_at        timestamptz  not null default now(),
    -- Resumes since the last progress: those that staged the rows again, and all that were started.
    resume_attempts         integer      not null default 0,
    resume_starts           integer      not null default 0,
    resume_started_at       timestamptz,
    notified_at             timestamptz,
    renotifications         integer      not null default 0,
    renotified_at           timestamptz,
    undone_at               timestamptz,
    undo_removed            integer,
    undo_restored           integer,
    constraint upload_history_object_key unique (s3_key, s3_version_id),
    constraint upload_history_status_known check (status in ('processing', 'completed', 'partial', 'failed')),
    constraint upload_history_mode_known check (mode in ('create', 'update', 'upsert')),
    constraint upload_history_on_error_known check (on_error in ('reject_rows', 'reject_file')),
    -- The invariants: every row of a finished upload has exactly one outcome.
    constraint upload_history_no_surplus check (valid_records + error_records <= total_records),
    constraint upload_history_no_loss check (status = 'processing' or valid_records + error_records = total_records),
    constraint upload_history_outcomes_add_up
        check (valid_records = created_records + updated_records + unchanged_records),
    constraint upload_history_held_not_negative check (held_records >= 0),
    constraint upload_history_held_within check (
        held_records = 0 or (status = 'processing' and valid_records + error_records + held_records <= total_records)
    ),
    constraint upload_history_completed_when_finished
        check ((status = 'processing') = (processing_completed_at is null)),
    constraint upload_history_undone_when_finished check (undone_at is null or status <> 'processing'),
    constraint upload_history_undo_counted
        check ((undone_at is null) = (undo_removed is null) and (undone_at is null) = (undo_restored is null))
);

create index upload_history_vendor_time on upload_history (vendor_id, upload_timestamp desc);
create index upload_history_time on upload_history (upload_timestamp desc, upload_id desc);
create index upload_history_status on upload_history (status);
create index upload_history_content on upload_history (vendor_id, content_sha256, upload_timestamp desc);
create index upload_history_completed on upload_history (processing_completed_at);
create index upload_history_unnotified on upload_history (processing_completed_at)
    where notified_at is null and status <> 'processing';

create table upload_warnings (
    upload_id   varchar(50)  not null constraint upload_warnings_upload_fk references upload_history on delete cascade,
    number      integer      not null,
    code        varchar(50)  not null,
    message     text         not null,
    row_number  integer,
    column_name varchar(100),
    constraint upload_warnings_pk primary key (upload_id, number)
);

create table validation_errors (
    error_id          bigint       generated always as identity constraint validation_errors_pk primary key,
    upload_id         varchar(50)  not null constraint validation_errors_upload_fk references upload_history,
    vendor_id         varchar(50)  not null constraint validation_errors_vendor_fk references vendors,
    row_number        integer      not null,
    vendor_product_id varchar(100),
    error_type        varchar(50)  not null,
    error_field       varchar(100) not null,
    error_message     text         not null,
    rejected_value    text,
    expected          text         not null default '',
    hint              text         not null default '',
    original_data     jsonb        not null,
    created_at        timestamptz  not null default now(),
    -- One error of a type for each row and field, even if its event is redelivered. Also the index for upload_id.
    constraint validation_errors_row_field_key unique (upload_id, row_number, error_type, error_field)
);

create index validation_errors_type on validation_errors (error_type);
create index validation_errors_time on validation_errors (created_at);

-- Valid rows of all-or-nothing files, until the last row of the file is validated.
create table held_rows (
    upload_id  varchar(50) not null constraint held_rows_upload_fk references upload_history on delete cascade,
    row_number integer     not null,
    vendor_id  varchar(50) not null,
    cells      jsonb       not null,
    constraint held_rows_pk primary key (upload_id, row_number)
);

-- The products that the undo of an upload skipped, with the reason.
create table undo_skipped (
    upload_id         varchar(50)  not null
        constraint undo_skipped_upload_fk references upload_history on delete cascade,
    row_number        integer      not null,
    vendor_product_id varchar(100) not null,
    reason            text         not null,
    constraint undo_skipped_pk primary key (upload_id, row_number)
);

-- The catalog ---------------------------------------------------------------------------------------------------------

create table products (
    product_id        bigint         generated always as identity constraint products_pk primary key,
    vendor_id         varchar(50)    not null constraint products_vendor_fk references vendors,
    vendor_product_id varchar(100)   not null,
    product_name      varchar(200)   not null,
    category          varchar(100)   not null,
    subcategory       varchar(100),
    description       text,
    sku               varchar(100)   not null,
    brand             varchar(100),
    price             decimal(10, 2) not null,
    compare_at_price  decimal(10, 2),
    stock_quantity    integer        not null,
    unit              varchar(20)    not null default 'piece',
    weight_kg         decimal(10, 3),
    dimensions_cm     varchar(50),
    image_url         text,
    upload_id         varchar(50)    not null,
    row_number        integer        not null,
    status            varchar(20)    not null default 'active',
    created_at        timestamptz    not null default now(),
    updated_at        timestamptz    not null default now(),
    constraint products_price_positive check (price > 0),
    constraint products_compare_at_price_not_negative check (compare_at_price >= 0),
    constraint products_stock_not_negative check (stock_quantity >= 0),
    constraint products_weight_not_negative check (weight_kg >= 0),
    constraint products_sku_key unique (sku),
    constraint products_vendor_product_key unique (vendor_id, vendor_product_id),
    -- A row of a file creates one product, even if its event is redelivered. Also the index for upload_id.
    constraint products_upload_row_key unique (upload_id, row_number)
);

create index products_category on products (category);

-- Set `updated_at` on every change of a product, unless the statement sets it: undo compares it to detect changes.
create function set_updated_at() returns trigger language plpgsql as $$
begin
    if new.updated_at = old.updated_at then
        new.updated_at = clock_timestamp();
    end if;
    return new;
end
$$;

create trigger products_set_updated_at before update on products for each row execute function set_updated_at();

-- Rows whose product existed. There is no foreign key to the product, which may have been removed since.
create table product_changes (
    upload_id       varchar(50) not null
        constraint product_changes_upload_fk references upload_history on delete cascade,
    row_number      integer     not null,
    product_id      bigint      not null,
    change_type     varchar(20) not null,
    previous_values jsonb,
    -- The product's `updated_at` after the change. If the product has another one now, it was changed again.
    changed_at      timestamptz,
    -- The SKU that the product had before. It counts as taken for the rest of this upload.
    released_sku    varchar(100),
    -- All columns that the row set, including those that had the value already: an earlier upload that is processed
    -- later may set only the others.
    set_columns     text[]      not null,
    constraint product_changes_pk primary key (upload_id, row_number),
    constraint product_changes_type_known check (change_type in ('updated', 'unchanged')),
    constraint product_changes_previous_values_kept
        check ((change_type = 'updated') = (previous_values is not null and changed_at is not null))
);

create index product_changes_product on product_changes (product_id);
create index product_changes_released on product_changes (upload_id, released_sku) where released_sku is not null;

-- Objects in the bucket -----------------------------------------------------------------------------------------------

-- Objects that belong to no vendor and therefore have no history row.
create table quarantined_objects (
    s3_key        text        not null,
    s3_version_id text        not null,
    reason        text        not null,
    created_at    timestamptz not null default now(),
    constraint quarantined_objects_pk primary key (s3_key, s3_version_id)
);

-- Attempts to read an object that are still running, or that crashed their function.
create table read_attempts (
    s3_key        text        not null,
    s3_version_id text        not null,
    attempts      integer     not null default 1,
    started_at    timestamptz not null default now(),
    constraint read_attempts_pk primary key (s3_key, s3_version_id)
);

-- The position at which the sweep of the bucket continues if it takes more than one run.
create table sweep_cursor (
    singleton     boolean not null default true constraint sweep_cursor_pk primary key,
    s3_key        text    not null,
    s3_version_id text    not null,
    constraint sweep_cursor_one_row check (singleton)
);

-- Authentication ------------------------------------------------------------------------------------------------------

create table operators (
    operator_id bigint       generated always as identity constraint operators_pk primary key,
    email       varchar(255) not null,
    name        varchar(200) not null,
    role        varchar(20)  not null default 'viewer',
    status      varchar(20)  not null default 'active',
    created_at  timestamptz  not null default now(),
    constraint operators_role_known check (role in ('viewer', 'admin')),
    constraint operators_status_known check (status in ('active', 'suspended'))
);

create unique index operators_email on operators (lower(email));

-- A key is shown once; only its SHA-256 is stored. A slow hash is not needed for 32 random bytes.
create table api_keys (
    key_id       varchar(20)  constraint api_keys_pk primary key,
    vendor_id    varchar(50)  not null constraint api_keys_vendor_fk references vendors,
    name         varchar(100) not null,
    key_sha256   bytea        not null constraint api_keys_sha256_key unique,
    scopes       text[]       not null,
    created_at   timestamptz  not null default now(),
    created_by   text         not null,
    expires_at   timestamptz  not null,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    constraint api_keys_scopes_known
        check (cardinality(scopes) > 0 and scopes <@ array['uploads:read', 'uploads:write', 'admin'])
);

create index api_keys_vendor on api_keys (vendor_id, created_at desc);

create table sign_in_links (
    link_sha256 bytea       constraint sign_in_links_pk primary key,
    vendor_id   varchar(50) constraint sign_in_links_vendor_fk references vendors,
    operator_id bigint      constraint sign_in_links_operator_fk references operators,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    used_at     timestamptz,
    constraint sign_in_links_one_account check (num_nonnulls(vendor_id, operator_id) = 1)
);

create index sign_in_links_expiry on sign_in_links (expires_at);

-- Sign-in requests by IP address and by e-mail address, for their limits.
create table sign_in_requests (
    subject text        not null,
    at      timestamptz not null default clock_timestamp()
);

create index sign_in_requests_subject on sign_in_requests (subject, at);
create index sign_in_requests_at on sign_in_requests (at);

create table sessions (
    session_sha256 bytea       constraint sessions_pk primary key,
    vendor_id      varchar(50) constraint sessions_vendor_fk references vendors,
    operator_id    bigint      constraint sessions_operator_fk references operators,
    created_at     timestamptz not null default now(),
    expires_at     timestamptz not null,
    ended_at       timestamptz,
    constraint sessions_one_account check (num_nonnulls(vendor_id, operator_id) = 1)
);

create index sessions_expiry on sessions (expires_at);

-- Changes by vendors, operators and commands.
create table audit_log (
    entry_id  bigint      generated always as identity constraint audit_log_pk primary key,
    at        timestamptz not null default now(),
    actor     text        not null,
    vendor_id varchar(50),
    action    varchar(50) not null,
    subject   text        not null,
    ip        text        not null default '',
    detail    jsonb       not null default '{}'
);

create index audit_log_vendor on audit_log (vendor_id, entry_id desc);

-- Requests of vendors -------------------------------------------------------------------------------------------------

-- Pre-signed uploads of one file each.
create table upload_sessions (
    upload_session_id varchar(40)  constraint upload_sessions_pk primary key,
    vendor_id         varchar(50)  not null constraint upload_sessions_vendor_fk references vendors,
    file_name         varchar(255) not null,
    s3_key            text         not null constraint upload_sessions_s3_key_key unique,
    options           jsonb        not null,
    idempotency_key   varchar(255),
    created_at        timestamptz  not null default now(),
    expires_at        timestamptz  not null,
    constraint upload_sessions_idempotency_key unique (vendor_id, idempotency_key)
);

-- The dry runs of the last day, which are limited for each vendor.
create table dry_runs (
    dry_run_id bigint      generated always as identity constraint dry_runs_pk primary key,
    vendor_id  varchar(50) not null constraint dry_runs_vendor_fk references vendors,
    started_at timestamptz not null default clock_timestamp(),
    ended_at   timestamptz
);

create index dry_runs_vendor on dry_runs (vendor_id, started_at);

-- The function that sends webhooks has access to the Internet but not to the database: it reads a copy in DynamoDB.
create table webhooks (
    vendor_id  varchar(50)   constraint webhooks_pk primary key constraint webhooks_vendor_fk references vendors,
    url        varchar(2000) not null,
    secret     text          not null,
    created_at timestamptz   not null default now(),
    updated_at timestamptz   not null default now()
);

-- A revocation applies to all links to a file.
create table revoked_report_links (
    s3_key     varchar(500) constraint revoked_report_links_pk primary key,
    vendor_id  varchar(50)  not null,
    revoked_at timestamptz  not null default now(),
    revoked_by text         not null
);

create table report_link_clicks (
    click_id   bigint       generated always as identity constraint report_link_clicks_pk primary key,
    s3_key     varchar(500) not null,
    vendor_id  varchar(50)  not null,
    outcome    varchar(20)  not null,
    at         timestamptz  not null default now(),
    ip         text         not null,
    user_agent text         not null,
    constraint report_link_clicks_outcome_known check (outcome in ('followed', 'expired', 'revoked'))
);

create index report_link_clicks_key on report_link_clicks (s3_key, click_id desc);

-- Roles ---------------------------------------------------------------------------------------------------------------
-- One role for each group of functions. Each logs in with its own password, which onboarding/storage/database_roles.py
-- sets. The owner of the tables is for migrations and the function `admin`. Row-level security applies to every role
-- except the owner.
--
--   onboarding_pipeline     csv-parser, product-validator, error-processor, watchdog: uploads and the catalog
--   onboarding_api          api: keys, sessions and sign-in links. Otherwise a request takes one of two roles:
--   onboarding_vendor         a vendor's request: the rows of one vendor
--   onboarding_operator       an operator's request, and undo, cancel and dry run: the rows of all vendors
--   onboarding_report_link  report-link: whether a link is revoked, and its clicks
--
-- Roles belong to the cluster, so another database may have created them already.
do $$
declare
    name text;
begin
    foreach name in array array[
        'onboarding_pipeline', 'onboarding_api', 'onboarding_report_link', 'onboarding_vendor', 'onboarding_operator'
    ] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format(
                    'create role %I %s', name,
                    case when name in ('onboarding_vendor', 'onboarding_operator') then 'nologin' else 'login' end
                );
            end if;
        exception
            when duplicate_object or unique_violation then null;
        end;
        execute format('grant usage on schema public to %I', name);
    end loop;
    -- Without inheritance: the login itself sees no rows of vendors, so a request that takes no role fails.
    foreach name in array array['onboarding_vendor', 'onboarding_operator'] loop
        begin
            if not pg_has_role('onboarding_api', name, 'set') then
                execute format('grant %I to onboarding_api with inherit false, set true', name);
            end if;
            if not pg_has_role(current_user, name, 'set') then
                execute format('grant %I to %I with inherit false, set true', name, current_user);
            end if;
        exception
            when unique_violation then null;
        end;
    end loop;
end
$$;

-- Row-level security --------------------------------------------------------------------------------------------------

-- Return the vendor that the transaction is restricted to. Without one it is null, which equals no vendor.
create function current_vendor() returns text language sql stable
return nullif(current_setting('onboarding.vendor_id', true), '');

-- The tables whose rows belong to vendors. A test checks that every such table is listed here or closed to vendors.
-- For the other roles, grants alone decide.
do $$
declare
    name text;
begin
    foreach name in array array[
        'vendors', 'products', 'upload_history', 'validation_errors', 'product_changes', 'undo_skipped',
        'upload_warnings', 'api_keys', 'upload_sessions', 'webhooks', 'revoked_report_links', 'report_link_clicks',
        'audit_log', 'dry_runs'
    ] loop
        execute format('alter table %I enable row level security', name);
        if exists (
            select from information_schema.columns c
            where c.table_schema = 'public' and c.table_name = name and c.column_name = 'vendor_id'
        ) then
            execute format(
                'create policy %I on %I to onboarding_vendor '
                'using (vendor_id = current_vendor()) with check (vendor_id = current_vendor())',
                name || '_of_vendor', name
            );
        else
            -- Rows of an upload belong to the vendor of the upload.
            execute format(
                'create policy %I on %I to onboarding_vendor using (exists ('
                'select from upload_history u where u.upload_id = %I.upload_id and u.vendor_id = current_vendor()))',
                name || '_of_vendor', name, name
            );
        end if;
        execute format(
            'create policy %I on %I '
            'to onboarding_pipeline, onboarding_operator, onboarding_api, onboarding_report_link '
            'using (true) with check (true)',
            name || '_unrestricted', name
        );
    end loop;
end
$$;

-- Grants: vendors' requests -------------------------------------------------------------------------------------------

grant select on
    vendors, product_categories, products, upload_history, validation_errors, product_changes, undo_skipped,
    upload_warnings, upload_sessions, webhooks, revoked_report_links, report_link_clicks, audit_log, dry_runs
to onboarding_vendor;
-- Without the hash, which is not needed to list or revoke a key.
grant select (key_id, vendor_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at)
    on api_keys to onboarding_vendor;
grant insert on api_keys, upload_sessions, webhooks, revoked_report_links, audit_log, dry_runs to onboarding_vendor;
grant update (revoked_at) on api_keys to onboarding_vendor;
grant update (expires_at) on upload_sessions to onboarding_vendor;
grant update (ended_at) on dry_runs to onboarding_vendor;
grant update on webhooks to onboarding_vendor;
grant delete on webhooks, dry_runs to onboarding_vendor;

-- Grants: operators' requests -----------------------------------------------------------------------------------------

grant select on
    vendors, product_categories, products, upload_history, validation_errors, upload_warnings, product_changes,
    held_rows, undo_skipped, quarantined_objects, revoked_report_links, report_link_clicks, audit_log, webhooks
to onboarding_operator;
-- Without the hash, as for vendors.
grant select (key_id, vendor_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at)
    on api_keys to onboarding_operator;
grant select (vendor_id, used_at) on sign_in_links to onboarding_operator;
grant select (vendor_id, ended_at, expires_at) on sessions to onboarding_operator;
grant insert on vendors, product_categories, revoked_report_links, audit_log to onboarding_operator;
grant update on vendors, product_categories to onboarding_operator;
grant update (revoked_at) on api_keys to onboarding_operator;
grant update (used_at) on sign_in_links to onboarding_operator;
grant update (ended_at) on sessions to onboarding_operator;
-- To cancel an upload, and to undo one.
grant insert on validation_errors, undo_skipped to onboarding_operator;
grant update on products, upload_history to onboarding_operator;
grant delete on products, undo_skipped to onboarding_operator;

-- Grants: authentication ----------------------------------------------------------------------------------------------

grant select on api_keys, sessions, sign_in_links, sign_in_requests to onboarding_api;
grant select (vendor_id, vendor_name, email, status) on vendors to onboarding_api;
grant select on operators to onboarding_api;
grant insert on sessions, sign_in_links, sign_in_requests, audit_log to onboarding_api;
grant update (last_used_at) on api_keys to onboarding_api;
grant update (used_at) on sign_in_links to onboarding_api;
grant update (ended_at) on sessions to onboarding_api;
grant delete on sessions, sign_in_links, sign_in_requests to onboarding_api;

-- Grants: the pipeline ------------------------------------------------------------------------------------------------

grant select on
    vendors, product_categories, products, upload_history, validation_errors, upload_warnings, product_changes,
    held_rows, quarantined_objects, sweep_cursor, read_attempts
to onboarding_pipeline;
grant insert on
    products, upload_history, validation_errors, upload_warnings, product_changes, held_rows, quarantined_objects,
    sweep_cursor, read_attempts
to onboarding_pipeline;
grant update on products, upload_history, sweep_cursor, read_attempts to onboarding_pipeline;
grant delete on held_rows, sweep_cursor, read_attempts to onboarding_pipeline;
-- Whether a key is that of an upload session.
grant select (s3_key) on upload_sessions to onboarding_pipeline;

-- Grants: report links ------------------------------------------------------------------------------------------------

grant select (s3_key) on revoked_report_links to onboarding_report_link;
grant insert on report_link_clicks to onboarding_report_link;

-- Seeds ---------------------------------------------------------------------------------------------------------------

insert into product_categories (category_name) values
    ('Electronics'), ('Computer Accessories'), ('Audio Equipment'), ('Mobile Accessories'), ('Computer Storage'),
    ('Clothing'), ('Men''s Clothing'), ('Women''s Clothing'), ('Accessories'), ('Home & Garden'), ('Kitchen'),
    ('Bedroom'), ('Bathroom'), ('Living Room'), ('Garden'), ('Sports & Outdoors'), ('Books'), ('Toys & Games'),
    ('Health & Beauty'), ('Food & Beverage');

insert into vendors (vendor_id, vendor_name, email) values
    ('VEND001', 'TechGear', 'contact@techgear.com'),
    ('VEND002', 'StyleWear', 'sales@stylewear.com'),
    ('VEND003', 'HomeEssentials', 'info@homeess.com');
