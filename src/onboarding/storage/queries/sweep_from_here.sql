insert into sweep_position (s3_key, s3_version_id)
values (%(s3_key)s, %(s3_version_id)s)
on conflict (is_the_only_one) do update set s3_key = excluded.s3_key, s3_version_id = excluded.s3_version_id
