select s3_key, s3_version_id
from unnest(%(keys)s::text[], %(versions)s::text[]) as listed (s3_key, s3_version_id)
where exists (
        select from upload_history u where u.s3_key = listed.s3_key and u.s3_version_id = listed.s3_version_id
    )
   or exists (
        select from quarantined_objects q where q.s3_key = listed.s3_key and q.s3_version_id = listed.s3_version_id
    )
