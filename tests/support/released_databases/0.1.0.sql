SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.current_vendor() RETURNS text
    LANGUAGE sql STABLE
    RETURN NULLIF(current_setting('onboarding.vendor_id'::text, true), ''::text);
CREATE FUNCTION public.products_touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.updated_at = old.updated_at then
        new.updated_at = clock_timestamp();
    end if;
    return new;
end
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.actions (
    action_id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    vendor_id character varying(50),
    action character varying(50) NOT NULL,
    subject text NOT NULL,
    ip text DEFAULT ''::text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE public.actions ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.actions_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.api_keys (
    key_id character varying(20) NOT NULL,
    vendor_id character varying(50) NOT NULL,
    name character varying(100) NOT NULL,
    key_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_scopes_known CHECK (((cardinality(scopes) > 0) AND (scopes <@ ARRAY['uploads:read'::text, 'uploads:write'::text, 'admin'::text])))
);
CREATE TABLE public.held_rows (
    upload_id character varying(50) NOT NULL,
    row_number integer NOT NULL,
    vendor_id character varying(50) NOT NULL,
    cells jsonb NOT NULL
);
CREATE TABLE public.link_uses (
    use_id bigint NOT NULL,
    s3_key character varying(500) NOT NULL,
    vendor_id character varying(50) NOT NULL,
    outcome character varying(20) NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    CONSTRAINT link_uses_outcome_known CHECK (((outcome)::text = ANY ((ARRAY['followed'::character varying, 'expired'::character varying, 'revoked'::character varying])::text[])))
);
ALTER TABLE public.link_uses ALTER COLUMN use_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.link_uses_use_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operators (
    operator_id integer NOT NULL,
    email character varying(255) NOT NULL,
    name character varying(200) NOT NULL,
    role character varying(20) DEFAULT 'viewer'::character varying NOT NULL,
    status character varying(20) DEFAULT 'active'::character varying NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT operators_role_known CHECK (((role)::text = ANY ((ARRAY['viewer'::character varying, 'admin'::character varying])::text[]))),
    CONSTRAINT operators_status_known CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'suspended'::character varying])::text[])))
);
CREATE SEQUENCE public.operators_operator_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.operators_operator_id_seq OWNED BY public.operators.operator_id;
CREATE TABLE public.product_categories (
    category_id integer NOT NULL,
    category_name character varying(100) NOT NULL,
    description text,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE SEQUENCE public.product_categories_category_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.product_categories_category_id_seq OWNED BY public.product_categories.category_id;
CREATE TABLE public.product_changes (
    upload_id character varying(50) NOT NULL,
    row_number integer NOT NULL,
    product_id integer NOT NULL,
    kind character varying(20) NOT NULL,
    before jsonb,
    changed_at timestamp with time zone,
    released_sku character varying(100),
    CONSTRAINT product_changes_before_kept CHECK ((((kind)::text = 'updated'::text) = ((before IS NOT NULL) AND (changed_at IS NOT NULL)))),
    CONSTRAINT product_changes_kind_known CHECK (((kind)::text = ANY ((ARRAY['updated'::character varying, 'unchanged'::character varying])::text[])))
);
CREATE TABLE public.products (
    product_id integer NOT NULL,
    vendor_id character varying(50) NOT NULL,
    vendor_product_id character varying(100) NOT NULL,
    product_name character varying(200) NOT NULL,
    category character varying(100) NOT NULL,
    subcategory character varying(100),
    description text,
    sku character varying(100) NOT NULL,
    brand character varying(100),
    price numeric(10,2) NOT NULL,
    compare_at_price numeric(10,2),
    stock_quantity integer NOT NULL,
    unit character varying(20) DEFAULT 'piece'::character varying NOT NULL,
    weight_kg numeric(10,3),
    dimensions_cm character varying(50),
    image_url text,
    upload_id character varying(50) NOT NULL,
    row_number integer NOT NULL,
    status character varying(20) DEFAULT 'active'::character varying NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT products_compare_at_price_not_negative CHECK ((compare_at_price >= (0)::numeric)),
    CONSTRAINT products_price_positive CHECK ((price > (0)::numeric)),
    CONSTRAINT products_stock_not_negative CHECK ((stock_quantity >= 0)),
    CONSTRAINT products_weight_not_negative CHECK ((weight_kg >= (0)::numeric))
);
CREATE SEQUENCE public.products_product_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.products_product_id_seq OWNED BY public.products.product_id;
CREATE TABLE public.quarantined_objects (
    s3_key text NOT NULL,
    s3_version_id text NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.revoked_links (
    s3_key character varying(500) NOT NULL,
    vendor_id character varying(50) NOT NULL,
    revoked_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_by text NOT NULL
);
CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.sessions (
    session_sha256 bytea NOT NULL,
    vendor_id character varying(50),
    operator_id integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT sessions_for_one CHECK ((num_nonnulls(vendor_id, operator_id) = 1))
);
CREATE TABLE public.sign_in_links (
    link_sha256 bytea NOT NULL,
    vendor_id character varying(50),
    operator_id integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_links_for_one CHECK ((num_nonnulls(vendor_id, operator_id) = 1))
);
CREATE TABLE public.sign_in_requests (
    subject text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE public.sweep_position (
    is_the_only_one boolean DEFAULT true NOT NULL,
    s3_key text NOT NULL,
    s3_version_id text NOT NULL,
    CONSTRAINT sweep_position_once CHECK (is_the_only_one)
);
CREATE TABLE public.undo_kept (
    upload_id character varying(50) NOT NULL,
    row_number integer NOT NULL,
    vendor_product_id character varying(100) NOT NULL,
    reason text NOT NULL
);
CREATE TABLE public.upload_history (
    upload_id character varying(50) NOT NULL,
    vendor_id character varying(50) NOT NULL,
    file_name character varying(255) NOT NULL,
    s3_key text NOT NULL,
    s3_version_id text NOT NULL,
    file_size_bytes bigint NOT NULL,
    total_records integer NOT NULL,
    valid_records integer DEFAULT 0 NOT NULL,
    error_records integer DEFAULT 0 NOT NULL,
    status character varying(20) DEFAULT 'processing'::character varying NOT NULL,
    failure_code character varying(50),
    failure_reason text,
    error_file_s3_key character varying(500),
    upload_timestamp timestamp with time zone NOT NULL,
    processing_started_at timestamp with time zone DEFAULT now() NOT NULL,
    processing_completed_at timestamp with time zone,
    last_progress_at timestamp with time zone DEFAULT now() NOT NULL,
    notified_at timestamp with time zone,
    detected jsonb,
    fix_file_s3_key character varying(500),
    content_sha256 character(64),
    mode character varying(20) DEFAULT 'create'::character varying NOT NULL,
    on_error character varying(20) DEFAULT 'reject_rows'::character varying NOT NULL,
    created_records integer DEFAULT 0 NOT NULL,
    updated_records integer DEFAULT 0 NOT NULL,
    unchanged_records integer DEFAULT 0 NOT NULL,
    held_records integer DEFAULT 0 NOT NULL,
    undone_at timestamp with time zone,
    undo_removed integer,
    undo_restored integer,
    redrives integer DEFAULT 0 NOT NULL,
    redriven_at timestamp with time zone,
    redrive_attempts integer DEFAULT 0 NOT NULL,
    announcements integer DEFAULT 0 NOT NULL,
    announced_at timestamp with time zone,
    CONSTRAINT upload_history_completed_when_finished CHECK ((((status)::text = 'processing'::text) = (processing_completed_at IS NULL))),
    CONSTRAINT upload_history_held_not_negative CHECK ((held_records >= 0)),
    CONSTRAINT upload_history_held_within CHECK (((held_records = 0) OR (((status)::text = 'processing'::text) AND (((valid_records + error_records) + held_records) <= total_records)))),
    CONSTRAINT upload_history_mode_known CHECK (((mode)::text = ANY ((ARRAY['create'::character varying, 'update'::character varying, 'upsert'::character varying])::text[]))),
    CONSTRAINT upload_history_no_loss CHECK ((((status)::text = 'processing'::text) OR ((valid_records + error_records) = total_records))),
    CONSTRAINT upload_history_no_surplus CHECK (((valid_records + error_records) <= total_records)),
    CONSTRAINT upload_history_on_error_known CHECK (((on_error)::text = ANY ((ARRAY['reject_rows'::character varying, 'reject_file'::character varying])::text[]))),
    CONSTRAINT upload_history_outcomes_add_up CHECK ((valid_records = ((created_records + updated_records) + unchanged_records))),
    CONSTRAINT upload_history_status_known CHECK (((status)::text = ANY ((ARRAY['processing'::character varying, 'completed'::character varying, 'partial'::character varying, 'failed'::character varying])::text[]))),
    CONSTRAINT upload_history_undo_counted CHECK ((((undone_at IS NULL) = (undo_removed IS NULL)) AND ((undone_at IS NULL) = (undo_restored IS NULL)))),
    CONSTRAINT upload_history_undone_when_finished CHECK (((undone_at IS NULL) OR ((status)::text <> 'processing'::text)))
);
CREATE TABLE public.upload_tickets (
    ticket_id character varying(40) NOT NULL,
    vendor_id character varying(50) NOT NULL,
    file_name character varying(255) NOT NULL,
    s3_key text NOT NULL,
    options jsonb NOT NULL,
    idempotency_key character varying(255),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.upload_warnings (
    upload_id character varying(50) NOT NULL,
    number integer NOT NULL,
    code character varying(50) NOT NULL,
    message text NOT NULL,
    row_number integer,
    column_name character varying(100)
);
CREATE TABLE public.validation_errors (
    error_id integer NOT NULL,
    upload_id character varying(50) NOT NULL,
    vendor_id character varying(50) NOT NULL,
    row_number integer NOT NULL,
    vendor_product_id character varying(100),
    error_type character varying(50) NOT NULL,
    error_field character varying(100) NOT NULL,
    error_message text NOT NULL,
    original_data jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    rejected_value text,
    expected text DEFAULT ''::text NOT NULL,
    hint text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.validation_errors_error_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.validation_errors_error_id_seq OWNED BY public.validation_errors.error_id;
CREATE TABLE public.vendors (
    vendor_id character varying(50) NOT NULL,
    vendor_name character varying(200) NOT NULL,
    email character varying(255) NOT NULL,
    phone character varying(20),
    status character varying(20) DEFAULT 'active'::character varying NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT vendors_status_known CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'suspended'::character varying])::text[])))
);
CREATE TABLE public.webhooks (
    vendor_id character varying(50) NOT NULL,
    url character varying(2000) NOT NULL,
    secret text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.operators ALTER COLUMN operator_id SET DEFAULT nextval('public.operators_operator_id_seq'::regclass);
ALTER TABLE ONLY public.product_categories ALTER COLUMN category_id SET DEFAULT nextval('public.product_categories_category_id_seq'::regclass);
ALTER TABLE ONLY public.products ALTER COLUMN product_id SET DEFAULT nextval('public.products_product_id_seq'::regclass);
ALTER TABLE ONLY public.validation_errors ALTER COLUMN error_id SET DEFAULT nextval('public.validation_errors_error_id_seq'::regclass);
INSERT INTO public.held_rows VALUES
	('UPLOAD_20241221_103045_whole', 1, 'VEND001', '{"sku": "S-whole-1", "unit": "piece", "brand": "TechGear", "price": "19.99", "category": "Computer Accessories", "image_url": "https://images.example.com/mouse.jpg", "weight_kg": "0.25", "description": "Ergonomic wireless mouse...", "subcategory": "Mice & Keyboards", "product_name": "Wireless Mouse - Model 651", "dimensions_cm": "12x8x4", "stock_quantity": "150", "vendor_product_id": "P-whole-1"}');
INSERT INTO public.product_categories VALUES
	(1, 'Electronics', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(2, 'Computer Accessories', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(3, 'Audio Equipment', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(4, 'Mobile Accessories', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(5, 'Computer Storage', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(6, 'Clothing', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(7, 'Men''s Clothing', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(8, 'Women''s Clothing', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(9, 'Accessories', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(10, 'Home & Garden', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(11, 'Kitchen', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(12, 'Bedroom', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(13, 'Bathroom', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(14, 'Living Room', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(15, 'Garden', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(16, 'Sports & Outdoors', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(17, 'Books', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(18, 'Toys & Games', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(19, 'Health & Beauty', NULL, true, '2026-11-28 04:51:43.697069+00'),
	(20, 'Food & Beverage', NULL, true, '2026-11-28 04:51:43.697069+00');
INSERT INTO public.product_changes VALUES
	('UPLOAD_20241221_103045_changed', 1, 1, 'updated', '{"sku": "S-1", "unit": "piece", "brand": "TechGear", "price": 19.99, "status": "active", "category": "Computer Accessories", "image_url": "https://images.example.com/mouse.jpg", "upload_id": "UPLOAD_20241221_103045_created", "vendor_id": "VEND001", "weight_kg": 0.250, "created_at": "2026-11-28T04:51:43.857309+00:00", "product_id": 1, "row_number": 1, "updated_at": "2026-11-28T04:51:43.857309+00:00", "description": "Ergonomic wireless mouse...", "subcategory": "Mice & Keyboards", "product_name": "Wireless Mouse - Model 651", "dimensions_cm": "12x8x4", "stock_quantity": 150, "compare_at_price": null, "vendor_product_id": "P-1"}', '2026-11-28 04:51:43.875835+00', NULL);
INSERT INTO public.products VALUES
	(2, 'VEND001', 'P-2', 'Wireless Mouse - Model 651', 'Computer Accessories', 'Mice & Keyboards', 'Ergonomic wireless mouse...', 'S-2', 'TechGear', 19.99, NULL, 150, 'piece', 0.250, '12x8x4', 'https://images.example.com/mouse.jpg', 'UPLOAD_20241221_103045_created', 2, 'active', '2026-11-28 04:51:43.857309+00', '2026-11-28 04:51:43.857309+00'),
	(3, 'VEND001', 'P-3', 'Wireless Mouse - Model 651', 'Computer Accessories', 'Mice & Keyboards', 'Ergonomic wireless mouse...', 'S-3', 'TechGear', 19.99, NULL, 150, 'piece', 0.250, '12x8x4', 'https://images.example.com/mouse.jpg', 'UPLOAD_20241221_103045_created', 3, 'active', '2026-11-28 04:51:43.857309+00', '2026-11-28 04:51:43.857309+00'),
	(1, 'VEND001', 'P-1', 'Wireless Mouse - Model 651', 'Computer Accessories', 'Mice & Keyboards', 'Ergonomic wireless mouse...', 'S-1', 'TechGear', 5.00, NULL, 150, 'piece', 0.250, '12x8x4', 'https://images.example.com/mouse.jpg', 'UPLOAD_20241221_103045_created', 1, 'active', '2026-11-28 04:51:43.857309+00', '2026-11-28 04:51:43.875835+00'),
	(4, 'VEND001', 'P-half-1', 'Wireless Mouse - Model 651', 'Computer Accessories', 'Mice & Keyboards', 'Ergonomic wireless mouse...', 'S-half-1', 'TechGear', 1.00, NULL, 150, 'piece', 0.250, '12x8x4', 'https://images.example.com/mouse.jpg', 'UPLOAD_20241221_103045_half', 1, 'active', '2026-11-28 04:51:43.889031+00', '2026-11-28 04:51:43.889031+00');
INSERT INTO public.schema_migrations VALUES
	(1, '0001_five_tables.sql', '2026-11-28 04:51:43.653825+00'),
	(2, '0002_seed.sql', '2026-11-28 04:51:43.697069+00'),
	(3, '0003_reading.sql', '2026-11-28 04:51:43.701004+00'),
	(4, '0004_answers_modes_undo.sql', '2026-11-28 04:51:43.708983+00'),
	(5, '0005_watchdog.sql', '2026-11-28 04:51:43.729017+00'),
	(6, '0006_api.sql', '2026-11-28 04:51:43.732952+00'),
	(7, '0007_operators.sql', '2026-11-28 04:51:43.825114+00'),
	(8, '0008_patience.sql', '2026-11-28 04:51:43.82898+00');
INSERT INTO public.upload_history VALUES
	('UPLOAD_20241221_103045_created', 'VEND001', 'UPLOAD_20241221_103045_created.csv', 'uploads/VEND001/UPLOAD_20241221_103045_created.csv', 'v1', 1000, 3, 3, 0, 'completed', NULL, NULL, NULL, '2024-12-21 10:30:45+00', '2026-11-28 04:51:43.852867+00', '2026-11-28 04:51:43.857309+00', '2026-11-28 04:51:43.857309+00', NULL, NULL, NULL, NULL, 'create', 'reject_rows', 3, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, 0, NULL),
	('UPLOAD_20241221_103045_changed', 'VEND001', 'UPLOAD_20241221_103045_changed.csv', 'uploads/VEND001/UPLOAD_20241221_103045_changed.csv', 'v1', 1000, 1, 1, 0, 'completed', NULL, NULL, NULL, '2024-12-21 10:30:45+00', '2026-11-28 04:51:43.869008+00', '2026-11-28 04:51:43.873045+00', '2026-11-28 04:51:43.873045+00', NULL, NULL, NULL, NULL, 'update', 'reject_rows', 0, 1, 0, 0, NULL, NULL, NULL, 0, NULL, 0, 0, NULL),
	('UPLOAD_20241221_103045_half', 'VEND001', 'UPLOAD_20241221_103045_half.csv', 'uploads/VEND001/UPLOAD_20241221_103045_half.csv', 'v1', 1000, 4, 1, 1, 'processing', NULL, NULL, NULL, '2024-12-21 10:30:45+00', '2026-11-28 04:51:43.885032+00', NULL, '2026-11-28 04:51:43.889031+00', NULL, NULL, NULL, NULL, 'create', 'reject_rows', 1, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, 0, NULL),
	('UPLOAD_20241221_103045_whole', 'VEND001', 'UPLOAD_20241221_103045_whole.csv', 'uploads/VEND001/UPLOAD_20241221_103045_whole.csv', 'v1', 1000, 3, 0, 0, 'processing', NULL, NULL, NULL, '2024-12-21 10:30:45+00', '2026-11-28 04:51:43.897023+00', NULL, '2026-11-28 04:51:43.901032+00', NULL, NULL, NULL, NULL, 'create', 'reject_file', 0, 0, 0, 1, NULL, NULL, NULL, 0, NULL, 0, 0, NULL);
INSERT INTO public.validation_errors VALUES
	(1, 'UPLOAD_20241221_103045_half', 'VEND001', 2, 'P-half-2', 'INVALID_PRICE', 'price', 'Price must be at least 0.01', '{"sku": "S-half-2", "unit": "piece", "brand": "TechGear", "price": "0", "category": "Computer Accessories", "image_url": "https://images.example.com/mouse.jpg", "weight_kg": "0.25", "description": "Ergonomic wireless mouse...", "subcategory": "Mice & Keyboards", "product_name": "Wireless Mouse - Model 651", "dimensions_cm": "12x8x4", "stock_quantity": "150", "vendor_product_id": "P-half-2"}', '2026-11-28 04:51:43.889031+00', '0', 'a number from 0.01 to 999999.99 with at most two decimals', '');
INSERT INTO public.vendors VALUES
	('VEND001', 'TechGear', 'contact@techgear.com', NULL, 'active', '2026-11-28 04:51:43.697069+00'),
	('VEND002', 'StyleWear', 'sales@stylewear.com', NULL, 'active', '2026-11-28 04:51:43.697069+00'),
	('VEND003', 'HomeEssentials', 'info@homeess.com', NULL, 'active', '2026-11-28 04:51:43.697069+00');
SELECT pg_catalog.setval('public.actions_action_id_seq', 1, false);
SELECT pg_catalog.setval('public.link_uses_use_id_seq', 1, false);
SELECT pg_catalog.setval('public.operators_operator_id_seq', 1, false);
SELECT pg_catalog.setval('public.product_categories_category_id_seq', 20, true);
SELECT pg_catalog.setval('public.products_product_id_seq', 4, true);
SELECT pg_catalog.setval('public.validation_errors_error_id_seq', 1, true);
ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_pk PRIMARY KEY (action_id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pk PRIMARY KEY (key_id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_sha256_key UNIQUE (key_sha256);
ALTER TABLE ONLY public.held_rows
    ADD CONSTRAINT held_rows_pk PRIMARY KEY (upload_id, row_number);
ALTER TABLE ONLY public.link_uses
    ADD CONSTRAINT link_uses_pk PRIMARY KEY (use_id);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_pk PRIMARY KEY (operator_id);
ALTER TABLE ONLY public.product_categories
    ADD CONSTRAINT product_categories_name_key UNIQUE (category_name);
ALTER TABLE ONLY public.product_categories
    ADD CONSTRAINT product_categories_pk PRIMARY KEY (category_id);
ALTER TABLE ONLY public.product_changes
    ADD CONSTRAINT product_changes_pk PRIMARY KEY (upload_id, row_number);
ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pk PRIMARY KEY (product_id);
ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_sku_key UNIQUE (sku);
ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_upload_row_key UNIQUE (upload_id, row_number);
ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_vendor_product_key UNIQUE (vendor_id, vendor_product_id);
ALTER TABLE ONLY public.quarantined_objects
    ADD CONSTRAINT quarantined_objects_pk PRIMARY KEY (s3_key, s3_version_id);
ALTER TABLE ONLY public.revoked_links
    ADD CONSTRAINT revoked_links_pk PRIMARY KEY (s3_key);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pk PRIMARY KEY (session_sha256);
ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_pk PRIMARY KEY (link_sha256);
ALTER TABLE ONLY public.sweep_position
    ADD CONSTRAINT sweep_position_pk PRIMARY KEY (is_the_only_one);
ALTER TABLE ONLY public.undo_kept
    ADD CONSTRAINT undo_kept_pk PRIMARY KEY (upload_id, row_number);
ALTER TABLE ONLY public.upload_history
    ADD CONSTRAINT upload_history_object_key UNIQUE (s3_key, s3_version_id);
ALTER TABLE ONLY public.upload_history
    ADD CONSTRAINT upload_history_pk PRIMARY KEY (upload_id);
ALTER TABLE ONLY public.upload_tickets
    ADD CONSTRAINT upload_tickets_key_key UNIQUE (s3_key);
ALTER TABLE ONLY public.upload_tickets
    ADD CONSTRAINT upload_tickets_once UNIQUE (vendor_id, idempotency_key);
ALTER TABLE ONLY public.upload_tickets
    ADD CONSTRAINT upload_tickets_pk PRIMARY KEY (ticket_id);
ALTER TABLE ONLY public.upload_warnings
    ADD CONSTRAINT upload_warnings_pk PRIMARY KEY (upload_id, number);
ALTER TABLE ONLY public.validation_errors
    ADD CONSTRAINT validation_errors_once UNIQUE (upload_id, row_number, error_type, error_field);
ALTER TABLE ONLY public.validation_errors
    ADD CONSTRAINT validation_errors_pk PRIMARY KEY (error_id);
ALTER TABLE ONLY public.vendors
    ADD CONSTRAINT vendors_pk PRIMARY KEY (vendor_id);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pk PRIMARY KEY (vendor_id);
CREATE INDEX actions_vendor ON public.actions USING btree (vendor_id, action_id DESC);
CREATE INDEX api_keys_vendor ON public.api_keys USING btree (vendor_id, created_at DESC);
CREATE INDEX link_uses_key ON public.link_uses USING btree (s3_key, use_id DESC);
CREATE UNIQUE INDEX operators_email ON public.operators USING btree (lower((email)::text));
CREATE INDEX product_changes_product ON public.product_changes USING btree (product_id);
CREATE INDEX product_changes_released ON public.product_changes USING btree (upload_id, released_sku) WHERE (released_sku IS NOT NULL);
CREATE INDEX products_category ON public.products USING btree (category);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sign_in_links_expiry ON public.sign_in_links USING btree (expires_at);
CREATE INDEX sign_in_requests_at ON public.sign_in_requests USING btree (at);
CREATE INDEX sign_in_requests_subject ON public.sign_in_requests USING btree (subject, at);
CREATE INDEX upload_history_completed ON public.upload_history USING btree (processing_completed_at);
CREATE INDEX upload_history_content ON public.upload_history USING btree (vendor_id, content_sha256, upload_timestamp DESC);
CREATE INDEX upload_history_status ON public.upload_history USING btree (status);
CREATE INDEX upload_history_time ON public.upload_history USING btree (upload_timestamp DESC, upload_id DESC);
CREATE INDEX upload_history_untold ON public.upload_history USING btree (processing_completed_at) WHERE ((notified_at IS NULL) AND ((status)::text <> 'processing'::text));
CREATE INDEX upload_history_vendor_time ON public.upload_history USING btree (vendor_id, upload_timestamp DESC);
CREATE INDEX validation_errors_time ON public.validation_errors USING btree (created_at);
CREATE INDEX validation_errors_type ON public.validation_errors USING btree (error_type);
CREATE INDEX vendors_email ON public.vendors USING btree (lower((email)::text));
CREATE TRIGGER products_touched BEFORE UPDATE ON public.products FOR EACH ROW EXECUTE FUNCTION public.products_touch();
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.held_rows
    ADD CONSTRAINT held_rows_upload_fk FOREIGN KEY (upload_id) REFERENCES public.upload_history(upload_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.product_changes
    ADD CONSTRAINT product_changes_upload_fk FOREIGN KEY (upload_id) REFERENCES public.upload_history(upload_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_operator_fk FOREIGN KEY (operator_id) REFERENCES public.operators(operator_id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_operator_fk FOREIGN KEY (operator_id) REFERENCES public.operators(operator_id);
ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.undo_kept
    ADD CONSTRAINT undo_kept_upload_fk FOREIGN KEY (upload_id) REFERENCES public.upload_history(upload_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.upload_history
    ADD CONSTRAINT upload_history_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.upload_tickets
    ADD CONSTRAINT upload_tickets_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.upload_warnings
    ADD CONSTRAINT upload_warnings_upload_fk FOREIGN KEY (upload_id) REFERENCES public.upload_history(upload_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.validation_errors
    ADD CONSTRAINT validation_errors_upload_fk FOREIGN KEY (upload_id) REFERENCES public.upload_history(upload_id);
ALTER TABLE ONLY public.validation_errors
    ADD CONSTRAINT validation_errors_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_vendor_fk FOREIGN KEY (vendor_id) REFERENCES public.vendors(vendor_id);
ALTER TABLE public.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY actions_own ON public.actions TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY api_keys_own ON public.api_keys TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.link_uses ENABLE ROW LEVEL SECURITY;
CREATE POLICY link_uses_own ON public.link_uses TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.product_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY product_changes_own ON public.product_changes TO onboarding_vendor USING ((EXISTS ( SELECT
   FROM public.upload_history u
  WHERE (((u.upload_id)::text = (product_changes.upload_id)::text) AND ((u.vendor_id)::text = public.current_vendor())))));
ALTER TABLE public.products ENABLE ROW LEVEL SECURITY;
CREATE POLICY products_own ON public.products TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.revoked_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY revoked_links_own ON public.revoked_links TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.undo_kept ENABLE ROW LEVEL SECURITY;
CREATE POLICY undo_kept_own ON public.undo_kept TO onboarding_vendor USING ((EXISTS ( SELECT
   FROM public.upload_history u
  WHERE (((u.upload_id)::text = (undo_kept.upload_id)::text) AND ((u.vendor_id)::text = public.current_vendor())))));
ALTER TABLE public.upload_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY upload_history_own ON public.upload_history TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.upload_tickets ENABLE ROW LEVEL SECURITY;
CREATE POLICY upload_tickets_own ON public.upload_tickets TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.upload_warnings ENABLE ROW LEVEL SECURITY;
CREATE POLICY upload_warnings_own ON public.upload_warnings TO onboarding_vendor USING ((EXISTS ( SELECT
   FROM public.upload_history u
  WHERE (((u.upload_id)::text = (upload_warnings.upload_id)::text) AND ((u.vendor_id)::text = public.current_vendor())))));
ALTER TABLE public.validation_errors ENABLE ROW LEVEL SECURITY;
CREATE POLICY validation_errors_own ON public.validation_errors TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.vendors ENABLE ROW LEVEL SECURITY;
CREATE POLICY vendors_own ON public.vendors TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
ALTER TABLE public.webhooks ENABLE ROW LEVEL SECURITY;
CREATE POLICY webhooks_own ON public.webhooks TO onboarding_vendor USING (((vendor_id)::text = public.current_vendor())) WITH CHECK (((vendor_id)::text = public.current_vendor()));
GRANT USAGE ON SCHEMA public TO onboarding_vendor;
GRANT SELECT,INSERT ON TABLE public.actions TO onboarding_vendor;
GRANT INSERT ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(key_id) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(vendor_id) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(name) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(scopes) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(created_at) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(created_by) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(expires_at) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT(last_used_at) ON TABLE public.api_keys TO onboarding_vendor;
GRANT SELECT ON TABLE public.link_uses TO onboarding_vendor;
GRANT SELECT ON TABLE public.product_categories TO onboarding_vendor;
GRANT SELECT ON TABLE public.product_changes TO onboarding_vendor;
GRANT SELECT ON TABLE public.products TO onboarding_vendor;
GRANT SELECT,INSERT ON TABLE public.revoked_links TO onboarding_vendor;
GRANT SELECT ON TABLE public.undo_kept TO onboarding_vendor;
GRANT SELECT ON TABLE public.upload_history TO onboarding_vendor;
GRANT SELECT,INSERT ON TABLE public.upload_tickets TO onboarding_vendor;
GRANT UPDATE(expires_at) ON TABLE public.upload_tickets TO onboarding_vendor;
GRANT SELECT ON TABLE public.upload_warnings TO onboarding_vendor;
GRANT SELECT ON TABLE public.validation_errors TO onboarding_vendor;
GRANT SELECT ON TABLE public.vendors TO onboarding_vendor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhooks TO onboarding_vendor;
