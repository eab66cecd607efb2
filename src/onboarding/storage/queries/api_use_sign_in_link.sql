-- The one statement that uses a link up says whose it is: of two at once, one finds it.
with used as (
    update sign_in_links
    set used_at = now()
    where link_sha256 = %(link)s and used_at is null and expires_at > now()
    returning vendor_id, operator_id
)
select u.vendor_id, u.operator_id, coalesce(v.vendor_name, o.name), coalesce(v.email, o.email)
from used u
left join vendors v using (vendor_id)
left join operators o using (operator_id)
where o.operator_id is null or o.status = 'active'
