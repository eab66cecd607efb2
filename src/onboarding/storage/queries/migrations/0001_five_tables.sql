-- The five tables of the contract, and what the ledger needs beside their columns.

create table vendors (
    vendor_id   varchar(50)  constraint vendors_pk primary key,
    vendor_name varchar(200) not null,
    email       varchar(255) not null,
    phone       varchar(20),
    status      varchar(20)  not null default 'active',
    created_at  timestamptz  not null default now(),
    constraint vendors_status_known check (status in ('active', 'suspended'))
);

create table product_categories (
    category_id   serial       constraint product_categories_pk primary key,
    category_name varchar(100) not null constraint product_categories_name_key unique,
    description   text,
    is_active     boolean      not null default true,
    created_at    timestamptz  not null default now()
);

create table products (
    product_id        serial         constraint products_pk primary key,
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
    -- A row of a file enters the catalog once, however often its event comes; also the index for upload_id.
    constraint products_upload_row_key unique (upload_id, row_number)
);

create index products_category on products (category);

create table upload_history (
    upload_id               varchar(50)  constraint upload_history_pk primary key,
    vendor_id               varchar(50)  not null constraint upload_history_vendor_fk references vendors,
    file_name               varchar(255) not null,
    s3_key                  text         not null,
    s3_version_id           text         not null,
    file_size_bytes         bigint       not null,
    total_records           integer      not null,
    valid_records           integer      not null default 0,
    error_records           integer      not null default 0,
    status                  varchar(20)  not null default 'processing',
    failure_code            varchar(50),
    failure_reason          text,
    error_file_s3_key       varchar(500),
    upload_timestamp        timestamptz  not null,
    processing_started_at   timestamptz  not null default now(),
    processing_completed_at timestamptz,
    last_progress_at        timestamptz  not null default now(),
    notified_at             timestamptz,
    constraint upload_history_object_key unique (s3_key, s3_version_id),
    constraint upload_history_status_known check (status in ('processing', 'completed', 'partial', 'failed')),
    -- The ledger's law: a finished upload has an outcome for every row that was read, and none has too many.
    constraint upload_history_no_surplus check (valid_records + error_records <= total_records),
    constraint upload_history_no_loss check (status = 'processing' or valid_records + error_records = total_records),
    constraint upload_history_completed_when_finished check ((status = 'processing') = (processing_completed_at is null))
);

create index upload_history_vendor_time on upload_history (vendor_id, upload_timestamp desc);
create index upload_history_status on upload_history (status);

create table validation_errors (
    error_id          serial       constraint validation_errors_pk primary key,
    upload_id         varchar(50)  not null constraint validation_errors_upload_fk references upload_history,
    vendor_id         varchar(50)  not null constraint validation_errors_vendor_fk references vendors,
    row_number        integer      not null,
    vendor_product_id varchar(100),
    error_type        varchar(50)  not null,
    error_field       varchar(100) not null,
    error_message     text         not null,
    original_data     jsonb        not null,
    created_at        timestamptz  not null default now(),
    -- One error of a kind per row and field, however often its event comes; also the index for upload_id.
    constraint validation_errors_once unique (upload_id, row_number, error_type, error_field)
);

create index validation_errors_type on validation_errors (error_type);

-- Objects that belong to no known vendor: no history row can hold them, operators are told of each once.
create table quarantined_objects (
    s3_key        text        not null,
    s3_version_id text        not null,
    reason        text        not null,
    created_at    timestamptz not null default now(),
    constraint quarantined_objects_pk primary key (s3_key, s3_version_id)
);
