-- The mapping that an upload used, and the value mappings with their numbers of rows. A repeated event uses them.
-- `missing_columns`: the required columns that a rejected file lacks, each with the most similar header or a blank text.
alter table upload_history
    add column mapping_id varchar(20),
    add column mapping_version integer,
    add column used_values jsonb not null default '[]',
    add column missing_columns jsonb not null default '{}',
    add constraint upload_history_mapping_fk
        foreign key (mapping_id, mapping_version) references mapping_versions (mapping_id, version) not valid,
    add constraint upload_history_mapping_has_version
        check ((mapping_id is null) = (mapping_version is null)) not valid;
