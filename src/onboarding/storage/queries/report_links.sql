-- name: is_report_link_revoked
-- Return whether the links to a file are revoked.
select exists (select from revoked_report_links where s3_key = %(s3_key)s)

-- name: revoke_report_link
-- Revoke all links to a file.
insert into revoked_report_links (s3_key, vendor_id, revoked_by)
values (%(s3_key)s, %(vendor_id)s, %(revoked_by)s)
on conflict do nothing

-- name: get_report_link_revocation
-- Return the time at which the links to these files were revoked.
select min(revoked_at) from revoked_report_links where s3_key = any(%(keys)s::text[])

-- name: insert_report_link_click
-- Insert a click on a link to a file.
insert into report_link_clicks (s3_key, vendor_id, outcome, ip, user_agent)
values (%(s3_key)s, %(vendor_id)s, %(outcome)s, %(ip)s, %(user_agent)s)

-- name: list_report_link_clicks
-- List the last 100 clicks on links to these files.
select at, s3_key, outcome, ip, user_agent
from report_link_clicks
where s3_key = any(%(keys)s::text[])
order by click_id desc
limit 100
