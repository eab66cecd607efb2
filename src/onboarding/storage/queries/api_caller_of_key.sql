-- Whose key this is, if it is good; and that it was used, to the minute.
with found as (
    select k.key_id, k.vendor_id, v.vendor_name, v.email, v.status, k.scopes, k.last_used_at
    from api_keys k
    join vendors v using (vendor_id)
    where k.key_sha256 = %(key)s and k.revoked_at is null and k.expires_at > now()
),
used as (
    update api_keys k
    set last_used_at = now()
    from found
    where k.key_id = found.key_id
      and (found.last_used_at is null or found.last_used_at < now() - interval '1 minute')
)
select key_id, vendor_id, vendor_name, email, status, scopes from found
