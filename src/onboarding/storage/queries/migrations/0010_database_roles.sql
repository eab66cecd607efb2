-- One role for each group of functions. Each logs in with a password of its own (onboarding/storage/database_roles.py sets them); the
-- owner of the tables is for migrations and the function `admin` alone. Row-level security holds every role but the owner.
--
--   onboarding_pipeline     csv-parser, product-validator, error-processor, watchdog: uploads and the catalog
--   onboarding_api          api: keys, sessions and sign-in links; for all else a request takes one of two other roles:
--   onboarding_vendor         a vendor's request: the rows of one vendor (migration 0006)
--   onboarding_operator       an operator's request, and undo, cancel and dry run: the rows of all vendors
--   onboarding_report_link  report-link: whether a link is revoked, and the record of its use
--
-- Roles belong to the cluster, so another database of it may have made them already.
do $$
declare
    name text;
begin
    foreach name in array array[
        'onboarding_pipeline', 'onboarding_api', 'onboarding_operator', 'onboarding_report_link'
    ] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format('create role %I%s', name, case when name <> 'onboarding_operator' then ' login' end);
            end if;
        exception
            when duplicate_object or unique_violation then null;
        end;
        execute format('grant usage on schema public to %I', name);
    end loop;
    -- Without inheritance: the login itself sees no row of a vendor, so a request that forgets to take a role fails.
    foreach name in array array['onboarding_vendor', 'onboarding_operator'] loop
        begin
            if not pg_has_role('onboarding_api', name, 'set') then
                execute format('grant %I to onboarding_api with inherit false, set true', name);
            end if;
        exception
            when unique_violation then null;
        end;
    end loop;
    begin
        if not pg_has_role(current_user, 'onboarding_operator', 'set') then
            execute format('grant onboarding_operator to %I with inherit false, set true', current_user);
        end if;
    exception
        when unique_violation then null;
    end;
end
$$;

-- What these roles may do is said by their grants; row-level security restricts vendors' requests.
do $$
declare
    name text;
begin
    for name in select relname from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity loop
        execute format(
            'create policy %I on %I '
            'to onboarding_pipeline, onboarding_operator, onboarding_api, onboarding_report_link '
            'using (true) with check (true)',
            name || '_all', name
        );
    end loop;
end
$$;

-- -- The pipeline: uploads, their outcomes, and the catalog ------------------------------------------------------------
grant select on
    vendors, product_categories, products, upload_history, validation_errors, upload_warnings, product_changes, held_rows,
    quarantined_objects, sweep_position, read_attempts
to onboarding_pipeline;
grant insert on
    products, upload_history, validation_errors, upload_warnings, product_changes, held_rows, quarantined_objects,
    sweep_position, read_attempts
to onboarding_pipeline;
grant update on products, upload_history, sweep_position, read_attempts to onboarding_pipeline;
grant delete on held_rows, sweep_position, read_attempts to onboarding_pipeline;
grant usage on sequence products_product_id_seq, validation_errors_error_id_seq to onboarding_pipeline;
-- Whether a key is that of a ticket.
grant select (s3_key) on upload_tickets to onboarding_pipeline;

-- -- The API: who is asking --------------------------------------------------------------------------------------------
grant select on api_keys, sessions, sign_in_links, sign_in_requests to onboarding_api;
grant select (vendor_id, vendor_name, email, status) on vendors to onboarding_api;
grant select on operators to onboarding_api;
grant insert on sessions, sign_in_links, sign_in_requests, actions to onboarding_api;
grant update (last_used_at) on api_keys to onboarding_api;
grant update (used_at) on sign_in_links to onboarding_api;
grant update (ended_at) on sessions to onboarding_api;
grant delete on sessions, sign_in_links, sign_in_requests to onboarding_api;

-- -- Operators' requests -----------------------------------------------------------------------------------------------
grant select on
    vendors, product_categories, products, upload_history, validation_errors, upload_warnings, product_changes, held_rows,
    undo_kept, quarantined_objects, revoked_links, link_uses, actions, webhooks
to onboarding_operator;
-- Not the hash, as for vendors.
grant select (key_id, vendor_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at)
    on api_keys to onboarding_operator;
grant select (vendor_id, used_at) on sign_in_links to onboarding_operator;
grant select (vendor_id, ended_at, expires_at) on sessions to onboarding_operator;
grant insert on vendors, product_categories, revoked_links, actions to onboarding_operator;
grant update on vendors, product_categories to onboarding_operator;
grant update (revoked_at) on api_keys to onboarding_operator;
grant update (used_at) on sign_in_links to onboarding_operator;
grant update (ended_at) on sessions to onboarding_operator;
grant usage on sequence product_categories_category_id_seq to onboarding_operator;
-- To cancel an upload, and to undo one.
grant insert on validation_errors, undo_kept to onboarding_operator;
grant update on products, upload_history to onboarding_operator;
grant delete on products, undo_kept to onboarding_operator;
grant usage on sequence validation_errors_error_id_seq to onboarding_operator;

-- -- The link in the mail ----------------------------------------------------------------------------------------------
grant select (s3_key) on revoked_links to onboarding_report_link;
grant insert on link_uses to onboarding_report_link;
