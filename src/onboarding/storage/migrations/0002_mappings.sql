-- Mappings ------------------------------------------------------------------------------------------------------------

-- Mappings of vendors' headers and values. Without a vendor: a preset, which is proposed to all vendors.
-- Without a name: it belongs to a single upload, and is neither listed nor applied to other files.
create table mappings (
    mapping_id         varchar(20)  constraint mappings_pk primary key,
    vendor_id          varchar(50)  constraint mappings_vendor_fk references vendors,
    name               varchar(100),
    -- Hash of the headers of the files that it is applied to.
    header_fingerprint char(64),
    created_at         timestamptz  not null default now(),
    archived_at        timestamptz,
    constraint mappings_remembered_have_headers
        check (vendor_id is null or (name is null) = (header_fingerprint is null)),
    constraint mappings_presets_have_names check (vendor_id is not null or name is not null)
);

create unique index mappings_name on mappings (coalesce(vendor_id, ''), lower(name))
    where name is not null and archived_at is null;
create unique index mappings_fingerprint on mappings (vendor_id, header_fingerprint)
    where header_fingerprint is not null and archived_at is null;
create index mappings_without_name on mappings (vendor_id, created_at) where name is null;

-- Versions are never changed: uploads refer to the one that they used.
create table mapping_versions (
    mapping_id varchar(20) not null constraint mapping_versions_mapping_fk references mappings,
    version    integer     not null,
    vendor_id  varchar(50) constraint mapping_versions_vendor_fk references vendors,
    -- Not jsonb, which does not keep the order of the headers.
    document   json        not null,
    created_by text        not null,
    created_at timestamptz not null default now(),
    constraint mapping_versions_pk primary key (mapping_id, version),
    constraint mapping_versions_number_positive check (version > 0)
);

-- Translations of values of columns with a closed list. Without a vendor: for all vendors.
create table value_mappings (
    value_mapping_id bigint       generated always as identity constraint value_mappings_pk primary key,
    vendor_id        varchar(50)  constraint value_mappings_vendor_fk references vendors,
    column_name      varchar(100) not null,
    -- The value in the form in which values are compared.
    value_key        varchar(400) not null,
    vendor_value     varchar(200) not null,
    target           varchar(100) not null,
    created_by       text         not null,
    updated_at       timestamptz  not null default now()
);

create unique index value_mappings_key on value_mappings (coalesce(vendor_id, ''), column_name, value_key);

-- The vendor's own values of a held row, where a mapping changed them.
alter table held_rows add column original jsonb not null default '{}';

-- Row-level security --------------------------------------------------------------------------------------------------

do $$
declare
    name text;
begin
    foreach name in array array['mappings', 'mapping_versions', 'value_mappings'] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy %I on %I to onboarding_vendor '
            'using (vendor_id = current_vendor()) with check (vendor_id = current_vendor()%s)',
            name || '_of_vendor', name,
            -- A version belongs to the vendor of its mapping.
            case when name = 'mapping_versions' then
                ' and exists (select from mappings m '
                'where m.mapping_id = mapping_versions.mapping_id and m.vendor_id = current_vendor())'
            end
        );
        -- Presets, and value mappings for all vendors: vendors read them.
        execute format(
            'create policy %I on %I for select to onboarding_vendor using (vendor_id is null)', name || '_shared', name
        );
        execute format(
            'create policy %I on %I '
            'to onboarding_pipeline, onboarding_operator, onboarding_api, onboarding_report_link '
            'using (true) with check (true)',
            name || '_unrestricted', name
        );
        execute format('grant select on %I to onboarding_pipeline', name);
        execute format('grant select, insert on %I to onboarding_vendor, onboarding_operator', name);
    end loop;
end
$$;

grant update (name, archived_at) on mappings to onboarding_vendor, onboarding_operator;
grant update (vendor_value, target, created_by, updated_at) on value_mappings to onboarding_vendor, onboarding_operator;
grant delete on value_mappings to onboarding_vendor, onboarding_operator;
