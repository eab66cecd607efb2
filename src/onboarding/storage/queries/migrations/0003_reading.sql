-- How each file was read, and what was odd about it.

alter table upload_history add column detected jsonb;

create table upload_warnings (
    upload_id   varchar(50)  not null constraint upload_warnings_upload_fk references upload_history on delete cascade,
    number      integer      not null,
    code        varchar(50)  not null,
    message     text         not null,
    row_number  integer,
    column_name varchar(100),
    constraint upload_warnings_pk primary key (upload_id, number)
);
