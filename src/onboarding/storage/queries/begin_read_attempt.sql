-- Counts an attempt; no row for an object whose attempts are used up and cannot be running any more.
insert into read_attempts as counted (s3_key, s3_version_id)
values (%(s3_key)s, %(s3_version_id)s)
on conflict (s3_key, s3_version_id) do update
set attempts = counted.attempts + 1, begun_at = now()
where counted.attempts < %(most)s or counted.begun_at > now() - %(patience)s::interval
returning attempts
