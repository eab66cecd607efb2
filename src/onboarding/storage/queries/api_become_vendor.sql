-- From here to the end of the transaction every statement sees this vendor's rows alone.
select set_config('onboarding.vendor_id', %(vendor_id)s, true), set_config('role', 'onboarding_vendor', true)
