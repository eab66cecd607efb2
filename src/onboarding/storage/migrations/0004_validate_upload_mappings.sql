-- The constraints of the migration before. The tables can be used meanwhile.
alter table upload_history validate constraint upload_history_mapping_fk;
alter table upload_history validate constraint upload_history_mapping_has_version;
