-- Who may ask, what they are given, and the second wall between vendors.

-- -- The wall ---------------------------------------------------------------------------------------------------------
-- A vendor's request runs as this role, which sees the rows of the vendor that the transaction names and no others,
-- whatever a statement forgets to say. The tables' owner, as which the pipeline and the operators' requests run, is not
-- held by policies. Roles belong to the cluster, so another database of it may have made this one already.
do $$
begin
    if not exists (select from pg_roles where rolname = 'onboarding_vendor') then
        create role onboarding_vendor nologin;
    end if;
    if not pg_has_role(current_user, 'onboarding_vendor', 'set') then
        execute format('grant onboarding_vendor to %I with inherit false, set true', current_user);
    end if;
exception
    when duplicate_object or unique_violation then null;
end
$$;

-- Null, and so equal to nothing, where no vendor was named.
create function current_vendor() returns text language sql stable
return nullif(current_setting('onboarding.vendor_id', true), '');

-- -- Who asks ---------------------------------------------------------------------------------------------------------
create table operators (
    operator_id serial       constraint operators_pk primary key,
    email       varchar(255) not null,
    name        varchar(200) not null,
    role        varchar(20)  not null default 'viewer',
    status      varchar(20)  not null default 'active',
    created_at  timestamptz  not null default now(),
    constraint operators_role_known check (role in ('viewer', 'admin')),
    constraint operators_status_known check (status in ('active', 'suspended'))
);

create unique index operators_email on operators (lower(email));
create index vendors_email on vendors (lower(email));

-- The key itself is shown once and not kept. It is 32 random bytes, so its plain SHA-256 tells a thief nothing: slow
-- hashes are for what people think up.
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

-- A link that was mailed to somebody who wants to sign in.
create table sign_in_links (
    link_sha256 bytea       constraint sign_in_links_pk primary key,
    vendor_id   varchar(50) constraint sign_in_links_vendor_fk references vendors,
    operator_id integer     constraint sign_in_links_operator_fk references operators,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    used_at     timestamptz,
    constraint sign_in_links_for_one check (num_nonnulls(vendor_id, operator_id) = 1)
);

create index sign_in_links_expiry on sign_in_links (expires_at);

-- How often an address asked, and was asked for, lately.
create table sign_in_requests (
    subject text        not null,
    at      timestamptz not null default clock_timestamp()
);

create index sign_in_requests_subject on sign_in_requests (subject, at);
create index sign_in_requests_at on sign_in_requests (at);

create table sessions (
    session_sha256 bytea       constraint sessions_pk primary key,
    vendor_id      varchar(50) constraint sessions_vendor_fk references vendors,
    operator_id    integer     constraint sessions_operator_fk references operators,
    created_at     timestamptz not null default now(),
    expires_at     timestamptz not null,
    ended_at       timestamptz,
    constraint sessions_for_one check (num_nonnulls(vendor_id, operator_id) = 1)
);

create index sessions_expiry on sessions (expires_at);

-- What somebody did that changes something or opens a door: who, what, to what, from where.
create table actions (
    action_id bigint generated always as identity constraint actions_pk primary key,
    at        timestamptz not null default now(),
    actor     text        not null,
    vendor_id varchar(50),
    action    varchar(50) not null,
    subject   text        not null,
    ip        text        not null default '',
    detail    jsonb       not null default '{}'
);

create index actions_vendor on actions (vendor_id, action_id desc);

-- -- What they are given ----------------------------------------------------------------------------------------------
-- A place for one file: whoever holds the form may put it there until the ticket ends.
create table upload_tickets (
    ticket_id       varchar(40) constraint upload_tickets_pk primary key,
    vendor_id       varchar(50) not null constraint upload_tickets_vendor_fk references vendors,
    file_name       varchar(255) not null,
    s3_key          text        not null constraint upload_tickets_key_key unique,
    options         jsonb       not null,
    idempotency_key varchar(255),
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null,
    constraint upload_tickets_once unique (vendor_id, idempotency_key)
);

-- Where a vendor is told of finished uploads. What reaches the Internet reads a copy in DynamoDB: it has no way here.
create table webhooks (
    vendor_id  varchar(50)   constraint webhooks_pk primary key constraint webhooks_vendor_fk references vendors,
    url        varchar(2000) not null,
    secret     text          not null,
    created_at timestamptz   not null default now(),
    updated_at timestamptz   not null default now()
);

-- Links in mails that lead nowhere any more, and every use of one. By the file's key: all links to it are one.
create table revoked_links (
    s3_key     varchar(500) constraint revoked_links_pk primary key,
    vendor_id  varchar(50)  not null,
    revoked_at timestamptz  not null default now(),
    revoked_by text         not null
);

create table link_uses (
    use_id     bigint generated always as identity constraint link_uses_pk primary key,
    s3_key     varchar(500) not null,
    vendor_id  varchar(50)  not null,
    outcome    varchar(20)  not null,
    at         timestamptz  not null default now(),
    ip         text         not null,
    user_agent text         not null,
    constraint link_uses_outcome_known check (outcome in ('followed', 'expired', 'revoked'))
);

create index link_uses_key on link_uses (s3_key, use_id desc);

-- The history of all vendors, newest first, page by page.
create index upload_history_time on upload_history (upload_timestamp desc, upload_id desc);

-- -- What a vendor's request may do -----------------------------------------------------------------------------------
-- The one list of tables that know whose a row is. A test walks the schema: each such table is here or closed to vendors.
do $$
declare
    name text;
begin
    foreach name in array array[
        'vendors', 'products', 'upload_history', 'validation_errors', 'product_changes', 'undo_kept', 'upload_warnings',
        'api_keys', 'upload_tickets', 'webhooks', 'revoked_links', 'link_uses', 'actions'
    ] loop
        execute format('alter table %I enable row level security', name);
        if exists (
            select from information_schema.columns c
            where c.table_schema = 'public' and c.table_name = name and c.column_name = 'vendor_id'
        ) then
            execute format(
                'create policy %I on %I to onboarding_vendor '
                'using (vendor_id = current_vendor()) with check (vendor_id = current_vendor())',
                name || '_own', name
            );
        else
            -- Rows that hang on an upload are whoever's it is.
            execute format(
                'create policy %I on %I to onboarding_vendor using (exists ('
                'select from upload_history u where u.upload_id = %I.upload_id and u.vendor_id = current_vendor()))',
                name || '_own', name, name
            );
        end if;
    end loop;
end
$$;

grant usage on schema public to onboarding_vendor;
grant select on
    vendors, product_categories, products, upload_history, validation_errors, product_changes, undo_kept, upload_warnings,
    link_uses
to onboarding_vendor;
-- Not the hash: nobody needs it to see or revoke a key.
grant select (key_id, vendor_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at)
    on api_keys to onboarding_vendor;
grant insert on api_keys, upload_tickets, webhooks, revoked_links, actions to onboarding_vendor;
grant update (revoked_at) on api_keys to onboarding_vendor;
grant select on upload_tickets, webhooks, revoked_links, actions to onboarding_vendor;
grant update (expires_at) on upload_tickets to onboarding_vendor;
grant update, delete on webhooks to onboarding_vendor;
