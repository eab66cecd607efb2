-- Whose session this is, if it has not ended; a suspended operator has none.
select
    s.vendor_id, coalesce(v.vendor_name, o.name), coalesce(v.email, o.email), coalesce(v.status, o.status), o.role
from sessions s
left join vendors v using (vendor_id)
left join operators o using (operator_id)
where s.session_sha256 = %(session)s and s.ended_at is null and s.expires_at > now()
  and (o.operator_id is null or o.status = 'active')
