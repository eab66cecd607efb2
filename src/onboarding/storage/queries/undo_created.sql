-- What an upload created goes, unless something has changed it since.
delete from products
where upload_id = %(upload_id)s and updated_at = created_at
