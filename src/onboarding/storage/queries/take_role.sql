-- From here to the end of the transaction: with this role's rights.
select set_config('role', %(role)s, true)
