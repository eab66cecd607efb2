-- name: insert_operator
-- Insert an operator, unless the e-mail address exists.
insert into operators (email, name, role) values (%(email)s, %(name)s, %(role)s) on conflict do nothing

-- name: update_operator
-- Update the columns of an operator whose parameters are not null.
update operators
set name = coalesce(%(name)s, name), role = coalesce(%(role)s, role), status = coalesce(%(status)s, status)
where lower(email) = lower(%(email)s)

-- name: lock_operator
-- Lock and return an operator.
select name, role, status from operators where lower(email) = lower(%(email)s) for update

-- name: list_operators
-- List all operators.
select email, name, role, status from operators order by email
